-- What is derived of cases. Made anew at every upgrade.

-- ------------------------------------------------------------------ how cases are resolved
-- What has become of each line of a return.
CREATE VIEW return_order_line_fact WITH (security_invoker = true) AS
SELECT n.id, n.company_id, return_line_received(n.id)::quantity AS quantity_received,
       return_line_scrapped(n.id)::quantity AS quantity_scrapped, return_line_resolved(n.id)::quantity AS quantity_resolved
  FROM return_order_line n;
COMMENT ON COLUMN return_order_line_fact.quantity_received IS 'Received: has come back';
COMMENT ON COLUMN return_order_line_fact.quantity_scrapped IS 'Scrapped';
COMMENT ON COLUMN return_order_line_fact.quantity_resolved IS 'Resolved: credited, replaced or under repair';
GRANT SELECT ON return_order_line_fact TO tenon_app;

-- How far a return is. Scalar subqueries: only what is asked is computed.
CREATE VIEW return_order_fact WITH (security_invoker = true) AS
SELECT r.id, r.company_id,
       (SELECT count(*) FROM return_order_line n WHERE n.return_id = r.id) AS line_count,
       (SELECT CASE WHEN coalesce(sum(f.quantity_received), 0) = 0 THEN 'none'
                    WHEN bool_and(f.quantity_received >= n.quantity) THEN 'full' ELSE 'part' END
          FROM return_order_line n JOIN return_order_line_fact f USING (id) WHERE n.return_id = r.id) AS received,
       (SELECT CASE WHEN coalesce(sum(f.quantity_resolved), 0) = 0 THEN 'none'
                    WHEN bool_and(f.quantity_resolved >= f.quantity_received) THEN 'full' ELSE 'part' END
          FROM return_order_line n JOIN return_order_line_fact f USING (id) WHERE n.return_id = r.id) AS resolved,
       (SELECT string_agg(DISTINCT s.number, ', ') FROM return_order_line n
          JOIN shipment_line l ON l.return_order_line_id = n.id JOIN shipment s ON s.id = l.shipment_id AND s.kind = 'return'
         WHERE n.return_id = r.id AND s.state <> 'cancelled') AS return_shipment,
       (SELECT string_agg(DISTINCT coalesce(i.number, '#' || i.id), ', ') FROM return_order_line n
          JOIN invoice_line c ON c.return_order_line_id = n.id JOIN invoice i ON i.id = c.invoice_id
         WHERE n.return_id = r.id AND i.state <> 'cancelled') AS credit_note,
       (SELECT CASE WHEN bool_or(p.state = 'draft') THEN 'draft' WHEN bool_or(p.state = 'posted') THEN 'posted' ELSE 'none' END
          FROM return_order_line n JOIN invoice_line c ON c.return_order_line_id = n.id
          JOIN payment_line y ON y.company_id = c.company_id AND y.invoice_id = c.invoice_id
          JOIN payment p ON p.id = y.payment_id AND p.kind = 'refund' AND p.state <> 'cancelled'
         WHERE n.return_id = r.id) AS refund,
       (SELECT string_agg(DISTINCT o.number, ', ') FROM return_order_line n
          JOIN sales_order_line s ON s.return_order_line_id = n.id JOIN sales_order o ON o.id = s.order_id
         WHERE n.return_id = r.id AND o.state <> 'cancelled') AS replacement,
       (SELECT string_agg(DISTINCT p.number, ', ') FROM return_order_line n JOIN repair_order p ON p.return_order_line_id = n.id
         WHERE n.return_id = r.id AND p.state <> 'cancelled') AS repair,
       NOT EXISTS (SELECT FROM return_order_line n
                     LEFT JOIN invoice_line c ON c.return_order_line_id = n.id
                     LEFT JOIN invoice i ON i.id = c.invoice_id
                     LEFT JOIN payment_line y ON y.company_id = c.company_id AND y.invoice_id = c.invoice_id
                     LEFT JOIN payment p ON p.id = y.payment_id
                     LEFT JOIN sales_order_line s ON s.return_order_line_id = n.id
                     LEFT JOIN sales_order o ON o.id = s.order_id
                     LEFT JOIN repair_order w ON w.return_order_line_id = n.id
                    WHERE n.return_id = r.id
                      AND (i.state = 'draft' OR p.state = 'draft' OR o.state <> 'cancelled' AND o.delivered <> 'full'
                           OR w.state IN ('draft', 'started'))) AS settled
  FROM return_order r;
