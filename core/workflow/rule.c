/*
 * rule.c - wakes rules and runs them. A rule sees the records as they are when its turn
 * comes: what an earlier rule changed is read again.
 */
#include "core/workflow/rule.h"
#include "core/workflow/workflow.h"

#include "core/base/str.h"

#include <string.h>

/* ----------------------------------------------------------------------------- one rule */

/* Kept with the transaction: which rule ran on which record, or why it did not. */
static bool
record_run(struct rq *rq, const struct rule *r, const char *ids, const char *outcome,
           const char *detail)
{
    return !ids_count(ids) || db_exec(rq, "SELECT workflow_rule_ran($1, $2, $3, $4, $5)",
                                      P(r->name, r->entity, ids, outcome, detail));
}

/* Read what the rule needs and find the records for which its condition holds. */
static bool
select_records(struct rule_call *call, const char *ids)
{
    const struct rule *r = call->rule;
    bool rows = r->conditional;
    const cJSON *action;

    call->facts = facts_new(call->rq, call->entity);
    if (r->conditional)
        facts_need(&call->facts, &r->check);
    cJSON_ArrayForEach(action, r->then) rows |= action_needs(action, &call->facts);
    call->ids = ids;
    if (!rows)
        return true;
    if (!facts_load(&call->facts, ids))
        return false;
    call->known = &call->facts;
    bool *wanted = arena_alloc(call->rq->mem, (size_t)call->facts.rows.count + 1);
    bool *others = arena_alloc(call->rq->mem, (size_t)call->facts.rows.count + 1);

    for (int i = 0; i < call->facts.rows.count; i++) {
        wanted[i] = true;
        if (r->conditional && !facts_check(&call->facts, i, &r->check, &wanted[i]))
            return false;
        others[i] = !wanted[i];
    }
    call->wanted = wanted;
    call->ids = facts_ids(&call->facts, wanted);
    return r->event == ON_SCHEDULE || /* or every record would be noted every few minutes */
           record_run(call->rq, r, facts_ids(&call->facts, others), "skipped",
                      "the condition is false");
}

static bool
run_actions(struct rule_call *call)
{
    struct rq *rq = call->rq;
    const char *rule = rq->rule, *chain = rq->rule_chain;
    const cJSON *action;
    bool ok = true;

    rq->rule = call->rule->name;
    rq->rule_chain =
        chain ? arena_printf(rq->mem, "%s > %s", chain, call->rule->name) : call->rule->name;
    rq->depth++;
    if (rq->depth > RULE_DEPTH)
        ok = fail(rq, "rule_loop", NULL, "Rules call each other without end: %s", rq->rule_chain);
    cJSON_ArrayForEach(action, call->rule->then) ok = ok && action_run(call, action);
    rq->depth--;
    rq->rule = rule;
    rq->rule_chain = chain;
    return ok;
}

static bool
run_known(struct rq *rq, const struct rule *r, const struct entity *e, const char *ids,
          const struct facts *known)
{
    struct rule_call call = { .rq = rq, .rule = r, .entity = e, .known = known };

    if (!select_records(&call, ids))
        return false;
    if (!ids_count(call.ids))
        return true;
    return run_actions(&call) && record_run(rq, r, call.ids, "fired", NULL);
}

bool
rule_run(struct rq *rq, const struct rule *r, const struct entity *e, const char *ids)
{
    return run_known(rq, r, e, ids, NULL);
}

/* -------------------------------------------------------------------------------- events */

static const char changed_records[] =
    "SELECT coalesce(array_agg(id), '{}') FROM workflow_changed_fields($1, $2::bigint[])"
    " WHERE fields && string_to_array($3, ' ')";

static bool
wakes(const struct rule *r, const char *entity, enum rule_event event, const char *what)
{
    if (r->event != event || strcmp(r->entity, entity) != 0)
        return false;
    return !what || str_word_in(r->what, what);
}

/*
 * A step that moves no state leaves no event behind; so what shall happen after it is put
 * into the queue of jobs here, within the transaction.
 */
static bool
queue_after(struct rq *rq, const struct rule *r, const struct definitions *d, const char *what,
            const char *ids)
{
    for (int i = 0; i < d->nworkflows; i++)
        if (!strcmp(d->workflows[i].entity, r->entity) &&
            workflow_transition(&d->workflows[i], what))
            return true;
    return db_exec(rq, "SELECT workflow_queue($1, $2, $3)", P(r->name, r->entity, ids));
}

bool
rules_fire(struct rq *rq, const struct definitions *d, const struct entity *e,
           enum rule_event event, const char *what, const char *ids, const struct facts *known)
{
    for (int i = 0; i < d->nrules; i++) {
        const struct rule *r = &d->rules[i];
        const char *subset = ids;

        if (!wakes(r, e->name, event, what))
            continue;
        if (r->after) {
            if (event == ON_TRANSITION && !queue_after(rq, r, d, what, ids))
                return false;
            continue;
        }
        if (event == ON_CHANGED && r->what)
            subset = db_text(rq, changed_records, P(e->name, ids, r->what));
        if (!subset || (ids_count(subset) && !run_known(rq, r, e, subset, known)))
            return false;
    }
    return !rq->errors;
}
