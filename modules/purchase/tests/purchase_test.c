/*
 * purchase_test.c - from the requisition to the payment: quantities that suppliers sell, parts
 * and too much, bills that match, and the account of goods received and not billed.
 */
#include "modules/purchase/tests/purchase_fixture.h"

static const char *
lead(struct rq *rq, const char *item, const char *quantity)
{
    return test_sql(
        rq,
        "SELECT concat_ws('/', day, trim_scale(quantity), party_id, trim_scale(unit_price), currency_code)"
        "  FROM purchase_lead(app_company(), %s, 1, %s, '2026-11-25')",
        item, quantity);
}

static void
a_quantity_is_rounded_to_what_the_supplier_sells(void)
{
    struct rq *rq = test_begin();
    const char *a = supplier_new(rq, "A"), *b = supplier_new(rq, "B");
    const char *item = bought_item(rq, "P-1", "average");

    CHECK_TEXT(lead(rq, item, "7"), NULL); /* nothing is known */
    test_sql(rq, "UPDATE item SET lead_days = 2 WHERE id = %s", item);
    /* Wednesday 25 November and two working days: Friday. */
    CHECK_TEXT(lead(rq, item, "7"), "2026-11-27/7");
    test_create(
        rq, "item_supplier",
        "{\"item_id\": %s, \"supplier_id\": %s, \"unit_price\": \"3\", \"min_quantity\": \"20\","
        " \"multiple\": \"6\", \"lead_days\": 3}",
        item, a);
    /* At least 20, in sixes: 24; Thursday, Friday, Monday. */
    CHECK_TEXT(lead(rq, item, "7"), arena_printf(rq->mem, "2026-11-30/24/%s/3/USD", a));
    CHECK_TEXT(lead(rq, item, "25"), arena_printf(rq->mem, "2026-11-30/30/%s/3/USD", a));
    test_create(
        rq, "item_supplier",
        "{\"item_id\": %s, \"supplier_id\": %s, \"unit_price\": \"2.5\", \"min_quantity\": \"100\","
        " \"lead_days\": 3}",
        item, a);
    /* 97 in sixes would be 102, the break takes 100 and is cheaper. */
    CHECK_TEXT(lead(rq, item, "97"), arena_printf(rq->mem, "2026-11-30/100/%s/2.5/USD", a));
    /* The other one is as important and faster. */
    test_create(rq, "item_supplier",
                "{\"item_id\": %s, \"supplier_id\": %s, \"unit_price\": \"9\", \"lead_days\": 1}",
                item, b);
    CHECK_TEXT(lead(rq, item, "7"), arena_printf(rq->mem, "2026-11-26/7/%s/9/USD", b));
    test_sql(rq, "UPDATE item_supplier SET priority = 20 WHERE supplier_id = %s", b);
    CHECK_TEXT(lead(rq, item, "7"), arena_printf(rq->mem, "2026-11-30/24/%s/3/USD", a));
    test_sql(rq, "UPDATE item_supplier SET valid_to = '2026-11-24' WHERE supplier_id = %s", a);
    CHECK_TEXT(lead(rq, item, "7"), arena_printf(rq->mem, "2026-11-26/7/%s/9/USD", b));
    test_end(rq);
}

