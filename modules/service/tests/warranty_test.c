/*
 * warranty_test.c - what a delivery opens, and what a case knows of it.
 */
#include "modules/service/tests/resolution_fixture.h"

/* A policy of so many months on the category above the item's own. */
static void
a_policy(struct rq *rq, const struct sold *s, int months)
{
    const char *above = test_create(rq, "item_category", "{\"name\": \"Kitchen\"}");
    const char *below =
        test_create(rq, "item_category", "{\"name\": \"Kettles\", \"parent_id\": %s}", above);

    test_sql(rq, "UPDATE item SET category_id = %s WHERE id = %s", below, s->item);
    test_create(rq, "warranty_policy",
                "{\"name\": \"Kitchen\", \"category_id\": %s, \"months\": %d}", above, months);
}

static const char *
warranties(struct rq *rq, const struct sold *s)
{
    return test_sql(rq,
                    "SELECT string_agg(concat_ws(' ', t.code, w.quantity, w.ends_on - w.starts_on"
                    "       - ((w.starts_on + interval '24 months')::date - w.starts_on)), ', '"
                    "       ORDER BY t.code)"
                    "  FROM warranty w LEFT JOIN lot t ON t.id = w.lot_id WHERE w.party_id = %s",
                    s->customer);
}

static void
each_serial_number_that_is_delivered_gets_its_warranty_once(void)
{
    struct rq *rq = test_begin();
    struct sold s = { 0 };

    an_item(rq, &s, "serial");
    a_policy(rq, &s, 24);
    a_serial(rq, &s, "SN-1");
    a_serial(rq, &s, "SN-2");
    sell(rq, &s, "2", false, false);
    take(rq, "shipment", s.delivery, "open_warranty", NULL);
    take(rq, "shipment", s.delivery, "open_warranty", NULL);
    CHECK_TEXT(warranties(rq, &s), "SN-1 1 -1, SN-2 1 -1"); /* 24 months, the last day included */
    CHECK_TEXT(refusal(test_refused(rq,
                                    "INSERT INTO warranty (party_id, item_id, lot_id, quantity,"
                                    " shipment_line_id, starts_on, ends_on)"
                                    " SELECT party_id, item_id, lot_id, quantity, shipment_line_id,"
                                    " starts_on, ends_on FROM warranty LIMIT 1")),
               "duplicate");
    test_end(rq);
}

static void
goods_without_serial_numbers_are_under_warranty_by_their_delivery(void)
{
    struct rq *rq = test_begin();
    struct sold s = { 0 };

    an_item(rq, &s, "none");
    a_policy(rq, &s, 24);
    a_stock(rq, s.item, "10", "6");
    sell(rq, &s, "5", false, false);
    take(rq, "shipment", s.delivery, "open_warranty", NULL);
    CHECK_TEXT(warranties(rq, &s), "5 -1");
    CHECK_TEXT(refusal(test_refused(rq, "UPDATE warranty SET quantity = 6 WHERE party_id = %s",
                                    s.customer)),
               "not_delivered");
    test_end(rq);
}

static void
the_items_own_policy_goes_before_that_of_its_category(void)
{
    struct rq *rq = test_begin();
    struct sold s = { 0 };

    an_item(rq, &s, "none");
    a_policy(rq, &s, 12);
    test_create(rq, "warranty_policy", "{\"name\": \"Kettle\", \"item_id\": %s, \"months\": 24}",
                s.item);
    a_stock(rq, s.item, "10", "6");
    sell(rq, &s, "5", false, false);
    take(rq, "shipment", s.delivery, "open_warranty", NULL);
    CHECK_TEXT(warranties(rq, &s), "5 -1");
    CHECK_TEXT(refusal(test_refused(rq,
                                    "INSERT INTO warranty_policy (name, item_id, months)"
                                    " VALUES ('Second', %s, 6)",
                                    s.item)),
               "duplicate");
    test_end(rq);
}

static void
a_case_knows_whether_what_it_is_about_is_under_warranty(void)
{
    struct rq *rq = test_begin();
    struct sold s = { 0 };
    const char *known =
        "SELECT concat_ws(' ', in_warranty, warranty_until = (SELECT ends_on"
        " FROM warranty WHERE party_id = c.party_id)) FROM service_case c"
        " JOIN service_case_fact f USING (id) WHERE c.id = %s";

    an_item(rq, &s, "serial");
    a_policy(rq, &s, 24);
    a_serial(rq, &s, "SN-1");
    sell(rq, &s, "1", false, false);
    CHECK_TEXT(test_sql(rq, known, s.sale_case), "f");
    take(rq, "shipment", s.delivery, "open_warranty", NULL);
    CHECK_TEXT(test_sql(rq, known, s.sale_case), "t t");
    test_sql(rq, "UPDATE warranty SET starts_on = app_today() - 30, ends_on = app_today() - 1");
    CHECK_TEXT(test_sql(rq, known, s.sale_case), "f t");
    test_end(rq);
}

static void
nothing_is_under_warranty_without_a_policy(void)
{
    struct rq *rq = test_begin();
    struct sold s = five_kettles(rq, false, false);

    take(rq, "shipment", s.delivery, "open_warranty", NULL);
    CU_ASSERT_PTR_NULL(warranties(rq, &s));
    test_end(rq);
}

const struct test warranty_tests[] = {
    { "each serial number that is delivered gets its warranty, once",
      each_serial_number_that_is_delivered_gets_its_warranty_once },
    { "goods without serial numbers are under warranty by their delivery",
      goods_without_serial_numbers_are_under_warranty_by_their_delivery },
    { "the item's own policy goes before that of its category",
      the_items_own_policy_goes_before_that_of_its_category },
    { "a case knows whether what it is about is under warranty",
      a_case_knows_whether_what_it_is_about_is_under_warranty },
    { "nothing is under warranty without a policy", nothing_is_under_warranty_without_a_policy },
    { 0 },
};
