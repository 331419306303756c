/*
 * Administration: users and their passwords, companies, reference data, what people have to do.
 */
#include "core/base/password.h"
#include "tests/test.h"

static const char *
user(struct rq *rq, const char *login)
{
    return test_sql(rq, "SELECT id FROM app_user WHERE login = '%s'", login);
}

/* Go on as another user of the same company. */
static void
become(struct rq *rq, const char *login)
{
    rq->user_id = user(rq, login);
    test_sql(rq, "SELECT set_config('tenon.user', '%s', true)", rq->user_id);
}

static void
a_user_signs_in_with_the_password_that_was_set(void)
{
    struct rq *rq = test_begin();
    const char *id =
        test_create(rq, "app_user",
                    "{\"login\": \"anna\", \"name\": \"Anna\", \"default_company_id\": %s,"
                    " \"user_roles\": [{\"role_id\": %s}]}",
                    rq->company_id, test_sql(rq, "SELECT id FROM role WHERE code = 'sales'"));

    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM user_company WHERE user_id = %s", id), "1");
    CU_ASSERT_TRUE(
        test_take(rq, "app_user", id, "set_password", "{\"password\": \"correct horse\"}"));
    const char *hash = test_sql(rq, "SELECT password FROM signin_lookup('Anna')");

    CU_ASSERT_TRUE(password_matches(hash, "correct horse"));
    CU_ASSERT_FALSE(password_matches(hash, "correct hors"));
    test_end(rq);
}

static void
a_weak_password_is_refused(void)
{
    struct rq *rq = test_begin();

    CU_ASSERT_FALSE(
        test_take(rq, "app_user", user(rq, "sales"), "set_password", "{\"password\": \"short\"}"));
    CHECK_TEXT(test_code(rq), "weak_password");
    test_end(rq);
}

static void
users_change_only_their_own_password_knowing_the_old_one(void)
{
    struct rq *rq = test_begin();
    static const char change[] =
        "{\"old_password\": \"first password\","
        " \"new_password\": \"second password\"}";

    CU_ASSERT_TRUE(test_take(rq, "app_user", user(rq, "sales"), "set_password",
                             "{\"password\": \"first password\"}"));
    become(rq, "sales");
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "app_user", user(rq, "admin"), "change_password", change));
    CHECK_TEXT(test_code(rq), "forbidden");
    test_recover(rq);
    test_mark(rq);
    CU_ASSERT_FALSE(
        test_take(rq, "app_user", user(rq, "sales"), "change_password",
                  "{\"old_password\": \"wrong\", \"new_password\": \"second password\"}"));
    CHECK_TEXT(test_code(rq), "wrong_password");
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "app_user", user(rq, "sales"), "change_password", change));
    CU_ASSERT_TRUE(password_matches(test_sql(rq, "SELECT password FROM signin_lookup('sales')"),
                                    "second password"));
    test_end(rq);
}

static void
the_last_administrator_stays(void)
{
    struct rq *rq = test_begin();
    const struct error *e;

    e = test_refused(rq, "DELETE FROM user_role WHERE user_id = app_user_id()");
    CHECK_TEXT(e ? e->code : NULL, "last_administrator");
    e = test_refused(rq, "UPDATE app_user SET active = false WHERE id = app_user_id()");
    CHECK_TEXT(e ? e->code : NULL, "last_administrator");
    e = test_refused(rq, "DELETE FROM permission WHERE entity = '*' AND action = '*'");
    CHECK_TEXT(e ? e->code : NULL, "last_administrator");
    test_sql(rq,
             "INSERT INTO user_role (user_id, role_id) SELECT u.id, r.id FROM app_user u, role r"
             " WHERE u.login = 'finance' AND r.code = 'admin' RETURNING id");
    CU_ASSERT_PTR_NULL(test_refused(rq, "DELETE FROM user_role WHERE user_id = app_user_id()"));
    test_end(rq);
}

static void
a_new_company_comes_with_all_that_its_modules_need(void)
{
    struct rq *rq = test_begin();
    const char *id =
        test_create(rq, "company",
                    "{\"code\": \"THIRD\", \"name\": \"Third Works\", \"name_zh\":"
                    " \"第三工厂\", \"currency_code\": \"CNY\", \"country_code\": \"CN\","
                    " \"time_zone\": \"Asia/Shanghai\"}");

    CHECK_TEXT(test_sql(rq, "SELECT app_company()"), rq->company_id);
    test_sql(rq, "SELECT context_set(app_user_id(), %s, 'test')", id);
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT (SELECT count(*) > 20 FROM account)"
                 " AND EXISTS (SELECT FROM account WHERE code = '1122')"
                 " AND EXISTS (SELECT FROM warehouse) AND EXISTS (SELECT FROM pipeline_stage)"
                 " AND EXISTS (SELECT FROM number_series WHERE code = 'lead')"
                 " AND EXISTS (SELECT FROM price_list WHERE currency_code = 'CNY')"
                 " AND EXISTS (SELECT FROM user_company WHERE user_id = app_user_id()"
                 "                AND company_id = app_company())"),
        "t");
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq, "UPDATE company SET currency_code = 'EUR' WHERE id = %s", id));
    test_end(rq);
}

