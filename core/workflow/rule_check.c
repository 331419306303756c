/*
 * rule_check.c - is a rule one that can be put to work? What it names must be there, and
 * rules must not wake each other for ever.
 */
#include "core/workflow/publish.h"
#include "core/workflow/rule.h"

#include "core/base/str.h"

#include <string.h>

#define INVALID "invalid_definition"

struct rule_checker {
    struct rq *rq;
    const struct rule *rule;
    const struct entity *entity;
    const struct table *table;
    const struct definitions *defs;
    bool ok;
};

static const char *
text_of(const cJSON *json, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItem(json, key));
}

static const struct table *
table_of(struct rq *rq, const char *name)
{
    const struct catalog *c = catalog_get(rq, request_schema_epoch(rq));

    return c ? catalog_table(c, name) : NULL;
}

static void
need_column(struct rule_checker *c, const struct table *t, const char *name, const char *place)
{
    if (t && !table_column(t, name))
        c->ok = fail(c->rq, INVALID, place, "There is no field %s", name);
}

/* -------------------------------------------------------------------------------- events */

static bool
step_known(const struct definitions *d, const struct entity *e, const char *action)
{
    const struct workflow *w = definitions_active(d, e->name);

    return operation_find(e, action) || (w && workflow_transition(w, action));
}

/* "15 minutes", "1 day". */
static bool
is_interval(const char *text)
{
    size_t n = strspn(text, "0123456789");

    return n && n < 5 && text[n] == ' ' &&
           str_word_in("minute minutes hour hours day days week weeks", text + n + 1);
}

static void
check_event(struct rule_checker *c)
{
    const struct rule *r = c->rule;
    const char *list = r->what, *word;

    if (r->event == ON_SCHEDULE && !is_interval(r->what))
        c->ok = fail(c->rq, INVALID, "when.schedule", "A schedule is a time such as 15 minutes");
    if (r->event == ON_DATE && c->table) {
        const struct column *column = table_column(c->table, r->what);

        if (!column || !str_word_in("date timestamptz", column->type))
            c->ok = fail(c->rq, INVALID, "when.date", "%s is not a date of this kind of record",
                         r->what);
    }
    if (r->event == ON_SCHEDULE || r->event == ON_DATE || r->event == ON_CREATED)
        return;
    while ((word = str_word(c->rq->mem, &list)))
        if (r->event == ON_CHANGED)
            need_column(c, c->table, word, "when.changed");
        else if (!step_known(c->defs, c->entity, word))
            c->ok = fail(c->rq, INVALID, "when", "There is no step %s", word);
}

/* ------------------------------------------------------------------------------- actions */

static void
check_templates(struct rule_checker *c, const cJSON *action, const char *place)
{
    struct facts f = facts_new(c->rq, c->entity);
    const char *why = NULL;

    action_needs(action, &f);
    for (int i = 0; i < f.npaths; i++)
        if (!fact_path_known(c->rq, c->entity, facts_path(&f, i), &why))
            c->ok = fail(c->rq, INVALID, place, "%s: %s", facts_path(&f, i), why);
}

/* The kind of record that "on" leads to; NULL when there is no such thing. */
static const struct entity *
target_entity(struct rq *rq, const struct entity *from, const char *on)
{
    const struct table *t;
    const struct column *column;

    if (!on || !strcmp(on, "record"))
        return from;
    if (str_starts(on, "flow."))
        return entity_find(on + 5);
    t = table_of(rq, from->name);
    column = t ? table_column(t, arena_printf(rq->mem, "%s_id", on)) : NULL;
    return column && column->refers_to ? entity_find(column->refers_to) : NULL;
}

static void
check_run(struct rule_checker *c, const cJSON *action, const char *place)
{
    const char *run = text_of(action, "run");
    const struct entity *e = target_entity(c->rq, c->entity, text_of(action, "on"));

    if (!e)
        c->ok = fail(c->rq, INVALID, place, "Unknown target: %s", text_of(action, "on"));
    else if (!run || !step_known(c->defs, e, run))
        c->ok = fail(c->rq, INVALID, place, "There is no step %s", run ? run : "?");
}

static void
check_values(struct rule_checker *c, const char *entity, const cJSON *values, const char *place)
{
    const struct table *t = entity && entity_find(entity) ? table_of(c->rq, entity) : NULL;

    if (!t) {
        c->ok = fail(c->rq, INVALID, place, "There is no kind of record called %s",
                     entity ? entity : "?");
        return;
    }
    for (const cJSON *v = values ? values->child : NULL; v; v = v->next)
        if (!cJSON_IsArray(v)) /* lines are checked when they are written */
            need_column(c, t, v->string, place);
}

