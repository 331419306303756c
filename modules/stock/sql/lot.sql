-- Lots: which of them may leave, what a receipt's body says of them, what a hold does. Run again
-- at every upgrade.
--
-- Held, expired or in quarantine: it goes neither to a customer nor into production. Within own
-- places, to losses and back to the supplier it moves, where the line names the lot or the place.

-- ------------------------------------------------------------------ what may leave
-- Do the goods of a shipment of this kind, with this other side, go to be used: by a customer or
-- in production?
CREATE OR REPLACE FUNCTION stock_consumes(shipment_kind text, other_location bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF other_location IS NULL THEN
        RETURN shipment_kind = 'delivery';
    END IF;
    RETURN EXISTS (SELECT FROM location l WHERE l.id = other_location AND l.kind IN ('customer', 'production'));
END $$;

-- Where goods of a warehouse wait for their inspection.
CREATE OR REPLACE FUNCTION stock_quarantine(warehouse bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT min(id) FROM location WHERE warehouse_id = warehouse AND quarantine AND active);
END $$;

-- Why stock that is there cannot be taken: a code, and the lot. Null when there is none of it.
CREATE OR REPLACE FUNCTION stock_blocked(item bigint, warehouse bigint, at_location bigint, of_lot bigint) RETURNS text[]
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT ARRAY[CASE WHEN o.held THEN 'lot_held' WHEN o.expires_on < app_today() THEN 'lot_expired'
                              ELSE 'in_quarantine' END, o.code]
              FROM stock_balance b
              JOIN location p ON p.id = b.location_id AND p.kind = 'internal' AND p.warehouse_id = warehouse
              LEFT JOIN lot o ON o.id = b.lot_id
             WHERE b.company_id = app_company() AND b.item_id = item AND b.on_hand > 0
               AND (o.held OR o.expires_on < app_today() OR p.quarantine)
               AND (at_location IS NULL OR b.location_id = at_location) AND (of_lot IS NULL OR b.lot_id = of_lot)
             ORDER BY o.held DESC NULLS LAST, o.expires_on < app_today() DESC NULLS LAST, b.id LIMIT 1);
END $$;
GRANT EXECUTE ON FUNCTION stock_consumes, stock_quarantine, stock_blocked TO tenon_app;

/*
 * Moves are in, their heads locked (stock_moved comes first): nothing that may not be used has
 * gone to a customer or into production, and what comes back is what had left.
 */
CREATE OR REPLACE FUNCTION stock_moved_lots() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    bad record;
BEGIN
    SELECT at.quarantine, o.held, i.code AS item, o.code AS lot, o.held_reason, o.expires_on, at.code AS place INTO bad
      FROM new_rows n
      JOIN location far ON far.id = n.to_location_id AND far.kind IN ('customer', 'production')
      JOIN location at ON at.id = n.from_location_id
      JOIN item i ON i.id = n.item_id
      LEFT JOIN lot o ON o.id = n.lot_id
     WHERE at.quarantine OR o.held OR o.expires_on < n.moved_on
     ORDER BY n.id LIMIT 1;
    IF bad.quarantine THEN
        PERFORM fail('in_quarantine', 'location_id', '%s in %s waits for its inspection', bad.item, bad.place);
    ELSIF bad.held THEN
        PERFORM fail('lot_held', 'lot_id', 'Lot %s of %s is held: %s', bad.lot, bad.item, bad.held_reason);
    ELSIF bad.item IS NOT NULL THEN
        PERFORM fail('lot_expired', 'lot_id', 'Lot %s of %s expired on %s', bad.lot, bad.item, bad.expires_on::text);
    END IF;
    SELECT i.code AS item, o.code AS lot INTO bad
      FROM (SELECT DISTINCT l.returns_line_id, n.lot_id
              FROM new_rows n JOIN shipment_line l ON l.id = n.shipment_line_id
             WHERE n.lot_id IS NOT NULL AND l.returns_line_id IS NOT NULL) r
      JOIN lot o ON o.id = r.lot_id JOIN item i ON i.id = o.item_id
     WHERE (SELECT coalesce(sum(m.quantity), 0) FROM stock_move m
             WHERE m.shipment_line_id = r.returns_line_id AND m.lot_id = r.lot_id)
         < (SELECT sum(m.quantity) FROM shipment_line l JOIN stock_move m ON m.shipment_line_id = l.id
             WHERE l.returns_line_id = r.returns_line_id AND m.lot_id = r.lot_id)
     LIMIT 1;
    IF FOUND THEN
        PERFORM fail('lot_not_delivered', 'lot_id', 'Lot %s of %s is not what comes back: the line had another one, or less of it',
                     bad.lot, bad.item);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER stock_moved_lots AFTER INSERT ON stock_move
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION stock_moved_lots();

