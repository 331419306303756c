/*
 * order.c - orders, and cursors that neither skip nor repeat: the next page starts after the
 * values of the last row, whatever was inserted or deleted meanwhile. Never OFFSET.
 */
#include "core/entity/filter.h"

#include <string.h>

enum { KEYS_MAX = 8, CURSOR_MAX = 4096 };

/* ------------------------------------------------------------------ parsing */

static bool
add_key(struct query *q, struct order *o, const char *path, bool descending)
{
    struct place place;

    if (o->nkeys == KEYS_MAX)
        return fail(q->rq, "malformed", "order", "There are too many fields to order by");
    if (!query_path(q, path, "order", &place))
        return false;
    if (type_kind(place.column->type) == KIND_JSON || type_kind(place.column->type) == KIND_ARRAY)
        return fail(q->rq, "malformed", "order", "%s cannot be ordered by", path);
    o->keys[o->nkeys++] = (struct key){
        .sql = place.sql,
        .type = place.column->type,
        .path = path,
        .descending = descending,
        .nullable = !place.column->not_null || strcmp(place.alias, "t") != 0,
    };
    return true;
}

static bool
has_key(const struct order *o, const char *path)
{
    for (int i = 0; i < o->nkeys; i++)
        if (!strcmp(o->keys[i].path, path))
            return true;
    return false;
}

/* The id, in the direction of the last key; of a view without one: all its keys. */
static bool
make_unique(struct query *q, struct order *o)
{
    bool descending = o->nkeys ? o->keys[o->nkeys - 1].descending : true;
    bool any = false;

    if (table_column(q->table, "id"))
        return has_key(o, "id") || add_key(q, o, "id", descending);
    for (int i = 0; i < q->table->ncolumns; i++) {
        const char *name = q->table->columns[i].name;

        if (!str_ends(name, "_id") || !strcmp(name, "company_id"))
            continue;
        any = true;
        if (!has_key(o, name) && !add_key(q, o, name, descending))
            return false;
    }
    return any || o->nkeys || add_key(q, o, q->table->columns[0].name, descending);
}

static bool
parse_key(struct query *q, struct order *o, char *text)
{
    bool descending = false;

    if (str_ends(text, ".desc")) {
        descending = true;
        text[strlen(text) - 5] = '\0';
    } else if (str_ends(text, ".asc")) {
        text[strlen(text) - 4] = '\0';
    }
    return has_key(o, text) || add_key(q, o, text, descending);
}

bool
order_parse(struct query *q, const char *text, struct order *o)
{
    struct str normal = str_new(q->rq->mem);

    *o = (struct order){ .keys = arena_alloc(q->rq->mem, sizeof *o->keys * KEYS_MAX) };
    while (text && *text) {
        size_t n = strcspn(text, ",");

        if (!parse_key(q, o, arena_strndup(q->rq->mem, text, n)))
            return false;
        text += n + (text[n] == ',');
    }
    if (!make_unique(q, o))
        return false;
    for (int i = 0; i < o->nkeys; i++)
        str_printf(&normal, "%s%s.%s", i ? "," : "", o->keys[i].path,
                   o->keys[i].descending ? "desc" : "asc");
    o->text = normal.text;
    return true;
}

void
order_by(struct str *s, const struct order *o)
{
    for (int i = 0; i < o->nkeys; i++)
        str_printf(s, "%s%s%s", i ? ", " : " ORDER BY ", o->keys[i].sql,
                   o->keys[i].descending ? " DESC" : "");
}

/* ------------------------------------------------------------------ cursors */

void
order_cursor(struct str *s, const struct order *o, const char *row)
{
    str_add(s, "translate(encode(convert_to(json_build_array(");
    str_literal(s, o->text);
    str_add(s, "::text");
    for (int i = 0; i < o->nkeys; i++)
        if (row)
            str_printf(s, ", %s.k%d::text", row, i);
        else
            str_printf(s, ", %s::text", o->keys[i].sql);
    str_add(s, ")::text, 'UTF8'), 'base64'), E'+/=\\n', '-_')");
}

static int
sextet(char c)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *at = c ? strchr(set, c) : NULL;

    return at ? (int)(at - set) : -1;
}

/* base64url without padding; NULL when it is not. */
static const char *
decode(struct arena *mem, const char *text)
{
    size_t n = strlen(text), len = 0;
    char *out = arena_alloc(mem, n + 1);
    unsigned bits = 0;
    int have = 0;

    for (size_t i = 0; i < n; i++) {
        int v = sextet(text[i]);

        if (v < 0)
            return NULL;
        bits = bits << 6 | (unsigned)v;
        have += 6;
        if (have < 8)
            continue;
        have -= 8;
        out[len++] = (char)(bits >> have & 0xff);
    }
    return out;
}

