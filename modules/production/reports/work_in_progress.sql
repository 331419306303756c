-- title: Work in progress
-- parameter: on date "On"
-- parameter: language
-- column: number text "Production order"
-- column: item text "Item"
-- column: material amount "Material cost"
-- column: labour amount "Labour cost"
-- column: machine amount "Machine cost"
-- column: finished amount "Finished value"
-- column: work_in_progress amount "Work in progress"
-- What was in work at the end of a day, order by order; it adds up to the account.
SELECT o.number, concat_ws(' ', i.code, CASE $2 WHEN 'zh' THEN coalesce(i.name_zh, i.name) ELSE i.name END),
       base_text(v.material), base_text(v.labour), base_text(v.machine), base_text(v.finished), base_text(v.total)
  FROM (SELECT w.order_id, coalesce(sum(w.amount) FILTER (WHERE w.kind = 'material'), 0) AS material,
               coalesce(sum(w.amount) FILTER (WHERE w.kind = 'labour'), 0) AS labour,
               coalesce(sum(w.amount) FILTER (WHERE w.kind = 'machine'), 0) AS machine,
               coalesce(-sum(w.amount) FILTER (WHERE w.kind = 'finished'), 0) AS finished, sum(w.amount) AS total
          FROM production_value w
         WHERE w.company_id = app_company() AND w.posting_date <= coalesce($1::date, app_today())
         GROUP BY w.order_id HAVING sum(w.amount) <> 0) v
  JOIN production_order o ON o.id = v.order_id JOIN item i ON i.id = o.item_id
 ORDER BY o.id
