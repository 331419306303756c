/*
 * history.c - GET /api/<entity>/<id>/history.
 */
#include "core/entity/query.h"

bool
api_history(struct rq *rq, const struct entity *e, const char *id)
{
    (void)e, (void)id;
    rq->reply = "{}";
    return true;
}
