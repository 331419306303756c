-- Bills of materials, and how long production takes. Run again at every upgrade.

-- ------------------------------------------------------------------ a company's own
CREATE OR REPLACE FUNCTION production_company_setup(company bigint, chart text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    INSERT INTO number_series (company_id, code, pattern) VALUES (company, 'production_order', 'PR{YYYY}-{00000}')
    ON CONFLICT (company_id, code) DO NOTHING $$;

-- ------------------------------------------------------------------ what may not be
-- Nothing is made of itself, whatever the version and however deep. Whoever adds to bills of a
-- company does so one after the other: two halves of a circle then see each other.
CREATE OR REPLACE FUNCTION bom_circle_check(company bigint, bom bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    made bigint;
    by_way_of bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('bom'), company::integer);
    SELECT b.item_id INTO made FROM bom b WHERE b.id = bom_circle_check.bom AND b.active;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    WITH RECURSIVE below AS (
        SELECT l.item_id, l.item_id AS first FROM bom_line l WHERE l.bom_id = bom_circle_check.bom
        UNION
        SELECT l.item_id, d.first FROM below d
          JOIN bom b ON b.company_id = company AND b.item_id = d.item_id AND b.active
          JOIN bom_line l ON l.bom_id = b.id
         WHERE d.item_id <> made
    ) SELECT d.first INTO by_way_of FROM below d WHERE d.item_id = made LIMIT 1;
    IF by_way_of = made THEN
        PERFORM fail('circle', 'lines', '%s cannot be made of itself', (SELECT i.code FROM item i WHERE i.id = made));
    ELSIF by_way_of IS NOT NULL THEN
        PERFORM fail('circle', 'lines', '%s is part of %s already: neither can be made of the other',
                     (SELECT i.code FROM item i WHERE i.id = made), (SELECT i.code FROM item i WHERE i.id = by_way_of));
    END IF;
END $$;

CREATE OR REPLACE FUNCTION bom_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM item i WHERE i.id = NEW.item_id AND i.kind <> 'stocked') THEN
        PERFORM fail('not_stocked', 'item_id', '%s is not kept in stock', (SELECT i.code FROM item i WHERE i.id = NEW.item_id));
    END IF;
    PERFORM bom_circle_check(NEW.company_id, NEW.id);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER bom_keep AFTER INSERT OR UPDATE OF item_id, active ON bom
    FOR EACH ROW EXECUTE FUNCTION bom_keep();

CREATE OR REPLACE FUNCTION bom_line_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM item i WHERE i.id = NEW.item_id AND i.kind <> 'stocked') THEN
        PERFORM fail('not_stocked', 'item_id', '%s is not kept in stock', (SELECT i.code FROM item i WHERE i.id = NEW.item_id));
    END IF;
    PERFORM bom_circle_check(NEW.company_id, NEW.bom_id);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER bom_line_keep AFTER INSERT OR UPDATE OF item_id, bom_id ON bom_line
    FOR EACH ROW EXECUTE FUNCTION bom_line_keep();

-- ------------------------------------------------------------------ bills of materials
-- The version by which an item is made on a day: the default one, else the newest that is
-- valid. Null: it is not made.
CREATE OR REPLACE FUNCTION bom_of(company bigint, item bigint, day date) RETURNS bigint
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT b.id FROM bom b
             WHERE b.company_id = company AND b.item_id = item AND b.active
               AND day BETWEEN b.valid_from AND coalesce(b.valid_to, 'infinity')
             ORDER BY b.is_default DESC, b.valid_from DESC, b.id DESC LIMIT 1);
END $$;

/*
 * What a quantity takes by a bill: its lines in order, phantoms replaced by theirs, however
 * deep. What is lost is added (scrap, in percent of what is used). A share is kept as a
 * fraction until the end, so that a third of three is one: items that are counted are rounded
 * up to whole units, all others to six digits. operation: the position of the first bill's
 * operation that needs it.
 */
