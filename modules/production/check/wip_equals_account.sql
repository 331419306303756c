-- title: Work in progress of the production orders equals its account on every day
SELECT * FROM (SELECT company_id, day, sum(value) OVER w AS orders, sum(posted) OVER w AS ledger
          FROM (SELECT company_id, day, sum(value) AS value, sum(posted) AS posted
                  FROM (SELECT company_id, posting_date AS day, amount AS value, 0 AS posted FROM production_value
                        UNION ALL
                        SELECT l.company_id, l.posted_on, 0, l.debit - l.credit
                          FROM journal_line l JOIN account a ON a.id = l.account_id AND a.role = 'work_in_progress'
                         WHERE l.posted_on IS NOT NULL) u
                 GROUP BY 1, 2) d
        WINDOW w AS (PARTITION BY company_id ORDER BY day)) t
 WHERE orders <> ledger
