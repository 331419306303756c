/*
 * module.c - entities and operations by name, from the modules' tables.
 */
#include "core/entity/module.h"

#include <string.h>

const struct entity *
entity_find(const char *name)
{
    for (const struct module *const *m = modules; *m; m++)
        for (const struct entity *e = (*m)->entities; e && e->name; e++)
            if (!strcmp(e->name, name))
                return e;
    return NULL;
}

/* The next of a list for which `passed` says that the one before it was met; NULL at its end. */
static const struct operation *
next_in(const struct operation *list, const struct operation *after, bool *passed)
{
    for (; list && list->name; list++) {
        if (*passed)
            return list;
        *passed = list == after;
    }
    return NULL;
}

const struct operation *
operation_next(const struct entity *e, const struct operation *after)
{
    bool passed = !after;
    const struct operation *found = e ? next_in(e->operations, after, &passed) : NULL;

    for (const struct module *const *m = modules; e && !found && *m; m++)
        for (const struct addition *a = (*m)->additions; a && a->entity && !found; a++)
            if (!strcmp(a->entity, e->name))
                found = next_in(a->operations, after, &passed);
    return found;
}

const struct operation *
operation_find(const struct entity *e, const char *name)
{
    EACH_OPERATION (o, e)
        if (!strcmp(o->name, name))
            return o;
    return NULL;
}
