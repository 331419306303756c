/*
 * promise_fixture.h - a shop of one item, with what comes and who orders: for the tests of what
 * is promised. Each test has a database of its own; supply is written as the module of a
 * purchase would, by the owner of the functions.
 */
#ifndef TENON_PROMISE_FIXTURE_H
#define TENON_PROMISE_FIXTURE_H

#include "modules/sales/sales.h"
#include "tests/own_database.h"

static struct {
    struct test_database database;
    struct arena *mem;
    PGconn *owner;
    struct db *db;
    const char *item, *customer;
} at;

#define CONTEXT                                                                                    \
    "SELECT context_set((SELECT id FROM app_user WHERE login = 'admin'),"                          \
    " (SELECT id FROM company WHERE code = 'TEST'), 'promise')"

/* Run SQL as the functions' owner, committed at once; the first value, or NULL. The error of a
 * statement that fails is in *error, which may be NULL: then it fails the test. */
static inline const char *
owner_try(const char **error, const char *sql)
{
    PGresult *res;
    const char *value = NULL;

    PQclear(PQexec(at.owner, "BEGIN; SET LOCAL search_path = tenon; " CONTEXT));
    res = PQexec(at.owner, sql);
    if (PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) && !PQgetisnull(res, 0, 0))
        value = arena_strdup(at.mem, PQgetvalue(res, 0, 0));
    if (PQresultStatus(res) != PGRES_FATAL_ERROR) {
        PQclear(res);
        res = PQexec(at.owner, "COMMIT");
    }
    if (PQresultStatus(res) == PGRES_FATAL_ERROR) {
        const char *hint = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);

        if (error)
            *error = arena_strdup(at.mem, hint ? hint : PQresultErrorMessage(res));
        else
            printf("\n    %s", PQresultErrorMessage(res));
        CU_ASSERT_PTR_NOT_NULL(error);
    }
    PQclear(res);
    if (PQtransactionStatus(at.owner) != PQTRANS_IDLE)
        PQclear(PQexec(at.owner, "ROLLBACK"));
    return value;
}

static inline const char *
owner(const char *sql)
{
    return owner_try(NULL, sql);
}

static inline void
commit(struct rq *rq)
{
    bool done = db_commit(rq);

    if (!done) {
        printf("\n    %s", rq->errors ? rq->errors->message : "?");
        db_rollback(rq);
    }
    CU_ASSERT_TRUE(done);
}

/* A shop with this much of one item. */
static inline void
open_shop(const char *stock)
{
    const char *error = NULL;

    at.database = test_database();
    at.mem = arena_new();
    at.owner = PQconnectdb(at.database.admin);
    at.db = db_open(at.mem, at.database.app, &error);
    struct rq rq = open_request(at.mem, at.db);

    at.item = test_sql(&rq,
                       "INSERT INTO item (code, name, uom_id, list_price)"
                       " SELECT 'THING', 'Thing', min(id), 10 FROM uom RETURNING id");
    at.customer = test_create(&rq, "party", "{\"name\": \"Buyer\", \"is_customer\": true}");
    if (stock)
        test_create(&rq, "stock_opening",
                    "{\"item_id\": %s, \"quantity\": \"%s\", \"unit_cost\": \"1\"}", at.item,
                    stock);
    commit(&rq);
}

static inline void
close_shop(void)
{
    checks_hold(at.database.admin);
    PQfinish(at.owner);
    db_close(at.db);
    arena_free(at.mem);
}

/* So many more come in so many days. */
static inline const char *
comes(const char *quantity, const char *days)
{
    return owner(
        arena_printf(at.mem,
                     "SELECT supply_add(app_company(), %s, (SELECT min(id) FROM warehouse"
                     " WHERE company_id = app_company()), 'buy', app_today() + %s, %s, true,"
                     " NULL)",
                     at.item, days, quantity));
}

/* An order of this quantity, wanted in so many days; confirmed. */
static inline const char *
orders(const char *quantity, const char *days)
{
    struct rq rq = open_request(at.mem, at.db);
    const char *id = test_create(
        &rq, "sales_order",
        "{\"customer_id\": %s, \"required_date\": \"%s\","
        " \"lines\": [{\"item_id\": %s, \"quantity\": \"%s\"}]}",
        at.customer, test_sql(&rq, "SELECT (app_today() + %s)::text", days), at.item, quantity);

    CU_ASSERT_TRUE(test_take(&rq, "sales_order", id, "confirm", NULL));
    commit(&rq);
    return id;
}

/* In how many days the order's line is promised, "none" without a date; and what covers it. */
static inline const char *
promised(const char *order)
{
    return owner(
        arena_printf(at.mem,
                     "SELECT coalesce((promised_date - app_today())::text, 'none') || ':' ||"
                     " (SELECT string_agg(' ' || (s ->> 'quantity') || ' ' || (s ->> 'from'), '')"
                     "    FROM jsonb_array_elements(promise_source) s)"
                     " FROM sales_order_line WHERE order_id = %s",
                     order));
}

#endif
