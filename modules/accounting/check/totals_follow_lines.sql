-- title: Totals of invoices are the sums of their lines, and entries carry the totals
SELECT i.company_id, i.id, i.number, i.net, i.tax, i.total, l.net AS lines_net, l.tax AS lines_tax, e.total AS entry_total
  FROM invoice i
  LEFT JOIN LATERAL (SELECT coalesce(sum(net), 0) AS net, coalesce(sum(tax), 0) AS tax FROM invoice_line WHERE invoice_id = i.id) l ON true
  LEFT JOIN LATERAL (SELECT coalesce(sum(debit - credit), 0) AS total FROM journal_line j
                      WHERE j.entry_id = i.journal_entry_id AND j.position = 0) e ON true
 WHERE (i.net, i.tax, i.total) <> (l.net, l.tax, l.net + l.tax)
    OR (i.number IS NOT NULL AND abs(e.total) <> i.base_total)
