/*
 * Invoices: what posting makes of them, tax to the cent, currencies, credit notes.
 */
#include "modules/accounting/tests/books.h"

static const char *
field(struct rq *rq, const char *entity, const char *id, const char *column)
{
    return test_sql(rq, "SELECT (%s)::text FROM %s WHERE id = %s", column, entity, id);
}

/* A sales tax with one rate since ever. */
static const char *
a_tax(struct rq *rq, const char *code, const char *percent)
{
    return test_create(rq, "tax",
                       "{\"code\": \"%s\", \"name\": \"%s\", \"rates\": [{\"percent\": \"%s\"}]}",
                       code, code, percent);
}

static void
posting_numbers_dates_and_books_an_invoice(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer");
    const char *id = test_create(
        rq, "invoice",
        "{\"party_id\": %s, \"invoice_date\": \"1996-07-04\", \"payment_term_id\": %s,"
        " \"lines\": [{\"quantity\": \"3\", \"unit_price\": \"3.335\", \"discount\": \"10\"},"
        " {\"quantity\": \"1\", \"unit_price\": \"0.005\"}]}",
        party, test_sql(rq, "SELECT id FROM payment_term WHERE code = 'NET30'"));

    /* 9.0045 and 0.005: each line is rounded half away from zero */
    CHECK_TEXT(field(rq, "invoice", id, "total"), "9.01");
    CHECK_TEXT(field(rq, "invoice", id, "number"), NULL);
    take(rq, "invoice", id, "post", NULL);
    CHECK_TEXT(field(rq, "invoice", id, "number"), "INV-1996-00001");
    CHECK_TEXT(field(rq, "invoice", id, "due_date"), "1996-08-03");
    CHECK_TEXT(field(rq, "invoice", id, "open_amount"), "9.01");
    CHECK_TEXT(field(rq, "invoice", id, "paid"), "none");
    CHECK_TEXT(balance_of(rq, "receivable"), "9.01");
    CHECK_TEXT(balance_of(rq, "revenue"), "-9.01");
    CHECK_TEXT(
        test_sql(rq, "SELECT base_text(exposure) FROM customer_company WHERE party_id = %s", party),
        "9.01");
    test_end(rq);
}

static void
the_body_may_date_the_posting(void)
{
    struct rq *rq = test_begin();
    const char *id = a_draft(rq, "customer_invoice", a_party(rq, "Buyer"), "2026-01-10", "5");

    take(rq, "invoice", id, "post", "{\"date\": \"1997-02-28\"}");
    CHECK_TEXT(field(rq, "invoice", id, "number"), "INV-1997-00001");
    CHECK_TEXT(field(rq, "invoice", id, "due_date"), "1997-02-28");
    test_end(rq);
}

static void
a_bill_is_booked_as_a_payable_against_its_account(void)
{
    struct rq *rq = test_begin();
    const char *id = a_draft(rq, "supplier_bill", a_party(rq, "Maker"), "2026-01-10", "80");

    take(rq, "invoice", id, "post", NULL);
    CHECK_TEXT(field(rq, "invoice", id, "number"), "BILL-2026-00001");
    CHECK_TEXT(balance_of(rq, "payable"), "-80.00");
    CHECK_TEXT(balance_of(rq, "expense"), "80.00");
    test_end(rq);
}

