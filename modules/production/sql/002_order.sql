-- Production orders: a quantity of an item, its components and operations as they were when
-- the order was made, what was reported on them and what it cost. Goods move by shipments that
-- name the order; what they are worth stands in stock_value. Progress and costs are maintained
-- by the triggers of order.sql and cost.sql, and check/ proves them.

-- ------------------------------------------------------------------ orders
-- What is left empty is filled in from the item: bill, warehouse, days.
CREATE TABLE production_order (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    number     text NOT NULL DEFAULT document_number('production_order'),
    item_id    bigint NOT NULL REFERENCES item,
    bom_id     bigint,
    quantity   quantity NOT NULL CONSTRAINT production_order_quantity CHECK (quantity > 0),
    warehouse_id bigint,
    planned_start date,
    planned_finish date,
    lot_id     bigint,
    note       text,
    supply_id  bigint,
    promise_id bigint,
    quantity_finished quantity NOT NULL DEFAULT 0,
    quantity_scrapped quantity NOT NULL DEFAULT 0,
    materials  text NOT NULL DEFAULT 'none' CONSTRAINT production_order_materials
               CHECK (materials IN ('none', 'part', 'full')),
    flow_id    bigint,
    workflow_id bigint REFERENCES workflow,
    state      text NOT NULL DEFAULT 'planned',
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    search_terms text[] GENERATED ALWAYS AS (search_grams(number)) STORED,
    UNIQUE (company_id, id),
    UNIQUE (company_id, number),
    CONSTRAINT production_order_supply_once UNIQUE (supply_id),
    CONSTRAINT production_order_in_order CHECK (planned_start <= planned_finish),
    CONSTRAINT production_order_done CHECK (quantity_finished >= 0 AND quantity_scrapped >= 0
                                            AND quantity_finished + quantity_scrapped <= quantity),
    CONSTRAINT production_order_bom FOREIGN KEY (company_id, item_id, bom_id) REFERENCES bom (company_id, item_id, id),
    FOREIGN KEY (company_id, warehouse_id) REFERENCES warehouse (company_id, id),
    CONSTRAINT production_order_lot FOREIGN KEY (company_id, item_id, lot_id) REFERENCES lot (company_id, item_id, id),
    CONSTRAINT production_order_supply FOREIGN KEY (company_id, item_id, supply_id)
        REFERENCES supply (company_id, item_id, id),
    CONSTRAINT production_order_promise FOREIGN KEY (company_id, item_id, promise_id)
        REFERENCES promise (company_id, item_id, id),
    FOREIGN KEY (company_id, flow_id) REFERENCES flow (company_id, id)
);
CREATE INDEX ON production_order USING gin (search_terms);
CREATE INDEX ON production_order (company_id, state, planned_start, id);
CREATE INDEX ON production_order (company_id, item_id, id);
CREATE INDEX ON production_order (bom_id);
CREATE INDEX ON production_order (promise_id) WHERE promise_id IS NOT NULL;
CREATE INDEX ON production_order (flow_id) WHERE flow_id IS NOT NULL;
COMMENT ON TABLE production_order IS 'Production order: a quantity of an item to be made';
COMMENT ON COLUMN production_order.number IS 'Number';
COMMENT ON COLUMN production_order.item_id IS 'Item: what is made';
COMMENT ON COLUMN production_order.bom_id IS 'Bill of materials: empty: the default one of the day on which it begins';
COMMENT ON COLUMN production_order.quantity IS 'Quantity: in the unit of the item';
COMMENT ON COLUMN production_order.warehouse_id IS 'Warehouse: that gives the components and takes what is made';
COMMENT ON COLUMN production_order.planned_start IS 'Planned start: empty: as late as the planned finish allows';
COMMENT ON COLUMN production_order.planned_finish IS 'Planned finish: empty: as early as possible';
COMMENT ON COLUMN production_order.lot_id IS 'Lot: of what is made';
COMMENT ON COLUMN production_order.note IS 'Note';
COMMENT ON COLUMN production_order.supply_id IS 'Supply: what others are promised of it';
COMMENT ON COLUMN production_order.promise_id IS 'Made for: the promise to which it was planned; empty: for stock';
COMMENT ON COLUMN production_order.quantity_finished IS 'Finished: what was put into stock';
COMMENT ON COLUMN production_order.quantity_scrapped IS 'Scrapped: what was lost';
COMMENT ON COLUMN production_order.materials IS 'Materials: how much of the components was issued';
COMMENT ON COLUMN production_order.flow_id IS 'Flow';
COMMENT ON COLUMN production_order.state IS 'State';
COMMENT ON CONSTRAINT production_order_quantity ON production_order IS 'Enter a quantity greater than zero';
COMMENT ON CONSTRAINT production_order_supply_once ON production_order IS 'Another production order stands for this supply';
COMMENT ON CONSTRAINT production_order_in_order ON production_order IS 'An order begins before it is finished';
COMMENT ON CONSTRAINT production_order_done ON production_order IS 'More than the quantity of the order cannot be finished or scrapped';
COMMENT ON CONSTRAINT production_order_bom ON production_order IS 'This bill of materials is of another item';
COMMENT ON CONSTRAINT production_order_supply ON production_order IS 'This supply is of another item';
COMMENT ON CONSTRAINT production_order_promise ON production_order IS 'This promise is of another item';
COMMENT ON CONSTRAINT production_order_lot ON production_order IS 'This lot is of another item';
CALL table_register('production_order', 'table', '{quantity_finished,quantity_scrapped,materials}');

