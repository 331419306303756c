-- title: Customers of a lot
-- parameter: lot text required "Lot"
-- parameter: item text "Item"
-- parameter: language
-- column: code text "Customer"
-- column: name text "Name"
-- column: item text "Item"
-- column: lot text "Lot"
-- column: delivered quantity "Delivered"
-- column: returned quantity "Returned"
-- column: first date "First delivery"
-- column: last date "Last delivery"
-- column: shipments text "Shipments"
-- column: email text "E-mail"
-- column: phone text "Phone"
-- The recall list: who has the lot, or something that was made of it, and how to reach him.
SELECT p.code, CASE $3 WHEN 'zh' THEN coalesce(p.name_zh, p.name) ELSE p.name END, i.code, l.code,
       plain_text(sum(t.quantity) FILTER (WHERE t.event = 'delivered')),
       plain_text(coalesce(sum(t.quantity) FILTER (WHERE t.event = 'returned'), 0)),
       min(t.day) FILTER (WHERE t.event = 'delivered'), max(t.day) FILTER (WHERE t.event = 'delivered'),
       string_agg(DISTINCT s.number, ', ') FILTER (WHERE t.event = 'delivered'),
       (SELECT c.value FROM contact_point c WHERE c.party_id = p.id AND c.kind = 'email' ORDER BY c.id LIMIT 1),
       (SELECT c.value FROM contact_point c WHERE c.party_id = p.id AND c.kind IN ('mobile', 'phone') ORDER BY c.id LIMIT 1)
  FROM lot o JOIN item m ON m.id = o.item_id AND ($2::text IS NULL OR m.code = $2)
 CROSS JOIN LATERAL lot_trace_down(o.id) t
  JOIN item i ON i.id = t.item_id
  LEFT JOIN lot l ON l.id = t.lot_id
  LEFT JOIN party p ON p.id = t.party_id
  LEFT JOIN shipment s ON s.id = t.shipment_id
 WHERE o.company_id = app_company() AND o.code = $1 AND t.event IN ('delivered', 'returned')
 GROUP BY p.id, i.id, l.id
HAVING bool_or(t.event = 'delivered')
 ORDER BY 2, p.id, i.code, l.code
