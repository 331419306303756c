/*
 * export.c - tenonctl export: a list into a file for a spreadsheet.
 */
#include "core/base/str.h"
#include "server/ctl/http.h"

static const char *format, *filter;

static const struct ctl_option options[] = {
    { "format", "csv|xlsx", &format, NULL, "what the file's name says; csv" },
    { "filter", "QUERY", &filter, NULL,
      "as in the interface: \"state=eq.confirmed&order=id.desc\"" },
    HTTP_OPTIONS,
    { 0 },
};

static int
export_run(struct ctl *ctl, const char **words, int n)
{
    const char *file = n > 1 ? words[1] : NULL;
    const char *as = format ? format : file && str_ends(file, ".xlsx") ? "xlsx" : "csv";
    const char *path = arena_printf(ctl->mem, "/api/%s?format=%s%s%s", http_encode(ctl, words[0]),
                                    http_encode(ctl, as), filter ? "&" : "", filter ? filter : "");
    struct http_reply reply;

    if (!http_must(ctl, "GET", path, NULL, &reply))
        return 1;
    return !file_write(file, reply.text, reply.size);
}

const struct command export_command = {
    "export",
    "ENTITY [FILE.csv|.xlsx]",
    "write a list into a file, or to standard output",
    NULL,
    options,
    1,
    2,
    export_run,
};
