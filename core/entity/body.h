/*
 * body.h - documents that came as JSON, compared with the catalog (core/entity only).
 *
 * C looks at names and kinds, so that all that is wrong is told at once; the values go to SQL
 * in the text they came in. A level is the document or one kind of part:
 *
 *     { "customer_id": 7, "lines": [{ "item_id": 1 }] }     level 0: the order, level 1: its lines
 */
#ifndef TENON_BODY_H
#define TENON_BODY_H

#include "core/entity/query.h"

struct level {
    const struct table *table;
    struct level *outer, *inner, *next; /* inner: first part; next: its sibling */
    int *given;                         /* per column: in how many rows it stands */
    int number, rows;
};

/* A value that was given: for the search of the wrong ones. */
struct given {
    struct given *next;
    const char *field; /* "lines[2].quantity" */
    const char *at;    /* "{0,lines,2,quantity}": its place in the array of documents */
    const struct column *column;
};

struct body {
    struct rq *rq;
    const struct catalog *catalog;
    const char *text; /* a JSON array of documents */
    struct level *root;
    struct given *given, **last;
    int levels;
    bool one;      /* a single document: fields are named without its place */
    bool changing; /* a change: nothing is required of what exists, parts have an id */
};

/* Parse and check; all that is wrong is in rq->errors. */
bool body_check(struct body *b, struct rq *rq, const struct table *t, const char *text,
                bool changing);

/* Is it "", null or missing? */
bool body_nothing(const cJSON *value);

/*
 * Which of the given values PostgreSQL cannot take: one error each ("invalid", its field), not
 * added to the request. NULL when there is none. The transaction must be usable and stays so.
 */
struct error *body_probe(struct body *b);

/* ------------------------------------------------------------------ insert.c */

/* SQL text of one column's value from the record x (and d.j), cast to its type. */
void insert_value(struct str *s, const struct column *c, bool everywhere);

/* The list "a" text, "b" text for json_to_record, of what is given on this level. */
void insert_record(struct str *s, const struct level *l);

/* Queue the statements that insert a level's rows and, below it, its parts'. rows: SQL that gives
 * (n, parent, position, j); parents: SQL of the bigint[] of parent ids, NULL for the root.
 * only: the number of the one row to insert, or NULL. */
bool insert_level(struct body *b, const struct level *l, const char *rows, const char *parents,
                  const char *only, const char **ids);

/* SQL of the rows of a part inside the rows of its outer level. */
const char *insert_rows(struct body *b, const struct level *l, const char *outer);

/* Run the saved hook of an entity, then the rules of the event. */
bool write_saved(struct rq *rq, const char *entity, const char *ids, bool created);

#endif
