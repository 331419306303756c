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
    wrong record;
BEGIN
    SELECT i.code AS item, o.code AS lot, at.code AS place, at.quarantine, o.held, o.held_reason, o.expires_on INTO wrong
      FROM new_rows n
      JOIN location at ON at.id = n.location_id
      LEFT JOIN lot o ON o.id = n.lot_id
      JOIN item i ON i.id = n.item_id
      JOIN shipment_line l ON l.id = n.shipment_line_id JOIN shipment s ON s.id = l.shipment_id
     WHERE (at.quarantine OR o.held OR o.expires_on < app_today()) AND stock_consumes(s.kind, s.other_location_id)
     LIMIT 1;
    IF wrong.quarantine THEN
        PERFORM fail('in_quarantine', 'location_id', '%s in %s waits for its inspection', wrong.item, wrong.place);
    ELSIF wrong.held THEN
        PERFORM fail('lot_held', 'lot_id', 'Lot %s of %s is held: %s', wrong.lot, wrong.item, wrong.held_reason);
    ELSIF FOUND THEN
        PERFORM fail('lot_expired', 'lot_id', 'Lot %s of %s expired on %s', wrong.lot, wrong.item, wrong.expires_on::text);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER reservation_usable_insert AFTER INSERT ON reservation
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION reservation_usable();

-- A reservation is made, made smaller and deleted; where and for what stays.
CREATE OR REPLACE FUNCTION reservation_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fail('read_only', 'quantity', 'Give the reservation back and set aside anew');
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER reservation_keep BEFORE UPDATE ON reservation FOR EACH ROW
    WHEN ((NEW.shipment_line_id, NEW.item_id, NEW.location_id, NEW.lot_id)
          IS DISTINCT FROM (OLD.shipment_line_id, OLD.item_id, OLD.location_id, OLD.lot_id))
    EXECUTE FUNCTION reservation_keep();
CREATE OR REPLACE TRIGGER reservation_more AFTER UPDATE OF quantity ON reservation FOR EACH ROW
    WHEN (NEW.quantity > OLD.quantity) EXECUTE FUNCTION reservation_usable_row();
