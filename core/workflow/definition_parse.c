/*
 * definition_parse.c - from JSON to structures. Each finding names its place, so that an
 * editor can show it there: "transitions[2].guards[0].require".
 */
#include "core/workflow/definition.h"

#include "core/base/str.h"

#include <string.h>

#define INVALID "invalid_definition"

struct parser {
    struct rq *rq;
    struct arena *mem;
    const char *entity;
    bool ok;
};

static const char *
place(struct parser *p, const char *where, const char *key)
{
    return arena_printf(p->mem, "%s%s%s", where, *where && *key ? "." : "", key);
}

static const char *
text_of(struct parser *p, const cJSON *json, const char *key)
{
    return arena_strdup(p->mem, cJSON_GetStringValue(cJSON_GetObjectItem(json, key)));
}

static bool
is_name(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_");

    return n && !s[n] && s[0] >= 'a' && s[0] <= 'z';
}

static const char *
required(struct parser *p, const cJSON *json, const char *where, const char *key)
{
    const char *text = text_of(p, json, key);

    if (!text || !*text)
        p->ok = fail(p->rq, INVALID, place(p, where, key), "This must be filled in");
    return text && *text ? text : "";
}

static const char *
required_name(struct parser *p, const cJSON *json, const char *where, const char *key)
{
    const char *name = required(p, json, where, key);

    if (*name && !is_name(name))
        p->ok = fail(p->rq, INVALID, place(p, where, key),
                     "A name is made of small letters, digits and _");
    return name;
}

/* An array of strings as words; "" when empty, NULL when absent. */
static const char *
words_of(struct parser *p, const cJSON *json, const char *where, const char *key)
{
    const cJSON *list = cJSON_GetObjectItem(json, key), *item;
    struct str s = str_new(p->mem);

    if (!list || cJSON_IsNull(list))
        return NULL;
    if (cJSON_IsString(list))
        return arena_strdup(p->mem, list->valuestring);
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsString(item) || !*item->valuestring || strchr(item->valuestring, ' ')) {
            p->ok = fail(p->rq, INVALID, place(p, where, key), "This is a list of names");
            return "";
        }
        if (s.len)
            str_char(&s, ' ');
        str_add(&s, item->valuestring);
    }
    return s.text;
}

static struct check
parse_check(struct parser *p, const char *text, const char *where)
{
    struct check check = { 0 };
    struct condition_error e;

    if (condition_parse(p->mem, text, p->entity, &check.condition, &e))
        return check;
    check.condition = (struct condition){ .text = text };
    check.error = e.message;
    p->ok = fail(p->rq, INVALID, where, "%s (character %d, at '%s')", tr(p->rq, e.message), e.at,
                 e.near);
    return check;
}

/* ----------------------------------------------------------------------------- workflows */

static void
parse_states(struct parser *p, const cJSON *json, struct workflow *w)
{
    const cJSON *list = cJSON_GetObjectItem(json, "states"), *item;
    struct state *s = arena_alloc(p->mem, (size_t)(cJSON_GetArraySize(list) + 1) * sizeof *s);
    int n = 0;

    cJSON_ArrayForEach(item, list)
    {
        const char *where = arena_printf(p->mem, "states[%d]", n);

        s[n].name = required_name(p, item, where, "name");
        s[n].label = required(p, item, where, "label");
        s[n].label_zh = text_of(p, item, "label_zh");
        s[n].like = words_of(p, item, where, "like");
        s[n++].initial = cJSON_IsTrue(cJSON_GetObjectItem(item, "initial"));
    }
    w->states = s;
    w->nstates = n;
}

