-- title: A reminder's hold lasts as long as what it reminded of, and levels are those of the letters
SELECT c.company_id, p.code, NULL::integer AS level
  FROM customer_company c JOIN party p ON p.id = c.party_id
 WHERE c.held_by_dunning
   AND NOT EXISTS (SELECT FROM dunning_letter l JOIN invoice i ON i.id = l.invoice_id
                    WHERE l.company_id = c.company_id AND l.party_id = c.party_id AND l.hold AND i.open_amount > 0)
UNION ALL
SELECT i.company_id, i.number, i.dunning_level
  FROM invoice i LEFT JOIN LATERAL (SELECT max(l.level) AS level, max(l.sent_on) AS sent_on FROM dunning_letter l
                                     WHERE l.company_id = i.company_id AND l.invoice_id = i.id) s ON true
 WHERE i.dunning_level <> coalesce(s.level, 0) OR i.last_reminded_on IS DISTINCT FROM s.sent_on
