/*
 * catalog.h - what the database is, read from PostgreSQL's own catalog and its comments.
 *
 * A snapshot is immutable and shared by all threads; it is read again when the schema's
 * epoch moved. Labels are the untranslated words of COMMENT ON ("Label: help"); tr() them.
 */
#ifndef TENON_CATALOG_H
#define TENON_CATALOG_H

#include "core/db/rq.h"

struct column {
    const char *name;
    const char *label, *help; /* help may be NULL */
    const char *type;         /* a domain of ours (amount, quantity, ...) or text, bigint, integer,
                                 boolean, date, timestamptz, numeric, jsonb, text[], ... */
    bool not_null;
    bool required;            /* not null, without a default, and filled by no trigger */
    bool readonly;            /* identity, generated, guarded, state, or of a view */
    bool generated;           /* GENERATED ALWAYS AS (...) STORED */
    bool secret;              /* never read, listed or filtered (none yet) */
    const char *refers_to;    /* table, or NULL */
    const char *choices;      /* "a b c" from CHECK (x IN (...)), or NULL */
    const char *default_text; /* SQL of its default, or NULL */
};

struct table {
    const char *name, *label, *help;
    bool is_view;
    bool has_company, has_state, has_version, has_search;
    const struct column *columns;
    int ncolumns;
    const struct table *parent;       /* it is part of: a foreign key with ON DELETE CASCADE */
    const char *parent_column;        /* that key's column here: order_id */
    const char *part_name;            /* its key in the parent's JSON: "lines" */
    const struct table *const *parts; /* NULL-terminated */
    const struct table *fact;         /* the view <name>_fact of derived columns, or NULL */
};

struct constraint {
    const char *name, *table, *columns; /* columns: "a b", without company_id */
    const char *message;                /* COMMENT ON CONSTRAINT, or NULL */
};

struct catalog;

/* The snapshot that this request sees: kept until its arena is reset. Loads or refreshes
 * it through rq->db when epoch (decimal text, NULL for "any") differs. NULL after an error. */
const struct catalog *catalog_get(struct rq *rq, const char *epoch);

/* Is the snapshot in use, if there is one, of this epoch? */
bool catalog_is_current(const char *epoch);

const struct table *catalog_table(const struct catalog *c, const char *name);
const struct table *const *catalog_tables(const struct catalog *c); /* NULL-terminated */
const struct column *table_column(const struct table *t, const char *name);
const struct constraint *catalog_constraint(const struct catalog *c, const char *table,
                                            const char *name);

#endif
