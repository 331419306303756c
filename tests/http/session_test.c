/*
 * session_test.c - who may come in: sign-in and its limits, sign-out, keys, passwords.
 */
#include "tests/http_server.h"
#include "tests/test.h"

#include <stdio.h>
#include <time.h>

#define AS(login, password) "{\"login\":\"" login "\",\"password\":\"" password "\"}"

static void
a_good_password_opens_a_session(void)
{
    struct client *c = http_client(http_server(), NULL);
    const struct answer *a = client_post(c, AS("ADMIN", HTTP_PASSWORD), "/api/session");

    CU_ASSERT_EQUAL(a->status, 201);
    CHECK_TEXT(answer_get(a, "user.login"), "admin");
    CHECK_TEXT(answer_get(a, "company.code"), "TEST");
    CHECK_TEXT(answer_get(a, "roles.0"), "admin");
    CU_ASSERT_PTR_NOT_NULL(answer_get(a, "expires_at"));
    CU_ASSERT_EQUAL(strlen(answer_get(a, "token")), 43);
    client_set_token(c, answer_get(a, "token"));
    a = client_get(c, "/api/session");
    CU_ASSERT_EQUAL(a->status, 200);
    CHECK_TEXT(answer_get(a, "user.login"), "admin");
    client_free(c);
}

static void
the_database_keeps_only_the_hash_of_a_token(void)
{
    const struct http_server *s = http_server();
    struct client *c = http_client(s, NULL);
    const struct answer *a = client_post(c, AS("admin", HTTP_PASSWORD), "/api/session");

    CHECK_TEXT(http_sql(s, "SELECT count(*) FROM session WHERE token_hash = sha256('%s')",
                        answer_get(a, "token")),
               "1");
    client_free(c);
}

static void
a_wrong_password_and_an_unknown_login_look_alike(void)
{
    struct client *c = http_client(http_server(), NULL);
    const struct answer *a = client_post(c, AS("viewer", "wrong password"), "/api/session");
    double wrong = a->ms;

    CU_ASSERT_EQUAL(a->status, 401);
    CHECK_TEXT(answer_get(a, "code"), "not_signed_in");
    CHECK_TEXT(answer_get(a, "detail"), "The login or the password is wrong");
    a = client_post(c, AS("nobody", "wrong password"), "/api/session");
    CU_ASSERT_EQUAL(a->status, 401);
    CHECK_TEXT(answer_get(a, "detail"), "The login or the password is wrong");
    CU_ASSERT_TRUE(a->ms > wrong / 4); /* the hash was computed for it too */
    client_free(c);
}

static void
a_sign_in_without_a_password_is_malformed(void)
{
    struct client *c = http_client(http_server(), NULL);

    CU_ASSERT_EQUAL(client_post(c, "{\"login\":\"admin\"}", "/api/session")->status, 400);
    CU_ASSERT_EQUAL(client_post(c, "{\"login\":7,\"password\":[]}", "/api/session")->status, 400);
    client_free(c);
}

static void
an_inactive_user_cannot_sign_in_nor_go_on(void)
{
    const struct http_server *s = http_server();
    struct client *c = http_client(s, "warehouse");

    CU_ASSERT_EQUAL(client_get(c, "/api/session")->status, 200);
    http_sql(s, "UPDATE app_user SET active = false WHERE login = 'warehouse'");
    CU_ASSERT_EQUAL(client_get(c, "/api/session")->status, 401);
    CU_ASSERT_EQUAL(client_post(c, AS("warehouse", HTTP_PASSWORD), "/api/session")->status, 401);
    http_sql(s, "UPDATE app_user SET active = true WHERE login = 'warehouse'");
    client_free(c);
}

static void
a_session_ends_by_signing_out_and_by_time(void)
{
    const struct http_server *s = http_server();
    struct client *c = http_client(s, "sales");

    CU_ASSERT_EQUAL(client_call(c, "DELETE", "/api/session", NULL)->status, 204);
    CU_ASSERT_EQUAL(client_get(c, "/api/session")->status, 401);
    CU_ASSERT_EQUAL(client_call(c, "DELETE", "/api/session", NULL)->status, 204);
    client_free(c);
    c = http_client(s, "sales");
    CU_ASSERT_EQUAL(client_get(c, "/api/session")->status, 200);
    http_sql(s,
             "UPDATE session SET expires_at = now() - interval '1 second'"
             " WHERE user_id = (SELECT id FROM app_user WHERE login = 'sales')");
    CU_ASSERT_EQUAL(client_get(c, "/api/session")->status, 401);
    client_free(c);
}

