-- How a case is resolved: what is still under warranty, what comes back and what the customer
-- gets for it, what is repaired, and what he says in the end. Quantities that have moved, been
-- credited or replaced are not kept here: views read them from shipments, invoices and orders.

INSERT INTO company_setup (module, position, function) VALUES ('service.resolution', 85, 'resolution_company_setup');

-- ------------------------------------------------------------------ warranty
CREATE TABLE warranty_policy (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    name       text NOT NULL CONSTRAINT warranty_policy_name CHECK (btrim(name) <> ''),
    name_zh    text,
    item_id    bigint REFERENCES item,
    category_id bigint REFERENCES item_category,
    months     integer NOT NULL CONSTRAINT warranty_policy_months CHECK (months BETWEEN 1 AND 600),
    active     boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT warranty_policy_for_one CHECK (num_nonnulls(item_id, category_id) = 1)
);
CREATE UNIQUE INDEX warranty_policy_item_once ON warranty_policy (company_id, item_id) WHERE active AND item_id IS NOT NULL;
CREATE UNIQUE INDEX warranty_policy_category_once ON warranty_policy (company_id, category_id) WHERE active AND category_id IS NOT NULL;
COMMENT ON TABLE warranty_policy IS 'Warranty policy: how long an item is under warranty from its delivery';
COMMENT ON COLUMN warranty_policy.name IS 'Name';
COMMENT ON COLUMN warranty_policy.name_zh IS 'Chinese name';
COMMENT ON COLUMN warranty_policy.item_id IS 'Item';
COMMENT ON COLUMN warranty_policy.category_id IS 'Category: all items in it and below it that have no policy of their own';
COMMENT ON COLUMN warranty_policy.months IS 'Months: from the day of the delivery';
COMMENT ON COLUMN warranty_policy.active IS 'Active';
COMMENT ON CONSTRAINT warranty_policy_name ON warranty_policy IS 'Give the policy a name';
COMMENT ON CONSTRAINT warranty_policy_months ON warranty_policy IS 'A warranty lasts between 1 and 600 months';
COMMENT ON CONSTRAINT warranty_policy_for_one ON warranty_policy IS 'Name either an item or a category';
COMMENT ON CONSTRAINT warranty_policy_item_id_fkey ON warranty_policy IS 'There is no such item';
COMMENT ON CONSTRAINT warranty_policy_category_id_fkey ON warranty_policy IS 'There is no such category';
COMMENT ON INDEX warranty_policy_item_once IS 'This item has a warranty policy already';
COMMENT ON INDEX warranty_policy_category_once IS 'This category has a warranty policy already';
CALL table_register('warranty_policy', 'table');

-- One per delivery line and lot: a serial number that is sold a second time gets a second one.
CREATE TABLE warranty (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    party_id   bigint NOT NULL REFERENCES party,
    item_id    bigint NOT NULL REFERENCES item,
    lot_id     bigint,
    quantity   quantity NOT NULL CONSTRAINT warranty_quantity CHECK (quantity > 0),
    shipment_line_id bigint NOT NULL,
    policy_id  bigint,
    starts_on  date NOT NULL,
    ends_on    date NOT NULL,
    note       text,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT warranty_once UNIQUE NULLS NOT DISTINCT (company_id, shipment_line_id, lot_id),
    CONSTRAINT warranty_days CHECK (ends_on >= starts_on),
    CONSTRAINT warranty_policy_fkey FOREIGN KEY (company_id, policy_id) REFERENCES warranty_policy (company_id, id),
    CONSTRAINT warranty_lot_fkey FOREIGN KEY (company_id, item_id, lot_id) REFERENCES lot (company_id, item_id, id),
    CONSTRAINT warranty_line_fkey FOREIGN KEY (company_id, shipment_line_id, item_id)
        REFERENCES shipment_line (company_id, id, item_id)
);
CREATE INDEX ON warranty (company_id, lot_id) WHERE lot_id IS NOT NULL;
CREATE INDEX ON warranty (company_id, party_id, id);
CREATE INDEX ON warranty (company_id, ends_on);
COMMENT ON TABLE warranty IS 'Warranty: of what was delivered to a customer';
COMMENT ON COLUMN warranty.party_id IS 'Customer';
COMMENT ON COLUMN warranty.item_id IS 'Item';
COMMENT ON COLUMN warranty.lot_id IS 'Lot';
COMMENT ON COLUMN warranty.quantity IS 'Quantity';
COMMENT ON COLUMN warranty.shipment_line_id IS 'Delivery line';
COMMENT ON COLUMN warranty.policy_id IS 'Policy: empty when it was entered by hand';
COMMENT ON COLUMN warranty.starts_on IS 'From';
COMMENT ON COLUMN warranty.ends_on IS 'To: a later day extends it';
COMMENT ON COLUMN warranty.note IS 'Note';
COMMENT ON CONSTRAINT warranty_quantity ON warranty IS 'Enter a quantity greater than zero';
COMMENT ON CONSTRAINT warranty_once ON warranty IS 'There is a warranty for this delivery already';
COMMENT ON CONSTRAINT warranty_days ON warranty IS 'A warranty does not end before it begins';
COMMENT ON CONSTRAINT warranty_policy_fkey ON warranty IS 'There is no such warranty policy';
COMMENT ON CONSTRAINT warranty_lot_fkey ON warranty IS 'The lot is not one of this item';
COMMENT ON CONSTRAINT warranty_line_fkey ON warranty IS 'The delivery line is not one of this item';
COMMENT ON CONSTRAINT warranty_party_id_fkey ON warranty IS 'There is no such party';
COMMENT ON CONSTRAINT warranty_item_id_fkey ON warranty IS 'There is no such item';
CALL table_register('warranty', 'table');

