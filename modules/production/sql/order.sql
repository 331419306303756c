-- The life of a production order: what is filled in, what stays, and the progress that follows
-- from movements and reports. Run again at every upgrade.
--
-- Whoever derives columns of an order locks its row first, in a statement of its own.

-- The company's location between the components and what is made of them: posted against work
-- in progress, since it has no account of its own.
CREATE OR REPLACE FUNCTION production_side(company bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT min(id) FROM location
             WHERE company_id = company AND kind = 'production' AND account_id IS NULL AND active);
END $$;
GRANT EXECUTE ON FUNCTION production_side TO tenon_app;

-- ------------------------------------------------------------------ a new order
CREATE OR REPLACE FUNCTION production_order_prepare() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    day date := coalesce(NEW.planned_start, NEW.planned_finish, app_today());
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.item_id, NEW.warehouse_id, NEW.supply_id, NEW.promise_id)
           IS DISTINCT FROM (OLD.item_id, OLD.warehouse_id, OLD.supply_id, OLD.promise_id) THEN
            PERFORM fail('read_only', 'item_id', 'What %s makes, and where, stays: make another order', OLD.number);
        ELSIF OLD.state <> 'planned' AND (NEW.bom_id, NEW.quantity) IS DISTINCT FROM (OLD.bom_id, OLD.quantity) THEN
            PERFORM fail('read_only', 'state', '%s is released: what it makes stays', OLD.number);
        END IF;
    ELSIF NEW.supply_id IS NOT NULL THEN
        SELECT s.warehouse_id, s.promise_id INTO NEW.warehouse_id, NEW.promise_id FROM supply s
         WHERE s.id = NEW.supply_id AND s.method = 'make' AND NOT s.firm;
        IF NOT FOUND THEN
            PERFORM fail('not_planned', 'supply_id', 'This supply is not a plan to make something');
        END IF;
    ELSIF NEW.warehouse_id IS NULL THEN
        SELECT min(id) INTO NEW.warehouse_id FROM warehouse WHERE company_id = NEW.company_id AND active;
    END IF;
    IF NEW.bom_id IS NULL THEN
        NEW.bom_id := bom_of(NEW.company_id, NEW.item_id, day);
    END IF;
    IF NOT EXISTS (SELECT FROM bom b WHERE b.id = NEW.bom_id AND b.kind = 'make') THEN
        PERFORM fail('no_bom', 'item_id', '%s has no bill of materials to be made by on %s',
                     (SELECT code FROM item WHERE id = NEW.item_id), day::text);
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.bom_id, NEW.quantity) IS DISTINCT FROM (OLD.bom_id, OLD.quantity)
        AND NEW.planned_finish = OLD.planned_finish THEN
        NEW.planned_finish := NULL;
    END IF;
    IF NEW.planned_start IS NULL AND NEW.planned_finish IS NOT NULL THEN
        NEW.planned_start := production_start(NEW.company_id, NEW.item_id, NEW.bom_id, NEW.quantity, NEW.planned_finish);
    END IF;
    NEW.planned_start := coalesce(NEW.planned_start, day);
    NEW.planned_finish := coalesce(NEW.planned_finish,
        production_finish(NEW.company_id, NEW.item_id, NEW.bom_id, NEW.quantity, NEW.planned_start), NEW.planned_start);
    PERFORM stock_lock(ARRAY(SELECT NEW.item_id UNION SELECT e.item_id
        FROM bom_explode(NEW.company_id, NEW.bom_id, NEW.quantity, NEW.planned_start) e), NEW.company_id);
    IF NEW.supply_id IS NULL THEN
        NEW.supply_id := supply_add(NEW.company_id, NEW.item_id, NEW.warehouse_id, 'make', NEW.planned_finish,
                                    NEW.quantity, true, NEW.promise_id);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER production_order_prepare
    BEFORE INSERT OR UPDATE OF item_id, bom_id, quantity, warehouse_id, supply_id, promise_id, planned_start, planned_finish ON production_order
    FOR EACH ROW EXECUTE FUNCTION production_order_prepare();

