-- title: Every posted entry balances, in company currency and in each currency
SELECT e.company_id, e.number, l.currency_code, sum(l.debit - l.credit) AS company_currency, sum(l.amount) AS amount
  FROM journal_entry e LEFT JOIN journal_line l ON l.entry_id = e.id
 WHERE e.number IS NOT NULL
 GROUP BY e.company_id, e.id, e.number, l.currency_code
HAVING coalesce(sum(l.debit - l.credit), 1) <> 0 OR sum(l.amount) <> 0
