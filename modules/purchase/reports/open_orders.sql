-- title: Open purchase orders
-- parameter: party text "Supplier"
-- parameter: language
-- column: id id "Order"
-- column: number text "Order"
-- column: code text "Supplier"
-- column: name text "Name"
-- column: item text "Item"
-- column: description text "Description"
-- column: expected_date date "Expected date"
-- column: days_late integer "Days late"
-- column: quantity quantity "Quantity"
-- column: received quantity "Received"
-- column: open quantity "Open"
-- column: currency_code text "Currency"
-- column: open_net amount "Open net"
-- What suppliers still have to deliver, the latest first; of one supplier when his code is named.
SELECT o.id, o.number, p.code, CASE $2 WHEN 'zh' THEN coalesce(p.name_zh, p.name) ELSE p.name END, i.code, l.description,
       l.expected_date, greatest(app_today() - l.expected_date, 0), plain_text(l.quantity), plain_text(l.quantity_received),
       plain_text(l.quantity - l.quantity_received), o.currency_code,
       money_text(round((l.quantity - l.quantity_received) * l.unit_price * (100 - l.discount) * 0.01,
                        currency_scale(o.currency_code)), o.currency_code)
  FROM purchase_order o
  JOIN purchase_order_line l ON l.order_id = o.id
  JOIN item i ON i.id = l.item_id AND i.kind = 'stocked'
  JOIN party p ON p.id = o.supplier_id
 WHERE o.ordered_at IS NOT NULL AND o.state NOT IN ('closed', 'cancelled') AND l.quantity > l.quantity_received
   AND ($1::text IS NULL OR p.code = $1)
 ORDER BY l.expected_date, o.number, l.position, l.id
