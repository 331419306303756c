-- Opportunities: what may be sold to whom, by when, and how likely. The stage is data and is
-- moved by `move`; the state says whether it is open, won or lost.

-- The pipeline of an opportunity that names none.
CREATE FUNCTION pipeline_default() RETURNS bigint LANGUAGE sql STABLE AS
    $$ SELECT id FROM pipeline WHERE company_id = app_company() AND is_default $$;
GRANT EXECUTE ON FUNCTION pipeline_default TO tenon_app;

CREATE TABLE opportunity (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id    bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    number        text NOT NULL DEFAULT document_number('opportunity'),
    name          text NOT NULL CONSTRAINT opportunity_name_given CHECK (btrim(name) <> ''),
    party_id      bigint NOT NULL REFERENCES party,
    contact_id    bigint REFERENCES party,
    lead_id       bigint,
    pipeline_id   bigint NOT NULL DEFAULT pipeline_default(),
    stage_id      bigint,
    probability   percent CONSTRAINT opportunity_probability CHECK (probability BETWEEN 0 AND 100),
    expected_amount amount NOT NULL DEFAULT 0 CONSTRAINT opportunity_expected_amount CHECK (expected_amount >= 0),
    currency_code currency_code NOT NULL DEFAULT current_setting('tenon.currency') REFERENCES currency (code),
    close_date    date,
    source_id     bigint REFERENCES lead_source,
    medium        text,
    campaign      text,
    team_id       bigint,
    salesperson_id bigint REFERENCES app_user,
    description   text,
    competitor    text,
    reason_id     bigint REFERENCES lost_reason,
    reason_note   text,
    closed_at     timestamptz,
    flow_id       bigint,
    state         text NOT NULL DEFAULT 'open',
    workflow_id   bigint REFERENCES workflow,
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    bigint DEFAULT app_user_id(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    updated_by    bigint,
    version       integer NOT NULL DEFAULT 1,
    search_terms  text[] GENERATED ALWAYS AS (search_grams(number || ' ' || name)) STORED,
    UNIQUE (company_id, id),
    CONSTRAINT opportunity_number_unique UNIQUE (company_id, number),
    CONSTRAINT opportunity_stage_given CHECK (stage_id IS NOT NULL AND probability IS NOT NULL),
    CONSTRAINT opportunity_expected_digits CHECK (expected_amount = round(expected_amount, currency_scale(currency_code))),
    CONSTRAINT opportunity_lost CHECK ((state = 'lost') <= (reason_id IS NOT NULL)),
    CONSTRAINT opportunity_stage_fkey FOREIGN KEY (company_id, pipeline_id, stage_id)
        REFERENCES pipeline_stage (company_id, pipeline_id, id),
    CONSTRAINT opportunity_pipeline_fkey FOREIGN KEY (company_id, pipeline_id) REFERENCES pipeline (company_id, id),
    CONSTRAINT opportunity_lead_fkey FOREIGN KEY (company_id, lead_id) REFERENCES lead (company_id, id),
    CONSTRAINT opportunity_team_fkey FOREIGN KEY (company_id, team_id) REFERENCES sales_team (company_id, id),
    FOREIGN KEY (company_id, flow_id) REFERENCES flow (company_id, id)
);
CREATE UNIQUE INDEX opportunity_of_lead ON opportunity (lead_id) WHERE lead_id IS NOT NULL;
CREATE INDEX ON opportunity USING gin (search_terms);
CREATE INDEX ON opportunity (company_id, pipeline_id, stage_id) WHERE state NOT IN ('won', 'lost');
CREATE INDEX ON opportunity (party_id);
COMMENT ON TABLE opportunity IS 'Opportunity: what may be sold';
COMMENT ON COLUMN opportunity.number IS 'Number';
COMMENT ON COLUMN opportunity.name IS 'Name: what it is about';
COMMENT ON COLUMN opportunity.party_id IS 'Customer';
COMMENT ON COLUMN opportunity.contact_id IS 'Contact';
COMMENT ON COLUMN opportunity.lead_id IS 'Lead: where it came from';
COMMENT ON COLUMN opportunity.pipeline_id IS 'Pipeline';
COMMENT ON COLUMN opportunity.stage_id IS 'Stage: empty for the first one';
COMMENT ON COLUMN opportunity.probability IS 'Probability: in percent; that of the stage unless typed';
COMMENT ON COLUMN opportunity.expected_amount IS 'Expected amount: the sum of the lines where there are any';
COMMENT ON COLUMN opportunity.currency_code IS 'Currency';
COMMENT ON COLUMN opportunity.close_date IS 'Expected on: when the customer decides';
COMMENT ON COLUMN opportunity.source_id IS 'Source';
COMMENT ON COLUMN opportunity.medium IS 'Medium';
COMMENT ON COLUMN opportunity.campaign IS 'Campaign';
COMMENT ON COLUMN opportunity.team_id IS 'Sales team';
COMMENT ON COLUMN opportunity.salesperson_id IS 'Salesperson';
COMMENT ON COLUMN opportunity.description IS 'Description';
COMMENT ON COLUMN opportunity.competitor IS 'Competitor: who else offers';
COMMENT ON COLUMN opportunity.reason_id IS 'Reason: why it was won or lost';
COMMENT ON COLUMN opportunity.reason_note IS 'Note on the reason';
COMMENT ON COLUMN opportunity.closed_at IS 'Closed at';
COMMENT ON COLUMN opportunity.state IS 'State';
COMMENT ON CONSTRAINT opportunity_name_given ON opportunity IS 'Give the opportunity a name';
COMMENT ON CONSTRAINT opportunity_number_unique ON opportunity IS 'Another opportunity has this number already';
COMMENT ON CONSTRAINT opportunity_stage_given ON opportunity IS 'The pipeline has no stage';
COMMENT ON CONSTRAINT opportunity_stage_fkey ON opportunity IS 'The stage is not one of this pipeline';
COMMENT ON CONSTRAINT opportunity_pipeline_fkey ON opportunity IS 'There is no such pipeline';
COMMENT ON CONSTRAINT opportunity_lead_fkey ON opportunity IS 'There is no such lead';
COMMENT ON CONSTRAINT opportunity_probability ON opportunity IS 'A probability is between 0 and 100';
COMMENT ON CONSTRAINT opportunity_expected_amount ON opportunity IS 'An expected amount is not negative';
COMMENT ON CONSTRAINT opportunity_expected_digits ON opportunity IS 'The amount has more digits than its currency';
COMMENT ON CONSTRAINT opportunity_lost ON opportunity IS 'Say why the opportunity was lost';
COMMENT ON CONSTRAINT opportunity_party_id_fkey ON opportunity IS 'There is no such party';
COMMENT ON CONSTRAINT opportunity_contact_id_fkey ON opportunity IS 'There is no such party';
COMMENT ON CONSTRAINT opportunity_team_fkey ON opportunity IS 'There is no such sales team';
COMMENT ON CONSTRAINT opportunity_salesperson_id_fkey ON opportunity IS 'There is no such user';
COMMENT ON CONSTRAINT opportunity_source_id_fkey ON opportunity IS 'There is no such source';
COMMENT ON CONSTRAINT opportunity_reason_id_fkey ON opportunity IS 'There is no such reason';
COMMENT ON CONSTRAINT opportunity_currency_code_fkey ON opportunity IS 'There is no such currency';
COMMENT ON INDEX opportunity_of_lead IS 'This lead became an opportunity already';
CALL table_register('opportunity', 'table');

ALTER TABLE lead ADD CONSTRAINT lead_opportunity_fkey
    FOREIGN KEY (company_id, opportunity_id) REFERENCES opportunity (company_id, id);
COMMENT ON CONSTRAINT lead_opportunity_fkey ON lead IS 'There is no such opportunity';

CREATE TABLE opportunity_line (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id     bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    opportunity_id bigint NOT NULL,
    position       integer NOT NULL DEFAULT 0,
    item_id        bigint NOT NULL REFERENCES item,
    description    text,
    quantity       quantity NOT NULL DEFAULT 1 CONSTRAINT opportunity_line_quantity CHECK (quantity > 0),
    unit_price     unit_price CONSTRAINT opportunity_line_unit_price CHECK (unit_price >= 0),
    discount       percent NOT NULL DEFAULT 0 CONSTRAINT opportunity_line_discount CHECK (discount BETWEEN 0 AND 100),
    currency_code  currency_code NOT NULL DEFAULT current_setting('tenon.currency'),
    net            amount GENERATED ALWAYS AS (round(quantity * unit_price * (1 - discount / 100),
                                                     currency_scale(currency_code))) STORED,
    UNIQUE (company_id, id),
    FOREIGN KEY (company_id, opportunity_id) REFERENCES opportunity (company_id, id) ON DELETE CASCADE
);
CREATE INDEX ON opportunity_line (opportunity_id, position);
CREATE INDEX ON opportunity_line (item_id);
COMMENT ON TABLE opportunity_line IS 'Opportunity line';
COMMENT ON COLUMN opportunity_line.opportunity_id IS 'Opportunity';
COMMENT ON COLUMN opportunity_line.position IS 'Position';
COMMENT ON COLUMN opportunity_line.item_id IS 'Item';
COMMENT ON COLUMN opportunity_line.description IS 'Description: empty for the name of the item';
COMMENT ON COLUMN opportunity_line.quantity IS 'Quantity';
COMMENT ON COLUMN opportunity_line.unit_price IS 'Price: empty for that of the price list';
COMMENT ON COLUMN opportunity_line.discount IS 'Discount';
COMMENT ON COLUMN opportunity_line.currency_code IS 'Currency: that of the opportunity';
COMMENT ON COLUMN opportunity_line.net IS 'Net';
COMMENT ON CONSTRAINT opportunity_line_quantity ON opportunity_line IS 'A quantity is greater than zero';
COMMENT ON CONSTRAINT opportunity_line_unit_price ON opportunity_line IS 'A price is not negative';
COMMENT ON CONSTRAINT opportunity_line_discount ON opportunity_line IS 'A discount is between 0 and 100';
COMMENT ON CONSTRAINT opportunity_line_item_id_fkey ON opportunity_line IS 'There is no such item';
CALL table_register('opportunity_line', 'table');

-- Each stage that an opportunity entered, and when; written by a trigger. Velocity is read from it.
CREATE TABLE opportunity_stage_history (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id     bigint NOT NULL REFERENCES company,
    opportunity_id bigint NOT NULL,
    pipeline_id    bigint NOT NULL,
    from_stage_id  bigint,
    stage_id       bigint NOT NULL,
    at             timestamptz NOT NULL DEFAULT now(),
    actor_id       bigint,
    FOREIGN KEY (company_id, opportunity_id) REFERENCES opportunity (company_id, id) ON DELETE CASCADE,
    CONSTRAINT opportunity_stage_history_stage_fkey FOREIGN KEY (company_id, pipeline_id, stage_id)
        REFERENCES pipeline_stage (company_id, pipeline_id, id)
);
CREATE INDEX ON opportunity_stage_history (opportunity_id, id);
COMMENT ON TABLE opportunity_stage_history IS 'Stage history: the stages that an opportunity went through';
COMMENT ON COLUMN opportunity_stage_history.opportunity_id IS 'Opportunity';
COMMENT ON COLUMN opportunity_stage_history.pipeline_id IS 'Pipeline';
COMMENT ON COLUMN opportunity_stage_history.from_stage_id IS 'From';
COMMENT ON COLUMN opportunity_stage_history.stage_id IS 'Stage';
COMMENT ON COLUMN opportunity_stage_history.at IS 'Entered at';
COMMENT ON COLUMN opportunity_stage_history.actor_id IS 'By';
COMMENT ON CONSTRAINT opportunity_stage_history_stage_fkey ON opportunity_stage_history IS 'The stage is not one of this pipeline';
CALL table_register('opportunity_stage_history', 'maintained');

INSERT INTO permission (role_id, entity, action)
SELECT r.id, e.entity, a.action
  FROM (VALUES ('manager', 'lead', 'create change delete qualify convert lose claim release reopen'),
               ('manager', 'opportunity', 'create change delete move win lose quote reopen'),
               ('manager', 'pipeline', 'create change delete'), ('manager', 'sales_team', 'create change delete'),
               ('manager', 'lead_source', 'create change'), ('manager', 'lost_reason', 'create change'),
               ('sales', 'lead', 'read create change qualify convert lose claim release reopen'),
               ('sales', 'opportunity', 'read create change move win lose quote reopen'),
               ('sales', 'pipeline', 'read'), ('sales', 'pipeline_stage', 'read'), ('sales', 'sales_team', 'read'),
               ('sales', 'lead_source', 'read'), ('sales', 'lost_reason', 'read'),
               ('sales', 'lead_duplicate', 'read'), ('sales', 'pipeline_forecast', 'read'),
               ('sales', 'opportunity_stage_time', 'read'), ('sales', 'customer_rollup', 'read'),
               ('finance', 'opportunity', 'read'), ('finance', 'customer_rollup', 'read')) e (role, entity, actions)
  JOIN role r ON r.code = e.role, unnest(string_to_array(e.actions, ' ')) a (action);
