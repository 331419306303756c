/*
 * Payments: what they settle, what stays open, what the exchange makes of it.
 */
#include "modules/accounting/tests/books.h"

static const char *
field(struct rq *rq, const char *entity, const char *id, const char *column)
{
    return test_sql(rq, "SELECT (%s)::text FROM %s WHERE id = %s", column, entity, id);
}

static const char *
exposure(struct rq *rq, const char *party)
{
    return test_sql(rq, "SELECT base_text(exposure) FROM customer_company WHERE party_id = %s",
                    party);
}

static void
a_receipt_pays_the_oldest_due_first_and_keeps_the_rest(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *late, *early, *payment;

    late = an_invoice(rq, party, "2026-02-10", "70");
    early = an_invoice(rq, party, "2026-01-10", "50");
    CHECK_TEXT(exposure(rq, party), "120.00");
    payment = a_payment(rq, party, "2026-03-01", "80");
    take(rq, "payment", payment, "post", NULL);
    CHECK_TEXT(field(rq, "invoice", early, "paid || ' ' || open_amount"), "full 0.00");
    CHECK_TEXT(field(rq, "invoice", early, "settled_on"), "2026-03-01");
    CHECK_TEXT(field(rq, "invoice", late, "paid || ' ' || open_amount"), "part 40.00");
    CHECK_TEXT(exposure(rq, party), "40.00");
    payment = a_payment(rq, party, "2026-03-02", "100");
    take(rq, "payment", payment, "post", NULL);
    CHECK_TEXT(field(rq, "payment", payment, "open_amount"), "60.00");
    CHECK_TEXT(exposure(rq, party), "-60.00");
    CHECK_TEXT(balance_of(rq, "receivable"), "-60.00");
    CHECK_TEXT(balance_of(rq, "bank"), "180.00");
    /* the prepayment pays what comes later, when it is allocated */
    late = an_invoice(rq, party, "2026-03-05", "25");
    CHECK_TEXT(field(rq, "invoice", late, "paid"), "none");
    take(rq, "payment", payment, "allocate", "{\"date\": \"2026-03-06\"}");
    CHECK_TEXT(field(rq, "invoice", late, "paid || ' ' || settled_on"), "full 2026-03-06");
    CHECK_TEXT(field(rq, "payment", payment, "open_amount"), "35.00");
    CHECK_TEXT(exposure(rq, party), "-35.00");
    test_end(rq);
}

static void
allocations_can_be_named(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *one, *two, *payment;

    one = an_invoice(rq, party, "2026-01-10", "50");
    two = an_invoice(rq, party, "2026-02-10", "70");
    payment = a_payment(rq, party, "2026-03-01", "80");
    take(rq, "payment", payment, "post",
         arena_printf(rq->mem, "{\"allocations\": [{\"invoice_id\": %s, \"amount\": \"60\"}]}",
                      two));
    CHECK_TEXT(field(rq, "invoice", one, "open_amount"), "50.00");
    CHECK_TEXT(field(rq, "invoice", two, "open_amount"), "10.00");
    CHECK_TEXT(field(rq, "payment", payment, "open_amount"), "20");
    payment = a_payment(rq, party, "2026-03-01", "80");
    take(rq, "payment", payment, "post", "{\"allocations\": []}");
    CHECK_TEXT(field(rq, "payment", payment, "open_amount"), "80");
    CHECK_TEXT(test_sql(rq,
                        "SELECT flow_id IS NOT NULL FROM payment WHERE id ="
                        " (SELECT payment_id FROM allocation LIMIT 1)"),
               "t");
    test_end(rq);
}

static void
many_payments_of_one_party_are_spread_in_one_go(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *ids;

    an_invoice(rq, party, "2026-01-10", "50");
    an_invoice(rq, party, "2026-01-11", "50");
    an_invoice(rq, party, "2026-01-12", "50");
    ids = entity_insert(rq, "payment",
                        test_sql(rq,
                                 "SELECT json_agg(json_build_object('party_id', %s, 'payment_date',"
                                 " '2026-02-01', 'amount', '30')) FROM generate_series(1, 4)",
                                 party));
    CU_ASSERT_TRUE(workflow_take(rq, "payment", ids, "post", NULL));
    CHECK_TEXT(
        test_sql(rq, "SELECT string_agg(open_amount::text, ' ' ORDER BY due_date) FROM invoice"),
        "0.00 0.00 30.00");
    CHECK_TEXT(
        test_sql(rq, "SELECT string_agg(plain_text(amount), ' ' ORDER BY id) FROM allocation"),
        "30 20 10 30 10 20");
    test_end(rq);
}

