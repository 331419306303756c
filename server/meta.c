/*
 * meta.c - what describes the interface; and the ways to reports and imports.
 */
#include "core/entity/import.h"
#include "reports/report.h"
#include "server/handlers.h"

#include <stddef.h>

bool
meta_read(struct rq *rq, struct call *c)
{
    (void)c;
    return api_meta(rq);
}

bool
openapi_read(struct rq *rq, struct call *c)
{
    (void)c;
    return api_openapi(rq);
}

bool
report_run(struct rq *rq, struct call *c)
{
    return api_report(rq, c->entity, c->head.query, c->head.nquery);
}

bool
report_list(struct rq *rq, struct call *c)
{
    (void)c;
    return api_reports(rq);
}

bool
import_run(struct rq *rq, struct call *c)
{
    const struct entity *e = entity_find(c->entity);
    const char *type = head_find(&c->head, "Content-Type");

    if (!e || e->internal)
        return fail(rq, "not_found", NULL, "There is nothing at this address");
    rq->entity = e;
    return api_import(rq, e, type ? type : "", c->body, c->length, c->head.query, c->head.nquery);
}
