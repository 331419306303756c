/*
 * script.h - an SQL script, statement by statement, so that an error can name its line.
 *
 * Knows comments (nested too), strings with and without escapes, quoted names, dollar quotes
 * and parentheses. Bodies of functions are dollar-quoted here: BEGIN ATOMIC is not known.
 */
#ifndef TENON_SCRIPT_H
#define TENON_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>

struct script {
    const char *text; /* the whole */
    const char *at;   /* where to read on; = text at first */
};

/* The next statement without what stands before and after it: its first character and
 * length. false at the end. */
bool script_next(struct script *s, const char **statement, size_t *length);

/* The line, counted from 1, of a place in the script. */
int script_line(const struct script *s, const char *place);

#endif
