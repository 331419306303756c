/*
 * Counts: what is really there, also while goods move.
 */
#include "modules/stock/tests/stock_fixture.h"

static const char *
sheet_new(struct rq *rq)
{
    const char *count =
        test_create(rq, "stock_count", "{\"location_id\": %s}", test_sql(rq, "SELECT " MAIN_ROOT));

    CU_ASSERT_TRUE(test_take(rq, "stock_count", count, "fill", NULL));
    return count;
}

static void
enter(struct rq *rq, const char *count, const char *item, const char *counted)
{
    test_sql(
        rq,
        "UPDATE stock_count_line SET counted = %s WHERE count_id = %s AND item_id = %s RETURNING id",
        counted, count, item);
}

static void
a_difference_is_booked_as_a_loss_or_a_find(void)
{
    struct rq *rq = test_begin();
    const char *less = item_new(rq, "LOST", "average"), *more = item_new(rq, "FOUND", "fifo"),
               *count;

    stock_open(rq, less, "10", "2");
    stock_open(rq, more, "10", "3");
    count = sheet_new(rq);
    enter(rq, count, less, "7");
    enter(rq, count, more, "11");
    CU_ASSERT_TRUE(test_take(rq, "stock_count", count, "apply", NULL));
    CHECK_TEXT(stock_of(rq, less), "7/0/7");
    CHECK_TEXT(stock_of(rq, more), "11/0/11");
    CHECK_TEXT(ledger_of(rq, "stock_adjustment"), "3.00");
    stock_checks(rq);
    test_end(rq);
}

static void
goods_may_move_between_counting_and_applying(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "BUSY", "average"), *count, *delivery;

    stock_open(rq, item, "10", "2");
    count = sheet_new(rq);
    enter(rq, count, item, "9");
    delivery = shipment_new(rq, "delivery", item, "4");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship", NULL));
    CU_ASSERT_TRUE(test_take(rq, "stock_count", count, "apply", NULL));
    CHECK_TEXT(stock_of(rq, item), "5/0/5");
    stock_checks(rq);
    test_end(rq);
}

static void
a_count_of_an_earlier_day_is_held_against_that_day(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "FRIDAY", "average"), *count, *delivery;

    stock_open(rq, item, "10", "2");
    delivery = shipment_new(rq, "delivery", item, "4");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship", "{\"date\": \"2026-03-02\"}"));
    count = sheet_new(rq);
    test_sql(rq, "UPDATE stock_count SET counted_on = '2026-02-27' WHERE id = %s RETURNING id",
             count);
    enter(rq, count, item, "9");
    CHECK_TEXT(test_sql(rq,
                        "SELECT trim_scale(difference) FROM stock_count_line WHERE count_id = %s",
                        count),
               "-1");
    CU_ASSERT_TRUE(test_take(rq, "stock_count", count, "apply", NULL));
    CHECK_TEXT(stock_of(rq, item), "5/0/5");
    stock_checks(rq);
    test_end(rq);
}

static void
what_is_not_there_is_no_longer_set_aside(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "GONE", "average"), *first, *second, *count;

    stock_open(rq, item, "10", "2");
    first = shipment_new(rq, "delivery", item, "5");
    second = shipment_new(rq, "delivery", item, "5");
    test_take(rq, "shipment", first, "reserve", NULL);
    test_take(rq, "shipment", second, "reserve", NULL);
    count = sheet_new(rq);
    enter(rq, count, item, "6");
    CU_ASSERT_TRUE(test_take(rq, "stock_count", count, "apply", NULL));
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT string_agg(trim_scale(quantity_reserved)::text, ' ' ORDER BY shipment_id)"
                 "  FROM shipment_line WHERE item_id = %s",
                 item),
        "5 1");
    CHECK_TEXT(stock_of(rq, item), "6/6/0");
    stock_checks(rq);
    test_end(rq);
}

static void
a_sheet_without_a_quantity_cannot_be_applied(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "BLANK", "average"), *count;

    stock_open(rq, item, "10", "2");
    count = sheet_new(rq);
    CU_ASSERT_FALSE(test_take(rq, "stock_count", count, "apply", NULL));
    CHECK_TEXT(test_code(rq), "nothing_counted");
    test_end(rq);
}

const struct test stock_count_tests[] = {
    { "a difference is booked as a loss or a find", a_difference_is_booked_as_a_loss_or_a_find },
    { "goods may move between counting and applying",
      goods_may_move_between_counting_and_applying },
    { "a count of an earlier day is held against that day",
      a_count_of_an_earlier_day_is_held_against_that_day },
    { "what is not there is no longer set aside", what_is_not_there_is_no_longer_set_aside },
    { "a sheet without a quantity cannot be applied",
      a_sheet_without_a_quantity_cannot_be_applied },
    { 0 },
};
