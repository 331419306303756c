/*
 * Plain SQL under the server's role against each invariant of stock: nothing here goes
 * through the operations.
 */
#include "modules/stock/tests/stock_fixture.h"

static const char *
refusal(const struct error *e)
{
    return e ? e->code : "accepted";
}

static void
more_than_there_is_cannot_leave(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "NEG", "average");

    stock_open(rq, item, "5", "1");
    CHECK_TEXT(refusal(test_refused(
                   rq,
                   "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id)"
                   " VALUES (%s, 5.000001, " MAIN_ROOT ", stock_side(app_company(), 'loss'))",
                   item)),
               "short_stock");
    stock_checks(rq);
    test_end(rq);
}

static void
stock_is_checked_at_the_end_of_the_transaction_not_before(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "LATER", "average");

    test_sql(rq,
             "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id)"
             " VALUES (%s, 5, " MAIN_ROOT ", stock_side(app_company(), 'customer')) RETURNING id",
             item);
    test_sql(
        rq,
        "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, unit_cost)"
        " VALUES (%s, 5, stock_side(app_company(), 'supplier'), " MAIN_ROOT ", 2) RETURNING id",
        item);
    stock_checks(rq);
    test_end(rq);
}

static void
an_issue_on_a_day_without_stock_is_refused(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "PAST", "average");

    stock_open(rq, item, "5", "1");
    CHECK_TEXT(
        refusal(test_refused(
            rq,
            "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, moved_on)"
            " VALUES (%s, 1, " MAIN_ROOT ", stock_side(app_company(), 'loss'), '2025-12-31')",
            item)),
        "short_stock");
    test_end(rq);
}

static void
goods_do_not_move_tomorrow(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "SOON", "average");

    stock_open(rq, item, "5", "1");
    CHECK_TEXT(
        refusal(test_refused(
            rq,
            "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, moved_on)"
            " VALUES (%s, 1, " MAIN_ROOT ", stock_side(app_company(), 'loss'), app_today() + 1)",
            item)),
        "in_future");
    test_end(rq);
}

static void
what_others_hold_cannot_leave(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "HELD", "average"), *delivery;

    stock_open(rq, item, "5", "1");
    delivery = shipment_new(rq, "delivery", item, "4");
    test_take(rq, "shipment", delivery, "reserve", NULL);
    CHECK_TEXT(refusal(test_refused(
                   rq,
                   "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id)"
                   " VALUES (%s, 2, " MAIN_ROOT ", stock_side(app_company(), 'loss'))",
                   item)),
               "reserved_stock");
    test_end(rq);
}

static void
no_unit_is_promised_twice(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "TWICE", "average"), *delivery, *rival, *line;

    stock_open(rq, item, "5", "1");
    delivery = shipment_new(rq, "delivery", item, "4");
    rival = shipment_new(rq, "delivery", item, "4");
    test_take(rq, "shipment", delivery, "reserve", NULL);
    line = test_sql(rq, "SELECT id FROM shipment_line WHERE shipment_id = %s", rival);
    CHECK_TEXT(refusal(test_refused(
                   rq,
                   "INSERT INTO reservation (shipment_line_id, item_id, location_id, quantity)"
                   " VALUES (%s, %s, " MAIN_ROOT ", 2)",
                   line, item)),
               "reserved_stock");
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq, "UPDATE reservation SET quantity = 5 WHERE item_id = %s", item));
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq, "UPDATE stock_balance SET reserved = 0 WHERE item_id = %s", item));
    stock_checks(rq);
    test_end(rq);
}

static void
a_line_holds_no_more_than_it_needs(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "NEED", "average"), *delivery, *line;

    stock_open(rq, item, "5", "1");
    delivery = shipment_new(rq, "delivery", item, "2");
    line = test_sql(rq, "SELECT id FROM shipment_line WHERE shipment_id = %s", delivery);
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq,
                     "INSERT INTO reservation (shipment_line_id, item_id, location_id, quantity)"
                     " VALUES (%s, %s, " MAIN_ROOT ", 3)",
                     line, item));
    test_take(rq, "shipment", delivery, "reserve", NULL);
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq, "UPDATE shipment_line SET quantity = 1 WHERE id = %s", line));
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq, "UPDATE shipment_line SET quantity_reserved = 0 WHERE id = %s", line));
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq, "UPDATE shipment_line SET quantity_done = 1 WHERE id = %s", line));
    test_end(rq);
}