-- The operations of the routing as they are now, and when each begins: one after the other
-- from the start of the order.
CREATE OR REPLACE FUNCTION production_operations_fill(o production_order) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    zone   text := coalesce(nullif(current_setting('tenon.time_zone', true), ''), 'UTC');
    moment timestamptz := o.planned_start::timestamp AT TIME ZONE zone;
    begins timestamptz;
    r      record;
BEGIN
    FOR r IN SELECT p.*, w.labour_rate, w.machine_rate, t.calendar_id, t.needed
               FROM bom b JOIN routing_operation p ON p.routing_id = b.routing_id
               JOIN work_center w ON w.id = p.work_center_id
               JOIN LATERAL routing_time(b.routing_id, o.quantity) t ON t.position = p.position
              WHERE b.id = o.bom_id ORDER BY p.position
    LOOP
        begins := calendar_add(r.calendar_id, moment, make_interval(mins => floor(r.queue_minutes)::integer));
        INSERT INTO production_operation (company_id, order_id, position, name, name_zh, work_center_id, planned_start,
                                          planned_minutes, labour_rate, machine_rate)
        VALUES (o.company_id, o.id, r.position, r.name, r.name_zh, r.work_center_id,
                coalesce((calendar_add(r.calendar_id, begins, interval '1 second') AT TIME ZONE zone)::date, o.planned_start),
                round(r.setup_minutes + r.run_minutes * o.quantity, 6), r.labour_rate, r.machine_rate);
        moment := calendar_add(r.calendar_id, moment, r.needed);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION production_order_fill() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM production_component WHERE order_id = NEW.id;
        DELETE FROM production_operation WHERE order_id = NEW.id;
    END IF;
    INSERT INTO production_component (company_id, order_id, position, item_id, quantity, operation)
    SELECT NEW.company_id, NEW.id, e.position, e.item_id, e.quantity, e.operation
      FROM bom_explode(NEW.company_id, NEW.bom_id, NEW.quantity, NEW.planned_start) e ORDER BY e.position;
    PERFORM production_operations_fill(NEW);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER production_order_fill AFTER INSERT ON production_order
    FOR EACH ROW EXECUTE FUNCTION production_order_fill();
CREATE OR REPLACE TRIGGER production_order_refill AFTER UPDATE ON production_order FOR EACH ROW
    WHEN ((OLD.item_id, OLD.bom_id, OLD.quantity) IS DISTINCT FROM (NEW.item_id, NEW.bom_id, NEW.quantity))
    EXECUTE FUNCTION production_order_fill();

-- ------------------------------------------------------------------ what stays
-- The promise of a component: that of the plan which the order takes over; else from the day on
-- which the order begins, as soon as stock and expected supply can cover it. Null: they cannot,
-- and the component has to wait for what nobody else was promised.
CREATE OR REPLACE FUNCTION production_promise(o production_order, item bigint, needed numeric) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    planned promise;
    day     date;
BEGIN
    SELECT p.* INTO planned FROM promise p
     WHERE p.supply_id = o.supply_id AND p.item_id = item AND p.quantity > 0
       AND NOT EXISTS (SELECT FROM production_component c WHERE c.promise_id = p.id)
     ORDER BY p.quantity = needed DESC, p.id LIMIT 1;
    IF FOUND THEN
        PERFORM promise_set(planned.id, planned.day, least(planned.quantity, needed));
        RETURN planned.id;
    END IF;
    PERFORM stock_lock(ARRAY[item], o.company_id);
    day := promise_ready(o.company_id, item, o.warehouse_id, needed, o.planned_start);
    RETURN CASE WHEN day IS NOT NULL THEN promise_put(o.company_id, item, o.warehouse_id, day, needed, o.supply_id) END;
END $$;

