/*
 * ship.c - the workflows and rules that come with the program, after each migration.
 *
 * What an administrator made stays: an own version remains the active one, a changed rule is
 * left as it is, and a deleted one does not come back.
 */
#include "core/workflow/definition.h"
#include "core/workflow/publish.h"
#include "core/workflow/workflow.h"

#include "core/base/log.h"
#include "core/base/str.h"
#include "core/db/migrate.h"

#include <string.h>

/* The module of a workflow file, or NULL when it is another kind of file. */
static const char *
module_of(const char *path)
{
    size_t n;

    if (!str_starts(path, "modules/") || !str_ends(path, ".json") || !strstr(path, "/workflow/"))
        return NULL;
    n = strcspn(path + 8, "/");
    for (int i = 0; modules[i]; i++)
        if (strlen(modules[i]->name) == n && !memcmp(modules[i]->name, path + 8, n))
            return modules[i]->name;
    return NULL;
}

static cJSON *
parse(struct rq *rq, const struct asset *a)
{
    cJSON *json = cJSON_Parse(a->text);

    if (json)
        arena_defer(rq->mem, (void (*)(void *))cJSON_Delete, json);
    else
        fail(rq, "malformed", a->path, "This is not JSON");
    return json;
}

/* Errors of a file name it. */
static bool
complain(struct rq *rq, const char *path)
{
    for (struct error *e = rq->errors; e; e = e->next)
        log_error("workflow file is not valid", "file", path, "place", e->field ? e->field : "",
                  "message", e->message);
    if (rq->errors)
        rq->errors->message =
            arena_printf(rq->mem, "%s: %s: %s", path, rq->errors->field ? rq->errors->field : "",
                         rq->errors->message);
    return false;
}

static bool
ship_workflow(struct rq *rq, const struct asset *a)
{
    const cJSON *json = parse(rq, a);
    struct workflow w;

    if (!json || !workflow_parse(rq, rq->mem, json, &w) || !workflow_validate(rq, &w))
        return complain(rq, a->path);
    return db_exec(rq, "SELECT workflow_ship($1)", P(a->text));
}

static bool
ship_rules(struct rq *rq, const struct asset *a, const char *module)
{
    const cJSON *json = parse(rq, a), *item;

    if (!json)
        return complain(rq, a->path);
    cJSON_ArrayForEach(item, json)
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(item, "name"));
        const char *entity = cJSON_GetStringValue(cJSON_GetObjectItem(item, "entity"));
        struct rule r;

        if (!name || !entity)
            fail(rq, "invalid_definition", "name", "A rule needs a name and an entity");
        else if (rule_parse(rq, rq->mem, item, entity, name, &r))
            rule_validate(rq, &r);
        if (rq->errors) {
            rq->errors->field = arena_printf(rq->mem, "%s %s", name ? name : "?",
                                             rq->errors->field ? rq->errors->field : "");
            return complain(rq, a->path);
        }
    }
    return db_exec(rq, "SELECT workflow_ship_rules($1, $2)", P(module, a->text));
}

bool
workflow_ship(struct rq *rq)
{
    const char *module;

    for (const struct asset *a = assets; a->path; a++)
        if (module_of(a->path) && !str_ends(a->path, "/rules.json") && !ship_workflow(rq, a))
            return false;
    for (const struct asset *a = assets; a->path; a++)
        if ((module = module_of(a->path)) && str_ends(a->path, "/rules.json") &&
            !ship_rules(rq, a, module))
            return false;
    return db_flush(rq);
}
