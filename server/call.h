/*
 * call.h - one HTTP call, from its last byte in to its first byte out.
 *
 * A call is owned by one thread at a time: the loop makes it, gives it to a lane
 * (worker.h) or answers at once, and gets it back through the list of done calls.
 */
#ifndef TENON_CALL_H
#define TENON_CALL_H

#include "core/db/request.h"
#include "server/head.h"

#include <time.h>

struct conn;
struct route;

struct call {
    struct call *next;  /* in a lane's queue, or in the list of done calls */
    struct arena *mem;  /* what was asked, and the answer */
    struct arena *work; /* of one attempt: rq->mem */
    struct conn *conn;  /* the loop's alone; NULL when the client has left */

    char id[24];         /* of the request: X-Request-Id, audit, log */
    const char *address; /* of the client */
    struct head head;
    const char *body; /* NUL-terminated, "" when nothing was sent */
    size_t length;
    const cJSON *json;    /* the body, once call_parse() has read it */
    const char *language; /* of Accept-Language, then the user's */

    const struct route *route;            /* NULL: no such address */
    const char *entity, *record, *action; /* what the address names, or NULL */
    struct credentials who;               /* filled for calls of signed-in users */
    struct timespec began;

    /* the answer */
    int status;
    const char *reply;
    size_t reply_length;
    const char *media_type, *location, *etag, *allow, *file_name;
    int retry_after;                   /* seconds; 0: not said */
    struct subscription *subscription; /* events.h: the connection becomes a stream */
    int syncs;
    const char *user_id;
};

struct call *call_new(void);
void call_free(struct call *c);

/* Take the answer: a JSON text, or a file (both copied). */
void call_reply(struct call *c, int status, const char *json);
void call_reply_file(struct call *c, const char *bytes, size_t n, const char *media_type,
                     const char *file_name);

/* An RFC 9457 problem of all errors in the list; for one error; for a refused head. */
void call_problem(struct call *c, const struct error *errors);
void call_fail(struct call *c, const char *code, const char *message);
void call_refuse(struct call *c, const struct refusal *why);

/* Read the body as a JSON object: sets c->json. Refuses other media types, bad UTF-8, depth
 * beyond the limit and NUL escapes. An empty body is {}. */
bool call_parse(struct call *c, int depth_limit, struct refusal *why);

/* SHA-256 as a bytea literal "\\x...". */
const char *sha256_text(struct arena *mem, const void *bytes, size_t n);

/* A random token of 256 bits, base64url. */
const char *token_new(struct arena *mem);

#endif
