/*
 * publish_test.c - definitions: drafts and their faults, versions, files, upgrades.
 */
#include "tests/core/workflow_fixture.h"

static void
a_shipped_base_does_not_replace_a_customised_version(void)
{
    /* An upgrade runs under the owner's rights: here in a database of its own. */
    struct test_database own = test_database();
    struct rq up = { .mem = arena_new(), .language = "en" };
    const char *error = NULL;

    up.db = db_open(up.mem, own.admin, &error);
    db_begin(&up, false);
    db_exec(&up, "SET LOCAL search_path = tenon", NONE);
    db_exec(&up,
            "SELECT workflow_ship(jsonb_set(definition, '{label}', '\"A\"')) FROM workflow"
            " WHERE entity = 'lead' AND status = 'active'",
            NONE);
    CHECK_TEXT(db_text(&up,
                       "SELECT definition ->> 'label' FROM workflow WHERE entity = 'lead'"
                       " AND status = 'active'",
                       NONE),
               "A");
    db_exec(&up,
            "SELECT workflow_activate(workflow_add(jsonb_set(definition, '{label}', '\"B\"'),"
            " 'draft', 'custom', id)) FROM workflow WHERE entity = 'lead' AND status = 'active'",
            NONE);
    db_exec(&up,
            "SELECT workflow_ship(jsonb_set(definition, '{label}', '\"C\"')) FROM workflow"
            " WHERE entity = 'lead' AND status = 'active'",
            NONE);
    CHECK_TEXT(db_text(&up,
                       "SELECT definition ->> 'label' FROM workflow WHERE entity = 'lead'"
                       " AND status = 'active'",
                       NONE),
               "B");
    CHECK_TEXT(db_text(&up,
                       "SELECT count(*) FROM workflow WHERE entity = 'lead'"
                       " AND definition ->> 'label' = 'C' AND origin = 'shipped'",
                       NONE),
               "1");
    CU_ASSERT_PTR_NULL(up.errors);
    db_rollback(&up);
    db_close(up.db);
    arena_free(up.mem);
}

static void
a_version_can_be_taken_back_and_a_draft_dropped(void)
{
    struct rq *rq = test_begin();

    CU_ASSERT_TRUE(publish(rq, edited(rq, "jsonb_set(d, '{label}', '\"Prospect\"')")));
    CHECK_TEXT(edited(rq, "d ->> 'label'"), "Prospect");
    set_body(rq, "{}");
    CU_ASSERT_TRUE(answered(rq, api_workflow_rollback(rq, "lead")));
    CHECK_TEXT(edited(rq, "d ->> 'label'"), "Lead");
    set_body(rq, "{\"version\": 2}");
    CU_ASSERT_TRUE(answered(rq, api_workflow_rollback(rq, "lead")));
    CHECK_TEXT(edited(rq, "d ->> 'label'"), "Prospect");
    set_body(rq, edited(rq, "d"));
    CU_ASSERT_TRUE(answered(rq, api_workflow_draft(rq, "lead")));
    CU_ASSERT_TRUE(answered(rq, api_workflow_discard(rq, "lead")));
    CHECK_TEXT(
        test_sql(rq, "SELECT count(*) FROM workflow WHERE entity = 'lead' AND status = 'draft'"),
        "0");
    test_end(rq);
}

