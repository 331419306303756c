/*
 * template.c - {path} inside the texts of a rule's actions: "Call about {number}",
 * "{customer.name}", "{@id}", "{@today+3}". "{{" is a brace.
 */
#include "core/workflow/rule.h"

#include <string.h>

/* The path inside the braces that open at text; the text after them in *rest. NULL: none. */
static const char *
path_at(const struct facts *f, const char *text, const char **rest)
{
    const char *end = strchr(text, '}'), *word = strrchr(f->entity->name, '_');

    if (*text != '{' || text[1] == '{' || !end)
        return NULL;
    const char *path = arena_strndup(f->rq->mem, text + 1, (size_t)(end - text) - 1);

    *rest = end + 1;
    word = arena_printf(f->rq->mem, "%s.", word ? word + 1 : f->entity->name);
    if (str_starts(path, word))
        return path + strlen(word);
    return str_starts(path, "record.") ? path + 7 : path;
}

static const char *
value_at(const struct facts *f, int row, const char *path)
{
    if (!strcmp(path, "@entity"))
        return f->entity->name;
    if (row < 0)
        return NULL;
    return !strcmp(path, "@id") ? facts_id(f, row) : facts_text(f, row, path);
}

void
template_needs(const char *text, struct facts *f)
{
    const char *path;

    while (*text) {
        if (!(path = path_at(f, text, &text))) {
            text += text[0] == '{' && text[1] == '{' ? 2 : 1;
            continue;
        }
        if (strcmp(path, "@entity") != 0 && strcmp(path, "@id") != 0)
            facts_need_path(f, path);
    }
}

const char *
template_text(const struct facts *f, int row, const char *text)
{
    struct str s = str_new(f->rq->mem);
    const char *path, *value, *rest;

    if (!text)
        return NULL;
    if ((path = path_at(f, text, &rest)) && !*rest)
        return value_at(f, row, path);
    while (*text) {
        if ((path = path_at(f, text, &rest))) {
            value = value_at(f, row, path);
            str_add(&s, value ? value : "");
            text = rest;
            continue;
        }
        str_char(&s, *text);
        text += text[0] == '{' && text[1] == '{' ? 2 : 1;
    }
    return s.text;
}

void
template_json_needs(const cJSON *json, struct facts *f)
{
    if (cJSON_IsString(json))
        template_needs(json->valuestring, f);
    for (const cJSON *item = json ? json->child : NULL; item; item = item->next)
        template_json_needs(item, f);
}

void
template_json(struct str *out, const struct facts *f, int row, const cJSON *json)
{
    if (cJSON_IsString(json)) {
        str_json(out, template_text(f, row, json->valuestring));
        return;
    }
    if (!cJSON_IsObject(json) && !cJSON_IsArray(json)) {
        char *text = cJSON_PrintUnformatted(json);

        str_add(out, text ? text : "null");
        cJSON_free(text);
        return;
    }
    str_char(out, cJSON_IsArray(json) ? '[' : '{');
    for (const cJSON *item = json->child; item; item = item->next) {
        if (item != json->child)
            str_char(out, ',');
        if (cJSON_IsObject(json)) {
            str_json(out, item->string);
            str_char(out, ':');
        }
        template_json(out, f, row, item);
    }
    str_char(out, cJSON_IsArray(json) ? ']' : '}');
}
