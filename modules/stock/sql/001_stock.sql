-- Stock: where goods are, what moved, what it is worth. stock_move and stock_value are
-- ledgers; stock_balance, stock_valuation, reservation sums and shipment_line.quantity_done
-- are maintained from them by the triggers of functions.sql, and check/ proves them equal.

-- ------------------------------------------------------------------ places
CREATE TABLE warehouse (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    code       text NOT NULL CONSTRAINT warehouse_code_form CHECK (code ~ '^[^[:space:]]+$'),
    name       text NOT NULL CONSTRAINT warehouse_name CHECK (name <> ''),
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
    CONSTRAINT warehouse_code_unique UNIQUE (company_id, code)
);
CREATE INDEX ON warehouse USING gin (search_terms);
COMMENT ON TABLE warehouse IS 'Warehouse: a site that keeps stock; its stock location is made with it';
COMMENT ON COLUMN warehouse.code IS 'Code';
COMMENT ON COLUMN warehouse.name IS 'Name';
COMMENT ON COLUMN warehouse.name_zh IS 'Chinese name';
COMMENT ON COLUMN warehouse.active IS 'Active';
COMMENT ON CONSTRAINT warehouse_code_form ON warehouse IS 'A code is one word without spaces';
COMMENT ON CONSTRAINT warehouse_name ON warehouse IS 'Give the warehouse a name';
COMMENT ON CONSTRAINT warehouse_code_unique ON warehouse IS 'Another warehouse has this code already';
CALL table_register('warehouse', 'table');

-- Stock is worth something in `internal` and `transit` locations. All other kinds are the
-- far side of a move: partners, losses, what was there at the start. The tree of a warehouse
-- has one root, its stock location.
CREATE TABLE location (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    warehouse_id bigint,
    parent_id  bigint,
    kind       text NOT NULL DEFAULT 'internal' CONSTRAINT location_kind
               CHECK (kind IN ('internal', 'supplier', 'customer', 'production', 'loss', 'transit', 'opening')),
    code       text NOT NULL CONSTRAINT location_code_form CHECK (code ~ '^[^[:space:]]+$'),
    name       text NOT NULL CONSTRAINT location_name CHECK (name <> ''),
    name_zh    text,
    account_id bigint,
    allow_negative boolean NOT NULL DEFAULT false,
    active     boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    search_terms text[] GENERATED ALWAYS AS
        (search_grams(code || ' ' || name || ' ' || coalesce(name_zh, ''))) STORED,
    UNIQUE (company_id, id),
    UNIQUE (company_id, warehouse_id, id),
    CONSTRAINT location_code_unique UNIQUE (company_id, code),
    CONSTRAINT location_in_warehouse CHECK ((kind = 'internal') = (warehouse_id IS NOT NULL)),
    CONSTRAINT location_counterpart_account CHECK (account_id IS NULL OR kind NOT IN ('internal', 'transit')),
    FOREIGN KEY (company_id, warehouse_id) REFERENCES warehouse (company_id, id),
    CONSTRAINT location_parent_near FOREIGN KEY (company_id, warehouse_id, parent_id)
        REFERENCES location (company_id, warehouse_id, id),
    FOREIGN KEY (company_id, account_id) REFERENCES account (company_id, id)
);
CREATE UNIQUE INDEX location_one_root ON location (company_id, warehouse_id)
    WHERE parent_id IS NULL AND warehouse_id IS NOT NULL;
