/*
 * statement.c - a hash of statements by text. Generated SQL is safe here: equal text, equal
 * plan; a limit keeps a client that invents filters from filling the server's memory.
 */
#include "core/db/statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024, MOST = 1500 };

struct statements {
    struct arena *mem;
    struct statement *buckets[BUCKETS];
    int count, serial;
};

struct statements *
statements_new(void)
{
    struct statements *s = calloc(1, sizeof *s);

    if (!s)
        abort();
    s->mem = arena_new();
    return s;
}

void
statements_free(struct statements *s)
{
    if (!s)
        return;
    arena_free(s->mem);
    free(s);
}

/* FNV-1a. */
static unsigned
hash(const char *text)
{
    unsigned h = 2166136261u;

    while (*text)
        h = (h ^ (unsigned char)*text++) * 16777619u;
    return h;
}

struct statement *
statement_of(struct statements *s, const char *sql)
{
    struct statement **bucket = &s->buckets[hash(sql) % BUCKETS];

    for (struct statement *t = *bucket; t; t = t->next)
        if (!strcmp(t->sql, sql))
            return t;
    struct statement *t = arena_alloc(s->mem, sizeof *t);

    *t = (struct statement){ .next = *bucket, .sql = arena_strdup(s->mem, sql) };
    snprintf(t->name, sizeof t->name, "s%d", s->serial++);
    s->count++;
    return *bucket = t;
}

bool
statements_full(const struct statements *s)
{
    return s->count > MOST;
}

void
statements_clear(struct statements *s)
{
    memset(s->buckets, 0, sizeof s->buckets);
    s->count = 0;
    arena_reset(s->mem);
}