static void
lines_are_booked_by_the_category_of_their_item(void)
{
    struct rq *rq = test_begin();
    const char *above = test_create(rq, "item_category", "{\"name\": \"Services\"}");
    const char *category =
        test_create(rq, "item_category", "{\"name\": \"Repairs\", \"parent_id\": %s}", above);
    const char *item = test_create(
        rq, "item",
        "{\"code\": \"REP\", \"name\": \"Repair\", \"kind\": \"service\", \"category_id\": %s,"
        " \"uom_id\": %s}",
        category, test_sql(rq, "SELECT id FROM uom ORDER BY id LIMIT 1"));
    const char *id;

    test_create(rq, "category_account", "{\"category_id\": %s, \"revenue_account_id\": %s}", above,
                test_sql(rq, "SELECT account_of(app_company(), 'service_revenue')"));
    id = test_create(rq, "invoice",
                     "{\"party_id\": %s, \"invoice_date\": \"2026-01-10\", \"lines\": ["
                     "{\"item_id\": %s, \"quantity\": \"2\", \"unit_price\": \"30\"}]}",
                     a_party(rq, "Buyer"), item);
    take(rq, "invoice", id, "post", NULL);
    CHECK_TEXT(balance_of(rq, "service_revenue"), "-60.00");
    CHECK_TEXT(balance_of(rq, "revenue"), "0.00");
    test_end(rq);
}

/* Three lines of 0.05 at 10 %: 0.005 each. */
static const char *
three_small_lines(struct rq *rq, const char *tax, const char *more)
{
    return test_create(rq, "invoice",
                       "{\"party_id\": %s, \"invoice_date\": \"2026-01-10\", %s \"lines\": ["
                       "{\"quantity\": \"1\", \"unit_price\": \"0.05\", \"tax_id\": %s},"
                       "{\"quantity\": \"1\", \"unit_price\": \"0.05\", \"tax_id\": %s},"
                       "{\"quantity\": \"1\", \"unit_price\": \"0.05\", \"tax_id\": %s}]}",
                       a_party(rq, "Buyer"), more, tax, tax, tax);
}

static void
tax_is_rounded_per_line_or_once_per_document(void)
{
    struct rq *rq = test_begin();
    const char *tax = a_tax(rq, "TEN", "10");
    const char *lines = three_small_lines(rq, tax, "");
    const char *once = three_small_lines(rq, tax, "\"tax_rounding\": \"document\",");

    CHECK_TEXT(field(rq, "invoice", lines, "tax"), "0.03");
    CHECK_TEXT(field(rq, "invoice", once, "tax"), "0.02");
    CHECK_TEXT(test_sql(rq, "SELECT sum(tax) FROM invoice_line WHERE invoice_id = %s", once),
               "0.02");
    test_sql(rq, "UPDATE invoice SET tax_rounding = 'line' WHERE id = %s RETURNING 1", once);
    CHECK_TEXT(field(rq, "invoice", once, "tax"), "0.03");
    take(rq, "invoice", lines, "post", NULL);
    CHECK_TEXT(balance_of(rq, "tax_payable"), "-0.03");
    CHECK_TEXT(balance_of(rq, "receivable"), "0.18");
    test_end(rq);
}

static void
included_tax_never_changes_the_price(void)
{
    struct rq *rq = test_begin();
    const char *tax = a_tax(rq, "VAT", "13");
    const char *id = test_create(
        rq, "invoice",
        "{\"party_id\": %s, \"prices_include_tax\": true, \"invoice_date\": \"2026-01-10\","
        " \"lines\": [{\"quantity\": \"7\", \"unit_price\": \"9.99\", \"tax_id\": %s},"
        " {\"quantity\": \"1\", \"unit_price\": \"0.01\", \"tax_id\": %s}]}",
        a_party(rq, "Buyer"), tax, tax);

    CHECK_TEXT(field(rq, "invoice", id, "total"), "69.94");
    CHECK_TEXT(field(rq, "invoice", id, "net"), "61.89"); /* 61.88 and 0.01 */
    test_sql(rq, "UPDATE invoice SET tax_rounding = 'document' WHERE id = %s RETURNING 1", id);
    CHECK_TEXT(field(rq, "invoice", id, "total"), "69.94");
    CHECK_TEXT(field(rq, "invoice", id, "net"), "61.89"); /* 69.94 / 1.13 = 61.894 */
    test_end(rq);
}

