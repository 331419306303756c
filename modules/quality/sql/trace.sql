-- Where a lot came from and where it went: through production, level by level. Run again at
-- every upgrade.
--
-- A production is what its shipments say: components left for PRODUCTION, products came from
-- there. They belong together by the production order, or, where none is named, by their flow.

-- The shipments of the same production as this one.
CREATE OR REPLACE FUNCTION lot_trace_beside(of_shipment bigint) RETURNS SETOF bigint
    LANGUAGE plpgsql STABLE ROWS 5 AS $$
BEGIN
    -- The column is of the module that makes things, above this one.
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'shipment'::regclass AND attname = 'production_order_id') THEN
        RETURN QUERY
        SELECT o.id FROM shipment s JOIN shipment o ON o.production_order_id = s.production_order_id WHERE s.id = of_shipment;
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    RETURN QUERY SELECT o.id FROM shipment s JOIN shipment o ON o.flow_id = s.flow_id WHERE s.id = of_shipment;
END $$;

-- What was made of these lots (down), or what these lots were made of (up); a component that
-- came back from production is no product of it.
CREATE OR REPLACE FUNCTION lot_trace_next(lots bigint[], down boolean)
    RETURNS TABLE (from_lot bigint, item_id bigint, lot_id bigint, move_id bigint)
    LANGUAGE plpgsql STABLE ROWS 10 AS $$
BEGIN
    RETURN QUERY
    WITH side AS MATERIALIZED (
        SELECT m.lot_id, b AS shipment_id
          FROM stock_move m
          JOIN location p ON p.id = CASE WHEN down THEN m.to_location_id ELSE m.from_location_id END AND p.kind = 'production'
          JOIN shipment_line l ON l.id = m.shipment_line_id
          JOIN shipment s ON s.id = l.shipment_id AND (down OR s.kind = 'receipt')
         CROSS JOIN LATERAL lot_trace_beside(s.id) b
         WHERE m.lot_id = ANY (lots)
         GROUP BY 1, 2
    )
    SELECT d.lot_id, m.item_id, m.lot_id, m.id
      FROM side d
      JOIN shipment s ON s.id = d.shipment_id AND (NOT down OR s.kind = 'receipt')
      JOIN shipment_line l ON l.shipment_id = s.id
      JOIN stock_move m ON m.shipment_line_id = l.id
      JOIN location p ON p.id = CASE WHEN down THEN m.from_location_id ELSE m.to_location_id END AND p.kind = 'production';
END $$;

/*
 * All that a lot went into (down) or was made of (up), with its documents. Each lot is visited
 * once, at its smallest distance: circles (rework under the same number) end, and a lot that is
 * reached by two ways counts once.
 *
 *   depth     0: the lot itself; 1: one production further; ...
 *   event     received, opened, made, found: where it came from (up)
 *             issued: into production; delivered, returned, sent_back, lost: where it went (down)
 *             in_stock: what is still here, and where (down)
 *   lot_id    null where the item is not kept by lot: the trace ends there
 */
CREATE OR REPLACE FUNCTION lot_trace(of_lot bigint, direction text)
    RETURNS TABLE (depth integer, event text, item_id bigint, lot_id bigint, quantity numeric, day date,
                   party_id bigint, shipment_id bigint, location_id bigint)
    LANGUAGE plpgsql STABLE ROWS 20 AS $$
DECLARE
    down   boolean := direction = 'down';
    front  bigint[] := ARRAY[of_lot];
    lots   bigint[] := ARRAY[of_lot];
    depths integer[] := ARRAY[0];
    moves  bigint[] := '{}';            -- by which the next level was made, or used
    move_depths integer[] := '{}';
    level  integer := 0;
    more   bigint[];
