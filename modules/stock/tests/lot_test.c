/*
 * Lots from the gate to the customer: what a receipt says of them, which one leaves first, and
 * what is held, expired or in quarantine, also against plain SQL under the server's role.
 */
#include "modules/stock/tests/stock_fixture.h"

#define QC "stock_quarantine((SELECT id FROM warehouse WHERE code = 'MAIN'))"

static const char *
tracked_item(struct rq *rq, const char *code, const char *tracking)
{
    const char *item = item_new(rq, code, "average");

    test_sql(rq, "UPDATE item SET tracking = '%s', shelf_life_days = 30 WHERE id = %s RETURNING id",
             tracking, item);
    return item;
}

/* Receive one line with this "lots" on the 10th of March 2026; the code of what is wrong. */
static const char *
receive(struct rq *rq, const char *item, const char *quantity, const char *lots)
{
    const char *receipt = shipment_new(rq, "receipt", item, quantity);
    const char *line = test_sql(rq,
                                "UPDATE shipment_line SET unit_cost = 2 WHERE shipment_id = %s"
                                " RETURNING id",
                                receipt);

    test_take(
        rq, "shipment", receipt, "receive",
        arena_printf(rq->mem,
                     "{\"date\": \"2026-03-10\", \"lines\": [{\"id\": %s, \"quantity\": \"%s\","
                     " \"lots\": %s}]}",
                     line, quantity, lots));
    return test_code(rq);
}

static const char *
lot_of(struct rq *rq, const char *item, const char *code)
{
    return test_sql(rq, "SELECT id FROM lot WHERE item_id = %s AND code = '%s'", item, code);
}

/* Twenty of two lots, ten each; the second expires first. Nothing has expired in the tests. */
static const char *
two_lots(struct rq *rq, const char *code)
{
    const char *item = tracked_item(rq, code, "lot");

    CHECK_TEXT(
        receive(rq, item, "20",
                "[{\"code\": \"LATE\", \"quantity\": \"10\", \"expires_on\": \"2099-12-31\"},"
                " {\"code\": \"SOON\", \"quantity\": \"10\", \"expires_on\": \"2099-06-30\"}]"),
        "");
    return item;
}

/* "lot quantity, ..." of what is reserved for, or has moved by, a shipment. */
static const char *
lots_by(struct rq *rq, const char *table, const char *shipment)
{
    return test_sql(
        rq,
        "SELECT string_agg(o.code || ' ' || trim_scale(r.quantity), ', ' ORDER BY o.code)"
        "  FROM %s r JOIN shipment_line l ON l.id = r.shipment_line_id"
        "  JOIN lot o ON o.id = r.lot_id WHERE l.shipment_id = %s",
        table, shipment);
}

static void
a_receipt_makes_its_lots_and_their_dates(void)
{
    struct rq *rq = test_begin();
    const char *item = tracked_item(rq, "MILK", "lot");

    CHECK_TEXT(receive(rq, item, "12",
                       "[{\"code\": \"A\", \"quantity\": \"4\", \"made_on\": \"2026-03-01\"},"
                       " {\"code\": \"B\", \"quantity\": \"5\", \"expires_on\": \"2026-03-20\"},"
                       " {\"code\": \"C\", \"quantity\": \"3\"}]"),
               "");
    /* A: 30 days from the 1st; B: as said; C: 30 days from its arrival */
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT string_agg(o.code || ' ' || trim_scale(m.quantity) || ' ' || o.expires_on,"
                 "                  ', ' ORDER BY o.code)"
                 "  FROM stock_move m JOIN lot o ON o.id = m.lot_id WHERE m.item_id = %s",
                 item),
        "A 4 2026-03-31, B 5 2026-03-20, C 3 2026-04-09");
    stock_checks(rq);
    test_end(rq);
}

static void
serial_numbers_count_up_from_the_first(void)
{
    struct rq *rq = test_begin();
    const char *item = tracked_item(rq, "DRILL", "serial");

    CHECK_TEXT(receive(rq, item, "3", "{\"first\": \"SN-0099\", \"count\": 3}"), "");
    CHECK_TEXT(
        test_sql(rq, "SELECT string_agg(code, ' ' ORDER BY id) FROM lot WHERE item_id = %s", item),
        "SN-0099 SN-0100 SN-0101");
    stock_checks(rq);
    test_end(rq);
}