static void
the_rate_is_that_of_the_invoice_date(void)
{
    struct rq *rq = test_begin();
    const char *tax = test_create(
        rq, "tax",
        "{\"code\": \"D\", \"name\": \"D\", \"rates\": ["
        "{\"percent\": \"16\", \"valid_from\": \"2018-05-01\", \"valid_to\": \"2019-03-31\"},"
        "{\"percent\": \"13\", \"valid_from\": \"2019-04-01\"}]}");
    const char *id = test_create(rq, "invoice",
                                 "{\"party_id\": %s, \"invoice_date\": \"2019-03-31\", \"lines\": ["
                                 "{\"quantity\": \"1\", \"unit_price\": \"100\", \"tax_id\": %s}]}",
                                 a_party(rq, "Buyer"), tax);

    CHECK_TEXT(field(rq, "invoice", id, "tax"), "16.00");
    CHECK_TEXT(refused_step(rq, "invoice", id, "post", "{\"date\": \"2018-04-30\"}"),
               "no_tax_rate");
    take(rq, "invoice", id, "post", "{\"date\": \"2019-04-01\"}");
    CHECK_TEXT(field(rq, "invoice", id, "total"), "113.00");
    test_end(rq);
}

static void
the_rule_that_says_most_chooses_the_tax(void)
{
    struct rq *rq = test_begin();
    const char *home = a_tax(rq, "HOME", "20"), *away = a_tax(rq, "AWAY", "0");
    const char *category = test_sql(rq, "SELECT id FROM tax_category ORDER BY id LIMIT 1");
    const char *low = a_tax(rq, "LOW", "5");
    const char *item = test_create(
        rq, "item",
        "{\"code\": \"BOOK\", \"name\": \"Book\", \"kind\": \"service\", \"uom_id\": %s,"
        " \"tax_category_id\": %s}",
        test_sql(rq, "SELECT id FROM uom ORDER BY id LIMIT 1"), category);
    const char *us = a_party(rq, "Near");
    const char *de = test_create(rq, "party", "{\"name\": \"Far\", \"country_code\": \"DE\"}");
#define TAX_FOR(item, party)                                                                       \
    test_sql(rq,                                                                                   \
             "SELECT (SELECT code FROM tax WHERE id = tax_for(app_company(), 'sale', %s, %s))",    \
             item, party)

    CHECK_TEXT(TAX_FOR("NULL", us), NULL);
    test_create(rq, "tax_rule", "{\"use\": \"sale\", \"tax_id\": %s}", away);
    test_create(rq, "tax_rule", "{\"use\": \"sale\", \"country_code\": \"US\", \"tax_id\": %s}",
                home);
    test_create(rq, "tax_rule",
                "{\"use\": \"sale\", \"country_code\": \"US\", \"tax_category_id\": %s,"
                " \"tax_id\": %s}",
                category, low);
    CHECK_TEXT(TAX_FOR("NULL", us), "HOME");
    CHECK_TEXT(TAX_FOR(item, us), "LOW");
    CHECK_TEXT(TAX_FOR(item, de), "AWAY");
    CHECK_TEXT(REFUSED(rq,
                       "INSERT INTO tax_rule (use, country_code, tax_id)"
                       " VALUES ('sale', 'US', %s)",
                       low),
               "duplicate");
    test_end(rq);
}

static void
a_foreign_invoice_is_booked_in_both_currencies(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *tax = a_tax(rq, "T", "10"), *id;

    id = test_create(
        rq, "invoice",
        "{\"party_id\": %s, \"invoice_date\": \"2026-01-10\", \"currency_code\": \"EUR\","
        " \"lines\": [{\"quantity\": \"1\", \"unit_price\": \"0.33\", \"tax_id\": %s},"
        " {\"quantity\": \"1\", \"unit_price\": \"0.33\", \"account_id\": %s,"
        " \"tax_id\": %s}]}",
        party, tax, test_sql(rq, "SELECT account_of(app_company(), 'service_revenue')"), tax);
    CHECK_TEXT(refused_step(rq, "invoice", id, "post", NULL), "no_exchange_rate");
    test_create(rq, "exchange_rate",
                "{\"currency_code\": \"EUR\", \"valid_from\": \"2026-01-01\", \"rate\": \"1.5\"}");
    take(rq, "invoice", id, "post", NULL);
    /* 0.72 EUR = 1.08; 0.33 = 0.495 -> 0.50 twice, tax 0.06 -> 0.09: one cent stays over */
    CHECK_TEXT(field(rq, "invoice", id, "base_total"), "1.08");
    CHECK_TEXT(balance_of(rq, "receivable"), "1.08");
    CHECK_TEXT(balance_of(rq, "tax_payable"), "-0.09");
    CHECK_TEXT(test_sql(rq,
                        "SELECT sum(l.debit - l.credit) || ' ' || sum(l.amount)"
                        "  FROM journal_line l JOIN invoice i ON i.journal_entry_id = l.entry_id"
                        " WHERE i.id = %s AND l.position > 0",
                        id),
               "-1.08 -0.72");
    test_end(rq);
}

