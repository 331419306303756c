/*
 * condition_test.c - what conditions mean, what they may not do, and what cannot stop them.
 */
#include "tests/test.h"
#include "core/workflow/condition.h"

#include <pthread.h>
#include <time.h>

static const struct {
    const char *path;
    struct value value;
} fields[] = {
    { "total", { VALUE_NUMBER, "50000.01" } },
    { "discount", { VALUE_NUMBER, "0.1000" } },
    { "customer.code", { VALUE_TEXT, "ACME" } },
    { "name", { VALUE_TEXT, "北京公司" } },
    { "order_date", { VALUE_TEXT, "2026-02-27" } },
    { "paid", { VALUE_TRUE, NULL } },
    { "hold", { VALUE_FALSE, NULL } },
    { "@today", { VALUE_TEXT, "2026-03-01" } },
};

static struct value
value_of(const char *path)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!strcmp(fields[i].path, path))
            return fields[i].value;
    return (struct value){ VALUE_NIL, NULL };
}

/* "true", "false", "refused: ..." or "failed: ...". */
static const char *
outcome(struct arena *mem, const char *text)
{
    struct condition_error error;
    struct condition c;
    const char *why;
    bool holds;

    if (!condition_parse(mem, text, "sales_order", &c, &error))
        return arena_printf(mem, "refused %d: %s", error.at, error.message);
    struct value *values = arena_alloc(mem, (size_t)(c.npaths + 1) * sizeof *values);

    for (int i = 0; i < c.npaths; i++)
        values[i] = value_of(c.paths[i]);
    if (!condition_holds(mem, &c, values, &holds, &why))
        return arena_printf(mem, "failed: %s", why);
    return holds ? "true" : "false";
}

struct example {
    const char *text, *outcome;
};

static void
check_all(const struct example *examples, size_t n)
{
    struct arena *mem = arena_new();

    for (size_t i = 0; i < n; i++) {
        const char *is = outcome(mem, examples[i].text);

        if (strcmp(is, examples[i].outcome) != 0)
            printf("\n    %s", examples[i].text);
        CHECK_TEXT(is, examples[i].outcome);
    }
    arena_free(mem);
}
#define CHECK_ALL(list) check_all(list, sizeof(list) / sizeof *(list))

static void
conditions_mean_what_they_say(void)
{
    static const struct example examples[] = {
        { "order.total > 50000", "true" },
        { "record.total > 50000.01", "false" },
        { "order.total >= 50000.010", "true" },
        { "order.discount == 0.1", "true" },
        { "order.discount * 3 == 0.3", "true" },
        { "div(order.total, 3, 2) == 16666.67", "true" },
        { "-div(1, 2, 0) == -1 and round(2.5) == 3 and abs(-3) == 3", "true" },
        { "order.customer.code == 'ACME' and contains(order.customer.code, \"CM\")", "true" },
        { "contains(order.customer.code, '.')", "false" },
        { "starts(order.customer.code, 'AC') and ends(order.customer.code, 'ME')", "true" },
        { "lower(order.customer.code) == 'acme' and len(order.name) == 4", "true" },
        { "one_of(order.customer.code, 'B', 'ACME') and not order.hold and order.paid", "true" },
        { "days_between(order.order_date, today()) == 2", "true" },
        { "add_days(order.order_date, 2) == today() and order.order_date < today()", "true" },
        { "order.total .. ' ' .. 5 == '50000.01 5'", "true" },
        { "max(1, 3, 2) == 3 and min(order.total, 7) == 7", "true" },
    };

    CHECK_ALL(examples);
}

static void
what_is_empty_compares_as_false_and_breaks_nothing(void)
{
    static const struct example examples[] = {
        { "order.nothing.at.all == nil", "true" },
        { "order.nothing > 5 or order.nothing < 5 or 5 < order.nothing", "false" },
        { "order.nothing >= order.empty", "false" },
        { "order.nothing == order.empty", "true" },
        { "order.nothing ~= 'A'", "true" },
        { "(order.nothing or 0) + 1 == 1", "true" },
        { "contains(order.nothing, 'x')", "false" },
        { "days_between(order.nothing, today()) == nil", "true" },
        { "order.nothing < 'text'", "false" },
        { "order.nothing", "false" },
    };

    CHECK_ALL(examples);
}

static void
what_cannot_be_evaluated_is_neither_true_nor_false(void)
{
    static const struct example examples[] = {
        { "order.nothing + 1 > 0", "failed: an empty value cannot be calculated with" },
        { "order.total / 2 > 1", "failed: write div(a, b, digits) instead of a / b" },
        { "div(order.total, 0, 2) > 1", "failed: division by zero" },
        { "order.total > 'x'", "failed: a number can only be compared with a number" },
        { "order.customer.code * 2 > 1", "failed: only numbers can be calculated with" },
        { "order.total * 9999999999999999999999999999999999 > 1",
          "failed: the result has too many digits" },
        { "order.total", "failed: it says neither true nor false" },
        { "days_between(order.customer.code, today()) > 1", "failed: this text is not a date" },
    };

    CHECK_ALL(examples);
}

