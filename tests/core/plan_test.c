/*
 * plan_test.c - on a table with many rows, lists and search read what they show and no more;
 * fields that an administrator adds work by themselves.
 *
 * A database of its own: rows are committed and analysed. What a list reads is counted by the
 * server (pg_stat_xact_user_tables); the plan is looked at where that would not tell.
 */
#include "tests/test.h"
#include "core/base/str.h"

static struct {
    struct arena *mem;
    struct test_database where;
    struct db *db, *admin;
} many;

static void
admin_sql(const char *sql)
{
    struct rq rq = { .mem = many.mem, .db = many.admin, .language = "en", .id = "test" };

    if (!db_script(&rq, sql)) {
        printf("\n    %s: %s", sql, rq.errors ? rq.errors->message : "");
        CU_FAIL_FATAL("the database cannot be filled");
    }
}

static const char fill[] =
    "SET search_path = tenon;"
    "SELECT context_set(u.id, c.id, 'fill'), set_config('tenon.company', c.id::text, false),"
    "       set_config('tenon.user', u.id::text, false)"
    "  FROM company c, app_user u WHERE c.code = 'TEST' AND u.login = 'admin';"
    "INSERT INTO party (code, name, name_zh, is_customer)"
    " SELECT 'M' || lpad(i::text, 6, '0'), 'Maker ' || md5(i::text), CASE WHEN i % 1000 = 0"
    "        THEN '远东精密' || i END, i % 2 = 0 FROM generate_series(1, 5000) i;"
    "INSERT INTO activity (subject, kind, due_at, assignee_id)"
    " SELECT 'Act ' || i, 'call', timestamptz '2026-01-01' + i * interval '1 minute',"
    "        (SELECT id FROM app_user WHERE login = 'admin') FROM generate_series(1, 12000) i;"
    "UPDATE activity SET due_at = NULL WHERE id % 10 = 0;"
    "CREATE INDEX ON activity (company_id, due_at, id);"
    "CREATE INDEX ON activity (company_id, subject, id);"
    "ANALYZE";

static void
fill_once(void)
{
    const char *error = NULL;

    if (many.mem)
        return;
    many.mem = arena_new();
    many.where = test_database();
    many.admin = db_open(many.mem, many.where.admin, &error);
    many.db = db_open(many.mem, many.where.app, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(many.admin);
    CU_ASSERT_PTR_NOT_NULL_FATAL(many.db);
    admin_sql(fill);
}

/* A request in this database, as test_begin gives it in the common one. */
static struct rq *
begin(void)
{
    fill_once();
    struct arena *mem = arena_new();
    struct rq *rq = arena_alloc(mem, sizeof *rq);

    *rq =
        (struct rq){ .mem = mem, .db = many.db, .language = "en", .id = "test", .body_text = "{}" };
    db_begin(rq, false);
    db_one(rq,
           "SELECT u.id, c.id FROM app_user u, company c"
           " WHERE u.login = 'admin' AND c.code = 'TEST'",
           NONE, OUT(&rq->user_id, &rq->company_id));
    db_exec(rq, "SELECT context_set($1, $2, 'test')", P(rq->user_id, rq->company_id));
    CU_ASSERT_TRUE(db_flush(rq));
    return rq;
}

static void
end(struct rq *rq)
{
    db_rollback(rq);
    arena_free(rq->mem);
}

/* A page has 51 rows; behind a cursor in a column with nulls there are two scans. */

/* Rows of the table that this transaction has read so far, by any way. */
static long
rows_read(struct rq *rq, const char *table)
{
    const char *n = db_text(rq,
                            "SELECT seq_tup_read + coalesce(idx_tup_fetch, 0)"
                            "  FROM pg_stat_xact_user_tables WHERE relname = $1",
                            P(table));

    return n ? strtol(n, NULL, 10) : -1;
}

/* What the list costs, in rows of its table. */
static long
cost(struct rq *rq, const char *entity, const struct parameter *query, int n)
{
    long before = rows_read(rq, entity);
    bool good = api_list(rq, entity_find(entity), query, n);

    if (!good)
        printf("\n    %s", rq->errors ? rq->errors->message : "");
    CU_ASSERT_TRUE(good);
    return rows_read(rq, entity) - before;
}

static const char *
next_cursor(struct rq *rq)
{
    cJSON *json = cJSON_Parse(rq->reply);
    const char *next =
        arena_strdup(rq->mem, cJSON_GetStringValue(cJSON_GetObjectItem(json, "next")));

    cJSON_Delete(json);
    return next;
}

static void
a_page_reads_its_own_rows_wherever_it_is(void)
{
    static const char *const orders[] = { "id.desc", "due_at.desc", "due_at.asc", "subject" };
    struct rq *rq = begin();

    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        struct parameter query[] = { { "order", orders[i] }, { "limit", "50" }, { "at", "0.8" } };

        CU_ASSERT_TRUE(cost(rq, "activity", query, 2) <= 110);
        cost(rq, "activity", query, 3); /* reads the anchors */
        CU_ASSERT_TRUE(cost(rq, "activity", query, 3) <= 110);
        query[2] = (struct parameter){ "after", next_cursor(rq) };
        long deep = cost(rq, "activity", query, 3);

        if (deep > 110)
            printf("\n    %s: %ld rows", orders[i], deep);
        CU_ASSERT_TRUE(deep <= 110);
    }
    end(rq);
}