static void
instalments_are_due_one_after_the_other(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer");
    const char *id =
        test_create(rq, "invoice",
                    "{\"party_id\": %s, \"invoice_date\": \"2026-01-01\", \"payment_term_id\": %s,"
                    " \"lines\": [{\"quantity\": \"1\", \"unit_price\": \"100\"}]}",
                    party, test_sql(rq, "SELECT id FROM payment_term WHERE code = 'THIRDS'"));

    take(rq, "invoice", id, "post", NULL);
    CHECK_TEXT(field(rq, "invoice", id, "due_date"), "2026-04-01");
    take(rq, "payment", a_payment(rq, party, "2026-02-01", "50"), "post", NULL);
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(due_date || ' ' || open_amount, ', ' ORDER BY position)"
                        "  FROM invoice_due WHERE invoice_id = %s",
                        id),
               "2026-01-31 0, 2026-03-02 16.66, 2026-04-01 33.34");
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(due_date || ' ' || open_base, ', ' ORDER BY due_date)"
                        "  FROM open_dues('receivable', '2026-03-15') WHERE id = %s",
                        id),
               "2026-03-02 16.66, 2026-04-01 33.34");
    test_end(rq);
}

static void
a_posted_invoice_stays_as_it_is(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *id = an_invoice(rq, party, "2026-01-10", "100");
    static const char *const attacks[] = {
        "UPDATE invoice SET invoice_date = '2026-01-11' WHERE id = %s",
        "UPDATE invoice SET party_id = party_id + 1 WHERE id = %s",
        "UPDATE invoice SET due_date = '2027-01-11' WHERE id = %s",
        "UPDATE invoice SET reference = 'x' WHERE id = %s",
        "DELETE FROM invoice WHERE id = %s",
        "UPDATE invoice_line SET unit_price = 1 WHERE invoice_id = %s",
        "UPDATE invoice_line SET description = 'x' WHERE invoice_id = %s",
        "DELETE FROM invoice_line WHERE invoice_id = %s",
        "INSERT INTO invoice_line (invoice_id, quantity, unit_price) VALUES (%s, 1, 1)",
    };
    static const char *const denied[] = {
        "UPDATE invoice SET total = 1 WHERE id = %s",
        "UPDATE invoice SET open_amount = 0 WHERE id = %s",
        "UPDATE invoice SET paid = 'full' WHERE id = %s",
        "UPDATE invoice SET number = 'INV-1' WHERE id = %s",
        "UPDATE invoice SET state = 'draft' WHERE id = %s",
        "UPDATE invoice_line SET net = 1 WHERE invoice_id = %s",
        "UPDATE invoice_line SET credited_quantity = 0 WHERE invoice_id = %s",
    };

    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        CHECK_TEXT(REFUSED(rq, attacks[i], id), "posted");
    for (size_t i = 0; i < sizeof denied / sizeof *denied; i++)
        CHECK_TEXT(REFUSED(rq, denied[i], id), "forbidden");
    CHECK_TEXT(refused_step(rq, "invoice", id, "cancel", NULL), "wrong_state");
    CHECK_TEXT(REFUSED(rq, "UPDATE invoice SET note = 'x' WHERE id = %s", id), "");
    test_end(rq);
}

