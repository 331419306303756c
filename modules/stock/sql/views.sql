-- Views of stock. Dropped and run again at every upgrade.

-- What each warehouse can give of an item now.
CREATE VIEW stock_available WITH (security_invoker = true) AS
SELECT min(b.id) AS id, b.company_id, b.item_id, l.warehouse_id, sum(b.on_hand) AS on_hand, sum(b.reserved) AS reserved,
       sum(b.on_hand - b.reserved) AS available
  FROM stock_balance b JOIN location l ON l.id = b.location_id
 WHERE l.kind = 'internal'
 GROUP BY b.company_id, b.item_id, l.warehouse_id;
COMMENT ON VIEW stock_available IS 'Available stock: per item and warehouse';
COMMENT ON COLUMN stock_available.item_id IS 'Item';
COMMENT ON COLUMN stock_available.warehouse_id IS 'Warehouse';
COMMENT ON COLUMN stock_available.on_hand IS 'On hand';
COMMENT ON COLUMN stock_available.reserved IS 'Reserved';
COMMENT ON COLUMN stock_available.available IS 'Available';
GRANT SELECT ON stock_available TO tenon_app;

-- Movements that count: not those that were reversed, nor what reversed them.
CREATE VIEW stock_move_live WITH (security_invoker = true) AS
SELECT m.* FROM stock_move m
 WHERE m.reverses_move_id IS NULL AND NOT EXISTS (SELECT FROM stock_move r WHERE r.reverses_move_id = m.id);
GRANT SELECT ON stock_move_live TO tenon_app;

-- How far a shipment is.
CREATE VIEW shipment_fact WITH (security_invoker = true) AS
SELECT s.id, s.company_id, l.line_count, l.quantity, l.quantity_done,
       CASE WHEN l.quantity_reserved = 0 THEN 'none'
            WHEN l.quantity_done + l.quantity_reserved < l.quantity THEN 'part' ELSE 'full' END AS reserved,
       CASE WHEN s.state <> 'done' OR l.quantity_done = l.quantity THEN 'none'
            WHEN l.quantity_done > 0 THEN 'part' ELSE 'full' END AS reversed
  FROM shipment s CROSS JOIN LATERAL (
       SELECT count(*) AS line_count, coalesce(sum(quantity), 0) AS quantity, coalesce(sum(quantity_done), 0) AS quantity_done,
              coalesce(sum(quantity_reserved), 0) AS quantity_reserved
         FROM shipment_line WHERE shipment_id = s.id) l;
COMMENT ON COLUMN shipment_fact.line_count IS 'Lines';
COMMENT ON COLUMN shipment_fact.quantity IS 'Quantity';
COMMENT ON COLUMN shipment_fact.quantity_done IS 'Done';
COMMENT ON COLUMN shipment_fact.reserved IS 'Reserved: none, part or full';
COMMENT ON COLUMN shipment_fact.reversed IS 'Reversed: how much of a done shipment was taken back';
GRANT SELECT ON shipment_fact TO tenon_app;

-- What a movement is worth, with its corrections.
CREATE VIEW stock_move_fact WITH (security_invoker = true) AS
SELECT m.id, m.company_id, (SELECT sum(v.amount) FROM stock_value v WHERE v.move_id = m.id)::base_amount AS value
  FROM stock_move m;
COMMENT ON COLUMN stock_move_fact.value IS 'Value: what it adds to the value of the stock';
GRANT SELECT ON stock_move_fact TO tenon_app;

CREATE VIEW stock_valuation_fact WITH (security_invoker = true) AS
SELECT id, company_id, CASE WHEN quantity > 0 THEN round(value / quantity, 6) END::unit_price AS unit_cost
  FROM stock_valuation;
COMMENT ON COLUMN stock_valuation_fact.unit_cost IS 'Unit cost';
GRANT SELECT ON stock_valuation_fact TO tenon_app;

-- Stock that may be promised and shipped, balance by balance; free is what nobody has reserved.
-- A lot can be used up to and including the day on which it expires.
CREATE VIEW stock_usable WITH (security_invoker = true) AS
SELECT b.company_id, b.item_id, p.warehouse_id, b.location_id, b.lot_id, b.on_hand, b.reserved,
       b.on_hand - b.reserved AS free, o.expires_on
  FROM stock_balance b
  JOIN location p ON p.id = b.location_id AND p.kind = 'internal' AND p.active AND NOT p.quarantine
  LEFT JOIN lot o ON o.id = b.lot_id
 WHERE b.on_hand <> 0 AND (b.lot_id IS NULL OR NOT o.held AND coalesce(o.expires_on >= app_today(), true));
GRANT SELECT ON stock_usable TO tenon_app;

-- What the planner has to mend: items that were promised and will not be there, since supply
-- came late, was lost or is held. Promises themselves never make it so.
CREATE VIEW promise_exception WITH (security_invoker = true) AS
SELECT h.id, h.company_id, h.item_id, h.warehouse_id, x.day, x.missing::quantity AS missing
  FROM (SELECT min(p.id) AS id, p.company_id, p.item_id, p.warehouse_id FROM promise p
         WHERE p.quantity > p.reserved GROUP BY p.company_id, p.item_id, p.warehouse_id) h
 CROSS JOIN LATERAL (SELECT min(a.day) AS day, max(-a.available) AS missing
                       FROM promise_available(h.company_id, h.item_id, h.warehouse_id) a WHERE a.available < 0) x
 WHERE x.missing > 0;
COMMENT ON VIEW promise_exception IS 'Promise in danger: promised, and no longer covered';
COMMENT ON COLUMN promise_exception.item_id IS 'Item';
COMMENT ON COLUMN promise_exception.warehouse_id IS 'Warehouse';
COMMENT ON COLUMN promise_exception.day IS 'From: the first day on which it is missing';
COMMENT ON COLUMN promise_exception.missing IS 'Missing';
GRANT SELECT ON promise_exception TO tenon_app;
