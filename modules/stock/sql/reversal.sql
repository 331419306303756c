-- Movements that are taken back, and counts that hold whatever is booked before them. Run again
-- at every upgrade.

-- ------------------------------------------------------------------ reversals
-- A reversal is the movement itself the other way round, on its day. So the past is as if it had
-- never been; what it was worth is posted back on that day, or the first open one.
CREATE OR REPLACE FUNCTION stock_reversal_check(r stock_move) RETURNS void
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    o stock_move;
BEGIN
    SELECT * INTO o FROM stock_move WHERE id = r.reverses_move_id AND company_id = r.company_id;
    IF o.reverses_move_id IS NOT NULL THEN
        PERFORM fail('not_reversible', 'reverses_move_id', 'What takes a movement back is not taken back itself: enter the goods again');
    ELSIF o.stock_opening_id IS NOT NULL THEN
        PERFORM fail('not_reversible', 'reverses_move_id', 'Opening stock stays: count it away instead');
    ELSIF (o.item_id, o.quantity, o.from_location_id, o.to_location_id, o.lot_id, o.moved_on, o.shipment_line_id,
           o.stock_count_line_id, -o.direction)
          IS DISTINCT FROM (r.item_id, r.quantity, r.to_location_id, r.from_location_id, r.lot_id, r.moved_on,
                            r.shipment_line_id, r.stock_count_line_id, r.direction) THEN
        PERFORM fail('not_reversible', 'reverses_move_id', 'A movement is taken back as it was: all of it, on its day, the other way round');
    END IF;
END $$;

