-- The general ledger: accounts, journals, periods, entries; terms, taxes and rates.
--
-- A machine's entry (source_entity is set) is born posted; one typed by hand starts as a
-- draft. Posted lines carry posted_on: statements read an index of (account, posted_on) alone.

CREATE TABLE account (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    code       text NOT NULL CONSTRAINT account_code_form CHECK (code ~ '^[0-9A-Za-z.-]{1,20}$'),
    name       text NOT NULL CONSTRAINT account_name_given CHECK (name <> ''),
    name_zh    text,
    type       text NOT NULL CONSTRAINT account_type_known
               CHECK (type IN ('asset', 'liability', 'equity', 'income', 'expense')),
    role       text CONSTRAINT account_role_form CHECK (role ~ '^[a-z][a-z_]*$'),
    parent_id  bigint,
    postable   boolean NOT NULL DEFAULT true,
    active     boolean NOT NULL DEFAULT true,
    search_terms text[] GENERATED ALWAYS AS
        (search_grams(code || ' ' || name || ' ' || coalesce(name_zh, ''))) STORED,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT account_code_unique UNIQUE (company_id, code),
    CONSTRAINT account_role_unique UNIQUE (company_id, role),
    CONSTRAINT account_parent_exists FOREIGN KEY (company_id, parent_id) REFERENCES account (company_id, id)
);
CREATE INDEX ON account (company_id, parent_id);
CREATE INDEX ON account USING gin (search_terms);
CALL table_register('account', 'table');

CREATE TABLE journal (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    code       text NOT NULL CONSTRAINT journal_code_form CHECK (code ~ '^[A-Z0-9]{2,6}$'),
    name       text NOT NULL,
    name_zh    text,
    account_id bigint,                        -- the bank or cash account behind it
    active     boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT journal_code_unique UNIQUE (company_id, code),
    CONSTRAINT journal_account_exists FOREIGN KEY (company_id, account_id) REFERENCES account (company_id, id)
);
CALL table_register('journal', 'table');

-- Made for a date when a posting needs them; no two of a company overlap.
CREATE TABLE fiscal_year (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id  bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    name        text NOT NULL,
    starts_on   date NOT NULL,
    ends_on     date NOT NULL,
    state       text NOT NULL DEFAULT 'open',
    workflow_id bigint REFERENCES workflow,
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  bigint DEFAULT app_user_id(),
    UNIQUE (company_id, id),
    CONSTRAINT fiscal_year_in_order CHECK (starts_on < ends_on),
    CONSTRAINT fiscal_year_alone EXCLUDE USING gist
        (int8range(company_id, company_id, '[]') WITH &&, daterange(starts_on, ends_on, '[]') WITH &&)
);
CALL table_register('fiscal_year', 'table');

CREATE TABLE period (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id     bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    fiscal_year_id bigint NOT NULL,
    name           text NOT NULL,
    starts_on      date NOT NULL,
    ends_on        date NOT NULL,
    state          text NOT NULL DEFAULT 'open',
    workflow_id    bigint REFERENCES workflow,
    created_at     timestamptz NOT NULL DEFAULT now(),
    created_by     bigint DEFAULT app_user_id(),
    UNIQUE (company_id, id),
    CONSTRAINT period_start_unique UNIQUE (company_id, starts_on),
    CONSTRAINT period_year_exists FOREIGN KEY (company_id, fiscal_year_id) REFERENCES fiscal_year (company_id, id),
    CONSTRAINT period_in_order CHECK (starts_on <= ends_on),
    CONSTRAINT period_alone EXCLUDE USING gist
        (int8range(company_id, company_id, '[]') WITH &&, daterange(starts_on, ends_on, '[]') WITH &&)
);
CREATE INDEX ON period (company_id, fiscal_year_id);
CALL table_register('period', 'table');

