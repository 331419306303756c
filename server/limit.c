/*
 * limit.c - a small hash of counters. When a rate's table is full, what has run out is
 * dropped, then the newcomer's whole bucket: an attacker who floods it with made-up logins
 * gains nothing, since the address counts too.
 */
#include "server/limit.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BUCKETS = 4096, MOST_ENTRIES = 65536, KEY_SIZE = 64 };

struct entry {
    struct entry *next;
    char key[KEY_SIZE]; /* cut: longer logins that begin alike share a counter */
    int count;
    time_t until;
};

struct limit {
    pthread_mutex_t lock;
    int most, window, entries;
    struct entry *buckets[BUCKETS];
};

struct limit *
limit_new(int most, int window)
{
    struct limit *l = calloc(1, sizeof *l);

    if (!l)
        abort();
    pthread_mutex_init(&l->lock, NULL);
    l->most = most;
    l->window = window;
    return l;
}

static void
bucket_drop(struct limit *l, struct entry **bucket, time_t gone_before)
{
    while (*bucket) {
        struct entry *e = *bucket;

        if (e->until >= gone_before) {
            bucket = &e->next;
            continue;
        }
        *bucket = e->next;
        l->entries--;
        free(e);
    }
}

void
limit_free(struct limit *l)
{
    if (!l)
        return;
    for (int i = 0; i < BUCKETS; i++)
        bucket_drop(l, &l->buckets[i], INT64_MAX);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static time_t
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static struct entry **
bucket_of(struct limit *l, const char *key)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < KEY_SIZE - 1 && key[i]; i++)
        hash = (hash ^ (unsigned char)key[i]) * 16777619u;
    return &l->buckets[hash % BUCKETS];
}

/* The key's counter, NULL when it has none or its window is over. */
static struct entry *
find(struct limit *l, const char *key)
{
    for (struct entry *e = *bucket_of(l, key); e; e = e->next)
        if (!strncmp(e->key, key, KEY_SIZE - 1))
            return !l->window || e->until > now() ? e : NULL;
    return NULL;
}

static struct entry *
entry_new(struct limit *l, const char *key)
{
    struct entry **bucket = bucket_of(l, key), *e;

    if (l->window)
        bucket_drop(l, bucket, now() + 1);
    if (l->entries >= MOST_ENTRIES)
        bucket_drop(l, bucket, INT64_MAX);
    e = calloc(1, sizeof *e);
    if (!e)
        abort();
    memcpy(e->key, key, strnlen(key, KEY_SIZE - 1));
    e->until = l->window ? now() + l->window : INT64_MAX - 1;
    e->next = *bucket;
    *bucket = e;
    l->entries++;
    return e;
}

bool
limit_take(struct limit *l, const char *key)
{
    pthread_mutex_lock(&l->lock);
    struct entry *e = find(l, key);

    if (!e)
        e = entry_new(l, key);
    bool ok = e->count < l->most;

    e->count += ok;
    pthread_mutex_unlock(&l->lock);
    return ok;
}

static void
remove_key(struct limit *l, const char *key)
{
    for (struct entry **p = bucket_of(l, key); *p; p = &(*p)->next) {
        struct entry *e = *p;

        if (strncmp(e->key, key, KEY_SIZE - 1))
            continue;
        *p = e->next;
        l->entries--;
        free(e);
        return;
    }
}

void
limit_give(struct limit *l, const char *key)
{
    pthread_mutex_lock(&l->lock);
    struct entry *e = find(l, key);

    if (e && --e->count <= 0)
        remove_key(l, key);
    pthread_mutex_unlock(&l->lock);
}

int
limit_wait(struct limit *l, const char *key)
{
    pthread_mutex_lock(&l->lock);
    const struct entry *e = find(l, key);
    int seconds = e && e->count >= l->most ? (int)(e->until - now()) : 0;

    pthread_mutex_unlock(&l->lock);
    return seconds;
}

void
limit_forget(struct limit *l, const char *key)
{
    pthread_mutex_lock(&l->lock);
    remove_key(l, key);
    pthread_mutex_unlock(&l->lock);
}
