-- The platform's own tables: the vocabulary of types, companies and users, access,
-- numbers, audit, events, jobs, workflows. One schema (tenon), made by the migrator, which
-- also makes the roles: tenon_owner (owns all, cannot sign in) and tenon_app (the server).

-- ------------------------------------------------------------------ the types' vocabulary
-- A domain's name picks the client's editor. Scale is checked, never rounded in silence:
-- whoever computes an amount rounds it on purpose.

CREATE FUNCTION currency_scale(code text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    -- ISO 4217, column "minor unit"; a check proves it equal to the table currency.
    SELECT CASE
        WHEN code IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF',
                      'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 0
        WHEN code IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3
        WHEN code IN ('CLF', 'UYW') THEN 4
        ELSE 2 END $$;

CREATE DOMAIN amount      AS numeric CONSTRAINT amount_range
    CHECK (min_scale(VALUE) <= 4 AND abs(VALUE) < 1e14);   -- in the row's currency_code
CREATE DOMAIN base_amount AS numeric CONSTRAINT base_amount_range
    CHECK (min_scale(VALUE) <= 4 AND abs(VALUE) < 1e14);   -- in the company's currency
CREATE DOMAIN unit_price  AS numeric CONSTRAINT unit_price_range
    CHECK (min_scale(VALUE) <= 6 AND abs(VALUE) < 1e12);
CREATE DOMAIN quantity    AS numeric CONSTRAINT quantity_range
    CHECK (min_scale(VALUE) <= 6 AND abs(VALUE) < 1e12);
CREATE DOMAIN rate        AS numeric CONSTRAINT rate_range
    CHECK (min_scale(VALUE) <= 9 AND VALUE > 0 AND VALUE < 1e9);
CREATE DOMAIN percent     AS numeric CONSTRAINT percent_range
    CHECK (min_scale(VALUE) <= 4 AND abs(VALUE) <= 100000);
CREATE DOMAIN email       AS text CONSTRAINT email_form
    CHECK (VALUE ~ '^[^@[:space:]]+@[^@[:space:]]+$' AND length(VALUE) <= 254);
CREATE DOMAIN currency_code AS text CONSTRAINT currency_code_form CHECK (VALUE ~ '^[A-Z]{3}$');
CREATE DOMAIN country_code  AS text CONSTRAINT country_code_form CHECK (VALUE ~ '^[A-Z]{2}$');
COMMENT ON CONSTRAINT amount_range ON DOMAIN amount IS 'An amount has at most 14 digits before and 4 after the point';
COMMENT ON CONSTRAINT base_amount_range ON DOMAIN base_amount IS 'An amount has at most 14 digits before and 4 after the point';
COMMENT ON CONSTRAINT unit_price_range ON DOMAIN unit_price IS 'A price has at most 12 digits before and 6 after the point';
COMMENT ON CONSTRAINT quantity_range ON DOMAIN quantity IS 'A quantity has at most 12 digits before and 6 after the point';
COMMENT ON CONSTRAINT rate_range ON DOMAIN rate IS 'A rate is greater than zero, with at most 9 digits after the point';
COMMENT ON CONSTRAINT percent_range ON DOMAIN percent IS 'A percentage has at most 4 digits after the point';
COMMENT ON CONSTRAINT email_form ON DOMAIN email IS 'This is not an e-mail address';
COMMENT ON CONSTRAINT currency_code_form ON DOMAIN currency_code IS 'A currency is three capital letters, such as USD';
COMMENT ON CONSTRAINT country_code_form ON DOMAIN country_code IS 'A country is two capital letters, such as DE';

-- ------------------------------------------------------------------ what every table gets
-- Filled by CALL table_register(...) after each CREATE TABLE; functions.sql says what follows.
CREATE TABLE table_kind (
    name    text PRIMARY KEY,
    kind    text NOT NULL CHECK (kind IN ('table', 'ledger', 'maintained', 'internal')),
    guarded text[] NOT NULL DEFAULT '{}',    -- columns that only triggers and the engine write
    -- What tables_setup found, so that the gates need not ask the catalog at each call:
    has_company  boolean NOT NULL DEFAULT false,
    has_workflow boolean NOT NULL DEFAULT false,
    has_search   boolean NOT NULL DEFAULT false,
    is_part      boolean NOT NULL DEFAULT false   -- of a document: its changes are the document's
);

CREATE PROCEDURE table_register(named text, as_kind text, guarded text[] DEFAULT '{}')
    LANGUAGE sql AS $$
    INSERT INTO table_kind VALUES (named, as_kind, guarded)
    ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, guarded = excluded.guarded $$;

-- A number that the server compares at each request: when it moved, caches are read again.
CREATE TABLE epoch (name text PRIMARY KEY, value bigint NOT NULL DEFAULT 1);
INSERT INTO epoch (name) VALUES ('schema'), ('workflow');
CALL table_register('epoch', 'internal');

-- ------------------------------------------------------------------ reference data
CREATE TABLE currency (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code   currency_code NOT NULL UNIQUE,
    number text NOT NULL CHECK (number ~ '^[0-9]{3}$'),
    name   text NOT NULL,
    name_zh text,
    scale  integer NOT NULL CHECK (scale BETWEEN 0 AND 4),
    active boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE currency IS 'Currency: ISO 4217';
CALL table_register('currency', 'table');

CREATE TABLE country (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code   country_code NOT NULL UNIQUE,
    code3  text NOT NULL UNIQUE CHECK (code3 ~ '^[A-Z]{3}$'),
    number text NOT NULL CHECK (number ~ '^[0-9]{3}$'),
    name   text NOT NULL,
    name_zh text
);
COMMENT ON TABLE country IS 'Country: ISO 3166-1';
CALL table_register('country', 'table');

-- ------------------------------------------------------------------ companies and users
CREATE TABLE company (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code          text NOT NULL UNIQUE,
    name          text NOT NULL,
    name_zh       text,
    currency_code currency_code NOT NULL,
    country_code  country_code,
    time_zone     text NOT NULL DEFAULT 'UTC',
    created_at    timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE company IS 'Company: keeps its own books';
CALL table_register('company', 'table');

CREATE TABLE app_user (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login      text NOT NULL CONSTRAINT app_user_login_unique UNIQUE,
    name       text NOT NULL,
    email      email,
    language   text NOT NULL DEFAULT 'en' CHECK (language IN ('en', 'zh')),
    default_company_id bigint NOT NULL REFERENCES company,   -- where the user works after sign-in
    active     boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1
);
COMMENT ON TABLE app_user IS 'User: a person or a program that signs in';
COMMENT ON COLUMN app_user.login IS 'Login: what the user types to sign in';
COMMENT ON CONSTRAINT app_user_login_unique ON app_user IS 'Another user has this login already';
CALL table_register('app_user', 'table');

-- What a module does for a new company: its function(company bigint, chart text) is called
-- by company_create, in the order of position.
CREATE TABLE company_setup (
    module   text PRIMARY KEY,
    position integer NOT NULL,
    function text NOT NULL
);
CALL table_register('company_setup', 'internal');

CREATE TABLE user_company (
    user_id    bigint NOT NULL REFERENCES app_user ON DELETE CASCADE,
    company_id bigint NOT NULL REFERENCES company,
    PRIMARY KEY (user_id, company_id)
);
COMMENT ON TABLE user_company IS 'Companies of a user';
CALL table_register('user_company', 'internal');

-- Argon2id in its encoded form; the server's role reads it through session gates only.
CREATE TABLE user_secret (
    user_id  bigint PRIMARY KEY REFERENCES app_user ON DELETE CASCADE,
    password text NOT NULL
);
CALL table_register('user_secret', 'internal');

CREATE TABLE role (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code       text NOT NULL UNIQUE,
    name       text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    version    integer NOT NULL DEFAULT 1
);
COMMENT ON TABLE role IS 'Role: what a group of users may do';
CALL table_register('role', 'table');

INSERT INTO role (code, name) VALUES
    ('admin', 'Administrator'), ('manager', 'Manager'), ('sales', 'Sales'), ('finance', 'Finance'),
    ('warehouse', 'Warehouse'), ('viewer', 'Viewer');

CREATE TABLE user_role (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES app_user ON DELETE CASCADE,
    role_id bigint NOT NULL REFERENCES role,
    UNIQUE (user_id, role_id)
);
COMMENT ON TABLE user_role IS 'Role of a user';
CALL table_register('user_role', 'table');

CREATE TABLE permission (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    role_id bigint NOT NULL REFERENCES role ON DELETE CASCADE,
    entity  text NOT NULL,                    -- an entity's name, or '*'
    action  text NOT NULL,                    -- read create change delete, an operation, or '*'
    UNIQUE (role_id, entity, action)
);
COMMENT ON TABLE permission IS 'Permission: one action on one kind of record';
CALL table_register('permission', 'table');

INSERT INTO permission (role_id, entity, action)
SELECT id, '*', '*' FROM role WHERE code = 'admin'
UNION ALL SELECT id, '*', 'read' FROM role WHERE code IN ('manager', 'viewer');

-- Sign-ins and API keys: random 256-bit tokens, kept as SHA-256.
CREATE TABLE session (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash bytea NOT NULL UNIQUE,
    user_id    bigint NOT NULL REFERENCES app_user ON DELETE CASCADE,
    company_id bigint NOT NULL REFERENCES company,
    kind       text NOT NULL CHECK (kind IN ('session', 'api_key')),
    name       text,                          -- of an API key
    address    text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz
);
CREATE INDEX ON session (user_id);
CALL table_register('session', 'internal');

CREATE TABLE setting (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    name       text NOT NULL,
    value      text,
    UNIQUE (company_id, name)
);
COMMENT ON TABLE setting IS 'Setting';
CALL table_register('setting', 'table');

-- ------------------------------------------------------------------ one answer per key
CREATE TABLE idempotency_key (
    user_id  bigint NOT NULL,
    key      text NOT NULL,
    request  bytea NOT NULL,                  -- SHA-256 of method, path and body
    status   integer,
    response text,                            -- JSON, as it was sent
    headers  text,                            -- JSON: location, etag
    at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, key)
);
CREATE INDEX ON idempotency_key (at);
CALL table_register('idempotency_key', 'internal');

-- ------------------------------------------------------------------ numbers
CREATE TABLE number_series (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    code       text NOT NULL,                 -- 'sales_order', 'invoice', 'journal:SAL', ...
    pattern    text NOT NULL CONSTRAINT number_series_pattern
               CHECK (pattern ~ '^[^{}]*(\{YYYY\})?[^{}]*\{0+\}$'),
    gapless    boolean NOT NULL DEFAULT false,
    UNIQUE (company_id, code)
);
COMMENT ON TABLE number_series IS 'Number series: how documents of one kind are numbered';
COMMENT ON COLUMN number_series.pattern IS 'Pattern: {YYYY} is the year, {00000} the number';
COMMENT ON CONSTRAINT number_series_pattern ON number_series IS 'A pattern is a prefix, {YYYY} where wanted, and {00000} at its end';
CALL table_register('number_series', 'table');

CREATE TABLE number_counter (
    series_id bigint NOT NULL REFERENCES number_series ON DELETE CASCADE,
    year      integer NOT NULL,
    last      bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (series_id, year)
) WITH (fillfactor = 20);                     -- one hot row each: keep its updates on the page
CALL table_register('number_counter', 'internal');

-- ------------------------------------------------------------------ audit: every change, once
-- The audit log is also the feed of events: a dispatcher gives committed rows, in (xid, id)
-- order, a dense position (table event). Business transactions write nothing else.
CREATE TABLE audit_log (
    id         bigint GENERATED ALWAYS AS IDENTITY,
    xid        xid8 NOT NULL DEFAULT pg_current_xact_id(),
    company_id bigint,                        -- null: master data of the group
    at         timestamptz NOT NULL DEFAULT now(),
    request_id text,
    actor_id   bigint,
    entity     text NOT NULL,
    record_id  bigint NOT NULL,
    action     text NOT NULL,                 -- created, changed, deleted, or a transition's name
    old        jsonb,                         -- the row before and after, without search terms;
    new        jsonb,                         -- both null when erased for privacy
    PRIMARY KEY (xid, id)
);
CREATE INDEX ON audit_log (entity, record_id, id);
COMMENT ON TABLE audit_log IS 'Audit log: who changed what, when';
CALL table_register('audit_log', 'internal');

CREATE TABLE event (
    position   bigint PRIMARY KEY,            -- dense, in commit order; the SSE id
    audit_id   bigint NOT NULL,
    xid        xid8 NOT NULL,
    company_id bigint,
    at         timestamptz NOT NULL,
    request_id text,
    actor_id   bigint,
    entity     text NOT NULL,
    record_id  bigint NOT NULL,
    action     text NOT NULL
);
CREATE INDEX ON event (entity, record_id, position);
COMMENT ON TABLE event IS 'Event: a committed change, in order';
CALL table_register('event', 'internal');

CREATE TABLE event_cursor (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    xid      xid8 NOT NULL DEFAULT '0',
    audit_id bigint NOT NULL DEFAULT 0,
    position bigint NOT NULL DEFAULT 0
);
INSERT INTO event_cursor DEFAULT VALUES;
CALL table_register('event_cursor', 'internal');

-- ------------------------------------------------------------------ the thread of documents
CREATE TABLE flow (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    kind       text NOT NULL,                 -- lead_to_cash, issue_to_resolution, ...
    started_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (company_id, id)
);
COMMENT ON TABLE flow IS 'Flow: one customer journey';
CALL table_register('flow', 'ledger');

CREATE TABLE flow_document (
    company_id  bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    flow_id     bigint NOT NULL,
    entity      text NOT NULL,
    document_id bigint NOT NULL,
    PRIMARY KEY (flow_id, entity, document_id),
    FOREIGN KEY (company_id, flow_id) REFERENCES flow (company_id, id)
);
CREATE INDEX ON flow_document (entity, document_id);
COMMENT ON TABLE flow_document IS 'Document of a flow';
CALL table_register('flow_document', 'ledger');

-- ------------------------------------------------------------------ workflows
-- A version of a workflow. `definition` is the JSON that was imported; states and
-- transitions are its rows, which the gate workflow_move reads.
CREATE TABLE workflow (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity       text NOT NULL,
    version      integer NOT NULL,
    status       text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'active', 'retired')),
    origin       text NOT NULL DEFAULT 'custom' CHECK (origin IN ('shipped', 'custom')),
    parent_id    bigint REFERENCES workflow,
    definition   jsonb NOT NULL,
    flow         text GENERATED ALWAYS AS (definition ->> 'flow') STORED, -- that its documents begin
    created_at   timestamptz NOT NULL DEFAULT now(),
    created_by   bigint,
    published_at timestamptz,
    UNIQUE (entity, version)
);
CREATE UNIQUE INDEX workflow_one_active ON workflow (entity) WHERE status = 'active';
COMMENT ON TABLE workflow IS 'Workflow: the states of one kind of document and the steps between them';
CALL table_register('workflow', 'internal');