COMMENT ON COLUMN return_order_fact.line_count IS 'Lines';
COMMENT ON COLUMN return_order_fact.received IS 'Received: none, part or full';
COMMENT ON COLUMN return_order_fact.resolved IS 'Resolved: none, part or full of what has come back';
COMMENT ON COLUMN return_order_fact.return_shipment IS 'Return shipment';
COMMENT ON COLUMN return_order_fact.credit_note IS 'Credit note';
COMMENT ON COLUMN return_order_fact.refund IS 'Refund: none, draft or posted';
COMMENT ON COLUMN return_order_fact.replacement IS 'Replacement order';
COMMENT ON COLUMN return_order_fact.repair IS 'Repair';
COMMENT ON COLUMN return_order_fact.settled IS 'Settled: no document of it is open any more';
GRANT SELECT ON return_order_fact TO tenon_app;

-- A repair in figures: what was issued and worked, and what it costs the customer.
CREATE VIEW repair_order_fact WITH (security_invoker = true) AS
SELECT r.id, r.company_id,
       coalesce((SELECT sum(t.minutes) FROM repair_time t WHERE t.repair_id = r.id), 0) AS minutes,
       coalesce((SELECT sum(t.cost) FROM repair_time t WHERE t.repair_id = r.id), 0)::base_amount AS labour_value,
       coalesce((SELECT -sum(f.value) FROM repair_part p JOIN shipment_line l ON l.repair_part_id = p.id
                   JOIN stock_move m ON m.shipment_line_id = l.id JOIN stock_move_fact f ON f.id = m.id
                  WHERE p.repair_id = r.id), 0)::base_amount AS parts_value,
       (SELECT coalesce(i.number, '#' || i.id) FROM invoice i
         WHERE i.company_id = r.company_id AND i.repair_order_id = r.id AND i.state <> 'cancelled') AS invoice_number
  FROM repair_order r;
COMMENT ON COLUMN repair_order_fact.minutes IS 'Minutes worked';
COMMENT ON COLUMN repair_order_fact.labour_value IS 'Labour: what the time cost';
COMMENT ON COLUMN repair_order_fact.parts_value IS 'Parts: what the issued parts cost';
COMMENT ON COLUMN repair_order_fact.invoice_number IS 'Invoice';
GRANT SELECT ON repair_order_fact TO tenon_app;

CREATE VIEW warranty_fact WITH (security_invoker = true) AS
SELECT w.id, w.company_id, app_today() BETWEEN w.starts_on AND w.ends_on AS in_force, w.ends_on - app_today() AS days_left
  FROM warranty w;
COMMENT ON COLUMN warranty_fact.in_force IS 'In force: today';
COMMENT ON COLUMN warranty_fact.days_left IS 'Days left: less than nothing when it has ended';
GRANT SELECT ON warranty_fact TO tenon_app;

-- What the resolution adds to what a case knows: part of service_case_fact.
CREATE VIEW service_case_resolution WITH (security_invoker = true) AS
SELECT c.id, c.company_id, w.ends_on AS warranty_until, coalesce(w.ends_on >= app_today(), false) AS in_warranty,
       r.number AS return_number, r.state AS return_state, f.credit_note, f.refund, f.replacement,
       (SELECT string_agg(p.number, ', ' ORDER BY p.id) FROM repair_order p WHERE p.case_id = c.id AND p.state <> 'cancelled') AS repair
  FROM service_case c
  LEFT JOIN warranty w ON w.id = warranty_of(c.party_id, c.lot_id, c.shipment_line_id, app_today())
  LEFT JOIN LATERAL (SELECT o.id, o.number, o.state FROM return_order o WHERE o.case_id = c.id
                      ORDER BY o.state = 'cancelled', o.id DESC LIMIT 1) r ON true
  LEFT JOIN return_order_fact f ON f.id = r.id;
GRANT SELECT ON service_case_resolution TO tenon_app;

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
       m.messages, m.last_message_at,
       v.in_warranty, v.warranty_until, v.return_number, v.return_state, v.credit_note, v.refund, v.replacement, v.repair
  FROM service_case c
  JOIN service_case_resolution v ON v.id = c.id
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
COMMENT ON COLUMN service_case_fact.in_warranty IS 'In warranty: what the case is about, today';
COMMENT ON COLUMN service_case_fact.warranty_until IS 'Warranty until';
COMMENT ON COLUMN service_case_fact.return_number IS 'Return';
COMMENT ON COLUMN service_case_fact.return_state IS 'State of the return';
COMMENT ON COLUMN service_case_fact.credit_note IS 'Credit note';
COMMENT ON COLUMN service_case_fact.refund IS 'Refund: none, draft or posted';
COMMENT ON COLUMN service_case_fact.replacement IS 'Replacement order';
COMMENT ON COLUMN service_case_fact.repair IS 'Repair';
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
