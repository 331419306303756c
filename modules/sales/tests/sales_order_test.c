/*
 * sales_order_test.c - the life of a quotation and order, and attacks on what must hold, by
 * plain SQL under the server's role.
 */
#include "tests/test.h"

/* A customer, a stocked item and a service; what the tests sell. */
struct shop {
    const char *customer, *item, *freight;
};

static struct shop
shop(struct rq *rq, const char *quantity)
{
    struct shop s = { 0 };

    s.customer = test_create(rq, "party", "{\"name\": \"Test Customer\", \"is_customer\": true}");
    s.item = test_sql(rq,
                      "INSERT INTO item (code, name, uom_id, list_price)"
                      " SELECT 'T-ITEM', 'Test item', id, 10 FROM uom WHERE code = 'EA'"
                      " RETURNING id");
    s.freight = test_sql(rq,
                         "INSERT INTO item (code, name, kind, uom_id, list_price)"
                         " SELECT 'T-FREIGHT', 'Freight', 'service', id, 5 FROM uom"
                         "  WHERE code = 'EA' RETURNING id");
    if (quantity)
        test_create(rq, "stock_opening",
                    "{\"item_id\": %s, \"quantity\": \"%s\", \"unit_cost\": \"6\"}", s.item,
                    quantity);
    return s;
}

static const char *
order_of(struct rq *rq, const struct shop *s, const char *quantity)
{
    return test_create(
        rq, "sales_order",
        "{\"customer_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"%s\"}]}", s->customer,
        s->item, quantity);
}

static const char *
value(struct rq *rq, const char *order, const char *column)
{
    return test_sql(rq, "SELECT %s FROM sales_order WHERE id = %s", column, order);
}

static void
refused_with(struct rq *rq, const char *code)
{
    CHECK_TEXT(test_code(rq), code);
}

/* ------------------------------------------------------------------ quotations */

static void
a_new_order_takes_prices_terms_and_address_from_its_customer(void)
{
    struct rq *rq = test_begin();
    struct shop s = shop(rq, NULL);

    test_sql(rq,
             "INSERT INTO party_address (party_id, purpose, street, city)"
             " VALUES (%s, 'shipping', '1 Example Lane', 'Sampleton')",
             s.customer);
    test_sql(rq,
             "INSERT INTO customer_company (party_id, payment_term_id)"
             " SELECT %s, id FROM payment_term WHERE code = 'NET30'",
             s.customer);
    const char *order = order_of(rq, &s, "3");

    CHECK_TEXT(value(rq, order, "total"), "30.00");
    CHECK_TEXT(value(rq, order, "shipping_city"), "Sampleton");
    CHECK_TEXT(value(rq, order, "shipping_name"), "Test Customer");
    CHECK_TEXT(value(rq, order, "(SELECT code FROM payment_term t WHERE t.id = payment_term_id)"),
               "NET30");
    CHECK_TEXT(value(rq, order, "warehouse_id IS NOT NULL"), "t");
    CHECK_TEXT(test_sql(rq, "SELECT description FROM sales_order_line WHERE order_id = %s", order),
               "Test item");
    test_end(rq);
}

static void
lines_are_rounded_half_away_from_zero_to_the_digits_of_the_currency(void)
{
    struct rq *rq = test_begin();
    struct shop s = shop(rq, NULL);
    const char *order = test_create(
        rq, "sales_order",
        "{\"customer_id\": %s, \"lines\": ["
        "{\"item_id\": %s, \"quantity\": \"1\", \"unit_price\": \"0.125\"},"
        "{\"item_id\": %s, \"quantity\": \"3\", \"unit_price\": \"1.115\"},"
        "{\"item_id\": %s, \"quantity\": \"7\", \"unit_price\": \"9.80\", \"discount\": \"15\"}]}",
        s.customer, s.item, s.item, s.freight);

    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(net::text, ' ' ORDER BY position)"
                        " FROM sales_order_line WHERE order_id = %s",
                        order),
               "0.13 3.35 58.31");
    CHECK_TEXT(value(rq, order, "net"), "61.79");
    test_end(rq);
}