CREATE INDEX ON location USING gin (search_terms);
COMMENT ON TABLE location IS 'Location: a place in a warehouse, or the far side of a movement (customer, supplier, loss)';
COMMENT ON COLUMN location.warehouse_id IS 'Warehouse: of an internal location';
COMMENT ON COLUMN location.parent_id IS 'Part of: the zone or rack that it belongs to';
COMMENT ON COLUMN location.kind IS 'Kind: internal and transit hold own stock, all others are where it comes from or goes to';
COMMENT ON COLUMN location.code IS 'Code';
COMMENT ON COLUMN location.name IS 'Name';
COMMENT ON COLUMN location.name_zh IS 'Chinese name';
COMMENT ON COLUMN location.account_id IS 'Account: what moves from or to here are posted against; empty: by the kind';
COMMENT ON COLUMN location.allow_negative IS 'May be negative: stock may be issued here before it is received';
COMMENT ON COLUMN location.active IS 'Active';
COMMENT ON CONSTRAINT location_kind ON location IS 'A location is internal, transit, supplier, customer, production, loss or opening';
COMMENT ON CONSTRAINT location_code_form ON location IS 'A code is one word without spaces';
COMMENT ON CONSTRAINT location_name ON location IS 'Give the location a name';
COMMENT ON CONSTRAINT location_code_unique ON location IS 'Another location has this code already';
COMMENT ON CONSTRAINT location_in_warehouse ON location IS 'An internal location belongs to a warehouse, all others to none';
COMMENT ON CONSTRAINT location_counterpart_account ON location IS 'Own stock is posted to the inventory account: leave the account empty';
COMMENT ON CONSTRAINT location_parent_near ON location IS 'A location is part of one in the same warehouse';
COMMENT ON INDEX location_one_root IS 'Name the location that this one is part of: a warehouse has one root';
CALL table_register('location', 'table');

CREATE TABLE lot (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    item_id    bigint NOT NULL REFERENCES item,
    code       text NOT NULL CONSTRAINT lot_code CHECK (code <> ''),
    made_on    date,
    expires_on date,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    search_terms text[] GENERATED ALWAYS AS (search_grams(code)) STORED,
    UNIQUE (company_id, id),
    UNIQUE (company_id, item_id, id),
    CONSTRAINT lot_code_unique UNIQUE (company_id, item_id, code)
);
CREATE INDEX ON lot USING gin (search_terms);
COMMENT ON TABLE lot IS 'Lot: a batch, or one serial number, of an item';
COMMENT ON COLUMN lot.item_id IS 'Item';
COMMENT ON COLUMN lot.code IS 'Lot number: or serial number';
COMMENT ON COLUMN lot.made_on IS 'Made on';
COMMENT ON COLUMN lot.expires_on IS 'Expires on: lots that expire first are issued first';
COMMENT ON CONSTRAINT lot_code ON lot IS 'Give the lot a number';
COMMENT ON CONSTRAINT lot_code_unique ON lot IS 'This item has a lot with this number already';
CALL table_register('lot', 'table');

