/*
 * The life of shipments, as the warehouse sees it.
 */
#include "modules/stock/tests/stock_fixture.h"

static void
opening_stock_is_on_hand_and_in_the_ledger_at_once(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "OPEN", "average");

    stock_open(rq, item, "10", "3.333333");
    CHECK_TEXT(stock_of(rq, item), "10/0/10");
    CHECK_TEXT(ledger_of(rq, "inventory"), "33.33");
    CHECK_TEXT(ledger_of(rq, "opening_balance"), "-33.33");
    stock_checks(rq);
    test_end(rq);
}

static void
a_delivery_takes_what_is_set_aside_and_posts_its_cost(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "SHIP", "average"), *delivery;

    stock_open(rq, item, "10", "4");
    delivery = shipment_new(rq, "delivery", item, "3");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "reserve", NULL));
    CHECK_TEXT(stock_of(rq, item), "10/3/7");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship", "{\"date\": \"2026-02-03\"}"));
    CHECK_TEXT(stock_of(rq, item), "7/0/7");
    CHECK_TEXT(
        test_sql(rq, "SELECT state || ' ' || done_date FROM shipment WHERE id = %s", delivery),
        "done 2026-02-03");
    CHECK_TEXT(ledger_of(rq, "inventory"), "28.00");
    CHECK_TEXT(ledger_of(rq, "cost_of_sales"), "12.00");
    stock_checks(rq);
    test_end(rq);
}

static void
a_part_that_is_shipped_leaves_the_rest_on_a_backorder(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "PART", "average"), *other = item_new(rq, "PART2", "fifo");
    const char *delivery, *line;

    stock_open(rq, item, "10", "4");
    stock_open(rq, other, "10", "1");
    delivery = shipment_new(rq, "delivery", item, "5");
    test_sql(rq,
             "INSERT INTO shipment_line (shipment_id, position, item_id, quantity)"
             " VALUES (%s, 2, %s, 6) RETURNING id",
             delivery, other);
    line = test_sql(rq, "SELECT min(id) FROM shipment_line WHERE shipment_id = %s", delivery);
    CU_ASSERT_TRUE(
        test_take(rq, "shipment", delivery, "ship",
                  arena_printf(rq->mem, "{\"lines\": [{\"id\": %s, \"quantity\": \"2\"}]}", line)));
    CHECK_TEXT(stock_of(rq, item), "8/3/5");
    CHECK_TEXT(stock_of(rq, other), "10/6/4");
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT string_agg(trim_scale(quantity)::text || '/' || trim_scale(quantity_done), ' ')"
            "  FROM shipment_line WHERE shipment_id = %s",
            delivery),
        "2/2");
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT string_agg(s.state || ' ' || trim_scale(l.quantity) || '/' || trim_scale(l.quantity_reserved),"
            "                  ', ' ORDER BY l.position)"
            "  FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id WHERE s.backorder_of_id = %s",
            delivery),
        "draft 3/3, draft 6/6");
    stock_checks(rq);
    test_end(rq);
}

static void
a_short_item_is_named_with_what_there_is_and_nothing_moves(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "SHORT", "average"), *delivery, *rival;

    stock_open(rq, item, "10", "4");
    rival = shipment_new(rq, "delivery", item, "8");
    CU_ASSERT_TRUE(test_take(rq, "shipment", rival, "reserve", NULL));
    delivery = shipment_new(rq, "delivery", item, "3");
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "shipment", delivery, "ship", NULL));
    CHECK_TEXT(test_code(rq), "short_stock");
    CHECK_TEXT(rq->errors ? rq->errors->message : NULL, "Only 2 of SHORT are available");
    CHECK_TEXT(rq->errors ? rq->errors->field : NULL, "lines[0].quantity");
    test_recover(rq);
    CHECK_TEXT(stock_of(rq, item), "10/8/2");
    test_end(rq);
}

