/*
 * import_map.c - columns to fields, values to references, rows to documents.
 */
#include "core/entity/import_map.h"
#include "core/base/str.h"

#include <string.h>

/* Where a column or constant goes. */
struct target {
    const char *path;
    const char *part; /* or NULL for the document itself */
    int index;        /* of the row in the part; -1: one per line of the file */
    const char *field;
    const struct table *refers_to; /* the value names a record of this table ... */
    const char *by;                /* ... by this column */
};

struct mapping {
    struct rq *rq;
    const struct entity *entity;
    const struct table *table;
    const struct sheet *sheet;
    const cJSON *map;
    int ncolumns;             /* the sheet's, then one per constant */
    const char **constants;   /* of those */
    struct target *targets;   /* one per column; path NULL: left out */
    const char ***references; /* per column: the id of each row's value, or NULL */
};

static const struct table *
part_of(const struct table *t, const char *name)
{
    for (const struct table *const *p = t->parts; p && *p; p++)
        if (!strcmp((*p)->part_name, name))
            return *p;
    return NULL;
}

/* Split "a.b.c" at its points; at most 4 pieces. */
static int
split(struct arena *mem, const char *path, const char *pieces[4])
{
    int n = 0;

    while (n < 4) {
        size_t len = strcspn(path, ".");

        pieces[n++] = arena_strndup(mem, path, len);
        if (!path[len])
            return n;
        path += len + 1;
    }
    return 5;
}

static bool
target_parse(struct mapping *m, const char *path, struct target *to)
{
    struct arena *mem = m->rq->mem;
    const char *piece[4];
    int n = split(mem, path, piece), i = 0;
    const struct table *t = m->table;

    *to = (struct target){ .path = path, .index = -1 };
    if (n > 1 && part_of(t, piece[0])) {
        t = part_of(t, piece[0]);
        to->part = piece[i++];
        if (i < n && str_is_id(piece[i]))
            to->index = (int)strtol(piece[i++], NULL, 10);
    }
    if (to->index > 100)
        return fail(m->rq, "malformed", path, "There is no field %s", path);
    if (n - i == 1 && table_column(t, piece[i])) {
        to->field = piece[i];
        return true;
    }
    if (n - i == 2) {
        to->field = arena_printf(mem, "%s_id", piece[i]);
        to->by = piece[i + 1];
        const struct column *c = table_column(t, to->field);

        if (c && c->refers_to)
            to->refers_to = catalog_table(catalog_get(m->rq, NULL), c->refers_to);
        if (to->refers_to && table_column(to->refers_to, to->by))
            return true;
    }
    return fail(m->rq, "malformed", path, "There is no field %s", path);
}

static const char *
array_literal(struct rq *rq, const char *const *values, int n)
{
    struct str s = str_new(rq->mem);

    str_char(&s, '[');
    for (int i = 0; i < n; i++) {
        if (i)
            str_char(&s, ',');
        str_json(&s, values[i]);
    }
    str_char(&s, ']');
    return s.text;
}

/* The value of a cell after translation, or a constant. */
static const char *
value_of(const struct mapping *m, int row, int column)
{
    if (column >= m->sheet->ncolumns)
        return m->constants[column - m->sheet->ncolumns];
    const char *value = sheet_cell(m->sheet, row, column);
    const cJSON *words = cJSON_GetObjectItemCaseSensitive(m->map, "translate");

    words = cJSON_GetObjectItemCaseSensitive(words, m->sheet->names[column]);
    const char *other = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(words, value));

    if (*value == '\'' && value[1] && strchr("=+-@", value[1]))
        value++; /* put there by export.c, against formulas */
    return other ? other : value;
}

/* Ids of the records that a column's values name: one query for all rows. */
static bool
look_up(struct mapping *m, int column)
{
    struct rq *rq = m->rq;
    const struct target *to = &m->targets[column];
    int n = m->sheet->nrows;
    const char **values = arena_alloc(rq->mem, ((size_t)n + 1) * sizeof *values);
    const char **ids = arena_alloc(rq->mem, ((size_t)n + 1) * sizeof *ids);
    struct str sql = str_new(rq->mem);
    struct rows rows;

    for (int i = 0; i < n; i++)
        values[i] = value_of(m, i, column);
    str_add(&sql,
            "SELECT min(t.id) FROM json_array_elements_text($1) WITH ORDINALITY v (k, n)"
            " LEFT JOIN ");
    str_ident(&sql, to->refers_to->name);
    str_add(&sql, " t ON t.");
    str_ident(&sql, to->by);
    str_add(&sql, "::text = v.k GROUP BY v.n ORDER BY v.n");
    if (!db_rows(rq, sql.text, P(array_literal(rq, values, n)), &rows))
        return false;
    for (int i = 0; i < n && i < rows.count; i++)
        ids[i] = cell(&rows, i, 0);
    m->references[column] = ids;
    return true;
}

/* Constants are columns of their own behind the sheet's, so that they stand only where the
 * file says nothing. */
