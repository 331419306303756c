/*
 * meta.c - GET /api/meta: entities, fields, parts, operations and workflows that this user may
 * see, in his language. The client builds every list and form from it.
 */
#include "core/entity/meta.h"

#include <stdint.h>
#include <string.h>

bool
meta_begin(struct meta *m, struct rq *rq)
{
    static const char permissions[] =
        "SELECT DISTINCT p.entity, p.action FROM user_role u JOIN permission p USING (role_id)"
        " WHERE u.user_id = $1::bigint";
    static const char workflows[] =
        "SELECT w.entity, json_build_object('states', (SELECT json_agg(json_build_object("
        "         'name', s.name, 'label', CASE WHEN $1 = 'zh' THEN coalesce(s.label_zh, s.label)"
        "         ELSE s.label END, 'initial', s.initial) ORDER BY s.position)"
        "    FROM workflow_state s WHERE s.workflow_id = w.id),"
        "  'transitions', (SELECT json_agg(json_build_object('action', t.action, 'label',"
        "         coalesce((SELECT x ->> CASE WHEN $1 = 'zh' AND x ? 'label_zh' THEN 'label_zh'"
        "                            ELSE 'label' END"
        "                     FROM jsonb_array_elements(w.definition -> 'transitions') x"
        "                    WHERE x ->> 'action' = t.action LIMIT 1), t.action),"
        "         'from', t.from_state, 'to', t.to_state) ORDER BY t.action, t.from_state)"
        "    FROM workflow_transition t WHERE t.workflow_id = w.id))"
        "  FROM workflow w WHERE w.status = 'active' ORDER BY w.entity";

    *m = (struct meta){ .rq = rq, .catalog = catalog_get(rq, request_schema_epoch(rq)) };
    return m->catalog && db_rows(rq, permissions, P(rq->user_id), &m->permissions) &&
           db_rows(rq, workflows, P(rq->language), &m->workflows);
}

static bool
is_or_all(const char *text, const char *wanted)
{
    return !strcmp(text, "*") || !strcmp(text, wanted);
}

bool
meta_may(const struct meta *m, const char *entity, const char *action)
{
    for (int i = 0; i < m->permissions.count; i++)
        if (is_or_all(cell(&m->permissions, i, 0), entity) &&
            is_or_all(cell(&m->permissions, i, 1), action))
            return true;
    return false;
}

bool
meta_shows(const struct meta *m, const struct entity *e)
{
    return !e->internal && catalog_table(m->catalog, e->name) && meta_may(m, e->name, "read");
}

const char *
meta_tag(struct rq *rq, const char *text)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */

    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    return arena_printf(rq->mem, "\"%016llx\"", (unsigned long long)h);
}

const char *
meta_choice(struct rq *rq, const char *value)
{
    char *s = arena_strdup(rq->mem, value);
    size_t n = strlen(s);

    if (n > 3 && str_ends(s, "_id"))
        s[n - 3] = '\0';
    for (char *p = s; *p; p++)
        if (*p == '_')
            *p = ' ';
    if (*s >= 'a' && *s <= 'z')
        *s = (char)(*s - 'a' + 'A');
    return tr(rq, s);
}

bool
meta_field_shown(const struct table *t, const struct column *c)
{
    return !column_hidden(c) && !(t->parent_column && !strcmp(c->name, t->parent_column));
}

/* ------------------------------------------------------------------ pieces of JSON */

static void
pair(struct str *s, const char *key, const char *value)
{
    char last = s->len ? s->text[s->len - 1] : '{';

    if (last != '{' && last != '[')
        str_char(s, ',');
    str_json(s, key);
    str_char(s, ':');
    str_json(s, value);
}

static void
flag(struct str *s, const char *key, bool value)
{
    str_add(s, s->text[s->len - 1] == '{' ? "" : ",");
    str_json(s, key);
    str_add(s, value ? ":true" : ":false");
}

/* Open a member that holds a list. */
static void
list(struct str *s, const char *key)
{
    str_add(s, s->text[s->len - 1] == '{' ? "" : ",");
    str_json(s, key);
    str_add(s, ":[");
}

static void
next(struct str *s)
{
    str_add(s, s->text[s->len - 1] == '[' ? "{" : ",{");
}

/* ------------------------------------------------------------------ fields and parts */

static void
add_choices(struct meta *m, struct str *s, const char *choices)
{
    const char *value;

    if (!choices)
        return;
    list(s, "choices");
    while ((value = str_word(m->rq->mem, &choices))) {
        next(s);
        pair(s, "value", value);
        pair(s, "label", meta_choice(m->rq, value));
        str_char(s, '}');
    }
    str_char(s, ']');
}

static void
add_field(struct meta *m, struct str *s, const struct table *t, const struct column *c,
          bool derived)
{
    const char *reference = json_reference_name(m->rq, t, c);

    next(s);
    pair(s, "name", c->name);
    pair(s, "label", tr(m->rq, c->label));
    if (c->help)
        pair(s, "help", tr(m->rq, c->help));
    pair(s, "type", c->type);
    flag(s, "required", c->required && !c->readonly);
    flag(s, "readonly", c->readonly);
    if (derived)
        flag(s, "derived", true);
    if (c->refers_to)
        pair(s, "refers_to", c->refers_to);
    if (c->refers_to && reference)
        pair(s, "reference", reference);
    add_choices(m, s, c->choices);
    str_char(s, '}');
}

