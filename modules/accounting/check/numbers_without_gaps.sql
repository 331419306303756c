-- title: Numbers of invoices and entries have no gap, per series and year
WITH used AS (
    SELECT company_id, kind AS series, extract(year FROM invoice_date)::integer AS year, number
      FROM invoice WHERE number IS NOT NULL
    UNION ALL
    SELECT e.company_id, 'journal:' || j.code, extract(year FROM e.entry_date)::integer, e.number
      FROM journal_entry e JOIN journal j ON j.id = e.journal_id WHERE e.number IS NOT NULL
), due AS (
    SELECT s.company_id, s.code AS series, c.year, number_format(s.pattern, c.year, n) AS number
      FROM number_series s JOIN number_counter c ON c.series_id = s.id, generate_series(1, c.last) n
     WHERE s.gapless
)
SELECT company_id, series, year, number, used.number IS NULL AS missing
  FROM used FULL JOIN due USING (company_id, series, year, number)
 WHERE used.number IS NULL OR due.number IS NULL
