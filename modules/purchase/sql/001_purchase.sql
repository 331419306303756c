-- Purchasing: who sells what at which price, what is asked for, what is ordered, and how far an
-- order has come. The columns that say how far (received, billed) are kept by triggers.

INSERT INTO company_setup (module, position, function) VALUES ('purchase', 55, 'purchase_company_setup');
INSERT INTO number_series (company_id, code, pattern)
SELECT c.id, s.code, s.pattern
  FROM company c, (VALUES ('purchase_requisition', 'PR-{YYYY}-{00000}'), ('purchase_order', 'PO-{YYYY}-{00000}')) s (code, pattern)
ON CONFLICT (company_id, code) DO NOTHING;

-- ------------------------------------------------------------------ suppliers
CREATE TABLE supplier_company (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id      bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    party_id        bigint NOT NULL REFERENCES party,
    payment_term_id bigint,
    currency_code   currency_code REFERENCES currency (code),
    buyer_id        bigint REFERENCES app_user,
    created_at      timestamptz NOT NULL DEFAULT now(),
    created_by      bigint DEFAULT app_user_id(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    updated_by      bigint,
    version         integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT supplier_company_once UNIQUE (company_id, party_id),
    CONSTRAINT supplier_company_payment_term FOREIGN KEY (company_id, payment_term_id)
        REFERENCES payment_term (company_id, id)
);
CREATE INDEX ON supplier_company (party_id);
CALL table_register('supplier_company', 'table');
COMMENT ON TABLE supplier_company IS 'Supplier terms: how this company buys from a supplier';
COMMENT ON COLUMN supplier_company.party_id IS 'Supplier';
COMMENT ON COLUMN supplier_company.payment_term_id IS 'Payment term';
COMMENT ON COLUMN supplier_company.currency_code IS 'Currency: in which orders are made when no price says another one';
COMMENT ON COLUMN supplier_company.buyer_id IS 'Buyer';
COMMENT ON CONSTRAINT supplier_company_once ON supplier_company IS 'This supplier has terms in this company already';
COMMENT ON CONSTRAINT supplier_company_payment_term ON supplier_company IS 'There is no such payment term';

-- What a supplier sells an item for. Several rows of one supplier are quantity breaks: the
-- smallest minimum is the least that he sells.
CREATE TABLE item_supplier (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id    bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    item_id       bigint NOT NULL REFERENCES item,
    supplier_id   bigint NOT NULL REFERENCES party,
    supplier_item_code text,
    currency_code currency_code NOT NULL DEFAULT current_setting('tenon.currency') REFERENCES currency (code),
    unit_price    unit_price NOT NULL CONSTRAINT item_supplier_price CHECK (unit_price >= 0),
    min_quantity  quantity NOT NULL DEFAULT 0 CONSTRAINT item_supplier_minimum CHECK (min_quantity >= 0),
    multiple      quantity CONSTRAINT item_supplier_multiple CHECK (multiple > 0),
    lead_days     integer CONSTRAINT item_supplier_lead_days CHECK (lead_days BETWEEN 0 AND 3650),
    priority      integer NOT NULL DEFAULT 10,
    valid_from    date,
    valid_to      date,
    over_receipt_percent percent CONSTRAINT item_supplier_over_receipt CHECK (over_receipt_percent >= 0),
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    bigint DEFAULT app_user_id(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    updated_by    bigint,
    version       integer NOT NULL DEFAULT 1,
    search_terms  text[] GENERATED ALWAYS AS (search_grams(coalesce(supplier_item_code, ''))) STORED,
    UNIQUE (company_id, id),
    CONSTRAINT item_supplier_dates CHECK (valid_to >= valid_from),
    CONSTRAINT item_supplier_once EXCLUDE USING gist (company_id WITH =, item_id WITH =, supplier_id WITH =,
        currency_code WITH =, min_quantity WITH =, daterange(valid_from, valid_to, '[]') WITH &&)
);
CREATE INDEX ON item_supplier (company_id, item_id, supplier_id);
CREATE INDEX ON item_supplier (company_id, supplier_id, item_id);
CREATE INDEX ON item_supplier USING gin (search_terms);
CALL table_register('item_supplier', 'table');
COMMENT ON TABLE item_supplier IS 'Supplier price: what a supplier sells an item for, from which quantity and how fast';
COMMENT ON COLUMN item_supplier.item_id IS 'Item';
COMMENT ON COLUMN item_supplier.supplier_id IS 'Supplier';
COMMENT ON COLUMN item_supplier.supplier_item_code IS 'Supplier item code: what the supplier calls it';
COMMENT ON COLUMN item_supplier.currency_code IS 'Currency';
COMMENT ON COLUMN item_supplier.unit_price IS 'Unit price: without tax, for the unit of the item';
COMMENT ON COLUMN item_supplier.min_quantity IS 'From quantity: the price holds from here on; the smallest of a supplier is the least that he sells';
COMMENT ON COLUMN item_supplier.multiple IS 'In multiples of: empty: any quantity';
COMMENT ON COLUMN item_supplier.lead_days IS 'Lead time: in working days; empty: that of the item';
COMMENT ON COLUMN item_supplier.priority IS 'Priority: the supplier with the smallest number is asked first';
COMMENT ON COLUMN item_supplier.valid_from IS 'Valid from';
COMMENT ON COLUMN item_supplier.valid_to IS 'Valid to';
COMMENT ON COLUMN item_supplier.over_receipt_percent IS 'Over-receipt: how much more than ordered is accepted, in percent; empty: the setting of the company';
COMMENT ON CONSTRAINT item_supplier_price ON item_supplier IS 'The price cannot be negative';
COMMENT ON CONSTRAINT item_supplier_minimum ON item_supplier IS 'A quantity is not negative';
COMMENT ON CONSTRAINT item_supplier_multiple ON item_supplier IS 'A multiple is greater than zero';
COMMENT ON CONSTRAINT item_supplier_lead_days ON item_supplier IS 'A lead time is between 0 and 3650 days';
COMMENT ON CONSTRAINT item_supplier_over_receipt ON item_supplier IS 'A percentage is not negative';
COMMENT ON CONSTRAINT item_supplier_dates ON item_supplier IS 'The last day cannot be before the first';
COMMENT ON CONSTRAINT item_supplier_once ON item_supplier IS 'This supplier has a price for this item from this quantity at that time already';

-- ------------------------------------------------------------------ requisitions
CREATE TABLE purchase_requisition (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id   bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    number       text NOT NULL DEFAULT document_number('purchase_requisition'),
    requested_on date NOT NULL DEFAULT app_today(),
    warehouse_id bigint,
    note         text,
    flow_id      bigint,
    state        text NOT NULL DEFAULT 'draft',
    workflow_id  bigint REFERENCES workflow,
    version      integer NOT NULL DEFAULT 1,
    created_at   timestamptz NOT NULL DEFAULT now(),
    created_by   bigint DEFAULT app_user_id(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    updated_by   bigint,
    search_terms text[] GENERATED ALWAYS AS (search_grams(number || ' ' || coalesce(note, ''))) STORED,
    UNIQUE (company_id, id),
    CONSTRAINT purchase_requisition_number_unique UNIQUE (company_id, number),
    CONSTRAINT purchase_requisition_warehouse FOREIGN KEY (company_id, warehouse_id) REFERENCES warehouse (company_id, id),
    FOREIGN KEY (company_id, flow_id) REFERENCES flow (company_id, id)
);
CREATE INDEX ON purchase_requisition (company_id, state, id);
CREATE INDEX ON purchase_requisition (flow_id) WHERE flow_id IS NOT NULL;
CREATE INDEX ON purchase_requisition USING gin (search_terms);
CALL table_register('purchase_requisition', 'table');
COMMENT ON TABLE purchase_requisition IS 'Purchase requisition: what is to be bought, before it is ordered';
COMMENT ON COLUMN purchase_requisition.number IS 'Number';
COMMENT ON COLUMN purchase_requisition.requested_on IS 'Requested on';
COMMENT ON COLUMN purchase_requisition.warehouse_id IS 'Warehouse: where the goods are needed';
COMMENT ON COLUMN purchase_requisition.note IS 'Note';
COMMENT ON COLUMN purchase_requisition.flow_id IS 'Flow';
COMMENT ON COLUMN purchase_requisition.state IS 'State';
COMMENT ON CONSTRAINT purchase_requisition_number_unique ON purchase_requisition IS 'Another requisition has this number already';
COMMENT ON CONSTRAINT purchase_requisition_warehouse ON purchase_requisition IS 'There is no such warehouse';

CREATE TABLE purchase_requisition_line (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id     bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    requisition_id bigint NOT NULL,
    position       integer NOT NULL,
    item_id        bigint NOT NULL REFERENCES item,
    description    text,
    quantity       quantity NOT NULL CONSTRAINT purchase_requisition_line_quantity CHECK (quantity > 0),
    needed_on      date NOT NULL,
    warehouse_id   bigint NOT NULL,
    supplier_id    bigint REFERENCES party,
    supply_id      bigint,
    UNIQUE (company_id, id),
    UNIQUE (company_id, item_id, id),
    CONSTRAINT purchase_requisition_line_supply_once UNIQUE (supply_id),
    CONSTRAINT purchase_requisition_line_supply FOREIGN KEY (company_id, item_id, supply_id)
        REFERENCES supply (company_id, item_id, id),
    FOREIGN KEY (company_id, requisition_id) REFERENCES purchase_requisition (company_id, id) ON DELETE CASCADE,
    CONSTRAINT purchase_requisition_line_warehouse FOREIGN KEY (company_id, warehouse_id)
        REFERENCES warehouse (company_id, id)
);
CREATE INDEX ON purchase_requisition_line (requisition_id, position);
CALL table_register('purchase_requisition_line', 'table');
COMMENT ON COLUMN purchase_requisition_line.supply_id IS 'Expected supply: the plan that this line carries out';
COMMENT ON CONSTRAINT purchase_requisition_line_supply_once ON purchase_requisition_line IS 'Another requisition carries out this plan already';
COMMENT ON CONSTRAINT purchase_requisition_line_supply ON purchase_requisition_line IS 'There is no such plan for this item';
COMMENT ON TABLE purchase_requisition_line IS 'Requisition line: an item, how much of it and until when';
COMMENT ON COLUMN purchase_requisition_line.requisition_id IS 'Requisition';
COMMENT ON COLUMN purchase_requisition_line.position IS 'Position';
COMMENT ON COLUMN purchase_requisition_line.item_id IS 'Item';
COMMENT ON COLUMN purchase_requisition_line.description IS 'Description';
COMMENT ON COLUMN purchase_requisition_line.quantity IS 'Quantity';
COMMENT ON COLUMN purchase_requisition_line.needed_on IS 'Needed on';
COMMENT ON COLUMN purchase_requisition_line.warehouse_id IS 'Warehouse: where the goods are needed';
COMMENT ON COLUMN purchase_requisition_line.supplier_id IS 'Supplier: suggested; empty takes the best one from the supplier prices';
COMMENT ON CONSTRAINT purchase_requisition_line_quantity ON purchase_requisition_line IS 'The quantity must be greater than zero';
COMMENT ON CONSTRAINT purchase_requisition_line_warehouse ON purchase_requisition_line IS 'There is no such warehouse';

-- ------------------------------------------------------------------ orders
CREATE TABLE purchase_order (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id      bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    number          text NOT NULL DEFAULT document_number('purchase_order'),
    supplier_id     bigint NOT NULL REFERENCES party,
    order_date      date NOT NULL DEFAULT app_today(),
    expected_date   date,
    currency_code   currency_code REFERENCES currency (code),
    exchange_rate   rate,
    payment_term_id bigint,
    warehouse_id    bigint,
    buyer_id        bigint REFERENCES app_user,
    supplier_reference text,
    note            text,
    net             amount NOT NULL DEFAULT 0,
    tax             amount NOT NULL DEFAULT 0,
    total           amount GENERATED ALWAYS AS (net + tax) STORED,
    received        text NOT NULL DEFAULT 'none' CONSTRAINT purchase_order_received CHECK (received IN ('none', 'part', 'full')),
    billed          text NOT NULL DEFAULT 'none' CONSTRAINT purchase_order_billed CHECK (billed IN ('none', 'part', 'full')),
    ordered_at      timestamptz,
    flow_id         bigint,
    state           text NOT NULL DEFAULT 'draft',
    workflow_id     bigint REFERENCES workflow,
    version         integer NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    created_by      bigint DEFAULT app_user_id(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    updated_by      bigint,
    search_terms    text[] GENERATED ALWAYS AS
                    (search_grams(number || ' ' || coalesce(supplier_reference, ''))) STORED,
    UNIQUE (company_id, id),
    CONSTRAINT purchase_order_number_unique UNIQUE (company_id, number),
    CONSTRAINT purchase_order_payment_term FOREIGN KEY (company_id, payment_term_id) REFERENCES payment_term (company_id, id),
    CONSTRAINT purchase_order_warehouse FOREIGN KEY (company_id, warehouse_id) REFERENCES warehouse (company_id, id),
    FOREIGN KEY (company_id, flow_id) REFERENCES flow (company_id, id)
);
CREATE INDEX ON purchase_order (company_id, order_date DESC, id DESC);
CREATE INDEX ON purchase_order (company_id, supplier_id, id);
CREATE INDEX ON purchase_order (company_id, state, id);
CREATE INDEX ON purchase_order (flow_id) WHERE flow_id IS NOT NULL;
CREATE INDEX ON purchase_order USING gin (search_terms);
CALL table_register('purchase_order', 'table', '{net,tax,received,billed,ordered_at}');
COMMENT ON TABLE purchase_order IS 'Purchase order: what a supplier is to deliver';
COMMENT ON COLUMN purchase_order.number IS 'Number';
COMMENT ON COLUMN purchase_order.supplier_id IS 'Supplier';
COMMENT ON COLUMN purchase_order.order_date IS 'Order date';
COMMENT ON COLUMN purchase_order.expected_date IS 'Expected date: when the goods arrive, where a line says no other day';
COMMENT ON COLUMN purchase_order.currency_code IS 'Currency';
COMMENT ON COLUMN purchase_order.exchange_rate IS 'Exchange rate: company currency for one unit of the currency of the order';
COMMENT ON COLUMN purchase_order.payment_term_id IS 'Payment term';
COMMENT ON COLUMN purchase_order.warehouse_id IS 'Warehouse: where the goods are received';
COMMENT ON COLUMN purchase_order.buyer_id IS 'Buyer';
COMMENT ON COLUMN purchase_order.supplier_reference IS 'Supplier reference: the number of the order at the supplier';
COMMENT ON COLUMN purchase_order.note IS 'Note';
COMMENT ON COLUMN purchase_order.net IS 'Net: without tax';
COMMENT ON COLUMN purchase_order.tax IS 'Tax';
COMMENT ON COLUMN purchase_order.total IS 'Total: with tax';
COMMENT ON COLUMN purchase_order.received IS 'Received';
COMMENT ON COLUMN purchase_order.billed IS 'Billed';
COMMENT ON COLUMN purchase_order.ordered_at IS 'Ordered at';
COMMENT ON COLUMN purchase_order.flow_id IS 'Flow';
COMMENT ON COLUMN purchase_order.state IS 'State';
COMMENT ON CONSTRAINT purchase_order_number_unique ON purchase_order IS 'Another order has this number already';
COMMENT ON CONSTRAINT purchase_order_received ON purchase_order IS 'Received is none, part or full';
COMMENT ON CONSTRAINT purchase_order_billed ON purchase_order IS 'Billed is none, part or full';
COMMENT ON CONSTRAINT purchase_order_payment_term ON purchase_order IS 'There is no such payment term';
COMMENT ON CONSTRAINT purchase_order_warehouse ON purchase_order IS 'There is no such warehouse';

-- over_tolerance is how much more than ordered is accepted of this line: a quantity, set when it
-- is ordered. unit_price stays null where no price is known; nothing is ordered without one.
CREATE TABLE purchase_order_line (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id     bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    order_id       bigint NOT NULL,
    position       integer NOT NULL,
    item_id        bigint NOT NULL REFERENCES item,
    description    text,
    supplier_item_code text,
    quantity       quantity NOT NULL CONSTRAINT purchase_order_line_quantity CHECK (quantity > 0),
    unit_price     unit_price CONSTRAINT purchase_order_line_price CHECK (unit_price >= 0),
    discount       percent NOT NULL DEFAULT 0
                   CONSTRAINT purchase_order_line_discount CHECK (discount BETWEEN 0 AND 100),
    price_explanation text,
    currency_code  currency_code NOT NULL DEFAULT current_setting('tenon.currency'),
    net            amount GENERATED ALWAYS AS
                       (round(quantity * unit_price * (100 - discount) * 0.01, currency_scale(currency_code))) STORED,
    tax_id         bigint,
    tax_rate       percent NOT NULL DEFAULT 0,
    tax            amount GENERATED ALWAYS AS (
                       round(round(quantity * unit_price * (100 - discount) * 0.01, currency_scale(currency_code))
                             * tax_rate * 0.01, currency_scale(currency_code))) STORED,
    expected_date  date,
    over_tolerance quantity NOT NULL DEFAULT 0,
    quantity_received quantity NOT NULL DEFAULT 0,
    quantity_returned quantity NOT NULL DEFAULT 0,
    quantity_billed   quantity NOT NULL DEFAULT 0,
    requisition_line_id bigint,
    supply_id      bigint,
    UNIQUE (company_id, id),
    UNIQUE (company_id, item_id, id),
    CONSTRAINT purchase_order_line_supply_once UNIQUE (supply_id),
    CONSTRAINT purchase_order_line_supply FOREIGN KEY (company_id, item_id, supply_id)
        REFERENCES supply (company_id, item_id, id),
    FOREIGN KEY (company_id, order_id) REFERENCES purchase_order (company_id, id) ON DELETE CASCADE,
    CONSTRAINT purchase_order_line_tax FOREIGN KEY (company_id, tax_id) REFERENCES tax (company_id, id),
    CONSTRAINT purchase_order_line_requisition FOREIGN KEY (company_id, requisition_line_id)
        REFERENCES purchase_requisition_line (company_id, id),
    CONSTRAINT purchase_order_line_received CHECK (quantity_received = 0 OR quantity_received > 0
        AND quantity_received - quantity_returned <= quantity + over_tolerance),
    CONSTRAINT purchase_order_line_returned CHECK (quantity_returned BETWEEN 0 AND quantity_received),
    CONSTRAINT purchase_order_line_billed CHECK (quantity_billed >= 0)
);
CREATE INDEX ON purchase_order_line (order_id, position);
CREATE INDEX ON purchase_order_line (requisition_line_id) WHERE requisition_line_id IS NOT NULL;
CREATE INDEX ON purchase_order_line (company_id, item_id);
CALL table_register('purchase_order_line', 'table',
    '{over_tolerance,quantity_received,quantity_returned,quantity_billed}');
COMMENT ON COLUMN purchase_order_line.supply_id IS 'Expected supply: what the promises of orders count on';
COMMENT ON CONSTRAINT purchase_order_line_supply_once ON purchase_order_line IS 'Another order brings this supply already';
COMMENT ON CONSTRAINT purchase_order_line_supply ON purchase_order_line IS 'There is no such plan for this item';
COMMENT ON TABLE purchase_order_line IS 'Purchase order line: an item, its quantity, its price and when it comes';
COMMENT ON COLUMN purchase_order_line.order_id IS 'Order';
COMMENT ON COLUMN purchase_order_line.position IS 'Position';
COMMENT ON COLUMN purchase_order_line.item_id IS 'Item';
COMMENT ON COLUMN purchase_order_line.description IS 'Description';
COMMENT ON COLUMN purchase_order_line.supplier_item_code IS 'Supplier item code: what the supplier calls it';
COMMENT ON COLUMN purchase_order_line.quantity IS 'Quantity';
COMMENT ON COLUMN purchase_order_line.unit_price IS 'Unit price: without tax; empty takes it from the supplier prices';
COMMENT ON COLUMN purchase_order_line.discount IS 'Discount: in percent';
COMMENT ON COLUMN purchase_order_line.price_explanation IS 'Price from: the rule that gave the price';
COMMENT ON COLUMN purchase_order_line.currency_code IS 'Currency';
COMMENT ON COLUMN purchase_order_line.net IS 'Net: without tax';
COMMENT ON COLUMN purchase_order_line.tax_id IS 'Tax';
COMMENT ON COLUMN purchase_order_line.tax_rate IS 'Tax rate: in percent';
COMMENT ON COLUMN purchase_order_line.tax IS 'Tax: rounded line by line';
COMMENT ON COLUMN purchase_order_line.expected_date IS 'Expected date: when the supplier delivers; empty: by his lead time';
COMMENT ON COLUMN purchase_order_line.over_tolerance IS 'Over-receipt: how much more than ordered is accepted';
COMMENT ON COLUMN purchase_order_line.quantity_received IS 'Received: has arrived';
COMMENT ON COLUMN purchase_order_line.quantity_returned IS 'Returned: went back to the supplier';
COMMENT ON COLUMN purchase_order_line.quantity_billed IS 'Billed: on posted bills, less what was credited';
COMMENT ON COLUMN purchase_order_line.requisition_line_id IS 'Requisition line';
COMMENT ON CONSTRAINT purchase_order_line_quantity ON purchase_order_line IS 'The quantity must be greater than zero';
COMMENT ON CONSTRAINT purchase_order_line_price ON purchase_order_line IS 'The price cannot be negative';
COMMENT ON CONSTRAINT purchase_order_line_discount ON purchase_order_line IS 'A discount is between 0 and 100 percent';
COMMENT ON CONSTRAINT purchase_order_line_tax ON purchase_order_line IS 'There is no such tax';
COMMENT ON CONSTRAINT purchase_order_line_requisition ON purchase_order_line IS 'There is no such requisition';
COMMENT ON CONSTRAINT purchase_order_line_received ON purchase_order_line IS 'More cannot be received than was ordered and the tolerance allows';
COMMENT ON CONSTRAINT purchase_order_line_returned ON purchase_order_line IS 'No more can be returned than was received';
COMMENT ON CONSTRAINT purchase_order_line_billed ON purchase_order_line IS 'Less than nothing cannot be billed';

-- The lines that a receipt and a bill come from. The item stands in the key: what arrives or is
-- billed on a line is what was ordered on it.
ALTER TABLE shipment_line ADD COLUMN purchase_order_line_id bigint,
    ADD CONSTRAINT shipment_line_purchase_order FOREIGN KEY (company_id, item_id, purchase_order_line_id)
        REFERENCES purchase_order_line (company_id, item_id, id);
CREATE INDEX ON shipment_line (purchase_order_line_id) WHERE purchase_order_line_id IS NOT NULL;
COMMENT ON COLUMN shipment_line.purchase_order_line_id IS 'Purchase order line';
COMMENT ON CONSTRAINT shipment_line_purchase_order ON shipment_line IS 'There is a receipt for this line of the order';

ALTER TABLE invoice_line ADD COLUMN purchase_order_line_id bigint,
    ADD CONSTRAINT invoice_line_purchase_order FOREIGN KEY (company_id, item_id, purchase_order_line_id)
        REFERENCES purchase_order_line (company_id, item_id, id);
CREATE INDEX ON invoice_line (purchase_order_line_id) WHERE purchase_order_line_id IS NOT NULL;
COMMENT ON COLUMN invoice_line.purchase_order_line_id IS 'Purchase order line';
COMMENT ON CONSTRAINT invoice_line_purchase_order ON invoice_line IS 'There is a bill for this line of the order';

-- ------------------------------------------------------------------ who may
INSERT INTO permission (role_id, entity, action)
SELECT r.id, e.entity, a.action
  FROM role r
  JOIN (VALUES
       ('purchasing', 'purchase_requisition', '{*}'), ('purchasing', 'purchase_order', '{*}'),
       ('purchasing', 'item_supplier', '{*}'), ('purchasing', 'supplier_company', '{*}'),
       ('manager', 'purchase_requisition', '{*}'), ('manager', 'purchase_order', '{*}'),
       ('manager', 'item_supplier', '{*}'), ('manager', 'supplier_company', '{*}'),
       ('warehouse', 'purchase_requisition', '{read,create,change}'), ('warehouse', 'purchase_order', '{read,expect}'),
       ('finance', 'purchase_requisition', '{read}'), ('finance', 'purchase_order', '{read,bill,close}'),
       ('finance', 'item_supplier', '{read}'), ('finance', 'supplier_company', '{read,create,change}'),
       ('sales', 'purchase_requisition', '{read,create}'), ('sales', 'purchase_order', '{read}'),
       ('sales', 'item_supplier', '{read}'), ('production', 'purchase_requisition', '{read,create,change}'),
       ('production', 'purchase_order', '{read}'),
       ('purchasing', 'party', '{read,create,change}'), ('purchasing', 'party_duplicate', '{read}'),
       ('purchasing', 'item', '{read,create,change}'), ('purchasing', 'item_category', '{read}'), ('purchasing', 'uom', '{read}'),
       ('purchasing', 'tax_category', '{read}'), ('purchasing', 'shipment', '{read}'), ('purchasing', 'warehouse', '{read}'),
       ('purchasing', 'location', '{read}'), ('purchasing', 'lot', '{read}'), ('purchasing', 'stock_available', '{read}'),
       ('purchasing', 'stock_balance', '{read}'), ('purchasing', 'invoice', '{read}'), ('purchasing', 'payment_term', '{read}'),
       ('purchasing', 'tax', '{read}'), ('purchasing', 'exchange_rate', '{read}')) e (role, entity, actions) ON e.role = r.code
 CROSS JOIN LATERAL unnest(e.actions::text[]) a (action)
ON CONFLICT DO NOTHING;
