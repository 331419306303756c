-- Functions and triggers of administration. Run again at every upgrade.

/*
 * Set up companies that were just made through the interface: numbers, accounts, warehouse and
 * whatever their modules need, the chart by country; and let their maker work for them.
 * Companies that are set up already are left alone.
 */
CREATE OR REPLACE FUNCTION company_set_up(companies bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    c     company;
    setup company_setup;
    home  bigint := app_company();
BEGIN
    FOR c IN SELECT * FROM company WHERE id = ANY (companies)
                AND NOT EXISTS (SELECT FROM number_series n WHERE n.company_id = company.id) ORDER BY id LOOP
        PERFORM require_permission('company.create');
        PERFORM context_set(app_user_id(), c.id, current_setting('tenon.request', true));
        FOR setup IN SELECT * FROM company_setup ORDER BY position LOOP
            EXECUTE format('SELECT %I($1, $2)', setup.function)
              USING c.id, CASE WHEN c.country_code = 'CN' THEN 'cn_small' ELSE 'ifrs' END;
        END LOOP;
        INSERT INTO user_company SELECT app_user_id(), c.id WHERE app_user_id() IS NOT NULL ON CONFLICT DO NOTHING;
    END LOOP;
    PERFORM context_set(app_user_id(), home, current_setting('tenon.request', true));
END $$;

-- Books are kept in the currency that they began with.
CREATE OR REPLACE FUNCTION company_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fail('immutable', 'currency_code', 'The currency of a company never changes');
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER company_keep BEFORE UPDATE ON company
    FOR EACH ROW WHEN (OLD.currency_code <> NEW.currency_code) EXECUTE FUNCTION company_keep();

-- Users work for the companies that are named, and for their default company always.
CREATE OR REPLACE FUNCTION user_companies_set(users bigint[], companies bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM require_permission('app_user.change');
    IF companies IS NOT NULL THEN
        DELETE FROM user_company c WHERE c.user_id = ANY (users) AND c.company_id <> ALL (companies);
    END IF;
    INSERT INTO user_company
    SELECT u.id, c FROM app_user u, unnest(companies || u.default_company_id) c WHERE u.id = ANY (users)
    ON CONFLICT DO NOTHING;
END $$;

-- A user who may not sign in any more is signed out at once.
CREATE OR REPLACE FUNCTION app_user_sign_out() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    DELETE FROM session s USING new_rows n WHERE s.user_id = n.id AND NOT n.active;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER app_user_sign_out AFTER UPDATE ON app_user
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION app_user_sign_out();
GRANT EXECUTE ON FUNCTION company_set_up, user_companies_set TO tenon_app;

-- Somebody must be able to administer: the last administrator stays one.
CREATE OR REPLACE FUNCTION administrator_stays() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('administrator'));
    IF EXISTS (SELECT FROM app_user) AND NOT EXISTS (
        SELECT FROM app_user u JOIN user_role r ON r.user_id = u.id
          JOIN permission p ON p.role_id = r.role_id AND p.entity = '*' AND p.action = '*' WHERE u.active) THEN
        PERFORM fail('last_administrator', NULL, 'Somebody must stay administrator');
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER administrator_stays AFTER DELETE OR UPDATE ON user_role
    FOR EACH STATEMENT EXECUTE FUNCTION administrator_stays();
CREATE OR REPLACE TRIGGER administrator_stays AFTER UPDATE OF active ON app_user
    FOR EACH STATEMENT EXECUTE FUNCTION administrator_stays();
CREATE OR REPLACE TRIGGER administrator_stays AFTER DELETE OR UPDATE ON permission
    FOR EACH STATEMENT EXECUTE FUNCTION administrator_stays();

-- ------------------------------------------------------------------ one's own
-- Notifications are read and marked by whom they are for; others may write them.
DROP POLICY IF EXISTS own_read ON notification;
CREATE POLICY own_read ON notification AS RESTRICTIVE FOR SELECT
    USING (user_id = app_user_id());
