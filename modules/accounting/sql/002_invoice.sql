-- Invoices, payments and what settles what. Amounts are in the document's currency;
-- base_* are the same in the company's, at the document's own rate.

CREATE TABLE invoice (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id    bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    kind          text NOT NULL DEFAULT 'customer_invoice' CONSTRAINT invoice_kind_known
                  CHECK (kind IN ('customer_invoice', 'credit_note', 'supplier_bill', 'debit_note')),
    number        text,                       -- given when it is posted, without gaps
    party_id      bigint NOT NULL REFERENCES party,
    invoice_date  date NOT NULL DEFAULT app_today(),
    due_date      date,
    payment_term_id bigint,
    reference     text,
    currency_code currency_code NOT NULL DEFAULT current_setting('tenon.currency'),
    exchange_rate rate,
    prices_include_tax boolean NOT NULL DEFAULT false,
    tax_rounding  text NOT NULL DEFAULT 'line' CONSTRAINT invoice_tax_rounding_known
                  CHECK (tax_rounding IN ('line', 'document')),
    net           amount NOT NULL DEFAULT 0,
    tax           amount NOT NULL DEFAULT 0,
    total         amount NOT NULL DEFAULT 0,
    base_total    base_amount NOT NULL DEFAULT 0,
    open_amount   amount NOT NULL DEFAULT 0,
    open_base     base_amount NOT NULL DEFAULT 0,
    paid          text NOT NULL DEFAULT 'none' CONSTRAINT invoice_paid_known CHECK (paid IN ('none', 'part', 'full')),
    settled_on    date,                       -- the day on which nothing was left open
    credits_id    bigint,
    journal_entry_id bigint,
    note          text,
    flow_id       bigint,
    state         text NOT NULL DEFAULT 'draft',
    workflow_id   bigint REFERENCES workflow,
    search_terms  text[] GENERATED ALWAYS AS
        (search_grams(coalesce(number, '') || ' ' || coalesce(reference, ''))) STORED,
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    bigint DEFAULT app_user_id(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    updated_by    bigint,
    version       integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT invoice_number_unique UNIQUE (company_id, number),
    CONSTRAINT invoice_company_exists FOREIGN KEY (company_id) REFERENCES company,
    CONSTRAINT invoice_flow_exists FOREIGN KEY (company_id, flow_id) REFERENCES flow (company_id, id),
    CONSTRAINT invoice_term_exists FOREIGN KEY (company_id, payment_term_id) REFERENCES payment_term (company_id, id),
    CONSTRAINT invoice_credits_exists FOREIGN KEY (company_id, credits_id) REFERENCES invoice (company_id, id),
    CONSTRAINT invoice_entry_exists FOREIGN KEY (company_id, journal_entry_id) REFERENCES journal_entry (company_id, id),
    CONSTRAINT invoice_credits_kind CHECK (credits_id IS NULL OR kind IN ('credit_note', 'debit_note')),
    CONSTRAINT invoice_due_in_order CHECK (due_date >= invoice_date),
    CONSTRAINT invoice_sum CHECK (total = net + tax),
    CONSTRAINT invoice_open_range CHECK (open_amount BETWEEN 0 AND greatest(total, 0)),
    CONSTRAINT invoice_digits CHECK (total = round(total, currency_scale(currency_code))
                                     AND net = round(net, currency_scale(currency_code)))
);
CREATE INDEX ON invoice (company_id, party_id, invoice_date);
CREATE INDEX ON invoice (company_id, invoice_date, id);
CREATE INDEX ON invoice (company_id, due_date, id);
CREATE INDEX ON invoice (company_id, credits_id) WHERE credits_id IS NOT NULL;
CREATE INDEX ON invoice (company_id, flow_id) WHERE flow_id IS NOT NULL;
CREATE INDEX ON invoice USING gin (search_terms);
-- What was open at the end of a day: posted by then, and not settled yet.
CREATE INDEX invoice_open_on ON invoice USING gist (daterange(invoice_date, settled_on, '[)')) WHERE number IS NOT NULL;
CREATE INDEX invoice_unpaid ON invoice (company_id, party_id, due_date) WHERE open_amount > 0;
CALL table_register('invoice', 'table',
    '{number,net,tax,total,base_total,open_amount,open_base,paid,settled_on,journal_entry_id}');

CREATE TABLE invoice_line (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id    bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    invoice_id    bigint NOT NULL,
    position      integer NOT NULL DEFAULT 0,
    item_id       bigint REFERENCES item,
    description   text,
    quantity      quantity NOT NULL DEFAULT 1,
    unit_price    unit_price NOT NULL DEFAULT 0,
    discount      percent NOT NULL DEFAULT 0 CONSTRAINT invoice_line_discount CHECK (discount <= 100),
    currency_code currency_code NOT NULL DEFAULT current_setting('tenon.currency'),
    tax_id        bigint,                     -- null: what the tax rules say
    account_id    bigint,                     -- null: by the item's category
    credits_line_id bigint,
    tax_percent   percent NOT NULL DEFAULT 0, -- the rate of that day, kept
    net           amount NOT NULL DEFAULT 0,
    tax           amount NOT NULL DEFAULT 0,
    credited_quantity quantity NOT NULL DEFAULT 0,   -- by posted credit notes
    credited_net  amount NOT NULL DEFAULT 0,
    credited_tax  amount NOT NULL DEFAULT 0,
    UNIQUE (company_id, id),
    CONSTRAINT invoice_line_invoice_exists FOREIGN KEY (company_id, invoice_id)
        REFERENCES invoice (company_id, id) ON DELETE CASCADE,
    CONSTRAINT invoice_line_tax_exists FOREIGN KEY (company_id, tax_id) REFERENCES tax (company_id, id),
    CONSTRAINT invoice_line_account_exists FOREIGN KEY (company_id, account_id) REFERENCES account (company_id, id),
    CONSTRAINT invoice_line_credits_exists FOREIGN KEY (company_id, credits_line_id) REFERENCES invoice_line (company_id, id),
    CONSTRAINT invoice_line_digits CHECK (net = round(net, currency_scale(currency_code))
                                          AND tax = round(tax, currency_scale(currency_code))),
    CONSTRAINT invoice_line_credited CHECK (
        (quantity >= 0 AND credited_quantity BETWEEN 0 AND quantity
         OR quantity < 0 AND credited_quantity BETWEEN quantity AND 0)
        AND (net >= 0 AND credited_net BETWEEN 0 AND net OR net < 0 AND credited_net BETWEEN net AND 0))
);
CREATE INDEX ON invoice_line (company_id, invoice_id, position);
CREATE INDEX ON invoice_line (company_id, item_id) WHERE item_id IS NOT NULL;
CREATE INDEX ON invoice_line (company_id, credits_line_id) WHERE credits_line_id IS NOT NULL;
CALL table_register('invoice_line', 'table',
    '{tax_percent,net,tax,credited_quantity,credited_net,credited_tax}');

-- Written at posting where the term has several instalments; due_date is the last one's.
CREATE TABLE invoice_instalment (
    company_id bigint NOT NULL,
    invoice_id bigint NOT NULL,
    position   integer NOT NULL,
    due_date   date NOT NULL,
    amount     amount NOT NULL,
    PRIMARY KEY (invoice_id, position),
    CONSTRAINT invoice_instalment_invoice_exists FOREIGN KEY (company_id, invoice_id) REFERENCES invoice (company_id, id)
);
CALL table_register('invoice_instalment', 'maintained');

-- ------------------------------------------------------------------ payments
CREATE TABLE payment (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id    bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    kind          text NOT NULL DEFAULT 'receipt' CONSTRAINT payment_kind_known CHECK (kind IN ('receipt', 'disbursement')),
    number        text NOT NULL DEFAULT document_number('payment'),
    party_id      bigint NOT NULL REFERENCES party,
    payment_date  date NOT NULL DEFAULT app_today(),
    amount        amount NOT NULL CONSTRAINT payment_amount_positive CHECK (amount > 0),
    currency_code currency_code NOT NULL DEFAULT current_setting('tenon.currency'),
    exchange_rate rate,
    journal_id    bigint,                     -- where the money is: a journal with an account; null: BNK
    reference     text,
    base_amount   base_amount NOT NULL DEFAULT 0,
    open_amount   amount NOT NULL DEFAULT 0,
    open_base     base_amount NOT NULL DEFAULT 0,
    settled_on    date,
    cancelled_on  date,
    journal_entry_id bigint,
    flow_id       bigint,
    state         text NOT NULL DEFAULT 'draft',
    workflow_id   bigint REFERENCES workflow,
    search_terms  text[] GENERATED ALWAYS AS (search_grams(number || ' ' || coalesce(reference, ''))) STORED,
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    bigint DEFAULT app_user_id(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    updated_by    bigint,
    version       integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT payment_number_unique UNIQUE (company_id, number),
    CONSTRAINT payment_company_exists FOREIGN KEY (company_id) REFERENCES company,
    CONSTRAINT payment_flow_exists FOREIGN KEY (company_id, flow_id) REFERENCES flow (company_id, id),
    CONSTRAINT payment_journal_exists FOREIGN KEY (company_id, journal_id) REFERENCES journal (company_id, id),
    CONSTRAINT payment_entry_exists FOREIGN KEY (company_id, journal_entry_id)
        REFERENCES journal_entry (company_id, id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT payment_open_range CHECK (open_amount BETWEEN 0 AND amount),
    CONSTRAINT payment_cancelled_in_order CHECK (cancelled_on >= payment_date),
    CONSTRAINT payment_digits CHECK (amount = round(amount, currency_scale(currency_code)))
);
CREATE INDEX ON payment (company_id, party_id, payment_date);
CREATE INDEX ON payment (company_id, payment_date, id);
CREATE INDEX ON payment (company_id, flow_id) WHERE flow_id IS NOT NULL;
CREATE INDEX ON payment USING gin (search_terms);
CREATE INDEX payment_open_on ON payment USING gist (daterange(payment_date, settled_on, '[)'))
    WHERE journal_entry_id IS NOT NULL;
CALL table_register('payment', 'table',
    '{number,base_amount,open_amount,open_base,settled_on,journal_entry_id}');

-- What the payment is meant for: becomes allocations when it is posted.
CREATE TABLE payment_line (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    payment_id bigint NOT NULL,
    invoice_id bigint NOT NULL,
    amount     amount NOT NULL CONSTRAINT payment_line_amount_positive CHECK (amount > 0),
    currency_code currency_code NOT NULL DEFAULT current_setting('tenon.currency'),
    CONSTRAINT payment_line_payment_exists FOREIGN KEY (company_id, payment_id)
        REFERENCES payment (company_id, id) ON DELETE CASCADE,
    CONSTRAINT payment_line_invoice_exists FOREIGN KEY (company_id, invoice_id) REFERENCES invoice (company_id, id),
    CONSTRAINT payment_line_once UNIQUE (company_id, payment_id, invoice_id)
);
CREATE INDEX ON payment_line (company_id, invoice_id);
CALL table_register('payment_line', 'table');

-- Append-only: what settles what, from which day. Taken back by a row with reverses_id.
CREATE TABLE allocation (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id   bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    invoice_id   bigint NOT NULL,             -- what is settled: an invoice or a bill
    payment_id   bigint,                      -- by a payment,
    credit_id    bigint,                      -- or by a credit or debit note
    amount       amount NOT NULL,
    currency_code currency_code NOT NULL DEFAULT current_setting('tenon.currency'),
    invoice_base base_amount NOT NULL DEFAULT 0,   -- what it takes from the invoice's books
    source_base  base_amount NOT NULL DEFAULT 0,   -- and from the payment's or credit's
    allocated_on date NOT NULL DEFAULT app_today(),
    reverses_id  bigint,
    created_at   timestamptz NOT NULL DEFAULT now(),
    created_by   bigint DEFAULT app_user_id(),
    UNIQUE (company_id, id),
    CONSTRAINT allocation_reversed_once UNIQUE (company_id, reverses_id),
    CONSTRAINT allocation_invoice_exists FOREIGN KEY (company_id, invoice_id) REFERENCES invoice (company_id, id),
    CONSTRAINT allocation_payment_exists FOREIGN KEY (company_id, payment_id) REFERENCES payment (company_id, id),
    CONSTRAINT allocation_credit_exists FOREIGN KEY (company_id, credit_id) REFERENCES invoice (company_id, id),
    CONSTRAINT allocation_reverses_exists FOREIGN KEY (company_id, reverses_id) REFERENCES allocation (company_id, id),
    CONSTRAINT allocation_one_source CHECK (num_nonnulls(payment_id, credit_id) = 1),
    CONSTRAINT allocation_sign CHECK (CASE WHEN reverses_id IS NULL THEN amount > 0 ELSE amount < 0 END),
    CONSTRAINT allocation_digits CHECK (amount = round(amount, currency_scale(currency_code)))
);
CREATE INDEX ON allocation (company_id, invoice_id, allocated_on) INCLUDE (amount, invoice_base);
CREATE INDEX ON allocation (company_id, payment_id, allocated_on) INCLUDE (amount, source_base) WHERE payment_id IS NOT NULL;
CREATE INDEX ON allocation (company_id, credit_id, allocated_on) INCLUDE (amount, source_base) WHERE credit_id IS NOT NULL;
CALL table_register('allocation', 'ledger', '{invoice_base,source_base}');
