/*
 * sales_fulfil_test.c - deliveries and invoices of an order, and that its quantities reconcile
 * at any time; attacked by plain SQL under the server's role.
 */
#include "tests/test.h"

struct sale {
    const char *customer, *item, *freight, *order;
};

/* An order of 10 pieces at 10.00 and of freight, with so much in stock. */
static struct sale
sale(struct rq *rq, const char *stock)
{
    struct sale s = { 0 };

    s.customer = test_create(rq, "party", "{\"name\": \"Test Customer\", \"is_customer\": true}");
    s.item = test_sql(rq,
                      "INSERT INTO item (code, name, uom_id, list_price)"
                      " SELECT 'T-ITEM', 'Test item', id, 10 FROM uom WHERE code = 'EA'"
                      " RETURNING id");
    s.freight = test_sql(rq,
                         "INSERT INTO item (code, name, kind, uom_id, list_price)"
                         " SELECT 'T-FREIGHT', 'Freight', 'service', id, 5 FROM uom"
                         "  WHERE code = 'EA' RETURNING id");
    if (stock)
        test_create(rq, "stock_opening",
                    "{\"item_id\": %s, \"quantity\": \"%s\", \"unit_cost\": \"6\"}", s.item, stock);
    s.order =
        test_create(rq, "sales_order",
                    "{\"customer_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"10\"},"
                    "{\"item_id\": %s, \"quantity\": \"1\"}]}",
                    s.customer, s.item, s.freight);
    return s;
}

static const char *
progress(struct rq *rq, const struct sale *s)
{
    return test_sql(rq,
                    "SELECT concat_ws(' ', state, delivered, invoiced, paid) FROM sales_order"
                    " WHERE id = %s",
                    s->order);
}

/* The open delivery of the order. */
static const char *
delivery(struct rq *rq, const struct sale *s)
{
    return test_sql(rq,
                    "SELECT max(h.id) FROM shipment h JOIN shipment_line l ON l.shipment_id = h.id"
                    " JOIN sales_order_line o ON o.id = l.sales_order_line_id"
                    " WHERE o.order_id = %s AND h.state = 'draft'",
                    s->order);
}

static const char *
draft_invoice(struct rq *rq, const struct sale *s)
{
    return test_sql(rq,
                    "SELECT max(i.id) FROM invoice i JOIN invoice_line l ON l.invoice_id = i.id"
                    " JOIN sales_order_line o ON o.id = l.sales_order_line_id"
                    " WHERE o.order_id = %s AND i.state = 'draft'",
                    s->order);
}

static void
checks_hold(struct rq *rq)
{
    CHECK_TEXT(test_sql(rq,
                        "SELECT count(*) FROM sales_order o JOIN sales_order_derived d USING (id)"
                        " WHERE (o.net, o.tax, o.delivered, o.invoiced, o.paid, o.open_value)"
                        " IS DISTINCT FROM"
                        " (d.net, d.tax, d.delivered, d.invoiced, d.paid, d.open_value)"),
               "0");
}

static bool
ship(struct rq *rq, const struct sale *s, const char *quantity)
{
    const char *shipment = delivery(rq, s);
    const char *line =
        test_sql(rq, "SELECT id FROM shipment_line WHERE shipment_id = %s", shipment);

    return test_take(
        rq, "shipment", shipment, "ship",
        arena_printf(rq->mem, "{\"lines\": [{\"id\": %s, \"quantity\": \"%s\"}]}", line, quantity));
}

