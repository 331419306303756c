-- Service: what customers complain of or ask for. A case is one row from the first message to
-- its confirmation; who said what stands in case_message, how long it may take in sla_clock.

INSERT INTO company_setup (module, position, function) VALUES ('service', 80, 'service_company_setup');

-- ------------------------------------------------------------------ queues and categories
CREATE TABLE service_queue (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id  bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    code        text NOT NULL CONSTRAINT service_queue_code_form CHECK (code ~ '^[^[:space:]]+$'),
    name        text NOT NULL CONSTRAINT service_queue_name CHECK (btrim(name) <> ''),
    name_zh     text,
    calendar_id bigint REFERENCES calendar,
    role_id     bigint NOT NULL REFERENCES role,
    address     email,
    reopen_days integer NOT NULL DEFAULT 14 CONSTRAINT service_queue_reopen_days CHECK (reopen_days >= 0),
    is_default  boolean NOT NULL DEFAULT false,
    active      boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT now(),
    created_by  bigint DEFAULT app_user_id(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    updated_by  bigint,
    version     integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT service_queue_code_unique UNIQUE (company_id, code)
);
CREATE UNIQUE INDEX service_queue_one_default ON service_queue (company_id) WHERE is_default;
COMMENT ON TABLE service_queue IS 'Service queue: cases that the same people look after';
COMMENT ON COLUMN service_queue.code IS 'Code';
COMMENT ON COLUMN service_queue.name IS 'Name';
COMMENT ON COLUMN service_queue.name_zh IS 'Chinese name';
COMMENT ON COLUMN service_queue.calendar_id IS 'Calendar: when the queue is worked; empty: the company''s';
COMMENT ON COLUMN service_queue.role_id IS 'Role: whose people get the cases';
COMMENT ON COLUMN service_queue.address IS 'Own address: from which the queue writes; its mail opens no case';
COMMENT ON COLUMN service_queue.reopen_days IS 'Days to reopen: how long a reply opens a closed case again';
COMMENT ON COLUMN service_queue.is_default IS 'Default: for cases without a category';
COMMENT ON COLUMN service_queue.active IS 'Active';
COMMENT ON CONSTRAINT service_queue_code_form ON service_queue IS 'A code has no blanks';
COMMENT ON CONSTRAINT service_queue_name ON service_queue IS 'Give the queue a name';
COMMENT ON CONSTRAINT service_queue_reopen_days ON service_queue IS 'The days to reopen are not negative';
COMMENT ON CONSTRAINT service_queue_code_unique ON service_queue IS 'Another queue has this code already';
COMMENT ON CONSTRAINT service_queue_calendar_id_fkey ON service_queue IS 'There is no such calendar';
COMMENT ON CONSTRAINT service_queue_role_id_fkey ON service_queue IS 'There is no such role';
COMMENT ON INDEX service_queue_one_default IS 'Another queue is the default';
CALL table_register('service_queue', 'table');

CREATE TABLE service_category (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    code       text NOT NULL CONSTRAINT service_category_code_form CHECK (code ~ '^[^[:space:]]+$'),
    name       text NOT NULL CONSTRAINT service_category_name CHECK (btrim(name) <> ''),
    name_zh    text,
    parent_id  bigint,
    queue_id   bigint,
    priority   text CONSTRAINT service_category_priority CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    active     boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT service_category_code_unique UNIQUE (company_id, code),
    CONSTRAINT service_category_parent_fkey FOREIGN KEY (company_id, parent_id) REFERENCES service_category (company_id, id),
    CONSTRAINT service_category_queue_fkey FOREIGN KEY (company_id, queue_id) REFERENCES service_queue (company_id, id)
);
COMMENT ON TABLE service_category IS 'Service category: what cases are about';
COMMENT ON COLUMN service_category.code IS 'Code';
COMMENT ON COLUMN service_category.name IS 'Name';
COMMENT ON COLUMN service_category.name_zh IS 'Chinese name';
COMMENT ON COLUMN service_category.parent_id IS 'Belongs to';
COMMENT ON COLUMN service_category.queue_id IS 'Queue: empty: that of the category above';
COMMENT ON COLUMN service_category.priority IS 'Priority: empty: that of the category above';
COMMENT ON COLUMN service_category.active IS 'Active';
COMMENT ON CONSTRAINT service_category_code_form ON service_category IS 'A code has no blanks';
COMMENT ON CONSTRAINT service_category_name ON service_category IS 'Give the category a name';
COMMENT ON CONSTRAINT service_category_priority ON service_category IS 'A priority is low, normal, high or urgent';
COMMENT ON CONSTRAINT service_category_code_unique ON service_category IS 'Another category has this code already';
COMMENT ON CONSTRAINT service_category_parent_fkey ON service_category IS 'There is no such category';
COMMENT ON CONSTRAINT service_category_queue_fkey ON service_category IS 'There is no such queue';
CALL table_register('service_category', 'table');

-- ------------------------------------------------------------------ cases
-- The links are found by service_case_link() where nobody names them; none is of another
-- customer. The item stands in the keys: order line, delivery and lot are of the case's item.
CREATE TABLE service_case (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id    bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    number        text NOT NULL DEFAULT document_number('service_case'),
    subject       text NOT NULL CONSTRAINT service_case_subject CHECK (btrim(subject) <> ''),
    description   text,
    channel       text NOT NULL DEFAULT 'hand' CONSTRAINT service_case_channel
                  CHECK (channel IN ('portal', 'email', 'phone', 'api', 'hand')),
    party_id      bigint REFERENCES party,
    contact_id    bigint REFERENCES party,
    sender_name   text,
    sender_email  email,
    sender_phone  text,
    serial        text,
    document_number text,
    category_id   bigint,
    priority      text NOT NULL CONSTRAINT service_case_priority CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    queue_id      bigint,
    assignee_id   bigint REFERENCES app_user,
    item_id       bigint REFERENCES item,
    lot_id        bigint,
    sales_order_id bigint,
    sales_order_line_id bigint,
    shipment_id   bigint,
    shipment_line_id bigint,
    invoice_id    bigint,
    resolution_kind text CONSTRAINT service_case_resolution_kind
                  CHECK (resolution_kind IN ('answer', 'repair', 'return', 'none')),
    resolution    text,
    first_responded_at timestamptz,
    resolved_at   timestamptz,
    closed_at     timestamptz,
    reopened      integer NOT NULL DEFAULT 0,
    follows_id    bigint,
    merged_into_id bigint,
    flow_id       bigint,
    state         text NOT NULL DEFAULT 'new',
    workflow_id   bigint REFERENCES workflow,
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    bigint DEFAULT app_user_id(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    updated_by    bigint,
    version       integer NOT NULL DEFAULT 1,
    search_terms  text[] GENERATED ALWAYS AS (search_grams(number || ' ' || subject || ' '
        || coalesce(serial, '') || ' ' || coalesce(document_number, '') || ' ' || coalesce(sender_email, ''))) STORED,
    UNIQUE (company_id, id),
    CONSTRAINT service_case_number_unique UNIQUE (company_id, number),
    CONSTRAINT service_case_queue_given CHECK (queue_id IS NOT NULL),
    CONSTRAINT service_case_item_given CHECK (item_id IS NOT NULL
        OR lot_id IS NULL AND sales_order_line_id IS NULL AND shipment_line_id IS NULL),
    CONSTRAINT service_case_customer_given CHECK (party_id IS NOT NULL
        OR lot_id IS NULL AND sales_order_id IS NULL AND shipment_id IS NULL AND invoice_id IS NULL),
    CONSTRAINT service_case_resolved CHECK ((state = 'resolved') <= (resolution_kind IS NOT NULL AND resolved_at IS NOT NULL)),
    CONSTRAINT service_case_not_itself CHECK (merged_into_id <> id AND follows_id <> id),
    CONSTRAINT service_case_category_fkey FOREIGN KEY (company_id, category_id) REFERENCES service_category (company_id, id),
    CONSTRAINT service_case_queue_fkey FOREIGN KEY (company_id, queue_id) REFERENCES service_queue (company_id, id),
    CONSTRAINT service_case_lot_fkey FOREIGN KEY (company_id, item_id, lot_id) REFERENCES lot (company_id, item_id, id),
    CONSTRAINT service_case_order_fkey FOREIGN KEY (company_id, sales_order_id) REFERENCES sales_order (company_id, id),
    CONSTRAINT service_case_order_line_fkey FOREIGN KEY (company_id, item_id, sales_order_line_id)
        REFERENCES sales_order_line (company_id, item_id, id),
    CONSTRAINT service_case_shipment_fkey FOREIGN KEY (company_id, shipment_id) REFERENCES shipment (company_id, id),
    CONSTRAINT service_case_shipment_line_fkey FOREIGN KEY (company_id, shipment_line_id, item_id)
        REFERENCES shipment_line (company_id, id, item_id),
    CONSTRAINT service_case_invoice_fkey FOREIGN KEY (company_id, invoice_id) REFERENCES invoice (company_id, id),
    CONSTRAINT service_case_follows_fkey FOREIGN KEY (company_id, follows_id) REFERENCES service_case (company_id, id),
    CONSTRAINT service_case_merged_fkey FOREIGN KEY (company_id, merged_into_id) REFERENCES service_case (company_id, id),
    FOREIGN KEY (company_id, flow_id) REFERENCES flow (company_id, id)
);
CREATE INDEX ON service_case USING gin (search_terms);
CREATE INDEX ON service_case (company_id, state, assignee_id);
CREATE INDEX ON service_case (company_id, party_id, id);
CREATE INDEX ON service_case (company_id, lot_id) WHERE lot_id IS NOT NULL;
CREATE INDEX ON service_case (sales_order_line_id) WHERE sales_order_line_id IS NOT NULL;
CREATE INDEX ON service_case (shipment_line_id) WHERE shipment_line_id IS NOT NULL;
CREATE INDEX ON service_case (merged_into_id) WHERE merged_into_id IS NOT NULL;
COMMENT ON TABLE service_case IS 'Case: what a customer complains of or asks for';
COMMENT ON COLUMN service_case.number IS 'Number';
COMMENT ON COLUMN service_case.subject IS 'Subject: what it is about';
COMMENT ON COLUMN service_case.description IS 'Description';
COMMENT ON COLUMN service_case.channel IS 'Channel: how it came in';
COMMENT ON COLUMN service_case.party_id IS 'Customer';
COMMENT ON COLUMN service_case.contact_id IS 'Contact';
COMMENT ON COLUMN service_case.sender_name IS 'Sender';
COMMENT ON COLUMN service_case.sender_email IS 'Sender''s e-mail: by it the customer is found';
COMMENT ON COLUMN service_case.sender_phone IS 'Sender''s phone: by it the customer is found';
COMMENT ON COLUMN service_case.serial IS 'Serial or lot: as the customer gives it';
COMMENT ON COLUMN service_case.document_number IS 'Document: number of the order, delivery or invoice, as the customer gives it';
COMMENT ON COLUMN service_case.category_id IS 'Category';
COMMENT ON COLUMN service_case.priority IS 'Priority: empty: that of the category';
COMMENT ON COLUMN service_case.queue_id IS 'Queue: empty: that of the category';
COMMENT ON COLUMN service_case.assignee_id IS 'Assignee: who looks after it';
COMMENT ON COLUMN service_case.item_id IS 'Item';
COMMENT ON COLUMN service_case.lot_id IS 'Lot';
COMMENT ON COLUMN service_case.sales_order_id IS 'Sales order';
COMMENT ON COLUMN service_case.sales_order_line_id IS 'Order line';
COMMENT ON COLUMN service_case.shipment_id IS 'Delivery';
COMMENT ON COLUMN service_case.shipment_line_id IS 'Delivery line';
COMMENT ON COLUMN service_case.invoice_id IS 'Invoice';
COMMENT ON COLUMN service_case.resolution_kind IS 'Resolved by';
COMMENT ON COLUMN service_case.resolution IS 'Resolution: what the customer is told';
COMMENT ON COLUMN service_case.first_responded_at IS 'First response';
COMMENT ON COLUMN service_case.resolved_at IS 'Resolved at';
COMMENT ON COLUMN service_case.closed_at IS 'Closed at';
COMMENT ON COLUMN service_case.reopened IS 'Reopened: how often';
COMMENT ON COLUMN service_case.follows_id IS 'Follows: the earlier case that it refers to';
COMMENT ON COLUMN service_case.merged_into_id IS 'Merged into';
COMMENT ON COLUMN service_case.state IS 'State';
COMMENT ON CONSTRAINT service_case_subject ON service_case IS 'Say in a few words what it is about';
COMMENT ON CONSTRAINT service_case_channel ON service_case IS 'There is no such channel';
COMMENT ON CONSTRAINT service_case_priority ON service_case IS 'A priority is low, normal, high or urgent';
COMMENT ON CONSTRAINT service_case_resolution_kind ON service_case IS 'A case is resolved by answer, repair, return or none';
COMMENT ON CONSTRAINT service_case_number_unique ON service_case IS 'Another case has this number already';
COMMENT ON CONSTRAINT service_case_queue_given ON service_case IS 'Name the queue: the company has no default one';
COMMENT ON CONSTRAINT service_case_item_given ON service_case IS 'Name the item first';
COMMENT ON CONSTRAINT service_case_customer_given ON service_case IS 'Name the customer first';
COMMENT ON CONSTRAINT service_case_resolved ON service_case IS 'Say how the case was resolved';
COMMENT ON CONSTRAINT service_case_not_itself ON service_case IS 'A case does not refer to itself';
COMMENT ON CONSTRAINT service_case_party_id_fkey ON service_case IS 'There is no such party';
COMMENT ON CONSTRAINT service_case_contact_id_fkey ON service_case IS 'There is no such party';
COMMENT ON CONSTRAINT service_case_assignee_id_fkey ON service_case IS 'There is no such user';
COMMENT ON CONSTRAINT service_case_item_id_fkey ON service_case IS 'There is no such item';
COMMENT ON CONSTRAINT service_case_category_fkey ON service_case IS 'There is no such category';
COMMENT ON CONSTRAINT service_case_queue_fkey ON service_case IS 'There is no such queue';
COMMENT ON CONSTRAINT service_case_lot_fkey ON service_case IS 'The lot is not one of this item';
COMMENT ON CONSTRAINT service_case_order_fkey ON service_case IS 'There is no such order';
COMMENT ON CONSTRAINT service_case_order_line_fkey ON service_case IS 'The order line is not one of this item';
COMMENT ON CONSTRAINT service_case_shipment_fkey ON service_case IS 'There is no such delivery';
COMMENT ON CONSTRAINT service_case_shipment_line_fkey ON service_case IS 'The delivery line is not one of this item';
COMMENT ON CONSTRAINT service_case_invoice_fkey ON service_case IS 'There is no such invoice';
COMMENT ON CONSTRAINT service_case_follows_fkey ON service_case IS 'There is no such case';
COMMENT ON CONSTRAINT service_case_merged_fkey ON service_case IS 'There is no such case';
CALL table_register('service_case', 'table',
    '{first_responded_at,resolved_at,closed_at,reopened,merged_into_id}');

-- Who said what. A customer's message is known by its Message-ID, so that it counts once.
CREATE TABLE case_message (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id  bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    case_id     bigint NOT NULL,
    kind        text NOT NULL CONSTRAINT case_message_kind CHECK (kind IN ('reply', 'note', 'customer')),
    body        text NOT NULL CONSTRAINT case_message_body CHECK (btrim(body) <> ''),
    sender      text,
    author_id   bigint DEFAULT app_user_id() REFERENCES app_user,
    message_id  text,
    in_reply_to text,
    at          timestamptz NOT NULL DEFAULT now(),
    UNIQUE (company_id, id),
    CONSTRAINT case_message_received_once UNIQUE (company_id, message_id),
    CONSTRAINT case_message_case_fkey FOREIGN KEY (company_id, case_id) REFERENCES service_case (company_id, id) ON DELETE CASCADE
);
CREATE INDEX ON case_message (case_id, id);
COMMENT ON TABLE case_message IS 'Message: what was said about a case';
COMMENT ON COLUMN case_message.case_id IS 'Case';
COMMENT ON COLUMN case_message.kind IS 'Kind: a reply goes to the customer, a note stays inside';
COMMENT ON COLUMN case_message.body IS 'Text';
COMMENT ON COLUMN case_message.sender IS 'Sender';
COMMENT ON COLUMN case_message.author_id IS 'Entered by';
COMMENT ON COLUMN case_message.message_id IS 'Message-ID: of the e-mail';
COMMENT ON COLUMN case_message.in_reply_to IS 'In reply to: the Message-ID of another e-mail';
COMMENT ON COLUMN case_message.at IS 'At';
COMMENT ON CONSTRAINT case_message_kind ON case_message IS 'A message is a reply, a note or the customer''s';
COMMENT ON CONSTRAINT case_message_body ON case_message IS 'Write something first';
COMMENT ON CONSTRAINT case_message_received_once ON case_message IS 'This message was received already';
COMMENT ON CONSTRAINT case_message_case_fkey ON case_message IS 'There is no such case';
CALL table_register('case_message', 'ledger', '{author_id,at}');

-- ------------------------------------------------------------------ service levels
CREATE TABLE sla_policy (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id   bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    name         text NOT NULL CONSTRAINT sla_policy_name CHECK (btrim(name) <> ''),
    name_zh      text,
    segment      text,
    calendar_id  bigint REFERENCES calendar,
    warn_percent integer NOT NULL DEFAULT 80 CONSTRAINT sla_policy_warn_percent CHECK (warn_percent BETWEEN 1 AND 100),
    is_default   boolean NOT NULL DEFAULT false,
    active       boolean NOT NULL DEFAULT true,
    created_at   timestamptz NOT NULL DEFAULT now(),
    created_by   bigint DEFAULT app_user_id(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    updated_by   bigint,
    version      integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT sla_policy_name_unique UNIQUE (company_id, name)
);
CREATE UNIQUE INDEX sla_policy_one_default ON sla_policy (company_id) WHERE is_default;
CREATE UNIQUE INDEX sla_policy_one_segment ON sla_policy (company_id, segment) WHERE active;
COMMENT ON TABLE sla_policy IS 'Service level: how fast cases are answered and resolved';
COMMENT ON COLUMN sla_policy.name IS 'Name';
COMMENT ON COLUMN sla_policy.name_zh IS 'Chinese name';
COMMENT ON COLUMN sla_policy.segment IS 'Segment: the customers for whom it holds without a contract';
COMMENT ON COLUMN sla_policy.calendar_id IS 'Calendar: empty: that of the queue';
COMMENT ON COLUMN sla_policy.warn_percent IS 'Warn at: percent of the time used';
COMMENT ON COLUMN sla_policy.is_default IS 'Default: for customers with neither contract nor segment of their own';
COMMENT ON COLUMN sla_policy.active IS 'Active';
COMMENT ON CONSTRAINT sla_policy_name ON sla_policy IS 'Give the service level a name';
COMMENT ON CONSTRAINT sla_policy_warn_percent ON sla_policy IS 'The warning comes between 1 and 100 percent';
COMMENT ON CONSTRAINT sla_policy_name_unique ON sla_policy IS 'Another service level has this name already';
COMMENT ON CONSTRAINT sla_policy_calendar_id_fkey ON sla_policy IS 'There is no such calendar';
COMMENT ON INDEX sla_policy_one_default IS 'Another service level is the default';
COMMENT ON INDEX sla_policy_one_segment IS 'Another service level holds for this segment';
CALL table_register('sla_policy', 'table');

CREATE TABLE sla_target (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    policy_id  bigint NOT NULL,
    priority   text NOT NULL CONSTRAINT sla_target_priority CHECK (priority IN ('low', 'normal', 'high', 'urgent')),
    first_response integer CONSTRAINT sla_target_first_response CHECK (first_response BETWEEN 1 AND 1000000),
    resolution integer CONSTRAINT sla_target_resolution CHECK (resolution BETWEEN 1 AND 1000000),
    UNIQUE (company_id, id),
    CONSTRAINT sla_target_once UNIQUE (policy_id, priority),
    CONSTRAINT sla_target_policy_fkey FOREIGN KEY (company_id, policy_id) REFERENCES sla_policy (company_id, id) ON DELETE CASCADE
);
COMMENT ON TABLE sla_target IS 'Target: of one priority';
COMMENT ON COLUMN sla_target.policy_id IS 'Service level';
COMMENT ON COLUMN sla_target.priority IS 'Priority';
COMMENT ON COLUMN sla_target.first_response IS 'First response: within so many working minutes';
COMMENT ON COLUMN sla_target.resolution IS 'Resolution: within so many working minutes';
COMMENT ON CONSTRAINT sla_target_priority ON sla_target IS 'A priority is low, normal, high or urgent';
COMMENT ON CONSTRAINT sla_target_first_response ON sla_target IS 'A target is at least one minute';
COMMENT ON CONSTRAINT sla_target_resolution ON sla_target IS 'A target is at least one minute';
COMMENT ON CONSTRAINT sla_target_once ON sla_target IS 'This service level has a target for this priority already';
COMMENT ON CONSTRAINT sla_target_policy_fkey ON sla_target IS 'There is no such service level';
CALL table_register('sla_target', 'table');

CREATE TABLE service_contract (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    party_id   bigint NOT NULL REFERENCES party,
    policy_id  bigint NOT NULL,
    reference  text,
    valid_from date NOT NULL DEFAULT app_today(),
    valid_to   date,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT service_contract_days CHECK (valid_to >= valid_from),
    CONSTRAINT service_contract_alone EXCLUDE USING gist (int8range(company_id, company_id, '[]') WITH &&,
        int8range(party_id, party_id, '[]') WITH &&, daterange(valid_from, valid_to, '[]') WITH &&),
    CONSTRAINT service_contract_policy_fkey FOREIGN KEY (company_id, policy_id) REFERENCES sla_policy (company_id, id)
);
COMMENT ON TABLE service_contract IS 'Service contract: which service level a customer has bought';
COMMENT ON COLUMN service_contract.party_id IS 'Customer';
COMMENT ON COLUMN service_contract.policy_id IS 'Service level';
COMMENT ON COLUMN service_contract.reference IS 'Reference: number of the contract';
COMMENT ON COLUMN service_contract.valid_from IS 'From';
COMMENT ON COLUMN service_contract.valid_to IS 'To: empty: until it is ended';
COMMENT ON CONSTRAINT service_contract_days ON service_contract IS 'A contract does not end before it begins';
COMMENT ON CONSTRAINT service_contract_alone ON service_contract IS 'The customer has a contract for these days already';
COMMENT ON CONSTRAINT service_contract_policy_fkey ON service_contract IS 'There is no such service level';
COMMENT ON CONSTRAINT service_contract_party_id_fkey ON service_contract IS 'There is no such party';
CALL table_register('service_contract', 'table');

-- How long a case may take, and has taken. `ran` are the stretches of time in which the clock
-- ran; the last one is open while it runs. All moments are worked out from it and the calendar.
-- Only triggers write it. It is no part of its case, so that each change is an event: rules wait
-- for its moments.
CREATE TABLE sla_clock (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL,
    case_id    bigint NOT NULL,
    kind       text NOT NULL CONSTRAINT sla_clock_kind CHECK (kind IN ('response', 'resolution')),
    policy_id  bigint NOT NULL,
    calendar_id bigint NOT NULL REFERENCES calendar,
    minutes    integer NOT NULL,
    warn_percent integer NOT NULL,
    started_at timestamptz NOT NULL,
    ran        tstzmultirange NOT NULL,
    warn_at    timestamptz,
    due_at     timestamptz,
    paused_at  timestamptz,
    stopped_at timestamptz,
    used_minutes quantity NOT NULL DEFAULT 0,
    breached   boolean NOT NULL DEFAULT false,
    reason     text,
    UNIQUE (company_id, id),
    CONSTRAINT sla_clock_once UNIQUE (case_id, kind),
    CONSTRAINT sla_clock_stands CHECK (upper_inf(ran) = (paused_at IS NULL AND stopped_at IS NULL)),
    FOREIGN KEY (company_id, policy_id) REFERENCES sla_policy (company_id, id),
    CONSTRAINT sla_clock_case_fkey FOREIGN KEY (company_id, case_id) REFERENCES service_case (company_id, id)
);
CREATE INDEX ON sla_clock (due_at);
CREATE INDEX ON sla_clock (warn_at);
COMMENT ON TABLE sla_clock IS 'Service clock: how long a case may take, and has taken';
COMMENT ON COLUMN sla_clock.case_id IS 'Case';
COMMENT ON COLUMN sla_clock.kind IS 'Kind: until the first response, or the resolution';
COMMENT ON COLUMN sla_clock.policy_id IS 'Service level';
COMMENT ON COLUMN sla_clock.calendar_id IS 'Calendar';
COMMENT ON COLUMN sla_clock.minutes IS 'Target: in working minutes';
COMMENT ON COLUMN sla_clock.warn_percent IS 'Warn at: percent of the time used';
COMMENT ON COLUMN sla_clock.started_at IS 'Started at';
COMMENT ON COLUMN sla_clock.ran IS 'Ran: from when to when';
COMMENT ON COLUMN sla_clock.warn_at IS 'Warning at';
COMMENT ON COLUMN sla_clock.due_at IS 'Due at: empty while it is paused in time';
COMMENT ON COLUMN sla_clock.paused_at IS 'Paused at: waiting for the customer';
COMMENT ON COLUMN sla_clock.stopped_at IS 'Stopped at';
COMMENT ON COLUMN sla_clock.used_minutes IS 'Used: working minutes until it was last paused or stopped';
COMMENT ON COLUMN sla_clock.breached IS 'Breached: it ran on after it was due';
COMMENT ON COLUMN sla_clock.reason IS 'Reason: why it took longer';
COMMENT ON CONSTRAINT sla_clock_case_fkey ON sla_clock IS 'There is no such case';
CALL table_register('sla_clock', 'table', '{company_id,case_id,kind,policy_id,calendar_id,minutes,warn_percent,started_at,ran,warn_at,due_at,paused_at,stopped_at,used_minutes,breached}');

-- ------------------------------------------------------------------ who may
INSERT INTO permission (role_id, entity, action)
SELECT r.id, e.entity, a.action
  FROM (VALUES ('company', 'read'), ('app_user', 'read change_password'), ('activity', 'read create change delete done'),
               ('notification', 'read mark_read')) e (entity, actions)
  JOIN role r ON r.code = 'service', unnest(string_to_array(e.actions, ' ')) a (action)
ON CONFLICT DO NOTHING;
INSERT INTO permission (role_id, entity, action)
SELECT r.id, e.entity, a.action
  FROM (VALUES ('manager', 'service_queue', 'create change delete'), ('manager', 'service_category', 'create change delete'),
               ('manager', 'service_case', 'create change delete take assign reply note receive wait resume resolve reopen confirm close merge escalate'),
               ('manager', 'sla_policy', 'create change delete'), ('manager', 'sla_clock', 'change'), ('manager', 'service_contract', 'create change delete'),
               ('service', 'service_case', 'read create change take assign reply note receive wait resume resolve reopen confirm close merge escalate'),
               ('service', 'case_message', 'read'), ('service', 'service_case_document', 'read'), ('service', 'sla_clock', 'read change'), ('service', 'sla_policy', 'read'),
               ('service', 'service_contract', 'read create change'), ('service', 'service_queue', 'read'),
               ('service', 'service_category', 'read'), ('service', 'party', 'read create change'),
               ('service', 'item', 'read'), ('service', 'lot', 'read'), ('service', 'shipment', 'read'),
               ('sales', 'service_case', 'read create note'), ('sales', 'case_message', 'read'), ('sales', 'service_case_document', 'read'), ('sales', 'sla_clock', 'read'),
               ('sales', 'service_queue', 'read'), ('sales', 'service_category', 'read'), ('sales', 'service_contract', 'read'),
               ('quality', 'service_case', 'read note'), ('quality', 'case_message', 'read'), ('quality', 'sla_clock', 'read'),
               ('quality', 'service_queue', 'read'), ('quality', 'service_category', 'read')) e (role, entity, actions)
  JOIN role r ON r.code = e.role, unnest(string_to_array(e.actions, ' ')) a (action)
ON CONFLICT DO NOTHING;
