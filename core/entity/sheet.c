/*
 * sheet.c - rows collected from a reader, made rectangular; and the CSV reader (libcsv).
 */
#include "core/entity/sheet.h"
#include "core/base/str.h"

#include <csv.h>
#include <iconv.h>
#include <string.h>

struct row {
    struct row *next;
    int line, width;
    const char *cells[];
};

struct sheet_builder {
    struct rq *rq;
    struct row *first, **last;
    int nrows, width;
    const char *row[SHEET_MOST_COLUMNS]; /* being filled */
    int row_width;
    bool too_wide;
};

struct sheet_builder *
sheet_builder_new(struct rq *rq)
{
    struct sheet_builder *b = arena_alloc(rq->mem, sizeof *b);

    b->rq = rq;
    b->last = &b->first;
    return b;
}

/* Text without the blanks around it. */
static const char *
trimmed(struct arena *mem, const char *text, size_t n)
{
    while (n && strchr(" \t\r\n", text[n - 1]))
        n--;
    while (n && strchr(" \t\r\n", *text)) {
        text++;
        n--;
    }
    return arena_strndup(mem, text, n);
}

void
sheet_add_cell(struct sheet_builder *b, int column, const char *text, size_t n)
{
    if (column >= SHEET_MOST_COLUMNS) {
        b->too_wide = true;
        return;
    }
    b->row[column] = trimmed(b->rq->mem, text, n);
    if (column >= b->row_width)
        b->row_width = column + 1;
}

bool
sheet_end_row(struct sheet_builder *b, int line)
{
    bool empty = true;

    for (int i = 0; i < b->row_width; i++)
        empty = empty && (!b->row[i] || !*b->row[i]);
    if (!empty) {
        struct row *r =
            arena_alloc(b->rq->mem, sizeof *r + (size_t)b->row_width * sizeof *r->cells);

        r->line = line;
        r->width = b->row_width;
        memcpy(r->cells, b->row, (size_t)b->row_width * sizeof *r->cells);
        *b->last = r;
        b->last = &r->next;
        b->nrows++;
    }
    memset(b->row, 0, sizeof b->row);
    b->row_width = 0;
    if (b->nrows > SHEET_MOST_ROWS + 1 || b->too_wide)
        return fail(b->rq, "too_large", NULL, "A file may have at most %d rows and %d columns",
                    SHEET_MOST_ROWS, SHEET_MOST_COLUMNS);
    return true;
}

/* The heading: every column has a name, and no two the same. */
static bool
heading_is_good(struct rq *rq, const struct row *r)
{
    for (int i = 0; i < r->width; i++) {
        if (!r->cells[i] || !*r->cells[i])
            return fail(rq, "malformed", NULL, "Column %d has no name in the first row", i + 1);
        for (int k = 0; k < i; k++)
            if (!strcmp(r->cells[i], r->cells[k]))
                return fail(rq, "malformed", NULL, "Two columns are named %s", r->cells[i]);
    }
    return true;
}

bool
sheet_build(struct sheet_builder *b, struct sheet *out)
{
    struct arena *mem = b->rq->mem;
    struct row *r = b->first;

    if (!r)
        return fail(b->rq, "malformed", NULL, "The file is empty");
    if (!heading_is_good(b->rq, r))
        return false;
    int width = r->width, n = b->nrows - 1;

    if ((long)n * width > SHEET_MOST_CELLS)
        return fail(b->rq, "too_large", NULL, "A file may have at most %d rows and %d columns",
                    SHEET_MOST_CELLS / width, width);
    const char **cells = arena_alloc(mem, ((size_t)n * (size_t)width + 1) * sizeof *cells);
    int *lines = arena_alloc(mem, ((size_t)n + 1) * sizeof *lines);

    *out = (struct sheet){ width, n, r->cells, cells, lines };
    for (int i = 0; (r = r->next); i++) {
        if (r->width > width)
            return fail(b->rq, "malformed", NULL, "Line %d has more cells than the first row",
                        r->line);
        lines[i] = r->line;
        for (int c = 0; c < width; c++)
            cells[i * width + c] = c < r->width && r->cells[c] ? r->cells[c] : "";
    }
    return true;
}

/* ------------------------------------------------------------------------------- CSV */

struct csv_reading {
    struct sheet_builder *builder;
    const char *data, *at; /* how far lines were counted */
    int column, line;
    bool ok;
};

static void
on_cell(void *text, size_t n, void *reading)
{
    struct csv_reading *r = reading;

    sheet_add_cell(r->builder, r->column++, text, n);
}

static void
on_row(int end, void *reading)
{
    struct csv_reading *r = reading;

    (void)end;
    r->line++;
    r->column = 0;
    r->ok = r->ok && sheet_end_row(r->builder, r->line);
}

/* What separates the cells: whichever of , ; tab stands most often in the first line. */
static unsigned char
delimiter(const char *data, size_t size)
{
    size_t count[3] = { 0 };

    for (size_t i = 0; i < size && data[i] != '\n'; i++)
        for (int k = 0; k < 3; k++)
            count[k] += data[i] == ",;\t"[k];
    return (unsigned char)(count[1] > count[0]   ? count[2] > count[1] ? '\t' : ';'
                           : count[2] > count[0] ? '\t'
                                                 : ',');
}

/* Spreadsheets of Chinese offices write GB 18030: into UTF-8, or NULL when it is neither. */
static const char *
from_gb18030(struct rq *rq, const char *data, size_t *size)
{
    iconv_t cd = iconv_open("UTF-8", "GB18030");
    size_t left = *size * 2 + 16, in = *size;
    char *out = arena_alloc(rq->mem, left), *to = out, *from = (char *)(size_t)data;

    if (cd == (iconv_t)-1)
        return NULL;
    bool good = iconv(cd, &from, &in, &to, &left) != (size_t)-1;

    iconv_close(cd);
    *size = (size_t)(to - out);
    return good ? out : NULL;
}

bool
sheet_from_csv(struct rq *rq, const char *data, size_t size, struct sheet *out)
{
    struct csv_parser parser;

    if (size >= 3 && !memcmp(data, "\xef\xbb\xbf", 3)) {
        data += 3;
        size -= 3;
    }
    if (!str_is_utf8(data, size))
        data = from_gb18030(rq, data, &size);
    if (!data)
        return fail(rq, "malformed", NULL, "The file is neither UTF-8 nor GB 18030 text");
    struct csv_reading r = { .builder = sheet_builder_new(rq), .data = data, .ok = true };

    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI))
        return fail(rq, "internal", NULL, "The file cannot be read");
    csv_set_delim(&parser, delimiter(data, size));
    bool whole = csv_parse(&parser, data, size, on_cell, on_row, &r) == size &&
                 !csv_fini(&parser, on_cell, on_row, &r);

    csv_free(&parser);
    if (!r.ok)
        return false;
    if (!whole)
        return fail(rq, "malformed", NULL, "The quotes of row %d do not match", r.line + 1);
    return sheet_build(r.builder, out);
}
