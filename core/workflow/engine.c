/*
 * engine.c - takes a transition: lock and read, check all, run, move, fire the rules.
 *
 * The first statement that touches the records locks them, in the order of their ids, so
 * that two requests never wait for each other in a circle; everything that decides is read
 * after it, in the same round trip.
 */
#include "core/workflow/workflow.h"
#include "core/workflow/rule.h"

#include "core/base/str.h"

#include <string.h>

/* One call of workflow_take. */
struct step {
    struct rq *rq;
    const struct definitions *defs;
    const struct entity *entity;
    const char *action, *ids;
    struct facts facts;
    const struct facts *known;             /* read and locked already, or NULL */
    const struct workflow **workflows;     /* of each row; NULL: the table has no workflow */
    const struct transition **transitions; /* of each row; NULL: it moves no state */
    const char *roles;                     /* of the user, words; NULL when nobody asks */
};

/* ------------------------------------------------------------------------------- reading */

/* Values and roles that any version of the transition may ask for. */
static bool
needs_roles(struct step *s)
{
    bool roles = false;

    for (int i = 0; i < s->defs->nworkflows; i++) {
        const struct workflow *w = &s->defs->workflows[i];
        const struct transition *t =
            strcmp(w->entity, s->entity->name) ? NULL : workflow_transition(w, s->action);

        for (int g = 0; t && g < t->nguards; g++)
            facts_need(&s->facts, &t->guards[g].require);
        roles = roles || (t && t->roles);
    }
    return roles && !s->rq->rule;
}

static const char roles_of_user[] =
    "SELECT string_agg(r.code, ' ') FROM user_role u JOIN role r ON r.id = u.role_id"
    " WHERE u.user_id = app_user_id()";

/* Nothing needs to be read: the same records, no values asked for, and nothing moved since. */
static bool
still_known(const struct step *s)
{
    bool *all;

    if (!s->known || s->facts.npaths || s->known->moves != s->rq->moves)
        return false;
    all = arena_alloc(s->rq->mem, (size_t)s->known->rows.count + 1);
    memset(all, true, (size_t)s->known->rows.count);
    return !strcmp(facts_ids(s->known, all), s->ids);
}

static bool
read_records(struct step *s)
{
    s->facts = facts_new(s->rq, s->entity);
    bool roles = needs_roles(s);

    if (!roles && still_known(s)) {
        s->facts = *s->known;
    } else {
        if (roles)
            db_ask(s->rq, roles_of_user, NONE, OUT(&s->roles));
        if (!facts_lock(&s->facts, s->ids) || !facts_load(&s->facts, s->ids))
            return false;
    }
    size_t n = (size_t)s->facts.rows.count + 1;

    s->workflows = arena_alloc(s->rq->mem, n * sizeof *s->workflows);
    s->transitions = arena_alloc(s->rq->mem, n * sizeof *s->transitions);
    for (int i = 0; i < s->facts.rows.count; i++) {
        s->workflows[i] = definitions_workflow(s->defs, facts_workflow_id(&s->facts, i));
        if (s->workflows[i])
            s->transitions[i] = workflow_transition(s->workflows[i], s->action);
    }
    return true;
}

/* ------------------------------------------------------------------------------ checking */

/* "Confirm" is "confirm" inside an English sentence. */
static const char *
in_sentence(struct rq *rq, const char *label)
{
    char *word = arena_strdup(rq->mem, label);

    if (word[0] >= 'A' && word[0] <= 'Z' && !(word[1] >= 'A' && word[1] <= 'Z'))
        word[0] |= 0x20;
    return word;
}

static const struct operation *
operation_of(const struct entity *e, const struct transition *t, const char *action)
{
    if (!t)
        return operation_find(e, action);
    return t->operation ? operation_find(e, t->operation) : NULL;
}

/* The name of the step in the user's language. */
static const char *
step_label(struct rq *rq, const struct entity *e, const struct transition *t, const char *action)
{
    const struct operation *op = operation_find(e, action);

    if (t)
        return transition_label(rq, t);
    return op ? tr(rq, op->label) : action;
}

