/*
 * calls_test.c - the promises of the interface: each kind of refusal with its status, answers
 * that are given once, versions that are not lost, batches that are all or nothing.
 */
#include "tests/http_server.h"
#include "tests/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define LEAD                                                                                       \
    "{\"organisation\":\"Example Ltd\",\"subject\":\"A question\",\"email\":\"a@example.com\"}"

static struct client *
admin(void)
{
    return http_client(http_server(), "admin");
}

static const char *
count(const char *what)
{
    return http_sql(http_server(), "SELECT count(*) FROM %s", what);
}

/* A new lead; its id is written to id. */
static void
lead(struct client *c, char *id, size_t size)
{
    const struct answer *a = client_post(c, LEAD, "/api/lead");

    CU_ASSERT_EQUAL(a->status, 201);
    snprintf(id, size, "%s", answer_get(a, "id") ? answer_get(a, "id") : "0");
}

static void
refused(const struct answer *a, long status, const char *code)
{
    CU_ASSERT_EQUAL(a->status, status);
    CHECK_TEXT(answer_get(a, "code"), code);
    if (a->status != status)
        printf("\n    %ld %s", a->status, a->text);
}

/* -------------------------------------------------------------------------- refusals */

static void
a_problem_says_what_is_wrong_in_a_form_for_programs_and_people(void)
{
    struct client *c = admin();
    const struct answer *a = client_get(c, "/api/lead/999999");

    refused(a, 404, "not_found");
    CHECK_TEXT(answer_get(a, "status"), "404");
    CHECK_TEXT(answer_get(a, "type"), "urn:tenon:problem:not_found");
    CU_ASSERT_PTR_NOT_NULL(answer_get(a, "title"));
    CU_ASSERT_PTR_NOT_NULL(answer_get(a, "detail"));
    CHECK_TEXT(answer_get(a, "request_id"), a->request_id);
    client_free(c);
}

static void
what_is_not_there_is_404_and_what_cannot_be_done_there_405(void)
{
    struct client *c = admin();

    refused(client_get(c, "/api/nothing"), 404, "not_found");
    refused(client_get(c, "/elsewhere"), 404, "not_found");
    refused(client_get(c, "/api/a/1/b/c/d/e/f/g/h"), 404, "not_found");
    refused(client_get(c, "/api/lead/999999"), 404, "not_found");
    refused(client_post(c, NULL, "/api/lead/999999/qualify"), 404, "not_found");
    refused(client_call(c, "PATCH", "/api/lead", "{}"), 405, "method_not_allowed");
    refused(client_call(c, "PUT", "/api/lead/1", "{}"), 405, "method_not_allowed");
    client_free(c);
}

static void
parts_are_not_reached_past_their_document(void)
{
    struct client *c = admin();

    refused(client_get(c, "/api/sales_order_line"), 404, "not_found");
    client_free(c);
}

static void
who_may_not_is_told_so(void)
{
    struct client *c = http_client(http_server(), "viewer");

    CU_ASSERT_EQUAL(client_get(c, "/api/lead")->status, 200);
    refused(client_post(c, LEAD, "/api/lead"), 403, "forbidden");
    refused(client_call(c, "DELETE", "/api/lead/1", NULL), 403, "forbidden");
    refused(client_post(c, NULL, "/api/lead/1/qualify"), 403, "forbidden");
    refused(client_post(c, "{\"ids\":[1]}", "/api/lead/qualify"), 403, "forbidden");
    refused(client_post(
                c, "{\"calls\":[{\"method\":\"POST\",\"path\":\"/api/lead\",\"body\":" LEAD "}]}",
                "/api/batch"),
            403, "forbidden");
    client_free(c);
}

static void
all_that_is_wrong_is_told_at_once(void)
{
    struct client *c = admin();
    const struct answer *a =
        client_post(c, "{\"wrong\":1,\"also_wrong\":2,\"organisation\":\"x\"}", "/api/lead");

    CU_ASSERT_EQUAL(a->status, 422);
    CHECK_TEXT(answer_get(a, "errors.0.field"), "wrong");
    CHECK_TEXT(answer_get(a, "errors.1.field"), "also_wrong");
    client_free(c);
}