-- ------------------------------------------------------------------ returns
CREATE TABLE return_order (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    number     text NOT NULL DEFAULT document_number('return_order'),
    case_id    bigint,
    party_id   bigint NOT NULL REFERENCES party,
    reason     text NOT NULL CONSTRAINT return_order_reason CHECK (btrim(reason) <> ''),
    resolution text NOT NULL DEFAULT 'credit' CONSTRAINT return_order_resolution
               CHECK (resolution IN ('replace', 'credit', 'repair')),
    warehouse_id bigint,
    note       text,
    flow_id    bigint,
    state      text NOT NULL DEFAULT 'draft',
    workflow_id bigint REFERENCES workflow,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    search_terms text[] GENERATED ALWAYS AS (search_grams(number || ' ' || reason)) STORED,
    UNIQUE (company_id, id),
    CONSTRAINT return_order_number_unique UNIQUE (company_id, number),
    CONSTRAINT return_order_warehouse_given CHECK (warehouse_id IS NOT NULL),
    CONSTRAINT return_order_case_fkey FOREIGN KEY (company_id, case_id) REFERENCES service_case (company_id, id),
    CONSTRAINT return_order_warehouse_fkey FOREIGN KEY (company_id, warehouse_id) REFERENCES warehouse (company_id, id),
    FOREIGN KEY (company_id, flow_id) REFERENCES flow (company_id, id)
);
CREATE INDEX ON return_order USING gin (search_terms);
CREATE INDEX ON return_order (company_id, state, id);
CREATE INDEX ON return_order (company_id, party_id, id);
CREATE INDEX ON return_order (case_id) WHERE case_id IS NOT NULL;
COMMENT ON TABLE return_order IS 'Return: what a customer sends back, and what he gets for it';
COMMENT ON COLUMN return_order.number IS 'Number';
COMMENT ON COLUMN return_order.case_id IS 'Case';
COMMENT ON COLUMN return_order.party_id IS 'Customer';
COMMENT ON COLUMN return_order.reason IS 'Reason';
COMMENT ON COLUMN return_order.resolution IS 'Resolution: replace the goods, credit them, or repair them';
COMMENT ON COLUMN return_order.warehouse_id IS 'Warehouse: where the goods arrive; empty: from where they were delivered';
COMMENT ON COLUMN return_order.note IS 'Note';
COMMENT ON COLUMN return_order.flow_id IS 'Flow';
COMMENT ON COLUMN return_order.state IS 'State';
COMMENT ON CONSTRAINT return_order_reason ON return_order IS 'Say why the goods come back';
COMMENT ON CONSTRAINT return_order_resolution ON return_order IS 'Goods that come back are replaced, credited or repaired';
COMMENT ON CONSTRAINT return_order_number_unique ON return_order IS 'Another return has this number already';
COMMENT ON CONSTRAINT return_order_warehouse_given ON return_order IS 'Name the warehouse where the goods arrive';
COMMENT ON CONSTRAINT return_order_case_fkey ON return_order IS 'There is no such case';
COMMENT ON CONSTRAINT return_order_warehouse_fkey ON return_order IS 'There is no such warehouse';
COMMENT ON CONSTRAINT return_order_party_id_fkey ON return_order IS 'There is no such party';
CALL table_register('return_order', 'table');

