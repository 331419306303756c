/*
 * definition.h - workflows and rules as the engine uses them: read from their rows once,
 * conditions compiled, shared by all threads until an administrator changes something.
 *
 * A snapshot holds every version that was ever published, because a record stays bound to
 * the version under which it began.
 */
#ifndef TENON_DEFINITION_H
#define TENON_DEFINITION_H

#include "core/entity/entity.h"
#include "core/workflow/condition.h"

/* A condition of a definition; one that is no longer valid keeps its error and never holds. */
struct check {
    struct condition condition;
    const char *error; /* NULL: it is valid */
};

struct guard {
    struct check require;
    const char *code, *field, *message, *message_zh;
};

struct transition {
    const char *action, *label, *label_zh;
    const char *from; /* words */
    const char *to;
    const char *operation; /* NULL: only the state moves */
    const char *roles;     /* words; NULL: everybody with the permission */
    const struct guard *guards;
    int nguards;
};

struct state {
    const char *name, *label, *label_zh;
    const char
        *like; /* states of the program that this one stands for, words; itself if it is one */
    bool initial;
};

struct workflow {
    const char *id, *entity;
    int version;
    bool active;
    const struct state *states;
    int nstates;
    const struct transition *transitions;
    int ntransitions;
};

enum rule_event { ON_TRANSITION, ON_BEFORE, ON_CREATED, ON_CHANGED, ON_SCHEDULE, ON_DATE };

struct rule {
    const char *name, *entity, *label, *label_zh;
    enum rule_event event;
    const char
        *what; /* the action, the fields (words; NULL: any), the interval, the date's column */
    const char *state; /* of a schedule: only records in these states, words */
    int days;
    bool after; /* by a job, once the event is committed */
    bool conditional;
    struct check check;
    const cJSON *then;
};

struct definitions {
    const char *epoch;
    const struct workflow *workflows;
    int nworkflows;
    const struct rule *rules; /* active ones, in the order in which they run */
    int nrules;
};

/* The present definitions; they stay until the request's arena is reset. NULL after an error.
 * No round trip when request_open() told the epoch and a thread has read them before. */
const struct definitions *definitions_get(struct rq *rq);

const struct workflow *definitions_workflow(const struct definitions *d, const char *id);
const struct workflow *definitions_active(const struct definitions *d, const char *entity);
const struct rule *definitions_rule(const struct definitions *d, const char *name);

const struct transition *workflow_transition(const struct workflow *w, const char *action);
const struct state *workflow_state(const struct workflow *w, const char *name);

/* May the operation lead from this state of the workflow? */
bool state_allows(const struct workflow *w, const char *state, const struct operation *op);

/* "Confirm" or "确认", "Closed" or "已关闭": in the request's language. */
const char *transition_label(const struct rq *rq, const struct transition *t);
const char *state_label(const struct rq *rq, const struct workflow *w, const char *name);

/*
 * Read a definition; what is wrong is added to rq->errors with its place ("transitions[2].to")
 * as the field, and false returned. Everything is allocated on mem; the JSON must outlive it.
 */
bool workflow_parse(struct rq *rq, struct arena *mem, const cJSON *json, struct workflow *out);
bool rule_parse(struct rq *rq, struct arena *mem, const cJSON *json, const char *entity,
                const char *name, struct rule *out);

#endif
