-- title: Receivables and payables agree with their control accounts, per party and on every day
SELECT m.company_id, m.control, m.party_id, m.day, sum(m.ledger) AS ledger, sum(m.documents) AS documents
  FROM (SELECT l.company_id, a.role AS control, l.party_id, l.posted_on AS day,
               CASE a.role WHEN 'receivable' THEN l.debit - l.credit ELSE l.credit - l.debit END AS ledger, 0 AS documents
          FROM journal_line l JOIN account a ON a.id = l.account_id
         WHERE a.role IN ('receivable', 'payable') AND l.posted_on IS NOT NULL
        UNION ALL
        SELECT i.company_id, CASE WHEN i.kind IN ('customer_invoice', 'credit_note') THEN 'receivable' ELSE 'payable' END,
               i.party_id, i.invoice_date, 0,
               CASE WHEN i.kind IN ('customer_invoice', 'supplier_bill') THEN i.base_total ELSE -i.base_total END
          FROM invoice i WHERE i.number IS NOT NULL
        UNION ALL
        SELECT p.company_id, CASE p.kind WHEN 'disbursement' THEN 'payable' ELSE 'receivable' END, p.party_id, d.day, 0,
               CASE p.kind WHEN 'refund' THEN -d.base ELSE d.base END
          FROM payment p,
               LATERAL (VALUES (p.payment_date, -p.base_amount),
                               (CASE p.state WHEN 'cancelled' THEN p.cancelled_on END, p.base_amount)) AS d (day, base)
         WHERE p.journal_entry_id IS NOT NULL AND d.day IS NOT NULL
        UNION ALL
        SELECT l.company_id, CASE i.kind WHEN 'supplier_bill' THEN 'payable' ELSE 'receivable' END, i.party_id,
               l.allocated_on, 0, CASE i.kind WHEN 'credit_note' THEN l.invoice_base - l.source_base ELSE l.source_base - l.invoice_base END
          FROM allocation l JOIN invoice i ON i.id = l.invoice_id) m
 GROUP BY m.company_id, m.control, m.party_id, m.day
HAVING sum(m.ledger) <> sum(m.documents)
