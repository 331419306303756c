/*
 * flow.c - GET /api/<entity>/<id>/flow.
 */
#include "core/entity/query.h"

bool
api_flow(struct rq *rq, const struct entity *e, const char *id)
{
    (void)e, (void)id;
    rq->reply = "{}";
    return true;
}
