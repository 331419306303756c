/*
 * base_test.c - memory, text, translations, errors.
 */
#include "tests/test.h"
#include "core/base/str.h"
#include "core/base/tr.h"

static int deferred;

static void
count_up(void *step)
{
    deferred = deferred * 10 + *(int *)step;
}

static void
an_arena_runs_what_was_deferred_newest_first(void)
{
    struct arena *a = arena_new();
    int one = 1, two = 2;

    deferred = 0;
    arena_defer(a, count_up, &one);
    arena_defer(a, count_up, &two);
    arena_reset(a);
    CU_ASSERT_EQUAL(deferred, 21);
    arena_reset(a);
    CU_ASSERT_EQUAL(deferred, 21);
    arena_free(a);
}

static void
an_arena_gives_zeroed_memory_again_after_a_reset(void)
{
    struct arena *a = arena_new();
    char *first = arena_alloc(a, 100);

    memset(first, 'x', 100);
    arena_reset(a);
    char *again = arena_alloc(a, 100);

    CU_ASSERT_PTR_EQUAL(first, again);
    for (int i = 0; i < 100; i++)
        CU_ASSERT_EQUAL(again[i], 0);
    arena_free(a);
}

static void
text_grows_past_a_block_and_keeps_every_byte(void)
{
    struct arena *a = arena_new();
    struct str s = str_new(a);

    for (int i = 0; i < 100000; i++)
        str_char(&s, (char)('a' + i % 26));
    CU_ASSERT_EQUAL(s.len, 100000);
    CU_ASSERT_EQUAL(s.text[99999], 'a' + 99999 % 26);
    CU_ASSERT_EQUAL(s.text[100000], 0);
    arena_free(a);
}

static void
json_text_escapes_quotes_and_controls(void)
{
    struct arena *a = arena_new();
    struct str s = str_new(a);

    str_json(&s, "a\"b\\c\n\x01 中");
    CHECK_TEXT(s.text, "\"a\\\"b\\\\c\\u000a\\u0001 中\"");
    arena_free(a);
}

static void
overlong_and_surrogate_bytes_are_not_utf8(void)
{
    CU_ASSERT_TRUE(str_is_utf8("中文 é 😀", strlen("中文 é 😀")));
    CU_ASSERT_FALSE(str_is_utf8("\xc0\xaf", 2));
    CU_ASSERT_FALSE(str_is_utf8("\xed\xa0\x80", 3));
    CU_ASSERT_FALSE(str_is_utf8("\xf4\x90\x80\x80", 4));
    CU_ASSERT_FALSE(str_is_utf8("\xe4\xb8", 2));
    CU_ASSERT_FALSE(str_is_utf8("a\0b", 3));
}

static void
a_word_is_found_only_whole(void)
{
    CU_ASSERT_TRUE(str_word_in("draft quoted", "quoted"));
    CU_ASSERT_FALSE(str_word_in("draft quoted", "quote"));
    CU_ASSERT_FALSE(str_word_in("draft", ""));
    CU_ASSERT_FALSE(str_word_in(NULL, "draft"));
}

static void
a_translation_with_other_conversions_is_not_taken(void)
{
    tr_load("xx",
            "msgid \"Over by %s\"\nmsgstr \"Zu viel: %d\"\n\n"
            "msgid \"%s of %s\"\nmsgstr \"%2$s: %1$s\"\n\n"
            "msgid \"%d of %s\"\nmsgstr \"%1$s: %2$d\"\n\n"
            "msgid \"Add a line\"\nmsgstr \"Zeile \"\n\"fehlt\"\n");
    CHECK_TEXT(tr_find("xx", "Over by %s"), "Over by %s");
    CHECK_TEXT(tr_find("xx", "%s of %s"), "%2$s: %1$s");
    CHECK_TEXT(tr_find("xx", "%d of %s"), "%d of %s");
    CHECK_TEXT(tr_find("xx", "Add a line"), "Zeile fehlt");
    CHECK_TEXT(tr_find("xx", "Unknown"), "Unknown");
    CHECK_TEXT(tr_find("en", "Add a line"), "Add a line");
}

/* Each of these would make printf read an argument as something else. */
static void
a_translation_that_would_crash_printf_is_not_taken(void)
{
    static const char *const wrong[] = { "%2$s %2$d %1$s", "%ls: %d", "%1$s: %d",
                                         "%s: %2$d",       "%s: %*d", "%2147483649$s %d",
                                         "%s: %d %",       "%s: %ld" };
    struct arena *mem = arena_new();

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        tr_load("xx", arena_printf(mem, "msgid \"%%s has %%d\"\nmsgstr \"%s\"\n", wrong[i]));
        CHECK_TEXT(tr_find("xx", "%s has %d"), "%s has %d");
    }
    tr_load("xx", "msgid \"%s has %d\"\nmsgstr \"100 %% %2$5d: %1$s\"\n");
    CHECK_TEXT(tr_find("xx", "%s has %d"), "100 %% %2$5d: %1$s");
    arena_free(mem);
}

static void
a_code_that_modules_invent_is_a_rule_that_said_no(void)
{
    CU_ASSERT_EQUAL(error_status("stale"), 412);
    CU_ASSERT_EQUAL(error_status("credit_limit_exceeded"), 422);
}

const struct test base_tests[] = {
    { "an arena runs what was deferred, newest first",
      an_arena_runs_what_was_deferred_newest_first },
    { "an arena gives zeroed memory again after a reset",
      an_arena_gives_zeroed_memory_again_after_a_reset },
    { "text grows past a block and keeps every byte",
      text_grows_past_a_block_and_keeps_every_byte },
    { "JSON text escapes quotes and controls", json_text_escapes_quotes_and_controls },
    { "overlong and surrogate bytes are not UTF-8", overlong_and_surrogate_bytes_are_not_utf8 },
    { "a word is found only whole", a_word_is_found_only_whole },
    { "a translation with other conversions is not taken",
      a_translation_with_other_conversions_is_not_taken },
    { "a translation that would crash printf is not taken",
      a_translation_that_would_crash_printf_is_not_taken },
    { "a code that modules invent is a rule that said no",
      a_code_that_modules_invent_is_a_rule_that_said_no },
    { 0 },
};
