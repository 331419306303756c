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

/* Entity, event, conditions, templates, targets and actions are known. */
bool rule_validate(struct rq *rq, const struct rule *r);

/* Does it end? Rules without a condition that wake each other in a circle never do: "rule_loop"
 * then, naming the chain. r is taken in place of the stored rule of its name. */
bool rule_ends(struct rq *rq, const struct definitions *d, const struct rule *r);

#endif
