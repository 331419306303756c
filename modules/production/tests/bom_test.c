/*
 * Bills of materials by hand: explosion, versions, circles; lead times on calendars.
 */
#include "modules/production/tests/production_fixture.h"

/*
 * A table of a frame (phantom of 4 legs and 0.15 kg of glue), a top and 3 screws in a bill for
 * two tables, where 10 percent of the screws and 5 of the frames' parts are lost.
 */
static const char *
table_bom(struct rq *rq)
{
    const char *table = part_new(rq, "TABLE", "C62"), *frame = part_new(rq, "FRAME", "C62");
    const char *leg = part_new(rq, "LEG", "C62"), *glue = part_new(rq, "GLUE", "KGM");
    const char *top = part_new(rq, "TOP", "C62"), *screw = part_new(rq, "SCREW", "C62");

    test_create(rq, "bom",
                "{\"item_id\": %s, \"kind\": \"phantom\", \"lines\": ["
                " {\"position\": 1, \"item_id\": %s, \"quantity\": \"4\"},"
                " {\"position\": 2, \"item_id\": %s, \"quantity\": \"0.15\"}]}",
                frame, leg, glue);
    return test_create(
        rq, "bom",
        "{\"item_id\": %s, \"quantity\": \"2\", \"lines\": ["
        " {\"position\": 10, \"item_id\": %s, \"quantity\": \"2\", \"scrap\": \"5\"},"
        " {\"position\": 20, \"item_id\": %s, \"quantity\": \"2\"},"
        " {\"position\": 30, \"item_id\": %s, \"quantity\": \"3\", \"scrap\": \"10\"}]}",
        table, frame, top, screw);
}

static const char *
exploded(struct rq *rq, const char *bom, const char *quantity)
{
    return test_sql(rq,
                    "SELECT string_agg(concat(e.position, i.code, '=', trim_scale(e.quantity)), ' '"
                    "                  ORDER BY e.position)"
                    "  FROM bom_explode(app_company(), %s, %s) e JOIN item i ON i.id = e.item_id",
                    bom, quantity);
}

static void
a_bill_is_exploded_through_its_phantoms(void)
{
    struct rq *rq = test_begin();
    const char *bom = table_bom(rq);

    /* 10 tables: 10 frames * 1.05 = 10.5 frames: legs 10.5 * 4 = 42, glue 10.5 * 0.15 = 1.575;
     * tops 10; screws 10 * 3 / 2 * 1.1 = 16.5, so 17. */
    CU_ASSERT_STRING_EQUAL(exploded(rq, bom, "10"), "1LEG=42 2GLUE=1.575 3TOP=10 4SCREW=17");
    /* One: 4.2 legs are 5; 0.1575 kg; 1.65 screws are 2. */
    CU_ASSERT_STRING_EQUAL(exploded(rq, bom, "1"), "1LEG=5 2GLUE=0.1575 3TOP=1 4SCREW=2");
    test_end(rq);
}

static void
a_third_of_three_is_one_whole_unit(void)
{
    struct rq *rq = test_begin();
    const char *bom =
        test_create(rq, "bom",
                    "{\"item_id\": %s, \"quantity\": \"3\", \"lines\": ["
                    " {\"position\": 1, \"item_id\": %s, \"quantity\": \"1\"},"
                    " {\"position\": 2, \"item_id\": %s, \"quantity\": \"1\"}]}",
                    part_new(rq, "A", "C62"), part_new(rq, "B", "C62"), part_new(rq, "C", "KGM"));

    CU_ASSERT_STRING_EQUAL(exploded(rq, bom, "3"), "1B=1 2C=1");
    CU_ASSERT_STRING_EQUAL(exploded(rq, bom, "9"), "1B=3 2C=3");
    CU_ASSERT_STRING_EQUAL(exploded(rq, bom, "10"), "1B=4 2C=3.333333");
    test_end(rq);
}

static void
the_version_of_the_day_is_taken(void)
{
    struct rq *rq = test_begin();
    const char *a = part_new(rq, "A", "C62"), *b = part_new(rq, "B", "C62");
    const char *spring, *summer;

    spring = test_create(
        rq, "bom",
        "{\"item_id\": %s, \"revision\": \"spring\", \"valid_from\": \"2026-03-01\","
        " \"valid_to\": \"2026-05-31\", \"lines\": [{\"item_id\": %s, \"quantity\": \"1\"}]}",
        a, b);
    summer =
        test_create(rq, "bom",
                    "{\"item_id\": %s, \"revision\": \"summer\", \"valid_from\": \"2026-06-01\","
                    " \"lines\": [{\"item_id\": %s, \"quantity\": \"2\"}]}",
                    a, b);
    CU_ASSERT_STRING_EQUAL(test_sql(rq, "SELECT bom_of(app_company(), %s, '2026-05-31')", a),
                           spring);
    CU_ASSERT_STRING_EQUAL(test_sql(rq, "SELECT bom_of(app_company(), %s, '2026-06-01')", a),
                           summer);
    CU_ASSERT_PTR_NULL(test_sql(rq, "SELECT bom_of(app_company(), %s, '2026-02-28')", a));

    const struct error *e = test_refused(rq,
                                         "INSERT INTO bom (item_id, revision, valid_from, valid_to)"
                                         " VALUES (%s, 'late spring', '2026-05-31', '2026-05-31')",
                                         a);
    CU_ASSERT_STRING_EQUAL(e->message,
                           "The item has another default version in this time: end that one first");
    test_end(rq);
}

