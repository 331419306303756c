/*
 * admin.c - drafts, publishing, rolling back, files. The gates in SQL write; what makes a
 * definition valid is checked here, before them.
 */
#include "core/workflow/admin.h"
#include "core/workflow/publish.h"

#include "core/base/str.h"

#include <string.h>

static bool
may_read(struct rq *rq)
{
    return db_exec(rq, "SELECT require_permission('workflow.read')", NONE);
}

static void
json_delete(void *json)
{
    cJSON_Delete(json);
}

/* ------------------------------------------------------------------------------- reading */

static const char list[] =
    "SELECT json_build_object('items', coalesce(json_agg(x ORDER BY x.entity), '[]')) FROM ("
    "    SELECT a.entity, a.definition -> 'label' AS label, a.definition -> 'label_zh' AS label_zh,"
    "           a.version, a.origin, a.published_at,"
    "           EXISTS (SELECT FROM workflow d WHERE d.entity = a.entity AND d.status = 'draft') AS has_draft,"
    "           a.origin = 'custom' AND EXISTS (SELECT FROM workflow s WHERE s.entity = a.entity"
    "               AND s.origin = 'shipped' AND s.version > a.version) AS newer_shipped"
    "      FROM workflow a WHERE a.status = 'active') x";

bool
api_workflow_list(struct rq *rq)
{
    request_reply(rq, list, NONE);
    return may_read(rq);
}

/* What the program's operations allow: the frame around every version. */
static const char *
skeleton(struct rq *rq, const struct entity *e)
{
    struct str s = str_new(rq->mem);

    str_char(&s, '[');
    EACH_OPERATION (op, e) {
        str_add(&s, s.len > 1 ? ",{\"name\":" : "{\"name\":");
        str_json(&s, op->name);
        str_add(&s, ",\"label\":");
        str_json(&s, tr(rq, op->label));
        str_add(&s, ",\"from\":");
        str_json(&s, op->from);
        str_add(&s, ",\"to\":");
        str_json(&s, op->to);
        str_char(&s, '}');
    }
    str_char(&s, ']');
    return s.text;
}

static const char whole[] =
    "SELECT json_build_object('entity', $1::text,"
    "    'version', (SELECT version FROM workflow WHERE entity = $1 AND status = 'active'),"
    "    'definition', (SELECT definition FROM workflow WHERE entity = $1 AND status = 'active'),"
    "    'draft', (SELECT definition FROM workflow WHERE entity = $1 AND status = 'draft'),"
    "    'operations', $2::json,"
    "    'versions', (SELECT coalesce(json_agg(json_build_object('version', w.version, 'status', w.status,"
    "         'origin', w.origin, 'parent', p.version, 'created_at', w.created_at, 'created_by', w.created_by,"
    "         'published_at', w.published_at) ORDER BY w.version), '[]')"
    "       FROM workflow w LEFT JOIN workflow p ON p.id = w.parent_id WHERE w.entity = $1),"
    "    'rules', (SELECT coalesce(json_agg(workflow_rule_json(r) ORDER BY r.position, r.id), '[]')"
    "       FROM workflow_rule r WHERE r.entity = $1))";

static const struct entity *
known(struct rq *rq, const char *entity)
{
    const struct entity *e = entity_find(entity);

    if (!e)
        fail(rq, "not_found", "entity", "There is no kind of record called %s", entity);
    return e;
}

bool
api_workflow_read(struct rq *rq, const char *entity)
{
    const struct entity *e = known(rq, entity);

    if (!e)
        return false;
    request_reply(rq, whole, P(entity, skeleton(rq, e)));
    return may_read(rq);
}

bool
api_workflow_version(struct rq *rq, const char *entity, const char *version)
{
    return may_read(rq) &&
           db_must(
               rq,
               "SELECT jsonb_pretty(definition) FROM workflow WHERE entity = $1 AND version = $2",
               P(entity, version), OUT(&rq->reply));
}

/* -------------------------------------------------------------------------------- drafts */

static bool
answer_version(struct rq *rq, const char *entity)
{
    request_reply(rq,
                  "SELECT json_build_object('entity', entity, 'version', version, 'status', status,"
                  " 'origin', origin) FROM workflow WHERE entity = $1"
                  " ORDER BY status = 'draft' DESC, status = 'active' DESC LIMIT 1",
                  P(entity));
    return true;
}

