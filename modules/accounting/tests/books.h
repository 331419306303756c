/*
 * books.h - what the tests of this folder share: parties, documents and their short cuts.
 */
#ifndef TENON_TEST_BOOKS_H
#define TENON_TEST_BOOKS_H

#include "tests/test.h"

static inline const char *
a_party(struct rq *rq, const char *name)
{
    return test_create(rq, "party",
                       "{\"name\": \"%s\", \"is_customer\": true, \"is_supplier\": true}", name);
}

/* A draft of one line: quantity 1 at that price, account and tax by default. */
static inline const char *
a_draft(struct rq *rq, const char *kind, const char *party, const char *date, const char *price)
{
    return test_create(rq, "invoice",
                       "{\"kind\": \"%s\", \"party_id\": %s, \"invoice_date\": \"%s\","
                       " \"lines\": [{\"description\": \"Goods\", \"quantity\": \"1\","
                       " \"unit_price\": \"%s\"}]}",
                       kind, party, date, price);
}

static inline void
take(struct rq *rq, const char *entity, const char *id, const char *action, const char *body)
{
    if (test_take(rq, entity, id, action, body))
        return;
    printf("\n    %s %s: %s", entity, action, rq->errors ? rq->errors->message : "failed");
    CU_FAIL("the step is refused");
}

static inline const char *
an_invoice(struct rq *rq, const char *party, const char *date, const char *price)
{
    const char *id = a_draft(rq, "customer_invoice", party, date, price);

    take(rq, "invoice", id, "post", NULL);
    return id;
}

static inline const char *
a_payment(struct rq *rq, const char *party, const char *date, const char *amount)
{
    return test_create(rq, "payment",
                       "{\"party_id\": %s, \"payment_date\": \"%s\", \"amount\": \"%s\"}", party,
                       date, amount);
}

/* The code with which the database refuses a statement; "" when it does not. */
#define REFUSED(rq, ...) (refusal(test_refused(rq, __VA_ARGS__)))

static inline const char *
refusal(const struct error *e)
{
    return e ? e->code : "";
}

/* The same for an operation, undone. */
static inline const char *
refused_step(struct rq *rq, const char *entity, const char *id, const char *action,
             const char *body)
{
    const char *code;

    test_mark(rq);
    test_take(rq, entity, id, action, body);
    code = arena_strdup(rq->mem, test_code(rq));
    test_recover(rq);
    return code;
}

/* Debit less credit posted to the account with a role. */
static inline const char *
balance_of(struct rq *rq, const char *role)
{
    return test_sql(rq,
                    "SELECT base_text(coalesce(sum(debit - credit), 0)) FROM journal_line"
                    " WHERE posted_on IS NOT NULL AND account_id = account_of(app_company(), '%s')",
                    role);
}

#endif
