/*
 * outbox.h - what background threads do: events, timers, jobs. Each call is one transaction of
 * its own, on a request that is not inside one. false: the database failed.
 */
#ifndef TENON_OUTBOX_H
#define TENON_OUTBOX_H

#include "core/db/db.h"

/*
 * Give committed changes their places in the feed of events and queue what rules shall do
 * after them; wake the rules of dates and schedules. At most one thread of all processes works
 * at a time, the others get *published = 0.
 */
bool outbox_publish(struct rq *rq, int *published);

/*
 * Run one due job, exactly once in effect: the job's end is in the transaction of what it did.
 * *ran: there was one. A job that fails waits, longer each time; after eight times it is dead,
 * for an administrator to see.
 */
bool jobs_run_one(struct rq *rq, bool *ran);

#endif
