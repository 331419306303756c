/*
 * workflow_test.c - transitions, their guards, and what an administrator changes while
 * records are under way. Leads serve as the example: their steps need no other documents.
 */
#include "tests/core/workflow_fixture.h"
#include "core/workflow/fact.h"

#include <unistd.h>

/* ------------------------------------------------------------------------------- changing */

static void
an_added_state_guard_and_rule_bind_the_next_record_but_not_the_one_before(void)
{
    struct rq *rq = test_begin();
    const char *name = arena_printf(rq->mem, "q%d_%s", (int)getpid() % 10007,
                                    test_sql(rq, "SELECT substr(md5(random()::text), 1, 6)"));
    const char *before = lead(rq, "Before"), *after;

    CU_ASSERT_TRUE(publish(rq, with_state(rq, name)));
    set_body(
        rq,
        "{\"name\": \"test.note\", \"entity\": \"lead\", \"when\": {\"transition\": \"inspect\"},"
        " \"if\": \"lead.person == 'After'\","
        " \"then\": [{\"update\": {\"message\": \"{person} in {city} ({@id})\"}}]}");
    CU_ASSERT_TRUE(answered(rq, api_rule_create(rq)));
    after = lead(rq, "After");

    CU_ASSERT_TRUE(test_take(rq, "lead", before, "qualify", NULL));
    CHECK_TEXT(state_of(rq, before), "qualified");
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "lead", after, "qualify", NULL));
    CHECK_TEXT(test_code(rq), "wrong_state");
    test_recover(rq);
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "lead", after, "inspect", NULL));
    CHECK_TEXT(test_code(rq), "wrong_city");
    CU_ASSERT_PTR_NOT_NULL_FATAL(rq->errors);
    CHECK_TEXT(rq->errors->message, "The city is wrong");
    test_recover(rq);
    test_sql(rq, "UPDATE lead SET city = '%s' WHERE id = %s", name, after);
    CU_ASSERT_TRUE(test_take(rq, "lead", after, "inspect", NULL));
    CHECK_TEXT(state_of(rq, after), name);
    CHECK_TEXT(test_sql(rq, "SELECT message FROM lead WHERE id = %s", after),
               arena_printf(rq->mem, "After in %s (%s)", name, after));
    CU_ASSERT_TRUE(test_take(rq, "lead", after, "qualify", NULL));
    CHECK_TEXT(state_of(rq, after), "qualified");
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(action || ' ' || to_state, ', ' ORDER BY id)"
                        " FROM workflow_history WHERE entity = 'lead' AND record_id = %s",
                        after),
               arena_printf(rq->mem, "inspect %s, qualify qualified", name));
    test_end(rq);
}

/* -------------------------------------------------------------------------------- taking */

static void
a_wrong_state_is_told_in_the_users_words(void)
{
    struct rq *rq = test_begin();
    const char *id = lead(rq, "Lin");

    CU_ASSERT_TRUE(test_take(rq, "lead", id, "qualify", NULL));
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "lead", id, "qualify", NULL));
    CHECK_TEXT(test_code(rq), "wrong_state");
    CU_ASSERT_PTR_NOT_NULL_FATAL(rq->errors);
    CHECK_TEXT(rq->errors->message, "Cannot qualify: it is qualified");
    test_recover(rq);
    rq->language = "zh";
    CU_ASSERT_FALSE(test_take(rq, "lead", id, "qualify", NULL));
    CHECK_TEXT(rq->errors->message, "无法确认：当前状态为“已确认”");
    test_end(rq);
}

static void
all_guards_that_fail_are_listed_and_nothing_happens(void)
{
    struct rq *rq = test_begin();
    const char *id;

    CU_ASSERT_TRUE(publish(
        rq,
        edited(
            rq,
            "jsonb_set(d, '{transitions,0,guards}', '["
            "{\"require\": \"lead.city == ''Here''\", \"code\": \"one\", \"message\": \"First\"},"
            "{\"require\": \"lead.email == nil\", \"code\": \"two\", \"message\": \"Second\"},"
            "{\"require\": \"true\", \"code\": \"three\", \"message\": \"Third\"}]')")));
    id = lead(rq, "Lin");
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "lead", id, "qualify", NULL));
    CU_ASSERT_PTR_NOT_NULL_FATAL(rq->errors);
    CHECK_TEXT(rq->errors->code, "one");
    CU_ASSERT_PTR_NOT_NULL_FATAL(rq->errors->next);
    CHECK_TEXT(rq->errors->next->code, "two");
    CU_ASSERT_PTR_NULL(rq->errors->next->next);
    test_recover(rq);
    CHECK_TEXT(state_of(rq, id), "new");
    test_end(rq);
}

