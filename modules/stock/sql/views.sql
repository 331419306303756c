-- Views of stock. Dropped and run again at every upgrade.

-- What each warehouse can give of an item now.
CREATE VIEW stock_available WITH (security_invoker = true) AS
SELECT min(b.id) AS id, b.company_id, b.item_id, l.warehouse_id, sum(b.on_hand) AS on_hand, sum(b.reserved) AS reserved,
       coalesce(sum(b.on_hand - b.reserved) FILTER (WHERE NOT l.quarantine AND lot_usable(o.held, o.expires_on)), 0) AS available
  FROM stock_balance b JOIN location l ON l.id = b.location_id LEFT JOIN lot o ON o.id = b.lot_id
 WHERE l.kind = 'internal'
 GROUP BY b.company_id, b.item_id, l.warehouse_id;
COMMENT ON VIEW stock_available IS 'Available stock: per item and warehouse';
COMMENT ON COLUMN stock_available.item_id IS 'Item';
COMMENT ON COLUMN stock_available.warehouse_id IS 'Warehouse';
COMMENT ON COLUMN stock_available.on_hand IS 'On hand';
COMMENT ON COLUMN stock_available.reserved IS 'Reserved';
COMMENT ON COLUMN stock_available.available IS 'Available: free, and neither held nor expired nor in quarantine';
GRANT SELECT ON stock_available TO tenon_app;

-- How far a shipment is.
CREATE VIEW shipment_fact WITH (security_invoker = true) AS
SELECT s.id, s.company_id, l.line_count, l.quantity, l.quantity_done,
       CASE WHEN l.quantity_reserved = 0 THEN 'none'
            WHEN l.quantity_done + l.quantity_reserved < l.quantity THEN 'part' ELSE 'full' END AS reserved
  FROM shipment s CROSS JOIN LATERAL (
       SELECT count(*) AS line_count, coalesce(sum(quantity), 0) AS quantity, coalesce(sum(quantity_done), 0) AS quantity_done,
              coalesce(sum(quantity_reserved), 0) AS quantity_reserved
         FROM shipment_line WHERE shipment_id = s.id) l;
COMMENT ON COLUMN shipment_fact.line_count IS 'Lines';
COMMENT ON COLUMN shipment_fact.quantity IS 'Quantity';
COMMENT ON COLUMN shipment_fact.quantity_done IS 'Done';
COMMENT ON COLUMN shipment_fact.reserved IS 'Reserved: none, part or full';
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
 WHERE b.on_hand <> 0 AND lot_usable(o.held, o.expires_on);
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

-- What there is of a lot, where, and whether it may be used.
CREATE VIEW lot_fact WITH (security_invoker = true) AS
SELECT o.id, o.company_id, b.on_hand, b.places,
       CASE WHEN b.on_hand = 0 THEN 'none' WHEN o.held THEN 'held' WHEN o.expires_on < app_today() THEN 'expired'
            WHEN b.waiting = b.on_hand THEN 'quarantine' ELSE 'usable' END AS status
  FROM lot o CROSS JOIN LATERAL (
       SELECT coalesce(sum(s.on_hand), 0) AS on_hand, coalesce(sum(s.on_hand) FILTER (WHERE l.quarantine), 0) AS waiting,
              string_agg(l.code || ': ' || trim_scale(s.on_hand), ', ' ORDER BY l.code) AS places
         FROM stock_balance s JOIN location l ON l.id = s.location_id AND l.kind IN ('internal', 'transit')
        WHERE s.company_id = o.company_id AND s.item_id = o.item_id AND s.lot_id = o.id AND s.on_hand <> 0) b;
COMMENT ON COLUMN lot_fact.on_hand IS 'On hand';
COMMENT ON COLUMN lot_fact.places IS 'Where: locations and quantities';
COMMENT ON COLUMN lot_fact.status IS 'Status: usable, held, expired, quarantine, or none when there is no stock of it';
GRANT SELECT ON lot_fact TO tenon_app;
