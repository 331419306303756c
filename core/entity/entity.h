/*
 * entity.h - the generic verbs: list, read, create, change, delete, from the catalog.
 *
 * For modules: entity_insert and entity_update write sets of documents with nested parts,
 * as JSON text that SQL made. For the server: the calls of the HTTP interface.
 */
#ifndef TENON_ENTITY_H
#define TENON_ENTITY_H

#include "core/db/catalog.h"
#include "core/db/request.h"
#include "core/entity/module.h"

/*
 * Insert documents with their parts: json is an array of objects,
 * [{"customer_id": 7, "lines": [{"item_id": 1, "quantity": "5"}]}, ...]. Runs the entity's
 * saved hook. Returns the new ids as "{7,8}" in the order of the array; NULL after an error
 * (all that is wrong is in rq->errors, with fields such as "lines[2].quantity").
 * One round trip, plus what the hook makes. Unknown fields are an error.
 */
const char *entity_insert(struct rq *rq, const char *entity, const char *json);

/* Change one record: RFC 7396 merge; parts by id (without id: added; {"id", "_delete": true}:
 * removed; parts not named stay). version NULL: unchecked. Raises the version by one. */
bool entity_update(struct rq *rq, const char *entity, const char *id, const char *version,
                   const char *json);

/* What the layer above does after a record was saved, and what it allows: core/workflow
 * defines it, so that a rule of the workflow follows from every generic write. */
struct entity_events {
    bool (*created)(struct rq *rq, const char *entity, const char *ids);
    bool (*changed)(struct rq *rq, const char *entity, const char *ids);
    const char *(*why)(struct rq *rq, const struct entity *e, const char *id);
};
extern const struct entity_events entity_events;

/* --------------------------------------------------------------- the calls of the interface */

/*
 * Their answers:
 *
 * - list: {"rows": [...], "next": cursor or null, "count": n when asked for}, and after at= "row"
 *   (estimated number of the first row) and "rows_total"; a row's keys are the paths asked for
 *   ("customer.name"), a reference customer_id has "customer" beside it; with group=
 *   {"groups": [{<groups>, "count": n, <sums>}]}
 * - read: the record, its derived fields, its parts, "operations"; ETag: its version
 * - create, change: the record as it is at COMMIT; 201 with Location
 * - history: {"rows": [{"at", "actor", "entity", "record_id", "action", "changes": [...]}]}
 * - flow: {"flows": [...], "documents": [{"entity", "id", "number", "state", "amounts"}],
 *   "links": [{"from": {"entity", "id"}, "to": {"entity", "id"}}]}: which came from which
 */

/* A query string, decoded, in order. */
struct parameter {
    const char *name, *value;
};

bool api_list(struct rq *rq, const struct entity *e, const struct parameter *query, int n);
bool api_read(struct rq *rq, const struct entity *e, const char *id);
bool api_create(struct rq *rq, const struct entity *e);
bool api_change(struct rq *rq, const struct entity *e, const char *id, const char *if_match);
bool api_delete(struct rq *rq, const struct entity *e, const char *id, const char *if_match);
bool api_history(struct rq *rq, const struct entity *e, const char *id);
bool api_flow(struct rq *rq, const struct entity *e, const char *id);
bool api_meta(struct rq *rq);
bool api_openapi(struct rq *rq);

/* SQL expression of one record's JSON (with parts when whole), for table alias t. */
const char *entity_json_sql(struct rq *rq, const struct entity *e, bool whole);

/*
 * A dotted path from a record's row, as an SQL expression over alias t: "total",
 * "customer.name" (customer_id's party), "customer.country.code"; columns of <table>_fact
 * views count as the table's own. *type is the final column's type. NULL and an error
 * ("malformed") when there is no such path.
 */
const char *entity_path_sql(struct rq *rq, const struct entity *e, const char *path,
                            const struct column **column);

#endif
