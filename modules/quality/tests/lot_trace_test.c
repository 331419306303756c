/*
 * Where a lot came from and where it went, over two levels of production; and alerts, which ask
 * just that. Productions are shipments of one flow from and to the location PRODUCTION.
 */
#include "modules/quality/tests/quality_fixture.h"

static const char *
a_party(struct rq *rq, const char *name)
{
    return test_create(rq, "party",
                       "{\"name\": \"%s\", \"is_customer\": true, \"is_supplier\": true}", name);
}

static const char *
a_flow(struct rq *rq)
{
    return test_sql(rq, "INSERT INTO flow (kind) VALUES ('plan_to_produce') RETURNING id");
}

/* Issue this much of a lot to the production of a flow. */
static void
issue(struct rq *rq, const char *flow, const char *lot, const char *quantity)
{
    const char *item = test_sql(rq, "SELECT item_id FROM lot WHERE code = '%s'", lot);
    const char *transfer = test_create(
        rq, "shipment",
        "{\"kind\": \"transfer\", \"warehouse_id\": %s, \"other_location_id\": %s, \"flow_id\": %s,"
        " \"lines\": [{\"item_id\": %s, \"quantity\": \"%s\", \"lot_id\": %s}]}",
        test_sql(rq, "SELECT id FROM warehouse WHERE code = 'MAIN'"), side_of(rq, "production"),
        flow, item, quantity, lot_id(rq, lot));

    CU_ASSERT_TRUE(test_take(rq, "shipment", transfer, "ship", NULL));
}

/* Receive ten of an item as one lot: from production within a flow, or from a supplier. */
static void
receive_ten(struct rq *rq, const char *side, const char *flow, const char *party, const char *item,
            const char *lot)
{
    const char *receipt = test_create(
        rq, "shipment",
        "{\"kind\": \"receipt\", \"warehouse_id\": %s, \"other_location_id\": %s, \"flow_id\": %s,"
        " \"party_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"10\", \"unit_cost\": \"1\"}]}",
        test_sql(rq, "SELECT id FROM warehouse WHERE code = 'MAIN'"), side_of(rq, side), flow,
        party, item);

    CU_ASSERT_TRUE(arrive(rq, receipt, lot));
}

static void
deliver(struct rq *rq, const char *party, const char *lot, const char *quantity)
{
    const char *delivery = test_create(
        rq, "shipment",
        "{\"kind\": \"delivery\", \"warehouse_id\": %s, \"party_id\": %s, \"lines\":"
        " [{\"item_id\": %s, \"quantity\": \"%s\", \"lot_id\": %s}]}",
        test_sql(rq, "SELECT id FROM warehouse WHERE code = 'MAIN'"), party,
        test_sql(rq, "SELECT item_id FROM lot WHERE code = '%s'", lot), quantity, lot_id(rq, lot));

    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship", NULL));
}

/* The trace as one text: "depth event lot quantity partner; ..." */
static const char *
trace(struct rq *rq, const char *lot, const char *direction)
{
    return test_sql(
        rq,
        "SELECT string_agg(concat_ws(' ', t.depth, t.event, o.code, trim_scale(t.quantity), p.name),"
        "                  '; ' ORDER BY t.depth, t.event, o.code, p.name)"
        "  FROM lot_trace_%s(%s) t LEFT JOIN lot o ON o.id = t.lot_id"
        "  LEFT JOIN party p ON p.id = t.party_id",
        direction, lot_id(rq, lot));
}

/* Steel ST-1 of Acme and ST-2 of Borax become frames FR-1 and FR-2; FR-1 and glue GL-1 become
 * the doors DO-1, FR-2 and GL-1 the doors DO-2. Carl has four of DO-1 and two of FR-1, Dora
 * three of DO-2. */
