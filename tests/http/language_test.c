/*
 * language_test.c - lists and records speak the user's language from the first round trip on,
 * in which the server does not know it yet.
 */
#include "tests/http_server.h"
#include "tests/test.h"

static void
what_lists_and_records_name_is_in_the_users_language(void)
{
    const struct http_server *s = http_server();
    const char *id = http_sql(s,
                              "INSERT INTO party (name, name_zh) VALUES ('River', '江河')"
                              " RETURNING id");
    const char *child = http_sql(s,
                                 "INSERT INTO party (name, parent_id) VALUES ('Brook', %s)"
                                 " RETURNING id",
                                 id);

    http_sql(s, "UPDATE app_user SET language = 'zh' WHERE login = 'viewer'");
    struct client *zh = http_client(s, "viewer"), *en = http_client(s, "admin");
    const struct answer *a =
        client_get(zh, "/api/party?id=eq.%s&select=parent_id,parent.name", child);

    CU_ASSERT_EQUAL(a->status, 200);
    CHECK_TEXT(answer_get(a, "rows.0.parent.name"), "江河");
    a = client_get(en, "/api/party?id=eq.%s&select=parent_id", child);
    CHECK_TEXT(answer_get(a, "rows.0.parent.name"), "River");
    a = client_get(zh, "/api/party/%s", child);
    CHECK_TEXT(answer_get(a, "parent.name"), "江河");
    a = client_get(en, "/api/party/%s", child);
    CHECK_TEXT(answer_get(a, "parent.name"), "River");
    a = client_get(zh, "/api/party/%s/history", child);
    CHECK_TEXT(answer_get(a, "rows.0.changes.0.label"), "编码");
    a = client_get(zh, "/api/party/999999999");
    CU_ASSERT_EQUAL(a->status, 404);
    CHECK_TEXT(answer_get(a, "detail"), "没有这条记录");
    a = client_get(zh, "/api/party?nothing=eq.1");
    CU_ASSERT_EQUAL(a->status, 400);
    CHECK_TEXT(answer_get(a, "errors.0.message"), "没有字段 nothing");
    http_sql(s, "UPDATE app_user SET language = 'en' WHERE login = 'viewer'");
    client_free(zh);
    client_free(en);
}

const struct test language_tests[] = {
    { "what lists and records name is in the user's language",
      what_lists_and_records_name_is_in_the_users_language },
    { 0 },
};
