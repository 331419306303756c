-- title: Control accounts hold what their documents posted, and nothing else
SELECT e.company_id, e.number, e.source_entity, a.code
  FROM journal_line l JOIN account a ON a.id = l.account_id JOIN journal_entry e ON e.id = l.entry_id
 WHERE l.posted_on IS NOT NULL
   AND (NOT a.postable
        OR a.role IN ('receivable', 'payable')
           AND (l.party_id IS NULL OR coalesce(e.source_entity, '') NOT IN ('invoice', 'payment', 'allocation'))
        OR a.role = 'inventory'
           AND coalesce(e.source_entity, '') IN ('', 'invoice', 'payment', 'allocation', 'journal_entry'))
