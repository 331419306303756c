/*
 * events.h - what the generic verbs tell the workflow engine. Declared here, where they are
 * called, and implemented in core/workflow: so that includes point downwards only.
 */
#ifndef TENON_EVENTS_H
#define TENON_EVENTS_H

#include "core/entity/module.h"

/* Records were created or changed by the generic verbs: bind documents to a flow, run the
 * rules of that event. */
bool workflow_created(struct rq *rq, const char *entity, const char *ids);
bool workflow_changed(struct rq *rq, const char *entity, const char *ids);

/* What may be done with one record now: JSON array of {name, label, to, allowed, why}; NULL
 * after an error. */
const char *workflow_why(struct rq *rq, const struct entity *e, const char *id);

#endif
