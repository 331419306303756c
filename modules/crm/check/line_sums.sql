-- title: An opportunity with lines is expected to bring their sum
SELECT o.company_id, o.id, o.expected_amount, l.net
  FROM opportunity o
  JOIN (SELECT opportunity_id, sum(net) AS net FROM opportunity_line GROUP BY opportunity_id) l
    ON l.opportunity_id = o.id
 WHERE o.expected_amount <> l.net
