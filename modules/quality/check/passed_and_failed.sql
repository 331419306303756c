-- title: No more leaves quarantine than an inspection has passed or failed
SELECT q.id, q.number, q.quantity_passed, q.quantity_failed, g.passed, g.failed
  FROM quality_inspection q CROSS JOIN LATERAL (
       SELECT coalesce(sum(m.quantity) FILTER (WHERE t.kind IN ('internal', 'transit') AND NOT t.quarantine), 0) AS passed,
              coalesce(sum(m.quantity) FILTER (WHERE t.kind NOT IN ('internal', 'transit')), 0) AS failed
         FROM shipment_line l JOIN stock_move m ON m.shipment_line_id = l.id JOIN location t ON t.id = m.to_location_id
        WHERE l.quality_inspection_id = q.id) g
 WHERE g.passed > q.quantity_passed OR g.failed > q.quantity_failed
