/*
 * openapi.c - GET /api/openapi.json: OpenAPI 3.1 of all that this user may call.
 */
#include "core/entity/openapi.h"

#include <string.h>

static const char id_parameter[] = "{\"$ref\":\"#/components/parameters/id\"}";

/* ------------------------------------------------------------------ one call */

struct call {
    const char *method, *id, *summary, *description, *tag;
    const char *parameters; /* JSON, comma-separated */
    const char *body;       /* schema JSON, or NULL */
    const char *answer;     /* schema JSON, or NULL for 204 */
    const char *status;
};

static void
add_call(struct str *s, const struct call *c)
{
    openapi_key(s, c->method);
    str_add(s, "{\"operationId\":");
    str_json(s, c->id);
    openapi_key(s, "summary");
    str_json(s, c->summary);
    if (c->description) {
        openapi_key(s, "description");
        str_json(s, c->description);
    }
    openapi_key(s, "tags");
    str_char(s, '[');
    str_json(s, c->tag);
    str_char(s, ']');
    if (*c->parameters)
        str_printf(s, ",\"parameters\":[%s]", c->parameters);
    if (c->body)
        str_printf(s,
                   ",\"requestBody\":{\"required\":true,\"content\":{\"application/json\":"
                   "{\"schema\":%s}}}",
                   c->body);
    str_printf(s, ",\"responses\":{\"%s\":{\"description\":\"Done\"", c->status);
    if (c->answer)
        str_printf(s, ",\"content\":{\"application/json\":{\"schema\":%s}}", c->answer);
    str_add(s,
            "},\"4XX\":{\"$ref\":\"#/components/responses/problem\"},"
            "\"503\":{\"$ref\":\"#/components/responses/problem\"}}}");
}

static const char *
schema(struct meta *m, const char *name, const char *form)
{
    return arena_printf(m->rq->mem, "{\"$ref\":\"#/components/schemas/%s%s\"}", name, form);
}

static const char key_parameter[] = "{\"$ref\":\"#/components/parameters/key\"}";
static const char change_parameters[] =
    "{\"$ref\":\"#/components/parameters/id\"},{\"$ref\":\"#/components/parameters/key\"},"
    "{\"$ref\":\"#/components/parameters/if_match\"}";
static const char list_parameters[] =
    "{\"$ref\":\"#/components/parameters/filters\"},{\"$ref\":\"#/components/parameters/q\"},"
    "{\"$ref\":\"#/components/parameters/order\"},{\"$ref\":\"#/components/parameters/limit\"},"
    "{\"$ref\":\"#/components/parameters/after\"},{\"$ref\":\"#/components/parameters/at\"},"
    "{\"$ref\":\"#/components/parameters/select\"},{\"$ref\":\"#/components/parameters/count\"},"
    "{\"$ref\":\"#/components/parameters/group\"},{\"$ref\":\"#/components/parameters/sum\"}";

/* ------------------------------------------------------------------ one entity */

static void
path_begin(struct str *s, struct meta *m, const char *entity, const char *rest)
{
    openapi_key(s, arena_printf(m->rq->mem, "/api/%s%s", entity, rest));
    str_char(s, '{');
}

static void
add_collection(struct meta *m, struct str *s, const struct entity *e, const struct table *t)
{
    struct arena *mem = m->rq->mem;
    struct call list = { "get",
                         arena_printf(mem, "%s.list", e->name),
                         arena_printf(mem, "%s: list", tr(m->rq, t->label)),
                         tr(m->rq, t->help),
                         e->name,
                         list_parameters,
                         NULL,
                         schema(m, "list", ""),
                         "200" };
    struct call create = { "post",
                           arena_printf(mem, "%s.create", e->name),
                           arena_printf(mem, "%s: create", tr(m->rq, t->label)),
                           NULL,
                           e->name,
                           key_parameter,
                           schema(m, e->name, ".new"),
                           schema(m, e->name, ""),
                           "201" };

    path_begin(s, m, e->name, "");
    add_call(s, &list);
    if (!t->is_view)
        add_call(s, &create);
    str_char(s, '}');
}

static void
add_record(struct meta *m, struct str *s, const struct entity *e, const struct table *t)
{
    struct arena *mem = m->rq->mem;
    const char *label = tr(m->rq, t->label);
    struct call read = { "get",
                         arena_printf(mem, "%s.read", e->name),
                         arena_printf(mem, "%s: read one with its parts and operations", label),
                         NULL,
                         e->name,
                         id_parameter,
                         NULL,
                         schema(m, e->name, ""),
                         "200" };
    struct call change = { "patch",
                           arena_printf(mem, "%s.change", e->name),
                           arena_printf(mem, "%s: change (RFC 7396; parts by id)", label),
                           NULL,
                           e->name,
                           change_parameters,
                           schema(m, e->name, ".change"),
                           schema(m, e->name, ""),
                           "200" };
    struct call delete = { "delete",
                           arena_printf(mem, "%s.delete", e->name),
                           arena_printf(mem, "%s: delete", label),
                           NULL,
                           e->name,
                           change_parameters,
                           NULL,
                           NULL,
                           "204" };

    path_begin(s, m, e->name, "/{id}");
    add_call(s, &read);
    if (!t->is_view) {
        add_call(s, &change);
        add_call(s, &delete);
    }
    str_char(s, '}');
}

