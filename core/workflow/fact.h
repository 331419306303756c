/*
 * fact.h - the values that conditions and templates read, of a set of records, by one query.
 *
 *     struct facts f = facts_new(rq, e);
 *     facts_need(&f, &guard->require);
 *     facts_load(&f, ids)                       one round trip
 *     facts_check(&f, row, &guard->require, &holds)
 *
 * Amounts are in the company's currency; `<column>_doc` is one in the document's.
 */
#ifndef TENON_FACT_H
#define TENON_FACT_H

#include "core/workflow/definition.h"

struct facts {
    struct rq *rq;
    const struct entity *entity;
    struct fact *paths;
    int npaths, room;
    struct rows rows;
    const char **states; /* since the rows were read: of each row; NULL: none has moved */
    int moves;           /* rq->moves when the states were known */
};

struct facts facts_new(struct rq *rq, const struct entity *e);

/* What will be read. A path that does not exist fails where it is used, not here. */
void facts_need(struct facts *f, const struct check *check);
void facts_need_path(struct facts *f, const char *path);

/* The i-th of what will be read. */
const char *facts_path(const struct facts *f, int i);

/* Lock the records, in the order of their ids: queued, before facts_load. */
bool facts_lock(struct facts *f, const char *ids);

/* Read. "not_found" unless every record is there. */
bool facts_load(struct facts *f, const char *ids);

/* Row i was moved to another state. */
void facts_moved(struct facts *f, int row, const char *state);

const char *facts_id(const struct facts *f, int row);
const char *facts_state(const struct facts *f, int row);       /* NULL: has no state */
const char *facts_workflow_id(const struct facts *f, int row); /* NULL: has no workflow */

/* A value as text, NULL when empty or unknown. */
const char *facts_text(const struct facts *f, int row, const char *path);

/* Evaluate; false after adding "condition_failed" with the reason when that is not possible. */
bool facts_check(const struct facts *f, int row, const struct check *check, bool *holds);

/* The same for explanations: *why is the sentence instead of an error. */
bool facts_try(const struct facts *f, int row, const struct check *check, bool *holds,
               const char **why);

/* Does the path exist? Otherwise *why says what is wrong with it. */
bool fact_path_known(struct rq *rq, const struct entity *e, const char *path, const char **why);

/* How many ids a literal "{7,9}" holds; the ids of all rows for which wanted is set, as one. */
int ids_count(const char *ids);
const char *facts_ids(const struct facts *f, const bool *wanted);

#endif
