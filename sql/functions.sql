-- The platform's functions and triggers. Run again at every upgrade, after the tables of
-- all numbered files of this folder; so everything here is CREATE OR REPLACE.
--
-- Nobody may execute a function by default; what the server calls is granted by name.

ALTER DEFAULT PRIVILEGES FOR ROLE tenon_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE tenon_owner REVOKE EXECUTE ON ROUTINES FROM PUBLIC;

-- ------------------------------------------------------------------ errors
-- Stop with a sentence for a clerk. `message` is the untranslated text with %s for each of
-- args: the server translates it, then fills it in. `field` may be null.
CREATE OR REPLACE FUNCTION fail(code text, field text, message text, VARIADIC args text[] DEFAULT '{}')
    RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING ERRCODE = 'TN001', MESSAGE = message, HINT = code,
        COLUMN = coalesce(field, ''), DETAIL = to_json(args)::text;
END $$;
GRANT EXECUTE ON FUNCTION fail TO tenon_app;

-- ------------------------------------------------------------------ the request's context
CREATE OR REPLACE FUNCTION app_company() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT current_setting('tenon.company')::bigint $$;
CREATE OR REPLACE FUNCTION app_user_id() RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT nullif(current_setting('tenon.user', true), '')::bigint $$;
-- Today in the company's time zone.
CREATE OR REPLACE FUNCTION app_today() RETURNS date LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT (now() AT TIME ZONE coalesce(nullif(current_setting('tenon.time_zone', true), ''), 'UTC'))::date $$;
GRANT EXECUTE ON FUNCTION app_company, app_user_id, app_today TO tenon_app;

-- (plpgsql here and below, where a gate is called by every request: an SQL function that cannot
-- be inlined is parsed and planned again at each call.)
CREATE OR REPLACE FUNCTION has_permission(who bigint, on_entity text, wanted text) RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    RETURN EXISTS (SELECT FROM user_role u JOIN permission p USING (role_id)
                    WHERE u.user_id = who
                      AND p.entity IN (on_entity, '*') AND p.action IN (wanted, '*'));
END $$;
GRANT EXECUTE ON FUNCTION has_permission TO tenon_app;

-- Stop unless the request's user may do this. wanted: 'sales_order.confirm'.
CREATE OR REPLACE FUNCTION require_permission(wanted text) RETURNS void LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT has_permission(app_user_id(), split_part(wanted, '.', 1), split_part(wanted, '.', 2)) THEN
        PERFORM fail('forbidden', NULL, 'You are not allowed to do this (%s)', wanted);
    END IF;
END $$;
GRANT EXECUTE ON FUNCTION require_permission TO tenon_app;

-- Work as this user in this company until the transaction ends (jobs, tests, tools).
CREATE OR REPLACE FUNCTION context_set(who bigint, in_company bigint, for_request text)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    c company;
BEGIN
    SELECT * INTO c FROM company WHERE id = in_company;
    PERFORM set_config('tenon.company', in_company::text, true),
            set_config('tenon.user', coalesce(who::text, ''), true),
            set_config('tenon.request', coalesce(for_request, ''), true),
            set_config('tenon.currency', coalesce(c.currency_code, ''), true),
            set_config('tenon.time_zone', coalesce(c.time_zone, 'UTC'), true);
END $$;
GRANT EXECUTE ON FUNCTION context_set TO tenon_app;

/*
 * The first statement of every request: who is it, may he, and was this very request
 * answered before. All of it in one round trip, together with what the caller adds.
 *
 *   token       SHA-256 of the bearer token
 *   wanted      'entity.action' to be permitted, or null
 *   in_company  the company that the request names, or null for the session's
 *   key, digest the Idempotency-Key and the SHA-256 of method, path and body, or null
 *
 * When replay_status is not null, the request was answered before: send that answer.
 */
CREATE OR REPLACE FUNCTION request_begin(token bytea, wanted text, in_company bigint,
                                         for_request text, key text, digest bytea,
    OUT user_id bigint, OUT company_id bigint, OUT language text, OUT schema_epoch bigint,
    OUT workflow_epoch bigint, OUT replay_status integer, OUT replay_body text,
    OUT replay_headers text)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    known    idempotency_key;
    currency text;
    zone     text;
    member   boolean;
    may      boolean;
BEGIN
    SELECT u.id, c.id, u.language, c.currency_code, c.time_zone, e.of_schema, e.of_workflow,
           EXISTS (SELECT FROM user_company m WHERE m.user_id = u.id AND m.company_id = c.id),
           wanted IS NULL OR EXISTS (
               SELECT FROM user_role r JOIN permission p USING (role_id)
                WHERE r.user_id = u.id AND p.entity IN (split_part(wanted, '.', 1), '*')
                  AND p.action IN (split_part(wanted, '.', 2), '*'))
      INTO user_id, company_id, language, currency, zone, schema_epoch, workflow_epoch, member, may
      FROM session s JOIN app_user u ON u.id = s.user_id
      LEFT JOIN company c ON c.id = coalesce(in_company, s.company_id)
     CROSS JOIN (SELECT max(value) FILTER (WHERE name = 'schema') AS of_schema,
                        max(value) FILTER (WHERE name = 'workflow') AS of_workflow FROM epoch) e
     WHERE s.token_hash = token AND u.active AND (s.expires_at IS NULL OR s.expires_at > now());
    IF user_id IS NULL THEN
        PERFORM fail('not_signed_in', NULL, 'Sign in first');
    ELSIF NOT member THEN
        PERFORM fail('forbidden', NULL, 'You do not work for this company');
    END IF;
    PERFORM set_config('tenon.company', company_id::text, true),
            set_config('tenon.user', user_id::text, true),
            set_config('tenon.request', coalesce(for_request, ''), true),
            set_config('tenon.currency', currency, true),
            set_config('tenon.time_zone', zone, true),
            set_config('tenon.language', language, true);
    IF NOT may THEN
        PERFORM fail('forbidden', NULL, 'You are not allowed to do this (%s)', wanted);
    END IF;
    IF key IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO idempotency_key AS k (user_id, key, request)
    VALUES (request_begin.user_id, request_begin.key, digest) ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT * INTO known FROM idempotency_key k
         WHERE k.user_id = request_begin.user_id AND k.key = request_begin.key;
        IF known.at < now() - interval '24 hours' THEN
            UPDATE idempotency_key k SET request = digest, at = now(), status = NULL, response = NULL, headers = NULL
             WHERE k.user_id = request_begin.user_id AND k.key = request_begin.key;
        ELSIF known.request <> digest THEN
            PERFORM fail('key_reused', NULL, 'This Idempotency-Key was used for a different request');
        ELSE
            replay_status := known.status;
            replay_body := known.response;
            replay_headers := known.headers;
        END IF;
    END IF;
END $$;
GRANT EXECUTE ON FUNCTION request_begin TO tenon_app;

-- The last statement of a write: keep the answer under its key, and give it back.
CREATE OR REPLACE FUNCTION request_end(with_key text, with_status integer, body text, with_headers text)
    RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    UPDATE idempotency_key SET status = with_status, response = body, headers = with_headers
     WHERE user_id = app_user_id() AND key = with_key;
    RETURN body;
END $$;
GRANT EXECUTE ON FUNCTION request_end TO tenon_app;

-- What this transaction has created, for the answer: [{"entity", "id"}, ...].
CREATE OR REPLACE FUNCTION request_created() RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(json_agg(json_build_object('entity', a.entity, 'id', a.record_id) ORDER BY a.id), '[]')
              FROM audit_log a JOIN table_kind k ON k.name = a.entity AND k.has_workflow
             WHERE a.xid = pg_current_xact_id_if_assigned() AND a.action = 'created'
               AND a.company_id = app_company());
END $$;
GRANT EXECUTE ON FUNCTION request_created TO tenon_app;