static void
add_fields(struct meta *m, struct str *s, const struct table *t)
{
    list(s, "fields");
    for (int i = 0; i < t->ncolumns; i++)
        if (meta_field_shown(t, &t->columns[i]))
            add_field(m, s, t, &t->columns[i], false);
    for (int i = 0; t->fact && i < t->fact->ncolumns; i++) {
        const struct column *c = &t->fact->columns[i];

        if (!column_hidden(c) && !table_column(t, c->name))
            add_field(m, s, t->fact, c, true);
    }
    str_char(s, ']');
}

static void
add_parts(struct meta *m, struct str *s, const struct table *t, int depth)
{
    list(s, "parts");
    for (const struct table *const *p = t->parts; p && *p && depth < 3; p++) {
        next(s);
        pair(s, "name", (*p)->part_name);
        pair(s, "label", tr(m->rq, (*p)->label));
        pair(s, "entity", (*p)->name);
        add_fields(m, s, *p);
        add_parts(m, s, *p, depth + 1);
        str_char(s, '}');
    }
    str_char(s, ']');
}

/* ------------------------------------------------------------------ lists and verbs */

/* The columns of the list: a path, its label, its type. */
static void
add_list(struct meta *m, struct str *s, const struct entity *e)
{
    struct error *errors = m->rq->errors;
    const char *words = e->list, *word;
    struct query q;

    list(s, "list");
    if (!query_begin(&q, m->rq, e))
        words = NULL;
    while ((word = str_word(m->rq->mem, &words))) {
        struct place p;

        if (!query_path(&q, query_full_path(&q, word), NULL, &p))
            continue;
        next(s);
        pair(s, "path", word);
        pair(s, "label", tr(m->rq, p.column->label));
        pair(s, "type", p.column->type);
        if (p.column->refers_to)
            pair(s, "refers_to", p.column->refers_to);
        str_char(s, '}');
    }
    str_char(s, ']');
    m->rq->errors = errors;
}

static void
add_words(struct meta *m, struct str *s, const char *key, const char *words)
{
    const char *word;

    list(s, key);
    while ((word = str_word(m->rq->mem, &words))) {
        str_add(s, s->text[s->len - 1] == '[' ? "" : ",");
        str_json(s, word);
    }
    str_char(s, ']');
}

/* "date:date lines:set" */
static void
add_args(struct meta *m, struct str *s, const char *args)
{
    const char *arg;

    list(s, "args");
    while ((arg = str_word(m->rq->mem, &args))) {
        size_t n = strcspn(arg, ":");
        const char *name = arena_strndup(m->rq->mem, arg, n);

        next(s);
        pair(s, "name", name);
        pair(s, "label", meta_choice(m->rq, name));
        pair(s, "type", arg[n] ? arg + n + 1 : "text");
        str_char(s, '}');
    }
    str_char(s, ']');
}

static void
add_operations(struct meta *m, struct str *s, const struct entity *e)
{
    list(s, "operations");
    EACH_OPERATION (o, e) {
        next(s);
        pair(s, "name", o->name);
        pair(s, "label", tr(m->rq, o->label));
        if (o->help)
            pair(s, "help", tr(m->rq, o->help));
        if (o->from)
            add_words(m, s, "from", o->from);
        if (o->to)
            add_words(m, s, "to", o->to);
        add_args(m, s, o->args);
        flag(s, "allowed", meta_may(m, e->name, o->name));
        str_char(s, '}');
    }
    str_char(s, ']');
}

static void
add_entity(struct meta *m, struct str *s, const struct module *module, const struct entity *e)
{
    const struct table *t = catalog_table(m->catalog, e->name);

    next(s);
    pair(s, "name", e->name);
    pair(s, "label", tr(m->rq, t->label));
    if (t->help)
        pair(s, "help", tr(m->rq, t->help));
    pair(s, "module", module->name);
    pair(s, "title", title_column(t));
    pair(s, "order", e->order ? e->order : "id.desc");
    flag(s, "searchable", t->has_search || e->search);
    flag(s, "view", t->is_view);
    flag(s, "create", !t->is_view && meta_may(m, e->name, "create"));
    flag(s, "change", !t->is_view && meta_may(m, e->name, "change"));
    flag(s, "delete", !t->is_view && meta_may(m, e->name, "delete"));
    add_list(m, s, e);
    add_fields(m, s, t);
    add_parts(m, s, t, 0);
    add_operations(m, s, e);
    for (int i = 0; i < m->workflows.count; i++)
        if (!strcmp(cell(&m->workflows, i, 0), e->name))
            str_printf(s, ",\"workflow\":%s", cell(&m->workflows, i, 1));
    str_char(s, '}');
}

bool
api_meta(struct rq *rq)
{
    struct str s = str_new(rq->mem);
    struct meta m;

    if (!meta_begin(&m, rq))
        return false;
    str_char(&s, '{');
    pair(&s, "language", rq->language);
    list(&s, "modules");
    for (const struct module *const *module = modules; *module; module++) {
        next(&s);
        pair(&s, "name", (*module)->name);
        pair(&s, "label", tr(rq, (*module)->label));
        str_char(&s, '}');
    }
    str_char(&s, ']');
    list(&s, "entities");
    for (const struct module *const *module = modules; *module; module++)
        for (const struct entity *e = (*module)->entities; e && e->name; e++)
            if (meta_shows(&m, e))
                add_entity(&m, &s, *module, e);
    str_add(&s, "]}");
    rq->reply = s.text;
    rq->etag = meta_tag(rq, s.text);
    return true;
}
