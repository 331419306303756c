-- title: What is reserved is the sum of the reservations, per balance and per shipment line
SELECT 'balance' AS what, b.id, b.reserved, r.quantity
  FROM stock_balance b
  FULL JOIN (SELECT company_id, item_id, location_id, lot_id, sum(quantity) AS quantity FROM reservation
              GROUP BY 1, 2, 3, 4) r
    ON r.company_id = b.company_id AND r.item_id = b.item_id AND r.location_id = b.location_id
   AND coalesce(r.lot_id, 0) = coalesce(b.lot_id, 0)
 WHERE coalesce(b.reserved, 0) <> coalesce(r.quantity, 0)
UNION ALL
SELECT 'line', l.id, l.quantity_reserved, r.quantity
  FROM shipment_line l
  FULL JOIN (SELECT shipment_line_id, sum(quantity) AS quantity FROM reservation GROUP BY 1) r ON r.shipment_line_id = l.id
 WHERE coalesce(l.quantity_reserved, 0) <> coalesce(r.quantity, 0)
