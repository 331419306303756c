/*
 * From the gate to the shelf: goods with a plan wait, are judged, and go where the judgement
 * sends them. Then plain SQL tries to take them out of quarantine without one.
 */
#include "modules/quality/tests/quality_fixture.h"

static const char *
refusal(const struct error *e)
{
    return e ? e->code : "accepted";
}

/* Ten of a lot of an item with a plan, received from the supplier; its shipment. */
static const char *
ten_in_quarantine(struct rq *rq, const char *code, const char **item)
{
    const char *receipt;

    *item = lot_item(rq, code);
    plan_new(rq, *item, "receipt");
    receipt = shipment_with(rq, "receipt", "supplier", *item, "10");
    CU_ASSERT_TRUE_FATAL(arrive(rq, receipt, arena_printf(rq->mem, "%s-1", code)));
    return receipt;
}

/* "inspection state passed/failed" and where the goods are. */
static const char *
outcome(struct rq *rq, const char *inspection)
{
    return test_sql(
        rq,
        "SELECT concat_ws(' ', q.state, trim_scale(q.quantity_passed) || '/' ||"
        "       trim_scale(q.quantity_failed), f.places)"
        "  FROM quality_inspection q JOIN lot_fact f ON f.id = q.lot_id WHERE q.id = %s",
        inspection);
}

/* On which day one unit could be promised: "today", or "never". */
static const char *
promised(struct rq *rq, const char *item)
{
    return test_sql(rq,
                    "SELECT CASE promise_ready(app_company(), %s, w.id, 1, app_today())"
                    "            WHEN app_today() THEN 'today' ELSE 'never' END"
                    "  FROM warehouse w WHERE code = 'MAIN'",
                    item);
}

static void
goods_wait_in_quarantine_until_they_pass_and_then_serve_who_waits(void)
{
    struct rq *rq = test_begin();
    const char *item, *receipt = ten_in_quarantine(rq, "STORY", &item), *inspection, *delivery;

    inspection = inspection_of(rq, receipt);
    /* 15 % of ten pieces is one and a half: two are looked at */
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT concat_ws(' ', q.kind, q.state, trim_scale(q.quantity), trim_scale(q.sample_size),"
            "       l.code, f.result_count, f.missing) FROM quality_inspection q"
            "  JOIN quality_inspection_fact f USING (id) JOIN location l ON l.id = q.location_id"
            " WHERE q.id = %s",
            inspection),
        "receipt open 10 2 MAIN-QC 2 2");
    CHECK_TEXT(promised(rq, item), "never");
    delivery = shipment_new(rq, "delivery", item, "4");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "reserve", NULL));
    CHECK_TEXT(stock_of(rq, item), "10/0/0");
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "quality_inspection", inspection, "pass", NULL));
    CHECK_TEXT(test_code(rq), "results_missing");
    test_recover(rq);
    CU_ASSERT_TRUE(record(rq, inspection, "10.5", "true"));
    CU_ASSERT_TRUE(test_take(rq, "quality_inspection", inspection, "pass", NULL));
    CHECK_TEXT(outcome(rq, inspection), "passed 10/0 MAIN: 10");
    CHECK_TEXT(stock_of(rq, item), "10/4/6");
    CHECK_TEXT(promised(rq, item), "today");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship", NULL));
    CHECK_TEXT(test_sql(rq,
                        "SELECT decided_at IS NOT NULL AND decided_by = app_user_id()"
                        "  FROM quality_inspection WHERE id = %s",
                        inspection),
               "t");
    quality_checks(rq);
    test_end(rq);
}

static void
a_measure_outside_its_limits_is_bad_whatever_is_typed(void)
{
    struct rq *rq = test_begin();
    const char *item, *receipt = ten_in_quarantine(rq, "LIMIT", &item);
    const char *inspection = inspection_of(rq, receipt);

    CU_ASSERT_TRUE(record(rq, inspection, "10.500001", "true"));
    test_sql(
        rq,
        "UPDATE quality_inspection_result SET passed = true WHERE inspection_id = %s RETURNING id",
        inspection);
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(name || ' ' || passed, ', ' ORDER BY position)"
                        "  FROM quality_inspection_result WHERE inspection_id = %s",
                        inspection),
               "Length false, Looks true");
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "quality_inspection", inspection, "pass", NULL));
    CHECK_TEXT(test_code(rq), "result_failed");
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "quality_inspection", inspection, "pass",
                             "{\"concession\": \"0.000001 mm is nothing\"}"));
    CHECK_TEXT(outcome(rq, inspection), "passed 10/0 MAIN: 10");
    CHECK_TEXT(refusal(test_refused(rq,
                                    "UPDATE quality_inspection_result SET value = 10"
                                    " WHERE inspection_id = %s",
                                    inspection)),
               "read_only");
    quality_checks(rq);
    test_end(rq);
}