CREATE TABLE journal_entry (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id    bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    journal_id    bigint NOT NULL,
    number        text,                       -- given when it is posted
    entry_date    date NOT NULL DEFAULT app_today(),
    description   text,
    source_entity text,                       -- the document that made it; null: typed by hand
    source_id     bigint,
    reverses_id   bigint,
    state         text NOT NULL DEFAULT 'draft',
    workflow_id   bigint REFERENCES workflow,
    search_terms  text[] GENERATED ALWAYS AS
        (search_grams(coalesce(number, '') || ' ' || coalesce(description, ''))) STORED,
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    bigint DEFAULT app_user_id(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    updated_by    bigint,
    version       integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT journal_entry_number_unique UNIQUE (company_id, number),
    CONSTRAINT journal_entry_reversed_once UNIQUE (company_id, reverses_id),
    CONSTRAINT journal_entry_journal_exists FOREIGN KEY (company_id, journal_id) REFERENCES journal (company_id, id),
    CONSTRAINT journal_entry_reverses_exists FOREIGN KEY (company_id, reverses_id) REFERENCES journal_entry (company_id, id)
);
CREATE INDEX ON journal_entry (company_id, journal_id, entry_date);
CREATE INDEX ON journal_entry (company_id, entry_date, id);
CREATE INDEX ON journal_entry (source_entity, source_id);
CREATE INDEX ON journal_entry USING gin (search_terms);
CALL table_register('journal_entry', 'table', '{number,source_entity,source_id,reverses_id}');

CREATE TABLE journal_line (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id    bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    entry_id      bigint NOT NULL,
    position      integer NOT NULL DEFAULT 0,
    account_id    bigint NOT NULL,
    party_id      bigint REFERENCES party,
    description   text,
    debit         base_amount NOT NULL DEFAULT 0,
    credit        base_amount NOT NULL DEFAULT 0,
    amount        amount NOT NULL DEFAULT 0,  -- debit - credit, in currency_code
    currency_code currency_code NOT NULL DEFAULT current_setting('tenon.currency'),
    posted_on     date,                       -- null: its entry is a draft
    CONSTRAINT journal_line_entry_exists FOREIGN KEY (company_id, entry_id)
        REFERENCES journal_entry (company_id, id) ON DELETE CASCADE,
    CONSTRAINT journal_line_account_exists FOREIGN KEY (company_id, account_id) REFERENCES account (company_id, id),
    CONSTRAINT journal_line_one_side CHECK (debit >= 0 AND credit >= 0 AND (debit = 0 OR credit = 0)),
    CONSTRAINT journal_line_digits CHECK (amount = round(amount, currency_scale(currency_code)))
);
CREATE INDEX ON journal_line (company_id, entry_id, position);
CREATE INDEX journal_line_ledger ON journal_line (company_id, account_id, posted_on)
    INCLUDE (debit, credit) WHERE posted_on IS NOT NULL;
CREATE INDEX journal_line_party ON journal_line (company_id, party_id, posted_on)
    WHERE party_id IS NOT NULL AND posted_on IS NOT NULL;
CALL table_register('journal_line', 'table', '{posted_on}');

-- ------------------------------------------------------------------ terms of payment
CREATE TABLE payment_term (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    code       text NOT NULL,
    name       text NOT NULL,
    name_zh    text,
    active     boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT payment_term_code_unique UNIQUE (company_id, code)
);
CALL table_register('payment_term', 'table');

-- Instalments. Without lines: due at once. The last line takes what is left.
CREATE TABLE payment_term_line (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id   bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    term_id      bigint NOT NULL,
    position     integer NOT NULL DEFAULT 0,
    percent      percent NOT NULL DEFAULT 100 CONSTRAINT payment_term_line_percent CHECK (percent > 0 AND percent <= 100),
    days         integer NOT NULL DEFAULT 0 CONSTRAINT payment_term_line_days CHECK (days BETWEEN 0 AND 3650),
    end_of_month boolean NOT NULL DEFAULT false,
    CONSTRAINT payment_term_line_term_exists FOREIGN KEY (company_id, term_id)
        REFERENCES payment_term (company_id, id) ON DELETE CASCADE
);
CREATE INDEX ON payment_term_line (company_id, term_id, position);
CALL table_register('payment_term_line', 'table');

ALTER TABLE customer_company ADD COLUMN payment_term_id bigint,
    ADD CONSTRAINT customer_company_payment_term_exists FOREIGN KEY (company_id, payment_term_id)
        REFERENCES payment_term (company_id, id);

-- ------------------------------------------------------------------ taxes
CREATE TABLE tax (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    code       text NOT NULL,
    name       text NOT NULL,
    name_zh    text,
    use        text NOT NULL DEFAULT 'sale' CONSTRAINT tax_use_known CHECK (use IN ('sale', 'purchase')),
    account_id bigint,                        -- null: the account with the role tax_payable or tax_receivable
    active     boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT tax_code_unique UNIQUE (company_id, code),
    CONSTRAINT tax_account_exists FOREIGN KEY (company_id, account_id) REFERENCES account (company_id, id)
);
CALL table_register('tax', 'table');

CREATE TABLE tax_rate (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    tax_id     bigint NOT NULL,
    percent    percent NOT NULL CONSTRAINT tax_rate_percent CHECK (percent >= 0 AND percent <= 1000),
    valid_from date NOT NULL DEFAULT '1900-01-01',
    valid_to   date,                          -- null: until further notice; that day included
    CONSTRAINT tax_rate_in_order CHECK (valid_from <= valid_to),
    CONSTRAINT tax_rate_alone EXCLUDE USING gist
        (int8range(tax_id, tax_id, '[]') WITH &&, daterange(valid_from, valid_to, '[]') WITH &&),
    CONSTRAINT tax_rate_tax_exists FOREIGN KEY (company_id, tax_id) REFERENCES tax (company_id, id) ON DELETE CASCADE
);
CREATE INDEX ON tax_rate (company_id, tax_id, valid_from);
CALL table_register('tax_rate', 'table');

-- Which tax a line gets when none is named: the rule that says most wins.
CREATE TABLE tax_rule (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id      bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    use             text NOT NULL DEFAULT 'sale' CONSTRAINT tax_rule_use_known CHECK (use IN ('sale', 'purchase')),
    tax_category_id bigint REFERENCES tax_category,   -- null: any
    country_code    country_code,                     -- where the goods go; null: anywhere
    tax_id          bigint NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    created_by      bigint DEFAULT app_user_id(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    updated_by      bigint,
    version         integer NOT NULL DEFAULT 1,
    CONSTRAINT tax_rule_unique UNIQUE NULLS NOT DISTINCT (company_id, use, tax_category_id, country_code),
    CONSTRAINT tax_rule_tax_exists FOREIGN KEY (company_id, tax_id) REFERENCES tax (company_id, id)
);
CALL table_register('tax_rule', 'table');

-- ------------------------------------------------------------------ other rates and defaults
CREATE TABLE exchange_rate (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id    bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    currency_code currency_code NOT NULL,
    valid_from    date NOT NULL,
    rate          rate NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    bigint DEFAULT app_user_id(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    updated_by    bigint,
    version       integer NOT NULL DEFAULT 1,
    CONSTRAINT exchange_rate_currency_exists FOREIGN KEY (currency_code) REFERENCES currency (code),
    CONSTRAINT exchange_rate_unique UNIQUE (company_id, currency_code, valid_from)
);
CALL table_register('exchange_rate', 'table');

CREATE TABLE category_account (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id         bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    category_id        bigint NOT NULL REFERENCES item_category,
    revenue_account_id bigint,
    expense_account_id bigint,
    created_at         timestamptz NOT NULL DEFAULT now(),
    created_by         bigint DEFAULT app_user_id(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    updated_by         bigint,
    version            integer NOT NULL DEFAULT 1,
    CONSTRAINT category_account_unique UNIQUE (company_id, category_id),
    CONSTRAINT category_account_revenue_exists FOREIGN KEY (company_id, revenue_account_id) REFERENCES account (company_id, id),
    CONSTRAINT category_account_expense_exists FOREIGN KEY (company_id, expense_account_id) REFERENCES account (company_id, id)
);
CALL table_register('category_account', 'table');

-- What a new company's chart holds; seeded below in 003_charts.sql.
CREATE TABLE chart_account (
    chart    text NOT NULL,
    code     text NOT NULL,
    parent   text,
    type     text NOT NULL,
    role     text,
    name     text NOT NULL,
    name_zh  text NOT NULL,
    postable boolean NOT NULL DEFAULT true,
    PRIMARY KEY (chart, code)
);
CALL table_register('chart_account', 'internal');
