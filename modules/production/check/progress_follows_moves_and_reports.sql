-- title: Progress of a production order follows from movements and reports
SELECT o.company_id, o.number, 'materials' AS what, o.materials AS is, d.materials AS should
  FROM production_order o JOIN production_order_derived d USING (id) WHERE o.materials <> d.materials
 UNION ALL
SELECT o.company_id, o.number, 'finished', o.quantity_finished::text, m.quantity::text
  FROM production_order o CROSS JOIN LATERAL (
       SELECT coalesce(sum(CASE WHEN f.kind = 'production' THEN m.quantity ELSE -m.quantity END), 0) AS quantity
         FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id AND l.production_component_id IS NULL
         JOIN stock_move m ON m.shipment_line_id = l.id
         JOIN location f ON f.id = m.from_location_id JOIN location t ON t.id = m.to_location_id
        WHERE s.production_order_id = o.id AND (f.kind = 'production') <> (t.kind = 'production')) m
 WHERE o.quantity_finished <> m.quantity
 UNION ALL
SELECT o.company_id, o.number, 'scrapped', o.quantity_scrapped::text, t.scrap::text
  FROM production_order o CROSS JOIN LATERAL (
       SELECT coalesce(sum(scrap), 0) AS scrap FROM time_entry WHERE order_id = o.id) t
 WHERE o.quantity_scrapped <> t.scrap
 UNION ALL
SELECT c.company_id, o.number, 'issued', c.issued::text, m.quantity::text
  FROM production_component c JOIN production_order o ON o.id = c.order_id CROSS JOIN LATERAL (
       SELECT coalesce(sum(CASE WHEN f.kind = 'production' THEN -m.quantity ELSE m.quantity END), 0) AS quantity
         FROM shipment_line l JOIN stock_move m ON m.shipment_line_id = l.id
         JOIN location f ON f.id = m.from_location_id JOIN location t ON t.id = m.to_location_id
        WHERE l.production_component_id = c.id AND (f.kind = 'production') <> (t.kind = 'production')) m
 WHERE c.issued <> m.quantity
 UNION ALL
SELECT p.company_id, o.number, 'operation', concat_ws('/', p.labour_minutes, p.machine_minutes, p.good, p.scrap, p.progress),
       concat_ws('/', t.labour, t.machine, t.good, t.scrap, d.progress)
  FROM production_operation p JOIN production_order o ON o.id = p.order_id
  JOIN production_operation_derived d ON d.id = p.id
 CROSS JOIN LATERAL (SELECT coalesce(sum(labour_minutes), 0) AS labour, coalesce(sum(machine_minutes), 0) AS machine,
                            coalesce(sum(good), 0) AS good, coalesce(sum(scrap), 0) AS scrap
                       FROM time_entry WHERE operation_id = p.id) t
 WHERE (p.labour_minutes, p.machine_minutes, p.good, p.scrap, p.progress)
       IS DISTINCT FROM (t.labour, t.machine, t.good, t.scrap, d.progress)