-- ------------------------------------------------------------------ components
CREATE TABLE production_component (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    order_id   bigint NOT NULL,
    position   integer NOT NULL DEFAULT 1,
    item_id    bigint NOT NULL REFERENCES item,
    quantity   quantity NOT NULL CONSTRAINT production_component_quantity CHECK (quantity > 0),
    issued     quantity NOT NULL DEFAULT 0 CONSTRAINT production_component_issued CHECK (issued >= 0),
    operation  integer,
    planned_cost unit_price,
    promise_id bigint,
    UNIQUE (company_id, id),
    UNIQUE (company_id, item_id, id),
    CONSTRAINT production_component_promise_once UNIQUE (promise_id),
    FOREIGN KEY (company_id, order_id) REFERENCES production_order (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, item_id, promise_id) REFERENCES promise (company_id, item_id, id)
);
CREATE INDEX ON production_component (order_id, position);
CREATE INDEX ON production_component (company_id, item_id);
COMMENT ON TABLE production_component IS 'Component of a production order';
COMMENT ON COLUMN production_component.position IS 'Position';
COMMENT ON COLUMN production_component.item_id IS 'Item: what is needed';
COMMENT ON COLUMN production_component.quantity IS 'Quantity: in the unit of the item';
COMMENT ON COLUMN production_component.issued IS 'Issued: what went into production';
COMMENT ON COLUMN production_component.operation IS 'Operation: position of the one that needs it; empty: the first';
COMMENT ON COLUMN production_component.planned_cost IS 'Planned cost: of a unit, when the order was made';
COMMENT ON COLUMN production_component.promise_id IS 'Promise: what is kept for it';
COMMENT ON CONSTRAINT production_component_quantity ON production_component IS 'Enter a quantity greater than zero';
COMMENT ON CONSTRAINT production_component_issued ON production_component IS 'More cannot come back than was issued';
COMMENT ON CONSTRAINT production_component_promise_once ON production_component IS 'This promise is for another component';
CALL table_register('production_component', 'table', '{issued,planned_cost,promise_id}');

