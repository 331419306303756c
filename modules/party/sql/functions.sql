-- Functions and triggers of parties. Run again at every upgrade.

-- ------------------------------------------------------------------ trees
/*
 * For any table with a parent column: refuse a circle. AFTER INSERT OR UPDATE for each
 * statement, with new_rows; TG_ARGV: the parent column. One transaction at a time moves
 * branches of a tree, since two moves that are right alone can make a circle together.
 */
CREATE OR REPLACE FUNCTION tree_guard() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    circle bigint;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM pg_advisory_xact_lock(hashtext('tree'), TG_RELID::integer);
    END IF;
    EXECUTE format(
        'WITH RECURSIVE up AS ('
        '    SELECT id AS start, %1$I AS at FROM new_rows WHERE %1$I IS NOT NULL'
        '    UNION'
        '    SELECT up.start, t.%1$I FROM up JOIN %2$I t ON t.id = up.at'
        '     WHERE up.at <> up.start AND t.%1$I IS NOT NULL'
        ') SELECT start FROM up WHERE at = start LIMIT 1', TG_ARGV[0], TG_TABLE_NAME) INTO circle;
    IF circle IS NOT NULL THEN
        PERFORM fail('circle', TG_ARGV[0], 'A record cannot stand above itself');
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER tree_guard_insert AFTER INSERT ON party
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tree_guard('parent_id');
CREATE OR REPLACE TRIGGER tree_guard_update AFTER UPDATE ON party
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tree_guard('parent_id');

-- The party and all below it.
CREATE OR REPLACE FUNCTION party_tree(root bigint) RETURNS SETOF bigint
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH RECURSIVE down AS (
        SELECT root AS id
        UNION
        SELECT p.id FROM down JOIN party p ON p.parent_id = down.id
    ) SELECT id FROM down $$;
GRANT EXECUTE ON FUNCTION party_tree TO tenon_app;

-- ------------------------------------------------------------------ codes
CREATE OR REPLACE FUNCTION party_code_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fail('immutable', 'code', 'The code of a party never changes');
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER party_code_keep BEFORE UPDATE ON party
    FOR EACH ROW WHEN (OLD.code IS DISTINCT FROM NEW.code) EXECUTE FUNCTION party_code_keep();

-- Burn the codes of new parties. What an import gave and its undoing took back was not given.
CREATE OR REPLACE FUNCTION party_code_burn() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    taken text;
BEGIN
    INSERT INTO party_code AS c (code, party_id) SELECT lower(code), id FROM new_rows
    ON CONFLICT (code) DO UPDATE SET party_id = excluded.party_id
     WHERE EXISTS (SELECT FROM import_row r JOIN import_batch b ON b.id = r.batch_id
                    WHERE b.entity = 'party' AND b.undone_at IS NOT NULL AND r.created
                      AND r.record_id = c.party_id)
       AND NOT EXISTS (SELECT FROM party p WHERE p.id = c.party_id);
    SELECT n.code INTO taken FROM new_rows n
     WHERE NOT EXISTS (SELECT FROM party_code c WHERE c.code = lower(n.code) AND c.party_id = n.id) LIMIT 1;
    IF taken IS NOT NULL THEN
        PERFORM fail('code_used', 'code', 'The code %s was given before and is not given again', taken);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER party_code_burn AFTER INSERT ON party
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION party_code_burn();

-- ------------------------------------------------------------------ phones and e-mails
/*
 * What a contact point is compared by. Phones: +country and number where the country is
 * written or known, else the digits as dialled; an extension does not count. E-mails: small
 * letters. Everything else as it stands.
 */
CREATE OR REPLACE FUNCTION contact_normalize(kind text, value text, country text) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    said   text := btrim(normalize(value, NFKC));
    digits text;
    dial   dial_code;
BEGIN
    IF kind = 'email' THEN
        RETURN lower(said);
    ELSIF kind NOT IN ('phone', 'mobile', 'fax') THEN
        RETURN said;
    END IF;
    said := regexp_replace(said, '[[:space:],;]*(ext|x|#|分机|转).*$', '', 'i');
    digits := regexp_replace(replace(said, '(0)', ''), '[^0-9]', '', 'g');
    IF said ~ '[[:alpha:]]' OR digits = '' THEN
        RETURN said;                          -- the constraint refuses it
    ELSIF said ~ '^[^0-9]*\+' THEN
        RETURN '+' || digits;
    END IF;
    digits := regexp_replace(said, '[^0-9]', '', 'g');
    SELECT * INTO dial FROM dial_code WHERE country_code = country;
    IF said ~ '^[^0-9]*00[1-9]' AND dial.code IS DISTINCT FROM '1' THEN
        RETURN '+' || substr(digits, 3);
    ELSIF dial.code IS NULL THEN
        RETURN digits;
    ELSIF dial.trunk IS NOT NULL AND left(digits, length(dial.trunk)) = dial.trunk THEN
        digits := substr(digits, length(dial.trunk) + 1);
    END IF;
    RETURN '+' || dial.code || digits;