static void
each_lot_that_cannot_be_is_told_with_its_field(void)
{
    static const struct {
        const char *tracking, *quantity, *lots, *code, *field;
    } wrong[] = {
        { "lot", "5", "[{\"code\": \"A\", \"quantity\": \"4\"}]", "lots_sum", "lines[0].lots" },
        { "lot", "5", "[{\"code\": \"A\", \"quantity\": \"4\"}, {\"code\": \" \"}]", "lot_missing",
          "lines[0].lots[1].code" },
        { "lot", "5", "[{\"code\": \"A\", \"quantity\": \"4\"}, {\"code\": \"A\"}]", "lot_twice",
          "lines[0].lots[1].code" },
        { "lot", "3",
          "[{\"code\": \"A\", \"quantity\": \"4\"}, {\"code\": \"B\", \"quantity\": \"-1\"}]",
          "lot_quantity", "lines[0].lots[1].quantity" },
        { "serial", "2", "[{\"code\": \"A\", \"quantity\": \"2\"}]", "one_serial",
          "lines[0].lots[0].quantity" },
        { "none", "1", "[{\"code\": \"A\"}]", "not_tracked", "lines[0].lots" },
        { "serial", "2", "{\"first\": \"NUMBER\", \"count\": 2}", "lot_missing",
          "lines[0].lots[0].code" },
    };
    struct rq *rq = test_begin();

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        test_mark(rq);
        const char *item = item_new(rq, arena_printf(rq->mem, "WRONG%zu", i), "average");

        test_sql(rq, "UPDATE item SET tracking = '%s' WHERE id = %s RETURNING id",
                 wrong[i].tracking, item);
        CHECK_TEXT(receive(rq, item, wrong[i].quantity, wrong[i].lots), wrong[i].code);
        CHECK_TEXT(rq->errors ? rq->errors->field : NULL, wrong[i].field);
        test_recover(rq);
    }
    test_end(rq);
}

static void
a_known_lot_keeps_its_dates_and_a_serial_number_is_received_once(void)
{
    struct rq *rq = test_begin();
    const char *item = two_lots(rq, "KNOWN"), *drill = tracked_item(rq, "ONCE", "serial");

    CHECK_TEXT(receive(rq, item, "1", "[{\"code\": \"SOON\"}]"), "");
    test_mark(rq);
    CHECK_TEXT(receive(rq, item, "1", "[{\"code\": \"SOON\", \"expires_on\": \"2099-07-01\"}]"),
               "lot_dates");
    test_recover(rq);
    CHECK_TEXT(receive(rq, drill, "1", "[{\"code\": \"S1\"}]"), "");
    test_mark(rq);
    CHECK_TEXT(receive(rq, drill, "1", "[{\"code\": \"S1\"}]"), "serial_in_stock");
    CHECK_TEXT(rq->errors ? rq->errors->field : NULL, "lines[0].lots[0].code");
    test_recover(rq);
    CHECK_TEXT(test_sql(rq,
                        "SELECT trim_scale(sum(on_hand)) FROM stock_balance b JOIN location l"
                        "    ON l.id = b.location_id AND l.kind = 'internal'"
                        " WHERE item_id IN (%s, %s)",
                        item, drill),
               "22");
    stock_checks(rq);
    test_end(rq);
}

static void
the_lot_that_expires_first_leaves_first(void)
{
    struct rq *rq = test_begin();
    const char *item = two_lots(rq, "FEFO"), *delivery = shipment_new(rq, "delivery", item, "12");

    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship", NULL));
    CHECK_TEXT(lots_by(rq, "stock_move", delivery), "LATE 2, SOON 10");
    stock_checks(rq);
    test_end(rq);
}

