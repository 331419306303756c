-- title: What is open of invoices and payments is their amount less their allocations
SELECT 'invoice' AS entity, i.company_id, i.id, i.number, i.open_amount, i.paid, i.settled_on
  FROM invoice i
  LEFT JOIN LATERAL (
       SELECT coalesce(sum(x.amount), 0) AS amount, coalesce(sum(x.base), 0) AS base
         FROM (SELECT amount, invoice_base AS base FROM allocation WHERE invoice_id = i.id
               UNION ALL SELECT amount, source_base FROM allocation WHERE credit_id = i.id) x) a ON true
 WHERE CASE WHEN i.number IS NULL
            THEN (i.open_amount, i.open_base, i.paid, i.settled_on) IS DISTINCT FROM (0::numeric, 0::numeric, 'none', NULL::date)
            ELSE (i.open_amount, i.open_base) <> (i.total - a.amount, i.base_total - a.base)
              OR i.paid <> CASE WHEN i.total = a.amount THEN 'full' WHEN a.amount = 0 THEN 'none' ELSE 'part' END
              OR (i.settled_on IS NULL) <> (i.open_amount > 0) END
UNION ALL
SELECT 'payment', p.company_id, p.id, p.number, p.open_amount, p.state, p.settled_on
  FROM payment p
  LEFT JOIN LATERAL (SELECT coalesce(sum(amount), 0) AS amount, coalesce(sum(source_base), 0) AS base
                       FROM allocation WHERE payment_id = p.id) a ON true
 WHERE CASE WHEN p.journal_entry_id IS NULL OR p.state = 'cancelled' THEN p.open_amount <> 0 OR p.open_base <> 0
            ELSE p.open_amount <> p.amount - a.amount OR p.open_base <> p.base_amount - a.base END
    OR (p.state = 'cancelled' AND a.amount <> 0)
