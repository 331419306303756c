/*
 * migrate_test.c - an upgrade happens whole or not at all, once, and says where it stopped.
 *
 * Small sets of files stand for the program's own; each test has a database whose schema was
 * dropped.
 */
#include "core/db/migrate.h"
#include "core/db/external.h"
#include "tests/test.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena *mem;
static const char *error;
static int applied;
static const char *const order[] = { "m", NULL };

enum { FILES = 8 };

/* The files of a program, sorted by path: { path, text, path, text, ..., NULL }. */
static const struct asset *
files(const char *const *pairs)
{
    struct asset *list = arena_alloc(mem, FILES * sizeof *list);

    for (int i = 0; pairs[2 * i]; i++)
        list[i] = (struct asset){ pairs[2 * i], pairs[2 * i + 1],
                                  pairs[2 * i + 1] + strlen(pairs[2 * i + 1]) };
    return list;
}

#define PROGRAM(...) files((const char *const[]){ __VA_ARGS__, NULL, NULL })

static const char table_sql[] =
    "CREATE TABLE trace (n bigint GENERATED ALWAYS AS IDENTITY, what text);\n"
    "INSERT INTO trace (what) VALUES ('1');";
static const char *const v1[] = {
    "modules/m/sql/001_m.sql",
    "INSERT INTO trace (what) VALUES ('m1');",
    "modules/m/sql/functions.sql",
    "INSERT INTO trace (what) VALUES ('mf');",
    "modules/m/sql/views.sql",
    "CREATE VIEW m_view AS SELECT what FROM seen;\n"
    "INSERT INTO trace (what) VALUES ('mv');",
    "sql/001_table.sql",
    table_sql,
    "sql/functions.sql",
    "INSERT INTO trace (what) VALUES ('f');",
    "sql/views.sql",
    "CREATE VIEW seen AS SELECT what FROM trace;\n"
    "INSERT INTO trace (what) VALUES ('v');",
    NULL,
    NULL,
};

static void
run_sql(const char *conninfo, const char *sql)
{
    PGconn *conn = PQconnectdb(conninfo);
    PGresult *res = PQexec(conn, sql);

    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK) {
        printf("\n    %s: %s", sql, PQerrorMessage(conn));
        CU_FAIL("the statement fails");
    }
    PQclear(res);
    PQfinish(conn);
}

static const char *
ask(const char *conninfo, const char *sql)
{
    PGconn *conn = PQconnectdb(conninfo);
    PGresult *res = PQexec(conn, sql);
    const char *text = PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res)
                           ? arena_strdup(mem, PQgetvalue(res, 0, 0))
                           : NULL;

    PQclear(res);
    PQfinish(conn);
    return text;
}

static const char *
empty_database(void)
{
    if (!mem)
        mem = arena_new();
    const char *admin = test_database().admin;

    run_sql(admin, "SET client_min_messages = error; DROP SCHEMA tenon CASCADE");
    return admin;
}

static bool
up(const char *admin, const struct asset *program)
{
    error = NULL;
    return migrate_files(mem, admin, NULL, order, program, &applied, &error);
}

static void
must_up(const char *admin, const struct asset *program)
{
    if (!up(admin, program)) {
        printf("\n    %s", error);
        CU_FAIL("the migration fails");
    }
}

static bool
says(const char *words)
{
    bool found = error && strstr(error, words);

    if (!found)
        printf("\n    says: %s", error ? error : "(nothing)");
    return found;
}

static const char *
trace(const char *admin)
{
    return ask(admin, "SELECT string_agg(what, ' ' ORDER BY n) FROM tenon.trace");
}

static void
an_empty_database_gets_all_files_in_their_order(void)
{
    const char *admin = empty_database();

    must_up(admin, files(v1));
    CU_ASSERT_EQUAL(applied, 6);
    CHECK_TEXT(trace(admin), "1 f v m1 mf mv");
    CHECK_TEXT(ask(admin,
                   "SELECT string_agg(path, ' ' ORDER BY path) FROM tenon.migration"
                   " WHERE checksum ~ '^[0-9a-f]{64}$' AND ms >= 0"),
               "modules/m/sql/001_m.sql modules/m/sql/functions.sql modules/m/sql/views.sql "
               "sql/001_table.sql sql/functions.sql sql/views.sql");
    CHECK_TEXT(
        ask(admin, "SELECT relowner::regrole FROM pg_class WHERE oid = 'tenon.trace'::regclass"),
        "tenon_owner");
}

static void
a_second_run_does_nothing(void)
{
    const char *admin = empty_database(), *before;

    must_up(admin, files(v1));
    before = ask(admin, "SELECT max(applied_at) FROM tenon.migration");
    must_up(admin, files(v1));
    CU_ASSERT_EQUAL(applied, 0);
    CHECK_TEXT(trace(admin), "1 f v m1 mf mv");
    CHECK_TEXT(ask(admin, "SELECT max(applied_at) FROM tenon.migration"), before);
}

