/*
 * entity_test.c - records are created and read by the generic verbs.
 */
#include "tests/core/entity_fixture.h"

/* ------------------------------------------------------------------ create */

static void
ids_come_in_the_order_of_the_documents_and_parts_find_theirs(void)
{
    struct rq *rq = test_begin();
    const char *ids = entity_insert(
        rq, "party",
        "[{\"name\": \"One\", \"addresses\": [{\"city\": \"1a\"}, {\"city\": \"1b\"}]},"
        " {\"name\": \"Two\"},"
        " {\"name\": \"Three\", \"addresses\": [{\"city\": \"3a\", \"region\": \"r\"}],"
        "  \"contact_points\": [{\"kind\": \"web\", \"value\": \"example.com\"}]}]");

    CU_ASSERT_PTR_NOT_NULL_FATAL(ids);
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(name || ':' || coalesce((SELECT string_agg(city, ','"
                        " ORDER BY a.id) FROM party_address a WHERE party_id = p.id), '-'), ' '"
                        " ORDER BY n) FROM unnest('%s'::bigint[]) WITH ORDINALITY u(id, n)"
                        " JOIN party p USING (id)",
                        ids),
               "One:1a,1b Two:- Three:3a");
    test_end(rq);
}

static void
creating_takes_two_round_trips_however_many_lines_there_are(void)
{
    struct rq *rq = test_begin();
    struct str s = str_new(rq->mem);

    acme(rq); /* so that nothing is read for the first time below */
    db_flush(rq);
    str_add(&s, "[{\"name\": \"Many\", \"addresses\": [{\"city\": \"0\"}");
    for (int i = 1; i < 200; i++)
        str_printf(&s, ",{\"city\": \"%d\"}", i);
    str_add(&s, "]}]");
    int before = db_syncs(rq->db);

    CU_ASSERT_PTR_NOT_NULL(entity_insert(rq, "party", s.text));
    CU_ASSERT_TRUE(db_syncs(rq->db) - before <= 2); /* the other one: the rules of "created" */
    test_end(rq);
}

static void
nothing_in_a_field_is_null_or_its_default(void)
{
    struct rq *rq = test_begin();
    const char *id = test_create(rq, "party",
                                 "{\"name\": \"A\", \"language\": \"\", \"kind\": null,"
                                 " \"tax_id\": \"\", \"is_customer\": null, \"parent_id\": \"\"}");

    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', kind, language, is_customer, tax_id IS NULL,"
                        " parent_id IS NULL, created_by = %s) FROM party WHERE id = %s",
                        rq->user_id, id),
               "organisation en f t t t");
    test_end(rq);
}

static void
all_wrong_values_are_listed_with_their_places(void)
{
    struct rq *rq = test_begin();

    CHECK_TEXT(refused(rq, "party",
                       "{\"name\": \"A\", \"is_customer\": \"perhaps\", \"parent_id\": \"x\","
                       " \"country_code\": \"Germany\", \"addresses\": [{\"city\": \"fine\"},"
                       " {\"country_code\": \"usa\", \"is_default\": \"no idea\"}]}"),
               "invalid is_customer\ninvalid parent_id\ninvalid country_code\n"
               "invalid addresses[1].country_code\ninvalid addresses[1].is_default");
    CHECK_TEXT(refused(rq, "activity",
                       "{\"subject\": \"Call\", \"due_at\": \"2026-02-30T10:00:00Z\","
                       " \"record_id\": \"99999999999999999999\", \"assignee_id\": \"1.5\"}"),
               "invalid due_at\ninvalid record_id\ninvalid assignee_id");
    test_end(rq);
}

static void
what_is_missing_is_listed_all_at_once(void)
{
    struct rq *rq = test_begin();

    CHECK_TEXT(refused(rq, "party",
                       "{\"contact_points\": [{\"kind\": \"email\", \"value\": \"a@example.com\"},"
                       " {}, {\"kind\": \"\", \"value\": null}]}"),
               "required contact_points[1].value\nrequired contact_points[1].kind\n"
               "required contact_points[2].value\nrequired contact_points[2].kind\n"
               "required name");
    test_end(rq);
}

static void
unknown_and_read_only_fields_are_refused(void)
{
    struct rq *rq = test_begin();

    CHECK_TEXT(refused(rq, "party",
                       "{\"name\": \"A\", \"nmae\": \"B\", \"id\": 7, \"version\": 3,"
                       " \"created_by\": 1, \"search_terms\": [], \"parent\": {\"id\": 1},"
                       " \"addresses\": [{\"party_id\": 1, \"town\": \"X\"}], \"lines\": []}"),
               "unknown_field nmae\nunknown_field id\nunknown_field version\n"
               "unknown_field created_by\nunknown_field search_terms\nunknown_field parent\n"
               "unknown_field addresses[0].party_id\nunknown_field addresses[0].town\n"
               "unknown_field lines");
    CHECK_TEXT(refused(rq, "sales_order", "{\"state\": \"confirmed\", \"workflow_id\": 1}"),
               "unknown_field state\nunknown_field workflow_id\nrequired customer_id");
    test_end(rq);
}