static void
two_levels(struct rq *rq)
{
    const char *steel = lot_item(rq, "STEEL"), *frame = lot_item(rq, "FRAME");
    const char *glue = lot_item(rq, "GLUE"), *door = lot_item(rq, "DOOR");
    const char *acme = a_party(rq, "Acme"), *borax = a_party(rq, "Borax");
    const char *carl = a_party(rq, "Carl"), *dora = a_party(rq, "Dora");
    const char *one = a_flow(rq), *two = a_flow(rq), *three = a_flow(rq), *four = a_flow(rq);

    receive_ten(rq, "supplier", "null", acme, steel, "ST-1");
    receive_ten(rq, "supplier", "null", borax, steel, "ST-2");
    receive_ten(rq, "supplier", "null", borax, glue, "GL-1");
    issue(rq, one, "ST-1", "5");
    receive_ten(rq, "production", one, "null", frame, "FR-1");
    issue(rq, two, "ST-2", "5");
    receive_ten(rq, "production", two, "null", frame, "FR-2");
    issue(rq, three, "FR-1", "3");
    issue(rq, three, "GL-1", "1");
    receive_ten(rq, "production", three, "null", door, "DO-1");
    issue(rq, four, "FR-2", "3");
    issue(rq, four, "GL-1", "2");
    receive_ten(rq, "production", four, "null", door, "DO-2");
    deliver(rq, carl, "DO-1", "4");
    deliver(rq, carl, "FR-1", "2");
    deliver(rq, dora, "DO-2", "3");
}

static void
a_lot_is_followed_down_to_every_customer(void)
{
    struct rq *rq = test_begin();

    two_levels(rq);
    CHECK_TEXT(trace(rq, "ST-1", "down"),
               "0 in_stock ST-1 5; 0 issued ST-1 5; "
               "1 delivered FR-1 2 Carl; 1 in_stock FR-1 5; 1 issued FR-1 3; 1 made FR-1 10; "
               "2 delivered DO-1 4 Carl; 2 in_stock DO-1 6; 2 made DO-1 10");
    /* the glue is in both doors */
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT string_agg(p.name || ' ' || trim_scale(t.quantity), ', ' ORDER BY p.name)"
                 "  FROM lot_trace_down(%s) t JOIN party p ON p.id = t.party_id"
                 " WHERE t.event = 'delivered'",
                 lot_id(rq, "GL-1")),
        "Carl 4, Dora 3");
    quality_checks(rq);
    test_end(rq);
}

static void
a_lot_is_followed_up_to_every_supplier(void)
{
    struct rq *rq = test_begin();

    two_levels(rq);
    CHECK_TEXT(trace(rq, "DO-1", "up"),
               "0 made DO-1 10; 1 issued FR-1 3; 1 issued GL-1 1; 1 made FR-1 10; "
               "1 received GL-1 10 Borax; 2 issued ST-1 5; 2 received ST-1 10 Acme");
    CHECK_TEXT(trace(rq, "ST-2", "up"), "0 received ST-2 10 Borax");
    test_end(rq);
}

static void
rework_that_feeds_a_lot_into_itself_ends(void)
{
    struct rq *rq = test_begin();
    const char *rework;

    two_levels(rq);
    /* four doors DO-1 and two of DO-2 are taken apart and become more of DO-1 */
    rework = a_flow(rq);
    issue(rq, rework, "DO-1", "4");
    issue(rq, rework, "DO-2", "2");
    receive_ten(rq, "production", rework, "null",
                test_sql(rq, "SELECT id FROM item WHERE code = 'DOOR'"), "DO-1");
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(DISTINCT o.code, ' ' ORDER BY o.code)"
                        "  FROM lot_trace_up(%s) t JOIN lot o ON o.id = t.lot_id",
                        lot_id(rq, "DO-1")),
               "DO-1 DO-2 FR-1 FR-2 GL-1 ST-1 ST-2");
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT string_agg(p.name || ' ' || trim_scale(t.quantity), ', ' ORDER BY p.name, t.depth)"
            "  FROM lot_trace_down(%s) t JOIN party p ON p.id = t.party_id"
            " WHERE t.event = 'delivered'",
            lot_id(rq, "ST-2")),
        "Carl 4, Dora 3");
    quality_checks(rq);
    test_end(rq);
}

