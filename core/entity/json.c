/*
 * json.c - the SQL that makes a record's JSON.
 *
 * One row_to_json over a sub-select: any number of columns, in the order of the table, a
 * reference beside its key, parts nested. The same pieces serve lists and reads.
 */
#include "core/entity/query.h"

#include <string.h>

enum { PARTS_DEPTH = 3 };

/* ------------------------------------------------------------------ values */

static bool
is_money(const char *type)
{
    return !strcmp(type, "amount") || !strcmp(type, "unit_price");
}

void
json_value(struct str *s, const struct column *c, const char *alias, const char *currency)
{
    struct str name = str_new(s->mem);

    str_printf(&name, "%s.", alias);
    str_ident(&name, c->name);
    if (is_money(c->type))
        str_printf(s, "money_text(%s, %s)", name.text, currency ? currency : "NULL");
    else if (!strcmp(c->type, "base_amount"))
        str_printf(s, "base_text(%s)", name.text);
    else if (type_kind(c->type) == KIND_NUMBER)
        str_printf(s, "plain_text(%s)", name.text);
    else if (!strcmp(c->type, "timestamptz"))
        str_printf(s, "to_char(%s AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
                   name.text);
    else
        str_add(s, name.text);
}

const char *
json_currency(struct rq *rq, const struct table *t, const char *alias, const char *outer)
{
    const struct column *c = table_column(t, "currency_code");

    for (int i = 0; !c && i < t->ncolumns; i++)
        if (!strcmp(t->columns[i].type, "currency_code"))
            c = &t->columns[i];
    if (!c)
        return outer;
    struct str s = str_new(rq->mem);

    str_printf(&s, "%s.", alias);
    str_ident(&s, c->name);
    return s.text;
}

/* ------------------------------------------------------------------ references */

const char *
title_column(const struct table *t)
{
    static const char *const usual[] = { "name", "number", "subject", "title", "code", "login" };
    const struct entity *e = entity_find(t->name);

    if (e && e->title && table_column(t, e->title))
        return e->title;
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (table_column(t, usual[i]))
            return usual[i];
    return NULL;
}

static const char *
column_of(struct rq *rq, const char *alias, const char *column)
{
    struct str s = str_new(rq->mem);

    str_printf(&s, "%s.", alias);
    str_ident(&s, column);
    return s.text;
}

/* alias."name", or alias."name_zh" when there is one and the user reads Chinese: which he does
 * is known only to the database as long as the request's gate has not spoken. */
static const char *
local_sql(struct rq *rq, const struct table *t, const char *alias, const char *column)
{
    const char *zh = arena_printf(rq->mem, "%s_zh", column);
    const char *usual = column_of(rq, alias, column);
    bool waiting = request_is_waiting(rq);

    if (!table_column(t, zh) || (!waiting && strcmp(rq->language ? rq->language : "en", "zh") != 0))
        return usual;
    const char *chinese =
        arena_printf(rq->mem, "coalesce(nullif(%s, ''), %s)", column_of(rq, alias, zh), usual);

    return waiting ? arena_printf(rq->mem,
                                  "CASE WHEN current_setting('tenon.language', true) = 'zh'"
                                  " THEN %s ELSE %s END",
                                  chinese, usual)
                   : chinese;
}

const char *
title_sql(struct rq *rq, const struct table *t, const char *alias)
{
    const char *title = title_column(t);
    const struct column *c = title ? table_column(t, title) : NULL;
    const struct catalog *catalog = catalog_get(rq, NULL);
    const struct table *to =
        c && c->refers_to && catalog ? catalog_table(catalog, c->refers_to) : NULL;
    struct str s = str_new(rq->mem);

    if (!c)
        return "NULL::text";
    if (!to || to == t || !title_column(to))
        return arena_printf(rq->mem, "(%s)::text", local_sql(rq, t, alias, title));
    const char *inner = arena_printf(rq->mem, "%s_of", alias);

    str_printf(&s, "(SELECT (%s)::text FROM ", local_sql(rq, to, inner, title_column(to)));
    str_ident(&s, to->name);
    str_printf(&s, " %s WHERE %s.id = %s.", inner, inner, alias);
    str_ident(&s, title);
    str_char(&s, ')');
    return s.text;
}

const char *
json_reference_name(struct rq *rq, const struct table *t, const struct column *c)
{
    if (!c->refers_to || !str_ends(c->name, "_id"))
        return NULL;
    const char *name = arena_strndup(rq->mem, c->name, strlen(c->name) - 3);

    return table_column(t, name) ? NULL : name;
}

bool
json_reference(struct str *s, struct rq *rq, const struct catalog *catalog, const struct column *c,
               const char *alias)
{
    const struct table *to = c->refers_to ? catalog_table(catalog, c->refers_to) : NULL;

    if (!to || !title_column(to))
        return false;
    str_printf(s, "(SELECT json_build_object('id', r.id, 'name', %s) FROM ",
               title_sql(rq, to, "r"));
    str_ident(s, to->name);
    str_printf(s, " r WHERE r.id = %s.", alias);
    str_ident(s, c->name);
    str_char(s, ')');
    return true;
}

