/*
 * A chair of two levels from its bills to the closed order, with every amount by hand.
 *
 *   SEAT   2 BOARD at 3.00 and 0.5 kg of FOAM at 4.00                     8.00 a piece
 *   CHAIR  1 SEAT, 4 LEG at 1.25; 30 minutes set-up and 6 a piece at a bench of 30 an hour for
 *          labour and 12 for the machine
 */
#include "modules/production/tests/production_fixture.h"

struct workshop {
    const char *seat, *chair, *board, *foam, *leg;
};

static void
stock_add(struct rq *rq, const char *item, const char *quantity, const char *cost, const char *day)
{
    test_create(
        rq, "stock_opening",
        "{\"item_id\": %s, \"quantity\": \"%s\", \"unit_cost\": \"%s\", \"opened_on\": \"%s\"}",
        item, quantity, cost, day);
}

/* The items with their bills, and stock for ten chairs and a few legs more. */
static struct workshop
workshop_new(struct rq *rq)
{
    struct workshop w = { .seat = part_new(rq, "SEAT", "C62"),
                          .chair = part_new(rq, "CHAIR", "C62"),
                          .board = part_new(rq, "BOARD", "C62"),
                          .foam = part_new(rq, "FOAM", "KGM"),
                          .leg = part_new(rq, "LEG", "C62") };
    const char *routing;

    routing = test_create(rq, "routing",
                          "{\"code\": \"CHAIR\", \"name\": \"Chair\", \"operations\": ["
                          " {\"position\": 10, \"name\": \"Assemble\", \"work_center_id\": %s,"
                          "  \"setup_minutes\": \"30\", \"run_minutes\": \"6\"}]}",
                          work_center_new(rq, "BENCH", "30", "12"));
    test_create(
        rq, "bom",
        "{\"item_id\": %s, \"lines\": [{\"position\": 1, \"item_id\": %s, \"quantity\": \"2\"},"
        " {\"position\": 2, \"item_id\": %s, \"quantity\": \"0.5\"}]}",
        w.seat, w.board, w.foam);
    test_create(rq, "bom",
                "{\"item_id\": %s, \"routing_id\": %s, \"lines\": ["
                " {\"position\": 1, \"item_id\": %s, \"quantity\": \"1\"},"
                " {\"position\": 2, \"item_id\": %s, \"quantity\": \"4\"}]}",
                w.chair, routing, w.seat, w.leg);
    stock_add(rq, w.board, "20", "3", "2026-01-01");
    stock_add(rq, w.foam, "5", "4", "2026-01-01");
    stock_add(rq, w.leg, "50", "1.25", "2026-01-01");
    return w;
}

static const char *
order_new(struct rq *rq, const char *item, const char *quantity)
{
    return test_create(rq, "production_order", "{\"item_id\": %s, \"quantity\": \"%s\"}", item,
                       quantity);
}

/* Take a step that must succeed. */
static void
step(struct rq *rq, const char *order, const char *action, const char *body)
{
    if (!test_take(rq, "production_order", order, action, body)) {
        printf("\n    %s: %s", action, rq->errors ? rq->errors->message : "failed");
        CU_FAIL_FATAL("a step failed");
    }
}

/* A step that must fail: its code and sentence. */
static void
step_fails(struct rq *rq, const char *order, const char *action, const char *body, const char *code,
           const char *message)
{
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "production_order", order, action, body));
    CHECK_TEXT(test_code(rq), code);
    if (message)
        CHECK_TEXT(rq->errors ? rq->errors->message : NULL, message);
    test_recover(rq);
}

static const char *
ledger(struct rq *rq, const char *role)
{
    test_sql(rq, "SET CONSTRAINTS ALL IMMEDIATE");
    test_sql(rq, "SET CONSTRAINTS ALL DEFERRED");
    return test_sql(rq,
                    "SELECT coalesce(sum(l.debit - l.credit), 0)::numeric(18,2) FROM journal_line l"
                    "  JOIN account a ON a.id = l.account_id"
                    " WHERE a.role = '%s' AND l.posted_on IS NOT NULL",
                    role);
}

