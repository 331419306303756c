/*
 * The ledger under attack: plain SQL with the server's rights, round all of the C code.
 */
#include "modules/accounting/tests/books.h"

static const char *
account(struct rq *rq, const char *role)
{
    return test_sql(rq, "SELECT account_of(app_company(), '%s')", role);
}

/* A typed draft: debit of one account, credit of another. */
static const char *
an_entry(struct rq *rq, const char *date, const char *debit, const char *credit)
{
    return test_create(
        rq, "journal_entry",
        "{\"journal_id\": %s, \"entry_date\": \"%s\", \"lines\": ["
        "{\"account_id\": %s, \"debit\": \"%s\"}, {\"account_id\": %s, \"credit\": \"%s\"}]}",
        test_sql(rq, "SELECT id FROM journal WHERE code = 'GEN'"), date, account(rq, "expense"),
        debit, account(rq, "bank"), credit);
}

static void
a_typed_entry_is_numbered_and_counts_once_it_is_posted(void)
{
    struct rq *rq = test_begin();
    const char *id = an_entry(rq, "2026-03-05", "12.50", "12.50");

    CHECK_TEXT(balance_of(rq, "expense"), "0.00");
    CHECK_TEXT(test_sql(rq, "SELECT number FROM journal_entry WHERE id = %s", id), NULL);
    take(rq, "journal_entry", id, "post", NULL);
    CHECK_TEXT(test_sql(rq, "SELECT number FROM journal_entry WHERE id = %s", id),
               "GEN-2026-00001");
    CHECK_TEXT(balance_of(rq, "expense"), "12.50");
    test_end(rq);
}

static void
an_entry_that_does_not_balance_is_refused_at_commit(void)
{
    struct rq *rq = test_begin();
    const char *id = an_entry(rq, "2026-03-05", "12.50", "12.49");

    CHECK_TEXT(REFUSED(rq, "SELECT workflow_move('journal_entry', '{%s}', 'post')", id),
               "unbalanced");
    test_end(rq);
}

static void
an_entry_must_balance_in_each_currency(void)
{
    struct rq *rq = test_begin();
    const char *id = an_entry(rq, "2026-03-05", "12.50", "12.50");

    test_sql(rq,
             "UPDATE journal_line SET currency_code = 'EUR', amount = 10"
             " WHERE entry_id = %s AND debit > 0 RETURNING 1",
             id);
    CHECK_TEXT(REFUSED(rq, "SELECT workflow_move('journal_entry', '{%s}', 'post')", id),
               "unbalanced");
    test_sql(rq,
             "UPDATE journal_line SET currency_code = 'EUR', amount = -10"
             " WHERE entry_id = %s AND credit > 0 RETURNING 1",
             id);
    CHECK_TEXT(REFUSED(rq, "SELECT workflow_move('journal_entry', '{%s}', 'post')", id), "");
    test_end(rq);
}

static void
an_entry_without_lines_is_not_posted(void)
{
    struct rq *rq = test_begin();
    const char *id = an_entry(rq, "2026-03-05", "1", "1");

    test_sql(rq, "DELETE FROM journal_line WHERE entry_id = %s RETURNING 1", id);
    CHECK_TEXT(refused_step(rq, "journal_entry", id, "post", NULL), "nothing_to_post");
    test_end(rq);
}

static void
what_is_posted_never_changes(void)
{
    struct rq *rq = test_begin();
    const char *id = an_entry(rq, "2026-03-05", "12.50", "12.50");

    take(rq, "journal_entry", id, "post", NULL);
    CHECK_TEXT(REFUSED(rq, "UPDATE journal_line SET debit = debit + 1 WHERE entry_id = %s", id),
               "posted");
    CHECK_TEXT(REFUSED(rq, "UPDATE journal_line SET description = 'x' WHERE entry_id = %s", id),
               "posted");
    CHECK_TEXT(REFUSED(rq, "DELETE FROM journal_line WHERE entry_id = %s", id), "posted");
    CHECK_TEXT(REFUSED(rq, "UPDATE journal_entry SET entry_date = '2026-04-01' WHERE id = %s", id),
               "posted");
    CHECK_TEXT(REFUSED(rq, "UPDATE journal_entry SET description = 'x' WHERE id = %s", id),
               "posted");
    CHECK_TEXT(REFUSED(rq, "DELETE FROM journal_entry WHERE id = %s", id), "posted");
    CHECK_TEXT(REFUSED(rq,
                       "INSERT INTO journal_line (entry_id, account_id, debit) VALUES (%s, %s, 1)",
                       id, account(rq, "expense")),
               "posted");
    test_end(rq);
}

