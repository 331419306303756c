-- title: Each entry of working time on a repair is posted with its cost
SELECT t.company_id, t.id, t.cost, j.amount
  FROM repair_time t
  LEFT JOIN (SELECT e.source_id, sum(l.debit - l.credit) AS amount
               FROM journal_entry e JOIN journal_line l ON l.entry_id = e.id
               JOIN account a ON a.id = l.account_id AND a.role = 'warranty_cost'
              WHERE e.source_entity = 'repair_time' GROUP BY e.source_id) j ON j.source_id = t.id
 WHERE t.cost <> coalesce(j.amount, 0)
