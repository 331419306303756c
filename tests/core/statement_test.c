/*
 * Statements: what the reports say, who may see them, and that they stay fast.
 */
#include "core/db/migrate.h"
#include "modules/accounting/tests/books.h"
#include "reports/report.h"

/* Run a report; its JSON, or NULL after an error. */
static cJSON *
report(struct rq *rq, const char *name, int n, const struct parameter *query)
{
    cJSON *answer;

    rq->reply = NULL;
    if (!api_report(rq, name, query, n)) {
        printf("\n    %s: %s", name, rq->errors->message);
        CU_FAIL("the report fails");
        return NULL;
    }
    answer = cJSON_Parse(rq->reply);
    CU_ASSERT_PTR_NOT_NULL_FATAL(answer);
    arena_defer(rq->mem, (void (*)(void *))cJSON_Delete, answer);
    return answer;
}

/* In the first row whose field is that text: another field. */
static const char *
in_row(const cJSON *answer, const char *key, const char *value, const char *wanted)
{
    const cJSON *row;

    cJSON_ArrayForEach(row, cJSON_GetObjectItem(answer, "rows"))
    {
        const char *is = cJSON_GetStringValue(cJSON_GetObjectItem(row, key));

        if (is && !strcmp(is, value))
            return cJSON_GetStringValue(cJSON_GetObjectItem(row, wanted));
    }
    return NULL;
}

static const char *
refused_report(struct rq *rq, const char *name, const char *key, const char *value)
{
    const struct parameter query[] = { { key, value } };
    const char *code;

    test_mark(rq);
    api_report(rq, name, query, key ? 1 : 0);
    code = arena_strdup(rq->mem, test_code(rq));
    test_recover(rq);
    return code;
}

/* An invoice of 100, a bill of 40, 60 received. */
static const char *
some_books(struct rq *rq)
{
    const char *party = a_party(rq, "Buyer, \\\"Best\\\"");

    an_invoice(rq, party, "1997-05-10", "100");
    take(rq, "invoice", a_draft(rq, "supplier_bill", party, "1998-01-10", "40"), "post", NULL);
    take(rq, "payment", a_payment(rq, party, "1998-02-10", "60"), "post", NULL);
    return party;
}

static void
the_balance_sheet_balances_and_shows_the_earnings(void)
{
    struct rq *rq = test_begin();
    const struct parameter day[] = { { "date", "1998-12-31" } };
    cJSON *sheet;

    some_books(rq);
    sheet = report(rq, "balance_sheet", 1, day);
    CHECK_TEXT(in_row(sheet, "name", "Total assets", "amount"), "100.00");
    CHECK_TEXT(in_row(sheet, "name", "Total liabilities", "amount"), "40.00");
    CHECK_TEXT(in_row(sheet, "name", "Earnings of earlier years", "amount"), "100.00");
    CHECK_TEXT(in_row(sheet, "name", "Earnings of the year", "amount"), "-40.00");
    CHECK_TEXT(in_row(sheet, "name", "Liabilities and equity", "amount"), "100.00");
    test_end(rq);
}

static void
profit_and_loss_covers_the_days_that_are_named(void)
{
    struct rq *rq = test_begin();
    const struct parameter year[] = { { "from", "1998-01-01" }, { "to", "1998-12-31" } };
    const struct parameter upto[] = { { "to", "1997-12-31" } };

    some_books(rq);
    CHECK_TEXT(in_row(report(rq, "profit_and_loss", 2, year), "section", "profit", "amount"),
               "-40.00");
    CHECK_TEXT(in_row(report(rq, "profit_and_loss", 1, upto), "section", "profit", "amount"),
               "100.00");
    test_end(rq);
}

static void
the_trial_balance_adds_up_to_nothing(void)
{
    struct rq *rq = test_begin();
    const struct parameter query[] = { { "from", "1998-01-01" }, { "to", "1998-01-31" } };
    cJSON *sheet;

    some_books(rq);
    sheet = report(rq, "trial_balance", 2, query);
    CHECK_TEXT(in_row(sheet, "name", "Total", "closing"), "0.00");
    CHECK_TEXT(in_row(sheet, "name", "Total", "debit"), "40.00");
    CHECK_TEXT(in_row(sheet, "code", "1410", "opening"), "100.00");
    CHECK_TEXT(in_row(sheet, "code", "1410", "closing"), "100.00");
    CHECK_TEXT(in_row(report(rq, "trial_balance", 0, NULL), "code", "1410", "closing"), "40.00");
    test_end(rq);
}

