-- Sales orders: one row from the first quotation to the last payment. The state says what
-- was decided; how far the order has come (delivered, invoiced, paid) stands in columns that
-- the database keeps itself.

INSERT INTO company_setup (module, position, function) VALUES ('sales', 60, 'sales_company_setup');

CREATE TABLE sales_order (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id      bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    number          text NOT NULL DEFAULT document_number('sales_order'),
    customer_id     bigint NOT NULL REFERENCES party,
    order_date      date NOT NULL DEFAULT app_today(),
    required_date   date,
    valid_until     date,
    revision        integer NOT NULL DEFAULT 1,
    currency_code   currency_code NOT NULL DEFAULT current_setting('tenon.currency'),
    exchange_rate   rate NOT NULL,
    price_list_id   bigint,
    payment_term_id bigint,
    warehouse_id    bigint,
    salesperson_id  bigint REFERENCES app_user,
    invoice_policy  text NOT NULL DEFAULT 'delivered'
                    CONSTRAINT sales_order_invoice_policy CHECK (invoice_policy IN ('delivered', 'ordered')),
    customer_reference    text,
    shipping_name         text,
    shipping_street       text,
    shipping_city         text,
    shipping_region       text,
    shipping_postal_code  text,
    shipping_country_code country_code,
    note            text,
    accepted_by     text,
    accepted_at     timestamptz,
    net             amount NOT NULL DEFAULT 0,
    tax             amount NOT NULL DEFAULT 0,
    total           amount GENERATED ALWAYS AS (net + tax) STORED,
    delivered       text NOT NULL DEFAULT 'none'
                    CONSTRAINT sales_order_delivered CHECK (delivered IN ('none', 'part', 'full')),
    invoiced        text NOT NULL DEFAULT 'none'
                    CONSTRAINT sales_order_invoiced CHECK (invoiced IN ('none', 'part', 'full')),
    paid            text NOT NULL DEFAULT 'none'
                    CONSTRAINT sales_order_paid CHECK (paid IN ('none', 'part', 'full')),
    open_value      base_amount NOT NULL DEFAULT 0,
    quoted_at       timestamptz,
    confirmed_at    timestamptz,
    credit_released_by    bigint REFERENCES app_user,
    credit_released_at    timestamptz,
    credit_released_total amount,
    flow_id         bigint,
    state           text NOT NULL DEFAULT 'draft',
    workflow_id     bigint REFERENCES workflow,
    version         integer NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    created_by      bigint DEFAULT app_user_id(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    updated_by      bigint,
    search_terms    text[] GENERATED ALWAYS AS
                    (search_grams(number || ' ' || coalesce(customer_reference, ''))) STORED,
    UNIQUE (company_id, id),
    CONSTRAINT sales_order_number_unique UNIQUE (company_id, number),
    CONSTRAINT sales_order_required_date CHECK (required_date >= order_date),
    CONSTRAINT sales_order_price_list FOREIGN KEY (company_id, price_list_id) REFERENCES price_list (company_id, id),
    CONSTRAINT sales_order_payment_term FOREIGN KEY (company_id, payment_term_id) REFERENCES payment_term (company_id, id),
    CONSTRAINT sales_order_warehouse FOREIGN KEY (company_id, warehouse_id) REFERENCES warehouse (company_id, id),
    FOREIGN KEY (company_id, flow_id) REFERENCES flow (company_id, id)
);
CREATE INDEX ON sales_order (company_id, order_date DESC, id DESC);
CREATE INDEX ON sales_order (company_id, customer_id, id);
CREATE INDEX ON sales_order (company_id, state, id);
CREATE INDEX ON sales_order USING gin (search_terms);
CALL table_register('sales_order', 'table', '{revision,net,tax,delivered,invoiced,paid,open_value,quoted_at,confirmed_at,credit_released_by,credit_released_at,credit_released_total}');

COMMENT ON TABLE sales_order IS 'Sales order: from the quotation to the payment';
COMMENT ON COLUMN sales_order.number IS 'Number';
COMMENT ON COLUMN sales_order.customer_id IS 'Customer';
COMMENT ON COLUMN sales_order.order_date IS 'Order date';
COMMENT ON COLUMN sales_order.required_date IS 'Required date: when the customer wants the goods';
COMMENT ON COLUMN sales_order.valid_until IS 'Valid until: the last day on which the quotation can be accepted';
COMMENT ON COLUMN sales_order.revision IS 'Revision: of the quotation; only the last one can be accepted';
COMMENT ON COLUMN sales_order.currency_code IS 'Currency';
COMMENT ON COLUMN sales_order.exchange_rate IS 'Exchange rate: company currency for one unit of the currency of the order';
COMMENT ON COLUMN sales_order.price_list_id IS 'Price list: where the prices come from; empty: the price list of the customer';
COMMENT ON COLUMN sales_order.payment_term_id IS 'Payment term';
COMMENT ON COLUMN sales_order.warehouse_id IS 'Warehouse: from where the goods are delivered';
COMMENT ON COLUMN sales_order.salesperson_id IS 'Salesperson';
COMMENT ON COLUMN sales_order.invoice_policy IS 'Invoice what is: delivered quantities, or ordered quantities';
COMMENT ON COLUMN sales_order.customer_reference IS 'Customer reference: the number of the order at the customer';
COMMENT ON COLUMN sales_order.shipping_name IS 'Ship to';
COMMENT ON COLUMN sales_order.shipping_street IS 'Street';
COMMENT ON COLUMN sales_order.shipping_city IS 'City';
COMMENT ON COLUMN sales_order.shipping_region IS 'Region';
COMMENT ON COLUMN sales_order.shipping_postal_code IS 'Postal code';
COMMENT ON COLUMN sales_order.shipping_country_code IS 'Country';
COMMENT ON COLUMN sales_order.note IS 'Note';
COMMENT ON COLUMN sales_order.accepted_by IS 'Accepted by: who accepted the quotation for the customer';
COMMENT ON COLUMN sales_order.accepted_at IS 'Accepted at';
COMMENT ON COLUMN sales_order.net IS 'Net: without tax';
COMMENT ON COLUMN sales_order.tax IS 'Tax';
COMMENT ON COLUMN sales_order.total IS 'Total: with tax';
COMMENT ON COLUMN sales_order.delivered IS 'Delivered';
COMMENT ON COLUMN sales_order.invoiced IS 'Invoiced';
COMMENT ON COLUMN sales_order.paid IS 'Paid';
COMMENT ON COLUMN sales_order.open_value IS 'Open value: confirmed and not yet invoiced, in company currency';
COMMENT ON COLUMN sales_order.quoted_at IS 'Quoted at';
COMMENT ON COLUMN sales_order.confirmed_at IS 'Confirmed at';
COMMENT ON COLUMN sales_order.credit_released_by IS 'Credit released by: who takes this order over the credit limit';
COMMENT ON COLUMN sales_order.credit_released_at IS 'Credit released at';
COMMENT ON COLUMN sales_order.credit_released_total IS 'Credit released for: a higher total needs a new release';
COMMENT ON COLUMN sales_order.flow_id IS 'Flow';
COMMENT ON COLUMN sales_order.state IS 'State';
COMMENT ON CONSTRAINT sales_order_number_unique ON sales_order IS 'Another order has this number already';
COMMENT ON CONSTRAINT sales_order_required_date ON sales_order IS 'The required date cannot be before the order date';
COMMENT ON CONSTRAINT sales_order_invoice_policy ON sales_order IS 'Invoice delivered or ordered quantities';
COMMENT ON CONSTRAINT sales_order_price_list ON sales_order IS 'There is no such price list';
COMMENT ON CONSTRAINT sales_order_payment_term ON sales_order IS 'There is no such payment term';
COMMENT ON CONSTRAINT sales_order_warehouse ON sales_order IS 'There is no such warehouse';

-- A line's net is what its price, quantity and discount make it, rounded half away from
-- zero to the digits of the currency: generated, so that it cannot be anything else.
CREATE TABLE sales_order_line (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id     bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    order_id       bigint NOT NULL,
    position       integer NOT NULL,
    section        text,
    item_id        bigint NOT NULL REFERENCES item,
    description    text,
    quantity       quantity NOT NULL CONSTRAINT sales_order_line_quantity CHECK (quantity > 0),
    optional       boolean NOT NULL DEFAULT false,
    unit_price     unit_price CONSTRAINT sales_order_line_price CHECK (unit_price >= 0),
    discount       percent NOT NULL DEFAULT 0
                   CONSTRAINT sales_order_line_discount CHECK (discount BETWEEN 0 AND 100),
    price_explanation text,
    currency_code  currency_code NOT NULL DEFAULT current_setting('tenon.currency'),
    net            amount GENERATED ALWAYS AS (CASE WHEN optional THEN 0 ELSE
                       round(quantity * unit_price * (100 - discount) * 0.01, currency_scale(currency_code)) END) STORED,
    tax_id         bigint,
    tax_rate       percent NOT NULL DEFAULT 0,
    tax            amount GENERATED ALWAYS AS (CASE WHEN optional THEN 0 ELSE
                       round(round(quantity * unit_price * (100 - discount) * 0.01, currency_scale(currency_code))
                             * tax_rate * 0.01, currency_scale(currency_code)) END) STORED,
    invoice_policy text CONSTRAINT sales_order_line_policy CHECK (invoice_policy IN ('delivered', 'ordered')),
    quantity_delivered quantity NOT NULL DEFAULT 0,
    quantity_returned  quantity NOT NULL DEFAULT 0,
    quantity_invoiced  quantity NOT NULL DEFAULT 0,
    UNIQUE (company_id, id),
    UNIQUE (company_id, item_id, id),
    FOREIGN KEY (company_id, order_id) REFERENCES sales_order (company_id, id) ON DELETE CASCADE,
    CONSTRAINT sales_order_line_tax FOREIGN KEY (company_id, tax_id) REFERENCES tax (company_id, id),
    CONSTRAINT sales_order_line_delivered CHECK (quantity_delivered = 0 OR quantity_delivered > 0
        AND quantity_delivered - quantity_returned <= quantity AND (quantity_delivered = 0 OR NOT optional)),
    CONSTRAINT sales_order_line_returned CHECK (quantity_returned BETWEEN 0 AND quantity_delivered),
    CONSTRAINT sales_order_line_invoiced CHECK (quantity_invoiced = 0 OR quantity_invoiced > 0
        AND quantity_invoiced <= CASE WHEN invoice_policy = 'ordered' THEN quantity ELSE quantity_delivered END
        AND (quantity_invoiced = 0 OR NOT optional))
);
CREATE INDEX ON sales_order_line (order_id, position);
CALL table_register('sales_order_line', 'table', '{quantity_delivered,quantity_returned,quantity_invoiced}');

COMMENT ON TABLE sales_order_line IS 'Sales order line: an item, its quantity and its price';
COMMENT ON COLUMN sales_order_line.order_id IS 'Order';
COMMENT ON COLUMN sales_order_line.position IS 'Position';
COMMENT ON COLUMN sales_order_line.section IS 'Section: heading under which the line is printed';
COMMENT ON COLUMN sales_order_line.item_id IS 'Item';
COMMENT ON COLUMN sales_order_line.description IS 'Description';
COMMENT ON COLUMN sales_order_line.quantity IS 'Quantity';
COMMENT ON COLUMN sales_order_line.optional IS 'Optional: offered beside the quotation, not part of its total';
COMMENT ON COLUMN sales_order_line.unit_price IS 'Unit price: empty takes it from the price list';
COMMENT ON COLUMN sales_order_line.discount IS 'Discount: in percent';
COMMENT ON COLUMN sales_order_line.price_explanation IS 'Price from: the rule that gave the price';
COMMENT ON COLUMN sales_order_line.currency_code IS 'Currency';
COMMENT ON COLUMN sales_order_line.net IS 'Net: without tax';
COMMENT ON COLUMN sales_order_line.tax_id IS 'Tax';
COMMENT ON COLUMN sales_order_line.tax_rate IS 'Tax rate: in percent';
COMMENT ON COLUMN sales_order_line.tax IS 'Tax: rounded line by line, as on the invoice';
COMMENT ON COLUMN sales_order_line.invoice_policy IS 'Invoice what is: delivered quantities, or ordered quantities';
COMMENT ON COLUMN sales_order_line.quantity_delivered IS 'Delivered: has left the warehouse';
COMMENT ON COLUMN sales_order_line.quantity_returned IS 'Returned';
COMMENT ON COLUMN sales_order_line.quantity_invoiced IS 'Invoiced: on posted invoices, less what was credited';
COMMENT ON CONSTRAINT sales_order_line_quantity ON sales_order_line IS 'The quantity must be greater than zero';
COMMENT ON CONSTRAINT sales_order_line_price ON sales_order_line IS 'The price cannot be negative';
COMMENT ON CONSTRAINT sales_order_line_discount ON sales_order_line IS 'A discount is between 0 and 100 percent';
COMMENT ON CONSTRAINT sales_order_line_policy ON sales_order_line IS 'Invoice delivered or ordered quantities';
COMMENT ON CONSTRAINT sales_order_line_tax ON sales_order_line IS 'There is no such tax';
COMMENT ON CONSTRAINT sales_order_line_delivered ON sales_order_line IS 'The ordered quantity cannot be less than what was delivered';
COMMENT ON CONSTRAINT sales_order_line_returned ON sales_order_line IS 'No more can be returned than was delivered';
COMMENT ON CONSTRAINT sales_order_line_invoiced ON sales_order_line IS 'No more can be invoiced than was delivered or ordered';

-- What was sent to the customer, revision by revision.
CREATE TABLE sales_order_revision (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id    bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    order_id      bigint NOT NULL,
    revision      integer NOT NULL,
    quoted_at     timestamptz NOT NULL DEFAULT now(),
    quoted_by     bigint DEFAULT app_user_id(),
    valid_until   date,
    currency_code currency_code NOT NULL,
    net           amount NOT NULL,
    tax           amount NOT NULL,
    total         amount NOT NULL,
    content       jsonb NOT NULL,
    UNIQUE (company_id, id),
    UNIQUE (order_id, revision),
    FOREIGN KEY (company_id, order_id) REFERENCES sales_order (company_id, id)
);
CALL table_register('sales_order_revision', 'maintained');
COMMENT ON TABLE sales_order_revision IS 'Revision of a quotation: as it was sent to the customer';
COMMENT ON COLUMN sales_order_revision.order_id IS 'Quotation';
COMMENT ON COLUMN sales_order_revision.revision IS 'Revision';
COMMENT ON COLUMN sales_order_revision.quoted_at IS 'Quoted at';
COMMENT ON COLUMN sales_order_revision.quoted_by IS 'Quoted by';
COMMENT ON COLUMN sales_order_revision.valid_until IS 'Valid until';
COMMENT ON COLUMN sales_order_revision.currency_code IS 'Currency';
COMMENT ON COLUMN sales_order_revision.net IS 'Net';
COMMENT ON COLUMN sales_order_revision.tax IS 'Tax';
COMMENT ON COLUMN sales_order_revision.total IS 'Total';
COMMENT ON COLUMN sales_order_revision.content IS 'Content';

-- The lines that a delivery and an invoice come from. The item stands in the key: what is
-- shipped or invoiced on a line is what was ordered on it.
ALTER TABLE shipment_line ADD COLUMN sales_order_line_id bigint,
    ADD CONSTRAINT shipment_line_sales_order FOREIGN KEY (company_id, item_id, sales_order_line_id)
        REFERENCES sales_order_line (company_id, item_id, id);
CREATE INDEX ON shipment_line (sales_order_line_id) WHERE sales_order_line_id IS NOT NULL;
COMMENT ON COLUMN shipment_line.sales_order_line_id IS 'Sales order line';
COMMENT ON CONSTRAINT shipment_line_sales_order ON shipment_line IS 'There is a delivery for this line of the order';

ALTER TABLE invoice_line ADD COLUMN sales_order_line_id bigint,
    ADD CONSTRAINT invoice_line_sales_order FOREIGN KEY (company_id, item_id, sales_order_line_id)
        REFERENCES sales_order_line (company_id, item_id, id);
CREATE INDEX ON invoice_line (sales_order_line_id) WHERE sales_order_line_id IS NOT NULL;
COMMENT ON COLUMN invoice_line.sales_order_line_id IS 'Sales order line';
COMMENT ON CONSTRAINT invoice_line_sales_order ON invoice_line IS 'There is an invoice for this line of the order';

INSERT INTO permission (role_id, entity, action)
SELECT r.id, 'sales_order', a
  FROM role r, unnest(CASE r.code
       WHEN 'sales'     THEN '{read,create,change,delete,quote,revise,accept,confirm,deliver,invoice,close,cancel}'::text[]
       WHEN 'manager'   THEN '{*}'
       WHEN 'finance'   THEN '{read,invoice,close,release_credit}'
       WHEN 'warehouse' THEN '{read,deliver}' END) a
 WHERE r.code IN ('sales', 'manager', 'finance', 'warehouse');
INSERT INTO permission (role_id, entity, action)
SELECT id, 'sales_order_revision', 'read' FROM role WHERE code IN ('sales', 'finance');
