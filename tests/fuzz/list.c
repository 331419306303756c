/*
 * list.c - filters, orders and cursors of lists, line by line ("total=gt.5", "order=name.desc",
 * "after=<cursor>"), over a table without a database: no value may reach the SQL itself.
 */
#include "tests/fuzz/fuzz.h"
#include "core/base/arena.h"
#include "core/entity/filter.h"

#include <string.h>

static const struct column fact_columns[] = { { .name = "id", .type = "bigint", .not_null = true },
                                              { .name = "overdue", .type = "integer" } };
static const struct table fact = { .name = "thing_fact", .columns = fact_columns, .ncolumns = 2 };
static const struct column columns[] = {
    { .name = "id", .type = "bigint", .not_null = true },
    { .name = "name", .type = "text", .not_null = true },
    { .name = "due", .type = "date" },
    { .name = "changed_at", .type = "timestamptz" },
    { .name = "total", .type = "amount" },
    { .name = "rank", .type = "smallint" },
    { .name = "active", .type = "boolean" },
    { .name = "tags", .type = "text[]" },
    { .name = "extra", .type = "jsonb" },
    { .name = "hash", .type = "text", .secret = true },
};
static const struct table thing = {
    .name = "thing", .columns = columns, .ncolumns = sizeof columns / sizeof *columns, .fact = &fact
};

/* One parameter of a query; true while the next may come. */
static bool
take(struct query *q, struct order *o, const char *name, const char *value)
{
    struct str where = str_new(q->rq->mem);
    bool good;

    if (!strcmp(name, "order")) {
        good = order_parse(q, value, o);
        if (!good)
            *o = (struct order){ 0 };
        order_by(&where, o);
    } else if (!strcmp(name, "after")) {
        struct after after = { where, str_new(q->rq->mem) };

        good = o->keys && order_after(q, &after, o, value, false);
        where = after.first;
        MUST(!strpbrk(after.second.text, ";'\\"));
    } else {
        good = filter_add(q, &where, name, value);
    }
    MUST(!good || !strpbrk(where.text, ";'\\"));
    return good;
}

FUZZ(list)
{
    struct arena *mem = arena_new();
    struct rq rq = { .mem = mem, .language = "en" };
    struct entity e = { .name = "thing" };
    struct query q = { .rq = &rq, .entity = &e, .table = &thing, .joins = str_new(mem) };
    struct order o = { 0 };
    char *next = arena_strndup(mem, (const char *)data, size);

    while (next) {
        char *name = next, *value = strchr(name, '=');

        next = strchr(name, '\n');
        if (next)
            *next++ = '\0';
        if (!value || (next && value >= next))
            continue;
        *value++ = '\0';
        if (!take(&q, &o, name, value))
            MUST(rq.errors || !o.keys);
        rq.errors = NULL;
    }
    arena_free(mem);
    return 0;
}
