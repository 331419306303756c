/*
 * migrate.c - the schema of this program in a database, all or nothing.
 *
 * The order matters: the lock first, so that two starters wait for each other; then what is
 * recorded is compared with what the program holds, and nothing is touched when they agree;
 * views go before the tables under them may change, and come back after their functions.
 */
#include "core/base/str.h"
#include "core/db/migrate_parts.h"
#include "core/db/script.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ------------------------------------------------------------------------------- statements */

bool
migrate_stop(struct migration *m, const char *error)
{
    m->error = error;
    return false;
}

/* PostgreSQL's message without its prefix and its end. */
static const char *
said(struct migration *m, const PGresult *res)
{
    const char *primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);

    if (!primary)
        return arena_printf(m->mem, "The connection to the database broke: %s",
                            PQerrorMessage(m->conn));
    return detail ? arena_printf(m->mem, "%s (%s)", primary, detail) : primary;
}

static bool
succeeded(const PGresult *res)
{
    ExecStatusType status = PQresultStatus(res);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static void
forget_result(void *result)
{
    PQclear(result);
}

/* Runs one statement; the result lives as long as the arena. */
bool
migrate_ask(struct migration *m, PGresult **out, const char *sql, int n, const char *const *params)
{
    PGresult *res = PQexecParams(m->conn, sql, n, NULL, params, NULL, NULL, 0);

    arena_defer(m->mem, forget_result, res);
    if (out)
        *out = res;
    return succeeded(res) || migrate_stop(m, arena_strdup(m->mem, said(m, res)));
}

bool
migrate_run(struct migration *m, const char *sql)
{
    return migrate_ask(m, NULL, sql, 0, NULL);
}

/* The place that PostgreSQL names, counted in characters from the statement's start. */
static const char *
place_of(const PGresult *res, const char *statement)
{
    const char *position = PQresultErrorField(res, PG_DIAG_STATEMENT_POSITION);
    long n = position ? strtol(position, NULL, 10) : 1;

    while (*statement && n > 1) {
        statement++;
        if (((unsigned char)*statement & 0xc0) != 0x80)
            n--;
    }
    return statement;
}

static bool
run_file(struct migration *m, const struct asset *file)
{
    struct script s = { file->text, file->text };
    const char *statement;
    size_t length;

    while (script_next(&s, &statement, &length)) {
        struct arena *scratch = arena_new();
        PGresult *res = PQexec(m->conn, arena_strndup(scratch, statement, length));
        bool good = succeeded(res);

        if (!good) {
            const char *context = PQresultErrorField(res, PG_DIAG_CONTEXT);

            m->error = arena_printf(m->mem, "%s, line %d: %s%s%s", file->path,
                                    script_line(&s, place_of(res, statement)), said(m, res),
                                    context ? "\n" : "", context ? context : "");
        }
        PQclear(res);
        arena_free(scratch);
        if (!good)
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------------------------ files */

const struct asset *
asset_find(const char *path)
{
    for (const struct asset *a = assets; a->path; a++)
        if (!strcmp(a->path, path))
            return a;
    return NULL;
}

static const char *
checksum(struct migration *m, const struct asset *file)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    struct str hex = str_new(m->mem);

    EVP_Digest(file->text, (size_t)(file->end - file->text), digest, &n, EVP_sha256(), NULL);
    for (unsigned i = 0; i < n; i++)
        str_printf(&hex, "%02x", digest[i]);
    return hex.text;
}

static const char *
recorded(const struct migration *m, const char *path)
{
    for (int i = 0; i < PQntuples(m->recorded); i++)
        if (!strcmp(PQgetvalue(m->recorded, i, 0), path))
            return PQgetvalue(m->recorded, i, 1);
    return NULL;
}

/* The folder of a module's SQL, or of the platform for NULL. */
static const char *
folder_of(struct migration *m, const char *module)
{
    return module ? arena_printf(m->mem, "modules/%s/sql/", module) : "sql/";
}

/* The file's name when it lies in this very folder, else NULL. */
static const char *
name_in(const struct asset *file, const char *folder)
{
    const char *name = file->path + strlen(folder);

    return str_starts(file->path, folder) && !strchr(name, '/') ? name : NULL;
}

static bool
is_numbered(const char *name)
{
    return isdigit((unsigned char)name[0]) && str_ends(name, ".sql");
}

/* Run again at every upgrade: functions in as many files as they need, then views.sql. */
static bool
is_repeated(const char *name)
{
    return !is_numbered(name) && str_ends(name, ".sql");
}

static const char *
base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Does the database hold a numbered file that this program does not know? */
static bool
all_known(struct migration *m)
{
    for (int i = 0; i < PQntuples(m->recorded); i++) {
        const char *path = PQgetvalue(m->recorded, i, 0);
        const struct asset *a = m->files;

        while (a->path && strcmp(a->path, path))
            a++;
        if (!a->path && is_numbered(base_name(path)))
            return migrate_stop(m, arena_printf(m->mem,
                                                "This database was made by a newer version of "
                                                "Tenon (%s is not in this program)",
                                                path));
    }
    return true;
}

/* Compares one file with what is recorded; sets *pending when it has to run. */
static bool
compare(struct migration *m, const struct asset *file, const char *name, bool *pending)
{
    const char *was = recorded(m, file->path);

    if (was && !strcmp(was, checksum(m, file)))
        return true;
    if (was && is_numbered(name))
        return migrate_stop(m, arena_printf(m->mem,
                                            "%s was changed after it had been applied to this "
                                            "database: put it back, and put the change into a "
                                            "new file",
                                            file->path));
    *pending = true;
    return true;
}

static bool
find_pending(struct migration *m, bool *pending)
{
    for (int i = -1; i < 0 || m->order[i]; i++) {
        const char *folder = folder_of(m, i < 0 ? NULL : m->order[i]);

        for (const struct asset *a = m->files; a->path; a++) {
            const char *name = name_in(a, folder);

            if (name && (is_numbered(name) || is_repeated(name)) && !compare(m, a, name, pending))
                return false;
        }
    }
    return all_known(m);
}

/* ----------------------------------------------------------------------------------- running */

static bool
apply(struct migration *m, const struct asset *file)
{
    static const char record[] =
        "INSERT INTO tenon.migration (path, checksum, ms) VALUES ($1, $2, $3)"
        " ON CONFLICT (path) DO UPDATE"
        " SET checksum = excluded.checksum, applied_at = now(), ms = excluded.ms";
    struct timespec from, to;

    clock_gettime(CLOCK_MONOTONIC, &from);
    if (!run_file(m, file))
        return false;
    clock_gettime(CLOCK_MONOTONIC, &to);
    long ms = (to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000;

    m->applied++;
    return migrate_ask(
        m, NULL, record, 3,
        (const char *[]){ file->path, checksum(m, file), arena_printf(m->mem, "%ld", ms) });
}

/* The repeated files of a folder: views.sql, or all the others in the order of their names. */
static bool
apply_repeated(struct migration *m, const char *folder, bool views)
{
    for (const struct asset *a = m->files; a->path; a++) {
        const char *name = name_in(a, folder);

        if (name && is_repeated(name) && !strcmp(name, "views.sql") == views && !apply(m, a))
            return false;
    }
    return true;
}

/* files are sorted by path, so numbered ones come in order. */
static bool
apply_folder(struct migration *m, const char *folder)
{
    for (const struct asset *a = m->files; a->path; a++) {
        const char *name = name_in(a, folder);

        if (name && is_numbered(name) && !recorded(m, a->path) && !apply(m, a))
            return false;
    }
    return apply_repeated(m, folder, false) && apply_repeated(m, folder, true);
}

/* Views that files of functions make stay: tables_setup() reads through them. */
static const char *
views_kept(struct migration *m)
{
    static const char make[] = "CREATE OR REPLACE VIEW ";
    struct str kept = str_new(m->mem);

    str_add(&kept, "{");
    for (const struct asset *a = m->files; a->path; a++) {
        if (!is_repeated(base_name(a->path)) || !strcmp(base_name(a->path), "views.sql"))
            continue;
        for (const char *at = a->text; (at = strstr(at, make));) {
            at += strlen(make);
            str_add(&kept, kept.len > 1 ? "," : "");
            str_add_n(&kept, at, strcspn(at, " \n("));
        }
    }
    str_add(&kept, "}");
    return kept.text;
}

static bool
drop_views(struct migration *m)
{
    static const char find[] =
        "SELECT string_agg(format('tenon.%I', relname), ', ') FROM pg_class"
        " WHERE relnamespace = 'tenon'::regnamespace AND relkind = 'v'"
        "   AND relowner = 'tenon_owner'::regrole AND relname <> ALL ($1::name[])";
    PGresult *views;

    if (!migrate_ask(m, &views, find, 1, (const char *[]){ views_kept(m) }))
        return false;
    return PQgetisnull(views, 0, 0) ||
           migrate_run(m, arena_printf(m->mem, "DROP VIEW %s", PQgetvalue(views, 0, 0)));
}

/* Grants, triggers and policies of all tables; then the caches of running servers are old. */
static const char finish[] =
    "DO $$ BEGIN"
    "    IF to_regprocedure('tenon.tables_setup()') IS NOT NULL THEN CALL tables_setup(); END IF;"
    "    IF to_regprocedure('tenon.shared_policies()') IS NOT NULL THEN CALL shared_policies(); END IF;"
    "    IF to_regclass('tenon.epoch') IS NOT NULL THEN"
    "        UPDATE epoch SET value = value + 1 WHERE name = 'schema';"
    "    END IF;"
    "END $$";

static bool
apply_all(struct migration *m)
{
    if (!migrate_run(m, "SET LOCAL ROLE tenon_owner") ||
        !migrate_run(m, "SET LOCAL search_path = tenon") ||
        !migrate_run(m, "SET LOCAL check_function_bodies = off") || !drop_views(m))
        return false;
    for (int i = -1; i < 0 || m->order[i]; i++)
        if (!apply_folder(m, folder_of(m, i < 0 ? NULL : m->order[i])))
            return false;
    return migrate_run(m, finish) && migrate_run(m, "RESET ROLE");
}

/* --------------------------------------------------------------------------------- the whole */

static bool
read_recorded(struct migration *m)
{
    PGresult *known;

    if (!migrate_ask(m, &known, "SELECT FROM pg_class WHERE oid = to_regclass('tenon.migration')",
                     0, NULL))
        return false;
    return migrate_ask(m, &m->recorded,
                       PQntuples(known) ? "SELECT path, checksum FROM tenon.migration"
                                        : "SELECT NULL, NULL WHERE false",
                       0, NULL);
}

static bool
migrate_locked(struct migration *m, const char *password)
{
    bool pending = false;

    if (!migrate_run(m, "BEGIN") ||
        !migrate_run(m, "SELECT pg_advisory_xact_lock(hashtext('tenon migration'))") ||
        !migrate_run(m, "SET LOCAL client_min_messages = error") || !read_recorded(m) ||
        !find_pending(m, &pending))
        return false;
    if (pending && (!migrate_roles(m) || !migrate_schema(m) || !apply_all(m)))
        return false;
    return migrate_run(m, "COMMIT") && (!password || migrate_password(m, password));
}

bool
migrate_files(struct arena *mem, const char *admin, const char *password, const char *const *order,
              const struct asset *files, int *applied, const char **error)
{
    struct migration m = { .mem = mem, .files = files, .order = order };
    bool good = false;

    m.conn = PQconnectdb(admin);
    if (PQstatus(m.conn) == CONNECTION_OK)
        good = migrate_locked(&m, password);
    else
        m.error = arena_printf(mem, "Cannot connect to the database: %s", PQerrorMessage(m.conn));
    PQfinish(m.conn); /* what is not committed is gone with the connection */
    *applied = good ? m.applied : 0;
    if (!good)
        *error = m.error;
    return good;
}

bool
migrate(struct arena *mem, const char *admin, const char *app_password, const char *const *order,
        int *applied, const char **error)
{
    return migrate_files(mem, admin, app_password, order, assets, applied, error);
}
