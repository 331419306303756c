/*
 * insert.c - entity_insert: documents with their parts, one statement per table.
 *
 * Identity ids rise in the order in which INSERT ... SELECT ... ORDER BY makes the rows, so the
 * k-th smallest new id belongs to the k-th row. A statement leaves its ids in a setting of the
 * transaction, where the parts' statement finds them: all of it is one round trip. They are
 * separate statements, so that triggers on parts see their document.
 */
#include "core/entity/body.h"

#include <string.h>

/* ------------------------------------------------------------------ SQL of values */

/* The type that json_to_record gives it in: text but for what JSON has a shape of its own. */
static const char *
record_type(const struct column *c)
{
    enum kind kind = type_kind(c->type);

    return kind == KIND_JSON ? "jsonb" : kind == KIND_ARRAY ? c->type : "text";
}

void
insert_record(struct str *s, const struct level *l)
{
    bool first = true;

    for (int i = 0; i < l->table->ncolumns; i++) {
        const struct column *c = &l->table->columns[i];

        if (!l->given[i])
            continue;
        str_add(s, first ? "" : ", ");
        first = false;
        str_ident(s, c->name);
        str_printf(s, " %s", record_type(c));
    }
    if (first)
        str_add(s, "nothing text");
}

static const char *
cast(struct arena *mem, const struct column *c)
{
    struct str s = str_new(mem);

    if (strcmp(record_type(c), "text") != 0) {
        str_add(&s, "x.");
        str_ident(&s, c->name);
    } else {
        str_add(&s, "nullif(x.");
        str_ident(&s, c->name);
        str_printf(&s, ", '')::%s", c->type);
    }
    return s.text;
}

/* Nothing in a column that must hold something is its default; a missing field is, always. */
void
insert_value(struct str *s, const struct column *c, bool everywhere)
{
    const char *value = cast(s->mem, c);

    if (c->default_text && c->not_null) {
        str_printf(s, "coalesce(%s, %s)", value, c->default_text);
    } else if (c->default_text && !everywhere) {
        str_add(s, "CASE WHEN d.j->");
        str_literal(s, c->name);
        str_printf(s, " IS NULL THEN %s ELSE %s END", c->default_text, value);
    } else {
        str_add(s, value);
    }
}

/* ------------------------------------------------------------------ statements */

const char *
insert_rows(struct body *b, const struct level *l, const char *outer)
{
    struct str s = str_new(b->rq->mem);

    str_add(&s,
            "SELECT row_number() OVER (ORDER BY u.n, e.n) AS n, u.n AS parent,"
            " e.n AS position, e.j FROM (");
    str_add(&s, outer);
    str_add(&s, ") u, json_array_elements(CASE json_typeof(u.j->");
    str_literal(&s, l->table->part_name);
    str_add(&s, ") WHEN 'array' THEN u.j->");
    str_literal(&s, l->table->part_name);
    str_add(&s, " END) WITH ORDINALITY AS e(j, n)");
    return s.text;
}

static bool
is_position(const struct level *l, const struct column *c)
{
    return l->outer && !c->readonly && !strcmp(c->name, "position");
}

/* One column of INSERT and of its SELECT. */
static void
add_column(struct str *names, struct str *values, const struct level *l, int i, const char *parents)
{
    const struct column *c = &l->table->columns[i];
    const char *comma = names->len ? ", " : "";

    if (parents && !strcmp(c->name, l->table->parent_column)) {
        str_printf(values, "%s(%s)[d.parent]", comma, parents);
    } else if (is_position(l, c)) {
        str_add(values, comma);
        if (l->given[i])
            str_printf(values, "coalesce(%s, d.position)", cast(values->mem, c));
        else
            str_add(values, "d.position");
    } else if (l->given[i]) {
        str_add(values, comma);
        insert_value(values, c, l->given[i] == l->rows);
    } else {
        return;
    }
    str_add(names, comma);
    str_ident(names, c->name);
}

static const char *
insert_sql(struct body *b, const struct level *l, const char *rows, const char *parents)
{
    struct str s = str_new(b->rq->mem), names = str_new(b->rq->mem), values = str_new(b->rq->mem);

    for (int i = 0; i < l->table->ncolumns; i++)
        add_column(&names, &values, l, i, parents);
    str_add(&s, "WITH new AS (INSERT INTO ");
    str_ident(&s, l->table->name);
    if (names.len)
        str_printf(&s, " (%s) SELECT %s", names.text, values.text);
    else /* a document without a single field: every column has its default */
        str_add(&s, " (company_id) SELECT current_setting('tenon.company')::bigint");
    str_printf(&s, " FROM (%s) d, json_to_record(d.j) AS x(", rows);
    insert_record(&s, l);
    str_printf(&s,
               ") WHERE $2::bigint IS NULL OR d.n = $2::bigint ORDER BY d.n RETURNING id)"
               " SELECT set_config('tenon.new_%d', coalesce(array_agg(id ORDER BY id), '{}')::text,"
               " true) FROM new",
               l->number);
    return s.text;
}

