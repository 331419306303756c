-- What happens in production to what a customer ordered, told on his order line: each milestone
-- when it was reached, and the one at which the line is.
ALTER TABLE sales_order_line
    ADD COLUMN milestone text CONSTRAINT sales_order_line_milestone CHECK (milestone IN
        ('planned', 'released', 'started', 'finished', 'inspected', 'stocked', 'shipped'));
COMMENT ON COLUMN sales_order_line.milestone IS 'Milestone: how far what is made for this line is; the least advanced counts';
CALL table_register('sales_order_line', 'table',
    '{quantity_delivered,quantity_returned,quantity_invoiced,promised_date,first_promised_date,promise_source,milestone}');

CREATE TABLE sales_order_milestone (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL REFERENCES company,
    order_id   bigint NOT NULL,
    sales_order_line_id bigint NOT NULL,
    milestone  text NOT NULL CHECK (milestone IN
        ('planned', 'released', 'started', 'finished', 'inspected', 'stocked', 'shipped')),
    production_order_id bigint,
    reached_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sales_order_milestone_once
        UNIQUE NULLS NOT DISTINCT (sales_order_line_id, milestone, production_order_id),
    FOREIGN KEY (company_id, order_id) REFERENCES sales_order (company_id, id),
    FOREIGN KEY (company_id, sales_order_line_id) REFERENCES sales_order_line (company_id, id),
    FOREIGN KEY (company_id, production_order_id) REFERENCES production_order (company_id, id)
);
CREATE INDEX ON sales_order_milestone (order_id, reached_at);
CREATE INDEX ON sales_order_milestone (production_order_id) WHERE production_order_id IS NOT NULL;
COMMENT ON TABLE sales_order_milestone IS 'Milestone of an order line: reached in production or by the delivery';
COMMENT ON COLUMN sales_order_milestone.order_id IS 'Sales order';
COMMENT ON COLUMN sales_order_milestone.sales_order_line_id IS 'Sales order line';
COMMENT ON COLUMN sales_order_milestone.milestone IS 'Milestone';
COMMENT ON COLUMN sales_order_milestone.production_order_id IS 'Production order';
COMMENT ON COLUMN sales_order_milestone.reached_at IS 'Reached at';
CALL table_register('sales_order_milestone', 'maintained');

INSERT INTO permission (role_id, entity, action)
SELECT id, 'sales_order_milestone', 'read' FROM role
 WHERE code IN ('sales', 'manager', 'finance', 'warehouse', 'production', 'service');
