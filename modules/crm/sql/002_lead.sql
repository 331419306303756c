-- Leads: somebody who may buy, as the source said it. Conversion makes a party, its contact and
-- an opportunity of it; the lead stays as the record of where they came from.

CREATE TABLE lead (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id    bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    number        text NOT NULL DEFAULT document_number('lead'),
    subject       text,
    person        text,
    organisation  text,
    organisation_zh text,
    job_title     text,
    email         email,
    phone         text,
    mobile        text,
    tax_id        text,
    street        text,
    city          text,
    region        text,
    postal_code   text,
    country_code  country_code REFERENCES country (code),
    language      text CHECK (language IN ('en', 'zh')),
    message       text,
    source_id     bigint REFERENCES lead_source,
    medium        text,
    campaign      text,
    external_reference text,
    expected_amount amount CONSTRAINT lead_expected_amount CHECK (expected_amount >= 0),
    currency_code currency_code NOT NULL DEFAULT current_setting('tenon.currency') REFERENCES currency (code),
    team_id       bigint,
    salesperson_id bigint REFERENCES app_user,
    party_id      bigint REFERENCES party,
    contact_id    bigint REFERENCES party,
    opportunity_id bigint,
    lost_reason_id bigint REFERENCES lost_reason,
    lost_note     text,
    flow_id       bigint,
    state         text NOT NULL DEFAULT 'new',
    workflow_id   bigint REFERENCES workflow,
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    bigint DEFAULT app_user_id(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    updated_by    bigint,
    version       integer NOT NULL DEFAULT 1,
    search_terms  text[] GENERATED ALWAYS AS (search_grams(number || ' ' || coalesce(subject, '') || ' '
        || coalesce(person, '') || ' ' || coalesce(organisation, '') || ' ' || coalesce(organisation_zh, '')
        || ' ' || coalesce(email, ''))) STORED,
    UNIQUE (company_id, id),
    CONSTRAINT lead_number_unique UNIQUE (company_id, number),
    CONSTRAINT lead_received_once UNIQUE (company_id, external_reference),
    CONSTRAINT lead_somebody CHECK (btrim(coalesce(person, '') || coalesce(organisation, '')
        || coalesce(email, '') || coalesce(phone, '') || coalesce(mobile, '')) <> ''),
    CONSTRAINT lead_expected_digits CHECK (expected_amount = round(expected_amount, currency_scale(currency_code))),
    CONSTRAINT lead_converted CHECK ((state = 'converted') <= (party_id IS NOT NULL AND opportunity_id IS NOT NULL)),
    CONSTRAINT lead_lost CHECK ((state = 'lost') <= (lost_reason_id IS NOT NULL)),
    CONSTRAINT lead_team_fkey FOREIGN KEY (company_id, team_id) REFERENCES sales_team (company_id, id),
    FOREIGN KEY (company_id, flow_id) REFERENCES flow (company_id, id)
);
CREATE INDEX ON lead USING gin (search_terms);
CREATE INDEX ON lead (company_id, state, salesperson_id);
CREATE INDEX ON lead (company_id, lower(email)) WHERE email IS NOT NULL;
CREATE INDEX ON lead (party_id) WHERE party_id IS NOT NULL;
COMMENT ON TABLE lead IS 'Lead: somebody who may become a customer';
COMMENT ON COLUMN lead.number IS 'Number';
COMMENT ON COLUMN lead.subject IS 'Subject: what it is about';
COMMENT ON COLUMN lead.person IS 'Person';
COMMENT ON COLUMN lead.organisation IS 'Organisation';
COMMENT ON COLUMN lead.organisation_zh IS 'Organisation in Chinese';
COMMENT ON COLUMN lead.job_title IS 'Job title';
COMMENT ON COLUMN lead.email IS 'E-mail';
COMMENT ON COLUMN lead.phone IS 'Phone';
COMMENT ON COLUMN lead.mobile IS 'Mobile';
COMMENT ON COLUMN lead.tax_id IS 'Tax number';
COMMENT ON COLUMN lead.street IS 'Street';
COMMENT ON COLUMN lead.city IS 'City';
COMMENT ON COLUMN lead.region IS 'Region';
COMMENT ON COLUMN lead.postal_code IS 'Postal code';
COMMENT ON COLUMN lead.country_code IS 'Country';
COMMENT ON COLUMN lead.language IS 'Language';
COMMENT ON COLUMN lead.message IS 'Message: what was written or said';
COMMENT ON COLUMN lead.source_id IS 'Source';
COMMENT ON COLUMN lead.medium IS 'Medium: such as search, newsletter (utm_medium)';
COMMENT ON COLUMN lead.campaign IS 'Campaign: (utm_campaign)';
COMMENT ON COLUMN lead.external_reference IS 'External reference: the sender''s own number; the same one is taken once';
COMMENT ON COLUMN lead.expected_amount IS 'Expected amount';
COMMENT ON COLUMN lead.currency_code IS 'Currency';
COMMENT ON COLUMN lead.team_id IS 'Sales team';
COMMENT ON COLUMN lead.salesperson_id IS 'Salesperson: empty means that everybody may claim it';
COMMENT ON COLUMN lead.party_id IS 'Party: who it is, or became';
COMMENT ON COLUMN lead.contact_id IS 'Contact: the person it is, or became';
COMMENT ON COLUMN lead.opportunity_id IS 'Opportunity: what it became';
COMMENT ON COLUMN lead.lost_reason_id IS 'Reason: why it was lost';
COMMENT ON COLUMN lead.lost_note IS 'Note on the loss';
COMMENT ON COLUMN lead.state IS 'State';
COMMENT ON CONSTRAINT lead_number_unique ON lead IS 'Another lead has this number already';
COMMENT ON CONSTRAINT lead_received_once ON lead IS 'A lead with this external reference was received already';
COMMENT ON CONSTRAINT lead_somebody ON lead IS 'Say who it is: a person, an organisation, an e-mail or a phone number';
COMMENT ON CONSTRAINT lead_expected_amount ON lead IS 'An expected amount is not negative';
COMMENT ON CONSTRAINT lead_expected_digits ON lead IS 'The amount has more digits than its currency';
COMMENT ON CONSTRAINT lead_converted ON lead IS 'A converted lead has its party and its opportunity';
COMMENT ON CONSTRAINT lead_lost ON lead IS 'Say why the lead was lost';
COMMENT ON CONSTRAINT lead_country_code_fkey ON lead IS 'There is no such country';
COMMENT ON CONSTRAINT lead_currency_code_fkey ON lead IS 'There is no such currency';
COMMENT ON CONSTRAINT lead_team_fkey ON lead IS 'There is no such sales team';
COMMENT ON CONSTRAINT lead_salesperson_id_fkey ON lead IS 'There is no such user';
COMMENT ON CONSTRAINT lead_source_id_fkey ON lead IS 'There is no such source';
COMMENT ON CONSTRAINT lead_lost_reason_id_fkey ON lead IS 'There is no such reason';
COMMENT ON CONSTRAINT lead_party_id_fkey ON lead IS 'There is no such party';
COMMENT ON CONSTRAINT lead_contact_id_fkey ON lead IS 'There is no such party';
CALL table_register('lead', 'table');