static const char *
fact(struct rq *rq, const char *order, const char *columns)
{
    return test_sql(rq,
                    "SELECT concat_ws(' ', %s) FROM production_order o"
                    "  JOIN production_order_fact f USING (id) WHERE o.id = %s",
                    columns, order);
}

static const char *
on_hand(struct rq *rq, const char *item)
{
    return test_sql(
        rq, "SELECT coalesce(trim_scale(sum(on_hand)), 0) FROM stock_usable WHERE item_id = %s",
        item);
}

/* Ten seats in one go: 20 boards and 5 kg of foam, 60.00 + 20.00. */
static void
seats_make(struct rq *rq, const struct workshop *w)
{
    const char *order = order_new(rq, w->seat, "10");

    step(rq, order, "release", NULL);
    step(rq, order, "issue", NULL);
    CHECK_TEXT(fact(rq, order, "o.state, o.materials, f.work_in_progress"), "released full 80.00");
    step(rq, order, "finish", NULL);
    CHECK_TEXT(fact(rq, order, "o.state, f.finished_value, f.work_in_progress"),
               "finished 80.00 0.00");
    step(rq, order, "close", NULL);
}

static void
a_chair_of_two_levels_is_made_and_its_cost_adds_up(void)
{
    struct rq *rq = test_begin();
    struct workshop w = workshop_new(rq);
    const char *order;

    seats_make(rq, &w);
    order = order_new(rq, w.chair, "10");
    /* Planned: 10 * 8 + 40 * 1.25 = 130; 30 + 60 minutes: 45.00 and 18.00. */
    CHECK_TEXT(fact(rq, order, "f.planned_material, f.planned_labour, f.planned_machine, f.ready"),
               "130.00 45.00 18.00 t");
    step(rq, order, "release", NULL);
    CHECK_TEXT(ledger(rq, "work_in_progress"), "0.00");
    step(rq, order, "issue", NULL);
    CHECK_TEXT(ledger(rq, "work_in_progress"), "130.00");
    /* 50 minutes: 25.00 and 10.00; then 60 and 40: 30.00 and 8.00. */
    step(rq, order, "report",
         "{\"operation\": 10, \"labour_minutes\": 50, \"machine_minutes\": 50, \"good\": 4}");
    CHECK_TEXT(fact(rq, order, "o.state, f.labour_cost, f.machine_cost"), "started 25.00 10.00");
    step(rq, order, "report", "{\"labour_minutes\": 60, \"machine_minutes\": 40, \"good\": 6}");
    CHECK_TEXT(ledger(rq, "labour_applied"), "-55.00");
    CHECK_TEXT(ledger(rq, "machine_applied"), "-18.00");
    CHECK_TEXT(ledger(rq, "work_in_progress"), "203.00");
    /* Four at the planned cost, (130 + 63) / 10 = 19.30 a piece; the last six take the rest:
     * 203.00 - 77.20 = 125.80. */
    step(rq, order, "finish", "{\"quantity\": \"4\"}");
    CHECK_TEXT(fact(rq, order, "o.state, f.finished_value"), "started 77.20");
    step(rq, order, "finish", NULL);
    CHECK_TEXT(fact(rq, order, "o.state, f.finished_value, f.work_in_progress"),
               "finished 203.00 0.00");
    step(rq, order, "close", NULL);
    CHECK_TEXT(on_hand(rq, w.chair), "10");
    CHECK_TEXT(on_hand(rq, w.seat), "0");
    CHECK_TEXT(on_hand(rq, w.leg), "10");
    CHECK_TEXT(ledger(rq, "work_in_progress"), "0.00");
    CHECK_TEXT(ledger(rq, "production_variance"), "0.00");
    production_checks(rq);
    test_end(rq);
}