-- ------------------------------------------------------------------ documents
-- The far side (other_location_id) is the customer of a delivery, the supplier of a receipt,
-- and so on by the kind, unless the document names another one: a receipt from the location
-- OPENING is opening stock, a delivery to a supplier location a return to him.
CREATE TABLE shipment (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    number     text NOT NULL DEFAULT document_number('shipment'),
    kind       text NOT NULL DEFAULT 'delivery' CONSTRAINT shipment_kind
               CHECK (kind IN ('delivery', 'receipt', 'transfer', 'return')),
    party_id   bigint REFERENCES party,
    warehouse_id bigint NOT NULL,
    other_location_id bigint,
    planned_date date NOT NULL DEFAULT app_today(),
    done_date  date,
    address_name text,
    street     text,
    city       text,
    region     text,
    postal_code text,
    country_code country_code,
    carrier    text,
    tracking_number text,
    note       text,
    backorder_of_id bigint,
    flow_id    bigint,
    workflow_id bigint REFERENCES workflow,
    state      text NOT NULL DEFAULT 'draft',
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    search_terms text[] GENERATED ALWAYS AS (search_grams(number || ' ' || coalesce(address_name, '')
        || ' ' || coalesce(city, '') || ' ' || coalesce(tracking_number, ''))) STORED,
    UNIQUE (company_id, id),
    UNIQUE (company_id, number),
    CONSTRAINT shipment_transfer_target CHECK (kind <> 'transfer' OR other_location_id IS NOT NULL),
    FOREIGN KEY (company_id, warehouse_id) REFERENCES warehouse (company_id, id),
    FOREIGN KEY (company_id, other_location_id) REFERENCES location (company_id, id),
    FOREIGN KEY (company_id, backorder_of_id) REFERENCES shipment (company_id, id),
    FOREIGN KEY (company_id, flow_id) REFERENCES flow (company_id, id)
);
CREATE INDEX ON shipment USING gin (search_terms);
CREATE INDEX ON shipment (company_id, state, planned_date, id);
CREATE INDEX ON shipment (company_id, party_id, id);
CREATE INDEX ON shipment (backorder_of_id) WHERE backorder_of_id IS NOT NULL;
CREATE INDEX ON shipment (flow_id) WHERE flow_id IS NOT NULL;
COMMENT ON TABLE shipment IS 'Shipment: goods that leave, arrive or change places';
COMMENT ON COLUMN shipment.number IS 'Number';
COMMENT ON COLUMN shipment.kind IS 'Kind: delivery to a customer, receipt from a supplier, transfer between locations, return from a customer';
COMMENT ON COLUMN shipment.party_id IS 'Partner: the customer or supplier';
COMMENT ON COLUMN shipment.warehouse_id IS 'Warehouse: whose stock it is taken from or put into';
COMMENT ON COLUMN shipment.other_location_id IS 'Other side: where the goods come from or go to; empty: by the kind';
COMMENT ON COLUMN shipment.planned_date IS 'Planned date';
COMMENT ON COLUMN shipment.done_date IS 'Done on: the day on which the goods moved';
COMMENT ON COLUMN shipment.address_name IS 'Ship to: the name on the label';
COMMENT ON COLUMN shipment.street IS 'Street';
COMMENT ON COLUMN shipment.city IS 'City';
COMMENT ON COLUMN shipment.region IS 'Region';
COMMENT ON COLUMN shipment.postal_code IS 'Postal code';
COMMENT ON COLUMN shipment.country_code IS 'Country';
COMMENT ON COLUMN shipment.carrier IS 'Carrier';
COMMENT ON COLUMN shipment.tracking_number IS 'Tracking number';
COMMENT ON COLUMN shipment.note IS 'Note';
COMMENT ON COLUMN shipment.backorder_of_id IS 'Backorder of: the shipment that left this one behind';
COMMENT ON COLUMN shipment.flow_id IS 'Flow';
COMMENT ON COLUMN shipment.state IS 'State';
COMMENT ON CONSTRAINT shipment_kind ON shipment IS 'A shipment is a delivery, a receipt, a transfer or a return';
COMMENT ON CONSTRAINT shipment_transfer_target ON shipment IS 'Say where the transfer goes to';
CALL table_register('shipment', 'table', '{done_date}');