static void
a_lot_that_failed_and_is_kept_never_leaves(void)
{
    struct rq *rq = test_begin();
    const char *item, *receipt = ten_in_quarantine(rq, "FAIL", &item), *delivery;
    const char *inspection = inspection_of(rq, receipt);
    static const char leave[] =
        "INSERT INTO stock_move (item_id, lot_id, quantity, from_location_id, to_location_id)"
        " VALUES (%s, %s, 1, " MAIN_QC ", %s)";

    test_mark(rq);
    CU_ASSERT_FALSE(
        test_take(rq, "quality_inspection", inspection, "fail", "{\"disposition\": \"sell\"}"));
    CHECK_TEXT(test_code(rq), "disposition_missing");
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "quality_inspection", inspection, "fail",
                             "{\"disposition\": \"keep\", \"note\": \"cracks\"}"));
    CHECK_TEXT(outcome(rq, inspection), "failed 0/10 MAIN-QC: 10");
    CHECK_TEXT(test_sql(rq, "SELECT held_reason FROM lot WHERE code = 'FAIL-1'"),
               arena_printf(rq->mem, "%s: cracks",
                            test_sql(rq, "SELECT number FROM quality_inspection WHERE id = %s",
                                     inspection)));
    delivery = shipment_new(rq, "delivery", item, "1");
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "shipment", delivery, "ship", NULL));
    test_recover(rq);
    CHECK_TEXT(refusal(test_refused(rq, leave, item, lot_id(rq, "FAIL-1"),
                                    "stock_side(app_company(), 'customer')")),
               "in_quarantine");
    CHECK_TEXT(refusal(test_refused(rq, leave, item, lot_id(rq, "FAIL-1"), MAIN_ROOT)),
               "in_quarantine");
    quality_checks(rq);
    test_end(rq);
}

static void
a_part_passes_and_the_rest_is_scrapped_at_its_cost(void)
{
    struct rq *rq = test_begin();
    const char *item, *receipt = ten_in_quarantine(rq, "PART", &item);
    const char *inspection = inspection_of(rq, receipt);

    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "quality_inspection", inspection, "fail",
                              "{\"disposition\": \"scrap\", \"quantity\": \"10.5\"}"));
    CHECK_TEXT(test_code(rq), "too_much");
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "quality_inspection", inspection, "fail",
                             "{\"disposition\": \"scrap\", \"quantity\": \"3\"}"));
    CHECK_TEXT(outcome(rq, inspection), "failed 7/3 MAIN: 7");
    CHECK_TEXT(stock_of(rq, item), "7/0/7");
    /* ten came at 2.00; three of them are lost */
    CHECK_TEXT(ledger_of(rq, "inventory"), "14.00");
    CHECK_TEXT(ledger_of(rq, "stock_adjustment"), "6.00");
    quality_checks(rq);
    test_end(rq);
}

static void
what_is_bad_goes_back_to_the_supplier_when_the_warehouse_ships_it(void)
{
    struct rq *rq = test_begin();
    const char *item, *receipt = ten_in_quarantine(rq, "BACK", &item), *delivery;
    const char *inspection = inspection_of(rq, receipt);

    CU_ASSERT_TRUE(test_take(rq, "quality_inspection", inspection, "fail",
                             "{\"disposition\": \"return_to_supplier\", \"quantity\": \"4\"}"));
    delivery =
        test_sql(rq,
                 "SELECT s.id FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id"
                 " WHERE l.quality_inspection_id = %s AND s.kind = 'delivery' AND s.state = 'draft'"
                 "   AND l.quantity_reserved = 4 AND l.returns_line_id = %s",
                 inspection, line_of(rq, receipt));
    CU_ASSERT_PTR_NOT_NULL_FATAL(delivery);
    CHECK_TEXT(outcome(rq, inspection), "failed 6/4 MAIN: 6, MAIN-QC: 4");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship", NULL));
    CHECK_TEXT(outcome(rq, inspection), "failed 6/4 MAIN: 6");
    quality_checks(rq);
    test_end(rq);
}