static void
check_assign(struct rule_checker *c, const cJSON *action, const char *place)
{
    const cJSON *item, *how = cJSON_GetObjectItem(action, "assign");
    const cJSON *cases = cJSON_IsArray(how) ? how : NULL;
    struct condition_error error;
    struct condition condition;

    need_column(c, c->table, text_of(action, "field") ? text_of(action, "field") : "?", place);
    cJSON_ArrayForEach(item, cases) if (text_of(item, "if") &&
                                        !condition_parse(c->rq->mem, text_of(item, "if"),
                                                         c->entity->name, &condition, &error))
        c->ok = fail(c->rq, INVALID, place, "%s (character %d, at '%s')", tr(c->rq, error.message),
                     error.at, error.near);
}

static void
check_action(struct rule_checker *c, const cJSON *action, int i)
{
    const char *place = arena_printf(c->rq->mem, "then[%d]", i), *url = text_of(action, "webhook");

    if (cJSON_GetObjectItem(action, "run"))
        check_run(c, action, place);
    if (cJSON_GetObjectItem(action, "create"))
        check_values(c, text_of(action, "create"), cJSON_GetObjectItem(action, "values"), place);
    if (cJSON_GetObjectItem(action, "update"))
        check_values(c, c->entity->name, cJSON_GetObjectItem(action, "update"), place);
    if (cJSON_GetObjectItem(action, "assign"))
        check_assign(c, action, place);
    if (cJSON_GetObjectItem(action, "notify") && !text_of(action, "message"))
        c->ok = fail(c->rq, INVALID, place, "The message is missing");
    if (cJSON_GetObjectItem(action, "webhook") &&
        !(url && (str_starts(url, "https://") || str_starts(url, "http://"))))
        c->ok = fail(c->rq, INVALID, place, "An address begins with https://");
    check_templates(c, action, place);
}

bool
rule_validate(struct rq *rq, const struct rule *r)
{
    struct rule_checker c = { .rq = rq, .rule = r, .entity = entity_find(r->entity), .ok = true };
    const cJSON *action;
    const char *why = NULL;
    int n = 0;

    if (!c.entity)
        return fail(rq, INVALID, "entity", "There is no kind of record called %s", r->entity);
    c.table = table_of(rq, r->entity);
    c.defs = definitions_get(rq);
    if (!c.table || !c.defs)
        return rq->errors ? false : fail(rq, INVALID, "entity", "There is no table %s", r->entity);
    check_event(&c);
    for (int i = 0; i < r->check.condition.npaths; i++)
        if (!fact_path_known(rq, c.entity, r->check.condition.paths[i], &why))
            c.ok = fail(rq, INVALID, "if", "%s: %s", r->check.condition.paths[i], why);
    cJSON_ArrayForEach(action, r->then) check_action(&c, action, n++);
    return c.ok;
}

/* --------------------------------------------------------------------------------- loops */

static bool
changes_field(const cJSON *fields, const struct rule *woken)
{
    for (const cJSON *f = fields ? fields->child : NULL; f; f = f->next)
        if (!woken->what || str_word_in(woken->what, f->string))
            return true;
    return false;
}

/* Does this action wake the rule every time? A filter by state may end the chain. */
static bool
action_wakes(struct rq *rq, const struct rule *r, const cJSON *action, const struct rule *woken)
{
    const struct entity *from = entity_find(r->entity), *to;
    const char *run = text_of(action, "run"), *create = text_of(action, "create");

    if (run && !cJSON_GetObjectItem(action, "state") && from &&
        (woken->event == ON_TRANSITION || woken->event == ON_BEFORE)) {
        to = target_entity(rq, from, text_of(action, "on"));
        return to && !strcmp(to->name, woken->entity) && str_word_in(woken->what, run);
    }
    if (create)
        return woken->event == ON_CREATED && !strcmp(create, woken->entity);
    return woken->event == ON_CHANGED && !strcmp(r->entity, woken->entity) &&
           changes_field(cJSON_GetObjectItem(action, "update"), woken);
}

static bool
wakes(struct rq *rq, const struct rule *r, const struct rule *woken)
{
    const cJSON *action;

    cJSON_ArrayForEach(action, r->then) if (action_wakes(rq, r, action, woken)) return true;
    return false;
}

/* Follow the rules that r wakes; back at the start: a circle. path: names so far. */
static const char *
circle(struct rq *rq, const struct definitions *d, const struct rule *start, const struct rule *r,
       bool *seen, const char *path)
{
    if (wakes(rq, r, start))
        return arena_printf(rq->mem, "%s > %s", path, start->name);
    for (int i = 0; i < d->nrules; i++) {
        const struct rule *next = &d->rules[i];
        const char *found;

        if (seen[i] || next->conditional || !strcmp(next->name, start->name) || !wakes(rq, r, next))
            continue;
        seen[i] = true;
        found =
            circle(rq, d, start, next, seen, arena_printf(rq->mem, "%s > %s", path, next->name));
        if (found)
            return found;
    }
    return NULL;
}

bool
rule_ends(struct rq *rq, const struct definitions *d, const struct rule *r)
{
    bool *seen = arena_alloc(rq->mem, (size_t)d->nrules + 1);
    const char *chain = r->conditional ? NULL : circle(rq, d, r, r, seen, r->name);

    return !chain || fail(rq, "rule_loop", "then", "Rules call each other without end: %s", chain);
}