static void
a_query_that_makes_no_sense_is_malformed(void)
{
    struct client *c = admin();

    refused(client_get(c, "/api/lead?limit=none"), 400, "malformed");
    refused(client_get(c, "/api/lead?nothing=eq.1"), 400, "malformed");
    refused(client_get(c, "/api/lead?state=about.new"), 400, "malformed");
    client_free(c);
}

static void
a_step_from_the_wrong_state_is_a_conflict(void)
{
    struct client *c = admin();
    char id[24];

    lead(c, id, sizeof id);
    const struct answer *a = client_post(c, NULL, "/api/lead/%s/qualify", id);

    CU_ASSERT_EQUAL(a->status, 200);
    CHECK_TEXT(answer_get(a, "record.state"), "qualified");
    refused(client_post(c, NULL, "/api/lead/%s/qualify", id), 409, "wrong_state");
    refused(client_call(c, "DELETE", "/api/party/999999", NULL), 404, "not_found");
    client_free(c);
}

/* ----------------------------------------------------------------------- idempotency */

static void
a_write_without_a_key_is_refused(void)
{
    struct client *c = admin();
    const char *before = count("lead");

    client_next_key(c, "");
    refused(client_post(c, LEAD, "/api/lead"), 400, "key_required");
    client_next_key(c, "has a blank");
    refused(client_post(c, LEAD, "/api/lead"), 400, "key_required");
    CHECK_TEXT(count("lead"), before);
    client_free(c);
}

static void
a_repeat_gets_the_first_answer_and_changes_nothing(void)
{
    struct client *c = admin();
    char first[4096], location[100], etag[40];

    client_next_key(c, "repeat-1");
    const struct answer *a = client_post(c, LEAD, "/api/lead");

    CU_ASSERT_EQUAL(a->status, 201);
    snprintf(first, sizeof first, "%s", a->text);
    snprintf(location, sizeof location, "%s", a->location ? a->location : "");
    snprintf(etag, sizeof etag, "%s", a->etag ? a->etag : "");
    const char *leads = count("lead");

    client_next_key(c, "repeat-1");
    a = client_post(c, LEAD, "/api/lead");
    CU_ASSERT_EQUAL(a->status, 201);
    CHECK_TEXT(a->text, first);
    CHECK_TEXT(a->location, location);
    CHECK_TEXT(a->etag, etag);
    CHECK_TEXT(count("lead"), leads);
    client_free(c);
}

static void
another_request_under_a_used_key_is_refused(void)
{
    struct client *c = admin();
    const char *other = "{\"organisation\":\"Another Ltd\"}";

    client_next_key(c, "used-1");
    CU_ASSERT_EQUAL(client_post(c, LEAD, "/api/lead")->status, 201);
    client_next_key(c, "used-1");
    refused(client_post(c, other, "/api/lead"), 422, "key_reused");
    client_next_key(c, "used-1");
    refused(client_post(c, LEAD, "/api/party"), 422, "key_reused");
    client_free(c);
    c = http_client(http_server(), "sales"); /* a key belongs to its user */
    client_next_key(c, "used-1");
    CU_ASSERT_EQUAL(client_post(c, other, "/api/lead")->status, 201);
    client_free(c);
}

static void
a_failed_answer_is_not_kept(void)
{
    struct client *c = admin();

    client_next_key(c, "failed-1");
    CU_ASSERT_EQUAL(client_post(c, "{\"subject\":\"nobody\"}", "/api/lead")->status, 422);
    client_next_key(c, "failed-1");
    CU_ASSERT_EQUAL(client_post(c, LEAD, "/api/lead")->status, 201);
    client_free(c);
}

/* Returns its argument when all is well. */
static void *
post_same(void *good)
{
    struct client *c = admin();

    client_next_key(c, "at-once-1");
    long status = client_post(c, LEAD, "/api/lead")->status;

    client_free(c);
    return status == 201 ? good : NULL;
}