CREATE TABLE return_order_line (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    return_id  bigint NOT NULL,
    position   integer NOT NULL DEFAULT 1,
    shipment_line_id bigint NOT NULL,
    item_id    bigint NOT NULL REFERENCES item,
    lot_id     bigint,
    quantity   quantity NOT NULL CONSTRAINT return_order_line_quantity CHECK (quantity > 0),
    disposition text NOT NULL DEFAULT 'restock' CONSTRAINT return_order_line_disposition
               CHECK (disposition IN ('restock', 'scrap')),
    UNIQUE (company_id, id),
    UNIQUE (company_id, item_id, id),
    CONSTRAINT return_order_line_once UNIQUE NULLS NOT DISTINCT (return_id, shipment_line_id, lot_id),
    CONSTRAINT return_order_line_return_fkey FOREIGN KEY (company_id, return_id)
        REFERENCES return_order (company_id, id) ON DELETE CASCADE,
    CONSTRAINT return_order_line_lot_fkey FOREIGN KEY (company_id, item_id, lot_id) REFERENCES lot (company_id, item_id, id),
    CONSTRAINT return_order_line_shipment_fkey FOREIGN KEY (company_id, shipment_line_id, item_id)
        REFERENCES shipment_line (company_id, id, item_id)
);
CREATE INDEX ON return_order_line (return_id, position);
CREATE INDEX ON return_order_line (shipment_line_id);
COMMENT ON TABLE return_order_line IS 'Return line: what comes back of a delivery';
COMMENT ON COLUMN return_order_line.return_id IS 'Return';
COMMENT ON COLUMN return_order_line.position IS 'Position';
COMMENT ON COLUMN return_order_line.shipment_line_id IS 'Delivery line: what comes back was delivered on it';
COMMENT ON COLUMN return_order_line.item_id IS 'Item';
COMMENT ON COLUMN return_order_line.lot_id IS 'Lot: or serial number that comes back';
COMMENT ON COLUMN return_order_line.quantity IS 'Quantity: in the unit of the item';
COMMENT ON COLUMN return_order_line.disposition IS 'What happens to the goods: restock them, or scrap them';
COMMENT ON CONSTRAINT return_order_line_quantity ON return_order_line IS 'Enter a quantity greater than zero';
COMMENT ON CONSTRAINT return_order_line_disposition ON return_order_line IS 'Goods that come back are restocked or scrapped';
COMMENT ON CONSTRAINT return_order_line_once ON return_order_line IS 'This delivery line is on the return already';
COMMENT ON CONSTRAINT return_order_line_return_fkey ON return_order_line IS 'There is no such return';
COMMENT ON CONSTRAINT return_order_line_lot_fkey ON return_order_line IS 'The lot is not one of this item';
COMMENT ON CONSTRAINT return_order_line_shipment_fkey ON return_order_line IS 'The delivery line is not one of this item';
COMMENT ON CONSTRAINT return_order_line_item_id_fkey ON return_order_line IS 'There is no such item';
CALL table_register('return_order_line', 'table');

