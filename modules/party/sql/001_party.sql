-- The party: one record for whoever the group deals with. A lead's contact, a customer, a
-- supplier and an employee are the same row with the same code; what differs by company
-- (credit, segment, salesperson) is in customer_company.

-- ------------------------------------------------------------------ what the columns need
-- A name without what does not tell two companies apart: accents, case, width of letters,
-- punctuation and the legal form in Latin or Chinese letters.
CREATE FUNCTION name_key(name text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(nullif(btrim(regexp_replace(regexp_replace(regexp_replace(said, '[.''’]', '', 'g'),
               '\m(ltd|limited|gmbh|ag|kg|inc|incorporated|corp|corporation|co|company|llc|plc|sa|sas|sarl|srl'
               '|spa|bv|nv|oy|ab|aps|pty|ltda|kk|group|holding|holdings)\M', ' ', 'g'),
               '(股份有限公司|有限责任公司|有限公司|集团|公司|株式会社)|[[:space:][:punct:]]+', ' ', 'g')), ''), said)
      FROM lower(regexp_replace(normalize(coalesce(name, ''), NFKD), '[\u0300-\u036f]', '', 'g')) said $$;

-- A tax number without blanks and signs.
CREATE FUNCTION tax_key(number text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
    $$ SELECT nullif(upper(regexp_replace(number, '[^[:alnum:]]', '', 'g')), '') $$;

-- ISO 13616: the first four characters moved to the end, letters as 10 to 35, modulo 97 is 1.
CREATE FUNCTION iban_valid(iban text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT iban ~ '^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$'
       AND (SELECT string_agg(CASE WHEN c ~ '[0-9]' THEN c ELSE (ascii(c) - 55)::text END, '' ORDER BY n)
              FROM unnest(string_to_array(substr(iban, 5) || left(iban, 4), NULL)) WITH ORDINALITY u (c, n))::numeric
           % 97 = 1 $$;
GRANT EXECUTE ON FUNCTION name_key, tax_key, iban_valid TO tenon_app;

CREATE SEQUENCE party_code_seq;

-- Every code that was ever given, so that none is given twice.
CREATE TABLE party_code (
    code     text PRIMARY KEY,                -- lower case
    party_id bigint NOT NULL                  -- which may be gone
);
COMMENT ON TABLE party_code IS 'Party code: given once, for ever';
CALL table_register('party_code', 'internal');

-- The next code of our own making that nobody has used.
CREATE FUNCTION party_code_next() RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    made text;
BEGIN
    LOOP
        made := 'P' || lpad(nextval('party_code_seq')::text, 6, '0');
        EXIT WHEN NOT EXISTS (SELECT FROM party_code WHERE code = lower(made));
    END LOOP;
    RETURN made;
END $$;
GRANT EXECUTE ON FUNCTION party_code_next TO tenon_app;

-- ------------------------------------------------------------------ tables
CREATE TABLE party (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code         text NOT NULL DEFAULT party_code_next()
                 CONSTRAINT party_code_unique UNIQUE
                 CONSTRAINT party_code_form CHECK (code ~ '^[^[:space:]]+( [^[:space:]]+)*$' AND length(code) <= 40),
    name         text NOT NULL CONSTRAINT party_name_given CHECK (btrim(name) <> ''),
    name_zh      text,
    kind         text NOT NULL DEFAULT 'organisation' CHECK (kind IN ('organisation', 'person')),
    is_customer  boolean NOT NULL DEFAULT false,
    is_supplier  boolean NOT NULL DEFAULT false,
    is_employee  boolean NOT NULL DEFAULT false,
    parent_id    bigint REFERENCES party,
    job_title    text,
    tax_id       text,
    country_code country_code REFERENCES country (code),
    language     text NOT NULL DEFAULT 'en' CHECK (language IN ('en', 'zh')),
    note         text,
    active       boolean NOT NULL DEFAULT true,
    created_at   timestamptz NOT NULL DEFAULT now(),
    created_by   bigint DEFAULT app_user_id(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    updated_by   bigint,
    version      integer NOT NULL DEFAULT 1,
    search_terms text[] GENERATED ALWAYS AS (search_grams(
        code || ' ' || name || ' ' || coalesce(name_zh, '') || ' ' || coalesce(tax_id, ''))) STORED,
    name_grams   text[] GENERATED ALWAYS AS (
        search_grams(name_key(name) || ' ' || name_key(coalesce(name_zh, '')), true)) STORED
);
CREATE INDEX ON party USING gin (search_terms);
CREATE INDEX ON party USING gin (name_grams);
CREATE INDEX ON party (tax_key(tax_id)) WHERE tax_id IS NOT NULL;
CREATE INDEX ON party (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX ON party (name, id);
COMMENT ON TABLE party IS 'Party: a person or an organisation: lead, contact, customer, supplier or employee in one record';
COMMENT ON COLUMN party.code IS 'Code: the one number of this party everywhere; it never changes and is never used again';
COMMENT ON COLUMN party.name IS 'Name';
COMMENT ON COLUMN party.name_zh IS 'Chinese name';
COMMENT ON COLUMN party.kind IS 'Kind: a person or an organisation';
COMMENT ON COLUMN party.is_customer IS 'Customer: buys from us';
COMMENT ON COLUMN party.is_supplier IS 'Supplier: sells to us';
COMMENT ON COLUMN party.is_employee IS 'Employee: works for us';
COMMENT ON COLUMN party.parent_id IS 'Belongs to: the organisation above; a contact belongs to his company';
COMMENT ON COLUMN party.job_title IS 'Job title: of a person';
COMMENT ON COLUMN party.tax_id IS 'Tax number: VAT number, unified social credit code or the like';
COMMENT ON COLUMN party.country_code IS 'Country: where the party is at home; phone numbers are completed with it';
COMMENT ON COLUMN party.language IS 'Language: of letters and documents to this party';
COMMENT ON COLUMN party.note IS 'Note';
COMMENT ON COLUMN party.active IS 'Active: offered when a party is chosen';
COMMENT ON CONSTRAINT party_code_unique ON party IS 'Another party has this code already';
COMMENT ON CONSTRAINT party_code_form ON party IS 'A code has at most 40 characters and no blanks around it';
COMMENT ON CONSTRAINT party_name_given ON party IS 'Give the party a name';
COMMENT ON CONSTRAINT party_parent_id_fkey ON party IS 'There is no such party';
COMMENT ON CONSTRAINT party_country_code_fkey ON party IS 'There is no such country';
CALL table_register('party', 'table');

CREATE TABLE party_address (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    party_id     bigint NOT NULL REFERENCES party ON DELETE CASCADE,
    purpose      text NOT NULL DEFAULT 'billing' CHECK (purpose IN ('billing', 'shipping', 'other')),
    name         text,
    street       text,
    city         text,
    region       text,
    postal_code  text,
    country_code country_code REFERENCES country (code),
    is_default   boolean NOT NULL DEFAULT false
);
CREATE INDEX ON party_address (party_id);
CREATE UNIQUE INDEX party_address_one_default ON party_address (party_id, purpose) WHERE is_default;
COMMENT ON TABLE party_address IS 'Address: documents keep the address as it was when they were made';
COMMENT ON COLUMN party_address.purpose IS 'Purpose';
COMMENT ON COLUMN party_address.name IS 'Addressee: when it is not the name of the party';
COMMENT ON COLUMN party_address.street IS 'Street';
COMMENT ON COLUMN party_address.city IS 'City';
COMMENT ON COLUMN party_address.region IS 'Region: state or province';
COMMENT ON COLUMN party_address.postal_code IS 'Postal code';
COMMENT ON COLUMN party_address.country_code IS 'Country';
COMMENT ON COLUMN party_address.is_default IS 'Default: used when none is named; one for each purpose';
COMMENT ON INDEX party_address_one_default IS 'Only one address can be the default for this purpose';
COMMENT ON CONSTRAINT party_address_country_code_fkey ON party_address IS 'There is no such country';
CALL table_register('party_address', 'table');

CREATE TABLE contact_point (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    party_id   bigint NOT NULL REFERENCES party ON DELETE CASCADE,
    value      text NOT NULL CONSTRAINT contact_point_value CHECK (btrim(value) <> ''),
    kind       text NOT NULL CHECK (kind IN ('email', 'phone', 'mobile', 'fax', 'web', 'social')),
    normalized text,
    is_primary boolean NOT NULL DEFAULT false,
    CONSTRAINT contact_point_email CHECK (value ~ '^[^@[:space:]]+@[^@[:space:]]+$' OR kind <> 'email'),
    CONSTRAINT contact_point_phone CHECK (value IS NULL   -- named first: the field that is wrong
        OR kind NOT IN ('phone', 'mobile', 'fax') OR normalized ~ '^(\+[1-9][0-9]{4,14}|[0-9]{3,15})$')
);
CREATE INDEX ON contact_point (party_id);
CREATE INDEX ON contact_point (normalized);
CREATE UNIQUE INDEX contact_point_one_primary ON contact_point (party_id, kind) WHERE is_primary;
COMMENT ON TABLE contact_point IS 'Contact point: e-mail, phone and the like';
COMMENT ON COLUMN contact_point.kind IS 'Kind';
COMMENT ON COLUMN contact_point.value IS 'Value: as it is written';
COMMENT ON COLUMN contact_point.normalized IS 'Normalised: phone numbers as +country and number (E.164), e-mails in small letters';
COMMENT ON COLUMN contact_point.is_primary IS 'Primary: used when none is named; one of each kind';
COMMENT ON CONSTRAINT contact_point_value ON contact_point IS 'Enter the number or address';
COMMENT ON CONSTRAINT contact_point_email ON contact_point IS 'This is not an e-mail address';
COMMENT ON CONSTRAINT contact_point_phone ON contact_point IS 'This is not a phone number';
COMMENT ON INDEX contact_point_one_primary IS 'Only one of each kind can be the primary one';
CALL table_register('contact_point', 'table', '{normalized}');

CREATE TABLE party_bank_account (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    party_id      bigint NOT NULL REFERENCES party ON DELETE CASCADE,
    bank_name     text,
    bic           text CONSTRAINT party_bank_account_bic CHECK (bic ~ '^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$'),
    iban          text CONSTRAINT party_bank_account_iban CHECK (iban_valid(iban)),
    account       text,
    currency_code currency_code REFERENCES currency (code),
    CONSTRAINT party_bank_account_number CHECK (iban IS NOT NULL OR account IS NOT NULL)
);
CREATE INDEX ON party_bank_account (party_id);
COMMENT ON TABLE party_bank_account IS 'Bank account';
COMMENT ON COLUMN party_bank_account.bank_name IS 'Bank';
COMMENT ON COLUMN party_bank_account.bic IS 'BIC';
COMMENT ON COLUMN party_bank_account.iban IS 'IBAN: without blanks';
COMMENT ON COLUMN party_bank_account.account IS 'Account number: where there is no IBAN';
COMMENT ON COLUMN party_bank_account.currency_code IS 'Currency';
COMMENT ON CONSTRAINT party_bank_account_bic ON party_bank_account IS 'A BIC has 8 or 11 capital letters and digits';
COMMENT ON CONSTRAINT party_bank_account_iban ON party_bank_account IS 'The check digits of this IBAN are wrong';
COMMENT ON CONSTRAINT party_bank_account_number ON party_bank_account IS 'Enter an IBAN or an account number';
COMMENT ON CONSTRAINT party_bank_account_currency_code_fkey ON party_bank_account IS 'There is no such currency';
CALL table_register('party_bank_account', 'table');

-- A customer as one company sees him. `exposure` is moved by exposure_add() alone, in the
-- transaction of the order, invoice or payment; credit_check() looks at it at COMMIT.
CREATE TABLE customer_company (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    company_id      bigint NOT NULL DEFAULT current_setting('tenon.company')::bigint REFERENCES company,
    party_id        bigint NOT NULL REFERENCES party,
    segment         text,
    grade           text CHECK (grade IN ('A', 'B', 'C', 'D')),
    credit_rating   text CHECK (credit_rating IN ('A', 'B', 'C', 'D')),
    credit_limit    base_amount CONSTRAINT customer_company_credit_limit CHECK (credit_limit >= 0),
    credit_hold     boolean NOT NULL DEFAULT false,
    salesperson_id  bigint REFERENCES app_user,
    exposure        base_amount NOT NULL DEFAULT 0,
    exposure_before base_amount NOT NULL DEFAULT 0,
    exposure_xid    xid8,
    released_by     bigint REFERENCES app_user,
    released_at     timestamptz,
    released_xid    xid8,
    created_at      timestamptz NOT NULL DEFAULT now(),
    created_by      bigint DEFAULT app_user_id(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    updated_by      bigint,
    version         integer NOT NULL DEFAULT 1,
    UNIQUE (company_id, id),
    CONSTRAINT customer_company_once UNIQUE (company_id, party_id)
) WITH (fillfactor = 50);                     -- each order moves the exposure: keep it on the page
CREATE INDEX ON customer_company (party_id);
COMMENT ON TABLE customer_company IS 'Customer terms: credit, segment and salesperson of a customer in this company';
COMMENT ON COLUMN customer_company.party_id IS 'Customer';
COMMENT ON COLUMN customer_company.segment IS 'Segment: price rules and reports go by it';
COMMENT ON COLUMN customer_company.grade IS 'Grade: how much the customer is worth to us';
COMMENT ON COLUMN customer_company.credit_rating IS 'Credit rating: how surely the customer pays';
COMMENT ON COLUMN customer_company.credit_limit IS 'Credit limit: empty for no limit';
COMMENT ON COLUMN customer_company.credit_hold IS 'Credit hold: no new order is confirmed';
COMMENT ON COLUMN customer_company.salesperson_id IS 'Salesperson';
COMMENT ON COLUMN customer_company.exposure IS 'Exposure: confirmed orders not yet invoiced, plus open invoices, less credits and payments';
COMMENT ON COLUMN customer_company.exposure_before IS 'Exposure before: before the last transaction that moved it';
COMMENT ON COLUMN customer_company.exposure_xid IS 'Moved by: the transaction that moved the exposure last';
COMMENT ON COLUMN customer_company.released_by IS 'Released by: who let the limit be passed last';
COMMENT ON COLUMN customer_company.released_at IS 'Released at';
COMMENT ON COLUMN customer_company.released_xid IS 'Released in: the transaction that was let pass';
COMMENT ON CONSTRAINT customer_company_once ON customer_company IS 'This customer has terms in this company already';
COMMENT ON CONSTRAINT customer_company_credit_limit ON customer_company IS 'A credit limit is not negative';
COMMENT ON CONSTRAINT customer_company_salesperson_id_fkey ON customer_company IS 'There is no such user';
COMMENT ON CONSTRAINT customer_company_party_id_fkey ON customer_company IS 'There is no such party';
CALL table_register('customer_company', 'table',
    '{exposure,exposure_before,exposure_xid,released_by,released_at,released_xid}');

INSERT INTO permission (role_id, entity, action)
SELECT r.id, e.entity, a.action
  FROM (VALUES ('manager', 'party', 'create change delete'),
               ('manager', 'customer_company', 'create change delete'),
               ('sales', 'party', 'read create change'), ('sales', 'customer_company', 'read'),
               ('sales', 'party_duplicate', 'read'),
               ('finance', 'party', 'read create change'), ('finance', 'party_duplicate', 'read'),
               ('finance', 'customer_company', 'read create change'),
               ('warehouse', 'party', 'read')) e (role, entity, actions)
  JOIN role r ON r.code = e.role, unnest(string_to_array(e.actions, ' ')) a (action);
