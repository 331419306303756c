/*
 * Opportunities: stages with their history, sums of lines, and the way to the order.
 */
#include "tests/test.h"

/* A customer, an item of 10, and an opportunity in the first stage; its id. */
static const char *
opportunity(struct rq *rq)
{
    test_sql(
        rq,
        "INSERT INTO party (code, name, is_customer) VALUES ('ACME', 'Acme', true) RETURNING id");
    test_sql(rq,
             "INSERT INTO item (code, name, name_zh, kind, uom_id, list_price)"
             " SELECT 'CHAIR', 'Chair', '椅子', 'service', id, 10 FROM uom WHERE code = 'C62'"
             " RETURNING id");
    return test_create(rq, "opportunity",
                       "{\"name\": \"Chairs\", \"party_id\": %s, \"expected_amount\": \"333.33\"}",
                       test_sql(rq, "SELECT id FROM party WHERE code = 'ACME'"));
}

static const char *
item(struct rq *rq)
{
    return test_sql(rq, "SELECT id FROM item WHERE code = 'CHAIR'");
}

static const char *
stage(struct rq *rq, const char *name)
{
    return test_sql(rq,
                    "SELECT s.id FROM pipeline_stage s JOIN pipeline p ON p.id = s.pipeline_id"
                    " WHERE p.company_id = app_company() AND s.name = '%s'",
                    name);
}

static const char *
fact(struct rq *rq, const char *columns, const char *id)
{
    return test_sql(rq,
                    "SELECT concat_ws('|', %s) FROM opportunity o"
                    "  JOIN opportunity_fact f USING (id)"
                    "  JOIN pipeline_stage s ON s.id = o.stage_id WHERE o.id = %s",
                    columns, id);
}

static bool
move_to(struct rq *rq, const char *id, const char *name, const char *more)
{
    return test_take(rq, "opportunity", id, "move",
                     arena_printf(rq->mem, "{\"stage_id\": %s%s}", stage(rq, name), more));
}

static void
a_stage_brings_its_probability(void)
{
    struct rq *rq = test_begin();
    const char *id = opportunity(rq);

    CHECK_TEXT(fact(rq, "s.name, o.probability, f.weighted_amount", id), "Qualification|10|33.33");
    CU_ASSERT_TRUE(move_to(rq, id, "Proposal", ""));
    CHECK_TEXT(fact(rq, "s.name, o.probability, f.weighted_amount", id), "Proposal|50|166.67");
    CU_ASSERT_TRUE(move_to(rq, id, "Negotiation", ", \"probability\": \"60\""));
    CHECK_TEXT(fact(rq, "s.name, o.probability", id), "Negotiation|60");
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT string_agg(s.name, ' > ' ORDER BY h.id)"
                 "  FROM opportunity_stage_history h JOIN pipeline_stage s ON s.id = h.stage_id"
                 " WHERE h.opportunity_id = %s",
                 id),
        "Qualification > Proposal > Negotiation");
    test_end(rq);
}

static void
the_history_of_stages_writes_itself(void)
{
    struct rq *rq = test_begin();
    const char *id = opportunity(rq);

    test_sql(rq, "UPDATE opportunity SET stage_id = %s WHERE id = %s RETURNING id",
             stage(rq, "Proposal"), id);
    test_sql(rq, "UPDATE opportunity SET description = 'x' WHERE id = %s RETURNING id", id);
    CHECK_TEXT(test_sql(rq,
                        "SELECT count(*) FROM opportunity_stage_history"
                        " WHERE opportunity_id = %s",
                        id),
               "2");
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "DELETE FROM opportunity_stage_history"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "UPDATE opportunity_stage_history SET at = now()"));
    test_end(rq);
}

