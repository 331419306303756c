/*
 * po.c - translations: whatever the file holds, a message that is looked up has conversions
 * that its arguments fit.
 */
#include "tests/fuzz/fuzz.h"
#include "core/base/arena.h"
#include "core/base/tr.h"

#include <stdlib.h>
#include <string.h>

FUZZ(po)
{
    static const char message[] = "%s of %d";
    struct arena *mem = arena_new();
    const char *found;

    tr_load("fuzz", arena_strndup(mem, (const char *)data, size));
    found = tr_find("fuzz", message);
    MUST(found && *found);
    MUST(strlen(arena_printf(mem, found, "one", 2)) > 0);
    arena_free(mem);
    return 0;
}