-- ------------------------------------------------------------------ repairs
CREATE TABLE repair_order (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    number     text NOT NULL DEFAULT document_number('repair_order'),
    case_id    bigint,
    return_order_line_id bigint,
    party_id   bigint NOT NULL REFERENCES party,
    item_id    bigint NOT NULL REFERENCES item,
    lot_id     bigint,
    quantity   quantity NOT NULL DEFAULT 1 CONSTRAINT repair_order_quantity CHECK (quantity > 0),
    coverage   text NOT NULL CONSTRAINT repair_order_coverage CHECK (coverage IN ('warranty', 'billable')),
    warehouse_id bigint NOT NULL,
    problem    text,
    work_done  text,
    labour_cost unit_price NOT NULL CONSTRAINT repair_order_labour_cost CHECK (labour_cost >= 0),
    labour_price unit_price NOT NULL CONSTRAINT repair_order_labour_price CHECK (labour_price >= 0),
    finished_on date,
    flow_id    bigint,
    state      text NOT NULL DEFAULT 'draft',
    workflow_id bigint REFERENCES workflow,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    search_terms text[] GENERATED ALWAYS AS (search_grams(number || ' ' || coalesce(problem, ''))) STORED,
    UNIQUE (company_id, id),
    UNIQUE (company_id, item_id, id),
    CONSTRAINT repair_order_number_unique UNIQUE (company_id, number),
    CONSTRAINT repair_order_case_fkey FOREIGN KEY (company_id, case_id) REFERENCES service_case (company_id, id),
    CONSTRAINT repair_order_return_fkey FOREIGN KEY (company_id, item_id, return_order_line_id)
        REFERENCES return_order_line (company_id, item_id, id),
    CONSTRAINT repair_order_lot_fkey FOREIGN KEY (company_id, item_id, lot_id) REFERENCES lot (company_id, item_id, id),
    CONSTRAINT repair_order_warehouse_fkey FOREIGN KEY (company_id, warehouse_id) REFERENCES warehouse (company_id, id),
    FOREIGN KEY (company_id, flow_id) REFERENCES flow (company_id, id)
);
CREATE INDEX ON repair_order USING gin (search_terms);
CREATE INDEX ON repair_order (company_id, state, id);
CREATE INDEX ON repair_order (case_id) WHERE case_id IS NOT NULL;
CREATE INDEX ON repair_order (return_order_line_id) WHERE return_order_line_id IS NOT NULL;
COMMENT ON TABLE repair_order IS 'Repair: of an item, under warranty or at the expense of the customer';
COMMENT ON COLUMN repair_order.number IS 'Number';
COMMENT ON COLUMN repair_order.case_id IS 'Case';
COMMENT ON COLUMN repair_order.return_order_line_id IS 'Return line: with which the item came in';
COMMENT ON COLUMN repair_order.party_id IS 'Customer';
COMMENT ON COLUMN repair_order.item_id IS 'Item';
COMMENT ON COLUMN repair_order.lot_id IS 'Lot';
COMMENT ON COLUMN repair_order.quantity IS 'Quantity';
COMMENT ON COLUMN repair_order.coverage IS 'Paid by: the warranty, or billable to the customer; empty: by the warranty of the item';
COMMENT ON COLUMN repair_order.warehouse_id IS 'Warehouse: from where the parts are taken; empty: the first one';
COMMENT ON COLUMN repair_order.problem IS 'Problem';
COMMENT ON COLUMN repair_order.work_done IS 'Work done';
COMMENT ON COLUMN repair_order.labour_cost IS 'Labour cost: of an hour, in the currency of the company; empty: from the settings';
COMMENT ON COLUMN repair_order.labour_price IS 'Labour price: of an hour, for the customer; empty: from the settings';
COMMENT ON COLUMN repair_order.finished_on IS 'Finished on';
COMMENT ON COLUMN repair_order.flow_id IS 'Flow';
COMMENT ON COLUMN repair_order.state IS 'State';
COMMENT ON CONSTRAINT repair_order_quantity ON repair_order IS 'Enter a quantity greater than zero';
COMMENT ON CONSTRAINT repair_order_coverage ON repair_order IS 'A repair is paid by the warranty or billable to the customer';
COMMENT ON CONSTRAINT repair_order_labour_cost ON repair_order IS 'A rate is not negative';
COMMENT ON CONSTRAINT repair_order_labour_price ON repair_order IS 'A rate is not negative';
COMMENT ON CONSTRAINT repair_order_number_unique ON repair_order IS 'Another repair has this number already';
COMMENT ON CONSTRAINT repair_order_case_fkey ON repair_order IS 'There is no such case';
COMMENT ON CONSTRAINT repair_order_return_fkey ON repair_order IS 'The return line is not one of this item';
COMMENT ON CONSTRAINT repair_order_lot_fkey ON repair_order IS 'The lot is not one of this item';
COMMENT ON CONSTRAINT repair_order_warehouse_fkey ON repair_order IS 'There is no such warehouse';
COMMENT ON CONSTRAINT repair_order_party_id_fkey ON repair_order IS 'There is no such party';
COMMENT ON CONSTRAINT repair_order_item_id_fkey ON repair_order IS 'There is no such item';
CALL table_register('repair_order', 'table', '{finished_on}');