-- ------------------------------------------------------------------ operations
CREATE TABLE production_operation (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    order_id   bigint NOT NULL,
    position   integer NOT NULL CONSTRAINT production_operation_position CHECK (position > 0),
    name       text NOT NULL CONSTRAINT production_operation_name CHECK (name <> ''),
    name_zh    text,
    work_center_id bigint NOT NULL,
    planned_start date,
    planned_minutes quantity NOT NULL DEFAULT 0 CONSTRAINT production_operation_minutes CHECK (planned_minutes >= 0),
    labour_rate unit_price,
    machine_rate unit_price,
    labour_minutes quantity NOT NULL DEFAULT 0,
    machine_minutes quantity NOT NULL DEFAULT 0,
    good       quantity NOT NULL DEFAULT 0,
    scrap      quantity NOT NULL DEFAULT 0,
    progress   text NOT NULL DEFAULT 'none' CONSTRAINT production_operation_progress
               CHECK (progress IN ('none', 'part', 'full')),
    UNIQUE (company_id, id),
    UNIQUE (company_id, order_id, id),
    CONSTRAINT production_operation_once UNIQUE (order_id, position),
    CONSTRAINT production_operation_reported
        CHECK (labour_minutes >= 0 AND machine_minutes >= 0 AND good >= 0 AND scrap >= 0),
    FOREIGN KEY (company_id, order_id) REFERENCES production_order (company_id, id) ON DELETE CASCADE,
    CONSTRAINT production_operation_work_center FOREIGN KEY (company_id, work_center_id)
        REFERENCES work_center (company_id, id)
);
CREATE INDEX ON production_operation (company_id, work_center_id, planned_start);
COMMENT ON TABLE production_operation IS 'Operation of a production order: the work order of a work centre';
COMMENT ON COLUMN production_operation.position IS 'Position: operations are done in this order';
COMMENT ON COLUMN production_operation.name IS 'Name';
COMMENT ON COLUMN production_operation.name_zh IS 'Chinese name';
COMMENT ON COLUMN production_operation.work_center_id IS 'Work centre';
COMMENT ON COLUMN production_operation.planned_start IS 'Planned start';
COMMENT ON COLUMN production_operation.planned_minutes IS 'Planned minutes: set-up and run, for the whole order';
COMMENT ON COLUMN production_operation.labour_rate IS 'Labour rate: of an hour, when the order was made';
COMMENT ON COLUMN production_operation.machine_rate IS 'Machine rate: of an hour, when the order was made';
COMMENT ON COLUMN production_operation.labour_minutes IS 'Labour: minutes that were reported';
COMMENT ON COLUMN production_operation.machine_minutes IS 'Machine: minutes that were reported';
COMMENT ON COLUMN production_operation.good IS 'Good: what was reported as done';
COMMENT ON COLUMN production_operation.scrap IS 'Scrap: what was reported as lost';
COMMENT ON COLUMN production_operation.progress IS 'Progress: none, part or full';
COMMENT ON CONSTRAINT production_operation_position ON production_operation IS 'A position is greater than zero';
COMMENT ON CONSTRAINT production_operation_name ON production_operation IS 'Give the operation a name';
COMMENT ON CONSTRAINT production_operation_minutes ON production_operation IS 'Minutes are not negative';
COMMENT ON CONSTRAINT production_operation_once ON production_operation IS 'Another operation of the order has this position already';
COMMENT ON CONSTRAINT production_operation_reported ON production_operation IS 'More is taken back than was reported';
COMMENT ON CONSTRAINT production_operation_work_center ON production_operation IS 'There is no such work centre';
CALL table_register('production_operation', 'table',
                    '{labour_rate,machine_rate,labour_minutes,machine_minutes,good,scrap,progress}');

-- ------------------------------------------------------------------ what was reported
-- A mistake is corrected by an entry with a minus. Without an operation: what was lost when
-- the order was finished.
CREATE TABLE time_entry (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    order_id   bigint NOT NULL,
    operation_id bigint,
    worker_id  bigint DEFAULT app_user_id() REFERENCES app_user,
    reported_on date NOT NULL DEFAULT app_today(),
    labour_minutes quantity NOT NULL DEFAULT 0,
    machine_minutes quantity NOT NULL DEFAULT 0,
    good       quantity NOT NULL DEFAULT 0,
    scrap      quantity NOT NULL DEFAULT 0,
    note       text,
    labour_rate unit_price NOT NULL DEFAULT 0,
    machine_rate unit_price NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    UNIQUE (company_id, id),
    CONSTRAINT time_entry_something
        CHECK (labour_minutes <> 0 OR machine_minutes <> 0 OR good <> 0 OR scrap <> 0),
    CONSTRAINT time_entry_of_operation
        CHECK (operation_id IS NOT NULL OR (labour_minutes = 0 AND machine_minutes = 0 AND good = 0)),
    FOREIGN KEY (company_id, order_id) REFERENCES production_order (company_id, id),
    CONSTRAINT time_entry_operation FOREIGN KEY (company_id, order_id, operation_id)
        REFERENCES production_operation (company_id, order_id, id)
);
CREATE INDEX ON time_entry (order_id, id);
CREATE INDEX ON time_entry (operation_id);
CREATE INDEX ON time_entry (company_id, reported_on, id);
COMMENT ON TABLE time_entry IS 'Time entry: what somebody reported on an operation';
COMMENT ON COLUMN time_entry.order_id IS 'Production order';
COMMENT ON COLUMN time_entry.operation_id IS 'Operation';
COMMENT ON COLUMN time_entry.worker_id IS 'Worker';
COMMENT ON COLUMN time_entry.reported_on IS 'Day: on which it was done';
COMMENT ON COLUMN time_entry.labour_minutes IS 'Labour: minutes';
COMMENT ON COLUMN time_entry.machine_minutes IS 'Machine: minutes';
COMMENT ON COLUMN time_entry.good IS 'Good: what was done';
COMMENT ON COLUMN time_entry.scrap IS 'Scrap: what was lost';
COMMENT ON COLUMN time_entry.note IS 'Note';
COMMENT ON COLUMN time_entry.labour_rate IS 'Labour rate: of an hour, in the currency of the company';
COMMENT ON COLUMN time_entry.machine_rate IS 'Machine rate: of an hour, in the currency of the company';
COMMENT ON CONSTRAINT time_entry_something ON time_entry IS 'Report minutes or quantities';
COMMENT ON CONSTRAINT time_entry_of_operation ON time_entry IS 'Say which operation was worked on';
COMMENT ON CONSTRAINT time_entry_operation ON time_entry IS 'This operation is of another order';
CALL table_register('time_entry', 'ledger', '{labour_rate,machine_rate,created_at,created_by}');