static void
a_constraint_names_the_line_that_it_stops(void)
{
    struct rq *rq = test_begin();

    CHECK_TEXT(refused(rq, "party",
                       "{\"name\": \"A\", \"addresses\": [{\"purpose\": \"billing\"},"
                       " {\"purpose\": \"nonsense\"}, {\"country_code\": \"QQ\"}]}"),
               "invalid addresses[1].purpose\nunknown_reference addresses[2].country_code");
    CHECK_TEXT(refused(rq, "party", "{\"name\": \" \", \"addresses\": [{\"city\": \"X\"}]}"),
               "invalid name");
    CHECK_TEXT(refused(rq, "party",
                       "{\"name\": \"A\", \"addresses\": [{\"is_default\": true},"
                       " {\"is_default\": true}]}"),
               "duplicate party_id");
    test_end(rq);
}

static void
the_sentence_of_the_constraint_is_in_the_users_language(void)
{
    struct rq *rq = test_begin();

    rq->language = "zh";
    test_mark(rq);
    entity_insert(rq, "party", "[{\"name\": \" \"}]");
    CU_ASSERT_TRUE(rq->errors && strcmp(rq->errors->message, "Give the party a name") != 0);
    test_recover(rq);
    test_end(rq);
}

/* ------------------------------------------------------------------ odd bodies */

static void
odd_json_is_refused_and_never_stored(void)
{
    static const char *const bodies[][2] = {
        { "{\"name\": {\"a\": 1}}", "invalid name" },
        { "{\"name\": [\"a\"]}", "invalid name" },
        { "{\"name\": true}", "invalid name" },
        { "{\"name\": \"a\", \"name\": \"b\"}", "malformed name" },
        { "{\"name\": \"a\", \"is_customer\": 1}", "invalid is_customer" },
        { "{\"name\": \"a\", \"addresses\": {}}", "malformed addresses" },
        { "{\"name\": \"a\", \"addresses\": [1, null, []]}",
          "malformed addresses[0]\nmalformed addresses[1]\nmalformed addresses[2]" },
        { "{\"name\": \"a\\u0000b\"}", "invalid name" },
        { "{\"name\": \"a\", \"parent_id\": 1e400}", "invalid parent_id" },
        { "{\"name\": \"a\", \"parent_id\": -0.5}", "invalid parent_id" },
        { "{\"name\": \"a\", \"__proto__\": {}}", "unknown_field __proto__" },
        { "{\"\": 1, \"name\": \"a\"}", "unknown_field " },
        { "7", "malformed " },
        { "null", "malformed " },
    };
    struct rq *rq = test_begin();

    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        CHECK_TEXT(refused(rq, "party", bodies[i][0]), bodies[i][1]);
    CHECK_TEXT(refused(rq, "party", "{\"name\": \"a\"}] trailing ["), "malformed ");
    CHECK_TEXT(refused(rq, "party", "{\"name\": \"a\""), "malformed ");
    test_end(rq);
}

static void
deep_json_is_refused(void)
{
    struct rq *rq = test_begin();
    struct str s = str_new(rq->mem);

    for (int i = 0; i < 100000; i++)
        str_add(&s, "{\"addresses\":[");
    CHECK_TEXT(refused(rq, "party", s.text), "malformed ");
    test_end(rq);
}

static void
values_stay_text_whatever_they_hold(void)
{
    struct rq *rq = test_begin();
    const char *odd = "O'Brien\\\"; DROP TABLE party; -- $1 {x} \\\\ %s 龍";
    const char *id = test_create(rq, "party", "{\"name\": \"%s\"}", odd);

    CHECK_TEXT(text(record(rq, "party", id), "name"),
               "O'Brien\"; DROP TABLE party; -- $1 {x} \\ %s 龍");
    test_end(rq);
}

/* ------------------------------------------------------------------ read */

