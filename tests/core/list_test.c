/*
 * list_test.c - lists: filters, search, order, pages that neither skip nor repeat, groups.
 */
#include "tests/test.h"
#include "core/base/str.h"

enum { PARAMETERS = 16 };

/* "a=eq.1&order=b" as the server would give it; nothing is encoded in these tests. */
static bool
list(struct rq *rq, const char *entity, const char *query)
{
    struct parameter p[PARAMETERS];
    int n = 0;

    for (const char *s = query; *s && n < PARAMETERS; n++) {
        size_t name = strcspn(s, "="), value = strcspn(s + name + 1, "&");

        p[n].name = arena_strndup(rq->mem, s, name);
        p[n].value = arena_strndup(rq->mem, s + name + 1, value);
        s += name + 1 + value;
        s += *s == '&';
    }
    return api_list(rq, entity_find(entity), p, n);
}

static void
free_json(void *json)
{
    cJSON_Delete(json);
}

static const cJSON *
answer(struct rq *rq)
{
    cJSON *json = rq->reply ? cJSON_Parse(rq->reply) : NULL;

    arena_defer(rq->mem, free_json, json);
    return json;
}

/* The values of one column, with blanks between; the error's code and field when refused. */
static const char *
found(struct rq *rq, const char *entity, const char *query, const char *column)
{
    struct str s = str_new(rq->mem);
    const cJSON *row;

    if (!list(rq, entity, query))
        return arena_printf(rq->mem, "%s: %s", test_code(rq),
                            rq->errors && rq->errors->field ? rq->errors->field : "");
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(answer(rq), "rows"))
    {
        const cJSON *v = cJSON_GetObjectItem(row, column);

        str_add(&s, s.len ? " " : "");
        if (cJSON_IsNumber(v))
            str_printf(&s, "%d", v->valueint);
        else
            str_add(&s, cJSON_IsString(v) ? v->valuestring : "-");
    }
    return s.text;
}

static void
party(struct rq *rq, const char *code, const char *rest)
{
    test_create(rq, "party", "{\"code\": \"%s\", \"name\": \"%s Works\"%s}", code, code, rest);
}

/* Five parties of one mother, so that other tests' rows do not matter. */
static void
family(struct rq *rq)
{
    party(rq, "L0", "");
    const char *mother = test_sql(rq, "SELECT id FROM party WHERE code = 'L0'");
    const char *in = arena_printf(rq->mem, ", \"parent_id\": %s", mother);

    party(rq, "L1", arena_printf(rq->mem, "%s, \"country_code\": \"DE\"", in));
    party(rq, "L2", arena_printf(rq->mem, "%s, \"country_code\": \"CN\", \"active\": false", in));
    party(rq, "L3", arena_printf(rq->mem, "%s, \"tax_id\": \"100%%_a\"", in));
    party(rq, "L4",
          arena_printf(rq->mem, "%s, \"country_code\": \"US\", \"tax_id\": \"(1,2)\"", in));
}

static void
each_operator_finds_what_it_says(void)
{
    static const char *const cases[][2] = {
        { "code=eq.L1", "L1" },
        { "code=neq.L1", "L2 L3 L4" },
        { "code=gt.L2", "L3 L4" },
        { "code=gte.L2", "L2 L3 L4" },
        { "code=lt.L2", "L1" },
        { "code=lte.L2", "L1 L2" },
        { "name=like.L?", "" },
        { "name=like.L*", "L1 L2 L3 L4" },
        { "name=like.l*", "" },
        { "name=ilike.*3 w*", "L3" },
        { "code=in.(L1,\"L3\",none)", "L1 L3" },
        { "country_code=is.null", "L3" },
        { "country_code=is.not_null", "L1 L2 L4" },
        { "active=is.false", "L2" },
        { "active=eq.true", "L1 L3 L4" },
        { "country_code=neq.DE", "L2 L3 L4" },
        { "country_code=not.eq.DE", "L2 L3 L4" },
        { "country_code=not.in.(DE,CN)", "L3 L4" },
        { "country_code=not.is.null", "L1 L2 L4" },
        { "tax_id=like.100%*", "L3" },
        { "tax_id=like.100__a", "" },
        { "tax_id=in.(\"(1,2)\")", "L4" },
        { "created_at=gte.2020-01-01T00:00:00Z&created_at=lt.2100-01-01", "L1 L2 L3 L4" },
    };
    struct rq *rq = test_begin();

    family(rq);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_TEXT(found(rq, "party",
                         arena_printf(rq->mem, "parent.code=eq.L0&order=code&%s", cases[i][0]),
                         "code"),
                   cases[i][1]);
    test_end(rq);
}

