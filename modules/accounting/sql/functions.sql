-- What the books do by themselves. Every function that posts is SECURITY DEFINER and, but
-- for the gates at the end, granted to nobody: the server moves a state, triggers do the rest.

-- ------------------------------------------------------------------ accounts and rates
CREATE OR REPLACE FUNCTION account_of(company bigint, with_role text) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    SELECT id INTO found_id FROM account WHERE company_id = company AND role = with_role AND active;
    IF found_id IS NULL THEN
        PERFORM fail('no_account', 'account_id', 'No account has the role %s: name one in the chart of accounts', with_role);
    END IF;
    RETURN found_id;
END $$;

-- Company currency for one unit of a currency, as of a day. Null: no rate is known.
CREATE OR REPLACE FUNCTION exchange_rate_on(company bigint, code text, on_date date) RETURNS numeric
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM company c WHERE c.id = company AND c.currency_code = exchange_rate_on.code) THEN
        RETURN 1;
    END IF;
    RETURN (SELECT r.rate FROM exchange_rate r
             WHERE r.company_id = company AND r.currency_code = exchange_rate_on.code AND r.valid_from <= on_date
             ORDER BY r.valid_from DESC LIMIT 1);
END $$;

CREATE OR REPLACE FUNCTION exchange_rate_must(company bigint, code text, on_date date) RETURNS numeric
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    found numeric := exchange_rate_on(company, code, on_date);
BEGIN
    IF found IS NULL THEN
        PERFORM fail('no_exchange_rate', 'exchange_rate', 'There is no exchange rate for %s on %s', code, on_date::text);
    END IF;
    RETURN found;
END $$;

-- Rounded to the digits of the company's currency.
CREATE OR REPLACE FUNCTION base_round(company bigint, x numeric) RETURNS numeric
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    RETURN round(x, currency_scale((SELECT c.currency_code FROM company c WHERE c.id = company)));
END $$;

-- ------------------------------------------------------------------ periods
-- The period of a day; with its fiscal year (of twelve months, from the month in the
-- setting accounting.first_month) when there is none.
CREATE OR REPLACE FUNCTION period_of(company bigint, on_date date) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    found_id bigint;
    first_month integer;
    starts   date;
    year_id  bigint;
BEGIN
    SELECT p.id INTO found_id FROM period p
     WHERE p.company_id = company AND on_date BETWEEN p.starts_on AND p.ends_on;
    IF FOUND THEN
        RETURN found_id;
    END IF;
    PERFORM pg_advisory_xact_lock('fiscal_year'::regclass::oid::integer, company::integer);
    SELECT coalesce(max(value)::integer, 1) INTO first_month FROM setting
     WHERE company_id = company AND name = 'accounting.first_month' AND value ~ '^([1-9]|1[0-2])$';
    starts := make_date(extract(year FROM on_date)::integer, first_month, 1);
    IF starts > on_date THEN
        starts := (starts - interval '1 year')::date;
    END IF;
    SELECT y.id INTO year_id FROM fiscal_year y
     WHERE y.company_id = company AND on_date BETWEEN y.starts_on AND y.ends_on;
    IF NOT FOUND THEN
        INSERT INTO fiscal_year (company_id, name, starts_on, ends_on)
        VALUES (company, to_char(starts, CASE first_month WHEN 1 THEN 'YYYY' ELSE 'YYYY-MM' END),
                starts, (starts + interval '1 year')::date - 1)
        RETURNING id INTO year_id;
    END IF;
    INSERT INTO period (company_id, fiscal_year_id, name, starts_on, ends_on)
    SELECT company, y.id, to_char(m, 'YYYY-MM'), greatest(m::date, y.starts_on),
           least((m + interval '1 month')::date - 1, y.ends_on)
      FROM fiscal_year y, generate_series(date_trunc('month', y.starts_on), y.ends_on, interval '1 month') m
     WHERE y.id = year_id
       AND NOT EXISTS (SELECT FROM period p WHERE p.company_id = company
                          AND daterange(p.starts_on, p.ends_on, '[]')
                              && daterange(greatest(m::date, y.starts_on), least((m + interval '1 month')::date - 1, y.ends_on), '[]'));
    SELECT p.id INTO STRICT found_id FROM period p
     WHERE p.company_id = company AND on_date BETWEEN p.starts_on AND p.ends_on;
    RETURN found_id;
END $$;

-- Stop unless that day may still be posted to; until COMMIT the period cannot be closed.
CREATE OR REPLACE FUNCTION period_require_open(company bigint, on_date date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    p period;
BEGIN
    p.id := period_of(company, on_date);
    PERFORM pg_advisory_xact_lock_shared('period'::regclass::oid::integer, p.id::integer);
    SELECT * INTO p FROM period WHERE id = p.id;
    IF p.state <> 'open' THEN
        PERFORM fail('period_closed', 'date', 'The period %s is closed', p.name);
    END IF;
END $$;

-- A year closes when its periods are closed, and no period of a closed year opens again:
-- so postings look at the period alone.
CREATE OR REPLACE FUNCTION period_guard() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF EXISTS (SELECT FROM journal_entry e WHERE e.company_id = OLD.company_id
                      AND e.entry_date BETWEEN OLD.starts_on AND OLD.ends_on AND e.number IS NOT NULL) THEN
            PERFORM fail('posted', NULL, 'There are postings in %s', OLD.name);
        END IF;
        RETURN OLD;
    END IF;
    PERFORM pg_advisory_xact_lock('period'::regclass::oid::integer, OLD.id::integer);
    IF (NEW.starts_on, NEW.ends_on, NEW.fiscal_year_id) IS DISTINCT FROM (OLD.starts_on, OLD.ends_on, OLD.fiscal_year_id)
       AND EXISTS (SELECT FROM journal_entry e WHERE e.company_id = OLD.company_id
                      AND e.entry_date BETWEEN OLD.starts_on AND OLD.ends_on AND e.number IS NOT NULL) THEN
        PERFORM fail('posted', 'starts_on', 'There are postings in %s', OLD.name);
    END IF;
    IF OLD.state <> 'open' AND NEW.state = 'open'
       AND EXISTS (SELECT FROM fiscal_year y WHERE y.id = NEW.fiscal_year_id AND y.state <> 'open' FOR SHARE) THEN
        PERFORM fail('year_closed', NULL, 'The fiscal year is closed');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER period_guard BEFORE UPDATE OR DELETE ON period
    FOR EACH ROW EXECUTE FUNCTION period_guard();

CREATE OR REPLACE FUNCTION fiscal_year_guard() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF NEW.state <> 'open' AND OLD.state = 'open'
       AND EXISTS (SELECT FROM period p WHERE p.fiscal_year_id = NEW.id AND p.state = 'open') THEN
        PERFORM fail('periods_open', NULL, 'Close the periods of %s first', NEW.name);
    END IF;
    IF (NEW.starts_on, NEW.ends_on) IS DISTINCT FROM (OLD.starts_on, OLD.ends_on)
       AND EXISTS (SELECT FROM period p WHERE p.fiscal_year_id = NEW.id) THEN
        PERFORM fail('posted', 'starts_on', 'There are periods in %s', OLD.name);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER fiscal_year_guard BEFORE UPDATE ON fiscal_year
    FOR EACH ROW EXECUTE FUNCTION fiscal_year_guard();

-- An account that carries postings keeps what statements read from it.
CREATE OR REPLACE FUNCTION account_guard() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM journal_line l WHERE l.company_id = OLD.company_id AND l.account_id = OLD.id
                  AND l.posted_on IS NOT NULL) THEN
        IF NEW.type <> OLD.type OR NOT NEW.postable AND OLD.postable
           OR (NEW.role IS DISTINCT FROM OLD.role
               AND ('receivable' IN (NEW.role, OLD.role) OR 'payable' IN (NEW.role, OLD.role)
                    OR 'inventory' IN (NEW.role, OLD.role))) THEN
            PERFORM fail('posted', 'type', 'Account %s carries postings: its type and purpose stay', OLD.code);
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER account_guard BEFORE UPDATE OF type, role, postable ON account
    FOR EACH ROW EXECUTE FUNCTION account_guard();

-- ------------------------------------------------------------------ entries
-- A machine's entry is born posted and numbered; a typed one is when its state moves.
CREATE OR REPLACE FUNCTION journal_entry_number() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM period_require_open(NEW.company_id, NEW.entry_date);
    NEW.state := 'posted';
    NEW.number := gapless_number(NEW.company_id, (SELECT 'journal:' || code FROM journal WHERE id = NEW.journal_id), NEW.entry_date);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER journal_entry_born BEFORE INSERT ON journal_entry
    FOR EACH ROW WHEN (NEW.source_entity IS NOT NULL) EXECUTE FUNCTION journal_entry_number();