static void
confirming_prepares_the_delivery_and_sets_goods_aside(void)
{
    struct rq *rq = test_begin();
    struct sale s = sale(rq, "7");

    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "confirm", NULL));
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', quantity, quantity_reserved) FROM shipment_line"
                        " WHERE shipment_id = %s",
                        delivery(rq, &s)),
               "10 7");
    CHECK_TEXT(test_sql(rq,
                        "SELECT available FROM sales_order_line_fact f JOIN sales_order_line l"
                        " USING (id) WHERE l.order_id = %s AND l.item_id = %s",
                        s.order, s.item),
               "0");
    CHECK_TEXT(test_sql(rq,
                        "SELECT count(DISTINCT flow_id) FROM (SELECT flow_id FROM shipment"
                        " WHERE id = %s UNION ALL SELECT flow_id FROM sales_order WHERE id = %s) f"
                        " WHERE flow_id IS NOT NULL",
                        delivery(rq, &s), s.order),
               "1");
    test_end(rq);
}

/* "delivered returned invoiced" of the order's goods. */
static const char *
line_of(struct rq *rq, const struct sale *s)
{
    return test_sql(
        rq,
        "SELECT concat_ws(' ', trim_scale(quantity_delivered), trim_scale(quantity_returned),"
        " trim_scale(quantity_invoiced)) FROM sales_order_line WHERE order_id = %s AND item_id = %s",
        s->order, s->item);
}

static void
a_reversed_delivery_is_delivered_no_more_and_is_no_return(void)
{
    struct rq *rq = test_begin();
    struct sale s = sale(rq, "100");
    const char *first, *invoice;

    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "confirm", NULL));
    first = delivery(rq, &s);
    CU_ASSERT_TRUE(ship(rq, &s, "10"));
    CHECK_TEXT(line_of(rq, &s), "10 0 0");
    CU_ASSERT_TRUE(test_take(rq, "shipment", first, "reverse", NULL));
    CHECK_TEXT(line_of(rq, &s), "0 0 0");
    CHECK_TEXT(progress(rq, &s), "confirmed none none none");
    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "deliver", NULL));
    CU_ASSERT_TRUE(ship(rq, &s, "10"));
    first = test_sql(rq, "SELECT max(id) FROM shipment WHERE state = 'done'");
    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "invoice", NULL));
    invoice = draft_invoice(rq, &s);
    CU_ASSERT_TRUE(test_take(rq, "invoice", invoice, "post", NULL));
    CHECK_TEXT(line_of(rq, &s), "10 0 10");
    CU_ASSERT_FALSE(test_take(rq, "shipment", first, "reverse", NULL) && db_flush(rq));
    CHECK_TEXT(test_code(rq), "invoiced");
    test_end(rq);
}

static void
a_partial_delivery_leaves_a_backorder_and_the_order_in_part(void)
{
    struct rq *rq = test_begin();
    struct sale s = sale(rq, "100");

    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "confirm", NULL));
    CU_ASSERT_TRUE(ship(rq, &s, "4"));
    CHECK_TEXT(progress(rq, &s), "confirmed part none none");
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', l.quantity_delivered, f.quantity_in_delivery,"
                        " f.quantity_to_deliver, f.quantity_to_invoice)"
                        "  FROM sales_order_line l JOIN sales_order_line_fact f USING (id)"
                        " WHERE l.order_id = %s AND l.item_id = %s",
                        s.order, s.item),
               "4 6 0 4");
    checks_hold(rq);
    CU_ASSERT_TRUE(ship(rq, &s, "6"));
    CHECK_TEXT(progress(rq, &s), "confirmed full none none");
    checks_hold(rq);
    test_end(rq);
}

static void
invoices_bill_what_was_delivered_and_services_once(void)
{
    struct rq *rq = test_begin();
    struct sale s = sale(rq, "100");

    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "confirm", NULL) && ship(rq, &s, "4"));
    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "invoice", NULL));
    const char *first = draft_invoice(rq, &s);

    CHECK_TEXT(test_sql(rq, "SELECT total FROM invoice WHERE id = %s", first), "45.00");
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "sales_order", s.order, "invoice", NULL));
    CHECK_TEXT(test_code(rq), "nothing_to_invoice"); /* the draft has it all */
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "invoice", first, "post", NULL));
    CHECK_TEXT(progress(rq, &s), "confirmed part part none");
    CU_ASSERT_TRUE(ship(rq, &s, "6") && test_take(rq, "sales_order", s.order, "invoice", NULL));
    CHECK_TEXT(test_sql(rq, "SELECT total FROM invoice WHERE id = %s", draft_invoice(rq, &s)),
               "60.00");
    CU_ASSERT_TRUE(test_take(rq, "invoice", draft_invoice(rq, &s), "post", NULL));
    CHECK_TEXT(progress(rq, &s), "confirmed full full none");
    checks_hold(rq);
    test_end(rq);
}

