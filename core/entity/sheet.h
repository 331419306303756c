/*
 * sheet.h - a file of rows, whatever its format: the first row names the columns.
 *
 * CSV (RFC 4180; comma, semicolon or tab; UTF-8 with or without a mark, else GB 18030), XLSX
 * (first worksheet; ECMA-376), JSON (an array of flat or nested objects, kept as they are).
 */
#ifndef TENON_SHEET_H
#define TENON_SHEET_H

#include "core/db/rq.h"

#include <stddef.h>

struct sheet {
    int ncolumns, nrows;      /* without the heading */
    const char *const *names; /* of the columns */
    const char *const *cells; /* nrows * ncolumns; "" for empty */
    const int *lines;         /* of each row in the file, for messages; the heading is 1 */
};

enum {
    SHEET_MOST_ROWS = 200000,
    SHEET_MOST_COLUMNS = 500,
    SHEET_MOST_CELLS = 10000000,          /* the table is rectangular: short rows count in full */
    SHEET_MOST_BYTES = 256 * 1024 * 1024, /* unpacked, all parts of an XLSX */
    SHEET_MOST_RATIO = 200                /* unpacked : packed */
};

/* False with "malformed" or "too_large" and the line in the sentence. */
bool sheet_from_csv(struct rq *rq, const char *data, size_t size, struct sheet *out);
bool sheet_from_xlsx(struct rq *rq, const char *data, size_t size, struct sheet *out);

static inline const char *
sheet_cell(const struct sheet *s, int row, int column)
{
    return s->cells[row * s->ncolumns + column];
}

/* For the readers: rows of any width are collected, then made rectangular. */
struct sheet_builder;
struct sheet_builder *sheet_builder_new(struct rq *rq);
void sheet_add_cell(struct sheet_builder *b, int column, const char *text, size_t n);
bool sheet_end_row(struct sheet_builder *b, int line); /* false: too large */
bool sheet_build(struct sheet_builder *b, struct sheet *out);

#endif
