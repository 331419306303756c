/*
 * limit.h - how often something may happen, per address or login: in memory, bounded.
 *
 * A gauge counts what is there now (connections): limit_take, limit_give. A rate counts
 * what happened in a window that begins with the first time (failed sign-ins): limit_take
 * or limit_wait before, limit_forget after a success. Thread-safe.
 */
#ifndef TENON_LIMIT_H
#define TENON_LIMIT_H

#include <stdbool.h>

struct limit;

/* window in seconds; 0: a gauge. */
struct limit *limit_new(int most, int window);
void limit_free(struct limit *l);

/* Count one more; false (and not counted) when there are `most` already. */
bool limit_take(struct limit *l, const char *key);
void limit_give(struct limit *l, const char *key);

/* Seconds until one more is allowed; 0: now. */
int limit_wait(struct limit *l, const char *key);
void limit_forget(struct limit *l, const char *key);

#endif