static void
a_change_runs_what_is_new_and_all_functions_and_views_again(void)
{
    const char *admin = empty_database();

    must_up(admin, files(v1));
    must_up(admin,
            PROGRAM(v1[0], v1[1], v1[2], v1[3], v1[4], v1[5], v1[6], v1[7], "sql/002_more.sql",
                    "INSERT INTO trace (what) VALUES ('2');", v1[8], v1[9], v1[10], v1[11]));
    CHECK_TEXT(trace(admin), "1 f v m1 mf mv 2 f v mf mv");
    must_up(admin, PROGRAM(v1[0], v1[1], v1[2], "INSERT INTO trace (what) VALUES ('mF');", v1[4],
                           v1[5], v1[6], v1[7], "sql/002_more.sql",
                           "INSERT INTO trace (what) VALUES ('2');", v1[8], v1[9], v1[10], v1[11]));
    CHECK_TEXT(trace(admin), "1 f v m1 mf mv 2 f v mf mv f v mF mv");
}

static void
a_table_may_change_under_its_views(void)
{
    const char *admin = empty_database();

    must_up(admin, files(v1));
    must_up(admin, PROGRAM(v1[0], v1[1], v1[2], "", v1[4], "", v1[6], v1[7], "sql/002_drop.sql",
                           "ALTER TABLE trace DROP COLUMN what;", v1[8], "", v1[10],
                           "CREATE VIEW seen AS SELECT n FROM trace;"));
    CHECK_TEXT(ask(admin, "SELECT count(*) FROM pg_views WHERE schemaname = 'tenon'"), "1");
}

static void
a_changed_file_that_was_applied_is_refused(void)
{
    const char *admin = empty_database();

    must_up(admin, files(v1));
    CU_ASSERT_FALSE(up(admin, PROGRAM(v1[0], "SELECT 1;", v1[2], v1[3], v1[4], v1[5], v1[6], v1[7],
                                      v1[8], v1[9], v1[10], v1[11])));
    CU_ASSERT_TRUE(says("modules/m/sql/001_m.sql was changed after it had been applied"));
    CHECK_TEXT(trace(admin), "1 f v m1 mf mv");
}

static void
a_database_of_a_newer_program_is_refused(void)
{
    const char *admin = empty_database();

    must_up(admin, files(v1));
    CU_ASSERT_FALSE(up(admin, PROGRAM(v1[6], v1[7], v1[8], v1[9], v1[10], v1[11])));
    CU_ASSERT_TRUE(says("made by a newer version of Tenon (modules/m/sql/001_m.sql"));
}

static void
a_file_that_fails_leaves_nothing_behind(void)
{
    const char *admin = empty_database();

    CU_ASSERT_FALSE(
        up(admin, PROGRAM("sql/001_table.sql", table_sql, "sql/002_bad.sql",
                          "SELECT 1;\n\nINSERT INTO trace (what)\nVALUES (nonsense);")));
    CU_ASSERT_TRUE(says("sql/002_bad.sql, line 4: column \"nonsense\" does not exist"));
    CHECK_TEXT(ask(admin, "SELECT count(*) FROM pg_namespace WHERE nspname = 'tenon'"), "0");
    CU_ASSERT_EQUAL(applied, 0);
    must_up(admin, files(v1));
    CU_ASSERT_FALSE(
        up(admin, PROGRAM(v1[0], v1[1], v1[2], v1[3], v1[4], v1[5], v1[6], v1[7], "sql/002_bad.sql",
                          "INSERT INTO trace (what) VALUES ('2');\n"
                          "DO $$\nBEGIN\n    PERFORM 1 / 0;\nEND $$;",
                          v1[8], v1[9], v1[10], v1[11])));
    CU_ASSERT_TRUE(says("sql/002_bad.sql, line 2: division by zero"));
    CHECK_TEXT(trace(admin), "1 f v m1 mf mv");
}

/* The exit status of each child is the number of files that it applied, 100 for failure. */
static void
of_two_migrators_at_once_one_works_and_one_waits(void)
{
    const char *admin = empty_database();
    const struct asset *slow =
        PROGRAM("sql/001_table.sql", table_sql, "sql/functions.sql", "SELECT pg_sleep(0.3);");
    int status[2] = { -1, -1 };
    pid_t pid[2];

    for (int i = 0; i < 2; i++)
        if ((pid[i] = fork()) == 0)
            _exit(up(admin, slow) ? applied : 100);
    for (int i = 0; i < 2; i++)
        waitpid(pid[i], &status[i], 0);
    CU_ASSERT_EQUAL(WEXITSTATUS(status[0]) + WEXITSTATUS(status[1]), 2);
    CHECK_TEXT(trace(admin), "1");
}

static void
running_servers_learn_that_the_schema_changed(void)
{
    const char *admin = empty_database();
    const char *epoch =
        "CREATE TABLE epoch (name text, value bigint);"
        "INSERT INTO epoch VALUES ('schema', 5), ('workflow', 5);";

    must_up(admin, PROGRAM("sql/001_epoch.sql", epoch));
    must_up(admin, PROGRAM("sql/001_epoch.sql", epoch));
    CHECK_TEXT(ask(admin, "SELECT string_agg(value::text, ' ' ORDER BY name) FROM tenon.epoch"),
               "6 5");
}