static void
nothing_is_settled_beyond_either_side(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *other = a_party(rq, "Other");
    const char *invoice = an_invoice(rq, party, "2026-01-10", "50");
    const char *bill = a_draft(rq, "supplier_bill", party, "2026-01-10", "50");
    const char *draft = a_draft(rq, "customer_invoice", party, "2026-01-10", "50");
    const char *theirs = an_invoice(rq, other, "2026-01-10", "50");
    const char *payment = a_payment(rq, party, "2026-02-01", "40"), *given;
    static const char insert[] =
        "INSERT INTO allocation (invoice_id, payment_id, amount) VALUES (%s, %s, %s)";

    CHECK_TEXT(REFUSED(rq, insert, invoice, payment, "10"), "not_posted");
    take(rq, "payment", payment, "post", "{\"allocations\": []}");
    take(rq, "invoice", bill, "post", NULL);
    CHECK_TEXT(REFUSED(rq, insert, invoice, payment, "40.01"), "invalid"); /* the payment's end */
    CHECK_TEXT(REFUSED(rq, insert, draft, payment, "10"), "not_posted");
    CHECK_TEXT(REFUSED(rq, insert, bill, payment, "10"), "not_posted");
    CHECK_TEXT(REFUSED(rq, insert, theirs, payment, "10"), "other_party");
    CHECK_TEXT(REFUSED(rq, insert, invoice, payment, "-1"), "invalid");
    CHECK_TEXT(REFUSED(rq, insert, invoice, payment, "0"), "invalid");
    given = a_payment(rq, party, "2026-02-01", "60");
    take(rq, "payment", given, "post", "{\"allocations\": []}");
    CHECK_TEXT(REFUSED(rq, insert, invoice, given, "50.01"), "invalid"); /* the invoice's end */
    CHECK_TEXT(REFUSED(rq,
                       "INSERT INTO allocation (invoice_id, payment_id, amount)"
                       " VALUES (%s, %s, 40), (%s, %s, 20)",
                       invoice, payment, invoice, given),
               "invalid");
    CHECK_TEXT(REFUSED(rq, insert, invoice, payment, "40"), "");
    take(rq, "payment", payment, "allocate", NULL);
    CHECK_TEXT(REFUSED(rq, "UPDATE allocation SET amount = 1"), "forbidden");
    CHECK_TEXT(REFUSED(rq, "DELETE FROM allocation"), "forbidden");
    CHECK_TEXT(REFUSED(rq,
                       "INSERT INTO allocation (invoice_id, payment_id, amount, reverses_id)"
                       " SELECT %s, %s, -41, max(id) FROM allocation",
                       invoice, payment),
               "not_allocated");
    CHECK_TEXT(REFUSED(rq, "UPDATE payment SET amount = 1 WHERE id = %s", payment), "posted");
    CHECK_TEXT(REFUSED(rq, "DELETE FROM payment WHERE id = %s", payment), "posted");
    CHECK_TEXT(REFUSED(rq, "UPDATE payment SET open_amount = 1 WHERE id = %s", payment),
               "forbidden");
    test_end(rq);
}

static void
cancelling_reverses_the_entry_and_opens_the_invoices(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *invoice, *payment;

    invoice = an_invoice(rq, party, "2026-01-10", "50");
    payment = a_payment(rq, party, "2026-02-01", "70");
    take(rq, "payment", payment, "post", NULL);
    CHECK_TEXT(exposure(rq, party), "-20.00");
    take(rq, "payment", payment, "cancel", "{\"date\": \"2026-03-01\"}");
    CHECK_TEXT(field(rq, "invoice", invoice, "paid || ' ' || open_amount"), "none 50.00");
    CHECK_TEXT(field(rq, "payment", payment, "open_amount || ' ' || cancelled_on"), "0 2026-03-01");
    CHECK_TEXT(balance_of(rq, "bank"), "0.00");
    CHECK_TEXT(balance_of(rq, "receivable"), "50.00");
    CHECK_TEXT(exposure(rq, party), "50.00");
    CHECK_TEXT(refused_step(rq, "payment", payment, "cancel", NULL), "wrong_state");
    CHECK_TEXT(refused_step(rq, "payment", payment, "allocate", NULL), "wrong_state");
    /* as it was on each day */
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(plain_text(open_base), ' ' ORDER BY entity)"
                        " FROM open_items('receivable', '2026-02-15')"),
               "-20");
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(plain_text(open_base), ' ' ORDER BY entity)"
                        " FROM open_items('receivable', '2026-03-01')"),
               "50");
    test_end(rq);
}