END $$;
GRANT EXECUTE ON FUNCTION contact_normalize TO tenon_app;

-- The country of a party, for its phone numbers: its own, else that of its addresses.
CREATE OR REPLACE FUNCTION party_country(party bigint) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce(p.country_code,
                    (SELECT a.country_code FROM party_address a
                      WHERE a.party_id = p.id AND a.country_code IS NOT NULL
                      ORDER BY a.is_default DESC, a.purpose, a.id LIMIT 1))
      FROM party p WHERE p.id = party $$;
GRANT EXECUTE ON FUNCTION party_country TO tenon_app;

CREATE OR REPLACE FUNCTION contact_point_normalize() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    NEW.normalized := contact_normalize(NEW.kind, NEW.value, party_country(NEW.party_id));
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER contact_point_normalize BEFORE INSERT OR UPDATE ON contact_point
    FOR EACH ROW EXECUTE FUNCTION contact_point_normalize();

-- Numbers that waited for their country. TG_ARGV: the column that names the party.
CREATE OR REPLACE FUNCTION contact_point_again() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    UPDATE contact_point c SET value = c.value
      FROM (SELECT DISTINCT (to_jsonb(n) ->> TG_ARGV[0])::bigint AS party_id FROM new_rows n
             WHERE n.country_code IS NOT NULL) n
     WHERE c.party_id = n.party_id AND c.kind IN ('phone', 'mobile', 'fax')
       AND c.normalized IS DISTINCT FROM contact_normalize(c.kind, c.value, party_country(c.party_id));
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER contact_point_again AFTER UPDATE ON party
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION contact_point_again('id');
CREATE OR REPLACE TRIGGER contact_point_again_insert AFTER INSERT ON party_address
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION contact_point_again('party_id');
CREATE OR REPLACE TRIGGER contact_point_again_update AFTER UPDATE ON party_address
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION contact_point_again('party_id');

-- ------------------------------------------------------------------ addresses
-- The address to use for a purpose: its default, else its first, else the billing address,
-- else any.
CREATE OR REPLACE FUNCTION party_address_for(party bigint, wanted text) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT id FROM party_address WHERE party_id = party
     ORDER BY (purpose = wanted) DESC, (purpose = 'billing') DESC, is_default DESC, id LIMIT 1 $$;