CREATE TABLE repair_part (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    repair_id  bigint NOT NULL,
    position   integer NOT NULL DEFAULT 1,
    item_id    bigint NOT NULL REFERENCES item,
    lot_id     bigint,
    quantity   quantity NOT NULL CONSTRAINT repair_part_quantity CHECK (quantity > 0),
    unit_price unit_price CONSTRAINT repair_part_price CHECK (unit_price >= 0),
    UNIQUE (company_id, id),
    UNIQUE (company_id, item_id, id),
    CONSTRAINT repair_part_repair_fkey FOREIGN KEY (company_id, repair_id)
        REFERENCES repair_order (company_id, id) ON DELETE CASCADE,
    CONSTRAINT repair_part_lot_fkey FOREIGN KEY (company_id, item_id, lot_id) REFERENCES lot (company_id, item_id, id)
);
CREATE INDEX ON repair_part (repair_id, position);
COMMENT ON TABLE repair_part IS 'Part: that a repair takes from stock';
COMMENT ON COLUMN repair_part.repair_id IS 'Repair';
COMMENT ON COLUMN repair_part.position IS 'Position';
COMMENT ON COLUMN repair_part.item_id IS 'Item';
COMMENT ON COLUMN repair_part.lot_id IS 'Lot';
COMMENT ON COLUMN repair_part.quantity IS 'Quantity: in the unit of the item';
COMMENT ON COLUMN repair_part.unit_price IS 'Unit price: for the customer; empty: the list price';
COMMENT ON CONSTRAINT repair_part_quantity ON repair_part IS 'Enter a quantity greater than zero';
COMMENT ON CONSTRAINT repair_part_price ON repair_part IS 'The price cannot be negative';
COMMENT ON CONSTRAINT repair_part_repair_fkey ON repair_part IS 'There is no such repair';
COMMENT ON CONSTRAINT repair_part_lot_fkey ON repair_part IS 'The lot is not one of this item';
COMMENT ON CONSTRAINT repair_part_item_id_fkey ON repair_part IS 'There is no such item';
CALL table_register('repair_part', 'table');

-- Minutes worked: each posts its cost at once and stays. A mistake is corrected by a row with
-- fewer than no minutes.
CREATE TABLE repair_time (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    repair_id  bigint NOT NULL,
    worked_on  date NOT NULL DEFAULT app_today(),
    worker_id  bigint DEFAULT app_user_id() REFERENCES app_user,
    minutes    integer NOT NULL CONSTRAINT repair_time_minutes CHECK (minutes <> 0 AND minutes BETWEEN -1440 AND 1440),
    note       text,
    cost       base_amount NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    UNIQUE (company_id, id),
    CONSTRAINT repair_time_repair_fkey FOREIGN KEY (company_id, repair_id) REFERENCES repair_order (company_id, id)
);
CREATE INDEX ON repair_time (repair_id, id);
COMMENT ON TABLE repair_time IS 'Working time: on a repair';
COMMENT ON COLUMN repair_time.repair_id IS 'Repair';
COMMENT ON COLUMN repair_time.worked_on IS 'Worked on';
COMMENT ON COLUMN repair_time.worker_id IS 'Worker';
COMMENT ON COLUMN repair_time.minutes IS 'Minutes: less than nothing corrects an earlier entry';
COMMENT ON COLUMN repair_time.note IS 'Note';
COMMENT ON COLUMN repair_time.cost IS 'Cost: in the currency of the company';
COMMENT ON CONSTRAINT repair_time_minutes ON repair_time IS 'Enter the minutes of one day, not zero';
COMMENT ON CONSTRAINT repair_time_repair_fkey ON repair_time IS 'There is no such repair';
COMMENT ON CONSTRAINT repair_time_worker_id_fkey ON repair_time IS 'There is no such user';
CALL table_register('repair_time', 'ledger', '{cost}');

