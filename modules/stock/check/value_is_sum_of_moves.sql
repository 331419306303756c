-- title: The value and quantity of an item are the sums of its movements, and nothing is worth nothing
SELECT h.company_id, h.item_id, h.quantity, m.quantity AS moved, h.value, m.value AS valued
  FROM stock_valuation h
  LEFT JOIN (SELECT m.company_id, m.item_id, sum(m.direction * m.quantity) AS quantity,
                    sum((SELECT coalesce(sum(v.amount), 0) FROM stock_value v WHERE v.move_id = m.id)) AS value
               FROM stock_move m GROUP BY 1, 2) m USING (company_id, item_id)
 WHERE h.quantity <> coalesce(m.quantity, 0) OR h.value <> coalesce(m.value, 0) OR (h.quantity = 0 AND h.value <> 0)
