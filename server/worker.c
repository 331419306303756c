/*
 * worker.c - two queues, each with its threads.
 */
#include "server/worker.h"
#include "core/base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct queue {
    struct workers *all;
    char *conninfo;
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct call *first, **last;
    int length, limit, nthreads;
    bool stop;
    atomic_int busy, connected;
    pthread_t *threads;
};

struct workers {
    void (*run)(struct call *c, struct db *db);
    void (*done)(struct call *c);
    struct queue queues[LANES];
};

static struct call *
take(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    while (!q->first && !q->stop)
        pthread_cond_wait(&q->more, &q->lock);
    struct call *c = q->first;

    if (c) {
        q->first = c->next;
        if (!q->first)
            q->last = &q->first;
        q->length--;
    }
    pthread_mutex_unlock(&q->lock);
    return c;
}

/* The connection, made new when it is lost; NULL when the database is away. */
static struct db *
connected(struct queue *q, struct arena *mem, struct db *db)
{
    const char *error = NULL;

    if (db && db_alive(db))
        return db;
    if (db) {
        q->connected--;
        if (!db_reset(db)) {
            db_close(db);
            return NULL;
        }
    } else {
        db = db_open(mem, q->conninfo, &error);
        if (!db)
            log_warn("database_away", "error", error);
        arena_reset(mem);
    }
    if (db)
        q->connected++;
    return db;
}

static void *
work(void *arg)
{
    struct queue *q = arg;
    struct arena *mem = arena_new();
    struct db *db = connected(q, mem, NULL);

    for (struct call *c; (c = take(q));) {
        q->busy++;
        db = connected(q, mem, db);
        q->all->run(c, db);
        q->busy--;
        q->all->done(c);
    }
    db_close(db);
    arena_free(mem);
    return NULL;
}

static struct timespec deadline;

void
thread_deadline(long long seconds)
{
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += seconds;
}

bool
thread_join(pthread_t thread)
{
    return !pthread_timedjoin_np(thread, NULL, &deadline);
}

char *
with_timeouts(const char *conninfo, long long statement, long long lock)
{
    char *text;

    if (asprintf(&text,
                 "%s options='-c statement_timeout=%llds -c lock_timeout=%llds"
                 " -c idle_in_transaction_session_timeout=%llds'",
                 conninfo, statement, lock, statement + 60) < 0)
        abort();
    return text;
}

static void
queue_start(struct workers *w, enum lane lane, int threads, int limit, char *conninfo)
{
    struct queue *q = &w->queues[lane];

    q->all = w;
    q->conninfo = conninfo;
    q->last = &q->first;
    q->limit = limit;
    q->nthreads = threads;
    q->threads = calloc((size_t)threads + 1, sizeof *q->threads);
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->more, NULL);
    for (int i = 0; i < threads; i++)
        if (pthread_create(&q->threads[i], NULL, work, q))
            abort();
}

struct workers *
workers_start(const struct conf *conf, const char *conninfo,
              void (*run)(struct call *c, struct db *db), void (*done)(struct call *c))
{
    struct workers *w = calloc(1, sizeof *w);

    if (!w)
        abort();
    long long lock = conf_number(conf, "lock_timeout");

    w->run = run;
    w->done = done;
    queue_start(w, LANE_FAST, (int)conf_number(conf, "workers"), (int)conf_number(conf, "queue"),
                with_timeouts(conninfo, conf_number(conf, "query_timeout"), lock));
    queue_start(w, LANE_SLOW, (int)conf_number(conf, "slow_workers"),
                (int)conf_number(conf, "slow_queue"),
                with_timeouts(conninfo, conf_number(conf, "slow_query_timeout"), lock));
    return w;
}

bool
workers_put(struct workers *w, enum lane lane, struct call *c)
{
    struct queue *q = &w->queues[lane];

    pthread_mutex_lock(&q->lock);
    bool room = q->length < q->limit && !q->stop;

    if (room) {
        c->next = NULL;
        *q->last = c;
        q->last = &c->next;
        q->length++;
        pthread_cond_signal(&q->more);
    }
    pthread_mutex_unlock(&q->lock);
    return room;
}

/* Ask all first, so that the lanes end side by side. */
static void
ask_to_stop(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->stop = true;
    pthread_cond_broadcast(&q->more);
    pthread_mutex_unlock(&q->lock);
}

bool
workers_stop(struct workers *w)
{
    bool ended = true;

    for (int lane = LANE_FAST; lane < LANES; lane++)
        ask_to_stop(&w->queues[lane]);
    for (int lane = LANE_FAST; lane < LANES; lane++)
        for (int i = 0; i < w->queues[lane].nthreads; i++)
            ended = thread_join(w->queues[lane].threads[i]) && ended;
    if (!ended)
        return false;
    for (int lane = LANE_FAST; lane < LANES; lane++) {
        struct queue *q = &w->queues[lane];

        free(q->threads);
        free(q->conninfo);
        pthread_mutex_destroy(&q->lock);
        pthread_cond_destroy(&q->more);
    }
    free(w);
    return true;
}

struct lane_counts
workers_counts(struct workers *w, enum lane lane)
{
    struct queue *q = &w->queues[lane];

    pthread_mutex_lock(&q->lock);
    int queued = q->length;

    pthread_mutex_unlock(&q->lock);
    return (struct lane_counts){ q->nthreads, q->busy, queued, q->connected };
}
