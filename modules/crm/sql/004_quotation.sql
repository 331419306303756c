-- The opportunity that a quotation answers: a link of this module's on the order.
ALTER TABLE sales_order ADD COLUMN opportunity_id bigint,
    ADD CONSTRAINT sales_order_opportunity FOREIGN KEY (company_id, opportunity_id)
        REFERENCES opportunity (company_id, id);
CREATE INDEX ON sales_order (opportunity_id) WHERE opportunity_id IS NOT NULL;
COMMENT ON COLUMN sales_order.opportunity_id IS 'Opportunity: that the quotation answers';
COMMENT ON CONSTRAINT sales_order_opportunity ON sales_order IS 'There is no such opportunity';
