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

/* Bind documents to flows: each of to_ids joins all flows of the one of from_ids at its place
 * ("{1,2}" and "{7,8}", of equal length). Documents without a flow start one. */
bool flow_join(struct rq *rq, const char *from_entity, const char *from_ids, const char *to_entity,
               const char *to_ids);

/* entity_insert, and each document joins the flows of the one of from_ids at its place. The new
 * ids, or NULL after an error. */
const char *flow_insert(struct rq *rq, const char *from_entity, const char *from_ids,
                        const char *entity, const char *json);

bool flow_start(struct rq *rq, const char *entity, const char *ids, const char *kind);

/* Load shipped definitions after a migration: each file modules/x/workflow/<name>.json. */
bool workflow_ship(struct rq *rq);

#endif
