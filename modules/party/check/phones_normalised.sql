-- title: Every contact point is normalised with the country that is known now
SELECT c.id, c.value, c.normalized, contact_normalize(c.kind, c.value, party_country(c.party_id)) AS expected
  FROM contact_point c
 WHERE c.normalized IS DISTINCT FROM contact_normalize(c.kind, c.value, party_country(c.party_id))
