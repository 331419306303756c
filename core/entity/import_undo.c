/*
 * import_undo.c - an import taken back, while its records are untouched.
 *
 * Created records are deleted (what refers to them stops that), changed ones get back the
 * fields that they held before. A record with a later version than the import left it with
 * stops the whole undo: nobody's work is overwritten.
 */
#include "core/base/str.h"
#include "core/entity/import.h"

/* Columns that the server may write and that the update did not make itself. */
static const char *
restorable(struct rq *rq, const struct table *t, const char *form)
{
    struct str s = str_new(rq->mem);

    for (int i = 0; i < t->ncolumns; i++) {
        const struct column *c = &t->columns[i];

        if (c->readonly || str_word_in("company_id version created_at created_by", c->name))
            continue;
        str_add(&s, s.len ? ", " : "");
        str_add(&s, arena_printf(rq->mem, form, c->name));
    }
    return s.text;
}

static bool
undo(struct rq *rq, const struct table *t, const char *batch)
{
    const char *name = t->name, *touched = NULL;

    if (t->has_version &&
        !db_one(
            rq,
            arena_printf(rq->mem,
                         "SELECT string_agg(r.line::text, ', ' ORDER BY r.line) FROM import_row r"
                         "  LEFT JOIN %s t ON t.id = r.record_id"
                         " WHERE r.batch_id = $1 AND t.version IS DISTINCT FROM r.version",
                         name),
            P(batch), OUT(&touched)))
        return false;
    if (touched)
        return fail(rq, "stale", NULL, "Records of these lines were changed since: %s", touched);
    db_exec(
        rq,
        arena_printf(
            rq->mem,
            "UPDATE %s t SET (%s) = (SELECT %s FROM jsonb_populate_record(NULL::%s, r.before) b)"
            "  FROM import_row r WHERE r.batch_id = $1 AND NOT r.created AND t.id = r.record_id",
            name, restorable(rq, t, "%s"), restorable(rq, t, "b.%s"), name),
        P(batch));
    db_exec(rq,
            arena_printf(rq->mem,
                         "DELETE FROM %s t USING import_row r"
                         " WHERE r.batch_id = $1 AND r.created AND t.id = r.record_id",
                         name),
            P(batch));
    db_exec(rq, "UPDATE import_batch SET undone_at = now() WHERE id = $1", P(batch));
    return db_flush(rq);
}

bool
import_undo(struct rq *rq)
{
    const struct catalog *catalog = catalog_get(rq, NULL);
    struct rows batches;

    if (!catalog || !db_rows(rq,
                             "SELECT id, entity, undone_at FROM import_batch WHERE id = ANY ($1)"
                             " ORDER BY id DESC FOR UPDATE",
                             P(rq->ids), &batches))
        return false;
    for (int i = 0; i < batches.count; i++) {
        const struct table *t = catalog_table(catalog, cell(&batches, i, 1));

        if (cell(&batches, i, 2))
            return fail(rq, "wrong_state", NULL, "This import has been undone already");
        if (!t || !undo(rq, t, cell(&batches, i, 0)))
            return false;
    }
    return true;
}