static void
finished_goods_and_returns_are_inspected_by_their_own_plans(void)
{
    struct rq *rq = test_begin();
    const char *item = lot_item(rq, "MADE"), *receipt, *delivery, *back;

    plan_new(rq, item, "production");
    plan_new(rq, item, "return");
    receipt = shipment_with(rq, "receipt", "production", item, "5");
    CU_ASSERT_TRUE(arrive(rq, receipt, "M-1"));
    CU_ASSERT_TRUE(record(rq, inspection_of(rq, receipt), "10", "true"));
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "quality_inspection", inspection_of(rq, receipt), "fail",
                              "{\"disposition\": \"return_to_supplier\"}"));
    CHECK_TEXT(test_code(rq), "no_supplier");
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "quality_inspection", inspection_of(rq, receipt), "pass", NULL));
    delivery = shipment_new(rq, "delivery", item, "2");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship", NULL));
    back = test_create(rq, "shipment",
                       "{\"kind\": \"return\", \"warehouse_id\": %s, \"lines\": [{\"item_id\": %s,"
                       " \"quantity\": \"2\", \"returns_line_id\": %s}]}",
                       test_sql(rq, "SELECT id FROM warehouse WHERE code = 'MAIN'"), item,
                       line_of(rq, delivery));
    CU_ASSERT_TRUE(test_take(rq, "shipment", back, "receive", NULL));
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(kind || ' ' || trim_scale(quantity), ', ' ORDER BY id)"
                        "  FROM quality_inspection WHERE item_id = %s",
                        item),
               "production 5, return 2");
    CHECK_TEXT(stock_of(rq, item), "5/0/3");
    quality_checks(rq);
    test_end(rq);
}

static void
a_category_has_a_plan_and_the_item_s_own_comes_first(void)
{
    struct rq *rq = test_begin();
    const char *item = lot_item(rq, "CAT"), *above, *below, *plan, *own;
    static const char found[] = "SELECT quality_plan_for(app_company(), %s, 'receipt')";

    above = test_sql(rq, "INSERT INTO item_category (name) VALUES ('Steel') RETURNING id");
    below = test_sql(
        rq, "INSERT INTO item_category (name, parent_id) VALUES ('Bars', %s) RETURNING id", above);
    test_sql(rq, "UPDATE item SET category_id = %s WHERE id = %s RETURNING id", below, item);
    CHECK_TEXT(test_sql(rq, found, item), NULL);
    plan = test_create(rq, "quality_plan", "{\"name\": \"Steel\", \"category_id\": %s}", above);
    CHECK_TEXT(test_sql(rq, found, item), plan);
    own = plan_new(rq, item, "receipt");
    CHECK_TEXT(test_sql(rq, found, item), own);
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq, "INSERT INTO quality_plan (name, item_id) VALUES ('Twice', %s)", item));
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq, "INSERT INTO quality_plan (name) VALUES ('Of nothing')"));
    test_end(rq);
}

static void
what_has_no_plan_goes_to_the_shelf_and_what_has_one_never_does(void)
{
    struct rq *rq = test_begin();
    const char *item = lot_item(rq, "SHELF"),
               *receipt = shipment_with(rq, "receipt", "supplier", item, "5");

    CU_ASSERT_TRUE(arrive(rq, receipt, "S-1"));
    CHECK_TEXT(stock_of(rq, item), "5/0/5");
    CHECK_TEXT(inspection_of(rq, receipt), NULL);
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "shipment", receipt, "inspect", NULL));
    CHECK_TEXT(test_code(rq), "nothing_to_inspect");
    test_recover(rq);
    plan_new(rq, item, "receipt");
    receipt = shipment_with(rq, "receipt", "supplier", item, "5");
    test_sql(rq,
             "UPDATE shipment_line SET location_id = " MAIN_ROOT
             " WHERE shipment_id = %s RETURNING id",
             receipt);
    CU_ASSERT_TRUE(arrive(rq, receipt, "S-2"));
    CHECK_TEXT(stock_of(rq, item), "10/0/5");
    quality_checks(rq);
    test_end(rq);
}

