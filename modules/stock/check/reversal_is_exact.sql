-- title: A reversal takes out of stock and value exactly what its movement brought
SELECT r.company_id, r.id, r.reverses_move_id, x.reversed, o.moved
  FROM stock_move r JOIN stock_move m ON m.id = r.reverses_move_id
 CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS reversed, coalesce(sum(variance), 0) AS variance
                       FROM stock_value WHERE move_id = r.id) x
 CROSS JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS moved, coalesce(sum(variance), 0) AS variance
                       FROM stock_value WHERE move_id = m.id) o
 WHERE (x.reversed, x.variance) IS DISTINCT FROM (-o.moved, -o.variance)
    OR (r.company_id, r.item_id, r.quantity, r.from_location_id, r.to_location_id, r.moved_on, r.direction)
       IS DISTINCT FROM (m.company_id, m.item_id, m.quantity, m.to_location_id, m.from_location_id, m.moved_on, -m.direction)
    OR r.lot_id IS DISTINCT FROM m.lot_id
