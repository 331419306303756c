/*
 * route.c - from an address to its handler, and the transaction around it.
 */
#include "server/route.h"
#include "core/base/str.h"
#include "core/base/tr.h"
#include "core/db/db.h"
#include "server/handlers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { ATTEMPTS = 8 };

const struct conf *route_conf;

#define W ROUTE_WRITES
const struct route routes[] = {
    { "GET", "/health", LANE_LOOP, ROUTE_OPEN, .run_open = health_read },
    { "GET", "/ready", LANE_LOOP, ROUTE_OPEN, .run_open = ready_read },
    { "GET", "/metrics", LANE_LOOP, ROUTE_OPEN, .run_open = metrics_read },
    { "POST", "/api/session", LANE_SLOW, ROUTE_OPEN, .run_open = session_create },
    { "GET", "/api/session", LANE_FAST, 0, .run = session_read },
    { "DELETE", "/api/session", LANE_FAST, ROUTE_OPEN, .run_open = session_delete },
    { "POST", "/api/session/password", LANE_SLOW, 0, .run = password_change },
    { "GET", "/api/api_key", LANE_FAST, 0, .run = api_key_list, .permission = "api_key.create" },
    { "DELETE", "/api/api_key/:record", LANE_FAST, 0, .run = api_key_delete,
      .permission = "api_key.delete" },
    { "POST", "/api/api_key", LANE_FAST, 0, .run = api_key_create, .permission = "api_key.create" },
    { "GET", "/api/meta", LANE_FAST, ROUTE_TAGGED, .run = meta_read },
    { "GET", "/api/openapi.json", LANE_SLOW, ROUTE_TAGGED, .run = openapi_read },
    { "GET", "/api/events", LANE_FAST, 0, .run = events_open },
    { "POST", "/api/batch", LANE_FAST, W, .run = batch_run },
    { "GET", "/api/report", LANE_FAST, 0, .run = report_list },
    { "GET", "/api/report/:entity", LANE_SLOW, 0, .run = report_run },
    { "POST", "/api/import/:entity", LANE_SLOW, W | ROUTE_RAW, .run = import_run,
      .permission = "create" },
    { "GET", "/api/workflow", LANE_FAST, 0, .run = workflow_list, .permission = "workflow.read" },
    { "GET", "/api/workflow/export", LANE_FAST, 0, .run = workflow_export,
      .permission = "workflow.read" },
    { "POST", "/api/workflow/import", LANE_FAST, W, .run = workflow_import,
      .permission = "workflow.change" },
    { "GET", "/api/workflow/:entity", LANE_FAST, 0, .run = workflow_read,
      .permission = "workflow.read" },
    { "PUT", "/api/workflow/:entity", LANE_FAST, W, .run = workflow_draft,
      .permission = "workflow.change" },
    { "DELETE", "/api/workflow/:entity", LANE_FAST, W, .run = workflow_discard,
      .permission = "workflow.change" },
    { "GET", "/api/workflow/:entity/:record", LANE_FAST, 0, .run = workflow_version,
      .permission = "workflow.read" },
    { "POST", "/api/workflow/:entity/:action", LANE_FAST, W, .run = workflow_act,
      .permission = "workflow.change" },
    { "GET", "/api/workflow_rule", LANE_FAST, 0, .run = rule_list, .permission = "workflow.read" },
    { "POST", "/api/workflow_rule", LANE_FAST, W, .run = rule_create,
      .permission = "workflow.change" },
    { "GET", "/api/workflow_rule/:record", LANE_FAST, 0, .run = rule_read,
      .permission = "workflow.read" },
    { "PATCH", "/api/workflow_rule/:record", LANE_FAST, W, .run = rule_change,
      .permission = "workflow.change" },
    { "DELETE", "/api/workflow_rule/:record", LANE_FAST, W, .run = rule_delete,
      .permission = "workflow.change" },
    { "GET", "/api/job", LANE_FAST, 0, .run = job_list, .permission = "workflow.read" },
    { "POST", "/api/job/:record/:action", LANE_FAST, W, .run = job_act,
      .permission = "workflow.change" },
    { "GET", "/api/:entity", LANE_FAST, ROUTE_SOON, .run = records_list, .permission = "read" },
    { "POST", "/api/:entity", LANE_FAST, W | ROUTE_SOON, .run = records_create,
      .permission = "create" },
    { "GET", "/api/:entity/:record", LANE_FAST, ROUTE_SOON, .run = records_read,
      .permission = "read" },
    { "PATCH", "/api/:entity/:record", LANE_FAST, W | ROUTE_SOON, .run = records_change,
      .permission = "change" },
    { "DELETE", "/api/:entity/:record", LANE_FAST, W | ROUTE_SOON, .run = records_delete,
      .permission = "delete" },
    { "GET", "/api/:entity/:record/history", LANE_FAST, ROUTE_SOON, .run = records_history,
      .permission = "read" },
    { "GET", "/api/:entity/:record/flow", LANE_FAST, 0, .run = records_flow, .permission = "read" },
    { "GET", "/api/:entity/:record/rules", LANE_FAST, 0, .run = rule_runs, .permission = "read" },
    { "GET", "/api/:entity/:record/why", LANE_FAST, 0, .run = records_why, .permission = "read" },
    { "POST", "/api/:entity/:record/:action", LANE_FAST, W | ROUTE_SOON, .run = records_operate,
      .permission = ":action" },
    { "POST", "/api/:entity/:action", LANE_FAST, W | ROUTE_SOON, .run = records_operate_many,
      .permission = ":action" },
    { 0 },
};
#undef W
const int nroutes = sizeof routes / sizeof *routes - 1;
struct route_counts route_counts[sizeof routes / sizeof *routes];
const double route_bounds[ROUTE_BUCKETS] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                             0.1,   0.25,   0.5,   1,    2.5,   1e300 };

