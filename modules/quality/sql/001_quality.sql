-- Quality: what is inspected and how (plans), what was found (inspections), what is wrong
-- (alerts). Goods of an item with a plan wait in the quarantine of their warehouse until an
-- inspection decides (functions.sql).

-- ------------------------------------------------------------------ plans
CREATE TABLE quality_plan (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    name       text NOT NULL CONSTRAINT quality_plan_name CHECK (name <> ''),
    name_zh    text,
    item_id    bigint REFERENCES item,
    category_id bigint REFERENCES item_category,
    occasion   text NOT NULL DEFAULT 'receipt' CONSTRAINT quality_plan_occasion
               CHECK (occasion IN ('receipt', 'production', 'return')),
    sampling   text NOT NULL DEFAULT 'all' CONSTRAINT quality_plan_sampling CHECK (sampling IN ('all', 'percent', 'number')),
    sample     quantity CONSTRAINT quality_plan_sample CHECK (sample > 0 AND (sampling <> 'percent' OR sample <= 100)),
    instructions text,
    active     boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    search_terms text[] GENERATED ALWAYS AS (search_grams(name || ' ' || coalesce(name_zh, ''))) STORED,
    UNIQUE (company_id, id),
    CONSTRAINT quality_plan_of CHECK (num_nonnulls(item_id, category_id) = 1),
    CONSTRAINT quality_plan_sample_said CHECK ((sampling = 'all') = (sample IS NULL))
);
CREATE UNIQUE INDEX quality_plan_once_item ON quality_plan (company_id, item_id, occasion) WHERE active AND item_id IS NOT NULL;
CREATE UNIQUE INDEX quality_plan_once_category ON quality_plan (company_id, category_id, occasion)
    WHERE active AND category_id IS NOT NULL;
CREATE INDEX ON quality_plan USING gin (search_terms);
COMMENT ON TABLE quality_plan IS 'Quality plan: what is inspected of an item, when, and how much of it';
COMMENT ON COLUMN quality_plan.name IS 'Name';
COMMENT ON COLUMN quality_plan.name_zh IS 'Chinese name';
COMMENT ON COLUMN quality_plan.item_id IS 'Item';
COMMENT ON COLUMN quality_plan.category_id IS 'Category: all its items without a plan of their own';
COMMENT ON COLUMN quality_plan.occasion IS 'Occasion: goods from a supplier, from production, or back from a customer';
COMMENT ON COLUMN quality_plan.sampling IS 'Sampling: everything, a percentage, or a number of units';
COMMENT ON COLUMN quality_plan.sample IS 'Sample: the percentage or the number';
COMMENT ON COLUMN quality_plan.instructions IS 'Instructions';
COMMENT ON COLUMN quality_plan.active IS 'Active: counts for documents that are made from now on';
COMMENT ON CONSTRAINT quality_plan_name ON quality_plan IS 'Give the plan a name';
COMMENT ON CONSTRAINT quality_plan_occasion ON quality_plan IS 'Goods are inspected at receipt, production or return';
COMMENT ON CONSTRAINT quality_plan_sampling ON quality_plan IS 'The sample is all, a percentage or a number';
COMMENT ON CONSTRAINT quality_plan_sample ON quality_plan IS 'A sample is greater than zero, and at most 100 percent';
COMMENT ON CONSTRAINT quality_plan_of ON quality_plan IS 'Name either the item or the category';
COMMENT ON CONSTRAINT quality_plan_sample_said ON quality_plan IS 'Say how much is inspected; nothing where it is all';
COMMENT ON INDEX quality_plan_once_item IS 'This item has a plan for that occasion already';
COMMENT ON INDEX quality_plan_once_category IS 'This category has a plan for that occasion already';
CALL table_register('quality_plan', 'table');