static void
a_made_up_token_is_no_session(void)
{
    struct client *c = http_client(http_server(), NULL);
    const struct answer *a = client_get(c, "/api/party");

    CU_ASSERT_EQUAL(a->status, 401);
    CHECK_TEXT(answer_get(a, "code"), "not_signed_in");
    client_set_token(c, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    CU_ASSERT_EQUAL(client_get(c, "/api/party")->status, 401);
    client_free(c);
}

/* ------------------------------------------------------------------------------- limits */

static void
a_login_is_tried_so_often_and_others_still_come_in(void)
{
    static const char *const options[] = { "--sign-in-per-login=3", "--sign-in-window=2s", NULL };
    struct http_server *s = http_server_start(options);
    struct client *c = http_client(s, NULL);
    const struct answer *a;

    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL(client_post(c, AS("sales", "wrong"), "/api/session")->status, 401);
    a = client_post(c, AS("SALES", HTTP_PASSWORD), "/api/session"); /* even the right one */
    CU_ASSERT_EQUAL(a->status, 429);
    CHECK_TEXT(answer_get(a, "code"), "too_many_requests");
    CU_ASSERT_EQUAL(client_post(c, AS("viewer", HTTP_PASSWORD), "/api/session")->status, 201);
    nanosleep(&(struct timespec){ .tv_sec = 2 }, NULL);
    CU_ASSERT_EQUAL(client_post(c, AS("sales", HTTP_PASSWORD), "/api/session")->status, 201);
    client_free(c);
    CU_ASSERT_EQUAL(http_server_stop(s), 0);
}

static void
an_address_tries_so_often_whatever_the_login(void)
{
    static const char *const options[] = { "--sign-in-per-address=4", NULL };
    struct http_server *s = http_server_start(options);
    struct client *c = http_client(s, NULL);
    char body[100];

    for (int i = 0; i < 4; i++) {
        snprintf(body, sizeof body, "{\"login\":\"user%d\",\"password\":\"wrong\"}", i);
        CU_ASSERT_EQUAL(client_post(c, body, "/api/session")->status, 401);
    }
    CU_ASSERT_EQUAL(client_post(c, AS("admin", HTTP_PASSWORD), "/api/session")->status, 429);
    client_free(c);
    CU_ASSERT_EQUAL(http_server_stop(s), 0);
}

static void
good_sign_ins_are_not_counted(void)
{
    static const char *const options[] = { "--sign-in-per-login=2", "--sign-in-per-address=2",
                                           NULL };
    struct http_server *s = http_server_start(options);
    struct client *c = http_client(s, NULL);

    for (int i = 0; i < 5; i++)
        CU_ASSERT_EQUAL(client_post(c, AS("admin", HTTP_PASSWORD), "/api/session")->status, 201);
    client_free(c);
    CU_ASSERT_EQUAL(http_server_stop(s), 0);
}

/* ------------------------------------------------------------------- keys and passwords */

static void
a_program_works_with_a_key_until_it_is_given_back(void)
{
    struct client *c = http_client(http_server(), "admin"),
                  *program = http_client(http_server(), NULL);
    const struct answer *a =
        client_post(c, "{\"name\":\"till\",\"login\":\"viewer\"}", "/api/api_key");

    CU_ASSERT_EQUAL(a->status, 201);
    client_set_token(program, answer_get(a, "token"));
    a = client_get(program, "/api/session");
    CU_ASSERT_EQUAL(a->status, 200);
    CHECK_TEXT(answer_get(a, "user.login"), "viewer");
    CU_ASSERT_EQUAL(client_call(program, "DELETE", "/api/session", NULL)->status, 204);
    CU_ASSERT_EQUAL(client_get(program, "/api/session")->status, 401);
    CU_ASSERT_EQUAL(client_post(c, "{}", "/api/api_key")->status, 422);
    CU_ASSERT_EQUAL(client_post(c, "{\"name\":\"x\",\"login\":\"nobody\"}", "/api/api_key")->status,
                    422);
    client_free(program);
    client_free(c);
}

static void
keys_are_listed_and_revoked_by_name(void)
{
    struct client *c = http_client(http_server(), "admin"),
                  *program = http_client(http_server(), NULL);
    const struct answer *a = client_post(c, "{\"name\":\"lost\"}", "/api/api_key");
    char path[60];

    client_set_token(program, answer_get(a, "token"));
    CU_ASSERT_EQUAL(client_get(program, "/api/session")->status, 200);
    a = client_get(c, "/api/api_key");
    CHECK_TEXT(answer_get(a, "rows.0.name"), "lost");
    CU_ASSERT_PTR_NULL(strstr(a->text, "token"));
    snprintf(path, sizeof path, "/api/api_key/%s", answer_get(a, "rows.0.id"));
    CU_ASSERT_EQUAL(client_call(c, "DELETE", path, NULL)->status, 204);
    CU_ASSERT_EQUAL(client_call(c, "DELETE", path, NULL)->status, 404);
    CU_ASSERT_EQUAL(client_get(program, "/api/session")->status, 401);
    client_free(program);
    client_free(c);
}

static void
only_those_who_may_make_keys(void)
{
    struct client *c = http_client(http_server(), "viewer");

    CU_ASSERT_EQUAL(client_post(c, "{\"name\":\"mine\"}", "/api/api_key")->status, 403);
    client_free(c);
}

static void
a_new_password_needs_the_old_one_and_ends_other_sessions(void)
{
    static const char *const options[] = { NULL };
    struct http_server *s = http_server_start(options);
    struct client *c = http_client(s, "sales"), *elsewhere = http_client(s, "sales");
    const struct answer *a;

    a = client_post(c, "{\"old_password\":\"wrong\",\"password\":\"another one\"}",
                    "/api/session/password");
    CU_ASSERT_EQUAL(a->status, 422);
    CHECK_TEXT(answer_get(a, "errors.0.field"), "old_password");
    a = client_post(c, "{\"old_password\":\"" HTTP_PASSWORD "\",\"password\":\"short\"}",
                    "/api/session/password");
    CU_ASSERT_EQUAL(a->status, 422);
    CHECK_TEXT(answer_get(a, "errors.0.field"), "password");
    CU_ASSERT_EQUAL(client_get(elsewhere, "/api/session")->status, 200);
    a = client_post(c, "{\"old_password\":\"" HTTP_PASSWORD "\",\"password\":\"another one\"}",
                    "/api/session/password");
    CU_ASSERT_EQUAL(a->status, 200);
    client_set_token(c, answer_get(a, "token"));
    CU_ASSERT_EQUAL(client_get(c, "/api/session")->status, 200);
    CU_ASSERT_EQUAL(client_get(elsewhere, "/api/session")->status, 401);
    CU_ASSERT_TRUE(client_sign_in(elsewhere, "sales", "another one"));
    client_free(c);
    client_free(elsewhere);
    CU_ASSERT_EQUAL(http_server_stop(s), 0);
}

/* ---------------------------------------------------------------------------- languages */

static void
before_sign_in_the_browser_chooses_the_language_then_the_user_does(void)
{
    struct client *c = http_client(http_server(), NULL);

    client_set_header(c, "Accept-Language: zh-CN,zh;q=0.9,en;q=0.8");
    CHECK_TEXT(answer_get(client_get(c, "/api/party"), "detail"), "请先登录");
    CHECK_TEXT(answer_get(client_get(c, "/api/party"), "title"), "未登录");
    client_set_header(c, "Accept-Language: fr, en;q=0.5");
    CHECK_TEXT(answer_get(client_get(c, "/api/party"), "detail"), "Sign in first");
    CU_ASSERT_TRUE(client_sign_in(c, "finance", HTTP_PASSWORD)); /* whose language is Chinese */
    CHECK_TEXT(answer_get(client_get(c, "/api/nothing"), "detail"), "此地址没有内容");
    client_free(c);
}

static void
a_user_works_for_his_companies_only(void)
{
    const struct http_server *s = http_server();
    struct client *c = http_client(s, "admin");
    const char *other = http_sql(s, "SELECT id FROM company WHERE code = 'OTHER'");
    char header[100];

    snprintf(header, sizeof header, "X-Tenon-Company: %s", other);
    client_set_header(c, header);
    CHECK_TEXT(answer_get(client_get(c, "/api/session"), "company.code"), "OTHER");
    client_set_header(c, "X-Tenon-Company: first");
    CU_ASSERT_EQUAL(client_get(c, "/api/session")->status, 400);
    client_free(c);
    c = http_client(s, "viewer");
    client_set_header(c, header);
    CU_ASSERT_EQUAL(client_get(c, "/api/session")->status, 403);
    client_free(c);
}

const struct test session_tests[] = {
    { "a good password opens a session", a_good_password_opens_a_session },
    { "the database keeps only the hash of a token", the_database_keeps_only_the_hash_of_a_token },
    { "a wrong password and an unknown login look alike",
      a_wrong_password_and_an_unknown_login_look_alike },
    { "a sign-in without a password is malformed", a_sign_in_without_a_password_is_malformed },
    { "an inactive user cannot sign in, nor go on", an_inactive_user_cannot_sign_in_nor_go_on },
    { "a session ends by signing out and by time", a_session_ends_by_signing_out_and_by_time },
    { "a made-up token is no session", a_made_up_token_is_no_session },
    { "a login is tried so often, and others still come in",
      a_login_is_tried_so_often_and_others_still_come_in },
    { "an address tries so often, whatever the login",
      an_address_tries_so_often_whatever_the_login },
    { "good sign-ins are not counted", good_sign_ins_are_not_counted },
    { "a program works with a key until it is given back",
      a_program_works_with_a_key_until_it_is_given_back },
    { "keys are listed and revoked by name", keys_are_listed_and_revoked_by_name },
    { "only those who may make keys", only_those_who_may_make_keys },
    { "a new password needs the old one and ends other sessions",
      a_new_password_needs_the_old_one_and_ends_other_sessions },
    { "before sign-in the browser chooses the language, then the user does",
      before_sign_in_the_browser_chooses_the_language_then_the_user_does },
    { "a user works for his companies only", a_user_works_for_his_companies_only },
    { 0 },
};