CREATE TABLE workflow_state (
    workflow_id bigint NOT NULL REFERENCES workflow ON DELETE CASCADE,
    name        text NOT NULL CHECK (name ~ '^[a-z][a-z0-9_]*$'),
    label       text NOT NULL,
    label_zh    text,
    initial     boolean NOT NULL DEFAULT false,
    position    integer NOT NULL,
    PRIMARY KEY (workflow_id, name)
);
CREATE UNIQUE INDEX workflow_state_one_initial ON workflow_state (workflow_id) WHERE initial;
CALL table_register('workflow_state', 'internal');

-- One row per state that a transition leads from.
CREATE TABLE workflow_transition (
    workflow_id bigint NOT NULL,
    action      text NOT NULL CHECK (action ~ '^[a-z][a-z0-9_]*$'),
    from_state  text NOT NULL,
    to_state    text NOT NULL,
    PRIMARY KEY (workflow_id, action, from_state),
    FOREIGN KEY (workflow_id, from_state) REFERENCES workflow_state ON DELETE CASCADE,
    FOREIGN KEY (workflow_id, to_state) REFERENCES workflow_state ON DELETE CASCADE
);
CALL table_register('workflow_transition', 'internal');

CREATE TABLE workflow_history (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id  bigint,
    entity      text NOT NULL,
    record_id   bigint NOT NULL,
    workflow_id bigint NOT NULL REFERENCES workflow,
    action      text NOT NULL,
    from_state  text NOT NULL,
    to_state    text NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    actor_id    bigint,
    request_id  text,
    rule        text                          -- the rule that took the step, if one did
);
CREATE INDEX ON workflow_history (entity, record_id, id);
COMMENT ON TABLE workflow_history IS 'Workflow history';
CALL table_register('workflow_history', 'internal');

