/*
 * promise_test.c - what an order promises stays promised: dates from stock and from what will
 * come, kept against later orders, plain SQL and many clerks at once.
 */
#include "modules/sales/tests/promise_fixture.h"

#include <pthread.h>

/*
 * Ten in stock, ten more in a week. A takes 6 today. B wants 6: four are left today, so it is a
 * week. C wants 5: a week as well (4 + 10 - 6 = 8). What is then left on every day from today:
 * today 4, in a week 3. So D cannot have 4 at all - 3 can be promised, one by nothing - but 3
 * today are there for E, who comes when D has changed his order to none.
 */
static void
each_line_gets_the_first_day_that_takes_nothing_from_anybody(void)
{
    const char *d, *a;

    open_shop("10");
    comes("10", "7");
    a = orders("6", "0");
    CHECK_TEXT(promised(a), "0: 6 stock");
    CHECK_TEXT(promised(orders("6", "0")), "7: 4 stock 2 buy");
    CHECK_TEXT(promised(orders("5", "0")), "7: 4 stock 1 buy");
    d = orders("4", "0");
    CHECK_TEXT(promised(d), "none: 3 stock 1 none");

    struct rq rq = open_request(at.mem, at.db);

    CU_ASSERT_TRUE(test_take(&rq, "sales_order", d, "cancel", NULL));
    commit(&rq);
    CHECK_TEXT(promised(orders("3", "0")), "0: 3 stock");
    CHECK_TEXT(promised(orders("1", "30")), "none: 1 none");
    CHECK_TEXT(owner("SELECT sum(quantity) FROM promise"), "20");
    CHECK_TEXT(owner("SELECT count(*) FROM promise_exception"), "0");
    close_shop();
}

static void
a_changed_order_is_promised_anew_before_the_change_is_accepted(void)
{
    const char *order;

    open_shop("10");
    comes("10", "7");
    order = orders("6", "0");

    struct rq rq = open_request(at.mem, at.db);
    const char *line = test_sql(&rq, "SELECT id FROM sales_order_line WHERE order_id = %s", order);

    CU_ASSERT_TRUE(entity_update(
        &rq, "sales_order", order, NULL,
        arena_printf(at.mem, "{\"lines\": [{\"id\": %s, \"quantity\": \"12\"}]}", line)));
    commit(&rq);
    CHECK_TEXT(promised(order), "7: 6 stock 4 stock 2 buy");
    CHECK_TEXT(owner("SELECT (promised_date - first_promised_date)::text FROM sales_order_line"),
               "7"); /* first promise and last */
    close_shop();
}

/* A quotation tells the date and keeps nothing. */
static void
a_quotation_tells_a_date_and_reserves_nothing(void)
{
    open_shop("10");

    struct rq rq = open_request(at.mem, at.db);
    const char *id =
        test_create(&rq, "sales_order",
                    "{\"customer_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"8\"}]}",
                    at.customer, at.item);

    commit(&rq);
    CHECK_TEXT(promised(id), "0: 8 stock");
    CHECK_TEXT(owner("SELECT count(*) FROM promise"), "0");
    CHECK_TEXT(promised(orders("9", "0")), "0: 9 stock");
    close_shop();
}

/* What is promised for today is not given to who comes first to the warehouse. */
static void
goods_that_were_promised_are_not_set_aside_for_others(void)
{
    const char *kept, *other;

    open_shop("10");
    kept = orders("7", "3"); /* in three days, from stock: nothing is set aside yet */
    CHECK_TEXT(owner("SELECT sum(quantity_reserved) FROM shipment_line"), "0");

    struct rq rq = open_request(at.mem, at.db);

    other = test_create(&rq, "shipment",
                        "{\"kind\": \"delivery\", \"party_id\": %s, \"warehouse_id\": %s,"
                        " \"lines\": [{\"item_id\": %s, \"quantity\": \"10\"}]}",
                        at.customer, test_sql(&rq, "SELECT min(id) FROM warehouse"), at.item);
    CU_ASSERT_TRUE(test_take(&rq, "shipment", other, "reserve", NULL));
    CHECK_TEXT(
        test_sql(&rq,
                 "SELECT trim_scale(quantity_reserved) FROM shipment_line WHERE shipment_id = %s",
                 other),
        "3");
    commit(&rq);
    rq = open_request(at.mem, at.db);
    CU_ASSERT_TRUE(
        test_take(&rq, "shipment",
                  test_sql(&rq,
                           "SELECT s.shipment_id FROM shipment_line s JOIN sales_order_line l"
                           " ON l.id = s.sales_order_line_id WHERE l.order_id = %s",
                           kept),
                  "ship", NULL)); /* he may have it earlier: it is his */
    commit(&rq);
    CHECK_TEXT(owner("SELECT sum(quantity) FROM promise"), "0");
    close_shop();
}