CREATE OR REPLACE TRIGGER journal_entry_post BEFORE UPDATE ON journal_entry
    FOR EACH ROW WHEN (OLD.number IS NULL AND NEW.state = 'posted' AND OLD.state <> 'posted')
    EXECUTE FUNCTION journal_entry_number();

CREATE OR REPLACE FUNCTION journal_entry_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR
       (NEW.id, NEW.company_id, NEW.journal_id, NEW.number, NEW.entry_date, NEW.description, NEW.source_entity,
        NEW.source_id, NEW.reverses_id) IS DISTINCT FROM
       (OLD.id, OLD.company_id, OLD.journal_id, OLD.number, OLD.entry_date, OLD.description, OLD.source_entity,
        OLD.source_id, OLD.reverses_id) THEN
        PERFORM fail('posted', NULL, 'What is posted stays: correct it with a reversing entry');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER journal_entry_guard BEFORE UPDATE OR DELETE ON journal_entry
    FOR EACH ROW WHEN (OLD.number IS NOT NULL) EXECUTE FUNCTION journal_entry_guard();

-- The lines of a typed entry become posted with it: only now do statements see them.
CREATE OR REPLACE FUNCTION journal_entry_posted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    control text;
BEGIN
    SELECT min(a.code) INTO control FROM journal_line l JOIN account a ON a.id = l.account_id
     WHERE l.company_id = NEW.company_id AND l.entry_id = NEW.id AND a.role IN ('receivable', 'payable', 'inventory');
    IF control IS NOT NULL THEN
        PERFORM fail('control_account', 'lines', 'Account %s is kept by invoices, payments and stock only', control);
    END IF;
    UPDATE journal_line SET posted_on = NEW.entry_date WHERE company_id = NEW.company_id AND entry_id = NEW.id;
    IF NOT FOUND THEN
        PERFORM fail('nothing_to_post', 'lines', 'Add at least one line first');
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER journal_entry_posted AFTER UPDATE ON journal_entry
    FOR EACH ROW WHEN (OLD.number IS NULL AND NEW.number IS NOT NULL) EXECUTE FUNCTION journal_entry_posted();

-- Once per entry, at COMMIT: debit equals credit, in company currency and in each currency;
-- and control accounts hold what their sub-ledger made: receivables and payables per party from
-- invoices and payments, inventory from stock.
CREATE OR REPLACE FUNCTION journal_entry_balance() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    base    numeric;
    foreign_sum numeric;
    wrong   text;
    by_documents boolean := coalesce(NEW.source_entity IN ('invoice', 'payment', 'allocation'), false);
BEGIN
    SELECT sum(s.base), max(abs(s.amount)), min(s.wrong) INTO base, foreign_sum, wrong
      FROM (SELECT sum(l.debit - l.credit) AS base, sum(l.amount) AS amount,
                   min(a.code) FILTER (WHERE NOT a.postable
                       OR a.role IN ('receivable', 'payable') AND NOT (by_documents AND l.party_id IS NOT NULL)
                       OR a.role = 'inventory' AND (by_documents OR coalesce(NEW.source_entity, 'journal_entry') = 'journal_entry')) AS wrong
              FROM journal_line l JOIN account a ON a.id = l.account_id
             WHERE l.company_id = NEW.company_id AND l.entry_id = NEW.id GROUP BY l.currency_code) s;
    IF base IS NULL OR base <> 0 OR foreign_sum <> 0 THEN
        PERFORM fail('unbalanced', 'lines', 'Debit and credit differ by %s', coalesce(nullif(base, 0), foreign_sum, 0)::text);
    END IF;
    IF wrong IS NOT NULL THEN
        PERFORM fail('control_account', 'lines', 'Account %s is not for such postings: choose another one', wrong);
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS journal_entry_balance ON journal_entry;
CREATE CONSTRAINT TRIGGER journal_entry_balance AFTER INSERT OR UPDATE ON journal_entry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.number IS NOT NULL)
    EXECUTE FUNCTION journal_entry_balance();

-- A typed line: only on a draft; its amount in company currency follows from its sides.
CREATE OR REPLACE FUNCTION journal_line_draft() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    entry journal_entry;
    base  text;
BEGIN
    SELECT * INTO entry FROM journal_entry WHERE company_id = NEW.company_id AND id = NEW.entry_id FOR SHARE;
    IF entry.number IS NOT NULL THEN
        PERFORM fail('posted', NULL, 'What is posted stays: correct it with a reversing entry');
    END IF;
    IF EXISTS (SELECT FROM account a WHERE a.id = NEW.account_id AND NOT (a.postable AND a.active)) THEN
        PERFORM fail('not_postable', 'account_id', 'This account only sums up others: choose one below it');
    END IF;
    SELECT c.currency_code INTO base FROM company c WHERE c.id = NEW.company_id;
    IF NEW.currency_code = base THEN
        NEW.amount := NEW.debit - NEW.credit;
    END IF;
    IF (NEW.debit, NEW.credit) <> (round(NEW.debit, currency_scale(base)), round(NEW.credit, currency_scale(base))) THEN
        PERFORM fail('too_many_digits', 'debit', 'An amount in %s has fewer digits after the point', base);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER journal_line_draft BEFORE INSERT OR UPDATE ON journal_line
    FOR EACH ROW WHEN (NEW.posted_on IS NULL) EXECUTE FUNCTION journal_line_draft();

CREATE OR REPLACE FUNCTION journal_line_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fail('posted', NULL, 'What is posted stays: correct it with a reversing entry');
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER journal_line_guard BEFORE UPDATE OR DELETE ON journal_line
    FOR EACH ROW WHEN (OLD.posted_on IS NOT NULL) EXECUTE FUNCTION journal_line_guard();

/*
 * A posted entry from another module: lines [{"account_id" or "role", "debit", "credit",
 * "party_id", "description"}] in company currency. Lines without an amount are left out;
 * when none remains there is no entry, and the answer is null.
 */
CREATE OR REPLACE FUNCTION journal_post(company bigint, journal_code text, on_date date, description text,
                                        source_entity text, source_id bigint, lines jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    made bigint;
    in_journal bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM jsonb_to_recordset(lines) AS l (debit numeric, credit numeric)
                    WHERE coalesce(l.debit, 0) <> coalesce(l.credit, 0)) THEN
        RETURN NULL;
    END IF;
    SELECT j.id INTO in_journal FROM journal j WHERE j.company_id = company AND j.code = journal_code;
    IF NOT FOUND THEN
        PERFORM fail('no_journal', NULL, 'There is no journal %s', journal_code);
    END IF;
    -- One statement: the balance is checked at its end where constraints are immediate.
    WITH entry AS (
        INSERT INTO journal_entry (company_id, journal_id, entry_date, description, source_entity, source_id)
        VALUES (company, in_journal, on_date, description, source_entity, source_id) RETURNING id
    ), line AS (
        INSERT INTO journal_line (company_id, entry_id, position, account_id, party_id, description, debit, credit,
                                  amount, currency_code, posted_on)
        SELECT company, entry.id, l.n, coalesce((l.o ->> 'account_id')::bigint, account_of(company, l.o ->> 'role')),
               (l.o ->> 'party_id')::bigint, l.o ->> 'description', greatest(l.d, 0), greatest(-l.d, 0), l.d, c.currency_code, on_date
          FROM entry, company c,
               LATERAL (SELECT n, o, coalesce((o ->> 'debit')::numeric, 0) - coalesce((o ->> 'credit')::numeric, 0) AS d
                          FROM jsonb_array_elements(lines) WITH ORDINALITY AS e (o, n)) l
         WHERE c.id = company AND l.d <> 0
    ) SELECT id INTO made FROM entry;
    RETURN made;
END $$;

