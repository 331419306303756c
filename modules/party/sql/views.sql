-- Views of parties. Dropped and run again at every upgrade.

-- Credit over the tree: a party with all that belongs to it, in this company.
CREATE VIEW party_credit_tree WITH (security_invoker = true) AS
SELECT p.id, p.id AS party_id, app_company() AS company_id, t.parties, t.customers, t.exposure::base_amount,
       t.credit_limit::base_amount, t.on_hold
  FROM party p
 CROSS JOIN LATERAL (
       SELECT count(*) AS parties, count(c.id) AS customers, coalesce(sum(c.exposure), 0) AS exposure,
              sum(c.credit_limit) AS credit_limit, count(*) FILTER (WHERE c.credit_hold) AS on_hold
         FROM party_tree(p.id) d
         LEFT JOIN customer_company c ON c.party_id = d AND c.company_id = app_company()) t;
COMMENT ON VIEW party_credit_tree IS 'Credit of a group: exposure and limits of a party and all that belongs to it';
COMMENT ON COLUMN party_credit_tree.party_id IS 'Party: the head of the group';
COMMENT ON COLUMN party_credit_tree.parties IS 'Parties: the head and all below it';
COMMENT ON COLUMN party_credit_tree.customers IS 'Customers: those with customer terms';
COMMENT ON COLUMN party_credit_tree.exposure IS 'Exposure';
COMMENT ON COLUMN party_credit_tree.credit_limit IS 'Credit limits: their sum';
COMMENT ON COLUMN party_credit_tree.on_hold IS 'On hold: how many of them';
GRANT SELECT ON party_credit_tree TO tenon_app;

-- For each party the others that may be the same one, and why.
CREATE VIEW party_duplicate WITH (security_invoker = true) AS
SELECT p.id, p.id AS party_id, d.party_id AS duplicate_id, d.reason, d.score
  FROM party p
 CROSS JOIN LATERAL (
       SELECT DISTINCT ON (x.party_id) x.*
         FROM (SELECT * FROM party_duplicates(p.name, p.tax_id)
               UNION ALL
               SELECT * FROM party_duplicates(p.name_zh) WHERE p.name_zh IS NOT NULL
               UNION ALL
               SELECT o.party_id, o.kind, CASE o.kind WHEN 'email' THEN 0.95 ELSE 0.9 END
                 FROM contact_point m
                 JOIN contact_point o ON o.normalized = m.normalized AND o.party_id <> m.party_id
                WHERE m.party_id = p.id AND m.kind IN ('email', 'phone', 'mobile')
                  AND o.kind IN ('email', 'phone', 'mobile')) x
        ORDER BY x.party_id, x.score DESC, x.reason) d
 WHERE d.party_id <> p.id;
COMMENT ON VIEW party_duplicate IS 'Possible duplicate: another party that may be the same one';
COMMENT ON COLUMN party_duplicate.party_id IS 'Party';
COMMENT ON COLUMN party_duplicate.duplicate_id IS 'Possible duplicate';
COMMENT ON COLUMN party_duplicate.reason IS 'Because of: what is the same';
COMMENT ON COLUMN party_duplicate.score IS 'Likeness: 1 is certain';
GRANT SELECT ON party_duplicate TO tenon_app;

-- What this company knows of a party: guards, lists and forms read it as the party's own.
CREATE VIEW party_fact WITH (security_invoker = true) AS
SELECT p.id, c.company_id, c.segment, c.grade, c.credit_rating, c.credit_limit, c.exposure,
       (c.credit_limit - c.exposure)::base_amount AS credit_left, coalesce(c.credit_hold, false) AS credit_hold, c.salesperson_id,
       (SELECT count(*) FROM party_duplicate d WHERE d.party_id = p.id) AS possible_duplicates
  FROM party p
  LEFT JOIN customer_company c ON c.party_id = p.id AND c.company_id = app_company();
COMMENT ON COLUMN party_fact.segment IS 'Segment';
COMMENT ON COLUMN party_fact.grade IS 'Grade';
COMMENT ON COLUMN party_fact.credit_rating IS 'Credit rating';
COMMENT ON COLUMN party_fact.credit_limit IS 'Credit limit';
COMMENT ON COLUMN party_fact.exposure IS 'Exposure';
COMMENT ON COLUMN party_fact.credit_left IS 'Credit left: limit less exposure; empty without a limit';
COMMENT ON COLUMN party_fact.credit_hold IS 'Credit hold';
COMMENT ON COLUMN party_fact.salesperson_id IS 'Salesperson';
COMMENT ON COLUMN party_fact.possible_duplicates IS 'Possible duplicates: other parties that may be the same one';
GRANT SELECT ON party_fact TO tenon_app;