static void
what_there_is_can_be_shipped_when_it_is_less(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "LESS", "fifo"), *delivery;

    stock_open(rq, item, "2.5", "4");
    delivery = shipment_new(rq, "delivery", item, "3");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship", "{\"partial\": true}"));
    CHECK_TEXT(stock_of(rq, item), "0/0/0");
    CHECK_TEXT(ledger_of(rq, "inventory"), "0.00");
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT trim_scale(l.quantity) FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id"
            " WHERE s.backorder_of_id = %s",
            delivery),
        "0.5");
    stock_checks(rq);
    test_end(rq);
}

static void
nothing_to_ship_and_too_much_are_said(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "NONE", "average"), *delivery, *line;

    stock_open(rq, item, "10", "4");
    delivery = shipment_new(rq, "delivery", item, "3");
    line = test_sql(rq, "SELECT min(id) FROM shipment_line WHERE shipment_id = %s", delivery);
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "shipment", delivery, "ship", "{\"lines\": []}"));
    CHECK_TEXT(test_code(rq), "nothing_to_ship");
    test_recover(rq);
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(
        rq, "shipment", delivery, "ship",
        arena_printf(rq->mem, "{\"lines\": [{\"id\": %s, \"quantity\": \"3.5\"}]}", line)));
    CHECK_TEXT(test_code(rq), "too_much");
    test_recover(rq);
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "shipment", delivery, "ship", "{\"lines\": [{\"id\": 1}]}"));
    CU_ASSERT_TRUE(failed_with(rq, "unknown_line"));
    test_recover(rq);
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "shipment", delivery, "receive", NULL));
    CHECK_TEXT(test_code(rq), "wrong_kind");
    test_recover(rq);
    test_end(rq);
}

static void
a_part_that_cannot_move_on_that_day_says_so(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "WHEN", "average"), *delivery, *line;

    stock_open(rq, item, "10", "4");
    delivery = shipment_new(rq, "delivery", item, "3");
    line = test_sql(rq, "SELECT min(id) FROM shipment_line WHERE shipment_id = %s", delivery);
    CU_ASSERT_FALSE(test_take(rq, "shipment", delivery, "ship",
                              arena_printf(rq->mem,
                                           "{\"date\": \"2999-01-01\","
                                           " \"lines\": [{\"id\": %s, \"quantity\": \"1\"}]}",
                                           line)));
    CHECK_TEXT(test_code(rq), "in_future");
    test_end(rq);
}

static void
a_serial_number_is_one_unit(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "SERIAL", "average"), *lot;
    static const char arrival[] =
        "INSERT INTO stock_move (item_id, lot_id, quantity, from_location_id, to_location_id, unit_cost)"
        " VALUES (%s, %s, %s, stock_side(app_company(), 'supplier'), " MAIN_ROOT
        ", 1) RETURNING id";

    test_sql(rq, "UPDATE item SET tracking = 'serial' WHERE id = %s RETURNING id", item);
    lot = test_sql(rq, "INSERT INTO lot (item_id, code) VALUES (%s, 'S1') RETURNING id", item);
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, arrival, item, lot, "2"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, arrival, item, "NULL", "1"));
    test_sql(rq, arrival, item, lot, "1");
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, arrival, item, lot, "1"));
    stock_checks(rq);
    test_end(rq);
}

static void
a_receipt_adds_stock_at_its_cost(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "BUY", "average"), *receipt;

    stock_open(rq, item, "10", "4");
    receipt = shipment_new(rq, "receipt", item, "10");
    test_sql(rq, "UPDATE shipment_line SET unit_cost = 6 WHERE shipment_id = %s RETURNING id",
             receipt);
    CU_ASSERT_TRUE(test_take(rq, "shipment", receipt, "receive", NULL));
    CHECK_TEXT(stock_of(rq, item), "20/0/20");
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT trim_scale(unit_cost) FROM stock_valuation_fact JOIN stock_valuation"
                 " USING (id) WHERE item_id = %s",
                 item),
        "5");
    CHECK_TEXT(ledger_of(rq, "received_not_billed"), "-60.00");
    stock_checks(rq);
    test_end(rq);
}