static void
a_stage_belongs_to_its_pipeline(void)
{
    struct rq *rq = test_begin();
    const char *id = opportunity(rq);
    const char *other = test_create(rq, "pipeline",
                                    "{\"code\": \"renewals\", \"name\": \"Renewals\", \"stages\": ["
                                    "{\"name\": \"Notice\", \"probability\": \"80\"},"
                                    "{\"name\": \"Signed\", \"probability\": \"95\"}]}");
    const struct error *e =
        test_refused(rq, "UPDATE opportunity SET pipeline_id = %s, stage_id = %s WHERE id = %s",
                     other, stage(rq, "Proposal"), id);

    CHECK_TEXT(e ? e->message : NULL, "The stage is not one of this pipeline");
    CU_ASSERT_TRUE(move_to(rq, id, "Signed", ""));
    CHECK_TEXT(fact(rq, "s.name, o.probability, o.pipeline_id", id),
               arena_printf(rq->mem, "Signed|95|%s", other));
    test_end(rq);
}

static void
lines_are_priced_and_summed(void)
{
    struct rq *rq = test_begin();
    const char *id = opportunity(rq);

    CU_ASSERT_TRUE(entity_update(rq, "opportunity", id, NULL,
                                 arena_printf(rq->mem,
                                              "{\"lines\": [{\"item_id\": %s, \"quantity\": \"3\"},"
                                              " {\"item_id\": %s, \"quantity\": \"1\","
                                              " \"unit_price\": \"9.995\", \"discount\": \"10\"}]}",
                                              item(rq), item(rq))));
    CHECK_TEXT(fact(rq, "o.expected_amount", id), "39.00"); /* 30.00 + 8.9955 */
    test_sql(rq, "UPDATE opportunity SET expected_amount = 1 WHERE id = %s RETURNING id", id);
    CHECK_TEXT(fact(rq, "o.expected_amount", id), "39.00");
    test_sql(rq, "DELETE FROM opportunity_line WHERE unit_price = 9.995 RETURNING id");
    CHECK_TEXT(fact(rq, "o.expected_amount", id), "30.00");
    const struct error *e =
        test_refused(rq, "UPDATE opportunity SET currency_code = 'EUR' WHERE id = %s", id);

    CHECK_TEXT(e ? e->message : NULL, "Remove the lines before you change the currency");
    test_end(rq);
}

static void
the_board_sums_its_stages(void)
{
    struct rq *rq = test_begin();
    const char *id = opportunity(rq);

    test_create(rq, "opportunity",
                "{\"name\": \"Tables\", \"party_id\": %s,"
                " \"expected_amount\": \"1000\", \"currency_code\": \"EUR\"}",
                test_sql(rq, "SELECT party_id FROM opportunity WHERE id = %s", id));
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(concat_ws(' ', currency_code, opportunities,"
                        " expected_amount, weighted_amount), ', ' ORDER BY currency_code)"
                        "  FROM pipeline_forecast WHERE stage_id = %s",
                        stage(rq, "Qualification")),
               "EUR 1 1000 100.00, USD 1 333.33 33.33");
    test_end(rq);
}

static void
it_is_lost_for_a_reason_and_then_stays(void)
{
    struct rq *rq = test_begin();
    const char *id = opportunity(rq);
    const char *reason = test_sql(rq, "SELECT id FROM lost_reason WHERE code = 'price'");

    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "opportunity", id, "lose", "{}"));
    CHECK_TEXT(test_code(rq), "reason_missing");
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "opportunity", id, "lose",
                             arena_printf(rq->mem, "{\"reason_id\": %s}", reason)));
    CHECK_TEXT(fact(rq, "o.state, o.probability, o.closed_at IS NOT NULL", id), "lost|0|t");
    const struct error *e = test_refused(
        rq, "INSERT INTO opportunity_line (opportunity_id, item_id) VALUES (%s, %s)", id, item(rq));

    CHECK_TEXT(e ? e->message : NULL, "The opportunity is closed: reopen it first");
    test_mark(rq);
    CU_ASSERT_FALSE(move_to(rq, id, "Proposal", ""));
    CHECK_TEXT(test_code(rq), "wrong_state");
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "opportunity", id, "reopen", NULL));
    CHECK_TEXT(fact(rq, "o.state, o.probability, o.reason_id", id), "open|10");
    test_end(rq);
}

