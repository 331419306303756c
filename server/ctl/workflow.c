/*
 * workflow.c - tenonctl workflow: definitions as files, to be read, changed and put to work
 * while the server runs.
 */
#include "core/base/str.h"
#include "server/ctl/http.h"

#include <stdio.h>
#include <string.h>

static const char *version;

static const struct ctl_option options[] = {
    { "version", "N", &version, NULL, "which one to show or to go back to" },
    HTTP_OPTIONS,
    { 0 },
};

struct verb {
    const char *name;
    int words; /* after the verb */
    int (*run)(struct ctl *ctl, const char **words);
};

/* Readable JSON, into a file or to standard output. */
static int
print_json(const struct http_reply *reply, const char *file)
{
    char *text = reply->json ? cJSON_Print(reply->json) : NULL;
    bool good = text ? file_write(file, text, strlen(text)) && (file || putchar('\n') != EOF)
                     : file_write(file, reply->text, reply->size);

    cJSON_free(text);
    return !good;
}

static const char *
path_of(struct ctl *ctl, const char *entity, const char *then)
{
    return arena_printf(ctl->mem, "/api/workflow/%s%s%s", http_encode(ctl, entity),
                        *then ? "/" : "", then);
}

static int
read_run(struct ctl *ctl, const char *path, const char *file)
{
    struct http_reply reply;

    return http_must(ctl, "GET", path, NULL, &reply) ? print_json(&reply, file) : 1;
}

static int
write_run(struct ctl *ctl, const char *method, const char *path, const char *body, const char *done)
{
    struct http_reply reply;

    if (!http_must(ctl, method, path, body, &reply))
        return 1;
    puts(done);
    return 0;
}

static const char *
text_of(const cJSON *item, const char *name)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(item, name));

    return text ? text : "";
}

static int
list_run(struct ctl *ctl, const char **words)
{
    struct http_reply reply;
    const cJSON *item;

    (void)words;
    if (!http_must(ctl, "GET", "/api/workflow", NULL, &reply))
        return 1;
    printf("%-20s %-7s %-8s %s\n", "entity", "version", "origin", "");
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(reply.json, "items"))
    {
        const cJSON *active = cJSON_GetObjectItem(item, "version");

        printf("%-20s %-7d %-8s %s%s\n", text_of(item, "entity"), active ? active->valueint : 0,
               text_of(item, "origin"),
               cJSON_IsTrue(cJSON_GetObjectItem(item, "has_draft")) ? "has a draft " : "",
               cJSON_IsTrue(cJSON_GetObjectItem(item, "newer_shipped")) ? "a newer one was shipped"
                                                                        : "");
    }
    return 0;
}

static int
show_run(struct ctl *ctl, const char **words)
{
    return read_run(ctl, path_of(ctl, words[0], version ? version : ""), NULL);
}

static int
draft_run(struct ctl *ctl, const char **words)
{
    const char *text = file_read(ctl, words[1], NULL);

    return text ? write_run(ctl, "PUT", path_of(ctl, words[0], ""), text,
                            "Kept as a draft: publish it to put it to work")
                : 1;
}

static int
discard_run(struct ctl *ctl, const char **words)
{
    return write_run(ctl, "DELETE", path_of(ctl, words[0], ""), NULL, "There is no draft any more");
}

/* Exit status 1 when something is found. */
static int
validate_run(struct ctl *ctl, const char **words)
{
    struct http_reply reply;
    const cJSON *finding, *findings;

    if (!http_must(ctl, "POST", path_of(ctl, words[0], "validate"), "{}", &reply))
        return 1;
    findings = cJSON_GetObjectItem(reply.json, "findings");
    cJSON_ArrayForEach(finding, findings)
    {
        const char *field = cJSON_GetStringValue(cJSON_GetObjectItem(finding, "field"));
        const char *message = cJSON_GetStringValue(cJSON_GetObjectItem(finding, "message"));

        printf("%s: %s\n", field ? field : words[0], message ? message : "");
    }
    if (!cJSON_GetArraySize(findings))
        puts("The draft can be published");
    return cJSON_GetArraySize(findings) > 0;
}

static int
publish_run(struct ctl *ctl, const char **words)
{
    return write_run(ctl, "POST", path_of(ctl, words[0], "publish"), "{}",
                     "Published: new records follow it");
}

static int
rollback_run(struct ctl *ctl, const char **words)
{
    struct str body = str_new(ctl->mem);

    if (version && !str_is_id(version))
        return ctl_fail("A version is a number") + 1;
    str_printf(&body, version ? "{\"version\": %s}" : "{}", version);
    return write_run(ctl, "POST", path_of(ctl, words[0], "rollback"), body.text,
                     version ? "That version is the active one again"
                             : "What the program ships is the active one again");
}

static int
export_run(struct ctl *ctl, const char **words)
{
    return read_run(ctl, "/api/workflow/export", words[0]);
}

static int
import_run(struct ctl *ctl, const char **words)
{
    const char *text = file_read(ctl, words[0], NULL);

    return text ? write_run(ctl, "POST", "/api/workflow/import", text,
                            "The workflows and rules of the file are at work")
                : 1;
}

static const struct verb verbs[] = {
    { "list", 0, list_run },         { "show", 1, show_run },
    { "draft", 2, draft_run },       { "discard", 1, discard_run },
    { "validate", 1, validate_run }, { "publish", 1, publish_run },
    { "rollback", 1, rollback_run }, { "export", 1, export_run },
    { "import", 1, import_run },     { 0 },
};

static int
workflow_run(struct ctl *ctl, const char **words, int n)
{
    for (const struct verb *v = verbs; v->name; v++)
        if (!strcmp(words[0], v->name) && n == v->words + 1)
            return v->run(ctl, words + 1);
    return ctl_fail("usage: tenonctl workflow %s", workflow_command.words) + 1;
}

const struct command workflow_command = {
    "workflow",
    "list | show ENTITY | draft ENTITY FILE | validate ENTITY | publish ENTITY | discard ENTITY |"
    " rollback ENTITY | export FILE | import FILE",
    "read, change and publish workflows while the server runs",
    "A draft does nothing until it is published; records that exist stay with their version.\n"
    "FILE - is standard input or output.",
    options,
    1,
    3,
    workflow_run,
};
