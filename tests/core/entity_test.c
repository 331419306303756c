/*
 * entity_test.c - records are created, read, changed and deleted by the generic verbs.
 */
#include "tests/test.h"
#include "core/base/str.h"

/* The errors as "code field" lines. */
static const char *
errors(struct rq *rq)
{
    struct str s = str_new(rq->mem);

    for (const struct error *e = rq->errors; e; e = e->next)
        str_printf(&s, "%s%s %s", s.len ? "\n" : "", e->code, e->field ? e->field : "");
    return s.text;
}

/* What entity_insert says to one document; nothing of it stays. */
static const char *
refused(struct rq *rq, const char *entity, const char *document)
{
    test_mark(rq);
    const char *ids = entity_insert(rq, entity, arena_printf(rq->mem, "[%s]", document));
    const char *said = ids ? "accepted" : errors(rq);

    test_recover(rq);
    return said;
}

static void
free_json(void *json)
{
    cJSON_Delete(json);
}

static const cJSON *
record(struct rq *rq, const char *entity, const char *id)
{
    if (!api_read(rq, entity_find(entity), id))
        return NULL;
    cJSON *json = cJSON_Parse(rq->reply);

    arena_defer(rq->mem, free_json, json);
    return json;
}

static const char *
text(const cJSON *o, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItem(o, name));
}

/* Send a body as the server does. */
static void
body(struct rq *rq, const char *json)
{
    cJSON *parsed = cJSON_Parse(json);

    arena_defer(rq->mem, free_json, parsed);
    rq->body = parsed;
    rq->body_text = json;
}