static void
the_server_can_neither_number_nor_date_nor_post_by_itself(void)
{
    struct rq *rq = test_begin();
    const char *id = an_entry(rq, "2026-03-05", "1", "1");
    static const char *const attacks[] = {
        "UPDATE journal_entry SET number = 'GEN-2026-00777' WHERE id = %s",
        "UPDATE journal_entry SET state = 'posted' WHERE id = %s",
        "UPDATE journal_line SET posted_on = '2026-03-05' WHERE entry_id = %s",
        "UPDATE journal_entry SET source_entity = 'invoice' WHERE id = %s",
        "SELECT gapless_number(app_company(), 'journal:GEN', '2026-03-05'), %s",
        "SELECT journal_post(app_company(), 'GEN', '2026-03-05', 'x', 'x', %s, '[]')",
        "SELECT journal_entry_mirror('{%s}', '2026-03-05', 'x')",
        "SELECT exposure_add(app_company(), 1, -1000 - %s)",
        "UPDATE number_counter SET last = last + %s",
    };

    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        CHECK_TEXT(REFUSED(rq, attacks[i], id), "forbidden");
    test_end(rq);
}

static void
a_closed_period_takes_no_posting_until_it_is_opened_again(void)
{
    struct rq *rq = test_begin();
    const char *posted = an_entry(rq, "1996-07-04", "1", "1");
    const char *draft = an_entry(rq, "1996-07-31", "1", "1"), *period;

    take(rq, "journal_entry", posted, "post", NULL);
    period = test_sql(rq, "SELECT id FROM period WHERE name = '1996-07'");
    take(rq, "period", period, "close", NULL);
    CHECK_TEXT(refused_step(rq, "journal_entry", draft, "post", NULL), "period_closed");
    CHECK_TEXT(refused_step(rq, "journal_entry", posted, "reverse", "{\"date\": \"1996-07-20\"}"),
               "period_closed");
    CHECK_TEXT(refused_step(rq, "journal_entry", draft, "post", "{\"date\": \"1996-08-01\"}"), "");
    CHECK_TEXT(REFUSED(rq, "DELETE FROM period WHERE id = %s", period), "posted");
    CHECK_TEXT(REFUSED(rq, "UPDATE period SET ends_on = '1996-07-10' WHERE id = %s", period),
               "posted");
    take(rq, "period", period, "reopen", NULL);
    take(rq, "journal_entry", draft, "post", NULL);
    test_end(rq);
}

static void
a_year_closes_after_its_periods_and_keeps_them_closed(void)
{
    struct rq *rq = test_begin();
    const char *year, *periods;

    take(rq, "journal_entry", an_entry(rq, "1996-07-04", "1", "1"), "post", NULL);
    year = test_sql(rq, "SELECT id FROM fiscal_year WHERE name = '1996'");
    periods = test_sql(rq, "SELECT array_agg(id) FROM period WHERE fiscal_year_id = %s", year);
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM period WHERE fiscal_year_id = %s", year), "12");
    CHECK_TEXT(refused_step(rq, "fiscal_year", year, "close", NULL), "periods_open");
    CU_ASSERT_TRUE(workflow_take(rq, "period", periods, "close", NULL));
    take(rq, "fiscal_year", year, "close", NULL);
    CHECK_TEXT(refused_step(rq, "period",
                            test_sql(rq, "SELECT id FROM period WHERE name = '1996-03'"), "reopen",
                            NULL),
               "year_closed");
    CHECK_TEXT(
        refused_step(rq, "journal_entry", an_entry(rq, "1996-12-31", "1", "1"), "post", NULL),
        "period_closed");
    test_end(rq);
}

