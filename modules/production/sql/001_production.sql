-- What is made of what, and how: work centres, routings, bills of materials. Items belong to
-- the group; how they are made is each company's own.

-- ------------------------------------------------------------------ where work is done
CREATE TABLE work_center (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    code       text NOT NULL CONSTRAINT work_center_code_form CHECK (code ~ '^[^[:space:]]+$'),
    name       text NOT NULL CONSTRAINT work_center_name CHECK (name <> ''),
    name_zh    text,
    calendar_id bigint REFERENCES calendar,
    capacity   integer NOT NULL DEFAULT 1 CONSTRAINT work_center_capacity CHECK (capacity BETWEEN 1 AND 1000),
    labour_rate unit_price NOT NULL DEFAULT 0 CONSTRAINT work_center_labour_rate CHECK (labour_rate >= 0),
    machine_rate unit_price NOT NULL DEFAULT 0 CONSTRAINT work_center_machine_rate CHECK (machine_rate >= 0),
    active     boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    search_terms text[] GENERATED ALWAYS AS
        (search_grams(code || ' ' || name || ' ' || coalesce(name_zh, ''))) STORED,
    UNIQUE (company_id, id),
    CONSTRAINT work_center_code_unique UNIQUE (company_id, code)
);
CREATE INDEX ON work_center USING gin (search_terms);
COMMENT ON TABLE work_center IS 'Work centre: a machine, a line or a bench where operations are done';
COMMENT ON COLUMN work_center.code IS 'Code';
COMMENT ON COLUMN work_center.name IS 'Name';
COMMENT ON COLUMN work_center.name_zh IS 'Chinese name';
COMMENT ON COLUMN work_center.calendar_id IS 'Calendar: the hours that it works; empty: those of the company';
COMMENT ON COLUMN work_center.capacity IS 'Capacity: how many units are worked on side by side';
COMMENT ON COLUMN work_center.labour_rate IS 'Labour rate: of an hour, in the currency of the company';
COMMENT ON COLUMN work_center.machine_rate IS 'Machine rate: of an hour, in the currency of the company';
COMMENT ON COLUMN work_center.active IS 'Active';
COMMENT ON CONSTRAINT work_center_code_form ON work_center IS 'A code is one word without spaces';
COMMENT ON CONSTRAINT work_center_name ON work_center IS 'Give the work centre a name';
COMMENT ON CONSTRAINT work_center_capacity ON work_center IS 'A capacity is between 1 and 1000';
COMMENT ON CONSTRAINT work_center_labour_rate ON work_center IS 'A rate is not negative';
COMMENT ON CONSTRAINT work_center_machine_rate ON work_center IS 'A rate is not negative';
COMMENT ON CONSTRAINT work_center_code_unique ON work_center IS 'Another work centre has this code already';
COMMENT ON CONSTRAINT work_center_calendar_id_fkey ON work_center IS 'There is no such calendar';
CALL table_register('work_center', 'table');

-- ------------------------------------------------------------------ how it is made
CREATE TABLE routing (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    code       text NOT NULL CONSTRAINT routing_code_form CHECK (code ~ '^[^[:space:]]+$'),
    name       text NOT NULL CONSTRAINT routing_name CHECK (name <> ''),
    name_zh    text,
    active     boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    search_terms text[] GENERATED ALWAYS AS
        (search_grams(code || ' ' || name || ' ' || coalesce(name_zh, ''))) STORED,
    UNIQUE (company_id, id),
    CONSTRAINT routing_code_unique UNIQUE (company_id, code)
);
CREATE INDEX ON routing USING gin (search_terms);
COMMENT ON TABLE routing IS 'Routing: the operations that make an item, one after the other';
COMMENT ON COLUMN routing.code IS 'Code';
COMMENT ON COLUMN routing.name IS 'Name';
COMMENT ON COLUMN routing.name_zh IS 'Chinese name';
COMMENT ON COLUMN routing.active IS 'Active';
COMMENT ON CONSTRAINT routing_code_form ON routing IS 'A code is one word without spaces';
COMMENT ON CONSTRAINT routing_name ON routing IS 'Give the routing a name';
COMMENT ON CONSTRAINT routing_code_unique ON routing IS 'Another routing has this code already';
CALL table_register('routing', 'table');