static void
a_hold_gives_the_lot_back_and_takes_another(void)
{
    struct rq *rq = test_begin();
    const char *item = two_lots(rq, "HOLD"), *delivery = shipment_new(rq, "delivery", item, "12");
    const char *soon = lot_of(rq, item, "SOON");

    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "reserve", NULL));
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "lot", soon, "hold", NULL));
    CHECK_TEXT(test_code(rq), "reason_missing");
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "lot", soon, "hold", "{\"reason\": \"smells\"}"));
    CHECK_TEXT(lots_by(rq, "reservation", delivery), "LATE 10");
    CHECK_TEXT(stock_of(rq, item), "20/10/0");
    CHECK_TEXT(test_sql(rq, "SELECT status || ' ' || places FROM lot_fact WHERE id = %s", soon),
               "held MAIN: 10");
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "shipment", delivery, "ship", NULL));
    CHECK_TEXT(test_code(rq), "lot_held");
    CHECK_TEXT(rq->errors ? rq->errors->message : NULL,
               "Only 10 of HOLD are available: lot SOON is held");
    test_recover(rq);
    stock_checks(rq);
    CU_ASSERT_TRUE(test_take(rq, "lot", soon, "release_hold", NULL));
    CHECK_TEXT(lots_by(rq, "reservation", delivery), "LATE 10, SOON 2");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship", NULL));
    stock_checks(rq);
    test_end(rq);
}

static void
a_held_lot_leaves_for_nobody_not_even_by_plain_sql(void)
{
    struct rq *rq = test_begin();
    const char *item = two_lots(rq, "FIRM"), *soon = lot_of(rq, item, "SOON");
    const char *delivery = shipment_new(rq, "delivery", item, "1"), *other, *line;
    static const char leave[] =
        "INSERT INTO stock_move (item_id, lot_id, quantity, from_location_id, to_location_id)"
        " VALUES (%s, %s, 1, " MAIN_ROOT ", stock_side(app_company(), '%s'))";
    static const char reserve[] =
        "INSERT INTO reservation (shipment_line_id, item_id, location_id, lot_id, quantity)"
        " VALUES (%s, %s, " MAIN_ROOT ", %s, 1)";
    const struct error *e;

    line = test_sql(rq, "SELECT id FROM shipment_line WHERE shipment_id = %s", delivery);
    /* with an account of its own PRODUCTION asks for no production order: the hold alone refuses */
    test_sql(rq,
             "UPDATE location l SET account_id = a.id FROM account a"
             " WHERE a.role = 'stock_adjustment' AND a.company_id = l.company_id"
             " AND l.kind = 'production'");
    CU_ASSERT_TRUE(test_take(rq, "lot", soon, "hold", "{\"reason\": \"recall\"}"));
    e = test_refused(rq, leave, item, soon, "customer");
    CHECK_TEXT(e ? e->code : NULL, "lot_held");
    e = test_refused(rq, leave, item, soon, "production");
    CHECK_TEXT(e ? e->code : NULL, "lot_held");
    e = test_refused(rq, reserve, line, item, soon);
    CHECK_TEXT(e ? e->code : NULL, "lot_held");
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq, "UPDATE lot SET held_reason = NULL WHERE id = %s", soon));
    /* reserved of the other lot, then pointed at this one */
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "reserve", NULL));
    other = lots_by(rq, "reservation", delivery);
    CHECK_TEXT(other, "LATE 1");
    CU_ASSERT_PTR_NOT_NULL(test_refused(
        rq, "UPDATE reservation SET lot_id = %s WHERE shipment_line_id = %s", soon, line));
    /* within own places, to losses and to the supplier it may go */
    CU_ASSERT_PTR_NULL(test_refused(rq, leave, item, soon, "loss"));
    CU_ASSERT_PTR_NULL(test_refused(rq, leave, item, soon, "supplier"));
    stock_checks(rq);
    test_end(rq);
}

