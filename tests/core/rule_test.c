/*
 * rule_test.c - immediate rules: what wakes them, what they do, what they leave behind.
 */
#include "tests/test.h"
#include "core/base/str.h"
#include "core/db/request.h"
#include "core/workflow/admin.h"

static void
json_delete(void *json)
{
    cJSON_Delete(json);
}

/* Make a rule about leads through the administrators' call. */
static bool
rule(struct rq *rq, const char *name, const char *rest, ...)
{
    va_list ap;

    va_start(ap, rest);
    rest = arena_vprintf(rq->mem, rest, ap);
    va_end(ap);
    rq->body_text =
        arena_printf(rq->mem, "{\"name\": \"%s\", \"entity\": \"lead\", %s}", name, rest);
    cJSON *json = cJSON_Parse(rq->body_text);

    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    arena_defer(rq->mem, json_delete, json);
    rq->body = json;
    return api_rule_create(rq) && request_answer(rq);
}

static void
must(struct rq *rq, bool ok)
{
    for (const struct error *e = rq->errors; !ok && e; e = e->next)
        printf("\n    %s: %s: %s", e->code, e->field ? e->field : "", e->message);
    CU_ASSERT_TRUE(ok);
}

/* No shipped rule shall disturb. */
static struct rq *
begin_without_rules(void)
{
    struct rq *rq = test_begin();

    test_sql(rq, "SELECT count(workflow_rule_delete(id)) FROM workflow_rule");
    return rq;
}

static const char *
lead(struct rq *rq, const char *name)
{
    return test_create(rq, "lead", "{\"person\": \"%s\", \"email\": \"a@example.com\"}", name);
}

static const char *
of_lead(struct rq *rq, const char *id, const char *column)
{
    return test_sql(rq, "SELECT %s FROM lead WHERE id = %s", column, id);
}

/* -------------------------------------------------------------------------------- events */

static void
rules_run_in_order_on_what_earlier_ones_left(void)
{
    struct rq *rq = begin_without_rules();
    const char *id;

    must(rq, rule(rq, "t.second",
                  "\"position\": 20, \"when\": {\"transition\": \"qualify\"},"
                  " \"if\": \"lead.city == 'First'\","
                  " \"then\": [{\"update\": {\"region\": \"{city} then second\"}}]"));
    must(rq, rule(rq, "t.first",
                  "\"position\": 10, \"when\": {\"transition\": \"qualify\"},"
                  " \"then\": [{\"update\": {\"city\": \"First\"}}]"));
    must(rq, rule(rq, "t.never",
                  "\"position\": 30, \"when\": {\"transition\": \"qualify\"},"
                  " \"if\": \"lead.state == 'new'\","
                  " \"then\": [{\"update\": {\"region\": \"wrong\"}}]"));
    must(rq, rule(rq, "t.before",
                  "\"when\": {\"before\": \"qualify\"}, \"if\": \"lead.state == 'new'\","
                  " \"then\": [{\"update\": {\"street\": \"before\"}}]"));
    id = lead(rq, "Lin");
    must(rq, test_take(rq, "lead", id, "qualify", NULL));
    CHECK_TEXT(of_lead(rq, id, "concat_ws(',', street, city, region)"),
               "before,First,First then second");
    CU_ASSERT_TRUE(api_rule_runs(rq, entity_find("lead"), id) && request_answer(rq));
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT string_agg(concat_ws(' ', x ->> 'rule', x ->> 'outcome', x ->> 'detail'),"
            " ', ' ORDER BY (x ->> 'id')::bigint) FROM json_array_elements(($j$%s$j$::json) -> 'items') x",
            rq->reply),
        "t.before fired, t.first fired, t.second fired, "
        "t.never skipped the condition is false");
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT string_agg(concat_ws(' ', x ->> 'rule', x ->> 'event', x ->> 'of',"
                 " x ->> 'holds'), ', ') FROM json_array_elements(($j$%s$j$::json) -> 'rules') x",
                 rq->reply),
        "t.first transition qualify true, t.second transition qualify true, "
        "t.never transition qualify false, t.before before qualify false");
    test_end(rq);
}

