-- title: What comes back costs what it did when it left, also after that was valued anew
SELECT l.company_id, l.id, d.worth, d.gone, r.back, r.cost
  FROM (SELECT DISTINCT follows_line_id FROM stock_move_live WHERE follows_line_id IS NOT NULL) f
  JOIN shipment_line l ON l.id = f.follows_line_id
  JOIN stock_valuation h ON h.company_id = l.company_id AND h.item_id = l.item_id
  JOIN company c ON c.id = l.company_id
 CROSS JOIN LATERAL (
       SELECT sum(m.quantity) AS gone, sum((SELECT -sum(v.amount) FROM stock_value v WHERE v.move_id = m.id)) AS worth
         FROM stock_move_live m WHERE m.shipment_line_id = l.id AND m.direction = -1) d
 CROSS JOIN LATERAL (
       SELECT sum(m.quantity) AS back, sum((SELECT sum(v.amount + v.variance) FROM stock_value v WHERE v.move_id = m.id)) AS cost
         FROM stock_move_live m WHERE m.follows_line_id = l.id) r
 WHERE r.cost IS DISTINCT FROM stock_share(d.worth, r.back, d.gone, currency_scale(c.currency_code))
   AND (h.costing <> 'fifo'              -- below zero it would follow itself
        OR NOT EXISTS (SELECT FROM location p WHERE p.company_id = l.company_id AND p.allow_negative
                          AND p.kind IN ('internal', 'transit')))
