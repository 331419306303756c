/*
 * guards_test.c - a hostile client, on raw TLS sockets: each limit is passed, and the server
 * must answer as it should, let go in time, and still serve others afterwards.
 */
#include "core/base/str.h"
#include "tests/http_server.h"
#include "tests/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A server whose limits are low and whose timers are short. */
static const struct http_server *
strict(void)
{
    static const char *const options[] = { "--handshake-timeout=1",
                                           "--idle-timeout=1",
                                           "--request-timeout=1",
                                           "--write-timeout=1",
                                           "--max-head=4K",
                                           "--max-headers=20",
                                           "--max-target=1000",
                                           "--max-parameters=10",
                                           "--max-body=2000",
                                           "--max-json-depth=8",
                                           NULL };
    static struct http_server *s;

    if (!s)
        s = http_server_start(options);
    return s;
}

static long
now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

#define HOST RAW_HOST
#define HEALTH RAW_HEALTH

static void
still_serves(void)
{
    struct raw *r = raw_open(strict());

    raw_say(r, HEALTH);
    CHECK_STATUS(raw_answer(r, 2000), 200);
    raw_close(r);
}

/* What is said is answered with this status, and the connection ends. */
static void
refused(int line, const char *text, size_t n, int status)
{
    struct raw *r = raw_open(strict());

    raw_send(r, text, n);
    raw_check(line, text, raw_answer(r, 3000), status);
    CU_ASSERT_TRUE(raw_closed(r, 3000));
    raw_close(r);
}
#define REFUSED(text, status) refused(__LINE__, (text), strlen(text), (status))

/* ------------------------------------------------------------------------------- sizes */

static void
a_body_over_the_limit_is_refused_before_it_is_read(void)
{
    REFUSED("POST /api/party HTTP/1.1\r\n" HOST "Content-Length: 2001\r\n\r\n", 413);
    REFUSED("POST /api/party HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n",
            413);
    still_serves();
}

static void
a_head_over_the_limit_is_refused(void)
{
    char head[6000];

    memset(head, 'a', sizeof head);
    refused(__LINE__, head, sizeof head, 431); /* a first line without an end */
    memcpy(head, "GET / HTTP/1.1\r\nX: ", 19);
    refused(__LINE__, head, sizeof head, 431);
    still_serves();
}

