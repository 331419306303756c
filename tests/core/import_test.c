/*
 * import_test.c - files into records: the dry run tells the truth, refused rows say why, and
 * an import can be taken back.
 */
#include "tests/test.h"
#include "core/entity/import.h"
#include "core/entity/sheet.h"

#include <xlsxwriter.h>
#include <unistd.h>

static bool
import(struct rq *rq, const char *entity, const char *csv, const char *map, const char *flag)
{
    struct parameter query[3] = { { "map", map }, { flag, "true" } };

    rq->reply = NULL;
    return api_import(rq, entity_find(entity), "text/csv", csv, strlen(csv), query + !map,
                      (map != NULL) + (flag != NULL));
}

static const char customers[] =
    "customer,company,city,land\n"
    "ALPHA,Alpha Bearings,Hamburg,Germany\n"
    "BETA,贝塔轴承有限公司,上海,China\n";
static const char map[] =
    "{\"key\": \"code\","
    " \"columns\": {\"customer\": \"code\", \"company\": \"name\", \"city\": \"addresses.0.city\","
    "               \"land\": \"addresses.0.country_code\"},"
    " \"constants\": {\"is_customer\": true, \"addresses.0.purpose\": \"billing\"},"
    " \"translate\": {\"land\": {\"Germany\": \"DE\", \"China\": \"CN\"}}}";

static const char count_them[] = "SELECT count(*) FROM party WHERE code IN ('ALPHA', 'BETA')";

static void
a_file_with_a_map_becomes_records_with_their_parts(void)
{
    struct rq *rq = test_begin();

    CU_ASSERT_TRUE(import(rq, "party", customers, map, NULL));
    CHECK_TEXT(test_sql(rq, count_them), "2");
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT string_agg(a.city || ' ' || a.country_code || ' ' || a.purpose, ', '"
                 " ORDER BY p.code) FROM party p JOIN party_address a ON a.party_id = p.id"
                 " WHERE p.code IN ('ALPHA', 'BETA')"),
        "Hamburg DE billing, 上海 CN billing");
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"created\":2,\"changed\":0,\"refused\":0"));
    test_end(rq);
}

static void
the_same_file_again_changes_instead_of_doubling(void)
{
    struct rq *rq = test_begin();

    CU_ASSERT_TRUE(import(rq, "party", "code,name\nALPHA,Alpha\n", "{\"key\": \"code\"}", NULL));
    CU_ASSERT_TRUE(
        import(rq, "party", "code,name\nALPHA,Alpha Two\n", "{\"key\": \"code\"}", NULL));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"created\":0,\"changed\":1"));
    CHECK_TEXT(test_sql(rq, "SELECT string_agg(name, '|') FROM party WHERE code = 'ALPHA'"),
               "Alpha Two");
    test_end(rq);
}

static void
a_refused_row_says_why_and_the_file_does_not_go_in(void)
{
    struct rq *rq = test_begin();

    CU_ASSERT_FALSE(import(rq, "party",
                           "code,name,parent.code\nALPHA,Alpha,\nBETA,,\nGAMMA,Gamma,NOBODY\n",
                           NULL, NULL));
    CU_ASSERT_PTR_NOT_NULL_FATAL(rq->errors);
    CHECK_TEXT(rq->errors->field, "line 3: name");
    CU_ASSERT_PTR_NOT_NULL_FATAL(rq->errors->next);
    CHECK_TEXT(rq->errors->next->field, "line 4: parent.code");
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->errors->next->message, "NOBODY"));
    test_end(rq);
}

static void
partial_takes_the_good_rows(void)
{
    struct rq *rq = test_begin();

    CU_ASSERT_TRUE(import(rq, "party", "code,name\nALPHA,Alpha\nBETA,\n", NULL, "partial"));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"created\":1,\"changed\":0,\"refused\":1"));
    CHECK_TEXT(test_sql(rq, count_them), "1");
    test_end(rq);
}