-- Components and operations change as long as the order is a plan: what was set aside and
-- reported for them stays theirs.
CREATE OR REPLACE FUNCTION production_part_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    o production_order;
BEGIN
    SELECT * INTO o FROM production_order
     WHERE id = CASE WHEN TG_OP = 'DELETE' THEN OLD.order_id ELSE NEW.order_id END FOR NO KEY UPDATE;
    IF o.state <> 'planned' THEN
        PERFORM fail('read_only', CASE TG_TABLE_NAME WHEN 'production_component' THEN 'components' ELSE 'operations' END,
                     '%s is released: its components and operations stay', o.number);
    END IF;
    IF TG_TABLE_NAME = 'production_component' AND TG_OP = 'DELETE' THEN
        PERFORM promise_set(p.id, p.day, 0) FROM promise p WHERE p.id = OLD.promise_id;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    IF TG_TABLE_NAME = 'production_component' THEN
        IF NEW.item_id = o.item_id THEN
            PERFORM fail('circle', 'components', '%s cannot be made of itself', (SELECT i.code FROM item i WHERE i.id = o.item_id));
        END IF;
        IF EXISTS (SELECT FROM item i WHERE i.id = NEW.item_id AND i.kind <> 'stocked') THEN
            PERFORM fail('not_stocked', 'components', '%s is not kept in stock', (SELECT i.code FROM item i WHERE i.id = NEW.item_id));
        END IF;
        NEW.planned_cost := coalesce(stock_default_cost(NEW.company_id, NEW.item_id, NULL), 0);
        IF TG_OP = 'INSERT' OR (NEW.item_id, NEW.quantity) IS DISTINCT FROM (OLD.item_id, OLD.quantity) THEN
            IF TG_OP = 'UPDATE' THEN
                PERFORM promise_set(p.id, p.day, 0) FROM promise p WHERE p.id = OLD.promise_id;
            END IF;
            NEW.promise_id := production_promise(o, NEW.item_id, NEW.quantity);
        END IF;
    ELSIF NEW.labour_rate IS NULL THEN
        SELECT w.labour_rate, w.machine_rate INTO NEW.labour_rate, NEW.machine_rate
          FROM work_center w WHERE w.id = NEW.work_center_id;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER production_part_keep
    BEFORE INSERT OR DELETE OR UPDATE OF order_id, position, item_id, quantity, operation ON production_component
    FOR EACH ROW EXECUTE FUNCTION production_part_keep();
CREATE OR REPLACE TRIGGER production_part_keep
    BEFORE INSERT OR DELETE OR UPDATE OF order_id, position, work_center_id, planned_minutes ON production_operation
    FOR EACH ROW EXECUTE FUNCTION production_part_keep();

CREATE OR REPLACE FUNCTION production_order_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF OLD.state <> 'planned' THEN
        PERFORM fail('not_planned', NULL, 'Order %s is released: cancel it instead', OLD.number);
    END IF;
    PERFORM supply_set(OLD.supply_id, OLD.planned_finish, 0, true);
    RETURN OLD;
END $$;
CREATE OR REPLACE TRIGGER keep BEFORE DELETE ON production_order
    FOR EACH ROW EXECUTE FUNCTION production_order_deleted();

-- What others are promised of an order follows it; so do the promises to it, when it begins
-- later or is over.
CREATE OR REPLACE FUNCTION production_supply_follow() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM supply_set(NEW.supply_id, NEW.planned_finish,
        CASE WHEN NEW.state IN ('planned', 'released', 'started')
             THEN NEW.quantity - NEW.quantity_finished - NEW.quantity_scrapped ELSE 0 END, true);
    IF TG_OP = 'UPDATE' THEN
        PERFORM promise_set(p.id, greatest(p.day, NEW.planned_start),
                            CASE WHEN NEW.state IN ('closed', 'cancelled') THEN 0 ELSE p.quantity END)
           FROM production_component c JOIN promise p ON p.id = c.promise_id AND p.quantity > 0
          WHERE c.order_id = NEW.id
            AND (NEW.state IN ('closed', 'cancelled') OR p.day < NEW.planned_start) ORDER BY p.item_id;
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER production_supply_follow AFTER INSERT OR UPDATE ON production_order
    FOR EACH ROW EXECUTE FUNCTION production_supply_follow();