static void
parse_guards(struct parser *p, const cJSON *json, const char *where, struct transition *t)
{
    const cJSON *list = cJSON_GetObjectItem(json, "guards"), *item;
    struct guard *g = arena_alloc(p->mem, (size_t)(cJSON_GetArraySize(list) + 1) * sizeof *g);
    int n = 0;

    cJSON_ArrayForEach(item, list)
    {
        const char *here = arena_printf(p->mem, "%s.guards[%d]", where, n);

        g[n].require =
            parse_check(p, required(p, item, here, "require"), place(p, here, "require"));
        g[n].code = text_of(p, item, "code");
        g[n].code = g[n].code ? g[n].code : "not_allowed_now";
        g[n].field = text_of(p, item, "field");
        g[n].message = required(p, item, here, "message");
        g[n++].message_zh = text_of(p, item, "message_zh");
    }
    t->guards = g;
    t->nguards = n;
}

static void
parse_transitions(struct parser *p, const cJSON *json, struct workflow *w)
{
    const cJSON *list = cJSON_GetObjectItem(json, "transitions"), *item;
    struct transition *t = arena_alloc(p->mem, (size_t)(cJSON_GetArraySize(list) + 1) * sizeof *t);
    int n = 0;

    cJSON_ArrayForEach(item, list)
    {
        const char *where = arena_printf(p->mem, "transitions[%d]", n);
        const char *roles = words_of(p, item, where, "roles");

        t[n].action = required_name(p, item, where, "action");
        t[n].from = words_of(p, item, where, "from");
        t[n].to = required(p, item, where, "to");
        t[n].label = required(p, item, where, "label");
        t[n].label_zh = text_of(p, item, "label_zh");
        t[n].operation = text_of(p, item, "operation");
        t[n].roles = roles && *roles ? roles : NULL;
        if (!t[n].from || !*t[n].from)
            p->ok = fail(p->rq, INVALID, place(p, where, "from"), "This must be filled in");
        parse_guards(p, item, where, &t[n++]);
    }
    w->transitions = t;
    w->ntransitions = n;
}

/* Is the state one that the program's operations know? */
static bool
state_of_program(const struct entity *e, const char *state)
{
    EACH_OPERATION (op, e)
        if (str_word_in(op->from, state) || str_word_in(op->to, state))
            return true;
    return false;
}

/* Add the words of more that list does not have. */
static const char *
words_joined(struct arena *mem, const char *list, const char *more)
{
    struct str s = str_new(mem);

    str_add(&s, list ? list : "");
    for (const char *word; (word = str_word(mem, &more));)
        if (!str_word_in(s.text, word)) {
            if (s.len)
                str_char(&s, ' ');
            str_add(&s, word);
        }
    return s.text;
}

/*
 * What a state of the administrator's own stands for: what its definition says; else, since
 * nothing has happened on the way, the states from which steps without an operation lead to
 * it, and what the operations that lead to it make.
 */
static void
derive_like(struct parser *p, struct workflow *w, struct state *states, const bool *fixed)
{
    const struct entity *e = entity_find(w->entity);

    for (int round = 0; round < w->nstates; round++) {
        for (int i = 0; i < w->ntransitions; i++) {
            const struct transition *t = &w->transitions[i];
            const struct operation *op = t->operation && e ? operation_find(e, t->operation) : NULL;
            const struct state *to = workflow_state(w, t->to);
            const char *from = t->from;

            if (!to || fixed[to - w->states])
                continue;
            struct state *s = &states[to - w->states];

            if (op && op->to)
                s->like = words_joined(p->mem, s->like, op->to);
            for (const char *word; !(op && op->to) && (word = str_word(p->mem, &from));) {
                const struct state *source = workflow_state(w, word);

                if (source && source->like)
                    s->like = words_joined(p->mem, s->like, source->like);
            }
        }
    }
}

static void
parse_like(struct parser *p, struct workflow *w)
{
    const struct entity *e = entity_find(w->entity);
    struct state *states = arena_alloc(p->mem, (size_t)(w->nstates + 1) * sizeof *states);
    bool *fixed = arena_alloc(p->mem, (size_t)w->nstates + 1);

    for (int i = 0; i < w->nstates; i++) {
        states[i] = w->states[i];
        fixed[i] = states[i].like || state_of_program(e, states[i].name);
        if (state_of_program(e, states[i].name))
            states[i].like = states[i].name;
    }
    w->states = states;
    derive_like(p, w, states, fixed);
}

