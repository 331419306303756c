/*
 * stock_fixture.h - what the tests of stock begin with: items, stock, shipments, and the
 * module's own checks.
 */
#ifndef TENON_STOCK_FIXTURE_H
#define TENON_STOCK_FIXTURE_H

#include "core/base/str.h"
#include "core/db/migrate.h"
#include "modules/stock/stock.h"
#include "tests/test.h"

#define MAIN_ROOT "stock_root((SELECT id FROM warehouse WHERE code = 'MAIN'))"

static inline const char *
item_new(struct rq *rq, const char *code, const char *costing)
{
    return test_sql(rq,
                    "INSERT INTO item (code, name, uom_id, costing, standard_cost)"
                    " SELECT '%s', 'Item %s', min(id), '%s', 2.5 FROM uom RETURNING id",
                    code, code, costing);
}

static inline void
stock_open(struct rq *rq, const char *item, const char *quantity, const char *cost)
{
    test_create(rq, "stock_opening",
                "{\"item_id\": %s, \"quantity\": \"%s\", \"unit_cost\": \"%s\","
                " \"opened_on\": \"2026-01-01\"}",
                item, quantity, cost);
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

/* "on hand/reserved/available" of an item in MAIN. */
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

/* Every check of this module is empty. */
static inline void
stock_checks(struct rq *rq)
{
    struct rows rows;

    db_exec(rq, "SET CONSTRAINTS ALL IMMEDIATE", NONE);
    db_exec(rq, "SET CONSTRAINTS ALL DEFERRED", NONE);
    for (const struct asset *a = assets; a->path; a++) {
        if (!str_starts(a->path, "modules/stock/check/"))
            continue;
        if (!db_rows(rq, a->text, NONE, &rows)) {
            printf("\n    %s: %s", a->path, rq->errors->message);
            CU_FAIL("a check does not run");
            return;
        }
        if (rows.count)
            printf("\n    %s finds %d rows", a->path, rows.count);
        CU_ASSERT_EQUAL(rows.count, 0);
    }
}

#endif