-- ------------------------------------------------------------------ shipments of an order
ALTER TABLE shipment ADD COLUMN production_order_id bigint,
    ADD CONSTRAINT shipment_production_order FOREIGN KEY (company_id, production_order_id)
        REFERENCES production_order (company_id, id);
CREATE INDEX ON shipment (production_order_id) WHERE production_order_id IS NOT NULL;
COMMENT ON COLUMN shipment.production_order_id IS 'Production order';
COMMENT ON CONSTRAINT shipment_production_order ON shipment IS 'There are movements of this production order';

ALTER TABLE shipment_line ADD COLUMN production_component_id bigint,
    ADD CONSTRAINT shipment_line_production_component FOREIGN KEY (company_id, item_id, production_component_id)
        REFERENCES production_component (company_id, item_id, id);
CREATE INDEX ON shipment_line (production_component_id) WHERE production_component_id IS NOT NULL;
COMMENT ON COLUMN shipment_line.production_component_id IS 'Component of a production order';
COMMENT ON CONSTRAINT shipment_line_production_component ON shipment_line IS 'There is an issue of this component';

-- ------------------------------------------------------------------ what it costs
-- What work in progress gained or lost by other than movements: labour and machine time, and
-- at the close what is left over. Each is posted at COMMIT, so that the journal's counter is
-- locked last.
CREATE TABLE production_cost (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL REFERENCES company,
    order_id   bigint NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('labour', 'machine', 'variance')),
    posting_date date NOT NULL,
    amount     base_amount NOT NULL,
    time_entry_id bigint,
    journal_entry_id bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (company_id, id),
    FOREIGN KEY (company_id, order_id) REFERENCES production_order (company_id, id),
    FOREIGN KEY (company_id, time_entry_id) REFERENCES time_entry (company_id, id),
    FOREIGN KEY (company_id, journal_entry_id) REFERENCES journal_entry (company_id, id)
);
CREATE INDEX ON production_cost (order_id);
CREATE INDEX ON production_cost (time_entry_id) WHERE time_entry_id IS NOT NULL;
COMMENT ON TABLE production_cost IS 'Cost of a production order: that is not a movement of goods';
COMMENT ON COLUMN production_cost.order_id IS 'Production order';
COMMENT ON COLUMN production_cost.kind IS 'Kind: labour, machine, or what was left over when the order was closed';
COMMENT ON COLUMN production_cost.posting_date IS 'Posted on';
COMMENT ON COLUMN production_cost.amount IS 'Amount: what it adds to work in progress';
COMMENT ON COLUMN production_cost.time_entry_id IS 'Time entry';
COMMENT ON COLUMN production_cost.journal_entry_id IS 'Journal entry';
CALL table_register('production_cost', 'maintained');

-- ------------------------------------------------------------------ who may
INSERT INTO permission (role_id, entity, action)
SELECT r.id, e, a
  FROM role r
 CROSS JOIN unnest(ARRAY['production_order', 'production_work', 'production_readiness', 'time_entry', 'production_cost']) e
 CROSS JOIN LATERAL unnest(CASE
       WHEN r.code IN ('production', 'manager') THEN '{*}'::text[]
       WHEN r.code = 'warehouse' AND e = 'production_order' THEN '{read,issue}'
       WHEN r.code = 'finance' AND e = 'production_order' THEN '{read,close}'
       ELSE '{read}' END) a
 WHERE r.code IN ('production', 'manager', 'warehouse', 'sales', 'finance', 'purchasing', 'quality', 'service');
INSERT INTO permission (role_id, entity, action)
SELECT r.id, 'report', a FROM role r, unnest(ARRAY['production_cost', 'work_in_progress']) a
 WHERE r.code IN ('production', 'finance')
   AND NOT EXISTS (SELECT FROM permission p WHERE p.role_id = r.id AND p.entity = 'report' AND p.action IN ('*', a));
