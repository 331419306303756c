-- title: Production cost
-- parameter: from date "From"
-- parameter: to date "To"
-- parameter: language
-- column: number text "Production order"
-- column: item text "Item"
-- column: state text "State"
-- column: finished quantity "Finished"
-- column: planned_material amount "Planned material"
-- column: material amount "Material cost"
-- column: planned_labour amount "Planned labour"
-- column: labour amount "Labour cost"
-- column: planned_machine amount "Planned machine"
-- column: machine amount "Machine cost"
-- column: finished_value amount "Finished value"
-- column: variance amount "Variance"
-- column: work_in_progress amount "Work in progress"
-- Planned and actual, of the orders that begin in this time; the plan is for all of the order.
SELECT o.number, concat_ws(' ', i.code, CASE $3 WHEN 'zh' THEN coalesce(i.name_zh, i.name) ELSE i.name END), o.state,
       plain_text(o.quantity_finished), base_text(f.planned_material), base_text(f.material_cost),
       base_text(f.planned_labour), base_text(f.labour_cost), base_text(f.planned_machine), base_text(f.machine_cost),
       base_text(f.finished_value), base_text(f.variance), base_text(f.work_in_progress)
  FROM production_order o JOIN production_order_fact f USING (id) JOIN item i ON i.id = o.item_id
 WHERE o.company_id = app_company() AND o.state <> 'cancelled'
   AND o.planned_start BETWEEN coalesce($1::date, '-infinity') AND coalesce($2::date, 'infinity')
 ORDER BY o.planned_start, o.id