static void
too_many_headers_are_refused(void)
{
    struct str s = str_new(arena_new());

    str_add(&s, "GET /health HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 20; i++)
        str_printf(&s, "X-%d: 1\r\n", i);
    str_add(&s, "\r\n");
    REFUSED(s.text, 431);
    arena_free(s.mem);
}

static void
a_target_and_a_query_over_their_limits_are_refused(void)
{
    struct str s = str_new(arena_new());

    str_add(&s, "GET /");
    for (int i = 0; i < 1000; i++)
        str_char(&s, 'a');
    str_add(&s, " HTTP/1.1\r\n" HOST "\r\n");
    REFUSED(s.text, 414);
    REFUSED("GET /?a&a&a&a&a&a&a&a&a&a&a HTTP/1.1\r\n" HOST "\r\n", 400);
    arena_free(s.mem);
}

static void
json_too_deep_is_refused(void)
{
    struct client *c = http_client(strict(), "admin");
    const struct answer *a = client_post(c, "{\"a\":[[[[[[[[1]]]]]]]]}", "/api/party");

    CU_ASSERT_EQUAL(a->status, 400);
    CU_ASSERT_PTR_NOT_NULL(strstr(a->text, "nested"));
    a = client_post(c, "{\"a\":[[[[[[[1]]]]]]]}", "/api/party");
    CU_ASSERT_PTR_NULL(strstr(a->text, "nested"));
    client_free(c);
}

/* -------------------------------------------------------------------------------- time */

static void
a_request_that_trickles_in_is_ended_in_time(void)
{
    struct raw *r = raw_open(strict());
    long began = now_ms();
    const char *answer = NULL;

    raw_say(r, "GET /health HTTP/1.1\r\nX: ");
    for (int i = 0; i < 40 && !answer; i++) {
        raw_say(r, "a");
        answer = raw_answer(r, 100);
    }
    CHECK_STATUS(answer, 408);
    CU_ASSERT_TRUE(now_ms() - began < 2000);
    CU_ASSERT_TRUE(raw_closed(r, 3000));
    raw_close(r);
}

static void
a_body_that_trickles_in_is_ended_in_time(void)
{
    struct raw *r = raw_open(strict());
    const char *answer = NULL;

    raw_say(r, "POST /api/session HTTP/1.1\r\n" HOST "Content-Length: 1000\r\n\r\n");
    for (int i = 0; i < 40 && !answer; i++) {
        raw_say(r, "a");
        answer = raw_answer(r, 100);
    }
    CHECK_STATUS(answer, 408);
    raw_close(r);
}

static void
an_idle_connection_is_closed(void)
{
    struct raw *r = raw_open(strict());

    raw_say(r, HEALTH);
    CHECK_STATUS(raw_answer(r, 1000), 200);
    CU_ASSERT_FALSE(raw_closed(r, 400));
    CU_ASSERT_TRUE(raw_closed(r, 2000));
    raw_close(r);
}

static void
a_connection_that_never_shakes_hands_is_closed(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)strict()->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char byte;

    CU_ASSERT_EQUAL(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    CU_ASSERT_EQUAL(poll(&(struct pollfd){ fd, POLLIN, 0 }, 1, 3000), 1);
    CU_ASSERT_TRUE(read(fd, &byte, 1) <= 0);
    close(fd);
}

/* Ten megabytes of requests, and not one byte of the answers is taken. */
static void
an_answer_that_nobody_takes_is_given_up(void)
{
    struct raw *r = raw_open(strict());
    struct str s = str_new(arena_new());
    int small = 4096;
    long got = 0;

    setsockopt(raw_socket(r), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 300000; i++)
        str_add(&s, HEALTH);
    CU_ASSERT_FALSE(raw_send(r, s.text, s.len)); /* stalls: neither side can go on */
    sleep(2);
    for (const char *a; (a = raw_answer(r, 200)) && *a;)
        got++;
    CU_ASSERT_TRUE(got < 300000);
    CU_ASSERT_TRUE(raw_closed(r, 2000));
    raw_close(r);
    arena_free(s.mem);
    still_serves();
}

/* ------------------------------------------------------------------------- connections */

static void
five_pipelined_requests_are_answered_in_order(void)
{
    struct raw *r = raw_open(strict());

    raw_say(r, HEALTH "GET /nothing HTTP/1.1\r\n" HOST "\r\nGET /api/party HTTP/1.1\r\n" HOST
                      "\r\n" HEALTH "BREW / HTTP/1.1\r\n" HOST "\r\n");
    CHECK_STATUS(raw_answer(r, 2000), 200);
    CHECK_STATUS(raw_answer(r, 2000), 404);
    CHECK_STATUS(raw_answer(r, 2000), 401);
    CHECK_STATUS(raw_answer(r, 2000), 200);
    CHECK_STATUS(raw_answer(r, 2000), 501);
    raw_close(r);
}

static void
the_last_answer_comes_whole_before_the_close(void)
{
    struct raw *r = raw_open(strict());
    const char *answer;

    raw_say(r, "GET /metrics HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n");
    answer = raw_answer(r, 2000);
    CHECK_STATUS(answer, 200);
    CU_ASSERT_PTR_NOT_NULL(answer ? strstr(answer, "Connection: close\r\n") : NULL);
    CU_ASSERT_PTR_NOT_NULL(answer ? strstr(answer, "# EOF\n") : NULL);
    CU_ASSERT_TRUE(raw_closed(r, 2000));
    raw_close(r);
}

static long
resident_kib(pid_t pid)
{
    char path[64], line[256];
    long kib = 0;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");

    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "VmRSS:", 6))
            kib = strtol(line + 6, NULL, 10);
    if (f)
        fclose(f);
    return kib;
}

#define WAITS "GET /api/session HTTP/1.1\r\n" HOST "Authorization: Bearer x\r\n\r\n"

static void
pipelining_behind_a_slow_request_costs_no_memory(void)
{
    const struct http_server *s = strict();
    struct str junk = str_new(arena_new());
    void *held = http_hold(s, "LOCK TABLE app_user IN ACCESS EXCLUSIVE MODE");
    struct raw *r = raw_open(s);
    long before = resident_kib(s->pid);

    while (junk.len < 32 << 20)
        str_add(&junk, HEALTH);
    raw_say(r, WAITS);
    CU_ASSERT_FALSE(raw_send(r, junk.text, junk.len)); /* it does not take 32 MiB */
    CU_ASSERT_TRUE(resident_kib(s->pid) - before < 4096);
    http_release(held);
    raw_close(r);
    arena_free(junk.mem);
    still_serves();
}