static void
or_and_and_not_nest(void)
{
    static const char *const cases[][2] = {
        { "or=(code.eq.L1,code.eq.L4)", "L1 L4" },
        { "or=(country_code.eq.CN,and(active.is.true,country_code.is.null))", "L2 L3" },
        { "or=(parent.name.ilike.*nobody*,code.in.(L2,L3))", "L2 L3" },
        { "or=(code.not.eq.L1)", "L2 L3 L4" },
        { "and=(code.gt.L1,or(code.lt.L3,code.eq.L4))", "L2 L4" },
        { "or=(tax_id.eq.\"(1,2)\",code.eq.L1)", "L1 L4" },
    };
    struct rq *rq = test_begin();

    family(rq);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_TEXT(found(rq, "party",
                         arena_printf(rq->mem, "parent.code=eq.L0&order=code&%s", cases[i][0]),
                         "code"),
                   cases[i][1]);
    test_end(rq);
}

static void
what_is_malformed_names_its_parameter(void)
{
    static const char *const cases[][2] = {
        { "active=eq.perhaps", "malformed: active" },
        { "created_at=gte.yesterday", "malformed: created_at" },
        { "created_at=gte.2026-02-30", "malformed: created_at" },
        { "id=eq.1e3", "malformed: id" },
        { "id=eq.99999999999999999999", "malformed: id" },
        { "id=in.(1,x)", "malformed: id" },
        { "id=in.1", "malformed: id" },
        { "nothing=eq.1", "malformed: nothing" },
        { "parent.nothing=eq.1", "malformed: parent.nothing" },
        { "code.parent=eq.1", "malformed: code.parent" },
        { "search_terms=is.null", "malformed: search_terms" },
        { "code=5", "malformed: code" },
        { "code=almost.5", "malformed: code" },
        { "code=not.5", "malformed: code" },
        { "id=like.5", "malformed: id" },
        { "or=code.eq.1", "malformed: or" },
        { "or=(code)", "malformed: or" },
        { "order=nothing", "malformed: order" },
        { "order=code.sideways", "malformed: order" },
        { "limit=0", "malformed: limit" },
        { "limit=1001", "malformed: limit" },
        { "limit=-1", "malformed: limit" },
        { "count=maybe", "malformed: count" },
        { "select=nothing", "malformed: select" },
        { "after=garbage!", "malformed: after" },
        { "after=W10", "malformed: after" },
        { "at=2", "malformed: at" },
        { "at=-0.1", "malformed: at" },
        { "sum=id", "malformed: sum" },
        { "group=nothing", "malformed: group" },
        { "group=code&sum=name", "malformed: sum" },
    };
    struct rq *rq = test_begin();

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CHECK_TEXT(found(rq, "party", cases[i][0], "code"), cases[i][1]);
        CU_ASSERT_EQUAL(error_status(test_code(rq)), 400);
        rq->errors = NULL;
    }
    test_end(rq);
}

static void
all_malformed_parameters_are_listed(void)
{
    struct rq *rq = test_begin();
    int n = 0;

    CU_ASSERT_FALSE(list(rq, "party", "active=eq.perhaps&nothing=eq.1&limit=0"));
    for (const struct error *e = rq->errors; e; e = e->next)
        n++;
    CU_ASSERT_EQUAL(n, 3);
    rq->errors = NULL;
    test_end(rq);
}

/* ------------------------------------------------------------------ order and pages */

/* All rows by pages of three, the codes with blanks between. hook runs between two pages. */
static const char *
paged(struct rq *rq, const char *query, void (*hook)(struct rq *rq, int page))
{
    struct str s = str_new(rq->mem);
    const char *next = NULL;

    for (int page = 0; page < 50 && (next || !page); page++) {
        const char *q =
            arena_printf(rq->mem, "%s&limit=3%s%s", query, next ? "&after=" : "", next ? next : "");
        const char *codes = found(rq, "party", q, "code");

        str_printf(&s, "%s%s", s.len ? " " : "", codes);
        next = arena_strdup(rq->mem, cJSON_GetStringValue(cJSON_GetObjectItem(answer(rq), "next")));
        if (hook)
            hook(rq, page);
    }
    return s.text;
}

static void
twenty(struct rq *rq)
{
    test_sql(rq,
             "INSERT INTO party (code, name, country_code, job_title, tax_id)"
             " SELECT 'PG' || lpad(i::text, 3, '0'), 'Page ' || mod(i, 7),"
             "        (ARRAY['DE', 'CN', NULL, 'US'])[1 + mod(i / 10, 4)],"
             "        CASE WHEN mod(i, 3) > 0 THEN 'Rank ' || mod(i, 3) END, i"
             "   FROM generate_series(10, 300, 10) i");
}

