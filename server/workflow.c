/*
 * workflow.c - the administrators' calls: workflows, rules, jobs (core/workflow/admin.h).
 */
#include "core/workflow/admin.h"
#include "server/handlers.h"

#include <string.h>

static const char *
query_value(const struct call *c, const char *name)
{
    for (int i = 0; i < c->head.nquery; i++)
        if (!strcmp(c->head.query[i].name, name))
            return c->head.query[i].value;
    return NULL;
}

bool
workflow_list(struct rq *rq, struct call *c)
{
    (void)c;
    return api_workflow_list(rq);
}

bool
workflow_read(struct rq *rq, struct call *c)
{
    return api_workflow_read(rq, c->entity);
}

bool
workflow_version(struct rq *rq, struct call *c)
{
    return api_workflow_version(rq, c->entity, c->record);
}

bool
workflow_draft(struct rq *rq, struct call *c)
{
    return api_workflow_draft(rq, c->entity);
}

bool
workflow_discard(struct rq *rq, struct call *c)
{
    rq->status = 204;
    return api_workflow_discard(rq, c->entity);
}

bool
workflow_act(struct rq *rq, struct call *c)
{
    if (!strcmp(c->action, "validate"))
        return api_workflow_validate(rq, c->entity);
    if (!strcmp(c->action, "publish"))
        return api_workflow_publish(rq, c->entity);
    if (!strcmp(c->action, "rollback"))
        return api_workflow_rollback(rq, c->entity);
    return fail(rq, "not_found", NULL, "There is nothing at this address");
}

bool
workflow_export(struct rq *rq, struct call *c)
{
    (void)c;
    return api_workflow_export(rq);
}

bool
workflow_import(struct rq *rq, struct call *c)
{
    (void)c;
    return api_workflow_import(rq);
}

bool
rule_list(struct rq *rq, struct call *c)
{
    return api_rule_list(rq, query_value(c, "entity"));
}

bool
rule_read(struct rq *rq, struct call *c)
{
    return api_rule_read(rq, c->record);
}

bool
rule_create(struct rq *rq, struct call *c)
{
    (void)c;
    return api_rule_create(rq);
}

bool
rule_change(struct rq *rq, struct call *c)
{
    return api_rule_change(rq, c->record);
}

bool
rule_delete(struct rq *rq, struct call *c)
{
    return api_rule_delete(rq, c->record);
}

bool
rule_runs(struct rq *rq, struct call *c)
{
    const struct entity *e = entity_find(c->entity);

    return e ? api_rule_runs(rq, e, c->record)
             : fail(rq, "not_found", NULL, "There is nothing at this address");
}

bool
job_list(struct rq *rq, struct call *c)
{
    return api_job_list(rq, query_value(c, "state"), query_value(c, "before"));
}

bool
job_act(struct rq *rq, struct call *c)
{
    if (!strcmp(c->action, "retry"))
        return api_job_retry(rq, c->record);
    if (!strcmp(c->action, "drop"))
        return api_job_drop(rq, c->record);
    return fail(rq, "not_found", NULL, "There is nothing at this address");
}
