/*
 * conf.h - settings: one table names them all, and is what --help prints.
 *
 * A value comes from, the later the stronger: the table's default, the file (`key = value`,
 * # for comments), the environment (TENON_<NAME>), the command line (--name value or
 * --name=value, underscores written as hyphens). A value that does not fit its kind and a
 * name that is not in the table are errors, never ignored.
 */
#ifndef TENON_CONF_H
#define TENON_CONF_H

#include "core/base/arena.h"

#include <stdbool.h>
#include <stdio.h>

enum conf_kind {
    CONF_TEXT,
    CONF_NUMBER,  /* 0 to 10^12 */
    CONF_SECONDS, /* 90, 90s, 15m, 12h, 30d */
    CONF_BYTES,   /* 4096, 64K, 1M, 2G */
    CONF_SWITCH,  /* yes, no */
};

struct conf_setting {
    const char *name; /* snake_case */
    enum conf_kind kind;
    const char *fallback; /* NULL: not set */
    const char *help;
};

struct conf;

/* The table ends with { 0 } and outlives the conf. Its defaults must fit their kinds. */
struct conf *conf_new(struct arena *mem, const struct conf_setting *table);

/* false, with a sentence on the arena in *error. */
bool conf_set(struct conf *c, const char *name, const char *value, const char **error);
bool conf_file(struct conf *c, const char *path, const char **error);
bool conf_environment(struct conf *c, const char **error);

/* Takes --options out of argv; what is left are the words, *nwords of them, in argv[0..]. */
bool conf_arguments(struct conf *c, int argc, char **argv, int *nwords, const char **error);

/* NULL when not set and without a default. Asking for a name outside the table aborts. */
const char *conf_text(const struct conf *c, const char *name);
long long conf_number(const struct conf *c, const char *name); /* seconds, bytes, count */
bool conf_on(const struct conf *c, const char *name);

/* One line for each setting: option, help, default. */
void conf_help(const struct conf *c, FILE *to);

#endif