static void
insert_around(struct rq *rq, int page)
{
    test_sql(rq, "INSERT INTO party (code, name) VALUES ('PG00%c', 'Page x'), ('PG%03d', 'Page y')",
             'a' + page, 305 - page * 10);
}

static void
pages_neither_skip_nor_repeat_while_rows_are_inserted(void)
{
    struct rq *rq = test_begin();

    twenty(rq);
    const char *pages = paged(rq, "code=like.PG*&order=code.asc", insert_around);

    for (int i = 10; i <= 300; i += 10) {
        const char *code = arena_printf(rq->mem, "PG%03d", i), *at = strstr(pages, code);

        CU_ASSERT_PTR_NOT_NULL(at);
        CU_ASSERT_PTR_NULL(at ? strstr(at + 1, code) : NULL);
    }
    test_end(rq);
}

static void
pages_agree_with_the_whole_list_in_every_order(void)
{
    static const char *const orders[] = {
        "code",
        "code.desc",
        "name.asc,code.desc",
        "name.desc,id.asc",
        "country_code.asc,name.desc",
        "country_code.desc,job_title.asc,code.asc",
        "job_title.asc,country_code.desc",
        "job_title.desc,country_code.desc,name.desc",
        "parent.name,country_code",
        "created_at.desc,version,name",
    };
    struct rq *rq = test_begin();

    twenty(rq);
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        const char *query = arena_printf(rq->mem, "code=like.PG*&order=%s", orders[i]);
        const char *whole =
            found(rq, "party", arena_printf(rq->mem, "%s&limit=1000", query), "code");

        CU_ASSERT_EQUAL(strlen(whole), 30 * 6 - 1);
        CHECK_TEXT(paged(rq, query, NULL), whole);
    }
    test_end(rq);
}

static void
a_cursor_of_another_order_is_refused(void)
{
    struct rq *rq = test_begin();

    twenty(rq);
    CU_ASSERT_TRUE(list(rq, "party", "order=code&limit=3"));
    const char *next = cJSON_GetStringValue(cJSON_GetObjectItem(answer(rq), "next"));

    CHECK_TEXT(found(rq, "party", arena_printf(rq->mem, "order=name&after=%s", next), "code"),
               "malformed: after");
    rq->errors = NULL;
    test_end(rq);
}

static void
a_list_can_be_entered_near_a_fraction(void)
{
    struct rq *rq = test_begin();

    test_sql(rq,
             "INSERT INTO activity (subject, due_at)"
             " SELECT 'Anchor ' || lpad(i::text, 5, '0'), now() FROM generate_series(1, 4500) i");
    CHECK_TEXT(found(rq, "activity", "subject=like.Anchor*&order=subject&limit=1&at=0", "subject"),
               "Anchor 00001");
    CHECK_TEXT(
        found(rq, "activity", "subject=like.Anchor*&order=subject&limit=1&at=0.5", "subject"),
        "Anchor 02001");
    CU_ASSERT_EQUAL(cJSON_GetObjectItem(answer(rq), "row")->valueint, 2001);
    CU_ASSERT_EQUAL(cJSON_GetObjectItem(answer(rq), "rows_total")->valueint, 4500);
    int before = db_syncs(rq->db);

    CHECK_TEXT(found(rq, "activity", "subject=like.Anchor*&order=subject&limit=1&at=1", "subject"),
               "Anchor 04001");
    CU_ASSERT_EQUAL(db_syncs(rq->db) - before, 1); /* the anchors are remembered */
    test_end(rq);
}

/* ------------------------------------------------------------------ search */

static void
search_finds_words_parts_and_chinese_everywhere(void)
{
    static const char *const cases[][2] = {
        { "precision", "S1" },  { "recis", "S1" },        { "PRÉCISION", "S1" }, { "精密", "S1" },
        { "密机", "S1" },       { "华东精密机械", "S1" }, { "机", "S1 S2" },     { "机床", "S2" },
        { "密床", "" },         { "prec works", "S1" },   { "wo", "S1 S2" },     { "S2", "S2" },
        { "nothing such", "" },
    };
    struct rq *rq = test_begin();

    test_create(rq, "party",
                "{\"code\": \"S1\", \"name\": \"Eastern Precision Works\","
                " \"name_zh\": \"华东精密机械有限公司\", \"country_code\": \"CN\","
                " \"note\": \"searched\"}");
    test_create(rq, "party",
                "{\"code\": \"S2\", \"name\": \"Other Workshop\","
                " \"name_zh\": \"北方机床厂\", \"note\": \"searched\"}");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK_TEXT(found(rq, "party",
                         arena_printf(rq->mem, "note=eq.searched&order=code&q=%s", cases[i][0]),
                         "code"),
                   cases[i][1]);
    test_end(rq);
}

