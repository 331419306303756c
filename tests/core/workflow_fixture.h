/*
 * workflow_fixture.h - leads as the example of records under a workflow, and the calls with
 * which an administrator changes it.
 */
#ifndef TENON_WORKFLOW_FIXTURE_H
#define TENON_WORKFLOW_FIXTURE_H

#include "core/base/str.h"
#include "core/workflow/admin.h"
#include "tests/test.h"

static inline void
json_delete(void *json)
{
    cJSON_Delete(json);
}

static inline void
set_body(struct rq *rq, const char *text)
{
    cJSON *json = cJSON_Parse(text);

    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    arena_defer(rq->mem, json_delete, json);
    rq->body = json;
    rq->body_text = text;
}

static inline bool
answered(struct rq *rq, bool ok)
{
    ok = ok && request_answer(rq);
    for (const struct error *e = rq->errors; !ok && e; e = e->next)
        if (getenv("TENON_TEST_TALK"))
            printf("\n    %s: %s", e->field ? e->field : "", e->message);
    return ok;
}

/* The active definition of leads with an edit made by SQL over the jsonb d. */
static inline const char *
edited(struct rq *rq, const char *expression)
{
    return test_sql(rq,
                    "SELECT %s FROM (SELECT definition AS d FROM workflow"
                    " WHERE entity = 'lead' AND status = 'active') w",
                    expression);
}

static inline bool
publish(struct rq *rq, const char *definition)
{
    set_body(rq, definition);
    return answered(rq, api_workflow_draft(rq, "lead")) &&
           answered(rq, api_workflow_publish(rq, "lead"));
}

static inline const char *
lead(struct rq *rq, const char *name)
{
    return test_create(rq, "lead", "{\"person\": \"%s\", \"email\": \"a@example.com\"}", name);
}

static inline const char *
state_of(struct rq *rq, const char *id)
{
    return test_sql(rq, "SELECT state FROM lead WHERE id = %s", id);
}

/* The findings of a definition that must not be published: "place: message" of the first. */
static inline const char *
finding(struct rq *rq, const char *definition)
{
    const char *found = NULL;

    test_mark(rq);
    CU_ASSERT_FALSE(publish(rq, definition));
    if (rq->errors)
        found = arena_printf(rq->mem, "%s: %s", rq->errors->field ? rq->errors->field : "",
                             rq->errors->message);
    test_recover(rq);
    return found;
}

/* A state between new and qualified, reached by a step with a guard. */
static inline const char *
with_state(struct rq *rq, const char *name)
{
    return edited(
        rq, arena_printf(
                rq->mem,
                "jsonb_set(jsonb_set(jsonb_set(d, '{states}', d -> 'states' || jsonb_build_array("
                "  jsonb_build_object('name', '%s', 'label', 'In %s', 'label_zh', '检查%s'))),"
                " '{transitions,0,from}', '[\"%s\"]'), '{transitions}',"
                " jsonb_set(d, '{transitions,0,from}', '[\"%s\"]') -> 'transitions' ||"
                " jsonb_build_array(jsonb_build_object('action', 'inspect', 'label', 'Inspect',"
                "  'label_zh', '检查', 'from', jsonb_build_array('new'), 'to', '%s', 'guards',"
                "  jsonb_build_array(jsonb_build_object('require', 'lead.city == ''%s''',"
                "   'code', 'wrong_city', 'field', 'city', 'message', 'The city is wrong',"
                "   'message_zh', '城市不对')))))",
                name, name, name, name, name, name, name));
}

#endif
