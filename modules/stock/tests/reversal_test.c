/*
 * What was booked by mistake or too late: movements that are taken back, returns that follow
 * the cost of their delivery, and counts that hold.
 */
#include "modules/stock/tests/stock_fixture.h"
#include "reports/report.h"

#include <cjson/cJSON.h>

/* A receipt at a cost, on a day; its id. */
static const char *
received(struct rq *rq, const char *item, const char *quantity, const char *cost, const char *on)
{
    const char *receipt = shipment_new(rq, "receipt", item, quantity);

    test_sql(rq, "UPDATE shipment_line SET unit_cost = %s WHERE shipment_id = %s RETURNING id",
             cost, receipt);
    CU_ASSERT_TRUE(test_take(rq, "shipment", receipt, "receive",
                             arena_printf(rq->mem, "{\"date\": \"%s\"}", on)));
    return receipt;
}

static const char *
delivered(struct rq *rq, const char *item, const char *quantity, const char *on)
{
    const char *delivery = shipment_new(rq, "delivery", item, quantity);

    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship",
                             arena_printf(rq->mem, "{\"date\": \"%s\"}", on)));
    return delivery;
}

/* So much of a delivery has come back. */
static const char *
returned(struct rq *rq, const char *item, const char *quantity, const char *delivery,
         const char *on)
{
    const char *back = shipment_new(rq, "return", item, quantity);

    test_sql(
        rq,
        "UPDATE shipment_line SET returns_line_id = (SELECT id FROM shipment_line WHERE shipment_id = %s)"
        " WHERE shipment_id = %s RETURNING id",
        delivery, back);
    CU_ASSERT_TRUE(test_take(rq, "shipment", back, "receive",
                             arena_printf(rq->mem, "{\"date\": \"%s\"}", on)));
    return back;
}

/* A count of one item at the stock location of MAIN that is applied; its id. */
static const char *
counted(struct rq *rq, const char *item, const char *quantity, const char *on)
{
    const char *count = test_create(
        rq, "stock_count",
        "{\"location_id\": %s, \"counted_on\": \"%s\", \"lines\": [{\"item_id\": %s, \"counted\": \"%s\"}]}",
        test_sql(rq, "SELECT " MAIN_ROOT), on, item, quantity);

    CU_ASSERT_TRUE(test_take(rq, "stock_count", count, "apply", NULL));
    return count;
}

/* "quantity done/reversed" of a shipment of one line. */
static const char *
reversed(struct rq *rq, const char *shipment)
{
    return test_sql(rq,
                    "SELECT trim_scale(quantity_done) || '/' || reversed FROM shipment_fact"
                    " WHERE id = %s",
                    shipment);
}

static void
a_reversed_receipt_is_as_if_it_had_never_been(void)
{
    struct rq *rq = test_begin();
    const char *costings[] = { "average", "fifo" };

    for (int c = 0; c < 2; c++) {
        const char *item = item_new(rq, costings[c], costings[c]), *wrong;

        test_mark(rq);
        stock_open(rq, item, "10", "2");
        wrong = received(rq, item, "10", "4", "2025-12-01");
        delivered(rq, item, "10", "2026-03-01");
        /* on average (20 + 40) / 20 * 10; first in, first out the ten at 4 */
        CHECK_TEXT(ledger_of(rq, "cost_of_sales"), c == 0 ? "30.00" : "40.00");
        CHECK_TEXT(reversed(rq, wrong), "10/none");
        CU_ASSERT_TRUE(test_take(rq, "shipment", wrong, "reverse", NULL));
        CHECK_TEXT(ledger_of(rq, "cost_of_sales"), "20.00");
        CHECK_TEXT(ledger_of(rq, "inventory"), "0.00");
        CHECK_TEXT(ledger_of(rq, "received_not_billed"), "0.00");
        CHECK_TEXT(reversed(rq, wrong), "0/full");
        CHECK_TEXT(stock_of(rq, item), "0/0/0");
        stock_checks(rq);
        CU_ASSERT_FALSE(test_take(rq, "shipment", wrong, "reverse", NULL));
        CHECK_TEXT(test_code(rq), "nothing_to_reverse");
        test_recover(rq);
    }
    test_end(rq);
}