bool
insert_level(struct body *b, const struct level *l, const char *rows, const char *parents,
             const char *only, const char **ids)
{
    const char *sql = insert_sql(b, l, rows, parents);
    const char *mine =
        arena_printf(b->rq->mem, "current_setting('tenon.new_%d')::bigint[]", l->number);

    if (ids)
        db_ask(b->rq, sql, P(b->text, only), OUT(ids));
    else
        db_exec(b->rq, sql, P(b->text, only));
    for (const struct level *in = l->inner; in; in = in->next)
        if (in->rows)
            insert_level(b, in, insert_rows(b, in, rows), mine, NULL, NULL);
    return true;
}

static const char root_rows[] =
    "SELECT n, j FROM json_array_elements($1::json) WITH ORDINALITY AS e(j, n)";

/* ------------------------------------------------------------------ after a failure */

enum { LINES_TRIED = 200 };

/* Insert the document alone, or with one row of one part, and undo it: its errors. */
static const struct error *
try_and_undo(struct body *b, const struct level *part, int row)
{
    struct level alone = *b->root;
    const char *ids, *only = arena_printf(b->rq->mem, "%d", row);

    alone.inner = NULL;
    db_exec(b->rq, "SAVEPOINT here", NONE);
    insert_level(b, &alone, root_rows, NULL, NULL, &ids);
    if (part) {
        struct level one = *part;

        one.inner = NULL;
        insert_level(b, &one, insert_rows(b, &one, root_rows),
                     "current_setting('tenon.new_0')::bigint[]", only, NULL);
    }
    db_flush(b->rq);
    const struct error *errors = b->rq->errors;

    db_rollback_to(b->rq);
    return errors;
}

static void
add_error(struct rq *rq, struct error **found, const struct error *e, const char *field)
{
    struct error **end = found;

    while (*end)
        end = &(*end)->next;
    *end = arena_alloc(rq->mem, sizeof **end);
    **end = (struct error){ e->code, field, e->message, NULL };
}

/*
 * A constraint names a column, not the line. Each row of each part is tried by itself; those
 * that fail are named. NULL when none does (or the document itself is what fails).
 */
static struct error *
failing_rows(struct body *b)
{
    struct rq *rq = b->rq;
    struct error *found = NULL;

    if (!b->one || !b->root->inner || try_and_undo(b, NULL, 0))
        return NULL;
    for (const struct level *part = b->root->inner; part; part = part->next)
        for (int i = 1; i <= part->rows && i <= LINES_TRIED; i++) {
            const struct error *e = try_and_undo(b, part, i);

            for (; e; e = e->next)
                add_error(rq, &found, e,
                          arena_printf(rq->mem, "%s[%d]%s%s", part->table->part_name, i - 1,
                                       e->field ? "." : "", e->field ? e->field : ""));
        }
    return found;
}

/* Replace the errors by what the search finds; of the failed statements nothing is left. */
static const char *
explain(struct body *b)
{
    struct rq *rq = b->rq;
    struct error *first = rq->errors, *found = NULL;

    if (!first || db_should_retry(rq) || !db_alive(rq->db)) /* no error: a repeat */
        return NULL;
    if (!db_rollback_to(rq)) { /* what failed was queued before the savepoint */
        rq->errors = first;
        return NULL;
    }
    found = body_probe(b);
    if (!found)
        found = failing_rows(b);
    rq->errors = found ? found : first;
    return NULL;
}

/* ------------------------------------------------------------------ the call */

bool
write_saved(struct rq *rq, const char *name, const char *ids, bool created)
{
    const struct entity *e = entity_find(name), *outer = rq->entity;
    const char *outer_ids = rq->ids;

    rq->entity = e;
    rq->ids = ids;
    bool good =
        (!e || !e->saved || e->saved(rq)) &&
        (created ? entity_events.created(rq, name, ids) : entity_events.changed(rq, name, ids));

    rq->entity = outer;
    rq->ids = outer_ids;
    return good;
}

const char *
entity_insert(struct rq *rq, const char *entity, const char *json)
{
    const struct catalog *catalog = catalog_get(rq, NULL);
    const struct table *t = catalog ? catalog_table(catalog, entity) : NULL;
    const char *ids = NULL;
    struct body b;

    if (!catalog)
        return NULL;
    if (!t || t->is_view) {
        fail(rq, "not_found", NULL, "There is no such kind of record");
        return NULL;
    }
    if (!body_check(&b, rq, t, json, false))
        return NULL;
    if (!b.root->rows)
        return "{}";
    db_exec(rq, "SAVEPOINT here", NONE);
    insert_level(&b, b.root, root_rows, NULL, NULL, &ids);
    if (!db_flush(rq))
        return explain(&b);
    db_release(rq);
    return write_saved(rq, entity, ids, true) ? ids : NULL;
}
