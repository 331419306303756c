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

const struct operation *
operation_find(const struct entity *e, const char *name)
{
    for (const struct operation *o = e->operations; o && o->name; o++)
        if (!strcmp(o->name, name))
            return o;
    return NULL;
}
