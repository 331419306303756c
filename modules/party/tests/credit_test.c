/*
 * Exposure and the credit limit, as orders and invoices will move them: the owner's function
 * stands for their triggers. Each test takes its turn in one database of its own.
 */
#include "core/base/arena.h"
#include "tests/test.h"

static struct {
    struct arena *mem;
    struct db *db;
    struct rq rq;
} own;

/* A transaction of the owner with a customer whose limit is 100. */
static struct rq *
owner_begin(void)
{
    const char *why = NULL;

    if (!own.mem) {
        own.mem = arena_new();
        own.db = db_open(own.mem, test_database().admin, &why);
    }
    own.rq = (struct rq){ .mem = own.mem, .db = own.db, .language = "en", .body_text = "{}" };
    db_begin(&own.rq, false);
    test_sql(&own.rq, "SELECT set_config('search_path', 'tenon', true)");
    test_sql(&own.rq,
             "SELECT context_set(u.id, c.id, 'test') FROM app_user u, company c"
             " WHERE u.login = 'admin' AND c.code = 'TEST'");
    test_sql(&own.rq, "INSERT INTO party (code, name) VALUES ('ACME', 'Acme') RETURNING id");
    test_sql(&own.rq,
             "INSERT INTO customer_company (party_id, credit_limit)"
             " SELECT id, 100 FROM party WHERE code = 'ACME' RETURNING id");
    return &own.rq;
}

static void
owner_end(struct rq *rq)
{
    db_rollback(rq);
}

static void
add(struct rq *rq, const char *delta, const char *released_by)
{
    test_sql(rq, "SELECT exposure_add(app_company(), id, %s, %s) FROM party WHERE code = 'ACME'",
             delta, released_by);
}

/* What COMMIT would say; NULL when it would pass. */
static const char *
at_commit(struct rq *rq)
{
    const struct error *e = test_refused(rq, "SELECT 1");

    return e ? e->message : NULL;
}

/* The exposure that an earlier transaction left, without a name to it. */
static void
left_before(struct rq *rq, const char *exposure)
{
    test_sql(rq,
             "UPDATE customer_company SET exposure = %s, exposure_before = %s,"
             " exposure_xid = NULL RETURNING id",
             exposure, exposure);
}

static void
over_the_limit_is_refused_at_commit(void)
{
    struct rq *rq = owner_begin();

    add(rq, "100", "NULL");
    CHECK_TEXT(at_commit(rq), NULL);
    add(rq, "0.01", "NULL");
    CHECK_TEXT(at_commit(rq), "Over the credit limit by 0.01");
    owner_end(rq);
}

static void
what_cancels_out_within_a_transaction_passes(void)
{
    struct rq *rq = owner_begin();

    left_before(rq, "150");
    add(rq, "-40", "NULL"); /* less order ... */
    add(rq, "40", "NULL");  /* ... and more invoice */
    CHECK_TEXT(at_commit(rq), NULL);
    add(rq, "1", "NULL");
    CHECK_TEXT(at_commit(rq), "Over the credit limit by 51.00");
    owner_end(rq);
}

static void
whoever_is_over_the_limit_may_come_down(void)
{
    struct rq *rq = owner_begin();

    left_before(rq, "300");
    add(rq, "-50", "NULL");
    CHECK_TEXT(at_commit(rq), NULL);
    owner_end(rq);
}

static void
a_release_lets_its_own_transaction_pass_by_name(void)
{
    struct rq *rq = owner_begin();

    add(rq, "500", "app_user_id()");
    CHECK_TEXT(at_commit(rq), NULL);
    CHECK_TEXT(test_sql(rq,
                        "SELECT u.login FROM customer_company c"
                        "  JOIN app_user u ON u.id = c.released_by"),
               "admin");
    test_sql(rq,
             "UPDATE customer_company SET exposure_xid = NULL, released_xid = '3' RETURNING id");
    add(rq, "1", "NULL"); /* the next transaction has no name to it */
    CHECK_TEXT(at_commit(rq), "Over the credit limit by 401.00");
    owner_end(rq);
}

