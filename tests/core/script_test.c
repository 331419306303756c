/*
 * script_test.c - where a statement of an SQL script ends.
 */
#include "core/db/script.h"
#include "core/base/arena.h"
#include "tests/test.h"

/* The statements of a script, joined by " | ". */
static const char *
split(struct arena *mem, const char *text)
{
    struct script s = { text, text };
    const char *statement, *all = "";
    size_t length;

    while (script_next(&s, &statement, &length))
        all = arena_printf(mem, "%s%s%.*s", all, *all ? " | " : "", (int)length, statement);
    return all;
}

static void
a_statement_ends_at_a_semicolon_of_its_own(void)
{
    struct arena *mem = arena_new();

    CHECK_TEXT(split(mem, "a; b ;;\n c"), "a | b  | c");
    CHECK_TEXT(split(mem, "-- a; b\n/* c; /* d; */ e; */ f; g"), "f | g");
    CHECK_TEXT(split(mem, "SELECT 'a;''b', \"c;\"\"d\"; e"), "SELECT 'a;''b', \"c;\"\"d\" | e");
    CHECK_TEXT(split(mem, "SELECT E'a\\';b' -- c;\n; d"), "SELECT E'a\\';b' -- c;\n | d");
    CHECK_TEXT(split(mem, "DO $$ a; $x$ b; $$; DO $x$ c; $$ d; $x$; e"),
               "DO $$ a; $x$ b; $$ | DO $x$ c; $$ d; $x$ | e");
    CHECK_TEXT(split(mem, "CREATE RULE r DO (a; b); c"), "CREATE RULE r DO (a; b) | c");
    CHECK_TEXT(split(mem, "SELECT $1; SELECT a$b$c; d"), "SELECT $1 | SELECT a$b$c | d");
    CHECK_TEXT(split(mem, " ; -- nothing\n"), "");
    arena_free(mem);
}

static void
what_never_ends_is_the_last_statement(void)
{
    struct arena *mem = arena_new();

    CHECK_TEXT(split(mem, "a; 'b; c"), "a | 'b; c");
    CHECK_TEXT(split(mem, "a; $$b; c"), "a | $$b; c");
    CHECK_TEXT(split(mem, "a /* b; c"), "a /* b; c");
    arena_free(mem);
}

static void
a_place_has_a_line(void)
{
    struct script s = { "a;\n\nb", NULL };

    CU_ASSERT_EQUAL(script_line(&s, s.text), 1);
    CU_ASSERT_EQUAL(script_line(&s, s.text + 4), 3);
}

const struct test script_tests[] = {
    { "a statement ends at a semicolon of its own", a_statement_ends_at_a_semicolon_of_its_own },
    { "what never ends is the last statement", what_never_ends_is_the_last_statement },
    { "a place has a line", a_place_has_a_line },
    { 0 },
};
