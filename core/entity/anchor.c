/*
 * anchor.c - at=<0..1>: enter a long list near a fraction without counting to it.
 *
 * The cursor of every 1,000th row of a query is kept for half a minute, per worker process:
 * dragging a scroll bar over a million rows then costs one index descent per stop.
 */
#include "core/entity/list.h"

#include <pthread.h>
#include <string.h>

enum { ANCHOR_EVERY = 1000, ANCHOR_SECONDS = 30, CACHE_SIZE = 64 };

struct anchors {
    struct arena *mem; /* NULL: the slot is free */
    const char *query; /* company, SQL and parameters */
    const char **cursors;
    int count;
    long total;
    time_t read;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct anchors cache[CACHE_SIZE];

static time_t
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* "0.25" -> 250,000 millionths; -1 when it is no fraction. */
static long
millionths(const char *text)
{
    long value = 0;

    if (!strcmp(text, "1") || (str_starts(text, "1.") && !text[2 + strspn(text + 2, "0")]))
        return 1000000;
    if (*text != '0' || (text[1] && text[1] != '.'))
        return -1;
    text += text[1] ? 2 : 1;
    if (text[strspn(text, "0123456789")])
        return -1;
    for (int i = 0; i < 6; i++)
        value = value * 10 + (*text ? *text++ - '0' : 0);
    return value;
}

static const char *
query_name(struct list *l, const char *sql)
{
    struct str s = str_new(l->q.rq->mem);

    str_printf(&s, "%s\n%s", l->q.rq->company_id ? l->q.rq->company_id : "", sql);
    for (int i = 0; i < l->q.nparams; i++)
        str_printf(&s, "\n%s", l->q.params[i]);
    return s.text;
}

/* ------------------------------------------------------------------ the cache */

/* Copies what is needed, since the slot may be replaced the next moment. */
static bool
recall(struct list *l, const char *query, long fraction, const char **cursor)
{
    bool found = false;

    pthread_mutex_lock(&lock);
    for (int i = 0; i < CACHE_SIZE && !found; i++) {
        const struct anchors *a = &cache[i];

        if (!a->mem || strcmp(a->query, query) != 0 || now() - a->read > ANCHOR_SECONDS)
            continue;
        long n = a->total * fraction / 1000000 / ANCHOR_EVERY;

        if (n >= a->count)
            n = a->count - 1;
        *cursor = n > 0 ? arena_strdup(l->q.rq->mem, a->cursors[n]) : NULL;
        l->row = arena_printf(l->q.rq->mem, "%ld", (n > 0 ? n : 0) * ANCHOR_EVERY + 1);
        l->total = arena_printf(l->q.rq->mem, "%ld", a->total);
        found = true;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

/* Into the slot of the same query, or the oldest one. */
static void
remember(const struct anchors *fresh)
{
    struct anchors *slot = &cache[0];

    pthread_mutex_lock(&lock);
    for (int i = 0; i < CACHE_SIZE; i++) {
        if (cache[i].mem && !strcmp(cache[i].query, fresh->query)) {
            slot = &cache[i];
            break;
        }
        if (!cache[i].mem || (slot->mem && cache[i].read < slot->read))
            slot = &cache[i];
    }
    arena_free(slot->mem);
    *slot = *fresh;
    pthread_mutex_unlock(&lock);
}

static struct anchors
from_rows(const char *query, const struct rows *rows)
{
    struct anchors a = { .mem = arena_new(), .read = now() };

    a.query = arena_strdup(a.mem, query);
    a.cursors = arena_alloc(a.mem, sizeof *a.cursors * ((size_t)rows->count + 1));
    for (int i = 0; i < rows->count; i++) {
        if (!cell(rows, i, 0))
            a.total = strtol(cell(rows, i, 1), NULL, 10);
        else
            a.cursors[a.count++] = arena_strdup(a.mem, cell(rows, i, 0));
    }
    return a;
}

/* Rows: the cursors in order, then (null, number of rows). */
static const char *
anchors_sql(struct list *l)
{
    struct str s = str_new(l->q.rq->mem);

    str_add(&s, "WITH numbered AS MATERIALIZED (SELECT row_number() OVER (");
    order_by(&s, &l->order);
    str_add(&s, ") AS n");
    for (int i = 0; i < l->order.nkeys; i++)
        str_printf(&s, ", %s AS k%d", l->order.keys[i].sql, i);
    query_from(&l->q, &s);
    str_add(&s, l->where.text);
    str_add(&s, ") SELECT * FROM (SELECT ");
    order_cursor(&s, &l->order, "a");
    str_printf(&s, " AS c, n FROM numbered a WHERE n %% %d = 1 UNION ALL", ANCHOR_EVERY);
    str_add(&s, " SELECT NULL, count(*) FROM numbered) b ORDER BY c IS NULL, n");
    return s.text;
}

bool
anchor_find(struct list *l, const char **cursor)
{
    long fraction = millionths(l->at);

    *cursor = NULL;
    if (fraction < 0)
        return fail(l->q.rq, "malformed", "at", "A place in the list is a number from 0 to 1");
    if (request_is_waiting(l->q.rq) &&
        !db_flush(l->q.rq)) /* anchors are kept per company: it must be known */
        return false;
    const char *sql = anchors_sql(l), *query = query_name(l, sql);
    struct rows rows;

    if (recall(l, query, fraction, cursor))
        return true;
    if (!db_rows(l->q.rq, sql, l->q.nparams, l->q.params, &rows))
        return false;
    struct anchors fresh = from_rows(query, &rows);

    remember(&fresh);
    recall(l, query, fraction, cursor);
    return true;
}
