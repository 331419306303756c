/*
 * return_test.c - goods that come back: at the cost at which they left, credited at the prices and
 * taxes of their invoice, refunded up to what was paid, replaced, scrapped; and attacked.
 */
#include "modules/service/tests/resolution_fixture.h"

static const char *
facts(struct rq *rq, const char *id)
{
    return test_sql(rq,
                    "SELECT concat_ws(' ', r.state, f.received, f.resolved, f.refund)"
                    "  FROM return_order r JOIN return_order_fact f USING (id) WHERE r.id = %s",
                    id);
}

static const char *
refund_of(struct rq *rq, const struct sold *s)
{
    return test_sql(rq, "SELECT max(id) FROM payment WHERE kind = 'refund' AND party_id = %s",
                    s->customer);
}

static void
one_step_from_the_case_announces_what_comes_back_in_both_flows(void)
{
    struct rq *rq = test_begin();
    struct sold s = five_kettles(rq, true, true);
    const char *id = a_return(rq, &s, "\"quantity\": \"2\"");

    CHECK_TEXT(facts(rq, id), "approved none none none");
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', h.kind, h.state, l.quantity, l.returns_line_id = %s)"
                        "  FROM shipment h JOIN shipment_line l ON l.shipment_id = h.id"
                        " WHERE h.id = %s",
                        s.line, coming_back(rq, id)),
               "return draft 2 t");
    /* The flow of the case, and the flow of the sale. */
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT count(DISTINCT d.flow_id) FROM flow_document d JOIN flow_document o"
                 " USING (flow_id) WHERE d.entity = 'shipment' AND d.document_id = %s"
                 " AND (o.entity, o.document_id) IN (('service_case', %s), ('sales_order', %s))",
                 coming_back(rq, id), s.sale_case, s.order),
        "2");
    CHECK_TEXT(
        test_sql(rq, "SELECT return_state FROM service_case_fact WHERE id = %s", s.sale_case),
        "approved");
    CHECK_TEXT(test_sql(rq,
                        "SELECT count(*) FROM case_message WHERE case_id = %s AND kind = 'note'",
                        s.sale_case),
               "1");
    test_end(rq);
}

static void
goods_come_back_at_their_cost_and_are_credited_and_refunded_as_paid(void)
{
    struct rq *rq = test_begin();
    struct sold s = five_kettles(rq, true, true);
    const char *id = a_return(rq, &s, "\"quantity\": \"2\"");

    CHECK_TEXT(balance_of(rq, "inventory"), "120.00"); /* 60 - 30 + 90 */
    take(rq, "shipment", coming_back(rq, id), "receive", NULL);
    CHECK_TEXT(balance_of(rq, "inventory"), "132.00"); /* 2 at 6.00, not at 8.00 */
    take(rq, "return_order", id, "progress", NULL);
    CHECK_TEXT(facts(rq, id), "received full full draft");
    /* 2 of 5: net 20.00, tax 2.60. */
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', state, net, tax, total, open_amount) FROM invoice"
                        " WHERE credits_id = %s",
                        s.invoice),
               "posted 20.00 2.60 22.60 22.60");
    CHECK_TEXT(test_sql(rq, "SELECT concat_ws(' ', state, amount) FROM payment WHERE id = %s",
                        refund_of(rq, &s)),
               "draft 22.60");
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', return_state, refund, credit_note IS NOT NULL)"
                        "  FROM service_case_fact WHERE id = %s",
                        s.sale_case),
               "received draft t");
    CHECK_TEXT(refused(rq, "return_order", id, "resolve", NULL), "nothing_to_resolve");
    take(rq, "payment", refund_of(rq, &s), "post", NULL);
    take(rq, "return_order", id, "progress", NULL);
    CHECK_TEXT(facts(rq, id), "closed full full posted");
    CHECK_TEXT(balance_of(rq, "receivable"), "0.00");
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', quantity_returned, quantity_invoiced)"
                        "  FROM sales_order_line WHERE order_id = %s",
                        s.order),
               "2 3");
    service_checks(rq);
    test_end(rq);
}