/* long because it is one story, whose steps are checked as they happen */
static void
from_the_requisition_to_the_payment(void)
{
    struct rq *rq = test_begin();
    const char *supplier = supplier_new(rq, "Quarry Ltd"), *order, *bill;
    const char *item = bought_item(rq, "P-1", "average"), *requisition;

    test_create(
        rq, "item_supplier",
        "{\"item_id\": %s, \"supplier_id\": %s, \"unit_price\": \"10\", \"multiple\": \"50\","
        " \"lead_days\": 5}",
        item, supplier);
    requisition = test_create(
        rq, "purchase_requisition",
        "{\"lines\": [{\"item_id\": %s, \"quantity\": \"80\", \"needed_on\": \"2026-01-01\"}]}",
        item);
    step(rq, "purchase_requisition", requisition, "approve", NULL);
    step(rq, "purchase_requisition", requisition, "order", NULL);
    /* 80 in fifties: 100 at 10.00. */
    order = test_sql(rq, "SELECT max(id) FROM purchase_order");
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT concat_ws(' ', o.state, trim_scale(l.quantity), trim_scale(o.net), l.price_explanation)"
            "  FROM purchase_order o JOIN purchase_order_line l ON l.order_id = o.id"
            " WHERE o.id = %s",
            order),
        "draft 100 1000 Supplier price of Quarry Ltd: from 0");
    step(rq, "purchase_order", order, "order", NULL);
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT concat_ws(' ', trim_scale(s.quantity), s.firm, s.day = l.expected_date)"
                 "  FROM purchase_order_line l JOIN supply s ON s.id = l.supply_id"
                 " WHERE l.order_id = %s",
                 order),
        "100 t t");
    receive(rq, order, "40");
    CHECK_TEXT(posted_on(rq, "received_not_billed"), "-400.00");
    CHECK_TEXT(test_sql(rq, "SELECT received FROM purchase_order WHERE id = %s", order), "part");
    /* 5 percent of 100 ordered: 60 are open, 65 are accepted, 66 are not. */
    CHECK_TEXT(step_refused(rq, "shipment", open_receipt(rq, order), "receive",
                            receive_body(rq, open_receipt(rq, order), "66")),
               "too_much");
    receive(rq, order, "65");
    CHECK_TEXT(posted_on(rq, "received_not_billed"), "-1050.00");
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT concat_ws(' ', o.received, trim_scale(l.quantity_received), trim_scale(s.quantity))"
            "  FROM purchase_order o JOIN purchase_order_line l ON l.order_id = o.id"
            "  JOIN supply s ON s.id = l.supply_id WHERE o.id = %s",
            order),
        "full 105 0");
    purchase_checks(rq);
    step(rq, "purchase_order", order, "bill", "{\"reference\": \"R-1\"}");
    bill = draft_bill(rq, order);
    /* 105 at 10.10 instead of 10.00: one percent more is tolerated. 1060.50 - 1050 = 10.50. */
    test_sql(rq, "UPDATE invoice_line SET unit_price = 10.1 WHERE invoice_id = %s", bill);
    step(rq, "invoice", bill, "post", NULL);
    CHECK_TEXT(posted_on(rq, "received_not_billed"), "0.00");
    CHECK_TEXT(posted_on(rq, "price_difference"), "10.50");
    CHECK_TEXT(posted_on(rq, "payable"), "-1060.50");
    CHECK_TEXT(test_sql(rq, "SELECT billed FROM purchase_order WHERE id = %s", order), "full");
    step(rq, "payment",
         test_create(rq, "payment",
                     "{\"kind\": \"disbursement\", \"party_id\": %s, \"amount\": \"1060.50\"}",
                     supplier),
         "post", NULL);
    CHECK_TEXT(posted_on(rq, "payable"), "0.00");
    CHECK_TEXT(test_sql(rq, "SELECT paid FROM invoice WHERE id = %s", bill), "full");
    /* One flow from the requisition on. */
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT concat_ws(' ', count(DISTINCT flow_id), string_agg(DISTINCT entity, ','))"
                 "  FROM flow_document WHERE flow_id = (SELECT flow_id FROM purchase_requisition"
                 "                                       WHERE id = %s)",
                 requisition),
        "1 invoice,payment,purchase_order,purchase_requisition,shipment");
    purchase_checks(rq);
    test_end(rq);
}

