/*
 * filter.h - filters and orders of lists, from a query string to SQL (core/entity only).
 */
#ifndef TENON_FILTER_H
#define TENON_FILTER_H

#include "core/entity/query.h"

/*
 * Append " AND (...)" for one parameter: path=op.value, or=(a.eq.1,b.eq.2), and=(...). Errors:
 * malformed, with the parameter's name as field.
 */
bool filter_add(struct query *q, struct str *where, const char *name, const char *value);

/* Are these n characters the name of an operator, or "not"? */
bool filter_is_operator(const char *word, size_t n);

/* Append the condition of q=words. */
bool filter_search(struct query *q, struct str *where, const char *words);

/* Has the text the form of this column type, so that PostgreSQL will take it? */
bool value_fits(const char *value, const char *type);

/* ------------------------------------------------------------------ order.c */

struct key {
    const char *sql;
    const char *type;
    const char *path;
    bool descending, nullable;
};

struct order {
    struct key *keys; /* the last ones make it unique */
    int nkeys;
    const char *text; /* normalised: "order_date.desc,id.desc" */
};

/* From "order_date.desc,customer.name"; the key that makes it unique is added. */
bool order_parse(struct query *q, const char *text, struct order *order);

/* " ORDER BY a DESC, b DESC"; in the direction of the indexes: nulls last, or first when DESC. */
void order_by(struct str *s, const struct order *order);

/* Conditions of the rows after a cursor: " AND (a, b) < ($1, $2)". Where nulls are in the way of
 * an index, the rows of `second` come behind those of `first`; empty: there are none. */
struct after {
    struct str first, second;
};

/* Rows after this cursor; or from it on, when inclusive. */
bool order_after(struct query *q, struct after *after, const struct order *order,
                 const char *cursor, bool inclusive);

/* SQL of the cursor of a row: the base64url of a JSON array of texts. row: the alias of a
 * subquery that has the keys as k0, k1, ...; NULL: of the row t itself. */
void order_cursor(struct str *s, const struct order *order, const char *row);

#endif