/* A draft may be incomplete; it need only be about the right kind of record. */
bool
api_workflow_draft(struct rq *rq, const char *entity)
{
    const char *about = cJSON_GetStringValue(cJSON_GetObjectItem(rq->body, "entity"));

    if (!known(rq, entity))
        return false;
    if (!about || strcmp(about, entity) != 0)
        return fail(rq, "invalid_definition", "entity", "The definition is not about %s", entity);
    return db_exec(rq, "SELECT workflow_draft_save($1)", P(rq->body_text)) &&
           answer_version(rq, entity);
}

bool
api_workflow_discard(struct rq *rq, const char *entity)
{
    return db_exec(rq, "SELECT workflow_draft_drop($1)", P(entity));
}

static const cJSON *
read_draft(struct rq *rq, const char *entity)
{
    const char *text;

    if (!db_must(rq, "SELECT definition FROM workflow WHERE entity = $1 AND status = 'draft'",
                 P(entity), OUT(&text)))
        return NULL;
    cJSON *json = cJSON_Parse(text);

    arena_defer(rq->mem, json_delete, json);
    return json;
}

static bool
valid_workflow(struct rq *rq, const cJSON *json)
{
    struct workflow w;

    return workflow_parse(rq, rq->mem, json, &w) && workflow_validate(rq, &w);
}

bool
api_workflow_validate(struct rq *rq, const char *entity)
{
    const cJSON *draft = may_read(rq) ? read_draft(rq, entity) : NULL;
    struct str s = str_new(rq->mem);

    if (!draft)
        return false;
    valid_workflow(rq, draft);
    str_add(&s, "{\"findings\":[");
    for (const struct error *e = rq->errors; e; e = e->next) {
        str_add(&s, e == rq->errors ? "{\"field\":" : ",{\"field\":");
        str_json(&s, e->field);
        str_add(&s, ",\"message\":");
        str_json(&s, e->message);
        str_char(&s, '}');
    }
    str_add(&s, "]}");
    rq->errors = NULL;
    rq->reply = s.text;
    return true;
}

bool
api_workflow_publish(struct rq *rq, const char *entity)
{
    const cJSON *draft = read_draft(rq, entity);

    return draft && valid_workflow(rq, draft) &&
           db_exec(rq, "SELECT workflow_publish($1)", P(entity)) && answer_version(rq, entity);
}

bool
api_workflow_rollback(struct rq *rq, const char *entity)
{
    return db_exec(rq, "SELECT workflow_rollback($1, ($2::json ->> 'version')::integer)",
                   P(entity, rq->body_text)) &&
           answer_version(rq, entity);
}

/* --------------------------------------------------------------------------------- rules */

bool
api_rule_list(struct rq *rq, const char *entity)
{
    request_reply(rq,
                  "SELECT json_build_object('items', coalesce(json_agg(workflow_rule_json(r)"
                  " ORDER BY r.entity, r.position, r.id), '[]')) FROM workflow_rule r"
                  " WHERE $1::text IS NULL OR r.entity = $1",
                  P(entity));
    return may_read(rq);
}

static const char one_rule[] = "SELECT workflow_rule_json(r) FROM workflow_rule r WHERE r.id = $1";

bool
api_rule_read(struct rq *rq, const char *id)
{
    return may_read(rq) && db_must(rq, one_rule, P(id), OUT(&rq->reply));
}

/* Keep a rule that is valid by itself and with the others. */
static bool
save_rule(struct rq *rq, const char *id, const cJSON *json)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(json, "name"));
    const char *entity = cJSON_GetStringValue(cJSON_GetObjectItem(json, "entity"));
    const struct definitions *d = definitions_get(rq);
    const char *made;
    struct rule r;

    if (!name || !*name)
        fail(rq, "invalid_definition", "name", "This must be filled in");
    if (!entity || !*entity)
        fail(rq, "invalid_definition", "entity", "This must be filled in");
    if (rq->errors || !d || !rule_parse(rq, rq->mem, json, entity, name, &r) ||
        !rule_validate(rq, &r) || !rule_ends(rq, d, &r))
        return false;
    char *text = cJSON_PrintUnformatted(json);

    arena_defer(rq->mem, cJSON_free, text);
    if (!db_one(rq, "SELECT workflow_rule_save($1, $2)", P(id, text), OUT(&made)))
        return false;
    request_reply(rq, one_rule, P(made));
    return true;
}