static void
an_invoice_can_be_split_by_lines(void)
{
    struct rq *rq = test_begin();
    struct sale s = sale(rq, "100");
    const char *line =
        test_sql(rq, "SELECT id FROM sales_order_line WHERE order_id = %s AND item_id = %s",
                 s.order, s.item);

    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "confirm", NULL) && ship(rq, &s, "10"));
    CU_ASSERT_TRUE(
        test_take(rq, "sales_order", s.order, "invoice",
                  arena_printf(rq->mem, "{\"lines\": [{\"id\": %s, \"quantity\": \"3\"}]}", line)));
    CHECK_TEXT(test_sql(rq, "SELECT total FROM invoice WHERE id = %s", draft_invoice(rq, &s)),
               "30.00");
    test_mark(rq);
    CU_ASSERT_FALSE(
        test_take(rq, "sales_order", s.order, "invoice",
                  arena_printf(rq->mem, "{\"lines\": [{\"id\": %s, \"quantity\": \"8\"}]}", line)));
    CHECK_TEXT(test_code(rq), "too_much");
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "invoice", NULL));
    CHECK_TEXT(test_sql(rq, "SELECT total FROM invoice WHERE id = %s", draft_invoice(rq, &s)),
               "75.00");
    test_end(rq);
}

static void
exposure_stays_the_same_from_order_to_invoice_and_falls_with_payment(void)
{
    struct rq *rq = test_begin();
    struct sale s = sale(rq, "100");
    const char *exposure = arena_printf(
        rq->mem, "SELECT exposure FROM customer_company WHERE party_id = %s", s.customer);

    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "confirm", NULL));
    CHECK_TEXT(test_sql(rq, "%s", exposure), "105.00");
    CU_ASSERT_TRUE(ship(rq, &s, "10") && test_take(rq, "sales_order", s.order, "invoice", NULL));
    CHECK_TEXT(test_sql(rq, "%s", exposure), "105.00");
    const char *invoice = draft_invoice(rq, &s);

    CU_ASSERT_TRUE(test_take(rq, "invoice", invoice, "post", NULL));
    CHECK_TEXT(test_sql(rq, "%s", exposure), "105.00");
    const char *payment = test_create(
        rq, "payment", "{\"kind\": \"receipt\", \"party_id\": %s, \"amount\": \"105.00\"}",
        s.customer);

    CU_ASSERT_TRUE(test_take(rq, "payment", payment, "post", NULL));
    CHECK_TEXT(test_sql(rq, "%s", exposure), "0.00");
    CHECK_TEXT(progress(rq, &s), "confirmed full full full");
    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "settle", NULL));
    CHECK_TEXT(progress(rq, &s), "closed full full full");
    checks_hold(rq);
    test_end(rq);
}

static void
settling_leaves_unfinished_orders_alone(void)
{
    struct rq *rq = test_begin();
    struct sale s = sale(rq, "100");

    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "confirm", NULL));
    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "settle", NULL));
    CHECK_TEXT(progress(rq, &s), "confirmed none none none");
    test_end(rq);
}

static void
cancelling_drops_the_delivery_and_frees_the_goods(void)
{
    struct rq *rq = test_begin();
    struct sale s = sale(rq, "10");

    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "confirm", NULL));
    const char *shipment = delivery(rq, &s);

    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "cancel", NULL));
    CHECK_TEXT(test_sql(rq, "SELECT state FROM shipment WHERE id = %s", shipment), "cancelled");
    CHECK_TEXT(
        test_sql(rq, "SELECT sum(available) FROM stock_available WHERE item_id = %s", s.item),
        "10");
    test_end(rq);
}

