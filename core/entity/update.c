/*
 * update.c - entity_update: RFC 7396 merge of a record and of its parts.
 *
 * The header is changed first, with its version in the WHERE clause: two changes at once meet on
 * that row, and the later one sees a version that is not the one it read. All statements go in
 * one round trip; what they touched is compared with what they should have afterwards.
 */
#include "core/entity/body.h"

#include <string.h>

struct change {
    struct body b;
    const char *id, *version;
    const char *found;   /* the version that is there now; NULL: no such record */
    const char *changed; /* the new version; NULL: stale */
    struct touched *touched;
};

/* Parts that a statement should have found. */
struct touched {
    struct touched *next;
    const struct level *level;
    const char *missing; /* comma list of the places whose id is not a part of the record */
};

static const char document[] = "($1::json -> 0)";

/* ------------------------------------------------------------------ the header */

static void
add_assignments(struct str *s, const struct level *l)
{
    for (int i = 0; i < l->table->ncolumns; i++) {
        const struct column *c = &l->table->columns[i];

        if (!l->given[i])
            continue;
        str_add(s, s->len ? ", " : "");
        str_ident(s, c->name);
        str_add(s, " = ");
        if (l->outer && l->given[i] < l->rows) {
            str_add(s, "CASE WHEN d.j->");
            str_literal(s, c->name);
            str_add(s, " IS NULL THEN t.");
            str_ident(s, c->name);
            str_add(s, " ELSE ");
            insert_value(s, c, true);
            str_add(s, " END");
        } else {
            insert_value(s, c, true);
        }
    }
}

static void
add_stamps(struct str *s, const struct table *t)
{
    if (t->has_version)
        str_printf(s, "%sversion = t.version + 1", s->len ? ", " : "");
    if (table_column(t, "updated_at"))
        str_printf(s, "%supdated_at = now()", s->len ? ", " : "");
    if (table_column(t, "updated_by"))
        str_printf(s, "%supdated_by = app_user_id()", s->len ? ", " : "");
}

static void
where_id(struct str *s, const struct table *t, int parameter)
{
    str_printf(s, " WHERE t.id = $%d::bigint", parameter);
    if (t->has_company)
        str_add(s, " AND t.company_id = current_setting('tenon.company')::bigint");
}

static void
change_header(struct change *c)
{
    const struct table *t = c->b.root->table;
    struct str sets = str_new(c->b.rq->mem), s = str_new(c->b.rq->mem),
               look = str_new(c->b.rq->mem);
    const char *version = t->has_version ? "t.version" : "0";

    str_printf(&look, "SELECT %s FROM ", version);
    str_ident(&look, t->name);
    str_add(&look, " t");
    where_id(&look, t, 1);
    str_add(&look, " FOR NO KEY UPDATE");
    db_ask(c->b.rq, look.text, P(c->id), OUT(&c->found));
    add_assignments(&sets, c->b.root);
    add_stamps(&sets, t);
    if (!sets.len) {
        c->changed = "0";
        return;
    }
    str_add(&s, "UPDATE ");
    str_ident(&s, t->name);
    str_printf(&s, " t SET %s FROM (SELECT %s AS j) d, json_to_record(d.j) AS x(", sets.text,
               document);
    insert_record(&s, c->b.root);
    str_char(&s, ')');
    where_id(&s, t, 2);
    str_printf(&s, " AND ($3::text IS NULL OR %s::text = $3::text) RETURNING %s", version, version);
    db_ask(c->b.rq, s.text, P(c->b.text, c->id, c->version), OUT(&c->changed));
}

/* ------------------------------------------------------------------ the parts */

/* The rows of one part: number, JSON, id or null, whether it is to go. */
static const char *
part_rows(struct rq *rq, const struct level *l)
{
    struct str s = str_new(rq->mem);

    str_printf(&s,
               "SELECT e.n, e.j, nullif(e.j->>'id', '')::bigint AS id,"
               " coalesce((e.j->>'_delete')::boolean, false) AS gone,"
               " 1 AS parent FROM json_array_elements(CASE json_typeof(%s->",
               document);
    str_literal(&s, l->table->part_name);
    str_printf(&s, ") WHEN 'array' THEN %s->", document);
    str_literal(&s, l->table->part_name);
    str_add(&s, " END) WITH ORDINALITY AS e(j, n)");
    return s.text;
}

static void
parts_missing(struct change *c, const struct level *l, const char *rows)
{
    struct touched *m = arena_alloc(c->b.rq->mem, sizeof *m);
    struct str s = str_new(c->b.rq->mem);

    *m = (struct touched){ .next = c->touched, .level = l };
    c->touched = m;
    str_printf(&s,
               "SELECT string_agg((d.n - 1)::text, ' ' ORDER BY d.n) FROM (%s) d"
               " WHERE d.id IS NOT NULL AND NOT EXISTS (SELECT FROM ",
               rows);
    str_ident(&s, l->table->name);
    str_add(&s, " t WHERE t.id = d.id AND t.");
    str_ident(&s, l->table->parent_column);
    str_add(&s, " = $2::bigint)");
    db_ask(c->b.rq, s.text, P(c->b.text, c->id), OUT(&m->missing));
}

