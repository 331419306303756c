-- What keeps the stock's books: balances, reservations, values and their journal entries.
-- Run again at every upgrade.
--
-- One lock order for all that touches stock: heads (stock_valuation) by item, then balances by
-- item, location and lot, then lines. The journal's counter comes last, at COMMIT.

-- ------------------------------------------------------------------ where and at what cost
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

-- total * part / whole, rounded half away from zero to scale digits; exact, whatever the
-- number of digits (a quotient of numerics is cut off somewhere).
CREATE OR REPLACE FUNCTION stock_share(total numeric, part numeric, whole numeric, scale integer)
    RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT round(sign(total) * div(2 * abs(total) * part * (10::numeric ^ scale) + whole, 2 * whole)
                 / (10::numeric ^ scale), scale) $$;

-- What a unit cost when it last arrived before a point of the order of valuation: for issues
-- from nothing.
CREATE OR REPLACE FUNCTION stock_last_cost(company bigint, item bigint, before_on date, before_id bigint)
    RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT m.unit_cost FROM stock_move m
          WHERE m.company_id = company AND m.item_id = item AND m.direction = 1
            AND (m.moved_on, m.id) < (before_on, before_id)
          ORDER BY m.moved_on DESC, m.id DESC LIMIT 1),
        (SELECT i.standard_cost FROM item i WHERE i.id = item)) $$;

-- The cost of goods that arrive without one: what they cost when they left, else the present
-- average, else the last cost. Null when nothing is known.
CREATE OR REPLACE FUNCTION stock_default_cost(company bigint, item bigint, line bigint) RETURNS numeric
    LANGUAGE sql STABLE AS $$
    SELECT round(coalesce(
        (SELECT sum(-v.amount) / nullif((SELECT sum(quantity) FROM stock_move o
                                          WHERE o.shipment_line_id = l.returns_line_id AND o.direction = -1), 0)
           FROM shipment_line l JOIN stock_move m ON m.shipment_line_id = l.returns_line_id AND m.direction = -1
           JOIN stock_value v ON v.move_id = m.id
          WHERE l.id = line GROUP BY l.returns_line_id),
        (SELECT value / quantity FROM stock_valuation
          WHERE company_id = company AND item_id = item AND quantity > 0),
        (SELECT m.unit_cost FROM stock_move m
          WHERE m.company_id = company AND m.item_id = item AND m.direction = 1
          ORDER BY m.moved_on DESC, m.id DESC LIMIT 1),
        (SELECT nullif(i.standard_cost, 0) FROM item i WHERE i.id = item)), 6) $$;
GRANT EXECUTE ON FUNCTION stock_side, stock_root TO tenon_app;

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

-- ------------------------------------------------------------------ valuation
/*
 * Moving average, and standard cost: from a point of the order of valuation on, what each move
 * is worth. Returns the moves whose value is new or has changed. The state at that point is
 * today's, less what came after it; so an item's latest move costs no walk at all.
 *
 * An issue takes its share of quantity and value, the last one all that is left, so that no
 * stock is worth nothing to the digit. Below zero an issue goes at the last cost, and the
 * arrival that covers it posts the difference as a variance.
 */
CREATE OR REPLACE FUNCTION stock_walk_average(head stock_valuation, from_on date, from_id bigint, scale integer)
    RETURNS TABLE (move_id bigint, amount numeric, variance numeric, was numeric, was_variance numeric)
    LANGUAGE plpgsql STABLE ROWS 1 AS $$
DECLARE
    q    numeric := head.quantity;
    v    numeric := head.value;
    m    record;
    left_over numeric;
    past record;