static bool
wrong_state(struct rq *rq, const struct entity *e, const struct workflow *w,
            const struct transition *t, const char *action, const char *state)
{
    return fail(rq, "wrong_state", "state", "Cannot %s: it is %s",
                in_sentence(rq, step_label(rq, e, t, action)),
                in_sentence(rq, state_label(rq, w, state)));
}

/* May it leave this state, by the workflow and by the program's own skeleton? */
static bool
check_state(struct rq *rq, const struct entity *e, const struct workflow *w,
            const struct transition *t, const char *action, const char *state)
{
    const struct operation *op = operation_of(e, t, action);

    if (!t && (!op || op->to))
        return fail(rq, "wrong_state", "state", "The workflow of this record has no step %s",
                    step_label(rq, e, t, action));
    if (t && t->operation && !op)
        return fail(rq, "wrong_state", "state", "The program has no operation %s", t->operation);
    if ((t && !str_word_in(t->from, state)) || (op && !state_allows(w, state, op)))
        return wrong_state(rq, e, w, t, action, state);
    return true;
}

static bool
has_role(const char *wanted, const char *roles, struct arena *mem)
{
    for (const char *word; (word = str_word(mem, &wanted));)
        if (str_word_in(roles, word))
            return true;
    return false;
}

static const char *
guard_message(const struct rq *rq, const struct guard *g)
{
    return rq->language && str_starts(rq->language, "zh") && g->message_zh ? g->message_zh
                                                                           : g->message;
}

static bool
check_guards(struct rq *rq, const struct facts *f, int row, const struct transition *t)
{
    bool ok = true, holds;

    for (int g = 0; g < t->nguards; g++) {
        const struct guard *guard = &t->guards[g];

        if (!facts_check(f, row, &guard->require, &holds))
            return false;
        if (!holds)
            ok = fail(rq, guard->code, guard->field, "%s", guard_message(rq, guard));
    }
    return ok;
}

static bool
check_row(struct step *s, int row)
{
    const struct transition *t = s->transitions[row];
    const char *state = facts_state(&s->facts, row);
    const struct workflow *w = s->workflows[row];

    if (!t && !state && !operation_find(s->entity, s->action))
        return fail(s->rq, "not_found", NULL, "There is no step %s", s->action);
    if (state && !w)
        return fail(s->rq, "no_workflow", NULL, "No workflow is published for %s", s->entity->name);
    if (state && !check_state(s->rq, s->entity, w, t, s->action, state))
        return false;
    if (t && t->roles && !s->rq->rule && !has_role(t->roles, s->roles, s->rq->mem))
        return fail(s->rq, "forbidden", NULL, "Your roles do not allow this step: %s",
                    transition_label(s->rq, t));
    return !t || check_guards(s->rq, &s->facts, row, t);
}

/* ------------------------------------------------------------------------------- running */

/* Run the operation on the rows whose transition is the same, under its own context. */
static bool
run_operation(struct step *s, const struct operation *op, const char *ids, const char *body)
{
    struct rq *rq = s->rq;
    struct rq saved = *rq;
    cJSON *json = body ? cJSON_Parse(body) : NULL;

    if (body && !json)
        return fail(rq, "malformed", NULL, "This is not JSON");
    if (json)
        arena_defer(rq->mem, (void (*)(void *))cJSON_Delete, json);
    rq->entity = s->entity;
    rq->ids = ids;
    rq->body = json;
    rq->body_text = body ? body : "{}";
    bool ok = !op->run || op->run(rq);

    rq->entity = saved.entity;
    rq->ids = saved.ids;
    rq->body = saved.body;
    rq->body_text = saved.body_text;
    return ok && !rq->errors;
}

