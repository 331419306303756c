-- What keeps the stock's books: balances, reservations and lines. What it is worth is in
-- valuation.sql. Run again at every upgrade.
--
-- One lock order for all that touches stock: heads (stock_valuation) by item, then balances by
-- item, location and lot, then lines. The journal's counter comes last, at COMMIT.

-- ------------------------------------------------------------------ where
-- The company's location on the far side, of a kind.
CREATE OR REPLACE FUNCTION stock_side(company bigint, wanted text) RETURNS bigint
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT min(id) FROM location WHERE company_id = company AND kind = wanted AND active);
END $$;

-- The stock location of a warehouse: the root of its tree.
CREATE OR REPLACE FUNCTION stock_root(warehouse bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT id FROM location WHERE warehouse_id = warehouse AND parent_id IS NULL);
END $$;

GRANT EXECUTE ON FUNCTION stock_side, stock_root TO tenon_app;

-- May a lot be used: neither held, nor past the last day on which it is good? What has no lot
-- (nulls) may. One expression without a FROM, so that it is inlined.
CREATE OR REPLACE FUNCTION lot_usable(held boolean, expires_on date) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT NOT coalesce(held, false) AND coalesce(expires_on >= app_today(), true) $$;
GRANT EXECUTE ON FUNCTION lot_usable TO tenon_app;

-- ------------------------------------------------------------------ locks
-- Lock the heads of items in this company, in order; make those that are missing. First
-- statement of whatever decides on stock.
CREATE OR REPLACE FUNCTION stock_lock(items bigint[], in_company bigint DEFAULT app_company()) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    INSERT INTO stock_valuation (company_id, item_id, costing)
    SELECT in_company, i.id, i.costing FROM item i
     WHERE i.id = ANY (items) AND i.kind = 'stocked'
       AND NOT EXISTS (SELECT FROM stock_valuation h WHERE h.company_id = in_company AND h.item_id = i.id)
     ORDER BY i.id
        ON CONFLICT (item_id, company_id) DO NOTHING;
    PERFORM FROM stock_valuation h
      WHERE h.company_id = in_company AND h.item_id = ANY (items)
      ORDER BY h.item_id FOR UPDATE;
END $$;
GRANT EXECUTE ON FUNCTION stock_lock TO tenon_app;

-- ------------------------------------------------------------------ places
CREATE OR REPLACE FUNCTION warehouse_made() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    INSERT INTO location (company_id, warehouse_id, kind, code, name, name_zh)
    SELECT company_id, id, 'internal', code, name, name_zh FROM new_rows;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER warehouse_made AFTER INSERT ON warehouse
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION warehouse_made();

CREATE OR REPLACE FUNCTION location_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    NEW.allow_negative := NEW.allow_negative OR NEW.kind NOT IN ('internal', 'transit');
    IF TG_OP = 'INSERT' THEN
        RETURN NEW;
    END IF;
    IF (NEW.kind, NEW.warehouse_id) IS DISTINCT FROM (OLD.kind, OLD.warehouse_id)
        AND EXISTS (SELECT FROM stock_balance b WHERE b.company_id = OLD.company_id AND b.location_id = OLD.id) THEN
        PERFORM fail('location_in_use', 'kind', 'Goods have moved through %s already: make a new location', OLD.code);
    END IF;
    IF OLD.allow_negative AND NOT NEW.allow_negative
        AND EXISTS (SELECT FROM stock_balance b WHERE b.company_id = OLD.company_id AND b.location_id = OLD.id
                       AND b.on_hand < b.reserved) THEN
        PERFORM fail('negative_stock', 'allow_negative', 'There is negative stock in %s: mend it first', OLD.code);
    END IF;
    IF NEW.parent_id IS DISTINCT FROM OLD.parent_id AND NEW.parent_id IN (
        WITH RECURSIVE below AS (
            SELECT OLD.id AS id
            UNION ALL SELECT l.id FROM location l JOIN below b ON l.parent_id = b.id
        ) SELECT id FROM below) THEN
        PERFORM fail('circle', 'parent_id', 'A location cannot be part of itself');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER location_keep BEFORE INSERT OR UPDATE ON location
    FOR EACH ROW EXECUTE FUNCTION location_keep();

