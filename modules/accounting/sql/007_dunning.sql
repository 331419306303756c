-- Reminders of what is overdue: levels, the letters that were sent, and the hold that a level
-- may put on a customer. sql/dunning.sql says when the next one is due.

CREATE TABLE dunning_level (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id   bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    level        integer NOT NULL CONSTRAINT dunning_level_range CHECK (level BETWEEN 1 AND 9),
    days_overdue integer NOT NULL CONSTRAINT dunning_level_days CHECK (days_overdue BETWEEN 1 AND 3650),
    hold         boolean NOT NULL DEFAULT false,
    text         text NOT NULL,
    text_zh      text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    created_by   bigint DEFAULT app_user_id(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    updated_by   bigint,
    version      integer NOT NULL DEFAULT 1,
    CONSTRAINT dunning_level_once UNIQUE (company_id, level),
    CONSTRAINT dunning_level_text_known CHECK (
        regexp_replace(text || coalesce(text_zh, ''),
                       '\{(customer|company|number|invoice_date|due_date|days|total|open_amount)\}', '', 'g') !~ '[{}]')
);
CALL table_register('dunning_level', 'table');
COMMENT ON TABLE dunning_level IS 'Reminder level: how late an invoice is when the next reminder goes out';
COMMENT ON COLUMN dunning_level.level IS 'Level: 1 is the first reminder';
COMMENT ON COLUMN dunning_level.days_overdue IS 'Days overdue: from so many days on';
COMMENT ON COLUMN dunning_level.hold IS 'Hold: no new order of the customer is confirmed until it is paid';
COMMENT ON COLUMN dunning_level.text IS 'Letter: {customer}, {company}, {number}, {invoice_date}, {due_date}, {days}, {total} and {open_amount} are filled in';
COMMENT ON COLUMN dunning_level.text_zh IS 'Letter in Chinese: for customers whose language is Chinese';
COMMENT ON CONSTRAINT dunning_level_range ON dunning_level IS 'A level is 1 to 9';
COMMENT ON CONSTRAINT dunning_level_days ON dunning_level IS 'Give 1 to 3650 days';
COMMENT ON CONSTRAINT dunning_level_once ON dunning_level IS 'There is such a level already';
COMMENT ON CONSTRAINT dunning_level_text_known ON dunning_level IS 'This letter has a place in braces that nothing fills';

ALTER TABLE invoice ADD COLUMN dunning_level integer NOT NULL DEFAULT 0,
    ADD COLUMN last_reminded_on date,
    ADD COLUMN reminders_paused_until date;
COMMENT ON COLUMN invoice.dunning_level IS 'Reminder level: of the last reminder that was sent';
COMMENT ON COLUMN invoice.last_reminded_on IS 'Last reminded on';
COMMENT ON COLUMN invoice.reminders_paused_until IS 'No reminder until: the day that a payment is promised for, or while something is disputed';
UPDATE table_kind SET guarded = guarded || '{dunning_level,last_reminded_on}' WHERE name = 'invoice';
-- Reminders and the collectors' list look at these alone.
CREATE INDEX invoice_receivable_due ON invoice (company_id, due_date) WHERE open_amount > 0 AND kind = 'customer_invoice';

-- Was the hold set by a reminder? Then paying takes it away; one set by hand stays.
ALTER TABLE customer_company ADD COLUMN held_by_dunning boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT customer_company_held CHECK (credit_hold OR NOT held_by_dunning);
COMMENT ON COLUMN customer_company.held_by_dunning IS 'Held by a reminder: ends by itself when what was reminded of is paid';
COMMENT ON CONSTRAINT customer_company_held ON customer_company IS 'A customer who is not on hold is not held by a reminder';
UPDATE table_kind SET guarded = guarded || '{held_by_dunning}' WHERE name = 'customer_company';

-- Append-only. The server names the invoice; what is said about it is filled in by a trigger.
CREATE TABLE dunning_letter (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id    bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint,
    invoice_id    bigint NOT NULL,
    party_id      bigint NOT NULL REFERENCES party,
    level         integer NOT NULL,
    sent_on       date NOT NULL,
    due_date      date NOT NULL,
    days_overdue  integer NOT NULL,
    open_amount   amount NOT NULL,
    currency_code currency_code NOT NULL,
    hold          boolean NOT NULL,
    text          text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    bigint DEFAULT app_user_id(),
    UNIQUE (company_id, id),
    CONSTRAINT dunning_letter_once UNIQUE (company_id, invoice_id, level),
    CONSTRAINT dunning_letter_invoice_exists FOREIGN KEY (company_id, invoice_id) REFERENCES invoice (company_id, id)
);
CREATE INDEX ON dunning_letter (company_id, party_id) WHERE hold;
CREATE INDEX ON dunning_letter (company_id, sent_on);
CALL table_register('dunning_letter', 'ledger',
    '{party_id,level,sent_on,due_date,days_overdue,open_amount,currency_code,hold,text}');
COMMENT ON TABLE dunning_letter IS 'Reminder: as it was sent';
COMMENT ON COLUMN dunning_letter.invoice_id IS 'Invoice';
COMMENT ON COLUMN dunning_letter.party_id IS 'Customer';
COMMENT ON COLUMN dunning_letter.level IS 'Level: 1 is the first reminder';
COMMENT ON COLUMN dunning_letter.sent_on IS 'Sent on';
COMMENT ON COLUMN dunning_letter.due_date IS 'Due date: of the first part that was overdue';
COMMENT ON COLUMN dunning_letter.days_overdue IS 'Days overdue';
COMMENT ON COLUMN dunning_letter.open_amount IS 'Overdue: what was due and not paid on that day';
COMMENT ON COLUMN dunning_letter.currency_code IS 'Currency';
COMMENT ON COLUMN dunning_letter.hold IS 'Hold: no new order of the customer is confirmed until it is paid';
COMMENT ON COLUMN dunning_letter.text IS 'Letter';
COMMENT ON CONSTRAINT dunning_letter_once ON dunning_letter IS 'This reminder was sent before';
COMMENT ON CONSTRAINT dunning_letter_invoice_exists ON dunning_letter IS 'There is no such invoice';

-- The levels of a new company, to be edited.
CREATE FUNCTION dunning_seed(company bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    INSERT INTO dunning_level (company_id, level, days_overdue, hold, text, text_zh)
    SELECT company, l.level, l.days, l.hold,
           E'Dear {customer},\n\n' || l.text || E'\n\nIf you have paid meanwhile, please take this letter as settled.\n\n{company}',
           E'{customer}：\n\n' || l.text_zh || E'\n\n如贵方已付款，请忽略本函。\n\n{company}'
      FROM (VALUES
        (1, 7, false,
         'Our invoice {number} of {invoice_date} was due on {due_date}. {open_amount} of it is still open. Perhaps it has escaped your notice: please pay it within the next days.',
         '我方 {invoice_date} 开具的发票 {number} 已于 {due_date} 到期，尚有 {open_amount} 未付。如系遗漏，请于近日内付款。'),
        (2, 21, true,
         'Our invoice {number} of {invoice_date} is overdue by {days} days, and {open_amount} is still open. Until it is paid we cannot confirm new orders.',
         '我方 {invoice_date} 开具的发票 {number} 已逾期 {days} 天，尚有 {open_amount} 未付。付清之前我方无法确认新订单。'),
        (3, 42, true,
         'This is our last reminder of invoice {number} of {invoice_date}, overdue by {days} days. Please pay {open_amount} within seven days; otherwise we shall have it collected.',
         '这是对我方 {invoice_date} 开具的发票 {number} 的最后一次催款，该发票已逾期 {days} 天。请于七日内支付 {open_amount}，否则我方将委托催收。'))
        AS l (level, days, hold, text, text_zh)
     WHERE NOT EXISTS (SELECT FROM dunning_level d WHERE d.company_id = company) $$;
SELECT dunning_seed(id) FROM company;

INSERT INTO permission (role_id, entity, action)
SELECT r.id, e.entity, e.action
  FROM (VALUES ('finance', 'dunning_level', '*'), ('finance', 'dunning_letter', '*'), ('finance', 'dunning_due', '*'),
               ('sales', 'dunning_letter', 'read'), ('sales', 'dunning_due', 'read')) AS e (role, entity, action)
  JOIN role r ON r.code = e.role;
