/*
 * server.c - the loop thread: calls come from http.c, go to a lane, come back, go out.
 */
#include "server/server.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "server/events.h"
#include "server/handlers.h"
#include "server/jobs.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct server server;

/* ------------------------------------------------------------ from threads to the loop */

struct later {
    struct later *next;
    void (*fn)(void *arg);
    void *arg;
};

static struct {
    pthread_mutex_t lock;
    struct later *first, **last;
    struct event *wake;
} inbox = { PTHREAD_MUTEX_INITIALIZER, NULL, &inbox.first, NULL };

void
server_later(void (*fn)(void *arg), void *arg)
{
    struct later *l = malloc(sizeof *l);

    if (!l)
        abort();
    *l = (struct later){ NULL, fn, arg };
    pthread_mutex_lock(&inbox.lock);
    *inbox.last = l;
    inbox.last = &l->next;
    pthread_mutex_unlock(&inbox.lock);
    event_active(inbox.wake, EV_READ, 0);
}

static void
on_wake(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
    pthread_mutex_lock(&inbox.lock);
    struct later *l = inbox.first;

    inbox.first = NULL;
    inbox.last = &inbox.first;
    pthread_mutex_unlock(&inbox.lock);
    while (l) {
        struct later *next = l->next;

        l->fn(l->arg);
        free(l);
        l = next;
    }
}

/* ------------------------------------------------------------------------------- answers */

static void
log_call(const struct call *c, unsigned long us)
{
    char status[16], ms[24], syncs[16];

    snprintf(status, sizeof status, "%d", c->status);
    snprintf(ms, sizeof ms, "%lu.%03lu", us / 1000, us % 1000);
    snprintf(syncs, sizeof syncs, "%d", c->syncs);
    log_info("call", "id", c->id, "method", c->head.method, "route",
             c->route ? c->route->pattern : "none", "entity", c->entity ? c->entity : "", "status",
             status, "ms", ms, "syncs", syncs, "user", c->user_id ? c->user_id : "", "address",
             c->address);
}

static void
answer(struct call *c)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    unsigned long us = (unsigned long)((now.tv_sec - c->began.tv_sec) * 1000000 +
                                       (now.tv_nsec - c->began.tv_nsec) / 1000);

    route_count(c, us);
    log_call(c, us);
    if (c->subscription && c->status < 300) {
        struct subscription *s = c->subscription;

        events_subscribe(http_stream(server.http, c), s);
        return;
    }
    if (c->subscription)
        events_subscribe(0, c->subscription);
    http_answer(server.http, c);
}

static void
answer_later(void *call)
{
    answer(call);
}

/* In a worker's thread. */
static void
on_done(struct call *c)
{
    server_later(answer_later, c);
}

/* --------------------------------------------------------------------------------- calls */

/* "Bearer <token>": its hash, or NULL. */
static const char *
token_hash(struct call *c)
{
    const char *sent = head_find(&c->head, "Authorization");

    if (!sent || strncasecmp(sent, "Bearer ", 7) || !sent[7] || strlen(sent) > 512)
        return NULL;
    return sha256_text(c->mem, sent + 7, strlen(sent + 7));
}

/* What makes a repeat the same request: method, address, company and body. */
static const char *
digest_of(struct call *c)
{
    size_t n = strlen(c->head.method) + strlen(c->head.target) + 64 + c->length;
    char *all = arena_alloc(c->mem, n);
    int len = snprintf(all, n, "%s\n%s\n%s\n", c->head.method, c->head.target,
                       c->who.company_id ? c->who.company_id : "");

    memcpy(all + len, c->body, c->length);
    return sha256_text(c->mem, all, (size_t)len + c->length);
}

/* 1 to 200 printable characters. */
static bool
is_key(const char *key)
{
    size_t n = strlen(key);

    if (n < 1 || n > 200)
        return false;
    for (size_t i = 0; i < n; i++)
        if (key[i] <= 0x20 || key[i] >= 0x7f)
            return false;
    return true;
}

