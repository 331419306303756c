-- title: Goods received and not billed are in the books what receipts gave less what bills took
WITH booked AS (
    SELECT l.company_id, sum(l.credit - l.debit) AS amount
      FROM journal_line l JOIN account a ON a.id = l.account_id AND a.role = 'received_not_billed'
      JOIN journal_entry e ON e.company_id = l.company_id AND e.id = l.entry_id
     WHERE l.posted_on IS NOT NULL AND e.source_entity IN ('shipment', 'stock_move', 'invoice', 'purchase_order')
     GROUP BY l.company_id
), received AS (
    SELECT v.company_id, sum(v.amount + v.variance) AS amount
      FROM stock_value v JOIN stock_move m ON m.id = v.move_id
      JOIN location far ON far.id = CASE m.direction WHEN 1 THEN m.from_location_id ELSE m.to_location_id END
     WHERE far.kind = 'supplier' AND far.account_id IS NULL GROUP BY v.company_id
), cleared AS (
    SELECT c.company_id, sum(c.value) AS amount FROM purchase_clearing c GROUP BY c.company_id
), other AS (
    SELECT i.company_id, sum(CASE WHEN EXISTS (SELECT FROM purchase_clearing c WHERE c.invoice_id = i.id)
           THEN (SELECT CASE i.kind WHEN 'supplier_bill' THEN 1 ELSE -1 END
                        * round(sum(n.net) * i.exchange_rate, currency_scale(o.currency_code))
                   FROM invoice_line n JOIN account a ON a.id = n.account_id AND a.role = 'received_not_billed'
                  WHERE n.company_id = i.company_id AND n.invoice_id = i.id AND n.purchase_order_line_id IS NULL)
           ELSE (SELECT sum(l.debit - l.credit) FROM journal_line l JOIN account a ON a.id = l.account_id AND a.role = 'received_not_billed'
                  WHERE l.company_id = i.company_id AND l.entry_id = i.journal_entry_id) END) AS amount
      FROM invoice i JOIN company o ON o.id = i.company_id
     WHERE i.journal_entry_id IS NOT NULL AND i.kind IN ('supplier_bill', 'debit_note') GROUP BY i.company_id
)
SELECT c.id AS company_id, b.amount AS booked, r.amount AS received, x.amount AS cleared, t.amount AS other
  FROM company c LEFT JOIN booked b ON b.company_id = c.id LEFT JOIN received r ON r.company_id = c.id
  LEFT JOIN cleared x ON x.company_id = c.id LEFT JOIN other t ON t.company_id = c.id
 WHERE coalesce(b.amount, 0) <> coalesce(r.amount, 0) - coalesce(x.amount, 0) - coalesce(t.amount, 0)
