/*
 * purchase_fixture.h - what the tests of purchasing begin with: a supplier, an item with his
 * price, an order; and the module's own checks.
 */
#ifndef TENON_PURCHASE_FIXTURE_H
#define TENON_PURCHASE_FIXTURE_H

#include "core/base/str.h"
#include "core/db/migrate.h"
#include "tests/test.h"

struct purchase {
    const char *supplier, *item, *order;
};

static inline const char *
supplier_new(struct rq *rq, const char *name)
{
    return test_create(rq, "party", "{\"name\": \"%s\", \"is_supplier\": true}", name);
}

static inline const char *
bought_item(struct rq *rq, const char *code, const char *costing)
{
    return test_sql(
        rq,
        "INSERT INTO item (code, name, uom_id, costing, standard_cost)"
        " SELECT '%s', 'Item %s', id, '%s', 2.5 FROM uom WHERE code = 'EA' RETURNING id",
        code, code, costing);
}

static inline void
step(struct rq *rq, const char *entity, const char *id, const char *action, const char *body)
{
    if (test_take(rq, entity, id, action, body))
        return;
    printf("\n    %s %s: %s", entity, action, rq->errors ? rq->errors->message : "failed");
    CU_FAIL("the step is refused");
}

/* The code with which a step is refused, undone; "" when it is not. */
static inline const char *
step_refused(struct rq *rq, const char *entity, const char *id, const char *action,
             const char *body)
{
    const char *code;

    test_mark(rq);
    test_take(rq, entity, id, action, body);
    code = arena_strdup(rq->mem, test_code(rq));
    test_recover(rq);
    return code;
}

/* A supplier who sells an item at 10.00 in 5 working days, and a sent order of so much. */
static inline struct purchase
ordered(struct rq *rq, const char *quantity)
{
    struct purchase p = { .supplier = supplier_new(rq, "Quarry Ltd"),
                          .item = bought_item(rq, "P-ITEM", "average") };

    test_create(rq, "item_supplier",
                "{\"item_id\": %s, \"supplier_id\": %s, \"unit_price\": \"10\", \"lead_days\": 5}",
                p.item, p.supplier);
    p.order =
        test_create(rq, "purchase_order",
                    "{\"supplier_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"%s\"}]}",
                    p.supplier, p.item, quantity);
    step(rq, "purchase_order", p.order, "order", NULL);
    return p;
}

/* The open receipt of an order. */
static inline const char *
open_receipt(struct rq *rq, const char *order)
{
    return test_sql(rq,
                    "SELECT max(h.id) FROM shipment h JOIN shipment_line l ON l.shipment_id = h.id"
                    "  JOIN purchase_order_line o ON o.id = l.purchase_order_line_id"
                    " WHERE o.order_id = %s AND h.state = 'draft' AND h.kind = 'receipt'",
                    order);
}

/* Receive so much of the first line that is open; the body of the step. */
static inline const char *
receive_body(struct rq *rq, const char *receipt, const char *quantity)
{
    return arena_printf(
        rq->mem, "{\"lines\": [{\"id\": %s, \"quantity\": \"%s\"}]}",
        test_sql(rq, "SELECT min(id) FROM shipment_line WHERE shipment_id = %s", receipt),
        quantity);
}

static inline void
receive(struct rq *rq, const char *order, const char *quantity)
{
    const char *receipt = open_receipt(rq, order);

    step(rq, "shipment", receipt, "receive", receive_body(rq, receipt, quantity));
}

/* The draft bill of an order. */
static inline const char *
draft_bill(struct rq *rq, const char *order)
{
    return test_sql(rq,
                    "SELECT max(h.id) FROM invoice h JOIN invoice_line l ON l.invoice_id = h.id"
                    "  JOIN purchase_order_line o ON o.id = l.purchase_order_line_id"
                    " WHERE o.order_id = %s AND h.state = 'draft'",
                    order);
}

/* Deferred postings are made now. */
static inline void
settle_constraints(struct rq *rq)
{
    db_exec(rq, "SET CONSTRAINTS ALL IMMEDIATE", NONE);
    db_exec(rq, "SET CONSTRAINTS ALL DEFERRED", NONE);
}

/* What is posted on the account with this role, debit less credit. */
static inline const char *
posted_on(struct rq *rq, const char *role)
{
    settle_constraints(rq);
    return test_sql(rq,
                    "SELECT coalesce(sum(l.debit - l.credit), 0)::numeric(18,2) FROM journal_line l"
                    "  JOIN account a ON a.id = l.account_id"
                    " WHERE a.role = '%s' AND l.posted_on IS NOT NULL",
                    role);
}

/* Every check of purchasing and stock, and that of the sub-ledgers, is empty. */
static inline void
purchase_checks(struct rq *rq)
{
    struct rows rows;

    settle_constraints(rq);
    for (const struct asset *a = assets; a->path; a++) {
        if (!str_starts(a->path, "modules/purchase/check/") &&
            !str_starts(a->path, "modules/stock/check/") &&
            !str_starts(a->path, "modules/accounting/check/su")) /* the subledgers */
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