static void
a_shortage_is_named_at_release_and_the_order_released_when_it_is_over(void)
{
    struct rq *rq = test_begin();
    struct workshop w = workshop_new(rq);
    const char *order;

    /* No seat is in stock or on its way: nothing promises them, and release names them. */
    order = order_new(rq, w.chair, "10");
    CHECK_TEXT(fact(rq, order, "f.ready, f.missing"), "f SEAT 10");
    step_fails(rq, order, "release", NULL, "materials_short",
               "SEAT: 10 are needed, 0 are available");
    CHECK_TEXT(fact(rq, order, "o.state"), "planned");
    step(rq, order, "release_ready", NULL);
    CHECK_TEXT(fact(rq, order, "o.state"), "planned");
    seats_make(rq, &w);
    CHECK_TEXT(fact(rq, order, "f.ready"), "t");
    step(rq, order, "release_ready", NULL);
    CHECK_TEXT(fact(rq, order, "o.state"), "released");
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT string_agg(concat_ws('/', trim_scale(required), trim_scale(reserved),"
                 "           trim_scale(short)), ' ' ORDER BY position)"
                 "  FROM production_readiness WHERE production_order_id = %s",
                 order),
        "10/10/0 40/40/0");
    production_checks(rq);
    test_end(rq);
}

static void
what_was_promised_to_another_order_is_not_there_for_a_later_one(void)
{
    struct rq *rq = test_begin();
    struct workshop w = workshop_new(rq);
    const char *first, *second;

    /* Stock is enough for ten seats: the second order finds nothing that was not promised. */
    first = order_new(rq, w.seat, "10");
    second = order_new(rq, w.seat, "1");
    CHECK_TEXT(fact(rq, second, "f.ready, f.missing"), "f BOARD 2, FOAM 0.5");
    step_fails(rq, second, "release", NULL, "materials_short", NULL);
    step(rq, first, "cancel", NULL);
    step(rq, second, "release", NULL);
    CHECK_TEXT(fact(rq, second, "o.state"), "released");
    step(rq, second, "cancel", NULL);
    CHECK_TEXT(test_sql(rq, "SELECT coalesce(sum(quantity), 0) FROM promise"), "0");
    CHECK_TEXT(test_sql(rq, "SELECT coalesce(sum(quantity), 0) FROM supply"), "0");
    production_checks(rq);
    test_end(rq);
}

static void
what_is_made_can_be_promised_before_it_is_there(void)
{
    struct rq *rq = test_begin();
    struct workshop w = workshop_new(rq);
    const char *seats, *chairs;

    /* Chairs take the seats of an order that is only planned, from the day after. */
    seats = order_new(rq, w.seat, "10");
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT concat_ws(' ', s.method, trim_scale(s.quantity), s.firm)"
                 "  FROM supply s JOIN production_order o ON o.supply_id = s.id WHERE o.id = %s",
                 seats),
        "make 10 t");
    chairs = order_new(rq, w.chair, "8");
    CHECK_TEXT(test_sql(rq,
                        "SELECT p.day - app_today() FROM production_component c"
                        "  JOIN promise p ON p.id = c.promise_id"
                        " WHERE c.order_id = %s AND c.item_id = %s",
                        chairs, w.seat),
               "1");
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT promise_free(company_id, item_id, warehouse_id, app_today() + 9)::text"
                 "  FROM production_order WHERE id = %s",
                 seats),
        "2");
    test_end(rq);
}