static void
a_line_moves_no_more_than_its_quantity_and_no_other_item(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "LINE", "average"), *other = item_new(rq, "LINE2", "average");
    const char *delivery, *line;

    stock_open(rq, item, "5", "1");
    stock_open(rq, other, "5", "1");
    delivery = shipment_new(rq, "delivery", item, "2");
    line = test_sql(rq, "SELECT id FROM shipment_line WHERE shipment_id = %s", delivery);
    CU_ASSERT_PTR_NOT_NULL(test_refused(
        rq,
        "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, shipment_line_id)"
        " VALUES (%s, 3, " MAIN_ROOT ", stock_side(app_company(), 'customer'), %s)",
        item, line));
    CU_ASSERT_PTR_NOT_NULL(test_refused(
        rq,
        "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, shipment_line_id)"
        " VALUES (%s, 1, " MAIN_ROOT ", stock_side(app_company(), 'customer'), %s)",
        other, line));
    test_end(rq);
}

static void
the_ledgers_stay_as_they_are(void)
{
    static const char *const attacks[] = {
        "UPDATE stock_move SET quantity = 1",
        "DELETE FROM stock_move",
        "UPDATE stock_value SET amount = 0",
        "DELETE FROM stock_value",
        "INSERT INTO stock_value (company_id, item_id, move_id, posting_date, amount, reason, posting_id)"
        " SELECT company_id, item_id, move_id, posting_date, 1, 'move', posting_id FROM stock_value LIMIT 1",
        "UPDATE stock_balance SET on_hand = 1000",
        "INSERT INTO stock_balance (company_id, item_id, location_id, on_hand)"
        " SELECT company_id, item_id, location_id + 1, 5 FROM stock_balance LIMIT 1",
        "UPDATE stock_valuation SET value = 0",
        "DELETE FROM stock_valuation",
        "UPDATE stock_posting SET journal_entry_id = NULL",
        "UPDATE stock_opening SET unit_cost = 0",
        "DELETE FROM stock_opening",
        "UPDATE shipment SET done_date = '2026-01-01'",
        "UPDATE shipment SET state = 'done'",
    };
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "KEEP", "average");

    stock_open(rq, item, "5", "1");
    shipment_new(rq, "delivery", item, "2");
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        if (!test_refused(rq, "%s", attacks[i])) {
            printf("\n    accepted: %s", attacks[i]);
            CU_FAIL("a ledger was rewritten");
        }
    stock_checks(rq);
    test_end(rq);
}

static void
a_done_shipment_stays_as_it_was(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "DONE", "average"), *delivery;

    stock_open(rq, item, "5", "1");
    delivery = shipment_new(rq, "delivery", item, "2");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship", NULL));
    CHECK_TEXT(refusal(test_refused(
                   rq, "UPDATE shipment_line SET quantity = 3 WHERE shipment_id = %s", delivery)),
               "read_only");
    CHECK_TEXT(
        refusal(test_refused(
            rq, "INSERT INTO shipment_line (shipment_id, item_id, quantity) VALUES (%s, %s, 1)",
            delivery, item)),
        "read_only");
    CHECK_TEXT(
        refusal(test_refused(rq, "UPDATE shipment SET kind = 'receipt' WHERE id = %s", delivery)),
        "read_only");
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "DELETE FROM shipment WHERE id = %s", delivery));
    test_end(rq);
}

static void
an_item_that_has_moved_keeps_its_costing_and_a_location_its_kind(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "COST", "average");

    CHECK_TEXT(
        test_sql(rq, "UPDATE item SET costing = 'fifo' WHERE id = %s RETURNING costing", item),
        "fifo");
    stock_open(rq, item, "5", "1");
    CHECK_TEXT(refusal(test_refused(rq, "UPDATE item SET costing = 'average' WHERE id = %s", item)),
               "item_in_use");
    CHECK_TEXT(
        refusal(test_refused(
            rq, "UPDATE location SET kind = 'loss', warehouse_id = NULL WHERE id = " MAIN_ROOT)),
        "location_in_use");
    test_end(rq);
}

