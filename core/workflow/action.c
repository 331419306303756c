/*
 * action.c - what a rule does: run, create, update, notify, activity, webhook.
 */
#include "core/workflow/rule.h"
#include "core/workflow/workflow.h"

#include "core/base/str.h"

#include <string.h>

static const char *
text_of(const cJSON *action, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItem(action, key));
}

/* ------------------------------------------------------------------------------- targets */

/* The records that an action is about: the rule's own, those that a reference names, or
 * those of a kind in the same flow; only the ones in the states that it asks for. */
struct target {
    const struct entity *entity;
    const char *ids;
};

static const char *
query_flow(struct rq *rq, const struct entity *to)
{
    return arena_printf(rq->mem,
                        "SELECT coalesce(array_agg(DISTINCT x.id), '{}')"
                        "  FROM flow_document a JOIN flow_document b USING (flow_id)"
                        "  JOIN %s x ON x.id = b.document_id"
                        " WHERE a.entity = $3 AND a.document_id = ANY ($1::bigint[])"
                        "   AND b.entity = '%s'"
                        "   AND ($2::text IS NULL OR to_jsonb(x) ->> 'state' ="
                        " ANY (string_to_array($2, ' ')))",
                        to->name, to->name);
}

static const char *
query_reference(struct rq *rq, const struct entity *from, const struct entity *to,
                const char *column)
{
    return arena_printf(rq->mem,
                        "SELECT coalesce(array_agg(DISTINCT x.id), '{}')"
                        "  FROM %s t JOIN %s x ON x.id = t.%s"
                        " WHERE t.id = ANY ($1::bigint[]) AND $3::text IS NOT NULL"
                        "   AND ($2::text IS NULL OR to_jsonb(x) ->> 'state' ="
                        " ANY (string_to_array($2, ' ')))",
                        from->name, to->name, column);
}

static const char *
query_self(struct rq *rq, const struct entity *e)
{
    return arena_printf(rq->mem,
                        "SELECT coalesce(array_agg(x.id), '{}') FROM %s x"
                        " WHERE x.id = ANY ($1::bigint[]) AND $3::text IS NOT NULL"
                        "   AND to_jsonb(x) ->> 'state' = ANY (string_to_array($2, ' '))",
                        e->name);
}

static bool
reference(struct rq *rq, const struct entity *from, const char *on, const struct entity **to,
          const char **column)
{
    const struct catalog *c = catalog_get(rq, request_schema_epoch(rq));
    const struct table *t = c ? catalog_table(c, from->name) : NULL;
    const struct column *col;

    *column = arena_printf(rq->mem, "%s_id", on);
    col = t ? table_column(t, *column) : NULL;
    *to = col && col->refers_to ? entity_find(col->refers_to) : NULL;
    return *to;
}

/* An array of words, or one text of words. */
static const char *
words(struct arena *mem, const cJSON *json)
{
    struct str s = str_new(mem);
    const cJSON *item;

    if (!json)
        return NULL;
    if (cJSON_IsString(json))
        return json->valuestring;
    cJSON_ArrayForEach(item, json)
        str_printf(&s, "%s%s", s.len ? " " : "", cJSON_IsString(item) ? item->valuestring : "");
    return s.text;
}

static bool
find_target(struct rule_call *call, const cJSON *action, struct target *out)
{
    struct rq *rq = call->rq;
    const char *on = text_of(action, "on"), *sql, *column;
    const char *state = words(rq->mem, cJSON_GetObjectItem(action, "state"));

    *out = (struct target){ call->entity, call->ids };
    if (on && str_starts(on, "flow.") && (out->entity = entity_find(on + 5))) {
        sql = query_flow(rq, out->entity);
    } else if (on && strcmp(on, "record") != 0) {
        if (!reference(rq, call->entity, on, &out->entity, &column))
            return fail(rq, "invalid_rule", NULL, "The rule %s names an unknown target: %s",
                        call->rule->name, on);
        sql = query_reference(rq, call->entity, out->entity, column);
    } else if (state) {
        sql = query_self(rq, call->entity);
    } else {
        return true;
    }
    out->ids = db_text(rq, sql, P(call->ids, state, call->entity->name));
    return out->ids;
}

/* ------------------------------------------------------------------------------- actions */

static bool
action_take(struct rule_call *call, const cJSON *action)
{
    const cJSON *with = cJSON_GetObjectItem(action, "with");
    struct target target;
    struct str body = str_new(call->rq->mem);

    if (!find_target(call, action, &target))
        return false;
    if (with)
        template_json(&body, &call->facts, -1, with);
    return workflow_take_known(call->rq, target.entity, target.ids, text_of(action, "run"),
                               with ? body.text : NULL,
                               target.entity == call->entity ? call->known : NULL);
}

static bool
has_flow(struct rq *rq, const char *entity)
{
    const struct catalog *c = catalog_get(rq, request_schema_epoch(rq));
    const struct table *t = c ? catalog_table(c, entity) : NULL;

    return t && table_column(t, "flow_id");
}

/* What a rule creates belongs to the flow of the record that it came from: the same documents
 * with its flow_id in each. NULL after an error. */
