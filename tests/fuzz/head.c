/*
 * head.c - request heads: read in one piece or byte by byte, the answer is the same, and what
 * is accepted is clean.
 */
#include "tests/fuzz/fuzz.h"
#include "core/base/str.h"
#include "server/head.h"

static void
must_be_clean(const char *text)
{
    MUST(text && str_is_utf8(text, strlen(text)));
    for (; *text; text++)
        MUST((unsigned char)*text >= 0x20 && *text != 0x7f);
}

FUZZ(head)
{
    const struct head_limits limits = { .headers = 16, .parameters = 16, .target = 512 };
    const char *bytes = (const char *)data;
    struct refusal why = { 0 };
    size_t from = 0, step = 0;
    long whole = head_scan(bytes, size, &from, &why), part = 0;

    for (size_t n = 1; n <= size && !part; n++)
        part = head_scan(bytes, n, &step, &why);
    MUST(part == whole);
    if (whole < 0)
        MUST(why.status >= 400 && why.code && why.message);
    if (whole <= 0)
        return 0;
    struct arena *mem = arena_new();
    struct head h;

    if (head_read(mem, arena_strndup(mem, bytes, (size_t)whole), &limits, &h, &why)) {
        for (int i = 0; i < h.nsegments; i++) {
            must_be_clean(h.segment[i]);
            MUST(*h.segment[i] && !strpbrk(h.segment[i], "/\\"));
        }
        for (int i = 0; i < h.nquery; i++) {
            must_be_clean(h.query[i].name);
            must_be_clean(h.query[i].value);
        }
        MUST(h.nheaders <= limits.headers && h.nquery <= limits.parameters && h.length >= 0);
    } else {
        MUST(why.status >= 400 && why.code && why.message);
    }
    arena_free(mem);
    return 0;
}