static void
a_filter_by_an_indexed_field_reads_what_it_finds(void)
{
    struct rq *rq = begin();
    const struct parameter query[] = { { "due_at", "gte.2026-01-05T00:00:00Z" },
                                       { "and", "(due_at.lt.2026-01-05T01:00:00Z)" },
                                       { "order", "due_at" } };

    CU_ASSERT_TRUE(cost(rq, "activity", query, 3) <= 130);
    end(rq);
}

static void
search_reads_what_it_finds(void)
{
    struct rq *rq = begin();
    const struct parameter chinese[] = { { "q", "精密" } }, part[] = { { "q", "M00499" } };

    CU_ASSERT_TRUE(cost(rq, "party", chinese, 1) <= 40);
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "远东精密5000"));
    CU_ASSERT_TRUE(cost(rq, "party", part, 1) <= 100);
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "M004999"));
    end(rq);
}

/* Lists and search see the same rows as row-level security alone. */
static void
the_read_path_sees_what_row_level_security_sees(void)
{
    struct rq *rq = begin();
    const struct parameter query[] = { { "count", "exact" }, { "limit", "1" } };

    for (const struct module *const *m = modules; *m; m++)
        for (const struct entity *e = (*m)->entities; e && e->name; e++) {
            if (catalog_table(catalog_get(rq, NULL), e->name)->is_view)
                continue; /* seen with the rights of its reader: there is no other path */
            const char *rows = db_text(
                rq,
                arena_printf(rq->mem, "SELECT '\"count\" : ' || count(*) || '}' FROM \"%s\"",
                             e->name),
                NONE);

            CU_ASSERT_TRUE(api_list(rq, e, query, 2));
            bool same = rows && rq->reply && strstr(rq->reply, rows);

            if (!same)
                printf("\n    %s", e->name);
            CU_ASSERT_TRUE(same);
        }
    end(rq);
}

static void
a_field_that_was_added_works_everywhere_by_itself(void)
{
    fill_once();
    admin_sql(
        "SET search_path = tenon;"
        "ALTER TABLE party ADD COLUMN IF NOT EXISTS x_rating amount;"
        "COMMENT ON COLUMN party.x_rating IS 'Our rating: from the last visit';"
        "ALTER TABLE party_address ADD COLUMN IF NOT EXISTS x_gate text;"
        "CALL tables_setup()");
    struct rq *rq = begin();
    const struct parameter query[] = { { "x_rating", "gte.5" }, { "select", "x_rating" } };

    CU_ASSERT_PTR_NOT_NULL(catalog_get(rq, "after the change"));
    const char *ids = entity_insert(rq, "party",
                                    "[{\"name\": \"Rated\", \"x_rating\": \"7.5\","
                                    " \"addresses\": [{\"x_gate\": \"B\"}]}]");

    CU_ASSERT_PTR_NOT_NULL_FATAL(ids);
    const char *id = arena_strndup(rq->mem, ids + 1, strlen(ids) - 2);

    CU_ASSERT_TRUE(api_list(rq, entity_find("party"), query, 2));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"x_rating\":\"7.50\""));
    CU_ASSERT_TRUE(entity_update(rq, "party", id, NULL, "{\"x_rating\": 8}"));
    CU_ASSERT_TRUE(api_read(rq, entity_find("party"), id));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"x_rating\":\"8.00\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"x_gate\":\"B\""));
    CU_ASSERT_TRUE(api_meta(rq));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"label\":\"Our rating\""));
    CU_ASSERT_TRUE(api_history(rq, entity_find("party"), id));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "Our rating"));
    end(rq);
}

/* The last test: the process goes back to the common database's catalog. */
static void
another_database_is_read_again(void)
{
    db_close(many.db);
    db_close(many.admin);
    arena_free(many.mem);
    many.mem = NULL;
    struct rq *rq = test_begin();
    const struct catalog *c = catalog_get(rq, "common again");

    CU_ASSERT_PTR_NULL(table_column(catalog_table(c, "party"), "x_rating"));
    test_end(rq);
}

const struct test plan_tests[] = {
    { "a page reads its own rows, wherever it is", a_page_reads_its_own_rows_wherever_it_is },
    { "a filter by an indexed field reads what it finds",
      a_filter_by_an_indexed_field_reads_what_it_finds },
    { "search reads what it finds", search_reads_what_it_finds },
    { "the read path sees what row-level security sees",
      the_read_path_sees_what_row_level_security_sees },
    { "a field that was added works everywhere by itself",
      a_field_that_was_added_works_everywhere_by_itself },
    { "another database is read again", another_database_is_read_again },
    { 0 },
};