-- How an item is costed, counted and tracked stays, once it has moved.
CREATE OR REPLACE FUNCTION stock_item_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF (NEW.kind, NEW.uom_id, NEW.costing, NEW.tracking) IS DISTINCT FROM (OLD.kind, OLD.uom_id, OLD.costing, OLD.tracking)
        AND EXISTS (SELECT FROM stock_valuation h JOIN stock_move m USING (company_id, item_id)
                     WHERE h.item_id = OLD.id) THEN
        PERFORM fail('item_in_use', CASE WHEN NEW.costing <> OLD.costing THEN 'costing' WHEN NEW.kind <> OLD.kind THEN 'kind'
                                         WHEN NEW.tracking <> OLD.tracking THEN 'tracking' ELSE 'uom_id' END,
                     '%s has moved already: its kind, unit, costing and tracking stay', OLD.code);
    END IF;
    IF OLD.costing = 'standard' AND NEW.standard_cost IS DISTINCT FROM OLD.standard_cost
        AND EXISTS (SELECT FROM stock_valuation h WHERE h.item_id = OLD.id AND h.quantity <> 0) THEN
        PERFORM fail('item_in_use', 'standard_cost', 'There is stock of %s: its standard cost can change when none is left', OLD.code);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER stock_item_keep BEFORE UPDATE OF kind, uom_id, costing, tracking, standard_cost ON item
    FOR EACH ROW EXECUTE FUNCTION stock_item_keep();

-- ------------------------------------------------------------------ moves
CREATE OR REPLACE FUNCTION stock_move_prepare() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    i item;
BEGIN
    SELECT * INTO i FROM item WHERE id = NEW.item_id;
    IF i.kind <> 'stocked' THEN
        PERFORM fail('not_stocked', 'item_id', '%s is not kept in stock', i.code);
    END IF;
    IF NEW.moved_on > app_today() THEN
        PERFORM fail('in_future', 'date', 'Goods have moved today or before, not on %s', NEW.moved_on::text);
    END IF;
    IF i.tracking = 'none' AND NEW.lot_id IS NOT NULL THEN
        PERFORM fail('not_tracked', 'lot_id', '%s is not kept by lot', i.code);
    ELSIF i.tracking <> 'none' AND NEW.lot_id IS NULL THEN
        PERFORM fail('lot_missing', 'lot_id', 'Enter the lot or serial number of %s', i.code);
    ELSIF i.tracking = 'serial' AND NEW.quantity <> 1 THEN
        PERFORM fail('one_serial', 'quantity', 'A serial number is one unit of %s', i.code);
    END IF;
    SELECT count(*) FILTER (WHERE l.id = NEW.to_location_id) - count(*) FILTER (WHERE l.id = NEW.from_location_id)
      INTO NEW.direction FROM location l
     WHERE l.id IN (NEW.from_location_id, NEW.to_location_id) AND l.kind IN ('internal', 'transit');
    NEW.standard_cost := NULL;
    IF i.costing = 'standard' THEN
        IF i.standard_cost = 0 THEN
            PERFORM fail('unit_cost_missing', 'item_id', 'Enter the standard cost of %s first', i.code);
        END IF;
        NEW.standard_cost := i.standard_cost;
    END IF;
    IF NEW.direction <> 1 THEN
        NEW.unit_cost := NULL;
    ELSIF NEW.unit_cost IS NULL THEN
        NEW.unit_cost := stock_default_cost(NEW.company_id, NEW.item_id, NEW.shipment_line_id);
        IF NEW.unit_cost IS NULL THEN
            PERFORM fail('unit_cost_missing', 'unit_cost', 'Enter what a unit of %s costs', i.code);
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER stock_move_prepare BEFORE INSERT ON stock_move
    FOR EACH ROW EXECUTE FUNCTION stock_move_prepare();

/*
 * Moves are in: take them from the reservations of their lines, into the balances and onto the
 * lines, value them and prepare their postings. What is valued anew because a move came out
 * of order is corrected here too.
 */
CREATE OR REPLACE FUNCTION stock_moved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    for_lines boolean;
    twice text;