static void
a_return_comes_back_at_the_cost_at_which_it_left(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "BACK", "average"), *delivery, *receipt, *back;

    stock_open(rq, item, "10", "4");
    delivery = shipment_new(rq, "delivery", item, "5");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship", "{\"date\": \"2026-02-01\"}"));
    receipt = shipment_new(rq, "receipt", item, "5");
    test_sql(rq, "UPDATE shipment_line SET unit_cost = 9 WHERE shipment_id = %s RETURNING id",
             receipt);
    CU_ASSERT_TRUE(test_take(rq, "shipment", receipt, "receive", "{\"date\": \"2026-02-02\"}"));
    back = shipment_new(rq, "return", item, "2");
    test_sql(
        rq,
        "UPDATE shipment_line SET returns_line_id = (SELECT id FROM shipment_line WHERE shipment_id = %s)"
        " WHERE shipment_id = %s RETURNING id",
        delivery, back);
    CU_ASSERT_TRUE(test_take(rq, "shipment", back, "receive", "{\"date\": \"2026-02-03\"}"));
    CHECK_TEXT(ledger_of(rq, "cost_of_sales"), "12.00");
    CHECK_TEXT(ledger_of(rq, "inventory"), "73.00");
    stock_checks(rq);
    test_end(rq);
}

static void
a_transfer_changes_the_place_and_not_the_value(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "MOVE", "fifo"), *transfer;

    test_sql(rq, "INSERT INTO warehouse (code, name) VALUES ('EAST', 'East') RETURNING id");
    stock_open(rq, item, "10", "4");
    transfer =
        test_create(rq, "shipment",
                    "{\"kind\": \"transfer\", \"warehouse_id\": %s, \"other_location_id\": %s,"
                    " \"lines\": [{\"item_id\": %s, \"quantity\": \"4\"}]}",
                    test_sql(rq, "SELECT id FROM warehouse WHERE code = 'MAIN'"),
                    test_sql(rq, "SELECT id FROM location WHERE code = 'EAST'"), item);
    CU_ASSERT_TRUE(test_take(rq, "shipment", transfer, "ship", NULL));
    CHECK_TEXT(stock_of(rq, item), "6/0/6");
    CHECK_TEXT(ledger_of(rq, "inventory"), "40.00");
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM stock_value WHERE item_id = %s", item), "1");
    stock_checks(rq);
    test_end(rq);
}

static void
a_cancelled_shipment_gives_back_what_it_held(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "GIVE", "average"), *delivery;

    stock_open(rq, item, "10", "4");
    delivery = shipment_new(rq, "delivery", item, "20");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "reserve", NULL));
    CHECK_TEXT(test_sql(rq, "SELECT reserved FROM shipment_fact WHERE id = %s", delivery), "part");
    CHECK_TEXT(stock_of(rq, item), "10/10/0");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "cancel", NULL));
    CHECK_TEXT(stock_of(rq, item), "10/0/10");
    stock_checks(rq);
    test_end(rq);
}

static void
several_shipments_are_reserved_at_once_earliest_first(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "MANY", "average"), *late, *early;

    stock_open(rq, item, "10", "4");
    late = shipment_new(rq, "delivery", item, "6");
    early = shipment_new(rq, "delivery", item, "7");
    test_sql(rq, "UPDATE shipment SET planned_date = '2026-01-05' WHERE id = %s RETURNING id",
             early);
    CU_ASSERT_TRUE(workflow_take(rq, "shipment", arena_printf(rq->mem, "{%s,%s}", late, early),
                                 "reserve", NULL));
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT string_agg(trim_scale(quantity_reserved)::text, ' ' ORDER BY shipment_id)"
                 "  FROM shipment_line WHERE shipment_id IN (%s, %s)",
                 late, early),
        "3 7");
    stock_checks(rq);
    test_end(rq);
}