bool
workflow_parse(struct rq *rq, struct arena *mem, const cJSON *json, struct workflow *out)
{
    struct parser p = { rq, mem, "", true };

    *out = (struct workflow){ 0 };
    if (!cJSON_IsObject(json))
        return fail(rq, INVALID, NULL, "A workflow is a JSON object");
    p.entity = out->entity = required_name(&p, json, "", "entity");
    parse_states(&p, json, out);
    parse_transitions(&p, json, out);
    parse_like(&p, out);
    return p.ok;
}

/* --------------------------------------------------------------------------------- rules */

static bool
parse_event(struct parser *p, const cJSON *when, struct rule *r)
{
    static const struct {
        const char *key;
        enum rule_event event;
    } events[] = { { "transition", ON_TRANSITION }, { "before", ON_BEFORE },
                   { "created", ON_CREATED },       { "changed", ON_CHANGED },
                   { "schedule", ON_SCHEDULE },     { "date", ON_DATE } };
    int found = 0;

    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        if (!cJSON_GetObjectItem(when, events[i].key))
            continue;
        r->event = events[i].event;
        r->what = words_of(p, when, "when", events[i].key);
        found++;
    }
    if (r->what && !*r->what)
        r->what = NULL;
    if (found != 1)
        return fail(p->rq, INVALID, "when",
                    "Name one event: transition, before, created, changed, schedule or date");
    if (!r->what && r->event != ON_CREATED && r->event != ON_CHANGED)
        return fail(p->rq, INVALID, "when", "Say which one");
    r->state = words_of(p, when, "when", "state");
    const cJSON *days = cJSON_GetObjectItem(when, "days");

    r->days = cJSON_IsNumber(days) ? days->valueint : 0;
    return true;
}

static bool
parse_timing(struct parser *p, const cJSON *json, struct rule *r)
{
    const char *timing = text_of(p, json, "timing");

    if (timing && strcmp(timing, "immediate") != 0 && strcmp(timing, "after") != 0)
        return fail(p->rq, INVALID, "timing", "The timing is immediate or after");
    r->after =
        r->event == ON_SCHEDULE || r->event == ON_DATE || (timing && !strcmp(timing, "after"));
    if (timing && r->after && (r->event == ON_BEFORE || !strcmp(timing, "immediate")))
        return fail(p->rq, INVALID, "timing", "This event cannot have this timing");
    return true;
}

static bool
parse_then(struct parser *p, const cJSON *then)
{
    static const char known[] = "run create update assign notify activity webhook";
    const cJSON *action;
    int i = 0;

    if (!cJSON_IsArray(then) || !then->child)
        return fail(p->rq, INVALID, "then", "A rule needs a list of actions");
    cJSON_ArrayForEach(action, then)
    {
        bool found = false;

        for (const cJSON *key = action->child; key; key = key->next)
            found = found || str_word_in(known, key->string);
        if (!found)
            p->ok = fail(p->rq, INVALID, arena_printf(p->mem, "then[%d]", i),
                         "Unknown action; known are %s", known);
        i++;
    }
    return p->ok;
}

bool
rule_parse(struct rq *rq, struct arena *mem, const cJSON *json, const char *entity,
           const char *name, struct rule *out)
{
    struct parser p = { rq, mem, entity, true };
    const char *condition;

    *out = (struct rule){ .name = name, .entity = entity };
    if (!cJSON_IsObject(json))
        return fail(rq, INVALID, NULL, "A rule is a JSON object");
    out->label = text_of(&p, json, "label");
    out->label_zh = text_of(&p, json, "label_zh");
    out->then = cJSON_GetObjectItem(json, "then");
    condition = text_of(&p, json, "if");
    if (condition && *condition) {
        out->conditional = true;
        out->check = parse_check(&p, condition, "if");
    }
    return parse_event(&p, cJSON_GetObjectItem(json, "when"), out) && parse_timing(&p, json, out) &&
           parse_then(&p, out->then) && p.ok;
}