CREATE TABLE quality_plan_characteristic (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    plan_id    bigint NOT NULL,
    position   integer NOT NULL DEFAULT 1,
    name       text NOT NULL CONSTRAINT quality_plan_characteristic_name CHECK (name <> ''),
    name_zh    text,
    kind       text NOT NULL DEFAULT 'attribute' CONSTRAINT quality_plan_characteristic_kind
               CHECK (kind IN ('measure', 'attribute')),
    minimum    numeric,
    maximum    numeric,
    unit       text,
    UNIQUE (company_id, id),
    CONSTRAINT quality_plan_characteristic_limits CHECK (maximum >= minimum),
    CONSTRAINT quality_plan_characteristic_measured
        CHECK (CASE kind WHEN 'measure' THEN num_nonnulls(minimum, maximum) > 0 ELSE num_nonnulls(minimum, maximum) = 0 END),
    FOREIGN KEY (company_id, plan_id) REFERENCES quality_plan (company_id, id) ON DELETE CASCADE
);
CREATE INDEX ON quality_plan_characteristic (plan_id, position);
COMMENT ON TABLE quality_plan_characteristic IS 'Characteristic: what is looked at or measured';
COMMENT ON COLUMN quality_plan_characteristic.position IS 'Position';
COMMENT ON COLUMN quality_plan_characteristic.name IS 'Name';
COMMENT ON COLUMN quality_plan_characteristic.name_zh IS 'Chinese name';
COMMENT ON COLUMN quality_plan_characteristic.kind IS 'Kind: measured, or good or bad';
COMMENT ON COLUMN quality_plan_characteristic.minimum IS 'Minimum';
COMMENT ON COLUMN quality_plan_characteristic.maximum IS 'Maximum';
COMMENT ON COLUMN quality_plan_characteristic.unit IS 'Unit';
COMMENT ON CONSTRAINT quality_plan_characteristic_name ON quality_plan_characteristic IS 'Give the characteristic a name';
COMMENT ON CONSTRAINT quality_plan_characteristic_kind ON quality_plan_characteristic IS 'A characteristic is a measure or an attribute';
COMMENT ON CONSTRAINT quality_plan_characteristic_limits ON quality_plan_characteristic IS 'The maximum is not less than the minimum';
COMMENT ON CONSTRAINT quality_plan_characteristic_measured ON quality_plan_characteristic IS 'A measure has a minimum or a maximum, an attribute has none';
CALL table_register('quality_plan_characteristic', 'table');