static void
created_and_changed_wake_rules_for_the_fields_that_they_name(void)
{
    struct rq *rq = begin_without_rules();
    const char *id, *other;

    must(rq, rule(rq, "t.created",
                  "\"when\": {\"created\": true}, \"if\": \"lead.person == 'Lin'\","
                  " \"then\": [{\"activity\": {\"subject\": \"Call {person}\", \"kind\": \"call\","
                  " \"due_in_days\": 2}}]"));
    must(rq,
         rule(rq, "t.city",
              "\"when\": {\"changed\": [\"city\", \"region\"]},"
              " \"then\": [{\"notify\": \"admin\", \"message\": \"{person} moved to {city}\"}]"));
    id = lead(rq, "Lin");
    other = lead(rq, "Ada");
    must(rq, entity_update(rq, "lead", id, NULL, "{\"street\": \"1 Example Lane\"}"));
    must(rq, entity_update(rq, "lead", id, NULL, "{\"city\": \"Sampleton\"}"));
    must(rq, entity_update(rq, "lead", other, NULL, "{\"street\": \"2 Example Lane\"}"));
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(concat_ws(' ', entity, record_id = %s, kind, subject,"
                        " due_at = now() + interval '2 days'), ';') FROM activity",
                        id),
               "lead t call Call Lin t");
    CHECK_TEXT(test_sql(rq, "SELECT string_agg(message, ';') FROM notification"),
               "Lin moved to Sampleton");
    test_end(rq);
}

static void
a_rule_that_fails_undoes_the_step_that_woke_it(void)
{
    struct rq *rq = begin_without_rules();
    const char *id;

    must(rq, rule(rq, "t.fails",
                  "\"when\": {\"transition\": \"qualify\"}, \"then\": [{\"run\": \"lose\"}]"));
    id = lead(rq, "Lin");
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "lead", id, "qualify", NULL));
    CHECK_TEXT(test_code(rq), "reason_missing");
    test_recover(rq);
    CHECK_TEXT(of_lead(rq, id, "state"), "new");
    test_end(rq);
}

static void
the_history_names_the_rule_that_took_a_step(void)
{
    struct rq *rq = begin_without_rules();
    const char *id, *reason = test_sql(rq, "SELECT id FROM lost_reason WHERE code = 'price'");

    must(rq, rule(rq, "t.gives_up",
                  "\"when\": {\"transition\": \"qualify\"}, \"then\": [{\"run\": \"lose\","
                  " \"with\": {\"lost_reason_id\": %s}}]",
                  reason));
    id = lead(rq, "Lin");
    must(rq, test_take(rq, "lead", id, "qualify", NULL));
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(concat_ws(' ', action, rule), ', ' ORDER BY id)"
                        " FROM workflow_history WHERE entity = 'lead' AND record_id = %s",
                        id),
               "qualify, lose t.gives_up");
    test_end(rq);
}

static void
a_target_is_a_reference_or_a_kind_in_the_flow_in_the_states_named(void)
{
    struct rq *rq = begin_without_rules();
    const char *id, *opportunity;

    must(rq, rule(rq, "t.win",
                  "\"when\": {\"transition\": \"convert\"}, \"then\": ["
                  "{\"run\": \"win\", \"on\": \"flow.opportunity\", \"state\": \"won\"},"
                  "{\"run\": \"reopen\", \"state\": [\"lost\"]}]"));
    id = lead(rq, "Lin");
    must(rq, test_take(rq, "lead", id, "convert", NULL));
    opportunity = of_lead(rq, id, "opportunity_id");
    CHECK_TEXT(test_sql(rq, "SELECT state FROM opportunity WHERE id = %s", opportunity), "open");
    must(rq, rule(rq, "t.opportunity",
                  "\"when\": {\"changed\": [\"city\"]}, \"then\": ["
                  "{\"run\": \"win\", \"on\": \"opportunity\", \"state\": \"open\"}]"));
    must(rq, entity_update(rq, "lead", id, NULL, "{\"city\": \"Sampleton\"}"));
    CHECK_TEXT(test_sql(rq, "SELECT state FROM opportunity WHERE id = %s", opportunity), "won");
    must(rq, rule(rq, "t.flow",
                  "\"when\": {\"changed\": [\"region\"]}, \"then\": ["
                  "{\"run\": \"reopen\", \"on\": \"flow.opportunity\", \"state\": \"won\"}]"));
    must(rq, entity_update(rq, "lead", id, NULL, "{\"region\": \"North\"}"));
    CHECK_TEXT(test_sql(rq, "SELECT state FROM opportunity WHERE id = %s", opportunity), "open");
    test_end(rq);
}

