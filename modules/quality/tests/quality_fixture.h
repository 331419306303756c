/*
 * quality_fixture.h - what the tests of quality begin with: a lot-tracked item, its plan, goods
 * that arrive, and the checks of stock and quality.
 */
#ifndef TENON_QUALITY_FIXTURE_H
#define TENON_QUALITY_FIXTURE_H

#include "core/base/str.h"
#include "core/db/migrate.h"
#include "modules/quality/quality.h"
#include "tests/test.h"

#define MAIN_ROOT "stock_root((SELECT id FROM warehouse WHERE code = 'MAIN'))"
#define MAIN_QC "stock_quarantine((SELECT id FROM warehouse WHERE code = 'MAIN'))"

static inline const char *
lot_item(struct rq *rq, const char *code)
{
    return test_sql(rq,
                    "INSERT INTO item (code, name, uom_id, costing, tracking)"
                    " SELECT '%s', 'Item %s', min(id), 'average', 'lot' FROM uom RETURNING id",
                    code, code);
}

/* A shipment of one line. */
static inline const char *
shipment_new(struct rq *rq, const char *kind, const char *item, const char *quantity)
{
    return test_create(
        rq, "shipment",
        "{\"kind\": \"%s\", \"warehouse_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"%s\"}]}",
        kind, test_sql(rq, "SELECT id FROM warehouse WHERE code = 'MAIN'"), item, quantity);
}

static inline const char *
stock_of(struct rq *rq, const char *item)
{
    return test_sql(rq,
                    "SELECT concat_ws('/', trim_scale(a.on_hand), trim_scale(a.reserved),"
                    "                 trim_scale(a.available))"
                    "  FROM warehouse w, stock_availability(w.id, '{%s}') a WHERE w.code = 'MAIN'",
                    item);
}

/* What is posted on the account with this role, debit less credit. */
static inline const char *
ledger_of(struct rq *rq, const char *role)
{
    test_sql(rq, "SET CONSTRAINTS ALL IMMEDIATE");
    test_sql(rq, "SET CONSTRAINTS ALL DEFERRED");
    return test_sql(rq,
                    "SELECT coalesce(sum(l.debit - l.credit), 0)::numeric(18,2) FROM journal_line l"
                    "  JOIN account a ON a.id = l.account_id"
                    " WHERE a.role = '%s' AND l.posted_on IS NOT NULL",
                    role);
}

/* Its length is measured, from 9.5 to 10.5 mm, and its looks are judged. */
static inline const char *
plan_new(struct rq *rq, const char *item, const char *occasion)
{
    return test_create(
        rq, "quality_plan",
        "{\"name\": \"Plan %s\", \"item_id\": %s, \"occasion\": \"%s\", \"sampling\": \"percent\","
        " \"sample\": \"15\", \"characteristics\": [{\"name\": \"Length\", \"kind\": \"measure\","
        " \"minimum\": \"9.5\", \"maximum\": \"10.5\", \"unit\": \"mm\"}, {\"name\": \"Looks\"}]}",
        item, item, occasion);
}

/*
 * The other side of a shipment. Goods of a location PRODUCTION that posts to work in progress
 * move by production orders alone, which quality does not know: these tests give it an account
 * of its own, as a workshop without orders has.
 */
static inline const char *
side_of(struct rq *rq, const char *kind)
{
    test_sql(rq,
             "UPDATE location l SET account_id = a.id FROM account a"
             " WHERE a.role = 'stock_adjustment' AND a.company_id = l.company_id"
             " AND l.kind = 'production' AND l.account_id IS NULL");
    return test_sql(rq, "SELECT stock_side(app_company(), '%s')", kind);
}

/* A shipment of one line, of a kind, with this other side ("supplier", "production"). */
static inline const char *
shipment_with(struct rq *rq, const char *kind, const char *side, const char *item,
              const char *quantity)
{
    const char *cost = strcmp(kind, "receipt") ? "" : ", \"unit_cost\": \"2\"";

    return test_create(rq, "shipment",
                       "{\"kind\": \"%s\", \"warehouse_id\": %s, \"other_location_id\": %s,"
                       " \"lines\": [{\"item_id\": %s, \"quantity\": \"%s\"%s}]}",
                       kind, test_sql(rq, "SELECT id FROM warehouse WHERE code = 'MAIN'"),
                       side_of(rq, side), item, quantity, cost);
}

static inline const char *
line_of(struct rq *rq, const char *shipment)
{
    return test_sql(rq, "SELECT min(id) FROM shipment_line WHERE shipment_id = %s", shipment);
}

/* Receive all of a shipment of one line as one lot. */
static inline bool
arrive(struct rq *rq, const char *shipment, const char *lot)
{
    return test_take(rq, "shipment", shipment, "receive",
                     arena_printf(rq->mem,
                                  "{\"lines\": [{\"id\": %s, \"lots\": [{\"code\": \"%s\","
                                  " \"quantity\": %s}]}]}",
                                  line_of(rq, shipment), lot,
                                  test_sql(rq,
                                           "SELECT trim_scale(quantity) FROM shipment_line"
                                           " WHERE shipment_id = %s",
                                           shipment)));
}

static inline const char *
lot_id(struct rq *rq, const char *code)
{
    return test_sql(rq, "SELECT id FROM lot WHERE code = '%s'", code);
}

static inline const char *
inspection_of(struct rq *rq, const char *shipment)
{
    return test_sql(rq,
                    "SELECT min(q.id) FROM quality_inspection q JOIN shipment_line l"
                    "    ON l.id = q.shipment_line_id WHERE l.shipment_id = %s",
                    shipment);
}

/* Record a length and the looks. */
static inline bool
record(struct rq *rq, const char *inspection, const char *length, const char *looks)
{
    static const char result[] =
        "SELECT id FROM quality_inspection_result WHERE inspection_id = %s AND name = '%s'";

    return test_take(rq, "quality_inspection", inspection, "record",
                     arena_printf(rq->mem,
                                  "{\"results\": [{\"id\": %s, \"value\": \"%s\"},"
                                  " {\"id\": %s, \"passed\": %s}]}",
                                  test_sql(rq, result, inspection, "Length"), length,
                                  test_sql(rq, result, inspection, "Looks"), looks));
}

static inline void
quality_checks(struct rq *rq)
{
    struct rows rows;

    db_exec(rq, "SET CONSTRAINTS ALL IMMEDIATE", NONE);
    db_exec(rq, "SET CONSTRAINTS ALL DEFERRED", NONE);
    for (const struct asset *a = assets; a->path; a++) {
        if (!str_starts(a->path, "modules/quality/check/") &&
            !str_starts(a->path, "modules/stock/check/"))
            continue;
        CU_ASSERT_TRUE_FATAL(db_rows(rq, a->text, NONE, &rows));
        if (rows.count)
            printf("\n    %s finds %d rows", a->path, rows.count);
        CU_ASSERT_EQUAL(rows.count, 0);
    }
}

#endif