static void
tax_is_rounded_line_by_line_at_the_rate_of_the_order_date(void)
{
    struct rq *rq = test_begin();
    struct shop s = shop(rq, NULL);

    test_sql(rq, "INSERT INTO tax (code, name) VALUES ('T20', 'Test 20')");
    test_sql(rq,
             "INSERT INTO tax_rate (tax_id, percent, valid_from, valid_to)"
             " SELECT id, 17.5, '2000-01-01', '2010-12-31' FROM tax WHERE code = 'T20'");
    test_sql(rq,
             "INSERT INTO tax_rate (tax_id, percent, valid_from)"
             " SELECT id, 20, '2011-01-01' FROM tax WHERE code = 'T20'");
    const char *tax = test_sql(rq, "SELECT id FROM tax WHERE code = 'T20'");
    const char *old = test_create(
        rq, "sales_order",
        "{\"customer_id\": %s, \"order_date\": \"2010-12-31\", \"lines\": ["
        "{\"item_id\": %s, \"quantity\": \"1\", \"unit_price\": \"0.20\", \"tax_id\": %s},"
        "{\"item_id\": %s, \"quantity\": \"1\", \"unit_price\": \"0.20\", \"tax_id\": %s}]}",
        s.customer, s.item, tax, s.item, tax);

    CHECK_TEXT(value(rq, old, "tax"), "0.08");
    CHECK_TEXT(value(rq, old, "total"), "0.48");
    test_sql(rq, "UPDATE sales_order SET order_date = '2011-01-01' WHERE id = %s", old);
    test_sql(rq, "UPDATE sales_order_line SET tax_id = tax_id WHERE order_id = %s", old);
    CHECK_TEXT(
        test_sql(rq, "SELECT DISTINCT tax_rate FROM sales_order_line WHERE order_id = %s", old),
        "20");
    test_end(rq);
}

static void
an_optional_line_is_offered_but_not_part_of_the_order(void)
{
    struct rq *rq = test_begin();
    struct shop s = shop(rq, "100");
    const char *order =
        test_create(rq, "sales_order",
                    "{\"customer_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"2\"},"
                    "{\"item_id\": %s, \"quantity\": \"9\", \"optional\": true}]}",
                    s.customer, s.item, s.item);

    CHECK_TEXT(value(rq, order, "total"), "20.00");
    CU_ASSERT_TRUE(test_take(rq, "sales_order", order, "confirm", NULL));
    CHECK_TEXT(test_sql(rq,
                        "SELECT sum(s.quantity) FROM shipment_line s JOIN sales_order_line l"
                        " ON l.id = s.sales_order_line_id WHERE l.order_id = %s",
                        order),
               "2");
    test_end(rq);
}

static void
a_sent_quotation_changes_by_a_new_revision_only(void)
{
    struct rq *rq = test_begin();
    struct shop s = shop(rq, NULL);
    const char *order = order_of(rq, &s, "3");

    CU_ASSERT_TRUE(test_take(rq, "sales_order", order, "quote", NULL));
    const struct error *e =
        test_refused(rq, "UPDATE sales_order_line SET quantity = 4 WHERE order_id = %s", order);

    CHECK_TEXT(e ? e->code : NULL, "quotation_sent");
    e = test_refused(rq, "DELETE FROM sales_order_line WHERE order_id = %s", order);
    CHECK_TEXT(e ? e->code : NULL, "quotation_sent");
    e = test_refused(rq, "UPDATE sales_order SET order_date = order_date - 1 WHERE id = %s", order);
    CHECK_TEXT(e ? e->code : NULL, "quotation_sent");
    CU_ASSERT_TRUE(test_take(rq, "sales_order", order, "revise", NULL));
    test_sql(rq, "UPDATE sales_order_line SET quantity = 4 WHERE order_id = %s", order);
    CU_ASSERT_TRUE(test_take(rq, "sales_order", order, "quote", NULL));
    CHECK_TEXT(value(rq, order, "revision"), "2");
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(revision || ':' || total, ' ' ORDER BY revision)"
                        " FROM sales_order_revision WHERE order_id = %s",
                        order),
               "1:30.00 2:40.00");
    test_end(rq);
}