static void
an_account_shows_its_postings_with_the_running_balance(void)
{
    struct rq *rq = test_begin();
    const struct parameter query[] = { { "account", "1410" }, { "from", "1998-01-01" } };
    cJSON *sheet;

    some_books(rq);
    sheet = report(rq, "general_ledger", 2, query);
    CHECK_TEXT(in_row(sheet, "description", "Opening balance", "balance"), "100.00");
    CHECK_TEXT(in_row(sheet, "date", "1998-02-10", "credit"), "60.00");
    CHECK_TEXT(in_row(sheet, "date", "1998-02-10", "balance"), "40.00");
    test_end(rq);
}

static void
ageing_is_as_it_was_on_any_day(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer");
    static const char *const days[][2] = {
        { "1997-05-09", "not_due 0.00" },       { "1997-05-10", "not_due 100.00" },
        { "1997-06-09", "days_30 100.00" },     { "1997-06-10", "days_60 100.00" },
        { "1997-08-09", "older 100.00" },       { "1998-02-09", "older 100.00" },
        { "1998-02-10", "older 40.00" },        { "1998-03-01", "older 0.00" },
        { "1998-02-28", "unallocated -10.00" },
    };

    an_invoice(rq, party, "1997-05-10", "100");
    take(rq, "payment", a_payment(rq, party, "1998-02-10", "60"), "post", NULL);
    take(rq, "invoice", a_draft(rq, "credit_note", party, "1998-02-28", "10"), "post", NULL);
    take(rq, "payment", a_payment(rq, party, "1998-03-01", "40"), "post", NULL);
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        const struct parameter query[] = { { "date", days[i][0] } };
        const char *space = strchr(days[i][1], ' ');
        const char *column = arena_strndup(rq->mem, days[i][1], (size_t)(space - days[i][1]));

        CHECK_TEXT(in_row(report(rq, "aged_receivables", 1, query), "name", "Total", column),
                   space + 1);
    }
    test_end(rq);
}

static void
every_report_runs_in_both_languages_and_as_csv(void)
{
    struct rq *rq = test_begin();
    int seen = 0;

    some_books(rq);
    for (const struct asset *a = assets; a->path; a++) {
        const char *base = strstr(a->path, "/reports/");
        bool of_lot = strstr(a->text, "-- parameter: lot text required");
        const struct parameter query[] = {
            { "format", "csv" },
            of_lot ? (struct parameter){ "lot", "L-1" } : (struct parameter){ "account", "1410" },
        };
        char name[64] = "";

        if (!base || sscanf(base, "/reports/%63[a-z_].sql", name) != 1)
            continue;
        int n = of_lot || strstr(a->text, "-- parameter: account") ? 2 : 1;

        seen++;
        rq->language = "en";
        CU_ASSERT_TRUE(api_report(rq, name, query, n));
        CHECK_TEXT(rq->reply_type, "text/csv; charset=utf-8");
        rq->language = "zh";
        const char *english = rq->reply;

        CU_ASSERT_TRUE(api_report(rq, name, query, n));
        CU_ASSERT_STRING_NOT_EQUAL(rq->reply, english);
        if (rq->errors)
            printf("\n    %s: %s", name, rq->errors->message);
    }
    CU_ASSERT_TRUE(seen >= 8);
    test_end(rq);
}

static void
csv_quotes_what_needs_it(void)
{
    struct rq *rq = test_begin();
    const struct parameter query[] = { { "format", "csv" }, { "date", "1997-12-31" } };

    some_books(rq);
    a_party(rq, "x");
    CU_ASSERT_TRUE(api_report(rq, "open_receivables", query, 2));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, ",\"Buyer, \"\"Best\"\"\",invoice,"));
    test_end(rq);
}

