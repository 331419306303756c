/*
 * error.c - codes and their HTTP status (RFC 9110). Codes not named here are business
 * rules and answer 422.
 */
#include "core/base/error.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *code;
    int status;
} table[] = {
    { "malformed", 400 },    /* not JSON, not a number, an unknown parameter */
    { "key_required", 400 }, /* a write without Idempotency-Key */
    { "not_signed_in", 401 },
    { "forbidden", 403 },
    { "not_found", 404 }, /* also for rows that the user may not know of */
    { "method_not_allowed", 405 },
    { "timeout", 408 },
    { "wrong_state", 409 }, /* right in itself, not in the record's present state */
    { "in_use", 409 },      /* something still refers to the record */
    { "stale", 412 },       /* somebody else has changed the record meanwhile */
    { "too_large", 413 },
    { "media_type", 415 },
    { "too_many_requests", 429 },
    { "internal", 500 }, /* a bug or a broken machine; details go to the log only */
    { "busy", 503 },
    { "database_away", 503 },
    { "retry", 503 }, /* serialization failure or deadlock, retried by the server first */
};

int
error_status(const char *code)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].code, code))
            return table[i].status;
    return 422;
}
