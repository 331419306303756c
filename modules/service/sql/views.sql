-- What is derived of cases. Made anew at every upgrade.

-- What who looks after a case must see of the order, the delivery and the invoice: how far they
-- are, not what they are worth or what the customer owes.
CREATE VIEW service_case_fact WITH (security_invoker = true) AS
SELECT c.id,
       o.number AS order_number, o.state AS order_state, o.delivered AS order_delivered, p.day AS promised_on,
       s.number AS shipment_number, s.done_date AS shipped_on, s.carrier, s.tracking_number,
       i.number AS invoice_number, i.paid AS invoice_paid,
       t.code AS lot_code, t.held AS lot_held,
       g.segment, g.grade,
       r.due_at AS response_due_at, k.due_at AS resolution_due_at,
       coalesce(r.stopped_at IS NULL AND r.due_at < now(), false)
           OR coalesce(k.stopped_at IS NULL AND k.due_at < now(), false) AS late,
       m.messages, m.last_message_at
  FROM service_case c
  LEFT JOIN sales_order o ON o.company_id = c.company_id AND o.id = c.sales_order_id
  LEFT JOIN promise p ON p.company_id = c.company_id AND p.sales_order_line_id = c.sales_order_line_id AND p.quantity > 0
  LEFT JOIN shipment s ON s.company_id = c.company_id AND s.id = c.shipment_id
  LEFT JOIN invoice i ON i.company_id = c.company_id AND i.id = c.invoice_id
  LEFT JOIN lot t ON t.company_id = c.company_id AND t.id = c.lot_id
  LEFT JOIN customer_company g ON g.company_id = c.company_id AND g.party_id = c.party_id
  LEFT JOIN sla_clock r ON r.company_id = c.company_id AND r.case_id = c.id AND r.kind = 'response'
  LEFT JOIN sla_clock k ON k.company_id = c.company_id AND k.case_id = c.id AND k.kind = 'resolution'
  LEFT JOIN LATERAL (SELECT count(*) AS messages, max(x.at) AS last_message_at
                       FROM case_message x WHERE x.case_id = c.id) m ON true;
COMMENT ON VIEW service_case_fact IS 'Case: what is derived';
COMMENT ON COLUMN service_case_fact.order_number IS 'Order number';
COMMENT ON COLUMN service_case_fact.order_state IS 'State of the order';
COMMENT ON COLUMN service_case_fact.order_delivered IS 'Order delivered: none, part or full';
COMMENT ON COLUMN service_case_fact.promised_on IS 'Promised on: what is still to be delivered of the order line';
COMMENT ON COLUMN service_case_fact.shipment_number IS 'Delivery number';
COMMENT ON COLUMN service_case_fact.shipped_on IS 'Delivered on';
COMMENT ON COLUMN service_case_fact.carrier IS 'Carrier';
COMMENT ON COLUMN service_case_fact.tracking_number IS 'Tracking number';
COMMENT ON COLUMN service_case_fact.invoice_number IS 'Invoice number';
COMMENT ON COLUMN service_case_fact.invoice_paid IS 'Invoice paid: none, part or full';
COMMENT ON COLUMN service_case_fact.lot_code IS 'Lot number';
COMMENT ON COLUMN service_case_fact.lot_held IS 'Lot held';
COMMENT ON COLUMN service_case_fact.segment IS 'Segment: of the customer';
COMMENT ON COLUMN service_case_fact.grade IS 'Grade: of the customer';
COMMENT ON COLUMN service_case_fact.response_due_at IS 'Response due';
COMMENT ON COLUMN service_case_fact.resolution_due_at IS 'Resolution due';
COMMENT ON COLUMN service_case_fact.late IS 'Late: a deadline has passed';
COMMENT ON COLUMN service_case_fact.messages IS 'Messages';
COMMENT ON COLUMN service_case_fact.last_message_at IS 'Last message';
GRANT SELECT ON service_case_fact TO tenon_app;

-- The orders, deliveries and invoices of a case's customer: how far each is, without amounts.
CREATE VIEW service_case_document WITH (security_invoker = true) AS
SELECT d.id * 4 + d.n AS id, c.company_id, c.id AS case_id, d.entity, d.id AS document_id, d.number, d.document_date,
       d.state, d.delivered, d.paid, coalesce(d.linked, false) AS linked
  FROM service_case c
 CROSS JOIN LATERAL (
       SELECT 1 AS n, 'sales_order' AS entity, o.id, o.number, o.order_date AS document_date, o.state, o.delivered,
              o.paid, o.id = c.sales_order_id AS linked
         FROM sales_order o WHERE o.company_id = c.company_id AND o.customer_id = c.party_id
       UNION ALL
       SELECT 2, 'shipment', s.id, s.number, coalesce(s.done_date, s.planned_date), s.state,
              CASE s.state WHEN 'done' THEN 'full' ELSE 'none' END, NULL, s.id = c.shipment_id
         FROM shipment s WHERE s.company_id = c.company_id AND s.party_id = c.party_id AND s.kind IN ('delivery', 'return')
       UNION ALL
       SELECT 3, 'invoice', i.id, i.number, i.invoice_date, i.state, NULL, i.paid, i.id = c.invoice_id
         FROM invoice i WHERE i.company_id = c.company_id AND i.party_id = c.party_id AND i.state = 'posted'
          AND i.kind IN ('customer_invoice', 'credit_note')) d;
COMMENT ON VIEW service_case_document IS 'Customer''s document: order, delivery or invoice of the customer of a case';
COMMENT ON COLUMN service_case_document.case_id IS 'Case';
COMMENT ON COLUMN service_case_document.entity IS 'Kind of document';
COMMENT ON COLUMN service_case_document.document_id IS 'Document';
COMMENT ON COLUMN service_case_document.number IS 'Number';
COMMENT ON COLUMN service_case_document.document_date IS 'Date';
COMMENT ON COLUMN service_case_document.state IS 'State';
COMMENT ON COLUMN service_case_document.delivered IS 'Delivered: none, part or full';
COMMENT ON COLUMN service_case_document.paid IS 'Paid: none, part or full';
COMMENT ON COLUMN service_case_document.linked IS 'Linked: the case is about it';
GRANT SELECT ON service_case_document TO tenon_app;