-- quantity is in the item's unit. A partial shipment lowers it to what was done; the rest
-- stands on a line of the backorder, so that the lines of all shipments add up to the demand.
CREATE TABLE shipment_line (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    shipment_id bigint NOT NULL,
    position   integer NOT NULL DEFAULT 1,
    item_id    bigint NOT NULL REFERENCES item,
    description text,
    quantity   quantity NOT NULL CONSTRAINT shipment_line_quantity CHECK (quantity > 0),
    quantity_done quantity NOT NULL DEFAULT 0,
    quantity_reserved quantity NOT NULL DEFAULT 0,
    location_id bigint,
    lot_id     bigint,
    unit_cost  unit_price CONSTRAINT shipment_line_cost CHECK (unit_cost >= 0),
    returns_line_id bigint,
    UNIQUE (company_id, id),
    UNIQUE (company_id, id, item_id),
    CONSTRAINT shipment_line_done CHECK (quantity_done >= 0 AND quantity_done <= quantity),
    CONSTRAINT shipment_line_reserved
        CHECK (quantity_reserved >= 0 AND quantity_done + quantity_reserved <= quantity),
    FOREIGN KEY (company_id, shipment_id) REFERENCES shipment (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, location_id) REFERENCES location (company_id, id),
    CONSTRAINT shipment_line_lot_of_item FOREIGN KEY (company_id, item_id, lot_id)
        REFERENCES lot (company_id, item_id, id),
    CONSTRAINT shipment_line_returns_item FOREIGN KEY (company_id, returns_line_id, item_id)
        REFERENCES shipment_line (company_id, id, item_id)
);
CREATE INDEX ON shipment_line (shipment_id, position);
CREATE INDEX ON shipment_line (company_id, item_id) WHERE quantity_done < quantity;
CREATE INDEX ON shipment_line (returns_line_id) WHERE returns_line_id IS NOT NULL;
COMMENT ON TABLE shipment_line IS 'Shipment line';
COMMENT ON COLUMN shipment_line.position IS 'Position';
COMMENT ON COLUMN shipment_line.item_id IS 'Item';
COMMENT ON COLUMN shipment_line.description IS 'Description';
COMMENT ON COLUMN shipment_line.quantity IS 'Quantity: in the unit of the item';
COMMENT ON COLUMN shipment_line.quantity_done IS 'Done: what has moved';
COMMENT ON COLUMN shipment_line.quantity_reserved IS 'Reserved: what is set aside for this line';
COMMENT ON COLUMN shipment_line.location_id IS 'Location: to pick from or to put into; empty: any of the warehouse';
COMMENT ON COLUMN shipment_line.lot_id IS 'Lot';
COMMENT ON COLUMN shipment_line.unit_cost IS 'Unit cost: of goods that arrive, in the currency of the company';
COMMENT ON COLUMN shipment_line.returns_line_id IS 'Returns: the line that comes back';
COMMENT ON CONSTRAINT shipment_line_quantity ON shipment_line IS 'Enter a quantity greater than zero';
COMMENT ON CONSTRAINT shipment_line_done ON shipment_line IS 'More than the quantity of the line cannot be moved';
COMMENT ON CONSTRAINT shipment_line_reserved ON shipment_line IS 'More is reserved or moved already than this quantity: release it first';
COMMENT ON CONSTRAINT shipment_line_cost ON shipment_line IS 'A cost is not negative';
COMMENT ON CONSTRAINT shipment_line_lot_of_item ON shipment_line IS 'This lot is of another item';
COMMENT ON CONSTRAINT shipment_line_returns_item ON shipment_line IS 'The line that comes back is of another item';
CALL table_register('shipment_line', 'table', '{quantity_done,quantity_reserved}');

CREATE TABLE stock_count (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    number     text NOT NULL DEFAULT document_number('stock_count'),
    location_id bigint NOT NULL,
    counted_on date NOT NULL DEFAULT app_today(),
    note       text,
    workflow_id bigint REFERENCES workflow,
    state      text NOT NULL DEFAULT 'draft',
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    UNIQUE (company_id, number),
    FOREIGN KEY (company_id, location_id) REFERENCES location (company_id, id)
);
COMMENT ON TABLE stock_count IS 'Stock count: what is really there';
COMMENT ON COLUMN stock_count.number IS 'Number';
COMMENT ON COLUMN stock_count.location_id IS 'Location: counted with all that is part of it';
COMMENT ON COLUMN stock_count.counted_on IS 'Counted on';
COMMENT ON COLUMN stock_count.note IS 'Note';
COMMENT ON COLUMN stock_count.state IS 'State';
CALL table_register('stock_count', 'table');

