-- title: Aged payables
-- parameter: date date "On"
-- parameter: language
-- column: code text "Supplier"
-- column: name text "Name"
-- column: not_due amount "Not due"
-- column: days_30 amount "1-30 days"
-- column: days_60 amount "31-60 days"
-- column: days_90 amount "61-90 days"
-- column: older amount "Over 90 days"
-- column: unallocated amount "Credits and prepayments"
-- column: total amount "Total"
-- What each Supplier is owed at the end of a day (today unless named), in company currency, by the
-- days since it was due; as it was then, from the days of the allocations.
WITH day AS (
    SELECT coalesce($1::date, app_today()) AS d
), due AS (
    SELECT o.party_id, o.open_base AS amount, day.d - o.due_date AS late
      FROM day, open_dues('payable', day.d) o
), sums AS (
    SELECT party_id,
           coalesce(sum(amount) FILTER (WHERE late <= 0), 0) AS not_due,
           coalesce(sum(amount) FILTER (WHERE late BETWEEN 1 AND 30), 0) AS days_30,
           coalesce(sum(amount) FILTER (WHERE late BETWEEN 31 AND 60), 0) AS days_60,
           coalesce(sum(amount) FILTER (WHERE late BETWEEN 61 AND 90), 0) AS days_90,
           coalesce(sum(amount) FILTER (WHERE late > 90), 0) AS older,
           coalesce(sum(amount) FILTER (WHERE late IS NULL), 0) AS unallocated,
           coalesce(sum(amount), 0) AS total
      FROM due GROUP BY GROUPING SETS ((party_id), ())
)
SELECT p.code, CASE WHEN s.party_id IS NULL THEN CASE $2 WHEN 'zh' THEN '合计' ELSE 'Total' END
                    WHEN $2 = 'zh' THEN coalesce(p.name_zh, p.name) ELSE p.name END,
       base_text(s.not_due), base_text(s.days_30), base_text(s.days_60), base_text(s.days_90), base_text(s.older),
       base_text(s.unallocated), base_text(s.total)
  FROM sums s LEFT JOIN party p ON p.id = s.party_id
 ORDER BY s.party_id IS NULL, p.name, p.id