CREATE TABLE routing_operation (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    routing_id bigint NOT NULL,
    position   integer NOT NULL CONSTRAINT routing_operation_position CHECK (position > 0),
    name       text NOT NULL CONSTRAINT routing_operation_name CHECK (name <> ''),
    name_zh    text,
    work_center_id bigint NOT NULL,
    setup_minutes quantity NOT NULL DEFAULT 0 CONSTRAINT routing_operation_setup CHECK (setup_minutes >= 0),
    run_minutes   quantity NOT NULL DEFAULT 0 CONSTRAINT routing_operation_run CHECK (run_minutes >= 0),
    queue_minutes quantity NOT NULL DEFAULT 0 CONSTRAINT routing_operation_queue CHECK (queue_minutes >= 0),
    UNIQUE (company_id, id),
    CONSTRAINT routing_operation_once UNIQUE (routing_id, position),
    FOREIGN KEY (company_id, routing_id) REFERENCES routing (company_id, id) ON DELETE CASCADE,
    CONSTRAINT routing_operation_work_center FOREIGN KEY (company_id, work_center_id)
        REFERENCES work_center (company_id, id)
);
CREATE INDEX ON routing_operation (company_id, work_center_id);
COMMENT ON TABLE routing_operation IS 'Operation of a routing';
COMMENT ON COLUMN routing_operation.position IS 'Position: operations are done in this order';
COMMENT ON COLUMN routing_operation.name IS 'Name';
COMMENT ON COLUMN routing_operation.name_zh IS 'Chinese name';
COMMENT ON COLUMN routing_operation.work_center_id IS 'Work centre';
COMMENT ON COLUMN routing_operation.setup_minutes IS 'Set-up: minutes for each order';
COMMENT ON COLUMN routing_operation.run_minutes IS 'Run: minutes for each unit';
COMMENT ON COLUMN routing_operation.queue_minutes IS 'Queue: working minutes that an order waits before it';
COMMENT ON CONSTRAINT routing_operation_position ON routing_operation IS 'A position is greater than zero';
COMMENT ON CONSTRAINT routing_operation_name ON routing_operation IS 'Give the operation a name';
COMMENT ON CONSTRAINT routing_operation_setup ON routing_operation IS 'Minutes are not negative';
COMMENT ON CONSTRAINT routing_operation_run ON routing_operation IS 'Minutes are not negative';
COMMENT ON CONSTRAINT routing_operation_queue ON routing_operation IS 'Minutes are not negative';
COMMENT ON CONSTRAINT routing_operation_once ON routing_operation IS 'Another operation of the routing has this position already';
COMMENT ON CONSTRAINT routing_operation_work_center ON routing_operation IS 'There is no such work centre';
CALL table_register('routing_operation', 'table');