BEGIN
    PERFORM stock_lock(array_agg(DISTINCT item_id), company_id) FROM new_rows GROUP BY company_id ORDER BY company_id;
    for_lines := EXISTS (SELECT FROM new_rows WHERE shipment_line_id IS NOT NULL);
    IF for_lines THEN
        -- Done and no more set aside, in one step: the reservations' trigger then finds it right.
        UPDATE shipment_line l SET quantity_done = l.quantity_done + d.moved, quantity_reserved = l.quantity_reserved - d.held
          FROM (SELECT m.shipment_line_id, sum(m.moved) AS moved,
                       coalesce(sum(least(r.quantity, m.moved)) FILTER (WHERE r.id IS NOT NULL), 0) AS held
                  FROM (SELECT shipment_line_id, from_location_id, lot_id, sum(quantity) AS moved
                          FROM new_rows WHERE shipment_line_id IS NOT NULL GROUP BY 1, 2, 3) m
                  LEFT JOIN reservation r ON r.shipment_line_id = m.shipment_line_id AND r.location_id = m.from_location_id
                   AND r.lot_id IS NOT DISTINCT FROM m.lot_id GROUP BY 1) d
         WHERE l.id = d.shipment_line_id;
        DELETE FROM reservation r USING (
            SELECT shipment_line_id, from_location_id, lot_id, sum(quantity) AS moved
              FROM new_rows GROUP BY 1, 2, 3) m
         WHERE r.shipment_line_id = m.shipment_line_id AND r.location_id = m.from_location_id
           AND r.lot_id IS NOT DISTINCT FROM m.lot_id AND r.quantity <= m.moved;
        IF EXISTS (SELECT FROM new_rows n JOIN reservation r ON r.shipment_line_id = n.shipment_line_id) THEN
            UPDATE reservation r SET quantity = r.quantity - m.moved FROM (
                SELECT shipment_line_id, from_location_id, lot_id, sum(quantity) AS moved
                  FROM new_rows GROUP BY 1, 2, 3) m
             WHERE r.shipment_line_id = m.shipment_line_id AND r.location_id = m.from_location_id
               AND r.lot_id IS NOT DISTINCT FROM m.lot_id AND r.quantity > m.moved;
        END IF;
    END IF;
    INSERT INTO stock_balance AS b (company_id, item_id, location_id, lot_id, on_hand)
    SELECT company_id, item_id, at, lot_id, sum(delta)
      FROM (SELECT company_id, item_id, from_location_id AS at, lot_id, -quantity AS delta FROM new_rows
            UNION ALL SELECT company_id, item_id, to_location_id, lot_id, quantity FROM new_rows) d
     GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
        ON CONFLICT (company_id, item_id, location_id, lot_id) DO UPDATE SET on_hand = b.on_hand + excluded.on_hand;
    -- What was taken on a day that is not the last, or before it was there, is looked at again
    -- at COMMIT.
    UPDATE stock_balance b SET check_from = least(b.check_from, n.moved_on)
      FROM (SELECT company_id, item_id, from_location_id, lot_id, min(moved_on) AS moved_on
              FROM new_rows GROUP BY 1, 2, 3, 4) n
      JOIN location l ON l.id = n.from_location_id AND NOT l.allow_negative
     WHERE b.company_id = n.company_id AND b.item_id = n.item_id AND b.location_id = n.from_location_id
       AND b.lot_id IS NOT DISTINCT FROM n.lot_id
       AND (b.on_hand < 0 OR EXISTS (SELECT FROM stock_move m WHERE m.company_id = n.company_id
                                        AND m.item_id = n.item_id AND m.moved_on > n.moved_on));
    IF EXISTS (SELECT FROM new_rows WHERE lot_id IS NOT NULL) THEN
        SELECT i.code INTO twice FROM new_rows n JOIN item i ON i.id = n.item_id AND i.tracking = 'serial'
         WHERE n.direction = 1 AND 1 < (SELECT sum(b.on_hand) FROM stock_balance b JOIN location l ON l.id = b.location_id
                                         WHERE b.company_id = n.company_id AND b.item_id = n.item_id AND b.lot_id = n.lot_id
                                           AND l.kind IN ('internal', 'transit'))
         LIMIT 1;
        IF FOUND THEN
            PERFORM fail('one_serial', 'lot_id', 'A serial number is one unit of %s', twice);
        END IF;
    END IF;
    IF for_lines THEN
        UPDATE shipment s SET done_date = greatest(s.done_date, m.moved_on)
          FROM (SELECT l.shipment_id, max(n.moved_on) AS moved_on
                  FROM new_rows n JOIN shipment_line l ON l.id = n.shipment_line_id GROUP BY 1) m
         WHERE s.id = m.shipment_id AND (s.done_date IS NULL OR s.done_date < m.moved_on);
    END IF;
    PERFORM stock_value_moves(ARRAY(SELECT id FROM new_rows WHERE direction <> 0));
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER stock_moved AFTER INSERT ON stock_move
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION stock_moved();