CREATE TABLE workflow_rule (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text NOT NULL CONSTRAINT workflow_rule_name_unique UNIQUE,
    module     text,                          -- the module that ships it; null: an administrator's
    entity     text NOT NULL,
    position   integer NOT NULL DEFAULT 100,
    active     boolean NOT NULL DEFAULT true,
    definition jsonb NOT NULL,                -- label, when, timing, if, then
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1
);
COMMENT ON TABLE workflow_rule IS 'Rule: when something happens and a condition holds, do something';
COMMENT ON CONSTRAINT workflow_rule_name_unique ON workflow_rule IS 'Another rule has this name already';
CALL table_register('workflow_rule', 'internal');

-- Why a rule fired or did not, per record: kept for the last runs.
CREATE TABLE workflow_rule_run (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint,
    rule       text NOT NULL,
    entity     text NOT NULL,
    record_id  bigint NOT NULL,
    at         timestamptz NOT NULL DEFAULT now(),
    outcome    text NOT NULL,                 -- fired, skipped, failed
    detail     text
);
CREATE INDEX ON workflow_rule_run (entity, record_id, id);
CALL table_register('workflow_rule_run', 'internal');

-- ------------------------------------------------------------------ jobs, timers, schedules
CREATE TABLE job (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL REFERENCES company,
    kind       text NOT NULL,                 -- rule, timer, mail, webhook, import, ...
    key        text UNIQUE,                   -- one effect per key: 'rule:12:event:345'
    lane       text,                          -- jobs of one lane run in order: 'sales_order:7'
    payload    jsonb NOT NULL,
    state      text NOT NULL DEFAULT 'waiting'
               CHECK (state IN ('waiting', 'running', 'done', 'dead')),
    run_at     timestamptz NOT NULL DEFAULT now(),
    attempts   integer NOT NULL DEFAULT 0,
    error      text,
    actor_id   bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE INDEX job_due ON job (run_at, id) WHERE state = 'waiting';
CREATE INDEX job_lane ON job (lane, id) WHERE state IN ('waiting', 'running', 'dead');
COMMENT ON TABLE job IS 'Job: work that runs later';
CALL table_register('job', 'internal');

-- ------------------------------------------------------------------ people's timeline
CREATE TABLE activity (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id  bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    entity      text,                         -- what it is about, with record_id
    record_id   bigint,
    kind        text NOT NULL DEFAULT 'task'
                CHECK (kind IN ('task', 'call', 'meeting', 'email', 'note', 'reminder')),
    subject     text NOT NULL CONSTRAINT activity_subject CHECK (subject <> ''),
    detail      text,
    due_at      timestamptz,
    done_at     timestamptz,
    assignee_id bigint REFERENCES app_user,
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  bigint DEFAULT nullif(current_setting('tenon.user', true), '')::bigint,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    updated_by  bigint,
    version     integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT activity_about CHECK ((entity IS NULL) = (record_id IS NULL))
);
CREATE INDEX ON activity (company_id, entity, record_id, id);
CREATE INDEX ON activity (company_id, assignee_id, due_at) WHERE done_at IS NULL;
COMMENT ON TABLE activity IS 'Activity: a call, meeting, task or note, with its due time';
COMMENT ON CONSTRAINT activity_subject ON activity IS 'Say in a few words what is to be done';
CALL table_register('activity', 'table');

CREATE TABLE notification (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    user_id    bigint NOT NULL REFERENCES app_user,
    message    text NOT NULL,
    entity     text,
    record_id  bigint,
    at         timestamptz NOT NULL DEFAULT now(),
    read_at    timestamptz
);
CREATE INDEX ON notification (user_id, id);
COMMENT ON TABLE notification IS 'Notification';
CALL table_register('notification', 'table');

-- ------------------------------------------------------------------ imports
CREATE TABLE import_batch (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    entity     text NOT NULL,
    file_name  text,
    created_count integer NOT NULL DEFAULT 0,
    changed_count integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT nullif(current_setting('tenon.user', true), '')::bigint,
    undone_at  timestamptz,
    UNIQUE (company_id, id)
);
COMMENT ON TABLE import_batch IS 'Import';
CALL table_register('import_batch', 'table');

CREATE TABLE import_row (
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    batch_id   bigint NOT NULL,
    line       integer NOT NULL,                 -- of the file, the header being line 1
    record_id  bigint NOT NULL,
    created    boolean NOT NULL,
    version    integer,                          -- of the record just after the import
    before     jsonb,                            -- what the changed fields held before
    PRIMARY KEY (batch_id, line, record_id),
    FOREIGN KEY (company_id, batch_id) REFERENCES import_batch (company_id, id)
);
COMMENT ON TABLE import_row IS 'Row of an import';
CALL table_register('import_row', 'ledger');
