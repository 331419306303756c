/*
 * batch.c - several calls in one transaction: all or nothing.
 *
 *     {"calls": [{"method": "POST", "path": "/api/party", "body": {...}},
 *                {"method": "POST", "path": "/api/sales_order/7/confirm", "if_match": "\"3\""}]}
 *
 * The answer holds one {"status", "location", "etag", "body"} per call. The first call that
 * fails undoes all; its errors name their fields as "calls[1].lines[0].quantity".
 */
#include "core/base/str.h"
#include "server/handlers.h"

#include <string.h>

enum { MOST_CALLS = 100 };

/* PostgreSQL takes the list apart: cJSON would make doubles of the numbers inside. */
static const char take_apart[] =
    "SELECT e ->> 'method', e ->> 'path', coalesce((e -> 'body')::text, '{}'), e ->> 'if_match'"
    "  FROM json_array_elements(CASE json_typeof($1::json -> 'calls')"
    "                           WHEN 'array' THEN $1::json -> 'calls' ELSE '[]' END) e";

/* What may stand in a batch: calls on records, not sessions, streams, files or batches. */
static bool
may_stand(const struct route *r)
{
    return r->run && r->run != batch_run && !(r->flags & ROUTE_RAW) && r->lane == LANE_FAST &&
           str_starts(r->pattern, "/api/:entity");
}

/* The call that one element describes; its head is made as if it had been sent alone. */
static struct call *
inner_call(struct rq *rq, const struct call *outer, const struct rows *rows, int i)
{
    struct call *c = arena_alloc(rq->mem, sizeof *c);
    const char *method = cell(rows, i, 0), *path = cell(rows, i, 1);
    const char *if_match = cell(rows, i, 3);
    /* also of a path that holds the end of a head, behind which more would follow */
    struct refusal why = { 400, "malformed", "The first line is not an HTTP request" };

    *c = (struct call){ .mem = rq->mem,
                        .work = rq->mem,
                        .language = outer->language,
                        .address = outer->address,
                        .body = cell(rows, i, 2) };
    char *text = arena_printf(rq->mem, "%s %s HTTP/1.1\r\nHost: batch\r\n%s%s%s\r\n",
                              method ? method : "", path ? path : "", if_match ? "If-Match: " : "",
                              if_match ? if_match : "", if_match ? "\r\n" : "");
    size_t from = 0;

    memcpy(c->id, outer->id, sizeof c->id);
    if (head_scan(text, strlen(text), &from, &why) != (long)strlen(text) ||
        !head_read(rq->mem, text, &(struct head_limits){ 8, 200, 8192 }, &c->head, &why))
        return fail(rq, why.code, NULL, "%s", tr(rq, why.message)), NULL;
    if (!route_find(c) || !c->route || !may_stand(c->route))
        return fail(rq, "malformed", NULL, "This call cannot stand in a batch"), NULL;
    return c;
}

static const char *
permission_of(struct rq *rq, const struct call *c)
{
    const char *p = c->route->permission;

    if (!p || !entity_find(c->entity))
        return NULL;
    return arena_printf(rq->mem, "%s.%s", c->entity, strcmp(p, ":action") ? p : c->action);
}

static void
delete_json(void *tree)
{
    cJSON_Delete(tree);
}

static bool
run_inner(struct rq *rq, struct call *c)
{
    const char *permission = permission_of(rq, c);
    cJSON *body = cJSON_Parse(c->body);

    arena_defer(rq->mem, delete_json, body);
    rq->body = c->json = body;
    rq->body_text = c->body;
    rq->ids = rq->reply = rq->location = rq->etag = NULL;
    rq->status = 0;
    if (!cJSON_IsObject(body))
        return fail(rq, "malformed", "body", "The body is not a JSON object");
    if (permission)
        db_exec(rq, "SELECT require_permission($1)", P(permission));
    return db_flush(rq) && c->route->run(rq, c) && request_answer(rq);
}

/* Errors of call i say so; those of calls before it do not exist: they were done. */
static void
name_errors(struct rq *rq, int i)
{
    for (struct error *e = rq->errors; e; e = e->next)
        e->field = arena_printf(rq->mem, "calls[%d]%s%s", i, e->field ? "." : "",
                                e->field ? e->field : "");
}

static void
add_answer(struct str *s, const struct rq *rq)
{
    int status = rq->status ? rq->status : 200;

    str_printf(s, "%s{\"status\":%d,\"location\":", s->text[s->len - 1] == '[' ? "" : ",", status);
    str_json(s, rq->location);
    str_add(s, ",\"etag\":");
    str_json(s, rq->etag);
    str_printf(s, ",\"body\":%s}", rq->reply && *rq->reply ? rq->reply : "null");
}

bool
batch_run(struct rq *rq, struct call *c)
{
    struct str s = str_new(rq->mem);
    struct rows rows;

    if (!db_rows(rq, take_apart, P(rq->body_text), &rows))
        return false;
    if (rows.count < 1 || rows.count > MOST_CALLS)
        return fail(rq, "malformed", "calls", "A batch has 1 to %d calls", MOST_CALLS);
    str_add(&s, "{\"answers\":[");
    for (int i = 0; i < rows.count; i++) {
        struct call *inner = inner_call(rq, c, &rows, i);

        if (!inner || !run_inner(rq, inner)) {
            name_errors(rq, i);
            return false;
        }
        add_answer(&s, rq);
    }
    str_add(&s, "]}");
    rq->status = 200;
    rq->location = rq->etag = NULL;
    rq->reply = s.text;
    return true;
}
