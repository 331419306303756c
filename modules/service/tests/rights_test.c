/*
 * rights_test.c - a service agent sees delivery and payment state, not receivables: whichever way
 * he asks for them.
 */
#include "modules/service/service.h"
#include "tests/test.h"

/* What the list of cases says to one more parameter: "" when it answers, else the error's code. */
static const char *
asked(struct rq *rq, const char *name, const char *value)
{
    const struct parameter query[] = { { name, value } };

    test_mark(rq);
    const char *code = api_list(rq, entity_find("service_case"), query, 1) && db_flush(rq)
                           ? ""
                           : arena_strdup(rq->mem, test_code(rq));

    test_recover(rq);
    return code;
}

/* A case about an invoice of 100.00. */
static void
complaint(struct rq *rq)
{
    const char *party = test_create(rq, "party", "{\"name\": \"Buyer\", \"is_customer\": true}");
    const char *invoice = test_create(
        rq, "invoice",
        "{\"party_id\": %s, \"lines\": [{\"quantity\": \"1\", \"unit_price\": \"100\"}]}", party);

    test_create(rq, "service_case",
                "{\"subject\": \"It rattles\", \"party_id\": %s, \"invoice_id\": %s}", party,
                invoice);
}

static void
what_a_case_refers_to_is_named_and_its_amounts_are_not(void)
{
    static const char *const ways[][2] = {
        { "select", "number,invoice.open_amount" },
        { "select", "invoice.party.tax_id,invoice.total" },
        { "invoice.total", "gte.100" },
        { "order", "invoice.total.desc" },
        { "or", "(invoice.total.gt.1,number.eq.x)" },
    };
    struct rq *rq = test_begin_as("service", "TEST");

    complaint(rq);
    CHECK_TEXT(asked(rq, "select", "number,invoice.number,party.name"), "");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        CHECK_TEXT(asked(rq, ways[i][0], ways[i][1]), "forbidden");

    const struct parameter sums[] = { { "group", "state" }, { "sum", "invoice.total" } };

    CU_ASSERT_FALSE(api_list(rq, entity_find("service_case"), sums, 2) && db_flush(rq));
    CHECK_TEXT(test_code(rq), "forbidden");
    test_end(rq);
}

static void
who_may_read_invoices_sees_them_from_the_case_as_well(void)
{
    struct rq *rq = test_begin();

    complaint(rq);
    CHECK_TEXT(asked(rq, "select", "number,invoice.open_amount"), "");
    CHECK_TEXT(asked(rq, "invoice.total", "gte.100"), "");
    test_end(rq);
}

const struct test rights_tests[] = {
    { "what a case refers to is named, and its amounts are not",
      what_a_case_refers_to_is_named_and_its_amounts_are_not },
    { "who may read invoices sees them from the case as well",
      who_may_read_invoices_sees_them_from_the_case_as_well },
    { 0 },
};
