-- title: Only invoices, payments and allocations post to receivables and payables
SELECT e.company_id, e.number, e.source_entity, a.code
  FROM journal_line l JOIN account a ON a.id = l.account_id JOIN journal_entry e ON e.id = l.entry_id
 WHERE a.role IN ('receivable', 'payable') AND l.posted_on IS NOT NULL
   AND (e.source_entity IS NULL OR e.source_entity NOT IN ('invoice', 'payment', 'allocation') OR l.party_id IS NULL)
