/*
 * Committed orders: many report on one operation at once, and what they report adds up and never
 * passes the order; what was planned becomes an order.
 */
#include "modules/production/tests/production_fixture.h"

#include <pthread.h>

enum { WORKERS = 8, REPORTS = 5, QUANTITY = 30 };

struct worker {
    pthread_t thread;
    const char *conninfo, *order;
    int good, too_much, odd;
};

static bool
begin(struct rq *rq)
{
    return db_begin(rq, false) && db_exec(rq, "SET LOCAL search_path = tenon", NONE) &&
           db_exec(rq,
                   "SELECT context_set((SELECT id FROM app_user WHERE login = 'admin'),"
                   " (SELECT id FROM company WHERE code = 'TEST'), 'race')",
                   NONE);
}

static void *
work(void *data)
{
    struct worker *w = data;
    const char *error = NULL;
    struct arena *lasting = arena_new(), *mem = arena_new();
    struct db *db = db_open(lasting, w->conninfo, &error);
    const char *ids = arena_printf(lasting, "{%s}", w->order);

    for (int i = 0; db && i < REPORTS;) {
        struct rq rq = { .mem = mem, .db = db, .language = "en", .id = "race", .body_text = "{}" };
        bool done = begin(&rq) &&
                    workflow_take(&rq, "production_order", ids, "report",
                                  "{\"labour_minutes\": 3, \"good\": 1}") &&
                    db_commit(&rq);
        bool again = !done && db_should_retry(&rq);

        w->good += done;
        w->too_much += !done && failed_with(&rq, "too_much");
        if (!done && !again && !failed_with(&rq, "too_much")) {
            printf("\n    %s", rq.errors ? rq.errors->message : "failed");
            w->odd++;
        }
        if (!done)
            db_rollback(&rq);
        i += !again;
        arena_reset(mem);
    }
    db_close(db);
    arena_free(mem);
    arena_free(lasting);
    return NULL;
}

/* An order of 30 with one operation, released. */
static const char *
order_ready(struct rq *rq)
{
    const char *item, *part, *routing, *order;

    begin(rq);
    item = part_new(rq, "RACED", "C62");
    part = part_new(rq, "RACED-PART", "C62");
    routing = test_create(rq, "routing",
                          "{\"code\": \"R\", \"name\": \"R\", \"operations\": [{\"position\": 10,"
                          " \"name\": \"Do\", \"work_center_id\": %s, \"run_minutes\": \"3\"}]}",
                          work_center_new(rq, "W", "60", "0"));
    test_create(rq, "bom",
                "{\"item_id\": %s, \"routing_id\": %s,"
                " \"lines\": [{\"item_id\": %s, \"quantity\": \"1\"}]}",
                item, routing, part);
    test_create(rq, "stock_opening",
                "{\"item_id\": %s, \"quantity\": \"30\", \"unit_cost\": \"1\"}", part);
    order = test_create(rq, "production_order", "{\"item_id\": %s, \"quantity\": \"%d\"}", item,
                        QUANTITY);
    CU_ASSERT_TRUE(test_take(rq, "production_order", order, "release", NULL));
    CU_ASSERT_TRUE(db_commit(rq));
    return order;
}

static void
reports_at_once_add_up_and_stop_at_the_order(void)
{
    struct test_database database = test_database();
    struct worker workers[WORKERS] = { 0 };
    const char *error = NULL, *order, *sums = NULL;
    struct arena *mem = arena_new();
    struct rq rq = {
        .mem = mem, .db = db_open(mem, database.app, &error), .language = "en", .body_text = "{}"
    };
    int good = 0, too_much = 0, odd = 0;

    CU_ASSERT_PTR_NOT_NULL_FATAL(rq.db);
    order = order_ready(&rq);
    for (int i = 0; i < WORKERS; i++) {
        workers[i].conninfo = database.app;
        workers[i].order = order;
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(workers[i].thread, NULL);
        good += workers[i].good;
        too_much += workers[i].too_much;
        odd += workers[i].odd;
    }
    /* 40 reports of one each for an order of 30, at three minutes and a dollar a minute. */
    CU_ASSERT_EQUAL(odd, 0);
    CU_ASSERT_EQUAL(good, QUANTITY);
    CU_ASSERT_EQUAL(too_much, WORKERS * REPORTS - QUANTITY);
    begin(&rq);
    db_one(
        &rq,
        "SELECT concat_ws(' ', trim_scale(p.good), trim_scale(p.labour_minutes), p.progress, f.labour_cost)"
        "  FROM production_operation p JOIN production_order_fact f ON f.id = p.order_id"
        " WHERE p.order_id = $1",
        P(order), OUT(&sums));
    CHECK_TEXT(sums, "30 90 full 90.00");
    production_checks(&rq);
    db_rollback(&rq);
    db_close(rq.db);
    arena_free(mem);
}

/* Under the functions' owner, who alone may plan. */
static void
a_plan_becomes_an_order_that_takes_its_promises_over(void)
{
    struct test_database database = test_database();
    const char *error = NULL, *supply, *promise, *made, *again, *sums = NULL;
    struct arena *mem = arena_new();
    struct rq rq = {
        .mem = mem, .db = db_open(mem, database.admin, &error), .language = "en", .body_text = "{}"
    };
    const char *item, *part;

    CU_ASSERT_PTR_NOT_NULL_FATAL(rq.db);
    begin(&rq);
    item = part_new(&rq, "PLANNED", "C62");
    part = part_new(&rq, "PLANNED-PART", "C62");
    test_create(&rq, "bom",
                "{\"item_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"2\"}]}", item,
                part);
    test_create(&rq, "stock_opening",
                "{\"item_id\": %s, \"quantity\": \"9\", \"unit_cost\": \"1\"}", part);
    supply = test_sql(&rq,
                      "SELECT supply_add(app_company(), %s, (SELECT min(id) FROM warehouse WHERE"
                      " company_id = app_company()), 'make', app_today() + 7, 4, false, NULL)",
                      item);
    promise = test_sql(&rq,
                       "SELECT promise_put(app_company(), %s, (SELECT min(id) FROM warehouse WHERE"
                       " company_id = app_company()), app_today() + 7, 8, %s)",
                       part, supply);
    made = production_orders_make(&rq, arena_printf(mem, "{%s}", supply));
    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    db_one(&rq,
           "SELECT concat_ws(' ', trim_scale(o.quantity), o.planned_finish - app_today(), s.firm,"
           "                 c.promise_id = $2::bigint, trim_scale(c.quantity))"
           "  FROM production_order o JOIN supply s ON s.id = o.supply_id"
           "  JOIN production_component c ON c.order_id = o.id WHERE o.id = ANY ($1::bigint[])",
           P(made, promise), OUT(&sums));
    CHECK_TEXT(sums, "4 7 t t 8");
    again = production_orders_make(&rq, arena_printf(mem, "{%s}", supply));
    CHECK_TEXT(again, "{}");
    /* Eight of nine are kept for it: a second order for one piece finds only one. */
    CHECK_TEXT(test_sql(&rq,
                        "SELECT promise_free(company_id, item_id, warehouse_id, day)::text"
                        "  FROM promise WHERE id = %s",
                        promise),
               "1");
    db_rollback(&rq);
    db_close(rq.db);
    arena_free(mem);
}

const struct test production_race_tests[] = {
    { "reports at once add up and stop at the order",
      reports_at_once_add_up_and_stop_at_the_order },
    { "a plan becomes an order that takes its promises over",
      a_plan_becomes_an_order_that_takes_its_promises_over },
    { 0 },
};
