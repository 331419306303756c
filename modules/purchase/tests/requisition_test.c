/*
 * requisition_test.c - plans become requisitions and orders, the supply stays what the promises
 * count on; and a requisition takes no supply that is not its own. In a database of its own:
 * plans are written by the owner of the functions, as the planning of an order does.
 */
#include "modules/purchase/purchase.h"
#include "modules/purchase/tests/purchase_fixture.h"
#include "tests/own_database.h"

#define MINE "(SELECT id FROM company WHERE code = 'TEST')"

/* Run SQL as the functions' owner, committed at once; the first value. */
static const char *
planned(struct arena *mem, PGconn *owner, const char *sql)
{
    PGresult *res;
    const char *value = NULL;

    PQclear(PQexec(owner,
                   "BEGIN; SET LOCAL search_path = tenon; SELECT context_set((SELECT id"
                   " FROM app_user WHERE login = 'admin'), " MINE ", 'plan')"));
    res = PQexec(owner, sql);
    if (PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res))
        value = arena_strdup(mem, PQgetvalue(res, 0, 0));
    else
        printf("\n    %s", PQresultErrorMessage(res));
    PQclear(res);
    res = PQexec(owner, "COMMIT");
    CU_ASSERT_EQUAL(PQresultStatus(res), PGRES_COMMAND_OK);
    PQclear(res);
    return value;
}

/* A plan to buy 30 of an item; peg: SQL of the promise that it is for. */
static const char *
plan(struct arena *mem, PGconn *owner, const char *item, const char *peg)
{
    return planned(mem, owner,
                   arena_printf(mem,
                                "SELECT supply_add(" MINE ", %s, w.id, 'buy', app_today() + 30, 30,"
                                " false, %s) FROM (SELECT min(id) AS id FROM warehouse"
                                " WHERE company_id = " MINE ") w",
                                item, peg));
}

/* Ordered at once, 40 of it (in twenties), as a draft that the buyer sends; firm only then. */
static void
what_is_pegged_is_ordered(struct rq *rq, const char *supply)
{
    const char *ids = arena_printf(rq->mem, "{%s}", supply), *made = requisitions_make(rq, ids);

    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT concat_ws(' ', r.state, o.state, trim_scale(l.quantity),"
                 "                 trim_scale(s.quantity), s.firm, o.flow_id = r.flow_id)"
                 "  FROM purchase_requisition r"
                 "  JOIN purchase_requisition_line n ON n.requisition_id = r.id"
                 "  JOIN purchase_order_line l ON l.requisition_line_id = n.id"
                 "  JOIN purchase_order o ON o.id = l.order_id JOIN supply s ON s.id = l.supply_id"
                 " WHERE r.id = ANY ('%s') AND s.id = %s",
                 made, supply),
        "ordered draft 40 40 f t");
    CHECK_TEXT(requisitions_make(rq, ids), "{}");
    step(rq, "purchase_order", test_sql(rq, "SELECT max(id) FROM purchase_order"), "order", NULL);
    CHECK_TEXT(
        test_sql(rq, "SELECT concat_ws(' ', trim_scale(quantity), firm) FROM supply WHERE id = %s",
                 supply),
        "40 t");
}

/* For stock, and without a supplier: it waits for the buyer; cancelled, nothing comes. */
static void
what_is_not_waits(struct rq *rq, const char *supply)
{
    const char *made = requisitions_make(rq, arena_printf(rq->mem, "{%s}", supply));

    made = test_sql(
        rq, "SELECT max(id) FROM purchase_requisition WHERE id = ANY ('%s') AND state = 'draft'",
        made);
    step(rq, "purchase_requisition", made, "approve", NULL);
    CHECK_TEXT(step_refused(rq, "purchase_requisition", made, "order", NULL), "no_supplier");
    step(rq, "purchase_requisition", made, "cancel", NULL);
    CHECK_TEXT(test_sql(rq, "SELECT trim_scale(quantity) FROM supply WHERE id = %s", supply), "0");
}

static void
plans_become_requisitions_and_orders(void)
{
    struct test_database database = test_database();
    struct arena *mem = arena_new();
    const char *error = NULL, *supplier, *item, *bare, *pegged, *stock;
    PGconn *owner = PQconnectdb(database.admin);
    struct db *db = db_open(mem, database.app, &error);
    struct rq rq = open_request(mem, db);

    supplier = supplier_new(&rq, "Quarry Ltd");
    item = bought_item(&rq, "P-1", "average");
    bare = bought_item(&rq, "P-2", "average");
    test_create(
        &rq, "item_supplier",
        "{\"item_id\": %s, \"supplier_id\": %s, \"unit_price\": \"10\", \"multiple\": \"20\","
        " \"lead_days\": 5}",
        item, supplier);
    CU_ASSERT_TRUE(db_commit(&rq));
    pegged = plan(
        mem, owner, item,
        arena_printf(mem, "promise_put(" MINE ", %s, w.id, app_today() + 30, 30, NULL)", item));
    stock = plan(mem, owner, bare, "NULL");
    rq = open_request(mem, db);
    what_is_pegged_is_ordered(&rq, pegged);
    /* A requisition takes no supply that an order brings. */
    CHECK_TEXT(test_refused(&rq,
                            "INSERT INTO purchase_requisition_line (requisition_id, position,"
                            " item_id, quantity, needed_on, warehouse_id, supply_id)"
                            " SELECT r.id, 9, s.item_id, 1, app_today(), s.warehouse_id, s.id"
                            "  FROM supply s, purchase_requisition r WHERE s.id = %s",
                            pegged)
                   ->code,
               "not_planned");
    what_is_not_waits(&rq, stock);
    purchase_checks(&rq);
    CU_ASSERT_TRUE(db_commit(&rq));
    PQfinish(owner);
    db_close(db);
    arena_free(mem);
}

static void
reports_tell_what_is_open(void)
{
    struct rq *rq = test_begin();
    struct purchase p = ordered(rq, "10");
    struct rows rows;

    receive(rq, p.order, "4");
    for (const struct asset *a = assets; a->path; a++) {
        if (!str_starts(a->path, "modules/purchase/reports/"))
            continue;
        CU_ASSERT_TRUE_FATAL(db_rows(rq, a->text, P(NULL, "en"), &rows));
        CU_ASSERT_EQUAL_FATAL(rows.count, 1);
        /* 6 still to come for 60.00; 4 received and not billed, worth 40.00. */
        CHECK_TEXT(cell(&rows, 0, rows.columns - 1),
                   strstr(a->path, "open_orders") ? "60.00" : "40.00");
    }
    test_end(rq);
}

const struct test requisition_tests[] = {
    { "plans become requisitions and orders, and their supply firm with the order",
      plans_become_requisitions_and_orders },
    { "the reports tell what is to come and what is not billed", reports_tell_what_is_open },
    { 0 },
};
