/*
 * outbox.c - from committed changes to events and jobs, and the jobs' turn.
 *
 * A job is taken, done and marked as done in one transaction: a crash in between undoes all
 * of it, and another thread takes it again. Only what leaves the database (a webhook) may
 * happen twice; it carries the job's id, so that the receiver can tell.
 */
#include "core/workflow/outbox.h"
#include "core/workflow/job.h"

#include "core/base/log.h"
#include "core/base/str.h"

#include <string.h>

bool
outbox_publish(struct rq *rq, int *published)
{
    const char *n;

    *published = 0;
    if (!db_begin(rq, false) || !db_one(rq, "SELECT outbox_publish()", NONE, OUT(&n)) ||
        !db_commit(rq)) {
        db_rollback(rq);
        return false;
    }
    *published = n ? (int)strtol(n, NULL, 10) : 0;
    return true;
}

/* ---------------------------------------------------------------------------- one job */

static bool
take(struct rq *rq, struct job *job)
{
    return db_one(rq,
                  "SELECT id, kind, company_id, actor_id, language, payload ->> 'rule',"
                  "       payload ->> 'entity', payload ->> 'record', payload ->> 'url',"
                  "       payload ->> 'body',"
                  "       (SELECT value FROM epoch WHERE name = 'schema'),"
                  "       (SELECT value FROM epoch WHERE name = 'workflow') FROM job_take()",
                  NONE,
                  OUT(&job->id, &job->kind, &job->company_id, &job->actor_id, &job->language,
                      &job->rule, &job->entity, &job->record, &job->url, &job->body,
                      &job->schema_epoch, &job->workflow_epoch));
}

static bool
run(struct rq *rq, const struct job *job)
{
    rq->id = arena_printf(rq->mem, "job-%s", job->id);
    rq->user_id = job->actor_id;
    rq->company_id = job->company_id;
    rq->language = job->language;
    rq->body_text = "{}";
    request_epochs(rq, job->schema_epoch, job->workflow_epoch);
    db_exec(rq, "SELECT context_set($1, $2, $3)", P(job->actor_id, job->company_id, rq->id));
    if (!strcmp(job->kind, "rule"))
        return job_rule(rq, job);
    if (!strcmp(job->kind, "webhook"))
        return job_webhook(rq, job);
    return fail(rq, "internal", NULL, "There is no job of kind %s", job->kind);
}

/* All that was wrong, in one line for the administrator. */
static const char *
reasons(struct rq *rq)
{
    struct str s = str_new(rq->mem);

    for (const struct error *e = rq->errors; e; e = e->next)
        str_printf(&s, "%s%s: %s", s.len ? "; " : "", e->code, e->message);
    return s.text;
}

/* In a transaction of its own, since the job's was undone. */
static bool
note_failure(struct rq *rq, const struct job *job)
{
    const char *why = reasons(rq);

    log_warn("job failed", "job", job->id, "kind", job->kind, "why", why);
    rq->errors = NULL;
    if (db_begin(rq, false) && db_exec(rq, "SELECT job_failed($1, $2)", P(job->id, why)) &&
        db_commit(rq))
        return true;
    db_rollback(rq);
    return false;
}

bool
jobs_run_one(struct rq *rq, bool *ran)
{
    struct job job = { 0 };

    *ran = false;
    if (!db_begin(rq, false) || !take(rq, &job)) {
        db_rollback(rq);
        return false;
    }
    if (!job.id) {
        db_rollback(rq);
        return true;
    }
    *ran = true;
    if (run(rq, &job) && db_exec(rq, "SELECT job_done($1)", P(job.id)) && db_commit(rq))
        return true;
    db_rollback(rq);
    if (db_should_retry(rq) && db_alive(rq->db)) {
        rq->errors = NULL; /* a deadlock or the like: the job is still due */
        return true;
    }
    return db_alive(rq->db) && note_failure(rq, &job);
}
