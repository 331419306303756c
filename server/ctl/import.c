/*
 * import.c - tenonctl import: a file of customers, items, orders ... through the interface of
 * the server, so that nothing gets in that a user could not have typed.
 */
#include "core/base/str.h"
#include "core/db/migrate.h"
#include "server/ctl/http.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { REFUSED_SHOWN = 20 };

static const char *map, *undo;
static bool dry_run, partial;

static const struct ctl_option options[] = {
    { "map", "FILE", &map, NULL, "which column goes where (JSON), or the name of a shipped map" },
    { "dry-run", NULL, NULL, &dry_run, "do it all, say what comes of it, and undo it" },
    { "partial", NULL, NULL, &partial, "take the good rows although others are refused" },
    { "undo", "BATCH", &undo, NULL, "take back an import whose records nobody has touched" },
    HTTP_OPTIONS,
    { 0 },
};

static const char *
type_of(const char *path)
{
    if (str_ends(path, ".xlsx"))
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    return str_ends(path, ".json") ? "application/json" : "text/csv";
}

/* A file, or one of the program's own: "northwind-customers" is core/maps/....json. */
static const char *
map_text(struct ctl *ctl)
{
    const struct asset *shipped = asset_find(arena_printf(ctl->mem, "core/maps/%s.json", map));
    const char *text = shipped && access(map, R_OK) ? shipped->text : file_read(ctl, map, NULL);
    cJSON *json = text ? cJSON_Parse(text) : NULL;
    char *small = json ? cJSON_PrintUnformatted(json) : NULL;
    const char *copy = small ? arena_strdup(ctl->mem, small) : NULL;

    if (text && !json)
        ctl_fail("%s is not JSON", map);
    cJSON_free(small);
    cJSON_Delete(json);
    return copy;
}

static const char *
address(struct ctl *ctl, const char *entity, const char *file)
{
    const char *name = strrchr(file, '/');
    struct str s = str_new(ctl->mem);

    str_printf(&s, "/api/import/%s?file=%s", http_encode(ctl, entity),
               http_encode(ctl, name ? name + 1 : file));
    if (dry_run)
        str_add(&s, "&dry_run=true");
    if (partial)
        str_add(&s, "&partial=true");
    if (map) {
        const char *text = map_text(ctl);

        if (!text)
            return NULL;
        str_printf(&s, "&map=%s", http_encode(ctl, text));
    }
    return s.text;
}

static void
print_refused(const cJSON *row)
{
    const cJSON *error, *line = cJSON_GetObjectItem(row, "line");

    cJSON_ArrayForEach(error, cJSON_GetObjectItem(row, "errors"))
    {
        const char *field = cJSON_GetStringValue(cJSON_GetObjectItem(error, "field"));
        const char *message = cJSON_GetStringValue(cJSON_GetObjectItem(error, "message"));

        printf("    line %d: %s%s%s\n", line ? line->valueint : 0, field ? field : "",
               field ? ": " : "", message ? message : "refused");
    }
}

static int
number_of(const cJSON *json, const char *name)
{
    const cJSON *n = cJSON_GetObjectItem(json, name);
    const char *text = cJSON_GetStringValue(n);

    return cJSON_IsNumber(n) ? n->valueint : text ? (int)strtol(text, NULL, 10) : 0;
}

/* How many rows were refused. */
static int
report(const cJSON *json)
{
    const cJSON *row;
    int refused = number_of(json, "refused"), shown = 0;

    printf("%s%d created, %d changed, %d refused", dry_run ? "dry run: " : "",
           number_of(json, "created"), number_of(json, "changed"), refused);
    if (number_of(json, "batch"))
        printf(" (undo with: tenonctl import --undo %d)", number_of(json, "batch"));
    putchar('\n');
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(json, "rows"))
    {
        const char *result = cJSON_GetStringValue(cJSON_GetObjectItem(row, "result"));

        if (result && !strcmp(result, "refused") && shown++ < REFUSED_SHOWN)
            print_refused(row);
    }
    if (shown > REFUSED_SHOWN)
        printf("    ... %d more\n", shown - REFUSED_SHOWN);
    return refused;
}

static int
import_undo_run(struct ctl *ctl)
{
    struct http_reply reply;

    if (!http_must(ctl, "POST",
                   arena_printf(ctl->mem, "/api/import_batch/%s/undo", http_encode(ctl, undo)),
                   "{}", &reply))
        return 1;
    printf("The import %s is undone\n", undo);
    return 0;
}

static int
import_run(struct ctl *ctl, const char **words, int n)
{
    struct http_reply reply;
    size_t size = 0;
    const char *path, *data;

    if (undo && !n)
        return import_undo_run(ctl);
    if (n != 2)
        return ctl_fail("usage: tenonctl import %s", import_command.words) + 1;
    data = file_read(ctl, words[1], &size);
    path = data ? address(ctl, words[0], words[1]) : NULL;
    if (!path || !http_call(ctl, "POST", path, type_of(words[1]), data, size, &reply))
        return 1;
    if (cJSON_GetObjectItem(reply.json, "rows"))
        return report(reply.json) > 0;
    return reply.status / 100 == 2 ? 0 : http_refused(ctl, &reply);
}

const struct command import_command = {
    "import",
    "ENTITY FILE.csv|.xlsx|.json",
    "take records from a file",
    "Without --partial one bad row refuses the whole file, and nothing is written.",
    options,
    0,
    2,
    import_run,
};
