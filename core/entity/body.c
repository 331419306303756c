/*
 * body.c - what a document may hold: known fields, in the kind that their column takes, each
 * once; and whatever is required.
 */
#include "core/entity/body.h"

#include <string.h>

bool
body_nothing(const cJSON *value)
{
    return !value || cJSON_IsNull(value) || (cJSON_IsString(value) && !*value->valuestring);
}

static struct level *
level_new(struct body *b, struct level *outer, const struct table *t)
{
    struct level *l = arena_alloc(b->rq->mem, sizeof *l);

    l->table = t;
    l->outer = outer;
    l->given = arena_alloc(b->rq->mem, sizeof *l->given * (size_t)(t->ncolumns + 1));
    l->number = b->levels++;
    if (outer) {
        struct level **end = &outer->inner;

        while (*end)
            end = &(*end)->next;
        *end = l;
    }
    return l;
}

static struct level *
level_of(struct body *b, struct level *outer, const struct table *part)
{
    for (struct level *l = outer->inner; l; l = l->next)
        if (l->table == part)
            return l;
    return level_new(b, outer, part);
}

static const struct table *
part_of(const struct table *t, const char *name)
{
    for (const struct table *const *p = t->parts; p && *p; p++)
        if (!strcmp((*p)->part_name, name))
            return *p;
    return NULL;
}

/* ------------------------------------------------------------------ one value */

static const char *
wrong_kind(const struct column *c, const cJSON *v)
{
    switch (type_kind(c->type)) {
    case KIND_JSON:
        return NULL;
    case KIND_ARRAY:
        return cJSON_IsArray(v) || cJSON_IsNull(v) ? NULL : "This must be a list";
    case KIND_BOOLEAN:
        return cJSON_IsBool(v) || body_nothing(v) || cJSON_IsString(v) ? NULL : "This is yes or no";
    case KIND_NUMBER:
    case KIND_INTEGER:
        return cJSON_IsNumber(v) || cJSON_IsString(v) || cJSON_IsNull(v) ? NULL
                                                                         : "This must be a number";
    case KIND_TEXT:
        return cJSON_IsString(v) || cJSON_IsNull(v) || cJSON_IsNumber(v) ? NULL
                                                                         : "This must be a text";
    case KIND_DATE:
    case KIND_TIME:
        break;
    }
    return cJSON_IsString(v) || cJSON_IsNull(v) ? NULL : "This must be a date";
}

static void
note_given(struct body *b, const struct column *c, const char *field, const char *at)
{
    struct given *g = arena_alloc(b->rq->mem, sizeof *g);

    *g = (struct given){ NULL, field, at, c };
    *b->last = g;
    b->last = &g->next;
}

/* May a document set this column? */
static bool
writable(const struct level *l, const struct column *c)
{
    return c && !c->readonly && !column_hidden(c) &&
           !(l->outer && l->table->parent_column && !strcmp(c->name, l->table->parent_column));
}

/* ------------------------------------------------------------------ one object */

struct place_in {
    const char *field; /* "lines[2]." or "" */
    const char *at;    /* "0,lines,2," */
};

static bool object(struct body *b, struct level *l, const cJSON *o, const struct place_in *in);

static bool
rows_of_part(struct body *b, struct level *outer, const struct table *part, const cJSON *rows,
             const struct place_in *in)
{
    struct arena *mem = b->rq->mem;
    bool good = true;
    int i = 0;

    if (cJSON_IsNull(rows))
        return true;
    if (!cJSON_IsArray(rows))
        return fail(b->rq, "malformed", arena_printf(mem, "%s%s", in->field, part->part_name),
                    "This must be a list");
    struct level *l = level_of(b, outer, part);

    for (const cJSON *row = rows->child; row; row = row->next, i++) {
        struct place_in here = {
            arena_printf(mem, "%s%s[%d].", in->field, part->part_name, i),
            arena_printf(mem, "%s%s,%d,", in->at, part->part_name, i),
        };

        good &= object(b, l, row, &here);
    }
    return good;
}

/* Is the row one that exists already, in a change? */
static bool
exists(const struct body *b, const struct level *l, const cJSON *o)
{
    return b->changing && (!l->outer || cJSON_HasObjectItem(o, "id"));
}

static bool
member(struct body *b, struct level *l, const cJSON *o, const cJSON *v, bool *seen,
       const struct place_in *in)
{
    struct rq *rq = b->rq;
    const char *field = arena_printf(rq->mem, "%s%s", in->field, v->string);
    const struct column *c = table_column(l->table, v->string);
    const struct table *part = part_of(l->table, v->string);

    if (b->changing && l->outer && (!strcmp(v->string, "id") || !strcmp(v->string, "_delete")))
        return true;
    if (part && !c && l->outer && exists(b, l, o))
        return fail(rq, "unknown_field", field, "This cannot be changed from here");
    if (part && !c)
        return rows_of_part(b, l, part, v, in);
    if (!writable(l, c))
        return fail(rq, "unknown_field", field,
                    c ? "This field cannot be set" : "There is no such field");
    int i = (int)(c - l->table->columns);

    if (seen[i])
        return fail(rq, "malformed", field, "This field stands twice");
    seen[i] = true;
    l->given[i]++;
    const char *wrong = wrong_kind(c, v);

    if (wrong)
        return fail(rq, "invalid", field, wrong, NULL);
    if (!cJSON_IsNull(v))
        note_given(b, c, field, arena_printf(rq->mem, "{%s%s}", in->at, v->string));
    return true;
}