static void
only_who_may_make_companies_sets_them_up(void)
{
    struct rq *rq = test_begin_as("sales", "TEST");
    const char *id = test_sql(rq,
                              "INSERT INTO company (code, name, currency_code)"
                              " VALUES ('SLY', 'Sly', 'USD') RETURNING id");
    const struct error *e = test_refused(rq, "SELECT company_set_up('{%s}')", id);

    CHECK_TEXT(e ? e->code : NULL, "forbidden");
    e = test_refused(
        rq, "SELECT user_companies_set(ARRAY[app_user_id()], ARRAY(SELECT id FROM company))");
    CHECK_TEXT(e ? e->code : NULL, "forbidden");
    test_end(rq);
}

static void
currencies_and_countries_are_complete(void)
{
    struct rq *rq = test_begin();

    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM country WHERE name_zh <> '' AND code3 <> ''"),
               "249");
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM currency WHERE scale <> currency_scale(code)"),
               "0");
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT string_agg(concat_ws(' ', code, number, scale, name_zh), ', ' ORDER BY code)"
            "  FROM currency WHERE code IN ('USD', 'JPY', 'KWD', 'CLF', 'CNY')"),
        "CLF 990 4 智利发展单位, CNY 156 2 人民币, JPY 392 0 日元, KWD 414 3 科威特第纳尔,"
        " USD 840 2 美元");
    CHECK_TEXT(test_sql(rq,
                        "SELECT count(*) FROM (SELECT number FROM country GROUP BY 1"
                        " HAVING count(*) > 1) x"),
               "0");
    test_end(rq);
}

static void
notifications_are_one_s_own(void)
{
    struct rq *rq = test_begin();

    for (int i = 0; i < 2; i++)
        CU_ASSERT_TRUE(db_exec(rq, "INSERT INTO notification (user_id, message) VALUES ($1, 'x')",
                               P(user(rq, i ? "admin" : "sales"))));
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM notification"), "1");
    become(rq, "sales");
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM notification"), "1");
    CU_ASSERT_TRUE(test_take(rq, "notification", test_sql(rq, "SELECT id FROM notification"),
                             "mark_read", NULL));
    CHECK_TEXT(test_sql(rq, "SELECT count(read_at) FROM notification"), "1");
    become(rq, "admin");
    CHECK_TEXT(test_sql(rq, "SELECT count(read_at) FROM notification"), "0");
    test_end(rq);
}

static void
an_activity_is_done_once(void)
{
    struct rq *rq = test_begin();
    const char *id = test_create(rq, "activity",
                                 "{\"kind\": \"call\", \"subject\": \"Call Maria\","
                                 " \"due_at\": \"2026-03-29T02:30:00+01:00\"}");

    CU_ASSERT_TRUE(test_take(rq, "activity", id, "done", NULL));
    const char *first = test_sql(rq, "SELECT done_at FROM activity WHERE id = %s", id);

    CU_ASSERT_PTR_NOT_NULL(first);
    test_sql(rq,
             "UPDATE activity SET done_at = done_at - interval '1 hour' WHERE id = %s RETURNING id",
             id);
    CU_ASSERT_TRUE(test_take(rq, "activity", id, "done", NULL));
    CHECK_TEXT(test_sql(rq, "SELECT done_at < now() FROM activity WHERE id = %s", id), "t");
    CU_ASSERT_TRUE(test_take(rq, "activity", id, "reopen", NULL));
    CHECK_TEXT(test_sql(rq, "SELECT done_at FROM activity WHERE id = %s", id), NULL);
    test_end(rq);
}

static void
an_unknown_operation_is_not_found(void)
{
    struct rq *rq = test_begin();
    const char *id = test_create(rq, "activity", "{\"subject\": \"Call\"}");

    CU_ASSERT_FALSE(test_take(rq, "activity", id, "explode", NULL));
    CHECK_TEXT(test_code(rq), "not_found");
    test_end(rq);
}

const struct test admin_tests[] = {
    { "a user signs in with the password that was set",
      a_user_signs_in_with_the_password_that_was_set },
    { "a weak password is refused", a_weak_password_is_refused },
    { "users change only their own password, knowing the old one",
      users_change_only_their_own_password_knowing_the_old_one },
    { "the last administrator stays", the_last_administrator_stays },
    { "a new company comes with all that its modules need",
      a_new_company_comes_with_all_that_its_modules_need },
    { "only who may make companies sets them up", only_who_may_make_companies_sets_them_up },
    { "currencies and countries are complete", currencies_and_countries_are_complete },
    { "notifications are one's own", notifications_are_one_s_own },
    { "an unknown operation is not found", an_unknown_operation_is_not_found },
    { "an activity is done once", an_activity_is_done_once },
    { 0 },
};
