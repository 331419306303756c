/*
 * events.c - the thread that reads table event, and the streams that it feeds.
 *
 * The list of subscriptions is shared with the loop under one lock; the thread works on a
 * copy of what it needs (a snapshot), so that no query runs under the lock.
 */
#include "server/events.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "server/handlers.h"
#include "server/server.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH = 500, POLL_MS = 500, HEARTBEAT_S = 15 };

struct subscription {
    struct subscription *next;
    unsigned long stream;
    long long position;    /* of the last event that was sent or passed over */
    time_t next_heartbeat; /* monotonic seconds */
    char *company, *token_hash;
    char *readable; /* entities, space-separated */
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    struct subscription *first;
    bool stop, woken;
    char *conninfo;
} all = { .lock = PTHREAD_MUTEX_INITIALIZER };

static char *
copy_of(const char *s)
{
    char *copy = strdup(s);

    if (!copy)
        abort();
    return copy;
}

static void
subscription_free(struct subscription *s)
{
    free(s->company);
    free(s->token_hash);
    free(s->readable);
    free(s);
}

static time_t
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* ----------------------------------------------------------------------- subscribing */

/* Names of all entities, as a text[] literal. */
static const char *
entity_names(struct arena *mem)
{
    struct str s = str_new(mem);

    str_char(&s, '{');
    for (const struct module *const *m = modules; *m; m++)
        for (const struct entity *e = (*m)->entities; e && e->name; e++)
            str_printf(&s, "%s%s", s.len > 1 ? "," : "", e->name);
    str_char(&s, '}');
    return s.text;
}

static const char rights[] =
    "SELECT coalesce(string_agg(e, ' '), ''),"
    "       (SELECT coalesce(max(position), 0) FROM event)"
    "  FROM unnest($1::text[]) e WHERE has_permission(app_user_id(), e, 'read')";

bool
events_open(struct rq *rq, struct call *c)
{
    const char *last = head_find(&c->head, "Last-Event-ID"), *readable, *newest;

    if (!last)
        last = head_parameter(&c->head, "last_event_id");
    if (last && !str_is_id(last))
        return fail(rq, "malformed", NULL, "Last-Event-ID is not the position of an event");
    if (!db_one(rq, rights, P(entity_names(rq->mem)), OUT(&readable, &newest)))
        return false;
    struct subscription *s = c->subscription ? c->subscription : calloc(1, sizeof *s);

    if (!s)
        abort();
    free(s->company);
    free(s->token_hash);
    free(s->readable);
    s->position = strtoll(last ? last : newest, NULL, 10);
    s->company = copy_of(rq->company_id);
    s->token_hash = copy_of(c->who.token_hash);
    s->readable = copy_of(readable);
    c->subscription = s;
    return true;
}

void
events_subscribe(unsigned long stream, struct subscription *s)
{
    if (!stream) {
        subscription_free(s);
        return;
    }
    s->stream = stream;
    s->next_heartbeat = now(); /* one at once: the client sees that it is connected */
    pthread_mutex_lock(&all.lock);
    s->next = all.first;
    all.first = s;
    pthread_cond_signal(&all.changed);
    pthread_mutex_unlock(&all.lock);
}

void
events_unsubscribe(unsigned long stream)
{
    pthread_mutex_lock(&all.lock);
    for (struct subscription **p = &all.first; *p; p = &(*p)->next) {
        struct subscription *s = *p;

        if (s->stream != stream)
            continue;
        *p = s->next;
        subscription_free(s);
        break;
    }
    pthread_mutex_unlock(&all.lock);
}

void
events_wake(void)
{
    pthread_mutex_lock(&all.lock);
    all.woken = true;
    pthread_cond_signal(&all.changed);
    pthread_mutex_unlock(&all.lock);
}

/* ---------------------------------------------------------------------------- sending */

struct message {
    unsigned long stream;
    bool close;
    size_t n;
    char text[];
};

static void
deliver(void *arg)
{
    struct message *m = arg;

    if (m->close)
        http_stream_close(server.http, m->stream);
    else
        http_stream_send(server.http, m->stream, m->text, m->n);
    free(m);
}

static void
send_text(unsigned long stream, const char *text, size_t n, bool close)
{
    struct message *m = malloc(sizeof *m + n);

    if (!m)
        abort();
    m->stream = stream;
    m->close = close;
    m->n = n;
    memcpy(m->text, text, n);
    server_later(deliver, m);
}

/* The events of one company that one subscription has not seen. */
static void
feed(struct arena *mem, struct subscription *s, const struct rows *rows)
{
    struct str text = str_new(mem);

    for (int i = 0; i < rows->count; i++) {
        long long position = strtoll(cell(rows, i, 0), NULL, 10);

        if (position <= s->position)
            continue;
        s->position = position;
        if (str_word_in(s->readable, cell(rows, i, 1)))
            str_printf(&text, "id: %lld\nevent: change\ndata: %s\n\n", position, cell(rows, i, 2));
    }
    if (text.len)
        send_text(s->stream, text.text, text.len, false);
}

/* --------------------------------------------------------------------------- the thread */

static const char news[] =
    "SELECT position, entity,"
    "       json_build_object('position', position, 'entity', entity, 'id', record_id,"
    "                         'action', action, 'at', at, 'user_id', actor_id,"
    "                         'request_id', request_id)"
    "  FROM event WHERE position > $1 ORDER BY position LIMIT 500";

