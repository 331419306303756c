/*
 * rule.h - rules inside the engine: which ones an event wakes, and how they run.
 */
#ifndef TENON_RULE_H
#define TENON_RULE_H

#include "core/base/str.h"
#include "core/workflow/fact.h"

enum { RULE_DEPTH = 16 }; /* rules that may run inside each other */

/* A rule at work on the records for which its condition holds. */
struct rule_call {
    struct rq *rq;
    const struct rule *rule;
    const struct entity *entity;
    const char *ids;
    const struct facts *known; /* the records' states, when they were read just before */
    struct facts facts;        /* values that the actions' templates name, of more rows than ids */
    const bool *wanted;        /* which of those rows; NULL: no rows were read */
};

/* Run the immediate rules of an event on these records. what: the action; NULL otherwise.
 * known: their states, which need not be read again; may be NULL. */
bool rules_fire(struct rq *rq, const struct definitions *d, const struct entity *e,
                enum rule_event event, const char *what, const char *ids,
                const struct facts *known);

/* Run one rule on these records: its condition, its actions, the record of the run. */
bool rule_run(struct rq *rq, const struct rule *r, const struct entity *e, const char *ids);

/* workflow_take on records that are locked and whose states are known, if they still are. */
bool workflow_take_known(struct rq *rq, const struct entity *e, const char *ids, const char *action,
                         const char *body, const struct facts *known);

/* Run one action. */
bool action_run(struct rule_call *call, const cJSON *action);

/* Note the paths that an action's templates name; does it need the records' rows at all? */
bool action_needs(const cJSON *action, struct facts *f);

/* Assign records to users: round robin, least loaded, or by a list of cases. */
bool assign_run(struct rule_call *call, const cJSON *action);
void assign_needs(const cJSON *cases, struct facts *f);

/* A text with each {path} replaced; NULL when it is one {path} alone and that is empty. */
const char *template_text(const struct facts *f, int row, const char *text);
void template_needs(const char *text, struct facts *f);

/* The JSON text of an object with the templates in its strings filled in. */
void template_json(struct str *out, const struct facts *f, int row, const cJSON *json);
void template_json_needs(const cJSON *json, struct facts *f);

#endif