-- That address as the lines of a letter, for documents that keep it as it is now.
CREATE OR REPLACE FUNCTION party_address_text(party bigint, wanted text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT nullif(concat_ws(E'\n', coalesce(nullif(a.name, ''), p.name), nullif(a.street, ''),
               nullif(btrim(concat_ws(' ', a.postal_code, a.city, a.region)), ''), c.name), '')
      FROM party p
      LEFT JOIN party_address a ON a.id = party_address_for(p.id, wanted)
      LEFT JOIN country c ON c.code = a.country_code
     WHERE p.id = party $$;
GRANT EXECUTE ON FUNCTION party_address_for, party_address_text TO tenon_app;

-- ------------------------------------------------------------------ credit
/*
 * Move a customer's exposure in a company: orders, invoices and payments call this from
 * their triggers, in company currency. Makes the customer's row when there is none, and
 * locks it until COMMIT, so that two orders cannot pass the limit together. released_by
 * names who lets this transaction pass the limit. Not granted to the server.
 */
CREATE OR REPLACE FUNCTION exposure_add(company bigint, customer bigint, delta numeric, released_by bigint DEFAULT NULL)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
#variable_conflict use_column
DECLARE
    x xid8 := pg_current_xact_id();
BEGIN
    LOOP
        UPDATE customer_company c SET
            exposure = c.exposure + coalesce($3, 0),
            exposure_before = CASE WHEN c.exposure_xid = x THEN c.exposure_before ELSE c.exposure END,
            exposure_xid = x,
            released_by = coalesce($4, c.released_by),
            released_at = CASE WHEN $4 IS NOT NULL THEN now() ELSE c.released_at END,
            released_xid = CASE WHEN $4 IS NOT NULL THEN x ELSE c.released_xid END
         WHERE c.company_id = $1 AND c.party_id = $2;
        EXIT WHEN FOUND;
        INSERT INTO customer_company (company_id, party_id) VALUES ($1, $2)
        ON CONFLICT (company_id, party_id) DO NOTHING;
    END LOOP;
END $$;

-- At COMMIT: did this transaction raise the exposure above the limit, without a name to it?
CREATE OR REPLACE FUNCTION credit_check() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    c customer_company;
BEGIN
    SELECT * INTO c FROM customer_company WHERE id = NEW.id;
    IF c.exposure > c.credit_limit AND c.exposure > c.exposure_before
       AND c.exposure_xid = pg_current_xact_id() AND c.released_xid IS DISTINCT FROM c.exposure_xid THEN
        PERFORM fail('credit_limit_exceeded', 'customer_id', 'Over the credit limit by %s',
                     (SELECT money_text(c.exposure - c.credit_limit, currency_code) FROM company WHERE id = c.company_id));
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS credit_check ON customer_company;
CREATE CONSTRAINT TRIGGER credit_check AFTER INSERT OR UPDATE ON customer_company
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION credit_check();

-- The row that holds an exposure stays, and stays this customer's.
CREATE OR REPLACE FUNCTION customer_company_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        PERFORM fail('immutable', 'party_id', 'Customer terms stay with their customer');
    ELSIF OLD.exposure <> 0 THEN
        PERFORM fail('in_use', 'exposure', 'This customer has open orders or invoices');
    END IF;
    RETURN OLD;
END $$;
CREATE OR REPLACE TRIGGER customer_company_keep BEFORE UPDATE ON customer_company
    FOR EACH ROW WHEN (OLD.party_id <> NEW.party_id OR OLD.company_id <> NEW.company_id)
    EXECUTE FUNCTION customer_company_keep();
CREATE OR REPLACE TRIGGER customer_company_keep_delete BEFORE DELETE ON customer_company
    FOR EACH ROW EXECUTE FUNCTION customer_company_keep();

-- ------------------------------------------------------------------ duplicates
-- Groups of letters that too many names share to say anything ("trading", 贸易), as the last
-- ANALYZE found them: those in more than one name of a hundred, or in more than a thousand.
CREATE OR REPLACE FUNCTION party_common_grams() RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    SELECT coalesce(array_agg(e.gram) FILTER (WHERE e.frequency > least(0.01, 1000 / greatest(c.reltuples, 1))), '{}')
      FROM pg_class c
      JOIN pg_stats s ON s.schemaname = 'tenon' AND s.tablename = 'party' AND s.attname = 'name_grams',
           unnest(s.most_common_elems::text::text[],
                  s.most_common_elem_freqs[1:cardinality(s.most_common_elem_freqs) - 3]) e (gram, frequency)
     WHERE c.oid = 'party'::regclass AND c.reltuples > 1000 $$;

/*
 * Parties whose name is like this one: which shares at least half of its letter groups (of its
 * pairs of characters in Chinese), legal forms and common groups aside; a name in one script is
 * compared with what the party has in that script.
 */
CREATE OR REPLACE FUNCTION party_name_likes(asked text)
    RETURNS TABLE (party_id bigint, score numeric)
    LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 5 AS $$
DECLARE
    common  text[] := party_common_grams();
    every   text[] := search_grams(name_key(asked), true);
    telling text[] := ARRAY(SELECT g FROM unnest(every) g WHERE g <> ALL (common));
    needed  text[] := '{}';
    han     boolean;
    latin   boolean;
BEGIN
    IF telling = '{}' THEN                    -- nothing but common words: all of them then
        telling := every;
        needed := every;
        common := '{}';
    END IF;
    SELECT coalesce(bool_or(g COLLATE "C" >= U&'\3400'), false), coalesce(bool_or(g COLLATE "C" < U&'\3400'), false)
      INTO han, latin FROM unnest(telling) g;
    RETURN QUERY
    SELECT l.id, l.score
      FROM (SELECT p.id, round(n.alike::numeric / (cardinality(telling) + n.there - n.alike), 3) AS score
              FROM party p,
                   LATERAL (SELECT count(*) FILTER (WHERE g = ANY (telling)) AS alike, count(*) AS there
                              FROM unnest(p.name_grams) g
                             WHERE CASE WHEN g COLLATE "C" >= U&'\3400' THEN han ELSE latin END
                               AND g <> ALL (common)) n
             WHERE p.name_grams && telling AND p.name_grams @> needed) l
     WHERE l.score >= 0.5;
END $$;

/*
 * Parties that may be the one described: the same tax number, the same phone, the same e-mail,
 * or a like name. score: 1 for certain, else the likeness.
 */
CREATE OR REPLACE FUNCTION party_duplicates(name text, tax_id text DEFAULT NULL, phone text DEFAULT NULL,
                                            email text DEFAULT NULL, country text DEFAULT NULL)
    RETURNS TABLE (party_id bigint, reason text, score numeric)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 5 AS $$
    SELECT DISTINCT ON (id) id, reason, score
      FROM (SELECT p.id, 'tax_id' AS reason, 1.0 AS score
              FROM party p WHERE p.tax_id IS NOT NULL AND tax_key(p.tax_id) = tax_key($2)
            UNION ALL
            SELECT c.party_id, 'email', 0.95 FROM contact_point c
             WHERE c.kind = 'email' AND c.normalized = contact_normalize('email', $4, NULL)
            UNION ALL
            SELECT c.party_id, 'phone', 0.9 FROM contact_point c
             WHERE c.kind IN ('phone', 'mobile') AND c.normalized = contact_normalize('phone', $3, $5)
            UNION ALL
            SELECT l.party_id, 'name', l.score FROM party_name_likes($1) l) hit (id, reason, score)
     ORDER BY id, score DESC, reason $$;
GRANT EXECUTE ON FUNCTION party_common_grams, party_name_likes, party_duplicates TO tenon_app;

-- ------------------------------------------------------------------ entering from outside
/*
 * Make parties of what a lead, a form or a card says, nothing typed twice. details is an array of
 * {key, party_id, contact_id, organisation, organisation_zh, person, job_title, email, phone,
 *  mobile, tax_id, street, city, region, postal_code, country_code, language}; party_id and
 * contact_id name existing ones, which keep what they have. A person with an organisation
 * becomes its contact; without one he is the party. Answers with [{key, party_id, contact_id}].
 * Runs with the rights of its caller.
 */
CREATE OR REPLACE FUNCTION party_enter(details jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    d      record;
    head   bigint;
    person bigint;
    made   jsonb := '[]';
BEGIN
    FOR d IN SELECT * FROM jsonb_to_recordset(details) AS d (key bigint, party_id bigint, contact_id bigint,
                 organisation text, organisation_zh text, person text, job_title text, email text, phone text,
                 mobile text, tax_id text, street text, city text, region text, postal_code text,
                 country_code text, language text) LOOP
        head := d.party_id;
        person := d.contact_id;
        IF head IS NULL THEN
            INSERT INTO party (name, name_zh, kind, is_customer, job_title, tax_id, country_code, language)
            VALUES (coalesce(d.organisation, d.person), d.organisation_zh,
                    CASE WHEN d.organisation IS NULL THEN 'person' ELSE 'organisation' END, true,
                    CASE WHEN d.organisation IS NULL THEN d.job_title END, d.tax_id, d.country_code,
                    coalesce(d.language, 'en'))
            RETURNING id INTO head;
            INSERT INTO party_address (party_id, purpose, street, city, region, postal_code, country_code, is_default)
            SELECT head, 'billing', d.street, d.city, d.region, d.postal_code, d.country_code, true
             WHERE coalesce(d.street, d.city, d.region, d.postal_code) IS NOT NULL;
        ELSE
            UPDATE party SET is_customer = true WHERE id = head AND NOT is_customer;
        END IF;
        IF person IS NULL AND d.organisation IS NULL AND d.party_id IS NULL THEN
            person := head;
        ELSIF person IS NULL AND d.person IS NOT NULL THEN
            SELECT p.id INTO person FROM party p
             WHERE p.parent_id = head AND p.kind = 'person' AND name_key(p.name) = name_key(d.person) LIMIT 1;
            IF person IS NULL THEN
                INSERT INTO party (name, kind, parent_id, job_title, country_code, language)
                VALUES (d.person, 'person', head, d.job_title, d.country_code, coalesce(d.language, 'en'))
                RETURNING id INTO person;
            END IF;
        END IF;
        INSERT INTO contact_point (party_id, kind, value)
        SELECT coalesce(person, head), c.kind, c.value
          FROM (VALUES ('email', d.email), ('phone', d.phone), ('mobile', d.mobile)) c (kind, value)
         WHERE c.value IS NOT NULL AND NOT EXISTS (
               SELECT FROM contact_point o WHERE o.party_id IN (head, person) AND o.kind = c.kind
                  AND o.normalized = contact_normalize(c.kind, c.value, party_country(coalesce(person, head))));
        made := made || jsonb_build_object('key', d.key, 'party_id', head, 'contact_id', person);
    END LOOP;
    RETURN made;
END $$;
GRANT EXECUTE ON FUNCTION party_enter TO tenon_app;