static void
what_is_still_owed_is_settled_first_and_nothing_unpaid_is_refunded(void)
{
    struct rq *rq = test_begin();
    struct sold s = five_kettles(rq, true, false);

    /* 50.00 of 56.50 is paid: of the credit of 22.60, 6.50 settles the rest and 16.10 goes back. */
    take(rq, "payment",
         test_create(rq, "payment", "{\"party_id\": %s, \"amount\": \"50\"}", s.customer), "post",
         NULL);
    const char *id = a_return(rq, &s, "\"quantity\": \"2\"");

    take(rq, "shipment", coming_back(rq, id), "receive", NULL);
    take(rq, "return_order", id, "resolve", NULL);
    const char *refund = refund_of(rq, &s);

    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', i.open_amount, n.open_amount, p.amount)"
                        "  FROM invoice i JOIN invoice n ON n.credits_id = i.id"
                        "  JOIN payment p ON p.id = %s WHERE i.id = %s",
                        refund, s.invoice),
               "0.00 16.10 16.10");
    /* More than that, by plain SQL: refused when it is posted, whichever way it is written. */
    test_sql(rq, "UPDATE payment SET amount = 22.60 WHERE id = %s", refund);
    CHECK_TEXT(refused(rq, "payment", refund, "post", NULL), "nothing_to_refund");
    test_sql(rq, "UPDATE payment_line SET amount = 22.60 WHERE payment_id = %s", refund);
    CU_ASSERT_STRING_NOT_EQUAL(refused(rq, "payment", refund, "post", NULL), "");
    test_end(rq);
}

static void
of_an_unpaid_invoice_nothing_goes_back(void)
{
    struct rq *rq = test_begin();
    struct sold s = five_kettles(rq, true, false);
    const char *id = a_return(rq, &s, "\"quantity\": \"2\"");

    take(rq, "shipment", coming_back(rq, id), "receive", NULL);
    take(rq, "return_order", id, "resolve", NULL);
    CU_ASSERT_PTR_NULL(refund_of(rq, &s));
    CHECK_TEXT(test_sql(rq, "SELECT open_amount FROM invoice WHERE id = %s", s.invoice), "33.90");
    test_end(rq);
}

static void
a_credit_waits_for_the_invoice_of_the_goods(void)
{
    struct rq *rq = test_begin();
    struct sold s = five_kettles(rq, false, false);

    /* The invoice is drafted before the goods come back, and posted after it. */
    take(rq, "sales_order", s.order, "invoice", NULL);
    const char *id = a_return(rq, &s, "\"quantity\": \"2\"");

    take(rq, "shipment", coming_back(rq, id), "receive", NULL);
    take(rq, "return_order", id, "progress", NULL);
    CHECK_TEXT(facts(rq, id), "received full none none");
    CHECK_TEXT(refused(rq, "return_order", id, "resolve", NULL), "not_invoiced");
    s.invoice = test_sql(rq, "SELECT id FROM invoice WHERE party_id = %s", s.customer);
    take(rq, "invoice", s.invoice, "post", NULL);
    take(rq, "return_order", id, "progress", NULL);
    CHECK_TEXT(facts(rq, id), "closed full full none"); /* nothing was paid, nothing goes back */
    CHECK_TEXT(test_sql(rq, "SELECT open_amount FROM invoice WHERE id = %s", s.invoice), "33.90");
    test_end(rq);
}

