/*
 * records.c - the calls that every entity has.
 */
#include "core/base/str.h"
#include "core/entity/export.h"
#include "core/workflow/workflow.h"
#include "server/handlers.h"

#include <string.h>

enum { MOST_IDS = 1000 };

/* The entity that the address names; what is only reachable inside another is unknown here. */
static const struct entity *
entity_of(struct rq *rq, const struct call *c)
{
    const struct entity *e = entity_find(c->entity);

    if (e && !e->internal)
        return rq->entity = e;
    fail(rq, "not_found", NULL, "There is nothing at this address");
    return NULL;
}

bool
records_list(struct rq *rq, struct call *c)
{
    const struct entity *e = entity_of(rq, c);
    const char *format = head_parameter(&c->head, "format");

    if (e && format)
        return api_export(rq, e, c->head.query, c->head.nquery, format);
    return e && api_list(rq, e, c->head.query, c->head.nquery);
}

bool
records_read(struct rq *rq, struct call *c)
{
    const struct entity *e = entity_of(rq, c);

    return e && api_read(rq, e, c->record);
}

bool
records_create(struct rq *rq, struct call *c)
{
    const struct entity *e = entity_of(rq, c);

    rq->status = 201;
    return e && api_create(rq, e);
}

bool
records_change(struct rq *rq, struct call *c)
{
    const struct entity *e = entity_of(rq, c);

    return e && api_change(rq, e, c->record, head_find(&c->head, "If-Match"));
}

bool
records_delete(struct rq *rq, struct call *c)
{
    const struct entity *e = entity_of(rq, c);

    rq->status = 204;
    return e && api_delete(rq, e, c->record, head_find(&c->head, "If-Match"));
}

bool
records_history(struct rq *rq, struct call *c)
{
    const struct entity *e = entity_of(rq, c);

    return e && api_history(rq, e, c->record);
}

bool
records_flow(struct rq *rq, struct call *c)
{
    const struct entity *e = entity_of(rq, c);

    return e && api_flow(rq, e, c->record);
}

bool
records_why(struct rq *rq, struct call *c)
{
    const struct entity *e = entity_of(rq, c);

    if (!e)
        return false;
    rq->reply = workflow_why(rq, e, c->record);
    return rq->reply != NULL;
}

/* -------------------------------------------------------------------------- operations */

/* {"record": {...}, "created": [...]}, or "records" of many. */
static bool
reply_operated(struct rq *rq, const struct entity *e, const char *ids, bool many)
{
    const char *json = entity_json_sql(rq, e, true);
    struct str s = str_new(rq->mem);

    if (!json)
        return false;
    str_printf(&s, "SELECT json_build_object('%s', (SELECT %s FROM ", many ? "records" : "record",
               many ? arena_printf(rq->mem, "coalesce(json_agg(%s ORDER BY t.id), '[]')", json)
                    : json);
    str_ident(&s, e->name);
    str_add(&s, " t WHERE t.id = ANY ($1::bigint[])), 'created', request_created())");
    request_reply(rq, s.text, P(ids));
    return true;
}

bool
records_operate(struct rq *rq, struct call *c)
{
    const struct entity *e = entity_of(rq, c);

    if (!e)
        return false;
    rq->ids = arena_printf(rq->mem, "{%s}", c->record);
    return workflow_take(rq, e->name, rq->ids, c->action, rq->body_text) &&
           reply_operated(rq, e, arena_printf(rq->mem, "{%s}", c->record), false);
}

/* Exact as a double, and a whole number. */
static bool
is_whole(const cJSON *item)
{
    double x = cJSON_IsNumber(item) ? item->valuedouble : 0;

    return x >= 1 && x < 1e15 && x == (double)(long long)x;
}

/* The array of a body's "ids" as decimal texts; NULL after an error. */
static const char **
ids_of(struct rq *rq, int *n)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(rq->body, "ids"), *item;
    const char **ids = arena_alloc(rq->mem, (MOST_IDS + 1) * sizeof *ids);

    *n = 0;
    if (!cJSON_IsArray(list) || !list->child) {
        fail(rq, "malformed", "ids", "Name the records: {\"ids\": [1, 2]}");
        return NULL;
    }
    cJSON_ArrayForEach(item, list)
    {
        const char *id = cJSON_IsString(item) ? item->valuestring
                         : is_whole(item)     ? arena_printf(rq->mem, "%.0f", item->valuedouble)
                                              : "";

        if (!str_is_id(id) || *n == MOST_IDS) {
            fail(rq, "malformed", "ids", "At most %d numbers of records can stand here", MOST_IDS);
            return NULL;
        }
        ids[(*n)++] = id;
    }
    return ids;
}

static const char *
array_of(struct rq *rq, const char **ids, int n)
{
    struct str s = str_new(rq->mem);

    for (int i = 0; i < n; i++)
        str_printf(&s, "%c%s", i ? ',' : '{', ids[i]);
    str_char(&s, '}');
    return s.text;
}

static void
add_outcome(struct str *s, const char *id, const struct error *errors)
{
    str_printf(s, "%s{\"id\":%s,\"ok\":%s", s->text[s->len - 1] == '[' ? "" : ",", id,
               errors ? "false" : "true");
    for (const struct error *e = errors; e; e = e->next) {
        str_add(s, e == errors ? ",\"errors\":[{\"field\":" : ",{\"field\":");
        str_json(s, e->field);
        str_add(s, ",\"code\":");
        str_json(s, e->code);
        str_add(s, ",\"message\":");
        str_json(s, e->message);
        str_add(s, e->next ? "}" : "}]");
    }
    str_char(s, '}');
}

/* One by one: what cannot be done is told and undone, the rest stays. */
static bool
operate_each(struct rq *rq, const struct entity *e, const char *action, const char **ids, int n)
{
    struct str s = str_new(rq->mem);

    str_add(&s, "{\"results\":[");
    for (int i = 0; i < n; i++) {
        rq->ids = arena_printf(rq->mem, "{%s}", ids[i]);
        if (!db_savepoint(rq))
            return false;
        bool ok = workflow_take(rq, e->name, rq->ids, action, rq->body_text) && db_flush(rq);

        add_outcome(&s, ids[i], rq->errors);
        if (ok)
            db_release(rq);
        else if (db_should_retry(rq) || !db_rollback_to(rq))
            return false;
    }
    str_add(&s, "]}");
    rq->reply = s.text;
    return true;
}

bool
records_operate_many(struct rq *rq, struct call *c)
{
    const struct entity *e = entity_of(rq, c);
    const char **ids;
    int n;

    if (!e || !(ids = ids_of(rq, &n)))
        return false;
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(rq->body, "each")))
        return operate_each(rq, e, c->action, ids, n);
    const char *all = array_of(rq, ids, n);

    rq->ids = all;
    return workflow_take(rq, e->name, all, c->action, rq->body_text) &&
           reply_operated(rq, e, all, true);
}