static void
a_wrong_quantity_and_a_wrong_date_are_reversed_and_entered_again(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "WRONG", "average"), *receipt, *delivery;

    stock_open(rq, item, "10", "2");
    receipt = received(rq, item, "100", "4", "2026-02-01"); /* ten have come */
    delivery = delivered(rq, item, "5", "2026-03-01");      /* on the last of January */
    CHECK_TEXT(ledger_of(rq, "cost_of_sales"), "19.09");    /* (20 + 400) / 110 * 5 */
    CU_ASSERT_TRUE(test_take(rq, "shipment", receipt, "reverse", NULL));
    received(rq, item, "10", "4", "2026-02-01");
    CHECK_TEXT(ledger_of(rq, "cost_of_sales"), "15.00"); /* (20 + 40) / 20 * 5 */
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "reverse", NULL));
    CHECK_TEXT(ledger_of(rq, "cost_of_sales"), "0.00");
    delivered(rq, item, "5", "2026-01-31");
    CHECK_TEXT(ledger_of(rq, "cost_of_sales"), "10.00"); /* before the receipt: at 2 */
    CHECK_TEXT(ledger_of(rq, "inventory"), "50.00");
    CHECK_TEXT(stock_of(rq, item), "15/0/15");
    stock_checks(rq);
    test_end(rq);
}

static void
one_line_of_a_shipment_is_taken_back(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "LINE", "fifo"), *delivery, *line;

    stock_open(rq, item, "10", "2");
    delivery = test_create(
        rq, "shipment",
        "{\"warehouse_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"4\"}, {\"item_id\": %s, \"quantity\": \"3\"}]}",
        test_sql(rq, "SELECT id FROM warehouse WHERE code = 'MAIN'"), item, item);
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship", NULL));
    line = test_sql(rq, "SELECT max(id) FROM shipment_line WHERE shipment_id = %s", delivery);
    test_mark(rq);
    CU_ASSERT_FALSE(
        test_take(rq, "shipment", delivery, "reverse",
                  arena_printf(rq->mem, "{\"lines\": [{\"id\": %s, \"quantity\": \"2\"}]}", line)));
    CHECK_TEXT(test_code(rq), "whole_line");
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "reverse",
                             arena_printf(rq->mem, "{\"lines\": [{\"id\": %s}]}", line)));
    CHECK_TEXT(reversed(rq, delivery), "4/part");
    CHECK_TEXT(stock_of(rq, item), "6/0/6");
    CHECK_TEXT(ledger_of(rq, "cost_of_sales"), "8.00");
    stock_checks(rq);
    test_end(rq);
}

static void
what_is_sold_or_has_come_back_is_not_taken_back(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "USED", "average"), *receipt, *delivery, *back;

    receipt = received(rq, item, "10", "4", "2026-02-01");
    delivery = delivered(rq, item, "10", "2026-03-01");
    back = returned(rq, item, "4", delivery, "2026-03-05");
    received(rq, item, "50", "4", "2026-04-01"); /* enough today, not in March */
    test_mark(rq);
    CU_ASSERT_TRUE(test_take(rq, "shipment", receipt, "reverse", NULL));
    CU_ASSERT_FALSE(db_exec(rq, "SET CONSTRAINTS ALL IMMEDIATE", NONE) && db_flush(rq));
    CHECK_TEXT(test_code(rq), "short_stock");
    CHECK_TEXT(rq->errors->field, "date");
    test_recover(rq);
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "shipment", delivery, "reverse", NULL) && db_flush(rq));
    CHECK_TEXT(test_code(rq), "returned");
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "shipment", back, "reverse", NULL));
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "reverse", NULL));
    CHECK_TEXT(stock_of(rq, item), "60/0/60");
    CHECK_TEXT(ledger_of(rq, "cost_of_sales"), "0.00");
    stock_checks(rq);
    test_end(rq);
}

