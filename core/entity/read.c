/*
 * read.c - GET /api/<entity>/<id>: the whole record, with what may be done with it now.
 */
#include "core/entity/query.h"

#include <string.h>

/* {"id": 7, ...} and [...] -> {"id": 7, ..., "operations": [...]} */
static const char *
with_operations(struct rq *rq, const char *record, const char *operations)
{
    return arena_printf(rq->mem, "%.*s,\"operations\":%s}", (int)strlen(record) - 1, record,
                        operations ? operations : "[]");
}

bool
api_read(struct rq *rq, const struct entity *e, const char *id)
{
    struct query q;
    struct str s = str_new(rq->mem);
    const char *record, *version, *whole;

    if (!str_is_id(id))
        return fail(rq, "not_found", NULL, "There is no such record");
    if (!query_begin(&q, rq, e) || !(whole = entity_json_sql(rq, e, true)))
        return false;
    str_printf(&s, "SELECT %s, %s", whole, q.table->has_version ? "t.version" : "NULL");
    query_from(&q, &s);
    str_printf(&s, " AND t.id = %s", query_param(&q, id, "bigint"));
    if (!db_must(rq, s.text, q.nparams, q.params, OUT(&record, &version)))
        return false;
    const char *operations = NULL;

    if (operation_next(e, NULL) || q.table->has_state) {
        operations = entity_events.why(rq, e, id);
        if (rq->errors)
            return false;
    }
    rq->reply = with_operations(rq, record, operations);
    if (version)
        rq->etag = arena_printf(rq->mem, "\"%s\"", version);
    return true;
}
