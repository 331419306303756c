/*
 * job_rule.c - a rule's turn, after its event was committed or its time has come.
 */
#include "core/workflow/job.h"
#include "core/workflow/rule.h"

enum { PAGE = 500 }; /* records of a schedule that are read at once */

static bool
record_skip(struct rq *rq, const char *rule, const char *entity, const char *ids, const char *why)
{
    return db_exec(rq, "SELECT workflow_rule_ran($1, $2, $3, 'skipped', $4)",
                   P(rule, entity, ids, why));
}

/* A record may be gone meanwhile: then there is nothing to do. */
static bool
run_on_record(struct rq *rq, const struct rule *r, const struct entity *e, const char *id)
{
    const char *ids = arena_printf(rq->mem, "{%s}", id), *found;

    if (!db_one(rq,
                arena_printf(rq->mem, "SELECT id FROM %s WHERE id = $1 FOR NO KEY UPDATE", e->name),
                P(id), OUT(&found)))
        return false;
    return found ? rule_run(rq, r, e, ids)
                 : record_skip(rq, r->name, e->name, ids, "the record is gone");
}

/* The next ids after *last, in the states that the rule names: "{}" at the end. */
static const char *
next_page(struct rq *rq, const struct rule *r, const struct entity *e, const char **last)
{
    const char *ids;
    const char *sql = arena_printf(
        rq->mem,
        "SELECT coalesce(array_agg(id ORDER BY id), '{}'), max(id) FROM ("
        "    SELECT t.id FROM %s t WHERE t.id > $1"
        "       AND ($2::text IS NULL OR to_jsonb(t) ->> 'state' = ANY (string_to_array($2, ' ')))"
        "     ORDER BY t.id LIMIT %d) page",
        e->name, PAGE);

    return db_one(rq, sql, P(*last, r->state), OUT(&ids, last)) ? ids : NULL;
}

static bool
run_on_all(struct rq *rq, const struct rule *r, const struct entity *e)
{
    const char *last = "0", *ids;

    while ((ids = next_page(rq, r, e, &last)) && ids_count(ids))
        if (!rule_run(rq, r, e, ids))
            return false;
    return ids;
}

bool
job_rule(struct rq *rq, const struct job *job)
{
    const struct entity *e = job->entity ? entity_find(job->entity) : NULL;
    const struct definitions *d = definitions_get(rq);
    const struct rule *r = d && job->rule ? definitions_rule(d, job->rule) : NULL;

    if (!d)
        return false;
    if (!r || !e)
        return !job->record ||
               record_skip(rq, job->rule, job->entity, arena_printf(rq->mem, "{%s}", job->record),
                           "the rule is gone or not active");
    return job->record ? run_on_record(rq, r, e, job->record) : run_on_all(rq, r, e);
}