static void
eight_repeats_at_once_make_one_record(void)
{
    pthread_t threads[8];
    long before = strtol(count("lead"), NULL, 10);

    for (int i = 0; i < 8; i++)
        pthread_create(&threads[i], NULL, post_same, threads);
    for (int i = 0; i < 8; i++) {
        void *good;

        pthread_join(threads[i], &good);
        CU_ASSERT_PTR_NOT_NULL(good);
    }
    CU_ASSERT_EQUAL(strtol(count("lead"), NULL, 10), before + 1);
}

/* -------------------------------------------------------------------------- versions */

static void
with_if_match(struct client *c, const char *etag)
{
    char header[80];

    snprintf(header, sizeof header, "If-Match: %s", etag);
    client_set_header(c, header);
}

static void
a_change_on_a_stale_version_is_refused(void)
{
    struct client *c = admin();
    char id[24], path[60];

    lead(c, id, sizeof id);
    snprintf(path, sizeof path, "/api/lead/%s", id);
    const struct answer *a = client_get(c, "%s", path);

    CHECK_TEXT(a->etag, "\"1\"");
    with_if_match(c, "\"1\"");
    a = client_call(c, "PATCH", path, "{\"subject\":\"First\"}");
    CU_ASSERT_EQUAL(a->status, 200);
    CHECK_TEXT(a->etag, "\"2\"");
    refused(client_call(c, "PATCH", path, "{\"subject\":\"Second\"}"), 412, "stale");
    refused(client_call(c, "DELETE", path, NULL), 412, "stale");
    CHECK_TEXT(answer_get(client_get(c, "%s", path), "subject"), "First");
    with_if_match(c, "\"2\"");
    CU_ASSERT_EQUAL(client_call(c, "DELETE", path, NULL)->status, 204);
    refused(client_get(c, "%s", path), 404, "not_found");
    client_free(c);
}

static void
what_has_not_changed_is_not_sent_again(void)
{
    struct client *c = admin();
    const struct answer *a = client_get(c, "/api/meta");
    char header[100];

    CU_ASSERT_EQUAL(a->status, 200);
    CU_ASSERT_PTR_NOT_NULL(a->etag);
    snprintf(header, sizeof header, "If-None-Match: %s", a->etag ? a->etag : "");
    client_set_header(c, header);
    a = client_get(c, "/api/meta");
    CU_ASSERT_EQUAL(a->status, 304);
    CHECK_TEXT(a->text, "");
    client_free(c);
}

/* ---------------------------------------------------------------------- many and batch */

static void
many_are_done_all_or_none(void)
{
    struct client *c = admin();
    char one[24], two[24], body[100];

    lead(c, one, sizeof one);
    lead(c, two, sizeof two);
    CU_ASSERT_EQUAL(client_post(c, NULL, "/api/lead/%s/qualify", two)->status, 200);
    snprintf(body, sizeof body, "{\"ids\":[%s,%s]}", one, two);
    refused(client_post(c, body, "/api/lead/qualify"), 409, "wrong_state");
    CHECK_TEXT(answer_get(client_get(c, "/api/lead/%s", one), "state"), "new");
    lead(c, two, sizeof two);
    snprintf(body, sizeof body, "{\"ids\":[%s,\"%s\"]}", one, two);
    const struct answer *a = client_post(c, body, "/api/lead/qualify");

    CU_ASSERT_EQUAL(a->status, 200);
    CHECK_TEXT(answer_get(a, "records.0.state"), "qualified");
    CHECK_TEXT(answer_get(a, "records.1.id"), two);
    refused(client_post(c, "{\"ids\":[]}", "/api/lead/qualify"), 400, "malformed");
    refused(client_post(c, "{\"ids\":[1.5]}", "/api/lead/qualify"), 400, "malformed");
    refused(client_post(c, "{\"ids\":\"all\"}", "/api/lead/qualify"), 400, "malformed");
    client_free(c);
}