static const char *
with_flow(struct rule_call *call, const char *entity, const char *json)
{
    struct rq *rq = call->rq;
    struct str sql = str_new(rq->mem);

    if (!has_flow(rq, entity) || !has_flow(rq, call->entity->name))
        return json;
    str_add(&sql,
            "SELECT jsonb_agg(jsonb_build_object('flow_id', t.flow_id) || d.j ORDER BY d.n)"
            "  FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY d (j, n)"
            "  JOIN unnest($2::bigint[]) WITH ORDINALITY i (id, n) USING (n) JOIN ");
    str_ident(&sql, call->entity->name);
    str_add(&sql, " t ON t.id = i.id");
    return db_text(rq, sql.text, P(json, call->ids));
}

static bool
action_create(struct rule_call *call, const cJSON *action)
{
    struct rq *rq = call->rq;
    const char *entity = text_of(action, "create");
    struct str s = str_new(rq->mem);

    str_char(&s, '[');
    for (int i = 0; i < call->facts.rows.count; i++) {
        if (!call->wanted[i])
            continue;
        if (s.len > 1)
            str_char(&s, ',');
        template_json(&s, &call->facts, i, cJSON_GetObjectItem(action, "values"));
    }
    str_char(&s, ']');
    const char *json = with_flow(call, entity, s.text);

    return json && entity_insert(rq, entity, json);
}

static bool
action_update(struct rule_call *call, const cJSON *action)
{
    struct rq *rq = call->rq;

    for (int i = 0; i < call->facts.rows.count; i++) {
        struct str s = str_new(rq->mem);

        if (!call->wanted[i])
            continue;
        template_json(&s, &call->facts, i, cJSON_GetObjectItem(action, "update"));
        if (!entity_update(rq, call->entity->name, facts_id(&call->facts, i), NULL, s.text))
            return false;
    }
    return true;
}

/* To everybody of a role, or to the user that a template names; in his language where the rule
 * has a message_zh. */
static const char notify[] =
    "INSERT INTO notification (user_id, message, entity, record_id)"
    " SELECT u.id, CASE u.language WHEN 'zh' THEN coalesce($5, $1) ELSE $1 END, $2, $3"
    "   FROM app_user u"
    "  WHERE u.active AND (u.id::text = $4 OR EXISTS ("
    "        SELECT FROM user_role ur JOIN role r ON r.id = ur.role_id"
    "         WHERE ur.user_id = u.id AND r.code = $4))"
    "    AND EXISTS (SELECT FROM user_company c"
    "                 WHERE c.user_id = u.id AND c.company_id = app_company())";

static bool
action_notify(struct rule_call *call, const cJSON *action)
{
    const struct facts *f = &call->facts;

    for (int i = 0; i < f->rows.count; i++)
        if (call->wanted[i])
            db_exec(call->rq, notify,
                    P(template_text(f, i, text_of(action, "message")), call->entity->name,
                      facts_id(f, i), template_text(f, i, text_of(action, "notify")),
                      template_text(f, i, text_of(action, "message_zh"))));
    return true;
}

static const char plan_activity[] =
    "INSERT INTO activity (entity, record_id, kind, subject, detail, due_at, assignee_id)"
    " VALUES ($1, $2, coalesce($3, 'task'), $4, $5, now() + $6::integer * interval '1 day', $7)";

static bool
action_activity(struct rule_call *call, const cJSON *action)
{
    const cJSON *a = cJSON_GetObjectItem(action, "activity");
    const cJSON *days = cJSON_GetObjectItem(a, "due_in_days");
    const struct facts *f = &call->facts;
    struct rq *rq = call->rq;

    for (int i = 0; i < f->rows.count; i++)
        if (call->wanted[i])
            db_exec(rq, plan_activity,
                    P(call->entity->name, facts_id(f, i), text_of(a, "kind"),
                      template_text(f, i, text_of(a, "subject")),
                      template_text(f, i, text_of(a, "detail")),
                      cJSON_IsNumber(days) ? arena_printf(rq->mem, "%d", days->valueint) : NULL,
                      template_text(f, i, text_of(a, "assignee"))));
    return true;
}

/* A call to the outside waits for the commit: it becomes a job. */
static bool
action_webhook(struct rule_call *call, const cJSON *action)
{
    const cJSON *body = cJSON_GetObjectItem(action, "body");
    const struct facts *f = &call->facts;
    struct rq *rq = call->rq;

    for (int i = 0; i < f->rows.count; i++) {
        struct str s = str_new(rq->mem);

        if (!call->wanted[i])
            continue;
        if (body)
            template_json(&s, f, i, body);
        db_exec(rq, "SELECT webhook_queue($1, $2, $3, $4, $5)",
                P(call->rule->name, call->entity->name, facts_id(f, i), text_of(action, "webhook"),
                  body ? s.text : NULL));
    }
    return true;
}

static const struct {
    const char *key;
    bool (*run)(struct rule_call *call, const cJSON *action);
} actions[] = {
    { "run", action_take },        { "create", action_create }, { "update", action_update },
    { "assign", assign_run },      { "notify", action_notify }, { "activity", action_activity },
    { "webhook", action_webhook },
};

bool
action_run(struct rule_call *call, const cJSON *action)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (cJSON_GetObjectItem(action, actions[i].key))
            return actions[i].run(call, action);
    return fail(call->rq, "invalid_rule", NULL, "The rule %s has an unknown action",
                call->rule->name);
}

bool
action_needs(const cJSON *action, struct facts *f)
{
    if (cJSON_GetObjectItem(action, "run"))
        return false;
    template_json_needs(action, f);
    if (cJSON_IsArray(cJSON_GetObjectItem(action, "assign")))
        assign_needs(cJSON_GetObjectItem(action, "assign"), f);
    return true;
}