-- A link to an order is made with its shipment and stays; a component's line is on a shipment
-- of its order.
CREATE OR REPLACE FUNCTION production_link_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fail('read_only', 'production_order_id', 'The production order stays');
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER production_link_stays BEFORE UPDATE OF production_order_id ON shipment FOR EACH ROW
    WHEN (OLD.production_order_id IS DISTINCT FROM NEW.production_order_id) EXECUTE FUNCTION production_link_stays();
CREATE OR REPLACE TRIGGER production_link_stays BEFORE UPDATE OF production_component_id ON shipment_line FOR EACH ROW
    WHEN (OLD.production_component_id IS DISTINCT FROM NEW.production_component_id) EXECUTE FUNCTION production_link_stays();

CREATE OR REPLACE FUNCTION production_line_linked() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM production_component c JOIN shipment s ON s.production_order_id = c.order_id
                    WHERE c.id = NEW.production_component_id AND s.id = NEW.shipment_id) THEN
        PERFORM fail('other_order', 'lines', 'A component is issued on a shipment of its own order');
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER production_line_linked AFTER INSERT OR UPDATE OF shipment_id ON shipment_line
    FOR EACH ROW WHEN (NEW.production_component_id IS NOT NULL) EXECUTE FUNCTION production_line_linked();

-- Once goods have moved through production, its account stays work in progress.
CREATE OR REPLACE FUNCTION production_location_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM stock_balance b WHERE b.company_id = OLD.company_id AND b.location_id = OLD.id) THEN
        PERFORM fail('location_in_use', 'account_id', 'Goods have moved through %s already: make a new location', OLD.code);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER production_location_keep AFTER UPDATE OF account_id, kind ON location FOR EACH ROW
    WHEN (OLD.kind = 'production' AND (OLD.account_id IS DISTINCT FROM NEW.account_id OR OLD.kind <> NEW.kind))
    EXECUTE FUNCTION production_location_keep();

-- ------------------------------------------------------------------ from stock
-- What went into production counts on its component, what came out on its order. Nothing goes
-- in or comes out without an order that is at work: the account of work in progress is then
-- the sum of the orders.
CREATE OR REPLACE FUNCTION production_moved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    orders bigint[];
    wrong  boolean;
BEGIN
    SELECT array_agg(DISTINCT s.production_order_id),
           bool_or(o.id IS NULL OR (l.production_component_id IS NULL AND m.item_id <> o.item_id))
      INTO orders, wrong
      FROM new_rows m JOIN location p ON p.id IN (m.from_location_id, m.to_location_id)
       AND p.kind = 'production' AND p.account_id IS NULL
      LEFT JOIN shipment_line l ON l.id = m.shipment_line_id LEFT JOIN shipment s ON s.id = l.shipment_id
      LEFT JOIN production_order o ON o.id = s.production_order_id;
    IF wrong THEN
        PERFORM fail('no_production_order', 'other_location_id',
                     'Goods go into production, and come out of it, by a production order');
    ELSIF orders IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM FROM production_order WHERE id = ANY (orders) ORDER BY id FOR NO KEY UPDATE;
    PERFORM fail('wrong_state', 'state', '%s is not in work', o.number)
       FROM production_order o WHERE o.id = ANY (orders) AND o.state NOT IN ('released', 'started', 'finished');
    UPDATE production_component c SET issued = c.issued + d.quantity
      FROM (SELECT l.production_component_id AS id,
                   sum(CASE WHEN t.kind = 'production' THEN m.quantity ELSE -m.quantity END) AS quantity
              FROM new_rows m JOIN shipment_line l ON l.id = m.shipment_line_id AND l.production_component_id IS NOT NULL
              JOIN location f ON f.id = m.from_location_id JOIN location t ON t.id = m.to_location_id
             WHERE (f.kind = 'production') <> (t.kind = 'production') GROUP BY 1) d
     WHERE c.id = d.id;
    UPDATE production_order o SET quantity_finished = o.quantity_finished + d.quantity
      FROM (SELECT s.production_order_id AS id,
                   sum(CASE WHEN f.kind = 'production' THEN m.quantity ELSE -m.quantity END) AS quantity
              FROM new_rows m JOIN shipment_line l ON l.id = m.shipment_line_id AND l.production_component_id IS NULL
              JOIN shipment s ON s.id = l.shipment_id AND s.production_order_id = ANY (orders)
              JOIN location f ON f.id = m.from_location_id JOIN location t ON t.id = m.to_location_id
             WHERE (f.kind = 'production') <> (t.kind = 'production') GROUP BY 1) d
     WHERE o.id = d.id;
    UPDATE production_order o SET materials = d.materials
      FROM production_order_derived d WHERE d.id = o.id AND o.id = ANY (orders) AND o.materials <> d.materials;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER production_moved AFTER INSERT ON stock_move
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION production_moved();