static void
a_client_that_leaves_while_its_request_runs_hurts_nobody(void)
{
    const struct http_server *s = strict();
    void *held = http_hold(s, "LOCK TABLE app_user IN ACCESS EXCLUSIVE MODE");
    struct linger none = { 1, 0 };

    for (int i = 0; i < 20; i++) {
        struct raw *r = raw_open(s);

        raw_say(r, WAITS);
        if (i % 2) /* a reset, not a goodbye */
            setsockopt(raw_socket(r), SOL_SOCKET, SO_LINGER, &none, sizeof none);
        raw_close(r);
    }
    http_release(held);
    still_serves();
}

static void
one_address_has_so_many_connections(void)
{
    static const char *const options[] = { "--max-connections-per-address=5", NULL };
    struct http_server *s = http_server_start(options);
    struct raw *open[5], *more;

    for (int i = 0; i < 5; i++) {
        open[i] = raw_open(s);
        CU_ASSERT_FALSE(raw_closed(open[i], 0));
    }
    more = raw_open(s);
    CU_ASSERT_TRUE(raw_closed(more, 1000));
    raw_close(more);
    raw_close(open[0]); /* one leaves: another may come */
    usleep(200000);
    open[0] = raw_open(s);
    raw_say(open[0], HEALTH);
    CHECK_STATUS(raw_answer(open[0], 2000), 200);
    for (int i = 0; i < 5; i++)
        raw_close(open[i]);
    CU_ASSERT_EQUAL(http_server_stop(s), 0);
}

/* Without TCP_NODELAY each answer would wait 40 ms. */
static void
small_answers_are_not_held_back(void)
{
    struct raw *r = raw_open(strict());
    long began = now_ms();

    for (int i = 0; i < 50; i++) {
        raw_say(r, HEALTH);
        CHECK_STATUS(raw_answer(r, 2000), 200);
    }
    CU_ASSERT_TRUE(now_ms() - began < 1000);
    raw_close(r);
}

static void
old_versions_of_tls_are_refused(void)
{
    const struct http_server *s = strict();
    char command[300];

    snprintf(command, sizeof command, "curl -sk --tls-max 1.1 -o /dev/null %s/health", s->url);
    CU_ASSERT_NOT_EQUAL(pclose(popen(command, "r")), 0);
    snprintf(command, sizeof command, "curl -sk --tlsv1.3 -o /dev/null %s/health", s->url);
    CU_ASSERT_EQUAL(pclose(popen(command, "r")), 0);
}

const struct test guards_tests[] = {
    { "a body over the limit is refused before it is read",
      a_body_over_the_limit_is_refused_before_it_is_read },
    { "a head over the limit is refused", a_head_over_the_limit_is_refused },
    { "too many headers are refused", too_many_headers_are_refused },
    { "a target and a query over their limits are refused",
      a_target_and_a_query_over_their_limits_are_refused },
    { "JSON too deep is refused", json_too_deep_is_refused },
    { "a request that trickles in is ended in time", a_request_that_trickles_in_is_ended_in_time },
    { "a body that trickles in is ended in time", a_body_that_trickles_in_is_ended_in_time },
    { "an idle connection is closed", an_idle_connection_is_closed },
    { "a connection that never shakes hands is closed",
      a_connection_that_never_shakes_hands_is_closed },
    { "an answer that nobody takes is given up", an_answer_that_nobody_takes_is_given_up },
    { "five pipelined requests are answered in order",
      five_pipelined_requests_are_answered_in_order },
    { "the last answer comes whole before the close",
      the_last_answer_comes_whole_before_the_close },
    { "pipelining behind a slow request costs no memory",
      pipelining_behind_a_slow_request_costs_no_memory },
    { "a client that leaves while its request runs hurts nobody",
      a_client_that_leaves_while_its_request_runs_hurts_nobody },
    { "one address has so many connections", one_address_has_so_many_connections },
    { "small answers are not held back", small_answers_are_not_held_back },
    { "old versions of TLS are refused", old_versions_of_tls_are_refused },
    { 0 },
};