static void
free_json(void *json)
{
    cJSON_Delete(json);
}

/* The values of a cursor of this very order; false and an error when it is another's. */
static bool
open_cursor(struct query *q, const struct order *o, const char *cursor, const char **values)
{
    const char *text = strlen(cursor) <= CURSOR_MAX ? decode(q->rq->mem, cursor) : NULL;
    cJSON *list = text ? cJSON_Parse(text) : NULL;
    bool good = list && cJSON_IsArray(list) && cJSON_GetArraySize(list) == o->nkeys + 1;

    arena_defer(q->rq->mem, free_json, list);
    if (good) {
        const char *order = cJSON_GetStringValue(list->child);

        good = order && !strcmp(order, o->text);
    }
    const cJSON *item = good ? list->child->next : NULL;

    for (int i = 0; good && i < o->nkeys; i++, item = item->next) {
        values[i] = cJSON_GetStringValue(item);
        good = values[i] ? value_fits(values[i], o->keys[i].type) : cJSON_IsNull(item);
    }
    return good || fail(q->rq, "malformed", "after", "This cursor belongs to another list");
}

/*
 * May one comparison of rows say it? Nulls come last, or first when descending: behind a value
 * that is none, a descending order has no nulls any more, an ascending one still has them.
 */
static bool
is_plain(const struct order *o)
{
    for (int i = 0; i < o->nkeys; i++)
        if (o->keys[i].descending != o->keys[0].descending ||
            (o->keys[i].nullable && !o->keys[i].descending))
            return false;
    return true;
}

static void
after_plain(struct str *where, const struct order *o, const char *const *params, bool inclusive)
{
    str_add(where, " AND (");
    for (int i = 0; i < o->nkeys; i++)
        str_printf(where, "%s%s", i ? ", " : "", o->keys[i].sql);
    str_printf(where, ") %s%s (", o->keys[0].descending ? "<" : ">", inclusive ? "=" : "");
    for (int i = 0; i < o->nkeys; i++)
        str_printf(where, "%s%s", i ? ", " : "", params[i]);
    str_char(where, ')');
}

/* Is key k after its value? */
static void
after_one(struct str *where, const struct key *k, const char *param)
{
    if (!param)
        str_printf(where, k->descending ? "%s IS NOT NULL" : "false", k->sql);
    else if (k->descending || !k->nullable)
        str_printf(where, "%s %s %s", k->sql, k->descending ? "<" : ">", param);
    else
        str_printf(where, "(%s > %s OR %s IS NULL)", k->sql, param, k->sql);
}

/* From key i on: (a after x OR (a = x AND (b after y OR (b = y ...)))) */
static void
after_from(struct str *where, const struct order *o, const char *const *params, int i,
           bool inclusive)
{
    const struct key *k = &o->keys[i];

    if (i == o->nkeys) {
        str_add(where, inclusive ? "true" : "false");
        return;
    }
    str_char(where, '(');
    after_one(where, k, params[i]);
    str_printf(where, " OR (%s %s%s AND ", k->sql, params[i] ? "= " : "IS NULL",
               params[i] ? params[i] : "");
    after_from(where, o, params, i + 1, inclusive);
    str_add(where, "))");
}

/*
 * What one index cannot scan in one go is asked for in two: first the rows on the cursor's side
 * of the nulls of the first key, then those on the other.
 */
static void
after_mixed(struct after *after, const struct order *o, const char *const *params, bool inclusive)
{
    const struct key *k = &o->keys[0];
    struct key whole = *k;

    if (params[0])
        str_printf(&after->first, " AND %s %s %s", k->sql, k->descending ? "<=" : ">=", params[0]);
    else
        str_printf(&after->first, " AND %s IS NULL", k->sql);
    str_add(&after->first, " AND ");
    if (params[0]) {
        o->keys[0].nullable = false;
        after_from(&after->first, o, params, 0, inclusive);
        o->keys[0] = whole;
    } else {
        after_from(&after->first, o, params, 1, inclusive);
    }
    if (k->nullable && k->descending == !params[0])
        str_printf(&after->second, " AND %s IS %sNULL", k->sql, k->descending ? "NOT " : "");
}

bool
order_after(struct query *q, struct after *after, const struct order *o, const char *cursor,
            bool inclusive)
{
    const char *values[KEYS_MAX] = { NULL }, *params[KEYS_MAX];
    bool nulls = false;

    if (!open_cursor(q, o, cursor, values))
        return false;
    for (int i = 0; i < o->nkeys; i++) {
        params[i] = values[i] ? query_param(q, values[i], o->keys[i].type) : NULL;
        nulls |= !values[i];
    }
    if (is_plain(o) && !nulls)
        after_plain(&after->first, o, params, inclusive);
    else
        after_mixed(after, o, params, inclusive);
    return true;
}
