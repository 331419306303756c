/*
 * request.c - the gate at the start of a request and the answer at its end.
 */
#include "core/db/request.h"
#include "core/base/str.h"
#include "core/db/catalog.h"

#include <string.h>

/* What request_begin() told, and what will be the answer. Lives in the request's arena,
 * behind rq->opened. */
struct opened {
    const char *schema_epoch, *workflow_epoch;
    const char *assumed_workflow; /* epoch of a cache in use before workflow_epoch was known */
    const char *assumed_language; /* in which errors were told before the user's was known */
    const char *language, *status, *body, *headers;
    bool replayed;
    const char *answer_sql; /* NULL: rq->reply stands */
    int nparams;
    const char **params;
};

static const char begin[] =
    "SELECT user_id, company_id, language, schema_epoch, workflow_epoch,"
    "       replay_status, replay_body, replay_headers"
    "  FROM request_begin($1, $2, $3, $4, $5, $6)";

/* The headers kept with an answer: {"location": ..., "etag": ...}. */
static void
headers_restore(struct rq *rq, const char *text)
{
    cJSON *kept = text ? cJSON_Parse(text) : NULL;

    rq->location =
        arena_strdup(rq->mem, cJSON_GetStringValue(cJSON_GetObjectItem(kept, "location")));
    rq->etag = arena_strdup(rq->mem, cJSON_GetStringValue(cJSON_GetObjectItem(kept, "etag")));
    cJSON_Delete(kept);
}

static const char *
headers_text(struct rq *rq)
{
    struct str s = str_new(rq->mem);

    str_add(&s, "{\"location\":");
    str_json(&s, rq->location);
    str_add(&s, ",\"etag\":");
    str_json(&s, rq->etag);
    str_char(&s, '}');
    return s.text;
}

static int
status_number(const char *digits)
{
    return (int)strtol(digits, NULL, 10);
}

/* The gate has spoken. */
static bool
on_arrival(struct rq *rq)
{
    struct opened *o = rq->opened;

    rq->language = o->language;
    if (o->status) {
        o->replayed = true;
        rq->status = status_number(o->status);
        rq->reply = o->body;
        headers_restore(rq, o->headers);
        return false;
    }
    if (!catalog_is_current(o->schema_epoch) ||
        (o->assumed_workflow && strcmp(o->assumed_workflow, o->workflow_epoch)))
        return db_again(rq);
    return true;
}

bool
request_open(struct rq *rq, const struct credentials *who, const char *permission, bool wait)
{
    struct opened *o = arena_alloc(rq->mem, sizeof *o);

    rq->opened = o;
    if (!db_begin(rq, who->read_only))
        return false;
    db_ask(rq, begin,
           P(who->token_hash, permission, who->company_id, rq->id, who->key, who->digest),
           OUT(&rq->user_id, &rq->company_id, &o->language, &o->schema_epoch, &o->workflow_epoch,
               &o->status, &o->body, &o->headers));
    if (!wait) {
        o->assumed_language = rq->language;
        rq->arrived = on_arrival;
        return true;
    }
    if (!db_flush(rq) || !catalog_get(rq, o->schema_epoch))
        return false;
    return on_arrival(rq);
}

bool
request_replayed(const struct rq *rq)
{
    const struct opened *o = rq->opened;

    return o && o->replayed;
}

bool
request_is_waiting(const struct rq *rq)
{
    return rq->arrived != NULL;
}

void
request_assume_workflow(struct rq *rq, const char *epoch)
{
    struct opened *o = rq->opened;

    o->assumed_workflow = epoch;
}

void
request_failed(struct rq *rq)
{
    const struct opened *o = rq->opened;
    struct error *errors = rq->errors;

    if (rq->arrived) {
        rq->errors = NULL;
        if (o->status) /* what failed after the gate was a repeat */
            on_arrival(rq);
        else if (db_flush(rq) || !rq->errors)
            rq->errors = errors;
    }
    if (request_replayed(rq))
        rq->errors = NULL;
    else if (rq->errors && o->assumed_language && o->language &&
             (strcmp(o->assumed_language, o->language) || !catalog_is_current(o->schema_epoch)))
        db_again(rq); /* told in another language than the user's, or from an old catalog */
}

void
request_reply(struct rq *rq, const char *sql, int n, const char *const *params)
{
    struct opened *o = rq->opened ? rq->opened : arena_alloc(rq->mem, sizeof *o);

    rq->opened = o; /* a test or a tool has no request_open */
    o->answer_sql = sql;
    o->nparams = n;
    o->params = arena_alloc(rq->mem, (size_t)(n + 3) * sizeof *o->params);
    for (int i = 0; i < n; i++)
        o->params[i] = arena_strdup(rq->mem, params[i]);
}

/* The answer, kept under its key when the request has one. */
static void
queue_answer(struct rq *rq, const struct credentials *who)
{
    struct opened *o = rq->opened;
    const char *status = arena_printf(rq->mem, "%d", rq->status ? rq->status : 200);

    if (!o->answer_sql && !who->key)
        return;
    if (!o->answer_sql) {
        db_exec(rq, "SELECT request_end($1, $2, $3, $4)",
                P(who->key, status, rq->reply, headers_text(rq)));
        return;
    }
    if (!who->key) {
        db_ask(rq, o->answer_sql, o->nparams, o->params, OUT(&rq->reply));
        return;
    }
    int n = o->nparams;

    o->params[n] = who->key;
    o->params[n + 1] = status;
    o->params[n + 2] = headers_text(rq);
    db_ask(rq,
           arena_printf(rq->mem, "SELECT request_end($%d, $%d::integer, (%s)::text, $%d)", n + 1,
                        n + 2, o->answer_sql, n + 3),
           n + 3, o->params, OUT(&rq->reply));
}

bool
request_answer(struct rq *rq)
{
    struct opened *o = rq->opened;

    if (o->answer_sql)
        db_ask(rq, o->answer_sql, o->nparams, o->params, OUT(&rq->reply));
    o->answer_sql = NULL;
    return db_flush(rq) && !rq->errors;
}

bool
request_close(struct rq *rq, const struct credentials *who)
{
    /* A repeat must be known before COMMIT. */
    bool good = !rq->errors && (!rq->arrived || !who->key || db_flush(rq));

    if (good && rq->dry_run) {
        db_rollback(rq);
        return true;
    }
    if (good)
        queue_answer(rq, who);
    good = good && db_commit(rq);
    if (!good)
        db_rollback(rq);
    return good;
}

void
request_epochs(struct rq *rq, const char *schema, const char *workflow)
{
    struct opened *o = arena_alloc(rq->mem, sizeof *o);

    o->schema_epoch = schema;
    o->workflow_epoch = workflow;
    rq->opened = o;
}

const char *
request_schema_epoch(const struct rq *rq)
{
    const struct opened *o = rq->opened;

    return o ? o->schema_epoch : NULL;
}

const char *
request_workflow_epoch(const struct rq *rq)
{
    const struct opened *o = rq->opened;

    return o ? o->workflow_epoch : NULL;
}
