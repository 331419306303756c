-- Views of quality. Dropped and run again at every upgrade.

-- How far the results of an inspection are.
CREATE VIEW quality_inspection_fact WITH (security_invoker = true) AS
SELECT q.id, q.company_id, r.results AS result_count, r.missing, r.failed,
       (SELECT coalesce(sum(l.quantity_done), 0) FROM shipment_line l WHERE l.quality_inspection_id = q.id) AS quantity_moved
  FROM quality_inspection q CROSS JOIN LATERAL (
       SELECT count(*) AS results, count(*) FILTER (WHERE passed IS NULL) AS missing, count(*) FILTER (WHERE NOT passed) AS failed
         FROM quality_inspection_result WHERE inspection_id = q.id) r;
COMMENT ON COLUMN quality_inspection_fact.result_count IS 'Results';
COMMENT ON COLUMN quality_inspection_fact.missing IS 'Missing: results that are not recorded yet';
COMMENT ON COLUMN quality_inspection_fact.failed IS 'Bad results';
COMMENT ON COLUMN quality_inspection_fact.quantity_moved IS 'Moved: out of quarantine';
GRANT SELECT ON quality_inspection_fact TO tenon_app;

-- Everything about a lot, both ways: ask for one lot.
CREATE VIEW lot_trace WITH (security_invoker = true) AS
SELECT o.id * 100000 + (w.down::integer) * 50000 + t.n AS id, o.company_id, o.id AS of_lot_id,
       CASE WHEN w.down THEN 'down' ELSE 'up' END AS direction, t.depth, t.event, t.item_id, t.lot_id, t.quantity, t.day,
       t.party_id, t.shipment_id, t.location_id
  FROM lot o CROSS JOIN (VALUES (true), (false)) w (down)
 CROSS JOIN LATERAL lot_trace(o.id, CASE WHEN w.down THEN 'down' ELSE 'up' END)
       WITH ORDINALITY t (depth, event, item_id, lot_id, quantity, day, party_id, shipment_id, location_id, n);
COMMENT ON VIEW lot_trace IS 'Lot trace: where a lot came from and where it went, through production';
COMMENT ON COLUMN lot_trace.of_lot_id IS 'Trace of: the lot that is asked about';
COMMENT ON COLUMN lot_trace.direction IS 'Direction: up to the suppliers, down to the customers';
COMMENT ON COLUMN lot_trace.depth IS 'Level: productions between';
COMMENT ON COLUMN lot_trace.event IS 'Event: received, opened, made, found, issued, delivered, returned, sent back, lost or in stock';
COMMENT ON COLUMN lot_trace.item_id IS 'Item';
COMMENT ON COLUMN lot_trace.lot_id IS 'Lot: empty where the item is not kept by lot';
COMMENT ON COLUMN lot_trace.quantity IS 'Quantity';
COMMENT ON COLUMN lot_trace.day IS 'Date';
COMMENT ON COLUMN lot_trace.party_id IS 'Partner';
COMMENT ON COLUMN lot_trace.shipment_id IS 'Shipment';
COMMENT ON COLUMN lot_trace.location_id IS 'Location';
GRANT SELECT ON lot_trace TO tenon_app;

-- Whom an alert concerns: the lot and all that was made of it.
CREATE VIEW quality_alert_fact WITH (security_invoker = true) AS
SELECT a.id, a.company_id, t.customers, t.delivered, t.on_hand
  FROM quality_alert a CROSS JOIN LATERAL (
       SELECT count(DISTINCT d.party_id) FILTER (WHERE d.event = 'delivered') AS customers,
              coalesce(sum(d.quantity) FILTER (WHERE d.event = 'delivered'), 0)
              - coalesce(sum(d.quantity) FILTER (WHERE d.event = 'returned'), 0) AS delivered,
              coalesce(sum(d.quantity) FILTER (WHERE d.event = 'in_stock'), 0) AS on_hand
         FROM lot_trace(a.lot_id, 'down') d) t;
COMMENT ON COLUMN quality_alert_fact.customers IS 'Customers: that have the lot or something made of it';
COMMENT ON COLUMN quality_alert_fact.delivered IS 'Delivered: units of it and of what was made of it, less what came back';
COMMENT ON COLUMN quality_alert_fact.on_hand IS 'On hand: of it and of what was made of it';
GRANT SELECT ON quality_alert_fact TO tenon_app;
