/*
 * condition.h - one Lua expression about a record: `order.total > 50000 and
 * order.customer.grade ~= 'A'`.
 *
 * The text is read once: numbers become exact decimals, and each dotted path becomes a slot,
 * so that the engine loads exactly what the condition reads, for all records by one query.
 * It is an expression: no statements, tables, methods, or names but the record, `user` and
 * the functions of sandbox.h. A misspelt name is found here, not taken for empty.
 *
 * The record is `record`, or the last word of the entity's name: sales_order is `order`.
 */
#ifndef TENON_CONDITION_H
#define TENON_CONDITION_H

#include "core/workflow/sandbox.h"

struct condition {
    const char *text;         /* as the administrator wrote it */
    const char *const *paths; /* "customer.grade", "@today", "@user.id": slot i of values */
    int npaths;
    struct chunk chunk;
};

/* Where and why a text is not a condition. */
struct condition_error {
    int at; /* character, from 1 */
    const char *message;
    const char *near; /* the word there */
};

/* false, with *error, when the text is no condition; everything is allocated on mem. */
bool condition_parse(struct arena *mem, const char *text, const char *entity, struct condition *out,
                     struct condition_error *error);

/* values[i] belongs to paths[i]. false: it could not be evaluated, *error says why. */
bool condition_holds(struct arena *mem, const struct condition *c, const struct value *values,
                     bool *holds, const char **error);

#endif