static void
money_is_text_with_the_digits_of_its_currency(void)
{
    struct rq *rq = test_begin();
    const char *item = test_sql(rq,
                                "INSERT INTO item (code, name, kind, uom_id, list_price)"
                                " SELECT 'E-1', 'Thing', 'service', id, 9.5 FROM uom"
                                "  WHERE code = 'EA' RETURNING id");
    const char *customer = test_create(rq, "party", "{\"name\": \"C\", \"is_customer\": true}");
    const char *order = test_create(rq, "sales_order",
                                    "{\"customer_id\": %s, \"lines\": [{\"item_id\": %s,"
                                    " \"quantity\": \"2.500\", \"unit_price\": \"9.5\"}]}",
                                    customer, item);
    const cJSON *o = record(rq, "sales_order", order);
    const cJSON *line = cJSON_GetArrayItem(cJSON_GetObjectItem(o, "lines"), 0);

    CHECK_TEXT(text(o, "total"), "23.75");
    CHECK_TEXT(text(line, "quantity"), "2.5");
    CHECK_TEXT(text(line, "unit_price"), "9.50");
    CHECK_TEXT(text(line, "net"), "23.75");
    CHECK_TEXT(test_sql(rq, "SELECT money_text(5, 'JPY') || money_text(5, 'KWD')"), "55.000");
    CU_ASSERT_TRUE(cJSON_IsNumber(cJSON_GetObjectItem(o, "customer_id")));
    CHECK_TEXT(text(cJSON_GetObjectItem(o, "customer"), "name"), "C");
    CU_ASSERT_FALSE(cJSON_HasObjectItem(o, "company_id"));
    CU_ASSERT_FALSE(cJSON_HasObjectItem(o, "workflow_id"));
    CU_ASSERT_FALSE(cJSON_HasObjectItem(o, "search_terms"));
    CU_ASSERT_TRUE(cJSON_IsArray(cJSON_GetObjectItem(o, "operations")));
    CHECK_TEXT(rq->etag, "\"1\"");
    test_end(rq);
}

static void
what_a_reference_names_is_in_the_users_language(void)
{
    struct rq *rq = test_begin();
    const char *id = test_create(rq, "party", "{\"name\": \"Child\", \"parent_id\": %s}", acme(rq));

    CHECK_TEXT(text(cJSON_GetObjectItem(record(rq, "party", id), "parent"), "name"), "Acme");
    rq->language = "zh";
    CHECK_TEXT(text(cJSON_GetObjectItem(record(rq, "party", id), "parent"), "name"), "爱科美");
    test_end(rq);
}

static void
parts_are_nested_in_their_order(void)
{
    struct rq *rq = test_begin();
    const cJSON *a = cJSON_GetObjectItem(record(rq, "party", acme(rq)), "addresses");

    CU_ASSERT_EQUAL(cJSON_GetArraySize(a), 3);
    CHECK_TEXT(text(cJSON_GetArrayItem(a, 0), "city"), "First");
    CHECK_TEXT(text(cJSON_GetArrayItem(a, 2), "city"), "Third");
    CU_ASSERT_FALSE(cJSON_HasObjectItem(cJSON_GetArrayItem(a, 0), "party_id"));
    test_end(rq);
}

static void
a_read_takes_at_most_two_round_trips(void)
{
    struct rq *rq = test_begin();
    const char *id = acme(rq);

    record(rq, "party", id);
    int before = db_syncs(rq->db);

    record(rq, "party", id);
    CU_ASSERT_TRUE(db_syncs(rq->db) - before <= 2);
    test_end(rq);
}

const struct test entity_tests[] = {
    { "ids come in the order of the documents and parts find theirs",
      ids_come_in_the_order_of_the_documents_and_parts_find_theirs },
    { "creating takes two round trips however many lines there are",
      creating_takes_two_round_trips_however_many_lines_there_are },
    { "nothing in a field is null or its default", nothing_in_a_field_is_null_or_its_default },
    { "all wrong values are listed with their places",
      all_wrong_values_are_listed_with_their_places },
    { "what is missing is listed all at once", what_is_missing_is_listed_all_at_once },
    { "unknown and read-only fields are refused", unknown_and_read_only_fields_are_refused },
    { "a constraint names the line that it stops", a_constraint_names_the_line_that_it_stops },
    { "the sentence of the constraint is in the user's language",
      the_sentence_of_the_constraint_is_in_the_users_language },
    { "odd JSON is refused and never stored", odd_json_is_refused_and_never_stored },
    { "deep JSON is refused", deep_json_is_refused },
    { "values stay text whatever they hold", values_stay_text_whatever_they_hold },
    { "money is text with the digits of its currency",
      money_is_text_with_the_digits_of_its_currency },
    { "what a reference names is in the user's language",
      what_a_reference_names_is_in_the_users_language },
    { "parts are nested in their order", parts_are_nested_in_their_order },
    { "a read takes at most two round trips", a_read_takes_at_most_two_round_trips },
    { 0 },
};