BEGIN
    IF (head.last_on, head.last_id) > (from_on, from_id) THEN
        SELECT coalesce(sum(p.direction * p.quantity), 0) AS quantity, coalesce(sum(w.amount), 0) AS value INTO past
          FROM stock_move p CROSS JOIN LATERAL (SELECT sum(o.amount) AS amount FROM stock_value o WHERE o.move_id = p.id) w
         WHERE p.company_id = head.company_id AND p.item_id = head.item_id AND p.direction <> 0
           AND (p.moved_on, p.id) >= (from_on, from_id) AND w.amount IS NOT NULL;
        q := q - past.quantity;
        v := v - past.value;
    END IF;
    FOR m IN
        SELECT p.id, p.moved_on, p.direction, p.quantity, p.unit_cost, p.standard_cost, w.amount, w.variance
          FROM stock_move p CROSS JOIN LATERAL (
               SELECT sum(o.amount) AS amount, sum(o.variance) AS variance FROM stock_value o WHERE o.move_id = p.id) w
         WHERE p.company_id = head.company_id AND p.item_id = head.item_id AND p.direction <> 0
           AND (p.moved_on, p.id) >= (from_on, from_id)
         ORDER BY p.moved_on, p.id
    LOOP
        left_over := q + m.direction * m.quantity;
        IF left_over = 0 THEN
            amount := -v;
        ELSIF head.costing = 'standard' THEN
            amount := m.direction * round(m.quantity * m.standard_cost, scale);
        ELSIF m.direction = 1 THEN
            amount := CASE WHEN q >= 0 THEN round(m.quantity * m.unit_cost, scale)
                           WHEN left_over > 0 THEN round(left_over * m.unit_cost, scale) - v
                           ELSE -stock_share(v, m.quantity, -q, scale) END;
        ELSE
            amount := CASE WHEN q > 0 AND left_over > 0 THEN -stock_share(v, m.quantity, q, scale)
                           WHEN q > 0 THEN -v - stock_share(v, -left_over, q, scale)
                           WHEN q < 0 THEN stock_share(v, m.quantity, -q, scale)
                           ELSE -round(m.quantity * stock_last_cost(head.company_id, head.item_id, m.moved_on, m.id), scale) END;
        END IF;
        variance := CASE WHEN m.direction = 1 THEN round(m.quantity * m.unit_cost, scale) - amount ELSE 0 END;
        q := left_over;
        v := v + amount;
        IF m.amount IS NULL OR m.amount <> amount OR m.variance <> variance THEN
            move_id := m.id;
            was := m.amount;
            was_variance := m.variance;
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;

/*
 * First in, first out: arrivals and issues lie on one line of units, counted back from today so
 * that what was ever issued ends at 0 and what is on hand lies above it. An issue is worth
 * F(end) - F(start), F being the rounded value of all units below a point; so issues add up
 * to arrivals to the digit, and nothing about consumption is stored. Two sorted lists, read
 * once: a merge, never a join.
 */
CREATE OR REPLACE FUNCTION stock_walk_fifo(head stock_valuation, from_on date, from_id bigint, scale integer)
    RETURNS TABLE (move_id bigint, amount numeric, variance numeric, was numeric, was_variance numeric)
    LANGUAGE plpgsql STABLE ROWS 1 AS $$
DECLARE
    on_hand numeric;                     -- with the new moves: where arrivals end
    arrive_at numeric;                   -- where the arrivals before the point end
    issue_at numeric;                    -- where the issues before the point end
    low      numeric;                    -- nothing below it changes
    ends     numeric;
    layers   numeric[] := '{}';          -- starts, quantities and amounts of arrivals, last first
    sizes    numeric[] := '{}';
    amounts  numeric[] := '{}';
    layer    integer;
    below    numeric := 0;               -- F at the start of the layer
    value    numeric;
    last_value numeric;
    reach    numeric;
    last_cost numeric;
    m        record;