-- ------------------------------------------------------------------ inspections
CREATE TABLE quality_inspection (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    number     text NOT NULL DEFAULT document_number('quality_inspection'),
    kind       text NOT NULL DEFAULT 'receipt' CONSTRAINT quality_inspection_kind
               CHECK (kind IN ('receipt', 'production', 'return')),
    plan_id    bigint,
    item_id    bigint REFERENCES item,
    lot_id     bigint,
    party_id   bigint REFERENCES party,
    shipment_line_id bigint NOT NULL,
    location_id bigint,
    quantity   quantity CONSTRAINT quality_inspection_quantity CHECK (quantity > 0),
    sample_size quantity CONSTRAINT quality_inspection_sample CHECK (sample_size > 0 AND sample_size <= quantity),
    quantity_passed quantity NOT NULL DEFAULT 0,
    quantity_failed quantity NOT NULL DEFAULT 0,
    disposition text CONSTRAINT quality_inspection_disposition CHECK (disposition IN ('scrap', 'return_to_supplier', 'keep')),
    concession text,
    note       text,
    decided_by bigint REFERENCES app_user,
    decided_at timestamptz,
    flow_id    bigint,
    workflow_id bigint REFERENCES workflow,
    state      text NOT NULL DEFAULT 'open',
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    search_terms text[] GENERATED ALWAYS AS (search_grams(number)) STORED,
    UNIQUE (company_id, id),
    UNIQUE (company_id, id, item_id),
    UNIQUE (company_id, number),
    CONSTRAINT quality_inspection_whole CHECK (num_nulls(item_id, location_id, quantity, sample_size) = 0),
    CONSTRAINT quality_inspection_once UNIQUE NULLS NOT DISTINCT (shipment_line_id, lot_id),
    CONSTRAINT quality_inspection_decided CHECK (quantity_passed >= 0 AND quantity_failed >= 0 AND
        CASE state WHEN 'open' THEN quantity_passed = 0 AND quantity_failed <= quantity AND decided_at IS NULL
                   WHEN 'passed' THEN quantity_passed = quantity AND quantity_failed = 0
                   ELSE quantity_failed > 0 AND quantity_passed + quantity_failed = quantity AND disposition IS NOT NULL END),
    FOREIGN KEY (company_id, plan_id) REFERENCES quality_plan (company_id, id),
    FOREIGN KEY (company_id, item_id, lot_id) REFERENCES lot (company_id, item_id, id),
    CONSTRAINT quality_inspection_line FOREIGN KEY (company_id, shipment_line_id, item_id)
        REFERENCES shipment_line (company_id, id, item_id),
    FOREIGN KEY (company_id, location_id) REFERENCES location (company_id, id),
    FOREIGN KEY (company_id, flow_id) REFERENCES flow (company_id, id)
);
CREATE INDEX ON quality_inspection USING gin (search_terms);
CREATE INDEX ON quality_inspection (company_id, state, id);
CREATE INDEX ON quality_inspection (company_id, item_id, lot_id);
CREATE INDEX ON quality_inspection (flow_id) WHERE flow_id IS NOT NULL;
COMMENT ON TABLE quality_inspection IS 'Inspection: of goods that arrived, before they may be used';
COMMENT ON COLUMN quality_inspection.number IS 'Number';
COMMENT ON COLUMN quality_inspection.kind IS 'Kind: goods from a supplier, from production, or back from a customer';
COMMENT ON COLUMN quality_inspection.plan_id IS 'Plan';
COMMENT ON COLUMN quality_inspection.item_id IS 'Item';
COMMENT ON COLUMN quality_inspection.lot_id IS 'Lot';
COMMENT ON COLUMN quality_inspection.party_id IS 'Partner: the supplier, or the customer of a return';
COMMENT ON COLUMN quality_inspection.shipment_line_id IS 'Shipment line: with which the goods arrived';
COMMENT ON COLUMN quality_inspection.location_id IS 'Location: where the goods wait';
COMMENT ON COLUMN quality_inspection.quantity IS 'Quantity: in the unit of the item';
COMMENT ON COLUMN quality_inspection.sample_size IS 'Sample size: how much of it is looked at';
COMMENT ON COLUMN quality_inspection.quantity_passed IS 'Passed';
COMMENT ON COLUMN quality_inspection.quantity_failed IS 'Failed';
COMMENT ON COLUMN quality_inspection.disposition IS 'Disposition: what becomes of what failed';
COMMENT ON COLUMN quality_inspection.concession IS 'Concession: why goods outside their limits are accepted';
COMMENT ON COLUMN quality_inspection.note IS 'Note';
COMMENT ON COLUMN quality_inspection.decided_by IS 'Decided by';
COMMENT ON COLUMN quality_inspection.decided_at IS 'Decided at';
COMMENT ON COLUMN quality_inspection.flow_id IS 'Flow';
COMMENT ON COLUMN quality_inspection.state IS 'State';
COMMENT ON CONSTRAINT quality_inspection_whole ON quality_inspection IS 'An inspection is of a quantity of an item somewhere';
COMMENT ON CONSTRAINT quality_inspection_kind ON quality_inspection IS 'Goods are inspected at receipt, production or return';
COMMENT ON CONSTRAINT quality_inspection_quantity ON quality_inspection IS 'Enter a quantity greater than zero';
COMMENT ON CONSTRAINT quality_inspection_sample ON quality_inspection IS 'The sample is part of the quantity';
COMMENT ON CONSTRAINT quality_inspection_disposition ON quality_inspection IS 'What failed is scrapped, returned to the supplier or kept';
COMMENT ON CONSTRAINT quality_inspection_once ON quality_inspection IS 'There is an inspection of this already';
COMMENT ON CONSTRAINT quality_inspection_decided ON quality_inspection IS 'What passed and what failed add up to the quantity';
COMMENT ON CONSTRAINT quality_inspection_line ON quality_inspection IS 'There is no such shipment line of this item';
CALL table_register('quality_inspection', 'table', '{quantity_passed,decided_by,decided_at}');