static void
without_a_limit_everything_passes(void)
{
    struct rq *rq = owner_begin();

    test_sql(rq, "UPDATE customer_company SET credit_limit = NULL RETURNING id");
    add(rq, "1000000", "NULL");
    CHECK_TEXT(at_commit(rq), NULL);
    owner_end(rq);
}

static void
a_customer_without_terms_gets_them_with_the_first_order(void)
{
    struct rq *rq = owner_begin();

    test_sql(rq, "DELETE FROM customer_company RETURNING id");
    add(rq, "70", "NULL");
    CHECK_TEXT(test_sql(rq, "SELECT exposure FROM customer_company"), "70");
    CHECK_TEXT(at_commit(rq), NULL);
    owner_end(rq);
}

static void
terms_with_an_exposure_stay(void)
{
    struct rq *rq = owner_begin();
    const struct error *e;

    add(rq, "70", "NULL");
    e = test_refused(rq, "DELETE FROM customer_company");
    CHECK_TEXT(e ? e->message : NULL, "This customer has open orders or invoices");
    test_sql(rq, "INSERT INTO party (code, name) VALUES ('OTHER', 'Other') RETURNING id");
    e = test_refused(rq,
                     "UPDATE customer_company SET party_id ="
                     " (SELECT id FROM party WHERE code = 'OTHER')");
    CHECK_TEXT(e ? e->message : NULL, "Customer terms stay with their customer");
    owner_end(rq);
}

static void
a_group_s_exposure_is_the_sum_of_its_leaves(void)
{
    struct rq *rq = owner_begin();

    test_sql(rq,
             "INSERT INTO party (code, name, parent_id)"
             " SELECT c, c, id FROM party, unnest('{EAST,WEST}'::text[]) c WHERE code = 'ACME'"
             " RETURNING id");
    test_sql(rq,
             "INSERT INTO party (code, name, parent_id)"
             " SELECT 'FAR', 'Far', id FROM party WHERE code = 'EAST' RETURNING id");
    add(rq, "10", "NULL");
    test_sql(rq,
             "SELECT count(exposure_add(app_company(), id, 1, NULL)) FROM party"
             " WHERE code IN ('EAST', 'WEST', 'FAR')");
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(format('%%s %%s %%s', p.code, t.parties, t.exposure),"
                        " ', ' ORDER BY p.code)"
                        "  FROM party_credit_tree t JOIN party p USING (id)"
                        " WHERE p.code IN ('ACME', 'EAST', 'WEST')"),
               "ACME 4 13, EAST 2 2, WEST 1 1");
    owner_end(rq);
}

static void
the_server_s_role_cannot_move_the_exposure(void)
{
    struct rq *rq = test_begin();

    test_sql(rq, "INSERT INTO party (code, name) VALUES ('ACME', 'Acme') RETURNING id");
    test_sql(rq,
             "INSERT INTO customer_company (party_id, credit_limit)"
             " SELECT id, 100 FROM party WHERE code = 'ACME' RETURNING id");
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "UPDATE customer_company SET exposure = 0"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "UPDATE customer_company SET released_xid = '1'"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq,
                                        "INSERT INTO customer_company (party_id, exposure)"
                                        " SELECT id, 5 FROM party WHERE code = 'ACME'"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq,
                                        "SELECT exposure_add(app_company(), id, 1, NULL)"
                                        " FROM party WHERE code = 'ACME'"));
    test_end(rq);
}

const struct test credit_tests[] = {
    { "over the limit is refused at commit", over_the_limit_is_refused_at_commit },
    { "what cancels out within a transaction passes",
      what_cancels_out_within_a_transaction_passes },
    { "whoever is over the limit may come down", whoever_is_over_the_limit_may_come_down },
    { "a release lets its own transaction pass, by name",
      a_release_lets_its_own_transaction_pass_by_name },
    { "without a limit everything passes", without_a_limit_everything_passes },
    { "a customer without terms gets them with the first order",
      a_customer_without_terms_gets_them_with_the_first_order },
    { "terms with an exposure stay", terms_with_an_exposure_stay },
    { "a group's exposure is the sum of its leaves", a_group_s_exposure_is_the_sum_of_its_leaves },
    { "the server's role cannot move the exposure", the_server_s_role_cannot_move_the_exposure },
    { 0 },
};