static bool
required(struct body *b, const struct level *l, const cJSON *o, const struct place_in *in)
{
    bool there = exists(b, l, o), good = true;

    for (int i = 0; i < l->table->ncolumns; i++) {
        const struct column *c = &l->table->columns[i];
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, c->name);

        if (!c->required || !writable(l, c) || !body_nothing(v) || (there && !v))
            continue;
        good = fail(b->rq, "required", arena_printf(b->rq->mem, "%s%s", in->field, c->name),
                    "This must be filled in");
    }
    return good;
}

static bool
object(struct body *b, struct level *l, const cJSON *o, const struct place_in *in)
{
    bool *seen = arena_alloc(b->rq->mem, sizeof *seen * (size_t)(l->table->ncolumns + 1));
    bool good = true;

    if (!cJSON_IsObject(o)) {
        size_t n = strlen(in->field);

        return fail(b->rq, "malformed", n ? arena_strndup(b->rq->mem, in->field, n - 1) : NULL,
                    "This must be an object");
    }
    l->rows++;
    for (const cJSON *v = o->child; v; v = v->next)
        good &= member(b, l, o, v, seen, in);
    return required(b, l, o, in) && good;
}

static void
free_json(void *json)
{
    cJSON_Delete(json);
}

bool
body_check(struct body *b, struct rq *rq, const struct table *t, const char *text, bool changing)
{
    cJSON *documents = cJSON_ParseWithOpts(text, NULL, true);
    bool good = true;
    int i = 0;

    *b = (struct body){
        .rq = rq, .catalog = catalog_get(rq, NULL), .text = text, .changing = changing
    };
    arena_defer(rq->mem, free_json, documents);
    if (!b->catalog)
        return false;
    if (!cJSON_IsArray(documents))
        return fail(rq, "malformed", NULL, "This is not valid JSON");
    b->last = &b->given;
    b->one = cJSON_GetArraySize(documents) == 1;
    b->root = level_new(b, NULL, t);
    for (const cJSON *d = documents->child; d; d = d->next, i++) {
        struct place_in in = { b->one ? "" : arena_printf(rq->mem, "[%d].", i),
                               arena_printf(rq->mem, "%d,", i) };

        good &= object(b, b->root, d, &in);
    }
    return good;
}

/* ------------------------------------------------------------------ the search of wrong ones */

static const char *
places(struct body *b)
{
    struct str s = str_new(b->rq->mem);

    str_char(&s, '[');
    for (const struct given *g = b->given; g; g = g->next) {
        enum kind kind = type_kind(g->column->type);

        if (kind == KIND_JSON || kind == KIND_ARRAY)
            continue;
        str_add(&s, s.len > 1 ? ",{\"field\":" : "{\"field\":");
        str_json(&s, g->field);
        str_add(&s, ",\"at\":");
        str_json(&s, g->at);
        str_add(&s, ",\"type\":");
        str_json(&s, g->column->type);
        str_char(&s, '}');
    }
    str_char(&s, ']');
    return s.text;
}

/* What is wrong with a value, from its SQLSTATE, the domain's constraint, and its type. */
static const char *
sentence(struct body *b, const char *state, const char *constraint, const char *type)
{
    const struct constraint *c =
        constraint ? catalog_constraint(b->catalog, type, constraint) : NULL;

    if (c && c->message)
        return c->message;
    if (!strcmp(state, "22P05") || !strcmp(state, "22021"))
        return "This text has a character that cannot be stored";
    if (!strcmp(state, "22003"))
        return "This number is too large";
    switch (type_kind(type)) {
    case KIND_NUMBER:
        return "This is not a number";
    case KIND_INTEGER:
        return "This is not a whole number";
    case KIND_BOOLEAN:
        return "This is yes or no";
    case KIND_DATE:
        return "This is not a date";
    case KIND_TIME:
        return "This is not a date and time";
    case KIND_TEXT:
    case KIND_ARRAY:
    case KIND_JSON:
        break;
    }
    return "This value is not allowed";
}

struct error *
body_probe(struct body *b)
{
    static const char probe[] =
        "SELECT v.field, v.type, p.state, nullif(p.constraint_name, '')"
        "  FROM json_to_recordset($2::json) AS v(field text, at text[], type text),"
        "       LATERAL cast_problem($1::json, v.at, v.type) p"
        " WHERE p.state IS NOT NULL";
    struct rq *rq = b->rq;
    struct error *found = NULL;
    struct rows rows;

    db_exec(rq, "SAVEPOINT here", NONE);
    if (!db_rows(rq, probe, P(b->text, places(b)), &rows)) {
        db_rollback_to(rq);
        return NULL;
    }
    for (int i = 0; i < rows.count; i++)
        fail(rq, "invalid", cell(&rows, i, 0), "%s",
             tr(rq, sentence(b, cell(&rows, i, 2), cell(&rows, i, 3), cell(&rows, i, 1))));
    found = rq->errors;
    db_rollback_to(rq);
    return found;
}
