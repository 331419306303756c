-- What is derived about orders and their lines.

-- What the maintained columns of an order must be: the triggers write it, a check compares.
CREATE VIEW sales_order_derived WITH (security_invoker = true) AS
SELECT o.id, o.company_id, l.net, l.tax,
       CASE WHEN NOT l.delivery THEN CASE WHEN o.confirmed_at IS NOT NULL THEN 'full' ELSE 'none' END
            WHEN l.delivered_all THEN 'full' WHEN l.delivered_some THEN 'part' ELSE 'none' END AS delivered,
       l.invoiced,
       CASE WHEN l.invoiced = 'full' AND i.all_paid THEN 'full'
            WHEN i.some_paid THEN 'part' ELSE 'none' END AS paid,
       CASE WHEN o.confirmed_at IS NOT NULL AND o.state NOT IN ('closed', 'cancelled')
            THEN round(l.open_value * o.exchange_rate, currency_scale(c.currency_code))
            ELSE 0 END AS open_value
  FROM sales_order o
  JOIN company c ON c.id = o.company_id
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(l.net), 0) AS net, coalesce(sum(l.tax), 0) AS tax,
              coalesce(sum(l.net + l.tax - sales_line_value(l.quantity_invoiced, l.unit_price, l.discount, l.tax_rate,
                                                            l.currency_code)), 0) AS open_value,
              coalesce(bool_or(i.kind <> 'service'), false) AS delivery,
              coalesce(bool_and(l.quantity_delivered >= l.quantity) FILTER (WHERE i.kind <> 'service'), false) AS delivered_all,
              coalesce(bool_or(l.quantity_delivered > 0), false) AS delivered_some,
              CASE WHEN bool_and(l.quantity_invoiced >= l.quantity - l.quantity_returned) THEN 'full'
                   WHEN bool_or(l.quantity_invoiced > 0) THEN 'part' ELSE 'none' END AS invoiced
         FROM sales_order_line l JOIN item i ON i.id = l.item_id
        WHERE l.order_id = o.id AND NOT l.optional) l
 CROSS JOIN LATERAL (
       SELECT coalesce(bool_and(i.paid = 'full'), false) AS all_paid,
              coalesce(bool_or(i.paid <> 'none'), false) AS some_paid
         FROM invoice i
        WHERE i.kind = 'customer_invoice' AND i.state = 'posted'
          AND i.id IN (SELECT n.invoice_id FROM invoice_line n
                        JOIN sales_order_line s ON s.id = n.sales_order_line_id WHERE s.order_id = o.id)) i;
GRANT SELECT ON sales_order_derived TO tenon_app;

-- Quantities of a line, reconciled: ordered = delivered + in delivery + to deliver, and what
-- may be invoiced = invoiced + in draft invoices + to invoice.
CREATE VIEW sales_order_line_fact WITH (security_invoker = true) AS
SELECT l.id, l.company_id,
       (SELECT a.available FROM stock_available a
         WHERE a.company_id = o.company_id AND a.item_id = l.item_id AND a.warehouse_id = o.warehouse_id) AS available,
       d.quantity AS quantity_in_delivery,
       CASE WHEN l.optional OR t.kind = 'service' THEN 0
            ELSE l.quantity - l.quantity_delivered - d.quantity END AS quantity_to_deliver,
       i.quantity AS quantity_in_invoice,
       CASE WHEN l.optional THEN 0
            ELSE CASE WHEN l.invoice_policy = 'ordered' THEN l.quantity ELSE l.quantity_delivered END
                 - l.quantity_returned - l.quantity_invoiced - i.quantity END AS quantity_to_invoice
  FROM sales_order_line l
  JOIN sales_order o ON o.id = l.order_id
  JOIN item t ON t.id = l.item_id
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(s.quantity), 0) AS quantity
         FROM shipment_line s JOIN shipment h ON h.id = s.shipment_id
        WHERE s.sales_order_line_id = l.id AND h.kind = 'delivery' AND h.state NOT IN ('done', 'cancelled')) d
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(n.quantity), 0) AS quantity
         FROM invoice_line n JOIN invoice h ON h.id = n.invoice_id
        WHERE n.sales_order_line_id = l.id AND h.kind = 'customer_invoice' AND h.state NOT IN ('posted', 'cancelled')) i;
