/*
 * publish.c - what must be true of a workflow before records may follow it.
 *
 * The skeleton: an operation's code relies on the states that it declares, so a step may
 * lead a record around them but never past the operation that makes them true.
 */
#include "core/workflow/publish.h"
#include "core/workflow/fact.h"

#include "core/base/str.h"

#include <string.h>

#define INVALID "invalid_definition"

static const char *
at(struct rq *rq, const char *list, int i, const char *key)
{
    return arena_printf(rq->mem, "%s[%d].%s", list, i, key);
}

/* -------------------------------------------------------------------------------- states */

static bool
one_initial(struct rq *rq, const struct workflow *w)
{
    int n = 0;

    for (int i = 0; i < w->nstates; i++)
        n += w->states[i].initial;
    return n == 1 || fail(rq, INVALID, "states", "Exactly one state is the initial one");
}

static bool
no_doubles(struct rq *rq, const struct workflow *w)
{
    bool ok = true;

    for (int i = 0; i < w->nstates; i++)
        if (workflow_state(w, w->states[i].name) != &w->states[i])
            ok = fail(rq, INVALID, at(rq, "states", i, "name"), "Two states have this name");
    for (int i = 0; i < w->ntransitions; i++)
        if (workflow_transition(w, w->transitions[i].action) != &w->transitions[i])
            ok = fail(rq, INVALID, at(rq, "transitions", i, "action"), "Two steps have this name");
    return ok;
}

static bool
states_known(struct rq *rq, const struct workflow *w)
{
    bool ok = true;

    for (int i = 0; i < w->ntransitions; i++) {
        const struct transition *t = &w->transitions[i];
        const char *from = t->from, *word;

        if (!workflow_state(w, t->to))
            ok = fail(rq, INVALID, at(rq, "transitions", i, "to"), "There is no state %s", t->to);
        while ((word = str_word(rq->mem, &from)))
            if (!workflow_state(w, word))
                ok = fail(rq, INVALID, at(rq, "transitions", i, "from"), "There is no state %s",
                          word);
    }
    return ok;
}

static bool
all_reachable(struct rq *rq, const struct workflow *w)
{
    bool *reached = arena_alloc(rq->mem, (size_t)w->nstates + 1), ok = true;

    for (int i = 0; i < w->nstates; i++)
        reached[i] = w->states[i].initial;
    for (int round = 0; round < w->nstates; round++)
        for (int i = 0; i < w->ntransitions; i++)
            for (int s = 0; s < w->nstates; s++)
                if (reached[s] && str_word_in(w->transitions[i].from, w->states[s].name))
                    reached[workflow_state(w, w->transitions[i].to) - w->states] = true;
    for (int i = 0; i < w->nstates; i++)
        if (!reached[i])
            ok = fail(rq, INVALID, at(rq, "states", i, "name"), "No step leads to the state %s",
                      w->states[i].name);
    return ok;
}

/* ------------------------------------------------------------------------------ skeleton */

/* The operation that alone may make this state true, or NULL. */
static const struct operation *
maker_of(const struct entity *e, const char *state)
{
    EACH_OPERATION (op, e)
        if (op->run && str_word_in(op->to, state))
            return op;
    return NULL;
}

/* A step without an operation: only to where no operation is needed, or back to what the
 * state stands for anyway. */
static bool
plain_step(struct rq *rq, const struct entity *e, const struct workflow *w, int i)
{
    const struct transition *t = &w->transitions[i];
    const struct operation *maker = maker_of(e, t->to);
    const char *from = t->from, *word;
    bool ok = true;

    while (maker && (word = str_word(rq->mem, &from))) {
        const struct state *s = workflow_state(w, word);

        if (strcmp(s->like ? s->like : "", t->to) != 0)
            ok = fail(rq, INVALID, at(rq, "transitions", i, "operation"),
                      "Only the operation %s leads to the state %s", maker->name, t->to);
    }
    return ok;
}

static bool
operation_step(struct rq *rq, const struct workflow *w, int i, const struct operation *op)
{
    const struct transition *t = &w->transitions[i];
    const char *from = t->from, *word;
    bool ok = true;

    while ((word = str_word(rq->mem, &from))) {
        if (!state_allows(w, word, op))
            ok = fail(rq, INVALID, at(rq, "transitions", i, "from"),
                      "The operation %s cannot lead from %s", op->name, word);
        if (!op->to && strcmp(word, t->to) != 0)
            ok = fail(rq, INVALID, at(rq, "transitions", i, "to"),
                      "The operation %s moves no state", op->name);
    }
    if (op->to && !str_word_in(op->to, t->to))
        ok = fail(rq, INVALID, at(rq, "transitions", i, "to"), "The operation %s cannot lead to %s",
                  op->name, t->to);
    return ok;
}

static bool
skeleton_kept(struct rq *rq, const struct entity *e, const struct workflow *w)
{
    bool ok = true;

    for (int i = 0; i < w->ntransitions; i++) {
        const struct transition *t = &w->transitions[i];
        const struct operation *op = t->operation ? operation_find(e, t->operation) : NULL;

        if (t->operation && !op)
            ok = fail(rq, INVALID, at(rq, "transitions", i, "operation"),
                      "There is no operation %s", t->operation);
        else if (!op && operation_find(e, t->action) && operation_find(e, t->action)->run)
            ok = fail(rq, INVALID, at(rq, "transitions", i, "operation"),
                      "The step %s must run the operation of its name", t->action);
        else
            ok &= op ? operation_step(rq, w, i, op) : plain_step(rq, e, w, i);
    }
    return ok;
}

/* ---------------------------------------------------------------------------- conditions */

static bool
paths_known(struct rq *rq, const struct entity *e, const struct check *check, const char *place)
{
    const char *why = NULL;
    bool ok = true;

    for (int i = 0; i < check->condition.npaths; i++)
        if (!fact_path_known(rq, e, check->condition.paths[i], &why))
            ok = fail(rq, INVALID, place, "%s: %s", check->condition.paths[i], why);
    return ok;
}

bool
workflow_validate(struct rq *rq, const struct workflow *w)
{
    const struct entity *e = entity_find(w->entity);
    bool ok;

    if (!e)
        return fail(rq, INVALID, "entity", "There is no kind of record called %s", w->entity);
    ok = one_initial(rq, w);
    ok &= no_doubles(rq, w);
    if (!states_known(rq, w))
        return false;
    ok &= all_reachable(rq, w);
    ok &= skeleton_kept(rq, e, w);
    for (int i = 0; i < w->ntransitions; i++)
        for (int g = 0; g < w->transitions[i].nguards; g++)
            ok &= paths_known(rq, e, &w->transitions[i].guards[g].require,
                              arena_printf(rq->mem, "transitions[%d].guards[%d].require", i, g));
    return ok;
}