/* Records under different versions may run different operations: one call for each. */
static bool
run_groups(struct step *s, const char *body)
{
    int n = s->facts.rows.count;
    bool *done = arena_alloc(s->rq->mem, (size_t)n + 1), *now;

    for (int i = 0; i < n; i++) {
        const struct operation *op = operation_of(s->entity, s->transitions[i], s->action);

        if (done[i])
            continue;
        now = arena_alloc(s->rq->mem, (size_t)n + 1);
        for (int k = i; k < n; k++)
            now[k] = !done[k] && operation_of(s->entity, s->transitions[k], s->action) == op;
        for (int k = i; k < n; k++)
            done[k] = done[k] || now[k];
        if (op && !run_operation(s, op, facts_ids(&s->facts, now), body))
            return false;
    }
    return true;
}

static bool
move(struct step *s)
{
    bool *moves = arena_alloc(s->rq->mem, (size_t)s->facts.rows.count + 1), any = false;

    for (int i = 0; i < s->facts.rows.count; i++)
        any |= moves[i] = s->transitions[i];
    if (!any)
        return true;
    s->rq->moves++;
    for (int i = 0; i < s->facts.rows.count; i++)
        if (moves[i])
            facts_moved(&s->facts, i, s->transitions[i]->to);
    return db_exec(s->rq, "SELECT workflow_move($1, $2, $3, $4)",
                   P(s->entity->name, facts_ids(&s->facts, moves), s->action, s->rq->rule));
}

static bool
read_and_check(struct step *s)
{
    bool ok = true;

    if (!read_records(s))
        return false;
    for (int i = 0; i < s->facts.rows.count; i++)
        ok &= check_row(s, i);
    return ok;
}

static bool
fire(struct step *s, enum rule_event event)
{
    return rules_fire(s->rq, s->defs, s->entity, event, s->action, s->ids, &s->facts);
}

static bool
take(struct step *s, const char *body)
{
    if (!read_and_check(s) || !fire(s, ON_BEFORE))
        return false;
    if (s->facts.moves != s->rq->moves) { /* a rule before it moved something: is it still right? */
        s->known = NULL;
        if (!read_and_check(s))
            return false;
    }
    return run_groups(s, body) && move(s) && fire(s, ON_TRANSITION);
}

bool
workflow_take_known(struct rq *rq, const struct entity *e, const char *ids, const char *action,
                    const char *body, const struct facts *known)
{
    struct step s = { .rq = rq, .entity = e, .action = action, .ids = ids, .known = known };

    if (rq->errors)
        return false;
    if (!ids_count(ids))
        return true;
    s.defs = definitions_get(rq);
    return s.defs && take(&s, body);
}

bool
workflow_take(struct rq *rq, const char *entity, const char *ids, const char *action,
              const char *body)
{
    const struct entity *e = entity_find(entity);

    if (!e)
        return fail(rq, "not_found", NULL, "There is no such record");
    return workflow_take_known(rq, e, ids, action, body, NULL);
}

bool
workflow_created(struct rq *rq, const char *entity, const char *ids)
{
    const struct entity *e = entity_find(entity);
    const struct definitions *d = e ? definitions_get(rq) : NULL;

    return d && rules_fire(rq, d, e, ON_CREATED, NULL, ids, NULL);
}

bool
workflow_changed(struct rq *rq, const char *entity, const char *ids)
{
    const struct entity *e = entity_find(entity);
    const struct definitions *d = e ? definitions_get(rq) : NULL;

    return d && rules_fire(rq, d, e, ON_CHANGED, NULL, ids, NULL);
}

/* ---------------------------------------------------------------------------- explaining */

static void
add_reason(struct str *why, const char *reason)
{
    if (why->len)
        str_add(why, "; ");
    str_add(why, reason);
}

/* Take back the errors that a check added; their sentences are the reasons. */
static void
take_reasons(struct rq *rq, struct error *before, struct str *why)
{
    const struct error *e = rq->errors;

    for (; e && e != before; e = e->next)
        add_reason(why, e->message);
    rq->errors = before;
}

