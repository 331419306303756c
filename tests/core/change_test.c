/*
 * change_test.c - records are changed and deleted by the generic verbs, and their history told.
 */
#include "tests/core/entity_fixture.h"

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
    return test_sql(rq,
                    "SELECT string_agg(city || coalesce('/' || country_code, ''), ' '"
                    " ORDER BY id) FROM party_address WHERE party_id = %s",
                    party);
}

static void
a_change_merges_and_parts_are_changed_added_and_removed_by_id(void)
{
    struct rq *rq = test_begin();
    const char *id = acme(rq);

    CU_ASSERT_TRUE(entity_update(
        rq, "party", id, "1",
        arena_printf(
            rq->mem,
            "{\"name\": \"New\", \"name_zh\": null, \"addresses\": ["
            "{\"id\": %s, \"city\": \"Changed\"}, {\"id\": %s, \"country_code\": null},"
            "{\"city\": \"Fourth\", \"country_code\": \"DE\"}, {\"id\": %s, \"_delete\": true}]}",
            line_id(rq, id, "First"), line_id(rq, id, "Second"), line_id(rq, id, "Third"))));
    CHECK_TEXT(errors(rq), "");
    CHECK_TEXT(cities(rq, id), "Changed Second Fourth/DE");
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', name, name_zh IS NULL, version, updated_by,"
                        " (SELECT count(*) FROM contact_point WHERE party_id = p.id))"
                        " FROM party p WHERE id = %s",
                        id),
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
        arena_printf(rq->mem,
                     "{\"addresses\": [{\"city\": \"Mine\"}, {\"id\": %s, \"city\": \"X\"},"
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
    CU_ASSERT_FALSE(
        entity_update(rq, "party", id, NULL,
                      arena_printf(rq->mem, "{\"name\": \"\", \"addresses\": [{\"id\": %s}]}",
                                   line_id(rq, id, "First"))));
    CHECK_TEXT(errors(rq), "required name");
    test_recover(rq);
    test_mark(rq);
    CU_ASSERT_FALSE(
        entity_update(rq, "party", id, NULL, "{\"is_customer\": \"x\", \"country_code\": \"x\"}"));
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
                  arena_printf(rq->mem,
                               "{\"name\": \"Renamed\", \"addresses\": [{\"id\": %s,"
                               " \"city\": \"Moved\"}]}",
                               line_id(rq, id, "First")));
    CU_ASSERT_TRUE(api_history(rq, entity_find("party"), id));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"old\" : \"Acme\", \"new\" : \"Renamed\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"old\" : \"First\", \"new\" : \"Moved\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"label\" : \"Name\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"action\":\"created\""));
    CU_ASSERT_PTR_NULL(strstr(rq->reply, "search_terms"));
    CU_ASSERT_PTR_NULL(strstr(rq->reply, "company_id"));
    test_end(rq);
}

static void
the_history_writes_money_as_lists_do(void)
{
    struct rq *rq = test_begin();
    const char *item = test_sql(rq,
                                "INSERT INTO item (code, name, kind, uom_id, list_price)"
                                " SELECT 'E-2', 'Thing', 'service', id, 9.5 FROM uom"
                                "  WHERE code = 'EA' RETURNING id");
    const char *order = test_create(
        rq, "sales_order", "{\"customer_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": 2}]}",
        test_create(rq, "party", "{\"name\": \"C\", \"is_customer\": true}"), item);

    CU_ASSERT_TRUE(api_history(rq, entity_find("sales_order"), order));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"old\" : \"0.00\", \"new\" : \"19.00\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"new\" : \"9.50\""));
    CU_ASSERT_TRUE(api_flow(rq, entity_find("sales_order"), order));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"total\" : \"19.00\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"state_label\" : \"Draft\""));
    test_end(rq);
}

const struct test change_tests[] = {
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
    { "the history writes money as lists do", the_history_writes_money_as_lists_do },
    { 0 },
};