/* Who asks, for which company, under which key. False when that is answered already. */
static bool
read_credentials(struct call *c)
{
    const char *company = head_find(&c->head, "X-Tenon-Company");
    const char *key = head_find(&c->head, "Idempotency-Key");

    c->who.token_hash = token_hash(c);
    c->who.read_only = !strcmp(c->route->method, "GET");
    if (c->route->flags & ROUTE_OPEN)
        return true;
    if (!c->who.token_hash) {
        call_fail(c, "not_signed_in", "Sign in first");
        return false;
    }
    if (company && !str_is_id(company)) {
        call_fail(c, "malformed", "The header X-Tenon-Company is not the number of a company");
        return false;
    }
    c->who.company_id = company;
    if (!(c->route->flags & ROUTE_WRITES))
        return true;
    if (!key || !is_key(key)) {
        call_fail(c, "key_required", "Send an Idempotency-Key of 1 to 200 characters with a write");
        return false;
    }
    c->who.key = key;
    c->who.digest = digest_of(c);
    return true;
}

static void
on_call(struct call *c)
{
    if (!route_find(c) || !read_credentials(c)) {
        answer(c);
    } else if (c->route->lane == LANE_LOOP) {
        c->route->run_open(c, NULL);
        answer(c);
    } else if (!workers_put(server.workers, route_lane(c), c)) {
        call_fail(c, "busy", "The server is busy: try again soon");
        answer(c);
    }
}

static size_t
body_limit(const struct head *head)
{
    bool import = head->nsegments > 1 && !strcmp(head->segment[0], "api") &&
                  !strcmp(head->segment[1], "import");

    return (size_t)conf_number(server.conf, import ? "max_import" : "max_body");
}

/* ------------------------------------------------------------------------------- signals */

static void
on_drained(void)
{
    event_base_loopexit(server.base, NULL);
}

static void
on_term(evutil_socket_t sig, short what, void *arg)
{
    (void)sig;
    (void)what;
    (void)arg;
    log_info("stopping", "connections", "draining");
    event_base_loopexit(server.base,
                        &(struct timeval){ .tv_sec = conf_number(server.conf, "stop_timeout") });
    http_drain(server.http, on_drained);
}

static void
on_hangup(evutil_socket_t sig, short what, void *arg)
{
    struct arena *mem = arena_new();
    const char *error = NULL;

    (void)sig;
    (void)what;
    (void)arg;
    if (tls_reload(server.tls, mem, &error))
        log_info("certificate", "fingerprint", tls_fingerprint(server.tls));
    else
        log_error("certificate", "error", error);
    arena_free(mem);
}

bool
server_run(void (*ready)(void))
{
    struct event *signals[3];

    inbox.wake = event_new(server.base, -1, EV_PERSIST, on_wake, NULL);
    signals[0] = evsignal_new(server.base, SIGTERM, on_term, NULL);
    signals[1] = evsignal_new(server.base, SIGINT, on_term, NULL);
    signals[2] = evsignal_new(server.base, SIGHUP, on_hangup, NULL);
    for (int i = 0; i < 3; i++)
        evsignal_add(signals[i], NULL);
    auth_start(server.conf);
    server.workers = workers_start(server.conf, server.conninfo, route_run, on_done);
    events_start(server.conf, server.conninfo);
    jobs_start(server.conf, server.conninfo);
    http_start(server.http, server.tls);
    ready();
    event_base_dispatch(server.base);
    thread_deadline(1);
    bool ended = jobs_stop();

    ended = events_stop() && ended;
    ended = workers_stop(server.workers) && ended;
    if (!ended) {
        log_warn("stopping", "threads", "left to their fate");
        return false;
    }
    on_wake(-1, 0, NULL);
    for (int i = 0; i < 3; i++)
        event_free(signals[i]);
    event_free(inbox.wake);
    http_free(server.http);
    auth_stop();
    return true;
}

const struct http_events server_events = { on_call, body_limit, events_unsubscribe };