static void
a_rule_creates_records_in_the_same_flow(void)
{
    struct rq *rq = begin_without_rules();
    const char *id;

    must(rq,
         rule(rq, "t.creates",
              "\"when\": {\"transition\": \"convert\"}, \"then\": [{\"create\": \"lead\","
              " \"values\": {\"person\": \"Friend of {person}\", \"message\": \"{@today+3}\"}}]"));
    id = lead(rq, "Lin");
    must(rq, test_take(rq, "lead", id, "convert", NULL));
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT concat_ws(' ', person, message = (app_today() + 3)::text, flow_id ="
            " (SELECT flow_id FROM lead WHERE id = %s)) FROM lead WHERE person LIKE 'Friend%%'",
            id),
        "Friend of Lin t t");
    test_end(rq);
}

/* Round trips of a step and the writes that follow it; the server reads the epochs first. */
static int
syncs_of(struct rq *rq, const char *id, const char *action)
{
    int before = db_syncs(rq->db);

    must(rq, test_take(rq, "lead", id, action, NULL));
    return db_syncs(rq->db) - before;
}

static void
a_step_costs_one_round_trip_and_a_rule_that_runs_another_none(void)
{
    struct rq *rq = begin_without_rules();
    const char *one, *two;

    request_epochs(rq, NULL, test_sql(rq, "SELECT value FROM epoch WHERE name = 'workflow'"));
    one = lead(rq, "One");
    CU_ASSERT_EQUAL(syncs_of(rq, one, "qualify"), 2); /* the other one is the test's flush */
    int claim = syncs_of(rq, one, "claim");

    must(rq, rule(rq, "t.claim",
                  "\"when\": {\"transition\": \"qualify\"}, \"then\": [{\"run\": \"claim\"}]"));
    request_epochs(rq, NULL, test_sql(rq, "SELECT value FROM epoch WHERE name = 'workflow'"));
    two = lead(rq, "Two");
    CU_ASSERT_EQUAL(syncs_of(rq, two, "qualify"), 2 + claim - 2);
    test_end(rq);
}

/* --------------------------------------------------------------------------------- loops */

static void
rules_without_a_condition_that_wake_each_other_are_refused(void)
{
    struct rq *rq = begin_without_rules();

    must(
        rq,
        rule(rq, "t.a",
             "\"when\": {\"changed\": [\"city\"]}, \"then\": [{\"update\": {\"region\": \"x\"}}]"));
    must(
        rq,
        rule(
            rq, "t.b",
            "\"when\": {\"changed\": [\"region\"]}, \"then\": [{\"update\": {\"street\": \"x\"}}]"));
    test_mark(rq);
    CU_ASSERT_FALSE(
        rule(rq, "t.c",
             "\"when\": {\"changed\": [\"street\"]}, \"then\": [{\"update\": {\"city\": \"x\"}}]"));
    CHECK_TEXT(test_code(rq), "rule_loop");
    CU_ASSERT_PTR_NOT_NULL_FATAL(rq->errors);
    CHECK_TEXT(rq->errors->message, "Rules call each other without end: t.c > t.a > t.b > t.c");
    test_recover(rq);
    must(rq, rule(rq, "t.c",
                  "\"when\": {\"changed\": [\"street\"]}, \"if\": \"lead.city ~= 'x'\","
                  " \"then\": [{\"update\": {\"city\": \"x\"}}]"));
    test_end(rq);
}

static void
a_chain_that_does_not_end_stops_with_an_error_that_names_it(void)
{
    struct rq *rq = begin_without_rules();
    const char *id = lead(rq, "Lin");

    must(rq, rule(rq, "t.more",
                  "\"when\": {\"changed\": [\"message\"]}, \"if\": \"lead.person == 'Lin'\","
                  " \"then\": [{\"update\": {\"message\": \"{message}+\"}}]"));
    test_mark(rq);
    CU_ASSERT_FALSE(entity_update(rq, "lead", id, NULL, "{\"message\": \"x\"}") && db_flush(rq));
    CHECK_TEXT(test_code(rq), "rule_loop");
    CU_ASSERT_TRUE(
        str_starts(rq->errors->message, "Rules call each other without end: t.more > t.more > "));
    test_recover(rq);
    test_end(rq);
}

