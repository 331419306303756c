-- Views of customer relations. Dropped and run again at every upgrade.

CREATE VIEW opportunity_fact WITH (security_invoker = true) AS
SELECT o.id, o.company_id, round(o.expected_amount * o.probability / 100, currency_scale(o.currency_code))::amount AS weighted_amount,
       CASE WHEN o.state NOT IN ('won', 'lost') THEN (now()::date - h.at::date) END AS days_in_stage,
       o.state NOT IN ('won', 'lost') AND o.close_date < app_today() AS late
  FROM opportunity o
  LEFT JOIN LATERAL (SELECT h.at FROM opportunity_stage_history h WHERE h.opportunity_id = o.id
                      ORDER BY h.id DESC LIMIT 1) h ON true;
COMMENT ON COLUMN opportunity_fact.weighted_amount IS 'Weighted amount: expected amount times probability';
COMMENT ON COLUMN opportunity_fact.days_in_stage IS 'Days in stage';
COMMENT ON COLUMN opportunity_fact.late IS 'Late: open past the day it was expected';
GRANT SELECT ON opportunity_fact TO tenon_app;

-- Open opportunities by pipeline, stage and currency: the sums over a kanban board.
CREATE VIEW pipeline_forecast WITH (security_invoker = true) AS
SELECT s.id, s.company_id, s.pipeline_id, s.id AS stage_id, s.position, o.currency_code, count(o.id) AS opportunities,
       coalesce(sum(o.expected_amount), 0)::amount AS expected_amount,
       coalesce(sum(round(o.expected_amount * o.probability / 100, currency_scale(o.currency_code))), 0)::amount AS weighted_amount,
       round(coalesce(sum(o.expected_amount * o.probability / 100), 0)
             * exchange_rate_on(s.company_id, coalesce(o.currency_code, c.currency_code), app_today()),
             currency_scale(c.currency_code))::base_amount AS weighted_base
  FROM pipeline_stage s
  JOIN company c ON c.id = s.company_id
  LEFT JOIN opportunity o ON o.company_id = s.company_id AND o.stage_id = s.id AND o.state NOT IN ('won', 'lost')
 GROUP BY s.id, s.company_id, s.pipeline_id, s.position, o.currency_code, c.currency_code;
COMMENT ON VIEW pipeline_forecast IS 'Forecast: open opportunities by stage and currency';
COMMENT ON COLUMN pipeline_forecast.pipeline_id IS 'Pipeline';
COMMENT ON COLUMN pipeline_forecast.stage_id IS 'Stage';
COMMENT ON COLUMN pipeline_forecast.position IS 'Position';
COMMENT ON COLUMN pipeline_forecast.currency_code IS 'Currency';
COMMENT ON COLUMN pipeline_forecast.opportunities IS 'Opportunities';
COMMENT ON COLUMN pipeline_forecast.expected_amount IS 'Expected amount';
COMMENT ON COLUMN pipeline_forecast.weighted_amount IS 'Weighted amount';
COMMENT ON COLUMN pipeline_forecast.weighted_base IS 'Weighted, in company currency: empty where a rate is missing';
GRANT SELECT ON pipeline_forecast TO tenon_app;

-- How long each opportunity stayed in each stage: velocity.
CREATE VIEW opportunity_stage_time WITH (security_invoker = true) AS
SELECT h.id, h.company_id, h.opportunity_id, h.pipeline_id, h.stage_id, h.at AS entered_at,
       coalesce(lead(h.at) OVER w, o.closed_at) AS left_at,
       round(extract(epoch FROM coalesce(lead(h.at) OVER w, o.closed_at, now()) - h.at) / 86400, 2) AS days
  FROM opportunity_stage_history h JOIN opportunity o ON o.id = h.opportunity_id
WINDOW w AS (PARTITION BY h.opportunity_id ORDER BY h.id);
COMMENT ON VIEW opportunity_stage_time IS 'Time in stage: how long each opportunity stayed where';
COMMENT ON COLUMN opportunity_stage_time.opportunity_id IS 'Opportunity';
COMMENT ON COLUMN opportunity_stage_time.pipeline_id IS 'Pipeline';
COMMENT ON COLUMN opportunity_stage_time.stage_id IS 'Stage';
COMMENT ON COLUMN opportunity_stage_time.entered_at IS 'Entered at';
COMMENT ON COLUMN opportunity_stage_time.left_at IS 'Left at: empty while it is there';
COMMENT ON COLUMN opportunity_stage_time.days IS 'Days';
GRANT SELECT ON opportunity_stage_time TO tenon_app;

