-- Prices: lists of rules by item or category, customer or segment, quantity and date. Which
-- rule gives a price, and why, is price_for() in functions.sql.

CREATE TYPE text_range AS RANGE (subtype = text);   -- for the exclusion constraint below

CREATE TABLE price_list (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id     bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    code           text NOT NULL,
    name           text NOT NULL CONSTRAINT price_list_name_given CHECK (btrim(name) <> ''),
    name_zh        text,
    currency_code  currency_code NOT NULL DEFAULT current_setting('tenon.currency') REFERENCES currency (code),
    parent_id      bigint,
    policy         text NOT NULL DEFAULT 'first' CHECK (policy IN ('first', 'best')),
    rounding_step  unit_price CONSTRAINT price_list_rounding_step CHECK (rounding_step > 0),
    rounding_shift unit_price NOT NULL DEFAULT 0,
    is_default     boolean NOT NULL DEFAULT false,
    valid_from     date,
    valid_to       date,
    active         boolean NOT NULL DEFAULT true,
    created_at     timestamptz NOT NULL DEFAULT now(),
    created_by     bigint DEFAULT app_user_id(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    updated_by     bigint,
    version        integer NOT NULL DEFAULT 1,
    search_terms   text[] GENERATED ALWAYS AS (search_grams(code || ' ' || name || ' ' || coalesce(name_zh, ''))) STORED,
    UNIQUE (company_id, id),
    UNIQUE (company_id, id, currency_code),
    CONSTRAINT price_list_code_unique UNIQUE (company_id, code),
    CONSTRAINT price_list_parent_fkey FOREIGN KEY (company_id, parent_id, currency_code)
        REFERENCES price_list (company_id, id, currency_code),
    CONSTRAINT price_list_dates CHECK (valid_from <= valid_to),
    CONSTRAINT price_list_rounding_shift CHECK (rounding_shift = 0 OR abs(rounding_shift) < rounding_step)
);
CREATE UNIQUE INDEX price_list_one_default ON price_list (company_id, currency_code) WHERE is_default;
CREATE INDEX ON price_list USING gin (search_terms);
COMMENT ON TABLE price_list IS 'Price list: rules that make prices, in one currency';
COMMENT ON COLUMN price_list.code IS 'Code';
COMMENT ON COLUMN price_list.name IS 'Name';
COMMENT ON COLUMN price_list.name_zh IS 'Chinese name';
COMMENT ON COLUMN price_list.currency_code IS 'Currency';
COMMENT ON COLUMN price_list.parent_id IS 'Falls back on: what has no rule here is priced by that list';
COMMENT ON COLUMN price_list.policy IS 'Policy: first takes the most specific rule, best the one with the lowest price';
COMMENT ON COLUMN price_list.rounding_step IS 'Rounded to: multiples of this; empty for the currency''s digits';
COMMENT ON COLUMN price_list.rounding_shift IS 'Then moved by: -0.01 makes 9.99 of 10';
COMMENT ON COLUMN price_list.is_default IS 'Default: for customers without a list; one for each currency';
COMMENT ON COLUMN price_list.valid_from IS 'Valid from: the first day';
COMMENT ON COLUMN price_list.valid_to IS 'Valid to: the last day';
COMMENT ON COLUMN price_list.active IS 'Active';
COMMENT ON CONSTRAINT price_list_name_given ON price_list IS 'Give the price list a name';
COMMENT ON CONSTRAINT price_list_code_unique ON price_list IS 'Another price list has this code already';
COMMENT ON CONSTRAINT price_list_parent_fkey ON price_list IS 'A price list falls back on one of the same company and currency';
COMMENT ON CONSTRAINT price_list_dates ON price_list IS 'The last day is before the first';
COMMENT ON CONSTRAINT price_list_rounding_step ON price_list IS 'Prices are rounded to a step greater than zero';
COMMENT ON CONSTRAINT price_list_rounding_shift ON price_list IS 'The shift is smaller than the step';
COMMENT ON CONSTRAINT price_list_currency_code_fkey ON price_list IS 'There is no such currency';
COMMENT ON INDEX price_list_one_default IS 'Another price list is the default for this currency';
CALL table_register('price_list', 'table');

CREATE TABLE price_rule (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id    bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    price_list_id bigint NOT NULL,
    item_id       bigint REFERENCES item,
    category_id   bigint REFERENCES item_category,
    customer_id   bigint REFERENCES party,
    segment       text,
    min_quantity  quantity NOT NULL DEFAULT 0 CONSTRAINT price_rule_min_quantity CHECK (min_quantity >= 0),
    valid_from    date,
    valid_to      date,
    method        text NOT NULL DEFAULT 'price' CHECK (method IN ('price', 'discount', 'cost_plus')),
    unit_price    unit_price CONSTRAINT price_rule_unit_price CHECK (unit_price >= 0),
    percent       percent NOT NULL DEFAULT 0,
    note          text,
    UNIQUE (company_id, id),
    FOREIGN KEY (company_id, price_list_id) REFERENCES price_list (company_id, id) ON DELETE CASCADE,
    CONSTRAINT price_rule_goods CHECK (item_id IS NULL OR category_id IS NULL),
    CONSTRAINT price_rule_buyer CHECK (customer_id IS NULL OR segment IS NULL),
    CONSTRAINT price_rule_dates CHECK (valid_from <= valid_to),
    CONSTRAINT price_rule_method CHECK ((method = 'price') = (unit_price IS NOT NULL)
                                        AND (method <> 'price' OR item_id IS NOT NULL OR category_id IS NOT NULL)),
    CONSTRAINT price_rule_percent CHECK (CASE method WHEN 'cost_plus' THEN percent > -100 ELSE percent <= 100 END),
    -- Two rules of the same reach never hold on the same day, so that the first is one.
    CONSTRAINT price_rule_once EXCLUDE USING gist (
        int8range(price_list_id, price_list_id, '[]') WITH &&,
        int8range(coalesce(item_id, 0), coalesce(item_id, 0), '[]') WITH &&,
        int8range(coalesce(category_id, 0), coalesce(category_id, 0), '[]') WITH &&,
        int8range(coalesce(customer_id, 0), coalesce(customer_id, 0), '[]') WITH &&,
        text_range(coalesce(segment, ''), coalesce(segment, ''), '[]') WITH &&,
        numrange(min_quantity, min_quantity, '[]') WITH &&,
        daterange(valid_from, valid_to, '[]') WITH &&)
);
CREATE INDEX ON price_rule (company_id, price_list_id, item_id);
CREATE INDEX ON price_rule (item_id);
CREATE INDEX ON price_rule (category_id);
CREATE INDEX ON price_rule (customer_id);
COMMENT ON TABLE price_rule IS 'Price rule';
COMMENT ON COLUMN price_rule.price_list_id IS 'Price list';
COMMENT ON COLUMN price_rule.item_id IS 'Item: empty for all';
COMMENT ON COLUMN price_rule.category_id IS 'Category: with all below it';
COMMENT ON COLUMN price_rule.customer_id IS 'Customer: empty for all';
COMMENT ON COLUMN price_rule.segment IS 'Segment: of customers';
COMMENT ON COLUMN price_rule.min_quantity IS 'From quantity: in the item''s unit';
COMMENT ON COLUMN price_rule.valid_from IS 'Valid from: the first day';
COMMENT ON COLUMN price_rule.valid_to IS 'Valid to: the last day';
COMMENT ON COLUMN price_rule.method IS 'Method: a price, a discount on the item''s list price, or the standard cost plus a percentage';
COMMENT ON COLUMN price_rule.unit_price IS 'Price';
COMMENT ON COLUMN price_rule.percent IS 'Percent: discount, or surcharge on the cost';
COMMENT ON COLUMN price_rule.note IS 'Note';
COMMENT ON CONSTRAINT price_rule_min_quantity ON price_rule IS 'A quantity is not negative';
COMMENT ON CONSTRAINT price_rule_unit_price ON price_rule IS 'A price is not negative';
COMMENT ON CONSTRAINT price_rule_goods ON price_rule IS 'A rule is for an item or for a category, not for both';
COMMENT ON CONSTRAINT price_rule_buyer ON price_rule IS 'A rule is for a customer or for a segment, not for both';
COMMENT ON CONSTRAINT price_rule_dates ON price_rule IS 'The last day is before the first';
COMMENT ON CONSTRAINT price_rule_method ON price_rule IS 'A fixed price needs a price and an item or a category; other methods have no price';
COMMENT ON CONSTRAINT price_rule_percent ON price_rule IS 'A discount is at most 100 percent';
COMMENT ON CONSTRAINT price_rule_once ON price_rule IS 'Another rule for the same goods, customer and quantity holds on some of these days';
COMMENT ON CONSTRAINT price_rule_item_id_fkey ON price_rule IS 'There is no such item';
COMMENT ON CONSTRAINT price_rule_category_id_fkey ON price_rule IS 'There is no such category';
COMMENT ON CONSTRAINT price_rule_customer_id_fkey ON price_rule IS 'There is no such party';
CALL table_register('price_rule', 'table');

ALTER TABLE customer_company ADD COLUMN price_list_id bigint;
ALTER TABLE customer_company ADD CONSTRAINT customer_company_price_list_fkey
    FOREIGN KEY (company_id, price_list_id) REFERENCES price_list (company_id, id);
COMMENT ON COLUMN customer_company.price_list_id IS 'Price list: empty for the default list';
COMMENT ON CONSTRAINT customer_company_price_list_fkey ON customer_company IS 'There is no such price list';

INSERT INTO company_setup (module, position, function) VALUES ('pricing', 40, 'pricing_company_setup');

INSERT INTO permission (role_id, entity, action)
SELECT r.id, 'price_list', a.action
  FROM (VALUES ('manager', 'create change delete'), ('sales', 'read'), ('finance', 'read create change')) e (role, actions)
  JOIN role r ON r.code = e.role, unnest(string_to_array(e.actions, ' ')) a (action);