-- ------------------------------------------------------------------ companies
-- A new company with all that its modules need; for a code that exists, only what is missing.
CREATE OR REPLACE FUNCTION company_create(with_code text, named text, named_zh text, currency text,
                                          country text, zone text, chart text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    made  bigint;
    setup company_setup;
BEGIN
    INSERT INTO company (code, name, name_zh, currency_code, country_code, time_zone)
    VALUES (with_code, named, named_zh, currency, country, coalesce(zone, 'UTC'))
    ON CONFLICT (code) DO UPDATE SET name = excluded.name RETURNING id INTO made;
    PERFORM context_set(app_user_id(), made, current_setting('tenon.request', true));
    FOR setup IN SELECT * FROM company_setup ORDER BY position LOOP
        EXECUTE format('SELECT %I($1, $2)', setup.function) USING made, chart;
    END LOOP;
    RETURN made;
END $$;

-- A user with his roles and companies; the password is set with password_set.
CREATE OR REPLACE FUNCTION user_create(with_login text, named text, with_language text,
                                       companies text[], roles text[]) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    INSERT INTO app_user (login, name, language, default_company_id)
    SELECT with_login, named, with_language, id FROM company WHERE code = companies[1]
    RETURNING id INTO made;
    INSERT INTO user_company SELECT made, id FROM company WHERE code = ANY (companies);
    INSERT INTO user_role (user_id, role_id) SELECT made, id FROM role WHERE code = ANY (roles);
    RETURN made;
END $$;

-- ------------------------------------------------------------------ sessions and keys
-- The hash that a sign-in is checked against; no row for an unknown or inactive login.
CREATE OR REPLACE FUNCTION signin_lookup(with_login text, OUT user_id bigint, OUT password text)
    RETURNS SETOF record LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    SELECT u.id, s.password FROM app_user u JOIN user_secret s ON s.user_id = u.id
     WHERE lower(u.login) = lower(with_login) AND u.active $$;

-- Opens a session after a good password and answers with the body of POST /api/session
-- but for the token. lifetime null: an API key that does not expire.
CREATE OR REPLACE FUNCTION session_open(who bigint, token bytea, as_kind text, named text,
                                        from_address text, lifetime interval) RETURNS json
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    WITH opened AS (
        INSERT INTO session (token_hash, user_id, company_id, kind, name, address, expires_at)
        SELECT token, u.id, u.default_company_id, as_kind, named, from_address, now() + lifetime
          FROM app_user u WHERE u.id = who
        RETURNING *
    )
    SELECT json_build_object(
        'user', json_build_object('id', u.id, 'login', u.login, 'name', u.name, 'language', u.language),
        'roles', (SELECT coalesce(json_agg(r.code ORDER BY r.code), '[]')
                    FROM user_role ur JOIN role r ON r.id = ur.role_id WHERE ur.user_id = u.id),
        'company', json_build_object('id', c.id, 'code', c.code, 'name', c.name, 'name_zh', c.name_zh,
                                     'currency_code', c.currency_code),
        'companies', (SELECT json_agg(json_build_object('id', d.id, 'code', d.code, 'name', d.name) ORDER BY d.code)
                        FROM user_company uc JOIN company d ON d.id = uc.company_id WHERE uc.user_id = u.id),
        'expires_at', to_char(o.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
      FROM opened o JOIN app_user u ON u.id = o.user_id JOIN company c ON c.id = o.company_id $$;

CREATE OR REPLACE FUNCTION session_close(token bytea) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS
    $$ DELETE FROM session WHERE token_hash = token $$;

CREATE OR REPLACE FUNCTION password_set(who bigint, hash text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    DELETE FROM session WHERE user_id = who AND kind = 'session';
    INSERT INTO user_secret VALUES (who, hash)
    ON CONFLICT (user_id) DO UPDATE SET password = excluded.password $$;
-- The keys of programs that work for this company.
CREATE OR REPLACE FUNCTION api_key_list() RETURNS json
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    SELECT json_build_object('rows', coalesce(json_agg(json_build_object(
               'id', s.id, 'name', s.name, 'login', u.login, 'created_at', s.created_at) ORDER BY s.id), '[]'))
      FROM session s JOIN app_user u ON u.id = s.user_id
     WHERE s.kind = 'api_key' AND s.company_id = app_company() $$;

CREATE OR REPLACE FUNCTION api_key_revoke(key_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM require_permission('api_key.delete');
    DELETE FROM session WHERE id = key_id AND kind = 'api_key' AND company_id = app_company();
    IF NOT FOUND THEN
        PERFORM fail('not_found', NULL, 'There is no such record');
    END IF;
END $$;

-- What nobody asks for again: answers older than a day, sessions that ended a week ago.
CREATE OR REPLACE FUNCTION housekeeping() RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    DELETE FROM idempotency_key WHERE at < now() - interval '24 hours';
    DELETE FROM session WHERE expires_at < now() - interval '7 days' $$;
GRANT EXECUTE ON FUNCTION signin_lookup, session_open, session_close, password_set,
                          api_key_list, api_key_revoke, housekeeping TO tenon_app;

-- ------------------------------------------------------------------ numbers
CREATE OR REPLACE FUNCTION number_format(pattern text, year integer, n bigint) RETURNS text
    LANGUAGE sql IMMUTABLE AS $$
    SELECT regexp_replace(replace(pattern, '{YYYY}', year::text), '\{0+\}',
                          lpad(n::text, greatest(length(n::text), length(substring(pattern FROM '\{(0+)\}'))), '0')) $$;
GRANT EXECUTE ON FUNCTION number_format TO tenon_app;

-- The next number of a series that may have gaps: no lock, so never a bottleneck.
CREATE OR REPLACE FUNCTION document_number(series text, on_date date DEFAULT NULL) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    s    number_series;
    year integer := extract(year FROM coalesce(on_date, app_today()));
    seq  text;
BEGIN
    SELECT * INTO s FROM number_series WHERE company_id = app_company() AND code = series;
    IF NOT FOUND OR s.gapless THEN
        PERFORM fail('no_number_series', NULL, 'There is no number series for %s', series);
    END IF;
    seq := format('tenon.number_%s_%s', s.id, CASE WHEN s.pattern LIKE '%{YYYY}%' THEN year ELSE 0 END);
    IF to_regclass(seq) IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext(seq));
        EXECUTE 'CREATE SEQUENCE IF NOT EXISTS ' || seq;
    END IF;
    RETURN number_format(s.pattern, year, nextval(seq::regclass));
END $$;
GRANT EXECUTE ON FUNCTION document_number TO tenon_app;

-- The next number of a series without gaps. The counter's row stays locked until COMMIT, so
-- it is taken last, by the trigger that posts a document. Not granted to the server: a
-- number taken and not used would be a gap.
CREATE OR REPLACE FUNCTION gapless_number(in_company bigint, series text, on_date date) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    s number_series;
    y integer := extract(year FROM on_date);
    n bigint;
BEGIN
    SELECT * INTO s FROM number_series WHERE company_id = in_company AND code = series;
    IF NOT FOUND THEN
        PERFORM fail('no_number_series', NULL, 'There is no number series for %s', series);
    END IF;
    INSERT INTO number_counter AS c VALUES (s.id, y, 1)
    ON CONFLICT (series_id, year) DO UPDATE SET last = c.last + 1
    RETURNING last INTO n;
    RETURN number_format(s.pattern, y, n);
END $$;

-- ------------------------------------------------------------------ numbers as text, for JSON
-- Money with its currency's digits; prices with at least those; quantities without noise.
CREATE OR REPLACE FUNCTION money_text(x numeric, code text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT round(x, greatest(currency_scale(code), min_scale(x)))::text $$;
CREATE OR REPLACE FUNCTION base_text(x numeric) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT round(x, greatest(currency_scale(current_setting('tenon.currency', true)), min_scale(x)))::text $$;
CREATE OR REPLACE FUNCTION plain_text(x numeric) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT trim_scale(x)::text $$;
GRANT EXECUTE ON FUNCTION currency_scale, money_text, base_text, plain_text TO tenon_app;

-- ------------------------------------------------------------------ search
/*
 * Words of a text as grams, for one GIN index that finds a word, a part of a word, and
 * Chinese without word boundaries: Latin words give their trigrams and their first one and
 * two letters ('^ab'); Han characters give themselves and each pair. Accents do not count.
 */
CREATE OR REPLACE FUNCTION search_grams(said text, as_query boolean DEFAULT false) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    clean text := lower(regexp_replace(normalize(coalesce(said, ''), NFKD), '[\u0300-\u036f]', '', 'g'));
    word  text;
    n     integer;
    grams text[] := '{}';
BEGIN
    FOR word IN SELECT m[1] FROM regexp_matches(clean,
            '([\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+|[^[:space:][:punct:]\u3000-\u303f\uff00-\uff0f\u3400-\u9fff\uf900-\ufaff]+)', 'g') m
    LOOP
        n := length(word);
        IF word ~ '^[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]' THEN
            IF n = 1 OR NOT as_query THEN
                grams := grams || regexp_split_to_array(word, '');
            END IF;
            FOR i IN 1 .. n - 1 LOOP
                grams := grams || substr(word, i, 2);
            END LOOP;
        ELSE
            IF NOT as_query THEN
                grams := grams || ARRAY['^' || left(word, 1), '^' || left(word, 2)];
            ELSIF n < 3 THEN
                grams := grams || ('^' || word);
            END IF;
            FOR i IN 1 .. n - 2 LOOP
                grams := grams || substr(word, i, 3);
            END LOOP;
        END IF;
    END LOOP;
    RETURN ARRAY(SELECT DISTINCT g FROM unnest(grams) g ORDER BY g);
END $$;

-- Ids of the company's rows of a table that hold all grams. Row-level security would keep
-- the planner from the GIN index (@> is not leakproof), so this gate checks the company itself.
CREATE OR REPLACE FUNCTION search_ids(named text, grams text[]) RETURNS SETOF bigint
    LANGUAGE plpgsql STABLE ROWS 50 SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    c table_kind;
BEGIN
    SELECT * INTO c FROM table_kind WHERE name = named AND has_search;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    RETURN QUERY EXECUTE format('SELECT id FROM %I WHERE search_terms @> $1 %s', named,
        CASE WHEN c.has_company THEN 'AND company_id = app_company()' END) USING grams;
END $$;
GRANT EXECUTE ON FUNCTION search_grams, search_ids TO tenon_app;

-- ------------------------------------------------------------------ audit
CREATE OR REPLACE FUNCTION audit_rows() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    request text := nullif(current_setting('tenon.request', true), '');
    actor   bigint := nullif(current_setting('tenon.user', true), '')::bigint;
    step    text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit_log (company_id, request_id, actor_id, entity, record_id, action, new)
        SELECT (row ->> 'company_id')::bigint, request, actor, TG_TABLE_NAME, id, 'created', row
          FROM (SELECT n.id, to_jsonb(n) - 'search_terms' AS row FROM new_rows n) x;
    ELSIF TG_OP = 'UPDATE' THEN
        step := coalesce(nullif(current_setting('tenon.action', true), ''), 'changed');
        INSERT INTO audit_log (company_id, request_id, actor_id, entity, record_id, action, old, new)
        SELECT (after ->> 'company_id')::bigint, request, actor, TG_TABLE_NAME, id,
               CASE WHEN before -> 'state' IS DISTINCT FROM after -> 'state' THEN step ELSE 'changed' END,
               before, after
          FROM (SELECT n.id, to_jsonb(o) - 'search_terms' AS before, to_jsonb(n) - 'search_terms' AS after
                  FROM old_rows o JOIN new_rows n USING (id) WHERE o IS DISTINCT FROM n) x
         WHERE TG_NARGS = 0 OR before - TG_ARGV[0]::text[] <> after - TG_ARGV[0]::text[];
    ELSE
        INSERT INTO audit_log (company_id, request_id, actor_id, entity, record_id, action, old)
        SELECT (row ->> 'company_id')::bigint, request, actor, TG_TABLE_NAME, id, 'deleted', row
          FROM (SELECT o.id, to_jsonb(o) - 'search_terms' AS row FROM old_rows o) x;
    END IF;
    RETURN NULL;
END $$;

-- Ledgers are append-only, for everybody.
CREATE OR REPLACE FUNCTION ledger_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fail('append_only', NULL, 'What is posted stays: correct it with a reversing entry');
    RETURN NULL;
END $$;

-- ------------------------------------------------------------------ wrong values
-- Why a value of a document cannot be of a type: the SQLSTATE and the domain's constraint;
-- nulls when it can. PostgreSQL's own error names no field, so after a failure the server
-- asks for each value that it was given.
CREATE OR REPLACE FUNCTION cast_problem(document json, at text[], as_type text,
                                        OUT state text, OUT constraint_name text)
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    EXECUTE format('SELECT CAST(nullif($1, '''') AS %s)', as_type::regtype) USING document #>> at;
EXCEPTION WHEN data_exception OR check_violation OR program_limit_exceeded THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, constraint_name = CONSTRAINT_NAME;
END $$;
GRANT EXECUTE ON FUNCTION cast_problem TO tenon_app;

-- ------------------------------------------------------------------ history
-- One field of a row's image as the interface writes it.
CREATE OR REPLACE FUNCTION history_value(image jsonb, field text, kind text) RETURNS jsonb
    LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN coalesce(image -> field, 'null') = 'null' THEN 'null'
        WHEN kind = 'money' THEN to_jsonb(money_text((image ->> field)::numeric,
            coalesce(image ->> 'currency_code', image ->> 'list_currency_code')))
        WHEN kind = 'base' THEN to_jsonb(base_text((image ->> field)::numeric))
        WHEN kind = 'plain' THEN to_jsonb(plain_text((image ->> field)::numeric))
        ELSE image -> field END $$;

-- What changed in a record and its parts, newest first, the difference made when reading.
--   fields  {"sales_order": {"total": {"label": "Total", "kind": "money"}}, ...}: only these fields
--           are told; kind: money, base or plain for numbers that are sent as strings
--   parts   {"sales_order_line": "order_id"}: tables of the parts and their parent column
-- A part's rows are found by the ids that are there now, and by the transactions that
-- changed the record, which have those that are gone.
CREATE OR REPLACE FUNCTION record_history(named text, record bigint, fields jsonb, parts jsonb,
                                          before bigint, most integer) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    part   record;
    ids    bigint[];
    found  bigint[] := '{}';
    result json;
BEGIN
    FOR part IN SELECT key AS name, value AS parent FROM jsonb_each_text(parts) LOOP
        EXECUTE format('SELECT array_agg(id) FROM %I WHERE %I = $1', part.name, part.parent) INTO ids USING record;
        found := found || ARRAY(
            SELECT a.id FROM audit_log a WHERE a.entity = part.name AND a.record_id = ANY (ids)
            UNION
            SELECT a.id FROM audit_log h JOIN audit_log a ON a.xid = h.xid AND a.entity = part.name
             WHERE h.entity = named AND h.record_id = record
               AND coalesce(a.new, a.old) ->> part.parent = record::text);
    END LOOP;
    SELECT json_agg(row_to_json(r) ORDER BY r.id DESC) INTO result FROM (
        SELECT a.id, to_char(a.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS at,
               CASE WHEN u.id IS NOT NULL THEN json_build_object('id', u.id, 'name', u.name) END AS actor,
               a.entity, a.record_id, a.action, a.request_id,
               (SELECT coalesce(json_agg(json_build_object('field', f.key, 'label', f.value ->> 'label',
                           'old', history_value(a.old, f.key, f.value ->> 'kind'),
                           'new', history_value(a.new, f.key, f.value ->> 'kind'))
                           ORDER BY (f.value ->> 'position')::integer), '[]')
                  FROM jsonb_each(fields -> a.entity) f
                 WHERE coalesce(a.old -> f.key, 'null') <> coalesce(a.new -> f.key, 'null')) AS changes
          FROM audit_log a
          LEFT JOIN app_user u ON u.id = a.actor_id
         WHERE (a.entity = named AND a.record_id = record OR a.id = ANY (found))
           AND (a.company_id IS NULL OR a.company_id = app_company())
           AND (before IS NULL OR a.id < before)
         ORDER BY a.id DESC LIMIT most) r;
    RETURN json_build_object('rows', coalesce(result, '[]'));
END $$;
GRANT EXECUTE ON FUNCTION record_history TO tenon_app;

-- ------------------------------------------------------------------ workflow
-- A new record starts in the initial state of its workflow's active version, and stays
-- bound to that version. A document (the trigger's argument is 'flow') joins the flow that it
-- comes with, or begins one when its workflow names a kind of flow.
CREATE OR REPLACE FUNCTION workflow_bind() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    begins text;
BEGIN
    SELECT w.id, s.name, w.flow INTO NEW.workflow_id, NEW.state, begins
      FROM workflow w JOIN workflow_state s ON s.workflow_id = w.id AND s.initial
     WHERE w.entity = TG_TABLE_NAME AND w.status = 'active';
    IF NOT FOUND THEN
        PERFORM fail('no_workflow', NULL, 'No workflow is published for %s', TG_TABLE_NAME::text);
    END IF;
    IF TG_NARGS = 0 THEN
        RETURN NEW;
    END IF;
    IF NEW.flow_id IS NULL AND begins IS NOT NULL THEN
        INSERT INTO flow (company_id, kind) VALUES (NEW.company_id, begins) RETURNING id INTO NEW.flow_id;
    END IF;
    IF NEW.flow_id IS NOT NULL THEN
        INSERT INTO flow_document (company_id, flow_id, entity, document_id)
        VALUES (NEW.company_id, NEW.flow_id, TG_TABLE_NAME, NEW.id);
    END IF;
    RETURN NEW;
END $$;

/*
 * The only way to change a state column: moves records along a transition of the workflow
 * version that each is bound to, and writes the history in the same statement. Stops when
 * one of them is not in a state that the transition leads from. Named by core/workflow only.
 */
CREATE OR REPLACE FUNCTION workflow_move(named text, ids bigint[], taken text, by_rule text DEFAULT NULL)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    moved integer;
BEGIN
    IF NOT EXISTS (SELECT FROM table_kind WHERE name = named AND has_workflow) THEN
        PERFORM fail('not_found', NULL, 'There is no workflow for %s', named);
    END IF;
    PERFORM set_config('tenon.action', taken, true);
    EXECUTE format('SELECT %I($1, $2, $3)', 'move_' || named) INTO moved USING ids, taken, by_rule;
    PERFORM set_config('tenon.action', '', true);
    IF moved <> (SELECT count(DISTINCT i) FROM unnest(ids) i) THEN
        PERFORM fail('wrong_state', 'state', 'This step is not possible from the present state');
    END IF;
END $$;
GRANT EXECUTE ON FUNCTION workflow_move TO tenon_app;

-- The statement of workflow_move for one table: a function of its own, so that it is planned
-- once and not at each step. How many records it moved.
CREATE OR REPLACE FUNCTION workflow_move_define(named text, has_company boolean) RETURNS void
    LANGUAGE plpgsql AS $define$
BEGIN
    EXECUTE format($sql$
        CREATE OR REPLACE FUNCTION %2$I(ids bigint[], taken text, by_rule text) RETURNS integer
            LANGUAGE plpgsql SET search_path = tenon, pg_temp AS $body$
        DECLARE
            moved integer;
        BEGIN
            WITH due AS (
                SELECT t.id, t.workflow_id, t.state, w.to_state FROM %1$I t
                  JOIN workflow_transition w ON w.workflow_id = t.workflow_id
                   AND w.action = taken AND w.from_state = t.state
                 WHERE t.id = ANY (ids) %3$s
            ), step AS (
                UPDATE %1$I t SET state = due.to_state FROM due WHERE t.id = due.id
            ), log AS (
                INSERT INTO workflow_history (company_id, entity, record_id, workflow_id, action,
                                              from_state, to_state, actor_id, request_id, rule)
                SELECT %4$s, %1$L, id, workflow_id, taken, state, to_state, app_user_id(),
                       nullif(current_setting('tenon.request', true), ''), by_rule FROM due
            ) SELECT count(*) INTO moved FROM due;
            RETURN moved;
        END $body$ $sql$,
        named, 'move_' || named, CASE WHEN has_company THEN 'AND t.company_id = app_company()' END,
        CASE WHEN has_company THEN 'app_company()' ELSE 'NULL::bigint' END);
END $define$;

-- ------------------------------------------------------------------ what every table gets
CREATE OR REPLACE VIEW table_columns AS
SELECT k.name, k.kind, k.guarded,
       bool_or(a.attname = 'id')           AS has_id,
       bool_or(a.attname = 'company_id')   AS has_company,
       bool_or(a.attname = 'state') AND bool_or(a.attname = 'workflow_id') AS has_workflow,
       bool_or(a.attname = 'search_terms') AS has_search,
       bool_or(a.attname = 'flow_id') AND k.kind = 'table' AS has_flow,
       string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
           FILTER (WHERE a.attgenerated = '' AND a.attidentity = ''
                     AND a.attname NOT IN ('state', 'workflow_id') AND a.attname <> ALL (k.guarded)) AS insertable,
       string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum)
           FILTER (WHERE a.attgenerated = '' AND a.attidentity = ''
                     AND a.attname NOT IN ('state', 'workflow_id', 'company_id', 'created_at', 'created_by')
                     AND a.attname <> ALL (k.guarded)) AS updatable
  FROM table_kind k
  JOIN pg_class t     ON t.relname = k.name AND t.relnamespace = 'tenon'::regnamespace
  JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
 GROUP BY k.name, k.kind, k.guarded;

/*
 * Grants, row-level security, audit and ledger triggers of every registered table, from
 * its kind and its columns. The migrator calls this at its end; running it again changes nothing.
 *
 *   table       the server may read, insert, change and delete rows, but not id, state,
 *               workflow_id or guarded columns; every change is audited (but for guarded columns of
 *               a document's parts: they follow from rows that are audited, and checks prove it)
 *   ledger      read and insert; nobody changes or deletes
 *   maintained  read; written by SECURITY DEFINER triggers alone
 *   internal    nothing: reached through gates, or through grants by name
 */
CREATE OR REPLACE PROCEDURE tables_setup() LANGUAGE plpgsql AS $$
DECLARE
    c table_columns;
BEGIN
    UPDATE table_kind k
       SET has_company = found.has_company, has_workflow = found.has_workflow, has_search = found.has_search,
           is_part = EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confdeltype = 'c'
                                AND conrelid = to_regclass('tenon.' || quote_ident(k.name)))
      FROM table_columns found WHERE found.name = k.name;
    FOR c IN SELECT * FROM table_columns LOOP
        EXECUTE format('REVOKE ALL ON %I FROM tenon_app', c.name);
        IF c.has_company THEN
            EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', c.name);
            EXECUTE format('DROP POLICY IF EXISTS company ON %I', c.name);
            EXECUTE format('CREATE POLICY company ON %I USING (company_id = current_setting(''tenon.company'')::bigint)', c.name);
        END IF;
        IF c.kind <> 'internal' THEN
            EXECUTE format('GRANT SELECT ON %I TO tenon_app', c.name);
        END IF;
        IF c.kind IN ('table', 'ledger') THEN
            EXECUTE format('GRANT INSERT (%s) ON %I TO tenon_app', c.insertable, c.name);
        END IF;
        IF c.kind = 'ledger' THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER ledger_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON %I'
                           ' FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard()', c.name);
        END IF;
        IF c.kind = 'table' THEN
            EXECUTE format('GRANT DELETE ON %I TO tenon_app', c.name);
            EXECUTE format('GRANT UPDATE (%s) ON %I TO tenon_app', c.updatable, c.name);
            EXECUTE format('CREATE OR REPLACE TRIGGER audit_insert AFTER INSERT ON %I'
                           ' REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION audit_rows()', c.name);
            EXECUTE format('CREATE OR REPLACE TRIGGER audit_update AFTER UPDATE ON %I'
                           ' REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION audit_rows(%s)',
                           c.name, (SELECT quote_literal(c.guarded) FROM table_kind k
                                     WHERE k.name = c.name AND k.is_part AND c.guarded <> '{}'));
            EXECUTE format('CREATE OR REPLACE TRIGGER audit_delete AFTER DELETE ON %I'
                           ' REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION audit_rows()', c.name);
        END IF;
        IF c.has_workflow THEN
            EXECUTE format('CREATE OR REPLACE TRIGGER a_workflow_bind BEFORE INSERT ON %I'
                           ' FOR EACH ROW EXECUTE FUNCTION workflow_bind(%s)', c.name, CASE WHEN c.has_flow THEN '''flow''' END);
            PERFORM workflow_move_define(c.name, c.has_company);
        END IF;
    END LOOP;
    GRANT SELECT ON table_kind, table_columns, epoch, audit_log, event, workflow, workflow_state,
                    workflow_transition, workflow_history, workflow_rule, user_company TO tenon_app;
END $$;

-- Rows of the group (no company) are everybody's; rows of a company its own.
CREATE OR REPLACE PROCEDURE shared_policies() LANGUAGE plpgsql AS $$
DECLARE
    t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['audit_log', 'event', 'workflow_history', 'workflow_rule_run'] LOOP
        EXECUTE format('DROP POLICY company ON %I', t);
        EXECUTE format('CREATE POLICY company ON %I USING (company_id IS NULL'
                       ' OR company_id = current_setting(''tenon.company'')::bigint)', t);
    END LOOP;
END $$;

-- ------------------------------------------------------------------ workflow definitions
-- A name, or a list of names, in JSON.
CREATE OR REPLACE FUNCTION json_words(x jsonb) RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
    SELECT jsonb_array_elements_text(x) WHERE jsonb_typeof(x) = 'array'
    UNION ALL SELECT regexp_split_to_table(x #>> '{}', ' +') WHERE jsonb_typeof(x) = 'string' $$;

-- Definitions are cached under their epoch. A clock value: so that the epoch of a transaction
-- that was rolled back never comes again with other contents.
CREATE OR REPLACE FUNCTION workflow_epoch() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    UPDATE epoch SET value = greatest(value + 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)
     WHERE name = 'workflow';
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER workflow_epoch AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON workflow
    FOR EACH STATEMENT EXECUTE FUNCTION workflow_epoch();
CREATE OR REPLACE TRIGGER workflow_epoch AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON workflow_rule
    FOR EACH STATEMENT EXECUTE FUNCTION workflow_epoch();

-- A new version, with its states and transitions as rows.
CREATE OR REPLACE FUNCTION workflow_add(defined jsonb, with_status text, with_origin text, with_parent bigint)
    RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    INSERT INTO workflow (entity, version, status, origin, parent_id, definition, created_by, published_at)
    SELECT defined ->> 'entity', coalesce(max(version), 0) + 1, with_status, with_origin, with_parent, defined,
           app_user_id(), CASE WHEN with_status <> 'draft' THEN now() END
      FROM workflow WHERE entity = defined ->> 'entity'
    RETURNING id INTO made;
    PERFORM workflow_fill(made);
    RETURN made;
END $$;

CREATE OR REPLACE FUNCTION workflow_fill(version_id bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    DELETE FROM workflow_transition WHERE workflow_id = version_id;
    DELETE FROM workflow_state WHERE workflow_id = version_id;
    INSERT INTO workflow_state (workflow_id, name, label, label_zh, initial, position)
    SELECT w.id, s ->> 'name', s ->> 'label', s ->> 'label_zh', coalesce((s ->> 'initial')::boolean, false), n
      FROM workflow w, jsonb_array_elements(w.definition -> 'states') WITH ORDINALITY x (s, n)
     WHERE w.id = version_id AND w.status <> 'draft';
    INSERT INTO workflow_transition (workflow_id, action, from_state, to_state)
    SELECT w.id, t ->> 'action', f, t ->> 'to'
      FROM workflow w, jsonb_array_elements(w.definition -> 'transitions') t, json_words(t -> 'from') f
     WHERE w.id = version_id AND w.status <> 'draft' $$;

-- Make a version the one that new records start under.
CREATE OR REPLACE FUNCTION workflow_activate(version_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    UPDATE workflow SET status = 'retired'
     WHERE status = 'active' AND entity = (SELECT entity FROM workflow WHERE id = version_id);
    UPDATE workflow SET status = 'active', published_at = now() WHERE id = version_id;
    PERFORM workflow_fill(version_id);
END $$;

-- The definition that comes with the program. Where an administrator's version is active, it
-- stays so; the new base waits beside it.
CREATE OR REPLACE FUNCTION workflow_ship(defined jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    base   workflow;
    active workflow;
    made   bigint;
BEGIN
    SELECT * INTO base FROM workflow
     WHERE entity = defined ->> 'entity' AND origin = 'shipped' ORDER BY version DESC LIMIT 1;
    IF base.definition = defined THEN
        RETURN;
    END IF;
    SELECT * INTO active FROM workflow WHERE entity = defined ->> 'entity' AND status = 'active';
    made := workflow_add(defined, 'retired', 'shipped', base.id);
    IF active.origin IS DISTINCT FROM 'custom' THEN
        PERFORM workflow_activate(made);
    END IF;
END $$;

-- The rules that come with a module: changed where nobody changed them, not brought back when
-- deleted, taken away when no longer shipped.
CREATE OR REPLACE FUNCTION workflow_ship_rules(of_module text, rules jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    DELETE FROM workflow_rule r USING workflow_shipped_rule s
     WHERE s.module = of_module AND r.name = s.name AND r.definition = s.definition
       AND NOT EXISTS (SELECT FROM jsonb_array_elements(rules) x WHERE x ->> 'name' = s.name);
    DELETE FROM workflow_shipped_rule s
     WHERE s.module = of_module
       AND NOT EXISTS (SELECT FROM jsonb_array_elements(rules) x WHERE x ->> 'name' = s.name);
    UPDATE workflow_rule r SET definition = x.defined, entity = x.defined ->> 'entity', version = r.version + 1
      FROM jsonb_array_elements(rules) x (defined), workflow_shipped_rule s
     WHERE r.name = x.defined ->> 'name' AND s.name = r.name
       AND r.definition = s.definition AND r.definition <> x.defined;
    INSERT INTO workflow_rule (name, module, entity, position, definition)
    SELECT x.defined ->> 'name', of_module, x.defined ->> 'entity',
           coalesce((x.defined ->> 'position')::integer, 100), x.defined
      FROM jsonb_array_elements(rules) WITH ORDINALITY x (defined, n)
     WHERE NOT EXISTS (SELECT FROM workflow_shipped_rule s WHERE s.name = x.defined ->> 'name')
     ORDER BY x.n
    ON CONFLICT (name) DO NOTHING;
    INSERT INTO workflow_shipped_rule (name, module, definition)
    SELECT x.defined ->> 'name', of_module, x.defined FROM jsonb_array_elements(rules) x (defined)
    ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, module = excluded.module
     WHERE workflow_shipped_rule.definition <> excluded.definition;
END $$;

-- ------------------------------------------------------------------ rules at work
CREATE OR REPLACE FUNCTION workflow_rule_ran(ran text, on_entity text, ids bigint[], with_outcome text, why text)
    RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    INSERT INTO workflow_rule_run (company_id, rule, entity, record_id, outcome, detail)
    SELECT app_company(), ran, on_entity, i, with_outcome, why FROM unnest(ids) i $$;
GRANT EXECUTE ON FUNCTION workflow_rule_ran TO tenon_app;

-- Which fields this transaction's last change of each record changed.
CREATE OR REPLACE FUNCTION workflow_changed_fields(on_entity text, ids bigint[])
    RETURNS TABLE (id bigint, fields text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    SELECT DISTINCT ON (a.record_id) a.record_id,
           ARRAY(SELECT key FROM jsonb_each(a.new) n WHERE n.value IS DISTINCT FROM a.old -> n.key)
      FROM audit_log a
     WHERE a.xid = pg_current_xact_id_if_assigned() AND a.entity = on_entity
       AND a.record_id = ANY (ids) AND a.action <> 'created'
     ORDER BY a.record_id, a.id DESC $$;
GRANT EXECUTE ON FUNCTION workflow_changed_fields TO tenon_app;

-- Give records to a user: the named one, or one of a role by turn or by open work.
CREATE OR REPLACE FUNCTION workflow_assign(for_rule text, named text, field text, ids bigint[],
                                           strategy text, with_role text, with_user text)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    c      table_columns;
    chosen bigint;
    record bigint;
    busy   text;
BEGIN
    SELECT * INTO c FROM table_columns WHERE name = named AND kind = 'table';
    IF NOT FOUND OR NOT quote_ident(field) = ANY (string_to_array(c.updatable, ', ')) THEN
        PERFORM fail('invalid_rule', NULL, 'The rule %s fills a field that it may not change', for_rule);
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('workflow_assign'), hashtext(for_rule || app_company()));
    busy := format('(SELECT count(*) FROM %I t WHERE t.%I = u.id %s %s)', named, field,
        CASE WHEN c.has_company THEN 'AND t.company_id = app_company()' END,
        CASE WHEN c.has_workflow THEN 'AND EXISTS (SELECT FROM workflow_transition w'
             ' WHERE w.workflow_id = t.workflow_id AND w.from_state = t.state)' END);
    FOREACH record IN ARRAY ids LOOP
        EXECUTE format(
            'SELECT u.id FROM app_user u LEFT JOIN workflow_turn n'
            '    ON n.rule = $1 AND n.company_id = app_company() AND n.user_id = u.id'
            ' WHERE u.active AND EXISTS (SELECT FROM user_company uc'
            '       WHERE uc.user_id = u.id AND uc.company_id = app_company())'
            '   AND CASE WHEN $2 IS NOT NULL THEN u.login = $2 ELSE EXISTS (SELECT FROM user_role ur'
            '       JOIN role r ON r.id = ur.role_id WHERE ur.user_id = u.id AND r.code = $3) END'
            ' ORDER BY %s n.at NULLS FIRST, u.id LIMIT 1',
            CASE WHEN strategy = 'least_loaded' THEN busy || ',' END)
            INTO chosen USING for_rule, with_user, with_role;
        IF chosen IS NULL AND with_user IS NULL THEN
            CONTINUE;                         -- nobody has the role: it waits in the pool
        ELSIF chosen IS NULL THEN
            PERFORM fail('nobody_to_assign', field, 'The rule %s finds nobody to assign this to', for_rule);
        END IF;
        INSERT INTO workflow_turn VALUES (for_rule, app_company(), chosen, clock_timestamp())
        ON CONFLICT (rule, company_id, user_id) DO UPDATE SET at = excluded.at;
        EXECUTE format('UPDATE %I SET %I = $1 WHERE id = $2 %s', named, field,
            CASE WHEN c.has_company THEN 'AND company_id = app_company()' END) USING chosen, record;
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION workflow_assign TO tenon_app;

-- ------------------------------------------------------------------ flows
-- Documents of these that belong to no flow start one each.
CREATE OR REPLACE FUNCTION flow_start(named text, ids bigint[], with_kind text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM table_kind WHERE name = named AND kind = 'table' AND has_company) THEN
        PERFORM fail('not_found', NULL, 'There is no such record');
    END IF;
    EXECUTE format(
        'WITH due AS MATERIALIZED ('
        '    SELECT id, nextval(pg_get_serial_sequence(''tenon.flow'', ''id'')) AS flow FROM %1$I'
        '     WHERE id = ANY ($1) AND flow_id IS NULL AND company_id = app_company()'
        '), made AS ('
        '    INSERT INTO flow (id, kind) OVERRIDING SYSTEM VALUE SELECT flow, $2 FROM due'
        '), member AS ('
        '    INSERT INTO flow_document (flow_id, entity, document_id) SELECT flow, %1$L, id FROM due'
        ') UPDATE %1$I t SET flow_id = due.flow FROM due WHERE t.id = due.id', named)
        USING ids, with_kind;
END $$;

-- Each `to` document joins all flows of the `from` documents that it comes from; its own
-- flow_id is the first of them. pairs: [{"from": 1, "to": 2}].
CREATE OR REPLACE FUNCTION flow_join(from_entity text, to_entity text, pairs jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    sources bigint[] := ARRAY(SELECT (p ->> 'from')::bigint FROM jsonb_array_elements(pairs) WITH ORDINALITY x (p, n) ORDER BY n);
    targets bigint[] := ARRAY(SELECT (p ->> 'to')::bigint FROM jsonb_array_elements(pairs) WITH ORDINALITY x (p, n) ORDER BY n);
    unbound bigint[];
BEGIN
    IF EXISTS (SELECT FROM unnest(sources) f WHERE NOT EXISTS (
                   SELECT FROM flow_document d WHERE d.entity = from_entity AND d.document_id = f)) THEN
        PERFORM flow_start(from_entity, sources,
            coalesce((SELECT flow FROM workflow WHERE entity = from_entity AND status = 'active'), from_entity));
    END IF;
    INSERT INTO flow_document (flow_id, entity, document_id)
    SELECT DISTINCT d.flow_id, to_entity, p.target
      FROM unnest(sources, targets) p (source, target)
     CROSS JOIN LATERAL (SELECT flow_id FROM flow_document
                          WHERE entity = from_entity AND document_id = p.source AND company_id = app_company()
                         OFFSET 0) d
    ON CONFLICT DO NOTHING;
    -- Most documents come with their flow; an UPDATE of no row would still wake every trigger.
    EXECUTE format('SELECT array_agg(id) FROM %I WHERE id = ANY ($1) AND flow_id IS NULL AND company_id = app_company()',
                   to_entity) INTO unbound USING targets;
    IF unbound IS NOT NULL THEN
        EXECUTE format(
            'UPDATE %I t SET flow_id = (SELECT min(d.flow_id) FROM flow_document d'
            '                            WHERE d.entity = $2 AND d.document_id = t.id)'
            ' WHERE t.id = ANY ($1)', to_entity) USING unbound, to_entity;
    END IF;
END $$;
GRANT EXECUTE ON FUNCTION flow_start, flow_join TO tenon_app;

-- ------------------------------------------------------------------ events and jobs
/*
 * Give committed audit rows their positions as events, and put what rules marked `after` shall
 * do into the queue of jobs. A change of a document's part is the document's, unless a rule waits
 * for the part. Every transaction below the snapshot's xmin has ended, so nothing
 * can appear before the cursor later. One dispatcher at a time: it holds the cursor's row.
 */
CREATE OR REPLACE FUNCTION outbox_publish() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    c         event_cursor;
    published integer;
BEGIN
    SELECT * INTO c FROM event_cursor FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    WITH seen AS MATERIALIZED (
        SELECT * FROM audit_log WHERE (xid, id) > (c.xid, c.audit_id)
           AND xid < pg_snapshot_xmin(pg_current_snapshot())
         ORDER BY xid, id LIMIT 1000
    ), due AS MATERIALIZED (
        SELECT s.*, row_number() OVER (ORDER BY s.xid, s.id) AS n
          FROM seen s LEFT JOIN table_kind k ON k.name = s.entity
         WHERE NOT coalesce(k.is_part, false)
            OR EXISTS (SELECT FROM workflow_rule r WHERE r.active AND r.entity = s.entity)
    ), made AS (
        INSERT INTO event (position, audit_id, xid, company_id, at, request_id, actor_id, entity, record_id, action)
        SELECT c.position + n, id, xid, company_id, at, request_id, actor_id, entity, record_id, action FROM due
        RETURNING *
    ), queued AS (
        INSERT INTO job (company_id, kind, key, lane, payload, actor_id, state, error)
        SELECT coalesce(e.company_id, u.default_company_id, (SELECT min(id) FROM company)), 'rule',
               format('rule:%s:%s', r.name, e.position), format('%s:%s', e.entity, e.record_id),
               jsonb_build_object('rule', r.name, 'entity', e.entity, 'record', e.record_id, 'event', e.position,
                                  'depth', chain.depth, 'chain', chain.names),
               e.actor_id, CASE WHEN chain.depth > 16 THEN 'dead' ELSE 'waiting' END,
               CASE WHEN chain.depth > 16 THEN 'Rules call each other without end: ' || chain.names END
          FROM made e JOIN due ON due.id = e.audit_id LEFT JOIN app_user u ON u.id = e.actor_id
          LEFT JOIN job cause ON cause.id = substring(e.request_id FROM '^job-([0-9]{1,18})$')::bigint
          JOIN workflow_rule r ON r.active AND r.entity = e.entity AND r.definition ->> 'timing' = 'after',
               LATERAL (SELECT coalesce((cause.payload ->> 'depth')::integer, 0) + 1 AS depth,
                               concat_ws(' > ', cause.payload ->> 'chain', r.name) AS names) chain
         WHERE workflow_rule_wakes(r.definition -> 'when', e.action, due.old, due.new)
         ORDER BY e.position, r.position, r.id
        ON CONFLICT (key) DO NOTHING
    )
    UPDATE event_cursor SET xid = last.xid, audit_id = last.id,
           position = c.position + (SELECT count(*) FROM due)
      FROM (SELECT xid, id FROM seen ORDER BY xid DESC, id DESC LIMIT 1) last
     RETURNING (SELECT count(*) FROM seen) INTO published;
    PERFORM workflow_timers();
    RETURN coalesce(published, 0);
END $$;

CREATE OR REPLACE FUNCTION workflow_rule_wakes(waits_for jsonb, action text, before jsonb, after jsonb) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    SELECT CASE action
        WHEN 'deleted' THEN false
        WHEN 'created' THEN waits_for ? 'created'
        WHEN 'changed' THEN waits_for ? 'changed' AND (
            NOT EXISTS (SELECT FROM json_words(waits_for -> 'changed')) OR EXISTS (
                SELECT FROM json_words(waits_for -> 'changed') f WHERE before -> f IS DISTINCT FROM after -> f))
        ELSE action IN (SELECT json_words(waits_for -> 'transition')) END $$;

-- Jobs of a rule for records, outside the outbox: after a step that moves no state.
CREATE OR REPLACE FUNCTION workflow_queue(for_rule text, on_entity text, ids bigint[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    INSERT INTO job (company_id, kind, lane, payload, actor_id)
    SELECT app_company(), 'rule', format('%s:%s', on_entity, i),
           jsonb_build_object('rule', for_rule, 'entity', on_entity, 'record', i), app_user_id()
      FROM unnest(ids) i $$;

CREATE OR REPLACE FUNCTION webhook_queue(for_rule text, on_entity text, record bigint, url text, body jsonb)
    RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    INSERT INTO job (company_id, kind, lane, payload, actor_id)
    VALUES (app_company(), 'webhook', format('webhook:%s:%s', on_entity, record),
            jsonb_build_object('rule', for_rule, 'entity', on_entity, 'record', record, 'url', url, 'body',
                coalesce(body, jsonb_build_object('rule', for_rule, 'entity', on_entity, 'id', record))),
            app_user_id()) $$;

/*
 * What the rules of dates and schedules have become due for. A date fires once per record and
 * date: its job's key says both. All records are looked at once an hour (the day moves on),
 * those that changed at every call, and so are moments (timestamptz) that have come since the
 * last one. Dates more than a year ago do not fire.
 */
CREATE OR REPLACE FUNCTION workflow_timers() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    r       workflow_rule;
    clock   workflow_clock;
    columns table_kind;
    seen    bigint;
BEGIN
    SELECT * INTO clock FROM workflow_clock WHERE at < now() - interval '5 seconds' FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT position INTO seen FROM event_cursor;
    FOR r IN SELECT * FROM workflow_rule WHERE active AND definition -> 'when' ?| '{date,schedule}' LOOP
        SELECT * INTO columns FROM table_kind WHERE name = r.entity;
        IF columns.name IS NULL THEN
            CONTINUE;
        ELSIF r.definition -> 'when' ? 'schedule' THEN
            PERFORM workflow_schedule(r, columns.has_company);
        ELSE
            PERFORM workflow_dates(r, columns.has_company,
                CASE WHEN date_trunc('hour', clock.at) = date_trunc('hour', now()) AND r.updated_at < clock.at
                     THEN clock.position END, clock.at);
        END IF;
    END LOOP;
    DELETE FROM job WHERE state = 'done' AND payload ? 'event' AND finished_at < now() - interval '30 days';
    DELETE FROM job WHERE state = 'done' AND finished_at < now() - interval '400 days';
    DELETE FROM workflow_rule_run WHERE at < now() - interval '90 days';
    UPDATE workflow_clock SET at = now(), position = seen;
END $$;

-- since: only records with events after this position, or whose moment came after last_at;
-- null: all.
DROP FUNCTION IF EXISTS workflow_dates(workflow_rule, boolean, bigint);
CREATE OR REPLACE FUNCTION workflow_dates(r workflow_rule, has_company boolean, since bigint, last_at timestamptz)
    RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    due    text := r.definition -> 'when' ->> 'date';
    moment boolean := EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('tenon.' || quote_ident(r.entity))
                                 AND attname = due AND atttypid = 'timestamptz'::regtype);
BEGIN
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('tenon.' || quote_ident(r.entity))
                      AND attname = due AND atttypid IN ('date'::regtype, 'timestamptz'::regtype)) THEN
        RETURN;
    END IF;
    EXECUTE format(
        'INSERT INTO job (company_id, kind, key, lane, payload)'
        ' SELECT o.id, ''rule'', format(''rule:%%s:%%s:%%s'', $1, t.id, t.%1$I), format(''%%s:%%s'', %2$L::text, t.id),'
        '        jsonb_build_object(''rule'', $1, ''entity'', %2$L::text, ''record'', t.id, ''date'', t.%1$I)'
        '   FROM %2$I t JOIN company o ON o.id = %3$s'
        '  WHERE (t.%1$I + $2 * interval ''1 day'') BETWEEN now() - interval ''366 days'''
        '        AND CASE WHEN %4$L THEN now() ELSE now() AT TIME ZONE o.time_zone END'
        '    AND ($3 IS NULL OR t.id IN (SELECT record_id FROM event WHERE position > $3 AND entity = %2$L %5$s))'
        '    AND NOT EXISTS (SELECT FROM job j WHERE j.key = format(''rule:%%s:%%s:%%s'', $1, t.id, t.%1$I))'
        '  ORDER BY t.id ON CONFLICT (key) DO NOTHING',
        due, r.entity, CASE WHEN has_company THEN 't.company_id' ELSE '(SELECT min(id) FROM company)' END,
        moment,
        CASE WHEN moment THEN format('UNION ALL SELECT m.id FROM %2$I m WHERE m.%1$I > $4 - $2 * interval ''1 day'''
                                     ' AND m.%1$I <= now() - $2 * interval ''1 day''', due, r.entity) END)
        USING r.name, coalesce((r.definition -> 'when' ->> 'days')::integer, 0), since, last_at;
END $$;

-- One job per company and slot of time; slots that nobody saw are not made up for.
CREATE OR REPLACE FUNCTION workflow_schedule(r workflow_rule, has_company boolean) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    INSERT INTO job (company_id, kind, key, lane, payload)
    SELECT o.id, 'rule', format('rule:%s:%s:%s', r.name, o.id, slot.n), format('rule:%s:%s', r.name, o.id),
           jsonb_build_object('rule', r.name, 'entity', r.entity)
      FROM company o,
           LATERAL (SELECT floor(extract(epoch FROM now())
                / greatest(extract(epoch FROM (r.definition -> 'when' ->> 'schedule')::interval), 60))::bigint AS n) slot
     WHERE (has_company OR o.id = (SELECT min(id) FROM company))
       AND NOT EXISTS (SELECT FROM job j WHERE j.key = format('rule:%s:%s:%s', r.name, o.id, slot.n))
    ON CONFLICT (key) DO NOTHING $$;

-- Take a due job for the rest of this transaction; no row when there is none. Jobs of one
-- lane run one after the other: a job waits for the earlier ones, dead ones included.
CREATE OR REPLACE FUNCTION job_take() RETURNS TABLE (id bigint, kind text, company_id bigint, actor_id bigint,
                                                     language text, key text, payload jsonb, attempts integer)
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    SELECT j.id, j.kind, j.company_id, j.actor_id,
           coalesce((SELECT u.language FROM app_user u WHERE u.id = j.actor_id), 'en'), j.key, j.payload, j.attempts
      FROM job j
     WHERE j.state = 'waiting' AND j.run_at <= now()
       AND NOT EXISTS (SELECT FROM job e WHERE e.lane = j.lane AND e.id < j.id
                          AND e.state IN ('waiting', 'running', 'dead'))
     ORDER BY j.run_at, j.id LIMIT 1 FOR UPDATE OF j SKIP LOCKED $$;

CREATE OR REPLACE FUNCTION job_done(job_id bigint) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    UPDATE job SET state = 'done', finished_at = now(), attempts = attempts + 1, error = NULL WHERE id = job_id $$;

-- It did not work: again later, later each time, and after eight times not any more.
CREATE OR REPLACE FUNCTION job_failed(job_id bigint, why text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    UPDATE job SET attempts = attempts + 1, error = why,
           state = CASE WHEN attempts + 1 >= 8 THEN 'dead' ELSE 'waiting' END,
           run_at = now() + least(interval '5 seconds' * power(3, attempts), interval '6 hours') * (0.8 + 0.4 * random())
     WHERE id = job_id AND state = 'waiting';
    INSERT INTO workflow_rule_run (company_id, rule, entity, record_id, outcome, detail)
    SELECT company_id, payload ->> 'rule', payload ->> 'entity', (payload ->> 'record')::bigint, 'failed', why
      FROM job WHERE id = job_id AND payload ? 'rule' AND payload ? 'record' $$;
GRANT EXECUTE ON FUNCTION outbox_publish, workflow_queue, webhook_queue, job_take, job_done, job_failed TO tenon_app;

-- ------------------------------------------------------------------ what administrators do
-- Validation is C (it needs the operations); these gates check the permission and write.

-- The draft of a kind of record; there is at most one.
CREATE OR REPLACE FUNCTION workflow_draft_save(defined jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    made bigint;
BEGIN
    PERFORM require_permission('workflow.change');
    UPDATE workflow SET definition = defined, created_by = app_user_id(), created_at = now()
     WHERE entity = defined ->> 'entity' AND status = 'draft' RETURNING id INTO made;
    IF made IS NULL THEN
        made := workflow_add(defined, 'draft', 'custom',
            (SELECT id FROM workflow WHERE entity = defined ->> 'entity' AND status = 'active'));
    END IF;
    RETURN made;
END $$;

CREATE OR REPLACE FUNCTION workflow_draft_drop(of_entity text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM require_permission('workflow.change');
    DELETE FROM workflow WHERE entity = of_entity AND status = 'draft';
END $$;

CREATE OR REPLACE FUNCTION workflow_publish(of_entity text) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    draft bigint;
BEGIN
    PERFORM require_permission('workflow.change');
    SELECT id INTO draft FROM workflow WHERE entity = of_entity AND status = 'draft' FOR UPDATE;
    IF draft IS NULL THEN
        PERFORM fail('not_found', NULL, 'There is no draft of this workflow');
    END IF;
    PERFORM workflow_activate(draft);
    RETURN draft;
END $$;

-- An earlier version becomes the active one again; null: the newest one that was shipped.
CREATE OR REPLACE FUNCTION workflow_rollback(of_entity text, to_version integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    found_id bigint;
BEGIN
    PERFORM require_permission('workflow.change');
    SELECT id INTO found_id FROM workflow
     WHERE entity = of_entity AND status <> 'draft'
       AND CASE WHEN to_version IS NULL THEN origin = 'shipped' ELSE version = to_version END
     ORDER BY version DESC LIMIT 1;
    IF found_id IS NULL THEN
        PERFORM fail('not_found', 'version', 'There is no such version');
    END IF;
    PERFORM workflow_activate(found_id);
    RETURN found_id;
END $$;

-- The definition of a rule as files hold it, with what the database knows of it.
CREATE OR REPLACE FUNCTION workflow_rule_json(r workflow_rule) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT r.definition || jsonb_build_object('id', r.id, 'name', r.name, 'entity', r.entity, 'module', r.module,
        'position', r.position, 'active', r.active, 'version', r.version) $$;
GRANT EXECUTE ON FUNCTION workflow_rule_json TO tenon_app;

-- rule_id null: a new one.
CREATE OR REPLACE FUNCTION workflow_rule_save(rule_id bigint, defined jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    kept jsonb := defined - '{id,module,version,active}'::text[];
BEGIN
    PERFORM require_permission('workflow.change');
    IF rule_id IS NULL THEN
        INSERT INTO workflow_rule (name, entity, position, active, definition, created_by, updated_by)
        VALUES (defined ->> 'name', defined ->> 'entity', coalesce((defined ->> 'position')::integer, 100),
                coalesce((defined ->> 'active')::boolean, true), kept, app_user_id(), app_user_id())
        RETURNING id INTO rule_id;
    ELSE
        UPDATE workflow_rule SET name = defined ->> 'name', entity = defined ->> 'entity', definition = kept,
               position = coalesce((defined ->> 'position')::integer, position),
               active = coalesce((defined ->> 'active')::boolean, active),
               updated_at = now(), updated_by = app_user_id(), version = version + 1
         WHERE id = rule_id;
        IF NOT FOUND THEN
            PERFORM fail('not_found', NULL, 'There is no such record');
        END IF;
    END IF;
    RETURN rule_id;
END $$;

CREATE OR REPLACE FUNCTION workflow_rule_delete(rule_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM require_permission('workflow.change');
    DELETE FROM workflow_rule WHERE id = rule_id;
    IF NOT FOUND THEN
        PERFORM fail('not_found', NULL, 'There is no such record');
    END IF;
END $$;

-- Jobs of the company, newest first; the dead letters are those in state 'dead'.
CREATE OR REPLACE FUNCTION job_list(in_state text, before bigint) RETURNS json
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM require_permission('workflow.read');
    RETURN (SELECT json_build_object('items', coalesce(json_agg(j ORDER BY j.id DESC), '[]')) FROM (
        SELECT id, kind, state, payload ->> 'rule' AS rule, payload ->> 'entity' AS entity,
               payload -> 'record' AS record_id, attempts, error, run_at, created_at, finished_at, payload
          FROM job WHERE company_id = app_company() AND (in_state IS NULL OR state = in_state)
                     AND (before IS NULL OR id < before)
         ORDER BY id DESC LIMIT 100) j);
END $$;

-- Let a job run now, with all its attempts before it.
CREATE OR REPLACE FUNCTION job_retry(job_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM require_permission('workflow.change');
    UPDATE job SET state = 'waiting', attempts = 0, run_at = now()
     WHERE id = job_id AND company_id = app_company() AND state IN ('dead', 'waiting');
    IF NOT FOUND THEN
        PERFORM fail('not_found', NULL, 'There is no such job waiting or dead');
    END IF;
END $$;

-- Give a job up. Its row stays, so that the same event does not make it again.
CREATE OR REPLACE FUNCTION job_drop(job_id bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM require_permission('workflow.change');
    UPDATE job SET state = 'done', finished_at = now(), error = concat_ws(' ', 'dropped by hand:', error)
     WHERE id = job_id AND company_id = app_company() AND state IN ('dead', 'waiting');
    IF NOT FOUND THEN
        PERFORM fail('not_found', NULL, 'There is no such job waiting or dead');
    END IF;
END $$;

-- Why rules did or did not fire for a record, newest first.
CREATE OR REPLACE FUNCTION workflow_rule_runs(on_entity text, record bigint) RETURNS json
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    SELECT coalesce(json_agg(x ORDER BY x.id DESC), '[]') FROM (
        SELECT id, rule, at, outcome, detail FROM workflow_rule_run
         WHERE entity = on_entity AND record_id = record AND (company_id IS NULL OR company_id = app_company())
         ORDER BY id DESC LIMIT 100) x $$;
GRANT EXECUTE ON FUNCTION workflow_draft_save, workflow_draft_drop, workflow_publish, workflow_rollback,
    workflow_rule_save, workflow_rule_delete, job_list, job_retry, job_drop, workflow_rule_runs TO tenon_app;
