/*
 * meta.c - GET /api/meta.
 */
#include "core/entity/query.h"

bool
api_meta(struct rq *rq)
{
    rq->reply = "{}";
    return true;
}
