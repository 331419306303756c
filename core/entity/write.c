/*
 * write.c - POST, PATCH and DELETE of the interface.
 */
#include "core/entity/body.h"
#include "core/entity/list.h"

#include <string.h>

/* The record as it is at COMMIT, with all that hooks and rules made of it. */
static bool
reply_record(struct rq *rq, const struct entity *e, const char *id)
{
    const char *whole = entity_json_sql(rq, e, true);
    struct str s = str_new(rq->mem);

    if (!whole)
        return false;
    str_printf(&s, "SELECT %s FROM ", whole);
    str_ident(&s, e->name);
    str_add(&s, " t WHERE t.id = $1::bigint");
    return list_reply(rq, s.text, P(id));
}

bool
api_create(struct rq *rq, const struct entity *e)
{
    struct query q;

    if (!query_begin(&q, rq, e))
        return false;
    if (!cJSON_IsObject(rq->body))
        return fail(rq, "malformed", NULL, "This must be an object");
    const char *ids = entity_insert(rq, e->name, arena_printf(rq->mem, "[%s]", rq->body_text));

    if (!ids)
        return false;
    const char *id = arena_strndup(rq->mem, ids + 1, strlen(ids) - 2);

    rq->status = 201;
    rq->location = arena_printf(rq->mem, "/api/%s/%s", e->name, id);
    if (q.table->has_version)
        rq->etag = "\"1\"";
    return reply_record(rq, e, id);
}

/* The version inside If-Match: "3" with its quotes, W/ taken off; NULL for * and for none. */
static bool
version_of(struct rq *rq, const char *if_match, const char **version)
{
    *version = NULL;
    if (!if_match || !strcmp(if_match, "*"))
        return true;
    if (str_starts(if_match, "W/"))
        if_match += 2;
    size_t n = strlen(if_match);

    if (n < 3 || n > 12 || *if_match != '"' || if_match[n - 1] != '"')
        return fail(rq, "malformed", "If-Match", "If-Match is the ETag of the record");
    *version = arena_strndup(rq->mem, if_match + 1, n - 2);
    return str_is_id(*version) ||
           fail(rq, "malformed", "If-Match", "If-Match is the ETag of the record");
}

static bool
reply_version(struct rq *rq, const struct entity *e, const char *id)
{
    struct str s = str_new(rq->mem);
    const char *version;

    str_add(&s, "SELECT version FROM ");
    str_ident(&s, e->name);
    str_add(&s, " WHERE id = $1::bigint");
    if (!db_one(rq, s.text, P(id), OUT(&version)))
        return false;
    if (version)
        rq->etag = arena_printf(rq->mem, "\"%s\"", version);
    return true;
}

bool
api_change(struct rq *rq, const struct entity *e, const char *id, const char *if_match)
{
    const char *version;
    struct query q;

    if (!query_begin(&q, rq, e) || !version_of(rq, if_match, &version))
        return false;
    if (!cJSON_IsObject(rq->body))
        return fail(rq, "malformed", NULL, "This must be an object");
    if (!entity_update(rq, e->name, id, version, rq->body_text))
        return false;
    if (version)
        rq->etag = arena_printf(rq->mem, "\"%lld\"", strtoll(version, NULL, 10) + 1);
    else if (q.table->has_version && !reply_version(rq, e, id))
        return false;
    return reply_record(rq, e, id);
}

/* ------------------------------------------------------------------ delete */

/* The state's place in its workflow decides; the version in the WHERE clause as for a change. */
static bool
may_delete(struct rq *rq, const struct table *t, const char *id, const char *version)
{
    struct str s = str_new(rq->mem);
    const char *initial, *found;

    str_printf(&s, "SELECT %s, %s FROM ", t->has_version ? "t.version" : "0",
               t->has_state ? "(SELECT w.initial FROM workflow_state w"
                              " WHERE w.workflow_id = t.workflow_id AND w.name = t.state)"
                            : "true");
    str_ident(&s, t->name);
    str_add(&s, " t WHERE t.id = $1::bigint");
    if (t->has_company)
        str_add(&s, " AND t.company_id = current_setting('tenon.company')::bigint");
    str_add(&s, " FOR UPDATE OF t");
    if (!db_must(rq, s.text, P(id), OUT(&found, &initial)))
        return false;
    if (version && t->has_version && strcmp(version, found) != 0)
        return fail(rq, "stale", NULL, "Somebody else has changed this record: read it again");
    if (!initial || *initial != 't')
        return fail(rq, "wrong_state", "state",
                    "Only a record that nobody has worked on yet can be"
                    " deleted: cancel it instead");
    return true;
}

bool
api_delete(struct rq *rq, const struct entity *e, const char *id, const char *if_match)
{
    const char *version;
    struct query q;
    struct str s = str_new(rq->mem);

    if (!query_begin(&q, rq, e) || !version_of(rq, if_match, &version))
        return false;
    if (!str_is_id(id) || q.table->is_view)
        return fail(rq, "not_found", NULL, "There is no such record");
    if (!may_delete(rq, q.table, id, version))
        return false;
    str_add(&s, "DELETE FROM ");
    str_ident(&s, q.table->name);
    str_add(&s, " WHERE id = $1::bigint");
    db_exec(rq, s.text, P(id));
    if (!db_flush(rq))
        return false;
    rq->status = 204;
    return true;
}
