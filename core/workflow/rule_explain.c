/*
 * rule_explain.c - for one record: which rules wait for what, whether their conditions hold
 * now, and what became of their last runs.
 */
#include "core/workflow/admin.h"
#include "core/workflow/rule.h"

#include <string.h>

static const char *const event_names[] = { "transition", "before",   "created",
                                           "changed",    "schedule", "date" };

static void
explain(struct str *s, const struct facts *f, const struct rule *r)
{
    const struct rq *rq = f->rq;
    const char *why = NULL;
    bool holds = true;

    str_add(s, s->text[s->len - 1] == '[' ? "{\"rule\":" : ",{\"rule\":");
    str_json(s, r->name);
    str_add(s, ",\"label\":");
    str_json(s, rq->language && str_starts(rq->language, "zh") && r->label_zh ? r->label_zh
                                                                              : r->label);
    str_printf(s, ",\"event\":\"%s\",\"of\":", event_names[r->event]);
    str_json(s, r->what);
    str_printf(s, ",\"timing\":\"%s\",\"condition\":", r->after ? "after" : "immediate");
    str_json(s, r->conditional ? r->check.condition.text : NULL);
    if (r->conditional && !facts_try(f, 0, &r->check, &holds, &why))
        str_add(s, ",\"holds\":null,\"why\":");
    else
        str_printf(s, ",\"holds\":%s,\"why\":", holds ? "true" : "false");
    str_json(s, why ? tr(rq, why) : NULL);
    str_char(s, '}');
}

bool
api_rule_runs(struct rq *rq, const struct entity *e, const char *id)
{
    const struct definitions *d = definitions_get(rq);
    struct facts f = facts_new(rq, e);
    struct str s = str_new(rq->mem);

    for (int i = 0; d && i < d->nrules; i++)
        if (!strcmp(d->rules[i].entity, e->name) && d->rules[i].conditional)
            facts_need(&f, &d->rules[i].check);
    if (!d || !facts_load(&f, arena_printf(rq->mem, "{%s}", id)))
        return false;
    str_char(&s, '[');
    for (int i = 0; i < d->nrules; i++)
        if (!strcmp(d->rules[i].entity, e->name))
            explain(&s, &f, &d->rules[i]);
    str_char(&s, ']');
    request_reply(
        rq, "SELECT json_build_object('rules', $3::json, 'items', workflow_rule_runs($1, $2))",
        P(e->name, id, s.text));
    return true;
}