struct why {
    struct rq *rq;
    const struct entity *entity;
    const struct workflow *workflow;
    struct facts facts;
    const char *roles, *state;
    struct str out;
};

static void
why_step(struct why *y, const struct transition *t, const char *action, const char *permitted)
{
    struct str reason = str_new(y->rq->mem);
    struct error *before = y->rq->errors;

    y->rq->errors = NULL;
    if (!permitted || !str_word_in(permitted, action))
        add_reason(&reason, tr(y->rq, "You have no permission for this"));
    if (t && t->roles && !has_role(t->roles, y->roles, y->rq->mem))
        add_reason(&reason, tr(y->rq, "Your roles do not allow this step"));
    if (!y->state || check_state(y->rq, y->entity, y->workflow, t, action, y->state)) {
        if (t)
            check_guards(y->rq, &y->facts, 0, t);
    }
    take_reasons(y->rq, NULL, &reason);
    y->rq->errors = before;
    str_add(&y->out, y->out.len > 1 ? ",{\"name\":" : "{\"name\":");
    str_json(&y->out, action);
    str_add(&y->out, ",\"label\":");
    str_json(&y->out, step_label(y->rq, y->entity, t, action));
    str_add(&y->out, ",\"to\":");
    str_json(&y->out, t ? t->to : NULL);
    str_printf(&y->out, ",\"allowed\":%s,\"why\":", reason.len ? "false" : "true");
    str_json(&y->out, reason.len ? reason.text : NULL);
    str_char(&y->out, '}');
}

/* Which of these actions the user may do, as words. */
static const char permitted_actions[] =
    "SELECT string_agg(a, ' ') FROM unnest(string_to_array($2, ' ')) a"
    " WHERE has_permission(app_user_id(), $1, a)";

static const char *
all_actions(struct rq *rq, const struct entity *e, const struct definitions *d)
{
    struct str s = str_new(rq->mem);

    EACH_OPERATION (op, e)
        str_printf(&s, "%s ", op->name);
    for (int i = 0; i < d->nworkflows; i++)
        for (int k = 0;
             !strcmp(d->workflows[i].entity, e->name) && k < d->workflows[i].ntransitions; k++)
            if (!str_word_in(s.text, d->workflows[i].transitions[k].action))
                str_printf(&s, "%s ", d->workflows[i].transitions[k].action);
    return s.text;
}

const char *
workflow_why(struct rq *rq, const struct entity *e, const char *id)
{
    const struct definitions *d = definitions_get(rq);
    struct why y = { .rq = rq, .entity = e, .facts = facts_new(rq, e) };
    const char *permitted, *ids = arena_printf(rq->mem, "{%s}", id);

    if (!d)
        return NULL;
    for (int i = 0; i < d->nworkflows; i++)
        for (int k = 0;
             !strcmp(d->workflows[i].entity, e->name) && k < d->workflows[i].ntransitions; k++)
            for (int g = 0; g < d->workflows[i].transitions[k].nguards; g++)
                facts_need(&y.facts, &d->workflows[i].transitions[k].guards[g].require);
    db_ask(rq, roles_of_user, NONE, OUT(&y.roles));
    db_ask(rq, permitted_actions, P(e->name, all_actions(rq, e, d)), OUT(&permitted));
    if (!facts_load(&y.facts, ids))
        return NULL;
    y.workflow = definitions_workflow(d, facts_workflow_id(&y.facts, 0));
    y.state = facts_state(&y.facts, 0);
    y.out = str_new(rq->mem);
    str_char(&y.out, '[');
    for (int i = 0; y.workflow && i < y.workflow->ntransitions; i++)
        why_step(&y, &y.workflow->transitions[i], y.workflow->transitions[i].action, permitted);
    EACH_OPERATION (op, e)
        if (!op->to && !(y.workflow && workflow_transition(y.workflow, op->name)))
            why_step(&y, NULL, op->name, permitted);
    str_char(&y.out, ']');
    return y.out.text;
}
