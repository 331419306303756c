-- title: Nobody was refunded more than he had paid, on any invoice and altogether
SELECT i.company_id, i.number, invoice_refund_left(i.company_id, i.id) AS rest
  FROM invoice i
 WHERE i.kind = 'customer_invoice'
   AND EXISTS (SELECT FROM invoice n JOIN allocation a ON a.invoice_id = n.id WHERE n.credits_id = i.id)
   AND invoice_refund_left(i.company_id, i.id) < 0
UNION ALL
SELECT p.company_id, t.code, sum(CASE p.kind WHEN 'receipt' THEN p.amount ELSE -p.amount END)
  FROM payment p JOIN party t ON t.id = p.party_id
 WHERE p.kind IN ('receipt', 'refund') AND p.journal_entry_id IS NOT NULL AND p.state <> 'cancelled'
 GROUP BY p.company_id, t.code, p.currency_code
HAVING sum(CASE p.kind WHEN 'receipt' THEN p.amount ELSE -p.amount END) < 0
UNION ALL
SELECT company_id, number, open_amount FROM payment WHERE kind = 'refund' AND open_amount <> 0