static void
its_quotation_is_made_of_its_lines_in_the_same_flow(void)
{
    struct rq *rq = test_begin();
    const char *id = opportunity(rq), *order;

    CU_ASSERT_TRUE(entity_update(rq, "opportunity", id, NULL,
                                 arena_printf(rq->mem,
                                              "{\"lines\": [{\"item_id\": %s, \"quantity\": \"3\","
                                              " \"unit_price\": \"9.5\", \"discount\": \"5\"}]}",
                                              item(rq))));
    CU_ASSERT_TRUE(test_take(rq, "opportunity", id, "quote", "{\"order_date\": \"2026-03-01\"}"));
    order = test_sql(rq,
                     "SELECT s.id FROM sales_order s JOIN opportunity o ON o.flow_id = s.flow_id"
                     " WHERE o.id = %s",
                     id);
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws('|', s.state, s.order_date, s.customer_id = o.party_id,"
                        " l.quantity, l.unit_price, l.discount, l.description, s.net)"
                        "  FROM sales_order s JOIN sales_order_line l ON l.order_id = s.id,"
                        "       opportunity o WHERE s.id = %s AND o.id = %s",
                        order, id),
               "draft|2026-03-01|t|3|9.5|5|Chair|27.08");
    test_end(rq);
}

static void
a_confirmed_order_wins_it_by_a_rule(void)
{
    struct rq *rq = test_begin();
    const char *id = opportunity(rq), *order;

    CU_ASSERT_TRUE(test_take(
        rq, "opportunity", id, "quote",
        arena_printf(rq->mem, "{\"lines\": [{\"item_id\": %s, \"quantity\": \"2\"}]}", item(rq))));
    order = test_sql(rq,
                     "SELECT s.id FROM sales_order s JOIN opportunity o ON o.flow_id = s.flow_id"
                     " WHERE o.id = %s",
                     id);
    CHECK_TEXT(fact(rq, "o.state", id), "open");
    CU_ASSERT_TRUE(test_take(rq, "sales_order", order, "confirm", "{}"));
    CHECK_TEXT(fact(rq, "o.state, o.probability, o.closed_at IS NOT NULL", id), "won|100|t");
    test_end(rq);
}

static void
a_group_owes_what_its_members_owe(void)
{
    struct rq *rq = test_begin();
    const char *head;

    opportunity(rq);
    head = test_sql(rq, "SELECT id FROM party WHERE code = 'ACME'");
    test_sql(rq,
             "INSERT INTO party (code, name, parent_id) VALUES ('EAST', 'East', %s) RETURNING id",
             head);
    for (int i = 0; i < 2; i++) {
        const char *order = test_create(
            rq, "sales_order",
            "{\"customer_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"%d\"}]}",
            test_sql(rq, "SELECT id FROM party WHERE code = '%s'", i ? "EAST" : "ACME"), item(rq),
            i + 1);

        CU_ASSERT_TRUE(test_take(rq, "sales_order", order, "confirm", "{}"));
    }
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws('|', parties, plain_text(orders_open + receivable),"
                        " plain_text(exposure), opportunities) FROM customer_rollup WHERE id = %s",
                        head),
               "2|30|30|1");
    CHECK_TEXT(test_sql(rq, "SELECT plain_text(party_tree_receivable(%s, '1990-01-01'))", head),
               "0");
    test_end(rq);
}

const struct test opportunity_tests[] = {
    { "a stage brings its probability", a_stage_brings_its_probability },
    { "the history of stages writes itself", the_history_of_stages_writes_itself },
    { "a stage belongs to its pipeline", a_stage_belongs_to_its_pipeline },
    { "lines are priced and summed", lines_are_priced_and_summed },
    { "the board sums its stages", the_board_sums_its_stages },
    { "it is lost for a reason and then stays", it_is_lost_for_a_reason_and_then_stays },
    { "its quotation is made of its lines in the same flow",
      its_quotation_is_made_of_its_lines_in_the_same_flow },
    { "a confirmed order wins it by a rule", a_confirmed_order_wins_it_by_a_rule },
    { "a group owes what its members owe", a_group_owes_what_its_members_owe },
    { 0 },
};