static void
what_is_lost_shows_as_an_exception_and_is_promised_anew(void)
{
    const char *order, *supply;

    open_shop(NULL);
    supply = comes("10", "5");
    order = orders("8", "0");
    CHECK_TEXT(promised(order), "5: 8 buy");
    owner(arena_printf(at.mem, "SELECT supply_set(%s, app_today() + 5, 6, true)", supply));
    CHECK_TEXT(
        owner("SELECT (day - app_today()) || ' ' || trim_scale(missing) FROM promise_exception"),
        "5 2");
    comes("4", "9");

    struct rq rq = open_request(at.mem, at.db);

    CU_ASSERT_TRUE(test_take(&rq, "sales_order", order, "promise", NULL));
    commit(&rq);
    CHECK_TEXT(promised(order), "9: 4 buy 4 buy");
    CHECK_TEXT(owner("SELECT count(*) FROM promise_exception"), "0");
    owner(arena_printf(at.mem, "SELECT supply_set(%s, app_today() - 3, 6, true)", supply));
    CHECK_TEXT(owner("SELECT count(*) FROM promise_exception"), "0"); /* late: it counts tomorrow */
    close_shop();
}

/* Five expire in two days, five never do. */
static void
what_expires_is_promised_until_then_and_used_first(void)
{
    open_shop(NULL);
    owner(arena_printf(at.mem, "UPDATE item SET tracking = 'lot' WHERE id = %s", at.item));
    owner(arena_printf(
        at.mem,
        "WITH l AS (INSERT INTO lot (company_id, item_id, code, expires_on)"
        " VALUES (app_company(), %s, 'X', app_today() + 2), (app_company(), %s, 'Y', NULL)"
        " RETURNING id) INSERT INTO stock_opening (item_id, lot_id, quantity, unit_cost)"
        " SELECT %s, id, 5, 1 FROM l",
        at.item, at.item, at.item));
    CHECK_TEXT(promised(orders("6", "5")), "none: 5 stock 1 none"); /* only Y is there by then */

    struct rq rq = open_request(at.mem, at.db);

    CU_ASSERT_TRUE(test_take(&rq, "sales_order", test_sql(&rq, "SELECT max(id) FROM sales_order"),
                             "cancel", NULL));
    commit(&rq);
    CHECK_TEXT(promised(orders("5", "1")), "1: 5 stock"); /* from X, before it expires */
    CHECK_TEXT(promised(orders("5", "5")), "5: 5 stock"); /* so Y is still there */
    CHECK_TEXT(promised(orders("1", "1")), "none: 1 none");
    close_shop();
}

static void
no_statement_promises_what_will_not_be_there(void)
{
    const char *error = NULL;

    open_shop("10");
    orders("8", "0");
    owner_try(&error,
              arena_printf(at.mem,
                           "SELECT promise_put(app_company(), %s, (SELECT min(id) FROM warehouse"
                           " WHERE company_id = app_company()), app_today() + 3, 3, NULL)",
                           at.item));
    CHECK_TEXT(error, "short");
    error = NULL;
    orders("2", "9");
    owner_try(&error, "UPDATE promise SET quantity = quantity + 1 WHERE day > app_today()");
    CHECK_TEXT(error, "short");

    /* The server's role writes none of it, and may call nothing that does. */
    static const char *const attempts[] = {
        "INSERT INTO promise (company_id, item_id, warehouse_id, day, quantity)"
        " SELECT company_id, item_id, warehouse_id, day, 1 FROM promise LIMIT 1",
        "UPDATE promise SET quantity = 99",
        "DELETE FROM promise_day",
        "UPDATE supply SET quantity = 99",
        "SELECT promise_put(1, 1, 1, app_today(), 1, NULL)",
        "SELECT sales_promise('{1}')",
    };
    struct rq rq = open_request(at.mem, at.db);

    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++) {
        const struct error *e = test_refused(&rq, "%s", attempts[i]);

        CHECK_TEXT(e ? e->code : "accepted", "forbidden");
    }
    db_rollback(&rq);
    close_shop();
}