-- ------------------------------------------------------------------ surveys
-- One question to one customer about one delivery or case. Whoever holds the token answers, once.
CREATE TABLE survey (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    token      text NOT NULL DEFAULT replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''),
    kind       text NOT NULL CONSTRAINT survey_kind CHECK (kind IN ('csat', 'nps')),
    party_id   bigint NOT NULL REFERENCES party,
    shipment_id bigint,
    case_id    bigint,
    sent_at    timestamptz NOT NULL DEFAULT now(),
    due_on     date NOT NULL DEFAULT app_today() + 14,
    score      integer CONSTRAINT survey_score CHECK (score BETWEEN 0 AND 10),
    comment    text,
    answered_at timestamptz,
    flow_id    bigint,
    state      text NOT NULL DEFAULT 'sent',
    workflow_id bigint REFERENCES workflow,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT survey_token_unique UNIQUE (token),
    CONSTRAINT survey_about_one CHECK (num_nonnulls(shipment_id, case_id) = 1),
    CONSTRAINT survey_shipment_once UNIQUE (company_id, shipment_id, kind),
    CONSTRAINT survey_case_once UNIQUE (company_id, case_id, kind),
    CONSTRAINT survey_answered CHECK ((score IS NULL) = (answered_at IS NULL) AND (state <> 'answered' OR score IS NOT NULL)),
    CONSTRAINT survey_shipment_fkey FOREIGN KEY (company_id, shipment_id) REFERENCES shipment (company_id, id),
    CONSTRAINT survey_case_fkey FOREIGN KEY (company_id, case_id) REFERENCES service_case (company_id, id),
    FOREIGN KEY (company_id, flow_id) REFERENCES flow (company_id, id)
);
CREATE INDEX ON survey (company_id, party_id, id);
CREATE INDEX ON survey (company_id, kind, answered_at) WHERE score IS NOT NULL;
COMMENT ON TABLE survey IS 'Survey: what a customer says of a delivery or a case';
COMMENT ON COLUMN survey.token IS 'Token: whoever holds it may answer';
COMMENT ON COLUMN survey.kind IS 'Kind: satisfaction (csat), or whether he would recommend us (nps)';
COMMENT ON COLUMN survey.party_id IS 'Customer';
COMMENT ON COLUMN survey.shipment_id IS 'Delivery';
COMMENT ON COLUMN survey.case_id IS 'Case';
COMMENT ON COLUMN survey.sent_at IS 'Sent at';
COMMENT ON COLUMN survey.due_on IS 'Answer by';
COMMENT ON COLUMN survey.score IS 'Score: from 0 to 10';
COMMENT ON COLUMN survey.comment IS 'Comment';
COMMENT ON COLUMN survey.answered_at IS 'Answered at';
COMMENT ON COLUMN survey.flow_id IS 'Flow';
COMMENT ON COLUMN survey.state IS 'State';
COMMENT ON CONSTRAINT survey_kind ON survey IS 'A survey asks for satisfaction or for a recommendation';
COMMENT ON CONSTRAINT survey_score ON survey IS 'A score is between 0 and 10';
COMMENT ON CONSTRAINT survey_token_unique ON survey IS 'Another survey has this token already';
COMMENT ON CONSTRAINT survey_about_one ON survey IS 'A survey is about one delivery or one case';
COMMENT ON CONSTRAINT survey_shipment_once ON survey IS 'The customer was asked about this delivery already';
COMMENT ON CONSTRAINT survey_case_once ON survey IS 'The customer was asked about this case already';
COMMENT ON CONSTRAINT survey_answered ON survey IS 'An answer has a score';
COMMENT ON CONSTRAINT survey_shipment_fkey ON survey IS 'There is no such delivery';
COMMENT ON CONSTRAINT survey_case_fkey ON survey IS 'There is no such case';
COMMENT ON CONSTRAINT survey_party_id_fkey ON survey IS 'There is no such party';
CALL table_register('survey', 'table');

-- ------------------------------------------------------------------ links
-- Which return line a movement, an order line or a credit line serves; which part of a repair
-- a movement issues, and which repair a delivery brings back. Backorders inherit them.
ALTER TABLE shipment_line ADD COLUMN return_order_line_id bigint, ADD COLUMN repair_part_id bigint,
    ADD COLUMN repair_order_id bigint,
    ADD CONSTRAINT shipment_line_return_order FOREIGN KEY (company_id, item_id, return_order_line_id)
        REFERENCES return_order_line (company_id, item_id, id),
    ADD CONSTRAINT shipment_line_repair_part FOREIGN KEY (company_id, item_id, repair_part_id)
        REFERENCES repair_part (company_id, item_id, id),
    ADD CONSTRAINT shipment_line_repair_order FOREIGN KEY (company_id, item_id, repair_order_id)
        REFERENCES repair_order (company_id, item_id, id);
