/*
 * list.h - a list request, understood (core/entity only).
 */
#ifndef TENON_LIST_H
#define TENON_LIST_H

#include "core/entity/filter.h"

struct list {
    struct query q;
    struct str where; /* the filters: " AND ..." */
    struct order order;
    const char *select, *order_text, *after, *at, *count, *group, *sum;
    int limit;
    const char *row, *total; /* estimated number of the first row and of all, after at= */
};

/* Send the answer of a read: with COMMIT when a server's request is open, else now. */
bool list_reply(struct rq *rq, const char *sql, int n, const char *const *params);

/* ------------------------------------------------------------------ anchor.c */

/* The cursor near list->at, or NULL when the list begins there; sets list->row. False with an
 * error. The row at the cursor itself belongs to the page. */
bool anchor_find(struct list *l, const char **cursor);

/* ------------------------------------------------------------------ group.c */

bool list_groups(struct list *l);

#endif
