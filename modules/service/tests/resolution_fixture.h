/*
 * resolution_fixture.h - a sale that went out, was invoiced and paid, and the case about it.
 */
#ifndef TENON_RESOLUTION_FIXTURE_H
#define TENON_RESOLUTION_FIXTURE_H

#include "core/base/str.h"
#include "core/db/migrate.h"
#include "tests/test.h"

struct sold {
    const char *customer, *item, *order, *delivery, *line, *invoice, *sale_case;
};

static inline void
take(struct rq *rq, const char *entity, const char *id, const char *action, const char *body)
{
    if (test_take(rq, entity, id, action, body) && db_flush(rq))
        return;
    printf("\n    %s %s: %s", entity, action, rq->errors ? rq->errors->message : "failed");
    CU_FAIL("the step is refused");
}

/* The code with which a step is refused, undone; "" when it is taken. */
static inline const char *
refused(struct rq *rq, const char *entity, const char *id, const char *action, const char *body)
{
    const char *code;

    test_mark(rq);
    if (test_take(rq, entity, id, action, body))
        db_flush(rq);
    code = arena_strdup(rq->mem, test_code(rq));
    test_recover(rq);
    return code;
}

static inline const char *
refusal(const struct error *e)
{
    return e ? e->code : "";
}

/* Debit less credit posted to the account with a role. */
static inline const char *
balance_of(struct rq *rq, const char *role)
{
    test_sql(rq, "SET CONSTRAINTS ALL IMMEDIATE");
    test_sql(rq, "SET CONSTRAINTS ALL DEFERRED");
    return test_sql(rq,
                    "SELECT coalesce(sum(debit - credit), 0)::numeric(18,2) FROM journal_line"
                    " WHERE posted_on IS NOT NULL AND account_id = account_of(app_company(), '%s')",
                    role);
}

static inline void
an_item(struct rq *rq, struct sold *s, const char *tracking)
{
    s->item = test_sql(rq,
                       "INSERT INTO item (code, name, uom_id, list_price, costing, tracking)"
                       " SELECT 'R-ITEM', 'Kettle', id, 10, 'average', '%s' FROM uom"
                       "  WHERE code = 'EA' RETURNING id",
                       tracking);
}

static inline void
a_stock(struct rq *rq, const char *item, const char *quantity, const char *cost)
{
    test_create(rq, "stock_opening",
                "{\"item_id\": %s, \"quantity\": \"%s\", \"unit_cost\": \"%s\"}", item, quantity,
                cost);
}

/* One unit of this serial number in stock, at 6.00. */
static inline const char *
a_serial(struct rq *rq, const struct sold *s, const char *code)
{
    const char *lot = test_create(rq, "lot", "{\"item_id\": %s, \"code\": \"%s\"}", s->item, code);

    test_create(rq, "stock_opening",
                "{\"item_id\": %s, \"quantity\": \"1\", \"unit_cost\": \"6\", \"lot_id\": %s}",
                s->item, lot);
    return lot;
}

/* A tax of 13 percent. */
static inline const char *
a_tax(struct rq *rq)
{
    const char *tax = test_sql(rq,
                               "INSERT INTO tax (code, name, use) VALUES ('R13', 'Tax 13', 'sale')"
                               " RETURNING id");

    test_sql(rq, "INSERT INTO tax_rate (tax_id, percent, valid_from) VALUES (%s, 13, '2020-01-01')",
             tax);
    return tax;
}

static inline void
bill(struct rq *rq, struct sold *s)
{
    take(rq, "sales_order", s->order, "invoice", NULL);
    s->invoice = test_sql(rq, "SELECT max(id) FROM invoice WHERE party_id = %s", s->customer);
    take(rq, "invoice", s->invoice, "post", NULL);
}

/* Sell and deliver so many; invoiced and paid when wanted; and a case about the delivery. */
static inline void
sell(struct rq *rq, struct sold *s, const char *quantity, bool invoiced, bool paid)
{
    s->customer =
        test_create(rq, "party", "{\"name\": \"Return Customer\", \"is_customer\": true}");
    s->order =
        test_create(rq, "sales_order",
                    "{\"customer_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"%s\","
                    " \"unit_price\": \"10\", \"tax_id\": %s}]}",
                    s->customer, s->item, quantity, a_tax(rq));
    take(rq, "sales_order", s->order, "confirm", NULL);
    s->line = test_sql(rq,
                       "SELECT l.id FROM shipment_line l JOIN sales_order_line o"
                       " ON o.id = l.sales_order_line_id WHERE o.order_id = %s",
                       s->order);
    s->delivery = test_sql(rq, "SELECT shipment_id FROM shipment_line WHERE id = %s", s->line);
    take(rq, "shipment", s->delivery, "ship", NULL);
    if (invoiced)
        bill(rq, s);
    if (paid)
        take(rq, "payment",
             test_create(rq, "payment", "{\"party_id\": %s, \"amount\": \"%s\"}", s->customer,
                         test_sql(rq, "SELECT total FROM invoice WHERE id = %s", s->invoice)),
             "post", NULL);
    s->sale_case =
        test_create(rq, "service_case",
                    "{\"subject\": \"It leaks\", \"channel\": \"phone\", \"party_id\": %s,"
                    " \"item_id\": %s, \"shipment_line_id\": %s}",
                    s->customer, s->item, s->line);
}

/* 5 kettles of a stock of 10 at 6.00, invoiced at 10.00 and 13 percent: 56.50. Then 10 come in at
 * 9.00, so that what is in stock costs (30 + 90) / 15 = 8.00 a piece. */
static inline struct sold
five_kettles(struct rq *rq, bool invoiced, bool paid)
{
    struct sold s = { 0 };

    an_item(rq, &s, "none");
    a_stock(rq, s.item, "10", "6");
    sell(rq, &s, "5", invoiced, paid);
    a_stock(rq, s.item, "10", "9");
    return s;
}

/* Ask for the goods back, with more of the body; the return. */
static inline const char *
a_return(struct rq *rq, const struct sold *s, const char *more)
{
    take(rq, "service_case", s->sale_case, "return_goods",
         arena_printf(rq->mem, "{\"reason\": \"It leaks\"%s%s}", *more ? ", " : "", more));
    return test_sql(rq, "SELECT max(id) FROM return_order WHERE case_id = %s", s->sale_case);
}

/* The open return shipment of a return. */
static inline const char *
coming_back(struct rq *rq, const char *id)
{
    return test_sql(rq,
                    "SELECT max(s.id) FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id"
                    "  JOIN return_order_line n ON n.id = l.return_order_line_id"
                    " WHERE n.return_id = %s AND s.kind = 'return' AND s.state = 'draft'",
                    id);
}

/* Every check of this module is empty. */
static inline void
service_checks(struct rq *rq)
{
    struct rows rows;

    db_exec(rq, "SET CONSTRAINTS ALL IMMEDIATE", NONE);
    db_exec(rq, "SET CONSTRAINTS ALL DEFERRED", NONE);
    for (const struct asset *a = assets; a->path; a++) {
        if (!str_starts(a->path, "modules/service/check/"))
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