-- What was found: a characteristic of the plan as it was then, or one that was added.
CREATE TABLE quality_inspection_result (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    inspection_id bigint NOT NULL,
    position   integer NOT NULL DEFAULT 1,
    name       text NOT NULL CONSTRAINT quality_inspection_result_name CHECK (name <> ''),
    name_zh    text,
    kind       text NOT NULL DEFAULT 'attribute' CONSTRAINT quality_inspection_result_kind
               CHECK (kind IN ('measure', 'attribute')),
    minimum    numeric,
    maximum    numeric,
    unit       text,
    value      numeric,
    passed     boolean,
    note       text,
    UNIQUE (company_id, id),
    FOREIGN KEY (company_id, inspection_id) REFERENCES quality_inspection (company_id, id) ON DELETE CASCADE
);
CREATE INDEX ON quality_inspection_result (inspection_id, position);
COMMENT ON TABLE quality_inspection_result IS 'Inspection result';
COMMENT ON COLUMN quality_inspection_result.position IS 'Position';
COMMENT ON COLUMN quality_inspection_result.name IS 'Characteristic';
COMMENT ON COLUMN quality_inspection_result.name_zh IS 'Chinese name';
COMMENT ON COLUMN quality_inspection_result.kind IS 'Kind: measured, or good or bad';
COMMENT ON COLUMN quality_inspection_result.minimum IS 'Minimum';
COMMENT ON COLUMN quality_inspection_result.maximum IS 'Maximum';
COMMENT ON COLUMN quality_inspection_result.unit IS 'Unit';
COMMENT ON COLUMN quality_inspection_result.value IS 'Measured';
COMMENT ON COLUMN quality_inspection_result.passed IS 'Passed: of a measure, what its limits say';
COMMENT ON COLUMN quality_inspection_result.note IS 'Note';
COMMENT ON CONSTRAINT quality_inspection_result_name ON quality_inspection_result IS 'Give the characteristic a name';
COMMENT ON CONSTRAINT quality_inspection_result_kind ON quality_inspection_result IS 'A characteristic is a measure or an attribute';
CALL table_register('quality_inspection_result', 'table');

-- The line by which inspected goods leave their quarantine.
ALTER TABLE shipment_line ADD COLUMN quality_inspection_id bigint,
    ADD CONSTRAINT shipment_line_inspection FOREIGN KEY (company_id, quality_inspection_id, item_id)
        REFERENCES quality_inspection (company_id, id, item_id);
CREATE INDEX ON shipment_line (quality_inspection_id) WHERE quality_inspection_id IS NOT NULL;
COMMENT ON COLUMN shipment_line.quality_inspection_id IS 'Inspection: that decided about these goods';
COMMENT ON CONSTRAINT shipment_line_inspection ON shipment_line IS 'This inspection is of another item';