static void
a_rule_that_names_what_is_not_there_is_refused(void)
{
    static const struct {
        const char *rest, *field;
    } bad[] = {
        { "\"when\": {\"transition\": \"fly\"}, \"then\": [{\"run\": \"qualify\"}]", "when" },
        { "\"when\": {\"transition\": \"qualify\"}, \"then\": [{\"run\": \"fly\"}]", "then[0]" },
        { "\"when\": {\"transition\": \"qualify\"}, \"then\": []", "then" },
        { "\"when\": {}, \"then\": [{\"run\": \"qualify\"}]", "when" },
        { "\"when\": {\"created\": true, \"date\": \"x\"}, \"then\": [{\"run\": \"qualify\"}]",
          "when" },
        { "\"when\": {\"created\": true}, \"timing\": \"soon\", \"then\": [{\"run\": \"qualify\"}]",
          "timing" },
        { "\"when\": {\"created\": true}, \"if\": \"lead.shoe > 4\", \"then\": [{\"run\": \"qualify\"}]",
          "if" },
        { "\"when\": {\"created\": true}, \"if\": \"lead.\", \"then\": [{\"run\": \"qualify\"}]",
          "if" },
        { "\"when\": {\"created\": true}, \"then\": [{\"update\": {\"shoe\": 4}}]", "then[0]" },
        { "\"when\": {\"created\": true}, \"then\": [{\"create\": \"shoe\"}]", "then[0]" },
        { "\"when\": {\"created\": true}, \"then\": [{\"notify\": \"sales\", \"message\": \"{shoe}\"}]",
          "then[0]" },
        { "\"when\": {\"created\": true}, \"then\": [{\"run\": \"qualify\", \"on\": \"shoe\"}]",
          "then[0]" },
        { "\"when\": {\"created\": true}, \"then\": [{\"webhook\": \"file:///etc/passwd\"}]",
          "then[0]" },
        { "\"when\": {\"schedule\": \"now and then\"}, \"then\": [{\"run\": \"qualify\"}]",
          "when.schedule" },
        { "\"when\": {\"date\": \"person\"}, \"then\": [{\"run\": \"qualify\"}]", "when.date" },
        { "\"when\": {\"changed\": [\"shoe\"]}, \"then\": [{\"run\": \"qualify\"}]",
          "when.changed" },
    };
    struct rq *rq = begin_without_rules();

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        test_mark(rq);
        CU_ASSERT_FALSE(rule(rq, "t.bad", "%s", bad[i].rest));
        CHECK_TEXT(rq->errors ? rq->errors->field : "none", bad[i].field);
        test_recover(rq);
    }
    test_end(rq);
}

/* ---------------------------------------------------------------------------- assignment */

/* Three sellers: anna, ben and the fixture's sales. Who belongs to a company is written by
 * gates only: so this is done as the owner, in a copy. */
static struct rq *
begin_with_sellers(void)
{
    struct test_database own = test_database();
    struct arena *mem = arena_new();
    struct rq *rq = arena_alloc(mem, sizeof *rq);
    const char *error = NULL;

    *rq = (struct rq){ .mem = mem, .language = "en", .id = "test", .body_text = "{}" };
    rq->db = db_open(mem, own.admin, &error);
    db_begin(rq, false);
    db_exec(rq, "SET LOCAL search_path = tenon", NONE);
    db_exec(rq,
            "SELECT context_set((SELECT id FROM app_user WHERE login = 'admin'),"
            " (SELECT id FROM company WHERE code = 'TEST'), 'test')",
            NONE);
    db_exec(rq, "DELETE FROM workflow_rule", NONE);
    db_exec(rq,
            "WITH u AS (INSERT INTO app_user (login, name, default_company_id)"
            " SELECT x, x, app_company() FROM unnest('{anna,ben}'::text[]) x RETURNING id),"
            " c AS (INSERT INTO user_company SELECT id, app_company() FROM u)"
            " INSERT INTO user_role (user_id, role_id)"
            " SELECT u.id, r.id FROM u, role r WHERE r.code = 'sales'",
            NONE);
    return rq;
}

static void
end_of_copy(struct rq *rq)
{
    db_rollback(rq);
    db_close(rq->db);
    arena_free(rq->mem);
}

static void
leads_go_round_and_then_to_who_has_least(void)
{
    struct rq *rq = begin_with_sellers();

    must(rq, rule(rq, "t.round",
                  "\"when\": {\"created\": true}, \"then\": [{\"assign\": \"round_robin\","
                  " \"role\": \"sales\", \"field\": \"salesperson_id\"}]"));
    for (int i = 0; i < 6; i++)
        lead(rq, "Round");
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(n::text, ' ') FROM (SELECT count(*) AS n FROM lead"
                        " GROUP BY salesperson_id) x"),
               "2 2 2");
    db_exec(rq, "DELETE FROM workflow_rule", NONE);
    db_exec(rq,
            "UPDATE lead SET salesperson_id = (SELECT id FROM app_user WHERE login = 'anna')"
            " WHERE salesperson_id = (SELECT id FROM app_user WHERE login = 'ben')",
            NONE);
    must(rq, rule(rq, "t.least",
                  "\"when\": {\"created\": true}, \"then\": [{\"assign\": \"least_loaded\","
                  " \"role\": \"sales\", \"field\": \"salesperson_id\"}]"));
    lead(rq, "Least");
    CHECK_TEXT(test_sql(rq,
                        "SELECT u.login FROM lead l JOIN app_user u ON u.id = l.salesperson_id"
                        " WHERE person = 'Least'"),
               "ben");
    end_of_copy(rq);
}

