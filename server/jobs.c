/*
 * jobs.c - threads that poll: every 50 ms while there is work, up to 500 ms when there is
 * none. A NOTIFY in each business commit would halve what the database can do; a poll of an
 * empty queue costs a few indexed reads a second.
 */
#include "server/jobs.h"
#include "core/base/log.h"
#include "core/db/cluster.h"
#include "core/db/db.h"
#include "core/workflow/outbox.h"
#include "server/events.h"
#include "server/worker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_THREADS = 8, BUSY_MS = 50, IDLE_MS = 500, HOUSE_S = 600 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stop;
    char *conninfo;
    const char *embedded; /* data folder of a database of our own, or NULL */
    pthread_t threads[MOST_THREADS];
    int nthreads;
} all = { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER };

static atomic_ulong published, ran, failed;
static atomic_bool connected;

/* One step of a thread's work; *more when the next should follow at once. */
typedef bool step(struct rq *rq, bool *more);

/* Now and then what nobody needs any more goes. */
static bool
keep_house(struct rq *rq)
{
    static time_t next;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < next)
        return true;
    next = now.tv_sec + HOUSE_S;
    db_begin(rq, false);
    db_exec(rq, "SELECT housekeeping()", NONE);
    return db_commit(rq);
}

static bool
publish(struct rq *rq, bool *more)
{
    int n = 0;

    if (!keep_house(rq))
        return false;

    if (!outbox_publish(rq, &n))
        return false;
    published += (unsigned long)n;
    if (n)
        events_wake();
    *more = n > 0;
    return true;
}

static bool
run_job(struct rq *rq, bool *more)
{
    if (!jobs_run_one(rq, more))
        return false;
    ran += *more;
    return true;
}

/* False when it is time to end. */
static bool
pause_for(int ms)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += ms * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&all.lock);
    if (!all.stop)
        pthread_cond_timedwait(&all.changed, &all.lock, &until);
    bool go = !all.stop;

    pthread_mutex_unlock(&all.lock);
    return go;
}

static void
log_failure(const struct rq *rq)
{
    failed++;
    if (!db_should_retry(rq))
        log_error("job", "code", rq->errors ? rq->errors->code : "unknown", "error",
                  rq->errors ? rq->errors->message : "no reason given");
}

/* A database of our own that ended without us (killed, out of memory) is started again; it
 * recovers by itself, and the connections find it. */
static void
bring_back(struct arena *mem)
{
    const char *error = NULL;
    struct cluster cluster;

    if (!all.embedded)
        return;
    if (cluster_start(mem, all.embedded, &cluster, NULL, &error))
        log_warn("the database was down and is started again");
    else
        log_error("the database is down and does not start", "error", error);
}

static void
loop(step *work)
{
    struct arena *mem = arena_new(), *forever = arena_new();
    const char *error = NULL;
    struct db *db = NULL;
    int ms = BUSY_MS;

    do {
        struct rq rq = { .mem = mem, .language = "en", .id = "job", .body_text = "{}" };
        bool more = false;

        if (!db)
            db = db_open(forever, all.conninfo, &error);
        rq.db = db;
        bool usable = db && (db_alive(db) || db_reset(db));

        if (work == publish) {
            connected = usable;
            if (!usable)
                bring_back(mem);
        }
        if (usable && !work(&rq, &more)) {
            log_failure(&rq);
            db_rollback(&rq);
        }
        ms = more ? 0 : ms < BUSY_MS ? BUSY_MS : ms * 2 < IDLE_MS ? ms * 2 : IDLE_MS;
        arena_reset(mem);
    } while (pause_for(ms));
    db_close(db);
    arena_free(mem);
    arena_free(forever);
}

static void *
publisher(void *unused)
{
    (void)unused;
    loop(publish);
    return NULL;
}

static void *
runner(void *unused)
{
    (void)unused;
    loop(run_job);
    return NULL;
}

void
jobs_start(const struct conf *conf, const char *conninfo)
{
    int runners = (int)conf_number(conf, "job_workers");

    if (runners > MOST_THREADS - 1)
        runners = MOST_THREADS - 1;
    all.conninfo = with_timeouts(conninfo, conf_number(conf, "slow_query_timeout"),
                                 conf_number(conf, "lock_timeout"));
    all.embedded = conf_text(conf, "database") ? NULL : conf_text(conf, "data");
    all.stop = false;
    all.nthreads = runners + 1;
    for (int i = 0; i < all.nthreads; i++)
        if (pthread_create(&all.threads[i], NULL, i ? runner : publisher, NULL))
            abort();
}

bool
jobs_stop(void)
{
    bool ended = true;

    pthread_mutex_lock(&all.lock);
    all.stop = true;
    pthread_cond_broadcast(&all.changed);
    pthread_mutex_unlock(&all.lock);
    for (int i = 0; i < all.nthreads; i++)
        ended = thread_join(all.threads[i]) && ended;
    if (ended)
        free(all.conninfo);
    return ended;
}

bool
jobs_connected(void)
{
    return connected;
}

unsigned long
jobs_published(void)
{
    return published;
}

unsigned long
jobs_ran(void)
{
    return ran;
}

unsigned long
jobs_failed(void)
{
    return failed;
}
