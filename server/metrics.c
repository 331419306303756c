/*
 * metrics.c - is it alive, is it ready, what has it done (OpenMetrics 1.0). Answered by the
 * loop itself: these answers must come when all workers are busy.
 */
#include "core/base/str.h"
#include "server/handlers.h"
#include "server/jobs.h"
#include "server/server.h"

#include <string.h>

void
health_read(struct call *c, struct db *db)
{
    (void)db;
    call_reply(c, 200, "{\"status\":\"ok\",\"version\":\"" TENON_VERSION "\"}");
}

void
ready_read(struct call *c, struct db *db)
{
    (void)db;
    if (jobs_connected() && workers_counts(server.workers, LANE_FAST).connected)
        call_reply(c, 200, "{\"status\":\"ready\"}");
    else
        call_fail(c, "database_away", "The database is not available");
}

static void
family(struct str *s, const char *name, const char *type, const char *help)
{
    str_printf(s, "# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
}

static void
one(struct str *s, const char *name, const char *type, const char *help, unsigned long value)
{
    family(s, name, type, help);
    str_printf(s, "%s%s %lu\n", name, strcmp(type, "counter") ? "" : "_total", value);
}

static const char *
labels(struct arena *mem, int route)
{
    if (route == nroutes)
        return "method=\"\",route=\"none\"";
    return arena_printf(mem, "method=\"%s\",route=\"%s\"", routes[route].method,
                        routes[route].pattern);
}

static void
add_requests(struct str *s)
{
    static const char *const classes[] = { "other", "1xx", "2xx", "3xx", "4xx", "5xx" };

    family(s, "tenon_requests", "counter", "Answers by route and class of status");
    for (int r = 0; r <= nroutes; r++)
        for (int k = 0; k < 6; k++)
            if (route_counts[r].requests[k])
                str_printf(s, "tenon_requests_total{%s,status=\"%s\"} %lu\n", labels(s->mem, r),
                           classes[k], (unsigned long)route_counts[r].requests[k]);
}

static void
add_latencies(struct str *s)
{
    family(s, "tenon_request_seconds", "histogram", "From the last byte in to the answer");
    for (int r = 0; r <= nroutes; r++) {
        unsigned long n = 0;
        const char *what = labels(s->mem, r);

        for (int b = 0; b < ROUTE_BUCKETS; b++)
            n += route_counts[r].buckets[b];
        if (!n)
            continue;
        n = 0;
        for (int b = 0; b < ROUTE_BUCKETS; b++) {
            n += route_counts[r].buckets[b];
            str_printf(s, "tenon_request_seconds_bucket{%s,le=\"", what);
            if (b < ROUTE_BUCKETS - 1)
                str_printf(s, "%g\"} %lu\n", route_bounds[b], n);
            else
                str_printf(s, "+Inf\"} %lu\n", n);
        }
        str_printf(s, "tenon_request_seconds_sum{%s} %.6f\ntenon_request_seconds_count{%s} %lu\n",
                   what, (double)route_counts[r].microseconds / 1e6, what, n);
    }
}

static void
add_syncs(struct str *s)
{
    family(s, "tenon_request_syncs_max", "gauge",
           "Most round trips to the database of one request");
    for (int r = 0; r <= nroutes; r++)
        if (route_counts[r].most_syncs)
            str_printf(s, "tenon_request_syncs_max{%s} %d\n", labels(s->mem, r),
                       (int)route_counts[r].most_syncs);
}

static void
add_lanes(struct str *s)
{
    static const char *const names[] = { "", "fast", "slow" };
    static const char *const what[] = { "threads", "busy", "queued", "connected" };

    for (int k = 0; k < 4; k++) {
        family(s, arena_printf(s->mem, "tenon_lane_%s", what[k]), "gauge", "By lane of workers");
        for (int lane = LANE_FAST; lane < LANES; lane++) {
            struct lane_counts n = workers_counts(server.workers, (enum lane)lane);
            int values[] = { n.threads, n.busy, n.queued, n.connected };

            str_printf(s, "tenon_lane_%s{lane=\"%s\"} %d\n", what[k], names[lane], values[k]);
        }
    }
}

/* Numbers about the business's pace are not for everybody: this machine, or a setting. */
static bool
may_read(const struct call *c)
{
    const char *from = conf_text(server.conf, "metrics_from");

    return !strcmp(from, "all") || !strncmp(c->address, "127.", 4) || !strcmp(c->address, "::1");
}

void
metrics_read(struct call *c, struct db *db)
{
    struct str s = str_new(c->mem);
    struct http_counts n = http_counts(server.http);

    (void)db;
    if (!may_read(c)) {
        call_fail(c, "forbidden", "Metrics are read from this machine only");
        return;
    }
    add_requests(&s);
    add_latencies(&s);
    add_syncs(&s);
    add_lanes(&s);
    one(&s, "tenon_connections", "gauge", "Open connections", (unsigned long)n.connections);
    one(&s, "tenon_streams", "gauge", "Open streams of events", (unsigned long)n.streams);
    one(&s, "tenon_connections_refused", "counter", "Over a limit", n.refused_connections);
    one(&s, "tenon_heads_refused", "counter", "Requests refused before routing", n.refused_heads);
    one(&s, "tenon_deadlines", "counter", "Connections that a timer ended", n.deadlines);
    one(&s, "tenon_events_published", "counter", "Events given a position", jobs_published());
    one(&s, "tenon_jobs_run", "counter", "Jobs run", jobs_ran());
    one(&s, "tenon_jobs_failed", "counter", "Rounds of the job threads that failed", jobs_failed());
    str_add(&s, "# EOF\n");
    call_reply(c, 200, s.text);
    c->media_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
}
