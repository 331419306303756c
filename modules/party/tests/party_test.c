/*
 * What must hold for parties, attacked by plain SQL under the server's role.
 */
#include "tests/test.h"

static const char *
refusal(struct rq *rq, const char *sql)
{
    const struct error *e = test_refused(rq, "%s", sql);

    return e ? e->code : NULL;
}

static const char *
sentence(struct rq *rq, const char *sql)
{
    const struct error *e = test_refused(rq, "%s", sql);

    return e ? e->message : NULL;
}

static void
a_code_never_changes(void)
{
    struct rq *rq = test_begin();

    test_create(rq, "party", "{\"code\": \"ACME\", \"name\": \"Acme\"}");
    CHECK_TEXT(sentence(rq, "UPDATE party SET code = 'ACME2' WHERE code = 'ACME'"),
               "The code of a party never changes");
    test_sql(rq,
             "UPDATE party SET code = 'ACME', name = 'Acme Works' WHERE code = 'ACME'"
             " RETURNING name");
    test_end(rq);
}

static void
a_code_is_not_given_again_when_its_party_is_gone(void)
{
    struct rq *rq = test_begin();

    test_create(rq, "party", "{\"code\": \"ACME\", \"name\": \"Acme\"}");
    CHECK_TEXT(sentence(rq, "INSERT INTO party (code, name) VALUES ('ACME', 'Other')"),
               "Another party has this code already");
    CHECK_TEXT(refusal(rq, "INSERT INTO party (code, name) VALUES ('acme', 'Other')"), "code_used");
    test_sql(rq, "DELETE FROM party WHERE code = 'ACME' RETURNING code");
    CHECK_TEXT(refusal(rq, "INSERT INTO party (code, name) VALUES ('ACME', 'Other')"), "code_used");
    test_end(rq);
}

static void
codes_are_made_where_none_is_given(void)
{
    struct rq *rq = test_begin();

    test_create(rq, "party", "{\"name\": \"One\"}");
    test_create(rq, "party", "{\"name\": \"Two\"}");
    CHECK_TEXT(test_sql(rq,
                        "SELECT count(DISTINCT code) FROM party WHERE code ~ '^P[0-9]{6}$'"
                        " AND name IN ('One', 'Two')"),
               "2");
    test_end(rq);
}

static void
no_party_stands_above_itself(void)
{
    struct rq *rq = test_begin();

    test_sql(rq,
             "INSERT INTO party (code, name) VALUES ('A', 'A'), ('B', 'B'), ('C', 'C')"
             " RETURNING id");
    CHECK_TEXT(refusal(rq, "UPDATE party SET parent_id = id WHERE code = 'A'"), "circle");
    test_sql(rq,
             "UPDATE party SET parent_id = (SELECT id FROM party WHERE code = 'A')"
             " WHERE code = 'B' RETURNING id");
    test_sql(rq,
             "UPDATE party SET parent_id = (SELECT id FROM party WHERE code = 'B')"
             " WHERE code = 'C' RETURNING id");
    CHECK_TEXT(refusal(rq,
                       "UPDATE party SET parent_id = (SELECT id FROM party WHERE code = 'C')"
                       " WHERE code = 'A'"),
               "circle");
    /* Both at once, in one statement, each right when the other stays. */
    CHECK_TEXT(refusal(rq,
                       "UPDATE party p SET parent_id = q.id FROM party q"
                       " WHERE p.code IN ('A', 'C') AND q.code IN ('A', 'C')"
                       " AND q.code <> p.code"),
               "circle");
    /* New ones that guess each other's ids. */
    CHECK_TEXT(refusal(rq,
                       "INSERT INTO party (name, parent_id)"
                       " SELECT 'guess', m + 1 + n % 2 FROM (SELECT max(id) AS m FROM party) x,"
                       " generate_series(1, 2) n ORDER BY n DESC"),
               "circle");
    test_end(rq);
}

static void
phone_numbers_are_completed_with_the_country(void)
{
    static const char *const phones[][3] = {
        { "US", "(206) 555-9857", "+12065559857" },
        { "DE", "030-0074321", "+49300074321" },
        { "CN", "010 8888 9999 转 12", "+861088889999" },
        { "CN", "138-0013-8000", "+8613800138000" },
        { "FR", "+49 (0)30 0074321", "+49300074321" },
        { "GB", "0049 30 0074321", "+49300074321" },
        { "IT", "06 698 12345", "+390669812345" },
        { "RU", "8 (495) 123-45-67", "+74951234567" },
        { NULL, "030-0074321", "0300074321" },
        { "DE", "030-0074321 ext. 5", "+49300074321" },
        { "US", "1-206-555-9857", "+12065559857" },
    };
    struct rq *rq = test_begin();

    for (size_t i = 0; i < sizeof phones / sizeof *phones; i++) {
        const char *is = NULL;

        db_one(rq, "SELECT contact_normalize('phone', $2, $1)", P(phones[i][0], phones[i][1]),
               OUT(&is));
        CHECK_TEXT(is, phones[i][2]);
    }
    test_end(rq);
}

