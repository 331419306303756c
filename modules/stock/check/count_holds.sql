-- title: The differences of a done count are its movements
SELECT c.company_id, c.number, l.item_id, l.difference, m.moved
  FROM stock_count c JOIN stock_count_line l ON l.count_id = c.id AND l.counted IS NOT NULL
 CROSS JOIN LATERAL (
       SELECT coalesce(sum(CASE WHEN v.to_location_id = l.location_id THEN v.quantity ELSE -v.quantity END), 0) AS moved
         FROM stock_move v WHERE v.stock_count_line_id = l.id) m
 WHERE c.state = 'done' AND l.difference <> m.moved