static void
only_what_arrived_is_credited_and_the_rest_when_it_comes(void)
{
    struct rq *rq = test_begin();
    struct sold s = five_kettles(rq, true, true);
    const char *id = a_return(rq, &s, "\"quantity\": \"3\"");
    const char *shipment = coming_back(rq, id);
    const char *line =
        test_sql(rq, "SELECT id FROM shipment_line WHERE shipment_id = %s", shipment);

    take(rq, "shipment", shipment, "receive",
         arena_printf(rq->mem, "{\"lines\": [{\"id\": %s, \"quantity\": \"1\"}]}", line));
    take(rq, "return_order", id, "progress", NULL);
    CHECK_TEXT(facts(rq, id), "approved part full draft");
    CHECK_TEXT(test_sql(rq, "SELECT sum(total) FROM invoice WHERE credits_id = %s", s.invoice),
               "11.30");
    CHECK_TEXT(refused(rq, "return_order", id, "receive", NULL), "open_shipment");
    CHECK_TEXT(refused(rq, "return_order", id, "cancel", NULL), "already_received");
    take(rq, "shipment", coming_back(rq, id), "receive", NULL);
    take(rq, "return_order", id, "progress", NULL);
    CHECK_TEXT(facts(rq, id), "received full full draft");
    CHECK_TEXT(test_sql(rq, "SELECT sum(total) FROM invoice WHERE credits_id = %s", s.invoice),
               "33.90");
    CHECK_TEXT(test_sql(rq,
                        "SELECT sum(amount) FROM payment WHERE kind = 'refund' AND party_id = %s",
                        s.customer),
               "33.90");
    service_checks(rq);
    test_end(rq);
}

static void
a_replacement_is_an_order_without_a_price_that_leaves_as_usual(void)
{
    struct rq *rq = test_begin();
    struct sold s = five_kettles(rq, true, true);
    const char *id = a_return(rq, &s, "\"quantity\": \"2\", \"resolution\": \"replace\"");

    take(rq, "shipment", coming_back(rq, id), "receive", NULL);
    take(rq, "return_order", id, "progress", NULL);
    CHECK_TEXT(facts(rq, id), "received full full none");
    const char *order =
        test_sql(rq, "SELECT max(id) FROM sales_order WHERE customer_id = %s", s.customer);

    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT concat_ws(' ', o.state, o.total, l.quantity, trim_scale(l.unit_price),"
            "                 trim_scale(l.discount))"
            "  FROM sales_order o JOIN sales_order_line l ON l.order_id = o.id WHERE o.id = %s",
            order),
        "confirmed 0 2 10 100");
    /* Stock: 132.00 for 17 pieces; two of them leave at the average: 15.53. */
    take(rq, "shipment",
         test_sql(rq,
                  "SELECT l.shipment_id FROM shipment_line l JOIN sales_order_line o"
                  " ON o.id = l.sales_order_line_id WHERE o.order_id = %s",
                  order),
         "ship", NULL);
    CHECK_TEXT(balance_of(rq, "inventory"), "116.47");
    take(rq, "return_order", id, "progress", NULL);
    CHECK_TEXT(facts(rq, id), "closed full full none");
    CHECK_TEXT(test_sql(rq, "SELECT replacement FROM service_case_fact WHERE id = %s", s.sale_case),
               test_sql(rq, "SELECT number FROM sales_order WHERE id = %s", order));
    service_checks(rq);
    test_end(rq);
}

static void
what_is_to_be_scrapped_goes_to_the_losses_once(void)
{
    struct rq *rq = test_begin();
    struct sold s = { 0 };

    /* All of it cost 6.00, so what is scrapped does too. */
    an_item(rq, &s, "none");
    a_stock(rq, s.item, "10", "6");
    sell(rq, &s, "5", true, true);
    const char *id = a_return(rq, &s, "\"quantity\": \"2\", \"disposition\": \"scrap\"");

    CHECK_TEXT(refused(rq, "return_order", id, "scrap", NULL), "nothing_to_scrap");
    take(rq, "shipment", coming_back(rq, id), "receive", NULL);
    CHECK_TEXT(balance_of(rq, "inventory"), "42.00");
    take(rq, "return_order", id, "progress", NULL);
    CHECK_TEXT(balance_of(rq, "inventory"), "30.00");
    CHECK_TEXT(facts(rq, id), "received full full draft"); /* the customer gets his money */
    take(rq, "return_order", id, "progress", NULL);
    CHECK_TEXT(balance_of(rq, "inventory"), "30.00");
    test_end(rq);
}