-- expected is the balance at the moment in which the counted quantity is entered (at the end
-- of counted_on, when that is an earlier day). So what moves between counting and applying
-- the count changes nothing of the difference.
CREATE TABLE stock_count_line (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    count_id   bigint NOT NULL,
    position   integer NOT NULL DEFAULT 1,
    location_id bigint,
    item_id    bigint NOT NULL REFERENCES item,
    lot_id     bigint,
    counted    quantity CONSTRAINT stock_count_line_counted CHECK (counted >= 0),
    expected   quantity,
    difference quantity GENERATED ALWAYS AS (counted - expected) STORED,
    counted_at timestamptz,
    unit_cost  unit_price CONSTRAINT stock_count_line_cost CHECK (unit_cost >= 0),
    UNIQUE (company_id, id),
    UNIQUE (company_id, id, item_id),
    CONSTRAINT stock_count_line_once UNIQUE NULLS NOT DISTINCT (count_id, item_id, location_id, lot_id),
    FOREIGN KEY (company_id, count_id) REFERENCES stock_count (company_id, id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, location_id) REFERENCES location (company_id, id),
    CONSTRAINT stock_count_line_lot_of_item FOREIGN KEY (company_id, item_id, lot_id)
        REFERENCES lot (company_id, item_id, id)
);
COMMENT ON TABLE stock_count_line IS 'Stock count line';
COMMENT ON COLUMN stock_count_line.position IS 'Position';
COMMENT ON COLUMN stock_count_line.location_id IS 'Location: empty: that of the count';
COMMENT ON COLUMN stock_count_line.item_id IS 'Item';
COMMENT ON COLUMN stock_count_line.lot_id IS 'Lot';
COMMENT ON COLUMN stock_count_line.counted IS 'Counted: empty: not counted yet';
COMMENT ON COLUMN stock_count_line.expected IS 'Expected: what the books said when it was counted';
COMMENT ON COLUMN stock_count_line.difference IS 'Difference';
COMMENT ON COLUMN stock_count_line.counted_at IS 'Counted at';
COMMENT ON COLUMN stock_count_line.unit_cost IS 'Unit cost: of what was found, when the item has no cost yet';
COMMENT ON CONSTRAINT stock_count_line_counted ON stock_count_line IS 'A counted quantity is not negative';
COMMENT ON CONSTRAINT stock_count_line_cost ON stock_count_line IS 'A cost is not negative';
COMMENT ON CONSTRAINT stock_count_line_once ON stock_count_line IS 'This item is on the count already';
COMMENT ON CONSTRAINT stock_count_line_lot_of_item ON stock_count_line IS 'This lot is of another item';
CALL table_register('stock_count_line', 'table', '{expected,counted_at}');