-- ------------------------------------------------------------------ what may not be
-- Below zero, or below what is set aside, is refused at COMMIT: within a transaction goods
-- may leave before they arrive.
CREATE OR REPLACE FUNCTION stock_balance_check() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    b record;
BEGIN
    SELECT s.on_hand, s.reserved, i.code AS item, l.code AS place INTO b
      FROM stock_balance s JOIN location l ON l.id = s.location_id JOIN item i ON i.id = s.item_id
     WHERE s.id = NEW.id AND s.on_hand < s.reserved AND NOT l.allow_negative;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF b.on_hand < 0 THEN
        PERFORM fail('short_stock', 'quantity', 'There is not enough of %s in %s: %s are missing',
                     b.item, b.place, trim_scale(-b.on_hand)::text);
    END IF;
    PERFORM fail('reserved_stock', 'quantity', 'Of %s in %s, %s are reserved for other shipments',
                 b.item, b.place, trim_scale(b.reserved)::text);
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS stock_balance_check ON stock_balance;
CREATE CONSTRAINT TRIGGER stock_balance_check AFTER INSERT OR UPDATE ON stock_balance
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.on_hand < NEW.reserved)
    EXECUTE FUNCTION stock_balance_check();

-- Nor was there less than nothing on an earlier day (at its end): a back-dated issue needs stock
-- that was there, and is not missing on any day since. Once per balance and transaction.
CREATE OR REPLACE FUNCTION stock_history_check() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    b   stock_balance;
    bad record;
