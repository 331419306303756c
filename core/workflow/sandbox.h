/*
 * sandbox.h - Lua for conditions: one state per thread, with nothing to do harm with.
 *
 * A chunk sees the values that it was given, exact decimals, and a few plain functions; no
 * io, os, load, debug, string library or metatables. Each evaluation has a budget of steps
 * and of memory; neither can be swallowed by the chunk. Numbers are decimals throughout.
 */
#ifndef TENON_SANDBOX_H
#define TENON_SANDBOX_H

#include "core/base/arena.h"
#include "core/workflow/decimal.h"

#include <stdint.h>

enum value_kind { VALUE_NIL, VALUE_FALSE, VALUE_TRUE, VALUE_NUMBER, VALUE_TEXT };

struct value {
    enum value_kind kind;
    const char *text; /* of a number or a text */
};

/* A compiled unit: Lua source that returns one value; it sees v[i], the values, and n[i],
 * the numbers of its text, both from 1. */
struct chunk {
    uint64_t serial; /* unique in the process: each thread keeps what it compiled under it */
    const char *source;
    const struct decimal *numbers;
    int nnumbers;
};

/* A new serial. Thread-safe. */
uint64_t chunk_serial(void);

/* Does it compile? Otherwise *error says why, allocated on mem. */
bool sandbox_check(struct arena *mem, const struct chunk *chunk, const char **error);

/*
 * Evaluate. The result is true or false (nil counts as false); anything else, a budget
 * that is used up and every Lua error make the call return false with a sentence in *error.
 */
bool sandbox_holds(struct arena *mem, const struct chunk *chunk, const struct value *values,
                   int nvalues, bool *holds, const char **error);

/* Names of the functions that a chunk may call, space-separated. */
extern const char sandbox_functions[];

#endif