CREATE OR REPLACE FUNCTION bom_explode(company bigint, bom bigint, of_quantity numeric, day date DEFAULT app_today())
    RETURNS TABLE ("position" integer, item_id bigint, quantity numeric, operation integer)
    LANGUAGE plpgsql STABLE ROWS 10 AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE part AS (
        SELECT ARRAY[l.position, l.id] AS path, l.item_id AS item, l.operation AS needed_at,
               of_quantity * l.quantity * (100 + l.scrap) AS num, b.quantity * 100 AS den,
               phantom_of(company, l.item_id, day) AS phantom
          FROM bom b JOIN bom_line l ON l.bom_id = b.id
         WHERE b.company_id = company AND b.id = bom_explode.bom
        UNION ALL
        SELECT p.path || ARRAY[l.position, l.id], l.item_id, p.needed_at,
               p.num * l.quantity * (100 + l.scrap), p.den * b.quantity * 100, phantom_of(company, l.item_id, day)
          FROM part p JOIN bom b ON b.id = p.phantom JOIN bom_line l ON l.bom_id = b.id
    )
    SELECT (row_number() OVER (ORDER BY p.path))::integer, p.item,
           CASE WHEN u.dimension IN ('count', 'package')
                THEN div(p.num, p.den) + CASE WHEN mod(p.num, p.den) > 0 THEN 1 ELSE 0 END
                ELSE greatest(round(p.num / p.den, 6), 0.000001) END, p.needed_at
      FROM part p JOIN item i ON i.id = p.item JOIN uom u ON u.id = i.uom_id
     WHERE p.phantom IS NULL
     ORDER BY p.path;
END $$;

-- The bill of an item that is a phantom on a day.
CREATE OR REPLACE FUNCTION phantom_of(company bigint, item bigint, day date) RETURNS bigint
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT b.id FROM bom b WHERE b.id = bom_of(company, item, day) AND b.kind = 'phantom');
END $$;

-- ------------------------------------------------------------------ how long it takes
-- Working time of a routing's operations for a quantity: what waits, is set up, and runs, on
-- as many places as the work centre has. Whole seconds, rounded up.
CREATE OR REPLACE FUNCTION routing_time(routing bigint, quantity numeric)
    RETURNS TABLE ("position" integer, calendar_id bigint, needed interval)
    LANGUAGE plpgsql STABLE ROWS 5 AS $$
BEGIN
    RETURN QUERY
    SELECT o.position, coalesce(w.calendar_id, app_calendar()),
           (ceil(60 * (o.queue_minutes + o.setup_minutes + o.run_minutes * routing_time.quantity / w.capacity))::text
            || ' seconds')::interval
      FROM routing_operation o JOIN work_center w ON w.id = o.work_center_id
     WHERE o.routing_id = routing;
END $$;

-- The day on which a quantity is finished that is begun on a day: the operations one after the
-- other on the calendars of their work centres; without a routing the item's lead time in
-- working days; without that, the same day. Null when a calendar has no such time.
CREATE OR REPLACE FUNCTION production_finish(company bigint, item bigint, bom bigint, quantity numeric, start_day date)
    RETURNS date LANGUAGE plpgsql STABLE AS $$
DECLARE
    zone   text := coalesce(nullif(current_setting('tenon.time_zone', true), ''), 'UTC');
    moment timestamptz := start_day::timestamp AT TIME ZONE zone;
    o      record;
    days   integer;
BEGIN
    FOR o IN SELECT t.* FROM bom b CROSS JOIN LATERAL routing_time(b.routing_id, production_finish.quantity) t
              WHERE b.company_id = company AND b.id = production_finish.bom ORDER BY t.position
    LOOP
        moment := calendar_add(o.calendar_id, moment, o.needed);
    END LOOP;
    IF FOUND THEN                        -- work that ends at midnight ends on the day before
        RETURN greatest(((moment - interval '1 microsecond') AT TIME ZONE zone)::date, start_day);
    END IF;
    SELECT i.lead_days INTO days FROM item i WHERE i.id = item;
    RETURN CASE WHEN days > 0 THEN calendar_day_add(app_calendar(), start_day, days) ELSE start_day END;
END $$;

-- The day on which a quantity must be begun to be finished on a day: the same, backwards.
CREATE OR REPLACE FUNCTION production_start(company bigint, item bigint, bom bigint, quantity numeric, finish_day date)
    RETURNS date LANGUAGE plpgsql STABLE AS $$
DECLARE
    zone   text := coalesce(nullif(current_setting('tenon.time_zone', true), ''), 'UTC');
    moment timestamptz := (finish_day + 1)::timestamp AT TIME ZONE zone;
    o      record;
    days   integer;
BEGIN
    FOR o IN SELECT t.* FROM bom b CROSS JOIN LATERAL routing_time(b.routing_id, production_start.quantity) t
              WHERE b.company_id = company AND b.id = production_start.bom ORDER BY t.position DESC
    LOOP
        moment := calendar_add(o.calendar_id, moment, -o.needed);
    END LOOP;
    IF FOUND THEN
        RETURN least((moment AT TIME ZONE zone)::date, finish_day);
    END IF;
    SELECT i.lead_days INTO days FROM item i WHERE i.id = item;
    RETURN CASE WHEN days > 0 THEN calendar_day_add(app_calendar(), finish_day, -days) ELSE finish_day END;
END $$;
GRANT EXECUTE ON FUNCTION bom_of, bom_explode, phantom_of, routing_time, production_finish, production_start TO tenon_app;
