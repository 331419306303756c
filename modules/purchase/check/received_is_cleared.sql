-- title: What was received for an order line and is billed is cleared to the cent
SELECT l.company_id, o.number, l.position, l.quantity_received - l.quantity_returned AS there, l.quantity_billed, v.received,
       c.quantity AS cleared_quantity, c.value AS cleared
  FROM purchase_order_line l
  JOIN purchase_order o ON o.id = l.order_id
  JOIN item i ON i.id = l.item_id AND i.kind = 'stocked'
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(x.amount + x.variance), 0) AS received
         FROM shipment_line s JOIN stock_move m ON m.shipment_line_id = s.id JOIN stock_value x ON x.move_id = m.id
         JOIN location far ON far.id = CASE m.direction WHEN 1 THEN m.from_location_id ELSE m.to_location_id END
        WHERE s.purchase_order_line_id = l.id AND far.kind = 'supplier') v
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(x.quantity), 0) AS quantity, coalesce(sum(x.value), 0) AS value
         FROM purchase_clearing x WHERE x.order_line_id = l.id) c
 WHERE c.quantity <> l.quantity_billed
    OR l.quantity_billed = l.quantity_received - l.quantity_returned AND c.value <> v.received