static void
an_order_in_delivery_is_closed_not_cancelled(void)
{
    struct rq *rq = test_begin();
    struct sale s = sale(rq, "10");

    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "confirm", NULL) && ship(rq, &s, "4"));
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "sales_order", s.order, "cancel", NULL));
    CHECK_TEXT(test_code(rq), "already_delivered");
    test_recover(rq);
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "sales_order", s.order, "close", NULL));
    CHECK_TEXT(test_code(rq), "not_invoiced");
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "invoice", NULL) &&
                   test_take(rq, "invoice", draft_invoice(rq, &s), "post", NULL) &&
                   test_take(rq, "sales_order", s.order, "close", NULL));
    CHECK_TEXT(
        test_sql(rq, "SELECT exposure FROM customer_company WHERE party_id = %s", s.customer),
        "45.00");
    CU_ASSERT_PTR_NULL(delivery(rq, &s));
    test_end(rq);
}

static void
a_confirmed_order_changes_but_not_below_what_is_delivered_or_prepared(void)
{
    struct rq *rq = test_begin();
    struct sale s = sale(rq, "100");
    const char *change = arena_printf(rq->mem,
                                      "UPDATE sales_order_line SET quantity = %%s"
                                      " WHERE order_id = %s AND item_id = %s",
                                      s.order, s.item);

    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "confirm", NULL) && ship(rq, &s, "4"));
    const struct error *e = test_refused(rq, "%s", arena_printf(rq->mem, change, "9"));

    CHECK_TEXT(e ? e->code : NULL, "in_delivery");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery(rq, &s), "cancel", NULL));
    e = test_refused(rq, "%s", arena_printf(rq->mem, change, "3"));
    CHECK_TEXT(e ? e->message : NULL,
               "The ordered quantity cannot be less than what was delivered");
    test_sql(rq, "%s", arena_printf(rq->mem, change, "4"));
    CHECK_TEXT(progress(rq, &s), "confirmed full none none");
    test_sql(rq, "%s", arena_printf(rq->mem, change, "12"));
    CHECK_TEXT(progress(rq, &s), "confirmed part none none");
    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "deliver", NULL));
    CHECK_TEXT(
        test_sql(rq, "SELECT quantity FROM shipment_line WHERE shipment_id = %s", delivery(rq, &s)),
        "8");
    checks_hold(rq);
    test_end(rq);
}

static void
no_more_leaves_than_was_ordered_even_by_plain_sql(void)
{
    struct rq *rq = test_begin();
    struct sale s = sale(rq, "100");

    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "confirm", NULL));
    const struct error *e = test_refused(
        rq,
        "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, shipment_line_id)"
        " SELECT l.item_id, 11, b.location_id, (SELECT id FROM location WHERE kind = 'customer'), l.id"
        "  FROM shipment_line l JOIN stock_balance b ON b.item_id = l.item_id"
        " WHERE l.shipment_id = %s AND b.on_hand > 0",
        delivery(rq, &s));

    CU_ASSERT_PTR_NOT_NULL(e);
    /* A second delivery, made behind the order's back, cannot ship above it either. */
    test_sql(rq, "UPDATE shipment_line SET quantity = 20 WHERE shipment_id = %s", delivery(rq, &s));
    test_mark(rq);
    CU_ASSERT_FALSE(ship(rq, &s, "11") && db_flush(rq));
    CU_ASSERT_PTR_NOT_NULL(rq->errors);
    test_recover(rq);
    test_end(rq);
}

