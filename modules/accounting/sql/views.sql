-- What others read of the books. Dropped and run again at every upgrade.

-- Instalments of posted invoices with what is still open of each: payments fill the
-- earliest first. An invoice without several instalments is one by itself.
CREATE VIEW invoice_due WITH (security_invoker = true) AS
SELECT i.company_id, i.id AS invoice_id, i.kind, i.party_id, i.currency_code, 1 AS position, i.due_date,
       i.total AS amount, i.open_amount
  FROM invoice i
 WHERE i.open_amount > 0 AND NOT EXISTS (SELECT FROM invoice_instalment p WHERE p.invoice_id = i.id)
UNION ALL
SELECT p.company_id, p.invoice_id, p.kind, p.party_id, p.currency_code, p.position, p.due_date, p.amount,
       least(p.amount, greatest(p.upto - p.settled, 0))
  FROM (SELECT i.company_id, i.id AS invoice_id, i.kind, i.party_id, i.currency_code, s.position, s.due_date, s.amount,
               sum(s.amount) OVER (PARTITION BY i.company_id, i.party_id, i.id ORDER BY s.position) AS upto, i.total - i.open_amount AS settled
          FROM invoice_instalment s JOIN invoice i ON i.id = s.invoice_id
         WHERE i.open_amount > 0) p;
GRANT SELECT ON invoice_due TO tenon_app;

-- Customers with something overdue today, in company currency: the shipped guard of
-- orders reads it. Paying takes the row away.
CREATE VIEW customer_overdue WITH (security_invoker = true) AS
SELECT d.company_id, d.party_id AS customer_id,
       sum(round(d.open_amount * i.open_base / i.open_amount, currency_scale(c.currency_code))) AS base_amount,
       min(d.due_date) AS since
  FROM invoice_due d JOIN invoice i ON i.id = d.invoice_id JOIN company c ON c.id = d.company_id
 WHERE d.kind = 'customer_invoice' AND d.due_date < app_today() AND d.open_amount > 0
 GROUP BY d.company_id, d.party_id;
GRANT SELECT ON customer_overdue TO tenon_app;

-- The collectors' list: invoices with something overdue, what is overdue of each and since when,
-- and when the next reminder goes out. A level follows the one before by at least the days
-- that lie between the two, and none goes out while reminders are paused.
CREATE VIEW dunning_due WITH (security_invoker = true) AS
SELECT i.id, i.company_id, i.id AS invoice_id, i.party_id, c.salesperson_id, d.due_date,
       app_today() - d.due_date AS days_overdue, d.open_amount::amount AS open_amount, i.currency_code, i.dunning_level,
       i.last_reminded_on, i.reminders_paused_until, n.level AS next_level,
       greatest(d.due_date + n.days_overdue, i.last_reminded_on + (n.days_overdue - coalesce(b.days_overdue, 0)),
                i.reminders_paused_until) AS remind_on,
       coalesce(c.credit_hold, false) AS credit_hold
  FROM invoice i
 CROSS JOIN LATERAL (SELECT min(x.due_date) AS due_date, sum(x.open_amount) AS open_amount FROM invoice_due x
                      WHERE x.company_id = i.company_id AND x.party_id = i.party_id AND x.invoice_id = i.id
                        AND x.open_amount > 0 AND x.due_date < app_today()) d
  LEFT JOIN LATERAL (SELECT l.level, l.days_overdue FROM dunning_level l
                      WHERE l.company_id = i.company_id AND l.level > i.dunning_level ORDER BY l.level LIMIT 1) n ON true
  LEFT JOIN dunning_level b ON b.company_id = i.company_id AND b.level = i.dunning_level
  LEFT JOIN customer_company c ON c.company_id = i.company_id AND c.party_id = i.party_id
 WHERE i.open_amount > 0 AND i.kind = 'customer_invoice' AND d.due_date IS NOT NULL;
GRANT SELECT ON dunning_due TO tenon_app;
COMMENT ON VIEW dunning_due IS 'Overdue invoice: what is overdue, and when the next reminder goes out';
COMMENT ON COLUMN dunning_due.invoice_id IS 'Invoice';
COMMENT ON COLUMN dunning_due.party_id IS 'Customer';
COMMENT ON COLUMN dunning_due.salesperson_id IS 'Salesperson';
COMMENT ON COLUMN dunning_due.due_date IS 'Due date: of the first part that is overdue';
COMMENT ON COLUMN dunning_due.days_overdue IS 'Days overdue';
COMMENT ON COLUMN dunning_due.open_amount IS 'Overdue: what is due and not paid';
COMMENT ON COLUMN dunning_due.currency_code IS 'Currency';
COMMENT ON COLUMN dunning_due.dunning_level IS 'Reminder level: of the last reminder that was sent';
COMMENT ON COLUMN dunning_due.last_reminded_on IS 'Last reminded on';
COMMENT ON COLUMN dunning_due.reminders_paused_until IS 'No reminder until: the day that a payment is promised for, or while something is disputed';
COMMENT ON COLUMN dunning_due.next_level IS 'Next level: empty after the last one';
COMMENT ON COLUMN dunning_due.remind_on IS 'Next reminder on';
COMMENT ON COLUMN dunning_due.credit_hold IS 'Credit hold';

CREATE VIEW invoice_fact WITH (security_invoker = true) AS
SELECT i.id, i.company_id,
       (i.open_amount > 0 AND i.due_date < app_today()) AS overdue,
       CASE WHEN i.open_amount > 0 THEN greatest(app_today() - i.due_date, 0) ELSE 0 END AS days_overdue,
       CASE WHEN i.open_amount > 0 AND i.kind = 'customer_invoice'
            THEN EXISTS (SELECT FROM dunning_due d WHERE d.id = i.id AND d.remind_on <= app_today()) ELSE false END AS reminder_due
  FROM invoice i;
GRANT SELECT ON invoice_fact TO tenon_app;
COMMENT ON VIEW invoice_fact IS 'Invoice: what follows from it';
COMMENT ON COLUMN invoice_fact.overdue IS 'Overdue: something is still open after the due date';
COMMENT ON COLUMN invoice_fact.days_overdue IS 'Days overdue';
COMMENT ON COLUMN invoice_fact.reminder_due IS 'Reminder due: the day of the next reminder has come';

-- The part of a customer's exposure that the books hold: open invoices less open credit
-- notes and unallocated receipts, in company currency.
CREATE VIEW customer_receivable WITH (security_invoker = true) AS
SELECT s.company_id, s.party_id, sum(s.base_amount) AS base_amount
  FROM (SELECT company_id, party_id, CASE kind WHEN 'customer_invoice' THEN open_base ELSE -open_base END AS base_amount
          FROM invoice WHERE kind IN ('customer_invoice', 'credit_note') AND open_amount > 0
        UNION ALL
        SELECT company_id, party_id, CASE kind WHEN 'refund' THEN open_base ELSE -open_base END
          FROM payment WHERE kind IN ('receipt', 'refund') AND open_amount > 0) s
 GROUP BY s.company_id, s.party_id;
GRANT SELECT ON customer_receivable TO tenon_app;