/* A company that somebody listens to and the lowest position that a stream of it has. */
struct company {
    struct company *next;
    const char *id;
    long long position;
};

static struct company *
companies(struct arena *mem)
{
    struct company *list = NULL, *c;

    pthread_mutex_lock(&all.lock);
    for (const struct subscription *s = all.first; s; s = s->next) {
        for (c = list; c && strcmp(c->id, s->company) != 0; c = c->next)
            ;
        if (!c) {
            c = arena_alloc(mem, sizeof *c);
            *c = (struct company){ list, arena_strdup(mem, s->company), s->position };
            list = c;
        }
        if (s->position < c->position)
            c->position = s->position;
    }
    pthread_mutex_unlock(&all.lock);
    return list;
}

/* Read on for one company. True when there may be more at once. */
static bool
read_company(struct rq *rq, const struct company *c)
{
    const char *from = arena_printf(rq->mem, "%lld", c->position);
    struct rows rows;

    db_begin(rq, true);
    db_exec(rq, "SELECT context_set(NULL, $1, NULL)", P(c->id));
    bool ok = db_rows(rq, news, P(from), &rows) && db_commit(rq);

    if (!ok) {
        db_rollback(rq);
        return false;
    }
    pthread_mutex_lock(&all.lock);
    for (struct subscription *s = all.first; s; s = s->next)
        if (!strcmp(s->company, c->id))
            feed(rq->mem, s, &rows);
    pthread_mutex_unlock(&all.lock);
    return rows.count == BATCH;
}

/* Is the session of a stream still good, and what may it read now? */
static void
check_session(struct rq *rq, unsigned long stream, const char *token_hash, const char *company)
{
    struct credentials who = { .token_hash = token_hash, .company_id = company, .read_only = true };
    const char *readable = NULL, *newest;
    bool ok = request_open(rq, &who, NULL, true) &&
              db_one(rq, rights, P(entity_names(rq->mem)), OUT(&readable, &newest));

    db_rollback(rq);
    if (!ok && db_alive(rq->db))
        send_text(stream, "", 0, true);
    if (!ok)
        return;
    pthread_mutex_lock(&all.lock);
    for (struct subscription *s = all.first; s; s = s->next) {
        if (s->stream == stream) {
            free(s->readable);
            s->readable = copy_of(readable);
        }
    }
    pthread_mutex_unlock(&all.lock);
}

/* Heartbeats that are due; the session of one such stream is checked each time round. */
static void
heartbeats(struct rq *rq)
{
    static const char beat[] = ": heartbeat\n\n";
    time_t at = now();

    for (;;) {
        const char *token_hash = NULL, *company = NULL;
        unsigned long stream = 0;

        pthread_mutex_lock(&all.lock);
        for (struct subscription *s = all.first; s && !stream; s = s->next) {
            if (s->next_heartbeat > at)
                continue;
            s->next_heartbeat = at + HEARTBEAT_S;
            stream = s->stream;
            token_hash = arena_strdup(rq->mem, s->token_hash);
            company = arena_strdup(rq->mem, s->company);
        }
        pthread_mutex_unlock(&all.lock);
        if (!stream)
            return;
        send_text(stream, beat, sizeof beat - 1, false);
        rq->errors = NULL;
        check_session(rq, stream, token_hash, company);
    }
}

/* One round: read for every company, then heartbeats. True when there may be more at once. */
static bool
look(struct db *db, struct arena *mem)
{
    struct rq rq = { .mem = mem, .db = db, .language = "en", .id = "events" };
    bool more = false;

    for (const struct company *c = companies(mem); c; c = c->next) {
        rq.errors = NULL;
        more = read_company(&rq, c) || more;
    }
    heartbeats(&rq);
    arena_reset(mem);
    return more;
}

/* Wait for news, a new stream, the poll's turn; false at the end. */
static bool
wait_turn(bool more)
{
    struct timespec until;

    pthread_mutex_lock(&all.lock);
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += POLL_MS * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!all.stop && !all.first)
        pthread_cond_wait(&all.changed, &all.lock);
    if (!all.stop && !more && !all.woken)
        pthread_cond_timedwait(&all.changed, &all.lock, &until);
    all.woken = false;
    bool go = !all.stop;

    pthread_mutex_unlock(&all.lock);
    return go;
}

static void *
work(void *unused)
{
    struct arena *mem = arena_new(), *forever = arena_new();
    const char *error = NULL;
    struct db *db = NULL;
    bool more = false;

    (void)unused;
    while (wait_turn(more)) {
        if (!db)
            db = db_open(forever, all.conninfo, &error);
        if (db && (db_alive(db) || db_reset(db)))
            more = look(db, mem);
        else
            more = false;
    }
    db_close(db);
    arena_free(mem);
    arena_free(forever);
    return NULL;
}

void
events_start(const struct conf *conf, const char *conninfo)
{
    all.conninfo = with_timeouts(conninfo, conf_number(conf, "query_timeout"),
                                 conf_number(conf, "lock_timeout"));
    all.stop = false;
    if (pthread_create(&all.thread, NULL, work, NULL))
        abort();
}

bool
events_stop(void)
{
    pthread_mutex_lock(&all.lock);
    all.stop = true;
    pthread_cond_signal(&all.changed);
    pthread_mutex_unlock(&all.lock);
    if (!thread_join(all.thread))
        return false;
    free(all.conninfo);
    return true;
}