static void
a_superseded_revision_cannot_be_accepted_or_confirmed(void)
{
    struct rq *rq = test_begin();
    struct shop s = shop(rq, "10");
    const char *order = order_of(rq, &s, "3");

    CU_ASSERT_TRUE(test_take(rq, "sales_order", order, "quote", NULL) &&
                   test_take(rq, "sales_order", order, "revise", NULL) &&
                   test_take(rq, "sales_order", order, "quote", NULL));
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "sales_order", order, "accept", "{\"revision\": 1}"));
    refused_with(rq, "superseded");
    test_recover(rq);
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "sales_order", order, "confirm", "{\"revision\": \"1\"}"));
    refused_with(rq, "superseded");
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "sales_order", order, "accept",
                             "{\"revision\": 2, \"name\": \"N. Nobody\"}"));
    CHECK_TEXT(value(rq, order, "state"), "confirmed"); /* by the shipped rule */
    CHECK_TEXT(value(rq, order, "accepted_by"), "N. Nobody");
    test_end(rq);
}

static void
an_expired_quotation_cannot_be_confirmed_even_by_plain_sql(void)
{
    struct rq *rq = test_begin();
    struct shop s = shop(rq, "10");
    const char *order = order_of(rq, &s, "3");

    CU_ASSERT_TRUE(
        test_take(rq, "sales_order", order, "quote", "{\"valid_until\": \"2020-01-01\"}"));
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "sales_order", order, "confirm", NULL));
    refused_with(rq, "expired");
    test_recover(rq);
    const struct error *e =
        test_refused(rq, "SELECT workflow_move('sales_order', '{%s}', 'confirm')", order);

    CHECK_TEXT(e ? e->code : NULL, "expired");
    test_end(rq);
}

static void
an_order_without_lines_is_neither_sent_nor_confirmed(void)
{
    struct rq *rq = test_begin();
    struct shop s = shop(rq, NULL);
    const char *order = test_create(rq, "sales_order", "{\"customer_id\": %s}", s.customer);

    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "sales_order", order, "quote", NULL));
    refused_with(rq, "nothing_ordered");
    test_recover(rq);
    CU_ASSERT_FALSE(test_take(rq, "sales_order", order, "confirm", NULL));
    refused_with(rq, "nothing_ordered");
    rq->errors = NULL;
    test_end(rq);
}

/* ------------------------------------------------------------------ credit */

static void
exposure_follows_the_order_from_confirmation_to_cancellation(void)
{
    struct rq *rq = test_begin();
    struct shop s = shop(rq, "100");
    const char *order = order_of(rq, &s, "3");
    const char *exposure = arena_printf(rq->mem,
                                        "SELECT coalesce(max(exposure), 0)"
                                        " FROM customer_company WHERE party_id = %s",
                                        s.customer);

    CHECK_TEXT(test_sql(rq, "%s", exposure), "0");
    CU_ASSERT_TRUE(test_take(rq, "sales_order", order, "confirm", NULL));
    CHECK_TEXT(test_sql(rq, "%s", exposure), "30.00");
    test_sql(rq, "UPDATE sales_order_line SET quantity = 5 WHERE order_id = %s", order);
    CHECK_TEXT(test_sql(rq, "%s", exposure), "50.00");
    CU_ASSERT_TRUE(test_take(rq, "sales_order", order, "cancel", NULL));
    CHECK_TEXT(test_sql(rq, "%s", exposure), "0.00");
    test_end(rq);
}

