/*
 * import.c - documents into the database, row by row: who passes, who is refused and why.
 *
 * New records go in by chunks, since a set costs what one costs; a chunk that fails is taken
 * again one by one, so that the reason is found. Deferred constraints speak after each step,
 * so that the dry run, which ends in a rollback, cannot be kinder than the real one.
 */
#include "core/entity/import.h"
#include "core/base/str.h"
#include "core/entity/import_map.h"

#include <string.h>

enum { CHUNK = 100 };

struct outcome {
    const char *result; /* created, changed, refused */
    const char *id, *version, *before;
    struct error *errors;
};

struct import {
    struct rq *rq;
    const struct entity *entity;
    const struct table *table;
    struct documents documents;
    struct outcome *outcomes; /* one per document */
    int created, changed, refused;
};

static const char *
query_value(const struct parameter *query, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(query[i].name, name))
            return query[i].value;
    return NULL;
}

static bool
query_says(const struct parameter *query, int n, const char *name)
{
    const char *value = query_value(query, n, name);

    return value && !strcmp(value, "true");
}

static const char *
json_of(struct rq *rq, const cJSON *json)
{
    char *text = cJSON_PrintUnformatted(json);
    const char *copy = arena_strdup(rq->mem, text);

    cJSON_free(text);
    return copy;
}

/* Everything that would speak at COMMIT speaks now. */
static bool
constraints_hold(struct rq *rq)
{
    db_exec(rq, "SET CONSTRAINTS ALL IMMEDIATE", NONE);
    db_exec(rq, "SET CONSTRAINTS ALL DEFERRED", NONE);
    return db_flush(rq);
}

static void
refuse(struct import *m, int i, struct error *why)
{
    m->outcomes[i] = (struct outcome){ .result = "refused", .errors = why };
    m->refused++;
}

/* The existing records that the keys name, with what they hold now. */
static bool
find_existing(struct import *m)
{
    struct rq *rq = m->rq;
    struct str keys = str_new(rq->mem), sql = str_new(rq->mem);
    struct rows rows;

    if (!m->documents.key)
        return true;
    if (!table_column(m->table, m->documents.key))
        return fail(rq, "malformed", "key", "There is no field %s", m->documents.key);
    str_char(&keys, '[');
    for (int i = 0; i < m->documents.count; i++) {
        str_add(&keys, i ? "," : "");
        str_json(&keys, m->documents.list[i].key);
    }
    str_char(&keys, ']');
    str_add(&sql,
            "SELECT v.n - 1, t.id, to_jsonb(t) FROM json_array_elements_text($1)"
            " WITH ORDINALITY v (k, n) JOIN ");
    str_ident(&sql, m->table->name);
    str_add(&sql, " t ON t.");
    str_ident(&sql, m->documents.key);
    str_add(&sql, "::text = v.k");
    if (!db_rows(rq, sql.text, P(keys.text), &rows))
        return false;
    for (int i = 0; i < rows.count; i++) {
        struct outcome *o = &m->outcomes[strtol(cell(&rows, i, 0), NULL, 10)];

        o->id = cell(&rows, i, 1);
        o->before = cell(&rows, i, 2);
    }
    if (rows.count)
        db_exec(rq, "SELECT require_permission($1)",
                P(arena_printf(rq->mem, "%s.change", m->entity->name)));
    return db_flush(rq);
}

static void
change_one(struct import *m, int i)
{
    struct rq *rq = m->rq;
    struct outcome *o = &m->outcomes[i];

    if (db_savepoint(rq) &&
        entity_update(rq, m->entity->name, o->id, NULL, json_of(rq, m->documents.list[i].json)) &&
        constraints_hold(rq)) {
        db_release(rq);
        o->result = "changed";
        m->changed++;
        return;
    }
    struct error *why = rq->errors;

    db_rollback_to(rq);
    refuse(m, i, why);
}

/* Insert documents first..first+n-1, all or none. */
static bool
insert_set(struct import *m, const int *which, int n)
{
    struct rq *rq = m->rq;
    struct str set = str_new(rq->mem);
    const char *ids;

    str_char(&set, '[');
    for (int k = 0; k < n; k++) {
        str_add(&set, k ? "," : "");
        str_add(&set, json_of(rq, m->documents.list[which[k]].json));
    }
    str_char(&set, ']');
    if (!db_savepoint(rq) || !(ids = entity_insert(rq, m->entity->name, set.text)) ||
        !constraints_hold(rq))
        return false;
    db_release(rq);
    for (int k = 0; k < n; k++) {
        ids++;
        m->outcomes[which[k]] = (struct outcome){
            .result = "created",
            .id = arena_strndup(rq->mem, ids, strcspn(ids, ",}")),
        };
        ids += strcspn(ids, ",}");
    }
    m->created += n;
    return true;
}

static void
insert_chunk(struct import *m, const int *which, int n)
{
    if (!n || insert_set(m, which, n))
        return;
    struct error *why = m->rq->errors;

    db_rollback_to(m->rq);
    if (n == 1) {
        refuse(m, *which, why);
        return;
    }
    for (int k = 0; k < n; k++)
        insert_chunk(m, which + k, 1);
}

static void
apply(struct import *m)
{
    int chunk[CHUNK], n = 0;

    for (int i = 0; i < m->documents.count; i++) {
        if (m->documents.list[i].wrong)
            refuse(m, i, m->documents.list[i].wrong);
        else if (m->outcomes[i].id)
            change_one(m, i);
        else
            chunk[n++] = i;
        if (n == CHUNK) {
            insert_chunk(m, chunk, n);
            n = 0;
        }
    }
    insert_chunk(m, chunk, n);
}

/* ------------------------------------------------------------------------- what is said */