static void
what_cannot_be_posted_says_why(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer");
    const char *empty = test_create(rq, "invoice", "{\"party_id\": %s}", party);
    const char *below = a_draft(rq, "customer_invoice", party, "2026-01-10", "-5");
    const char *dropped = a_draft(rq, "customer_invoice", party, "2026-01-10", "5");
    const char *free = a_draft(rq, "customer_invoice", party, "2026-01-10", "0");

    CHECK_TEXT(refused_step(rq, "invoice", empty, "post", NULL), "nothing_to_post");
    CHECK_TEXT(refused_step(rq, "invoice", below, "post", NULL), "negative_total");
    take(rq, "invoice", dropped, "cancel", NULL);
    CHECK_TEXT(refused_step(rq, "invoice", dropped, "post", NULL), "wrong_state");
    take(rq, "invoice", free, "post", NULL);
    CHECK_TEXT(field(rq, "invoice", free, "paid"), "full");
    CHECK_TEXT(field(rq, "invoice", free, "journal_entry_id"), NULL);
    test_end(rq);
}

static const char *
the_note_of(struct rq *rq, const char *invoice)
{
    return test_sql(rq, "SELECT max(id) FROM invoice WHERE credits_id = %s", invoice);
}

static void
a_credit_note_takes_back_at_the_original_price(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *tax = a_tax(rq, "T", "7"), *id, *line, *note;

    id = test_create(rq, "invoice",
                     "{\"party_id\": %s, \"invoice_date\": \"2026-01-10\", \"lines\": ["
                     "{\"quantity\": \"3\", \"unit_price\": \"3.335\", \"tax_id\": %s}]}",
                     party, tax);
    take(rq, "invoice", id, "post", NULL);
    line = test_sql(rq, "SELECT id FROM invoice_line WHERE invoice_id = %s", id);
    take(rq, "invoice", id, "credit",
         arena_printf(rq->mem,
                      "{\"date\": \"2026-01-12\", \"lines\": [{\"id\": %s, \"quantity\": \"1\"}]}",
                      line));
    note = the_note_of(rq, id);
    CHECK_TEXT(field(rq, "invoice", note, "kind || ' ' || net || ' ' || tax"),
               "credit_note 3.34 0.23");
    take(rq, "invoice", note, "post", NULL);
    CHECK_TEXT(field(rq, "invoice", note, "number || ' ' || paid"), "CN-2026-00001 full");
    CHECK_TEXT(field(rq, "invoice", id, "open_amount || ' ' || paid"), "7.14 part");
    /* all the rest: the cents that rounding left are in the last part */
    take(rq, "invoice", id, "credit", NULL);
    note = the_note_of(rq, id);
    CHECK_TEXT(field(rq, "invoice", note, "net || ' ' || tax"), "6.67 0.47");
    take(rq, "invoice", note, "post", NULL);
    CHECK_TEXT(field(rq, "invoice", id, "open_amount || ' ' || paid"), "0.00 full");
    CHECK_TEXT(balance_of(rq, "receivable"), "0.00");
    CHECK_TEXT(balance_of(rq, "revenue"), "0.00");
    CHECK_TEXT(balance_of(rq, "tax_payable"), "0.00");
    CHECK_TEXT(refused_step(rq, "invoice", id, "credit", NULL), "nothing_to_credit");
    CHECK_TEXT(refused_step(rq, "invoice", note, "credit", NULL), "not_creditable");
    test_end(rq);
}

