/*
 * condition.c - conditions: what is read as one is evaluated too, with values of every kind,
 * and ends, within its budget, in true, false or a sentence.
 */
#include "tests/fuzz/fuzz.h"
#include "core/workflow/condition.h"

#include <stdlib.h>

static const struct value kinds[] = {
    { VALUE_NUMBER, "12.50" },    { VALUE_TEXT, "A" },
    { VALUE_NIL, NULL },          { VALUE_TRUE, NULL },
    { VALUE_FALSE, NULL },        { VALUE_NUMBER, "-0.0000001" },
    { VALUE_TEXT, "2026-11-22" }, { VALUE_NUMBER, "0" },
    { VALUE_TEXT, "" },           { VALUE_NUMBER, "99999999999999999999999999999999999" },
};

FUZZ(condition)
{
    struct arena *mem = arena_new();
    const char *text = arena_strndup(mem, (const char *)data, size);
    struct condition c = { 0 };
    struct condition_error error = { 0 };

    if (condition_parse(mem, text, "sales_order", &c, &error)) {
        const size_t n = sizeof kinds / sizeof *kinds;
        struct value *values = arena_alloc(mem, ((size_t)c.npaths + 1) * sizeof *values);

        for (size_t turn = 0; turn < 3; turn++) {
            const char *why = NULL;
            bool holds;

            for (int i = 0; i < c.npaths; i++)
                values[i] = kinds[((size_t)i + turn * 3) % n];
            if (!condition_holds(mem, &c, values, &holds, &why))
                MUST(why && *why);
        }
    } else {
        MUST(error.message && error.at >= 1);
    }
    arena_free(mem);
    return 0;
}