COMMENT ON COLUMN sales_order_line_fact.available IS 'Available: in stock and not reserved for anybody';
COMMENT ON COLUMN sales_order_line_fact.quantity_in_delivery IS 'In delivery: on deliveries that have not left yet';
COMMENT ON COLUMN sales_order_line_fact.quantity_to_deliver IS 'To deliver: not on any delivery yet';
COMMENT ON COLUMN sales_order_line_fact.quantity_in_invoice IS 'In draft invoices';
COMMENT ON COLUMN sales_order_line_fact.quantity_to_invoice IS 'To invoice: what may be invoiced and is on no invoice yet';
GRANT SELECT ON sales_order_line_fact TO tenon_app;

-- What guards and lists ask about an order. Scalar subqueries: only what is asked is computed.
CREATE VIEW sales_order_fact WITH (security_invoker = true) AS
SELECT o.id, o.company_id,
       (SELECT count(*) FROM sales_order_line l WHERE l.order_id = o.id AND NOT l.optional) AS line_count,
       (SELECT count(*) FROM sales_order_line l
         WHERE l.order_id = o.id AND NOT l.optional AND l.unit_price IS NULL) AS unpriced_count,
       (o.quoted_at IS NOT NULL AND o.confirmed_at IS NULL AND o.valid_until < app_today()) AS expired,
       coalesce((SELECT d.base_amount FROM customer_overdue d
                  WHERE d.company_id = o.company_id AND d.customer_id = o.customer_id), 0) AS customer_overdue,
       coalesce((SELECT c.credit_hold FROM customer_company c
                  WHERE c.company_id = o.company_id AND c.party_id = o.customer_id), false) AS customer_hold,
       (SELECT c.credit_limit - c.exposure FROM customer_company c
         WHERE c.company_id = o.company_id AND c.party_id = o.customer_id) AS credit_left
  FROM sales_order o;
COMMENT ON COLUMN sales_order_fact.line_count IS 'Lines';
COMMENT ON COLUMN sales_order_fact.unpriced_count IS 'Lines without a price';
COMMENT ON COLUMN sales_order_fact.expired IS 'Expired: the quotation can no longer be accepted';
COMMENT ON COLUMN sales_order_fact.customer_overdue IS 'Overdue: what the customer should have paid by now, in company currency';
COMMENT ON COLUMN sales_order_fact.customer_hold IS 'Customer on hold';
COMMENT ON COLUMN sales_order_fact.credit_left IS 'Credit left: empty means without limit, in company currency';
GRANT SELECT ON sales_order_fact TO tenon_app;

-- The production orders that are made for a line, and how far each of them is: finished while
-- what came out of it lies in quarantine, stocked when all of it can be shipped.
CREATE VIEW sales_line_production WITH (security_invoker = true) AS
SELECT p.sales_order_line_id, o.company_id, o.id AS production_order_id,
       CASE WHEN o.state NOT IN ('finished', 'closed') THEN o.state
            WHEN EXISTS (SELECT FROM shipment s JOIN shipment_line n ON n.shipment_id = s.id
                           JOIN stock_move m ON m.shipment_line_id = n.id AND m.item_id = o.item_id
                           JOIN location t ON t.id = m.to_location_id AND t.quarantine
                           JOIN stock_balance b ON b.company_id = m.company_id AND b.item_id = m.item_id
                            AND b.location_id = t.id AND b.lot_id IS NOT DISTINCT FROM m.lot_id AND b.on_hand > 0
                          WHERE s.production_order_id = o.id) THEN 'finished'
            ELSE 'stocked' END AS milestone
  FROM production_order o JOIN promise p ON p.id = o.promise_id
 WHERE p.sales_order_line_id IS NOT NULL AND o.state <> 'cancelled';
GRANT SELECT ON sales_line_production TO tenon_app;

-- Where a line is: shipped when all of it has left; else as far as the least advanced of the
-- orders that are made for it. The trigger writes it, a check compares.
CREATE VIEW sales_line_milestone WITH (security_invoker = true) AS
SELECT l.id, l.company_id,
       CASE WHEN l.quantity_delivered >= l.quantity THEN 'shipped'
            ELSE (SELECT m.milestone FROM sales_line_production m WHERE m.sales_order_line_id = l.id
                   ORDER BY sales_milestone_rank(m.milestone) LIMIT 1) END AS milestone
  FROM sales_order_line l;
GRANT SELECT ON sales_line_milestone TO tenon_app;
