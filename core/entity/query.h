/*
 * query.h - a SELECT over one entity's rows while it is being written (core/entity only).
 *
 * The entity's row has the alias t. Identifiers come from the catalog only; every value is
 * a parameter. Paths over references become LEFT JOINs, each made once:
 *
 *     query_path(&q, "customer.country.name", &column)  ->  "j2"."name"
 *     q.joins.text  ->  LEFT JOIN "party" j1 ON j1.id = t."customer_id" LEFT JOIN ...
 */
#ifndef TENON_QUERY_H
#define TENON_QUERY_H

#include "core/base/str.h"
#include "core/entity/entity.h"

struct join {
    struct join *next;
    const char *from, *column; /* alias and column that it follows; column NULL: the fact view */
    const char *alias;
    const struct table *table;
};

struct query {
    struct rq *rq;
    const struct catalog *catalog;
    const struct entity *entity;
    const struct table *table;
    struct join *joined;
    struct str joins;
    int njoins;
    struct str rights; /* conditions: the rights that paths into other records ask for */
    const char **params;
    int nparams, room;
};

/* False with an error when the entity has no table. */
bool query_begin(struct query *q, struct rq *rq, const struct entity *e);

/* Add a parameter; gives "$3::date". type is a column's type. */
const char *query_param(struct query *q, const char *value, const char *type);

/* "t"."total" or "j1"."name"; NULL and an error (malformed, field = parameter) when there is no
 * such path. What names another record may be seen by whoever sees the reference; any other
 * field of it needs the right to read such records, or the statement fails with "forbidden". *alias
 * (may be NULL) is the alias of the row that holds the column, *table its table. */
struct place {
    const struct column *column;
    const struct table *table;
    const char *alias, *sql;
};
bool query_path(struct query *q, const char *path, const char *parameter, struct place *place);

/* "customer" stands for customer_id and what it refers to; other paths for themselves. */
const char *query_full_path(const struct query *q, const char *path);

/* " FROM t joins WHERE company" for all rows that the request's company may see. */
void query_from(struct query *q, struct str *s);

/* Is there such a record, that the request's company may see? Fails with "not_found". */
bool query_exists(struct query *q, const char *id);

/* The type to compare with: the base type of our domains. */
const char *type_base(const char *type);

enum kind {
    KIND_TEXT,
    KIND_NUMBER,
    KIND_INTEGER,
    KIND_BOOLEAN,
    KIND_DATE,
    KIND_TIME,
    KIND_ARRAY,
    KIND_JSON
};
enum kind type_kind(const char *type);

/* Not for the world's eyes: search_terms, company_id, workflow_id. */
bool column_hidden(const struct column *c);

/* ------------------------------------------------------------------ json.c */

/* "alias"."total" as JSON value, in the SQL that the interface promises. currency: an SQL
 * expression for money, or NULL. */
void json_value(struct str *s, const struct column *c, const char *alias, const char *currency);

/* SQL of the currency that money of this row is in; outer: of the row around it, or NULL. */
const char *json_currency(struct rq *rq, const struct table *t, const char *alias,
                          const char *outer);

/* `(SELECT json_build_object('id', ..., 'name', ...) ...)` of what a column refers to; false and
 * nothing added when it refers to nothing that has a name. */
bool json_reference(struct str *s, struct rq *rq, const struct catalog *catalog,
                    const struct column *c, const char *alias);

/* Name of the nested object: "customer" for customer_id; NULL when there is none. */
const char *json_reference_name(struct rq *rq, const struct table *t, const struct column *c);

/* The column that names a table's records, or NULL; its SQL in the user's language. */
const char *title_column(const struct table *t);
const char *title_sql(struct rq *rq, const struct table *t, const char *alias);

#endif
