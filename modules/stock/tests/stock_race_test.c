/*
 * Many at once: threads with a connection each reserve and ship the same items until nothing is
 * left. What was shipped is counted: exactly the supply, whatever the order of locks.
 */
#include "modules/stock/tests/stock_fixture.h"

#include <pthread.h>

enum { THREADS = 8, SUPPLY = 24, ATTEMPTS = 6 };

struct racer {
    pthread_t thread;
    const char *conninfo, *user, *company;
    const char *lines; /* of each shipment, JSON */
    int shipped, short_of, odd;
};

/* One shipment, from nothing to the goods issue, in one transaction. */
static bool
ship_one(struct rq *rq, const struct racer *r)
{
    const char *made;

    db_begin(rq, false);
    db_exec(rq, "SELECT context_set($1, $2, 'race')", P(r->user, r->company));
    made = entity_insert(rq, "shipment",
                         arena_printf(rq->mem, "[{\"warehouse_id\": %s, \"lines\": %s}]",
                                      test_sql(rq, "SELECT id FROM warehouse WHERE code = 'MAIN'"),
                                      r->lines));
    return made && workflow_take(rq, "shipment", made, "reserve", NULL) &&
           workflow_take(rq, "shipment", made, "ship", NULL) && db_commit(rq);
}

static void *
race(void *data)
{
    struct racer *r = data;
    const char *error = NULL;
    struct arena *lasting = arena_new(), *mem = arena_new();
    struct db *db = db_open(lasting, r->conninfo, &error);

    for (int i = 0; db && i < ATTEMPTS;) {
        struct rq rq = { .mem = mem,
                         .db = db,
                         .user_id = r->user,
                         .company_id = r->company,
                         .language = "en",
                         .id = "race",
                         .body_text = "{}" };
        bool done = ship_one(&rq, r), again = !done && db_should_retry(&rq);

        r->shipped += done;
        r->short_of += !done && failed_with(&rq, "short_stock");
        if (!done && !again && !failed_with(&rq, "short_stock")) {
            printf("\n    %s", rq.errors ? rq.errors->message : "failed");
            r->odd++;
        }
        if (!done)
            db_rollback(&rq);
        arena_reset(mem);
        i += !again;
    }
    db_close(db);
    arena_free(mem);
    arena_free(lasting);
    return NULL;
}

/* Run a committed statement as administrator of TEST; its first value. */
static const char *
prepare(struct rq *rq, const char *sql)
{
    const char *value = NULL;

    db_begin(rq, false);
    db_exec(rq,
            "SELECT context_set((SELECT id FROM app_user WHERE login = 'admin'),"
            " (SELECT id FROM company WHERE code = 'TEST'), 'race')",
            NONE);
    db_one(rq, sql, NONE, OUT(&value));
    if (!db_commit(rq)) {
        printf("\n    %s", rq->errors ? rq->errors->message : sql);
        CU_FAIL("preparing");
    }
    return value;
}

static struct rq *
connect_to(struct test_database database)
{
    const char *error = NULL;
    struct arena *mem = arena_new();
    struct rq *rq = arena_alloc(mem, sizeof *rq);

    *rq = (struct rq){
        .mem = mem, .db = db_open(mem, database.app, &error), .language = "en", .body_text = "{}"
    };
    CU_ASSERT_PTR_NOT_NULL_FATAL(rq->db);
    return rq;
}

/* Let the racers go; odd threads ship the second list of lines. Shipments that were done. */
static int
run_race(struct rq *rq, struct test_database database, const char *even, const char *odd)
{
    struct racer racers[THREADS];
    const char *user = prepare(rq, "SELECT id FROM app_user WHERE login = 'admin'");
    const char *company = prepare(rq, "SELECT id FROM company WHERE code = 'TEST'");
    int shipped = 0, short_of = 0, strange = 0;

    for (int i = 0; i < THREADS; i++) {
        racers[i] = (struct racer){
            .conninfo = database.app, .user = user, .company = company, .lines = i % 2 ? odd : even
        };
        pthread_create(&racers[i].thread, NULL, race, &racers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(racers[i].thread, NULL);
        shipped += racers[i].shipped;
        short_of += racers[i].short_of;
        strange += racers[i].odd;
    }
    CU_ASSERT_EQUAL(strange, 0);
    CU_ASSERT_EQUAL(shipped + short_of, THREADS * ATTEMPTS);
    return shipped;
}

static const char items_make[] =
    "WITH made AS (INSERT INTO item (code, name, uom_id, costing)"
    "     SELECT v.code, v.code, (SELECT min(id) FROM uom), v.costing"
    "       FROM (VALUES ('RACE1', 'average'), ('RACE2', 'fifo')) v (code, costing) RETURNING id, code)"
    " SELECT string_agg(id::text, ' ' ORDER BY code) FROM made";

static void
many_ship_until_nothing_is_left_and_no_unit_twice(void)
{
    struct test_database database = test_database();
    struct rq *rq = connect_to(database);
    const char *items = prepare(rq, items_make), *even, *odd;
    int cut = (int)strcspn(items, " ");

    prepare(
        rq,
        arena_printf(
            rq->mem,
            "INSERT INTO stock_opening (item_id, quantity, unit_cost, opened_on)"
            " SELECT id, %d, 3.333333, '2026-01-01' FROM item WHERE code LIKE 'RACE_' RETURNING id",
            SUPPLY));
    even = arena_printf(
        rq->mem,
        "[{\"item_id\": %.*s, \"quantity\": \"1\"}, {\"item_id\": %s, \"quantity\": \"1\"}]", cut,
        items, items + cut + 1);
    odd = arena_printf(
        rq->mem,
        "[{\"item_id\": %s, \"quantity\": \"1\"}, {\"item_id\": %.*s, \"quantity\": \"1\"}]",
        items + cut + 1, cut, items);
    CU_ASSERT_EQUAL(run_race(rq, database, even, odd), SUPPLY);
    db_begin(rq, false);
    db_exec(rq,
            "SELECT context_set((SELECT id FROM app_user WHERE login = 'admin'),"
            " (SELECT id FROM company WHERE code = 'TEST'), 'race')",
            NONE);
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT string_agg(trim_scale(on_hand) || '/' || trim_scale(reserved), ' ') FROM stock_balance b"
            " JOIN location l ON l.id = b.location_id WHERE l.kind = 'internal'"),
        "0/0 0/0");
    CHECK_TEXT(test_sql(rq, "SELECT trim_scale(sum(value)) FROM stock_valuation"), "0");
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM shipment WHERE state = 'done'"),
               arena_printf(rq->mem, "%d", SUPPLY));
    stock_checks(rq);
    db_rollback(rq);
    db_close(rq->db);
    arena_free(rq->mem);
}

const struct test stock_race_tests[] = {
    { "many ship until nothing is left, and no unit twice",
      many_ship_until_nothing_is_left_and_no_unit_twice },
    { 0 },
};
