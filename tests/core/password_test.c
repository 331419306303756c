/*
 * password_test.c - what a stolen table of hashes and a curious caller learn: nothing.
 */
#include "core/base/password.h"
#include "tests/test.h"

#include <string.h>
#include <time.h>

static void
a_password_matches_its_own_hash_and_no_other(void)
{
    struct arena *mem = arena_new();
    const char *hash = password_hash(mem, "correct horse");

    CU_ASSERT_PTR_NOT_NULL_FATAL(hash);
    CU_ASSERT_TRUE(password_matches(hash, "correct horse"));
    CU_ASSERT_FALSE(password_matches(hash, "correct horsf"));
    CU_ASSERT_FALSE(password_matches(hash, ""));
    CU_ASSERT_FALSE(password_matches("not a hash", "correct horse"));
    arena_free(mem);
}

static void
two_hashes_of_one_password_differ_and_name_their_parameters(void)
{
    struct arena *mem = arena_new();
    const char *one = password_hash(mem, "correct horse");
    const char *two = password_hash(mem, "correct horse");

    CU_ASSERT_STRING_NOT_EQUAL(one, two);
    CU_ASSERT_PTR_NOT_NULL(strstr(one, "$argon2id$v=19$m=19456,t=2,p=1$"));
    arena_free(mem);
}

static void
a_password_that_is_too_short_or_too_long_has_no_hash(void)
{
    struct arena *mem = arena_new();
    char *longest = arena_alloc(mem, PASSWORD_MAX + 2);

    CU_ASSERT_PTR_NULL(password_hash(mem, "1234567"));
    CU_ASSERT_PTR_NOT_NULL(password_hash(mem, "12345678"));
    memset(longest, 'x', PASSWORD_MAX + 1);
    CU_ASSERT_PTR_NULL(password_hash(mem, longest));
    CU_ASSERT_FALSE(password_matches(NULL, longest));
    arena_free(mem);
}

static long
cpu_us(const char *hash, const char *password)
{
    clock_t before = clock();

    CU_ASSERT_FALSE(password_matches(hash, password));
    return (long)((clock() - before) * 1000000 / CLOCKS_PER_SEC);
}

static void
an_unknown_login_takes_as_long_as_a_wrong_password(void)
{
    struct arena *mem = arena_new();
    const char *hash = password_hash(mem, "correct horse");
    long known = cpu_us(hash, "wrong horse"), unknown = cpu_us(NULL, "wrong horse");

    CU_ASSERT_TRUE(unknown > known / 3);
    CU_ASSERT_TRUE(unknown < known * 3);
    arena_free(mem);
}

const struct test password_tests[] = {
    { "a password matches its own hash and no other",
      a_password_matches_its_own_hash_and_no_other },
    { "two hashes of one password differ and name their parameters",
      two_hashes_of_one_password_differ_and_name_their_parameters },
    { "a password that is too short or too long has no hash",
      a_password_that_is_too_short_or_too_long_has_no_hash },
    { "an unknown login takes as long as a wrong password",
      an_unknown_login_takes_as_long_as_a_wrong_password },
    { 0 },
};