static void
no_more_is_invoiced_than_was_delivered_even_by_plain_sql(void)
{
    struct rq *rq = test_begin();
    struct sale s = sale(rq, "100");

    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "confirm", NULL) && ship(rq, &s, "4"));
    const char *invoice = test_sql(rq,
                                   "INSERT INTO invoice (kind, party_id) VALUES"
                                   " ('customer_invoice', %s) RETURNING id",
                                   s.customer);

    test_sql(
        rq,
        "INSERT INTO invoice_line (invoice_id, item_id, quantity, unit_price, sales_order_line_id)"
        " SELECT %s, item_id, 5, 10, id FROM sales_order_line WHERE order_id = %s AND item_id = %s",
        invoice, s.order, s.item);
    const struct error *e =
        test_refused(rq, "SELECT workflow_move('invoice', '{%s}', 'post')", invoice);

    CHECK_TEXT(e ? e->message : NULL, "No more can be invoiced than was delivered or ordered");
    test_end(rq);
}

static void
deliveries_and_invoices_of_others_cannot_name_the_line(void)
{
    struct rq *rq = test_begin();
    struct sale s = sale(rq, "100");
    const char *stranger =
        test_create(rq, "party", "{\"name\": \"Stranger\", \"is_customer\": true}");

    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "confirm", NULL));
    const char *shipment = test_sql(rq,
                                    "INSERT INTO shipment (kind, party_id, warehouse_id)"
                                    " SELECT 'delivery', %s, min(id) FROM warehouse RETURNING id",
                                    stranger);
    const char *invoice = test_sql(rq,
                                   "INSERT INTO invoice (kind, party_id) VALUES"
                                   " ('customer_invoice', %s) RETURNING id",
                                   stranger);
    const struct error *e = test_refused(
        rq,
        "INSERT INTO shipment_line (shipment_id, item_id, quantity, sales_order_line_id)"
        " SELECT %s, item_id, 1, id FROM sales_order_line WHERE order_id = %s AND item_id = %s",
        shipment, s.order, s.item);

    CHECK_TEXT(e ? e->code : NULL, "other_order");
    e = test_refused(
        rq,
        "INSERT INTO invoice_line (invoice_id, item_id, quantity, unit_price, sales_order_line_id)"
        " SELECT %s, item_id, 1, 1, id FROM sales_order_line WHERE order_id = %s",
        invoice, s.order);
    CHECK_TEXT(e ? e->code : NULL, "other_order");
    e = test_refused(rq,
                     "UPDATE shipment_line SET sales_order_line_id = NULL WHERE shipment_id = %s",
                     delivery(rq, &s));
    CHECK_TEXT(e ? e->code : NULL, "read_only");
    e = test_refused(
        rq,
        "INSERT INTO shipment_line (shipment_id, item_id, quantity, sales_order_line_id)"
        " SELECT %s, %s, 1, id FROM sales_order_line WHERE order_id = %s AND item_id = %s",
        delivery(rq, &s), s.freight, s.order, s.item);
    CU_ASSERT_PTR_NOT_NULL(e);
    test_end(rq);
}

static void
an_order_invoiced_as_ordered_can_be_billed_before_delivery(void)
{
    struct rq *rq = test_begin();
    struct sale s = sale(rq, "100");
    const char *order = test_create(rq, "sales_order",
                                    "{\"customer_id\": %s, \"invoice_policy\": \"ordered\","
                                    " \"lines\": [{\"item_id\": %s, \"quantity\": \"2\"}]}",
                                    s.customer, s.item);

    s.order = order;
    CU_ASSERT_TRUE(test_take(rq, "sales_order", order, "confirm", NULL) &&
                   test_take(rq, "sales_order", order, "invoice", NULL) &&
                   test_take(rq, "invoice", draft_invoice(rq, &s), "post", NULL));
    CHECK_TEXT(progress(rq, &s), "confirmed none full none");
    checks_hold(rq);
    test_end(rq);
}