static void
a_bill_that_does_not_match_is_refused_until_it_is_released(void)
{
    struct rq *rq = test_begin();
    struct purchase p = ordered(rq, "10");
    const char *bill;

    receive(rq, p.order, "6");
    step(rq, "purchase_order", p.order, "bill", "{\"reference\": \"R-7\"}");
    bill = draft_bill(rq, p.order);
    /* 6 came, 7 are billed. */
    test_sql(rq, "UPDATE invoice_line SET quantity = 7 WHERE invoice_id = %s", bill);
    CHECK_TEXT(step_refused(rq, "invoice", bill, "post", NULL), "not_matched");
    /* 10.20 is two percent more than 10.00, 10.21 is above that: 61.26 for 60.00. */
    test_sql(rq, "UPDATE invoice_line SET quantity = 6, unit_price = 10.21 WHERE invoice_id = %s",
             bill);
    CHECK_TEXT(step_refused(rq, "invoice", bill, "post", NULL), "not_matched");
    step(rq, "invoice", bill, "release_match", NULL);
    /* The release is for that total only. */
    test_sql(rq, "UPDATE invoice_line SET unit_price = 11 WHERE invoice_id = %s", bill);
    CHECK_TEXT(step_refused(rq, "invoice", bill, "post", NULL), "not_matched");
    test_sql(rq, "UPDATE invoice_line SET unit_price = 10.2 WHERE invoice_id = %s", bill);
    step(rq, "invoice", bill, "post", NULL);
    CHECK_TEXT(posted_on(rq, "price_difference"), "1.20");
    CHECK_TEXT(posted_on(rq, "received_not_billed"), "0.00");
    /* The supplier numbers a bill once, however it is written. */
    CHECK_TEXT(test_refused(rq,
                            "INSERT INTO invoice (kind, party_id, reference)"
                            " VALUES ('supplier_bill', %s, ' r-7 ')",
                            p.supplier)
                   ->message,
               "There is a bill of this supplier with this reference already");
    purchase_checks(rq);
    test_end(rq);
}

static void
billed_before_it_came_and_returned_after(void)
{
    struct rq *rq = test_begin();
    struct purchase p = ordered(rq, "10");
    const char *bill, *line, *back;

    bill = test_create(
        rq, "invoice",
        "{\"kind\": \"supplier_bill\", \"party_id\": %s, \"lines\": [{\"item_id\": %s,"
        " \"quantity\": \"10\", \"unit_price\": \"10.1\", \"purchase_order_line_id\": %s}]}",
        p.supplier, p.item,
        test_sql(rq, "SELECT id FROM purchase_order_line WHERE order_id = %s", p.order));
    CHECK_TEXT(step_refused(rq, "invoice", bill, "post", NULL), "not_matched");
    step(rq, "invoice", bill, "release_match", NULL);
    step(rq, "invoice", bill, "post", NULL);
    /* 101.00 are billed: 100.00 wait for the goods, 1.00 is a difference at once. */
    CHECK_TEXT(posted_on(rq, "received_not_billed"), "100.00");
    receive(rq, p.order, "10");
    CHECK_TEXT(posted_on(rq, "received_not_billed"), "0.00");
    purchase_checks(rq);
    /* 4 go back: the stock is worth 10.00 each, so 40.00 wait for the debit note. */
    line = test_sql(rq,
                    "SELECT max(id) FROM shipment_line WHERE purchase_order_line_id IS NOT NULL"
                    "   AND quantity_done > 0");
    back = test_create(
        rq, "shipment",
        "{\"kind\": \"delivery\", \"party_id\": %s, \"warehouse_id\": %s, \"other_location_id\": %s,"
        " \"lines\": [{\"item_id\": %s, \"quantity\": \"4\", \"returns_line_id\": %s}]}",
        p.supplier, test_sql(rq, "SELECT min(id) FROM warehouse WHERE company_id = app_company()"),
        test_sql(rq, "SELECT stock_side(app_company(), 'supplier')"), p.item, line);
    step(rq, "shipment", back, "ship", NULL);
    CHECK_TEXT(posted_on(rq, "received_not_billed"), "40.00");
    step(rq, "invoice", bill, "credit",
         arena_printf(rq->mem, "{\"lines\": [{\"id\": %s, \"quantity\": \"4\"}]}",
                      test_sql(rq, "SELECT id FROM invoice_line WHERE invoice_id = %s", bill)));
    step(rq, "invoice", test_sql(rq, "SELECT id FROM invoice WHERE kind = 'debit_note'"), "post",
         NULL);
    /* 4 at 10.10 come back: 1.00 - 0.40. */
    CHECK_TEXT(posted_on(rq, "received_not_billed"), "0.00");
    CHECK_TEXT(posted_on(rq, "price_difference"), "0.60");
    purchase_checks(rq);
    test_end(rq);
}

/* The same numbers in every run. */
static unsigned dice;

