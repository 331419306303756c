/*
 * Two transactions at once: each right alone, wrong together. The second waits for the first
 * and then sees what it did.
 */
#include "core/base/arena.h"
#include "tests/test.h"

#include <pthread.h>
#include <unistd.h>

struct racer {
    struct rq rq;
    const char *sql;
    bool committed;
    pthread_t thread;
};

static struct racer
racer_open(struct test_database d, const char *sql)
{
    const char *why = NULL;
    struct arena *mem = arena_new();
    struct racer r = { .sql = sql };

    r.rq = (struct rq){
        .mem = mem, .db = db_open(mem, d.admin, &why), .language = "en", .body_text = "{}"
    };
    CU_ASSERT_PTR_NOT_NULL_FATAL(r.rq.db);
    return r;
}

static void
racer_close(struct racer *r)
{
    db_close(r->rq.db);
    arena_free(r->rq.mem);
}

static bool
racer_start(struct racer *r)
{
    db_begin(&r->rq, false);
    db_exec(&r->rq, "SELECT set_config('search_path', 'tenon', true)", NONE);
    db_exec(&r->rq, "SELECT context_set(NULL, id, 'race') FROM company WHERE code = 'TEST'", NONE);
    db_exec(&r->rq, r->sql, NONE);
    return db_flush(&r->rq);
}

static void *
racer_run(void *data)
{
    struct racer *r = data;

    r->committed = racer_start(r) && db_commit(&r->rq);
    if (!r->committed)
        db_rollback(&r->rq);
    return NULL;
}

/* Run both, the second while the first is open; the code that stops the second, or NULL. */
static const char *
race(const char *prepare, const char *one, const char *other)
{
    struct test_database d = test_database();
    struct racer before = racer_open(d, prepare), first = racer_open(d, one),
                 second = racer_open(d, other);
    static char code[64];

    racer_run(&before);
    CU_ASSERT_TRUE(before.committed);
    CU_ASSERT_TRUE(racer_start(&first));
    CU_ASSERT_EQUAL(pthread_create(&second.thread, NULL, racer_run, &second), 0);
    usleep(200000); /* long enough for the second to stand at the lock */
    CU_ASSERT_TRUE(db_commit(&first.rq));
    pthread_join(second.thread, NULL);
    snprintf(code, sizeof code, "%s", second.committed ? "" : test_code(&second.rq));
    racer_close(&before);
    racer_close(&first);
    racer_close(&second);
    return *code ? code : NULL;
}

static void
two_moves_make_no_circle(void)
{
    CHECK_TEXT(race("INSERT INTO party (code, name) VALUES ('A', 'A'), ('B', 'B')",
                    "UPDATE party SET parent_id = (SELECT id FROM party WHERE code = 'B')"
                    " WHERE code = 'A'",
                    "UPDATE party SET parent_id = (SELECT id FROM party WHERE code = 'A')"
                    " WHERE code = 'B'"),
               "circle");
}

static const char customer[] =
    "WITH p AS (INSERT INTO party (code, name) VALUES ('A', 'A') RETURNING id)"
    "INSERT INTO customer_company (party_id, credit_limit) SELECT id, 100 FROM p";

static void
two_orders_do_not_pass_the_limit_together(void)
{
    static const char order[] =
        "SELECT exposure_add(app_company(), id, 60, NULL) FROM party"
        " WHERE code = 'A'";

    CHECK_TEXT(race(customer, order, order), "credit_limit_exceeded");
}

static void
two_orders_within_the_limit_both_pass(void)
{
    static const char order[] =
        "SELECT exposure_add(app_company(), id, 50, NULL) FROM party"
        " WHERE code = 'A'";

    CHECK_TEXT(race(customer, order, order), NULL);
}

static void
one_code_is_given_once(void)
{
    CHECK_TEXT(race("SELECT 1", "INSERT INTO party (code, name) VALUES ('A', 'first')",
                    "INSERT INTO party (code, name) VALUES ('a', 'second')"),
               "code_used");
}

const struct test race_tests[] = {
    { "two moves make no circle", two_moves_make_no_circle },
    { "two orders do not pass the limit together", two_orders_do_not_pass_the_limit_together },
    { "two orders within the limit both pass", two_orders_within_the_limit_both_pass },
    { "one code is given once", one_code_is_given_once },
    { 0 },
};
