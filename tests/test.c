/*
 * test.c - starts a throw-away cluster, migrates a template database with two companies, and
 * runs the suites.
 *
 *     tenon-test [WORD...]     only suites or tests whose name holds one of the words
 */
#include "tests/test.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/base/tr.h"
#include "core/db/cluster.h"
#include "core/db/migrate.h"
#include "core/workflow/upgrade.h"

#include <CUnit/Basic.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    struct arena *mem;
    struct cluster cluster;
    const char *folder, *programs;
    struct db *db; /* of the transactional tests */
    int databases;
} run;

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "tenon-test: %s: %s\n", what, why);
    exit(1);
}

/* Run a statement on a connection of its own, outside any transaction. */
static void
admin(const char *conninfo, const char *sql)
{
    PGconn *conn = PQconnectdb(conninfo);
    PGresult *res = PQexec(conn, sql);

    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
        die(sql, PQerrorMessage(conn));
    PQclear(res);
    PQfinish(conn);
}

/* The same conninfo for another database: later keywords win. */
static const char *
in_database(const char *conninfo, const char *name)
{
    return arena_printf(run.mem, "%s dbname=%s", conninfo, name);
}

static const char fixture[] =
    "SET search_path = tenon;"
    "SELECT company_create('TEST', 'Test Trading Ltd', '测试贸易有限公司', 'USD', 'US', 'UTC', 'ifrs');"
    "SELECT company_create('OTHER', 'Other Works GmbH', NULL, 'EUR', 'DE', 'UTC', 'ifrs');"
    "SELECT user_create('admin', 'Admin', 'en', '{TEST,OTHER}', '{admin}'),"
    "       user_create('sales', 'Sales', 'en', '{TEST}', '{sales}'),"
    "       user_create('finance', 'Finance', 'zh', '{TEST}', '{finance}'),"
    "       user_create('warehouse', 'Warehouse', 'en', '{TEST}', '{warehouse}'),"
    "       user_create('viewer', 'Viewer', 'en', '{TEST}', '{viewer}'),"
    "       user_create('manager', 'Manager', 'en', '{TEST}', '{manager}'),"
    "       user_create('purchasing', 'Purchasing', 'en', '{TEST}', '{purchasing}'),"
    "       user_create('production', 'Production', 'en', '{TEST}', '{production}'),"
    "       user_create('quality', 'Quality', 'en', '{TEST}', '{quality}'),"
    "       user_create('service', 'Service', 'en', '{TEST}', '{service}');";

static void
template_make(void)
{
    const char *error = NULL;
    int applied;

    if (!cluster_start(run.mem, arena_printf(run.mem, "%s/data", run.folder), &run.cluster, NULL,
                       &error))
        die("cluster", error);
    if (!upgrade(run.mem, run.cluster.conninfo, NULL, &applied, &error))
        die("upgrade", error);
    admin(run.cluster.conninfo, fixture);
}

static void
languages_load(void)
{
    for (const struct asset *a = assets; a->path; a++)
        if (str_ends(a->path, "/zh_CN.po"))
            tr_load("zh", a->text);
}

/* ------------------------------------------------------------------- transactional tests */

struct rq *
test_begin_as(const char *login, const char *company)
{
    const char *error = NULL;
    struct arena *mem = arena_new();
    struct rq *rq = arena_alloc(mem, sizeof *rq);

    if (!run.db && !(run.db = db_open(run.mem, run.cluster.app_conninfo, &error)))
        die("connect", error);
    *rq =
        (struct rq){ .mem = mem, .db = run.db, .language = "en", .id = "test", .body_text = "{}" };
    db_begin(rq, false);
    if (!db_must(rq,
                 "SELECT u.id, c.id FROM app_user u, company c WHERE u.login = $1 AND c.code = $2",
                 P(login, company), OUT(&rq->user_id, &rq->company_id)))
        die("test_begin", rq->errors->message);
    db_exec(rq, "SELECT context_set($1, $2, 'test')", P(rq->user_id, rq->company_id));
    if (!db_flush(rq))
        die("test_begin", rq->errors->message);
    return rq;
}

struct rq *
test_begin(void)
{
    return test_begin_as("admin", "TEST");
}

void
test_end(struct rq *rq)
{
    if (!rq->errors) {
        db_exec(rq, "SET CONSTRAINTS ALL IMMEDIATE", NONE);
        if (!db_flush(rq)) {
            printf("\n    at the end: %s", rq->errors->message);
            CU_FAIL("deferred constraints");
        }
    }
    db_rollback(rq);
    arena_free(rq->mem);
}

void
test_mark(struct rq *rq)
{
    db_savepoint(rq);
}

void
test_recover(struct rq *rq)
{
    db_rollback_to(rq);
}

const char *
test_code(const struct rq *rq)
{
    return rq->errors ? rq->errors->code : "";
}

const char *
test_sql(struct rq *rq, const char *sql, ...)
{
    const char *text = NULL;
    va_list ap;

    va_start(ap, sql);
    sql = arena_vprintf(rq->mem, sql, ap);
    va_end(ap);
    test_mark(rq);
    if (!db_one(rq, sql, NONE, OUT(&text))) {
        printf("\n    %s\n    %s", sql, rq->errors ? rq->errors->message : "failed");
        CU_FAIL("the statement fails");
        test_recover(rq);
        return NULL;
    }
    db_release(rq);
    return text;
}

