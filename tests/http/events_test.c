/*
 * events_test.c - the stream of changes: in order, resumed without a gap, to those only who
 * may read.
 */
#include "core/base/str.h"
#include "tests/http_server.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

/* Open a stream; extra: more header lines. */
static struct raw *
stream(const struct http_server *s, const char *login, const char *extra)
{
    struct client *c = http_client(s, NULL);
    struct arena *mem = arena_new();
    const struct answer *a = client_post(
        c, arena_printf(mem, "{\"login\":\"%s\",\"password\":\"" HTTP_PASSWORD "\"}", login),
        "/api/session");
    struct raw *r = raw_open(s);

    raw_say(r, arena_printf(
                   mem, "GET /api/events HTTP/1.1\r\nHost: x\r\n%sAuthorization: Bearer %s\r\n\r\n",
                   extra, answer_get(a, "token")));
    client_free(c);
    arena_free(mem);
    return r;
}

/* All that comes until this text does; false when it does not come in time. */
static bool
comes(struct raw *r, const char *text, const char **all)
{
    for (int i = 0; i < 60; i++) {
        *all = raw_text(r, 50);
        if (strstr(*all, text))
            return true;
    }
    printf("\n    %s does not come: %.200s", text, *all);
    return false;
}

static void
party(struct client *c, const char *code)
{
    char body[100];

    snprintf(body, sizeof body, "{\"code\":\"%s\",\"name\":\"%s\",\"kind\":\"person\"}", code,
             code);
    CU_ASSERT_EQUAL(client_post(c, body, "/api/party")->status, 201);
}

static void
a_change_reaches_those_who_listen(void)
{
    const struct http_server *s = http_server();
    struct client *c = http_client(s, "admin");
    struct raw *r = stream(s, "admin", "");
    const char *text;

    CU_ASSERT_TRUE(comes(r, ": heartbeat", &text));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "Content-Type: text/event-stream"));
    party(c, "EV1");
    CU_ASSERT_TRUE(comes(r, "event: change\ndata: ", &text));
    CU_ASSERT_TRUE(comes(r, "\"entity\" : \"party\"", &text));
    CU_ASSERT_TRUE(comes(r, "\"action\" : \"created\"", &text));
    CU_ASSERT_TRUE(comes(r, "\nid: ", &text));
    raw_close(r);
    client_free(c);
}

static int
occurrences(const char *text, const char *word)
{
    int n = 0;

    while ((text = strstr(text, word))) {
        text += strlen(word);
        n++;
    }
    return n;
}

static void
a_stream_that_comes_back_misses_nothing_and_repeats_nothing(void)
{
    const struct http_server *s = http_server();
    struct client *c = http_client(s, "admin");
    struct raw *r = stream(s, "admin", "");
    const char *text, *last;
    char resume[60];

    CU_ASSERT_TRUE(comes(r, ": heartbeat", &text));
    party(c, "EV2");
    CU_ASSERT_TRUE(comes(r, "\nid: ", &text));
    last = strstr(text, "\nid: ") + 5;
    snprintf(resume, sizeof resume, "Last-Event-ID: %ld\r\n", strtol(last, NULL, 10));
    raw_close(r);
    party(c, "EV3"); /* while nobody listens */
    party(c, "EV4");
    r = stream(s, "admin", resume);
    party(c, "EV5");
    for (int i = 0; i < 40 && occurrences(raw_text(r, 50), "\nid: ") < 3; i++)
        ;
    CU_ASSERT_EQUAL(occurrences(raw_text(r, 300), "\nid: "), 3);
    raw_close(r);
    client_free(c);
}

static void
a_stream_shows_only_what_its_user_may_read(void)
{
    const struct http_server *s = http_server();
    struct client *c = http_client(s, "admin");
    const char *text;

    http_sql(s,
             "INSERT INTO role (code, name) VALUES ('narrow', 'Narrow');"
             "INSERT INTO permission (role_id, entity, action)"
             " SELECT id, 'activity', 'read' FROM role WHERE code = 'narrow';"
             "SELECT user_create('narrow', 'Narrow', 'en', '{TEST}', '{narrow}')");
    http_sql(
        s,
        "INSERT INTO user_secret SELECT u.id, x.password FROM app_user u, user_secret x"
        "  JOIN app_user a ON a.id = x.user_id AND a.login = 'admin' WHERE u.login = 'narrow'");
    struct raw *r = stream(s, "narrow", "");

    CU_ASSERT_TRUE(comes(r, ": heartbeat", &text));
    party(c, "EV6");
    CU_ASSERT_EQUAL(client_post(c, "{\"subject\":\"Call\"}", "/api/activity")->status, 201);
    CU_ASSERT_TRUE(comes(r, "\"entity\" : \"activity\"", &text));
    CU_ASSERT_PTR_NULL(strstr(text, "\"entity\" : \"party\""));
    raw_close(r);
    client_free(c);
}

static void
another_company_s_changes_are_not_shown(void)
{
    const struct http_server *s = http_server();
    struct client *c = http_client(s, "admin");
    char header[60];
    const char *text;

    snprintf(header, sizeof header, "X-Tenon-Company: %s\r\n",
             http_sql(s, "SELECT id FROM company WHERE code = 'OTHER'"));
    struct raw *r = stream(s, "admin", header);

    CU_ASSERT_TRUE(comes(r, ": heartbeat", &text));
    CU_ASSERT_EQUAL(client_post(c, "{\"subject\":\"Ours\"}", "/api/activity")->status, 201);
    party(c, "EV7"); /* of the group: everybody's */
    CU_ASSERT_TRUE(comes(r, "\"entity\" : \"party\"", &text));
    CU_ASSERT_PTR_NULL(strstr(text, "\"entity\" : \"activity\""));
    raw_close(r);
    client_free(c);
}

static void
a_position_that_is_none_is_malformed(void)
{
    struct raw *r = stream(http_server(), "admin", "Last-Event-ID: soon\r\n");
    const char *answer = raw_answer(r, 2000);

    CU_ASSERT_TRUE(answer && str_starts(answer, "HTTP/1.1 400 "));
    raw_close(r);
}

static void
a_hundred_streams_that_leave_leave_nothing_behind(void)
{
    const struct http_server *s = http_server();
    struct client *c = http_client(s, "admin");
    struct raw *all[100];
    const char *text;

    for (int i = 0; i < 100; i++)
        all[i] = raw_open(s);
    struct raw *one = stream(s, "admin", "");

    for (int i = 0; i < 100; i++)
        raw_close(all[i]);
    CU_ASSERT_TRUE(comes(one, ": heartbeat", &text));
    raw_close(one);
    for (int i = 0; i < 40 && !strstr(client_get(c, "/metrics")->text, "tenon_streams 0\n"); i++)
        raw_pause(50);
    CU_ASSERT_PTR_NOT_NULL(strstr(client_get(c, "/metrics")->text, "tenon_streams 0\n"));
    client_free(c);
}

const struct test events_tests[] = {
    { "a change reaches those who listen", a_change_reaches_those_who_listen },
    { "a stream that comes back misses nothing and repeats nothing",
      a_stream_that_comes_back_misses_nothing_and_repeats_nothing },
    { "a stream shows only what its user may read", a_stream_shows_only_what_its_user_may_read },
    { "another company's changes are not shown", another_company_s_changes_are_not_shown },
    { "a position that is none is malformed", a_position_that_is_none_is_malformed },
    { "a hundred connections that leave leave nothing behind",
      a_hundred_streams_that_leave_leave_nothing_behind },
    { 0 },
};