static void
the_trace_is_a_list_of_the_interface(void)
{
    struct rq *rq = test_begin();

    two_levels(rq);
    const struct parameter query[] = { { "of_lot_id",
                                         arena_printf(rq->mem, "eq.%s", lot_id(rq, "ST-1")) },
                                       { "direction", "eq.down" },
                                       { "event", "eq.delivered" },
                                       { "select", "party.name,quantity" } };

    CU_ASSERT_TRUE(api_list(rq, entity_find("lot_trace"), query, 4));
    CU_ASSERT_PTR_NOT_NULL(rq->reply ? strstr(rq->reply, "Carl") : NULL);
    CU_ASSERT_PTR_NULL(rq->reply ? strstr(rq->reply, "Dora") : NULL);
    test_end(rq);
}

static void
an_alert_holds_its_lot_and_knows_its_customers(void)
{
    struct rq *rq = test_begin();
    const char *alert, *other, *delivery;
    const struct error *e;

    two_levels(rq);
    delivery =
        shipment_new(rq, "delivery", test_sql(rq, "SELECT id FROM item WHERE code = 'GLUE'"), "1");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "reserve", NULL));
    alert = test_create(rq, "quality_alert", "{\"title\": \"Does not stick\", \"lot_id\": %s}",
                        lot_id(rq, "GL-1"));
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT concat_ws(' ', i.code, f.customers, trim_scale(f.delivered), trim_scale(f.on_hand))"
            "  FROM quality_alert a JOIN quality_alert_fact f USING (id) JOIN item i ON i.id = a.item_id"
            " WHERE a.id = %s",
            alert),
        "GLUE 2 7 20"); /* glue 10 - 1 - 2, doors 10 - 4 and 10 - 3 */
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT trim_scale(quantity_reserved) FROM shipment_line WHERE shipment_id = %s",
                 delivery),
        "0");
    e = test_refused(rq, "UPDATE lot SET held = false WHERE code = 'GL-1'");
    CHECK_TEXT(e ? e->code : NULL, "alert_open");
    other = test_create(rq, "quality_alert", "{\"title\": \"Smells\", \"lot_id\": %s}",
                        lot_id(rq, "GL-1"));
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "quality_alert", alert, "close", "{\"release\": true}"));
    CHECK_TEXT(test_code(rq), "cause_missing");
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "quality_alert", alert, "close",
                             "{\"release\": true, \"cause\": \"Frost\"}"));
    CHECK_TEXT(test_sql(rq, "SELECT held FROM lot WHERE code = 'GL-1'"),
               "t"); /* the other one holds it */
    CU_ASSERT_TRUE(
        test_take(rq, "quality_alert", other, "close", "{\"release\": true, \"cause\": \"None\"}"));
    CHECK_TEXT(test_sql(rq, "SELECT held FROM lot WHERE code = 'GL-1'"), "f");
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT trim_scale(quantity_reserved) FROM shipment_line WHERE shipment_id = %s",
                 delivery),
        "1");
    quality_checks(rq);
    test_end(rq);
}

const struct test lot_trace_tests[] = {
    { "a lot is followed down to every customer", a_lot_is_followed_down_to_every_customer },
    { "a lot is followed up to every supplier", a_lot_is_followed_up_to_every_supplier },
    { "rework that feeds a lot into itself ends", rework_that_feeds_a_lot_into_itself_ends },
    { "the trace is a list of the interface", the_trace_is_a_list_of_the_interface },
    { "an alert holds its lot and knows its customers",
      an_alert_holds_its_lot_and_knows_its_customers },
    { 0 },
};