/* --------------------------------------------------------------------------- addresses */

/* [a-z][a-z0-9_]*, as tables are named. */
static bool
is_name(const char *s)
{
    return *s >= 'a' && *s <= 'z' && strlen(s) < 64 &&
           !s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_")];
}

static bool
segment_matches(struct call *c, const char *pattern, size_t n, const char *segment)
{
    if (*pattern != ':')
        return strlen(segment) == n && !memcmp(pattern, segment, n);
    if (pattern[1] == 'r') {
        c->record = segment;
        return str_is_id(segment);
    }
    if (pattern[1] == 'e')
        c->entity = segment;
    else
        c->action = segment;
    return is_name(segment);
}

static bool
matches(struct call *c, const char *pattern)
{
    int i = 0;

    c->entity = c->record = c->action = NULL;
    for (const char *p = pattern; *p; i++) {
        size_t n = strcspn(++p, "/");

        if (i >= c->head.nsegments || !segment_matches(c, p, n, c->head.segment[i]))
            return false;
        p += n;
    }
    return i == c->head.nsegments;
}

/* The methods that an address has, for 405: "GET, POST". */
static const char *
methods_of(struct call *c)
{
    struct str s = str_new(c->mem);

    for (const struct route *r = routes; r->method; r++)
        if (matches(c, r->pattern) && !strstr(s.text, r->method))
            str_printf(&s, "%s%s", s.len ? ", " : "", r->method);
    return s.text;
}

bool
route_find(struct call *c)
{
    const char *method = strcmp(c->head.method, "HEAD") ? c->head.method : "GET";
    static const char known[] = "GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT";

    for (const struct route *r = routes; r->method; r++) {
        if (!strcmp(r->method, method) && matches(c, r->pattern)) {
            c->route = r;
            return true;
        }
    }
    if (!str_word_in(known, method)) {
        call_refuse(c, &(struct refusal){ 501, "malformed", TR_LATER("This method is not known") });
        return false;
    }
    c->allow = methods_of(c);
    if (!*c->allow) {
        c->allow = NULL;
        call_fail(c, "not_found", "There is nothing at this address");
    } else if (!strcmp(method, "OPTIONS")) {
        call_reply(c, 204, NULL);
    } else {
        call_fail(c, "method_not_allowed", "This method is not possible at this address");
    }
    return false;
}

/* ----------------------------------------------------------------------- transactions */

/* A list as a file takes its time. */
enum lane
route_lane(const struct call *c)
{
    return c->route->run == records_list && head_parameter(&c->head, "format") ? LANE_SLOW
                                                                               : c->route->lane;
}

/* What the call needs, as "entity.action"; NULL when being signed in is enough. An entity
 * that does not exist is no question of rights: the handler says so. */