/* ------------------------------------------------------------------ records */

struct writer {
    struct rq *rq;
    const struct catalog *catalog;
    struct str *s;
    int aliases, depth;
};

static void
write_column(struct writer *w, const struct table *t, const struct column *c, const char *alias,
             const char *currency, bool *first)
{
    const char *name = json_reference_name(w->rq, t, c);
    struct str reference = str_new(w->rq->mem);

    str_add(w->s, *first ? "" : ", ");
    *first = false;
    json_value(w->s, c, alias, currency);
    str_add(w->s, " AS ");
    str_ident(w->s, c->name);
    if (name && json_reference(&reference, w->rq, w->catalog, c, alias)) {
        str_printf(w->s, ", %s AS ", reference.text);
        str_ident(w->s, name);
    }
}

/* All columns of a row but those that its nesting tells already. */
static void
write_columns(struct writer *w, const struct table *t, const char *alias, const char *currency,
              bool nested, bool *first)
{
    for (int i = 0; i < t->ncolumns; i++) {
        const struct column *c = &t->columns[i];

        if (column_hidden(c) || (nested && t->parent_column && !strcmp(c->name, t->parent_column)))
            continue;
        write_column(w, t, c, alias, currency, first);
    }
}

/* The derived columns, but for those that the row has itself. */
static void
write_fact(struct writer *w, const struct table *t, const char *alias, const char *currency,
           bool *first)
{
    for (int i = 0; i < t->fact->ncolumns; i++) {
        const struct column *c = &t->fact->columns[i];

        if (!column_hidden(c) && !table_column(t, c->name))
            write_column(w, t->fact, c, alias, currency, first);
    }
}

static void write_parts(struct writer *w, const struct table *t, const char *alias,
                        const char *currency);

static void
write_part(struct writer *w, const struct table *t, const struct table *part, const char *alias,
           const char *outer)
{
    const char *mine = arena_printf(w->rq->mem, "p%d", ++w->aliases);
    const char *currency = json_currency(w->rq, part, mine, outer);
    bool first = true;

    str_add(w->s, ", (SELECT coalesce(json_agg(row_to_json(r) ORDER BY ");
    if (table_column(part, "position"))
        str_add(w->s, "r.position, ");
    str_add(w->s, table_column(part, "id") ? "r.id" : "1");
    str_add(w->s, "), '[]') FROM (SELECT ");
    write_columns(w, part, mine, currency, true, &first);
    if (part->fact)
        write_fact(w, part, arena_printf(w->rq->mem, "f%s", mine), currency, &first);
    write_parts(w, part, mine, currency);
    str_add(w->s, " FROM ");
    str_ident(w->s, part->name);
    str_printf(w->s, " %s", mine);
    if (part->fact) {
        /* OFFSET: row by row. Joined freely, the view is computed for the whole table. */
        str_add(w->s, " LEFT JOIN LATERAL (SELECT * FROM ");
        str_ident(w->s, part->fact->name);
        str_printf(w->s, " z WHERE z.id = %s.id OFFSET 0) f%s ON true", mine, mine);
    }
    str_printf(w->s, " WHERE %s.", mine);
    str_ident(w->s, part->parent_column);
    str_printf(w->s, " = %s.id", alias);
    if (part->has_company && t->has_company)
        str_printf(w->s, " AND %s.company_id = %s.company_id", mine, alias);
    str_add(w->s, ") r) AS ");
    str_ident(w->s, part->part_name);
}

static void
write_parts(struct writer *w, const struct table *t, const char *alias, const char *currency)
{
    if (++w->depth <= PARTS_DEPTH)
        for (const struct table *const *p = t->parts; p && *p; p++)
            write_part(w, t, *p, alias, currency);
    w->depth--;
}

const char *
entity_json_sql(struct rq *rq, const struct entity *e, bool whole)
{
    struct query q;
    struct str s = str_new(rq->mem);

    if (!query_begin(&q, rq, e))
        return NULL;
    struct writer w = { .rq = rq, .catalog = q.catalog, .s = &s };
    const char *currency = json_currency(rq, q.table, "t", NULL);
    bool first = true;

    str_add(&s, "(SELECT row_to_json(r) FROM (SELECT ");
    write_columns(&w, q.table, "t", currency, false, &first);
    if (whole && q.table->fact)
        write_fact(&w, q.table, "f", currency, &first);
    if (whole)
        write_parts(&w, q.table, "t", currency);
    if (whole && q.table->fact) {
        str_add(&s, " FROM (SELECT) one LEFT JOIN ");
        str_ident(&s, q.table->fact->name);
        str_add(&s, " f ON f.id = t.id");
    }
    str_add(&s, ") r)");
    return s.text;
}