static void
what_has_expired_is_not_there_for_customers(void)
{
    struct rq *rq = test_begin();
    const char *item = two_lots(rq, "OLD"), *delivery = shipment_new(rq, "delivery", item, "12");
    const char *soon = lot_of(rq, item, "SOON");

    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "reserve", NULL));
    CHECK_TEXT(stock_of(rq, item), "20/12/8");
    test_sql(rq,
             "UPDATE lot SET made_on = NULL, expires_on = app_today() WHERE id = %s RETURNING id",
             soon);
    CHECK_TEXT(stock_of(rq, item), "20/12/8"); /* its last day */
    test_sql(rq, "UPDATE lot SET expires_on = app_today() - 1 WHERE id = %s RETURNING id", soon);
    CHECK_TEXT(stock_of(rq, item), "20/2/8"); /* ten of it were set aside, and are not any more */
    CHECK_TEXT(test_sql(rq, "SELECT status FROM lot_fact WHERE id = %s", soon), "expired");
    CHECK_TEXT(
        test_sql(rq, "SELECT trim_scale(sum(free)) FROM stock_usable WHERE item_id = %s", item),
        "8");
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "shipment", delivery, "ship", NULL));
    CHECK_TEXT(rq->errors ? rq->errors->message : NULL,
               "Only 10 of OLD are available: lot SOON has expired");
    test_recover(rq);
    CU_ASSERT_PTR_NOT_NULL(test_refused(
        rq,
        "INSERT INTO stock_move (item_id, lot_id, quantity, from_location_id, to_location_id)"
        " VALUES (%s, %s, 1, " MAIN_ROOT ", stock_side(app_company(), 'customer'))",
        item, soon));
    stock_checks(rq);
    test_end(rq);
}

static void
every_warehouse_has_a_quarantine_that_gives_nothing_to_customers(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "WAIT", "average"), *delivery, *line;
    const struct error *e;

    test_create(rq, "warehouse", "{\"code\": \"NORTH\", \"name\": \"North\"}");
    CHECK_TEXT(
        test_sql(rq, "SELECT string_agg(code, ' ' ORDER BY code) FROM location WHERE quarantine"),
        "MAIN-QC NORTH-QC");
    test_sql(rq,
             "INSERT INTO stock_opening (item_id, quantity, unit_cost, opened_on, location_id)"
             " VALUES (%s, 5, 1, '2026-01-01', " QC ") RETURNING id",
             item);
    CHECK_TEXT(stock_of(rq, item), "5/0/0");
    delivery = shipment_new(rq, "delivery", item, "2");
    line = test_sql(rq, "SELECT id FROM shipment_line WHERE shipment_id = %s", delivery);
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "shipment", delivery, "ship", NULL));
    CHECK_TEXT(test_code(rq), "in_quarantine");
    test_recover(rq);
    e = test_refused(rq,
                     "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id,"
                     " shipment_line_id) VALUES (%s, 2, " QC
                     ", stock_side(app_company(), 'customer'), %s)",
                     item, line);
    CHECK_TEXT(e ? e->code : NULL, "in_quarantine");
    e = test_refused(rq,
                     "INSERT INTO reservation (shipment_line_id, item_id, location_id, quantity)"
                     " VALUES (%s, %s, " QC ", 2)",
                     line, item);
    CHECK_TEXT(e ? e->code : NULL, "in_quarantine");
    e = test_refused(rq, "UPDATE location SET quarantine = false WHERE id = " QC);
    CHECK_TEXT(e ? e->code : NULL, "location_in_use");
    stock_checks(rq);
    test_end(rq);
}

static void
a_transfer_takes_from_quarantine_where_it_names_it(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "FREE", "average"), *transfer;
    static const char document[] =
        "{\"kind\": \"transfer\", \"warehouse_id\": %s, \"other_location_id\": %s,"
        " \"lines\": [{\"item_id\": %s, \"quantity\": \"5\", \"location_id\": %s}]}";
    const char *warehouse = test_sql(rq, "SELECT id FROM warehouse WHERE code = 'MAIN'");
    const char *qc = test_sql(rq, "SELECT " QC), *root = test_sql(rq, "SELECT " MAIN_ROOT);

    test_sql(rq,
             "INSERT INTO stock_opening (item_id, quantity, unit_cost, opened_on, location_id)"
             " VALUES (%s, 5, 1, '2026-01-01', %s) RETURNING id",
             item, qc);
    transfer = test_create(rq, "shipment", document, warehouse, root, item, "null");
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "shipment", transfer, "ship", NULL));
    test_recover(rq);
    transfer = test_create(rq, "shipment", document, warehouse, root, item, qc);
    CU_ASSERT_TRUE(test_take(rq, "shipment", transfer, "ship", NULL));
    CHECK_TEXT(stock_of(rq, item), "5/0/5");
    stock_checks(rq);
    test_end(rq);
}

