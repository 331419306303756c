/*
 * query.c - paths, joins and parameters: the pieces of every generated SELECT.
 */
#include "core/entity/query.h"

#include <string.h>

static const struct {
    const char *type, *base;
    enum kind kind;
} types[] = {
    { "amount", "numeric", KIND_NUMBER },
    { "base_amount", "numeric", KIND_NUMBER },
    { "unit_price", "numeric", KIND_NUMBER },
    { "quantity", "numeric", KIND_NUMBER },
    { "rate", "numeric", KIND_NUMBER },
    { "percent", "numeric", KIND_NUMBER },
    { "numeric", "numeric", KIND_NUMBER },
    { "email", "text", KIND_TEXT },
    { "currency_code", "text", KIND_TEXT },
    { "country_code", "text", KIND_TEXT },
    { "text", "text", KIND_TEXT },
    { "bigint", "bigint", KIND_INTEGER },
    { "integer", "integer", KIND_INTEGER },
    { "smallint", "smallint", KIND_INTEGER },
    { "boolean", "boolean", KIND_BOOLEAN },
    { "date", "date", KIND_DATE },
    { "timestamptz", "timestamptz", KIND_TIME },
    { "json", "jsonb", KIND_JSON },
    { "jsonb", "jsonb", KIND_JSON },
};

const char *
type_base(const char *type)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].type, type))
            return types[i].base;
    return type;
}

enum kind
type_kind(const char *type)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].type, type))
            return types[i].kind;
    return str_ends(type, "[]") ? KIND_ARRAY : KIND_TEXT;
}

/* Generated arrays are terms for an index, not for eyes. */
bool
column_hidden(const struct column *c)
{
    return c->secret || !strcmp(c->name, "search_terms") || !strcmp(c->name, "company_id") ||
           !strcmp(c->name, "workflow_id") || !strcmp(c->type, "bytea") ||
           !strcmp(c->type, "xid8") || (c->generated && str_ends(c->type, "[]"));
}

bool
query_begin(struct query *q, struct rq *rq, const struct entity *e)
{
    const struct catalog *catalog = catalog_get(rq, request_schema_epoch(rq));
    const struct table *t = catalog ? catalog_table(catalog, e->name) : NULL;

    if (!catalog)
        return false;
    if (!t)
        return fail(rq, "not_found", NULL, "There is no such kind of record");
    *q = (struct query){ .rq = rq, .catalog = catalog, .entity = e, .table = t };
    q->joins = str_new(rq->mem);
    q->rights = str_new(rq->mem);
    return true;
}

const char *
query_param(struct query *q, const char *value, const char *type)
{
    if (q->nparams == q->room) {
        int room = q->room ? q->room * 2 : 16;
        const char **more = arena_alloc(q->rq->mem, (size_t)room * sizeof *more);

        if (q->nparams)
            memcpy(more, q->params, (size_t)q->nparams * sizeof *more);
        q->params = more;
        q->room = room;
    }
    q->params[q->nparams++] = value;
    return arena_printf(q->rq->mem, "$%d::%s", q->nparams, type_base(type));
}

/* ------------------------------------------------------------------ paths */

/* What is needed to walk a path: either joins are made, or subqueries are nested. */
struct step {
    const struct table *table;
    const struct column *column;
    bool of_fact; /* the column is the fact view's */
};

/* The column of a table or of its fact view. */
static bool
find_column(const struct table *t, const char *name, struct step *step)
{
    *step = (struct step){ t, table_column(t, name), false };
    if (!step->column && t->fact && strcmp(name, "id")) {
        step->column = table_column(t->fact, name);
        step->of_fact = true;
    }
    return step->column && !step->column->secret && strcmp(name, "search_terms") != 0;
}

enum { PATH_MAX_STEPS = 8 };

/* Split a path into the columns that it goes through; the number of them, 0 when wrong. */
static int
walk(struct rq *rq, const struct catalog *catalog, const struct table *t, const char *path,
     struct step steps[PATH_MAX_STEPS])
{
    for (int n = 0; n < PATH_MAX_STEPS && t; n++) {
        size_t len = strcspn(path, ".");
        bool last = !path[len];
        const char *name = arena_printf(rq->mem, last ? "%.*s" : "%.*s_id", (int)len, path);

        if (!find_column(t, name, &steps[n]))
            return 0;
        if (last)
            return n + 1;
        const char *next = steps[n].column->refers_to;

        t = next ? catalog_table(catalog, next) : NULL;
        path += len + 1;
    }
    return 0;
}

/* The alias that a join has; it is made when there is none yet. */
static const char *
join(struct query *q, const char *from, const char *column, const struct table *to)
{
    for (struct join *j = q->joined; j; j = j->next)
        if (j->table == to && !strcmp(j->from, from) &&
            (column ? j->column && !strcmp(j->column, column) : !j->column))
            return j->alias;
    struct join *j = arena_alloc(q->rq->mem, sizeof *j);

    *j = (struct join){ q->joined, from, column, arena_printf(q->rq->mem, "j%d", ++q->njoins), to };
    q->joined = j;
    str_add(&q->joins, " LEFT JOIN ");
    str_ident(&q->joins, to->name);
    str_printf(&q->joins, " %s ON %s.id = %s.", j->alias, j->alias, from);
    str_ident(&q->joins, column ? column : "id");
    return j->alias;
}