-- ------------------------------------------------------------------ alerts
CREATE TABLE quality_alert (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    number     text NOT NULL DEFAULT document_number('quality_alert'),
    title      text NOT NULL CONSTRAINT quality_alert_title CHECK (title <> ''),
    item_id    bigint REFERENCES item,
    lot_id     bigint,
    inspection_id bigint,
    text       text,
    cause      text,
    action     text,
    flow_id    bigint,
    workflow_id bigint REFERENCES workflow,
    state      text NOT NULL DEFAULT 'open',
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    search_terms text[] GENERATED ALWAYS AS (search_grams(number || ' ' || title)) STORED,
    UNIQUE (company_id, id),
    UNIQUE (company_id, number),
    CONSTRAINT quality_alert_of CHECK (num_nonnulls(item_id, lot_id) > 0),
    CONSTRAINT quality_alert_lot FOREIGN KEY (company_id, item_id, lot_id) REFERENCES lot (company_id, item_id, id),
    FOREIGN KEY (company_id, inspection_id) REFERENCES quality_inspection (company_id, id),
    FOREIGN KEY (company_id, flow_id) REFERENCES flow (company_id, id)
);
CREATE INDEX ON quality_alert USING gin (search_terms);
CREATE INDEX ON quality_alert (lot_id) WHERE lot_id IS NOT NULL;
CREATE INDEX ON quality_alert (flow_id) WHERE flow_id IS NOT NULL;
COMMENT ON TABLE quality_alert IS 'Quality alert: something is wrong with an item or a lot; the lot is held until the alert is closed';
COMMENT ON COLUMN quality_alert.number IS 'Number';
COMMENT ON COLUMN quality_alert.title IS 'Title';
COMMENT ON COLUMN quality_alert.item_id IS 'Item: empty: that of the lot';
COMMENT ON COLUMN quality_alert.lot_id IS 'Lot';
COMMENT ON COLUMN quality_alert.inspection_id IS 'Inspection';
COMMENT ON COLUMN quality_alert.text IS 'What was found';
COMMENT ON COLUMN quality_alert.cause IS 'Cause';
COMMENT ON COLUMN quality_alert.action IS 'Corrective action';
COMMENT ON COLUMN quality_alert.flow_id IS 'Flow';
COMMENT ON COLUMN quality_alert.state IS 'State';
COMMENT ON CONSTRAINT quality_alert_title ON quality_alert IS 'Say in a few words what is wrong';
COMMENT ON CONSTRAINT quality_alert_of ON quality_alert IS 'Name the item or the lot';
COMMENT ON CONSTRAINT quality_alert_lot ON quality_alert IS 'This lot is of another item';
CALL table_register('quality_alert', 'table');

-- ------------------------------------------------------------------ who may
INSERT INTO permission (role_id, entity, action)
SELECT r.id, e.entity, a.action
  FROM (VALUES ('quality', 'quality_plan', '*'), ('quality', 'quality_inspection', '*'), ('quality', 'quality_alert', '*'),
               ('manager', 'quality_plan', '*'), ('manager', 'quality_inspection', '*'), ('manager', 'quality_alert', '*'),
               ('warehouse', 'quality_inspection', 'read record'), ('warehouse', 'quality_alert', 'read create'),
               ('production', 'quality_inspection', 'read record'), ('production', 'quality_alert', 'read create'),
               ('service', 'quality_inspection', 'read'), ('service', 'quality_alert', 'read create'),
               ('purchasing', 'quality_inspection', 'read'), ('purchasing', 'quality_alert', 'read'),
               ('quality', 'lot', 'read change hold release_hold'), ('quality', 'shipment', 'read inspect'),
               ('quality', 'stock_balance', 'read'), ('quality', 'stock_move', 'read'), ('quality', 'location', 'read'),
               ('quality', 'warehouse', 'read'), ('quality', 'item', 'read'), ('quality', 'party', 'read'),
               ('production', 'lot', 'read'), ('service', 'lot', 'read')) e (role, entity, actions)
  JOIN role r ON r.code = e.role, unnest(string_to_array(e.actions, ' ')) a (action)
ON CONFLICT DO NOTHING;
INSERT INTO permission (role_id, entity, action)
SELECT r.id, e.entity, e.action
  FROM role r,
       (VALUES ('quality_plan', 'read'), ('lot_trace', 'read'), ('report', 'lot_trace'), ('report', 'lot_customers'))
           e (entity, action)
 WHERE r.code IN ('quality', 'manager', 'warehouse', 'production', 'service')
ON CONFLICT DO NOTHING;

INSERT INTO number_series (company_id, code, pattern)
SELECT c.id, v.* FROM company c,
       (VALUES ('quality_inspection', 'QI{YYYY}-{00000}'), ('quality_alert', 'QA{YYYY}-{0000}')) v
ON CONFLICT (company_id, code) DO NOTHING;
INSERT INTO company_setup (module, position, function) VALUES ('quality', 55, 'quality_company_setup');
