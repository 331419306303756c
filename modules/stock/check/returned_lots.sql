-- title: What comes back by lot or serial number is what had left
SELECT l.returns_line_id, m.lot_id, sum(m.quantity) AS back
  FROM shipment_line l JOIN stock_move m ON m.shipment_line_id = l.id AND m.lot_id IS NOT NULL
 WHERE l.returns_line_id IS NOT NULL
 GROUP BY 1, 2
HAVING sum(m.quantity) > coalesce((SELECT sum(o.quantity) FROM stock_move o
                                    WHERE o.shipment_line_id = l.returns_line_id AND o.lot_id = m.lot_id), 0)
