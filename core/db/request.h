/*
 * request.h - the first and the last statements of a request, around its operation.
 *
 *     request_open    queues BEGIN and request_begin(): who is it, may he, answered before
 *     ...             the handler's own statements; the first round trip carries both
 *     request_reply   names the SQL that makes the answer
 *     request_close   answer, idempotency record and COMMIT in one round trip
 *
 * So a list is one round trip, and an operation two besides its own. Until the first one,
 * rq->user_id and company_id are NULL, and the caches of catalog and workflows are taken as
 * they are; should they turn out to be older than the database, the request ends with
 * db_should_retry() and is opened again with wait.
 */
#ifndef TENON_REQUEST_H
#define TENON_REQUEST_H

#include "core/db/db.h"

struct credentials {
    const char *token_hash; /* "\\x..." SHA-256 of the bearer token */
    const char *company_id; /* the company that the request names, or NULL */
    const char *key;        /* Idempotency-Key, or NULL */
    const char *digest;     /* "\\x..." SHA-256 of method, path and body; with key */
    bool read_only;
};

/* Queue BEGIN and the gate. permission: "entity.action" or NULL for any signed-in user. wait:
 * make the round trip here, so that user, company, language and epochs are known. False after
 * an error, and when the request was answered before (request_replayed): then rq->reply,
 * status, location and etag are that answer, rq->errors is NULL, and nothing must be run. The
 * same holds for every later call that makes the first round trip. */
bool request_open(struct rq *rq, const struct credentials *who, const char *permission, bool wait);
bool request_replayed(const struct rq *rq);

/* The handler failed: if the gate has not spoken yet, let it, since who may not ask gets no
 * other answer. */
void request_failed(struct rq *rq);

/* A cache of workflows with this epoch is used although the database's is not known yet. */
bool request_is_waiting(const struct rq *rq);
void request_assume_workflow(struct rq *rq, const char *epoch);

/* The answer is the one JSON text that this query gives; it runs at request_close, inside the
 * transaction, after everything queued. Parameters are copied. */
void request_reply(struct rq *rq, const char *sql, int n, const char *const *params);

/* Inside a batch: the answer of the call so far, now (one round trip with what is queued).
 * Sets rq->reply as request_close would, and forgets the query. */
bool request_answer(struct rq *rq);

/* COMMIT. On success rq->reply is set (it keeps what the handler put there when no
 * request_reply was made). On failure: rolled back, rq->errors set. */
bool request_close(struct rq *rq, const struct credentials *who);

/* For background work, which has no request_open: the epochs that it read itself. */
void request_epochs(struct rq *rq, const char *schema, const char *workflow);

/* Epochs read by request_open, as decimal text, for catalog_get and workflow caches. */
const char *request_schema_epoch(const struct rq *rq);
const char *request_workflow_epoch(const struct rq *rq);

#endif