static int
chance(void)
{
    dice = dice * 1103515245u + 12345u;
    return (int)(dice >> 8 & 0xffffff);
}

/* An order of 1000 in pounds, at any price, discount and rate. */
static const char *
order_abroad(struct rq *rq, const char *supplier, const char *item)
{
    const char *id = test_create(
        rq, "purchase_order",
        "{\"supplier_id\": %s, \"currency_code\": \"GBP\", \"order_date\": \"%s\", \"lines\":"
        " [{\"item_id\": %s, \"quantity\": \"1000\", \"unit_price\": \"%d.%06d\","
        " \"discount\": \"%d\"}]}",
        supplier, test_sql(rq, "SELECT app_today() - %d", 1 + chance() % 23), item,
        chance() % 9 + 1, chance() % 1000000, chance() % 3 * 7);

    step(rq, "purchase_order", id, "order", NULL);
    return id;
}

/* Bill what came, half of it while more is to come, at another day's rate and another price. */
static void
bill_any_part(struct rq *rq, const char *order, bool half)
{
    const char *bill;

    step(rq, "purchase_order", order, "bill", NULL);
    bill = draft_bill(rq, order);
    test_sql(rq, "UPDATE invoice SET invoice_date = app_today() - %d WHERE id = %s", chance() % 24,
             bill);
    test_sql(rq,
             "UPDATE invoice_line SET unit_price = round(unit_price * %d / 100.0, 6)%s"
             " WHERE invoice_id = %s",
             90 + chance() % 21, half ? ", quantity = ceil(quantity / 2)" : "", bill);
    step(rq, "invoice", bill, "post", NULL);
}

/* Any sequence of parts, prices and rates ends with nothing on the clearing account. */
static void
the_clearing_account_ends_at_zero(void)
{
    struct rq *rq = test_begin();
    const char *supplier = supplier_new(rq, "Abroad"), *order, *receipt;
    static const char *const costings[] = { "average", "fifo", "standard" };

    dice = 7;
    test_sql(rq,
             "INSERT INTO setting (name, value) VALUES ('purchase.price_tolerance_percent', '50')");
    for (int day = 1; day < 25; day++)
        test_sql(rq,
                 "INSERT INTO exchange_rate (currency_code, valid_from, rate)"
                 " VALUES ('GBP', app_today() - %d, 1.%06d)",
                 day, chance() % 1000000);
    for (int run = 0; run < 12; run++) {
        order = order_abroad(
            rq, supplier, bought_item(rq, arena_printf(rq->mem, "R-%d", run), costings[run % 3]));
        while (strcmp(test_sql(rq,
                               "SELECT trim_scale(quantity - quantity_billed)"
                               "  FROM purchase_order_line WHERE order_id = %s",
                               order),
                      "0") != 0) {
            receipt = open_receipt(rq, order);
            if (receipt)
                receive(rq, order,
                        test_sql(rq,
                                 "SELECT least(quantity, %d) FROM shipment_line"
                                 " WHERE shipment_id = %s",
                                 chance() % 400 + 1, receipt));
            if (!receipt || chance() % 2)
                bill_any_part(rq, order, receipt != NULL);
        }
    }
    CHECK_TEXT(posted_on(rq, "received_not_billed"), "0.00");
    CU_ASSERT_STRING_NOT_EQUAL(posted_on(rq, "price_difference"), "0.00");
    CHECK_TEXT(test_sql(rq,
                        "SELECT count(*) FROM purchase_order"
                        " WHERE received = 'full' AND billed = 'full'"),
               "12");
    purchase_checks(rq);
    test_end(rq);
}