static void
plain_sql_takes_nothing_out_of_quarantine(void)
{
    struct rq *rq = test_begin();
    const char *item, *receipt = ten_in_quarantine(rq, "SQL", &item), *transfer;
    const char *inspection = inspection_of(rq, receipt);

    static const char *const attacks[] = {
        "UPDATE quality_inspection SET state = 'passed' WHERE id = %s",
        "UPDATE quality_inspection SET quantity_passed = 10 WHERE id = %s",
        "UPDATE quality_inspection SET quantity = 1 WHERE id = %s",
        "UPDATE quality_inspection SET lot_id = NULL WHERE id = %s",
        "INSERT INTO quality_inspection (shipment_line_id, lot_id)"
        " SELECT shipment_line_id, lot_id FROM quality_inspection WHERE id = %s",
    };
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        if (!test_refused(rq, attacks[i], inspection)) {
            printf("\n    accepted: %s", attacks[i]);
            CU_FAIL("an inspection was forged");
        }
    /* a transfer by hand, without and with the name of the undecided inspection */
    for (int named = 0; named < 2; named++) {
        test_mark(rq);
        transfer = test_create(
            rq, "shipment",
            "{\"kind\": \"transfer\", \"warehouse_id\": %s, \"other_location_id\": %s, \"lines\":"
            " [{\"item_id\": %s, \"quantity\": \"1\", \"location_id\": %s, \"lot_id\": %s,"
            "   \"quality_inspection_id\": %s}]}",
            test_sql(rq, "SELECT id FROM warehouse WHERE code = 'MAIN'"),
            test_sql(rq, "SELECT " MAIN_ROOT), item, test_sql(rq, "SELECT " MAIN_QC),
            lot_id(rq, "SQL-1"), named ? inspection : "null");
        bool ok = test_take(rq, "shipment", transfer, "ship", NULL) &&
                  db_exec(rq, "SET CONSTRAINTS ALL IMMEDIATE", NONE) && db_flush(rq);

        CU_ASSERT_FALSE(ok);
        CHECK_TEXT(test_code(rq), named ? "not_passed" : "in_quarantine");
        test_recover(rq);
    }
    quality_checks(rq);
    test_end(rq);
}

static void
quality_decides_the_warehouse_records_and_service_looks(void)
{
    struct rq *rq = test_begin();
    static const char may[] =
        "SELECT string_agg(CASE WHEN EXISTS (SELECT FROM permission p JOIN role r ON r.id = p.role_id"
        "           WHERE r.code = '%s' AND p.entity = split_part(w, '.', 1)"
        "             AND p.action IN (split_part(w, '.', 2), '*')) THEN 'yes' ELSE 'no' END, ' ' ORDER BY n)"
        "  FROM unnest('{quality_inspection.read,quality_inspection.record,quality_inspection.pass,"
        "quality_plan.create,quality_alert.create,quality_alert.close,lot.hold,lot_trace.read}'::text[])"
        "       WITH ORDINALITY AS x (w, n)";

    CHECK_TEXT(test_sql(rq, may, "quality"), "yes yes yes yes yes yes yes yes");
    CHECK_TEXT(test_sql(rq, may, "manager"), "yes yes yes yes yes yes yes yes");
    CHECK_TEXT(test_sql(rq, may, "warehouse"), "yes yes no no yes no yes yes");
    CHECK_TEXT(test_sql(rq, may, "production"), "yes yes no no yes no no yes");
    CHECK_TEXT(test_sql(rq, may, "service"), "yes no no no yes no no yes");
    test_end(rq);
}

const struct test inspection_tests[] = {
    { "goods wait in quarantine until they pass, and then serve who waits",
      goods_wait_in_quarantine_until_they_pass_and_then_serve_who_waits },
    { "a measure outside its limits is bad, whatever is typed",
      a_measure_outside_its_limits_is_bad_whatever_is_typed },
    { "a lot that failed and is kept never leaves", a_lot_that_failed_and_is_kept_never_leaves },
    { "a part passes and the rest is scrapped at its cost",
      a_part_passes_and_the_rest_is_scrapped_at_its_cost },
    { "what is bad goes back to the supplier when the warehouse ships it",
      what_is_bad_goes_back_to_the_supplier_when_the_warehouse_ships_it },
    { "finished goods and returns are inspected by their own plans",
      finished_goods_and_returns_are_inspected_by_their_own_plans },
    { "a category has a plan, and the item's own comes first",
      a_category_has_a_plan_and_the_item_s_own_comes_first },
    { "what has no plan goes to the shelf, and what has one never does",
      what_has_no_plan_goes_to_the_shelf_and_what_has_one_never_does },
    { "plain SQL takes nothing out of quarantine", plain_sql_takes_nothing_out_of_quarantine },
    { "quality decides, the warehouse records and service looks",
      quality_decides_the_warehouse_records_and_service_looks },
    { 0 },
};