static void
a_reversal_mirrors_the_entry_once(void)
{
    struct rq *rq = test_begin();
    const char *id = an_entry(rq, "2026-03-05", "12.50", "12.50"), *mirror;

    take(rq, "journal_entry", id, "post", NULL);
    take(rq, "journal_entry", id, "reverse", "{\"date\": \"2026-03-31\", \"reason\": \"Wrong\"}");
    mirror = test_sql(rq, "SELECT id FROM journal_entry WHERE reverses_id = %s", id);
    CHECK_TEXT(test_sql(rq, "SELECT entry_date FROM journal_entry WHERE id = %s", mirror),
               "2026-03-31");
    CHECK_TEXT(balance_of(rq, "expense"), "0.00");
    CHECK_TEXT(refused_step(rq, "journal_entry", id, "reverse", NULL), "duplicate");
    CHECK_TEXT(refused_step(rq, "journal_entry", mirror, "reverse", NULL), "not_reversible");
    test_end(rq);
}

static void
control_accounts_are_kept_by_documents_only(void)
{
    struct rq *rq = test_begin();
    const char *id = an_entry(rq, "2026-03-05", "1", "1");

    test_sql(rq, "UPDATE journal_line SET account_id = %s WHERE entry_id = %s RETURNING 1",
             account(rq, "receivable"), id);
    CHECK_TEXT(refused_step(rq, "journal_entry", id, "post", NULL), "control_account");
    CHECK_TEXT(REFUSED(rq,
                       "UPDATE journal_line SET account_id ="
                       " (SELECT id FROM account WHERE NOT postable LIMIT 1) WHERE entry_id = %s",
                       id),
               "not_postable");
    test_end(rq);
}

static void
no_document_posts_to_a_control_account_by_a_detour(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer");
    const char *draft = a_draft(rq, "customer_invoice", party, "2026-01-10", "10");
    static const char *const roles[] = { "receivable", "payable", "inventory" };

    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        test_mark(rq);
        test_sql(rq, "UPDATE invoice_line SET account_id = %s WHERE invoice_id = %s RETURNING 1",
                 account(rq, roles[i]), draft);
        CHECK_TEXT(REFUSED(rq, "SELECT workflow_move('invoice', '{%s}', 'post')", draft),
                   "control_account");
        test_recover(rq);
    }
    test_sql(rq, "UPDATE journal SET account_id = %s WHERE code = 'BNK' RETURNING 1",
             account(rq, "receivable"));
    CHECK_TEXT(REFUSED(rq, "SELECT workflow_move('payment', '{%s}', 'post')",
                       a_payment(rq, party, "2026-01-10", "10")),
               "control_account");
    test_end(rq);
}

static void
an_account_with_postings_keeps_its_type_and_purpose(void)
{
    struct rq *rq = test_begin();

    an_invoice(rq, a_party(rq, "Buyer"), "2026-03-05", "10");
    CHECK_TEXT(REFUSED(rq, "UPDATE account SET type = 'equity' WHERE role = 'revenue'"), "posted");
    CHECK_TEXT(REFUSED(rq, "UPDATE account SET role = NULL WHERE role = 'receivable'"), "posted");
    CHECK_TEXT(REFUSED(rq, "DELETE FROM account WHERE role = 'revenue'"), "in_use");
    CHECK_TEXT(REFUSED(rq, "UPDATE account SET name = 'Turnover' WHERE role = 'revenue'"), "");
    test_end(rq);
}

static void
periods_and_rates_never_overlap(void)
{
    struct rq *rq = test_begin();
    const char *tax = test_create(rq, "tax",
                                  "{\"code\": \"T\", \"name\": \"T\", \"rates\": ["
                                  "{\"percent\": \"5\", \"valid_from\": \"2020-01-01\"}]}");

    CHECK_TEXT(REFUSED(rq,
                       "INSERT INTO tax_rate (tax_id, percent, valid_from, valid_to)"
                       " VALUES (%s, 6, '2010-01-01', '2020-01-01')",
                       tax),
               "overlap");
    take(rq, "journal_entry", an_entry(rq, "1996-07-04", "1", "1"), "post", NULL);
    CHECK_TEXT(REFUSED(rq,
                       "INSERT INTO fiscal_year (name, starts_on, ends_on)"
                       " VALUES ('x', '1996-06-01', '1997-05-31')"),
               "overlap");
    test_end(rq);
}

