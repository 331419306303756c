/*
 * rq.h - the request: everything that one call may touch, from route to reply.
 *
 * Every function above this layer takes one. It owns an arena; what it points to lives
 * until the reply is sent. Functions return false after adding to its list of errors:
 *
 *     return fail(rq, "nothing_ordered", "lines", "Add at least one line first");
 */
#ifndef TENON_RQ_H
#define TENON_RQ_H

#include "core/base/arena.h"
#include "core/base/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

struct db;
struct entity;

struct rq {
    struct arena *mem;
    struct db *db;               /* a connection inside a transaction that the caller of the
                                    operation began and ends */
    const struct entity *entity; /* whose operation runs */
    const char *ids;             /* the records it is about: "{7,9}", a bigint[] literal */
    const cJSON *body;           /* what the caller sent with it, or NULL */
    const char *body_text;       /* the same as text, for SQL ("{}" when nothing was sent) */

    const char *user_id, *company_id; /* decimal text, for parameters */
    const char *language;             /* "en" or "zh" */
    const char *id;                   /* of the request, for logs and the audit */

    struct error *errors;   /* in the order in which they were found; NULL: none yet */
    int depth;              /* rules running inside rules */
    const char *rule;       /* the rule on whose behalf an operation runs, or NULL */
    int moves;              /* states moved so far: what was read before may be out of date */
    const char *rule_chain; /* all of them, the first one first: "a > b", or NULL */

    bool dry_run;           /* everything runs, then the transaction is rolled back */
    int status;             /* of the reply; 0: 200 */
    const char *reply;      /* JSON text, set at the end (see request.h) */
    const char *reply_type; /* NULL: application/json */
    size_t reply_size;      /* 0: up to the NUL */
    const char *file_name;  /* the reply is a file to keep under this name, or NULL */
    const char *location, *etag;
    void *opened;                   /* of request.c */
    bool (*arrived)(struct rq *rq); /* called once, after the next round trip (db_flush) */
};

/* Add an error and return false. message is an English format, translated by tr(). */
bool fail(struct rq *rq, const char *code, const char *field, const char *message, ...)
    __attribute__((format(printf, 4, 5)));

/* The message in the request's language (core/base/tr.h); the message itself when unknown. */
const char *tr(const struct rq *rq, const char *message);

/* What the body holds under this name, as text; NULL when it is not sent or null. */
const char *rq_sent(const struct rq *rq, const char *name);

/* The same for the number of a record; false and an error when it is sent and is none. */
bool rq_reference(struct rq *rq, const char *name, const char **id);

/* Has an error of this code been added? */
bool failed_with(const struct rq *rq, const char *code);

#endif
