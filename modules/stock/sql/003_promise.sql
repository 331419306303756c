-- The promise: what is expected to come, what was promised to leave, day by day (promise.sql).
-- A promise made to one customer cannot be taken by another's order at any future date.

-- What will come and is not here yet. Written by the documents that bring it (a purchase order,
-- a production order) through supply_add and supply_set; until there is one, a plan (not firm).
CREATE TABLE supply (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL REFERENCES company,
    item_id    bigint NOT NULL REFERENCES item,
    warehouse_id bigint NOT NULL,
    method     text NOT NULL CHECK (method IN ('buy', 'make')),
    day        date NOT NULL,
    quantity   quantity NOT NULL CONSTRAINT supply_quantity CHECK (quantity >= 0),
    firm       boolean NOT NULL DEFAULT false,
    promise_id bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (company_id, id),
    UNIQUE (company_id, item_id, id),
    FOREIGN KEY (company_id, warehouse_id) REFERENCES warehouse (company_id, id)
);
CREATE INDEX ON supply (company_id, item_id, warehouse_id, day) WHERE quantity > 0;
CREATE INDEX ON supply (promise_id) WHERE promise_id IS NOT NULL;
COMMENT ON TABLE supply IS 'Expected supply: what will come, and when';
COMMENT ON COLUMN supply.item_id IS 'Item';
COMMENT ON COLUMN supply.warehouse_id IS 'Warehouse';
COMMENT ON COLUMN supply.method IS 'Procurement';
COMMENT ON COLUMN supply.day IS 'Expected on';
COMMENT ON COLUMN supply.quantity IS 'Quantity: still expected';
COMMENT ON COLUMN supply.firm IS 'Firm: there is a document for it; else it is only planned';
COMMENT ON COLUMN supply.promise_id IS 'Planned for: the promise that was short without it';
COMMENT ON CONSTRAINT supply_quantity ON supply IS 'Less than nothing cannot be expected';
CALL table_register('supply', 'maintained');

-- What was promised and has not left yet. The row stays when it is fulfilled, with nothing open.
CREATE TABLE promise (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL REFERENCES company,
    item_id    bigint NOT NULL REFERENCES item,
    warehouse_id bigint NOT NULL,
    day        date NOT NULL,
    quantity   quantity NOT NULL CONSTRAINT promise_quantity CHECK (quantity >= 0),
    reserved   quantity NOT NULL DEFAULT 0 CONSTRAINT promise_reserved CHECK (reserved >= 0 AND reserved <= quantity),
    supply_id  bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (company_id, id),
    UNIQUE (company_id, item_id, id),
    FOREIGN KEY (company_id, warehouse_id) REFERENCES warehouse (company_id, id),
    CONSTRAINT promise_for_supply FOREIGN KEY (company_id, supply_id) REFERENCES supply (company_id, id)
);
CREATE INDEX ON promise (company_id, item_id, warehouse_id, day) WHERE quantity > 0;
CREATE INDEX ON promise (supply_id) WHERE supply_id IS NOT NULL;
COMMENT ON TABLE promise IS 'Promise: what will leave, and when';
COMMENT ON COLUMN promise.item_id IS 'Item';
COMMENT ON COLUMN promise.warehouse_id IS 'Warehouse';
COMMENT ON COLUMN promise.day IS 'Promised for';
COMMENT ON COLUMN promise.quantity IS 'Quantity: that has not left yet';
COMMENT ON COLUMN promise.reserved IS 'Reserved: of that, set aside in stock already';
COMMENT ON COLUMN promise.supply_id IS 'Component of: what will be made of it';
COMMENT ON CONSTRAINT promise_quantity ON promise IS 'Less than nothing cannot be promised';
COMMENT ON CONSTRAINT promise_reserved ON promise IS 'No more can be set aside than is promised';
COMMENT ON CONSTRAINT promise_for_supply ON promise IS 'There is no such supply';
CALL table_register('promise', 'maintained');

ALTER TABLE supply ADD CONSTRAINT supply_for_promise FOREIGN KEY (company_id, promise_id)
    REFERENCES promise (company_id, id);
COMMENT ON CONSTRAINT supply_for_promise ON supply IS 'There is no such promise';

-- Sums per day: what comes, and what is promised and not set aside yet.
CREATE TABLE promise_day (
    company_id bigint NOT NULL REFERENCES company,
    item_id    bigint NOT NULL REFERENCES item,
    warehouse_id bigint NOT NULL,
    day        date NOT NULL,
    supply     quantity NOT NULL DEFAULT 0 CHECK (supply >= 0),
    demand     quantity NOT NULL DEFAULT 0 CHECK (demand >= 0),
    PRIMARY KEY (company_id, item_id, warehouse_id, day),
    FOREIGN KEY (company_id, warehouse_id) REFERENCES warehouse (company_id, id)
) WITH (fillfactor = 60);
COMMENT ON TABLE promise_day IS 'Promises per day: of an item in a warehouse';
CALL table_register('promise_day', 'maintained');

-- Whose promise a line fulfils: when it is set aside or moves, so does the promise.
ALTER TABLE shipment_line ADD COLUMN promise_id bigint,
    ADD CONSTRAINT shipment_line_promise FOREIGN KEY (company_id, item_id, promise_id)
        REFERENCES promise (company_id, item_id, id);
CREATE INDEX ON shipment_line (promise_id) WHERE promise_id IS NOT NULL;
COMMENT ON COLUMN shipment_line.promise_id IS 'Promise: that this line fulfils';
COMMENT ON CONSTRAINT shipment_line_promise ON shipment_line IS 'This promise is of another item';

INSERT INTO permission (role_id, entity, action)
SELECT r.id, e, 'read' FROM role r, unnest(ARRAY['supply', 'promise', 'promise_exception']) e
 WHERE r.code IN ('warehouse', 'manager', 'sales', 'purchasing', 'production', 'service', 'finance', 'quality');