BEGIN
    -- Moves from the point on, valued or not. Unvalued ones are not in the head yet.
    SELECT head.quantity + coalesce(sum(p.direction * p.quantity) FILTER (WHERE NOT known), 0),
           coalesce(sum(p.quantity) FILTER (WHERE p.direction = 1), 0),
           -coalesce(sum(p.quantity) FILTER (WHERE p.direction = -1), 0)
      INTO on_hand, arrive_at, issue_at
      FROM stock_move p CROSS JOIN LATERAL (
           SELECT EXISTS (SELECT FROM stock_value o WHERE o.move_id = p.id) AS known) k
     WHERE p.company_id = head.company_id AND p.item_id = head.item_id AND p.direction <> 0
       AND (p.moved_on, p.id) >= (from_on, from_id);
    arrive_at := on_hand - arrive_at;
    low := least(arrive_at, issue_at);
    -- Issues, back to the first that ends above it; more than those from the point on only
    -- where stock was negative. reach is where the first one starts.
    reach := issue_at;
    IF low < issue_at THEN
        FOR m IN SELECT p.id, p.moved_on, p.quantity FROM stock_move p
                  WHERE p.company_id = head.company_id AND p.item_id = head.item_id AND p.direction = -1
                    AND (p.moved_on, p.id) < (from_on, from_id)
                  ORDER BY p.moved_on DESC, p.id DESC
        LOOP
            EXIT WHEN reach <= low;
            reach := reach - m.quantity;
            from_on := m.moved_on;
            from_id := m.id;
        END LOOP;
    END IF;
    -- Arrivals, back to the one that holds the lowest unit.
    low := least(low, reach);
    ends := on_hand;
    FOR m IN SELECT p.quantity, p.unit_cost, round(p.quantity * p.unit_cost, scale) AS amount FROM stock_move p
              WHERE p.company_id = head.company_id AND p.item_id = head.item_id AND p.direction = 1
              ORDER BY p.moved_on DESC, p.id DESC
    LOOP
        EXIT WHEN ends <= low;
        last_cost := coalesce(last_cost, m.unit_cost);
        ends := ends - m.quantity;
        layers := layers || ends;
        sizes := sizes || m.quantity;
        amounts := amounts || m.amount;
    END LOOP;
    last_cost := coalesce(last_cost, stock_last_cost(head.company_id, head.item_id, 'infinity', 0));
    layer := cardinality(layers);
    last_value := NULL;
    FOR m IN
        SELECT p.id, p.direction, p.quantity, round(p.quantity * p.unit_cost, scale) AS cost, w.amount, w.variance
          FROM stock_move p CROSS JOIN LATERAL (
               SELECT sum(o.amount) AS amount, sum(o.variance) AS variance FROM stock_value o WHERE o.move_id = p.id) w
         WHERE p.company_id = head.company_id AND p.item_id = head.item_id AND p.direction <> 0
           AND (p.moved_on, p.id) >= (from_on, from_id)
         ORDER BY p.moved_on, p.id
    LOOP
        IF m.direction = 1 THEN
            amount := m.cost;
        ELSE
            IF last_value IS NULL THEN
                WHILE layer > 0 AND layers[layer] + sizes[layer] <= reach LOOP
                    below := below + amounts[layer];
                    layer := layer - 1;
                END LOOP;
                last_value := below + CASE
                    WHEN layer > 0 THEN stock_share(amounts[layer], reach - layers[layer], sizes[layer], scale)
                    ELSE round(greatest(reach - on_hand, 0) * last_cost, scale) END;
            END IF;
            reach := reach + m.quantity;
            WHILE layer > 0 AND layers[layer] + sizes[layer] <= reach LOOP
                below := below + amounts[layer];
                layer := layer - 1;
            END LOOP;
            value := below + CASE
                WHEN layer > 0 THEN stock_share(amounts[layer], reach - layers[layer], sizes[layer], scale)
                ELSE round((reach - on_hand) * last_cost, scale) END;
            amount := last_value - value;
            last_value := value;
        END IF;
        variance := 0;
        IF m.amount IS NULL OR m.amount <> amount THEN
            move_id := m.id;
            was := m.amount;
            was_variance := m.variance;
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;

