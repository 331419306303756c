/*
 * import_map.h - from the rows of a sheet to documents, by a map (import.c only).
 */
#ifndef TENON_IMPORT_MAP_H
#define TENON_IMPORT_MAP_H

#include "core/entity/entity.h"
#include "core/entity/sheet.h"

struct document {
    int line;            /* of the file, where it begins */
    cJSON *json;         /* NULL when a row could not be mapped */
    const char *key;     /* the value that finds an existing record, or NULL */
    struct error *wrong; /* what is wrong before the database is asked */
};

struct documents {
    struct document *list;
    int count;
    const char *key; /* the field that finds existing records, or NULL */
};

/* False when the map itself is wrong (all of it in rq->errors). References are looked up here,
 * one query per column. */
bool documents_from_sheet(struct rq *rq, const struct entity *e, const struct sheet *sheet,
                          const cJSON *map, struct documents *out);

/* A JSON array of documents, as the file has them; "key" from the map. */
bool documents_from_json(struct rq *rq, const char *text, const cJSON *map, struct documents *out);

#endif
