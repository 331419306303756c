/*
 * grammar_test.c - requests that two servers could read differently, on raw TLS sockets: they
 * are refused and the connection ends; what is only wrong is answered and it stays.
 */
#include "tests/http_server.h"
#include "tests/test.h"

#include <stdio.h>

#define HOST RAW_HOST
#define HEALTH RAW_HEALTH

static void
still_serves(void)
{
    struct raw *r = raw_open(http_server());

    raw_say(r, HEALTH);
    CHECK_STATUS(raw_answer(r, 2000), 200);
    raw_close(r);
}

/* What is said is answered with this status, and the connection ends. */
static void
refused(int line, const char *text, size_t n, int status)
{
    struct raw *r = raw_open(http_server());

    raw_send(r, text, n);
    raw_check(line, text, raw_answer(r, 3000), status);
    CU_ASSERT_TRUE(raw_closed(r, 3000));
    raw_close(r);
}
#define REFUSED(text, status) refused(__LINE__, (text), strlen(text), (status))

/* The same, but the request was understood: the connection stays. */
static void
answered(int line, const char *text, int status)
{
    struct raw *r = raw_open(http_server());

    raw_say(r, text);
    raw_check(line, text, raw_answer(r, 3000), status);
    raw_say(r, HEALTH);
    CHECK_STATUS(raw_answer(r, 2000), 200);
    raw_close(r);
}
#define ANSWERED(text, status) answered(__LINE__, (text), (status))

/* ----------------------------------------------------------------------------- grammar */

static void
what_two_servers_could_read_differently_is_refused(void)
{
#define POST_WITH(lines) "POST /api/session HTTP/1.1\r\n" HOST lines "\r\n"
#define GET_WITH(lines) "GET /health HTTP/1.1\r\n" lines "\r\n"
    static const char *const heads[] = {
        POST_WITH("Content-Length: 5\r\nContent-Length: 3\r\n") "abcde",
        POST_WITH("Content-Length: 5\r\nContent-Length: 5\r\n") "abcde",
        POST_WITH("Content-Length: +3\r\n") "abc",
        POST_WITH("Content-Length: -1\r\n"),
        POST_WITH("Content-Length: 3,3\r\n") "abc",
        POST_WITH("Content-Length: 0x3\r\n") "abc",
        POST_WITH("Content-Length:\r\n"),
        POST_WITH("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
        GET_WITH("Host : x\r\n"),
        GET_WITH(HOST "X: a\r\n b\r\n"),
        GET_WITH(" X: a\r\n" HOST),
        "GET /health HTTP/1.1\n" HOST "\r\n",
        GET_WITH(HOST "X: a\n"),
        GET_WITH(HOST "X: a\rb\r\n"),
        GET_WITH(HOST "X: a\001\r\n"),
        GET_WITH(HOST "X\r\n"),
        GET_WITH(HOST ": x\r\n"),
        GET_WITH("Host: a\r\nHost: b\r\n"),
        GET_WITH("X: no host\r\n"),
        "GET  /health HTTP/1.1\r\n" HOST "\r\n",
        "GET /health\r\n\r\n",
        "\r\n\r\n",
    };
    static const char nul[] = "GET /health HTTP/1.1\r\nHost: x\0y\r\n\r\n";

    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        REFUSED(heads[i], 400);
    refused(__LINE__, nul, sizeof nul - 1, 400);
    REFUSED("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
    REFUSED(POST_WITH("Transfer-Encoding: chunked\r\n") "7fffffffffffffff\r\n", 411);
    REFUSED(GET_WITH(HOST "Expect: wonders\r\n"), 417);
    still_serves();
}

static void
a_path_is_decoded_once_and_checked(void)
{
    static const char *const bad[] = {
        "/api/%00",    "/api/%",        "/api/%4",         "/api/%zz",   "/api/../", "/api/./x",
        "/api//party", "/api/%2e%2e/x", "/api/a%2fb",      "/api/a%5cb", "/api/%ff", "/api/%0a",
        "*",           "/api/\xff/x",   "http://x/health", "/a#b"
    };
    char text[200];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" HOST "\r\n", bad[i]);
        REFUSED(text, 400);
    }
    ANSWERED("GET /%68ealth HTTP/1.1\r\n" HOST "\r\n", 200);
    ANSWERED("GET /api/%256eothing HTTP/1.1\r\n" HOST "\r\n", 404);
}

static void
methods_are_known_allowed_or_refused(void)
{
    struct raw *r = raw_open(http_server());
    const char *answer;

    ANSWERED("BREW /health HTTP/1.1\r\n" HOST "\r\n", 501);
    ANSWERED("PUT /health HTTP/1.1\r\n" HOST "\r\n", 405);
    ANSWERED("PATCH /api/party/1 HTTP/1.1\r\n" HOST "\r\n", 401);
    ANSWERED("OPTIONS /api/party HTTP/1.1\r\n" HOST "\r\n", 204);
    raw_say(r, "PUT /api/party/1 HTTP/1.1\r\n" HOST "\r\n");
    answer = raw_answer(r, 2000);
    CU_ASSERT_PTR_NOT_NULL(answer ? strstr(answer, "Allow: GET, PATCH, DELETE\r\n") : NULL);
    raw_close(r);
}

static void
a_body_waits_for_the_word_to_continue(void)
{
    struct raw *r = raw_open(http_server());

    raw_say(r, POST_WITH("Content-Type: application/json\r\nExpect: 100-continue\r\n"
                         "Content-Length: 2\r\n"));
    CHECK_STATUS(raw_answer(r, 2000), 100);
    raw_say(r, "{}");
    CHECK_STATUS(raw_answer(r, 2000), 400);
    raw_close(r);
}

static void
a_body_that_is_not_clean_json_is_refused(void)
{
    static const struct {
        const char *type, *body;
        int status;
    } cases[] = {
        { "application/json", "{\"login\":", 400 },
        { "application/json", "[1]", 400 },
        { "application/json", "{} {}", 400 },
        { "application/json", "{\"login\":\"a\\u0000\"}", 400 },
        { "application/json", "{\"login\":\"\xff\"}", 400 },
        { "text/plain", "{}", 415 },
    };
    char text[300];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, POST_WITH("Content-Type: %s\r\nContent-Length: %zu\r\n") "%s",
                 cases[i].type, strlen(cases[i].body), cases[i].body);
        ANSWERED(text, cases[i].status);
    }
}

const struct test grammar_tests[] = {
    { "what two servers could read differently is refused",
      what_two_servers_could_read_differently_is_refused },
    { "a path is decoded once and checked", a_path_is_decoded_once_and_checked },
    { "methods are known, allowed or refused", methods_are_known_allowed_or_refused },
    { "a body waits for the word to continue", a_body_waits_for_the_word_to_continue },
    { "a body that is not clean JSON is refused", a_body_that_is_not_clean_json_is_refused },
    { 0 },
};
