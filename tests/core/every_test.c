/*
 * every_test.c - what the generic verbs promise for every entity, whichever module brings it.
 */
#include "tests/test.h"

static void
print_errors(const struct rq *rq, const char *what)
{
    for (const struct error *e = rq->errors; e; e = e->next)
        printf("\n    %s: %s %s: %s", what, e->code, e->field ? e->field : "", e->message);
}

/* Run the check for each entity; its errors are printed with the entity's name and undone. */
static void
each_entity(struct rq *rq, bool (*check)(struct rq *rq, const struct entity *e))
{
    for (const struct module *const *m = modules; *m; m++)
        for (const struct entity *e = (*m)->entities; e && e->name; e++) {
            test_mark(rq);
            bool good = check(rq, e);

            if (!good)
                print_errors(rq, e->name);
            CU_ASSERT_TRUE(good);
            test_recover(rq);
        }
}

static bool
has_table(struct rq *rq, const struct entity *e)
{
    return catalog_table(catalog_get(rq, NULL), e->name) ||
           fail(rq, "not_found", NULL, "there is no table");
}

static void
every_entity_has_a_table(void)
{
    struct rq *rq = test_begin();

    each_entity(rq, has_table);
    test_end(rq);
}

/* What a list that must be narrowed cannot do without; harmless for the others. */
static struct parameter
narrow(const struct entity *e)
{
    return e->list_by ? (struct parameter){ e->list_by, "in.(1,2)" }
                      : (struct parameter){ "count", "exact" };
}

static bool
lists(struct rq *rq, const struct entity *e)
{
    const struct parameter query[] = {
        { "count", "exact" }, { "limit", "3" }, { "at", "0.5" }, narrow(e)
    };

    return api_list(rq, e, query, 4);
}

static void
every_entity_can_be_listed_in_its_order_and_columns(void)
{
    struct rq *rq = test_begin();

    each_entity(rq, lists);
    test_end(rq);
}

/* Every column at once, in every way that its type allows. */
static bool
shows_all(struct rq *rq, const struct entity *e)
{
    const char *record = entity_json_sql(rq, e, true);

    if (!record)
        return false;
    db_exec(rq, arena_printf(rq->mem, "SELECT %s FROM \"%s\" t LIMIT 2", record, e->name), NONE);
    return db_flush(rq);
}

static void
every_entity_can_be_read_whole_with_its_parts(void)
{
    struct rq *rq = test_begin();

    each_entity(rq, shows_all);
    test_end(rq);
}

static bool
filters(struct rq *rq, const struct entity *e)
{
    const struct table *t = catalog_table(catalog_get(rq, NULL), e->name);

    for (int i = 0; i < t->ncolumns; i++) {
        const struct parameter query[] = { { t->columns[i].name, "is.null" },
                                           { "order", t->columns[i].name },
                                           { "limit", "1" },
                                           narrow(e) };
        const char *type = t->columns[i].type;

        if (!strcmp(t->columns[i].name, "search_terms") || strchr(type, '[') ||
            strstr(type, "json") || strstr(type, "xid") || !strcmp(type, "bytea"))
            continue;
        if (!api_list(rq, e, query, 4))
            return false;
    }
    return true;
}

static void
every_field_of_every_entity_can_be_filtered_and_ordered_by(void)
{
    struct rq *rq = test_begin();

    each_entity(rq, filters);
    test_end(rq);
}

static bool
searches(struct rq *rq, const struct entity *e)
{
    const struct table *t = catalog_table(catalog_get(rq, NULL), e->name);
    const struct parameter query[] = { { "q", "acme" } };

    return (!t->has_search && !e->search) || api_list(rq, e, query, 1);
}

static void
every_searchable_entity_can_be_searched(void)
{
    struct rq *rq = test_begin();

    each_entity(rq, searches);
    test_end(rq);
}

/* A record's JSON has each key once: no field, derived or not, is called as one of its parts. */
static bool
keys_are_single(struct rq *rq, const struct entity *e)
{
    const struct table *t = catalog_table(catalog_get(rq, NULL), e->name);

    for (const struct table *const *p = t->parts; p && *p; p++)
        if (table_column(t, (*p)->part_name) || (t->fact && table_column(t->fact, (*p)->part_name)))
            return fail(rq, "test", (*p)->part_name, "a field and a part have one name");
    return true;
}

static void
no_field_of_any_entity_is_called_as_one_of_its_parts(void)
{
    struct rq *rq = test_begin();

    each_entity(rq, keys_are_single);
    test_end(rq);
}

static bool
whole_is_refused(struct rq *rq, const struct entity *e)
{
    const struct parameter query[] = { { "limit", "1" }, { e->list_by, "is.not_null" } };

    if (!e->list_by)
        return true;
    CU_ASSERT_FALSE(api_list(rq, e, query, 2));
    CHECK_TEXT(test_code(rq), "malformed");
    CHECK_TEXT(rq->errors ? rq->errors->field : NULL, e->list_by);
    rq->errors = NULL;
    return true;
}

static void
a_list_that_would_take_minutes_must_be_narrowed(void)
{
    struct rq *rq = test_begin();

    CHECK_TEXT(entity_find("party_duplicate")->list_by, "party_id");
    each_entity(rq, whole_is_refused);
    test_end(rq);
}

