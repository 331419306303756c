/*
 * conf_test.c - settings: which place wins, and what is refused.
 */
#include "core/base/conf.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct conf_setting table[] = {
    { "conf_test_name", CONF_TEXT, "nobody", "a name" },
    { "conf_test_size", CONF_BYTES, "64K", "a size" },
    { "conf_test_time", CONF_SECONDS, "15m", "a time" },
    { "conf_test_many", CONF_NUMBER, NULL, "a number" },
    { "conf_test_on", CONF_SWITCH, "no", "a switch" },
    { 0 },
};

static void
defaults_stand_until_something_is_set(void)
{
    struct arena *mem = arena_new();
    const struct conf *c = conf_new(mem, table);

    CHECK_TEXT(conf_text(c, "conf_test_name"), "nobody");
    CU_ASSERT_EQUAL(conf_number(c, "conf_test_size"), 65536);
    CU_ASSERT_EQUAL(conf_number(c, "conf_test_time"), 900);
    CHECK_TEXT(conf_text(c, "conf_test_many"), NULL);
    CU_ASSERT_FALSE(conf_on(c, "conf_test_on"));
    arena_free(mem);
}

static const char *
file_with(struct arena *mem, const char *text)
{
    const char *path = arena_printf(mem, "%s/conf_test.conf", test_folder());
    FILE *f = fopen(path, "w");

    fputs(text, f);
    fclose(f);
    return path;
}

static void
the_command_line_wins_over_the_environment_and_that_over_the_file(void)
{
    struct arena *mem = arena_new();
    struct conf *c = conf_new(mem, table);
    const char *error = NULL;
    char *argv[] = { "serve", "--conf-test-time=2h", "--conf-test-on", "--conf-test-many", "7",
                     "more" };
    int words;

    CU_ASSERT_TRUE(conf_file(c,
                             file_with(mem,
                                       "# comment\n\n conf_test_name = file \nconf_test_size=1\n"
                                       "conf_test_time = 1d"),
                             &error));
    setenv("TENON_CONF_TEST_SIZE", "2M", 1);
    setenv("TENON_CONF_TEST_TIME", "3", 1);
    CU_ASSERT_TRUE(conf_environment(c, &error));
    unsetenv("TENON_CONF_TEST_SIZE");
    unsetenv("TENON_CONF_TEST_TIME");
    CU_ASSERT_TRUE(conf_arguments(c, 6, argv, &words, &error));
    CHECK_TEXT(conf_text(c, "conf_test_name"), "file");
    CU_ASSERT_EQUAL(conf_number(c, "conf_test_size"), 2 << 20);
    CU_ASSERT_EQUAL(conf_number(c, "conf_test_time"), 7200);
    CU_ASSERT_EQUAL(conf_number(c, "conf_test_many"), 7);
    CU_ASSERT_TRUE(conf_on(c, "conf_test_on"));
    CU_ASSERT_EQUAL(words, 2);
    CHECK_TEXT(argv[0], "serve");
    CHECK_TEXT(argv[1], "more");
    arena_free(mem);
}

static void
what_does_not_fit_is_refused_with_its_place(void)
{
    static const char *const bad[][2] = {
        { "conf_test_size", "64X" },       { "conf_test_size", "-1" },
        { "conf_test_size", "" },          { "conf_test_time", "soon" },
        { "conf_test_many", "1K" },        { "conf_test_many", "7 " },
        { "conf_test_on", "perhaps" },     { "conf_test_nothing", "1" },
        { "conf_test_size", "99999999G" },
    };
    struct arena *mem = arena_new();
    struct conf *c = conf_new(mem, table);
    const char *error = NULL;
    char *alone[] = { "--conf-test-many" };
    int words;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error = NULL;
        CU_ASSERT_FALSE(conf_set(c, bad[i][0], bad[i][1], &error));
        CU_ASSERT_PTR_NOT_NULL(error ? strstr(error, bad[i][0]) : NULL);
    }
    CU_ASSERT_FALSE(conf_file(c, file_with(mem, "conf_test_name = a\nconf_test_size\n"), &error));
    CU_ASSERT_PTR_NOT_NULL(strstr(error, "line 2"));
    CU_ASSERT_FALSE(conf_file(c, "/nowhere/at/all", &error));
    CU_ASSERT_FALSE(conf_arguments(c, 1, alone, &words, &error));
    arena_free(mem);
}

const struct test conf_tests[] = {
    { "defaults stand until something is set", defaults_stand_until_something_is_set },
    { "the command line wins over the environment, and that over the file",
      the_command_line_wins_over_the_environment_and_that_over_the_file },
    { "what does not fit is refused with its place", what_does_not_fit_is_refused_with_its_place },
    { 0 },
};