static void
another_company_sees_and_moves_nothing_of_it(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "OURS", "average"), *root;

    stock_open(rq, item, "5", "1");
    root = test_sql(rq, "SELECT " MAIN_ROOT);
    test_sql(rq, "SELECT context_set(%s, (SELECT id FROM company WHERE code = 'OTHER'), 'test')",
             rq->user_id);
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM stock_balance WHERE item_id = %s", item), "0");
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM stock_move WHERE item_id = %s", item), "0");
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq,
                     "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id)"
                     " VALUES (%s, 1, %s, stock_side(app_company(), 'loss'))",
                     item, root));
    test_end(rq);
}

static void
the_warehouse_moves_goods_and_sales_only_looks(void)
{
    struct rq *rq = test_begin();
    static const char may[] =
        "SELECT string_agg(CASE WHEN has_permission(u.id, split_part(w, '.', 1), split_part(w, '.', 2))"
        "                       THEN 'yes' ELSE 'no' END, ' ' ORDER BY n)"
        "  FROM app_user u, unnest('{shipment.read,shipment.ship,stock_count.apply,stock_opening.create,"
        "location.change}'::text[]) WITH ORDINALITY AS x (w, n) WHERE u.login = '%s'";

    CHECK_TEXT(test_sql(rq, may, "warehouse"), "yes yes yes yes yes");
    CHECK_TEXT(test_sql(rq, may, "sales"), "yes no no no no");
    CHECK_TEXT(test_sql(rq, may, "finance"), "yes no no yes no");
    CHECK_TEXT(test_sql(rq, may, "viewer"), "yes no no no no");
    test_end(rq);
}

static void
a_closed_month_takes_no_goods_and_gets_no_correction(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "SHUT", "average");

    test_sql(rq,
             "INSERT INTO stock_opening (item_id, quantity, unit_cost, opened_on)"
             " VALUES (%s, 10, 1, '2026-01-15') RETURNING id",
             item);
    test_sql(
        rq,
        "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, moved_on)"
        " VALUES (%s, 5, " MAIN_ROOT
        ", stock_side(app_company(), 'customer'), '2026-02-10') RETURNING id",
        item);
    stock_checks(rq);
    CU_ASSERT_TRUE(test_take(
        rq, "period", test_sql(rq, "SELECT id FROM period WHERE name = '2026-02'"), "close", NULL));
    CHECK_TEXT(
        refusal(test_refused(
            rq,
            "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, moved_on)"
            " VALUES (%s, 1, " MAIN_ROOT ", stock_side(app_company(), 'customer'), '2026-02-11')",
            item)),
        "period_closed");
    test_sql(
        rq,
        "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, moved_on, unit_cost)"
        " VALUES (%s, 10, stock_side(app_company(), 'supplier'), " MAIN_ROOT
        ", '2026-01-20', 3) RETURNING id",
        item);
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT posting_date || ' ' || amount FROM stock_value WHERE item_id = %s AND reason = 'revaluation'",
            item),
        "2026-03-01 -5.00");
    stock_checks(rq);
    test_end(rq);
}

const struct test stock_attack_tests[] = {
    { "more than there is cannot leave", more_than_there_is_cannot_leave },
    { "stock is checked at the end of the transaction, not before",
      stock_is_checked_at_the_end_of_the_transaction_not_before },
    { "an issue on a day without stock is refused", an_issue_on_a_day_without_stock_is_refused },
    { "goods do not move tomorrow", goods_do_not_move_tomorrow },
    { "what others hold cannot leave", what_others_hold_cannot_leave },
    { "no unit is promised twice", no_unit_is_promised_twice },
    { "a line holds no more than it needs", a_line_holds_no_more_than_it_needs },
    { "a line moves no more than its quantity and no other item",
      a_line_moves_no_more_than_its_quantity_and_no_other_item },
    { "the ledgers stay as they are", the_ledgers_stay_as_they_are },
    { "a done shipment stays as it was", a_done_shipment_stays_as_it_was },
    { "an item that has moved keeps its costing, and a location its kind",
      an_item_that_has_moved_keeps_its_costing_and_a_location_its_kind },
    { "another company sees and moves nothing of it",
      another_company_sees_and_moves_nothing_of_it },
    { "the warehouse moves goods and sales only looks",
      the_warehouse_moves_goods_and_sales_only_looks },
    { "a closed month takes no goods and gets no correction",
      a_closed_month_takes_no_goods_and_gets_no_correction },
    { 0 },
};
