/*
 * group.c - group=state,customer_id&sum=total: {"groups": [{"state": ..., "count": 3,
 * "total": "12.00"}]}. Sums of money are made per currency, never across.
 */
#include "core/entity/list.h"

#include <string.h>

enum { GROUPS_MOST = 1000, GROUP_KEYS = 6 };

struct groups {
    struct list *l;
    struct str inner; /* SELECT list of the grouped query */
    struct str outer; /* of the row that is sent */
    struct str by;    /* GROUP BY */
    int n;
    const char *currency; /* the group of currency_code, when it is one */
};

static bool
add_group(struct groups *g, const char *path)
{
    struct rq *rq = g->l->q.rq;
    struct place p;
    struct str reference = str_new(rq->mem);

    if (g->n == GROUP_KEYS)
        return fail(rq, "malformed", "group", "There are too many groups");
    if (!query_path(&g->l->q, path, "group", &p))
        return false;
    if (type_kind(p.column->type) == KIND_JSON)
        return fail(rq, "malformed", "group", "%s cannot be grouped by", path);
    struct column as = *p.column;

    as.name = arena_printf(rq->mem, "g%d", g->n);
    if (!strcmp(path, "currency_code"))
        g->currency = arena_printf(rq->mem, "g.g%d", g->n);
    str_printf(&g->inner, "%s%s AS %s", g->n ? ", " : "", p.sql, as.name);
    str_printf(&g->by, "%sg%d", g->n ? ", " : "", g->n);
    str_add(&g->outer, g->n ? ", " : "");
    json_value(&g->outer, &as, "g", NULL);
    str_add(&g->outer, " AS ");
    str_ident(&g->outer, path);
    if (str_ends(path, "_id") && json_reference(&reference, rq, g->l->q.catalog, &as, "g")) {
        str_printf(&g->outer, ", %s AS ", reference.text);
        str_ident(&g->outer, arena_strndup(rq->mem, path, strlen(path) - 3));
    }
    g->n++;
    return true;
}

static bool
add_sum(struct groups *g, const char *path, int n)
{
    struct rq *rq = g->l->q.rq;
    struct place p;

    if (!query_path(&g->l->q, path, "sum", &p))
        return false;
    if (type_kind(p.column->type) != KIND_NUMBER && type_kind(p.column->type) != KIND_INTEGER)
        return fail(rq, "malformed", "sum", "%s is not a number", path);
    struct column as = { .name = arena_printf(rq->mem, "s%d", n), .type = p.column->type };

    str_printf(&g->inner, ", sum(%s) AS %s", p.sql, as.name);
    str_add(&g->outer, ", ");
    json_value(&g->outer, &as, "g", g->currency);
    str_add(&g->outer, " AS ");
    str_ident(&g->outer, path);
    return true;
}

/* Sums of documents' money need the currency as a group. */
static bool
add_currency(struct groups *g, const char *path, int n)
{
    const struct column *c = table_column(g->l->q.table, path);

    (void)n;
    return !c || strcmp(c->type, "amount") != 0 || g->currency ||
           !table_column(g->l->q.table, "currency_code") || add_group(g, "currency_code");
}

static bool
add_key(struct groups *g, const char *path, int n)
{
    (void)n;
    return add_group(g, path);
}

static bool
each_word(struct groups *g, const char *words,
          bool (*add)(struct groups *g, const char *path, int n))
{
    for (int n = 0; words && *words; n++) {
        size_t len = strcspn(words, ",");

        if (!add(g, arena_strndup(g->l->q.rq->mem, words, len), n))
            return false;
        words += len + (words[len] == ',');
    }
    return true;
}

bool
list_groups(struct list *l)
{
    struct arena *mem = l->q.rq->mem;
    struct groups g = { .l = l, .inner = str_new(mem), .outer = str_new(mem), .by = str_new(mem) };
    struct str s = str_new(mem);

    if (!each_word(&g, l->group, add_key) || !each_word(&g, l->sum, add_currency))
        return false;
    if (!g.n)
        return fail(l->q.rq, "malformed", "group", "There is no field to group by");
    str_add(&g.inner, ", count(*) AS n");
    str_add(&g.outer, ", g.n AS count");
    if (!each_word(&g, l->sum, add_sum))
        return false;
    str_printf(&s,
               "SELECT json_build_object('groups', coalesce(json_agg(row_to_json(x)), '[]')) FROM ("
               "SELECT %s FROM (SELECT %s",
               g.outer.text, g.inner.text);
    query_from(&l->q, &s);
    str_add(&s, l->where.text);
    str_printf(&s, " GROUP BY %s ORDER BY %s LIMIT %d) g) x", g.by.text, g.by.text, GROUPS_MOST);
    return list_reply(l->q.rq, s.text, l->q.nparams, l->q.params);
}
