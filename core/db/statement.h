/*
 * statement.h - the prepared statements of one connection, by their text (core/db only).
 */
#ifndef TENON_STATEMENT_H
#define TENON_STATEMENT_H

#include "core/base/arena.h"

#include <stdbool.h>

struct statement {
    struct statement *next; /* in its bucket */
    const char *sql;
    char name[16];
    bool prepared; /* the server has it, or its Parse is in the queue */
};

struct statements;

struct statements *statements_new(void);
void statements_free(struct statements *s);

/* The entry of this text, made when new. */
struct statement *statement_of(struct statements *s, const char *sql);

/* So many that the connection should forget them all (DEALLOCATE ALL, statements_clear)? */
bool statements_full(const struct statements *s);
void statements_clear(struct statements *s);

#endif
