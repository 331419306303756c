/*
 * workflow_admin_test.c - an administrator changes workflows and rules over HTTPS while the
 * server runs, and the next record obeys.
 */
#include "tests/http_server.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct http_server *server; /* of one's own: others must not follow what we change */
static char text[16 * 1024];

static const char *
ok(const struct answer *a, long status)
{
    if (a->status != status)
        printf("\n    %ld %s", a->status, a->text);
    CU_ASSERT_EQUAL(a->status, status);
    return a->text;
}

static void
lead(struct client *c, char id[24])
{
    const struct answer *a =
        client_post(c, "{\"person\":\"Lin\",\"email\":\"a@example.com\"}", "/api/lead");

    ok(a, 201);
    snprintf(id, 24, "%s", answer_get(a, "id") ? answer_get(a, "id") : "0");
}

static long
act(struct client *c, const char *id, const char *action)
{
    return client_post(c, "{}", "/api/lead/%s/%s", id, action)->status;
}

static void
start(void)
{
    if (!server)
        server = http_server_start((const char *const[]){ NULL });
}

/* The active definition with a step `look` from new to a state of this name, and `qualify`
 * from there only. */
static const char *
definition(const char *state)
{
    return http_sql(
        server,
        "SELECT jsonb_set(jsonb_set(definition, '{states}', definition -> 'states' ||"
        "   '[{\"name\": \"%s\", \"label\": \"Looked at\", \"label_zh\": \"已查看\"}]'),"
        " '{transitions}', jsonb_set(definition -> 'transitions', '{0,from}', '[\"%s\"]') ||"
        "   '[{\"action\": \"look\", \"from\": [\"new\"], \"to\": \"%s\", \"label\": \"Look\","
        "      \"guards\": [{\"require\": \"lead.city ~= nil\", \"code\": \"no_city\","
        "                    \"field\": \"city\", \"message\": \"Where is it\"}]}]')"
        "  FROM workflow WHERE entity = 'lead' AND status = 'active'",
        state, state, state);
}

static void
a_state_guard_and_rule_added_while_the_server_runs_bind_the_next_record(void)
{
    start();
    struct client *c = http_client(server, "admin");
    const struct answer *a;
    char state[32], before[24], after[24], rule[24], path[64];

    snprintf(state, sizeof state, "s%s",
             http_sql(server, "SELECT substr(md5(random()::text), 1, 8)"));
    lead(c, before);
    snprintf(text, sizeof text, "%s", definition(state));
    ok(client_call(c, "PUT", "/api/workflow/lead", text), 200);
    a = client_post(c, "{}", "/api/workflow/lead/validate");
    CU_ASSERT_PTR_NOT_NULL(strstr(ok(a, 200), "{\"findings\":[]}"));
    ok(client_post(c, "{}", "/api/workflow/lead/publish"), 200);
    a = client_post(
        c,
        "{\"name\": \"http.note\", \"entity\": \"lead\", \"when\": {\"transition\": \"look\"},"
        " \"timing\": \"after\", \"then\": [{\"update\": {\"message\": \"Seen in {city}\"}}]}",
        "/api/workflow_rule");
    ok(a, 201);
    snprintf(rule, sizeof rule, "%s", answer_get(a, "id") ? answer_get(a, "id") : "0");
    lead(c, after);

    CU_ASSERT_EQUAL(act(c, before, "qualify"), 200);
    CU_ASSERT_EQUAL(act(c, after, "qualify"), 409);
    a = client_post(c, "{}", "/api/lead/%s/look", after);
    CU_ASSERT_EQUAL(a->status, 422);
    CHECK_TEXT(answer_get(a, "code"), "no_city");
    snprintf(path, sizeof path, "/api/lead/%s", after);
    ok(client_call(c, "PATCH", path, "{\"city\": \"Sampleton\"}"), 200);
    a = client_post(c, "{}", "/api/lead/%s/look", after);
    ok(a, 200);
    CHECK_TEXT(answer_get(a, "record.state"), state);
    CU_ASSERT_EQUAL(act(c, after, "qualify"), 200);
    const char *message = NULL;

    for (int i = 0; i < 100 && (!message || !*message); i++) {
        usleep(50000);
        message = http_sql(server, "SELECT message FROM lead WHERE id = %s", after);
    }
    CHECK_TEXT(message, "Seen in Sampleton");
    CU_ASSERT_PTR_NOT_NULL(strstr(client_get(c, "/api/lead/%s/rules", after)->text, "http.note"));
    snprintf(path, sizeof path, "/api/workflow_rule/%s", rule);
    ok(client_call(c, "PATCH", path, "{\"active\": false}"), 200);
    ok(client_call(c, "DELETE", path, NULL), 204);
    ok(client_post(c, "{}", "/api/workflow/lead/rollback"), 200);
    lead(c, after);
    CU_ASSERT_EQUAL(act(c, after, "qualify"), 200);
    client_free(c);
}

