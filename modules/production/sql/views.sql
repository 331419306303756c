-- Views of production. Dropped and run again at every upgrade.

-- What maintained columns must be: the triggers write it, checks compare.
CREATE VIEW production_order_derived WITH (security_invoker = true) AS
SELECT o.id, o.company_id,
       CASE WHEN c.nothing THEN 'none' WHEN c.everything THEN 'full' ELSE 'part' END AS materials
  FROM production_order o CROSS JOIN LATERAL (
       SELECT coalesce(bool_and(c.issued = 0), true) AS nothing, bool_and(c.issued >= c.quantity) AS everything
         FROM production_component c WHERE c.order_id = o.id) c;
GRANT SELECT ON production_order_derived TO tenon_app;

-- given: what an operation can have worked on; expected: what it will have, when nothing more
-- is lost before it.
CREATE VIEW production_operation_derived WITH (security_invoker = true) AS
SELECT p.id, p.company_id, p.order_id, p.position, p.name, p.good, p.scrap, p.given,
       CASE WHEN p.good + p.scrap >= p.expected THEN 'full'
            WHEN p.good + p.scrap > 0 OR p.labour_minutes > 0 OR p.machine_minutes > 0 THEN 'part' ELSE 'none' END AS progress
  FROM (SELECT q.*, coalesce(lag(q.good) OVER before, o.quantity) AS given,
               o.quantity - coalesce(sum(q.scrap) OVER (before ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS expected
          FROM production_operation q JOIN production_order o ON o.id = q.order_id
        WINDOW before AS (PARTITION BY q.order_id ORDER BY q.position)) p;
GRANT SELECT ON production_operation_derived TO tenon_app;

-- All that work in progress of an order gained (and lost, with a minus), by kind.
CREATE VIEW production_value WITH (security_invoker = true) AS
SELECT s.company_id, s.production_order_id AS order_id,
       CASE WHEN l.production_component_id IS NOT NULL THEN 'material' ELSE 'finished' END AS kind,
       v.posting_date, -(v.amount + v.variance) AS amount
  FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id JOIN stock_move m ON m.shipment_line_id = l.id
  JOIN location p ON p.id = CASE m.direction WHEN 1 THEN m.from_location_id ELSE m.to_location_id END
   AND p.kind = 'production' AND p.account_id IS NULL
  JOIN stock_value v ON v.move_id = m.id
 WHERE s.production_order_id IS NOT NULL
UNION ALL
SELECT company_id, order_id, kind, posting_date, amount FROM production_cost;
GRANT SELECT ON production_value TO tenon_app;

-- Material readiness, component by component: required = issued + reserved + to come from what
-- may be taken now + short. What was promised to others is not there for it (promise_limits
-- says the same when it is set aside). Components of one item share it, in their order.
CREATE VIEW production_readiness WITH (security_invoker = true) AS
SELECT n.id, n.company_id, n.production_order_id, n.position, n.item_id, n.warehouse_id, n.required, n.issued, n.reserved,
       n.available, least(n.open, greatest(n.needed - n.available, 0)) AS short, n.ready_on
  FROM (SELECT c.id, c.company_id, c.order_id AS production_order_id, c.position, c.item_id, o.warehouse_id,
               c.quantity AS required, c.issued, r.reserved, p.day AS ready_on,
               least(a.free, CASE WHEN p.day <= app_today() THEN a.free WHEN p.day IS NOT NULL THEN
                   (SELECT greatest(min(d.available), 0) FROM promise_available(c.company_id, c.item_id, o.warehouse_id) d
                     WHERE d.day < p.day)
                   ELSE greatest(promise_free(c.company_id, c.item_id, o.warehouse_id, app_today()), 0) END) AS available,
               greatest(c.quantity - c.issued - r.reserved, 0) AS open,
               sum(greatest(c.quantity - c.issued - r.reserved, 0)) OVER (PARTITION BY c.order_id, c.item_id
                                                                          ORDER BY c.position, c.id) AS needed
          FROM production_component c
          JOIN production_order o ON o.id = c.order_id AND o.state NOT IN ('closed', 'cancelled')
          LEFT JOIN promise p ON p.id = c.promise_id
         CROSS JOIN LATERAL (SELECT coalesce(sum(l.quantity_reserved), 0) AS reserved FROM shipment_line l
                              WHERE l.production_component_id = c.id) r
         CROSS JOIN LATERAL (SELECT greatest(coalesce(sum(u.free), 0), 0) AS free FROM stock_usable u
                              WHERE u.company_id = c.company_id AND u.item_id = c.item_id
                                AND u.warehouse_id = o.warehouse_id) a) n;
COMMENT ON VIEW production_readiness IS 'Material readiness: of each component of a production order';
COMMENT ON COLUMN production_readiness.production_order_id IS 'Production order';
COMMENT ON COLUMN production_readiness.position IS 'Position';
COMMENT ON COLUMN production_readiness.item_id IS 'Item';
COMMENT ON COLUMN production_readiness.warehouse_id IS 'Warehouse';
COMMENT ON COLUMN production_readiness.required IS 'Required';
COMMENT ON COLUMN production_readiness.issued IS 'Issued: what went into production';
COMMENT ON COLUMN production_readiness.reserved IS 'Reserved: what is set aside for it';
COMMENT ON COLUMN production_readiness.available IS 'Available: what is free for it now';
COMMENT ON COLUMN production_readiness.short IS 'Short: what is missing';
COMMENT ON COLUMN production_readiness.ready_on IS 'Promised for: empty when nothing in stock or on its way covers it';
GRANT SELECT ON production_readiness TO tenon_app;

-- The shop floor's list: what each work centre has to do.
CREATE VIEW production_work WITH (security_invoker = true) AS
SELECT p.id, p.company_id, p.order_id AS production_order_id, o.item_id, p.position, p.name, p.name_zh, p.work_center_id,
       p.planned_start, o.quantity, p.good, p.scrap, p.planned_minutes, p.labour_minutes, p.machine_minutes, p.progress, o.state
  FROM production_operation p JOIN production_order o ON o.id = p.order_id
 WHERE o.state IN ('planned', 'released', 'started');
COMMENT ON VIEW production_work IS 'Work list: the operations of a work centre, day by day';
COMMENT ON COLUMN production_work.production_order_id IS 'Production order';
COMMENT ON COLUMN production_work.item_id IS 'Item: what is made';
COMMENT ON COLUMN production_work.position IS 'Position';
COMMENT ON COLUMN production_work.name IS 'Name';
COMMENT ON COLUMN production_work.name_zh IS 'Chinese name';
COMMENT ON COLUMN production_work.work_center_id IS 'Work centre';
COMMENT ON COLUMN production_work.planned_start IS 'Planned start';
COMMENT ON COLUMN production_work.quantity IS 'Quantity: of the order';
COMMENT ON COLUMN production_work.good IS 'Good: what was reported as done';
COMMENT ON COLUMN production_work.scrap IS 'Scrap: what was reported as lost';
COMMENT ON COLUMN production_work.planned_minutes IS 'Planned minutes';
COMMENT ON COLUMN production_work.labour_minutes IS 'Labour: minutes that were reported';
COMMENT ON COLUMN production_work.machine_minutes IS 'Machine: minutes that were reported';
COMMENT ON COLUMN production_work.progress IS 'Progress: none, part or full';
COMMENT ON COLUMN production_work.state IS 'State: of the order';
GRANT SELECT ON production_work TO tenon_app;

-- Readiness and cost of an order, planned and actual. Scalar subqueries: only what is asked is
-- computed.
CREATE VIEW production_order_fact WITH (security_invoker = true) AS
SELECT o.id, o.company_id,
       NOT EXISTS (SELECT FROM production_readiness r WHERE r.production_order_id = o.id AND r.short > 0) AS ready,
       (SELECT string_agg(format('%s %s', i.code, trim_scale(r.short)), ', ' ORDER BY r.position)
          FROM production_readiness r JOIN item i ON i.id = r.item_id
         WHERE r.production_order_id = o.id AND r.short > 0) AS missing,
       (SELECT coalesce(sum(v.amount), 0) FROM production_value v WHERE v.order_id = o.id AND v.kind = 'material')::base_amount
           AS material_cost,
       (SELECT coalesce(sum(v.amount), 0) FROM production_value v WHERE v.order_id = o.id AND v.kind = 'labour')::base_amount
           AS labour_cost,
       (SELECT coalesce(sum(v.amount), 0) FROM production_value v WHERE v.order_id = o.id AND v.kind = 'machine')::base_amount
           AS machine_cost,
       (SELECT coalesce(-sum(v.amount), 0) FROM production_value v WHERE v.order_id = o.id AND v.kind = 'finished')::base_amount
           AS finished_value,
       (SELECT coalesce(-sum(v.amount), 0) FROM production_value v WHERE v.order_id = o.id AND v.kind = 'variance')::base_amount
           AS variance,
       (SELECT coalesce(sum(v.amount), 0) FROM production_value v WHERE v.order_id = o.id)::base_amount AS work_in_progress,
       (SELECT coalesce(sum(round(c.quantity * c.planned_cost, currency_scale(y.currency_code))), 0) FROM production_component c
         WHERE c.order_id = o.id)::base_amount AS planned_material,
       (SELECT coalesce(sum(round(p.planned_minutes * p.labour_rate / 60, currency_scale(y.currency_code))), 0) FROM production_operation p
         WHERE p.order_id = o.id)::base_amount AS planned_labour,
       (SELECT coalesce(sum(round(p.planned_minutes * p.machine_rate / 60, currency_scale(y.currency_code))), 0) FROM production_operation p
         WHERE p.order_id = o.id)::base_amount AS planned_machine
  FROM production_order o JOIN company y ON y.id = o.company_id;
COMMENT ON COLUMN production_order_fact.ready IS 'Ready: all components are issued, reserved or free';
COMMENT ON COLUMN production_order_fact.missing IS 'Missing: the components that are short, and by how much';
COMMENT ON COLUMN production_order_fact.material_cost IS 'Material cost: of what was issued';
COMMENT ON COLUMN production_order_fact.labour_cost IS 'Labour cost: of what was reported';
COMMENT ON COLUMN production_order_fact.machine_cost IS 'Machine cost: of what was reported';
COMMENT ON COLUMN production_order_fact.finished_value IS 'Finished value: at which it went into stock';
COMMENT ON COLUMN production_order_fact.variance IS 'Variance: what it cost above the finished value';
COMMENT ON COLUMN production_order_fact.work_in_progress IS 'Work in progress: what was put into it and is not finished';
COMMENT ON COLUMN production_order_fact.planned_material IS 'Planned material';
COMMENT ON COLUMN production_order_fact.planned_labour IS 'Planned labour';
COMMENT ON COLUMN production_order_fact.planned_machine IS 'Planned machine';
GRANT SELECT ON production_order_fact TO tenon_app;