static void
nothing_is_made_of_itself(void)
{
    struct rq *rq = test_begin();
    const char *a = part_new(rq, "A", "C62"), *b = part_new(rq, "B", "C62");
    const char *c = part_new(rq, "C", "C62"), *of_c;
    const struct error *e;

    test_create(rq, "bom", "{\"item_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"1\"}]}",
                a, b);
    test_create(rq, "bom", "{\"item_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"1\"}]}",
                b, c);
    of_c = test_sql(rq, "INSERT INTO bom (item_id) VALUES (%s) RETURNING id", c);
    e = test_refused(rq, "INSERT INTO bom_line (bom_id, item_id, quantity) VALUES (%s, %s, 1)",
                     of_c, a);
    CU_ASSERT_STRING_EQUAL(e->code, "circle");
    CU_ASSERT_STRING_EQUAL(e->message, "C is part of A already: neither can be made of the other");
    e = test_refused(rq, "INSERT INTO bom_line (bom_id, item_id, quantity) VALUES (%s, %s, 1)",
                     of_c, c);
    CU_ASSERT_STRING_EQUAL(e->message, "C cannot be made of itself");

    /* A version that is not active may hold what would be a circle; activating it may not. */
    test_sql(rq, "UPDATE bom SET active = false WHERE id = %s", of_c);
    test_sql(rq, "INSERT INTO bom_line (bom_id, item_id, quantity) VALUES (%s, %s, 1)", of_c, a);
    e = test_refused(rq, "UPDATE bom SET active = true WHERE id = %s", of_c);
    CU_ASSERT_STRING_EQUAL(e->code, "circle");
    test_end(rq);
}

static const char *
day_of(struct rq *rq, const char *function, const char *bom, const char *quantity, const char *day)
{
    return test_sql(rq, "SELECT %s(company_id, item_id, id, %s, '%s') FROM bom WHERE id = %s",
                    function, quantity, day, bom);
}

static void
an_order_takes_the_working_time_of_its_operations(void)
{
    struct rq *rq = test_begin();
    const char *saw = work_center_new(rq, "SAW", "0", "0"), *oven, *routing, *bom;

    /* Two places in an oven that never stops. */
    oven = test_create(
        rq, "work_center",
        "{\"code\": \"OVEN\", \"name\": \"Oven\", \"capacity\": 2, \"calendar_id\": %s}",
        test_sql(rq, "SELECT id FROM calendar WHERE code = 'ALWAYS'"));
    routing = test_create(
        rq, "routing",
        "{\"code\": \"R\", \"name\": \"R\", \"operations\": ["
        " {\"position\": 10, \"name\": \"Saw\", \"work_center_id\": %s, \"setup_minutes\": \"60\","
        "  \"run_minutes\": \"30\", \"queue_minutes\": \"120\"},"
        " {\"position\": 20, \"name\": \"Bake\", \"work_center_id\": %s, \"run_minutes\": \"240\"}]}",
        saw, oven);
    bom = test_create(rq, "bom", "{\"item_id\": %s, \"routing_id\": %s}", part_new(rq, "A", "C62"),
                      routing);

    /* 10 pieces: 2 + 1 + 5 = 8 hours from Friday 9:00 to 17:00; then 10 * 4 / 2 = 20 hours
     * without a break, to Saturday 13:00. */
    CU_ASSERT_STRING_EQUAL(day_of(rq, "production_finish", bom, "10", "2026-11-27"), "2026-11-28");
    /* 11: half an hour more, on Monday at 9:00; 22 hours from 9:30, to Tuesday 7:30. */
    CU_ASSERT_STRING_EQUAL(day_of(rq, "production_finish", bom, "11", "2026-11-27"), "2026-12-01");
    /* Backwards from the end of Tuesday: 20 hours to 4:00; 8 hours are Monday's. */
    CU_ASSERT_STRING_EQUAL(day_of(rq, "production_start", bom, "10", "2026-12-01"), "2026-11-30");
    /* From the end of Monday: to 4:00 of that day, so Friday. */
    CU_ASSERT_STRING_EQUAL(day_of(rq, "production_start", bom, "10", "2026-11-30"), "2026-11-27");
    test_end(rq);
}

static void
without_a_routing_the_lead_time_of_the_item_counts(void)
{
    struct rq *rq = test_begin();
    const char *a = part_new(rq, "A", "C62");
    const char *bom = test_create(rq, "bom", "{\"item_id\": %s}", a);

    CU_ASSERT_STRING_EQUAL(day_of(rq, "production_finish", bom, "1", "2026-11-28"), "2026-11-28");
    test_sql(rq, "UPDATE item SET lead_days = 3 WHERE id = %s", a);
    /* From Friday: Monday, Tuesday, Wednesday. */
    CU_ASSERT_STRING_EQUAL(day_of(rq, "production_finish", bom, "1", "2026-11-27"), "2026-12-02");
    CU_ASSERT_STRING_EQUAL(day_of(rq, "production_start", bom, "1", "2026-12-02"), "2026-11-27");
    test_end(rq);
}

const struct test bom_tests[] = {
    { "a bill is exploded through its phantoms, with scrap",
      a_bill_is_exploded_through_its_phantoms },
    { "a third of three is one whole unit", a_third_of_three_is_one_whole_unit },
    { "the version of the day is taken, and there is one", the_version_of_the_day_is_taken },
    { "nothing is made of itself", nothing_is_made_of_itself },
    { "an order takes the working time of its operations",
      an_order_takes_the_working_time_of_its_operations },
    { "without a routing the lead time of the item counts",
      without_a_routing_the_lead_time_of_the_item_counts },
    { 0 },
};