/* What is only ever added to: changes and deletions are refused in words, not as a bug. */
static bool
ledger_stays(struct rq *rq, const struct entity *e)
{
    const char *kind;

    if (!db_one(rq, "SELECT kind FROM table_kind WHERE name = $1", P(e->name), OUT(&kind)))
        return false;
    if (!kind || strcmp(kind, "ledger"))
        return true;
    test_mark(rq);
    CU_ASSERT_FALSE(api_delete(rq, e, "1", NULL));
    CHECK_TEXT(test_code(rq), "forbidden");
    test_recover(rq);
    CU_ASSERT_FALSE(entity_update(rq, e->name, "1", NULL, "{}"));
    CHECK_TEXT(test_code(rq), "forbidden");
    rq->errors = NULL;
    return true;
}

static void
what_is_posted_is_neither_changed_nor_deleted(void)
{
    struct rq *rq = test_begin();

    each_entity(rq, ledger_stays);
    test_end(rq);
}

static bool
unknown_is_404(struct rq *rq, const struct entity *e)
{
    bool table = !catalog_table(catalog_get(rq, NULL), e->name)->is_view;
    bool (*const calls[])(struct rq *, const struct entity *,
                          const char *) = { api_read, api_history, api_flow };

    for (size_t i = 0; table && i < sizeof calls / sizeof *calls; i++) {
        if (calls[i](rq, e, "999999999") || strcmp(test_code(rq), "not_found") != 0)
            return fail(rq, "test", NULL, "an unknown record is not 'not_found'");
        rq->errors = NULL;
    }
    return true;
}

static void
an_unknown_record_of_any_entity_is_not_found(void)
{
    struct rq *rq = test_begin();

    each_entity(rq, unknown_is_404);
    test_end(rq);
}

static void
the_metadata_is_json_and_names_every_readable_entity(void)
{
    struct rq *rq = test_begin();

    CU_ASSERT_TRUE(api_meta(rq));
    cJSON *meta = cJSON_Parse(rq->reply);
    int shown = 0;

    for (const struct module *const *m = modules; *m; m++)
        for (const struct entity *e = (*m)->entities; e && e->name; e++)
            shown += !e->internal;
    CU_ASSERT_PTR_NOT_NULL(meta);
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(meta, "entities")), shown);
    CU_ASSERT_PTR_NOT_NULL(rq->etag);
    cJSON_Delete(meta);
    test_end(rq);
}

/* Print each label or help that is the same in both documents (grades A to D may be); the
 * number of them. */
static int
untranslated(const cJSON *en, const cJSON *zh)
{
    int n = 0;

    for (const cJSON *a = en->child, *b = zh->child; a && b; a = a->next, b = b->next) {
        bool said = a->string && (!strcmp(a->string, "label") || !strcmp(a->string, "help"));

        if (said && strlen(a->valuestring) > 1 && cJSON_Compare(a, b, true)) {
            printf("\n    not translated: %s", a->valuestring);
            n++;
        }
        n += untranslated(a, b);
    }
    return n;
}

static void
every_word_of_the_metadata_is_in_chinese(void)
{
    struct rq *rq = test_begin();

    CU_ASSERT_TRUE(api_meta(rq));
    cJSON *en = cJSON_Parse(rq->reply);

    rq->language = "zh";
    CU_ASSERT_TRUE(api_meta(rq));
    cJSON *zh = cJSON_Parse(rq->reply);

    CU_ASSERT_EQUAL(untranslated(en, zh), 0);
    cJSON_Delete(en);
    cJSON_Delete(zh);
    test_end(rq);
}

/* tests/openapi.sh lints what is written to the file named by TENON_OPENAPI. */
static void
keep(const char *text)
{
    const char *path = getenv("TENON_OPENAPI");
    FILE *file = path ? fopen(path, "w") : NULL;

    if (file) {
        fputs(text, file);
        fclose(file);
    }
}

static void
the_openapi_document_is_json_and_has_every_operation(void)
{
    struct rq *rq = test_begin();

    CU_ASSERT_TRUE(api_openapi(rq));
    cJSON *document = cJSON_Parse(rq->reply);
    const cJSON *paths = cJSON_GetObjectItem(document, "paths");

    keep(rq->reply);
    CU_ASSERT_PTR_NOT_NULL(document);
    for (const struct module *const *m = modules; *m; m++)
        for (const struct entity *e = (*m)->entities; e && e->name; e++)
            for (const struct operation *o = operation_next(e, NULL); !e->internal && o;
                 o = operation_next(e, o))
                CU_ASSERT_TRUE(cJSON_HasObjectItem(
                    paths, arena_printf(rq->mem, "/api/%s/{id}/%s", e->name, o->name)));
    cJSON_Delete(document);
    test_end(rq);
}

const struct test every_tests[] = {
    { "every entity has a table", every_entity_has_a_table },
    { "every entity can be listed in its order and columns",
      every_entity_can_be_listed_in_its_order_and_columns },
    { "every entity can be read whole with its parts",
      every_entity_can_be_read_whole_with_its_parts },
    { "every field of every entity can be filtered and ordered by",
      every_field_of_every_entity_can_be_filtered_and_ordered_by },
    { "every searchable entity can be searched", every_searchable_entity_can_be_searched },
    { "no field of any entity is called as one of its parts",
      no_field_of_any_entity_is_called_as_one_of_its_parts },
    { "a list that would take minutes must be narrowed",
      a_list_that_would_take_minutes_must_be_narrowed },
    { "what is posted is neither changed nor deleted",
      what_is_posted_is_neither_changed_nor_deleted },
    { "an unknown record of any entity is not found",
      an_unknown_record_of_any_entity_is_not_found },
    { "the metadata is JSON and names every readable entity",
      the_metadata_is_json_and_names_every_readable_entity },
    { "every word of the metadata is in Chinese", every_word_of_the_metadata_is_in_chinese },
    { "the OpenAPI document is JSON and has every operation",
      the_openapi_document_is_json_and_has_every_operation },
    { 0 },
};