static void
each_by_itself_does_what_can_be_done(void)
{
    struct client *c = admin();
    char one[24], two[24], body[100];

    lead(c, one, sizeof one);
    lead(c, two, sizeof two);
    CU_ASSERT_EQUAL(client_post(c, NULL, "/api/lead/%s/qualify", two)->status, 200);
    snprintf(body, sizeof body, "{\"ids\":[%s,%s],\"each\":true}", two, one);
    const struct answer *a = client_post(c, body, "/api/lead/qualify");

    CU_ASSERT_EQUAL(a->status, 200);
    CHECK_TEXT(answer_get(a, "results.0.ok"), "false");
    CHECK_TEXT(answer_get(a, "results.0.errors.0.code"), "wrong_state");
    CHECK_TEXT(answer_get(a, "results.1.ok"), "true");
    CHECK_TEXT(answer_get(client_get(c, "/api/lead/%s", one), "state"), "qualified");
    client_free(c);
}

static void
a_batch_is_one_transaction(void)
{
    struct client *c = admin();
    const char *before = count("lead");
    const struct answer *a =
        client_post(c,
                    "{\"calls\":[{\"method\":\"POST\",\"path\":\"/api/lead\",\"body\":" LEAD
                    "},"
                    "{\"method\":\"POST\",\"path\":\"/api/lead\",\"body\":{\"wrong\":1}}]}",
                    "/api/batch");

    CU_ASSERT_EQUAL(a->status, 422);
    CHECK_TEXT(answer_get(a, "errors.0.field"), "calls[1].wrong");
    CHECK_TEXT(count("lead"), before);
    a = client_post(c,
                    "{\"calls\":[{\"method\":\"POST\",\"path\":\"/api/lead\",\"body\":" LEAD
                    "},"
                    "{\"method\":\"GET\",\"path\":\"/api/lead?limit=1\"},"
                    "{\"method\":\"POST\",\"path\":\"/api/lead\",\"body\":" LEAD "}]}",
                    "/api/batch");
    CU_ASSERT_EQUAL(a->status, 200);
    CHECK_TEXT(answer_get(a, "answers.0.status"), "201");
    CHECK_TEXT(answer_get(a, "answers.1.status"), "200");
    CU_ASSERT_PTR_NOT_NULL(answer_get(a, "answers.1.body.rows.0.id"));
    CHECK_TEXT(answer_get(a, "answers.2.body.organisation"), "Example Ltd");
    CU_ASSERT_PTR_NOT_NULL(answer_get(a, "answers.2.location"));
    CU_ASSERT_EQUAL(strtol(count("lead"), NULL, 10), strtol(before, NULL, 10) + 2);
    client_free(c);
}

static void
some_calls_cannot_stand_in_a_batch(void)
{
    static const char *const paths[] = {
        "/api/batch",   "/api/session", "/api/import/lead",          "/health",
        "/api/../lead", "lead",         "/ HTTP/1.1\\r\\n\\r\\nmore"
    };
    struct client *c = admin();
    char body[200];

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        snprintf(body, sizeof body,
                 "{\"calls\":[{\"method\":\"POST\",\"path\":\"%s\",\"body\":{}}]}", paths[i]);
        refused(client_post(c, body, "/api/batch"), 400, "malformed");
    }
    refused(client_post(c, "{\"calls\":[]}", "/api/batch"), 400, "malformed");
    refused(client_post(c, "{}", "/api/batch"), 400, "malformed");
    client_free(c);
}

/* ------------------------------------------------------------------------- the wire */

static void
answers_carry_the_headers_of_a_careful_server(void)
{
    static const char *const lines[] = { "X-Content-Type-Options: nosniff",
                                         "Cache-Control: no-store",
                                         "Strict-Transport-Security: ",
                                         "X-Frame-Options: DENY",
                                         "Content-Security-Policy: ",
                                         "X-Request-Id: ",
                                         "X-Tenon-Syncs: 0",
                                         "WWW-Authenticate: Bearer" };
    struct raw *r = raw_open(http_server());

    raw_say(r, "GET /api/lead HTTP/1.1\r\nHost: x\r\n\r\n");
    const char *answer = raw_answer(r, 2000);

    for (size_t i = 0; answer && i < sizeof lines / sizeof *lines; i++)
        CU_ASSERT_PTR_NOT_NULL(strstr(answer, lines[i]));
    raw_close(r);
}