-- The first day on which a difference of that day may be posted: itself, or the day after the
-- closed periods that follow it.
CREATE OR REPLACE FUNCTION stock_open_day(company bigint, day date) RETURNS date
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    closed date;
BEGIN
    LOOP
        SELECT p.ends_on INTO closed FROM period p
         WHERE p.company_id = company AND day BETWEEN p.starts_on AND p.ends_on AND p.state <> 'open';
        IF NOT FOUND THEN
            RETURN day;
        END IF;
        day := closed + 1;
    END LOOP;
END $$;

/*
 * Value new moves, whatever their place in the order of valuation, and correct those after
 * them. Their heads are locked. One posting per day and document; a correction is posted on the
 * day of the move that it corrects, or the first open one, and names the move that caused it.
 */
CREATE OR REPLACE FUNCTION stock_value_moves(moves bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF cardinality(moves) = 0 THEN
        RETURN;
    END IF;
    WITH start AS MATERIALIZED (
        SELECT DISTINCT ON (m.company_id, m.item_id) m.company_id, m.item_id, m.moved_on, m.id,
               h AS head, currency_scale(c.currency_code) AS scale
          FROM stock_move m
          JOIN stock_valuation h ON h.company_id = m.company_id AND h.item_id = m.item_id
          JOIN company c ON c.id = m.company_id
         WHERE m.id = ANY (moves) AND NOT EXISTS (SELECT FROM stock_value v WHERE v.move_id = m.id)
         ORDER BY m.company_id, m.item_id, m.moved_on, m.id
    ), walk AS (
        SELECT s.id AS cause, w.* FROM start s
         CROSS JOIN LATERAL stock_walk_fifo(s.head, s.moved_on, s.id, s.scale) w WHERE (s.head).costing = 'fifo'
        UNION ALL
        SELECT s.id, w.* FROM start s
         CROSS JOIN LATERAL stock_walk_average(s.head, s.moved_on, s.id, s.scale) w WHERE (s.head).costing <> 'fifo'
    ), change AS MATERIALIZED (
        SELECT m.company_id, m.item_id, m.moved_on, m.direction * m.quantity AS quantity, w.move_id, w.was IS NULL AS new,
               w.amount - coalesce(w.was, 0) AS amount, w.variance - coalesce(w.was_variance, 0) AS variance,
               CASE WHEN w.was IS NULL THEN m.moved_on ELSE stock_open_day(m.company_id, m.moved_on) END AS posting_date,
               CASE WHEN w.was IS NULL THEN 'move' ELSE 'revaluation' END AS reason,
               CASE WHEN w.was IS NOT NULL THEN 'stock_move' WHEN l.id IS NOT NULL THEN 'shipment'
                    WHEN n.id IS NOT NULL THEN 'stock_count' WHEN m.stock_opening_id IS NOT NULL THEN 'stock_opening'
                    ELSE 'stock_move' END AS source_entity,
               CASE WHEN w.was IS NOT NULL THEN w.cause
                    ELSE coalesce(l.shipment_id, n.count_id, min(coalesce(m.stock_opening_id, m.id))
                         FILTER (WHERE w.was IS NULL) OVER (PARTITION BY m.company_id, m.moved_on, l.shipment_id, n.count_id,
                                                            m.stock_opening_id IS NULL)) END AS source_id
          FROM walk w JOIN stock_move m ON m.id = w.move_id
          LEFT JOIN shipment_line l ON l.id = m.shipment_line_id
          LEFT JOIN stock_count_line n ON n.id = m.stock_count_line_id
    ), posting AS (
        INSERT INTO stock_posting (company_id, posting_date, source_entity, source_id, reason)
        SELECT DISTINCT company_id, posting_date, source_entity, source_id, reason FROM change
         ORDER BY company_id, posting_date, source_entity, source_id
        RETURNING *
    ), valued AS (
        INSERT INTO stock_value (company_id, item_id, move_id, posting_date, amount, variance, reason, posting_id)
        SELECT c.company_id, c.item_id, c.move_id, c.posting_date, c.amount, c.variance, c.reason, p.id
          FROM change c JOIN posting p USING (company_id, posting_date, source_entity, source_id, reason)
         ORDER BY c.moved_on, c.move_id
    )
    UPDATE stock_valuation h
       SET quantity = h.quantity + d.quantity, value = h.value + d.amount, last_on = d.last_on, last_id = d.last_id
      FROM (SELECT c.company_id, c.item_id, sum(c.amount) AS amount,
                   coalesce(sum(c.quantity) FILTER (WHERE c.new), 0) AS quantity, last.last_on, last.last_id
              FROM change c CROSS JOIN LATERAL (
                   SELECT m.moved_on AS last_on, m.id AS last_id FROM stock_move m
                    WHERE m.company_id = c.company_id AND m.item_id = c.item_id
                    ORDER BY m.moved_on DESC, m.id DESC LIMIT 1) last
             GROUP BY c.company_id, c.item_id, last.last_on, last.last_id) d
     WHERE h.company_id = d.company_id AND h.item_id = d.item_id;
END $$;

-- At COMMIT each posting becomes a journal entry: what own stock gained, against where it came
-- from or went to.
CREATE OR REPLACE FUNCTION stock_posting_post() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    lines jsonb;
    named text;
BEGIN
    WITH value AS (
        SELECT far.account_id, far.kind, sum(v.amount) AS amount, sum(v.variance) AS variance
          FROM stock_value v JOIN stock_move m ON m.id = v.move_id
          JOIN location far ON far.id = CASE m.direction WHEN 1 THEN m.from_location_id ELSE m.to_location_id END
         WHERE v.posting_id = NEW.id GROUP BY far.account_id, far.kind
    ), part AS (
        SELECT 1 AS position, account_of(NEW.company_id, 'inventory') AS account_id, sum(amount) AS amount FROM value
        UNION ALL
        SELECT 2, coalesce(account_id, account_of(NEW.company_id,
                  CASE kind WHEN 'supplier' THEN 'received_not_billed' WHEN 'customer' THEN 'cost_of_sales'
                            WHEN 'opening' THEN 'opening_balance' WHEN 'production' THEN 'work_in_progress'
                            ELSE 'stock_adjustment' END)),
               -amount - variance FROM value
        UNION ALL
        SELECT 3, account_of(NEW.company_id, 'stock_adjustment'), variance FROM value WHERE variance <> 0
    ), line AS (
        SELECT min(position) AS position, account_id, sum(amount) AS amount
          FROM part GROUP BY position = 1, account_id HAVING sum(amount) <> 0
    )
    SELECT jsonb_agg(jsonb_build_object('account_id', account_id, 'debit', greatest(amount, 0),
                                        'credit', greatest(-amount, 0)) ORDER BY position, account_id)
      INTO lines FROM line;
    IF lines IS NULL THEN
        RETURN NULL;
    END IF;
    named := CASE NEW.source_entity
        WHEN 'shipment' THEN (SELECT number FROM shipment WHERE id = NEW.source_id)
        WHEN 'stock_count' THEN (SELECT number FROM stock_count WHERE id = NEW.source_id) END;
    IF NEW.reason = 'revaluation' THEN
        named := 'Re-valuation';
    END IF;
    UPDATE stock_posting SET journal_entry_id =
           journal_post(NEW.company_id, 'STK', NEW.posting_date, named, NEW.source_entity, NEW.source_id, lines)
     WHERE id = NEW.id;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS stock_posting_post ON stock_posting;
CREATE CONSTRAINT TRIGGER stock_posting_post AFTER INSERT ON stock_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION stock_posting_post();

CREATE OR REPLACE TRIGGER ledger_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_value
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard();

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
 * that name a location or a lot come before those that take any.
 */
CREATE OR REPLACE FUNCTION stock_reserve(shipments bigint[]) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    pins integer;
BEGIN
    PERFORM stock_lock(ARRAY(SELECT l.item_id FROM shipment_line l WHERE l.shipment_id = ANY (shipments)));
    FOR pins IN
        SELECT DISTINCT (l.location_id IS NOT NULL)::integer * 2 + (l.lot_id IS NOT NULL)::integer
          FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id
         WHERE l.shipment_id = ANY (shipments) AND s.kind IN ('delivery', 'transfer')
           AND l.quantity > l.quantity_done + l.quantity_reserved
         ORDER BY 1 DESC
    LOOP
        WITH need AS (
            SELECT l.id, l.item_id, s.warehouse_id, l.location_id, l.lot_id, s.planned_date, l.shipment_id, l.position,
                   l.quantity - l.quantity_done - l.quantity_reserved AS quantity
              FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id
             WHERE l.shipment_id = ANY (shipments) AND s.kind IN ('delivery', 'transfer')
               AND l.quantity > l.quantity_done + l.quantity_reserved
               AND (l.location_id IS NOT NULL)::integer * 2 + (l.lot_id IS NOT NULL)::integer = pins
        ), demand AS (
            SELECT n.*, sum(n.quantity) OVER before - n.quantity AS starts, sum(n.quantity) OVER before AS ends
              FROM need n
            WINDOW before AS (PARTITION BY item_id, warehouse_id, location_id, lot_id
                              ORDER BY planned_date, shipment_id, position, id)
        ), supply AS (
            SELECT d.item_id, d.warehouse_id, d.location_id, d.lot_id, b.location_id AS at, b.lot_id AS lot,
                   sum(b.on_hand - b.reserved) OVER before - (b.on_hand - b.reserved) AS starts,
                   sum(b.on_hand - b.reserved) OVER before AS ends
              FROM (SELECT DISTINCT item_id, warehouse_id, location_id, lot_id FROM demand) d
              JOIN stock_balance b ON b.company_id = app_company() AND b.item_id = d.item_id AND b.on_hand > b.reserved
              JOIN location p ON p.id = b.location_id AND p.warehouse_id = d.warehouse_id
               AND p.kind = 'internal' AND p.active
              LEFT JOIN lot o ON o.id = b.lot_id
             WHERE (d.location_id IS NULL OR d.location_id = b.location_id)
               AND (d.lot_id IS NULL OR d.lot_id = b.lot_id)
            WINDOW before AS (PARTITION BY d.item_id, d.warehouse_id, d.location_id, d.lot_id
                              ORDER BY o.expires_on, p.parent_id NULLS FIRST, b.location_id, b.lot_id)
        )
        INSERT INTO reservation AS r (shipment_line_id, item_id, location_id, lot_id, quantity)
        SELECT d.id, d.item_id, s.at, s.lot, least(d.ends, s.ends) - greatest(d.starts, s.starts)
          FROM demand d
          JOIN supply s ON s.item_id = d.item_id AND s.warehouse_id = d.warehouse_id
           AND s.location_id IS NOT DISTINCT FROM d.location_id AND s.lot_id IS NOT DISTINCT FROM d.lot_id
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
-- "quantity"}]} says; without lines, all that is open; with "partial": true, of that what is
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
              LEFT JOIN (SELECT b.id, sum(b.quantity) AS quantity
                           FROM json_to_recordset(CASE WHEN json_typeof(body -> 'lines') = 'array' THEN body -> 'lines' ELSE '[]' END)
                                AS b (id bigint, quantity numeric) GROUP BY b.id) w ON w.id = l.id
             WHERE l.shipment_id = ANY (shipments)) t $$;

-- Present stock per item of a warehouse; an item without stock has zeros.
CREATE OR REPLACE FUNCTION stock_availability(warehouse bigint, items bigint[])
    RETURNS TABLE (item_id bigint, on_hand numeric, reserved numeric, available numeric)
    LANGUAGE sql STABLE AS $$
    SELECT i, coalesce(sum(b.on_hand), 0), coalesce(sum(b.reserved), 0), coalesce(sum(b.on_hand - b.reserved), 0)
      FROM (SELECT DISTINCT unnest(items) AS i) i
      LEFT JOIN (stock_balance b JOIN location l ON l.id = b.location_id AND l.kind = 'internal' AND l.warehouse_id = warehouse)
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
