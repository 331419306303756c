-- title: A converted lead and its opportunity name each other, and are about the same party
SELECT l.company_id, l.id, l.opportunity_id, o.lead_id
  FROM lead l LEFT JOIN opportunity o ON o.id = l.opportunity_id
 WHERE l.state = 'converted' AND (o.lead_id IS DISTINCT FROM l.id OR o.party_id IS DISTINCT FROM l.party_id)
