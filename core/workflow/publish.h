/*
 * publish.h - is a definition one that can be put to work? Every finding goes to rq->errors
 * with its place.
 */
#ifndef TENON_PUBLISH_H
#define TENON_PUBLISH_H

#include "core/workflow/definition.h"

/* One initial state, every state reachable, operations known and inside the skeleton that
 * the program's operations declare, every path of a condition known. */
bool workflow_validate(struct rq *rq, const struct workflow *w);

/* Entity, event, conditions, templates and actions are known. */
bool rule_validate(struct rq *rq, const struct rule *r);

#endif
