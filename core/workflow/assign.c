/*
 * assign.c - a rule's assignment of records to users.
 *
 *     { "assign": "round_robin", "field": "salesperson_id", "role": "sales" }
 *     { "assign": "least_loaded", "field": "salesperson_id", "role": "sales" }
 *     { "assign": [ { "if": "lead.country_code == 'DE'", "user": "anna" },
 *                   { "if": "lead.source.code == 'web'", "assign": "round_robin", "role": "sales"
 * }, { "user": "ben" } ], "field": "owner_id" }
 *
 * The database chooses under a lock, so that two requests do not choose the same user.
 */
#include "core/workflow/rule.h"

#include <string.h>

static const char *
text_of(const cJSON *json, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItem(json, key));
}

/* Give the records to a user by name, or let the strategy choose among a role. */
static bool
give(struct rule_call *call, const char *field, const cJSON *how, const char *ids)
{
    const char *strategy = text_of(how, "assign");

    return !ids_count(ids) ||
           db_exec(call->rq, "SELECT workflow_assign($1, $2, $3, $4, $5, $6, $7)",
                   P(call->rule->name, call->entity->name, field, ids, strategy ? strategy : "user",
                     text_of(how, "role"), text_of(how, "user")));
}

/* The condition of a case; without one it takes all that is left. */
static bool
case_check(struct arena *mem, const char *entity, const cJSON *item, struct check *check)
{
    const char *text = text_of(item, "if");
    struct condition_error error;

    *check = (struct check){ 0 };
    if (!text)
        return false;
    if (!condition_parse(mem, text, entity, &check->condition, &error)) {
        check->condition = (struct condition){ .text = text };
        check->error = error.message;
    }
    return true;
}

void
assign_needs(const cJSON *cases, struct facts *f)
{
    const cJSON *item;
    struct check check;

    cJSON_ArrayForEach(item, cases) if (case_check(f->rq->mem, f->entity->name, item, &check))
        facts_need(f, &check);
}

/* The first case whose condition holds takes a record. */
static bool
by_cases(struct rule_call *call, const cJSON *cases, const char *field)
{
    const struct facts *f = &call->facts;
    size_t n = (size_t)f->rows.count + 1;
    bool *left = arena_alloc(call->rq->mem, n);
    const cJSON *item;

    memcpy(left, call->wanted, n - 1);
    cJSON_ArrayForEach(item, cases)
    {
        bool *taken = arena_alloc(call->rq->mem, n);
        struct check check;
        bool conditional = case_check(call->rq->mem, call->entity->name, item, &check);

        for (int i = 0; i < f->rows.count; i++) {
            bool holds = true;

            if (left[i] && conditional && !facts_check(f, i, &check, &holds))
                return false;
            taken[i] = left[i] && holds;
            left[i] = left[i] && !holds;
        }
        if (!give(call, field, item, facts_ids(f, taken)))
            return false;
    }
    return true;
}

bool
assign_run(struct rule_call *call, const cJSON *action)
{
    const cJSON *how = cJSON_GetObjectItem(action, "assign");
    const char *field = text_of(action, "field");

    if (!field)
        return fail(call->rq, "invalid_rule", NULL, "The rule %s does not say which field to fill",
                    call->rule->name);
    if (cJSON_IsArray(how))
        return by_cases(call, how, field);
    return give(call, field, action, call->ids);
}