static void
parts_delete(struct change *c, const struct level *l, const char *rows)
{
    struct str s = str_new(c->b.rq->mem);

    str_add(&s, "DELETE FROM ");
    str_ident(&s, l->table->name);
    str_printf(&s, " t USING (%s) d WHERE d.gone AND t.id = d.id AND t.", rows);
    str_ident(&s, l->table->parent_column);
    str_add(&s, " = $2::bigint");
    db_exec(c->b.rq, s.text, P(c->b.text, c->id));
}

static void
parts_update(struct change *c, const struct level *l, const char *rows)
{
    struct str s = str_new(c->b.rq->mem), sets = str_new(c->b.rq->mem);

    add_assignments(&sets, l);
    if (!sets.len)
        return;
    str_add(&s, "UPDATE ");
    str_ident(&s, l->table->name);
    str_printf(&s, " t SET %s FROM (%s) d, json_to_record(d.j) AS x(", sets.text, rows);
    insert_record(&s, l);
    str_add(&s, ") WHERE NOT d.gone AND t.id = d.id AND t.");
    str_ident(&s, l->table->parent_column);
    str_add(&s, " = $2::bigint");
    db_exec(c->b.rq, s.text, P(c->b.text, c->id));
}

/* New rows go behind those that are there. */
static void
parts_insert(struct change *c, const struct level *l, const char *rows)
{
    struct str from = str_new(c->b.rq->mem);
    const char *parents = arena_printf(c->b.rq->mem, "ARRAY[%s]::bigint[]", c->id);

    str_add(&from, "SELECT row_number() OVER (ORDER BY a.n) AS n, 1 AS parent, a.j, ");
    if (table_column(l->table, "position")) {
        str_add(&from,
                "row_number() OVER (ORDER BY a.n) + (SELECT coalesce(max(position), 0) FROM ");
        str_ident(&from, l->table->name);
        str_add(&from, " WHERE ");
        str_ident(&from, l->table->parent_column);
        str_printf(&from, " = %s::bigint) AS position", c->id);
    } else {
        str_add(&from, "a.n AS position");
    }
    str_printf(&from, " FROM (%s) a WHERE a.id IS NULL AND NOT a.gone", rows);
    insert_level(&c->b, l, from.text, parents, NULL, NULL);
}

static void
change_parts(struct change *c)
{
    for (const struct level *l = c->b.root->inner; l; l = l->next) {
        const char *rows = part_rows(c->b.rq, l);

        parts_missing(c, l, rows);
        parts_delete(c, l, rows);
        parts_update(c, l, rows);
        parts_insert(c, l, rows);
    }
}

/* ------------------------------------------------------------------ the outcome */

static bool
check_touched(struct change *c)
{
    struct rq *rq = c->b.rq;
    const char *place;

    if (!c->found)
        return fail(rq, "not_found", NULL, "There is no such record");
    if (!c->changed)
        return fail(rq, "stale", NULL, "Somebody else has changed this record: read it again");
    for (struct touched *m = c->touched; m; m = m->next)
        while ((place = str_word(rq->mem, &m->missing)))
            fail(rq, "unknown_reference",
                 arena_printf(rq->mem, "%s[%s].id", m->level->table->part_name, place),
                 "This line does not belong to the record");
    return !rq->errors;
}

/* All values that cannot be, instead of the first one without a name. */
static bool
explain(struct change *c)
{
    struct rq *rq = c->b.rq;
    struct error *first = rq->errors, *found = NULL;

    if (!first || db_should_retry(rq) || !db_alive(rq->db)) /* no error: a repeat */
        return false;
    if (!db_rollback_to(rq)) { /* what failed was queued before the savepoint */
        rq->errors = first;
        return false;
    }
    found = body_probe(&c->b);
    rq->errors = found ? found : first;
    return false;
}

bool
entity_update(struct rq *rq, const char *entity, const char *id, const char *version,
              const char *json)
{
    const struct catalog *catalog = catalog_get(rq, NULL);
    const struct table *t = catalog ? catalog_table(catalog, entity) : NULL;
    struct change c = { .id = id, .version = version };

    if (!catalog)
        return false;
    if (!t || t->is_view || !str_is_id(id))
        return fail(rq, "not_found", NULL, "There is no such record");
    if (!body_check(&c.b, rq, t, arena_printf(rq->mem, "[%s]", json), true))
        return false;
    db_exec(rq, "SAVEPOINT here", NONE);
    change_header(&c);
    change_parts(&c);
    if (!db_flush(rq))
        return explain(&c);
    db_release(rq);
    return check_touched(&c) && write_saved(rq, entity, arena_printf(rq->mem, "{%s}", id), false);
}