BEGIN
    UPDATE stock_balance s SET check_from = NULL
      FROM stock_balance o
     WHERE s.id = NEW.id AND o.id = s.id AND s.check_from IS NOT NULL
    RETURNING o.* INTO b;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    WITH day AS (
        SELECT m.moved_on, sum(CASE WHEN m.to_location_id = b.location_id THEN m.quantity ELSE -m.quantity END) AS delta
          FROM stock_move m
         WHERE m.company_id = b.company_id AND m.item_id = b.item_id AND m.moved_on >= b.check_from
           AND b.location_id IN (m.from_location_id, m.to_location_id)
           AND m.lot_id IS NOT DISTINCT FROM b.lot_id
         GROUP BY 1
    ), at_end AS (
        SELECT d.moved_on, b.on_hand - coalesce(sum(d.delta) OVER (ORDER BY d.moved_on DESC
                   ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS on_hand
          FROM day d
    )
    SELECT a.moved_on, a.on_hand INTO bad FROM at_end a WHERE a.on_hand < 0 ORDER BY a.moved_on LIMIT 1;
    IF FOUND THEN
        PERFORM fail('short_stock', 'date', 'On %s there was not enough of %s in %s: %s are missing',
                     bad.moved_on::text, (SELECT code FROM item WHERE id = b.item_id),
                     (SELECT code FROM location WHERE id = b.location_id), trim_scale(-bad.on_hand)::text);
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS stock_history_check ON stock_balance;
CREATE CONSTRAINT TRIGGER stock_history_check AFTER INSERT OR UPDATE ON stock_balance
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.check_from IS NOT NULL)
    EXECUTE FUNCTION stock_history_check();

-- ------------------------------------------------------------------ reservations
-- A reservation counts on its balance and on its line. Heads first, then balances in order.
CREATE OR REPLACE FUNCTION reservation_counted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    delta reservation[];
    lines bigint[];
    wrong text;
BEGIN
    IF TG_OP <> 'DELETE' THEN
        SELECT array_agg(n) INTO delta FROM new_rows n;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        SELECT delta || array_agg((o.id, o.company_id, o.shipment_line_id, o.item_id, o.location_id, o.lot_id,
                                   -o.quantity, o.created_at)::reservation) INTO delta FROM old_rows o;
    END IF;
    IF delta IS NULL THEN
        RETURN NULL;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        SELECT s.number INTO wrong
          FROM unnest(delta) d
          JOIN shipment_line l ON l.id = d.shipment_line_id JOIN shipment s ON s.id = l.shipment_id
          JOIN location at ON at.id = d.location_id
         WHERE d.quantity > 0 AND (s.state IN ('done', 'cancelled') OR s.kind NOT IN ('delivery', 'transfer')
                                   OR at.warehouse_id IS DISTINCT FROM s.warehouse_id)
         LIMIT 1;
        IF FOUND THEN
            PERFORM fail('not_reservable', 'lines', 'For %s nothing can be set aside there', wrong);
        END IF;
    END IF;
    PERFORM stock_lock(array_agg(DISTINCT item_id), company_id) FROM unnest(delta) GROUP BY company_id ORDER BY company_id;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO stock_balance AS b (company_id, item_id, location_id, lot_id)
        SELECT DISTINCT d.company_id, d.item_id, d.location_id, d.lot_id
          FROM unnest(delta) d
         WHERE NOT EXISTS (SELECT FROM stock_balance b
                            WHERE b.company_id = d.company_id AND b.item_id = d.item_id AND b.location_id = d.location_id
                              AND b.lot_id IS NOT DISTINCT FROM d.lot_id)
         ORDER BY 1, 2, 3, 4 ON CONFLICT DO NOTHING;
    END IF;
    PERFORM FROM stock_balance b
       JOIN unnest(delta) d
         ON b.company_id = d.company_id AND b.item_id = d.item_id AND b.location_id = d.location_id
        AND b.lot_id IS NOT DISTINCT FROM d.lot_id
      ORDER BY b.company_id, b.item_id, b.location_id, b.lot_id FOR UPDATE OF b;
    UPDATE stock_balance b SET reserved = b.reserved + d.quantity
      FROM (SELECT company_id, item_id, location_id, lot_id, sum(quantity) AS quantity
              FROM unnest(delta) GROUP BY 1, 2, 3, 4) d
     WHERE b.company_id = d.company_id AND b.item_id = d.item_id AND b.location_id = d.location_id
       AND b.lot_id IS NOT DISTINCT FROM d.lot_id AND d.quantity <> 0;
    -- What a line holds is the sum of its reservations; the heads' locks make it one at a time.
    SELECT array_agg(l.id) INTO lines FROM shipment_line l
     WHERE l.id IN (SELECT shipment_line_id FROM unnest(delta))
       AND l.quantity_reserved <> (SELECT coalesce(sum(r.quantity), 0) FROM reservation r WHERE r.shipment_line_id = l.id);
    IF lines IS NOT NULL THEN
        UPDATE shipment_line l
           SET quantity_reserved = (SELECT coalesce(sum(r.quantity), 0) FROM reservation r WHERE r.shipment_line_id = l.id)
         WHERE l.id = ANY (lines);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER reservation_insert AFTER INSERT ON reservation
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION reservation_counted();
CREATE OR REPLACE TRIGGER reservation_update AFTER UPDATE ON reservation
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION reservation_counted();
CREATE OR REPLACE TRIGGER reservation_delete AFTER DELETE ON reservation
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION reservation_counted();

/*
 * Set stock aside for the open lines of deliveries and transfers, as far as it goes. Demand and
 * supply are two lists of ranges of units; a line gets the units where its range and a
 * balance's overlap: one statement for any number of lines, and no unit is given twice. Lines
 * that name a location or a lot come before those that take any. Lots that expire first go first.
 * What waits for inspection, is held or has expired is set aside for nobody who would use it (a
 * customer, production; others take it where their line names it, lot.sql), and nothing that was
 * promised to somebody else (promise_limits).
 */
CREATE OR REPLACE FUNCTION stock_reserve(shipments bigint[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    pins    integer;
    limited bigint[];
    limits  numeric[];
BEGIN
    PERFORM stock_lock(ARRAY(SELECT l.item_id FROM shipment_line l WHERE l.shipment_id = ANY (shipments)));
    -- What was set aside and has expired since is of no use to who wants to use it.
    DELETE FROM reservation r USING shipment_line l, shipment s, lot o
     WHERE l.shipment_id = ANY (shipments) AND r.shipment_line_id = l.id AND s.id = l.shipment_id
       AND o.id = r.lot_id AND o.expires_on < app_today() AND stock_consumes(s.kind, s.other_location_id);
    SELECT array_agg(p.line_id), array_agg(p.allowed) INTO limited, limits FROM promise_limits(shipments) p;
    FOR pins IN
        SELECT DISTINCT (l.location_id IS NOT NULL)::integer * 2 + (l.lot_id IS NOT NULL)::integer
          FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id
         WHERE l.shipment_id = ANY (shipments) AND s.kind IN ('delivery', 'transfer')
           AND l.quantity > l.quantity_done + l.quantity_reserved
         ORDER BY 1 DESC
    LOOP
        WITH need AS (
            SELECT l.id, l.item_id, s.warehouse_id, l.location_id, l.lot_id, s.planned_date, l.shipment_id, l.position,
                   stock_consumes(s.kind, s.other_location_id) AS uses,
                   least(l.quantity - l.quantity_done - l.quantity_reserved, m.allowed) AS quantity
              FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id
              LEFT JOIN unnest(limited, limits) m (id, allowed) ON m.id = l.id
             WHERE l.shipment_id = ANY (shipments) AND s.kind IN ('delivery', 'transfer')
               AND l.quantity > l.quantity_done + l.quantity_reserved AND m.allowed IS DISTINCT FROM 0
               AND (l.location_id IS NOT NULL)::integer * 2 + (l.lot_id IS NOT NULL)::integer = pins
        ), demand AS (
            SELECT n.*, sum(n.quantity) OVER before - n.quantity AS starts, sum(n.quantity) OVER before AS ends
              FROM need n
            WINDOW before AS (PARTITION BY item_id, warehouse_id, location_id, lot_id, uses
                              ORDER BY planned_date, shipment_id, position, id)
        ), supply AS (
            SELECT d.item_id, d.warehouse_id, d.location_id, d.lot_id, d.uses, b.location_id AS at, b.lot_id AS lot,
                   sum(b.on_hand - b.reserved) OVER before - (b.on_hand - b.reserved) AS starts,
                   sum(b.on_hand - b.reserved) OVER before AS ends
              FROM (SELECT DISTINCT item_id, warehouse_id, location_id, lot_id, uses FROM demand) d
              JOIN stock_balance b ON b.company_id = app_company() AND b.item_id = d.item_id AND b.on_hand > b.reserved
              JOIN location p ON p.id = b.location_id AND p.warehouse_id = d.warehouse_id
               AND p.kind = 'internal' AND p.active
              LEFT JOIN lot o ON o.id = b.lot_id
             WHERE (d.location_id IS NULL OR d.location_id = b.location_id)
               AND (d.lot_id IS NULL OR d.lot_id = b.lot_id)
               AND (NOT p.quarantine OR NOT d.uses AND d.location_id IS NOT NULL)
               AND (lot_usable(o.held, o.expires_on)
                    OR NOT d.uses AND (d.location_id IS NOT NULL OR d.lot_id IS NOT NULL))
            WINDOW before AS (PARTITION BY d.item_id, d.warehouse_id, d.location_id, d.lot_id, d.uses
                              ORDER BY o.expires_on, p.parent_id NULLS FIRST, b.location_id, b.lot_id)
        )
        INSERT INTO reservation AS r (shipment_line_id, item_id, location_id, lot_id, quantity)
        SELECT d.id, d.item_id, s.at, s.lot, least(d.ends, s.ends) - greatest(d.starts, s.starts)
          FROM demand d
          JOIN supply s ON s.item_id = d.item_id AND s.warehouse_id = d.warehouse_id
           AND s.location_id IS NOT DISTINCT FROM d.location_id AND s.lot_id IS NOT DISTINCT FROM d.lot_id AND s.uses = d.uses
           AND s.starts < d.ends AND d.starts < s.ends
         ORDER BY d.item_id, d.id, s.at, s.lot
            ON CONFLICT ON CONSTRAINT reservation_once DO UPDATE SET quantity = r.quantity + excluded.quantity;
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION stock_reserve TO tenon_app;

-- ------------------------------------------------------------------ documents that are over
-- What a done or cancelled shipment says stays; while goods are set aside for it, so does
-- where they are taken from.
CREATE OR REPLACE FUNCTION shipment_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF OLD.state IN ('done', 'cancelled') THEN
        PERFORM fail('read_only', 'state', '%s is done: what it says stays', OLD.number);
    END IF;
    IF (NEW.kind, NEW.warehouse_id) IS DISTINCT FROM (OLD.kind, OLD.warehouse_id)
        AND EXISTS (SELECT FROM shipment_line l WHERE l.shipment_id = OLD.id AND l.quantity_reserved > 0) THEN
        PERFORM fail('reserved', 'warehouse_id', 'Goods are reserved for %s: release them first', OLD.number);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER shipment_keep AFTER UPDATE ON shipment FOR EACH ROW
    WHEN ((NEW.kind, NEW.warehouse_id, NEW.other_location_id, NEW.party_id)
          IS DISTINCT FROM (OLD.kind, OLD.warehouse_id, OLD.other_location_id, OLD.party_id))
    EXECUTE FUNCTION shipment_keep();

CREATE OR REPLACE FUNCTION shipment_line_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    s record;
BEGIN
    SELECT h.number, h.state, h.kind INTO s FROM shipment h WHERE h.id = NEW.shipment_id;
    IF s.state IN ('done', 'cancelled') THEN
        PERFORM fail('read_only', 'lines', '%s is done: its lines stay', s.number);
    END IF;
    IF TG_OP = 'INSERT' OR NEW.item_id IS DISTINCT FROM OLD.item_id THEN
        IF EXISTS (SELECT FROM item i WHERE i.id = NEW.item_id AND i.kind <> 'stocked') THEN
            PERFORM fail('not_stocked', 'item_id', '%s is not kept in stock', (SELECT i.code FROM item i WHERE i.id = NEW.item_id));
        END IF;
    END IF;
    IF TG_OP = 'UPDATE' AND OLD.quantity_reserved > 0
        AND (NEW.location_id, NEW.lot_id) IS DISTINCT FROM (OLD.location_id, OLD.lot_id) THEN
        PERFORM fail('reserved', 'lines', 'Goods are reserved for %s: release them first', s.number);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER shipment_line_keep
    BEFORE INSERT OR UPDATE OF shipment_id, item_id, quantity, location_id, lot_id, unit_cost, returns_line_id ON shipment_line
    FOR EACH ROW EXECUTE FUNCTION shipment_line_keep();

-- ------------------------------------------------------------------ operations' sums
-- How much of each line of these shipments is to move: what the body {"lines": [{"id",
-- "quantity", "lots"}]} says; without lines, all that is open; with "partial": true, of that what is
-- set aside. A line's number is its place in the document, from 0.
CREATE OR REPLACE FUNCTION shipment_wanted(shipments bigint[], body json)
    RETURNS TABLE (shipment_id bigint, line_id bigint, item_id bigint, number bigint, open numeric,
                   reserved numeric, wanted numeric)
    LANGUAGE sql STABLE ROWS 5 AS $$
    SELECT t.shipment_id, t.id, t.item_id, t.number - 1, t.open, t.quantity_reserved,
           CASE WHEN (body ->> 'partial')::boolean THEN least(t.wanted, t.quantity_reserved) ELSE t.wanted END
      FROM (SELECT l.shipment_id, l.id, l.item_id, l.quantity_reserved, l.quantity - l.quantity_done AS open,
                   row_number() OVER (PARTITION BY l.shipment_id ORDER BY l.position, l.id) AS number,
                   CASE WHEN body -> 'lines' IS NULL THEN l.quantity - l.quantity_done
                        WHEN w.id IS NULL THEN 0
                        ELSE coalesce(w.quantity, l.quantity - l.quantity_done) END AS wanted
              FROM shipment_line l
              LEFT JOIN (SELECT b.id, sum(coalesce(b.quantity, CASE WHEN b.lots IS NOT NULL THEN
                                (SELECT sum(g.quantity) FROM lots_listed(b.lots) g) END)) AS quantity
                           FROM json_to_recordset(CASE WHEN json_typeof(body -> 'lines') = 'array' THEN body -> 'lines' ELSE '[]' END)
                                AS b (id bigint, quantity numeric, lots json) GROUP BY b.id) w ON w.id = l.id
             WHERE l.shipment_id = ANY (shipments)) t $$;

-- Present stock per item of a warehouse; an item without stock has zeros. Available is what is
-- free and may be used (stock_usable).
CREATE OR REPLACE FUNCTION stock_availability(warehouse bigint, items bigint[])
    RETURNS TABLE (item_id bigint, on_hand numeric, reserved numeric, available numeric)
    LANGUAGE sql STABLE AS $$
    SELECT i, coalesce(sum(b.on_hand), 0), coalesce(sum(b.reserved), 0),
           coalesce(sum(b.on_hand - b.reserved) FILTER (WHERE NOT l.quarantine AND lot_usable(o.held, o.expires_on)), 0)
      FROM (SELECT DISTINCT unnest(items) AS i) i
      LEFT JOIN (stock_balance b JOIN location l ON l.id = b.location_id AND l.kind = 'internal' AND l.warehouse_id = warehouse
                 LEFT JOIN lot o ON o.id = b.lot_id)
             ON b.company_id = app_company() AND b.item_id = i
     GROUP BY i $$;
GRANT EXECUTE ON FUNCTION shipment_wanted, stock_availability TO tenon_app;

-- ------------------------------------------------------------------ counts and opening stock
-- What the books say is noted when a quantity is entered: the balance at the end of the day of
-- the count, with all that is booked by now.
CREATE OR REPLACE FUNCTION stock_count_line_noted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    c stock_count;
BEGIN
    SELECT * INTO c FROM stock_count WHERE id = NEW.count_id;
    IF c.state IN ('done', 'cancelled') THEN
        PERFORM fail('read_only', 'lines', '%s is done: its lines stay', c.number);
    END IF;
    NEW.location_id := coalesce(NEW.location_id, c.location_id);
    NEW.expected := NULL;
    NEW.counted_at := NULL;
    IF NEW.counted IS NOT NULL THEN
        NEW.counted_at := now();
        NEW.expected := coalesce((SELECT b.on_hand FROM stock_balance b
             WHERE b.company_id = NEW.company_id AND b.item_id = NEW.item_id AND b.location_id = NEW.location_id
               AND b.lot_id IS NOT DISTINCT FROM NEW.lot_id), 0)
          - coalesce((SELECT sum(CASE WHEN m.to_location_id = NEW.location_id THEN m.quantity ELSE -m.quantity END)
              FROM stock_move m
             WHERE m.company_id = NEW.company_id AND m.item_id = NEW.item_id AND m.moved_on > c.counted_on
               AND NEW.location_id IN (m.from_location_id, m.to_location_id)
               AND m.lot_id IS NOT DISTINCT FROM NEW.lot_id), 0);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER stock_count_line_noted BEFORE INSERT OR UPDATE OF counted, item_id, lot_id, location_id
    ON stock_count_line FOR EACH ROW EXECUTE FUNCTION stock_count_line_noted();

CREATE OR REPLACE FUNCTION stock_opened() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    INSERT INTO stock_move (company_id, item_id, quantity, from_location_id, to_location_id, lot_id, moved_on,
                            unit_cost, stock_opening_id)
    SELECT o.company_id, o.item_id, o.quantity, stock_side(o.company_id, 'opening'),
           coalesce(o.location_id, stock_root(coalesce(o.warehouse_id,
               (SELECT min(w.id) FROM warehouse w WHERE w.company_id = o.company_id AND w.active)))),
           o.lot_id, o.opened_on, o.unit_cost, o.id
      FROM new_rows o ORDER BY o.item_id, o.id;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER stock_opened AFTER INSERT ON stock_opening
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION stock_opened();

-- ------------------------------------------------------------------ a new company
CREATE OR REPLACE FUNCTION stock_company_setup(company bigint, chart text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    INSERT INTO number_series (company_id, code, pattern) VALUES
        (company, 'shipment', 'SH{YYYY}-{00000}'), (company, 'stock_count', 'SC{YYYY}-{0000}')
        ON CONFLICT (company_id, code) DO NOTHING;
    INSERT INTO warehouse (company_id, code, name, name_zh)
    SELECT company, 'MAIN', 'Main warehouse', '主仓库'
     WHERE NOT EXISTS (SELECT FROM warehouse w WHERE w.company_id = company);
    INSERT INTO location (company_id, kind, code, name, name_zh)
    SELECT company, v.kind, upper(v.kind), v.name, v.name_zh
      FROM (VALUES ('customer', 'Customers', '客户'), ('supplier', 'Suppliers', '供应商'),
                   ('loss', 'Losses and finds', '盘盈盘亏'), ('opening', 'Opening stock', '期初库存'),
                   ('transit', 'In transit', '在途'), ('production', 'Production', '生产')) v (kind, name, name_zh)
     WHERE NOT EXISTS (SELECT FROM location l WHERE l.company_id = company AND l.kind = v.kind)
        ON CONFLICT (company_id, code) DO NOTHING;
END $$;
