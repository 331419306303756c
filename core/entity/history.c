/*
 * history.c - GET /api/<entity>/<id>/history: who changed what, when, in the words of the form.
 *
 * The audit log keeps whole rows; record_history() (sql/functions.sql) compares them when
 * they are read. It tells no field but those that are named here: what the interface hides
 * stays hidden in the history too.
 */
#include "core/entity/list.h"

#include <string.h>

enum { HISTORY_MOST = 200 };

/* Stamps change with everything and say nothing. */
static bool
told(const struct column *c)
{
    return !column_hidden(c) && !str_word_in(
                                    "id version updated_at updated_by "
                                    "created_at created_by",
                                    c->name);
}

/* How a number is written (history_value in sql/functions.sql). */
static const char *
number_kind(const char *type)
{
    if (!strcmp(type, "amount") || !strcmp(type, "unit_price"))
        return "money";
    if (!strcmp(type, "base_amount"))
        return "base";
    return type_kind(type) == KIND_NUMBER ? "plain" : "";
}

static void
add_fields(struct rq *rq, struct str *s, const struct table *t)
{
    bool first = true;

    str_add(s, s->len > 1 ? "," : "");
    str_json(s, t->name);
    str_add(s, ":{");
    for (int i = 0; i < t->ncolumns; i++) {
        const struct column *c = &t->columns[i];

        if (!told(c) || (t->parent_column && !strcmp(c->name, t->parent_column)))
            continue;
        str_add(s, first ? "" : ",");
        first = false;
        str_json(s, c->name);
        str_add(s, ":{\"label\":");
        str_json(s, tr(rq, c->label));
        str_printf(s, ",\"kind\":\"%s\",\"position\":%d}", number_kind(c->type), i);
    }
    str_char(s, '}');
}

bool
api_history(struct rq *rq, const struct entity *e, const char *id)
{
    struct query q;
    struct str fields = str_new(rq->mem), parts = str_new(rq->mem);

    if (!query_begin(&q, rq, e) || !query_exists(&q, id))
        return false;
    str_char(&fields, '{');
    str_char(&parts, '{');
    add_fields(rq, &fields, q.table);
    for (const struct table *const *p = q.table->parts; p && *p; p++) {
        if (!table_column(*p, "id"))
            continue;
        add_fields(rq, &fields, *p);
        str_add(&parts, parts.len > 1 ? "," : "");
        str_json(&parts, (*p)->name);
        str_char(&parts, ':');
        str_json(&parts, (*p)->parent_column);
    }
    str_char(&fields, '}');
    str_char(&parts, '}');
    return list_reply(
        rq, "SELECT record_history($1, $2::bigint, $3::jsonb, $4::jsonb, NULL, $5::integer)",
        P(e->name, id, fields.text, parts.text, arena_printf(rq->mem, "%d", HISTORY_MOST)));
}
