/*
 * openapi_schema.c - a table as JSON Schema: as it is read (sales_order), created
 * (sales_order.new) and changed (sales_order.change).
 */
#include "core/entity/openapi.h"

#include <string.h>

enum form { FORM_READ, FORM_NEW, FORM_CHANGE };

static const char *const suffix[] = { "", ".new", ".change" };

void
openapi_key(struct str *s, const char *key)
{
    char last = s->len ? s->text[s->len - 1] : '{';

    if (last != '{' && last != '[')
        str_char(s, ',');
    str_json(s, key);
    str_char(s, ':');
}

/* ------------------------------------------------------------------ fields */

static void
add_type(struct str *s, const char *type, const char *also, bool nullable)
{
    openapi_key(s, "type");
    if (!nullable && !also) {
        str_json(s, type);
        return;
    }
    str_char(s, '[');
    str_json(s, type);
    str_add(s, also ? "," : "");
    str_add(s, also ? also : "");
    str_add(s, nullable ? ",\"null\"]" : "]");
}

static void
add_choices(struct meta *m, struct str *s, const char *choices, bool nullable)
{
    const char *value;

    openapi_key(s, "enum");
    str_char(s, '[');
    while ((value = str_word(m->rq->mem, &choices))) {
        str_add(s, s->text[s->len - 1] == '[' ? "" : ",");
        str_json(s, value);
    }
    str_add(s, nullable ? ",null]" : "]");
}

static void
add_format(struct str *s, const char *format)
{
    openapi_key(s, "format");
    str_json(s, format);
}

/* Numbers are strings when read; when written, both are taken. */
static void
add_shape(struct meta *m, struct str *s, const struct column *c, enum form form, bool nullable)
{
    const char *number = form == FORM_READ ? NULL : "\"number\"";

    switch (type_kind(c->type)) {
    case KIND_NUMBER:
        add_type(s, "string", number, nullable);
        openapi_key(s, "pattern");
        str_add(s, "\"^-?[0-9]+([.][0-9]+)?$\"");
        return;
    case KIND_INTEGER:
        add_type(s, "integer", form == FORM_READ ? NULL : "\"string\"", nullable);
        return;
    case KIND_BOOLEAN:
        add_type(s, "boolean", NULL, nullable);
        return;
    case KIND_DATE:
        add_type(s, "string", NULL, nullable);
        add_format(s, "date");
        return;
    case KIND_TIME:
        add_type(s, "string", NULL, nullable);
        add_format(s, "date-time");
        return;
    case KIND_ARRAY:
        add_type(s, "array", NULL, nullable);
        str_add(s, ",\"items\":{}");
        return;
    case KIND_JSON:
        return;
    case KIND_TEXT:
        break;
    }
    add_type(s, "string", NULL, nullable);
    if (!strcmp(c->type, "email"))
        add_format(s, "email");
    if (c->choices)
        add_choices(m, s, c->choices, nullable);
}

static void
add_field(struct meta *m, struct str *s, const struct column *c, enum form form)
{
    bool nullable = form == FORM_READ ? !c->not_null : !c->required;

    openapi_key(s, c->name);
    str_char(s, '{');
    openapi_key(s, "title");
    str_json(s, tr(m->rq, c->label));
    if (c->help) {
        openapi_key(s, "description");
        str_json(s, tr(m->rq, c->help));
    }
    add_shape(m, s, c, form, nullable);
    str_char(s, '}');
}

static void
add_reference(struct meta *m, struct str *s, const struct table *t, const struct column *c)
{
    const char *name = json_reference_name(m->rq, t, c);
    const struct table *to = name ? catalog_table(m->catalog, c->refers_to) : NULL;

    if (!to || !title_column(to))
        return;
    openapi_key(s, name);
    str_add(s, c->not_null ? "{\"$ref\":\"#/components/schemas/reference\"}"
                           : "{\"anyOf\":[{\"$ref\":\"#/components/schemas/reference\"},"
                             "{\"type\":\"null\"}]}");
}

static void
add_fields(struct meta *m, struct str *s, const struct table *t, enum form form)
{
    for (int i = 0; i < t->ncolumns; i++) {
        const struct column *c = &t->columns[i];

        if (!meta_field_shown(t, c) || (form != FORM_READ && c->readonly))
            continue;
        add_field(m, s, c, form);
        if (form == FORM_READ)
            add_reference(m, s, t, c);
    }
    if (form == FORM_CHANGE && t->parent) {
        openapi_key(s, "id");
        str_add(s,
                "{\"type\":\"integer\",\"description\":\"The line to change; without it a line"
                " is added\"}");
        openapi_key(s, "_delete");
        str_add(s, "{\"type\":\"boolean\",\"description\":\"Remove this line\"}");
    }
}

static void
add_fact(struct meta *m, struct str *s, const struct table *t)
{
    for (int i = 0; t->fact && i < t->fact->ncolumns; i++) {
        const struct column *c = &t->fact->columns[i];

        if (column_hidden(c) || table_column(t, c->name))
            continue;
        add_field(m, s, c, FORM_READ);
        add_reference(m, s, t->fact, c);
    }
}

static void
add_required(struct str *s, const struct table *t)
{
    bool any = false;

    for (int i = 0; i < t->ncolumns; i++) {
        const struct column *c = &t->columns[i];

        if (!c->required || c->readonly || !meta_field_shown(t, c))
            continue;
        if (!any)
            openapi_key(s, "required");
        str_add(s, any ? "," : "[");
        str_json(s, c->name);
        any = true;
    }
    str_add(s, any ? "]" : "");
}

/* ------------------------------------------------------------------ tables */

static void
add_parts(struct meta *m, struct str *s, const struct table *t, enum form form)
{
    for (const struct table *const *p = t->parts; p && *p; p++) {
        openapi_key(s, (*p)->part_name);
        str_add(s, "{\"type\":\"array\",\"title\":");
        str_json(s, tr(m->rq, (*p)->label));
        str_printf(s, ",\"items\":{\"$ref\":\"#/components/schemas/%s%s\"}}", (*p)->name,
                   suffix[form]);
    }
}

static void
add_schema(struct meta *m, struct str *s, const struct table *t, enum form form)
{
    openapi_key(s, arena_printf(m->rq->mem, "%s%s", t->name, suffix[form]));
    str_add(s, "{\"type\":\"object\",\"title\":");
    str_json(s, tr(m->rq, t->label));
    if (t->help) {
        openapi_key(s, "description");
        str_json(s, tr(m->rq, t->help));
    }
    str_add(s, ",\"properties\":{");
    add_fields(m, s, t, form);
    if (form == FORM_READ)
        add_fact(m, s, t);
    add_parts(m, s, t, form);
    str_char(s, '}');
    if (form == FORM_NEW)
        add_required(s, t);
    if (form != FORM_READ)
        str_add(s, ",\"additionalProperties\":false");
    str_char(s, '}');
}

void
openapi_schemas(struct meta *m, struct str *s, const struct table *t)
{
    char *name = arena_printf(m->rq->mem, "\"%s\":{\"type\":\"object\"", t->name);

    if (strstr(s->text, name))
        return;
    add_schema(m, s, t, FORM_READ);
    if (!t->is_view) {
        add_schema(m, s, t, FORM_NEW);
        add_schema(m, s, t, FORM_CHANGE);
    }
    for (const struct table *const *p = t->parts; p && *p; p++)
        openapi_schemas(m, s, *p);
}
