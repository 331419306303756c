/*
 * lanes_test.c - one slow call stops nobody else; more than can be queued is refused at
 * once; the database may go and come back; the end waits for what runs.
 */
#include "core/base/str.h"
#include "tests/http_server.h"
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#define WAITS "GET /api/session HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n"

/* All leads are out of reach until http_release(). The catalog is read before. */
static void *
hold_leads(const struct http_server *s, struct client *c)
{
    CU_ASSERT_EQUAL(client_get(c, "/api/lead")->status, 200);
    return http_hold(s, "LOCK TABLE lead IN ACCESS EXCLUSIVE MODE");
}

static void
what_the_queue_cannot_hold_is_refused_at_once(void)
{
    static const char *const options[] = { "--workers=1", "--queue=2", NULL };
    struct http_server *s = http_server_start(options);
    void *held = http_hold(s, "LOCK TABLE app_user IN ACCESS EXCLUSIVE MODE");
    struct raw *r[4];

    for (int i = 0; i < 4; i++) { /* one runs, two wait, one is too many */
        r[i] = raw_open(s);
        raw_say(r[i], WAITS);
        raw_pause(100);
    }
    const char *answer = raw_answer(r[3], 2000);

    CU_ASSERT_TRUE(answer && str_starts(answer, "HTTP/1.1 503 "));
    CU_ASSERT_PTR_NOT_NULL(answer ? strstr(answer, "Retry-After: ") : NULL);
    CU_ASSERT_PTR_NOT_NULL(answer ? strstr(answer, "\"code\":\"busy\"") : NULL);
    CU_ASSERT_PTR_NULL(raw_answer(r[0], 100));
    http_release(held);
    for (int i = 0; i < 4; i++) {
        if (i < 3) {
            answer = raw_answer(r[i], 2000);
            CU_ASSERT_TRUE(answer && str_starts(answer, "HTTP/1.1 401 "));
        }
        raw_close(r[i]);
    }
    CU_ASSERT_EQUAL(http_server_stop(s), 0);
}

static void
slow_calls_do_not_stop_others(void)
{
    struct http_server *s = http_server_start(NULL);
    struct client *c = http_client(s, "admin");
    void *held = hold_leads(s, c);
    struct raw *slow[2];
    struct arena *mem = arena_new();
    const struct answer *a =
        client_post(c, "{\"login\":\"admin\",\"password\":\"" HTTP_PASSWORD "\"}", "/api/session");
    const char *ask = arena_printf(mem,
                                   "GET /api/lead?format=csv HTTP/1.1\r\nHost: x\r\n"
                                   "Authorization: Bearer %s\r\n\r\n",
                                   answer_get(a, "token"));

    for (int i = 0; i < 2; i++) { /* both threads of the slow lane are taken */
        slow[i] = raw_open(s);
        raw_say(slow[i], ask);
    }
    raw_pause(100);
    for (int i = 0; i < 20; i++) {
        a = client_get(c, "/api/party");
        CU_ASSERT_EQUAL(a->status, 200);
        CU_ASSERT_TRUE(a->ms < 1000);
    }
    CU_ASSERT_PTR_NULL(raw_answer(slow[0], 0));
    http_release(held);
    for (int i = 0; i < 2; i++) {
        const char *answer = raw_answer(slow[i], 3000);

        CU_ASSERT_TRUE(answer && str_starts(answer, "HTTP/1.1 200 "));
        raw_close(slow[i]);
    }
    client_free(c);
    arena_free(mem);
    CU_ASSERT_EQUAL(http_server_stop(s), 0);
}

static void
a_statement_that_takes_too_long_is_stopped(void)
{
    static const char *const options[] = { "--query-timeout=1", "--lock-timeout=5", NULL };
    struct http_server *s = http_server_start(options);
    struct client *c = http_client(s, "admin");
    void *held = hold_leads(s, c);
    const struct answer *a = client_get(c, "/api/lead");

    CU_ASSERT_EQUAL(a->status, 408);
    CHECK_TEXT(answer_get(a, "code"), "timeout");
    http_release(held);
    CU_ASSERT_EQUAL(client_get(c, "/api/lead")->status, 200);
    client_free(c);
    CU_ASSERT_EQUAL(http_server_stop(s), 0);
}

static void
a_record_that_is_locked_too_long_is_busy(void)
{
    static const char *const options[] = { "--lock-timeout=1", NULL };
    struct http_server *s = http_server_start(options);
    struct client *c = http_client(s, "admin");
    void *held = hold_leads(s, c);
    const struct answer *a = client_get(c, "/api/lead");

    CU_ASSERT_EQUAL(a->status, 503);
    CU_ASSERT_TRUE(a->ms < 4000); /* not tried again and again */
    CHECK_TEXT(answer_get(a, "code"), "busy");
    http_release(held);
    client_free(c);
    CU_ASSERT_EQUAL(http_server_stop(s), 0);
}