static const char *
acme(struct rq *rq)
{
    return test_create(rq, "party",
                       "{\"name\": \"Acme\", \"name_zh\": \"爱科美\", \"addresses\": ["
                       "{\"purpose\": \"billing\", \"city\": \"First\"},"
                       "{\"purpose\": \"shipping\", \"city\": \"Second\", \"country_code\": \"CN\"},"
                       "{\"city\": \"Third\"}],"
                       " \"contact_points\": [{\"kind\": \"email\", \"value\": \"a@example.com\"}]}");
}

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
                        " JOIN party p USING (id)", ids),
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

    CHECK_TEXT(test_sql(rq, "SELECT concat_ws(' ', kind, language, is_customer, tax_id IS NULL,"
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
    const char *item = test_sql(rq, "INSERT INTO item (code, name, kind, uom_id, list_price)"
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

/* ------------------------------------------------------------------ change */

static const char *
line_id(struct rq *rq, const char *party, const char *city)
{
    return test_sql(rq, "SELECT id FROM party_address WHERE party_id = %s AND city = '%s'", party,
                    city);
}

static const char *
cities(struct rq *rq, const char *party)
{
    return test_sql(rq, "SELECT string_agg(city || coalesce('/' || country_code, ''), ' '"
                        " ORDER BY id) FROM party_address WHERE party_id = %s", party);
}

static void
a_change_merges_and_parts_are_changed_added_and_removed_by_id(void)
{
    struct rq *rq = test_begin();
    const char *id = acme(rq);

    CU_ASSERT_TRUE(entity_update(
        rq, "party", id, "1",
        arena_printf(rq->mem,
                     "{\"name\": \"New\", \"name_zh\": null, \"addresses\": ["
                     "{\"id\": %s, \"city\": \"Changed\"}, {\"id\": %s, \"country_code\": null},"
                     "{\"city\": \"Fourth\", \"country_code\": \"DE\"}, {\"id\": %s, \"_delete\": true}]}",
                     line_id(rq, id, "First"), line_id(rq, id, "Second"),
                     line_id(rq, id, "Third"))));
    CHECK_TEXT(errors(rq), "");
    CHECK_TEXT(cities(rq, id), "Changed Second Fourth/DE");
    CHECK_TEXT(test_sql(rq, "SELECT concat_ws(' ', name, name_zh IS NULL, version, updated_by,"
                            " (SELECT count(*) FROM contact_point WHERE party_id = p.id))"
                            " FROM party p WHERE id = %s", id),
               arena_printf(rq->mem, "New t 2 %s 1", rq->user_id));
    test_end(rq);
}

static void
a_stale_version_is_refused_and_nothing_changes(void)
{
    struct rq *rq = test_begin();
    const struct entity *e = entity_find("party");
    const char *id = acme(rq);

    body(rq, "{\"name\": \"Mine\"}");
    CU_ASSERT_TRUE(api_change(rq, e, id, "\"1\""));
    CHECK_TEXT(rq->etag, "\"2\"");
    test_mark(rq);
    body(rq, "{\"name\": \"Theirs\", \"addresses\": [{\"city\": \"Late\"}]}");
    CU_ASSERT_FALSE(api_change(rq, e, id, "\"1\""));
    CHECK_TEXT(test_code(rq), "stale");
    CU_ASSERT_EQUAL(error_status(test_code(rq)), 412);
    test_recover(rq);
    CHECK_TEXT(test_sql(rq, "SELECT name FROM party WHERE id = %s", id), "Mine");
    CHECK_TEXT(cities(rq, id), "First Second/CN Third");
    test_mark(rq);
    CU_ASSERT_FALSE(api_change(rq, e, id, "2"));
    CHECK_TEXT(errors(rq), "malformed If-Match");
    test_recover(rq);
    test_end(rq);
}

static void
lines_of_another_record_are_refused_by_their_place(void)
{
    struct rq *rq = test_begin();
    const char *mine = acme(rq), *theirs = acme(rq);

    test_mark(rq);
    CU_ASSERT_FALSE(entity_update(
        rq, "party", mine, NULL,
        arena_printf(rq->mem, "{\"addresses\": [{\"city\": \"Mine\"}, {\"id\": %s, \"city\": \"X\"},"
                              " {\"id\": %s, \"_delete\": true}]}",
                     line_id(rq, theirs, "First"), line_id(rq, theirs, "Second"))));
    CHECK_TEXT(errors(rq), "unknown_reference addresses[1].id\nunknown_reference addresses[2].id");
    test_recover(rq);
    CHECK_TEXT(cities(rq, theirs), "First Second/CN Third");
    test_end(rq);
}

static void
wrong_values_in_a_change_are_listed_too(void)
{
    struct rq *rq = test_begin();
    const char *id = acme(rq);

    test_mark(rq);
    CU_ASSERT_FALSE(entity_update(rq, "party", id, NULL,
                                  arena_printf(rq->mem,
                                               "{\"name\": \"\", \"addresses\": [{\"id\": %s}]}",
                                               line_id(rq, id, "First"))));
    CHECK_TEXT(errors(rq), "required name");
    test_recover(rq);
    test_mark(rq);
    CU_ASSERT_FALSE(entity_update(rq, "party", id, NULL,
                                  "{\"is_customer\": \"x\", \"country_code\": \"x\"}"));
    CHECK_TEXT(errors(rq), "invalid is_customer\ninvalid country_code");
    test_recover(rq);
    test_end(rq);
}

/* ------------------------------------------------------------------ delete and companies */

static void
only_what_nobody_needs_can_be_deleted(void)
{
    struct rq *rq = test_begin();
    const struct entity *e = entity_find("party");
    const char *mother = acme(rq);
    const char *child = test_create(rq, "party", "{\"name\": \"C\", \"parent_id\": %s}", mother);

    test_mark(rq);
    CU_ASSERT_FALSE(api_delete(rq, e, mother, NULL));
    CHECK_TEXT(test_code(rq), "in_use");
    test_recover(rq);
    test_mark(rq);
    CU_ASSERT_FALSE(api_delete(rq, e, child, "\"7\""));
    CHECK_TEXT(test_code(rq), "stale");
    test_recover(rq);
    CU_ASSERT_TRUE(api_delete(rq, e, child, "\"1\""));
    CU_ASSERT_TRUE(api_delete(rq, e, mother, NULL));
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM party WHERE id IN (%s, %s)", mother, child), "0");
    test_end(rq);
}

static void
another_companys_record_is_not_found_by_any_call(void)
{
    struct rq *rq = test_begin();
    const struct entity *e = entity_find("activity");
    const char *id = test_create(rq, "activity", "{\"subject\": \"Ours\"}");
    const char *other = test_sql(rq, "SELECT id FROM company WHERE code = 'OTHER'");
    const struct parameter query[] = { { "id", arena_printf(rq->mem, "eq.%s", id) } };

    test_sql(rq, "SELECT context_set(%s, %s, 'test')", rq->user_id, other);
    rq->company_id = other;
    body(rq, "{\"subject\": \"Theirs\"}");
    for (int call = 0; call < 5; call++) {
        test_mark(rq);
        bool good = call == 0   ? api_read(rq, e, id)
                    : call == 1 ? api_change(rq, e, id, NULL)
                    : call == 2 ? api_delete(rq, e, id, NULL)
                    : call == 3 ? api_history(rq, e, id)
                                : api_flow(rq, e, id);

        CU_ASSERT_FALSE(good);
        CHECK_TEXT(test_code(rq), "not_found");
        test_recover(rq);
    }
    CU_ASSERT_TRUE(api_list(rq, e, query, 1));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"rows\" : []"));
    test_end(rq);
}

static void
an_id_that_is_no_number_is_not_found(void)
{
    struct rq *rq = test_begin();

    CU_ASSERT_FALSE(api_read(rq, entity_find("party"), "1 OR true"));
    CHECK_TEXT(test_code(rq), "not_found");
    rq->errors = NULL;
    test_end(rq);
}

/* ------------------------------------------------------------------ history and flow */

static void
the_history_tells_what_changed_in_the_words_of_the_form(void)
{
    struct rq *rq = test_begin();
    const char *id = acme(rq);

    entity_update(rq, "party", id, NULL,
                  arena_printf(rq->mem, "{\"name\": \"Renamed\", \"addresses\": [{\"id\": %s,"
                                        " \"city\": \"Moved\"}]}", line_id(rq, id, "First")));
    CU_ASSERT_TRUE(api_history(rq, entity_find("party"), id));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"old\" : \"Acme\", \"new\" : \"Renamed\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"old\" : \"First\", \"new\" : \"Moved\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"label\" : \"Name\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"action\":\"created\""));
    CU_ASSERT_PTR_NULL(strstr(rq->reply, "search_terms"));
    CU_ASSERT_PTR_NULL(strstr(rq->reply, "company_id"));
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
    { "a change merges, and parts are changed, added and removed by id",
      a_change_merges_and_parts_are_changed_added_and_removed_by_id },
    { "a stale version is refused and nothing changes",
      a_stale_version_is_refused_and_nothing_changes },
    { "lines of another record are refused by their place",
      lines_of_another_record_are_refused_by_their_place },
    { "wrong values in a change are listed too", wrong_values_in_a_change_are_listed_too },
    { "only what nobody needs can be deleted", only_what_nobody_needs_can_be_deleted },
    { "another company's record is not found by any call",
      another_companys_record_is_not_found_by_any_call },
    { "an id that is no number is not found", an_id_that_is_no_number_is_not_found },
    { "the history tells what changed in the words of the form",
      the_history_tells_what_changed_in_the_words_of_the_form },
    { 0 },
};