static void
the_dry_run_says_exactly_what_the_real_run_says(void)
{
    static const char file[] = "code,name\nALPHA,Alpha\nBETA,\nALPHA,Twice\n";
    struct rq *rq = test_begin();

    CU_ASSERT_TRUE(import(rq, "party", file, NULL, "dry_run"));
    static char dry[128];

    snprintf(dry, sizeof dry, "%s", strstr(rq->reply, "\"created\""));
    CU_ASSERT_TRUE(rq->dry_run);
    test_end(rq);
    rq = test_begin();
    CHECK_TEXT(test_sql(rq, count_them), "0");
    CU_ASSERT_TRUE(import(rq, "party", file, NULL, "partial"));
    const char *real = strstr(rq->reply, "\"created\"");

    CU_ASSERT_TRUE(real && !strncmp(dry, real, strcspn(real, "[")));
    test_end(rq);
}

static const char *
batch_of(struct rq *rq)
{
    return arena_printf(rq->mem, "{%ld}", strtol(strstr(rq->reply, "\"batch\":") + 8, NULL, 10));
}

static void
an_import_is_undone_while_nobody_touched_its_records(void)
{
    struct rq *rq = test_begin();

    import(rq, "party", "code,name\nALPHA,Alpha\n", "{\"key\": \"code\"}", NULL);
    import(rq, "party", "code,name\nALPHA,Changed\nBETA,Beta\n", "{\"key\": \"code\"}", NULL);
    rq->ids = batch_of(rq);
    CU_ASSERT_TRUE(import_undo(rq));
    CHECK_TEXT(
        test_sql(rq, "SELECT string_agg(name, '|') FROM party WHERE code IN ('ALPHA', 'BETA')"),
        "Alpha");
    CU_ASSERT_FALSE(import_undo(rq));
    CHECK_TEXT(test_code(rq), "wrong_state");
    test_end(rq);
}

static void
an_import_is_not_undone_over_somebody_s_work(void)
{
    struct rq *rq = test_begin();

    import(rq, "party", "code,name\nALPHA,Alpha\n", NULL, NULL);
    const char *batch = batch_of(rq),
               *id = test_sql(rq, "SELECT id FROM party WHERE code = 'ALPHA'");

    CU_ASSERT_TRUE(entity_update(rq, "party", id, NULL, "{\"name\": \"Mended by hand\"}"));
    rq->ids = batch;
    CU_ASSERT_FALSE(import_undo(rq));
    CHECK_TEXT(test_code(rq), "stale");
    test_end(rq);
}

/* ------------------------------------------------------------------------------ formats */

static bool
csv(struct rq *rq, const char *text, struct sheet *sheet)
{
    return sheet_from_csv(rq, text, strlen(text), sheet);
}

static void
csv_is_read_with_marks_semicolons_and_quoted_lines(void)
{
    struct rq *rq = test_begin();
    struct sheet s;

    CU_ASSERT_TRUE_FATAL(csv(rq,
                             "\xef\xbb\xbf"
                             "a;b\r\n1;\"two\nlines; \"\"quoted\"\"\"\r\n\r\n3;\r\n",
                             &s));
    CU_ASSERT_EQUAL(s.ncolumns, 2);
    CU_ASSERT_EQUAL(s.nrows, 2);
    CHECK_TEXT(s.names[0], "a");
    CHECK_TEXT(sheet_cell(&s, 0, 1), "two\nlines; \"quoted\"");
    CHECK_TEXT(sheet_cell(&s, 1, 1), "");
    test_end(rq);
}

static void
csv_of_a_chinese_spreadsheet_is_read_as_gb18030(void)
{
    struct rq *rq = test_begin();
    struct sheet s;

    CU_ASSERT_TRUE_FATAL(csv(rq, "name\n\xb1\xb1\xbe\xa9\n", &s));
    CHECK_TEXT(sheet_cell(&s, 0, 0), "北京");
    test_end(rq);
}