/* ------------------------------------------------------------------ groups and counts */

static void
groups_count_and_sum(void)
{
    struct rq *rq = test_begin();

    twenty(rq);
    CU_ASSERT_TRUE(list(rq, "party", "code=like.PG*&group=country_code&sum=version"));
    char *groups = cJSON_PrintUnformatted(cJSON_GetObjectItem(answer(rq), "groups"));

    CHECK_TEXT(groups,
               "[{\"country_code\":\"CN\",\"count\":8,\"version\":8},"
               "{\"country_code\":\"DE\",\"count\":7,\"version\":7},"
               "{\"country_code\":\"US\",\"count\":7,\"version\":7},"
               "{\"country_code\":null,\"count\":8,\"version\":8}]");
    cJSON_free(groups);
    test_end(rq);
}

static void
counts_are_exact_or_estimated(void)
{
    struct rq *rq = test_begin();

    twenty(rq);
    CU_ASSERT_TRUE(list(rq, "party", "code=like.PG*&count=exact&limit=1"));
    CU_ASSERT_EQUAL(cJSON_GetObjectItem(answer(rq), "count")->valueint, 30);
    CU_ASSERT_TRUE(list(rq, "party", "code=like.PG*&count=estimated&limit=1"));
    CU_ASSERT_TRUE(cJSON_IsNumber(cJSON_GetObjectItem(answer(rq), "count")));
    test_end(rq);
}

/* ------------------------------------------------------------------ attacks */

static void
sql_in_any_place_stays_text_or_is_refused(void)
{
    static const char *const attacks[] = {
        "code=eq.' OR true --",
        "code=eq.\\'; DROP TABLE party; --",
        "name=ilike.*%' OR '1'='1*",
        "code=in.(\"a','b\",$1,{x},NULL)",
        "id;DROP TABLE party=eq.1",
        "t.id=eq.1",
        "parent.id) OR (1=1=eq.1",
        "order=id;DROP TABLE party",
        "order=(SELECT 1)",
        "select=name,(SELECT password FROM user_secret)",
        "select=name\",\"code",
        "group=code\"; DROP TABLE party; --",
        "group=code&sum=version) FROM party; --",
        "or=(code.eq.1) OR (true)",
        "or=(code.eq.1;DROP TABLE party)",
        "q='; DROP TABLE party; --",
        "limit=1; DROP TABLE party",
        "after=' OR true --",
        "at=0.5; DROP TABLE party",
    };
    struct rq *rq = test_begin();

    family(rq);
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        struct parameter p[2] = { { NULL, NULL }, { "parent.code", "eq.L0" } };
        size_t n = strcspn(attacks[i], "=");

        if (strstr(attacks[i], "&")) {
            list(rq, "party", attacks[i]);
        } else {
            n += strstr(attacks[i], "1=1=") ? 4 : 0;
            p[0].name = arena_strndup(rq->mem, attacks[i], n);
            p[0].value = attacks[i] + n + 1;
            if (api_list(rq, entity_find("party"), p, 2))
                CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(answer(rq), "rows")), 0);
        }
        if (rq->errors)
            CHECK_TEXT(test_code(rq), "malformed");
        rq->errors = NULL;
    }
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM party WHERE code LIKE 'L_'"), "5");
    test_end(rq);
}

const struct test list_tests[] = {
    { "each operator finds what it says", each_operator_finds_what_it_says },
    { "or, and and not nest", or_and_and_not_nest },
    { "what is malformed names its parameter", what_is_malformed_names_its_parameter },
    { "all malformed parameters are listed", all_malformed_parameters_are_listed },
    { "pages neither skip nor repeat while rows are inserted",
      pages_neither_skip_nor_repeat_while_rows_are_inserted },
    { "pages agree with the whole list in every order",
      pages_agree_with_the_whole_list_in_every_order },
    { "a cursor of another order is refused", a_cursor_of_another_order_is_refused },
    { "a list can be entered near a fraction", a_list_can_be_entered_near_a_fraction },
    { "search finds words, parts and Chinese everywhere",
      search_finds_words_parts_and_chinese_everywhere },
    { "groups count and sum", groups_count_and_sum },
    { "counts are exact or estimated", counts_are_exact_or_estimated },
    { "SQL in any place stays text or is refused", sql_in_any_place_stays_text_or_is_refused },
    { 0 },
};