-- Not while some of it has come back: that return is then of nothing.
CREATE OR REPLACE FUNCTION stock_reversed_check(lines bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    b record;
BEGIN
    SELECT s.number, i.code INTO b FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id JOIN item i ON i.id = l.item_id
     WHERE l.returns_line_id = ANY (lines) AND l.quantity_done > 0 LIMIT 1;
    IF FOUND THEN
        PERFORM fail('returned', 'lines', '%s has come back with %s already: reverse the return first', b.code, b.number);
    END IF;
END $$;

-- The delivery line that goods arriving without a cost come back from; null when they do not.
CREATE OR REPLACE FUNCTION stock_line_returned(m stock_move) RETURNS bigint
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    line bigint;
    left_on date;
BEGIN
    IF m.shipment_line_id IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT l.returns_line_id INTO line FROM shipment_line l WHERE l.id = m.shipment_line_id;
    IF line IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT max(d.moved_on) INTO left_on FROM stock_move_live d WHERE d.shipment_line_id = line AND d.direction = -1;
    IF m.moved_on < left_on THEN
        PERFORM fail('before_delivery', 'date', 'The goods left on %s: they cannot have come back before', left_on::text);
    END IF;
    RETURN CASE WHEN left_on IS NOT NULL THEN line END;
END $$;

-- ------------------------------------------------------------------ counts are fixed points
/*
 * What was counted holds: after a movement is booked, or taken back, before the day of a done
 * count of that item, lot and place, the books expected something else there than was noted, and
 * the count's difference was another one. So expected moves, the count's own movement is taken
 * back and booked with the new difference, on the day of the count; what is on hand after it
 * stays as it was. Only the first done count after the day is touched: the next ones find what
 * they found. Counts that are not done yet, before that one, only expect something else.
 *
 * A movement on the day of the count is taken for later than the count: goods move while a
 * count goes on. Returns the movements it made; they are valued by the caller.
 */
CREATE OR REPLACE FUNCTION stock_recount(moves bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    wrong bigint[];
    made  bigint[];
BEGIN
    WITH delta AS (
        SELECT m.company_id, m.item_id, p.location_id, m.lot_id, m.moved_on, sum(p.quantity) AS quantity
          FROM stock_move m
         CROSS JOIN LATERAL (VALUES (m.from_location_id, -m.quantity), (m.to_location_id, m.quantity)) p (location_id, quantity)
          LEFT JOIN stock_count_line n ON n.id = m.stock_count_line_id
          LEFT JOIN stock_count k ON k.id = n.count_id
         WHERE m.id = ANY (moves) AND k.state IS DISTINCT FROM 'done'     -- not what this function made
         GROUP BY 1, 2, 3, 4, 5
    ), after AS (
        SELECT d.moved_on, d.quantity, l.id, c.counted_on, c.state = 'done' AS done,
               min(c.counted_on) FILTER (WHERE c.state = 'done') OVER place AS fixed_on,
               min(l.id) FILTER (WHERE c.state = 'done') OVER (PARTITION BY d.item_id, d.location_id, d.lot_id, d.moved_on,
                                                               c.counted_on) AS first
          FROM delta d
          JOIN stock_count_line l ON l.company_id = d.company_id AND l.item_id = d.item_id AND l.location_id = d.location_id
           AND l.lot_id IS NOT DISTINCT FROM d.lot_id AND l.counted IS NOT NULL
          JOIN stock_count c ON c.id = l.count_id AND c.counted_on > d.moved_on AND c.state <> 'cancelled'
        WINDOW place AS (PARTITION BY d.item_id, d.location_id, d.lot_id, d.moved_on)
    ), line AS (
        SELECT a.id, a.done, sum(a.quantity) AS quantity FROM after a
         WHERE CASE WHEN a.done THEN a.counted_on = a.fixed_on AND a.id = a.first
                    ELSE coalesce(a.counted_on < a.fixed_on, true) END
         GROUP BY 1, 2 HAVING sum(a.quantity) <> 0
    ), moved AS (
        UPDATE stock_count_line l SET expected = l.expected + line.quantity FROM line WHERE l.id = line.id
        RETURNING l.id, line.done
    )
    SELECT array_agg(id ORDER BY id) INTO wrong FROM moved WHERE done;
    IF wrong IS NULL THEN
        RETURN '{}';
    END IF;
    WITH undone AS (
        SELECT m.* FROM stock_move_live m WHERE m.stock_count_line_id = ANY (wrong)
    ), row AS (
        SELECT u.company_id, u.item_id, u.quantity, u.to_location_id AS from_id, u.from_location_id AS to_id, u.lot_id, u.moved_on,
               NULL::numeric AS unit_cost, u.stock_count_line_id AS line_id, u.id AS reverses_id
          FROM undone u
        UNION ALL
        SELECT l.company_id, l.item_id, abs(l.difference),
               CASE WHEN l.difference > 0 THEN stock_side(l.company_id, 'loss') ELSE l.location_id END,
               CASE WHEN l.difference > 0 THEN l.location_id ELSE stock_side(l.company_id, 'loss') END, l.lot_id, c.counted_on,
               CASE WHEN l.difference > 0
                    THEN coalesce((SELECT u.unit_cost FROM stock_move u     -- what it was found at before
                                    WHERE u.stock_count_line_id = l.id AND u.unit_cost IS NOT NULL
                                    ORDER BY u.id LIMIT 1), l.unit_cost) END,
               l.id, NULL
          FROM stock_count_line l JOIN stock_count c ON c.id = l.count_id
         WHERE l.id = ANY (wrong) AND l.difference <> 0
    ), booked AS (
        INSERT INTO stock_move (company_id, item_id, quantity, from_location_id, to_location_id, lot_id, moved_on, unit_cost,
                                stock_count_line_id, reverses_move_id)
        SELECT * FROM row ORDER BY item_id, line_id, reverses_id
        RETURNING id
    )
    SELECT array_agg(id ORDER BY id) INTO made FROM booked;
    RETURN coalesce(made, '{}');
END $$;

-- A done count's movements are its differences, and nobody adds others.
CREATE OR REPLACE FUNCTION stock_count_check(lines bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    wrong text;
BEGIN
    SELECT c.number INTO wrong FROM stock_count_line l JOIN stock_count c ON c.id = l.count_id AND c.state = 'done'
     WHERE l.id = ANY (lines)
       AND l.difference <> (SELECT coalesce(sum(CASE WHEN m.to_location_id = l.location_id THEN m.quantity ELSE -m.quantity END), 0)
                              FROM stock_move m WHERE m.stock_count_line_id = l.id) LIMIT 1;
    IF FOUND THEN
        PERFORM fail('read_only', 'lines', '%s is done: its lines stay', wrong);
    END IF;
END $$;
