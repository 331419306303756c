-- What the workflow engine remembers besides its definitions, history and jobs.

-- The shipped rules as they were shipped: an upgrade changes only what nobody has changed,
-- and does not bring back what an administrator has deleted.
CREATE TABLE workflow_shipped_rule (
    name       text PRIMARY KEY,
    module     text NOT NULL,
    definition jsonb NOT NULL
);
CALL table_register('workflow_shipped_rule', 'internal');

-- Whose turn it is: when a rule last gave each user a record.
CREATE TABLE workflow_turn (
    rule       text NOT NULL,
    company_id bigint NOT NULL REFERENCES company,
    user_id    bigint NOT NULL REFERENCES app_user ON DELETE CASCADE,
    at         timestamptz NOT NULL,
    PRIMARY KEY (rule, company_id, user_id)
);
CALL table_register('workflow_turn', 'internal');

-- When the rules of dates and schedules were last looked at.
CREATE TABLE workflow_clock (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    at       timestamptz NOT NULL DEFAULT '-infinity',
    position bigint NOT NULL DEFAULT 0           -- of the last event seen
);
INSERT INTO workflow_clock DEFAULT VALUES;
CALL table_register('workflow_clock', 'internal');
