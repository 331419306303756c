-- title: Every party's code is entered in the register of codes
SELECT p.id, p.code FROM party p
 WHERE NOT EXISTS (SELECT FROM party_code c WHERE c.code = lower(p.code) AND c.party_id = p.id)
