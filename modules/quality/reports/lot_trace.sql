-- title: Trace of a lot
-- parameter: lot text required "Lot"
-- parameter: direction text "Direction"
-- parameter: item text "Item"
-- parameter: language
-- column: depth integer "Level"
-- column: event text "Event"
-- column: code text "Item"
-- column: name text "Name"
-- column: lot text "Lot"
-- column: quantity quantity "Quantity"
-- column: date date "Date"
-- column: partner text "Partner"
-- column: id id "Shipment"
-- column: number text "Shipment"
-- column: location text "Location"
-- down to the customers unless "up" is asked for: to the suppliers. The item where two items
-- have a lot of this number.
SELECT t.depth, CASE WHEN $4 <> 'zh' THEN replace(t.event, '_', ' ') ELSE
           CASE t.event WHEN 'received' THEN '采购收货' WHEN 'opened' THEN '期初' WHEN 'made' THEN '生产入库'
                        WHEN 'found' THEN '盘盈' WHEN 'issued' THEN '生产领料' WHEN 'delivered' THEN '交付客户'
                        WHEN 'returned' THEN '客户退货' WHEN 'sent_back' THEN '退回供应商' WHEN 'lost' THEN '损耗'
                        ELSE '库存' END END,
       i.code, CASE $4 WHEN 'zh' THEN coalesce(i.name_zh, i.name) ELSE i.name END, l.code, plain_text(t.quantity), t.day,
       CASE $4 WHEN 'zh' THEN coalesce(p.name_zh, p.name) ELSE p.name END, s.id, s.number,
       CASE $4 WHEN 'zh' THEN coalesce(a.name_zh, a.name) ELSE a.name END
  FROM lot o JOIN item m ON m.id = o.item_id AND ($3::text IS NULL OR m.code = $3)
 CROSS JOIN LATERAL lot_trace(o.id, coalesce($2, 'down')) WITH ORDINALITY
       t (depth, event, item_id, lot_id, quantity, day, party_id, shipment_id, location_id, n)
  JOIN item i ON i.id = t.item_id
  LEFT JOIN lot l ON l.id = t.lot_id
  LEFT JOIN party p ON p.id = t.party_id
  LEFT JOIN shipment s ON s.id = t.shipment_id
  LEFT JOIN location a ON a.id = t.location_id
 WHERE o.company_id = app_company() AND o.code = $1
 ORDER BY m.code, t.n