static void
the_chinese_chart_has_the_66_accounts_of_the_standard(void)
{
    struct rq *rq = test_begin();

    test_owner_sql(rq,
                   "SELECT company_create('ZH', 'Zh', '中', 'CNY', 'CN', 'UTC', 'cn_small');"
                   "INSERT INTO user_company SELECT u.id, c.id FROM app_user u, company c"
                   " WHERE u.login = 'admin' AND c.code = 'ZH' ON CONFLICT DO NOTHING");
    test_end(rq);
    rq = test_begin_as("admin", "ZH");
    CHECK_TEXT(test_sql(rq,
                        "SELECT count(*) FROM account WHERE code ~ '^[0-9]{4}$'"
                        " AND code <> '1406'"),
               "66");
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(name_zh, ' ' ORDER BY code) FROM account"
                        " WHERE code LIKE '2221__%%'"),
               "应交增值税 进项税额 销项税额 进项税额转出 转出未交增值税 未交增值税 "
               "待抵扣进项税额 待认证进项税额 待转销项税额");
    CHECK_TEXT(test_sql(rq,
                        "SELECT a.name_zh FROM account a"
                        " WHERE id = account_of(app_company(), 'cost_of_sales')"),
               "主营业务成本");
    /* VAT at home by the rate of the day, none abroad */
    const char *home = test_create(rq, "party", "{\"name\": \"甲\", \"country_code\": \"CN\"}");
    const char *abroad = test_create(rq, "party", "{\"name\": \"乙\", \"country_code\": \"DE\"}");

    CHECK_TEXT(test_sql(rq, "SELECT tax FROM invoice WHERE id = %s",
                        a_draft(rq, "customer_invoice", home, "2019-03-31", "100")),
               "16.00");
    CHECK_TEXT(test_sql(rq, "SELECT tax FROM invoice WHERE id = %s",
                        a_draft(rq, "customer_invoice", home, "2019-04-01", "100")),
               "13.00");
    CHECK_TEXT(test_sql(rq, "SELECT tax FROM invoice WHERE id = %s",
                        a_draft(rq, "customer_invoice", abroad, "2019-04-01", "100")),
               "0.00");
    test_end(rq);
}

const struct test ledger_tests[] = {
    { "a typed entry is numbered and counts once it is posted",
      a_typed_entry_is_numbered_and_counts_once_it_is_posted },
    { "an entry that does not balance is refused at commit",
      an_entry_that_does_not_balance_is_refused_at_commit },
    { "an entry must balance in each currency", an_entry_must_balance_in_each_currency },
    { "an entry without lines is not posted", an_entry_without_lines_is_not_posted },
    { "what is posted never changes", what_is_posted_never_changes },
    { "the server can neither number nor date nor post by itself",
      the_server_can_neither_number_nor_date_nor_post_by_itself },
    { "a closed period takes no posting until it is opened again",
      a_closed_period_takes_no_posting_until_it_is_opened_again },
    { "a year closes after its periods and keeps them closed",
      a_year_closes_after_its_periods_and_keeps_them_closed },
    { "a reversal mirrors the entry once", a_reversal_mirrors_the_entry_once },
    { "control accounts are kept by documents only", control_accounts_are_kept_by_documents_only },
    { "no document posts to a control account by a detour",
      no_document_posts_to_a_control_account_by_a_detour },
    { "an account with postings keeps its type and purpose",
      an_account_with_postings_keeps_its_type_and_purpose },
    { "periods and rates never overlap", periods_and_rates_never_overlap },
    { "the Chinese chart has the 66 accounts of the standard",
      the_chinese_chart_has_the_66_accounts_of_the_standard },
    { 0 },
};
