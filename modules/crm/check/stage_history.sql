-- title: The last stage in an opportunity's history is the one where it stands
SELECT o.company_id, o.id, o.stage_id, h.stage_id AS last
  FROM opportunity o
  LEFT JOIN LATERAL (SELECT stage_id FROM opportunity_stage_history h
                      WHERE h.opportunity_id = o.id ORDER BY h.id DESC LIMIT 1) h ON true
 WHERE h.stage_id IS DISTINCT FROM o.stage_id