static void
what_a_closed_month_said_stays_and_the_difference_is_shown_in_the_next(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "SHUT", "average"), *receipt;

    stock_open(rq, item, "10", "2");
    receipt = received(rq, item, "10", "4", "2026-02-10");
    stock_checks(rq); /* post */
    CU_ASSERT_TRUE(test_take(
        rq, "period", test_sql(rq, "SELECT id FROM period WHERE name = '2026-02'"), "close", NULL));
    CU_ASSERT_TRUE(test_take(rq, "shipment", receipt, "reverse", NULL));
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT string_agg(concat_ws(' ', v.reason, m.moved_on, v.posting_date, v.amount), ', ')"
            "  FROM stock_value v JOIN stock_move m ON m.id = v.move_id"
            " WHERE m.reverses_move_id IS NOT NULL AND v.item_id = %s",
            item),
        "reversal 2026-02-10 2026-03-01 -40.00");
    stock_checks(rq);
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT e.description FROM stock_posting p"
                 "  JOIN journal_entry e ON e.id = p.journal_entry_id WHERE p.reason = 'reversal'"),
        arena_printf(rq->mem, "Reversal %s",
                     test_sql(rq, "SELECT number FROM shipment WHERE id = %s", receipt)));
    test_end(rq);
}

static void
a_return_follows_the_cost_of_its_delivery(void)
{
    struct rq *rq = test_begin();
    const char *costings[] = { "average", "fifo" };

    for (int c = 0; c < 2; c++) {
        const char *item = item_new(rq, costings[c], costings[c]), *delivery;

        test_mark(rq);
        stock_open(rq, item, "10", "2");
        delivery = delivered(rq, item, "9", "2026-03-01");
        returned(rq, item, "3", delivery, "2026-03-02");
        delivered(rq, item, "2", "2026-03-03");
        returned(rq, item, "6", delivery, "2026-03-04");
        CHECK_TEXT(ledger_of(rq, "cost_of_sales"), "4.00"); /* the two at 2 */
        received(rq, item, "10", "4", "2025-12-01");
        /*
         * Average: 60 for 20; the 9 leave at 27.00, 3 of them come back at 9.00, the 2 leave
         * at 42 / 14 * 2 = 6.00, 6 come back at 18.00. First in, first out: the 9 leave at
         * 36.00, 3 come back at 12.00; the 2 are one at 4 and one at 2, 6.00; 6 come back at
         * 24.00.
         */
        CHECK_TEXT(ledger_of(rq, "cost_of_sales"), "6.00");
        CHECK_TEXT(ledger_of(rq, "inventory"), "54.00");
        CHECK_TEXT(
            test_sql(
                rq,
                "SELECT string_agg((SELECT sum(v.amount) FROM stock_value v WHERE v.move_id = m.id)::text, ' ' ORDER BY m.id)"
                "  FROM stock_move m WHERE m.item_id = %s AND m.follows_line_id IS NOT NULL",
                item),
            c == 0 ? "9.00 18.00" : "12.00 24.00");
        stock_checks(rq);
        test_recover(rq);
    }
    test_end(rq);
}

static void
parts_that_come_back_cost_together_what_left(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "THIRD", "average"), *delivery;

    stock_open(rq, item, "3", "3.333333"); /* 10.00 */
    delivery = delivered(rq, item, "3", "2026-03-01");
    for (int i = 0; i < 3; i++)
        returned(rq, item, "1", delivery, "2026-03-02");
    CHECK_TEXT(ledger_of(rq, "cost_of_sales"), "0.00"); /* 3.33 + 3.34 + 3.33 */
    CHECK_TEXT(ledger_of(rq, "inventory"), "10.00");
    test_mark(rq);
    delivery = delivered(rq, item, "1", "2026-03-10");
    CU_ASSERT_FALSE(
        test_take(
            rq, "shipment",
            test_sql(
                rq,
                "WITH s AS (INSERT INTO shipment (kind, warehouse_id)"
                " SELECT kind, warehouse_id FROM shipment WHERE kind = 'return' LIMIT 1 RETURNING id)"
                " INSERT INTO shipment_line (shipment_id, item_id, quantity, returns_line_id)"
                " SELECT s.id, l.item_id, 1, l.id FROM s, shipment_line l"
                "  WHERE l.shipment_id = %s RETURNING shipment_id",
                delivery),
            "receive", "{\"date\": \"2026-03-09\"}") &&
        db_flush(rq));
    CHECK_TEXT(test_code(rq), "before_delivery");
    test_recover(rq);
    stock_checks(rq);
    test_end(rq);
}

