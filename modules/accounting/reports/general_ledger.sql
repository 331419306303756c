-- title: General ledger of an account
-- parameter: account text required "Account"
-- parameter: from date "From"
-- parameter: to date "To"
-- parameter: language
-- column: date date "Date"
-- column: number text "Entry"
-- column: entry_id id "Entry"
-- column: description text "Description"
-- column: party text "Party"
-- column: debit amount "Debit"
-- column: credit amount "Credit"
-- column: balance amount "Balance"
-- Every posting on one account (by its code) with the running balance.
WITH chosen AS (
    SELECT id FROM account WHERE company_id = app_company() AND code = $1
), line AS (
    SELECT NULL::date AS day, NULL::text AS number, NULL::bigint AS entry_id, NULL::text AS description,
           NULL::bigint AS party_id, 0::bigint AS line_id,
           greatest(coalesce(sum(debit - credit), 0), 0) AS debit, greatest(-coalesce(sum(debit - credit), 0), 0) AS credit
      FROM journal_line
     WHERE company_id = app_company() AND account_id = (SELECT id FROM chosen) AND posted_on < $2::date
    UNION ALL
    SELECT l.posted_on, e.number, e.id, coalesce(l.description, e.description), l.party_id, l.id, l.debit, l.credit
      FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
     WHERE l.company_id = app_company() AND l.account_id = (SELECT id FROM chosen)
       AND l.posted_on BETWEEN coalesce($2::date, '-infinity') AND coalesce($3::date, 'infinity')
)
SELECT s.day, s.number, s.entry_id,
       CASE WHEN s.day IS NULL THEN CASE $4 WHEN 'zh' THEN '期初余额' ELSE 'Opening balance' END ELSE s.description END,
       CASE $4 WHEN 'zh' THEN coalesce(p.name_zh, p.name) ELSE p.name END,
       base_text(s.debit), base_text(s.credit), base_text(s.balance)
  FROM (SELECT line.*, sum(debit - credit) OVER (ORDER BY day NULLS FIRST, entry_id, line_id) AS balance FROM line) s
  LEFT JOIN party p ON p.id = s.party_id
 ORDER BY s.day NULLS FIRST, s.entry_id, s.line_id