/* ------------------------------------------------------------------------------ many at once */

enum { CLERKS = 8, ORDERS_EACH = 4 };

struct clerk {
    pthread_t thread;
    int confirmed, odd;
};

static bool
confirm_one(struct arena *mem, struct db *db, bool *again)
{
    struct rq rq = open_request(mem, db);
    const char *id =
        entity_insert(&rq, "sales_order",
                      arena_printf(mem,
                                   "[{\"customer_id\": %s, \"lines\": [{\"item_id\": %s,"
                                   " \"quantity\": \"1\"}]}]",
                                   at.customer, at.item));
    bool done = id && workflow_take(&rq, "sales_order", id, "confirm", NULL) && db_commit(&rq);

    *again = !done && db_should_retry(&rq);
    if (!done && !*again)
        printf("\n    %s", rq.errors ? rq.errors->message : "failed");
    if (!done)
        db_rollback(&rq);
    return done;
}

static void *
sell(void *data)
{
    struct clerk *c = data;
    const char *error = NULL;
    struct arena *lasting = arena_new(), *mem = arena_new();
    struct db *db = db_open(lasting, at.database.app, &error);

    for (int i = 0; db && i < ORDERS_EACH;) {
        bool again, done = confirm_one(mem, db, &again);

        c->confirmed += done;
        c->odd += !done && !again;
        i += !again;
        arena_reset(mem);
    }
    db_close(db);
    arena_free(mem);
    arena_free(lasting);
    return NULL;
}

/* 32 orders of one each; ten are here, ten come in a week, and there is no more. */
static void
many_confirm_at_once_and_never_more_is_promised_than_there_will_be(void)
{
    struct clerk clerks[CLERKS] = { 0 };
    int confirmed = 0, odd = 0;

    open_shop("10");
    comes("10", "7");
    for (int i = 0; i < CLERKS; i++)
        pthread_create(&clerks[i].thread, NULL, sell, &clerks[i]);
    for (int i = 0; i < CLERKS; i++) {
        pthread_join(clerks[i].thread, NULL);
        confirmed += clerks[i].confirmed;
        odd += clerks[i].odd;
    }
    CU_ASSERT_EQUAL(odd, 0);
    CU_ASSERT_EQUAL(confirmed, CLERKS * ORDERS_EACH);
    CHECK_TEXT(owner("SELECT string_agg(d || ' ' || n, ', ' ORDER BY d) FROM (SELECT coalesce("
                     "(promised_date - app_today())::text, 'none') AS d, count(*) AS n"
                     "  FROM sales_order_line GROUP BY 1) x"),
               "0 10, 7 10, none 12");
    CHECK_TEXT(owner("SELECT sum(quantity) || ' ' || sum(reserved) FROM promise"), "20 10");
    CHECK_TEXT(owner("SELECT count(*) FROM promise_exception"), "0");
    close_shop();
}

const struct test promise_tests[] = {
    { "each line gets the first day that takes nothing from anybody",
      each_line_gets_the_first_day_that_takes_nothing_from_anybody },
    { "a changed order is promised anew before the change is accepted",
      a_changed_order_is_promised_anew_before_the_change_is_accepted },
    { "a quotation tells a date and reserves nothing",
      a_quotation_tells_a_date_and_reserves_nothing },
    { "goods that were promised are not set aside for others",
      goods_that_were_promised_are_not_set_aside_for_others },
    { "what is lost shows as an exception and is promised anew",
      what_is_lost_shows_as_an_exception_and_is_promised_anew },
    { "what expires is promised until then and used first",
      what_expires_is_promised_until_then_and_used_first },
    { "no statement promises what will not be there",
      no_statement_promises_what_will_not_be_there },
    { "many confirm at once, and never more is promised than there will be",
      many_confirm_at_once_and_never_more_is_promised_than_there_will_be },
    { 0 },
};
