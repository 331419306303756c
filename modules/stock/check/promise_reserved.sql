-- title: What a promise has set aside is what its shipment lines have reserved
SELECT p.id, p.reserved, l.reserved AS on_lines
  FROM promise p
  LEFT JOIN (SELECT promise_id, sum(quantity_reserved) AS reserved FROM shipment_line
              WHERE promise_id IS NOT NULL GROUP BY 1) l ON l.promise_id = p.id
 WHERE p.reserved <> coalesce(l.reserved, 0)
