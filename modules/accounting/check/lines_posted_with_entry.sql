-- title: Lines are posted on the day of their entry, and those of drafts are not
SELECT e.company_id, e.id, e.number, l.id AS line
  FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id
 WHERE l.posted_on IS DISTINCT FROM CASE WHEN e.number IS NOT NULL THEN e.entry_date END