static void
add_views(struct meta *m, struct str *s, const struct entity *e, const struct table *t)
{
    static const char *const views[][2] = { { "history", "who changed what, when" },
                                            { "flow", "the chain of documents" },
                                            { "why", "what may be done now, and why not" } };

    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        struct call c = { "get",
                          arena_printf(m->rq->mem, "%s.%s", e->name, views[i][0]),
                          arena_printf(m->rq->mem, "%s: %s", tr(m->rq, t->label), views[i][1]),
                          NULL,
                          e->name,
                          id_parameter,
                          NULL,
                          "{}",
                          "200" };

        path_begin(s, m, e->name, arena_printf(m->rq->mem, "/{id}/%s", views[i][0]));
        add_call(s, &c);
        str_char(s, '}');
    }
}

/* ------------------------------------------------------------------ operations */

static const char *
arg_schema(const char *type)
{
    if (!strcmp(type, "date"))
        return "{\"type\":\"string\",\"format\":\"date\"}";
    if (str_starts(type, "set"))
        return "{\"type\":\"array\",\"items\":{\"type\":\"object\"}}";
    if (type_kind(type) == KIND_NUMBER)
        return "{\"type\":[\"string\",\"number\"]}";
    if (type_kind(type) == KIND_INTEGER)
        return "{\"type\":\"integer\"}";
    if (type_kind(type) == KIND_BOOLEAN)
        return "{\"type\":\"boolean\"}";
    return type_kind(type) == KIND_TEXT ? "{\"type\":\"string\"}" : "{}";
}

/* "date:date lines:set" as the schema of a body; many: with the ids of the records. */
static const char *
body_schema(struct meta *m, const char *args, bool many)
{
    struct str s = str_new(m->rq->mem);
    const char *arg;

    str_add(&s, "{\"type\":\"object\",\"properties\":{");
    if (many)
        str_add(&s,
                "\"ids\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},"
                "\"each\":{\"type\":\"boolean\",\"description\":\"Each by itself instead of"
                " all or nothing\"}");
    while ((arg = str_word(m->rq->mem, &args))) {
        size_t n = strcspn(arg, ":");

        openapi_key(&s, arena_strndup(m->rq->mem, arg, n));
        str_add(&s, arg_schema(arg[n] ? arg + n + 1 : "text"));
    }
    str_add(&s, many ? "},\"required\":[\"ids\"]}" : "}}");
    return s.text;
}

static void
add_operation(struct meta *m, struct str *s, const struct entity *e, const struct operation *o,
              bool many)
{
    struct call c = { "post",
                      arena_printf(m->rq->mem, "%s.%s%s", e->name, o->name, many ? ".many" : ""),
                      arena_printf(m->rq->mem, many ? "%s (many)" : "%s", tr(m->rq, o->label)),
                      o->help ? tr(m->rq, o->help) : NULL,
                      e->name,
                      many ? key_parameter
                           : "{\"$ref\":\"#/components/parameters/id\"},"
                             "{\"$ref\":\"#/components/parameters/key\"}",
                      body_schema(m, o->args, many),
                      "{\"$ref\":\"#/components/schemas/operated\"}",
                      "200" };

    path_begin(s, m, e->name, arena_printf(m->rq->mem, many ? "/%s" : "/{id}/%s", o->name));
    add_call(s, &c);
    str_char(s, '}');
}

static void
add_entity(struct meta *m, struct str *paths, struct str *schemas, const struct entity *e)
{
    const struct table *t = catalog_table(m->catalog, e->name);

    add_collection(m, paths, e, t);
    if (table_column(t, "id")) {
        add_record(m, paths, e, t);
        add_views(m, paths, e, t);
    }
    EACH_OPERATION (o, e)
        if (meta_may(m, e->name, o->name)) {
            add_operation(m, paths, e, o, false);
            add_operation(m, paths, e, o, true);
        }
    openapi_schemas(m, schemas, t);
}

static void
add_tag(struct meta *m, struct str *s, const struct entity *e)
{
    const struct table *t = catalog_table(m->catalog, e->name);

    str_add(s, s->len ? ",{\"name\":" : "{\"name\":");
    str_json(s, e->name);
    openapi_key(s, "description");
    str_json(s, tr(m->rq, t->help ? t->help : t->label));
    str_char(s, '}');
}

bool
api_openapi(struct rq *rq)
{
    struct str paths = str_new(rq->mem), schemas = str_new(rq->mem), tags = str_new(rq->mem);
    struct meta m;

    if (!meta_begin(&m, rq))
        return false;
    str_add(&paths, openapi_paths);
    for (const struct module *const *module = modules; *module; module++)
        for (const struct entity *e = (*module)->entities; e && e->name; e++)
            if (meta_shows(&m, e)) {
                add_tag(&m, &tags, e);
                add_entity(&m, &paths, &schemas, e);
            }
    struct str s = str_new(rq->mem);

    str_add(&s, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Tenon\",\"version\":");
    str_json(&s, TENON_VERSION);
    str_add(&s,
            ",\"description\":\"ERP and CRM on one data model\",\"license\":{\"name\":"
            "\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}},\"servers\":[{\"url\":\"/\"}],"
            "\"security\":[{\"bearer\":[]}],\"tags\":[{\"name\":\"server\",\"description\":"
            "\"Signing in, metadata, batches, events\"},");
    str_printf(&s, "%s],\"paths\":{%s},\"components\":{%s,\"schemas\":{%s,%s}}}", tags.text,
               paths.text, openapi_components, openapi_common_schemas, schemas.text);
    rq->reply = s.text;
    rq->etag = meta_tag(rq, s.text);
    return true;
}