static void
an_order_over_the_limit_is_stopped_at_commit_unless_released_by_name(void)
{
    struct rq *rq = test_begin();
    struct shop s = shop(rq, "100");

    test_sql(rq, "INSERT INTO customer_company (party_id, credit_limit) VALUES (%s, 25)",
             s.customer);
    const char *order = order_of(rq, &s, "3");
    const struct error *e =
        test_refused(rq, "SELECT workflow_move('sales_order', '{%s}', 'confirm')", order);

    CHECK_TEXT(e ? e->code : NULL, "credit_limit_exceeded");
    CHECK_TEXT(e ? e->message : NULL, "Over the credit limit by 5.00");
    CU_ASSERT_TRUE(test_take(rq, "sales_order", order, "release_credit", NULL));
    CHECK_TEXT(value(rq, order, "(SELECT login FROM app_user u WHERE u.id = credit_released_by)"),
               "admin");
    CU_ASSERT_TRUE(test_take(rq, "sales_order", order, "confirm", NULL));
    CHECK_TEXT(value(rq, order, "state"), "confirmed");
    test_end(rq);
}

static void
a_release_is_void_when_the_order_grows(void)
{
    struct rq *rq = test_begin();
    struct shop s = shop(rq, NULL);
    const char *order = order_of(rq, &s, "3");

    CU_ASSERT_TRUE(test_take(rq, "sales_order", order, "release_credit", NULL));
    test_sql(rq, "UPDATE sales_order_line SET quantity = 2 WHERE order_id = %s", order);
    CHECK_TEXT(value(rq, order, "credit_released_by IS NOT NULL"), "t");
    test_sql(rq, "UPDATE sales_order_line SET quantity = 4 WHERE order_id = %s", order);
    CHECK_TEXT(value(rq, order, "credit_released_by IS NOT NULL"), "f");
    test_end(rq);
}

static void
a_customer_on_hold_gets_no_order_confirmed(void)
{
    struct rq *rq = test_begin();
    struct shop s = shop(rq, "10");

    test_sql(rq, "INSERT INTO customer_company (party_id, credit_hold) VALUES (%s, true)",
             s.customer);
    CU_ASSERT_FALSE(test_take(rq, "sales_order", order_of(rq, &s, "1"), "confirm", NULL));
    refused_with(rq, "credit_hold");
    rq->errors = NULL;
    test_end(rq);
}

static void
only_those_permitted_release_credit(void)
{
    struct rq *rq = test_begin_as("sales", "TEST");
    const char *customer = test_sql(rq,
                                    "INSERT INTO party (name, is_customer) VALUES ('X', true)"
                                    " RETURNING id");
    const char *order = test_create(rq, "sales_order", "{\"customer_id\": %s}", customer);
    const struct error *e = test_refused(rq, "SELECT sales_order_release('{%s}')", order);

    CHECK_TEXT(e ? e->code : NULL, "forbidden");
    test_end(rq);
}

/* ------------------------------------------------------------------ attacks by plain SQL */

static void
the_server_cannot_write_what_the_database_derives(void)
{
    static const char *const columns[] = { "net = 1",
                                           "tax = 1",
                                           "delivered = 'full'",
                                           "invoiced = 'full'",
                                           "paid = 'full'",
                                           "open_value = 0",
                                           "revision = 9",
                                           "state = 'confirmed'",
                                           "confirmed_at = now()",
                                           "credit_released_by = 1" };
    struct rq *rq = test_begin();

    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "UPDATE sales_order SET %s", columns[i]));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "UPDATE sales_order_line SET quantity_delivered = 1"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "UPDATE sales_order_line SET quantity_invoiced = 1"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "UPDATE sales_order_line SET net = 1"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "UPDATE sales_order_revision SET total = 1"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "DELETE FROM sales_order_revision"));
    test_end(rq);
}

static void
lines_refuse_nonsense_with_a_sentence(void)
{
    struct rq *rq = test_begin();
    struct shop s = shop(rq, NULL);
    const char *order = order_of(rq, &s, "3");
    const struct error *e;

    e = test_refused(rq, "UPDATE sales_order_line SET quantity = 0 WHERE order_id = %s", order);
    CHECK_TEXT(e ? e->message : NULL, "The quantity must be greater than zero");
    e = test_refused(rq, "UPDATE sales_order_line SET discount = 101 WHERE order_id = %s", order);
    CHECK_TEXT(e ? e->message : NULL, "A discount is between 0 and 100 percent");
    e = test_refused(rq, "UPDATE sales_order_line SET unit_price = -1 WHERE order_id = %s", order);
    CHECK_TEXT(e ? e->message : NULL, "The price cannot be negative");
    e = test_refused(rq, "UPDATE sales_order SET required_date = order_date - 1 WHERE id = %s",
                     order);
    CHECK_TEXT(e ? e->message : NULL, "The required date cannot be before the order date");
    test_end(rq);
}