-- Nor is it set aside for them. (After reservation_insert and reservation_update, which lock.)
CREATE OR REPLACE FUNCTION reservation_usable() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    more  bigint[];
    wrong record;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(n.id) INTO more FROM new_rows n;
    ELSE
        SELECT array_agg(n.id) INTO more FROM new_rows n JOIN old_rows o USING (id)
         WHERE n.quantity > o.quantity OR (n.shipment_line_id, n.location_id, n.lot_id)
               IS DISTINCT FROM (o.shipment_line_id, o.location_id, o.lot_id);
    END IF;
    IF more IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT i.code AS item, o.code AS lot, at.code AS place, at.quarantine, o.held, o.held_reason, o.expires_on INTO wrong
      FROM reservation n
      JOIN location at ON at.id = n.location_id
      LEFT JOIN lot o ON o.id = n.lot_id
      JOIN item i ON i.id = n.item_id
      JOIN shipment_line l ON l.id = n.shipment_line_id JOIN shipment s ON s.id = l.shipment_id
     WHERE n.id = ANY (more)
       AND (at.quarantine OR o.held OR o.expires_on < app_today()) AND stock_consumes(s.kind, s.other_location_id)
     LIMIT 1;
    IF wrong.quarantine THEN
        PERFORM fail('in_quarantine', 'location_id', '%s in %s waits for its inspection', wrong.item, wrong.place);
    ELSIF wrong.held THEN
        PERFORM fail('lot_held', 'lot_id', 'Lot %s of %s is held: %s', wrong.lot, wrong.item, wrong.held_reason);
    ELSIF wrong.item IS NOT NULL THEN
        PERFORM fail('lot_expired', 'lot_id', 'Lot %s of %s expired on %s', wrong.lot, wrong.item, wrong.expires_on::text);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER reservation_usable_insert AFTER INSERT ON reservation
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION reservation_usable();
CREATE OR REPLACE TRIGGER reservation_usable_update AFTER UPDATE ON reservation
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION reservation_usable();

-- What is held, or has expired by its new date, is set aside for nobody any more.
CREATE OR REPLACE FUNCTION lot_blocked() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM stock_lock(ARRAY[NEW.item_id], NEW.company_id);
    DELETE FROM reservation r USING shipment_line l, shipment s
     WHERE r.lot_id = NEW.id AND l.id = r.shipment_line_id AND s.id = l.shipment_id
       AND stock_consumes(s.kind, s.other_location_id);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER lot_blocked AFTER UPDATE OF held, expires_on ON lot FOR EACH ROW
    WHEN (NEW.held OR NEW.expires_on < app_today()) EXECUTE FUNCTION lot_blocked();

-- A place becomes a quarantine, or is none any more, while nothing lies there.
CREATE OR REPLACE FUNCTION location_quarantine_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM stock_balance b WHERE b.company_id = OLD.company_id AND b.location_id = OLD.id
                  AND b.on_hand <> 0) THEN
        PERFORM fail('location_in_use', 'quarantine', 'Goods lie in %s: move them first', OLD.code);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER location_quarantine_keep BEFORE UPDATE OF quarantine ON location FOR EACH ROW
    WHEN (NEW.quarantine IS DISTINCT FROM OLD.quarantine) EXECUTE FUNCTION location_quarantine_keep();

CREATE OR REPLACE FUNCTION warehouse_quarantine() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    INSERT INTO location (company_id, warehouse_id, parent_id, kind, code, name, name_zh, quarantine)
    SELECT n.company_id, n.id, stock_root(n.id), 'internal', n.code || '-QC', 'Quarantine', '待检区', true FROM new_rows n;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER warehouse_quarantine AFTER INSERT ON warehouse
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION warehouse_quarantine();

-- Set aside for the deliveries and transfers that still wait for these items.
CREATE OR REPLACE FUNCTION stock_reserve_waiting(items bigint[]) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM stock_reserve(ARRAY(
        SELECT DISTINCT l.shipment_id FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id
         WHERE l.company_id = app_company() AND l.item_id = ANY (items)
           AND l.quantity > l.quantity_done + l.quantity_reserved
           AND s.kind IN ('delivery', 'transfer') AND s.state = 'draft'));
END $$;
GRANT EXECUTE ON FUNCTION stock_reserve_waiting TO tenon_app;

