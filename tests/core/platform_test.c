/*
 * platform_test.c - what holds for every table, whichever module brings it: read from the
 * catalog, and attacked with plain SQL under the server's role.
 */
#include "tests/test.h"
#include "core/base/tr.h"

/* Print the rows of a query that should have none. */
static void
none(struct rq *rq, const char *sql)
{
    struct rows rows;

    CU_ASSERT_TRUE(db_rows(rq, sql, NONE, &rows));
    for (int i = 0; i < rows.count; i++)
        printf("\n    %s", cell(&rows, i, 0));
    CU_ASSERT_EQUAL(rows.count, 0);
}

static void
every_table_is_registered(void)
{
    struct rq *rq = test_begin();

    none(rq,
         "SELECT c.relname FROM pg_class c"
         " WHERE c.relnamespace = 'tenon'::regnamespace AND c.relkind IN ('r', 'p')"
         "   AND c.relname NOT IN ('table_kind', 'migration')"
         "   AND NOT EXISTS (SELECT FROM table_kind k WHERE k.name = c.relname)");
    test_end(rq);
}

static void
every_view_runs_with_the_rights_of_its_reader(void)
{
    struct rq *rq = test_begin();

    none(rq,
         "SELECT c.relname FROM pg_class c"
         " WHERE c.relnamespace = 'tenon'::regnamespace AND c.relkind IN ('v', 'm')"
         "   AND c.relname <> 'table_columns'"
         "   AND NOT coalesce(c.reloptions @> '{security_invoker=true}', false)");
    test_end(rq);
}

static void
every_table_of_a_company_has_row_level_security(void)
{
    struct rq *rq = test_begin();

    none(rq,
         "SELECT k.name FROM table_columns k JOIN pg_class c ON c.relname = k.name"
         "   AND c.relnamespace = 'tenon'::regnamespace"
         " WHERE k.has_company AND NOT (c.relrowsecurity AND c.relforcerowsecurity)");
    test_end(rq);
}

static void
every_reference_between_company_tables_names_the_company(void)
{
    struct rq *rq = test_begin();

    none(rq,
         "SELECT f.conrelid::regclass || '.' || f.conname FROM pg_constraint f"
         "  JOIN table_columns a ON a.name = f.conrelid::regclass::text AND a.has_company"
         "  JOIN table_columns b ON b.name = f.confrelid::regclass::text AND b.has_company"
         " WHERE f.contype = 'f' AND a.kind <> 'internal' AND b.kind <> 'internal'"
         "   AND NOT EXISTS (SELECT FROM pg_attribute c"
         "                    WHERE c.attrelid = f.conrelid AND c.attnum = ANY (f.conkey)"
         "                      AND c.attname = 'company_id')");
    test_end(rq);
}

static void
the_server_can_change_no_state_number_or_ledger(void)
{
    struct rq *rq = test_begin();

    none(rq,
         "SELECT k.name || '.' || a.attname FROM table_columns k"
         "  JOIN pg_attribute a ON a.attrelid = to_regclass('tenon.' || k.name)"
         "   AND a.attnum > 0 AND NOT a.attisdropped"
         " WHERE has_column_privilege('tenon.' || k.name, a.attname, 'UPDATE')"
         "   AND (k.kind IN ('ledger', 'maintained', 'internal') OR a.attname = ANY (k.guarded)"
         "     OR a.attname IN ('id', 'company_id', 'workflow_id')"
         "     OR a.attname = 'state' AND k.has_workflow)");
    none(rq,
         "SELECT k.name FROM table_columns k WHERE k.kind <> 'table'"
         "   AND (has_table_privilege('tenon.' || k.name, 'DELETE')"
         "     OR has_table_privilege('tenon.' || k.name, 'TRUNCATE'))");
    test_end(rq);
}

static void
the_server_can_neither_alter_tables_nor_become_their_owner(void)
{
    struct rq *rq = test_begin();

    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "ALTER TABLE company ADD COLUMN x text"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "CREATE TABLE tenon.mine (x text)"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "SET ROLE tenon_owner"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "ALTER TABLE setting DISABLE ROW LEVEL SECURITY"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "DROP TRIGGER audit_update ON setting"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "SELECT * FROM user_secret"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "SELECT * FROM session"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "DELETE FROM audit_log"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "UPDATE audit_log SET new = '{}'"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "COPY company TO '/tmp/out'"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "SELECT gapless_number(1, 'invoice', current_date)"));
    test_end(rq);
}