-- ------------------------------------------------------------------ of what it is made
-- Versions of an item may overlap; only one of them is the default on a day. A phantom is
-- never made for itself: wherever it is used, its own lines take its place.
CREATE TABLE bom (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    item_id    bigint NOT NULL REFERENCES item,
    revision   text NOT NULL DEFAULT '1' CONSTRAINT bom_revision CHECK (btrim(revision) <> ''),
    kind       text NOT NULL DEFAULT 'make' CONSTRAINT bom_kind CHECK (kind IN ('make', 'phantom')),
    quantity   quantity NOT NULL DEFAULT 1 CONSTRAINT bom_quantity CHECK (quantity > 0),
    valid_from date NOT NULL DEFAULT '1900-01-01',
    valid_to   date,
    routing_id bigint,
    is_default boolean NOT NULL DEFAULT true,
    active     boolean NOT NULL DEFAULT true,
    note       text,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    search_terms text[] GENERATED ALWAYS AS (search_grams(revision)) STORED,
    UNIQUE (company_id, id),
    UNIQUE (company_id, item_id, id),
    CONSTRAINT bom_revision_unique UNIQUE (company_id, item_id, revision),
    CONSTRAINT bom_in_order CHECK (valid_from <= valid_to),
    CONSTRAINT bom_routing FOREIGN KEY (company_id, routing_id) REFERENCES routing (company_id, id),
    CONSTRAINT bom_one_default EXCLUDE USING gist (
        int8range(company_id, company_id, '[]') WITH &&, int8range(item_id, item_id, '[]') WITH &&,
        daterange(valid_from, valid_to, '[]') WITH &&) WHERE (is_default AND active)
);
CREATE INDEX ON bom USING gin (search_terms);
CREATE INDEX ON bom (routing_id) WHERE routing_id IS NOT NULL;
COMMENT ON TABLE bom IS 'Bill of materials: what an item is made of';
COMMENT ON COLUMN bom.item_id IS 'Item: what is made';
COMMENT ON COLUMN bom.revision IS 'Version';
COMMENT ON COLUMN bom.kind IS 'Kind: made by production orders, or a phantom whose lines take its place';
COMMENT ON COLUMN bom.quantity IS 'Quantity: what the lines are enough for, in the unit of the item';
COMMENT ON COLUMN bom.valid_from IS 'Valid from';
COMMENT ON COLUMN bom.valid_to IS 'Valid to: the last day; empty: until further notice';
COMMENT ON COLUMN bom.routing_id IS 'Routing: how it is made';
COMMENT ON COLUMN bom.is_default IS 'Default: taken when no version is named; one for each item and day';
COMMENT ON COLUMN bom.active IS 'Active';
COMMENT ON COLUMN bom.note IS 'Note';
COMMENT ON CONSTRAINT bom_revision ON bom IS 'Give the version a name';
COMMENT ON CONSTRAINT bom_kind ON bom IS 'A bill of materials is of the kind make or phantom';
COMMENT ON CONSTRAINT bom_quantity ON bom IS 'Enter a quantity greater than zero';
COMMENT ON CONSTRAINT bom_revision_unique ON bom IS 'This item has a version with this name already';
COMMENT ON CONSTRAINT bom_in_order ON bom IS 'A version begins before it ends';
COMMENT ON CONSTRAINT bom_routing ON bom IS 'There is no such routing';
COMMENT ON CONSTRAINT bom_one_default ON bom IS 'The item has another default version in this time: end that one first';
CALL table_register('bom', 'table');

CREATE TABLE bom_line (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    bom_id     bigint NOT NULL,
    position   integer NOT NULL DEFAULT 1,
    item_id    bigint NOT NULL REFERENCES item,
    quantity   quantity NOT NULL CONSTRAINT bom_line_quantity CHECK (quantity > 0),
    scrap      percent NOT NULL DEFAULT 0 CONSTRAINT bom_line_scrap CHECK (scrap >= 0 AND scrap <= 1000),
    operation  integer,
    UNIQUE (company_id, id),
    FOREIGN KEY (company_id, bom_id) REFERENCES bom (company_id, id) ON DELETE CASCADE
);
CREATE INDEX ON bom_line (bom_id, position);
CREATE INDEX ON bom_line (company_id, item_id);
COMMENT ON TABLE bom_line IS 'Line of a bill of materials';
COMMENT ON COLUMN bom_line.position IS 'Position';
COMMENT ON COLUMN bom_line.item_id IS 'Item: what is needed';
COMMENT ON COLUMN bom_line.quantity IS 'Quantity: in the unit of the item';
COMMENT ON COLUMN bom_line.scrap IS 'Scrap: percent that is needed on top, since it is lost';
COMMENT ON COLUMN bom_line.operation IS 'Operation: position of the one that needs it; empty: the first';
COMMENT ON CONSTRAINT bom_line_quantity ON bom_line IS 'Enter a quantity greater than zero';
COMMENT ON CONSTRAINT bom_line_scrap ON bom_line IS 'Scrap is between 0 and 1000 percent';
CALL table_register('bom_line', 'table');

-- ------------------------------------------------------------------ who may
INSERT INTO permission (role_id, entity, action)
SELECT r.id, e, CASE WHEN r.code IN ('production', 'manager') THEN '*' ELSE 'read' END
  FROM role r CROSS JOIN unnest(ARRAY['bom', 'routing', 'work_center']) e
 WHERE r.code IN ('production', 'manager', 'warehouse', 'sales', 'finance', 'purchasing', 'quality', 'service');

INSERT INTO company_setup (module, position, function) VALUES ('production', 58, 'production_company_setup');