-- ------------------------------------------------------------------ taxes and terms
-- The tax of a line when none is named: the rule that names both category and country,
-- then the country, then the category, then any. A party without an address counts as one
-- of the company's own country. Null: no tax.
CREATE OR REPLACE FUNCTION tax_for(company bigint, for_use text, item bigint, party bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    RETURN (SELECT r.tax_id FROM tax_rule r
     WHERE r.company_id = company AND r.use = for_use
       AND (r.tax_category_id IS NULL OR r.tax_category_id = (SELECT i.tax_category_id FROM item i WHERE i.id = item))
       AND (r.country_code IS NULL OR r.country_code = coalesce(
            (SELECT a.country_code FROM party_address a WHERE a.party_id = party AND a.country_code IS NOT NULL
              ORDER BY a.purpose = 'shipping' DESC, a.is_default DESC, a.id LIMIT 1),
            (SELECT p.country_code FROM party p WHERE p.id = party), (SELECT c.country_code FROM company c WHERE c.id = company)))
     ORDER BY r.country_code IS NULL, r.tax_category_id IS NULL LIMIT 1);
END $$;

-- The rate of a tax on a day, in percent: 0 without a tax. Null: there is none for that day.
CREATE OR REPLACE FUNCTION tax_percent_on(tax bigint, on_date date) RETURNS numeric
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF tax IS NULL THEN
        RETURN 0;
    END IF;
    RETURN (SELECT r.percent FROM tax_rate r
             WHERE r.tax_id = tax AND on_date BETWEEN r.valid_from AND coalesce(r.valid_to, 'infinity'));
END $$;

-- One line, rounded to the currency half away from zero; included: the price holds the tax.
CREATE OR REPLACE FUNCTION line_net_tax(quantity numeric, price numeric, discount numeric, percent numeric,
                                        included boolean, code text, OUT net numeric, OUT tax numeric)
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    scale integer := currency_scale(code);
    gross numeric := round(quantity * price * (1 - discount / 100), scale);
BEGIN
    IF included THEN
        net := round(gross / (1 + percent / 100), scale);
        tax := gross - net;
    ELSE
        net := gross;
        tax := round(gross * percent / 100, scale);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION payment_due(from_date date, days integer, end_of_month boolean) RETURNS date
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN end_of_month
                THEN (date_trunc('month', from_date + days) + interval '1 month')::date - 1
                ELSE from_date + days END $$;

-- The day on which all of it is due: the last instalment's. Without a term: at once.
CREATE OR REPLACE FUNCTION payment_term_due(term bigint, from_date date) RETURNS date
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(max(payment_due(from_date, l.days, l.end_of_month)), from_date)
              FROM payment_term_line l WHERE l.term_id = term);
END $$;

-- An item's account of one kind ('revenue' or 'expense'): that of its category or of the
-- nearest one above it, else the account with the role.
CREATE OR REPLACE FUNCTION item_account(company bigint, item bigint, as_kind text) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    about  item;
    at     bigint;
    chosen bigint;
BEGIN
    SELECT * INTO about FROM item i WHERE i.id = item_account.item;
    at := about.category_id;
    WHILE at IS NOT NULL LOOP
        SELECT CASE as_kind WHEN 'revenue' THEN a.revenue_account_id ELSE a.expense_account_id END
          INTO chosen FROM category_account a WHERE a.company_id = company AND a.category_id = at;
        IF chosen IS NOT NULL THEN
            RETURN chosen;
        END IF;
        SELECT c.parent_id INTO at FROM item_category c WHERE c.id = at;
    END LOOP;
    RETURN account_of(company, CASE WHEN as_kind = 'revenue' THEN 'revenue'
                                    WHEN about.kind = 'stocked' THEN 'received_not_billed'
                                    ELSE 'expense' END);
END $$;

-- ------------------------------------------------------------------ invoices: drafts
-- What a line costs follows from what was typed; a line that credits another takes its
-- price, tax and account, and the last part takes the cents that rounding left.
CREATE OR REPLACE FUNCTION invoice_line_compute() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    head     invoice;
    credited invoice_line;
    sale     boolean;
    part     record;
BEGIN
    SELECT * INTO head FROM invoice WHERE company_id = NEW.company_id AND id = NEW.invoice_id;
    IF NOT FOUND THEN
        RETURN NEW;                           -- the foreign key says it better
    END IF;
    sale := head.kind IN ('customer_invoice', 'credit_note');
    NEW.currency_code := head.currency_code;
    IF NEW.credits_line_id IS NOT NULL THEN
        SELECT l.* INTO credited FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id
         WHERE l.company_id = NEW.company_id AND l.id = NEW.credits_line_id AND i.number IS NOT NULL
           AND l.invoice_id = head.credits_id;
        IF NOT FOUND OR credited.quantity = 0 THEN
            PERFORM fail('not_creditable', 'credits_line_id', 'Only lines of the posted invoice that is credited can be credited');
        END IF;
        NEW.item_id := credited.item_id;
        NEW.unit_price := credited.unit_price;
        NEW.discount := credited.discount;
        NEW.tax_id := credited.tax_id;
        NEW.tax_percent := credited.tax_percent;
        NEW.account_id := credited.account_id;
        NEW.description := coalesce(NEW.description, credited.description);
        NEW.net := round(credited.net * (credited.credited_quantity + NEW.quantity) / credited.quantity,
                         currency_scale(NEW.currency_code)) - credited.credited_net;
        NEW.tax := round(credited.tax * (credited.credited_quantity + NEW.quantity) / credited.quantity,
                         currency_scale(NEW.currency_code)) - credited.credited_tax;
        RETURN NEW;
    END IF;
    IF NEW.tax_id IS NULL THEN
        NEW.tax_id := tax_for(NEW.company_id, CASE WHEN sale THEN 'sale' ELSE 'purchase' END, NEW.item_id, head.party_id);
    END IF;
    NEW.tax_percent := tax_percent_on(NEW.tax_id, head.invoice_date);
    IF NEW.tax_percent IS NULL THEN
        PERFORM fail('no_tax_rate', 'tax_id', 'This tax has no rate on %s', head.invoice_date::text);
    END IF;
    IF NEW.account_id IS NULL THEN
        NEW.account_id := item_account(NEW.company_id, NEW.item_id, CASE WHEN sale THEN 'revenue' ELSE 'expense' END);
    END IF;
    SELECT * INTO part FROM line_net_tax(NEW.quantity, NEW.unit_price, NEW.discount, NEW.tax_percent,
                                         head.prices_include_tax, NEW.currency_code);
    NEW.net := part.net;
    NEW.tax := part.tax;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER invoice_line_compute BEFORE INSERT OR UPDATE OF invoice_id, item_id, quantity, unit_price,
        discount, currency_code, tax_id, account_id, credits_line_id ON invoice_line
    FOR EACH ROW EXECUTE FUNCTION invoice_line_compute();

-- Nobody but the triggers that own the books touches the lines of a posted invoice.
CREATE OR REPLACE FUNCTION invoice_line_guard() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM FROM invoice WHERE id IN (OLD.invoice_id, NEW.invoice_id) AND (number IS NOT NULL OR state <> 'draft') FOR SHARE;
    IF FOUND THEN
        PERFORM fail('posted', NULL, 'This invoice is posted: correct it with a credit note');
    END IF;
    PERFORM FROM invoice WHERE id IN (OLD.invoice_id, NEW.invoice_id) FOR SHARE;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE OR REPLACE TRIGGER a_invoice_line_guard BEFORE INSERT OR UPDATE OR DELETE ON invoice_line
    FOR EACH ROW WHEN (current_user <> 'tenon_owner') EXECUTE FUNCTION invoice_line_guard();

-- Totals of drafts. Where tax is rounded per document, each rate's tax is rounded once and
-- spread over its lines by cumulative rounding, so that the lines still add up.
CREATE OR REPLACE FUNCTION invoice_totals(ids bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM invoice WHERE id = ANY (ids) AND tax_rounding = 'document') THEN
        WITH gross AS (
            SELECT l.id, l.invoice_id, i.prices_include_tax AS included, l.tax_percent AS p,
                   currency_scale(l.currency_code) AS scale,
                   CASE WHEN i.prices_include_tax THEN l.net + l.tax ELSE l.net END AS g,
                   sum(CASE WHEN i.prices_include_tax THEN l.net + l.tax ELSE l.net END)
                       OVER (PARTITION BY l.invoice_id, l.tax_id, l.tax_percent ORDER BY l.position, l.id) AS upto
              FROM invoice_line l JOIN invoice i ON i.id = l.invoice_id
             WHERE l.invoice_id = ANY (ids) AND i.tax_rounding = 'document' AND l.credits_line_id IS NULL
        ), share AS (
            SELECT id, g, included,
                   CASE WHEN included THEN (upto - round(upto / (1 + p / 100), scale)) - ((upto - g) - round((upto - g) / (1 + p / 100), scale))
                        ELSE round(upto * p / 100, scale) - round((upto - g) * p / 100, scale) END AS tax
              FROM gross
        )
        UPDATE invoice_line l SET tax = s.tax, net = CASE WHEN s.included THEN s.g - s.tax ELSE l.net END
          FROM share s WHERE l.id = s.id AND l.tax <> s.tax;
    END IF;
    UPDATE invoice i SET net = s.net, tax = s.tax, total = s.net + s.tax
      FROM (SELECT v.id, coalesce(sum(l.net), 0) AS net, coalesce(sum(l.tax), 0) AS tax
              FROM invoice v LEFT JOIN invoice_line l ON l.company_id = v.company_id AND l.invoice_id = v.id
             WHERE v.id = ANY (ids) AND v.number IS NULL GROUP BY v.id) s
     WHERE i.id = s.id AND (i.net, i.tax) IS DISTINCT FROM (s.net, s.tax);
END $$;