static void
a_condition_that_cannot_be_evaluated_stops_with_its_own_words(void)
{
    struct rq *rq = test_begin();
    const char *id;

    CU_ASSERT_TRUE(publish(rq, edited(rq,
                                      "jsonb_set(d, '{transitions,0,guards,0,require}',"
                                      " '\"lead.expected_amount + 1 > 0\"')")));
    id = lead(rq, "Lin");
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "lead", id, "qualify", NULL));
    CHECK_TEXT(test_code(rq), "condition_failed");
    CU_ASSERT_PTR_NOT_NULL_FATAL(rq->errors);
    CHECK_TEXT(rq->errors->message,
               "The condition lead.expected_amount + 1 > 0 cannot be evaluated: "
               "an empty value cannot be calculated with");
    test_recover(rq);
    test_sql(rq, "UPDATE lead SET expected_amount = 5 WHERE id = %s", id);
    CU_ASSERT_TRUE(test_take(rq, "lead", id, "qualify", NULL));
    test_end(rq);
}

static void
a_step_may_be_for_some_roles_only(void)
{
    struct rq *rq = test_begin();
    const char *id, *clerk;

    CU_ASSERT_TRUE(publish(rq, edited(rq, "jsonb_set(d, '{transitions,0,roles}', '[\"sales\"]')")));
    id = lead(rq, "Lin");
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "lead", id, "qualify", NULL));
    CHECK_TEXT(test_code(rq), "forbidden");
    test_recover(rq);
    clerk = test_sql(rq, "SELECT id FROM app_user WHERE login = 'sales'");
    test_sql(rq, "SELECT context_set(%s, app_company(), 'test')", clerk);
    CU_ASSERT_TRUE(test_take(rq, "lead", id, "qualify", NULL));
    test_end(rq);
}

static void
a_set_is_taken_as_one(void)
{
    struct rq *rq = test_begin();
    const char *a = lead(rq, "A"), *b = lead(rq, "B");
    const char *why = test_sql(rq,
                               "SELECT json_build_object('lost_reason_id', id) FROM lost_reason"
                               " WHERE code = 'price'");

    CU_ASSERT_TRUE(test_take(rq, "lead", b, "qualify", NULL));
    test_mark(rq);
    CU_ASSERT_FALSE(
        workflow_take(rq, "lead", arena_printf(rq->mem, "{%s,%s}", a, b), "qualify", NULL) &&
        db_flush(rq));
    test_recover(rq);
    CHECK_TEXT(state_of(rq, a), "new");
    CU_ASSERT_TRUE(workflow_take(rq, "lead", arena_printf(rq->mem, "{%s,%s}", a, b), "lose", why) &&
                   db_flush(rq));
    CHECK_TEXT(state_of(rq, a), "lost");
    CHECK_TEXT(state_of(rq, b), "lost");
    CU_ASSERT_FALSE(workflow_take(rq, "lead", "{999999999}", "reopen", NULL));
    CHECK_TEXT(test_code(rq), "not_found");
    test_end(rq);
}

static void
only_the_gate_moves_a_state(void)
{
    struct rq *rq = test_begin();
    const char *id = lead(rq, "Lin");

    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq, "UPDATE lead SET state = 'qualified' WHERE id = %s", id));
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq, "UPDATE lead SET workflow_id = NULL WHERE id = %s", id));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "SELECT workflow_move('lead', '{%s}', 'reopen')", id));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "UPDATE workflow_transition SET to_state = 'lost'"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "DELETE FROM workflow_history"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "SELECT workflow_activate(1)"));
    CHECK_TEXT(state_of(rq, id), "new");
    test_end(rq);
}

