/*
 * list.c - GET /api/<entity>: filters, search, order, keyset pages, counts.
 *
 * One statement makes the whole answer: {"rows": [...], "next": cursor or null, "count": n}.
 * A row's keys are the paths that were asked for; a reference comes with its {id, name}.
 */
#include "core/entity/list.h"

#include <string.h>

enum { LIMIT_USUAL = 50, LIMIT_MOST = 1000, PARAMETERS_MOST = 64 };

bool
list_reply(struct rq *rq, const char *sql, int n, const char *const *params)
{
    if (rq->opened) {
        request_reply(rq, sql, n, params);
        return true;
    }
    rq->reply = db_text(rq, sql, n, params);
    return rq->reply != NULL;
}

/* ------------------------------------------------------------------ the query string */

static bool
parse_limit(struct list *l, const char *value)
{
    if (!str_is_id(value) || strlen(value) > 6)
        return fail(l->q.rq, "malformed", "limit", "A limit is a number from 1 to %d", LIMIT_MOST);
    l->limit = (int)strtol(value, NULL, 10);
    if (l->limit < 1 || l->limit > LIMIT_MOST)
        return fail(l->q.rq, "malformed", "limit", "A limit is a number from 1 to %d", LIMIT_MOST);
    return true;
}

static bool
parse_count(struct list *l, const char *value)
{
    l->count = value;
    return !strcmp(value, "exact") || !strcmp(value, "estimated") ||
           fail(l->q.rq, "malformed", "count", "A count is exact or estimated");
}

/* at=gte.2026-01-01 of a table that has a column `at` is a filter, at=0.5 is not. */
static bool
is_filter(const struct list *l, const char *name, const char *value)
{
    return table_column(l->q.table, name) && filter_is_operator(value, strcspn(value, "."));
}

static bool
parse_parameter(struct list *l, const char *name, const char *value)
{
    const struct {
        const char *name, **to;
    } texts[] = { { "order", &l->order_text }, { "select", &l->select },
                  { "after", &l->after },      { "at", &l->at },
                  { "group", &l->group },      { "sum", &l->sum } };

    if (is_filter(l, name, value))
        return filter_add(&l->q, &l->where, name, value);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(texts[i].name, name) != 0)
            continue;
        *texts[i].to = value;
        return true;
    }
    if (!strcmp(name, "limit"))
        return parse_limit(l, value);
    if (!strcmp(name, "count"))
        return parse_count(l, value);
    if (!strcmp(name, "q"))
        return !*value || filter_search(&l->q, &l->where, value);
    return filter_add(&l->q, &l->where, name, value);
}

/* Is this the parameter that a list of these records cannot do without? */
static bool
narrows(const struct entity *e, const struct parameter *p)
{
    return !e->list_by || (!strcmp(p->name, e->list_by) && p->value &&
                           (str_starts(p->value, "eq.") || str_starts(p->value, "in.")));
}

static bool
parse(struct list *l, struct rq *rq, const struct entity *e, const struct parameter *query, int n)
{
    *l = (struct list){ .limit = LIMIT_USUAL, .order_text = e->order ? e->order : "" };
    if (!query_begin(&l->q, rq, e))
        return false;
    l->where = str_new(rq->mem);
    if (n > PARAMETERS_MOST)
        return fail(rq, "malformed", NULL, "There are too many parameters");
    bool good = true, narrow = !e->list_by;

    for (int i = 0; i < n; i++)
        narrow |= narrows(e, &query[i]);
    if (!narrow)
        return fail(rq, "malformed", e->list_by, "This list is asked for by %s=eq.", e->list_by);
    for (int i = 0; i < n; i++)
        good &= parse_parameter(l, query[i].name, query[i].value ? query[i].value : "");
    return good && order_parse(&l->q, l->order_text, &l->order);
}

/* ------------------------------------------------------------------ columns */

static bool
add_column(struct list *l, struct str *s, const char *path)
{
    struct rq *rq = l->q.rq;
    struct place p;
    struct str reference = str_new(rq->mem);

    path = query_full_path(&l->q, path);
    if (!query_path(&l->q, path, "select", &p))
        return false;
    str_add(s, ", ");
    if (strchr(path, '.') && title_column(p.table) &&
        !strcmp(title_column(p.table), p.column->name)) /* in the user's language */
        str_add(s, title_sql(rq, p.table, p.alias));
    else
        json_value(s, p.column, p.alias, json_currency(rq, p.table, p.alias, NULL));
    str_add(s, " AS ");
    str_ident(s, path);
    if (str_ends(path, "_id") && json_reference_name(rq, p.table, p.column) &&
        json_reference(&reference, rq, l->q.catalog, p.column, p.alias)) {
        str_printf(s, ", %s AS ", reference.text);
        str_ident(s, arena_strndup(rq->mem, path, strlen(path) - 3));
    }
    return true;
}