static void
head_is_get_without_the_body(void)
{
    struct raw *r = raw_open(http_server());

    raw_say(r, "HEAD /health HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
    CU_ASSERT_FALSE(raw_closed(r, 300));
    raw_close(r);
}

static void
an_operation_takes_at_most_five_round_trips(void)
{
    struct client *c = admin();
    char id[24];

    lead(c, id, sizeof id); /* the catalog and the definitions are read once */
    lead(c, id, sizeof id);
    const struct answer *a = client_get(c, "/api/lead/%s", id);

    CU_ASSERT_TRUE(a->syncs >= 1 && a->syncs <= 5);
    a = client_post(c, NULL, "/api/lead/%s/qualify", id);
    CU_ASSERT_EQUAL(a->status, 200);
    CU_ASSERT_TRUE(a->syncs >= 1 && a->syncs <= 5);
    client_free(c);
}

static void
metrics_count_what_was_done(void)
{
    struct client *c = http_client(http_server(), NULL);
    const struct answer *a = client_get(c, "/metrics");

    CU_ASSERT_EQUAL(a->status, 200);
    CU_ASSERT_PTR_NOT_NULL(strstr(
        a->text, "tenon_requests_total{method=\"POST\",route=\"/api/session\",status=\"2xx\"}"));
    CU_ASSERT_PTR_NOT_NULL(strstr(a->text, "tenon_lane_connected{lane=\"fast\"} 6\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(a->text, "tenon_request_seconds_bucket{"));
    CU_ASSERT_EQUAL(client_get(c, "/health")->status, 200);
    CU_ASSERT_EQUAL(client_get(c, "/ready")->status, 200);
    client_free(c);
}

const struct test calls_tests[] = {
    { "a problem says what is wrong, in a form for programs and people",
      a_problem_says_what_is_wrong_in_a_form_for_programs_and_people },
    { "what is not there is 404, and what cannot be done there 405",
      what_is_not_there_is_404_and_what_cannot_be_done_there_405 },
    { "parts are not reached past their document", parts_are_not_reached_past_their_document },
    { "who may not is told so", who_may_not_is_told_so },
    { "all that is wrong is told at once", all_that_is_wrong_is_told_at_once },
    { "a query that makes no sense is malformed", a_query_that_makes_no_sense_is_malformed },
    { "a step from the wrong state is a conflict", a_step_from_the_wrong_state_is_a_conflict },
    { "a write without a key is refused", a_write_without_a_key_is_refused },
    { "a repeat gets the first answer and changes nothing",
      a_repeat_gets_the_first_answer_and_changes_nothing },
    { "another request under a used key is refused", another_request_under_a_used_key_is_refused },
    { "a failed answer is not kept", a_failed_answer_is_not_kept },
    { "eight repeats at once make one record", eight_repeats_at_once_make_one_record },
    { "a change on a stale version is refused", a_change_on_a_stale_version_is_refused },
    { "what has not changed is not sent again", what_has_not_changed_is_not_sent_again },
    { "many are done all or none", many_are_done_all_or_none },
    { "each by itself does what can be done", each_by_itself_does_what_can_be_done },
    { "a batch is one transaction", a_batch_is_one_transaction },
    { "some calls cannot stand in a batch", some_calls_cannot_stand_in_a_batch },
    { "answers carry the headers of a careful server",
      answers_carry_the_headers_of_a_careful_server },
    { "HEAD is GET without the body", head_is_get_without_the_body },
    { "an operation takes at most five round trips", an_operation_takes_at_most_five_round_trips },
    { "metrics count what was done", metrics_count_what_was_done },
    { 0 },
};
