/*
 * Many clerks posting at the same moment, and one who closes the period.
 */
#include "modules/accounting/tests/books.h"
#include "tests/own_database.h"

#include <pthread.h>

enum { CLERKS = 8, EACH = 25 };

struct clerk {
    pthread_t thread;
    const char *conninfo, *party;
    int posted, failed, retried;
};

/* Draft and post one invoice; every fifth time think better of it at the last moment. */
static bool
post_one(struct db *db, struct clerk *c, int n)
{
    struct arena *mem = arena_new();
    struct rq rq = open_request(mem, db);
    const char *ids =
        entity_insert(&rq, "invoice",
                      arena_printf(mem,
                                   "[{\"party_id\": %s, \"invoice_date\": \"%d-05-05\","
                                   " \"lines\": [{\"unit_price\": \"1.01\"}]}]",
                                   c->party, n % 2 ? 2025 : 2026));
    bool ok = ids && workflow_take(&rq, "invoice", ids, "post", NULL) && db_flush(&rq);

    if (ok && n % 5 == 4) {
        db_rollback(&rq);
    } else if (ok && db_commit(&rq)) {
        c->posted++;
    } else {
        ok = false;
        c->retried += db_should_retry(&rq);
        c->failed += !db_should_retry(&rq);
        db_rollback(&rq);
    }
    arena_free(mem);
    return ok;
}

static void *
clerk_run(void *arg)
{
    struct clerk *c = arg;
    struct arena *mem = arena_new();
    const char *error = NULL;
    struct db *db = db_open(mem, c->conninfo, &error);

    for (int n = 0; db && n < EACH && !c->failed; n++)
        for (int again = 0; again < 20 && !post_one(db, c, n) && !c->failed; again++)
            ;
    if (db)
        db_close(db);
    arena_free(mem);
    return NULL;
}

static void
two_hundred_postings_at_once_leave_no_gap(void)
{
    struct test_database own = test_database();
    struct arena *mem = arena_new();
    const char *error = NULL;
    struct db *db = db_open(mem, own.app, &error);
    struct rq rq = open_request(mem, db);
    struct clerk clerks[CLERKS] = { 0 };
    int posted = 0;

    for (int i = 0; i < CLERKS; i++)
        clerks[i].party = a_party(&rq, arena_printf(mem, "Party %d", i / 2));
    CU_ASSERT_TRUE(db_commit(&rq));
    for (int i = 0; i < CLERKS; i++) {
        clerks[i].conninfo = own.app;
        pthread_create(&clerks[i].thread, NULL, clerk_run, &clerks[i]);
    }
    for (int i = 0; i < CLERKS; i++) {
        pthread_join(clerks[i].thread, NULL);
        CU_ASSERT_EQUAL(clerks[i].failed, 0);
        posted += clerks[i].posted;
    }
    CU_ASSERT_EQUAL(posted, CLERKS * EACH * 4 / 5);
    rq = open_request(mem, db);
    CHECK_TEXT(test_sql(&rq,
                        "SELECT count(DISTINCT number) || ' ' || max(number) FROM invoice"
                        " WHERE invoice_date >= '2026-01-01' AND number IS NOT NULL"),
               "80 INV-2026-00080");
    CHECK_TEXT(balance_of(&rq, "receivable"), "161.60");
    db_rollback(&rq);
    db_close(db);
    checks_hold(own.admin);
    arena_free(mem);
}

static void
a_period_is_not_closed_under_a_posting(void)
{
    struct test_database own = test_database();
    struct arena *mem = arena_new();
    const char *error = NULL, *period;
    struct db *one = db_open(mem, own.app, &error), *two = db_open(mem, own.app, &error);
    struct rq clerk = open_request(mem, one), boss;
    const char *party = a_party(&clerk, "Buyer");

    an_invoice(&clerk, party, "2026-01-10", "10");
    CU_ASSERT_TRUE(db_commit(&clerk));
    clerk = open_request(mem, one);
    an_invoice(&clerk, party, "2026-01-11", "10");
    boss = open_request(mem, two);
    period = test_sql(&boss, "SELECT id FROM period WHERE name = '2026-01'");
    db_exec(&boss, "SET LOCAL lock_timeout = '200ms'", NONE);
    CHECK_TEXT(refused_step(&boss, "period", period, "close", NULL), "busy");
    CU_ASSERT_TRUE(db_commit(&clerk));
    take(&boss, "period", period, "close", NULL);
    clerk = open_request(mem, one);
    db_exec(&clerk, "SET LOCAL lock_timeout = '200ms'", NONE);
    CHECK_TEXT(refused_step(&clerk, "invoice",
                            a_draft(&clerk, "customer_invoice", party, "2026-01-12", "10"), "post",
                            NULL),
               "busy");
    CU_ASSERT_TRUE(db_commit(&boss));
    CHECK_TEXT(refused_step(&clerk, "invoice",
                            a_draft(&clerk, "customer_invoice", party, "2026-01-12", "10"), "post",
                            NULL),
               "period_closed");
    db_rollback(&clerk);
    db_close(one);
    db_close(two);
    checks_hold(own.admin);
    arena_free(mem);
}

const struct test posting_tests[] = {
    { "a period is not closed under a posting", a_period_is_not_closed_under_a_posting },
    { "two hundred postings at once leave no gap", two_hundred_postings_at_once_leave_no_gap },
    { 0 },
};
