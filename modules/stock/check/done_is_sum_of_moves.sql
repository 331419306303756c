-- title: What is done on a shipment line is what has moved and was not reversed, and never more than its quantity
SELECT l.id, l.quantity, l.quantity_done, m.quantity AS moved
  FROM shipment_line l
  LEFT JOIN (SELECT shipment_line_id, sum(CASE WHEN reverses_move_id IS NULL THEN quantity ELSE -quantity END) AS quantity
               FROM stock_move GROUP BY 1) m ON m.shipment_line_id = l.id
 WHERE l.quantity_done <> coalesce(m.quantity, 0) OR l.quantity_done > l.quantity