static void
leads_go_to_who_has_the_territory(void)
{
    struct rq *rq = begin_with_sellers();

    must(rq, rule(rq, "t.area",
                  "\"when\": {\"created\": true}, \"then\": [{\"field\": \"salesperson_id\","
                  " \"assign\": [{\"if\": \"lead.city == 'Sampleton'\", \"user\": \"anna\"},"
                  " {\"if\": \"one_of(lead.region, 'North', 'East')\", \"user\": \"ben\"},"
                  " {\"user\": \"sales\"}]}]"));
    test_create(rq, "lead", "{\"person\": \"T1\", \"city\": \"Sampleton\"}");
    test_create(rq, "lead", "{\"person\": \"T2\", \"region\": \"East\"}");
    test_create(rq, "lead", "{\"person\": \"T3\"}");
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(u.login, ' ' ORDER BY person) FROM lead l"
                        " JOIN app_user u ON u.id = l.salesperson_id WHERE person LIKE 'T_'"),
               "anna ben sales");
    end_of_copy(rq);
}

static void
without_the_shipped_rules_nothing_moves_between_modules(void)
{
    struct rq *rq = test_begin();
    static const char order[] =
        "SELECT json_build_object('customer_id', (SELECT max(id) FROM party), 'lines', json_build_array("
        " json_build_object('item_id', (SELECT max(id) FROM item), 'quantity', '1')))";
    const char *with, *without;

    test_create(rq, "party", "{\"name\": \"Test Customer\", \"is_customer\": true}");
    test_sql(rq,
             "INSERT INTO item (code, name, uom_id, list_price)"
             " SELECT 'T-ITEM', 'Test item', id, 10 FROM uom WHERE code = 'EA' RETURNING id");
    with = test_create(rq, "sales_order", "%s", test_sql(rq, "%s", order));
    must(rq, test_take(rq, "sales_order", with, "confirm", NULL));
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM shipment"), "1");
    test_sql(rq, "SELECT count(workflow_rule_delete(id)) FROM workflow_rule");
    without = test_create(rq, "sales_order", "%s", test_sql(rq, "%s", order));
    must(rq, test_take(rq, "sales_order", without, "confirm", NULL));
    CHECK_TEXT(test_sql(rq, "SELECT state FROM sales_order WHERE id = %s", without), "confirmed");
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM shipment"), "1");
    test_end(rq);
}

const struct test rule_tests[] = {
    { "rules run in order on what earlier ones left",
      rules_run_in_order_on_what_earlier_ones_left },
    { "created and changed wake rules for the fields that they name",
      created_and_changed_wake_rules_for_the_fields_that_they_name },
    { "a rule that fails undoes the step that woke it",
      a_rule_that_fails_undoes_the_step_that_woke_it },
    { "the history names the rule that took a step", the_history_names_the_rule_that_took_a_step },
    { "a target is a reference or a kind in the flow, in the states named",
      a_target_is_a_reference_or_a_kind_in_the_flow_in_the_states_named },
    { "a rule creates records in the same flow", a_rule_creates_records_in_the_same_flow },
    { "a step costs one round trip, and a rule that runs another none",
      a_step_costs_one_round_trip_and_a_rule_that_runs_another_none },
    { "rules without a condition that wake each other are refused",
      rules_without_a_condition_that_wake_each_other_are_refused },
    { "a chain that does not end stops with an error that names it",
      a_chain_that_does_not_end_stops_with_an_error_that_names_it },
    { "a rule that names what is not there is refused",
      a_rule_that_names_what_is_not_there_is_refused },
    { "leads go round, and then to who has least", leads_go_round_and_then_to_who_has_least },
    { "leads go to who has the territory", leads_go_to_who_has_the_territory },
    { "without the shipped rules nothing moves between modules",
      without_the_shipped_rules_nothing_moves_between_modules },
    { 0 },
};