static void
scrap_lowers_what_is_finished_and_an_operation_cannot_pass_on_more(void)
{
    struct rq *rq = test_begin();
    struct workshop w = workshop_new(rq);
    const char *order;

    seats_make(rq, &w);
    order = order_new(rq, w.chair, "10");
    step(rq, order, "release", NULL);
    step_fails(rq, order, "finish", NULL, "materials_missing", NULL);
    step(rq, order, "issue", NULL);
    step_fails(rq, order, "report", "{\"good\": 9, \"scrap\": 2}", "too_much",
               "Assemble: only 10 were there to be worked on");
    step(rq, order, "report", "{\"good\": 8, \"scrap\": 1}");
    CHECK_TEXT(test_sql(rq, "SELECT progress FROM production_operation WHERE order_id = %s", order),
               "part");
    step(rq, order, "report", "{\"good\": 1}");
    CHECK_TEXT(test_sql(rq, "SELECT progress FROM production_operation WHERE order_id = %s", order),
               "full");
    /* One more is lost at the end: eight remain, and take all of the 130.00. */
    step_fails(rq, order, "finish", "{\"quantity\": 9, \"scrapped\": 1}", "too_much",
               "Only 9 are left to be finished");
    step(rq, order, "finish", "{\"scrapped\": 1}");
    CHECK_TEXT(
        fact(
            rq, order,
            "o.state, trim_scale(o.quantity_finished), trim_scale(o.quantity_scrapped), f.finished_value"),
        "finished 8 2 130.00");
    production_checks(rq);
    test_end(rq);
}

static void
a_short_finish_leaves_a_variance_and_work_in_progress_is_zero(void)
{
    struct rq *rq = test_begin();
    struct workshop w = workshop_new(rq);
    const char *order;

    seats_make(rq, &w);
    order = order_new(rq, w.chair, "10");
    step(rq, order, "release", NULL);
    step(rq, order, "issue", NULL);
    /* One at 19.30 by the plan: 110.70 of 130.00 are left, and nothing more will be made. */
    step(rq, order, "finish", "{\"quantity\": 1}");
    step(rq, order, "complete", NULL);
    step(rq, order, "close", NULL);
    CHECK_TEXT(fact(rq, order, "o.state, f.finished_value, f.variance, f.work_in_progress"),
               "closed 19.30 110.70 0.00");
    CHECK_TEXT(ledger(rq, "production_variance"), "110.70");
    CHECK_TEXT(ledger(rq, "work_in_progress"), "0.00");
    step_fails(rq, order, "report", "{\"good\": 1}", "wrong_state", NULL);
    production_checks(rq);
    test_end(rq);
}

static void
a_component_that_is_valued_anew_after_the_close_goes_to_the_variance(void)
{
    struct rq *rq = test_begin();
    struct workshop w = workshop_new(rq);
    const char *order;

    seats_make(rq, &w);
    order = order_new(rq, w.chair, "10");
    step(rq, order, "release", NULL);
    step(rq, order, "issue", NULL);
    step(rq, order, "finish", NULL);
    step(rq, order, "close", NULL);
    CHECK_TEXT(ledger(rq, "production_variance"), "0.00");
    /* 50 more legs at 2.25 that came in February: the average is 1.75 when 40 were issued, so
     * they cost 70.00, 20.00 more. */
    stock_add(rq, w.leg, "50", "2.25", "2026-02-01");
    CHECK_TEXT(ledger(rq, "production_variance"), "20.00");
    CHECK_TEXT(ledger(rq, "work_in_progress"), "0.00");
    CHECK_TEXT(fact(rq, order, "f.material_cost, f.finished_value, f.variance"),
               "150.00 130.00 20.00");
    production_checks(rq);
    test_end(rq);
}

static void
an_item_at_standard_cost_goes_in_at_standard(void)
{
    struct rq *rq = test_begin();
    struct workshop w = workshop_new(rq);
    const char *order;

    test_sql(rq, "UPDATE item SET costing = 'standard', standard_cost = 9 WHERE id = %s", w.seat);
    order = order_new(rq, w.seat, "10");
    step(rq, order, "release", NULL);
    step(rq, order, "issue", NULL);
    step(rq, order, "finish", NULL);
    step(rq, order, "close", NULL);
    /* 80.00 went in, 90.00 came out. */
    CHECK_TEXT(fact(rq, order, "f.finished_value, f.variance"), "90.00 -10.00");
    CHECK_TEXT(ledger(rq, "production_variance"), "-10.00");
    production_checks(rq);
    test_end(rq);
}