static void
a_draft_can_be_deleted_an_order_that_left_the_house_cannot(void)
{
    struct rq *rq = test_begin();
    struct shop s = shop(rq, NULL);
    const char *draft = order_of(rq, &s, "3"), *sent = order_of(rq, &s, "3");

    CU_ASSERT_TRUE(test_take(rq, "sales_order", sent, "quote", NULL));
    const struct error *e = test_refused(rq, "DELETE FROM sales_order WHERE id = %s", sent);

    CHECK_TEXT(e ? e->code : NULL, "not_draft");
    CHECK_TEXT(test_sql(rq,
                        "WITH gone AS (DELETE FROM sales_order WHERE id = %s RETURNING id)"
                        " SELECT count(*) FROM gone",
                        draft),
               "1");
    test_end(rq);
}

static void
another_company_sees_no_order_and_cannot_take_its_lines(void)
{
    struct rq *rq = test_begin();
    struct shop s = shop(rq, NULL);
    const char *order = order_of(rq, &s, "3");

    test_sql(rq, "SELECT context_set(%s, (SELECT id FROM company WHERE code = 'OTHER'), 'other')",
             rq->user_id);
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM sales_order WHERE id = %s", order), "0");
    CU_ASSERT_PTR_NOT_NULL(test_refused(
        rq, "INSERT INTO sales_order_line (order_id, item_id, quantity) VALUES (%s, %s, 1)", order,
        s.item));
    test_end(rq);
}

const struct test sales_order_tests[] = {
    { "a new order takes prices, terms and address from its customer",
      a_new_order_takes_prices_terms_and_address_from_its_customer },
    { "lines are rounded half away from zero to the digits of the currency",
      lines_are_rounded_half_away_from_zero_to_the_digits_of_the_currency },
    { "tax is rounded line by line at the rate of the order date",
      tax_is_rounded_line_by_line_at_the_rate_of_the_order_date },
    { "an optional line is offered but not part of the order",
      an_optional_line_is_offered_but_not_part_of_the_order },
    { "a sent quotation changes by a new revision only",
      a_sent_quotation_changes_by_a_new_revision_only },
    { "a superseded revision cannot be accepted or confirmed",
      a_superseded_revision_cannot_be_accepted_or_confirmed },
    { "an expired quotation cannot be confirmed, even by plain SQL",
      an_expired_quotation_cannot_be_confirmed_even_by_plain_sql },
    { "an order without lines is neither sent nor confirmed",
      an_order_without_lines_is_neither_sent_nor_confirmed },
    { "exposure follows the order from confirmation to cancellation",
      exposure_follows_the_order_from_confirmation_to_cancellation },
    { "an order over the limit is stopped at commit unless released by name",
      an_order_over_the_limit_is_stopped_at_commit_unless_released_by_name },
    { "a release is void when the order grows", a_release_is_void_when_the_order_grows },
    { "a customer on hold gets no order confirmed", a_customer_on_hold_gets_no_order_confirmed },
    { "only those permitted release credit", only_those_permitted_release_credit },
    { "the server cannot write what the database derives",
      the_server_cannot_write_what_the_database_derives },
    { "lines refuse nonsense with a sentence", lines_refuse_nonsense_with_a_sentence },
    { "a draft can be deleted, an order that left the house cannot",
      a_draft_can_be_deleted_an_order_that_left_the_house_cannot },
    { "another company sees no order and cannot take its lines",
      another_company_sees_no_order_and_cannot_take_its_lines },
    { 0 },
};