-- Who a lead may be: parties that exist, and other leads with the same e-mail.
CREATE VIEW lead_duplicate WITH (security_invoker = true) AS
SELECT l.id, l.company_id, l.id AS lead_id, d.party_id, d.other_lead_id, d.reason, d.score
  FROM lead l
 CROSS JOIN LATERAL (
       SELECT x.party_id, NULL::bigint AS other_lead_id, max(x.reason) AS reason, max(x.score) AS score
         FROM (SELECT * FROM party_duplicates(coalesce(l.organisation, l.person), l.tax_id,
                                              coalesce(l.phone, l.mobile), l.email, l.country_code)
               UNION ALL
               SELECT * FROM party_duplicates(l.organisation_zh, NULL, l.mobile, NULL, l.country_code)) x
        GROUP BY x.party_id
       UNION ALL
       SELECT NULL, o.id, 'email', 0.95 FROM lead o
        WHERE o.company_id = l.company_id AND o.id <> l.id AND lower(o.email) = lower(l.email)) d
 WHERE d.party_id IS DISTINCT FROM l.party_id OR d.party_id IS NULL;
COMMENT ON VIEW lead_duplicate IS 'Possible duplicate of a lead: a party or a lead that may be the same one';
COMMENT ON COLUMN lead_duplicate.lead_id IS 'Lead';
COMMENT ON COLUMN lead_duplicate.party_id IS 'Party';
COMMENT ON COLUMN lead_duplicate.other_lead_id IS 'Other lead';
COMMENT ON COLUMN lead_duplicate.reason IS 'Because of: what is the same';
COMMENT ON COLUMN lead_duplicate.score IS 'Likeness: 1 is certain';
GRANT SELECT ON lead_duplicate TO tenon_app;

CREATE VIEW lead_fact WITH (security_invoker = true) AS
SELECT l.id, l.company_id, coalesce(l.organisation, l.person, l.email::text, l.phone, l.mobile) AS title,
       (now()::date - greatest(l.updated_at, (SELECT max(coalesce(a.done_at, a.created_at)) FROM activity a
             WHERE a.company_id = l.company_id AND a.entity = 'lead' AND a.record_id = l.id))::date) AS idle_days,
       CASE WHEN l.state = 'new' THEN (SELECT count(*) FROM lead_duplicate d WHERE d.lead_id = l.id) END AS possible_duplicates
  FROM lead l;
COMMENT ON COLUMN lead_fact.title IS 'Who';
COMMENT ON COLUMN lead_fact.idle_days IS 'Idle days: since the last change or activity';
COMMENT ON COLUMN lead_fact.possible_duplicates IS 'Possible duplicates: parties and leads that may be the same one, while the lead is new';
GRANT SELECT ON lead_fact TO tenon_app;

-- A customer with all that belongs to it: what is ordered, owed, overdue and hoped for, in
-- company currency. Every figure is the sum of its leaves.
CREATE VIEW customer_rollup WITH (security_invoker = true) AS
SELECT p.id, p.id AS party_id, app_company() AS company_id, t.parties, t.orders_open::base_amount, t.receivable::base_amount,
       t.overdue::base_amount, t.exposure::base_amount, t.credit_limit::base_amount, t.opportunities::bigint
  FROM party p
 CROSS JOIN LATERAL (
       SELECT count(*) AS parties, sum(o.orders_open) AS orders_open, sum(party_receivable(d, 'infinity')) AS receivable,
              coalesce(sum(v.base_amount), 0) AS overdue, coalesce(sum(c.exposure), 0) AS exposure,
              sum(c.credit_limit) AS credit_limit, sum(q.opportunities) AS opportunities
         FROM party_tree(p.id) d
         LEFT JOIN customer_company c ON c.company_id = app_company() AND c.party_id = d
         LEFT JOIN customer_overdue v ON v.company_id = app_company() AND v.customer_id = d
        CROSS JOIN LATERAL (SELECT coalesce(sum(s.open_value), 0) AS orders_open FROM sales_order s
                             WHERE s.company_id = app_company() AND s.customer_id = d AND s.state = 'confirmed') o
        CROSS JOIN LATERAL (SELECT count(*) AS opportunities FROM opportunity h
                             WHERE h.company_id = app_company() AND h.party_id = d
                               AND h.state NOT IN ('won', 'lost')) q) t;
COMMENT ON VIEW customer_rollup IS 'Customer group: a customer with all that belongs to it';
COMMENT ON COLUMN customer_rollup.party_id IS 'Customer: the head of the group';
COMMENT ON COLUMN customer_rollup.parties IS 'Parties: the head and all below it';
COMMENT ON COLUMN customer_rollup.orders_open IS 'Open orders: confirmed and not yet invoiced';
COMMENT ON COLUMN customer_rollup.receivable IS 'Receivable: the balance in the ledger';
COMMENT ON COLUMN customer_rollup.overdue IS 'Overdue';
COMMENT ON COLUMN customer_rollup.exposure IS 'Exposure';
COMMENT ON COLUMN customer_rollup.credit_limit IS 'Credit limits: their sum';
COMMENT ON COLUMN customer_rollup.opportunities IS 'Opportunities: still open';
GRANT SELECT ON customer_rollup TO tenon_app;
