/*
 * module.h - what a module declares: its entities, their operations, what it needs.
 *
 * A folder under modules/ is a module. CMake collects `const struct module <folder>_module`
 * of each into the array modules[], with its SQL, workflows, translations and reports.
 */
#ifndef TENON_MODULE_H
#define TENON_MODULE_H

#include "core/db/db.h"

/*
 * A verb on records: POST /api/<entity>/<id>/<name>. Around run() the engine checks the
 * permission "<entity>.<name>", locks the records, checks the workflow and `from`, runs guards
 * and rules, and moves the state. run() gets the set rq->ids and rq->body, may call other
 * modules' functions, and touches nothing but the database.
 */
struct operation {
    const char *name;
    const char *label;          /* English; translated by po/ */
    const char *from;           /* states that it may ever lead from, space-separated; NULL: any */
    const char *to;             /* states that it may ever lead to; NULL: it moves no state */
    bool (*run)(struct rq *rq); /* NULL: only the state moves */
    const char *args; /* what the body may hold: "date:date amount:amount lines:set", or NULL */
    const char *help; /* one sentence for menus and the OpenAPI document, or NULL */
};

/* A table or view that the world may see. Columns, types, labels and parts come from the catalog.
 */
struct entity {
    const char *name;  /* = table */
    const char *list;  /* columns of the list view, space-separated; paths such as customer.name may
                          stand here */
    const char *title; /* the column that names a record: "name", "number" */
    const char *search;  /* references whose search terms count too: "customer_id", or NULL */
    const char *order;   /* of lists: "order_date.desc,id.desc"; NULL: "id.desc" */
    const char *list_by; /* a column that every list must ask for by eq. or in., since the whole
                            would take minutes; NULL: none */
    const struct operation *operations;
    /* After records or their lines were created or changed through the generic calls, in the
     * same transaction, with the set in rq->ids: prices, totals, defaults. */
    bool (*saved)(struct rq *rq);
    bool internal; /* only reachable nested in its parent or by operations */
};

/*
 * Verbs that a module adds to an entity of a module that it needs (quality inspects a shipment):
 * as a link column is the higher module's own on a lower module's table, so are these. A rule
 * runs them like any other; the lower module knows nothing of them.
 */
struct addition {
    const char *entity;
    const struct operation *operations;
};

struct module {
    const char *name; /* the folder */
    const char *label;
    const char *needs;             /* modules whose headers and views it may use, space-separated */
    const struct entity *entities; /* ends with { 0 } */
    const struct addition *additions; /* ends with { 0 }; NULL: none */
};

extern const struct module *const modules[]; /* generated, in the order of needs; NULL ends it */

const struct entity *entity_find(const char *name); /* NULL when there is none */
const struct operation *operation_find(const struct entity *e, const char *name);

/* All operations on an entity, its own first; `after` NULL: the first one. NULL: no more. */
const struct operation *operation_next(const struct entity *e, const struct operation *after);
#define EACH_OPERATION(o, e)                                                                       \
    for (const struct operation *o = operation_next(e, NULL); o; o = operation_next(e, o))

#endif