/* All connections are cut, as by a restart of the database. */
static void
a_lost_connection_is_made_again_and_nobody_notices(void)
{
    struct http_server *s = http_server_start(NULL);
    struct client *c = http_client(s, "admin");

    for (int i = 0; i < 3; i++) {
        http_sql(s,
                 "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                 " WHERE datname = current_database() AND pid <> pg_backend_pid()");
        CU_ASSERT_EQUAL(client_get(c, "/api/party")->status, 200);
        CU_ASSERT_EQUAL(client_post(c, "{\"organisation\":\"Again\"}", "/api/lead")->status, 201);
    }
    client_free(c);
    CU_ASSERT_EQUAL(http_server_stop(s), 0);
}

static void
while_the_database_is_away_calls_are_told_so(void)
{
    struct http_server *s = http_server_start(NULL);
    struct client *c = http_client(s, "admin");
    const char *name = http_sql(s, "SELECT current_database()");
    const struct answer *a;

    http_sql(s, "ALTER DATABASE %s CONNECTION LIMIT 0", name);
    http_sql(s,
             "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
             " WHERE datname = current_database() AND pid <> pg_backend_pid()");
    a = client_get(c, "/api/party");
    CU_ASSERT_EQUAL(a->status, 503);
    CHECK_TEXT(answer_get(a, "code"), "database_away");
    CU_ASSERT_EQUAL(client_get(c, "/health")->status, 200);
    http_sql(s, "ALTER DATABASE %s CONNECTION LIMIT -1", name);
    CU_ASSERT_EQUAL(client_get(c, "/api/party")->status, 200);
    client_free(c);
    CU_ASSERT_EQUAL(http_server_stop(s), 0);
}

static void
the_end_waits_for_what_runs(void)
{
    struct http_server *s = http_server_start(NULL);
    void *held = http_hold(s, "LOCK TABLE app_user IN ACCESS EXCLUSIVE MODE");
    struct raw *r = raw_open(s), *idle = raw_open(s), *late;

    raw_say(r, WAITS);
    raw_pause(100);
    kill(s->pid, SIGTERM);
    CU_ASSERT_TRUE(raw_closed(idle, 1000));
    CU_ASSERT_PTR_NULL(raw_answer(r, 300));
    late = raw_open(s);
    CU_ASSERT_TRUE(raw_closed(late, 0) || !raw_answer(late, 100));
    http_release(held);
    const char *answer = raw_answer(r, 2000);

    CU_ASSERT_TRUE(answer && str_starts(answer, "HTTP/1.1 401 "));
    raw_close(late);
    raw_close(idle);
    raw_close(r);
    CU_ASSERT_EQUAL(http_server_stop(s), 0);
}

static void
what_does_not_end_does_not_keep_the_server_up(void)
{
    static const char *const options[] = { "--stop-timeout=1", "--lock-timeout=60",
                                           "--query-timeout=60", NULL };
    struct http_server *s = http_server_start(options);
    void *held = http_hold(s, "LOCK TABLE app_user IN ACCESS EXCLUSIVE MODE");
    struct raw *r = raw_open(s);
    time_t began = time(NULL);

    raw_say(r, WAITS);
    raw_pause(300);
    CU_ASSERT_EQUAL(http_server_stop(s), 0);
    CU_ASSERT_TRUE(time(NULL) - began < 15);
    http_release(held);
    raw_close(r);
}

static void
the_certificate_is_private_stays_and_is_read_again_on_request(void)
{
    struct http_server *s = http_server_start(NULL);
    struct client *c = http_client(s, NULL);
    struct arena *mem = arena_new();
    const char *key = arena_printf(mem, "%s/key.pem", s->folder);
    struct stat st;

    CU_ASSERT_EQUAL(stat(key, &st), 0);
    CU_ASSERT_EQUAL(st.st_mode & 0777, 0600);
    CU_ASSERT_NOT_EQUAL(st.st_uid, 0); /* nor does the server run as root */
    kill(s->pid, SIGHUP);
    raw_pause(200);
    CU_ASSERT_EQUAL(client_get(c, "/health")->status, 200);
    FILE *f = fopen(key, "w"); /* a broken one is not taken */

    fclose(f);
    kill(s->pid, SIGHUP);
    raw_pause(200);
    client_free(c);
    c = http_client(s, "admin");
    CU_ASSERT_EQUAL(client_get(c, "/api/party")->status, 200);
    client_free(c);
    arena_free(mem);
    CU_ASSERT_EQUAL(http_server_stop(s), 0);
}

const struct test lanes_tests[] = {
    { "what the queue cannot hold is refused at once",
      what_the_queue_cannot_hold_is_refused_at_once },
    { "slow calls do not stop others", slow_calls_do_not_stop_others },
    { "a statement that takes too long is stopped", a_statement_that_takes_too_long_is_stopped },
    { "a record that is locked too long is busy", a_record_that_is_locked_too_long_is_busy },
    { "a lost connection is made again and nobody notices",
      a_lost_connection_is_made_again_and_nobody_notices },
    { "while the database is away calls are told so",
      while_the_database_is_away_calls_are_told_so },
    { "the end waits for what runs", the_end_waits_for_what_runs },
    { "what does not end does not keep the server up",
      what_does_not_end_does_not_keep_the_server_up },
    { "the certificate is private, stays, and is read again on request",
      the_certificate_is_private_stays_and_is_read_again_on_request },
    { 0 },
};
