/*
 * worker.h - threads that run calls, each with one database connection of its own.
 *
 * Two lanes with separate queues: what a person waits for, and what takes its time (sign-in
 * hashing, reports, imports). A full queue is answered 503 at once rather than late.
 */
#ifndef TENON_WORKER_H
#define TENON_WORKER_H

#include "core/base/conf.h"
#include "server/call.h"

#include <pthread.h>

enum lane { LANE_LOOP, LANE_FAST, LANE_SLOW, LANES };

struct workers;

/* run: in a worker's thread, with its connection, which may be dead. done: must hand the
 * call back to the loop; called in the worker's thread. */
struct workers *workers_start(const struct conf *conf, const char *conninfo,
                              void (*run)(struct call *c, struct db *db),
                              void (*done)(struct call *c));

/* False when the lane's queue is full; the call is still the caller's then. */
bool workers_put(struct workers *w, enum lane lane, struct call *c);

/* Finish what is queued, then end all threads: false when some still run at the deadline of
 * thread_deadline(). */
bool workers_stop(struct workers *w);

/* For every pool of threads: how long, from now, thread_join waits at the most; and whether
 * the thread has ended by then. */
void thread_deadline(long long seconds);
bool thread_join(pthread_t thread);

/* A conninfo whose statements are stopped when they run, or wait for a record, too long;
 * seconds; to be freed. */
char *with_timeouts(const char *conninfo, long long statement, long long lock);

struct lane_counts {
    int threads, busy, queued, connected;
};
struct lane_counts workers_counts(struct workers *w, enum lane lane);

#endif