static void
why_tells_what_is_possible_and_what_is_in_the_way(void)
{
    struct rq *rq = test_begin();
    const char *id = test_create(rq, "lead", "{\"person\": \"Lin\"}");
    const char *why = workflow_why(rq, entity_find("lead"), id);

    CU_ASSERT_PTR_NOT_NULL_FATAL(why);
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT string_agg(concat_ws(' ', x ->> 'name', x ->> 'to', x ->> 'allowed',"
                 " x ->> 'why'), '; ') FROM json_array_elements('%s') x"
                 " WHERE x ->> 'name' IN ('qualify', 'lose', 'reopen')",
                 why),
        "qualify qualified false Enter an e-mail or a phone number first; lose lost true; "
        "reopen new false Cannot reopen: it is new");
    test_sql(rq,
             "SELECT context_set((SELECT id FROM app_user WHERE login = 'viewer'),"
             " app_company(), 'test')");
    why = workflow_why(rq, entity_find("lead"), id);
    CU_ASSERT_PTR_NOT_NULL_FATAL(why);
    CU_ASSERT_PTR_NOT_NULL(strstr(why, "You have no permission for this"));
    test_end(rq);
}

static void
only_who_may_change_workflows_changes_them(void)
{
    struct rq *rq = test_begin_as("viewer", "TEST");

    test_mark(rq);
    CU_ASSERT_FALSE(publish(rq, edited(rq, "d")));
    CHECK_TEXT(test_code(rq), "forbidden");
    test_recover(rq);
    set_body(rq,
             "{\"name\": \"x\", \"entity\": \"lead\", \"when\": {\"created\": true},"
             " \"then\": [{\"notify\": \"admin\", \"message\": \"x\"}]}");
    CU_ASSERT_FALSE(answered(rq, api_rule_create(rq)));
    CHECK_TEXT(test_code(rq), "forbidden");
    test_end(rq);
}

static void
amounts_are_in_the_companys_currency_unless_the_documents_is_asked_for(void)
{
    struct rq *rq = test_begin();
    struct facts f = facts_new(rq, entity_find("sales_order"));
    const char *id;

    test_sql(rq,
             "INSERT INTO exchange_rate (currency_code, valid_from, rate)"
             " VALUES ('EUR', app_today() - 1, 1.25) RETURNING id");
    test_create(rq, "party", "{\"name\": \"Test Customer\", \"is_customer\": true}");
    test_sql(
        rq,
        "INSERT INTO item (code, name, kind, uom_id, list_price)"
        " SELECT 'T-ITEM', 'Test item', 'service', id, 10 FROM uom WHERE code = 'EA' RETURNING id");
    id =
        test_create(rq, "sales_order", "%s",
                    test_sql(rq,
                             "SELECT json_build_object('customer_id', (SELECT max(id) FROM party),"
                             " 'currency_code', 'EUR', 'lines', json_build_array(json_build_object("
                             " 'item_id', (SELECT max(id) FROM item), 'quantity', '3',"
                             " 'unit_price', '33.33')))"));
    facts_need_path(&f, "net");
    facts_need_path(&f, "net_doc");
    facts_need_path(&f, "customer.name");
    CU_ASSERT_TRUE_FATAL(facts_load(&f, arena_printf(rq->mem, "{%s}", id)));
    CHECK_TEXT(facts_text(&f, 0, "net_doc"), "99.99");
    CHECK_TEXT(facts_text(&f, 0, "net"), "124.99"); /* 124.9875 */
    CHECK_TEXT(facts_text(&f, 0, "customer.name"), "Test Customer");
    test_end(rq);
}

const struct test workflow_tests[] = {
    { "an added state, guard and rule bind the next record but not the one before",
      an_added_state_guard_and_rule_bind_the_next_record_but_not_the_one_before },
    { "a wrong state is told in the user's words", a_wrong_state_is_told_in_the_users_words },
    { "all guards that fail are listed and nothing happens",
      all_guards_that_fail_are_listed_and_nothing_happens },
    { "a condition that cannot be evaluated stops with its own words",
      a_condition_that_cannot_be_evaluated_stops_with_its_own_words },
    { "a step may be for some roles only", a_step_may_be_for_some_roles_only },
    { "amounts are in the company's currency unless the document's is asked for",
      amounts_are_in_the_companys_currency_unless_the_documents_is_asked_for },
    { "a set is taken as one", a_set_is_taken_as_one },
    { "only the gate moves a state", only_the_gate_moves_a_state },
    { "why tells what is possible and what is in the way",
      why_tells_what_is_possible_and_what_is_in_the_way },
    { "only who may change workflows changes them", only_who_may_change_workflows_changes_them },
    { 0 },
};