-- ------------------------------------------------------------------ what is reported
CREATE OR REPLACE FUNCTION time_entry_prepare() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    o production_order;
BEGIN
    SELECT * INTO o FROM production_order WHERE id = NEW.order_id FOR NO KEY UPDATE;
    IF o.state NOT IN ('released', 'started', 'finished') THEN
        PERFORM fail('wrong_state', 'state', '%s is not in work', o.number);
    END IF;
    IF NEW.reported_on > app_today() THEN
        PERFORM fail('in_future', 'reported_on', 'Work is reported when it is done, not for %s', NEW.reported_on::text);
    END IF;
    SELECT w.labour_rate, w.machine_rate INTO NEW.labour_rate, NEW.machine_rate
      FROM production_operation p JOIN work_center w ON w.id = p.work_center_id WHERE p.id = NEW.operation_id;
    NEW.labour_rate := coalesce(NEW.labour_rate, 0);
    NEW.machine_rate := coalesce(NEW.machine_rate, 0);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER time_entry_prepare BEFORE INSERT ON time_entry
    FOR EACH ROW EXECUTE FUNCTION time_entry_prepare();

-- An operation cannot have done more than the one before it gave. What an operation has to do
-- is the order less what was lost before.
CREATE OR REPLACE FUNCTION time_entry_added() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    orders bigint[] := ARRAY(SELECT DISTINCT order_id FROM new_rows);
    bad    record;
BEGIN
    UPDATE production_operation p
       SET labour_minutes = p.labour_minutes + t.labour, machine_minutes = p.machine_minutes + t.machine,
           good = p.good + t.good, scrap = p.scrap + t.scrap
      FROM (SELECT operation_id, sum(labour_minutes) AS labour, sum(machine_minutes) AS machine, sum(good) AS good,
                   sum(scrap) AS scrap
              FROM new_rows WHERE operation_id IS NOT NULL GROUP BY 1) t
     WHERE p.id = t.operation_id;
    UPDATE production_order o SET quantity_scrapped = o.quantity_scrapped + t.scrap
      FROM (SELECT order_id, sum(scrap) AS scrap FROM new_rows GROUP BY 1 HAVING sum(scrap) <> 0) t
     WHERE o.id = t.order_id;
    SELECT d.name, d.given INTO bad
      FROM production_operation_derived d WHERE d.order_id = ANY (orders) AND d.good + d.scrap > d.given
     ORDER BY d.position LIMIT 1;
    IF FOUND THEN
        PERFORM fail('too_much', 'good', '%s: only %s were there to be worked on', bad.name, trim_scale(bad.given)::text);
    END IF;
    UPDATE production_operation p SET progress = d.progress
      FROM production_operation_derived d
     WHERE d.order_id = ANY (orders) AND p.id = d.id AND p.progress <> d.progress;
    INSERT INTO production_cost (company_id, order_id, kind, posting_date, amount, time_entry_id)
    SELECT t.company_id, t.order_id, k.kind, t.reported_on, k.amount, t.id
      FROM new_rows t CROSS JOIN LATERAL (VALUES
           ('labour', base_round(t.company_id, t.labour_minutes * t.labour_rate / 60)),
           ('machine', base_round(t.company_id, t.machine_minutes * t.machine_rate / 60))) k (kind, amount)
     WHERE k.amount <> 0 ORDER BY t.id;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER time_entry_added AFTER INSERT ON time_entry
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION time_entry_added();
