/*
 * http_server.h - tests/http/ talk to a real tenond: started on port 0, on a database of its
 * own cloned from the template, whose users all have one password.
 */
#ifndef TENON_HTTP_SERVER_H
#define TENON_HTTP_SERVER_H

#include "tests/client/client.h"

#include <stddef.h>
#include <sys/types.h>

#define HTTP_PASSWORD "correct horse"

struct http_server {
    struct http_server *next;
    pid_t pid;
    int port;
    const char *url, *folder;
    const char *admin; /* conninfo of the superuser */
};

/* The one with default settings, shared by all suites; ends with the program. */
const struct http_server *http_server(void);

/* Another, with options such as "--max-body=1000"; the list ends with NULL. What is not
 * stopped by its test is stopped when the program ends. */
struct http_server *http_server_start(const char *const *options);
int http_server_stop(struct http_server *s); /* its exit status */

/* A client that is signed in; login NULL: one that is not. client_free() it. */
struct client *http_client(const struct http_server *s, const char *login);

/* Run SQL in the server's database as its superuser, committed at once; the first column of
 * the first row, or NULL. */
const char *http_sql(const struct http_server *s, const char *sql, ...)
    __attribute__((format(printf, 2, 3)));

/* A connection and transaction of the test's own that stays open: to hold locks. */
void *http_hold(const struct http_server *s, const char *sql);
void http_release(void *held);

/* ------------------------------------------------------------------------ raw TLS */

struct raw;

struct raw *raw_open(const struct http_server *s);
void raw_close(struct raw *r);

/* True when all was taken within a second. */
bool raw_send(struct raw *r, const char *bytes, size_t n);
bool raw_say(struct raw *r, const char *text);

/* One answer, head and body; "" when the server closed instead, NULL when nothing came in
 * that time. Lives until raw_close. */
const char *raw_answer(struct raw *r, int ms);

/* The status of an answer, 0 for none; and a check of it that says what was sent. */
int raw_status(const char *answer);
void raw_check(int line, const char *what, const char *answer, int should);
#define CHECK_STATUS(answer, should) raw_check(__LINE__, "", (answer), (should))
#define RAW_HOST "Host: x\r\n"
#define RAW_HEALTH "GET /health HTTP/1.1\r\n" RAW_HOST "\r\n"

/* All that came and was not taken, after waiting that long for more: for streams. */
const char *raw_text(struct raw *r, int ms);
void raw_pause(int ms);

/* Has the server closed, or does it within that time? */
bool raw_closed(struct raw *r, int ms);
int raw_socket(const struct raw *r);

#endif
