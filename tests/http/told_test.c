/*
 * told_test.c - what a client is told although its user becomes known only with the first
 * round trip: in his language, and at the cost of a look.
 */
#include "tests/http_server.h"
#include "tests/test.h"

static bool
in_chinese(const char *text)
{
    for (; text && *text; text++)
        if ((unsigned char)*text >= 0xe4 && (unsigned char)*text <= 0xe9)
            return true;
    return false;
}

static void
every_kind_of_error_is_told_in_the_user_s_language(void)
{
    static const char *const wrong[] = {
        "{\"kind\": \"receipt\", \"party_id\": 999999999, \"amount\": \"1\"}",
        "{\"kind\": \"receipt\", \"party_id\": 1, \"amount\": \"much\"}",
        "{\"kind\": \"gift\", \"party_id\": 1, \"amount\": \"1\"}",
        "{\"kind\": \"receipt\", \"surprise\": 1}",
        "{}",
    };
    struct client *c = http_client(http_server(), "finance");

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct answer *a = client_post(c, wrong[i], "/api/payment");

        if (!in_chinese(answer_get(a, "errors.0.message")))
            printf("\n    %s: %s", wrong[i], a->text);
        CU_ASSERT_EQUAL(a->status, 422);
        CU_ASSERT_TRUE(in_chinese(answer_get(a, "errors.0.message")));
    }
    client_free(c);
}

static void
a_repeat_is_answered_after_one_look(void)
{
    static const char body[] = "{\"code\": \"TWICE\", \"name\": \"Said twice\"}";
    struct client *c = http_client(http_server(), "admin");

    client_next_key(c, "told-twice");
    CU_ASSERT_EQUAL(client_post(c, body, "/api/party")->status, 201);
    client_next_key(c, "told-twice");
    const struct answer *again = client_post(c, body, "/api/party");

    CU_ASSERT_EQUAL(again->status, 201);
    CHECK_TEXT(answer_get(again, "code"), "TWICE");
    CU_ASSERT_TRUE(again->syncs > 0 && again->syncs <= 3);
    client_free(c);
}

const struct test told_tests[] = {
    { "every kind of error is told in the user's language",
      every_kind_of_error_is_told_in_the_user_s_language },
    { "a repeat is answered after one look", a_repeat_is_answered_after_one_look },
    { 0 },
};