static void
a_phone_number_waits_for_its_country(void)
{
    struct rq *rq = test_begin();
    const char *id = test_create(rq, "party",
                                 "{\"name\": \"Acme\", \"contact_points\": [{\"kind\": \"phone\","
                                 " \"value\": \"030-0074321\"}, {\"kind\": \"email\","
                                 " \"value\": \"Info@Acme.EXAMPLE\"}]}");

    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(normalized, ' ' ORDER BY id) FROM contact_point"
                        " WHERE party_id = %s",
                        id),
               "0300074321 info@acme.example");
    CU_ASSERT_TRUE(
        entity_update(rq, "party", id, NULL,
                      "{\"addresses\": [{\"city\": \"Berlin\", \"country_code\": \"DE\"}]}"));
    CHECK_TEXT(test_sql(rq,
                        "SELECT normalized FROM contact_point"
                        " WHERE party_id = %s AND kind = 'phone'",
                        id),
               "+49300074321");
    CU_ASSERT_TRUE(entity_update(rq, "party", id, NULL, "{\"country_code\": \"AT\"}"));
    CHECK_TEXT(test_sql(rq,
                        "SELECT normalized FROM contact_point"
                        " WHERE party_id = %s AND kind = 'phone'",
                        id),
               "+43300074321");
    test_end(rq);
}

static void
what_is_no_phone_mail_or_iban_is_refused(void)
{
    struct rq *rq = test_begin();

    test_sql(rq, "INSERT INTO party (code, name) VALUES ('A', 'A') RETURNING id");
    CHECK_TEXT(sentence(rq,
                        "INSERT INTO contact_point (party_id, kind, value)"
                        " SELECT id, 'phone', 'call me' FROM party WHERE code = 'A'"),
               "This is not a phone number");
    CHECK_TEXT(sentence(rq,
                        "INSERT INTO contact_point (party_id, kind, value)"
                        " SELECT id, 'phone', '+0123' FROM party WHERE code = 'A'"),
               "This is not a phone number");
    CHECK_TEXT(sentence(rq,
                        "INSERT INTO contact_point (party_id, kind, value)"
                        " SELECT id, 'email', 'nobody' FROM party WHERE code = 'A'"),
               "This is not an e-mail address");
    CHECK_TEXT(sentence(rq,
                        "INSERT INTO party_bank_account (party_id, iban)"
                        " SELECT id, 'DE88370400440532013000' FROM party WHERE code = 'A'"),
               "The check digits of this IBAN are wrong");
    CHECK_TEXT(refusal(rq,
                       "INSERT INTO party_bank_account (party_id, iban)"
                       " SELECT id, 'DE89370400440532013000' FROM party WHERE code = 'A'"),
               NULL);
    CHECK_TEXT(sentence(rq,
                        "INSERT INTO party_address (party_id, is_default)"
                        " SELECT id, true FROM party, generate_series(1, 2) WHERE code = 'A'"),
               "Only one address can be the default for this purpose");
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq, "UPDATE contact_point SET normalized = '+1' WHERE false"));
    test_end(rq);
}

/* ----------------------------------------------------------------------------- duplicates */

static void
somebody_known_is_recognised(void)
{
    static const char *const asked[][3] = {
        { "'Alfreds Futterkiste AG'", "", "name" },
        { "'alfred''s futterkiste'", "", "name" },
        { "'Alfreds Futterkisten'", "", "name" },
        { "'华星贸易公司'", "", "name" },
        { "'somebody'", ", tax_id => 'de 123-456'", "tax_id" },
        { "'somebody'", ", phone => '+49 30 0074321'", "phone" },
        { "'somebody'", ", phone => '030 / 0074321', country => 'DE'", "phone" },
        { "'somebody'", ", email => 'MARIA@futter.example'", "email" },
        { "'Alpine Fruit Company'", "", NULL },
        { "'华北钢铁有限公司'", "", NULL },
        { "'somebody'", ", phone => '030 / 0074321', country => 'AT'", NULL },
    };
    struct rq *rq = test_begin();

    test_create(rq, "party",
                "{\"name\": \"Alfreds Futterkiste GmbH\", \"tax_id\": \"DE123456\","
                " \"country_code\": \"DE\", \"contact_points\": ["
                "{\"kind\": \"phone\", \"value\": \"030-0074321\"},"
                "{\"kind\": \"email\", \"value\": \"Maria@Futter.example\"}]}");
    test_create(rq, "party",
                "{\"name\": \"Huaxing Trading\","
                " \"name_zh\": \"华星贸易有限公司\"}");
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        CHECK_TEXT(test_sql(rq, "SELECT max(reason) FROM party_duplicates(%s%s)", asked[i][0],
                            asked[i][1]),
                   asked[i][2]);
    test_end(rq);
}

static void
a_new_party_shows_whom_it_may_be(void)
{
    struct rq *rq = test_begin();
    const char *first = test_create(rq, "party", "{\"name\": \"Northern Lights Ltd\"}");
    const char *second = test_create(rq, "party", "{\"name\": \"Northern Lights Inc.\"}");

    CHECK_TEXT(test_sql(rq, "SELECT possible_duplicates FROM party_fact WHERE id = %s", second),
               "1");
    CHECK_TEXT(test_sql(rq, "SELECT duplicate_id FROM party_duplicate WHERE party_id = %s", second),
               first);
    test_end(rq);
}

const struct test party_tests[] = {
    { "a code never changes", a_code_never_changes },
    { "a code is not given again when its party is gone",
      a_code_is_not_given_again_when_its_party_is_gone },
    { "codes are made where none is given", codes_are_made_where_none_is_given },
    { "no party stands above itself", no_party_stands_above_itself },
    { "phone numbers are completed with the country",
      phone_numbers_are_completed_with_the_country },
    { "a phone number waits for its country", a_phone_number_waits_for_its_country },
    { "what is no phone, mail or IBAN is refused", what_is_no_phone_mail_or_iban_is_refused },
    { "somebody known is recognised", somebody_known_is_recognised },
    { "a new party shows whom it may be", a_new_party_shows_whom_it_may_be },
    { 0 },
};
