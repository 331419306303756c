/*
 * xlsx.c - workbooks. Bytes that begin with "PK" are a file as it is; others are the texts of
 * its worksheet, shared strings and styles, parted by "\n=\n", which are packed first: so the
 * XML is reached, which a checksum would else keep from being found.
 */
#include "tests/fuzz/fuzz.h"
#include "core/base/arena.h"
#include "core/entity/sheet.h"

#include <string.h>
#include <zip.h>

static void
add_part(zip_t *zip, const char *name, const char *text, size_t n)
{
    zip_source_t *source = zip_source_buffer(zip, text, n, 0);

    MUST(source && zip_file_add(zip, name, source, ZIP_FL_OVERWRITE) >= 0);
}

/* The bytes of a workbook of these parts. */
static const char *
packed(struct arena *mem, const char *data, size_t size, size_t *packed_size)
{
    static const char *const names[] = { "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml",
                                         "xl/styles.xml" };
    zip_source_t *out = zip_source_buffer_create(NULL, 0, 0, NULL);
    zip_t *zip = zip_open_from_source(out, ZIP_TRUNCATE, NULL);
    zip_stat_t stat;

    MUST(out && zip);
    zip_source_keep(out);
    for (int i = 0; i < 3; i++) {
        const char *end = size ? memmem(data, size, "\n=\n", 3) : NULL;
        size_t n = end && i < 2 ? (size_t)(end - data) : size;

        add_part(zip, names[i], data, n);
        size -= n;
        data += n;
        data += size ? 3 : 0;
        size -= size ? 3 : 0;
    }
    MUST(!zip_close(zip) && !zip_source_stat(out, &stat) && !zip_source_open(out));
    char *bytes = arena_alloc(mem, stat.size);

    MUST(zip_source_read(out, bytes, stat.size) == (zip_int64_t)stat.size);
    zip_source_close(out);
    zip_source_free(out);
    *packed_size = stat.size;
    return bytes;
}

FUZZ(xlsx)
{
    struct arena *mem = arena_new();
    struct rq rq = { .mem = mem, .language = "en" };
    const char *bytes = (const char *)data;
    struct sheet s;

    if (size < 2 || memcmp(bytes, "PK", 2))
        bytes = packed(mem, bytes, size, &size);
    if (sheet_from_xlsx(&rq, bytes, size, &s)) {
        MUST(s.ncolumns > 0 && s.nrows >= 0 && !rq.errors);
        for (int r = 0; r < s.nrows; r++)
            for (int c = 0; c < s.ncolumns; c++)
                MUST(sheet_cell(&s, r, c));
    } else {
        MUST(rq.errors && rq.errors->message);
    }
    arena_free(mem);
    return 0;
}