static void
rows_of_another_company_are_neither_seen_nor_changed_nor_made(void)
{
    struct rq *rq = test_begin();
    const char *other = test_sql(rq, "SELECT id FROM company WHERE code = 'OTHER'");

    test_sql(rq, "INSERT INTO setting (name, value) VALUES ('secret', 'ours')");
    CU_ASSERT_PTR_NOT_NULL(test_refused(
        rq, "INSERT INTO setting (company_id, name, value) VALUES (%s, 'secret', 'theirs')",
        other));
    db_exec(rq, "SELECT context_set($1, $2, 'test')", P(rq->user_id, other));
    CHECK_TEXT(test_sql(rq, "SELECT value FROM setting WHERE name = 'secret'"), NULL);
    test_sql(rq, "UPDATE setting SET value = 'taken' WHERE name = 'secret'");
    db_exec(rq, "SELECT context_set($1, $2, 'test')", P(rq->user_id, rq->company_id));
    CHECK_TEXT(test_sql(rq, "SELECT value FROM setting WHERE name = 'secret'"), "ours");
    test_end(rq);
}

static void
without_a_company_nothing_is_seen(void)
{
    struct rq *rq = test_begin();

    test_sql(rq, "SELECT set_config('tenon.company', '', true)");
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "SELECT * FROM setting"));
    test_end(rq);
}

static void
every_change_is_in_the_audit_log_with_old_and_new(void)
{
    struct rq *rq = test_begin();

    test_sql(rq, "INSERT INTO setting (name, value) VALUES ('audited', 'one')");
    test_sql(rq, "UPDATE setting SET value = 'two' WHERE name = 'audited'");
    test_sql(rq, "DELETE FROM setting WHERE name = 'audited'");
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(action, ' ' ORDER BY id) FROM audit_log"
                        " WHERE entity = 'setting' AND xid = pg_current_xact_id()"),
               "created changed deleted");
    CHECK_TEXT(test_sql(rq,
                        "SELECT count(DISTINCT (actor_id, request_id)) FROM audit_log"
                        " WHERE entity = 'setting' AND xid = pg_current_xact_id()"
                        "   AND actor_id = app_user_id() AND request_id = 'test'"),
               "1");
    test_end(rq);
}

static void
a_number_with_too_many_digits_is_refused_not_rounded(void)
{
    struct rq *rq = test_begin();

    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "SELECT 1.00001::amount"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "SELECT 'NaN'::amount"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "SELECT 100000000000000::amount"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "SELECT 0.0000001::quantity"));
    CHECK_TEXT(test_sql(rq, "SELECT 1.230000000::amount::text"), "1.230000000");
    CHECK_TEXT(test_sql(rq,
                        "SELECT money_text(1.2300, 'USD') || ' ' || money_text(5, 'JPY')"
                        " || ' ' || plain_text(5.000)"),
               "1.23 5 5");
    test_end(rq);
}

static void
the_digits_of_currencies_agree_with_the_table(void)
{
    struct rq *rq = test_begin();

    none(rq, "SELECT code FROM currency WHERE scale <> currency_scale(code)");
    test_end(rq);
}

static void
search_finds_words_parts_and_chinese(void)
{
    struct rq *rq = test_begin();
    static const char *const hits[][2] = {
        { "Alfreds Futterkiste", "futterk" }, { "Alfreds Futterkiste", "kiste" },
        { "Alfreds Futterkiste", "alf" },     { "Antonio Moreno Taquería", "taqueria" },
        { "北京轴承有限公司", "轴承" },       { "北京轴承有限公司", "北" },
        { "北京轴承 bearing", "bear 北京" },  { "Bólido Comidas", "BOLIDO" },
        { "SO-2026-00017", "00017" },         { "O'Neill & Söhne", "sohne" },
    };

    for (size_t i = 0; i < sizeof hits / sizeof *hits; i++) {
        const char *found = NULL;

        db_one(rq, "SELECT search_grams($1) @> search_grams($2, true)", P(hits[i][0], hits[i][1]),
               OUT(&found));
        if (!found || strcmp(found, "t"))
            printf("\n    %s in %s", hits[i][1], hits[i][0]);
        CHECK_TEXT(found, "t");
    }
    CHECK_TEXT(test_sql(rq, "SELECT search_grams('北京轴承') @> search_grams('京承', true)"), "f");
    test_end(rq);
}