static void
the_rate_of_the_day_makes_a_gain_or_a_loss(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *invoice, *payment;

    test_create(rq, "exchange_rate",
                "{\"currency_code\": \"EUR\", \"valid_from\": \"2026-01-01\", \"rate\": \"1.1\"}");
    test_create(rq, "exchange_rate",
                "{\"currency_code\": \"EUR\", \"valid_from\": \"2026-02-01\", \"rate\": \"1.2\"}");
    test_create(rq, "exchange_rate",
                "{\"currency_code\": \"EUR\", \"valid_from\": \"2026-03-01\", \"rate\": \"1.05\"}");
    invoice = test_create(rq, "invoice",
                          "{\"party_id\": %s, \"invoice_date\": \"2026-01-10\","
                          " \"currency_code\": \"EUR\", \"lines\": [{\"unit_price\": \"33.33\"}]}",
                          party);
    take(rq, "invoice", invoice, "post", NULL);
    CHECK_TEXT(exposure(rq, party), "36.66");
    payment = test_create(rq, "payment",
                          "{\"party_id\": %s, \"payment_date\": \"2026-02-10\","
                          " \"currency_code\": \"EUR\", \"amount\": \"11.11\"}",
                          party);
    take(rq, "payment", payment, "post", NULL);
    /* 11.11 at 1.2 is 13.33; of the invoice's 36.66 a third, 12.22 */
    CHECK_TEXT(balance_of(rq, "exchange_gain"), "-1.11");
    CHECK_TEXT(exposure(rq, party), "24.44");
    payment = test_create(rq, "payment",
                          "{\"party_id\": %s, \"payment_date\": \"2026-03-10\","
                          " \"currency_code\": \"EUR\", \"amount\": \"22.22\"}",
                          party);
    take(rq, "payment", payment, "post", NULL);
    /* 22.22 at 1.05 is 23.33; the invoice's rest is 24.44 */
    CHECK_TEXT(balance_of(rq, "exchange_loss"), "1.11");
    CHECK_TEXT(balance_of(rq, "receivable"), "0.00");
    CHECK_TEXT(field(rq, "invoice", invoice, "paid || ' ' || open_base"), "full 0.00");
    CHECK_TEXT(exposure(rq, party), "0.00");
    take(rq, "payment", payment, "cancel", "{\"date\": \"2026-03-20\"}");
    CHECK_TEXT(balance_of(rq, "exchange_loss"), "1.11");
    CHECK_TEXT(balance_of(rq, "exchange_gain"), "-2.22");
    CHECK_TEXT(balance_of(rq, "receivable"), "24.44");
    CHECK_TEXT(exposure(rq, party), "24.44");
    test_end(rq);
}

static void
another_currency_does_not_settle(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *invoice, *payment;

    test_create(rq, "exchange_rate",
                "{\"currency_code\": \"EUR\", \"valid_from\": \"2026-01-01\", \"rate\": \"1.1\"}");
    invoice = an_invoice(rq, party, "2026-01-10", "50");
    payment = test_create(rq, "payment",
                          "{\"party_id\": %s, \"payment_date\": \"2026-02-10\","
                          " \"currency_code\": \"EUR\", \"amount\": \"50\"}",
                          party);
    take(rq, "payment", payment, "post", NULL);
    CHECK_TEXT(field(rq, "payment", payment, "open_amount"), "50");
    CHECK_TEXT(REFUSED(rq,
                       "INSERT INTO allocation (invoice_id, payment_id, amount) VALUES (%s, %s, 1)",
                       invoice, payment),
               "other_currency");
    test_end(rq);
}

static void
a_disbursement_pays_bills(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Maker");
    const char *bill = a_draft(rq, "supplier_bill", party, "2026-01-10", "80"), *payment;

    take(rq, "invoice", bill, "post", NULL);
    an_invoice(rq, party, "2026-01-01", "30"); /* what they owe us stays out of it */
    payment = test_create(rq, "payment",
                          "{\"kind\": \"disbursement\", \"party_id\": %s, \"journal_id\": %s,"
                          " \"payment_date\": \"2026-02-10\", \"amount\": \"80\"}",
                          party, test_sql(rq, "SELECT id FROM journal WHERE code = 'CSH'"));
    take(rq, "payment", payment, "post", NULL);
    CHECK_TEXT(field(rq, "invoice", bill, "paid"), "full");
    CHECK_TEXT(balance_of(rq, "payable"), "0.00");
    CHECK_TEXT(balance_of(rq, "cash"), "-80.00");
    CHECK_TEXT(balance_of(rq, "receivable"), "30.00");
    CHECK_TEXT(exposure(rq, party), "30.00");
    test_end(rq);
}

static void
a_credit_that_was_free_settles_other_invoices(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *invoice;
    const char *note = a_draft(rq, "credit_note", party, "2026-01-05", "30");

    take(rq, "invoice", note, "post", NULL);
    CHECK_TEXT(field(rq, "invoice", note, "open_amount"), "30.00");
    CHECK_TEXT(exposure(rq, party), "-30.00");
    invoice = an_invoice(rq, party, "2026-01-10", "50");
    take(rq, "invoice", note, "allocate", "{\"date\": \"2026-01-11\"}");
    CHECK_TEXT(field(rq, "invoice", note, "paid"), "full");
    CHECK_TEXT(field(rq, "invoice", invoice, "open_amount"), "20.00");
    CHECK_TEXT(exposure(rq, party), "20.00");
    test_end(rq);
}

