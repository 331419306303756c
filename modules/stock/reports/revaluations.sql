-- title: Re-valuations
-- parameter: from date "From"
-- parameter: to date "To"
-- parameter: item text "Item"
-- parameter: language
-- column: booked_at text "Booked at"
-- column: cause text "Cause"
-- column: caused_on date "Dated"
-- column: cause_quantity quantity "Quantity"
-- column: item text "Item"
-- column: moved_on date "Moved on"
-- column: document text "Re-valued"
-- column: posting_date date "Posted on"
-- column: before amount "Before"
-- column: change amount "Change"
-- column: after amount "After"
-- What was worth something else after a movement had been booked, or taken back, before it: by the
-- movement that caused it, posted between two days, of one item or all.
SELECT to_char(v.created_at AT TIME ZONE coalesce(nullif(current_setting('tenon.time_zone', true), ''), 'UTC'), 'YYYY-MM-DD HH24:MI'),
       concat_ws(' ', CASE WHEN k.reverses_move_id IS NOT NULL THEN CASE $4 WHEN 'zh' THEN '冲销' ELSE 'Reversal' END END,
                 coalesce(ks.number, kc.number, '#' || k.id)),
       k.moved_on, trim_scale(k.quantity), i.code, m.moved_on, coalesce(ms.number, mc.number, '#' || m.id), v.posting_date,
       base_text(b.amount), base_text(v.amount), base_text(b.amount + v.amount)
  FROM stock_value v
  JOIN stock_posting p ON p.id = v.posting_id
  JOIN stock_move k ON k.id = p.source_id
  JOIN stock_move m ON m.id = v.move_id
  JOIN item i ON i.id = v.item_id
  LEFT JOIN shipment_line kl ON kl.id = k.shipment_line_id
  LEFT JOIN shipment ks ON ks.id = kl.shipment_id
  LEFT JOIN stock_count_line kn ON kn.id = k.stock_count_line_id
  LEFT JOIN stock_count kc ON kc.id = kn.count_id
  LEFT JOIN shipment_line ml ON ml.id = m.shipment_line_id
  LEFT JOIN shipment ms ON ms.id = ml.shipment_id
  LEFT JOIN stock_count_line mn ON mn.id = m.stock_count_line_id
  LEFT JOIN stock_count mc ON mc.id = mn.count_id
 CROSS JOIN LATERAL (SELECT coalesce(sum(o.amount), 0) AS amount FROM stock_value o
                      WHERE o.move_id = v.move_id AND o.id < v.id) b
 WHERE v.reason = 'revaluation'
   AND v.posting_date BETWEEN coalesce($1::date, '-infinity') AND coalesce($2::date, 'infinity')
   AND ($3::text IS NULL OR i.code = $3)
 ORDER BY v.created_at, k.id, m.moved_on, m.id, v.id
