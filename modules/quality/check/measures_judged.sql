-- title: A measure is as good as its limits say
SELECT r.id, r.inspection_id, r.value, r.minimum, r.maximum, r.passed
  FROM quality_inspection_result r
 WHERE r.kind = 'measure' AND r.passed IS DISTINCT FROM
       (r.value >= coalesce(r.minimum, r.value) AND r.value <= coalesce(r.maximum, r.value))