static void
the_servers_role_may_make_nothing_and_nobody_may_execute_by_default(void)
{
    const char *admin = empty_database();

    must_up(admin, PROGRAM("sql/001_table.sql", table_sql, "sql/functions.sql",
                           "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1';"));
    CHECK_TEXT(ask(admin, "SELECT has_function_privilege('tenon_app', 'tenon.f()', 'execute')"),
               "f");
    CHECK_TEXT(ask(admin, "SELECT has_schema_privilege('tenon_app', 'tenon', 'create')"), "f");
    CHECK_TEXT(ask(admin, "SELECT has_database_privilege('tenon_app', current_database(), 'temp')"),
               "f");
    CHECK_TEXT(ask(admin,
                   "SELECT rolcanlogin AND NOT rolbypassrls AND NOT rolsuper AND NOT rolcreaterole"
                   " FROM pg_roles WHERE rolname = 'tenon_app'"),
               "t");
    CHECK_TEXT(ask(admin,
                   "SELECT NOT rolcanlogin AND rolbypassrls AND NOT rolsuper FROM pg_roles"
                   " WHERE rolname = 'tenon_owner'"),
               "t");
}

/* An external PostgreSQL where we are no superuser. */
static void
a_role_that_owns_the_database_migrates_once_it_belongs_to_the_owner(void)
{
    const char *admin = empty_database();
    const char *outsider = arena_printf(mem, "%s user=outsider", admin);

    run_sql(admin,
            "DO $$ BEGIN EXECUTE format('CREATE ROLE outsider LOGIN;"
            " ALTER DATABASE %I OWNER TO outsider', current_database()); END $$");
    CU_ASSERT_FALSE(up(outsider, files(v1)));
    CU_ASSERT_TRUE(says("Let an administrator of the database run: "));
    CU_ASSERT_TRUE(says("GRANT tenon_owner TO \"outsider\""));
    run_sql(admin, "GRANT tenon_owner TO outsider");
    must_up(outsider, files(v1));
    CHECK_TEXT(trace(admin), "1 f v m1 mf mv");
}

static void
the_server_signs_in_to_an_external_database_with_a_password_of_its_own(void)
{
    const char *admin = empty_database(), *password = NULL, *again = NULL;
    const char *folder = arena_printf(mem, "%s/external", test_folder());
    const char *app = external_app_conninfo(mem, folder, admin, &password, &error);
    struct stat st;

    CU_ASSERT_PTR_NOT_NULL_FATAL(app);
    CU_ASSERT_EQUAL(strlen(password), 48);
    CU_ASSERT_EQUAL(stat(arena_printf(mem, "%s/tenon_app.password", folder), &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
    CU_ASSERT_TRUE(migrate_files(mem, admin, password, order, files(v1), &applied, &error));
    CHECK_TEXT(ask(app, "SELECT current_user || ' ' || current_setting('search_path')"),
               "tenon_app tenon");
    external_app_conninfo(mem, folder, "postgresql://u:p@example.com/db", &again, &error);
    CHECK_TEXT(again, password);
    CU_ASSERT_PTR_NULL(external_app_conninfo(mem, folder, "nonsense", &again, &error));
    CU_ASSERT_TRUE(says("This is not a connection string of PostgreSQL"));
}

static void
a_database_that_is_not_there_is_one_sentence(void)
{
    if (!mem)
        mem = arena_new();
    CU_ASSERT_FALSE(up("host=/nowhere", files(v1)));
    CU_ASSERT_TRUE(says("Cannot connect to the database: "));
}

const struct test migrate_tests[] = {
    { "an empty database gets all files in their order",
      an_empty_database_gets_all_files_in_their_order },
    { "a second run does nothing", a_second_run_does_nothing },
    { "a change runs what is new, and all functions and views again",
      a_change_runs_what_is_new_and_all_functions_and_views_again },
    { "a table may change under its views", a_table_may_change_under_its_views },
    { "a changed file that was applied is refused", a_changed_file_that_was_applied_is_refused },
    { "a database of a newer program is refused", a_database_of_a_newer_program_is_refused },
    { "a file that fails leaves nothing behind", a_file_that_fails_leaves_nothing_behind },
    { "of two migrators at once one works and one waits",
      of_two_migrators_at_once_one_works_and_one_waits },
    { "running servers learn that the schema changed",
      running_servers_learn_that_the_schema_changed },
    { "the server's role may make nothing, and nobody may execute by default",
      the_servers_role_may_make_nothing_and_nobody_may_execute_by_default },
    { "a role that owns the database migrates once it belongs to the owner",
      a_role_that_owns_the_database_migrates_once_it_belongs_to_the_owner },
    { "the server signs in to an external database with a password of its own",
      the_server_signs_in_to_an_external_database_with_a_password_of_its_own },
    { "a database that is not there is one sentence",
      a_database_that_is_not_there_is_one_sentence },
    { 0 },
};
