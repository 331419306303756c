-- title: Every order line's quantities are the sums of its stock movements and posted invoice lines
SELECT l.company_id, o.number, l.position, l.quantity_delivered, s.delivered, l.quantity_returned, s.returned,
       l.quantity_invoiced, i.invoiced
  FROM sales_order_line l
  JOIN sales_order o ON o.id = l.order_id
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(m.quantity) FILTER (WHERE t.kind = 'customer'), 0) AS delivered,
              coalesce(sum(m.quantity) FILTER (WHERE f.kind = 'customer'), 0) AS returned
         FROM shipment_line h JOIN stock_move_live m ON m.shipment_line_id = h.id
         JOIN location f ON f.id = m.from_location_id
         JOIN location t ON t.id = m.to_location_id
        WHERE h.sales_order_line_id = l.id) s
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(CASE h.kind WHEN 'customer_invoice' THEN n.quantity ELSE -n.quantity END), 0) AS invoiced
         FROM invoice_line n JOIN invoice h ON h.id = n.invoice_id
        WHERE n.sales_order_line_id = l.id AND h.state = 'posted') i
 WHERE (l.quantity_delivered, l.quantity_returned, l.quantity_invoiced) IS DISTINCT FROM (s.delivered, s.returned, i.invoiced)
