-- title: Goods received and not billed
-- parameter: party text "Supplier"
-- parameter: language
-- column: id id "Order"
-- column: number text "Order"
-- column: code text "Supplier"
-- column: name text "Name"
-- column: item text "Item"
-- column: received quantity "Received"
-- column: billed quantity "Billed"
-- column: open quantity "Not billed"
-- column: value base_amount "Value in company currency"
-- Order lines of which more was received than is billed, or the other way round (below zero),
-- with what the account of goods received and not billed holds of them.
SELECT o.id, o.number, p.code, CASE $2 WHEN 'zh' THEN coalesce(p.name_zh, p.name) ELSE p.name END, i.code,
       plain_text(l.quantity_received - l.quantity_returned), plain_text(l.quantity_billed),
       plain_text(l.quantity_received - l.quantity_returned - l.quantity_billed), base_text(v.received - v.cleared)
  FROM purchase_order o
  JOIN purchase_order_line l ON l.order_id = o.id
  JOIN item i ON i.id = l.item_id AND i.kind = 'stocked'
  JOIN party p ON p.id = o.supplier_id
 CROSS JOIN LATERAL (
       SELECT (SELECT coalesce(sum(x.amount + x.variance), 0)
                 FROM shipment_line s JOIN stock_move m ON m.shipment_line_id = s.id JOIN stock_value x ON x.move_id = m.id
                 JOIN location f ON f.id = CASE m.direction WHEN 1 THEN m.from_location_id ELSE m.to_location_id END
                WHERE s.purchase_order_line_id = l.id AND f.kind = 'supplier') AS received,
              (SELECT coalesce(sum(c.value), 0) FROM purchase_clearing c WHERE c.order_line_id = l.id) AS cleared) v
 WHERE l.quantity_received - l.quantity_returned <> l.quantity_billed AND ($1::text IS NULL OR p.code = $1)
 ORDER BY p.code, o.number, l.position, l.id