BEGIN
    IF direction NOT IN ('up', 'down') THEN
        PERFORM fail('invalid', 'direction', 'A lot is traced up or down');
    END IF;
    LOOP
        level := level + 1;
        SELECT array_agg(DISTINCT n.lot_id) FILTER (WHERE n.lot_id <> ALL (lots)),
               moves || array_agg(DISTINCT n.move_id) FILTER (WHERE n.move_id <> ALL (moves))
          INTO front, more FROM lot_trace_next(front, down) n;
        IF cardinality(more) > cardinality(moves) THEN
            move_depths := move_depths || array_fill(level, ARRAY[cardinality(more) - cardinality(moves)]);
            moves := more;
        END IF;
        EXIT WHEN front IS NULL;
        lots := lots || front;
        depths := depths || array_fill(level, ARRAY[cardinality(front)]);
    END LOOP;
    RETURN QUERY
    WITH moved AS (
        -- between levels: these very movements
        SELECT r.depth, m.* FROM unnest(moves, move_depths) r (id, depth) JOIN stock_move m ON m.id = r.id
        UNION ALL
        -- of each lot: what comes from outside (up) or goes there (down)
        SELECT r.depth, m.* FROM unnest(lots, depths) r (id, depth) JOIN stock_move m ON m.lot_id = r.id
         WHERE m.id <> ALL (moves)
    ), told AS (
        SELECT v.*, CASE WHEN t.kind = 'customer' THEN 'delivered' WHEN t.kind = 'production' THEN 'issued'
                         WHEN t.kind = 'supplier' THEN 'sent_back' WHEN t.kind = 'loss' THEN 'lost'
                         WHEN f.kind = 'customer' THEN 'returned' WHEN f.kind = 'production' THEN 'made'
                         WHEN f.kind = 'supplier' THEN 'received' WHEN f.kind = 'opening' THEN 'opened'
                         WHEN f.kind = 'loss' THEN 'found' END AS what,
               CASE WHEN t.kind IN ('internal', 'transit') THEN t.id ELSE f.id END AS here
          FROM moved v JOIN location f ON f.id = v.from_location_id JOIN location t ON t.id = v.to_location_id
    )
    SELECT t.depth, t.what, t.item_id, t.lot_id, sum(t.quantity), max(t.moved_on), s.party_id, s.id, t.here
      FROM told t LEFT JOIN shipment_line l ON l.id = t.shipment_line_id LEFT JOIN shipment s ON s.id = l.shipment_id
     WHERE t.id = ANY (moves)
        OR t.what = ANY (CASE WHEN down THEN '{issued,delivered,returned,sent_back,lost}'::text[]
                              ELSE '{received,opened,made,found}'::text[] END)
     GROUP BY t.depth, t.what, t.item_id, t.lot_id, s.party_id, s.id, t.here
    UNION ALL
    SELECT r.depth, 'in_stock', b.item_id, b.lot_id, b.on_hand, NULL, NULL, NULL, b.location_id
      FROM unnest(lots, depths) r (id, depth) JOIN lot o ON o.id = r.id
      JOIN stock_balance b ON b.company_id = o.company_id AND b.item_id = o.item_id AND b.lot_id = o.id AND b.on_hand <> 0
      JOIN location p ON p.id = b.location_id AND p.kind IN ('internal', 'transit')
     WHERE down
     ORDER BY 1, 6 NULLS LAST, 8, 4;
END $$;

-- Where it came from: its components' lots, their suppliers and receipts.
CREATE OR REPLACE FUNCTION lot_trace_up(of_lot bigint)
    RETURNS TABLE (depth integer, event text, item_id bigint, lot_id bigint, quantity numeric, day date,
                   party_id bigint, shipment_id bigint, location_id bigint)
    LANGUAGE sql STABLE ROWS 20 AS $$ SELECT * FROM lot_trace($1, 'up') $$;

-- Where it went: what was made of it, who has it, what is still here.
CREATE OR REPLACE FUNCTION lot_trace_down(of_lot bigint)
    RETURNS TABLE (depth integer, event text, item_id bigint, lot_id bigint, quantity numeric, day date,
                   party_id bigint, shipment_id bigint, location_id bigint)
    LANGUAGE sql STABLE ROWS 20 AS $$ SELECT * FROM lot_trace($1, 'down') $$;
GRANT EXECUTE ON FUNCTION lot_trace_beside, lot_trace_next, lot_trace, lot_trace_up, lot_trace_down TO tenon_app;