static void
more_than_was_invoiced_is_never_credited(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *id = an_invoice(rq, party, "2026-01-10", "100");
    const char *line = test_sql(rq, "SELECT id FROM invoice_line WHERE invoice_id = %s", id);
    const char *first, *second, *free;

    CHECK_TEXT(refused_step(
                   rq, "invoice", id, "credit",
                   arena_printf(rq->mem, "{\"lines\": [{\"id\": %s, \"quantity\": \"2\"}]}", line)),
               "over_credited");
    CHECK_TEXT(refused_step(rq, "invoice", id, "credit", "{\"lines\": [{\"id\": 1}]}"),
               "not_found");
    take(rq, "invoice", id, "credit", "{\"date\": \"2026-02-01\"}");
    first = the_note_of(rq, id);
    take(rq, "invoice", id, "credit", "{\"date\": \"2026-02-01\"}");
    second = the_note_of(rq, id);
    /* round the operation: a note of free lines, larger than the invoice */
    free = test_create(rq, "invoice",
                       "{\"kind\": \"credit_note\", \"party_id\": %s, \"credits_id\": %s,"
                       " \"invoice_date\": \"2026-02-01\","
                       " \"lines\": [{\"quantity\": \"1\", \"unit_price\": \"100.01\"}]}",
                       party, id);
    CHECK_TEXT(REFUSED(rq, "SELECT workflow_move('invoice', '{%s}', 'post')", free),
               "over_credited");
    CHECK_TEXT(REFUSED(rq, "SELECT workflow_move('invoice', '{%s,%s}', 'post')", first, second),
               "over_credited");
    take(rq, "invoice", first, "post", NULL);
    CHECK_TEXT(REFUSED(rq, "SELECT workflow_move('invoice', '{%s}', 'post')", second),
               "over_credited");
    test_end(rq);
}

static void
an_invoice_posts_in_few_round_trips_however_many_there_are(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *json, *ids;
    int before;

    json = test_sql(
        rq,
        "SELECT json_agg(json_build_object('party_id', %s, 'invoice_date', '2026-01-10',"
        " 'lines', (SELECT json_agg(json_build_object('quantity', '2', 'unit_price', '1.5'))"
        " FROM generate_series(1, 5)))) FROM generate_series(1, 40)",
        party);
    ids = entity_insert(rq, "invoice", json);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ids);
    rq->ids = ids;
    before = db_syncs(rq->db);
    CU_ASSERT_TRUE(entity_find("invoice")->operations[0].run(rq));
    CU_ASSERT_TRUE(db_syncs(rq->db) - before <= 3);
    CU_ASSERT_TRUE(workflow_take(rq, "invoice", ids, "post", NULL));
    CHECK_TEXT(balance_of(rq, "receivable"), "600.00");
    CHECK_TEXT(test_sql(rq,
                        "SELECT count(*) || ' ' || max(number) FROM invoice WHERE id = ANY ('%s')",
                        ids),
               "40 INV-2026-00040");
    test_end(rq);
}

const struct test invoice_tests[] = {
    { "posting numbers, dates and books an invoice", posting_numbers_dates_and_books_an_invoice },
    { "the body may date the posting", the_body_may_date_the_posting },
    { "a bill is booked as a payable against its account",
      a_bill_is_booked_as_a_payable_against_its_account },
    { "lines are booked by the category of their item",
      lines_are_booked_by_the_category_of_their_item },
    { "tax is rounded per line or once per document",
      tax_is_rounded_per_line_or_once_per_document },
    { "included tax never changes the price", included_tax_never_changes_the_price },
    { "the rate is that of the invoice date", the_rate_is_that_of_the_invoice_date },
    { "the rule that says most chooses the tax", the_rule_that_says_most_chooses_the_tax },
    { "a foreign invoice is booked in both currencies",
      a_foreign_invoice_is_booked_in_both_currencies },
    { "instalments are due one after the other", instalments_are_due_one_after_the_other },
    { "a posted invoice stays as it is", a_posted_invoice_stays_as_it_is },
    { "what cannot be posted says why", what_cannot_be_posted_says_why },
    { "a credit note takes back at the original price",
      a_credit_note_takes_back_at_the_original_price },
    { "more than was invoiced is never credited", more_than_was_invoiced_is_never_credited },
    { "an invoice posts in few round trips, however many there are",
      an_invoice_posts_in_few_round_trips_however_many_there_are },
    { 0 },
};