-- ------------------------------------------------------------------ what a receipt says of them
-- "lots": [{"code", "quantity", "made_on", "expires_on"}], a quantity of one where none is said;
-- or {"first": "SN-0100", "count": 5, ...}: as many numbers, counted up. number is the place
-- in the list, from 0. The code is null where none can be made of what was sent.
CREATE OR REPLACE FUNCTION lots_listed(lots json)
    RETURNS TABLE (number bigint, code text, quantity numeric, made_on date, expires_on date)
    LANGUAGE plpgsql IMMUTABLE ROWS 5 AS $$
DECLARE
    digits text;
BEGIN
    IF json_typeof(lots) = 'array' THEN
        RETURN QUERY
        SELECT e.n - 1, nullif(trim(x.code), ''), coalesce(x.quantity, 1), x.made_on, x.expires_on
          FROM json_array_elements(lots) WITH ORDINALITY e (j, n),
               json_to_record(e.j) AS x (code text, quantity numeric, made_on date, expires_on date);
    ELSIF json_typeof(lots) = 'object' THEN
        digits := substring(lots ->> 'first' FROM '[0-9]{1,18}$');
        RETURN QUERY
        SELECT g, left(x.first, -length(digits)) || lpad((digits::bigint + g)::text,
                      greatest(length(digits), length((digits::bigint + g)::text)), '0'),
               1::numeric, x.made_on, x.expires_on
          FROM json_to_record(lots) AS x (first text, count bigint, made_on date, expires_on date),
               generate_series(0::bigint, least(greatest(x.count, 1), 10000) - 1) g;
    END IF;
END $$;

-- The lots that the body names, per line of these shipments; line is its place in the document.
CREATE OR REPLACE FUNCTION lots_named(shipments bigint[], body json)
    RETURNS TABLE (line_id bigint, item_id bigint, line bigint, number bigint, code text, quantity numeric,
                   made_on date, expires_on date)
    LANGUAGE plpgsql STABLE ROWS 5 AS $$
BEGIN
    IF json_typeof(body -> 'lines') IS DISTINCT FROM 'array' OR body::text NOT LIKE '%"lots"%' THEN
        RETURN;
    END IF;
    RETURN QUERY
    SELECT w.line_id, w.item_id, w.number, g.number, g.code, g.quantity, g.made_on, g.expires_on
      FROM json_to_recordset(body -> 'lines') AS b (id bigint, lots json)
      JOIN shipment_wanted(shipments, body) w ON w.line_id = b.id
     CROSS JOIN LATERAL lots_listed(b.lots) g;
END $$;

-- The lots that arrive: those that the body names; for a return without any, those that left
-- and are not back, when all of them come.
CREATE OR REPLACE FUNCTION lots_arriving(shipments bigint[], body json)
    RETURNS TABLE (line_id bigint, lot_id bigint, quantity numeric)
    LANGUAGE plpgsql STABLE ROWS 5 AS $$
BEGIN
    RETURN QUERY
    SELECT g.line_id, o.id, g.quantity
      FROM lots_named(shipments, body) g
      JOIN lot o ON o.company_id = app_company() AND o.item_id = g.item_id AND o.code = g.code;
    IF EXISTS (SELECT FROM shipment_line l JOIN item i ON i.id = l.item_id AND i.tracking <> 'none'
                WHERE l.shipment_id = ANY (shipments) AND l.returns_line_id IS NOT NULL AND l.lot_id IS NULL) THEN
        RETURN QUERY
        SELECT w.line_id, a.lot, a.quantity
          FROM shipment_wanted(shipments, body) w
          JOIN shipment_line l ON l.id = w.line_id AND l.returns_line_id IS NOT NULL AND l.lot_id IS NULL
         CROSS JOIN LATERAL (
               SELECT m.lot, sum(m.quantity) AS quantity, sum(sum(m.quantity)) OVER () AS total
                 FROM (SELECT o.lot_id AS lot, o.quantity FROM stock_move o WHERE o.shipment_line_id = l.returns_line_id
                       UNION ALL
                       SELECT b.lot_id, -b.quantity FROM shipment_line r JOIN stock_move b ON b.shipment_line_id = r.id
                        WHERE r.returns_line_id = l.returns_line_id) m
                WHERE m.lot IS NOT NULL GROUP BY m.lot HAVING sum(m.quantity) > 0) a
         WHERE a.total = w.wanted
           AND NOT EXISTS (SELECT FROM lots_named(shipments, body) n WHERE n.line_id = w.line_id);
    END IF;
END $$;
GRANT EXECUTE ON FUNCTION lots_listed, lots_named, lots_arriving TO tenon_app;
