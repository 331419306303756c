/*
 * flow_links.c - which document of a flow came from which: read from the foreign keys.
 *
 * A document or one of its parts points to another document or to one of its parts, or to a row
 * in between that does: a production order's supply was planned for the promise of an order
 * line. Each such way is one branch of a UNION; nothing about any module is known here.
 */
#include "core/entity/flow_links.h"
#include "core/entity/query.h"

#include <string.h>

enum { ROWS_BETWEEN = 2 }; /* at most, from one document to the other */

struct walk {
    struct rq *rq;
    const struct catalog *catalog;
    const struct table *from; /* the document that points */
    struct str *sql;
};

bool
flow_is_document(const struct table *t)
{
    return !t->is_view && table_column(t, "flow_id") && strcmp(t->name, "flow_document");
}

/* The document that a row of this table is, or is part of; NULL for none. */
static const struct table *
document_of(const struct table *t)
{
    if (flow_is_document(t))
        return t;
    return t->parent && flow_is_document(t->parent) ? t->parent : NULL;
}

/* The column that names a row's document. */
static const char *
document_key(const struct table *t)
{
    return flow_is_document(t) ? "id" : t->parent_column;
}

static void
add_column(struct str *s, int alias, const char *column)
{
    str_printf(s, "a%d.", alias);
    str_ident(s, column);
}

/* One branch: from a document over these joins to the row a<alias> of `end`. */
static void
add_branch(struct walk *w, const struct table *end, const char *joins, int alias)
{
    str_add(w->sql, w->sql->len ? " UNION SELECT " : "SELECT ");
    str_literal(w->sql, w->from->name);
    str_add(w->sql, "::text AS entity, d.document_id AS id, ");
    str_literal(w->sql, document_of(end)->name);
    str_add(w->sql, "::text AS of_entity, ");
    add_column(w->sql, alias, document_key(end));
    str_printf(w->sql, " AS of_id FROM document d %s WHERE d.entity = ", joins);
    str_literal(w->sql, w->from->name);
}

static bool
leads_nowhere(const struct table *t, const struct column *c)
{
    static const char *const plain[] = { "company_id", "flow_id", "workflow_id" };

    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (!strcmp(c->name, plain[i]))
            return true;
    return (t->parent_column && !strcmp(c->name, t->parent_column)) ||
           (!strcmp(c->refers_to, t->name) && !flow_is_document(t));
}

/* Follow the references of table t, whose row is a<alias>. */
static void
follow(struct walk *w, const struct table *t, const char *joins, int alias)
{
    for (int i = 0; i < t->ncolumns; i++) {
        const struct column *c = &t->columns[i];
        const struct table *to = c->refers_to ? catalog_table(w->catalog, c->refers_to) : NULL;
        struct str s = str_new(w->rq->mem);

        if (!to || to->is_view || leads_nowhere(t, c))
            continue;
        str_printf(&s, "%s JOIN ", joins);
        str_ident(&s, to->name);
        str_printf(&s, " a%d ON a%d.id = ", alias + 1, alias + 1);
        add_column(&s, alias, c->name);
        if (document_of(to))
            add_branch(w, to, s.text, alias + 1);
        else if (to->has_company && alias < ROWS_BETWEEN)
            follow(w, to, s.text, alias + 1);
    }
}

static void
follow_rows(struct walk *w, const struct table *t)
{
    struct str joins = str_new(w->rq->mem);

    str_add(&joins, "JOIN ");
    str_ident(&joins, t->name);
    str_add(&joins, " a0 ON ");
    add_column(&joins, 0, document_key(t));
    str_add(&joins, " = d.document_id");
    follow(w, t, joins.text, 0);
}

const char *
flow_links_sql(struct rq *rq, const struct catalog *catalog)
{
    struct str sql = str_new(rq->mem);

    for (const struct table *const *t = catalog_tables(catalog); *t; t++) {
        struct walk w = { rq, catalog, *t, &sql };

        if (!flow_is_document(*t))
            continue;
        follow_rows(&w, *t);
        for (const struct table *const *p = (*t)->parts; p && *p; p++)
            follow_rows(&w, *p);
    }
    return sql.len ? sql.text
                   : "SELECT ''::text AS entity, 0 AS id, ''::text AS of_entity, 0 AS of_id"
                     " WHERE false";
}
