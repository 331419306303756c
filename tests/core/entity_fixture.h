/*
 * entity_fixture.h - what the stories of created and changed records share.
 */
#ifndef TENON_ENTITY_FIXTURE_H
#define TENON_ENTITY_FIXTURE_H

#include "tests/test.h"
#include "core/base/str.h"

/* The errors as "code field" lines. */
static inline const char *
errors(struct rq *rq)
{
    struct str s = str_new(rq->mem);

    for (const struct error *e = rq->errors; e; e = e->next)
        str_printf(&s, "%s%s %s", s.len ? "\n" : "", e->code, e->field ? e->field : "");
    return s.text;
}

/* What entity_insert says to one document; nothing of it stays. */
static inline const char *
refused(struct rq *rq, const char *entity, const char *document)
{
    test_mark(rq);
    const char *ids = entity_insert(rq, entity, arena_printf(rq->mem, "[%s]", document));
    const char *said = ids ? "accepted" : errors(rq);

    test_recover(rq);
    return said;
}

static inline void
free_json(void *json)
{
    cJSON_Delete(json);
}

static inline const cJSON *
record(struct rq *rq, const char *entity, const char *id)
{
    if (!api_read(rq, entity_find(entity), id))
        return NULL;
    cJSON *json = cJSON_Parse(rq->reply);

    arena_defer(rq->mem, free_json, json);
    return json;
}

static inline const char *
text(const cJSON *o, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItem(o, name));
}

/* Send a body as the server does. */
static inline void
body(struct rq *rq, const char *json)
{
    cJSON *parsed = cJSON_Parse(json);

    arena_defer(rq->mem, free_json, parsed);
    rq->body = parsed;
    rq->body_text = json;
}

static inline const char *
acme(struct rq *rq)
{
    return test_create(
        rq, "party",
        "{\"name\": \"Acme\", \"name_zh\": \"爱科美\", \"addresses\": ["
        "{\"purpose\": \"billing\", \"city\": \"First\"},"
        "{\"purpose\": \"shipping\", \"city\": \"Second\", \"country_code\": \"CN\"},"
        "{\"city\": \"Third\"}],"
        " \"contact_points\": [{\"kind\": \"email\", \"value\": \"a@example.com\"}]}");
}

#endif