static void
plain_sql_goes_round_none_of_it(void)
{
    struct rq *rq = test_begin();
    struct workshop w = workshop_new(rq);
    const char *order = order_new(rq, w.seat, "10"), *other = order_new(rq, w.chair, "1");
    const char *into =
        "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id)"
        " SELECT %s, 1, stock_root(w.id), production_side(w.company_id)"
        "   FROM warehouse w WHERE code = 'MAIN'";
    const struct error *e;

    e = test_refused(rq, into, w.leg);
    CU_ASSERT_STRING_EQUAL(e->code, "no_production_order");
    e = test_refused(rq, "UPDATE production_order SET quantity_finished = 1 WHERE id = %s", order);
    CU_ASSERT_STRING_EQUAL(e->code, "forbidden");
    e = test_refused(rq, "UPDATE production_order SET state = 'closed' WHERE id = %s", order);
    CU_ASSERT_STRING_EQUAL(e->code, "forbidden");
    e = test_refused(
        rq,
        "INSERT INTO production_cost (company_id, order_id, kind, posting_date, amount)"
        " VALUES (app_company(), %s, 'labour', app_today(), 1)",
        order);
    CU_ASSERT_STRING_EQUAL(e->code, "forbidden");
    e = test_refused(rq, "INSERT INTO time_entry (order_id, scrap) VALUES (%s, 1)", order);
    CU_ASSERT_STRING_EQUAL(e->code, "wrong_state");
    e = test_refused(rq, "UPDATE production_order SET supply_id = NULL WHERE id = %s", order);
    CU_ASSERT_STRING_EQUAL(e->code, "read_only");
    step(rq, order, "release", NULL);
    e = test_refused(rq, "UPDATE production_order SET quantity = 9 WHERE id = %s", order);
    CU_ASSERT_STRING_EQUAL(e->code, "read_only");
    e = test_refused(rq, "DELETE FROM production_component WHERE order_id = %s", order);
    CU_ASSERT_STRING_EQUAL(e->code, "read_only");
    e = test_refused(rq, "DELETE FROM production_order WHERE id = %s", order);
    CU_ASSERT_STRING_EQUAL(e->code, "not_planned");
    e = test_refused(
        rq,
        "INSERT INTO shipment_line (shipment_id, item_id, quantity, production_component_id)"
        " SELECT s.id, c.item_id, 1, c.id FROM production_component c, shipment s"
        "  WHERE c.order_id = %s AND c.item_id = %s AND s.production_order_id = %s",
        other, w.leg, order);
    CU_ASSERT_STRING_EQUAL(e->code, "other_order");
    step(rq, order, "issue", NULL);
    e = test_refused(rq, "SELECT workflow_move('production_order', '{%s}', 'cancel')", order);
    CU_ASSERT_STRING_EQUAL(e->code, "in_work");
    production_checks(rq);
    test_end(rq);
}

const struct test production_order_tests[] = {
    { "a chair of two levels is made and its cost adds up",
      a_chair_of_two_levels_is_made_and_its_cost_adds_up },
    { "a shortage is named at release, and the order released when it is over",
      a_shortage_is_named_at_release_and_the_order_released_when_it_is_over },
    { "what was promised to another order is not there for a later one",
      what_was_promised_to_another_order_is_not_there_for_a_later_one },
    { "what is made can be promised before it is there",
      what_is_made_can_be_promised_before_it_is_there },
    { "scrap lowers what is finished, and an operation cannot pass on more than it got",
      scrap_lowers_what_is_finished_and_an_operation_cannot_pass_on_more },
    { "a short finish leaves a variance, and work in progress is zero",
      a_short_finish_leaves_a_variance_and_work_in_progress_is_zero },
    { "a component that is valued anew after the close goes to the variance",
      a_component_that_is_valued_anew_after_the_close_goes_to_the_variance },
    { "an item at standard cost goes in at standard",
      an_item_at_standard_cost_goes_in_at_standard },
    { "plain SQL goes round none of it", plain_sql_goes_round_none_of_it },
    { 0 },
};