-- What a company begins with: each row makes its move at once. No state, so that an import
-- needs nothing but the generic create.
CREATE TABLE stock_opening (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    opened_on  date NOT NULL DEFAULT app_today(),
    warehouse_id bigint,
    location_id bigint,
    item_id    bigint NOT NULL REFERENCES item,
    lot_id     bigint,
    quantity   quantity NOT NULL CONSTRAINT stock_opening_quantity CHECK (quantity > 0),
    unit_cost  unit_price NOT NULL CONSTRAINT stock_opening_cost CHECK (unit_cost >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    UNIQUE (company_id, id),
    UNIQUE (company_id, id, item_id),
    FOREIGN KEY (company_id, warehouse_id) REFERENCES warehouse (company_id, id),
    FOREIGN KEY (company_id, location_id) REFERENCES location (company_id, id),
    CONSTRAINT stock_opening_lot_of_item FOREIGN KEY (company_id, item_id, lot_id)
        REFERENCES lot (company_id, item_id, id)
);
COMMENT ON TABLE stock_opening IS 'Opening stock: what was there on the first day, with its cost';
COMMENT ON COLUMN stock_opening.opened_on IS 'Date';
COMMENT ON COLUMN stock_opening.warehouse_id IS 'Warehouse: empty: the first one of the company';
COMMENT ON COLUMN stock_opening.location_id IS 'Location: empty: the stock location of the warehouse';
COMMENT ON COLUMN stock_opening.item_id IS 'Item';
COMMENT ON COLUMN stock_opening.lot_id IS 'Lot';
COMMENT ON COLUMN stock_opening.quantity IS 'Quantity: in the unit of the item';
COMMENT ON COLUMN stock_opening.unit_cost IS 'Unit cost: in the currency of the company';
COMMENT ON CONSTRAINT stock_opening_quantity ON stock_opening IS 'Enter a quantity greater than zero';
COMMENT ON CONSTRAINT stock_opening_cost ON stock_opening IS 'A cost is not negative';
COMMENT ON CONSTRAINT stock_opening_lot_of_item ON stock_opening IS 'This lot is of another item';
CALL table_register('stock_opening', 'ledger');

-- ------------------------------------------------------------------ balances
CREATE TABLE stock_balance (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL REFERENCES company,
    item_id    bigint NOT NULL REFERENCES item,
    location_id bigint NOT NULL,
    lot_id     bigint,
    on_hand    quantity NOT NULL DEFAULT 0,
    reserved   quantity NOT NULL DEFAULT 0 CONSTRAINT stock_balance_reserved CHECK (reserved >= 0),
    check_from date,
    UNIQUE NULLS NOT DISTINCT (company_id, item_id, location_id, lot_id),
    FOREIGN KEY (company_id, location_id) REFERENCES location (company_id, id),
    FOREIGN KEY (company_id, item_id, lot_id) REFERENCES lot (company_id, item_id, id)
) WITH (fillfactor = 60);
COMMENT ON TABLE stock_balance IS 'Stock: what is where';
COMMENT ON COLUMN stock_balance.item_id IS 'Item';
COMMENT ON COLUMN stock_balance.location_id IS 'Location';
COMMENT ON COLUMN stock_balance.lot_id IS 'Lot';
COMMENT ON COLUMN stock_balance.on_hand IS 'On hand';
COMMENT ON COLUMN stock_balance.reserved IS 'Reserved: set aside for shipments';
COMMENT ON COLUMN stock_balance.check_from IS 'Check from: until it is saved, the day since which the past is looked at again';
COMMENT ON CONSTRAINT stock_balance_reserved ON stock_balance IS 'Less than nothing cannot be reserved';
CALL table_register('stock_balance', 'maintained');

-- A shipment line's hold on a balance. One row per line, location and lot; a move of the line
-- consumes it.
CREATE TABLE reservation (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    shipment_line_id bigint NOT NULL,
    item_id    bigint NOT NULL,
    location_id bigint NOT NULL,
    lot_id     bigint,
    quantity   quantity NOT NULL CONSTRAINT reservation_quantity CHECK (quantity > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (company_id, id),
    CONSTRAINT reservation_once UNIQUE NULLS NOT DISTINCT (shipment_line_id, location_id, lot_id),
    FOREIGN KEY (company_id, shipment_line_id, item_id)
        REFERENCES shipment_line (company_id, id, item_id) ON DELETE CASCADE,
    FOREIGN KEY (company_id, location_id) REFERENCES location (company_id, id),
    FOREIGN KEY (company_id, item_id, lot_id) REFERENCES lot (company_id, item_id, id)
);
CREATE INDEX ON reservation (company_id, item_id, location_id);
COMMENT ON TABLE reservation IS 'Reservation: stock that is set aside for a shipment';
COMMENT ON COLUMN reservation.shipment_line_id IS 'Shipment line';
COMMENT ON COLUMN reservation.item_id IS 'Item';
COMMENT ON COLUMN reservation.location_id IS 'Location';
COMMENT ON COLUMN reservation.lot_id IS 'Lot';
COMMENT ON COLUMN reservation.quantity IS 'Quantity';
COMMENT ON CONSTRAINT reservation_quantity ON reservation IS 'Enter a quantity greater than zero';
COMMENT ON CONSTRAINT reservation_once ON reservation IS 'This stock is reserved for the line already';
CALL table_register('reservation', 'table');

-- ------------------------------------------------------------------ ledgers
-- direction says what a move does to the value of the company's stock: 1 arrives, -1 leaves,
-- 0 stays. Goods that arrive carry the cost at which they do (unit_cost, in the company's
-- currency). The order of valuation is (moved_on, id).
CREATE TABLE stock_move (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    item_id    bigint NOT NULL REFERENCES item,
    quantity   quantity NOT NULL CONSTRAINT stock_move_quantity CHECK (quantity > 0),
    from_location_id bigint NOT NULL,
    to_location_id bigint NOT NULL,
    lot_id     bigint,
    moved_on   date NOT NULL DEFAULT app_today(),
    unit_cost  unit_price CONSTRAINT stock_move_cost CHECK (unit_cost >= 0),
    shipment_line_id bigint,
    stock_count_line_id bigint,
    stock_opening_id bigint,
    direction  smallint NOT NULL DEFAULT 0,
    standard_cost unit_price,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    UNIQUE (company_id, id),
    CONSTRAINT stock_move_somewhere CHECK (from_location_id <> to_location_id),
    FOREIGN KEY (company_id, from_location_id) REFERENCES location (company_id, id),
    FOREIGN KEY (company_id, to_location_id) REFERENCES location (company_id, id),
    CONSTRAINT stock_move_lot_of_item FOREIGN KEY (company_id, item_id, lot_id)
        REFERENCES lot (company_id, item_id, id),
    FOREIGN KEY (company_id, shipment_line_id, item_id)
        REFERENCES shipment_line (company_id, id, item_id),
    FOREIGN KEY (company_id, stock_count_line_id, item_id)
        REFERENCES stock_count_line (company_id, id, item_id),
    FOREIGN KEY (company_id, stock_opening_id, item_id)
        REFERENCES stock_opening (company_id, id, item_id)
);
CREATE INDEX ON stock_move (company_id, item_id, moved_on, id);
CREATE INDEX stock_move_arrival ON stock_move (company_id, item_id, moved_on, id) WHERE direction = 1;
CREATE INDEX ON stock_move (shipment_line_id) WHERE shipment_line_id IS NOT NULL;
CREATE INDEX ON stock_move (stock_count_line_id) WHERE stock_count_line_id IS NOT NULL;
CREATE UNIQUE INDEX ON stock_move (stock_opening_id) WHERE stock_opening_id IS NOT NULL;
COMMENT ON TABLE stock_move IS 'Stock movement: it has happened, and stays';
COMMENT ON COLUMN stock_move.item_id IS 'Item';
COMMENT ON COLUMN stock_move.quantity IS 'Quantity';
COMMENT ON COLUMN stock_move.from_location_id IS 'From';
COMMENT ON COLUMN stock_move.to_location_id IS 'To';
COMMENT ON COLUMN stock_move.lot_id IS 'Lot';
COMMENT ON COLUMN stock_move.moved_on IS 'Moved on';
COMMENT ON COLUMN stock_move.unit_cost IS 'Unit cost: at which goods arrive; empty for a return or a find: what they cost when they left';
COMMENT ON COLUMN stock_move.shipment_line_id IS 'Shipment line';
COMMENT ON COLUMN stock_move.stock_count_line_id IS 'Count line';
COMMENT ON COLUMN stock_move.stock_opening_id IS 'Opening stock';
COMMENT ON COLUMN stock_move.direction IS 'Direction: 1 adds to the value of the stock, -1 takes from it, 0 only changes places';
COMMENT ON COLUMN stock_move.standard_cost IS 'Standard cost: of an item at standard cost, on that day';
COMMENT ON CONSTRAINT stock_move_quantity ON stock_move IS 'Enter a quantity greater than zero';
COMMENT ON CONSTRAINT stock_move_cost ON stock_move IS 'A cost is not negative';
COMMENT ON CONSTRAINT stock_move_somewhere ON stock_move IS 'Goods move from one location to another';
COMMENT ON CONSTRAINT stock_move_lot_of_item ON stock_move IS 'This lot is of another item';
CALL table_register('stock_move', 'ledger', '{direction,standard_cost,created_at,created_by}');

-- The head of an item's valuation in a company: its row is locked before anything of the
-- item moves or is reserved, heads in the order of item_id. It says what the ledgers add up to.
CREATE TABLE stock_valuation (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL REFERENCES company,
    item_id    bigint NOT NULL REFERENCES item,
    costing    text NOT NULL CHECK (costing IN ('fifo', 'average', 'standard')),
    quantity   quantity NOT NULL DEFAULT 0,
    value      base_amount NOT NULL DEFAULT 0,
    last_on    date,
    last_id    bigint,
    UNIQUE (item_id, company_id),
    CONSTRAINT stock_valuation_nothing CHECK (quantity <> 0 OR value = 0)
) WITH (fillfactor = 60);
COMMENT ON TABLE stock_valuation IS 'Stock value: what the stock of an item is worth';
COMMENT ON COLUMN stock_valuation.item_id IS 'Item';
COMMENT ON COLUMN stock_valuation.costing IS 'Costing: the method since the first movement';
COMMENT ON COLUMN stock_valuation.quantity IS 'Quantity';
COMMENT ON COLUMN stock_valuation.value IS 'Value';
COMMENT ON COLUMN stock_valuation.last_on IS 'Last movement';
COMMENT ON CONSTRAINT stock_valuation_nothing ON stock_valuation IS 'No stock is worth nothing';
CALL table_register('stock_valuation', 'maintained');

-- What is posted together: one journal entry per document and day, made at COMMIT, so that
-- the journal's counter is locked last. journal_entry_id stays null when all amounts are zero.
CREATE TABLE stock_posting (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL REFERENCES company,
    posting_date date NOT NULL,
    source_entity text NOT NULL,
    source_id  bigint,
    reason     text NOT NULL,
    journal_entry_id bigint,
    UNIQUE (company_id, id),
    FOREIGN KEY (company_id, journal_entry_id) REFERENCES journal_entry (company_id, id)
);
COMMENT ON TABLE stock_posting IS 'Stock posting: the journal entry of movements';
CALL table_register('stock_posting', 'maintained');

-- The value of each move, and of each later correction of it: append-only (functions.sql).
CREATE TABLE stock_value (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL REFERENCES company,
    item_id    bigint NOT NULL REFERENCES item,
    move_id    bigint NOT NULL,
    posting_date date NOT NULL,
    amount     base_amount NOT NULL,
    variance   base_amount NOT NULL DEFAULT 0,
    reason     text NOT NULL CHECK (reason IN ('move', 'revaluation')),
    posting_id bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (company_id, id),
    FOREIGN KEY (company_id, move_id) REFERENCES stock_move (company_id, id),
    FOREIGN KEY (company_id, posting_id) REFERENCES stock_posting (company_id, id)
);
CREATE INDEX ON stock_value (move_id);
CREATE INDEX ON stock_value (posting_id);
CREATE INDEX ON stock_value (company_id, posting_date);
COMMENT ON TABLE stock_value IS 'Value of a movement: and of each later correction of it';
COMMENT ON COLUMN stock_value.item_id IS 'Item';
COMMENT ON COLUMN stock_value.move_id IS 'Movement';
COMMENT ON COLUMN stock_value.posting_date IS 'Posted on';
COMMENT ON COLUMN stock_value.amount IS 'Amount: what it adds to the value of the stock';
COMMENT ON COLUMN stock_value.variance IS 'Variance: what goods cost on arrival above the value that they add';
COMMENT ON COLUMN stock_value.reason IS 'Reason: the movement itself, or a re-valuation after another one was booked before it';
CALL table_register('stock_value', 'maintained');

-- ------------------------------------------------------------------ who may
INSERT INTO permission (role_id, entity, action)
SELECT r.id, e, a
  FROM role r
 CROSS JOIN unnest(ARRAY['warehouse', 'location', 'lot', 'shipment', 'stock_count', 'stock_opening',
                         'stock_move', 'stock_balance', 'reservation', 'stock_valuation', 'stock_value',
                         'stock_available']) e
 CROSS JOIN unnest(ARRAY['read', '*']) a
 WHERE a = CASE WHEN r.code IN ('warehouse', 'manager') THEN '*' WHEN r.code IN ('sales', 'finance') THEN 'read' END
    OR (r.code = 'finance' AND e = 'stock_opening' AND a = '*');

INSERT INTO company_setup (module, position, function) VALUES ('stock', 50, 'stock_company_setup');
