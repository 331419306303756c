/*
 * openapi.c - GET /api/openapi.
 */
#include "core/entity/query.h"

bool
api_openapi(struct rq *rq)
{
    rq->reply = "{}";
    return true;
}
