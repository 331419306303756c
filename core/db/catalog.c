/*
 * catalog.c - reads PostgreSQL's catalog into an immutable snapshot, shared by all threads.
 *
 * Three queries, on purpose: tables, columns, constraints. Everything that can be said in SQL
 * (types, choices, who fills a column) is said there; C only links the rows. A snapshot owns an
 * arena and is counted: the current one by `current`, each other use by a request's arena, so
 * that it goes away with the last request that saw it.
 */
#include "core/db/catalog.h"

#include "core/base/str.h"
#include "core/db/catalog_sql.h"
#include "core/db/db.h"

#include <pthread.h>
#include <string.h>

struct catalog {
    struct arena *mem;
    int uses; /* under lock */
    const char *epoch;
    struct table *all;
    const struct table **tables; /* the same, NULL-terminated, by name */
    int ntables;
    struct constraint *constraints;
    int nconstraints;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct catalog *current;

static void
catalog_unuse(void *thing)
{
    struct catalog *c = thing;

    pthread_mutex_lock(&lock);
    bool last = --c->uses == 0;
    pthread_mutex_unlock(&lock);
    if (last)
        arena_free(c->mem);
}

/* ------------------------------------------------------------------ lookups */

static int
by_name(const void *key, const void *element)
{
    return strcmp(key, (*(const struct table *const *)element)->name);
}

const struct table *
catalog_table(const struct catalog *c, const char *name)
{
    const struct table **found =
        bsearch(name, c->tables, (size_t)c->ntables, sizeof *c->tables, by_name);

    return found ? *found : NULL;
}

const struct table *const *
catalog_tables(const struct catalog *c)
{
    return c->tables;
}

const struct column *
table_column(const struct table *t, const char *name)
{
    for (int i = 0; i < t->ncolumns; i++)
        if (!strcmp(t->columns[i].name, name))
            return &t->columns[i];
    return NULL;
}

const struct constraint *
catalog_constraint(const struct catalog *c, const char *table, const char *name)
{
    for (int i = 0; i < c->nconstraints; i++)
        if (!strcmp(c->constraints[i].name, name) &&
            (!table || !strcmp(c->constraints[i].table, table)))
            return &c->constraints[i];
    return NULL;
}

/* ------------------------------------------------------------------ reading */

static bool
yes(const struct rows *rows, int row, int column)
{
    const char *s = cell(rows, row, column);

    return s && *s == 't';
}

static const char *
copy(struct catalog *c, const struct rows *rows, int row, int column)
{
    return arena_strdup(c->mem, cell(rows, row, column));
}

/* "customer_id" and "order_date" as a clerk would say them: "Customer", "Order date". */
static const char *
spoken(struct arena *mem, const char *name)
{
    char *s = arena_strdup(mem, str_starts(name, "x_") ? name + 2 : name);
    size_t n = strlen(s);

    if (n > 3 && str_ends(s, "_id"))
        s[n - 3] = '\0';
    for (char *p = s; *p; p++)
        if (*p == '_')
            *p = ' ';
    if (*s >= 'a' && *s <= 'z')
        *s = (char)(*s - 'a' + 'A');
    return s;
}

/* COMMENT ON is "Label: help"; what has none is labelled by its name. */
static void
label_split(struct arena *mem, const char *comment, const char *name, const char **label,
            const char **help)
{
    const char *colon = comment ? strstr(comment, ": ") : NULL;

    *help = colon ? arena_strdup(mem, colon + 2) : NULL;
    if (colon)
        *label = arena_strndup(mem, comment, (size_t)(colon - comment));
    else
        *label = comment && *comment ? arena_strdup(mem, comment) : spoken(mem, name);
}

static bool
read_tables(struct rq *rq, struct catalog *c)
{
    struct rows rows;

    if (!db_rows(rq, catalog_tables_sql, NONE, &rows))
        return false;
    c->ntables = rows.count;
    c->all = arena_alloc(c->mem, sizeof *c->all * ((size_t)rows.count + 1));
    c->tables = arena_alloc(c->mem, sizeof *c->tables * ((size_t)rows.count + 1));
    for (int i = 0; i < rows.count; i++) {
        struct table *t = &c->all[i];

        t->name = copy(c, &rows, i, 0);
        label_split(c->mem, cell(&rows, i, 1), t->name, &t->label, &t->help);
        t->is_view = yes(&rows, i, 2);
        c->tables[i] = t;
    }
    return true;
}

static struct table *
table_by_name(const struct catalog *c, const char *name)
{
    const struct table *t = name ? catalog_table(c, name) : NULL;

    return t ? &c->all[t - c->all] : NULL;
}

static void
read_column(struct catalog *c, const struct rows *rows, int i, struct table *t, struct column *col)
{
    col->name = copy(c, rows, i, 1);
    label_split(c->mem, cell(rows, i, 2), col->name, &col->label, &col->help);
    col->type = copy(c, rows, i, 3);
    col->required = yes(rows, i, 4);
    col->readonly = yes(rows, i, 5);
    col->not_null = yes(rows, i, 6);
    col->refers_to = copy(c, rows, i, 7);
    col->choices = copy(c, rows, i, 8);
    col->default_text = copy(c, rows, i, 9);
    col->generated = yes(rows, i, 10);
    t->has_company |= !strcmp(col->name, "company_id");
    t->has_state |= !strcmp(col->name, "workflow_id");
    t->has_version |= !strcmp(col->name, "version");
    t->has_search |= !strcmp(col->name, "search_terms");
}

/* The rows come sorted by table and position. */
static bool
read_columns(struct rq *rq, struct catalog *c)
{
    struct rows rows;

    if (!db_rows(rq, catalog_columns_sql, NONE, &rows))
        return false;
    struct column *all = arena_alloc(c->mem, sizeof *all * ((size_t)rows.count + 1));

    for (int i = 0; i < rows.count; i++) {
        struct table *t = table_by_name(c, cell(&rows, i, 0));

        if (!t)
            continue;
        if (!t->columns)
            t->columns = &all[i];
        read_column(c, &rows, i, t, &all[i]);
        t->ncolumns++;
    }
    return true;
}

static bool
read_constraints(struct rq *rq, struct catalog *c)
{
    struct rows rows;

    if (!db_rows(rq, catalog_constraints_sql, NONE, &rows))
        return false;
    c->nconstraints = rows.count;
    c->constraints = arena_alloc(c->mem, sizeof *c->constraints * ((size_t)rows.count + 1));
    for (int i = 0; i < rows.count; i++) {
        struct constraint *k = &c->constraints[i];

        k->name = copy(c, &rows, i, 0);
        k->table = copy(c, &rows, i, 1);
        k->columns = copy(c, &rows, i, 2);
        k->message = copy(c, &rows, i, 3);
    }
    return true;
}

/* ------------------------------------------------------------------ parts and facts */

/* "line" -> "lines", "address" -> "addresses", "category" -> "categories". */
static const char *
plural(struct arena *mem, const char *word)
{
    size_t n = strlen(word);

    if (n > 1 && word[n - 1] == 'y' && !strchr("aeiou", word[n - 2]))
        return arena_printf(mem, "%.*sies", (int)n - 1, word);
    if (str_ends(word, "s") || str_ends(word, "x") || str_ends(word, "ch") || str_ends(word, "sh"))
        return arena_printf(mem, "%ses", word);
    return arena_printf(mem, "%ss", word);
}

/*
 * The child's name without what it shares with the parent's, in whole words:
 * sales_order_line of sales_order is "lines", journal_line of journal_entry too.
 */
static const char *
part_name(struct arena *mem, const char *parent, const char *child)
{
    size_t shared = 0;

    for (size_t i = 0; child[i]; i++) {
        if (child[i] == '_' && (parent[i] == '_' || !parent[i]))
            shared = i + 1;
        if (child[i] != parent[i])
            break;
    }
    return plural(mem, child + shared);
}

static void
link_part(struct catalog *c, struct table *child, struct table *parent, const char *column)
{
    child->parent = parent;
    child->parent_column = arena_strdup(c->mem, column);
    child->part_name = part_name(c->mem, parent->name, child->name);
}

static void
collect_parts(struct catalog *c, struct table *t)
{
    int n = 0;

    for (int i = 0; i < c->ntables; i++)
        n += c->all[i].parent == t;
    const struct table **parts = arena_alloc(c->mem, sizeof *parts * ((size_t)n + 1));

    n = 0;
    for (int i = 0; i < c->ntables; i++)
        if (c->all[i].parent == t)
            parts[n++] = &c->all[i];
    t->parts = parts;
    t->fact = table_by_name(c, arena_printf(c->mem, "%s_fact", t->name));
}

static bool
read_parts(struct rq *rq, struct catalog *c)
{
    struct rows rows;

    if (!db_rows(rq, catalog_parts_sql, NONE, &rows))
        return false;
    for (int i = 0; i < rows.count; i++) {
        struct table *child = table_by_name(c, cell(&rows, i, 0));
        struct table *parent = table_by_name(c, cell(&rows, i, 1));

        if (child && parent)
            link_part(c, child, parent, cell(&rows, i, 2));
    }
    for (int i = 0; i < c->ntables; i++)
        collect_parts(c, &c->all[i]);
    return true;
}

/* ------------------------------------------------------------------ the current snapshot */

static struct catalog *
catalog_load(struct rq *rq, const char *epoch)
{
    struct arena *mem = arena_new();
    struct catalog *c = arena_alloc(mem, sizeof *c);

    c->mem = mem;
    c->epoch = arena_strdup(mem, epoch);
    if (read_tables(rq, c) && read_columns(rq, c) && read_constraints(rq, c) && read_parts(rq, c))
        return c;
    arena_free(mem);
    return NULL;
}

/* An older epoch than the snapshot's comes from a request that began before a change. */
static bool
still_good(const struct catalog *c, const char *epoch)
{
    if (!epoch || (c->epoch && !strcmp(c->epoch, epoch)))
        return true;
    if (!c->epoch || !str_is_id(c->epoch) || !str_is_id(epoch))
        return false;
    return strtoll(epoch, NULL, 10) < strtoll(c->epoch, NULL, 10);
}

bool
catalog_is_current(const char *epoch)
{
    pthread_mutex_lock(&lock);
    bool good = !current || still_good(current, epoch);

    pthread_mutex_unlock(&lock);
    return good;
}

static struct catalog *
catalog_use(struct rq *rq, struct catalog *c)
{
    c->uses++;
    arena_defer(rq->mem, catalog_unuse, c);
    return c;
}

const struct catalog *
catalog_get(struct rq *rq, const char *epoch)
{
    struct catalog *c = NULL, *old = NULL;

    pthread_mutex_lock(&lock);
    if (current && still_good(current, epoch))
        c = catalog_use(rq, current);
    pthread_mutex_unlock(&lock);
    if (c)
        return c;
    c = catalog_load(rq, epoch);
    if (!c)
        return NULL;
    pthread_mutex_lock(&lock);
    old = current;
    c->uses = 1;
    current = c;
    catalog_use(rq, c);
    pthread_mutex_unlock(&lock);
    if (old)
        catalog_unuse(old);
    return c;
}