static void
a_serial_comes_back_as_the_one_that_left(void)
{
    struct rq *rq = test_begin();
    struct sold s = { 0 };

    an_item(rq, &s, "serial");
    const char *first = a_serial(rq, &s, "SN-1"), *second = a_serial(rq, &s, "SN-2");
    const char *other = a_serial(rq, &s, "SN-3"), *id;

    sell(rq, &s, "2", true, true);
    test_sql(rq, "UPDATE service_case SET lot_id = NULL WHERE id = %s", s.sale_case);
    CHECK_TEXT(refused(rq, "service_case", s.sale_case, "return_goods",
                       "{\"reason\": \"x\", \"quantity\": \"1\"}"),
               "lot_missing");
    CHECK_TEXT(refused(rq, "service_case", s.sale_case, "return_goods",
                       arena_printf(rq->mem,
                                    "{\"reason\": \"x\", \"lines\": [{\"shipment_line_id\": %s,"
                                    " \"lot_id\": %s}]}",
                                    s.line, other)),
               "nothing_to_return");
    id = a_return(rq, &s,
                  arena_printf(rq->mem, "\"lines\": [{\"shipment_line_id\": %s, \"lot_id\": %s}]",
                               s.line, second));
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', quantity, lot_id = %s) FROM return_order_line"
                        " WHERE return_id = %s",
                        second, id),
               "1 t");
    /* Another serial does not pass for it, not even by plain SQL. */
    CHECK_TEXT(
        refusal(test_refused(rq, "UPDATE shipment_line SET lot_id = %s WHERE shipment_id = %s",
                             first, coming_back(rq, id))),
        "other_return");
    take(rq, "shipment", coming_back(rq, id), "receive", NULL);
    take(rq, "return_order", id, "resolve", NULL);
    CHECK_TEXT(test_sql(rq, "SELECT total FROM invoice WHERE credits_id = %s", s.invoice), "11.30");
    test_end(rq);
}

static void
no_more_comes_back_than_left_even_by_plain_sql(void)
{
    struct rq *rq = test_begin();
    struct sold s = five_kettles(rq, true, true);

    CHECK_TEXT(refused(rq, "service_case", s.sale_case, "return_goods",
                       "{\"reason\": \"x\", \"quantity\": \"6\"}"),
               "too_much");
    CHECK_TEXT(refused(rq, "service_case", s.sale_case, "return_goods", "{}"), "reason_missing");
    a_return(rq, &s, "\"quantity\": \"3\"");
    CHECK_TEXT(refused(rq, "service_case", s.sale_case, "return_goods",
                       "{\"reason\": \"x\", \"quantity\": \"3\"}"),
               "too_much");
    const char *draft = test_sql(rq,
                                 "INSERT INTO return_order (case_id, party_id, reason)"
                                 " VALUES (%s, %s, 'x') RETURNING id",
                                 s.sale_case, s.customer);

    CHECK_TEXT(refusal(test_refused(rq,
                                    "INSERT INTO return_order_line (return_id, shipment_line_id,"
                                    " item_id, quantity) VALUES (%s, %s, %s, 3)",
                                    draft, s.line, s.item)),
               "too_much");
    test_sql(rq,
             "INSERT INTO return_order_line (return_id, shipment_line_id, item_id, quantity)"
             " VALUES (%s, %s, %s, 2)",
             draft, s.line, s.item);
    take(rq, "return_order", draft, "approve", NULL);
    CHECK_TEXT(refusal(test_refused(
                   rq, "UPDATE return_order_line SET quantity = 1 WHERE return_id = %s", draft)),
               "read_only");
    CHECK_TEXT(refusal(test_refused(rq, "DELETE FROM return_order WHERE id = %s", draft)),
               "read_only");
    CHECK_TEXT(
        refusal(test_refused(rq, "UPDATE shipment_line SET quantity = 3 WHERE shipment_id = %s",
                             coming_back(rq, draft))),
        "too_much");
    test_end(rq);
}