CREATE INDEX ON shipment_line (return_order_line_id) WHERE return_order_line_id IS NOT NULL;
CREATE INDEX ON shipment_line (repair_part_id) WHERE repair_part_id IS NOT NULL;
CREATE INDEX ON shipment_line (repair_order_id) WHERE repair_order_id IS NOT NULL;
COMMENT ON COLUMN shipment_line.return_order_line_id IS 'Return line';
COMMENT ON COLUMN shipment_line.repair_part_id IS 'Part of a repair';
COMMENT ON COLUMN shipment_line.repair_order_id IS 'Repaired with';
COMMENT ON CONSTRAINT shipment_line_return_order ON shipment_line IS 'There is a shipment for this line of the return';
COMMENT ON CONSTRAINT shipment_line_repair_part ON shipment_line IS 'There is a shipment for this part';
COMMENT ON CONSTRAINT shipment_line_repair_order ON shipment_line IS 'There is a shipment for this repair';

ALTER TABLE sales_order_line ADD COLUMN return_order_line_id bigint,
    ADD CONSTRAINT sales_order_line_return_order FOREIGN KEY (company_id, item_id, return_order_line_id)
        REFERENCES return_order_line (company_id, item_id, id);
CREATE INDEX ON sales_order_line (return_order_line_id) WHERE return_order_line_id IS NOT NULL;
COMMENT ON COLUMN sales_order_line.return_order_line_id IS 'Replaces: the line of a return';
COMMENT ON CONSTRAINT sales_order_line_return_order ON sales_order_line IS 'There is a replacement for this line of the return';

ALTER TABLE invoice_line ADD COLUMN return_order_line_id bigint,
    ADD CONSTRAINT invoice_line_return_order FOREIGN KEY (company_id, return_order_line_id)
        REFERENCES return_order_line (company_id, id);
CREATE INDEX ON invoice_line (return_order_line_id) WHERE return_order_line_id IS NOT NULL;
COMMENT ON COLUMN invoice_line.return_order_line_id IS 'Credits: the line of a return';
COMMENT ON CONSTRAINT invoice_line_return_order ON invoice_line IS 'There is a credit for this line of the return';

ALTER TABLE invoice ADD COLUMN repair_order_id bigint,
    ADD CONSTRAINT invoice_repair_order FOREIGN KEY (company_id, repair_order_id) REFERENCES repair_order (company_id, id);
CREATE UNIQUE INDEX invoice_repair_once ON invoice (company_id, repair_order_id)
    WHERE repair_order_id IS NOT NULL AND state <> 'cancelled';
COMMENT ON COLUMN invoice.repair_order_id IS 'Repair';
COMMENT ON CONSTRAINT invoice_repair_order ON invoice IS 'There is an invoice for this repair';
COMMENT ON INDEX invoice_repair_once IS 'This repair is invoiced already';

-- ------------------------------------------------------------------ who may
INSERT INTO permission (role_id, entity, action)
SELECT r.id, e.entity, a.action
  FROM (VALUES ('manager', 'warranty_policy', 'create change delete'), ('manager', 'warranty', 'create change delete'),
               ('manager', 'return_order', 'create change delete approve receive progress scrap resolve close cancel'),
               ('manager', 'repair_order', 'create change delete start issue add_time finish cancel'),
               ('manager', 'survey', 'create answer'), ('manager', 'service_case', 'return_goods survey'),
               ('manager', 'shipment', 'open_warranty survey'),
               ('service', 'warranty_policy', 'read'), ('service', 'warranty', 'read create change'),
               ('service', 'return_order', 'read create change delete approve receive progress scrap resolve close cancel'),
               ('service', 'repair_order', 'read create change delete start issue add_time finish cancel'),
               ('service', 'repair_time', 'read'), ('service', 'survey', 'read create answer'),
               ('service', 'service_case', 'return_goods survey'),
               ('service', 'shipment', 'open_warranty survey'),
               ('warehouse', 'return_order', 'read receive progress scrap'), ('warehouse', 'repair_order', 'read issue'),
               ('warehouse', 'warranty', 'read'), ('warehouse', 'shipment', 'open_warranty survey'),
               ('finance', 'return_order', 'read progress resolve close'), ('finance', 'repair_order', 'read'),
               ('finance', 'repair_time', 'read'), ('finance', 'warranty', 'read'),
               ('quality', 'return_order', 'read'), ('quality', 'warranty', 'read'),
               ('sales', 'return_order', 'read'), ('sales', 'repair_order', 'read'), ('sales', 'warranty', 'read'),
               ('sales', 'survey', 'read')) e (role, entity, actions)
  JOIN role r ON r.code = e.role, unnest(string_to_array(e.actions, ' ')) a (action)
ON CONFLICT DO NOTHING;
