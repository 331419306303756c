/*
 * csv.c - CSV files: what is read is a rectangle of texts, and what is not has a sentence.
 */
#include "tests/fuzz/fuzz.h"
#include "core/base/str.h"
#include "core/entity/sheet.h"

FUZZ(csv)
{
    struct arena *mem = arena_new();
    struct rq rq = { .mem = mem, .language = "en" };
    struct sheet s;

    if (sheet_from_csv(&rq, (const char *)data, size, &s)) {
        MUST(s.ncolumns > 0 && s.nrows >= 0 && !rq.errors);
        for (int c = 0; c < s.ncolumns; c++)
            MUST(*s.names[c]);
        for (int r = 0; r < s.nrows; r++)
            for (int c = 0; c < s.ncolumns; c++)
                MUST(str_is_utf8(sheet_cell(&s, r, c), strlen(sheet_cell(&s, r, c))));
    } else {
        MUST(rq.errors && rq.errors->message);
    }
    arena_free(mem);
    return 0;
}