static const char *
column_sql(struct rq *rq, const char *alias, const char *name)
{
    struct str s = str_new(rq->mem);

    str_printf(&s, "%s.", alias);
    str_ident(&s, name);
    return s.text;
}

static bool
names_record(const struct table *t, const char *column)
{
    const char *title = title_column(t);

    return str_word_in("id code name name_zh number", column) || (title && !strcmp(title, column));
}

/* The last step of a path leads into another record: may the user read such ones? */
static void
ask_for_right(struct query *q, const struct step *last)
{
    const struct table *t = last->table;

    if (names_record(t, last->column->name))
        return;
    while (t->parent && !entity_find(t->name))
        t = t->parent;
    if (!entity_find(t->name))
        return;
    str_add(&q->rights, " AND (SELECT read_allowed(");
    str_literal(&q->rights, t->name);
    str_add(&q->rights, "))");
}

bool
query_path(struct query *q, const char *path, const char *parameter, struct place *place)
{
    struct step steps[PATH_MAX_STEPS];
    int n = walk(q->rq, q->catalog, q->table, path, steps);
    const char *alias = "t";

    if (!n)
        return fail(q->rq, "malformed", parameter, "There is no field %s", path);
    for (int i = 0; i < n; i++) {
        const struct column *c = steps[i].column;

        if (steps[i].of_fact)
            alias = join(q, alias, NULL, steps[i].table->fact);
        if (i < n - 1)
            alias = join(q, alias, c->name, catalog_table(q->catalog, c->refers_to));
    }
    if (n > 1)
        ask_for_right(q, &steps[n - 1]);
    place->column = steps[n - 1].column;
    place->table = steps[n - 1].of_fact ? steps[n - 1].table->fact : steps[n - 1].table;
    place->alias = alias;
    place->sql = column_sql(q->rq, alias, place->column->name);
    return true;
}

const char *
query_full_path(const struct query *q, const char *path)
{
    const char *as_key = arena_printf(q->rq->mem, "%s_id", path);

    return !strchr(path, '.') && !table_column(q->table, path) && table_column(q->table, as_key)
               ? as_key
               : path;
}

void
query_from(struct query *q, struct str *s)
{
    str_add(s, " FROM ");
    str_ident(s, q->table->name);
    str_add(s, " t");
    str_add(s, q->joins.text);
    if (q->table->has_company)
        str_add(s, " WHERE t.company_id = current_setting('tenon.company')::bigint");
    else
        str_add(s, " WHERE true");
    str_add(s, q->rights.text);
}

bool
query_exists(struct query *q, const char *id)
{
    struct str s = str_new(q->rq->mem);
    const char *found;

    if (!str_is_id(id))
        return fail(q->rq, "not_found", NULL, "There is no such record");
    str_add(&s, "SELECT t.id");
    query_from(q, &s);
    str_add(&s, " AND t.id = $1::bigint");
    return db_must(q->rq, s.text, P(id), OUT(&found));
}

/* FROM and WHERE of the subquery that leads from t to the last step's row. */
static const char *
subquery_rows(struct rq *rq, const struct catalog *catalog, const struct step *steps, int n)
{
    struct str s = str_new(rq->mem);
    const char *alias = "t";
    int made = 0;

    for (int i = 0; i < n; i++) {
        const struct table *hops[2] = { steps[i].of_fact ? steps[i].table->fact : NULL,
                                        i < n - 1
                                            ? catalog_table(catalog, steps[i].column->refers_to)
                                            : NULL };
        const char *columns[2] = { "id", steps[i].column->name };

        for (int h = 0; h < 2; h++) {
            if (!hops[h])
                continue;
            str_add(&s, made ? ", " : " FROM ");
            str_add(&s, "LATERAL (SELECT * FROM ");
            str_ident(&s, hops[h]->name);
            str_printf(&s, " z WHERE z.id = %s) s%d", column_sql(rq, alias, columns[h]), made + 1);
            alias = arena_printf(rq->mem, "s%d", ++made);
        }
    }
    return made ? arena_printf(rq->mem, "(SELECT %s%s)",
                               column_sql(rq, alias, steps[n - 1].column->name), s.text)
                : column_sql(rq, "t", steps[0].column->name);
}

const char *
entity_path_sql(struct rq *rq, const struct entity *e, const char *path,
                const struct column **column)
{
    struct step steps[PATH_MAX_STEPS];
    struct query q = { 0 };

    if (!query_begin(&q, rq, e))
        return NULL;
    int n = walk(rq, q.catalog, q.table, path, steps);

    if (!n) {
        fail(rq, "malformed", path, "There is no field %s", path);
        return NULL;
    }
    if (column)
        *column = steps[n - 1].column;
    return subquery_rows(rq, q.catalog, steps, n);
}