static void
every_label_and_sentence_of_the_database_is_in_chinese(void)
{
    struct rq *rq = test_begin();
    struct rows rows;

    db_rows(
        rq,
        "SELECT DISTINCT btrim(part) FROM ("
        "  SELECT unnest(ARRAY[split_part(d, ':', 1), substr(d, strpos(d, ':') + 1)]) AS part FROM ("
        "    SELECT CASE WHEN d LIKE '%:%' THEN d ELSE d || ':' || d END FROM ("
        "      SELECT obj_description(c.oid, 'pg_class') FROM pg_class c"
        "       JOIN table_kind k ON k.name = c.relname AND k.kind <> 'internal'"
        "       WHERE c.relnamespace = 'tenon'::regnamespace"
        "      UNION ALL"
        "      SELECT col_description(c.oid, a.attnum) FROM pg_class c"
        "        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
        "       WHERE c.relnamespace = 'tenon'::regnamespace) AS all_of_them (d)) AS x (d)"
        "  UNION ALL"
        "  SELECT obj_description(oid, 'pg_constraint') FROM pg_constraint"
        "   WHERE connamespace = 'tenon'::regnamespace) AS parts (part)"
        " WHERE btrim(part) <> ''",
        NONE, &rows);
    CU_ASSERT_TRUE(rows.count > 50);
    int missing = 0;

    for (int i = 0; i < rows.count; i++) {
        if (tr_find("zh", cell(&rows, i, 0)) != cell(&rows, i, 0))
            continue;
        printf("\n    not translated: %s", cell(&rows, i, 0));
        missing++;
    }
    CU_ASSERT_EQUAL(missing, 0);
    test_end(rq);
}

static void
every_operation_has_a_chinese_label(void)
{
    for (const struct module *const *m = modules; *m; m++)
        for (const struct entity *e = (*m)->entities; e->name; e++)
            EACH_OPERATION (o, e) {
                bool known = tr_find("zh", o->label) != o->label;

                if (!known)
                    printf("\n    not translated: %s.%s: %s", e->name, o->name, o->label);
                CU_ASSERT_TRUE(known);
            }
}

static void
a_call_before_sign_in_with_no_token_is_refused(void)
{
    struct rq *rq = test_begin();
    const struct error *why =
        test_refused(rq, "SELECT request_begin('\\x00', NULL, NULL, 'r', NULL, NULL)");

    CHECK_TEXT(why ? why->code : NULL, "not_signed_in");
    test_end(rq);
}

const struct test platform_tests[] = {
    { "every table is registered", every_table_is_registered },
    { "every view runs with the rights of its reader",
      every_view_runs_with_the_rights_of_its_reader },
    { "every table of a company has row-level security",
      every_table_of_a_company_has_row_level_security },
    { "every reference between company tables names the company",
      every_reference_between_company_tables_names_the_company },
    { "the server can change no state, number or ledger",
      the_server_can_change_no_state_number_or_ledger },
    { "the server can neither alter tables nor become their owner",
      the_server_can_neither_alter_tables_nor_become_their_owner },
    { "rows of another company are neither seen nor changed nor made",
      rows_of_another_company_are_neither_seen_nor_changed_nor_made },
    { "without a company nothing is seen", without_a_company_nothing_is_seen },
    { "every change is in the audit log with old and new",
      every_change_is_in_the_audit_log_with_old_and_new },
    { "a number with too many digits is refused, not rounded",
      a_number_with_too_many_digits_is_refused_not_rounded },
    { "the digits of currencies agree with the table",
      the_digits_of_currencies_agree_with_the_table },
    { "search finds words, parts and Chinese", search_finds_words_parts_and_chinese },
    { "every label and sentence of the database is in Chinese",
      every_label_and_sentence_of_the_database_is_in_chinese },
    { "every operation has a Chinese label", every_operation_has_a_chinese_label },
    { "a call without a token is refused", a_call_before_sign_in_with_no_token_is_refused },
    { 0 },
};