static const char *
return_of(struct rq *rq, const char *delivery, const char *item, const char *quantity)
{
    return test_create(
        rq, "shipment",
        "{\"kind\": \"return\", \"warehouse_id\": %s, \"lines\": [{\"item_id\": %s,"
        " \"quantity\": \"%s\", \"returns_line_id\": %s}]}",
        test_sql(rq, "SELECT id FROM warehouse WHERE code = 'MAIN'"), item, quantity,
        test_sql(rq, "SELECT id FROM shipment_line WHERE shipment_id = %s", delivery));
}

static bool
take_back(struct rq *rq, const char *back, const char *lots)
{
    return test_take(
        rq, "shipment", back, "receive",
        arena_printf(rq->mem, "{\"lines\": [{\"id\": %s, \"lots\": %s}]}",
                     test_sql(rq, "SELECT id FROM shipment_line WHERE shipment_id = %s", back),
                     lots));
}

static void
what_comes_back_is_the_very_serial_number_that_left(void)
{
    struct rq *rq = test_begin();
    const char *item = tracked_item(rq, "BACK", "serial"), *delivery, *back;
    const struct error *e;

    CHECK_TEXT(receive(rq, item, "3", "{\"first\": \"B1\", \"count\": 3}"), "");
    test_sql(rq, "UPDATE lot SET expires_on = '2099-01-01' WHERE item_id = %s RETURNING id", item);
    delivery = shipment_new(rq, "delivery", item, "2");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship", NULL));
    CHECK_TEXT(lots_by(rq, "stock_move", delivery), "B1 1, B2 1");
    back = return_of(rq, delivery, item, "1");
    test_mark(rq);
    CU_ASSERT_FALSE(take_back(rq, back, "[{\"code\": \"B9\"}]"));
    CHECK_TEXT(test_code(rq), "lot_not_delivered");
    CHECK_TEXT(rq->errors ? rq->errors->field : NULL, "lines[0].lots[0].code");
    test_recover(rq);
    test_sql(rq, "INSERT INTO lot (item_id, code) VALUES (%s, 'B9') RETURNING id", item);
    e = test_refused(
        rq,
        "INSERT INTO stock_move (item_id, lot_id, quantity, from_location_id, to_location_id,"
        " shipment_line_id) SELECT item_id, (SELECT id FROM lot WHERE item_id = l.item_id"
        " AND code = 'B9'), 1, stock_side(app_company(), 'customer'), " MAIN_ROOT
        ", id"
        "  FROM shipment_line l WHERE shipment_id = %s",
        back);
    CHECK_TEXT(e ? e->code : NULL, "lot_not_delivered");
    CU_ASSERT_TRUE(take_back(rq, back, "[{\"code\": \"B2\"}]"));
    /* all that is still out comes back: nobody has to type it */
    back = return_of(rq, delivery, item, "1");
    CU_ASSERT_TRUE(test_take(rq, "shipment", back, "receive", NULL));
    CHECK_TEXT(lots_by(rq, "stock_move", back), "B1 1");
    stock_checks(rq);
    test_end(rq);
}

const struct test lot_tests[] = {
    { "a receipt makes its lots and their dates", a_receipt_makes_its_lots_and_their_dates },
    { "serial numbers count up from the first", serial_numbers_count_up_from_the_first },
    { "each lot that cannot be is told with its field",
      each_lot_that_cannot_be_is_told_with_its_field },
    { "a known lot keeps its dates, and a serial number is received once",
      a_known_lot_keeps_its_dates_and_a_serial_number_is_received_once },
    { "the lot that expires first leaves first", the_lot_that_expires_first_leaves_first },
    { "a hold gives the lot back and takes another", a_hold_gives_the_lot_back_and_takes_another },
    { "a held lot leaves for nobody, not even by plain SQL",
      a_held_lot_leaves_for_nobody_not_even_by_plain_sql },
    { "what has expired is not there for customers", what_has_expired_is_not_there_for_customers },
    { "every warehouse has a quarantine that gives nothing to customers",
      every_warehouse_has_a_quarantine_that_gives_nothing_to_customers },
    { "a transfer takes from quarantine where it names it",
      a_transfer_takes_from_quarantine_where_it_names_it },
    { "what comes back is the very serial number that left",
      what_comes_back_is_the_very_serial_number_that_left },
    { 0 },
};
