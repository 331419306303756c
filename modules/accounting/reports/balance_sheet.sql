-- title: Balance sheet
-- parameter: date date "On"
-- parameter: language
-- column: section text "Section"
-- column: code text "Account"
-- column: name text "Name"
-- column: amount amount "Amount"
-- What is owned, owed and left over at the end of a day (today unless named). Income and
-- expense that no closing entry has moved stand as earnings of this and of earlier years.
WITH day AS (
    SELECT coalesce($1::date, app_today()) AS d,
           coalesce((SELECT y.starts_on FROM fiscal_year y
                      WHERE y.company_id = app_company()
                        AND coalesce($1::date, app_today()) BETWEEN y.starts_on AND y.ends_on),
                    date_trunc('year', coalesce($1::date, app_today()))::date) AS year_start
), sums AS (
    SELECT l.account_id, sum(l.debit - l.credit) AS balance,
           coalesce(sum(l.debit - l.credit) FILTER (WHERE l.posted_on >= day.year_start), 0) AS of_year
      FROM day, journal_line l
     WHERE l.company_id = app_company() AND l.posted_on <= day.d
     GROUP BY l.account_id
), item AS (
    SELECT a.type AS section, a.code, a.name, a.name_zh,
           CASE a.type WHEN 'asset' THEN s.balance ELSE -s.balance END AS amount
      FROM sums s JOIN account a ON a.id = s.account_id
     WHERE a.type IN ('asset', 'liability', 'equity') AND s.balance <> 0
    UNION ALL
    SELECT 'equity', NULL, e.name, e.name_zh, e.amount
      FROM (SELECT coalesce(sum(s.of_year), 0) AS of_year, coalesce(sum(s.balance - s.of_year), 0) AS earlier
              FROM sums s JOIN account a ON a.id = s.account_id WHERE a.type IN ('income', 'expense')) t,
           LATERAL (VALUES ('Earnings of earlier years', '以前年度损益', -t.earlier),
                           ('Earnings of the year', '本年损益', -t.of_year)) AS e (name, name_zh, amount)
     WHERE e.amount <> 0
)
SELECT section, code, CASE $2 WHEN 'zh' THEN coalesce(name_zh, name) ELSE name END, base_text(amount)
  FROM (SELECT section, code, name, name_zh, amount, 0 AS rank FROM item
        UNION ALL
        SELECT t.section, NULL, t.name, t.name_zh,
               coalesce((SELECT sum(i.amount) FROM item i WHERE i.section = ANY (t.sections)), 0), t.rank
          FROM (VALUES ('asset', 'Total assets', '资产合计', ARRAY['asset'], 1),
                       ('liability', 'Total liabilities', '负债合计', ARRAY['liability'], 1),
                       ('equity', 'Total equity', '所有者权益合计', ARRAY['equity'], 1),
                       ('equity', 'Liabilities and equity', '负债和所有者权益合计', ARRAY['liability', 'equity'], 2))
               AS t (section, name, name_zh, sections, rank)) r
 ORDER BY array_position(ARRAY['asset', 'liability', 'equity'], section), rank, code NULLS LAST, name
