/*
 * arena.c - blocks in a list, newest first; a request usually fits into the first one.
 */
#include "core/base/arena.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 16 * 1024 };

struct block {
    struct block *next;
    size_t size, used;
    alignas(max_align_t) unsigned char data[];
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *);
    void *thing;
};

struct arena {
    struct block *blocks;
    struct deferred *deferred;
    size_t used;
};

static void *
must(void *p)
{
    if (!p) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return p;
}

static struct block *
block_new(struct block *next, size_t size)
{
    if (size < BLOCK_SIZE)
        size = BLOCK_SIZE;
    struct block *b = must(malloc(sizeof *b + size));

    b->next = next;
    b->size = size;
    b->used = 0;
    return b;
}

struct arena *
arena_new(void)
{
    struct arena *a = must(calloc(1, sizeof *a));

    a->blocks = block_new(NULL, 0);
    return a;
}

void *
arena_alloc(struct arena *a, size_t size)
{
    if (size > (size_t)-1 / 2)
        must(NULL);
    size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (a->blocks->size - a->blocks->used < size)
        a->blocks = block_new(a->blocks, size);
    void *p = a->blocks->data + a->blocks->used;

    a->blocks->used += size;
    a->used += size;
    return memset(p, 0, size);
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
    size_t len = strnlen(s, n);

    return memcpy(arena_alloc(a, len + 1), s, len);
}

char *
arena_strdup(struct arena *a, const char *s)
{
    return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *
arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    va_list again;

    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, again);

    va_end(again);
    if (len < 0)
        must(NULL);
    char *s = arena_alloc(a, (size_t)len + 1);

    vsnprintf(s, (size_t)len + 1, fmt, ap);
    return s;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    char *s = arena_vprintf(a, fmt, ap);

    va_end(ap);
    return s;
}

void
arena_defer(struct arena *a, void (*fn)(void *), void *thing)
{
    struct deferred *d = arena_alloc(a, sizeof *d);

    *d = (struct deferred){ a->deferred, fn, thing };
    a->deferred = d;
}

void
arena_reset(struct arena *a)
{
    while (a->deferred) {
        struct deferred *d = a->deferred;

        a->deferred = d->next;
        d->fn(d->thing);
    }
    while (a->blocks->next) {
        struct block *b = a->blocks;

        a->blocks = b->next;
        free(b);
    }
    a->blocks->used = 0;
    a->used = 0;
}

size_t
arena_used(const struct arena *a)
{
    return a->used;
}

void
arena_free(struct arena *a)
{
    if (!a)
        return;
    arena_reset(a);
    free(a->blocks);
    free(a);
}
