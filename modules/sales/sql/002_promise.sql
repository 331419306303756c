-- The date that the customer was told, and what covers it.
ALTER TABLE sales_order_line
    ADD COLUMN promised_date date,
    ADD COLUMN first_promised_date date,
    ADD COLUMN promise_source jsonb;
COMMENT ON COLUMN sales_order_line.promised_date IS 'Promised for: empty when nothing in stock or on its way covers it';
COMMENT ON COLUMN sales_order_line.first_promised_date IS 'First promised for: when the order was confirmed';
COMMENT ON COLUMN sales_order_line.promise_source IS 'Covered by: stock, and supply that is expected';
CALL table_register('sales_order_line', 'table',
    '{quantity_delivered,quantity_returned,quantity_invoiced,promised_date,first_promised_date,promise_source}');

ALTER TABLE promise ADD COLUMN sales_order_line_id bigint
        CONSTRAINT promise_sales_line_once UNIQUE,
    ADD CONSTRAINT promise_sales_line FOREIGN KEY (company_id, item_id, sales_order_line_id)
        REFERENCES sales_order_line (company_id, item_id, id) ON DELETE SET NULL (sales_order_line_id);
COMMENT ON COLUMN promise.sales_order_line_id IS 'Sales order line: to which it was promised';
COMMENT ON CONSTRAINT promise_sales_line_once ON promise IS 'This line has its promise already';
COMMENT ON CONSTRAINT promise_sales_line ON promise IS 'There is no such line of an order';

INSERT INTO permission (role_id, entity, action)
SELECT id, 'sales_order', 'promise' FROM role WHERE code = 'sales';
