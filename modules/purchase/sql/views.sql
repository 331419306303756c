-- What is derived about orders and requisitions.

-- What the maintained columns of an order must be. Goods count as billed in full when all that
-- came is billed, and no more is to come; services when all that was ordered is.
CREATE VIEW purchase_order_derived WITH (security_invoker = true) AS
SELECT o.id, o.company_id, l.net, l.tax,
       CASE WHEN NOT l.goods THEN CASE WHEN o.ordered_at IS NOT NULL THEN 'full' ELSE 'none' END
            WHEN l.received_all THEN 'full' WHEN l.received_some THEN 'part' ELSE 'none' END AS received,
       CASE WHEN l.billed_some AND l.billed_all THEN 'full' WHEN l.billed_some THEN 'part' ELSE 'none' END AS billed
  FROM purchase_order o
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(n.net), 0) AS net, coalesce(sum(n.tax), 0) AS tax,
              coalesce(bool_or(i.kind = 'stocked'), false) AS goods,
              coalesce(bool_and(n.quantity_received >= n.quantity) FILTER (WHERE i.kind = 'stocked'), false) AS received_all,
              coalesce(bool_or(n.quantity_received > 0), false) AS received_some,
              coalesce(bool_and(n.quantity_billed >= CASE WHEN i.kind <> 'stocked' THEN n.quantity
                  WHEN o.state = 'closed' THEN n.quantity_received - n.quantity_returned
                  ELSE greatest(n.quantity, n.quantity_received) - n.quantity_returned END), false) AS billed_all,
              coalesce(bool_or(n.quantity_billed > 0), false) AS billed_some
         FROM purchase_order_line n JOIN item i ON i.id = n.item_id WHERE n.order_id = o.id) l;
GRANT SELECT ON purchase_order_derived TO tenon_app;

-- Quantities of a line, reconciled: what is on receipts and draft bills, and what is left.
CREATE VIEW purchase_order_line_fact WITH (security_invoker = true) AS
SELECT l.id, l.company_id, r.quantity AS quantity_in_receipt,
       CASE WHEN t.kind <> 'stocked' OR o.state IN ('closed', 'cancelled') THEN 0
            ELSE greatest(l.quantity - l.quantity_received - r.quantity, 0) END AS quantity_to_receive,
       b.quantity AS quantity_in_bill,
       CASE WHEN t.kind = 'stocked' THEN l.quantity_received - l.quantity_returned ELSE l.quantity END
           - l.quantity_billed - b.quantity AS quantity_to_bill
  FROM purchase_order_line l
  JOIN purchase_order o ON o.id = l.order_id
  JOIN item t ON t.id = l.item_id
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(s.quantity), 0) AS quantity FROM shipment_line s JOIN shipment h ON h.id = s.shipment_id
        WHERE s.purchase_order_line_id = l.id AND h.kind = 'receipt' AND h.state NOT IN ('done', 'cancelled')) r
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(n.quantity), 0) AS quantity FROM invoice_line n JOIN invoice h ON h.id = n.invoice_id
        WHERE n.purchase_order_line_id = l.id AND h.kind = 'supplier_bill' AND h.state NOT IN ('posted', 'cancelled')) b;
COMMENT ON COLUMN purchase_order_line_fact.quantity_in_receipt IS 'In receipt: on receipts that have not arrived yet';
COMMENT ON COLUMN purchase_order_line_fact.quantity_to_receive IS 'To receive: not on any receipt yet';
COMMENT ON COLUMN purchase_order_line_fact.quantity_in_bill IS 'In draft bills';
COMMENT ON COLUMN purchase_order_line_fact.quantity_to_bill IS 'To bill: what may be billed and is on no bill yet';
GRANT SELECT ON purchase_order_line_fact TO tenon_app;

CREATE VIEW purchase_order_fact WITH (security_invoker = true) AS
SELECT o.id, o.company_id,
       (SELECT count(*) FROM purchase_order_line l WHERE l.order_id = o.id) AS line_count,
       (SELECT count(*) FROM purchase_order_line l WHERE l.order_id = o.id AND l.unit_price IS NULL) AS unpriced_count
  FROM purchase_order o;
COMMENT ON COLUMN purchase_order_fact.line_count IS 'Lines';
COMMENT ON COLUMN purchase_order_fact.unpriced_count IS 'Lines without a price';
GRANT SELECT ON purchase_order_fact TO tenon_app;

CREATE VIEW purchase_requisition_fact WITH (security_invoker = true) AS
SELECT r.id, r.company_id, l.line_count, l.line_count > 0 AND l.pegged AS pegged, l.line_count > 0 AND l.sourced AS sourced
  FROM purchase_requisition r
 CROSS JOIN LATERAL (
       SELECT count(*) AS line_count, coalesce(bool_and(s.promise_id IS NOT NULL), false) AS pegged,
              coalesce(bool_and(n.supplier_id IS NOT NULL), false) AS sourced
         FROM purchase_requisition_line n LEFT JOIN supply s ON s.id = n.supply_id WHERE n.requisition_id = r.id) l;
COMMENT ON COLUMN purchase_requisition_fact.line_count IS 'Lines';
COMMENT ON COLUMN purchase_requisition_fact.pegged IS 'Pegged: all of it is for what customers were promised';
COMMENT ON COLUMN purchase_requisition_fact.sourced IS 'Sourced: every line has a supplier';
GRANT SELECT ON purchase_requisition_fact TO tenon_app;
