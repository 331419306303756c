-- title: Credited is what posted credit notes say, and never more than was invoiced
SELECT l.company_id, i.number, l.id AS line, l.quantity, l.credited_quantity, c.quantity AS by_notes
  FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id
  LEFT JOIN LATERAL (SELECT coalesce(sum(n.quantity), 0) AS quantity, coalesce(sum(n.net), 0) AS net, coalesce(sum(n.tax), 0) AS tax
                       FROM invoice_line n JOIN invoice h ON h.id = n.invoice_id AND h.number IS NOT NULL
                      WHERE n.credits_line_id = l.id) c ON true
 WHERE (l.credited_quantity, l.credited_net, l.credited_tax) <> (c.quantity, c.net, c.tax)
    OR abs(l.credited_quantity) > abs(l.quantity) OR abs(l.credited_net) > abs(l.net)