static void
publishing_names_each_fault_and_its_place(void)
{
    struct rq *rq = test_begin();
    static const struct {
        const char *edit, *finding;
    } faults[] = {
        { "jsonb_set(d, '{states,1,initial}', 'true')",
          "states: Exactly one state is the initial one" },
        { "jsonb_set(d, '{states}', d -> 'states' || '[{\"name\": \"lost_land\", \"label\": \"x\"}]')",
          "states[4].name: No step leads to the state lost_land" },
        { "jsonb_set(d, '{transitions,0,to}', '\"nowhere\"')",
          "transitions[0].to: There is no state nowhere" },
        { "jsonb_set(d, '{transitions,0,operation}', '\"fly\"')",
          "transitions[0].operation: There is no operation fly" },
        { "jsonb_set(d, '{transitions,1,from}', '[\"new\", \"lost\"]')",
          "transitions[1].from: The operation convert cannot lead from lost" },
        { "jsonb_set(d, '{transitions,3,to}', '\"qualified\"')",
          "transitions[3].to: The operation reopen cannot lead to qualified" },
        { "jsonb_set(d, '{transitions,1,operation}', 'null')",
          "transitions[1].operation: The step convert must run the operation of its name" },
        { "jsonb_set(d, '{transitions,0,guards,0,require}', '\"led.email ~= nil\"')",
          "transitions[0].guards[0].require: Unknown name (character 1, at 'led')" },
        { "jsonb_set(d, '{transitions,0,guards,0,require}', '\"lead.shoe_size > 5\"')", NULL },
        { "d - 'states'", "states: Exactly one state is the initial one" },
        { "jsonb_set(d, '{states,0,name}', '\"New state\"')",
          "states[0].name: A name is made of small letters, digits and _" },
    };

    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        const char *found = finding(rq, edited(rq, faults[i].edit));

        if (faults[i].finding)
            CHECK_TEXT(found, faults[i].finding);
        else
            CU_ASSERT_TRUE(found &&
                           str_starts(found, "transitions[0].guards[0].require: shoe_size"));
    }
    CHECK_TEXT(state_of(rq, lead(rq, "Still")), "new");
    test_end(rq);
}

static void
a_step_cannot_go_round_the_operation_that_makes_a_state_true(void)
{
    struct rq *rq = test_begin();

    CHECK_TEXT(
        finding(rq, edited(rq,
                           "jsonb_set(d, '{transitions}', d -> 'transitions' ||"
                           " '[{\"action\": \"cheat\", \"from\": [\"new\"], \"to\": \"converted\","
                           "    \"label\": \"Cheat\"}]')")),
        "transitions[4].operation: Only the operation convert leads to the state converted");
    test_end(rq);
}

static void
what_is_exported_can_be_imported_and_is_the_same(void)
{
    struct rq *rq = test_begin();
    const char *first, *second;

    CU_ASSERT_TRUE(publish(rq, with_state(rq, "between")));
    CU_ASSERT_TRUE(api_workflow_export(rq) && db_flush(rq));
    first = rq->reply;
    set_body(rq, "{}");
    CU_ASSERT_TRUE(answered(rq, api_workflow_rollback(rq, "lead")));
    test_sql(rq,
             "SELECT workflow_rule_delete(id) FROM workflow_rule WHERE entity = 'lead' LIMIT 1");
    CU_ASSERT_TRUE(api_workflow_export(rq) && db_flush(rq));
    CU_ASSERT_STRING_NOT_EQUAL(rq->reply, first);
    set_body(rq, first);
    CU_ASSERT_TRUE(answered(rq, api_workflow_import(rq)));
    CU_ASSERT_TRUE(api_workflow_export(rq) && db_flush(rq));
    second = rq->reply;
    CHECK_TEXT(second, first);
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM workflow WHERE entity = 'opportunity'"), "1");
    test_end(rq);
}

const struct test publish_tests[] = {
    { "a shipped base does not replace a customised version",
      a_shipped_base_does_not_replace_a_customised_version },
    { "a version can be taken back and a draft dropped",
      a_version_can_be_taken_back_and_a_draft_dropped },
    { "publishing names each fault and its place", publishing_names_each_fault_and_its_place },
    { "a step cannot go round the operation that makes a state true",
      a_step_cannot_go_round_the_operation_that_makes_a_state_true },
    { "what is exported can be imported and is the same",
      what_is_exported_can_be_imported_and_is_the_same },
    { 0 },
};