static const char *
permission_of(struct call *c)
{
    const char *p = c->route->permission;

    if (!p || strchr(p, '.'))
        return p;
    if (!c->entity || !entity_find(c->entity))
        return NULL;
    return arena_printf(c->work, "%s.%s", c->entity, strcmp(p, ":action") ? p : c->action);
}

/* The answer of a good run, copied out of the attempt's memory. */
static void
take_answer(struct call *c, const struct rq *rq)
{
    const char *seen = head_find(&c->head, "If-None-Match"), *etag = rq->etag;

    if (rq->reply_type) {
        call_reply_file(c, rq->reply, rq->reply_size, rq->reply_type, rq->file_name);
        return;
    }
    call_reply(c, rq->status ? rq->status : 200, rq->reply);
    if (!etag && c->route->flags & ROUTE_TAGGED)
        etag =
            arena_printf(c->mem, "\"%.32s\"", sha256_text(c->mem, c->reply, c->reply_length) + 2);
    c->location = arena_strdup(c->mem, rq->location);
    c->etag = arena_strdup(c->mem, etag);
    if (c->status == 200 && seen && etag && !strcmp(seen, etag) && !strcmp(c->route->method, "GET"))
        c->status = 304;
}

/* Whose call it is, once the gate has spoken. */
static void
know_user(struct call *c, struct rq *rq)
{
    c->language = rq->language && !strcmp(rq->language, "zh") ? "zh" : "en";
    rq->language = c->language;
    c->user_id = arena_strdup(c->mem, rq->user_id);
}

/* again: what the first attempt assumed was not so. */
static bool
attempt(struct rq *rq, struct call *c, bool again)
{
    bool wait = again || !(c->route->flags & ROUTE_SOON) || route_lane(c) == LANE_SLOW;
    bool ok = request_open(rq, &c->who, permission_of(c), wait);

    if (wait)
        know_user(c, rq);
    ok = ok && c->route->run(rq, c) && request_close(rq, &c->who);
    if (!ok)
        request_failed(rq);
    know_user(c, rq);
    if (!request_replayed(rq))
        return ok;
    take_answer(c, rq);
    db_rollback(rq);
    return true;
}

/* 4, 8, 16 ... ms, half of it by chance, so that two that collided do not do so again. */
static void
back_off(int tries)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    long ms = 4L << tries;

    ms = ms / 2 + t.tv_nsec / 1000 % ms;
    nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/* So long does a person wait; after that another try is no kindness. */
static bool
is_late(const struct call *c)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec - c->began.tv_sec >= conf_number(route_conf, "lock_timeout");
}

/* Run until it is done or cannot be. */
static void
run_in_transaction(struct call *c, struct db *db)
{
    for (int tries = 0;; tries++) {
        arena_reset(c->work);
        struct rq rq = { .mem = c->work,
                         .db = db,
                         .id = c->id,
                         .language = c->language,
                         .body = c->json,
                         .body_text = c->body };
        bool ok = attempt(&rq, c, tries > 0);

        c->syncs = db_syncs(db);
        if (ok && !c->status)
            take_answer(c, &rq);
        if (ok)
            return;
        bool again = db_should_retry(&rq) && tries + 1 < ATTEMPTS && !is_late(c);

        db_rollback(&rq);
        if (again)
            back_off(tries);
        if (again && (db_alive(db) || db_reset(db)))
            continue;
        call_problem(c, rq.errors);
        return;
    }
}

void
route_run(struct call *c, struct db *db)
{
    struct refusal why;

    c->work = arena_new();
    if (!(c->route->flags & ROUTE_RAW) &&
        !call_parse(c, (int)conf_number(route_conf, "max_json_depth"), &why))
        call_refuse(c, &why);
    else if (!db)
        call_fail(c, "database_away", "The database is not available");
    else if (c->route->run_open)
        c->route->run_open(c, db);
    else
        run_in_transaction(c, db);
}

void
route_count(const struct call *c, unsigned long microseconds)
{
    struct route_counts *n = &route_counts[c->route ? c->route - routes : nroutes];
    int digit = c->status / 100, bucket = 0, most = atomic_load(&n->most_syncs);

    n->requests[digit >= 1 && digit <= 5 ? digit : 0]++;
    n->microseconds += microseconds;
    while ((double)microseconds / 1e6 > route_bounds[bucket])
        bucket++;
    n->buckets[bucket]++;
    while (c->syncs > most && !atomic_compare_exchange_weak(&n->most_syncs, &most, c->syncs))
        ;
}