static void
the_report_says_what_a_late_entry_changed_and_by_what(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "TOLD", "average"), *late;
    const struct parameter query[] = { { "item", "TOLD" } };
    cJSON *told, *row;

    stock_open(rq, item, "10", "2");
    delivered(rq, item, "5", "2026-03-01");
    late = received(rq, item, "10", "4", "2026-02-01");
    CU_ASSERT_TRUE_FATAL(api_report(rq, "revaluations", query, 1));
    told = cJSON_Parse(rq->reply);
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(told, "rows")), 1);
    row = cJSON_GetArrayItem(cJSON_GetObjectItem(told, "rows"), 0);
    CHECK_TEXT(cJSON_GetStringValue(cJSON_GetObjectItem(row, "cause")),
               test_sql(rq, "SELECT number FROM shipment WHERE id = %s", late));
    CHECK_TEXT(cJSON_GetStringValue(cJSON_GetObjectItem(row, "before")), "-10.00");
    CHECK_TEXT(cJSON_GetStringValue(cJSON_GetObjectItem(row, "change")), "-5.00");
    CHECK_TEXT(cJSON_GetStringValue(cJSON_GetObjectItem(row, "after")), "-15.00");
    CHECK_TEXT(cJSON_GetStringValue(cJSON_GetObjectItem(row, "posting_date")), "2026-03-01");
    cJSON_Delete(told);
    test_end(rq);
}

static const char *
difference(struct rq *rq, const char *count)
{
    return test_sql(rq,
                    "SELECT trim_scale(expected) || ' ' || trim_scale(difference)"
                    "  FROM stock_count_line WHERE count_id = %s",
                    count);
}

static void
what_was_counted_holds_whatever_is_booked_before(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "HELD", "average"), *first, *second, *late;

    stock_open(rq, item, "10", "2");
    first = counted(rq, item, "12", "2026-03-01"); /* two found, at 2 */
    second = counted(rq, item, "11", "2026-04-01");
    CHECK_TEXT(ledger_of(rq, "inventory"), "22.00");
    late = received(rq, item, "5", "3", "2026-02-01");
    CHECK_TEXT(stock_of(rq, item), "11/0/11");
    CHECK_TEXT(difference(rq, first), "15 -3");
    CHECK_TEXT(difference(rq, second), "12 -1");
    /* 35 for 15; three are missing: 7.00; then one of 28 for 12: 2.33 */
    CHECK_TEXT(ledger_of(rq, "inventory"), "25.67");
    stock_checks(rq);
    CU_ASSERT_TRUE(test_take(rq, "shipment", late, "reverse", NULL));
    CHECK_TEXT(difference(rq, first), "10 2");
    CHECK_TEXT(ledger_of(rq, "inventory"), "22.00");
    stock_checks(rq);
    delivered(rq, item, "2", "2026-02-02"); /* two left before the count: so four were found */
    CHECK_TEXT(difference(rq, first), "8 4");
    CHECK_TEXT(stock_of(rq, item), "11/0/11");
    received(rq, item, "1", "2", "2026-03-15"); /* between the counts */
    CHECK_TEXT(difference(rq, first), "8 4");
    CHECK_TEXT(difference(rq, second), "13 -2");
    received(rq, item, "1", "2", "2026-04-01"); /* on the day of the count: after it */
    CHECK_TEXT(difference(rq, second), "13 -2");
    CHECK_TEXT(stock_of(rq, item), "12/0/12");
    stock_checks(rq);
    test_end(rq);
}