static bool
add_words(struct list *l, struct str *s, const char *words, const char *separators)
{
    while (words && *(words += strspn(words, separators))) {
        size_t n = strcspn(words, separators);
        const char *path = arena_strndup(l->q.rq->mem, words, n);

        if (strcmp(path, "id") != 0 && !add_column(l, s, path))
            return false;
        words += n;
    }
    return true;
}

static bool
add_all(struct list *l, struct str *s)
{
    for (int i = 0; i < l->q.table->ncolumns; i++) {
        const struct column *c = &l->q.table->columns[i];

        if (!column_hidden(c) && strcmp(c->name, "id") != 0 && !add_column(l, s, c->name))
            return false;
    }
    return true;
}

/* What the query or the entity asks for, and always the id. */
static bool
columns(struct list *l, struct str *s)
{
    bool has_id = table_column(l->q.table, "id") != NULL;
    struct str list = str_new(l->q.rq->mem);
    bool good = l->select           ? add_words(l, &list, l->select, ",")
                : l->q.entity->list ? add_words(l, &list, l->q.entity->list, " ")
                                    : add_all(l, &list);

    if (has_id)
        str_printf(s, "t.id%s", list.text);
    else
        str_add(s, *list.text ? list.text + 2 : "NULL");
    return good;
}

/* ------------------------------------------------------------------ counts */

static const char *
planned_rows(struct rq *rq, const char *plan)
{
    cJSON *json = plan ? cJSON_Parse(plan) : NULL;
    const cJSON *top = cJSON_GetObjectItem(cJSON_GetArrayItem(json, 0), "Plan");
    const cJSON *rows = cJSON_GetObjectItem(top, "Plan Rows");
    const char *text = arena_printf(rq->mem, "%.0f", cJSON_IsNumber(rows) ? rows->valuedouble : 0);

    cJSON_Delete(json);
    return text;
}

static bool
add_count(struct list *l, struct str *s)
{
    struct rq *rq = l->q.rq;
    struct str all = str_new(rq->mem);

    if (!l->count)
        return true;
    query_from(&l->q, &all);
    str_add(&all, l->where.text);
    if (!strcmp(l->count, "exact")) {
        str_printf(s, ", 'count', (SELECT count(*)%s)", all.text);
        return true;
    }
    const char *plan =
        db_text(rq, arena_printf(rq->mem, "EXPLAIN (FORMAT JSON) SELECT 1%s", all.text),
                l->q.nparams, l->q.params);

    if (plan)
        str_printf(s, ", 'count', %s", planned_rows(rq, plan));
    return plan != NULL;
}

/* ------------------------------------------------------------------ the statement */

/* One scan: the rows' JSON and cursors in their order, numbered, at most one more than wanted. */
static void
add_scan(struct list *l, struct str *s, int number, const char *cols, const char *after)
{
    str_printf(s,
               "SELECT %d AS b, row_number() OVER () AS m, o.* FROM (SELECT (SELECT"
               " row_to_json(r) FROM (SELECT %s) r) AS j, ",
               number, cols);
    order_cursor(s, &l->order, NULL);
    str_add(s, " AS c");
    query_from(&l->q, s);
    str_add(s, l->where.text);
    str_add(s, after);
    order_by(s, &l->order);
    str_printf(s, " LIMIT %d) o", l->limit + 1);
}

static bool
list_rows(struct list *l)
{
    struct rq *rq = l->q.rq;
    struct str s = str_new(rq->mem), cols = str_new(rq->mem), count = str_new(rq->mem);
    struct after after = { str_new(rq->mem), str_new(rq->mem) };
    const char *from = l->after;

    if (!columns(l, &cols) || !add_count(l, &count) || (l->at && !anchor_find(l, &from)) ||
        (from && !order_after(&l->q, &after, &l->order, from, l->at != NULL)))
        return false;
    str_printf(&s,
               "SELECT json_build_object('rows', coalesce(json_agg(p.j ORDER BY p.n)"
               " FILTER (WHERE p.n <= %d), '[]'), 'next', CASE WHEN count(*) > %d THEN max(p.c)"
               " FILTER (WHERE p.n = %d) END%s",
               l->limit, l->limit, l->limit, count.text);
    if (l->row)
        str_printf(&s, ", 'row', %s, 'rows_total', %s", l->row, l->total);
    str_add(&s, ") FROM (SELECT row_number() OVER (ORDER BY u.b, u.m) AS n, u.j, u.c FROM (");
    add_scan(l, &s, 0, cols.text, after.first.text);
    if (after.second.len) {
        str_add(&s, " UNION ALL ");
        add_scan(l, &s, 1, cols.text, after.second.text);
    }
    str_add(&s, ") u) p");
    return list_reply(rq, s.text, l->q.nparams, l->q.params);
}

bool
api_list(struct rq *rq, const struct entity *e, const struct parameter *query, int n)
{
    struct list l;

    if (!parse(&l, rq, e, query, n))
        return false;
    if (l.sum && !l.group)
        return fail(rq, "malformed", "sum", "Sums need groups");
    db_plan_by_values(rq);
    return l.group ? list_groups(&l) : list_rows(&l);
}