bool
api_rule_create(struct rq *rq)
{
    rq->status = 201;
    return save_rule(rq, NULL, rq->body);
}

/* What is given replaces what was; null takes it away (RFC 7396, on the top level). */
bool
api_rule_change(struct rq *rq, const char *id)
{
    const char *text;

    if (!db_must(rq, one_rule, P(id), OUT(&text)))
        return false;
    cJSON *json = cJSON_Parse(text);

    arena_defer(rq->mem, json_delete, json);
    for (const cJSON *item = rq->body ? rq->body->child : NULL; item; item = item->next) {
        cJSON_DeleteItemFromObject(json, item->string);
        if (!cJSON_IsNull(item))
            cJSON_AddItemToObject(json, item->string, cJSON_Duplicate(item, true));
    }
    return save_rule(rq, id, json);
}

bool
api_rule_delete(struct rq *rq, const char *id)
{
    rq->status = 204;
    return db_exec(rq, "SELECT workflow_rule_delete($1)", P(id));
}

/* --------------------------------------------------------------------------------- files */

static const char export[] =
    "SELECT jsonb_pretty(jsonb_build_object("
    "    'workflows', (SELECT coalesce(jsonb_agg(definition ORDER BY entity), '[]') FROM workflow"
    "       WHERE status = 'active'),"
    "    'rules', (SELECT coalesce(jsonb_agg(definition || jsonb_build_object('position', position,"
    "       'active', active) ORDER BY entity, position, id), '[]') FROM workflow_rule)))";

bool
api_workflow_export(struct rq *rq)
{
    return may_read(rq) && (rq->reply = db_text(rq, export, NONE));
}

/* A definition that is the active one already makes no new version. */
static const char import_workflow[] =
    "SELECT CASE WHEN EXISTS (SELECT FROM workflow WHERE entity = $1 AND status = 'active'"
    "                            AND definition = $2::jsonb) THEN NULL"
    "       ELSE (SELECT workflow_publish($1) FROM workflow_draft_save($2::jsonb)) END";

static const char import_rule[] =
    "SELECT workflow_rule_save((SELECT id FROM workflow_rule WHERE name = $1), $2::jsonb)"
    " WHERE NOT EXISTS (SELECT FROM workflow_rule WHERE name = $1 AND active ="
    "       coalesce(($2::jsonb ->> 'active')::boolean, true) AND definition - 'position' ="
    "       $2::jsonb - '{active,position}'::text[] AND position ="
    "       coalesce(($2::jsonb ->> 'position')::integer, 100))";

static bool
import_one(struct rq *rq, const cJSON *json, bool rule)
{
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(json, rule ? "name" : "entity"));
    const char *entity = cJSON_GetStringValue(cJSON_GetObjectItem(json, "entity"));
    struct rule r;

    if (!name || !entity)
        return fail(rq, "invalid_definition", NULL, "A rule needs a name and an entity");
    if (rule ? !rule_parse(rq, rq->mem, json, entity, name, &r) || !rule_validate(rq, &r)
             : !valid_workflow(rq, json))
        return false;
    char *text = cJSON_PrintUnformatted(json);

    arena_defer(rq->mem, cJSON_free, text);
    return db_exec(rq, rule ? import_rule : import_workflow, P(name, text));
}

bool
api_workflow_import(struct rq *rq)
{
    const cJSON *item;
    bool ok = true;

    cJSON_ArrayForEach(item, cJSON_GetObjectItem(rq->body, "workflows")) ok &=
        import_one(rq, item, false);
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(rq->body, "rules")) ok &=
        import_one(rq, item, true);
    return ok && api_workflow_list(rq);
}

/* ---------------------------------------------------------------------------------- jobs */

bool
api_job_list(struct rq *rq, const char *state, const char *before)
{
    request_reply(rq, "SELECT job_list($1, $2)", P(state, before));
    return true;
}

bool
api_job_retry(struct rq *rq, const char *id)
{
    rq->reply = "{}";
    return db_exec(rq, "SELECT job_retry($1)", P(id));
}

bool
api_job_drop(struct rq *rq, const char *id)
{
    rq->reply = "{}";
    return db_exec(rq, "SELECT job_drop($1)", P(id));
}