CREATE OR REPLACE FUNCTION invoice_line_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    ids bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT invoice_id) INTO ids FROM new_rows;
    ELSIF TG_OP = 'DELETE' THEN
        SELECT array_agg(DISTINCT invoice_id) INTO ids FROM old_rows;
    ELSE
        SELECT array_agg(DISTINCT x) INTO ids
          FROM new_rows n JOIN old_rows o USING (id), LATERAL unnest(ARRAY[n.invoice_id, o.invoice_id]) x
         WHERE (n.invoice_id, n.net, n.tax) IS DISTINCT FROM (o.invoice_id, o.net, o.tax);
    END IF;
    IF ids IS NOT NULL THEN
        PERFORM invoice_totals(ids);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER invoice_line_inserted AFTER INSERT ON invoice_line
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION invoice_line_changed();
CREATE OR REPLACE TRIGGER invoice_line_updated AFTER UPDATE ON invoice_line
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION invoice_line_changed();
CREATE OR REPLACE TRIGGER invoice_line_deleted AFTER DELETE ON invoice_line
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION invoice_line_changed();

-- ------------------------------------------------------------------ invoices: posting
CREATE OR REPLACE FUNCTION invoice_default() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF NEW.payment_term_id IS NULL AND NEW.kind = 'customer_invoice' THEN
        SELECT c.payment_term_id INTO NEW.payment_term_id FROM customer_company c
         WHERE c.company_id = NEW.company_id AND c.party_id = NEW.party_id;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER invoice_default BEFORE INSERT ON invoice
    FOR EACH ROW EXECUTE FUNCTION invoice_default();

CREATE OR REPLACE FUNCTION invoice_guard() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR
       (NEW.id, NEW.company_id, NEW.kind, NEW.number, NEW.party_id, NEW.invoice_date, NEW.due_date, NEW.payment_term_id,
        NEW.reference, NEW.currency_code, NEW.exchange_rate, NEW.prices_include_tax, NEW.tax_rounding, NEW.net, NEW.tax,
        NEW.total, NEW.base_total, NEW.credits_id, NEW.journal_entry_id) IS DISTINCT FROM
       (OLD.id, OLD.company_id, OLD.kind, OLD.number, OLD.party_id, OLD.invoice_date, OLD.due_date, OLD.payment_term_id,
        OLD.reference, OLD.currency_code, OLD.exchange_rate, OLD.prices_include_tax, OLD.tax_rounding, OLD.net, OLD.tax,
        OLD.total, OLD.base_total, OLD.credits_id, OLD.journal_entry_id)
       OR NEW.state IN ('draft', 'cancelled') THEN
        PERFORM fail('posted', NULL, 'This invoice is posted: correct it with a credit note');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER invoice_guard BEFORE UPDATE OR DELETE ON invoice
    FOR EACH ROW WHEN (OLD.number IS NOT NULL) EXECUTE FUNCTION invoice_guard();

-- Posting, first half: what the row itself must say. The second half is set-based.
CREATE OR REPLACE FUNCTION invoice_posting() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM invoice_line l WHERE l.company_id = NEW.company_id AND l.invoice_id = NEW.id) THEN
        PERFORM fail('nothing_to_post', 'lines', 'Add at least one line first');
    END IF;
    IF NEW.total < 0 THEN
        PERFORM fail('negative_total', 'lines', 'The total is below zero: make it a credit note');
    END IF;
    PERFORM period_require_open(NEW.company_id, NEW.invoice_date);
    NEW.exchange_rate := coalesce(NEW.exchange_rate, exchange_rate_must(NEW.company_id, NEW.currency_code, NEW.invoice_date));
    NEW.due_date := coalesce(NEW.due_date, payment_term_due(NEW.payment_term_id, NEW.invoice_date));
    NEW.base_total := base_round(NEW.company_id, NEW.total * NEW.exchange_rate);
    NEW.open_amount := NEW.total;
    NEW.open_base := NEW.base_total;
    NEW.paid := CASE NEW.total WHEN 0 THEN 'full' ELSE 'none' END;
    NEW.settled_on := CASE NEW.total WHEN 0 THEN NEW.invoice_date END;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER invoice_posting BEFORE UPDATE ON invoice
    FOR EACH ROW WHEN (OLD.number IS NULL AND NEW.state = 'posted' AND OLD.state <> 'posted')
    EXECUTE FUNCTION invoice_posting();

