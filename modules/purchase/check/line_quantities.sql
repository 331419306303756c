-- title: Every purchase order line's quantities are the sums of its stock movements and posted bill lines
SELECT l.company_id, o.number, l.position, l.quantity_received, s.received, l.quantity_returned, s.returned,
       l.quantity_billed, i.billed
  FROM purchase_order_line l
  JOIN purchase_order o ON o.id = l.order_id
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(m.quantity) FILTER (WHERE f.kind = 'supplier'), 0) AS received,
              coalesce(sum(m.quantity) FILTER (WHERE t.kind = 'supplier'), 0) AS returned
         FROM shipment_line h JOIN stock_move m ON m.shipment_line_id = h.id
         JOIN location f ON f.id = m.from_location_id
         JOIN location t ON t.id = m.to_location_id
        WHERE h.purchase_order_line_id = l.id) s
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(CASE h.kind WHEN 'supplier_bill' THEN n.quantity ELSE -n.quantity END), 0) AS billed
         FROM invoice_line n JOIN invoice h ON h.id = n.invoice_id
        WHERE n.purchase_order_line_id = l.id AND h.state = 'posted') i
 WHERE (l.quantity_received, l.quantity_returned, l.quantity_billed) IS DISTINCT FROM (s.received, s.returned, i.billed)
