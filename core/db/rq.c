/*
 * rq.c - the list of errors of a request, its language, and what its body holds.
 */
#include "core/db/rq.h"
#include "core/base/str.h"
#include "core/base/tr.h"

#include <stdarg.h>
#include <string.h>

bool
fail(struct rq *rq, const char *code, const char *field, const char *message, ...)
{
    struct error **end = &rq->errors;
    va_list ap;

    while (*end)
        end = &(*end)->next;
    *end = arena_alloc(rq->mem, sizeof **end);
    va_start(ap, message);
    **end = (struct error){
        .code = arena_strdup(rq->mem, code),
        .field = arena_strdup(rq->mem, field),
        .message = arena_vprintf(rq->mem, tr(rq, message), ap),
    };
    va_end(ap);
    return false;
}

const char *
tr(const struct rq *rq, const char *message)
{
    return tr_find(rq->language, message);
}

bool
failed_with(const struct rq *rq, const char *code)
{
    for (const struct error *e = rq->errors; e; e = e->next)
        if (!strcmp(e->code, code))
            return true;
    return false;
}

const char *
rq_sent(const struct rq *rq, const char *name)
{
    const cJSON *value = cJSON_GetObjectItem(rq->body, name);

    if (!value || cJSON_IsNull(value))
        return NULL;
    return cJSON_IsNumber(value) ? arena_printf(rq->mem, "%.0f", value->valuedouble)
                                 : cJSON_GetStringValue(value);
}

bool
rq_reference(struct rq *rq, const char *name, const char **id)
{
    *id = rq_sent(rq, name);
    return !*id || str_is_id(*id) ||
           fail(rq, "invalid", name, "This is not the number of a record");
}