static void
overdue_customers_are_named_until_they_pay(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer");
    static const char overdue[] =
        "SELECT coalesce(max(base_amount || ' ' || since), '') FROM customer_overdue"
        " WHERE customer_id = %s";

    an_invoice(rq, party, "2026-01-10", "50");
    an_invoice(rq, party, "2099-01-10", "70");
    CHECK_TEXT(test_sql(rq, overdue, party), "50.00 2026-01-10");
    take(rq, "payment", a_payment(rq, party, "2026-02-10", "20"), "post", NULL);
    CHECK_TEXT(test_sql(rq, overdue, party), "30.00 2026-01-10");
    take(rq, "payment", a_payment(rq, party, "2026-02-11", "30"), "post", NULL);
    CHECK_TEXT(test_sql(rq, overdue, party), "");
    test_end(rq);
}

static void
a_credit_limit_holds_at_posting(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *draft;

    test_sql(rq,
             "INSERT INTO customer_company (party_id, credit_limit) VALUES (%s, 100) RETURNING 1",
             party);
    an_invoice(rq, party, "2026-01-10", "60");
    draft = a_draft(rq, "customer_invoice", party, "2026-01-11", "50");
    CHECK_TEXT(REFUSED(rq, "SELECT workflow_move('invoice', '{%s}', 'post')", draft),
               "credit_limit_exceeded");
    take(rq, "payment", a_payment(rq, party, "2026-01-12", "30"), "post", NULL);
    take(rq, "invoice", draft, "post", NULL);
    CHECK_TEXT(exposure(rq, party), "80.00");
    test_end(rq);
}

static void
a_closed_period_takes_no_allocation(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer");
    const char *payment = a_payment(rq, party, "2026-01-20", "50"), *invoice;

    take(rq, "payment", payment, "post", NULL);
    invoice = an_invoice(rq, party, "2026-01-10", "50");
    take(rq, "period", test_sql(rq, "SELECT id FROM period WHERE name = '2026-01'"), "close", NULL);
    CHECK_TEXT(refused_step(rq, "payment", payment, "allocate", "{\"date\": \"2026-01-25\"}"),
               "period_closed");
    CHECK_TEXT(refused_step(rq, "payment", a_payment(rq, party, "2026-01-20", "50"), "post", NULL),
               "period_closed");
    take(rq, "payment", payment, "allocate", "{\"date\": \"2026-02-01\"}");
    CHECK_TEXT(field(rq, "invoice", invoice, "paid"), "full");
    test_end(rq);
}

static void
the_operation_settles_in_few_round_trips(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *payment;
    int before;

    for (int i = 0; i < 10; i++)
        an_invoice(rq, party, "2026-01-10", "5");
    payment = a_payment(rq, party, "2026-02-10", "50");
    rq->ids = arena_printf(rq->mem, "{%s}", payment);
    before = db_syncs(rq->db);
    CU_ASSERT_TRUE(entity_find("payment")->operations[0].run(rq));
    CU_ASSERT_TRUE(db_syncs(rq->db) - before <= 3);
    take(rq, "payment", payment, "post", NULL);
    CHECK_TEXT(balance_of(rq, "receivable"), "0.00");
    test_end(rq);
}

const struct test payment_tests[] = {
    { "a receipt pays the oldest due first and keeps the rest",
      a_receipt_pays_the_oldest_due_first_and_keeps_the_rest },
    { "allocations can be named", allocations_can_be_named },
    { "many payments of one party are spread in one go",
      many_payments_of_one_party_are_spread_in_one_go },
    { "nothing is settled beyond either side", nothing_is_settled_beyond_either_side },
    { "cancelling reverses the entry and opens the invoices",
      cancelling_reverses_the_entry_and_opens_the_invoices },
    { "the rate of the day makes a gain or a loss", the_rate_of_the_day_makes_a_gain_or_a_loss },
    { "another currency does not settle", another_currency_does_not_settle },
    { "a disbursement pays bills", a_disbursement_pays_bills },
    { "a credit that was free settles other invoices",
      a_credit_that_was_free_settles_other_invoices },
    { "overdue customers are named until they pay", overdue_customers_are_named_until_they_pay },
    { "a credit limit holds at posting", a_credit_limit_holds_at_posting },
    { "a closed period takes no allocation", a_closed_period_takes_no_allocation },
    { "the operation settles in few round trips", the_operation_settles_in_few_round_trips },
    { 0 },
};