static void
nothing_is_given_for_goods_that_have_not_arrived_even_by_plain_sql(void)
{
    struct rq *rq = test_begin();
    struct sold s = five_kettles(rq, true, true);
    const char *id = a_return(rq, &s, "\"quantity\": \"2\"");
    const char *line = test_sql(rq, "SELECT id FROM return_order_line WHERE return_id = %s", id);

    CHECK_TEXT(refused(rq, "return_order", id, "resolve", NULL), "nothing_to_resolve");
    CHECK_TEXT(refused(rq, "return_order", id, "receive", NULL), "not_received");
    CHECK_TEXT(refusal(test_refused(rq,
                                    "INSERT INTO repair_order (party_id, item_id, quantity,"
                                    " coverage, return_order_line_id)"
                                    " VALUES (%s, %s, 1, 'warranty', %s)",
                                    s.customer, s.item, line)),
               "not_received");
    take(rq, "invoice", s.invoice, "credit", NULL);
    CHECK_TEXT(refusal(test_refused(rq,
                                    "UPDATE invoice_line n SET return_order_line_id = %s"
                                    "  FROM invoice i WHERE i.id = n.invoice_id"
                                    "   AND i.credits_id = %s",
                                    line, s.invoice)),
               "not_received");
    test_end(rq);
}

static void
a_return_is_cancelled_as_long_as_nothing_has_come(void)
{
    struct rq *rq = test_begin();
    struct sold s = five_kettles(rq, true, true);
    const char *id = a_return(rq, &s, "");
    const char *shipment = coming_back(rq, id);

    take(rq, "return_order", id, "cancel", NULL);
    CHECK_TEXT(test_sql(rq, "SELECT state FROM shipment WHERE id = %s", shipment), "cancelled");
    id = a_return(rq, &s, ""); /* all five may come back again */
    CHECK_TEXT(test_sql(rq, "SELECT quantity FROM return_order_line WHERE return_id = %s", id),
               "5");
    test_end(rq);
}

static void
service_takes_goods_back_and_sales_only_looks(void)
{
    struct rq *rq = test_begin();

    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(has_permission(u.id, p.entity, p.action)::text, ' '"
                        "           ORDER BY u.login, p.entity, p.action)"
                        "  FROM app_user u, (VALUES ('return_order', 'read'),"
                        "       ('return_order', 'resolve'), ('service_case', 'return_goods'))"
                        "       p (entity, action)"
                        " WHERE u.login IN ('sales', 'service')"),
               "true false false true true true");
    test_end(rq);
}

const struct test return_tests[] = {
    { "one step from the case announces what comes back, in both flows",
      one_step_from_the_case_announces_what_comes_back_in_both_flows },
    { "goods come back at their cost and are credited and refunded as paid",
      goods_come_back_at_their_cost_and_are_credited_and_refunded_as_paid },
    { "what is still owed is settled first and nothing unpaid is refunded",
      what_is_still_owed_is_settled_first_and_nothing_unpaid_is_refunded },
    { "of an unpaid invoice nothing goes back", of_an_unpaid_invoice_nothing_goes_back },
    { "a credit waits for the invoice of the goods", a_credit_waits_for_the_invoice_of_the_goods },
    { "only what arrived is credited, and the rest when it comes",
      only_what_arrived_is_credited_and_the_rest_when_it_comes },
    { "a replacement is an order without a price that leaves as usual",
      a_replacement_is_an_order_without_a_price_that_leaves_as_usual },
    { "what is to be scrapped goes to the losses, once",
      what_is_to_be_scrapped_goes_to_the_losses_once },
    { "a serial comes back as the one that left", a_serial_comes_back_as_the_one_that_left },
    { "no more comes back than left, even by plain SQL",
      no_more_comes_back_than_left_even_by_plain_sql },
    { "nothing is given for goods that have not arrived, even by plain SQL",
      nothing_is_given_for_goods_that_have_not_arrived_even_by_plain_sql },
    { "a return is cancelled as long as nothing has come",
      a_return_is_cancelled_as_long_as_nothing_has_come },
    { "service takes goods back and sales only looks",
      service_takes_goods_back_and_sales_only_looks },
    { 0 },
};