void
test_owner_sql(struct rq *rq, const char *sql, ...)
{
    va_list ap;

    va_start(ap, sql);
    sql = arena_vprintf(rq->mem, sql, ap);
    va_end(ap);
    admin(run.cluster.conninfo, arena_printf(rq->mem, "SET search_path = tenon; %s", sql));
}

const struct error *
test_refused(struct rq *rq, const char *sql, ...)
{
    struct error *why;
    va_list ap;

    va_start(ap, sql);
    sql = arena_vprintf(rq->mem, sql, ap);
    va_end(ap);
    test_mark(rq);
    db_exec(rq, sql, NONE);
    db_exec(rq, "SET CONSTRAINTS ALL IMMEDIATE", NONE);
    db_exec(rq, "SET CONSTRAINTS ALL DEFERRED", NONE);
    db_flush(rq);
    why = rq->errors;
    test_recover(rq);
    return why;
}

const char *
test_create(struct rq *rq, const char *entity, const char *json, ...)
{
    const char *ids;
    va_list ap;

    va_start(ap, json);
    json = arena_vprintf(rq->mem, json, ap);
    va_end(ap);
    ids = entity_insert(rq, entity, arena_printf(rq->mem, "[%s]", json));
    if (!ids) {
        printf("\n    %s %s", entity, json);
        for (struct error *e = rq->errors; e; e = e->next)
            printf("\n    %s: %s", e->field ? e->field : "", e->message);
        CU_FAIL("the record cannot be created");
        return "0";
    }
    return arena_strndup(rq->mem, ids + 1, strcspn(ids + 1, ",}"));
}

bool
test_take(struct rq *rq, const char *entity, const char *id, const char *action, const char *body)
{
    return workflow_take(rq, entity, arena_printf(rq->mem, "{%s}", id), action, body) &&
           db_flush(rq);
}

void
test_text(const char *file, int line, const char *is, const char *should)
{
    bool equal = is && should ? !strcmp(is, should) : is == should;

    if (!equal)
        printf("\n    %s:%d: is '%s', should be '%s'", file, line, is ? is : "(null)",
               should ? should : "(null)");
    CU_ASSERT_TRUE(equal);
}

/* -------------------------------------------------------------------- databases and files */

struct test_database
test_database(void)
{
    const char *name = arena_printf(run.mem, "test_%d", ++run.databases);

    db_close(run.db); /* a template must have no other connections */
    run.db = NULL;
    admin(in_database(run.cluster.conninfo, "postgres"),
          arena_printf(run.mem, "CREATE DATABASE %s TEMPLATE tenon", name));
    return (struct test_database){ in_database(run.cluster.app_conninfo, name),
                                   in_database(run.cluster.conninfo, name) };
}

const char *
test_folder(void)
{
    return run.folder;
}

const char *
test_programs(void)
{
    return run.programs;
}

/* --------------------------------------------------------------------------------- main */

static bool
wanted(int argc, char **argv, const char *suite, const char *test)
{
    for (int i = 1; i < argc; i++)
        if (strstr(suite, argv[i]) || strstr(test, argv[i]))
            return true;
    return argc == 1;
}

static void
suites_add(int argc, char **argv)
{
    for (const struct suite *s = suites; s->name; s++) {
        CU_pSuite suite = NULL;

        for (const struct test *t = s->tests; t->name; t++) {
            if (!wanted(argc, argv, s->name, t->name))
                continue;
            if (!suite)
                suite = CU_add_suite(s->name, NULL, NULL);
            if (!suite || !CU_add_test(suite, t->name, t->run))
                die(t->name, CU_get_error_msg());
        }
    }
}

static const char *
folder_of(const char *program)
{
    const char *slash = strrchr(program, '/');

    return slash ? arena_strndup(run.mem, program, (size_t)(slash - program)) : ".";
}

/* TENON_TEST_KEEP=1 leaves the folder, with the server's logs, for a look. */
static void
clean_up(void)
{
    const char *error = NULL;

    db_close(run.db);
    if (!cluster_stop(run.mem, arena_printf(run.mem, "%s/data", run.folder), &error))
        fprintf(stderr, "tenon-test: cluster: %s\n", error ? error : "does not stop");
    if (getenv("TENON_TEST_KEEP"))
        return;
    pid_t child = fork();

    if (child == 0)
        execlp("rm", "rm", "-rf", run.folder, (char *)NULL);
    waitpid(child, NULL, 0);
}

int
main(int argc, char **argv)
{
    char folder[] = "/tmp/tenon-test-XXXXXX";

    run.mem = arena_new();
    run.programs = folder_of(argv[0]);
    if (!mkdtemp(folder) || chmod(folder, 0755))
        die("folder", "cannot be made");
    run.folder = folder;
    setenv("TENON_TEST_FAST", "1", 1);
    log_open(arena_printf(run.mem, "%s/test.log", folder), LOG_INFO);
    languages_load();
    if (CU_initialize_registry() != CUE_SUCCESS)
        die("CUnit", CU_get_error_msg());
    suites_add(argc, argv);
    template_make();
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    unsigned failures = CU_get_number_of_tests_failed(), tests = CU_get_number_of_tests_run();

    clean_up();
    printf("%u tests, %u failed\n", tests, failures);
    CU_cleanup_registry();
    arena_free(run.mem);
    return failures > 0;
}
