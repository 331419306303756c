/*
 * workflow.h - the engine: the only writer of a state.
 *
 * Definitions are rows; this layer keeps them compiled in memory per epoch. A transition,
 * its operation, its history and every immediate rule run in the request's transaction.
 */
#ifndef TENON_WORKFLOW_H
#define TENON_WORKFLOW_H

#include "core/entity/entity.h"
#include "core/entity/events.h"

/*
 * Take a transition, or run an operation that moves no state, on a set of records: lock,
 * `from`, guards, "before" rules, run(), state and history, immediate rules. body may be NULL.
 * Called by the server (after the permission), by rules, and by modules that drive another
 * document of their own module or of one they need.
 *
 * Errors: wrong_state, the guard's own code and sentence, and whatever run() says.
 */
bool workflow_take(struct rq *rq, const char *entity, const char *ids, const char *action,
                   const char *body);

/* Bind documents to flows: every `to` document joins all flows of the `from` documents that
 * it comes from; pairs is a JSON array [{"from": 1, "to": 2}]. Documents without a flow start
 * one of this kind. */
bool flow_join(struct rq *rq, const char *from_entity, const char *to_entity, const char *pairs);
bool flow_start(struct rq *rq, const char *entity, const char *ids, const char *kind);

/*
 * For the background threads; each call is one transaction of its own, on a request that is
 * not inside one. false: the database failed.
 *
 * outbox_publish gives committed changes their places in the feed of events and queues what
 * rules shall do after them; it also wakes the rules of dates and schedules. At most one thread
 * of all processes works at a time, the others get *published = 0. Call it every 50 ms while
 * busy, every second while idle.
 *
 * jobs_run_one runs one due job exactly once in effect: the job's end is in the transaction of
 * what it did. *ran: there was one. A job that fails waits, longer each time; after eight times
 * it is dead, for an administrator to see.
 */
bool outbox_publish(struct rq *rq, int *published);
bool jobs_run_one(struct rq *rq, bool *ran);

/* Load shipped definitions after a migration: each file modules/x/workflow/<name>.json. */
bool workflow_ship(struct rq *rq);

#endif
