-- When can it leave? What may still be promised of an item in a warehouse on a day is what is
-- free in stock now, plus what comes up to that day, less what was promised up to that day. A
-- promise needs that much on its day and on every later one: so no later order, whatever its
-- date, takes what an earlier one was promised. (The cumulative available-to-promise of APICS.)
--
-- What is set aside is gone from the free stock and is a demand no more. Run again at every
-- upgrade. Lock order: the item's head (stock_lock) before anything is decided.

-- ------------------------------------------------------------------ sums per day
-- Days on which something was promised or is expected, kept by the triggers below alone.
CREATE OR REPLACE FUNCTION promise_day_add(company bigint, item bigint, warehouse bigint, on_day date,
                                           more_supply numeric, more_demand numeric) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    INSERT INTO promise_day AS d VALUES (company, item, warehouse, on_day, greatest(more_supply, 0), greatest(more_demand, 0))
    ON CONFLICT (company_id, item_id, warehouse_id, day)
    DO UPDATE SET supply = d.supply + more_supply, demand = d.demand + more_demand;
    DELETE FROM promise_day d
     WHERE (d.company_id, d.item_id, d.warehouse_id, d.day) = (company, item, warehouse, on_day)
       AND d.supply = 0 AND d.demand = 0;
END $$;

-- One after the other in the order of their keys; what cancels out is not touched.
CREATE OR REPLACE FUNCTION promise_days_add(moved promise_day[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM promise_day_add(d.company_id, d.item_id, d.warehouse_id, d.day, d.supply, d.demand)
       FROM (SELECT m.company_id, m.item_id, m.warehouse_id, m.day, sum(m.supply) AS supply, sum(m.demand) AS demand
               FROM unnest(moved) m GROUP BY 1, 2, 3, 4 HAVING sum(m.supply) <> 0 OR sum(m.demand) <> 0
              ORDER BY 1, 2, 3, 4) d;
END $$;

CREATE OR REPLACE FUNCTION supply_day_follow() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    moved promise_day[] := '{}';
BEGIN
    IF TG_OP <> 'DELETE' THEN
        moved := ARRAY(SELECT (company_id, item_id, warehouse_id, day, quantity, 0)::promise_day FROM new_rows);
    END IF;
    IF TG_OP <> 'INSERT' THEN
        moved := moved || ARRAY(SELECT (company_id, item_id, warehouse_id, day, -quantity, 0)::promise_day FROM old_rows);
    END IF;
    PERFORM promise_days_add(moved);
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION promise_day_follow() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    moved promise_day[] := '{}';
BEGIN
    IF TG_OP <> 'DELETE' THEN
        moved := ARRAY(SELECT (company_id, item_id, warehouse_id, day, 0, quantity - reserved)::promise_day FROM new_rows);
    END IF;
    IF TG_OP <> 'INSERT' THEN
        moved := moved || ARRAY(SELECT (company_id, item_id, warehouse_id, day, 0, reserved - quantity)::promise_day FROM old_rows);
    END IF;
    PERFORM promise_days_add(moved);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER day_insert AFTER INSERT ON supply REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION supply_day_follow();
CREATE OR REPLACE TRIGGER day_update AFTER UPDATE ON supply REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION supply_day_follow();
CREATE OR REPLACE TRIGGER day_delete AFTER DELETE ON supply REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION supply_day_follow();
CREATE OR REPLACE TRIGGER day_insert AFTER INSERT ON promise REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION promise_day_follow();
CREATE OR REPLACE TRIGGER day_update AFTER UPDATE ON promise REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION promise_day_follow();
CREATE OR REPLACE TRIGGER day_delete AFTER DELETE ON promise REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION promise_day_follow();

-- ------------------------------------------------------------------ available to promise
/*
 * The days that matter, from today on, and what is available at the end of each; `lost` is what
 * expired just before it after the promises before it took, of the stock, what expires first.
 * What is late comes tomorrow at the earliest: nobody is promised today what is not here.
 */
CREATE OR REPLACE FUNCTION promise_days(company bigint, item bigint, warehouse bigint)
    RETURNS TABLE (day date, available numeric, lost numeric)
    LANGUAGE plpgsql STABLE ROWS 10 SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    today  date := app_today();
    pools  numeric[];                         -- free stock that expires, earliest first
    ends   date[];
    rest   numeric;                           -- what does not; what comes
    take   numeric;
    part   numeric;
    e      record;
BEGIN
    SELECT coalesce(sum(u.free) FILTER (WHERE u.expires_on IS NULL), 0),
           array_agg(u.free ORDER BY u.expires_on, u.lot_id) FILTER (WHERE u.expires_on IS NOT NULL),
           array_agg(u.expires_on ORDER BY u.expires_on, u.lot_id) FILTER (WHERE u.expires_on IS NOT NULL)
      INTO rest, pools, ends
      FROM stock_usable u
     WHERE u.company_id = company AND u.item_id = item AND u.warehouse_id = warehouse;
    IF pools IS NULL THEN
        RETURN QUERY
        SELECT s.at, rest + sum(s.delta) OVER (ORDER BY s.at), 0::numeric
          FROM (SELECT x.at, sum(x.delta) AS delta
                  FROM (SELECT today AS at, 0::numeric AS delta
                        UNION ALL
                        SELECT greatest(d.day, today + 1), d.supply FROM promise_day d
                         WHERE d.company_id = company AND d.item_id = item AND d.warehouse_id = warehouse AND d.supply <> 0
                        UNION ALL
                        SELECT greatest(d.day, today), -d.demand FROM promise_day d
                         WHERE d.company_id = company AND d.item_id = item AND d.warehouse_id = warehouse AND d.demand <> 0) x
                 GROUP BY x.at) s
         ORDER BY s.at;
        RETURN;
    END IF;
    FOR e IN
        SELECT x.at, sum(x.supply) AS supply, sum(x.demand) AS demand
          FROM (SELECT today AS at, 0::numeric AS supply, 0::numeric AS demand
                UNION ALL SELECT DISTINCT u + 1, 0, 0 FROM unnest(ends) u
                UNION ALL
                SELECT greatest(d.day, today + 1), d.supply, 0 FROM promise_day d
                 WHERE d.company_id = company AND d.item_id = item AND d.warehouse_id = warehouse
                UNION ALL
                SELECT greatest(d.day, today), 0, d.demand FROM promise_day d
                 WHERE d.company_id = company AND d.item_id = item AND d.warehouse_id = warehouse) x
         GROUP BY x.at ORDER BY x.at
    LOOP
        lost := 0;
        rest := rest + e.supply;
        take := e.demand;
        FOR i IN 1 .. cardinality(pools) LOOP
            IF ends[i] < e.at THEN
                lost := lost + pools[i];
                pools[i] := 0;
            END IF;
            part := least(take, pools[i]);
            pools[i] := pools[i] - part;
            take := take - part;
        END LOOP;
        rest := rest - take;
        day := e.at;
        available := rest + (SELECT sum(p) FROM unnest(pools) p);
        RETURN NEXT;
    END LOOP;
END $$;

-- What may be promised is told to the company itself alone.
CREATE OR REPLACE FUNCTION promise_own(company bigint) RETURNS void
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF company IS DISTINCT FROM app_company() THEN
        PERFORM fail('forbidden', NULL, 'You do not work for this company');
    END IF;
END $$;

-- The same without the losses: for reading.
CREATE OR REPLACE FUNCTION promise_available(company bigint, item bigint, warehouse bigint)
    RETURNS TABLE (day date, available numeric)
    LANGUAGE plpgsql STABLE ROWS 10 SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM promise_own(company);
    RETURN QUERY SELECT d.day, d.available FROM promise_days(company, item, warehouse) d;
END $$;

-- How much can be promised for a day without taking anything from anybody on any later one.
CREATE OR REPLACE FUNCTION promise_free(company bigint, item bigint, warehouse bigint, on_day date) RETURNS numeric
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM promise_own(company);
    -- What expires after the day may be used up before: it comes back into the later sums.
    RETURN (SELECT min(CASE WHEN x.available < 0 THEN x.available ELSE x.available + x.spared END)
              FROM (SELECT d.day, d.available, lead(d.day) OVER w AS until,
                           coalesce(sum(d.lost) FILTER (WHERE d.day > on_day) OVER w, 0) AS spared
                      FROM promise_days(company, item, warehouse) d WINDOW w AS (ORDER BY d.day)) x
             WHERE coalesce(x.until > on_day, true));
END $$;

-- The earliest day from this one on for which so much can be promised; null: no such day.
CREATE OR REPLACE FUNCTION promise_ready(company bigint, item bigint, warehouse bigint, wanted numeric, from_day date)
    RETURNS date LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    d     record;
    since date := greatest(from_day, app_today());
    found_day date;
    expires boolean;
BEGIN
    PERFORM promise_own(company);
    SELECT min(x.day) FILTER (WHERE x.least >= wanted), bool_or(x.lost <> 0) INTO found_day, expires
      FROM (SELECT p.day, p.lost, min(p.available) OVER (ORDER BY p.day DESC) AS least   -- a frame that only grows
              FROM promise_days(company, item, warehouse) p) x;
    IF NOT expires THEN
        RETURN CASE WHEN found_day IS NOT NULL THEN greatest(found_day, since) END;
    END IF;
    FOR d IN SELECT greatest(x.day, since) AS day FROM promise_days(company, item, warehouse) x GROUP BY 1 ORDER BY 1 LOOP
        IF promise_free(company, item, warehouse, d.day) >= wanted THEN
            RETURN d.day;
        END IF;
    END LOOP;
    RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION promise_available, promise_free, promise_ready TO tenon_app;

-- ------------------------------------------------------------------ writing
-- For triggers and gates of the documents behind them; the server itself may call none.
CREATE OR REPLACE FUNCTION supply_add(company bigint, item bigint, warehouse bigint, by_method text, on_day date,
                                      amount numeric, is_firm boolean, for_promise bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM stock_lock(ARRAY[item], company);
    INSERT INTO supply (company_id, item_id, warehouse_id, method, day, quantity, firm, promise_id)
    VALUES (company, item, warehouse, by_method, on_day, amount, is_firm, for_promise) RETURNING id INTO made;
    RETURN made;
END $$;

-- Nothing more to come: amount 0. The row stays, and with it what it was for.
CREATE OR REPLACE FUNCTION supply_set(supply_id bigint, on_day date, amount numeric, is_firm boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM stock_lock(ARRAY[s.item_id], s.company_id) FROM supply s WHERE s.id = supply_id;
    UPDATE supply s SET day = on_day, quantity = greatest(amount, 0), firm = is_firm
     WHERE s.id = supply_id AND (s.day, s.quantity, s.firm) IS DISTINCT FROM (on_day, greatest(amount, 0), is_firm);
END $$;

CREATE OR REPLACE FUNCTION promise_put(company bigint, item bigint, warehouse bigint, on_day date, amount numeric,
                                       for_supply bigint) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM stock_lock(ARRAY[item], company);
    INSERT INTO promise (company_id, item_id, warehouse_id, day, quantity, supply_id)
    VALUES (company, item, warehouse, on_day, amount, for_supply) RETURNING id INTO made;
    RETURN made;
END $$;

-- What is set aside for it stays promised: less than that cannot be left open.
CREATE OR REPLACE FUNCTION promise_set(promise_id bigint, on_day date, amount numeric) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM stock_lock(ARRAY[p.item_id], p.company_id) FROM promise p WHERE p.id = promise_id;
    UPDATE promise p SET day = on_day, quantity = greatest(amount, p.reserved)
     WHERE p.id = promise_id AND (p.day, p.quantity) IS DISTINCT FROM (on_day, greatest(amount, p.reserved));
END $$;

-- ------------------------------------------------------------------ never above supply
-- At COMMIT, whoever wrote it: a promise that is new, larger or earlier is covered on its day
-- and on every later one. Less supply is always accepted: it shows in promise_exception.
CREATE OR REPLACE FUNCTION promise_covered() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    now_is promise;
    missing numeric;
BEGIN
    PERFORM stock_lock(ARRAY[NEW.item_id], NEW.company_id);
    SELECT * INTO now_is FROM promise WHERE id = NEW.id;
    IF NOT FOUND OR now_is.quantity = now_is.reserved AND now_is.quantity < NEW.quantity THEN
        RETURN NULL;                          -- given back, or delivered, since
    END IF;
    missing := -promise_free(NEW.company_id, NEW.item_id, NEW.warehouse_id, greatest(now_is.day, app_today()));
    IF missing > 0 THEN
        PERFORM fail('short', 'lines', '%s: %s more are promised for %s than there will be',
                     (SELECT code FROM item WHERE id = NEW.item_id), trim_scale(missing)::text, now_is.day::text);
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS promise_covered_new ON promise;
CREATE CONSTRAINT TRIGGER promise_covered_new AFTER INSERT ON promise
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.quantity > NEW.reserved) EXECUTE FUNCTION promise_covered();
DROP TRIGGER IF EXISTS promise_covered ON promise;
CREATE CONSTRAINT TRIGGER promise_covered AFTER UPDATE ON promise
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.quantity > OLD.quantity OR NEW.day < OLD.day AND NEW.quantity > NEW.reserved)
    EXECUTE FUNCTION promise_covered();

-- ------------------------------------------------------------------ fulfilled by shipments
-- What a line sets aside or moves, it does for its promise.
CREATE OR REPLACE FUNCTION promise_line_moved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    UPDATE promise p SET quantity = greatest(p.quantity - d.done, p.reserved + d.reserved, 0),
                         reserved = p.reserved + d.reserved
      FROM (SELECT n.promise_id, sum(n.quantity_done - o.quantity_done) AS done,
                   sum(n.quantity_reserved - o.quantity_reserved) AS reserved
              FROM old_rows o JOIN new_rows n USING (id)
             WHERE n.promise_id IS NOT NULL
               AND (n.quantity_done, n.quantity_reserved) <> (o.quantity_done, o.quantity_reserved)
             GROUP BY 1) d
     WHERE p.id = d.promise_id;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER promise_line_moved AFTER UPDATE ON shipment_line
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION promise_line_moved();

-- A line that is deleted gives back what it had set aside: the promise is open again.
CREATE OR REPLACE FUNCTION promise_line_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM old_rows WHERE promise_id IS NOT NULL AND quantity_reserved > 0) THEN
        RETURN NULL;
    END IF;
    PERFORM stock_lock(array_agg(DISTINCT o.item_id), o.company_id)
       FROM old_rows o WHERE o.promise_id IS NOT NULL GROUP BY o.company_id;
    UPDATE promise p SET reserved = p.reserved - d.reserved
      FROM (SELECT promise_id, sum(quantity_reserved) AS reserved FROM old_rows GROUP BY 1) d
     WHERE p.id = d.promise_id AND d.reserved > 0;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER promise_line_deleted AFTER DELETE ON shipment_line
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION promise_line_deleted();

CREATE OR REPLACE FUNCTION promise_link_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fail('read_only', 'promise_id', 'The promise that a line fulfils stays');
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER promise_link_stays BEFORE UPDATE OF promise_id ON shipment_line FOR EACH ROW
    WHEN (OLD.promise_id IS DISTINCT FROM NEW.promise_id) EXECUTE FUNCTION promise_link_stays();

-- At COMMIT, whoever wrote it: what is set aside is not what others were promised for a day
-- before its own. A line whose promise is due takes what is its own, also when others are short.
CREATE OR REPLACE FUNCTION reservation_kept() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    l record;
    missing numeric;
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.quantity <= OLD.quantity THEN
        RETURN NULL;
    END IF;
    SELECT s.warehouse_id, p.day INTO l
      FROM reservation r JOIN shipment_line n ON n.id = r.shipment_line_id JOIN shipment s ON s.id = n.shipment_id
      LEFT JOIN promise p ON p.id = n.promise_id
     WHERE r.id = NEW.id AND coalesce(p.day > app_today(), true);
    IF NOT FOUND OR NOT EXISTS (SELECT FROM promise_day d WHERE d.company_id = NEW.company_id AND d.item_id = NEW.item_id
                                   AND d.warehouse_id = l.warehouse_id AND d.demand > 0) THEN
        RETURN NULL;                          -- gone or shipped since, its own, or nobody was promised any
    END IF;
    PERFORM stock_lock(ARRAY[NEW.item_id], NEW.company_id);
    SELECT max(-d.available) INTO missing FROM promise_days(NEW.company_id, NEW.item_id, l.warehouse_id) d
     WHERE d.day < coalesce(l.day, 'infinity');
    IF missing > 0 THEN
        PERFORM fail('promised', 'lines', '%s: %s of it are promised to others',
                     (SELECT code FROM item WHERE id = NEW.item_id), trim_scale(missing)::text);
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS reservation_kept ON reservation;
CREATE CONSTRAINT TRIGGER reservation_kept AFTER INSERT OR UPDATE ON reservation
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION reservation_kept();

/*
 * How much of an open line may be set aside now, where that is less than all of it: goods that
 * lie here may be promised to others before its own day. Its own promise may be served early as
 * far as nothing is missing on a day before that; a line without one takes what nobody was
 * promised. Lines whose promise is due are not named: they take what is theirs; nor are lines of
 * what can be promised to nobody (quarantine, a held lot).
 */
CREATE OR REPLACE FUNCTION promise_limits(shipments bigint[]) RETURNS TABLE (line_id bigint, allowed numeric)
    LANGUAGE plpgsql STABLE ROWS 1 SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    l       record;
    last_item bigint;
    last_warehouse bigint;
    granted numeric := 0;
    own     numeric;
BEGIN
    FOR l IN
        SELECT n.id, n.item_id, s.company_id, s.warehouse_id, n.quantity - n.quantity_done - n.quantity_reserved AS need,
               coalesce(p.quantity - p.reserved, 0) AS open, p.day
          FROM shipment_line n JOIN shipment s ON s.id = n.shipment_id
          LEFT JOIN promise p ON p.id = n.promise_id
         WHERE n.shipment_id = ANY (shipments) AND s.company_id = app_company() AND s.kind IN ('delivery', 'transfer')
           AND n.quantity > n.quantity_done + n.quantity_reserved
           AND NOT coalesce(p.day <= app_today() AND p.quantity - p.reserved >= n.quantity - n.quantity_done - n.quantity_reserved, false)
           AND EXISTS (SELECT FROM promise_day d WHERE d.company_id = s.company_id AND d.item_id = n.item_id
                          AND d.warehouse_id = s.warehouse_id)
           AND NOT EXISTS (SELECT FROM location q WHERE q.id = n.location_id AND q.quarantine)
           AND NOT EXISTS (SELECT FROM lot o WHERE o.id = n.lot_id AND (o.held OR o.expires_on < app_today()))
         ORDER BY n.item_id, s.warehouse_id, p.day NULLS LAST, s.planned_date, n.id
    LOOP
        IF (last_item, last_warehouse) IS DISTINCT FROM (l.item_id, l.warehouse_id) THEN
            granted := 0;
        END IF;
        own := least(l.need, l.open);
        IF l.day > app_today() THEN
            own := least(own, greatest((SELECT min(d.available) FROM promise_days(l.company_id, l.item_id, l.warehouse_id) d
                                         WHERE d.day < l.day) - granted, 0));
        END IF;
        allowed := own;
        IF l.need > own AND l.need > l.open THEN
            allowed := own + least(l.need - greatest(own, l.open), greatest(
                promise_free(l.company_id, l.item_id, l.warehouse_id, app_today()) - granted, 0));
        END IF;
        line_id := l.id;
        granted := granted + allowed;
        last_item := l.item_id;
        last_warehouse := l.warehouse_id;
        RETURN NEXT;
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION promise_limits TO tenon_app;