static void
a_definition_with_faults_is_kept_as_a_draft_but_not_published(void)
{
    start();
    struct client *c = http_client(server, "admin");
    const struct answer *a;

    snprintf(text, sizeof text, "%s",
             http_sql(server,
                      "SELECT jsonb_set(definition, '{transitions,0,guards,0,require}',"
                      " '\"led.email ~= nil\"') FROM workflow WHERE entity = 'lead'"
                      " AND status = 'active'"));
    ok(client_call(c, "PUT", "/api/workflow/lead", text), 200);
    a = client_post(c, "{}", "/api/workflow/lead/publish");
    CU_ASSERT_EQUAL(a->status, 422);
    CHECK_TEXT(answer_get(a, "errors.0.field"), "transitions[0].guards[0].require");
    CHECK_TEXT(answer_get(a, "errors.0.message"), "Unknown name (character 1, at 'led')");
    ok(client_call(c, "DELETE", "/api/workflow/lead", NULL), 204);
    CU_ASSERT_EQUAL(client_post(c, "{}", "/api/workflow/lead/publish")->status, 404);
    client_free(c);
}

static void
what_is_exported_over_https_can_be_imported(void)
{
    start();
    struct client *c = http_client(server, "admin");
    char *first = strdup(ok(client_get(c, "/api/workflow/export"), 200));

    ok(client_post(c, first, "/api/workflow/import"), 200);
    CHECK_TEXT(ok(client_get(c, "/api/workflow/export"), 200), first);
    ok(client_get(c, "/api/workflow"), 200);
    ok(client_get(c, "/api/workflow/lead"), 200);
    ok(client_get(c, "/api/workflow/lead/1"), 200);
    ok(client_get(c, "/api/workflow_rule?entity=lead"), 200);
    ok(client_get(c, "/api/job?state=dead"), 200);
    free(first);
    client_free(c);
}

static void
a_viewer_changes_no_workflow_rule_or_job(void)
{
    start();
    struct client *c = http_client(server, "viewer");

    CU_ASSERT_EQUAL(client_call(c, "PUT", "/api/workflow/lead", "{\"entity\": \"lead\"}")->status,
                    403);
    CU_ASSERT_EQUAL(client_post(c, "{}", "/api/workflow/lead/rollback")->status, 403);
    CU_ASSERT_EQUAL(client_post(c, "{}", "/api/workflow/import")->status, 403);
    CU_ASSERT_EQUAL(client_post(c, "{}", "/api/workflow_rule")->status, 403);
    CU_ASSERT_EQUAL(client_call(c, "DELETE", "/api/workflow_rule/1", NULL)->status, 403);
    CU_ASSERT_EQUAL(client_post(c, "{}", "/api/job/1/retry")->status, 403);
    client_free(c);
}

const struct test workflow_admin_tests[] = {
    { "a state, guard and rule added while the server runs bind the next record",
      a_state_guard_and_rule_added_while_the_server_runs_bind_the_next_record },
    { "a definition with faults is kept as a draft but not published",
      a_definition_with_faults_is_kept_as_a_draft_but_not_published },
    { "what is exported over HTTPS can be imported", what_is_exported_over_https_can_be_imported },
    { "a viewer changes no workflow, rule or job", a_viewer_changes_no_workflow_rule_or_job },
    { 0 },
};