static void
a_report_says_what_is_wrong_with_the_question(void)
{
    struct rq *rq = test_begin();

    CHECK_TEXT(refused_report(rq, "no_such", NULL, NULL), "not_found");
    CHECK_TEXT(refused_report(rq, "../sql/001_ledger", NULL, NULL), "not_found");
    CHECK_TEXT(refused_report(rq, "trial_balance", "datum", "1997-01-01"), "malformed");
    CHECK_TEXT(refused_report(rq, "trial_balance", "language", "zh"), "malformed");
    CHECK_TEXT(refused_report(rq, "trial_balance", "format", "pdf"), "malformed");
    CHECK_TEXT(refused_report(rq, "trial_balance", "from", "yesterday"), "invalid");
    CHECK_TEXT(refused_report(rq, "trial_balance", "from", "1997-02-30"), "invalid");
    CHECK_TEXT(refused_report(rq, "general_ledger", NULL, NULL), "required");
    test_end(rq);
}

static void
reports_are_for_those_who_may(void)
{
    struct rq *rq = test_begin_as("sales", "TEST");

    CHECK_TEXT(refused_report(rq, "balance_sheet", NULL, NULL), "forbidden");
    CHECK_TEXT(refused_report(rq, "aged_receivables", NULL, NULL), "");
    CU_ASSERT_TRUE(api_reports(rq));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "\"aged_receivables\""));
    CU_ASSERT_PTR_NULL(strstr(rq->reply, "\"balance_sheet\""));
    test_end(rq);
    rq = test_begin_as("warehouse", "TEST");
    CHECK_TEXT(refused_report(rq, "aged_receivables", NULL, NULL), "forbidden");
    test_end(rq);
    rq = test_begin_as("finance", "TEST");
    CHECK_TEXT(refused_report(rq, "balance_sheet", NULL, NULL), "");
    test_end(rq);
}

/* 20,000 entries over 25 years, one invoice each, one in 200 still open; triggers are off. */
static const char many_rows[] =
    "SET search_path = tenon; SET session_replication_role = replica;"
    "SELECT set_config('tenon.company', id::text, false), set_config('tenon.currency', 'USD', false)"
    "  FROM company WHERE code = 'TEST';"
    "INSERT INTO party (name, code) VALUES ('Many', 'MANY');"
    "INSERT INTO journal_entry (journal_id, number, entry_date, source_entity, source_id, state)"
    " SELECT (SELECT id FROM journal WHERE code = 'SAL' AND company_id = app_company()), 'B' || n,"
    "        date '2000-01-01' + n % 9000, 'invoice', n, 'posted' FROM generate_series(1, 20000) n;"
    "INSERT INTO journal_line (entry_id, position, account_id, debit, credit, amount, posted_on)"
    " SELECT e.id, a.n, a.id, CASE a.n WHEN 1 THEN 10 ELSE 0 END, CASE a.n WHEN 1 THEN 0 ELSE 10 END,"
    "        CASE a.n WHEN 1 THEN 10 ELSE -10 END, e.entry_date"
    "   FROM journal_entry e"
    "   JOIN LATERAL (SELECT 1 AS n, account_of(app_company(), 'receivable') AS id UNION ALL"
    "                 SELECT 2, (SELECT x.id FROM account x WHERE x.company_id = app_company()"
    "                             AND x.postable ORDER BY x.id OFFSET e.id % 50 LIMIT 1)) a ON true;"
    "INSERT INTO invoice (number, party_id, invoice_date, due_date, net, total, base_total,"
    "                     open_amount, open_base, paid, settled_on, state)"
    " SELECT 'B' || n, (SELECT id FROM party WHERE code = 'MANY'), d, d + 30, 10, 10, 10, o, o,"
    "        CASE o WHEN 0 THEN 'full' ELSE 'none' END, CASE o WHEN 0 THEN d + 20 END, 'posted'"
    "   FROM (SELECT n, date '2000-01-01' + n % 9000 AS d, CASE n % 200 WHEN 0 THEN 10 ELSE 0 END AS o"
    "           FROM generate_series(1, 20000) n) s;"
    "SET session_replication_role = origin;"
    "ANALYZE journal_line; ANALYZE journal_entry; ANALYZE invoice; ANALYZE allocation;";

