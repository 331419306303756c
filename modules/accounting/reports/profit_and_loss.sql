-- title: Profit and loss
-- parameter: from date "From"
-- parameter: to date "To"
-- parameter: language
-- column: section text "Section"
-- column: code text "Account"
-- column: name text "Name"
-- column: amount amount "Amount"
-- Income and expense between two days: those of this fiscal year up to today unless named.
WITH day AS (
    SELECT coalesce($2::date, app_today()) AS upto,
           coalesce($1::date,
                    (SELECT y.starts_on FROM fiscal_year y
                      WHERE y.company_id = app_company()
                        AND coalesce($2::date, app_today()) BETWEEN y.starts_on AND y.ends_on),
                    date_trunc('year', coalesce($2::date, app_today()))::date) AS since
), item AS (
    SELECT a.type AS section, a.code, a.name, a.name_zh,
           CASE a.type WHEN 'income' THEN -s.balance ELSE s.balance END AS amount, -s.balance AS profit
      FROM account a
      JOIN (SELECT l.account_id, sum(l.debit - l.credit) AS balance
              FROM day, journal_line l
             WHERE l.company_id = app_company() AND l.posted_on BETWEEN day.since AND day.upto
               AND l.account_id IN (SELECT id FROM account WHERE type IN ('income', 'expense'))
             GROUP BY l.account_id) s ON s.account_id = a.id
     WHERE s.balance <> 0
)
SELECT section, code, CASE $3 WHEN 'zh' THEN coalesce(name_zh, name) ELSE name END, base_text(amount)
  FROM (SELECT section, code, name, name_zh, amount, 0 AS rank FROM item
        UNION ALL SELECT 'income', NULL, 'Total income', '收入合计', coalesce(sum(amount), 0), 1 FROM item WHERE section = 'income'
        UNION ALL SELECT 'expense', NULL, 'Total expenses', '费用合计', coalesce(sum(amount), 0), 1 FROM item WHERE section = 'expense'
        UNION ALL SELECT 'profit', NULL, 'Profit', '利润', coalesce(sum(profit), 0), 1 FROM item) r
 ORDER BY array_position(ARRAY['income', 'expense', 'profit'], section), rank, code
