/*
 * client.h - a client of the HTTPS interface for tests, the demo story and benchmarks: one
 * connection kept alive, an Idempotency-Key made for each write. Not thread-safe: one
 * client per thread.
 */
#ifndef TENON_TEST_CLIENT_H
#define TENON_TEST_CLIENT_H

#include <cjson/cJSON.h>
#include <stdbool.h>

struct client;

/* What came back. Valid until the client's next call. */
struct answer {
    long status;      /* 0: no answer; error says why */
    const char *text; /* the body, "" when empty */
    cJSON *json;      /* the body parsed, or NULL */
    const char *etag, *location, *request_id;
    long syncs; /* pipeline syncs that the server counted, -1 when not said */
    double ms;  /* from sending to the last byte */
    const char *error;
};

/* base: "https://127.0.0.1:8443"; its certificate is not checked (loopback, self-signed). */
struct client *client_new(const char *base);
void client_free(struct client *c);

/* Sign in; the token is used from then on. */
bool client_sign_in(struct client *c, const char *login, const char *password);
void client_set_token(struct client *c, const char *token);

/* Headers for all later calls, such as "X-Tenon-Company: 2"; replaces one of the same name. */
void client_set_header(struct client *c, const char *header);

/* The key of the next write instead of a fresh one; "" sends none. */
void client_next_key(struct client *c, const char *key);

/* Call the interface. body is JSON text or NULL. */
const struct answer *client_call(struct client *c, const char *method, const char *path,
                                 const char *body);

/* The same with printf for the path, for the calls that stories make all the time. */
const struct answer *client_get(struct client *c, const char *path, ...)
    __attribute__((format(printf, 2, 3)));
const struct answer *client_post(struct client *c, const char *body, const char *path, ...)
    __attribute__((format(printf, 3, 4)));

/* A value inside the answer by path: "record.number", "created.0.id", "data.3.total". Text of
 * strings and integers, valid until the next call; NULL when absent or null. */
const char *answer_get(const struct answer *a, const char *path);

/* The sentences of a problem, joined; "" when it is none. For messages to people. */
const char *answer_problem(const struct answer *a);

#endif