static void
the_lot_that_expires_first_leaves_first_unless_one_is_named(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "LOTS", "average"), *old, *young, *delivery;

    test_sql(rq, "UPDATE item SET tracking = 'lot' WHERE id = %s RETURNING id", item);
    young = test_sql(
        rq,
        "INSERT INTO lot (item_id, code, expires_on) VALUES (%s, 'Y', app_today() + 400) RETURNING id",
        item);
    old = test_sql(
        rq,
        "INSERT INTO lot (item_id, code, expires_on) VALUES (%s, 'O', app_today() + 40) RETURNING id",
        item);
    test_sql(rq,
             "INSERT INTO stock_opening (item_id, lot_id, quantity, unit_cost, opened_on)"
             " VALUES (%s, %s, 4, 1, '2026-01-01'), (%s, %s, 4, 1, '2026-01-01') RETURNING id",
             item, young, item, old);
    delivery = shipment_new(rq, "delivery", item, "5");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "reserve", NULL));
    CHECK_TEXT(test_sql(rq, "SELECT trim_scale(quantity) FROM reservation WHERE lot_id = %s", old),
               "4");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "release", NULL));
    test_sql(rq, "UPDATE shipment_line SET lot_id = %s WHERE shipment_id = %s RETURNING id", young,
             delivery);
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "reserve", NULL));
    CHECK_TEXT(
        test_sql(rq, "SELECT trim_scale(sum(quantity)) FROM reservation WHERE item_id = %s", item),
        "4");
    CHECK_TEXT(
        test_sql(rq, "SELECT trim_scale(quantity) FROM reservation WHERE lot_id = %s", young), "4");
    stock_checks(rq);
    test_end(rq);
}

static void
shipping_takes_two_round_trips_of_its_own(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "TRIP", "average"), *delivery;
    int before;

    stock_open(rq, item, "10", "4");
    delivery = shipment_new(rq, "delivery", item, "3");
    test_take(rq, "shipment", delivery, "reserve", NULL);
    db_flush(rq);
    rq->ids = arena_printf(rq->mem, "{%s}", delivery);
    rq->body_text = "{}";
    before = db_syncs(rq->db);
    for (const struct operation *o = shipment_operations; o->name; o++)
        if (!strcmp(o->name, "ship"))
            CU_ASSERT_TRUE(o->run(rq));
    CU_ASSERT_TRUE(db_syncs(rq->db) - before <= 2);
    test_end(rq);
}

const struct test shipment_tests[] = {
    { "opening stock is on hand and in the ledger at once",
      opening_stock_is_on_hand_and_in_the_ledger_at_once },
    { "a delivery takes what is set aside and posts its cost",
      a_delivery_takes_what_is_set_aside_and_posts_its_cost },
    { "a part that is shipped leaves the rest on a backorder",
      a_part_that_is_shipped_leaves_the_rest_on_a_backorder },
    { "a short item is named with what there is, and nothing moves",
      a_short_item_is_named_with_what_there_is_and_nothing_moves },
    { "what there is can be shipped when it is less",
      what_there_is_can_be_shipped_when_it_is_less },
    { "nothing to ship and too much are said", nothing_to_ship_and_too_much_are_said },
    { "a part that cannot move on that day says so", a_part_that_cannot_move_on_that_day_says_so },
    { "a serial number is one unit", a_serial_number_is_one_unit },
    { "a receipt adds stock at its cost", a_receipt_adds_stock_at_its_cost },
    { "a return comes back at the cost at which it left",
      a_return_comes_back_at_the_cost_at_which_it_left },
    { "a transfer changes the place and not the value",
      a_transfer_changes_the_place_and_not_the_value },
    { "a cancelled shipment gives back what it held",
      a_cancelled_shipment_gives_back_what_it_held },
    { "several shipments are reserved at once, earliest first",
      several_shipments_are_reserved_at_once_earliest_first },
    { "the lot that expires first leaves first unless one is named",
      the_lot_that_expires_first_leaves_first_unless_one_is_named },
    { "shipping takes two round trips of its own", shipping_takes_two_round_trips_of_its_own },
    { 0 },
};