static void
a_count_that_is_not_done_expects_what_is_booked_late(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "SHEET", "average"), *count;

    stock_open(rq, item, "10", "2");
    count = test_create(
        rq, "stock_count",
        "{\"location_id\": %s, \"counted_on\": \"2026-03-01\", \"lines\": [{\"item_id\": %s, \"counted\": \"12\"}]}",
        test_sql(rq, "SELECT " MAIN_ROOT), item);
    received(rq, item, "2", "3", "2026-02-01");
    CHECK_TEXT(difference(rq, count), "12 0");
    CU_ASSERT_TRUE(test_take(rq, "stock_count", count, "apply", NULL));
    CHECK_TEXT(stock_of(rq, item), "12/0/12");
    counted(rq, item, "9", "2026-02-15"); /* an earlier one, done later: the other still holds */
    CHECK_TEXT(difference(rq, count), "9 3");
    CHECK_TEXT(stock_of(rq, item), "12/0/12");
    stock_checks(rq);
    test_end(rq);
}

/* A reversing move by plain SQL: of the latest move of the item, with other words where given. */
static const char *
reversal_refused(struct rq *rq, const char *item, const char *quantity, const char *on)
{
    const struct error *e = test_refused(
        rq,
        "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, moved_on,"
        " shipment_line_id, stock_count_line_id, reverses_move_id)"
        " SELECT item_id, %s, to_location_id, from_location_id, %s, shipment_line_id, stock_count_line_id, id"
        "  FROM stock_move WHERE item_id = %s ORDER BY id DESC LIMIT 1",
        quantity, on, item);

    return e ? e->code : "accepted";
}

static void
a_movement_is_taken_back_once_and_as_it_was(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "ONCE", "average"), *receipt;

    stock_open(rq, item, "10", "2");
    CHECK_TEXT(reversal_refused(rq, item, "quantity", "moved_on"), "not_reversible");
    receipt = received(rq, item, "10", "4", "2026-02-01");
    CHECK_TEXT(reversal_refused(rq, item, "quantity - 1", "moved_on"), "not_reversible");
    CHECK_TEXT(reversal_refused(rq, item, "quantity", "moved_on + 1"), "not_reversible");
    CHECK_TEXT(reversal_refused(rq, item, "quantity", "moved_on"), "accepted");
    CU_ASSERT_TRUE(test_take(rq, "shipment", receipt, "reverse", NULL));
    CHECK_TEXT(reversal_refused(rq, item, "quantity", "moved_on"), "not_reversible");
    CU_ASSERT_PTR_NOT_NULL(test_refused(
        rq,
        "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, moved_on,"
        " shipment_line_id, reverses_move_id)"
        " SELECT item_id, quantity, to_location_id, from_location_id, moved_on, shipment_line_id, id"
        "  FROM stock_move WHERE shipment_line_id IS NOT NULL AND reverses_move_id IS NULL AND item_id = %s",
        item));
    counted(rq, item, "7", "2026-03-01");
    CHECK_TEXT(reversal_refused(rq, item, "quantity", "moved_on"), "read_only");
    stock_checks(rq);
    test_end(rq);
}

const struct test reversal_tests[] = {
    { "a reversed receipt is as if it had never been",
      a_reversed_receipt_is_as_if_it_had_never_been },
    { "a wrong quantity and a wrong date are reversed and entered again",
      a_wrong_quantity_and_a_wrong_date_are_reversed_and_entered_again },
    { "one line of a shipment is taken back", one_line_of_a_shipment_is_taken_back },
    { "what is sold or has come back is not taken back",
      what_is_sold_or_has_come_back_is_not_taken_back },
    { "what a closed month said stays, and the difference is shown in the next",
      what_a_closed_month_said_stays_and_the_difference_is_shown_in_the_next },
    { "a return follows the cost of its delivery", a_return_follows_the_cost_of_its_delivery },
    { "parts that come back cost together what left",
      parts_that_come_back_cost_together_what_left },
    { "the report says what a late entry changed, and by what",
      the_report_says_what_a_late_entry_changed_and_by_what },
    { "what was counted holds, whatever is booked before",
      what_was_counted_holds_whatever_is_booked_before },
    { "a count that is not done expects what is booked late",
      a_count_that_is_not_done_expects_what_is_booked_late },
    { "a movement is taken back once, and as it was", a_movement_is_taken_back_once_and_as_it_was },
    { 0 },
};