static void
a_broken_file_is_refused_with_the_place(void)
{
    static const char *const broken[] = { "", "a,a\n1,2\n", "a,\n1,2\n", "a\n1,2\n",
                                          "a\n\"open\n" };

    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        struct rq *rq = test_begin();
        struct sheet s;

        CU_ASSERT_FALSE(csv(rq, broken[i], &s));
        CHECK_TEXT(test_code(rq), "malformed");
        test_end(rq);
    }
}

static void
xlsx_gives_texts_exact_numbers_and_dates(void)
{
    struct rq *rq = test_begin();
    const char *path = arena_printf(rq->mem, "%s/import.xlsx", test_folder());
    lxw_workbook *book = workbook_new(path);
    lxw_worksheet *sheet = workbook_add_worksheet(book, NULL);
    lxw_format *date = workbook_add_format(book);
    lxw_datetime day = { 1996, 7, 4, 0, 0, 0 };
    static const char *const names[] = { "code", "price", "quantity", "day" };
    static char data[65536];
    struct sheet s;

    format_set_num_format(date, "yyyy-mm-dd");
    for (int i = 0; i < 4; i++)
        worksheet_write_string(sheet, 0, (lxw_col_t)i, names[i], NULL);
    worksheet_write_string(sheet, 1, 0, "轴承 6204", NULL);
    worksheet_write_number(sheet, 1, 1, 1299.99, NULL);
    worksheet_write_number(sheet, 1, 2, 0.1 + 0.2, NULL);
    worksheet_write_datetime(sheet, 1, 3, &day, date);
    CU_ASSERT_EQUAL_FATAL(workbook_close(book), LXW_NO_ERROR);
    FILE *f = fopen(path, "rb");
    size_t size = f ? fread(data, 1, sizeof data, f) : 0;

    if (f)
        fclose(f);
    CU_ASSERT_TRUE_FATAL(sheet_from_xlsx(rq, data, size, &s));
    CU_ASSERT_EQUAL_FATAL(s.nrows, 1);
    CHECK_TEXT(sheet_cell(&s, 0, 0), "轴承 6204");
    CHECK_TEXT(sheet_cell(&s, 0, 1), "1299.99");
    CHECK_TEXT(sheet_cell(&s, 0, 2), "0.3");
    CHECK_TEXT(sheet_cell(&s, 0, 3), "1996-07-04");
    CU_ASSERT_FALSE(sheet_from_xlsx(rq, data, size / 2, &s));
    CU_ASSERT_FALSE(sheet_from_xlsx(rq, "PK\3\4nothing", 11, &s));
    test_end(rq);
}

const struct test import_tests[] = {
    { "a file with a map becomes records with their parts",
      a_file_with_a_map_becomes_records_with_their_parts },
    { "the same file again changes instead of doubling",
      the_same_file_again_changes_instead_of_doubling },
    { "a refused row says why, and the file does not go in",
      a_refused_row_says_why_and_the_file_does_not_go_in },
    { "partial takes the good rows", partial_takes_the_good_rows },
    { "the dry run says exactly what the real run says",
      the_dry_run_says_exactly_what_the_real_run_says },
    { "an import is undone while nobody touched its records",
      an_import_is_undone_while_nobody_touched_its_records },
    { "an import is not undone over somebody's work",
      an_import_is_not_undone_over_somebody_s_work },
    { "CSV is read with marks, semicolons and quoted lines",
      csv_is_read_with_marks_semicolons_and_quoted_lines },
    { "CSV of a Chinese spreadsheet is read as GB 18030",
      csv_of_a_chinese_spreadsheet_is_read_as_gb18030 },
    { "a broken file is refused with the place", a_broken_file_is_refused_with_the_place },
    { "XLSX gives texts, exact numbers and dates", xlsx_gives_texts_exact_numbers_and_dates },
    { 0 },
};