/* Does the plan of this statement use that index? */
static void
uses_index(struct rq *rq, const char *index, const char *sql)
{
    struct rows rows;
    bool used = false;

    CU_ASSERT_TRUE(db_rows(rq, arena_printf(rq->mem, "EXPLAIN (COSTS OFF) %s", sql), NONE, &rows));
    for (int i = 0; i < rows.count; i++)
        used = used || strstr(cell(&rows, i, 0), index);
    for (int i = 0; i < rows.count && !used; i++)
        printf("\n    %s", cell(&rows, i, 0));
    CU_ASSERT_TRUE(used);
}

static struct rq
connected(struct arena *mem, const char *conninfo)
{
    const char *error = NULL;
    struct rq rq = { .mem = mem, .db = db_open(mem, conninfo, &error), .language = "en" };

    CU_ASSERT_PTR_NOT_NULL_FATAL(rq.db);
    db_begin(&rq, false);
    return rq;
}

static void
statements_read_indexes_where_there_are_many_rows(void)
{
    struct test_database own = test_database();
    struct arena *mem = arena_new();
    struct rq admin = connected(mem, own.admin), rq;

    CU_ASSERT_TRUE(db_script(&admin, many_rows));
    db_commit(&admin);
    db_close(admin.db);
    rq = connected(mem, own.app);
    CU_ASSERT_TRUE(db_script(&rq,
                             "SELECT context_set(NULL, (SELECT id FROM company WHERE code ="
                             " 'TEST'), 'test')"));
    uses_index(&rq, "journal_line_ledger",
               "SELECT sum(debit - credit) FROM journal_line WHERE company_id = app_company()"
               " AND account_id = account_of(app_company(), 'receivable')"
               " AND posted_on BETWEEN '2010-01-01' AND '2010-01-31'");
    uses_index(
        &rq, "Index Only Scan using journal_line_ledger",
        "SELECT account_id, sum(debit - credit) FROM journal_line"
        " WHERE company_id = app_company() AND posted_on BETWEEN '2010-01-01' AND '2010-01-31'"
        " AND account_id IN (SELECT id FROM account WHERE type IN ('income', 'expense'))"
        " GROUP BY account_id");
    uses_index(&rq, "invoice_unpaid", "SELECT * FROM customer_overdue WHERE customer_id = 1");
    CHECK_TEXT(test_sql(&rq,
                        "SELECT sum(open_base) || ' ' || count(*)"
                        "  FROM open_items('receivable', '2024-12-31')"),
               "1000 100");
    db_rollback(&rq);
    db_close(rq.db);
    rq = connected(mem, own.admin);
    db_script(&rq, "SET LOCAL search_path = tenon");
    uses_index(&rq, "invoice_open_on",
               "SELECT * FROM invoice i WHERE i.number IS NOT NULL"
               " AND daterange(i.invoice_date, i.settled_on, '[)') @> date '2010-01-01'");
    db_rollback(&rq);
    db_close(rq.db);
    arena_free(mem);
}

const struct test statement_tests[] = {
    { "the balance sheet balances and shows the earnings",
      the_balance_sheet_balances_and_shows_the_earnings },
    { "profit and loss covers the days that are named",
      profit_and_loss_covers_the_days_that_are_named },
    { "the trial balance adds up to nothing", the_trial_balance_adds_up_to_nothing },
    { "an account shows its postings with the running balance",
      an_account_shows_its_postings_with_the_running_balance },
    { "ageing is as it was on any day", ageing_is_as_it_was_on_any_day },
    { "every report runs in both languages and as CSV",
      every_report_runs_in_both_languages_and_as_csv },
    { "CSV quotes what needs it", csv_quotes_what_needs_it },
    { "a report says what is wrong with the question",
      a_report_says_what_is_wrong_with_the_question },
    { "reports are for those who may", reports_are_for_those_who_may },
    { "statements read indexes where there are many rows",
      statements_read_indexes_where_there_are_many_rows },
    { 0 },
};