static void
an_order_of_services_has_nothing_to_deliver_once_confirmed(void)
{
    struct rq *rq = test_begin();
    struct sale s = sale(rq, NULL);

    s.order =
        test_create(rq, "sales_order",
                    "{\"customer_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"1\"}]}",
                    s.customer, s.freight);
    CHECK_TEXT(progress(rq, &s), "draft none none none");
    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "confirm", NULL));
    CHECK_TEXT(progress(rq, &s), "confirmed full none none");
    CU_ASSERT_PTR_NULL(delivery(rq, &s));
    checks_hold(rq);
    test_end(rq);
}

static void
what_comes_back_counts_as_returned(void)
{
    struct rq *rq = test_begin();
    struct sale s = sale(rq, "100");

    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "confirm", NULL) && ship(rq, &s, "10"));
    const char *line = test_sql(rq,
                                "SELECT s.id FROM shipment_line s JOIN sales_order_line l"
                                " ON l.id = s.sales_order_line_id WHERE l.order_id = %s",
                                s.order);
    const char *back =
        test_create(rq, "shipment",
                    "{\"kind\": \"return\", \"party_id\": %s, \"warehouse_id\": %s, \"lines\":"
                    " [{\"item_id\": %s, \"quantity\": \"3\", \"returns_line_id\": %s}]}",
                    s.customer, test_sql(rq, "SELECT min(id) FROM warehouse"), s.item, line);

    CU_ASSERT_TRUE(test_take(rq, "shipment", back, "receive", NULL));
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT concat_ws(' ', l.quantity_delivered, l.quantity_returned,"
                 " f.quantity_to_invoice) FROM sales_order_line l JOIN sales_order_line_fact f"
                 " USING (id) WHERE l.order_id = %s AND l.item_id = %s",
                 s.order, s.item),
        "10 3 7");
    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "invoice", NULL) &&
                   test_take(rq, "invoice", draft_invoice(rq, &s), "post", NULL));
    CHECK_TEXT(progress(rq, &s), "confirmed full full none");
    checks_hold(rq);
    test_end(rq);
}

const struct test sales_fulfil_tests[] = {
    { "a reversed delivery is delivered no more, and is no return",
      a_reversed_delivery_is_delivered_no_more_and_is_no_return },
    { "confirming prepares the delivery and sets goods aside",
      confirming_prepares_the_delivery_and_sets_goods_aside },
    { "a partial delivery leaves a backorder and the order in part",
      a_partial_delivery_leaves_a_backorder_and_the_order_in_part },
    { "invoices bill what was delivered, and services once",
      invoices_bill_what_was_delivered_and_services_once },
    { "an invoice can be split by lines", an_invoice_can_be_split_by_lines },
    { "exposure stays the same from order to invoice and falls with payment",
      exposure_stays_the_same_from_order_to_invoice_and_falls_with_payment },
    { "settling leaves unfinished orders alone", settling_leaves_unfinished_orders_alone },
    { "cancelling drops the delivery and frees the goods",
      cancelling_drops_the_delivery_and_frees_the_goods },
    { "an order in delivery is closed, not cancelled",
      an_order_in_delivery_is_closed_not_cancelled },
    { "a confirmed order changes, but not below what is delivered or prepared",
      a_confirmed_order_changes_but_not_below_what_is_delivered_or_prepared },
    { "no more leaves than was ordered, even by plain SQL",
      no_more_leaves_than_was_ordered_even_by_plain_sql },
    { "no more is invoiced than was delivered, even by plain SQL",
      no_more_is_invoiced_than_was_delivered_even_by_plain_sql },
    { "deliveries and invoices of others cannot name the line",
      deliveries_and_invoices_of_others_cannot_name_the_line },
    { "an order invoiced as ordered can be billed before delivery",
      an_order_invoiced_as_ordered_can_be_billed_before_delivery },
    { "an order of services has nothing to deliver once confirmed",
      an_order_of_services_has_nothing_to_deliver_once_confirmed },
    { "what comes back counts as returned", what_comes_back_counts_as_returned },
    { 0 },
};
