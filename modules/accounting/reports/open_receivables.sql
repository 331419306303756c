-- title: Open items of customers
-- parameter: date date "On"
-- parameter: party text "Customer"
-- parameter: language
-- column: code text "Customer"
-- column: name text "Name"
-- column: entity text "Document"
-- column: id id "Document"
-- column: number text "Number"
-- column: date date "Date"
-- column: due_date date "Due date"
-- column: currency_code text "Currency"
-- column: total amount "Total"
-- column: open_amount amount "Open"
-- column: open_base amount "Open in company currency"
-- Every document that was open at the end of a day (today unless named); of one party
-- when its code is named.
SELECT p.code, CASE $3 WHEN 'zh' THEN coalesce(p.name_zh, p.name) ELSE p.name END, o.entity, o.id, o.number,
       o.document_date, o.due_date, o.currency_code, money_text(o.total, o.currency_code),
       money_text(o.open_amount, o.currency_code), base_text(o.open_base)
  FROM open_items('receivable', coalesce($1::date, app_today())) o JOIN party p ON p.id = o.party_id
 WHERE $2::text IS NULL OR p.code = $2
 ORDER BY p.name, p.id, o.due_date, o.document_date, o.entity, o.id