static bool
targets_parse(struct mapping *m)
{
    const cJSON *columns = cJSON_GetObjectItemCaseSensitive(m->map, "columns"), *constant;
    const cJSON *constants = cJSON_GetObjectItemCaseSensitive(m->map, "constants");
    struct arena *mem = m->rq->mem;
    int i = 0, n = m->sheet->ncolumns + cJSON_GetArraySize(constants);
    bool good = true;

    m->ncolumns = n;
    m->targets = arena_alloc(mem, (size_t)n * sizeof *m->targets);
    m->references = arena_alloc(mem, (size_t)n * sizeof *m->references);
    m->constants = arena_alloc(mem, (size_t)n * sizeof *m->constants);
    for (; i < m->sheet->ncolumns; i++) {
        const char *name = m->sheet->names[i];
        const cJSON *said = cJSON_GetObjectItemCaseSensitive(columns, name);
        const char *path = columns ? cJSON_GetStringValue(said) : name;

        good = (!path || target_parse(m, path, &m->targets[i])) && good;
    }
    cJSON_ArrayForEach(constant, constants)
    {
        const char *text = cJSON_IsBool(constant) ? (cJSON_IsTrue(constant) ? "true" : "false")
                                                  : cJSON_GetStringValue(constant);

        m->constants[i - m->sheet->ncolumns] = text ? text : "";
        good = target_parse(m, constant->string, &m->targets[i++]) && good;
    }
    for (i = 0; good && i < n; i++)
        good = !m->targets[i].refers_to || look_up(m, i);
    return good;
}

/* The object that a target writes to: the document, or a row of one of its parts. */
static cJSON *
object_of(cJSON *document, const struct target *to, int row_in_group)
{
    int index = to->index >= 0 ? to->index : row_in_group;

    if (!to->part)
        return document;
    cJSON *rows = cJSON_GetObjectItemCaseSensitive(document, to->part);

    if (!rows)
        rows = cJSON_AddArrayToObject(document, to->part);
    while (cJSON_GetArraySize(rows) <= index)
        cJSON_AddItemToArray(rows, cJSON_CreateObject());
    return cJSON_GetArrayItem(rows, index);
}

static void
wrong(struct rq *rq, struct document *d, const char *field, const char *message)
{
    struct error *e = arena_alloc(rq->mem, sizeof *e), **end = &d->wrong;

    *e = (struct error){ .code = "unknown_reference", .field = field, .message = message };
    while (*end)
        end = &(*end)->next;
    *end = e;
}

static void
fill_row(struct mapping *m, struct document *d, int row, int row_in_group)
{
    for (int c = 0; c < m->ncolumns; c++) {
        const struct target *to = &m->targets[c];
        const char *value = value_of(m, row, c);

        if (!to->path || !*value || (row_in_group && !to->part))
            continue;
        if (to->refers_to) {
            if (!m->references[c][row]) {
                wrong(m->rq, d, to->path,
                      arena_printf(m->rq->mem, tr(m->rq, "There is no %s with %s %s"),
                                   tr(m->rq, to->refers_to->label), to->by, value));
                continue;
            }
            value = m->references[c][row];
        }
        cJSON *object = object_of(d->json, to, row_in_group);

        if (!cJSON_GetObjectItemCaseSensitive(object, to->field))
            cJSON_AddStringToObject(object, to->field, value);
    }
}

static void
delete_json(void *json)
{
    cJSON_Delete(json);
}

static int
column_named(const struct sheet *sheet, const char *name)
{
    for (int i = 0; name && i < sheet->ncolumns; i++)
        if (!strcmp(sheet->names[i], name))
            return i;
    return -1;
}

/* The document's own value of its key field. */
static const char *
key_of(const struct document *d, const char *key)
{
    return key ? cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(d->json, key)) : NULL;
}

static bool
same_group(const struct mapping *m, int group, int row)
{
    return group >= 0 && row > 0 &&
           !strcmp(sheet_cell(m->sheet, row, group), sheet_cell(m->sheet, row - 1, group));
}

bool
documents_from_sheet(struct rq *rq, const struct entity *e, const struct sheet *sheet,
                     const cJSON *map, struct documents *out)
{
    struct mapping m = { .rq = rq, .entity = e, .sheet = sheet, .map = map };
    const char *grouped = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(map, "group"));
    int group = column_named(sheet, grouped), in_group = 0;
    struct document *d = NULL;

    m.table = catalog_table(catalog_get(rq, NULL), e->name);
    if (grouped && group < 0)
        return fail(rq, "malformed", "group", "There is no column %s", grouped);
    if (!m.table || !targets_parse(&m))
        return false;
    *out = (struct documents){ .key = cJSON_GetStringValue(
                                   cJSON_GetObjectItemCaseSensitive(map, "key")) };
    out->list = arena_alloc(rq->mem, ((size_t)sheet->nrows + 1) * sizeof *out->list);
    for (int row = 0; row < sheet->nrows; row++) {
        in_group = d && same_group(&m, group, row) ? in_group + 1 : 0;
        if (!in_group) {
            d = &out->list[out->count++];
            d->line = sheet->lines[row];
            d->json = cJSON_CreateObject();
            arena_defer(rq->mem, delete_json, d->json);
        }
        fill_row(&m, d, row, in_group);
        d->key = key_of(d, out->key);
    }
    return true;
}

bool
documents_from_json(struct rq *rq, const char *text, const cJSON *map, struct documents *out)
{
    cJSON *array = cJSON_Parse(text), *item;
    int n = cJSON_GetArraySize(array);

    arena_defer(rq->mem, delete_json, array);
    if (!cJSON_IsArray(array))
        return fail(rq, "malformed", NULL, "A JSON import is an array of records");
    *out = (struct documents){ .key = cJSON_GetStringValue(
                                   cJSON_GetObjectItemCaseSensitive(map, "key")) };
    out->list = arena_alloc(rq->mem, ((size_t)n + 1) * sizeof *out->list);
    cJSON_ArrayForEach(item, array)
    {
        struct document *d = &out->list[out->count++];

        *d = (struct document){ .line = out->count, .json = item };
        d->key = key_of(d, out->key);
    }
    return true;
}
