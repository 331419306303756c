-- title: Trial balance
-- parameter: from date "From"
-- parameter: to date "To"
-- parameter: language
-- column: code text "Account"
-- column: name text "Name"
-- column: opening amount "Opening balance"
-- column: debit amount "Debit"
-- column: credit amount "Credit"
-- column: closing amount "Closing balance"
-- Debit less credit, in company currency. Without dates: all that was ever posted.
WITH sums AS (
    SELECT account_id,
           coalesce(sum(debit - credit) FILTER (WHERE posted_on < $1::date), 0) AS opening,
           coalesce(sum(debit) FILTER (WHERE posted_on >= coalesce($1::date, '-infinity')), 0) AS debit,
           coalesce(sum(credit) FILTER (WHERE posted_on >= coalesce($1::date, '-infinity')), 0) AS credit
      FROM journal_line
     WHERE company_id = app_company() AND posted_on <= coalesce($2::date, 'infinity')
     GROUP BY account_id
)
SELECT a.code, CASE $3 WHEN 'zh' THEN coalesce(a.name_zh, a.name) ELSE a.name END,
       base_text(s.opening), base_text(s.debit), base_text(s.credit), base_text(s.opening + s.debit - s.credit)
  FROM (SELECT * FROM sums UNION ALL
        SELECT NULL, coalesce(sum(opening), 0), coalesce(sum(debit), 0), coalesce(sum(credit), 0) FROM sums) s
  LEFT JOIN LATERAL (SELECT code, name, name_zh FROM account WHERE id = s.account_id
                     UNION ALL SELECT NULL, 'Total', '合计' WHERE s.account_id IS NULL) a ON true
 ORDER BY a.code NULLS LAST
