/*
 * script.c - SQL scripts: statements lie inside the text, one behind the other, and not empty.
 */
#include "tests/fuzz/fuzz.h"
#include "core/base/arena.h"
#include "core/db/script.h"

#include <stdlib.h>
#include <string.h>

FUZZ(script)
{
    struct arena *mem = arena_new();
    const char *text = arena_strndup(mem, (const char *)data, size), *statement;
    const char *before = text, *end = text + strlen(text);
    struct script s = { text, text };
    size_t length;

    while (script_next(&s, &statement, &length)) {
        MUST(length > 0 && statement >= before && statement + length <= end);
        MUST(script_line(&s, statement) >= 1 && s.at <= end);
        before = statement + length;
    }
    MUST(s.at <= end);
    arena_free(mem);
    return 0;
}