-- What credit notes take from the lines and from the invoice that they credit.
CREATE OR REPLACE FUNCTION invoice_credit_lines(ids bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    over text;
BEGIN
    PERFORM FROM invoice WHERE id IN (SELECT credits_id FROM invoice WHERE id = ANY (ids)) ORDER BY id FOR UPDATE;
    SELECT min(o.number) INTO over FROM invoice o
     WHERE o.id IN (SELECT credits_id FROM invoice WHERE id = ANY (ids))
       AND (o.number IS NULL OR o.kind = 'customer_invoice' AND EXISTS (
                SELECT FROM invoice c WHERE c.credits_id = o.id AND c.id = ANY (ids)
                   AND (c.kind <> 'credit_note' OR (c.party_id, c.currency_code) <> (o.party_id, o.currency_code)))
            OR o.total < (SELECT sum(c.total) FROM invoice c WHERE c.company_id = o.company_id AND c.credits_id = o.id
                             AND (c.number IS NOT NULL OR c.id = ANY (ids))));
    IF over IS NOT NULL THEN
        PERFORM fail('over_credited', 'lines', 'More would be credited than invoice %s holds', over);
    END IF;
    -- Drafts made at the same time saw less credited: take the sums as they are now.
    UPDATE invoice_line l SET credited_quantity = l.credited_quantity + s.quantity,
           credited_net = l.credited_net + s.net, credited_tax = l.credited_tax + s.tax
      FROM (SELECT c.credits_line_id, sum(c.quantity) AS quantity, sum(c.net) AS net, sum(c.tax) AS tax
              FROM invoice_line c WHERE c.invoice_id = ANY (ids) AND c.credits_line_id IS NOT NULL
             GROUP BY c.credits_line_id) s
     WHERE l.id = s.credits_line_id;
END $$;

-- The entry's lines: the party's account against revenue or expense per account and tax per
-- tax. Converted amounts are rounded each; what is left over goes to the largest line.
CREATE OR REPLACE FUNCTION invoice_entry_lines(ids bigint[])
    RETURNS TABLE (invoice_id bigint, "position" integer, account_id bigint, party_id bigint, base numeric, amount numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH head AS (
        SELECT i.*, CASE WHEN i.kind IN ('customer_invoice', 'debit_note') THEN 1 ELSE -1 END AS sign,
               i.kind IN ('customer_invoice', 'credit_note') AS sale
          FROM invoice i WHERE i.id = ANY (ids)
    ), part AS (
        SELECT h.id, h.company_id, h.exchange_rate, h.sign, l.account_id, sum(l.net) AS amount
          FROM head h JOIN invoice_line l ON l.company_id = h.company_id AND l.invoice_id = h.id
         GROUP BY h.id, h.company_id, h.exchange_rate, h.sign, l.account_id
        UNION ALL
        SELECT h.id, h.company_id, h.exchange_rate, h.sign,
               coalesce(t.account_id, account_of(h.company_id, CASE WHEN h.sale THEN 'tax_payable' ELSE 'tax_receivable' END)),
               sum(l.tax)
          FROM head h JOIN invoice_line l ON l.company_id = h.company_id AND l.invoice_id = h.id
          LEFT JOIN tax t ON t.id = l.tax_id
         WHERE l.tax <> 0
         GROUP BY h.id, h.company_id, h.exchange_rate, h.sign, h.sale, t.account_id
    ), converted AS (
        SELECT p.*, base_round(p.company_id, p.amount * p.exchange_rate) AS base,
               row_number() OVER (PARTITION BY p.id ORDER BY abs(p.amount) DESC, p.account_id) AS rank
          FROM part p WHERE p.amount <> 0
    )
    SELECT h.id, 0, account_of(h.company_id, CASE WHEN h.sale THEN 'receivable' ELSE 'payable' END), h.party_id,
           (h.sign * h.base_total)::numeric, (h.sign * h.total)::numeric
      FROM head h WHERE h.total <> 0
    UNION ALL
    SELECT c.id, c.rank::integer, c.account_id, NULL,
           -c.sign * (c.base + CASE c.rank WHEN 1 THEN h.base_total - sum(c.base) OVER (PARTITION BY c.id) ELSE 0 END),
           -c.sign * c.amount
      FROM converted c JOIN head h ON h.id = c.id;
END $$;

-- What is due when, of invoices whose term has more than one part.
CREATE OR REPLACE FUNCTION invoice_instalments(ids bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    INSERT INTO invoice_instalment (company_id, invoice_id, position, due_date, amount)
    SELECT s.company_id, s.id, s.n, s.due, CASE WHEN s.n = s.lines THEN s.total - (s.upto - s.part) ELSE s.part END
      FROM (SELECT i.company_id, i.id, i.total, r.n, r.due, r.part, r.lines,
                   sum(r.part) OVER (PARTITION BY i.id ORDER BY r.n) AS upto
              FROM invoice i,
                   LATERAL (SELECT row_number() OVER (ORDER BY t.position, t.id) AS n, count(*) OVER () AS lines,
                                   payment_due(i.invoice_date, t.days, t.end_of_month) AS due,
                                   round(i.total * t.percent / 100, currency_scale(i.currency_code)) AS part
                              FROM payment_term_line t WHERE t.term_id = i.payment_term_id) r
             WHERE i.id = ANY (ids) AND r.lines > 1 AND i.due_date = payment_term_due(i.payment_term_id, i.invoice_date)) s;
END $$;

CREATE OR REPLACE FUNCTION invoice_post(ids bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    crediting boolean := EXISTS (SELECT FROM invoice WHERE id = ANY (ids) AND credits_id IS NOT NULL);
BEGIN
    IF crediting THEN
        PERFORM invoice_credit_lines(ids);
    END IF;
    PERFORM exposure_add(s.company_id, s.party_id, s.delta) FROM (
        SELECT i.company_id, i.party_id, sum(CASE i.kind WHEN 'customer_invoice' THEN i.base_total ELSE -i.base_total END) AS delta
          FROM invoice i WHERE i.id = ANY (ids) AND i.kind IN ('customer_invoice', 'credit_note')
         GROUP BY i.company_id, i.party_id ORDER BY i.party_id) s WHERE s.delta <> 0;
    WITH line AS MATERIALIZED (
        SELECT * FROM invoice_entry_lines(ids)
    ), entry AS (
        INSERT INTO journal_entry (company_id, journal_id, entry_date, description, source_entity, source_id)
        SELECT i.company_id, j.id, i.invoice_date, coalesce(i.reference, i.note), 'invoice', i.id
          FROM invoice i
          JOIN journal j ON j.company_id = i.company_id
           AND j.code = CASE WHEN i.kind IN ('customer_invoice', 'credit_note') THEN 'SAL' ELSE 'PUR' END
         WHERE i.id = ANY (ids) AND i.id IN (SELECT invoice_id FROM line)
         ORDER BY j.code, i.id
        RETURNING id, company_id, source_id, entry_date
    )
    INSERT INTO journal_line (company_id, entry_id, position, account_id, party_id, debit, credit, amount, currency_code, posted_on)
    SELECT e.company_id, e.id, l.position, l.account_id, l.party_id, greatest(l.base, 0), greatest(-l.base, 0), l.amount,
           i.currency_code, e.entry_date
      FROM line l JOIN entry e ON e.source_id = l.invoice_id JOIN invoice i ON i.id = l.invoice_id;
    IF EXISTS (SELECT FROM invoice i JOIN payment_term_line t ON t.term_id = i.payment_term_id
                WHERE i.id = ANY (ids) GROUP BY i.id HAVING count(*) > 1) THEN
        PERFORM invoice_instalments(ids);
    END IF;
    UPDATE invoice i SET number = n.number,
           journal_entry_id = (SELECT e.id FROM journal_entry e WHERE e.source_entity = 'invoice' AND e.source_id = i.id)
      FROM (SELECT v.id, gapless_number(v.company_id, v.kind, v.invoice_date) AS number
              FROM (SELECT * FROM invoice WHERE id = ANY (ids) ORDER BY kind, id) v) n
     WHERE i.id = n.id;
    IF NOT crediting THEN
        RETURN;
    END IF;
    -- A credit note settles first what it credits.
    INSERT INTO allocation (company_id, invoice_id, credit_id, amount, currency_code, allocated_on)
    SELECT s.company_id, s.credits_id, s.id, least(s.total, s.open - (s.upto - s.total)), s.currency_code, s.invoice_date
      FROM (SELECT c.company_id, c.id, c.credits_id, c.total, c.currency_code, c.invoice_date, o.open_amount AS open,
                   sum(c.total) OVER (PARTITION BY c.credits_id ORDER BY c.id) AS upto
              FROM invoice c JOIN invoice o ON o.id = c.credits_id
             WHERE c.id = ANY (ids)) s
     WHERE least(s.total, s.open - (s.upto - s.total)) > 0;
END $$;

-- Second half of posting; and a draft whose date, party, currency or rounding changed is
-- computed again.
CREATE OR REPLACE FUNCTION invoice_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    posted bigint[];
    again  bigint[];
BEGIN
    SELECT array_agg(n.id ORDER BY n.id) FILTER (WHERE n.state = 'posted' AND o.state <> 'posted'),
           array_agg(n.id) FILTER (WHERE n.state = 'draft' AND
               (n.kind, n.party_id, n.invoice_date, n.currency_code, n.prices_include_tax, n.tax_rounding, n.credits_id) IS DISTINCT FROM
               (o.kind, o.party_id, o.invoice_date, o.currency_code, o.prices_include_tax, o.tax_rounding, o.credits_id))
      INTO posted, again
      FROM new_rows n JOIN old_rows o USING (id) WHERE n.number IS NULL;
    IF again IS NOT NULL THEN
        UPDATE invoice_line SET quantity = quantity WHERE invoice_id = ANY (again);
        PERFORM invoice_totals(again);
    END IF;
    IF posted IS NOT NULL THEN
        PERFORM invoice_post(posted);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER invoice_changed AFTER UPDATE ON invoice
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION invoice_changed();

-- ------------------------------------------------------------------ payments
CREATE OR REPLACE FUNCTION payment_posting() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM period_require_open(NEW.company_id, NEW.payment_date);
    NEW.exchange_rate := coalesce(NEW.exchange_rate, exchange_rate_must(NEW.company_id, NEW.currency_code, NEW.payment_date));
    NEW.base_amount := base_round(NEW.company_id, NEW.amount * NEW.exchange_rate);
    NEW.open_amount := NEW.amount;
    NEW.open_base := NEW.base_amount;
    IF NEW.journal_id IS NULL THEN
        SELECT id INTO NEW.journal_id FROM journal WHERE company_id = NEW.company_id AND code = 'BNK';
    END IF;
    IF NOT EXISTS (SELECT FROM journal WHERE id = NEW.journal_id AND account_id IS NOT NULL) THEN
        PERFORM fail('no_account', 'journal_id', 'Choose a journal with a bank or cash account');
    END IF;
    NEW.journal_entry_id := nextval(pg_get_serial_sequence('journal_entry', 'id'));
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER payment_posting BEFORE UPDATE ON payment
    FOR EACH ROW WHEN (OLD.journal_entry_id IS NULL AND NEW.state = 'posted' AND OLD.state <> 'posted')
    EXECUTE FUNCTION payment_posting();

CREATE OR REPLACE FUNCTION payment_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR
       (NEW.id, NEW.company_id, NEW.kind, NEW.number, NEW.party_id, NEW.payment_date, NEW.amount, NEW.currency_code,
        NEW.exchange_rate, NEW.journal_id, NEW.base_amount, NEW.journal_entry_id) IS DISTINCT FROM
       (OLD.id, OLD.company_id, OLD.kind, OLD.number, OLD.party_id, OLD.payment_date, OLD.amount, OLD.currency_code,
        OLD.exchange_rate, OLD.journal_id, OLD.base_amount, OLD.journal_entry_id)
       OR NEW.state = 'draft' OR OLD.state = 'cancelled' AND
          (NEW.state, NEW.cancelled_on) IS DISTINCT FROM (OLD.state, OLD.cancelled_on) THEN
        PERFORM fail('posted', NULL, 'This payment is posted: cancel it and enter it again');
    END IF;
    IF NEW.state = 'cancelled' AND OLD.state <> 'cancelled' THEN
        NEW.cancelled_on := greatest(coalesce(NEW.cancelled_on, app_today()), NEW.payment_date);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER payment_guard BEFORE UPDATE OR DELETE ON payment
    FOR EACH ROW WHEN (OLD.journal_entry_id IS NOT NULL) EXECUTE FUNCTION payment_guard();

CREATE OR REPLACE FUNCTION payment_line_guard() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    head payment;
BEGIN
    SELECT * INTO head FROM payment
     WHERE id = CASE TG_OP WHEN 'DELETE' THEN OLD.payment_id ELSE NEW.payment_id END FOR SHARE;
    IF head.state <> 'draft' THEN
        PERFORM fail('posted', NULL, 'This payment is posted: cancel it and enter it again');
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    NEW.currency_code := head.currency_code;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER payment_line_guard BEFORE INSERT OR UPDATE OR DELETE ON payment_line
    FOR EACH ROW WHEN (current_user <> 'tenon_owner') EXECUTE FUNCTION payment_line_guard();

CREATE OR REPLACE FUNCTION payment_post(ids bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    refunding boolean := EXISTS (SELECT FROM payment WHERE id = ANY (ids) AND kind = 'refund');
BEGIN
    IF refunding THEN                         -- documents before customers
        PERFORM FROM invoice WHERE id IN (
            SELECT unnest(ARRAY[i.credits_id, i.id]) FROM payment_line l JOIN invoice i ON i.id = l.invoice_id
             WHERE l.payment_id = ANY (ids)) ORDER BY id FOR UPDATE;
    END IF;
    PERFORM exposure_add(s.company_id, s.party_id, s.base)
       FROM (SELECT company_id, party_id, sum(CASE kind WHEN 'refund' THEN base_amount ELSE -base_amount END) AS base FROM payment
              WHERE id = ANY (ids) AND kind IN ('receipt', 'refund') GROUP BY company_id, party_id ORDER BY party_id) s;
    INSERT INTO journal_entry (id, company_id, journal_id, entry_date, description, source_entity, source_id)
    OVERRIDING SYSTEM VALUE
    SELECT journal_entry_id, company_id, journal_id, payment_date, concat_ws(' ', number, reference), 'payment', id
      FROM payment WHERE id = ANY (ids) ORDER BY journal_id, id;
    INSERT INTO journal_line (company_id, entry_id, position, account_id, party_id, debit, credit, amount, currency_code, posted_on)
    SELECT p.company_id, p.journal_entry_id, s.position,
           CASE s.position WHEN 1 THEN j.account_id
                ELSE account_of(p.company_id, CASE p.kind WHEN 'disbursement' THEN 'payable' ELSE 'receivable' END) END,
           CASE s.position WHEN 2 THEN p.party_id END,
           greatest(s.sign * p.base_amount, 0), greatest(-s.sign * p.base_amount, 0), s.sign * p.amount,
           p.currency_code, p.payment_date
      FROM payment p JOIN journal j ON j.id = p.journal_id,
           LATERAL (SELECT n AS position, CASE WHEN (n = 1) = (p.kind = 'receipt') THEN 1 ELSE -1 END AS sign
                      FROM generate_series(1, 2) n) s
     WHERE p.id = ANY (ids);
    INSERT INTO allocation (company_id, invoice_id, payment_id, amount, currency_code, allocated_on)
    SELECT l.company_id, l.invoice_id, l.payment_id, l.amount, p.currency_code, greatest(p.payment_date, i.invoice_date)
      FROM payment p JOIN payment_line l ON l.company_id = p.company_id AND l.payment_id = p.id
      JOIN invoice i ON i.id = l.invoice_id
     WHERE p.id = ANY (ids) ORDER BY l.invoice_id, l.payment_id;
    IF refunding THEN
        PERFORM refund_wholly_settled(ids);
        PERFORM refund_within_received(ids);
    END IF;
END $$;

-- A posted entry's mirror, dated on its own; once per entry.
CREATE OR REPLACE FUNCTION journal_entry_mirror(ids bigint[], on_date date, why text, for_entity text DEFAULT NULL)
    RETURNS bigint[] LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    WITH entry AS (
        INSERT INTO journal_entry (company_id, journal_id, entry_date, description, source_entity, source_id, reverses_id)
        SELECT e.company_id, e.journal_id, greatest(on_date, e.entry_date), concat_ws(' ', e.number, why),
               coalesce(for_entity, 'journal_entry'), CASE WHEN for_entity IS NULL THEN e.id ELSE e.source_id END, e.id
          FROM journal_entry e WHERE e.id = ANY (ids) ORDER BY e.journal_id, e.id
        RETURNING id, reverses_id, entry_date
    ), line AS (
        INSERT INTO journal_line (company_id, entry_id, position, account_id, party_id, description, debit, credit,
                                  amount, currency_code, posted_on)
        SELECT l.company_id, e.id, l.position, l.account_id, l.party_id, l.description, l.credit, l.debit, -l.amount,
               l.currency_code, e.entry_date
          FROM entry e JOIN journal_line l ON l.entry_id = e.reverses_id
    )
    SELECT array_agg(id ORDER BY id) FROM entry $$;

CREATE OR REPLACE FUNCTION payment_cancel(ids bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    INSERT INTO allocation (company_id, invoice_id, payment_id, amount, currency_code, allocated_on, reverses_id)
    SELECT a.company_id, a.invoice_id, a.payment_id, -a.amount, a.currency_code, greatest(p.cancelled_on, a.allocated_on), a.id
      FROM allocation a JOIN payment p ON p.id = a.payment_id
     WHERE a.payment_id = ANY (ids) AND a.reverses_id IS NULL
       AND NOT EXISTS (SELECT FROM allocation r WHERE r.reverses_id = a.id)
     ORDER BY a.invoice_id, a.id;
    PERFORM exposure_add(s.company_id, s.party_id, s.base)
       FROM (SELECT company_id, party_id, sum(CASE kind WHEN 'refund' THEN -base_amount ELSE base_amount END) AS base FROM payment
              WHERE id = ANY (ids) AND kind IN ('receipt', 'refund') GROUP BY company_id, party_id ORDER BY party_id) s;
    PERFORM refund_within_received(ids);
    PERFORM journal_entry_mirror(ARRAY[p.journal_entry_id], p.cancelled_on, NULL, 'payment')
       FROM payment p WHERE p.id = ANY (ids) ORDER BY p.journal_id, p.id;
    UPDATE payment SET open_amount = 0, open_base = 0, settled_on = cancelled_on WHERE id = ANY (ids);
END $$;

CREATE OR REPLACE FUNCTION payment_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    posted    bigint[];
    cancelled bigint[];
BEGIN
    SELECT array_agg(n.id ORDER BY n.id) FILTER (WHERE n.state = 'posted' AND o.journal_entry_id IS NULL),
           array_agg(n.id ORDER BY n.id) FILTER (WHERE n.state = 'cancelled' AND o.journal_entry_id IS NOT NULL)
      INTO posted, cancelled
      FROM new_rows n JOIN old_rows o USING (id) WHERE n.state <> o.state;
    IF posted IS NOT NULL THEN
        PERFORM payment_post(posted);
    END IF;
    IF cancelled IS NOT NULL THEN
        PERFORM payment_cancel(cancelled);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER payment_changed AFTER UPDATE ON payment
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION payment_changed();

-- ------------------------------------------------------------------ allocations
-- May these two settle each other, and what does it move in the books? Base amounts are
-- cumulative shares, so that the last part takes what rounding left.
CREATE OR REPLACE FUNCTION allocation_check() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    target  invoice;
    credit  invoice;
    money   payment;
    taken   allocation;
    before  numeric;
    before_base numeric;
    from_date date;
BEGIN
    SELECT * INTO target FROM invoice WHERE company_id = NEW.company_id AND id = NEW.invoice_id;
    IF target.kind = 'credit_note' AND target.credits_id IS NOT NULL THEN
        PERFORM FROM invoice WHERE id = target.credits_id FOR UPDATE;    -- what may be refunded depends on it
    END IF;
    SELECT * INTO target FROM invoice WHERE company_id = NEW.company_id AND id = NEW.invoice_id FOR UPDATE;
    SELECT * INTO money FROM payment WHERE company_id = NEW.company_id AND id = NEW.payment_id FOR UPDATE;
    SELECT * INTO credit FROM invoice WHERE company_id = NEW.company_id AND id = NEW.credit_id FOR UPDATE;
    IF NEW.reverses_id IS NOT NULL THEN
        IF money.kind = 'refund' AND money.state <> 'cancelled' THEN
            PERFORM fail('posted', 'payment_id', 'This payment is posted: cancel it and enter it again');
        END IF;
        SELECT * INTO taken FROM allocation WHERE company_id = NEW.company_id AND id = NEW.reverses_id;
        IF (taken.invoice_id, taken.payment_id, taken.credit_id, -taken.amount) IS DISTINCT FROM
           (NEW.invoice_id, NEW.payment_id, NEW.credit_id, NEW.amount) OR taken.reverses_id IS NOT NULL THEN
            PERFORM fail('not_allocated', 'amount', 'Only what was allocated can be taken back');
        END IF;
        NEW.currency_code := taken.currency_code;
        NEW.invoice_base := -taken.invoice_base;
        NEW.source_base := -taken.source_base;
        NEW.allocated_on := greatest(NEW.allocated_on, taken.allocated_on);
        PERFORM period_require_open(NEW.company_id, NEW.allocated_on);
        RETURN NEW;
    END IF;
    IF target.number IS NULL OR target.kind = 'debit_note' OR target.kind = 'credit_note' AND money.kind IS DISTINCT FROM 'refund' THEN
        PERFORM fail('not_posted', 'invoice_id', 'Only posted invoices and bills can be settled');
    END IF;
    IF (NEW.payment_id IS NULL AND credit.number IS NULL)
       OR (NEW.payment_id IS NOT NULL AND (money.journal_entry_id IS NULL OR money.state = 'cancelled'))
       OR coalesce(money.kind, credit.kind) NOT IN
          (CASE target.kind WHEN 'customer_invoice' THEN 'receipt' WHEN 'supplier_bill' THEN 'disbursement' ELSE 'refund' END,
           CASE target.kind WHEN 'customer_invoice' THEN 'credit_note' WHEN 'supplier_bill' THEN 'debit_note' END) THEN
        PERFORM fail('not_posted', 'payment_id', 'This payment or credit cannot settle invoice %s', target.number);
    END IF;
    IF coalesce(money.party_id, credit.party_id) <> target.party_id THEN
        PERFORM fail('other_party', 'invoice_id', 'Invoice %s belongs to somebody else', target.number);
    END IF;
    IF coalesce(money.currency_code, credit.currency_code) <> target.currency_code THEN
        PERFORM fail('other_currency', 'invoice_id', 'Invoice %s is in %s', target.number, target.currency_code);
    END IF;
    NEW.currency_code := target.currency_code;
    from_date := coalesce(money.payment_date, credit.invoice_date);
    NEW.allocated_on := greatest(NEW.allocated_on, target.invoice_date, from_date);
    PERFORM period_require_open(NEW.company_id, NEW.allocated_on);
    IF target.base_total = target.total AND coalesce(money.base_amount = money.amount, credit.base_total = credit.total) THEN
        NEW.invoice_base := NEW.amount;
        NEW.source_base := NEW.amount;
        RETURN NEW;
    END IF;
    -- A credit note is settled both ways: by what it settles and by refunds.
    SELECT coalesce(sum(amount), 0), coalesce(sum(CASE invoice_id WHEN NEW.invoice_id THEN invoice_base ELSE source_base END), 0)
      INTO before, before_base FROM allocation
     WHERE company_id = NEW.company_id AND (invoice_id = NEW.invoice_id OR credit_id = NEW.invoice_id);
    NEW.invoice_base := base_round(NEW.company_id, target.base_total * (before + NEW.amount) / target.total) - before_base;
    SELECT coalesce(sum(amount), 0), coalesce(sum(CASE invoice_id WHEN NEW.credit_id THEN invoice_base ELSE source_base END), 0)
      INTO before, before_base FROM allocation
     WHERE company_id = NEW.company_id AND (payment_id = NEW.payment_id OR NEW.credit_id IN (credit_id, invoice_id));
    NEW.source_base := base_round(NEW.company_id, coalesce(money.base_amount, credit.base_total) * (before + NEW.amount)
                                                  / coalesce(money.amount, credit.total)) - before_base;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER allocation_check BEFORE INSERT ON allocation
    FOR EACH ROW EXECUTE FUNCTION allocation_check();

CREATE OR REPLACE FUNCTION allocation_added() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    refunded bigint[];
BEGIN
    IF NOT EXISTS (SELECT FROM new_rows) THEN
        RETURN NULL;
    END IF;
    UPDATE payment p SET open_amount = p.open_amount - s.amount, open_base = p.open_base - s.base,
           settled_on = CASE WHEN p.open_amount = s.amount THEN
               (SELECT max(a.allocated_on) FROM allocation a WHERE a.company_id = p.company_id AND a.payment_id = p.id) END
      FROM (SELECT payment_id, sum(amount) AS amount, sum(source_base) AS base
              FROM new_rows WHERE payment_id IS NOT NULL GROUP BY payment_id) s
     WHERE p.id = s.payment_id;
    UPDATE invoice i SET open_amount = i.open_amount - s.amount, open_base = i.open_base - s.base,
           paid = CASE i.open_amount - s.amount WHEN 0 THEN 'full' WHEN i.total THEN 'none' ELSE 'part' END,
           settled_on = CASE WHEN i.open_amount = s.amount THEN
               (SELECT max(a.allocated_on) FROM allocation a
                 WHERE a.company_id = i.company_id AND (a.invoice_id = i.id OR a.credit_id = i.id)) END
      FROM (SELECT id, sum(amount) AS amount, sum(base) AS base
              FROM (SELECT invoice_id AS id, amount, invoice_base AS base FROM new_rows
                    UNION ALL
                    SELECT credit_id, amount, source_base FROM new_rows WHERE credit_id IS NOT NULL) u
             GROUP BY id) s
     WHERE i.id = s.id;
    SELECT array_agg(s.id) INTO refunded
      FROM (SELECT i.credits_id AS id FROM new_rows n JOIN invoice i ON i.id = n.invoice_id AND i.kind = 'credit_note'
            UNION ALL
            SELECT n.invoice_id FROM new_rows n WHERE n.reverses_id IS NOT NULL) s;
    IF refunded IS NOT NULL THEN
        PERFORM refund_within_settled(refunded);
    END IF;
    IF NOT EXISTS (SELECT FROM new_rows WHERE invoice_base <> source_base) THEN
        RETURN NULL;
    END IF;
    -- The rates differ: what the books gain or lose by it, on the day of the allocation.
    PERFORM exposure_add(s.company_id, s.party_id, s.delta)
       FROM (SELECT i.company_id, i.party_id,
                    sum(CASE i.kind WHEN 'customer_invoice' THEN n.source_base - n.invoice_base ELSE n.invoice_base - n.source_base END) AS delta
               FROM new_rows n JOIN invoice i ON i.id = n.invoice_id AND i.kind IN ('customer_invoice', 'credit_note')
              GROUP BY i.company_id, i.party_id ORDER BY i.party_id) s WHERE s.delta <> 0;
    PERFORM journal_post(s.company_id, 'GEN', s.allocated_on, s.number, 'allocation', s.id, jsonb_build_array(
                jsonb_build_object('role', s.control, 'party_id', s.party_id, 'debit', s.gain, 'credit', 0),
                jsonb_build_object('role', CASE WHEN s.gain > 0 THEN 'exchange_gain' ELSE 'exchange_loss' END,
                                   'debit', 0, 'credit', s.gain)))
       FROM (SELECT n.id, n.company_id, n.allocated_on, i.number, i.party_id,
                    CASE i.kind WHEN 'supplier_bill' THEN 'payable' ELSE 'receivable' END AS control,
                    CASE i.kind WHEN 'customer_invoice' THEN n.source_base - n.invoice_base
                                ELSE n.invoice_base - n.source_base END AS gain
               FROM new_rows n JOIN invoice i ON i.id = n.invoice_id
              WHERE n.invoice_base <> n.source_base ORDER BY n.id) s;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER allocation_added AFTER INSERT ON allocation
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION allocation_added();

-- ------------------------------------------------------------------ statements
/*
 * What was open at the end of a day, document by document, from the days of the allocations:
 * what the party owes is positive on the customers' side (receivable), what we owe on the
 * suppliers' (payable). Its own gate: row-level security would keep the planner from the
 * index of date ranges.
 */
CREATE OR REPLACE FUNCTION open_items(control text, on_date date)
    RETURNS TABLE (entity text, id bigint, number text, kind text, party_id bigint, document_date date, due_date date,
                   currency_code text, total numeric, open_amount numeric, open_base numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    SELECT 'invoice', i.id, i.number, i.kind, i.party_id, i.invoice_date, i.due_date, i.currency_code, i.total,
           s.sign * (i.total - coalesce(a.amount, 0)), s.sign * (i.base_total - coalesce(a.base, 0))
      FROM invoice i,
           LATERAL (SELECT CASE WHEN i.kind IN ('customer_invoice', 'supplier_bill') THEN 1 ELSE -1 END AS sign) s,
           LATERAL (SELECT sum(x.amount) AS amount, sum(x.base) AS base FROM (
                        SELECT l.amount, l.invoice_base AS base FROM allocation l
                         WHERE l.company_id = i.company_id AND l.invoice_id = i.id AND l.allocated_on <= on_date
                        UNION ALL
                        SELECT l.amount, l.source_base FROM allocation l
                         WHERE l.company_id = i.company_id AND l.credit_id = i.id AND l.allocated_on <= on_date) x) a
     WHERE i.company_id = app_company() AND i.number IS NOT NULL
       AND daterange(i.invoice_date, i.settled_on, '[)') @> on_date
       AND i.kind IN (CASE control WHEN 'receivable' THEN 'customer_invoice' ELSE 'supplier_bill' END,
                      CASE control WHEN 'receivable' THEN 'credit_note' ELSE 'debit_note' END)
       AND i.total <> coalesce(a.amount, 0)
    UNION ALL
    SELECT 'payment', p.id, p.number, p.kind, p.party_id, p.payment_date, p.payment_date, p.currency_code, p.amount,
           s.sign * (p.amount - coalesce(a.amount, 0)), s.sign * (p.base_amount - coalesce(a.base, 0))
      FROM payment p,
           LATERAL (SELECT CASE p.kind WHEN 'refund' THEN 1 ELSE -1 END AS sign) s,
           LATERAL (SELECT sum(l.amount) AS amount, sum(l.source_base) AS base FROM allocation l
                     WHERE l.company_id = p.company_id AND l.payment_id = p.id AND l.allocated_on <= on_date) a
     WHERE p.company_id = app_company() AND p.journal_entry_id IS NOT NULL
       AND daterange(p.payment_date, p.settled_on, '[)') @> on_date
       AND p.kind IN (CASE control WHEN 'receivable' THEN 'receipt' ELSE 'disbursement' END,
                      CASE control WHEN 'receivable' THEN 'refund' END)
       AND p.amount <> coalesce(a.amount, 0) $$;

-- The same by due date: an invoice in instalments gives one row for each that is open,
-- payments filling the earliest first; documents that reduce what is owed have no due date.
CREATE OR REPLACE FUNCTION open_dues(control text, on_date date)
    RETURNS TABLE (entity text, id bigint, party_id bigint, due_date date, open_base numeric)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    SELECT o.entity, o.id, o.party_id, CASE WHEN o.open_base > 0 THEN coalesce(n.due_date, o.due_date) END,
           CASE WHEN n.due_date IS NULL THEN o.open_base
                ELSE base_round(app_company(), o.open_base * least(n.amount, n.upto - (o.total - o.open_amount)) / o.open_amount) END
      FROM open_items(control, on_date) o
      LEFT JOIN LATERAL (SELECT s.due_date, s.amount, sum(s.amount) OVER (ORDER BY s.position) AS upto
                           FROM invoice_instalment s WHERE o.entity = 'invoice' AND s.invoice_id = o.id) n
             ON o.open_amount > 0
     WHERE n.upto IS NULL OR n.upto > o.total - o.open_amount $$;
GRANT EXECUTE ON FUNCTION open_items, open_dues TO tenon_app;

-- ------------------------------------------------------------------ gates and setup
-- Reverse entries that were typed by hand: what documents made is corrected by documents.
CREATE OR REPLACE FUNCTION journal_reverse(ids bigint[], on_date date, why text) RETURNS bigint[]
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM journal_entry e WHERE e.id = ANY (ids)
                  AND (e.company_id <> app_company() OR e.number IS NULL
                       OR e.source_entity IS NOT NULL)) THEN
        PERFORM fail('not_reversible', NULL, 'Only posted entries typed by hand are reversed here: correct the document instead');
    END IF;
    RETURN journal_entry_mirror(ids, coalesce(on_date, app_today()), why);
END $$;

CREATE OR REPLACE FUNCTION accounting_company_setup(company bigint, chart text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    in_company bigint := company;
    in_chart   text := chart;
BEGIN
    IF NOT EXISTS (SELECT FROM chart_account c WHERE c.chart = in_chart) THEN
        PERFORM fail('not_found', 'chart', 'There is no chart of accounts %s', in_chart);
    END IF;
    IF NOT EXISTS (SELECT FROM account a WHERE a.company_id = in_company) THEN
        INSERT INTO account (company_id, code, name, name_zh, type, role, postable)
        SELECT in_company, c.code, c.name, c.name_zh, c.type, c.role, c.postable
          FROM chart_account c WHERE c.chart = in_chart ORDER BY c.code;
        UPDATE account a SET parent_id = p.id
          FROM chart_account c, account p
         WHERE a.company_id = in_company AND c.chart = in_chart AND c.code = a.code
           AND p.company_id = in_company AND p.code = c.parent;
    END IF;
    INSERT INTO journal (company_id, code, name, name_zh, account_id)
    SELECT in_company, j.code, j.name, j.name_zh,
           (SELECT a.id FROM account a WHERE a.company_id = in_company AND a.role = j.role)
      FROM (VALUES ('SAL', 'Sales', '销售', NULL), ('PUR', 'Purchases', '采购', NULL), ('BNK', 'Bank', '银行', 'bank'),
                   ('CSH', 'Cash', '现金', 'cash'), ('STK', 'Stock', '库存', NULL), ('GEN', 'General', '总账', NULL))
           AS j (code, name, name_zh, role)
    ON CONFLICT ON CONSTRAINT journal_code_unique DO NOTHING;
    INSERT INTO number_series (company_id, code, pattern, gapless)
    SELECT in_company, 'journal:' || j.code, j.code || '-{YYYY}-{00000}', true FROM journal j WHERE j.company_id = in_company
    UNION ALL
    SELECT in_company, s.code, s.pattern, s.gapless
      FROM (VALUES ('customer_invoice', 'INV-{YYYY}-{00000}', true), ('credit_note', 'CN-{YYYY}-{00000}', true),
                   ('supplier_bill', 'BILL-{YYYY}-{00000}', true), ('debit_note', 'DN-{YYYY}-{00000}', true),
                   ('payment', 'PAY-{YYYY}-{00000}', false)) AS s (code, pattern, gapless)
    ON CONFLICT (company_id, code) DO NOTHING;
    INSERT INTO payment_term (company_id, code, name, name_zh)
    VALUES (in_company, 'NOW', 'Immediately', '立即付款'), (in_company, 'NET30', '30 days net', '30天内付清'),
           (in_company, 'NET60', '60 days net', '60天内付清'), (in_company, 'EOM30', '30 days, end of month', '30天后月末付清'),
           (in_company, 'THIRDS', 'Three instalments, 30, 60 and 90 days', '分三期：30、60、90天')
    ON CONFLICT ON CONSTRAINT payment_term_code_unique DO NOTHING;
    INSERT INTO payment_term_line (company_id, term_id, position, percent, days, end_of_month)
    SELECT in_company, t.id, l.position, l.percent, l.days, l.end_of_month
      FROM payment_term t
      JOIN (VALUES ('NET30', 1, 100, 30, false), ('NET60', 1, 100, 60, false), ('EOM30', 1, 100, 30, true),
                   ('THIRDS', 1, 33.33, 30, false), ('THIRDS', 2, 33.33, 60, false), ('THIRDS', 3, 33.34, 90, false))
           AS l (code, position, percent, days, end_of_month) ON l.code = t.code
     WHERE t.company_id = in_company AND NOT EXISTS (SELECT FROM payment_term_line x WHERE x.term_id = t.id);
    PERFORM dunning_seed(in_company);
    IF in_chart = 'cn_small' AND NOT EXISTS (SELECT FROM tax t WHERE t.company_id = in_company) THEN
        PERFORM accounting_cn_taxes(in_company);
    END IF;
END $$;

-- PRC VAT: 13, 9, 6 and 0 %; without a rule of their own, 13 % at home and 0 % abroad.
CREATE OR REPLACE FUNCTION accounting_cn_taxes(in_company bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    INSERT INTO tax (company_id, code, name, name_zh, use)
    SELECT in_company, t.prefix || p.percent, t.name || ' ' || p.percent || ' %', t.name_zh || p.percent || '%', t.use
      FROM (VALUES ('VAT', 'VAT', '增值税', 'sale'), ('VATI', 'Input VAT', '进项增值税', 'purchase')) AS t (prefix, name, name_zh, use),
           (VALUES (13), (9), (6), (0)) AS p (percent);
    INSERT INTO tax_rate (company_id, tax_id, percent, valid_from, valid_to)
    SELECT in_company, t.id, r.percent, r.valid_from, r.valid_to
      FROM tax t
      JOIN (VALUES ('13', 17, date '1994-01-01', date '2018-04-30'), ('13', 16, '2018-05-01', '2019-03-31'), ('13', 13, '2019-04-01', NULL),
                   ('9', 11, '2012-01-01', '2018-04-30'), ('9', 10, '2018-05-01', '2019-03-31'), ('9', 9, '2019-04-01', NULL),
                   ('6', 6, '2012-01-01', NULL), ('0', 0, '1994-01-01', NULL)) AS r (code, percent, valid_from, valid_to)
        ON t.code IN ('VAT' || r.code, 'VATI' || r.code)
     WHERE t.company_id = in_company;
    INSERT INTO tax_rule (company_id, use, country_code, tax_id)
    SELECT in_company, t.use, CASE WHEN t.code LIKE '%13' THEN 'CN' END, t.id
      FROM tax t WHERE t.company_id = in_company AND t.code IN ('VAT13', 'VATI13', 'VAT0', 'VATI0');
END $$;

GRANT EXECUTE ON FUNCTION account_of, exchange_rate_on, tax_for, tax_percent_on, line_net_tax, payment_due,
    payment_term_due, item_account, journal_reverse TO tenon_app;