static void
add_errors(struct str *s, const struct error *e)
{
    str_char(s, '[');
    for (const char *comma = ""; e; e = e->next, comma = ",") {
        str_printf(s, "%s{\"code\":\"%s\",\"field\":", comma, e->code);
        str_json(s, e->field);
        str_add(s, ",\"message\":");
        str_json(s, e->message);
        str_char(s, '}');
    }
    str_char(s, ']');
}

static const char *
report(struct import *m, const char *batch)
{
    struct str s = str_new(m->rq->mem);

    str_printf(
        &s, "{\"batch\":%s,\"dry_run\":%s,\"created\":%d,\"changed\":%d,\"refused\":%d,\"rows\":[",
        batch ? batch : "null", m->rq->dry_run ? "true" : "false", m->created, m->changed,
        m->refused);
    for (int i = 0; i < m->documents.count; i++) {
        const struct outcome *o = &m->outcomes[i];

        str_printf(&s, "%s{\"line\":%d,\"result\":\"%s\"", i ? "," : "", m->documents.list[i].line,
                   o->result);
        if (o->errors) {
            str_add(&s, ",\"errors\":");
            add_errors(&s, o->errors);
        } else if (!m->rq->dry_run || !strcmp(o->result, "changed")) {
            str_printf(&s, ",\"id\":%s", o->id);
        }
        str_char(&s, '}');
    }
    str_add(&s, "]}");
    return s.text;
}

/* A file with refused rows is refused: all reasons, each with its line. */
static bool
refuse_file(struct import *m)
{
    for (int i = 0; i < m->documents.count; i++)
        for (const struct error *e = m->outcomes[i].errors; e; e = e->next)
            fail(m->rq, e->code,
                 arena_printf(m->rq->mem, "line %d%s%s", m->documents.list[i].line,
                              e->field ? ": " : "", e->field ? e->field : ""),
                 "%s", e->message);
    return false;
}

/* What undo needs: which records, and what the changed ones held. */
static const char *
keep(struct import *m, const char *file)
{
    struct rq *rq = m->rq;
    struct str s = str_new(rq->mem);
    const char *batch = NULL;

    str_char(&s, '[');
    for (int i = 0, n = 0; i < m->documents.count; i++) {
        const struct outcome *o = &m->outcomes[i];

        if (o->errors)
            continue;
        str_printf(&s, "%s{\"line\":%d,\"id\":%s,\"created\":%s,\"before\":%s}", n++ ? "," : "",
                   m->documents.list[i].line, o->id, o->before ? "false" : "true",
                   o->before ? o->before : "null");
    }
    str_char(&s, ']');
    const char *sql = arena_printf(
        rq->mem,
        "WITH batch AS ("
        "    INSERT INTO import_batch (entity, file_name, created_count, changed_count)"
        "    VALUES ($1, $2, $3, $4) RETURNING id"
        "), kept AS ("
        "    INSERT INTO import_row (batch_id, line, record_id, created, version, before)"
        "    SELECT b.id, r.line, r.id, r.created, %s, nullif(r.before, 'null')"
        "      FROM batch b, json_to_recordset($5)"
        "           AS r (line integer, id bigint, created boolean, before jsonb)"
        ") SELECT id FROM batch",
        m->table->has_version
            ? arena_printf(rq->mem, "(SELECT t.version FROM %s t WHERE t.id = r.id)",
                           m->table->name)
            : "NULL");

    db_one(rq, sql,
           P(m->entity->name, file, arena_printf(rq->mem, "%d", m->created),
             arena_printf(rq->mem, "%d", m->changed), s.text),
           OUT(&batch));
    return batch;
}

static bool
documents_read(struct import *m, const char *type, const char *data, size_t size, const cJSON *map)
{
    static const char xlsx[] = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    struct rq *rq = m->rq;
    struct sheet sheet;
    bool read;

    if (str_starts(type, "application/json"))
        return documents_from_json(rq, arena_strndup(rq->mem, data, size), map, &m->documents);
    if (str_starts(type, "text/csv"))
        read = sheet_from_csv(rq, data, size, &sheet);
    else if (str_starts(type, xlsx))
        read = sheet_from_xlsx(rq, data, size, &sheet);
    else
        return fail(rq, "media_type", NULL, "An import is CSV, XLSX or JSON");
    return read && documents_from_sheet(rq, m->entity, &sheet, map, &m->documents);
}

static void
delete_json(void *json)
{
    cJSON_Delete(json);
}

bool
api_import(struct rq *rq, const struct entity *e, const char *content_type, const char *data,
           size_t size, const struct parameter *query, int n)
{
    struct import m = { .rq = rq, .entity = e };
    const char *map_text = query_value(query, n, "map"), *batch = NULL;
    cJSON *map = map_text ? cJSON_Parse(map_text) : NULL;
    const struct catalog *catalog = catalog_get(rq, NULL);

    arena_defer(rq->mem, delete_json, map);
    rq->dry_run = query_says(query, n, "dry_run");
    m.table = catalog ? catalog_table(catalog, e->name) : NULL;
    if (map_text && !cJSON_IsObject(map))
        return fail(rq, "malformed", "map", "The map of columns is not a JSON object");
    if (!m.table || !documents_read(&m, content_type, data, size, map))
        return false;
    m.outcomes = arena_alloc(rq->mem, ((size_t)m.documents.count + 1) * sizeof *m.outcomes);
    if (!find_existing(&m))
        return false;
    apply(&m);
    if (m.refused && !rq->dry_run && !query_says(query, n, "partial"))
        return refuse_file(&m);
    if (!rq->dry_run && !(batch = keep(&m, query_value(query, n, "file"))))
        return false;
    rq->reply = report(&m, batch);
    return true;
}
