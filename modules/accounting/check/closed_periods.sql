-- title: Nothing was posted into a period after it was closed
SELECT e.company_id, p.name AS period, e.number, e.entry_date
  FROM period p
  JOIN LATERAL (SELECT max(h.at) AS at, max(h.id) AS id FROM workflow_history h
                 WHERE h.entity = 'period' AND h.record_id = p.id AND h.to_state <> 'open') c ON true
  JOIN journal_entry e ON e.company_id = p.company_id AND e.entry_date BETWEEN p.starts_on AND p.ends_on
                      AND e.number IS NOT NULL
  LEFT JOIN LATERAL (SELECT max(h.at) AS at FROM workflow_history h
                      WHERE h.entity = 'journal_entry' AND h.record_id = e.id AND h.to_state = 'posted') t ON true
 WHERE p.state <> 'open' AND coalesce(t.at, e.created_at) > c.at
UNION ALL
SELECT y.company_id, y.name, p.name, y.starts_on
  FROM fiscal_year y JOIN period p ON p.fiscal_year_id = y.id
 WHERE y.state <> 'open' AND p.state = 'open'