static void
a_late_supplier_moves_the_supply_and_a_short_close_ends_it(void)
{
    struct rq *rq = test_begin();
    struct purchase p = ordered(rq, "10");

    test_sql(rq,
             "UPDATE purchase_order_line SET expected_date = expected_date + 9 WHERE order_id = %s",
             p.order);
    purchase_checks(rq); /* check supply_follows compares the days */
    receive(rq, p.order, "6");
    CHECK_TEXT(step_refused(rq, "purchase_order", p.order, "cancel", NULL), "already_received");
    step(rq, "purchase_order", p.order, "close", NULL);
    CHECK_TEXT(open_receipt(rq, p.order), NULL);
    CHECK_TEXT(
        test_sql(rq, "SELECT trim_scale(sum(quantity)) FROM supply WHERE item_id = %s", p.item),
        "0");
    step(rq, "purchase_order", p.order, "bill", NULL);
    step(rq, "invoice", draft_bill(rq, p.order), "post", NULL);
    CHECK_TEXT(posted_on(rq, "received_not_billed"), "0.00");
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', received, billed) FROM purchase_order WHERE id = %s",
                        p.order),
               "part full");
    purchase_checks(rq);
    test_end(rq);
}

static void
plain_sql_goes_round_nothing(void)
{
    struct rq *rq = test_begin();
    struct purchase p = ordered(rq, "10");
    const char *line =
        test_sql(rq, "SELECT id FROM purchase_order_line WHERE order_id = %s", p.order);
    const char *receipt = open_receipt(rq, p.order);

    CU_ASSERT_PTR_NOT_NULL(test_refused(
        rq, "UPDATE purchase_order_line SET quantity_received = 1 WHERE id = %s", line));
    CU_ASSERT_PTR_NOT_NULL(test_refused(
        rq, "UPDATE purchase_order_line SET over_tolerance = 100 WHERE id = %s", line));
    CU_ASSERT_PTR_NOT_NULL(test_refused(
        rq, "UPDATE shipment_line SET over_tolerance = 100 WHERE shipment_id = %s", receipt));
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq, "UPDATE purchase_order_line SET supply_id = NULL WHERE id = %s", line));
    CU_ASSERT_PTR_NOT_NULL(test_refused(
        rq, "UPDATE purchase_order SET supplier_id = 1, currency_code = 'GBP' WHERE id = %s",
        p.order));
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq, "UPDATE purchase_order_line SET quantity = 9 WHERE id = %s", line));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "DELETE FROM purchase_order WHERE id = %s", p.order));
    CU_ASSERT_PTR_NOT_NULL(test_refused(
        rq,
        "INSERT INTO purchase_clearing (company_id, order_line_id, posting_date, quantity,"
        " value, billed) VALUES (app_company(), %s, app_today(), 1, 1, 1)",
        line));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "UPDATE invoice SET match_released_total = 1"));
    /* What a receipt costs follows from the order, whatever the warehouse types. */
    test_sql(rq, "UPDATE shipment_line SET unit_cost = 99 WHERE shipment_id = %s", receipt);
    CHECK_TEXT(test_sql(rq,
                        "SELECT trim_scale(unit_cost) FROM shipment_line WHERE shipment_id = %s",
                        receipt),
               "10");
    /* Moves round the operation: 10.5 with the tolerance, no more. */
    CHECK_TEXT(
        test_refused(
            rq,
            "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, unit_cost, shipment_line_id)"
            " SELECT item_id, 10.6, stock_side(company_id, 'supplier'), stock_root(1), 10, id FROM shipment_line"
            "  WHERE shipment_id = %s",
            receipt)
            ->code,
        "invalid");
    test_end(rq);
    rq = test_begin_as("sales", "TEST");
    CHECK_TEXT(test_refused(rq, "SELECT purchase_release_match('{1}')")->code, "forbidden");
    test_end(rq);
}

const struct test purchase_tests[] = {
    { "a quantity is rounded to what the supplier sells, from the best of them",
      a_quantity_is_rounded_to_what_the_supplier_sells },
    { "from the requisition to the payment: parts, too much, a price variance, books at zero",
      from_the_requisition_to_the_payment },
    { "a bill that does not match is refused until it is released, by name and for that total",
      a_bill_that_does_not_match_is_refused_until_it_is_released },
    { "billed before it came, and returned after: the clearing account ends at zero",
      billed_before_it_came_and_returned_after },
    { "any parts, prices and rates end with nothing on the clearing account",
      the_clearing_account_ends_at_zero },
    { "a late supplier moves the supply, a short close ends it",
      a_late_supplier_moves_the_supply_and_a_short_close_ends_it },
    { "plain SQL goes round nothing", plain_sql_goes_round_nothing },
    { 0 },
};
