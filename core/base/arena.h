/*
 * arena.h - memory that lives exactly as long as one request.
 *
 * A request allocates freely and frees nothing: arena_reset() at its end runs the
 * deferred calls, newest first, and returns every block. Out of memory aborts the
 * process, so no function here returns NULL.
 */
#ifndef TENON_ARENA_H
#define TENON_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);
void arena_reset(struct arena *a);

/* Zeroed and aligned for any type. */
void *arena_alloc(struct arena *a, size_t size);

char *arena_strdup(struct arena *a, const char *s); /* NULL for NULL */
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

/* Run fn(thing) at reset: ties a PGresult or a cJSON tree to the request. */
void arena_defer(struct arena *a, void (*fn)(void *), void *thing);

/* Bytes handed out since the last reset (for metrics and limits). */
size_t arena_used(const struct arena *a);

#endif
