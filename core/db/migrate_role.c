/*
 * migrate_role.c - the roles, which belong to the whole cluster, and the empty schema.
 *
 * tenon_owner owns everything and cannot sign in; tenon_app is the server, and may do what
 * tables_setup() and the scripts grant to it by name.
 */
#include "core/base/str.h"
#include "core/db/migrate_parts.h"

#include <string.h>

/*
 * Roles belong to the whole cluster: another database may just have made them.
 *
 * The server's statements are planned once and kept (db_plan_by_values says what is not), often
 * while their tables are small: a cost below a sequential page's makes an index win even then,
 * so that the plan is still right when the table has grown.
 */
static const char roles[] =
    "DO $$ BEGIN"
    "    IF to_regrole('tenon_owner') IS NULL THEN"
    "        CREATE ROLE tenon_owner NOLOGIN BYPASSRLS;"
    "        ALTER ROLE tenon_owner SET search_path = tenon;"
    "        ALTER ROLE tenon_owner SET timezone = 'UTC';"
    "    END IF;"
    "    IF to_regrole('tenon_app') IS NULL THEN"
    "        CREATE ROLE tenon_app LOGIN;"
    "        ALTER ROLE tenon_app SET search_path = tenon;"
    "        ALTER ROLE tenon_app SET timezone = 'UTC';"
    "        ALTER ROLE tenon_app SET plan_cache_mode = 'force_generic_plan';"
    "        ALTER ROLE tenon_app SET random_page_cost = 0.1;"
    "    END IF;"
    "    IF NOT pg_has_role('tenon_owner', 'MEMBER') THEN"
    "        EXECUTE format('GRANT tenon_owner TO %I', current_user);"
    "    END IF;"
    "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;"
    "END $$";

static const char schema[] =
    "DO $$ BEGIN"
    "    IF to_regnamespace('tenon') IS NULL THEN"
    "        CREATE SCHEMA tenon AUTHORIZATION tenon_owner;"
    "    END IF;"
    "    CREATE EXTENSION IF NOT EXISTS btree_gist;"
    "    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());"
    "    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO tenon_owner', current_database());"
    "    EXECUTE format('GRANT CONNECT ON DATABASE %I TO tenon_app', current_database());"
    "    SET LOCAL ROLE tenon_owner;"
    "    GRANT USAGE ON SCHEMA tenon TO tenon_app;"
    "    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON ROUTINES FROM PUBLIC;"
    "    CREATE TABLE IF NOT EXISTS tenon.migration ("
    "        path       text PRIMARY KEY,"
    "        checksum   text NOT NULL,"
    "        applied_at timestamptz NOT NULL DEFAULT now(),"
    "        ms         integer NOT NULL);"
    "    RESET ROLE;"
    "END $$";

bool
migrate_roles(struct migration *m)
{
    PGresult *res;

    if (migrate_ask(m, &res, roles, 0, NULL))
        return true;
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

    if (!state || strcmp(state, "42501"))
        return false;
    return migrate_stop(m, arena_printf(m->mem,
                                        "The role %s may not make the roles that Tenon needs. Let "
                                        "an administrator of the database run: CREATE ROLE "
                                        "tenon_owner NOLOGIN BYPASSRLS; CREATE ROLE tenon_app "
                                        "LOGIN; ALTER ROLE tenon_owner SET search_path = tenon; "
                                        "ALTER ROLE tenon_app SET search_path = tenon; GRANT "
                                        "tenon_owner TO \"%s\" - and start again",
                                        PQuser(m->conn), PQuser(m->conn)));
}

bool
migrate_schema(struct migration *m)
{
    return migrate_run(m, schema);
}

/* Does the password work already? Then nothing is changed, which needs no right either. */
static bool
signs_in(struct migration *m, const char *password)
{
    PQconninfoOption *options = PQconninfo(m->conn);
    const char *keywords[64], *values[64];
    int n = 0;

    for (PQconninfoOption *o = options; o && o->keyword && n < 60; o++) {
        if (!o->val || str_word_in("user password passfile", o->keyword))
            continue;
        keywords[n] = o->keyword;
        values[n++] = o->val;
    }
    keywords[n] = "user", values[n++] = "tenon_app";
    keywords[n] = "password", values[n++] = password;
    keywords[n] = NULL;
    PGconn *conn = PQconnectdbParams(keywords, values, 0);
    bool good = PQstatus(conn) == CONNECTION_OK;

    PQfinish(conn);
    PQconninfoFree(options);
    return good;
}

/* The hash is made here: the password itself never travels, nor gets into a log. */
bool
migrate_password(struct migration *m, const char *password)
{
    char *hash;

    if (signs_in(m, password))
        return true;
    hash = PQencryptPasswordConn(m->conn, password, "tenon_app", "scram-sha-256");
    if (!hash)
        return migrate_stop(m, "The password of tenon_app cannot be hashed");
    bool good = migrate_run(m, arena_printf(m->mem, "ALTER ROLE tenon_app PASSWORD '%s'", hash));

    PQfreemem(hash);
    return good;
}