static void
what_is_no_condition_is_refused_with_its_place(void)
{
    static const struct example examples[] = {
        { "ordr.total > 1", "refused 1: Unknown name" },
        { "order.total > 1 and os.exit()", "refused 21: Unknown name" },
        { "order.total > limit", "refused 15: Unknown name" },
        { "(function() while true do end end)()", "refused 2: Unknown name" },
        { "order.total = 5", "refused 13: A condition is one expression; this has no place in it" },
        { "order:evil()", "refused 1: Name a field of the record, such as order.total" },
        { "('x'):rep(1000000000) == ''",
          "refused 6: A condition is one expression; this has no place in it" },
        { "#order.name > 3", "refused 1: A condition is one expression; this has no place in it" },
        { "{} == nil", "refused 1: A condition is one expression; this has no place in it" },
        { "order.total > 1 -- or so", "refused 17: A condition has no comments" },
        { "order.total >", "refused 14: Something is missing at the end" },
        { "order.total 5", "refused 13: An operator is missing here" },
        { "(order.total > 5", "refused 17: A bracket is not closed" },
        { "order.total > 5)", "refused 16: This bracket was never opened" },
        { "'北京' == order.name and ordr.total > 5", "refused 24: Unknown name" },
        { "order.name == 'open", "refused 15: This text has no end" },
        { "order.total > 0x10", "refused 15: This is not a number" },
        { "contains > 5", "refused 1: A bracket is missing after this function" },
        { "order.total > 5 or return", "refused 20: Unknown name" },
        { "", "refused 1: Something is missing at the end" },
    };

    CHECK_ALL(examples);
}

/* ---------------------------------------------------------------------------- the sandbox */

static const char *
run_raw(struct arena *mem, const char *source)
{
    struct chunk chunk = { chunk_serial(), source, NULL, 0 };
    const char *error = NULL;
    bool holds = false;

    if (sandbox_holds(mem, &chunk, NULL, 0, &holds, &error))
        return holds ? "true" : "false";
    return error;
}

/* Raw Lua, as if the reader of conditions had let it through. */
static void
no_bomb_runs_longer_or_larger_than_its_budget(void)
{
    static const struct example bombs[] = {
        { "while true do end", "it takes too many steps" },
        { "::a:: goto a", "it takes too many steps" },
        { "local s = 'x' while true do s = s .. s end", "it needs too much memory" },
        { "local t = {} for i = 1, 1e9 do t[i] = {} end", "it needs too much memory" },
    };
    struct arena *mem = arena_new();
    struct timespec before, after;

    clock_gettime(CLOCK_MONOTONIC, &before);
    for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++)
        CHECK_TEXT(run_raw(mem, bombs[i].text), bombs[i].outcome);
    CU_ASSERT_STRING_NOT_EQUAL(run_raw(mem, "local function f() return 1 + f() end return f()"),
                               "true");
    clock_gettime(CLOCK_MONOTONIC, &after);
    CU_ASSERT_TRUE(after.tv_sec - before.tv_sec < 5);
    CHECK_TEXT(run_raw(mem, "return 1 == 1"), "true"); /* the state is as good as new */
    arena_free(mem);
}

static void
the_sandbox_has_nothing_to_break_out_with(void)
{
    static const char *const names[] = {
        "os",           "io",           "load",   "loadstring", "dofile",
        "loadfile",     "require",      "debug",  "string",     "table",
        "package",      "coroutine",    "pcall",  "xpcall",     "collectgarbage",
        "getmetatable", "setmetatable", "rawget", "rawset",     "rawequal",
        "_G",           "print",        "error",  "select",
    };
    struct arena *mem = arena_new();

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK_TEXT(run_raw(mem, arena_printf(mem, "return %s == nil", names[i])), "true");
    CHECK_TEXT(run_raw(mem, "return ('x').rep == nil"),
               "attempt to index a string value (constant 'x')");
    CU_ASSERT_STRING_NOT_EQUAL(run_raw(mem, "\x1bLua"), "true"); /* bytecode */
    arena_free(mem);
}

static void *
evaluate_often(void *failures)
{
    struct arena *mem = arena_new();

    for (int i = 0; i < 300; i++)
        if (strcmp(outcome(mem, "order.total > 50000 and order.customer.code == 'ACME'"), "true"))
            ++*(int *)failures;
    arena_free(mem);
    return NULL;
}

static void
threads_evaluate_side_by_side(void)
{
    pthread_t threads[4];
    int failures[4] = { 0 };

    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, evaluate_often, &failures[i]);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        CU_ASSERT_EQUAL(failures[i], 0);
    }
}

const struct test condition_tests[] = {
    { "conditions mean what they say", conditions_mean_what_they_say },
    { "what is empty compares as false and breaks nothing",
      what_is_empty_compares_as_false_and_breaks_nothing },
    { "what cannot be evaluated is neither true nor false",
      what_cannot_be_evaluated_is_neither_true_nor_false },
    { "what is no condition is refused with its place",
      what_is_no_condition_is_refused_with_its_place },
    { "no bomb runs longer or larger than its budget",
      no_bomb_runs_longer_or_larger_than_its_budget },
    { "the sandbox has nothing to break out with", the_sandbox_has_nothing_to_break_out_with },
    { "threads evaluate side by side", threads_evaluate_side_by_side },
    { 0 },
};
