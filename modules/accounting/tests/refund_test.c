/*
 * Refunds: money goes back for a credit note, and never more than was paid.
 */
#include "modules/accounting/tests/books.h"
#include "tests/own_database.h"

#include <pthread.h>
#include <unistd.h>

static const char *
field(struct rq *rq, const char *entity, const char *id, const char *column)
{
    return test_sql(rq, "SELECT (%s)::text FROM %s WHERE id = %s", column, entity, id);
}

static const char *
exposure(struct rq *rq, const char *party)
{
    return test_sql(rq, "SELECT base_text(exposure) FROM customer_company WHERE party_id = %s",
                    party);
}

/* A posted invoice of ten at 10. */
static const char *
ten(struct rq *rq, const char *party)
{
    const char *id = test_create(rq, "invoice",
                                 "{\"party_id\": %s, \"invoice_date\": \"2026-01-10\", \"lines\":"
                                 " [{\"quantity\": \"10\", \"unit_price\": \"10\"}]}",
                                 party);

    take(rq, "invoice", id, "post", NULL);
    return id;
}

/* A posted credit note of so many of them. */
static const char *
credit(struct rq *rq, const char *invoice, const char *quantity)
{
    const char *note;

    take(rq, "invoice", invoice, "credit",
         arena_printf(
             rq->mem, "{\"date\": \"2026-03-01\", \"lines\": [{\"id\": %s, \"quantity\": \"%s\"}]}",
             test_sql(rq, "SELECT id FROM invoice_line WHERE invoice_id = %s", invoice), quantity));
    note = test_sql(rq, "SELECT max(id) FROM invoice WHERE credits_id = %s", invoice);
    take(rq, "invoice", note, "post", NULL);
    return note;
}

static const char *
pay(struct rq *rq, const char *party, const char *amount)
{
    const char *payment = a_payment(rq, party, "2026-02-01", amount);

    take(rq, "payment", payment, "post", NULL);
    return payment;
}

/* The draft that the operation makes. */
static const char *
refund(struct rq *rq, const char *note)
{
    take(rq, "invoice", note, "refund", "{\"date\": \"2026-03-02\"}");
    return test_sql(rq, "SELECT max(id) FROM payment WHERE kind = 'refund'");
}

static void
what_is_open_of_a_credit_note_is_paid_back(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *invoice = ten(rq, party), *note, *back;

    pay(rq, party, "100");
    note = credit(rq, invoice, "4");
    CHECK_TEXT(exposure(rq, party), "-40.00");
    back = refund(rq, note);
    CHECK_TEXT(field(rq, "payment", back, "amount || ' ' || state"), "40.00 draft");
    CHECK_TEXT(refused_step(rq, "invoice", note, "refund", NULL), "nothing_to_refund");
    take(rq, "payment", back, "post", NULL);
    CHECK_TEXT(field(rq, "payment", back, "open_amount"), "0.00");
    CHECK_TEXT(field(rq, "invoice", note, "paid || ' ' || open_amount || ' ' || settled_on"),
               "full 0.00 2026-03-02");
    CHECK_TEXT(balance_of(rq, "bank"), "60.00");
    CHECK_TEXT(balance_of(rq, "receivable"), "0.00");
    CHECK_TEXT(exposure(rq, party), "0.00");
    CHECK_TEXT(test_sql(rq,
                        "SELECT count(*) FROM flow_document f JOIN flow_document p USING (flow_id)"
                        " WHERE f.entity = 'invoice' AND f.document_id = %s"
                        "   AND p.entity = 'payment' AND p.document_id = %s",
                        invoice, back),
               "1");
    /* as it was on the day between the note and the refund, and on the refund's day */
    CHECK_TEXT(test_sql(rq,
                        "SELECT sum(plain_text(open_base)::numeric)"
                        " FROM open_items('receivable', '2026-03-01')"),
               "-40");
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM open_items('receivable', '2026-03-02')"), "0");
    test_end(rq);
}

static void
a_note_of_a_part_paid_invoice_refunds_that_part(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *invoice = ten(rq, party), *note, *unpaid, *back;

    pay(rq, party, "30");
    note = credit(rq, invoice, "10"); /* 70 of it settles the invoice */
    CHECK_TEXT(field(rq, "invoice", note, "open_amount"), "30.00");
    CHECK_TEXT(refused_step(rq, "invoice", note, "refund", "{\"amount\": \"30.01\"}"),
               "refund_over_paid");
    take(rq, "invoice", note, "refund", "{\"amount\": \"10\"}");
    back = refund(rq, note); /* beside a draft of 10 the rest is 20 */
    CHECK_TEXT(field(rq, "payment", back, "amount"), "20.00");
    take(rq, "payment", back, "post", NULL);
    CHECK_TEXT(field(rq, "invoice", note, "paid || ' ' || open_amount"), "part 10.00");
    unpaid = ten(rq, a_party(rq, "Other"));
    note = credit(rq, unpaid, "5");
    CHECK_TEXT(refused_step(rq, "invoice", note, "refund", NULL), "nothing_to_refund");
    CHECK_TEXT(refused_step(rq, "invoice", unpaid, "refund", NULL), "not_refundable");
    test_end(rq);
}

static void
a_refund_typed_by_hand_pays_the_open_notes(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *invoice = ten(rq, party), *note, *back;
    static const char typed[] =
        "{\"kind\": \"refund\", \"party_id\": %s, \"amount\": \"%s\","
        " \"payment_date\": \"2026-03-05\"}";

    pay(rq, party, "100");
    note = credit(rq, invoice, "4");
    back = test_create(rq, "payment", typed, party, "40.01");
    CHECK_TEXT(refused_step(rq, "payment", back, "post", NULL), "nothing_to_refund");
    back = test_create(rq, "payment", typed, party, "25");
    take(rq, "payment", back, "post", NULL);
    CHECK_TEXT(field(rq, "invoice", note, "open_amount"), "15.00");
    /* the rest of the note pays another invoice; then nothing is left to refund */
    ten(rq, party);
    take(rq, "invoice", note, "allocate", NULL);
    CHECK_TEXT(field(rq, "invoice", note, "paid"), "full");
    CHECK_TEXT(refused_step(rq, "invoice", note, "refund", NULL), "nothing_to_refund");
    CHECK_TEXT(exposure(rq, party), "85.00");
    test_end(rq);
}

static void
a_cancelled_refund_opens_the_note_again(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *invoice = ten(rq, party), *note, *back;

    pay(rq, party, "100");
    note = credit(rq, invoice, "4");
    back = refund(rq, note);
    take(rq, "payment", back, "post", NULL);
    take(rq, "payment", back, "cancel", "{\"date\": \"2026-03-09\"}");
    CHECK_TEXT(field(rq, "invoice", note, "paid || ' ' || open_amount"), "none 40.00");
    CHECK_TEXT(balance_of(rq, "bank"), "100.00");
    CHECK_TEXT(exposure(rq, party), "-40.00");
    take(rq, "payment", refund(rq, note), "post", NULL);
    CHECK_TEXT(field(rq, "invoice", note, "paid"), "full");
    test_end(rq);
}

static void
no_statement_refunds_more_than_was_paid(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *invoice = ten(rq, party);
    const char *receipt = pay(rq, party, "100"), *note = credit(rq, invoice, "10");
    const char *back = refund(rq, note), *free;
    static const char move[] = "SELECT workflow_move('payment', '{%s}', '%s')";

    test_mark(rq);
    test_sql(rq, "UPDATE payment_line SET amount = 99 WHERE payment_id = %s RETURNING 1", back);
    CHECK_TEXT(REFUSED(rq, move, back, "post"), "nothing_to_refund");
    test_recover(rq);
    /* the receipt is gone: the note is open, but nothing was paid */
    test_mark(rq);
    take(rq, "payment", receipt, "cancel", NULL);
    CHECK_TEXT(field(rq, "invoice", note, "open_amount"), "100.00");
    CHECK_TEXT(REFUSED(rq, move, back, "post"), "refund_over_paid");
    test_recover(rq);
    /* paid again, it can go back */
    test_mark(rq);
    take(rq, "payment", receipt, "cancel", NULL);
    pay(rq, party, "500"); /* pays the invoice: 100 */
    take(rq, "payment", back, "post", NULL);
    test_recover(rq);
    take(rq, "payment", back, "post", NULL);
    CHECK_TEXT(REFUSED(rq, move, receipt, "cancel"), "refund_over_paid");
    CHECK_TEXT(REFUSED(rq,
                       "INSERT INTO allocation (invoice_id, payment_id, amount, reverses_id)"
                       " SELECT invoice_id, payment_id, -amount, id FROM allocation"
                       "  WHERE payment_id = %s",
                       receipt),
               "refund_over_paid");
    CHECK_TEXT(REFUSED(rq,
                       "INSERT INTO allocation (invoice_id, payment_id, amount, reverses_id)"
                       " SELECT invoice_id, payment_id, -amount, id FROM allocation"
                       "  WHERE payment_id = %s",
                       back),
               "posted");
    CHECK_TEXT(REFUSED(rq,
                       "INSERT INTO allocation (invoice_id, payment_id, amount) VALUES (%s, %s, 1)",
                       note, receipt),
               "not_posted");
    CHECK_TEXT(REFUSED(rq,
                       "INSERT INTO allocation (invoice_id, payment_id, amount) VALUES (%s, %s, 1)",
                       invoice, back),
               "not_posted");
    /* a credit that credits no invoice: at most what the customer has ever paid */
    free = a_draft(rq, "credit_note", party, "2026-03-01", "1");
    take(rq, "invoice", free, "post", NULL);
    back = refund(rq, free);
    CHECK_TEXT(REFUSED(rq, move, back, "post"), "refund_over_paid");
    test_end(rq);
}

static void
the_rates_of_both_days_meet_in_the_books(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *invoice, *note, *receipt, *back;
    static const char rate[] =
        "{\"currency_code\": \"EUR\", \"valid_from\": \"%s\", \"rate\": \"%s\"}";

    test_create(rq, "exchange_rate", rate, "2026-01-01", "1.1");
    test_create(rq, "exchange_rate", rate, "2026-03-02", "1.2");
    invoice = test_create(rq, "invoice",
                          "{\"party_id\": %s, \"invoice_date\": \"2026-01-10\","
                          " \"currency_code\": \"EUR\", \"lines\": [{\"quantity\": \"10\","
                          " \"unit_price\": \"3.333\"}]}",
                          party);
    take(rq, "invoice", invoice, "post", NULL);
    receipt = test_create(rq, "payment",
                          "{\"party_id\": %s, \"payment_date\": \"2026-02-01\","
                          " \"currency_code\": \"EUR\", \"amount\": \"33.33\"}",
                          party);
    take(rq, "payment", receipt, "post", NULL);
    note = credit(rq, invoice, "5"); /* 16.67 at the invoice's 1.1: 18.34 */
    take(rq, "invoice", note, "refund", "{\"date\": \"2026-03-02\", \"amount\": \"6.66\"}");
    back = test_sql(rq, "SELECT max(id) FROM payment WHERE kind = 'refund'");
    take(rq, "payment", back, "post", NULL);
    /* 6.66 at 1.2 is 7.99; of the note's 18.34 it is 7.33 */
    CHECK_TEXT(balance_of(rq, "exchange_loss"), "0.66");
    CHECK_TEXT(field(rq, "invoice", note, "open_base"), "11.01");
    CHECK_TEXT(balance_of(rq, "receivable"), "-11.01");
    CHECK_TEXT(exposure(rq, party), "-11.01");
    take(rq, "payment", refund(rq, note), "post", NULL);
    /* 10.01 at 1.2 is 12.01; the note's rest is 11.01 */
    CHECK_TEXT(balance_of(rq, "exchange_loss"), "1.66");
    CHECK_TEXT(balance_of(rq, "receivable"), "0.00");
    CHECK_TEXT(exposure(rq, party), "0.00");
    test_end(rq);
}

/* ------------------------------------------------------------------ two at once */

struct side {
    struct arena *mem;
    struct db *db;
    struct rq rq;
    const char *sql;
    char code[64]; /* "" when it was committed */
    pthread_t thread;
};

static void
side_open(struct side *s, struct test_database own, const char *sql)
{
    const char *why = NULL;

    *s = (struct side){ .mem = arena_new(), .sql = sql };
    s->db = db_open(s->mem, own.app, &why);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s->db);
    s->rq = open_request(s->mem, s->db);
}

static void *
side_run(void *data)
{
    struct side *s = data;

    db_exec(&s->rq, s->sql, NONE);
    if (!db_flush(&s->rq) || !db_commit(&s->rq)) {
        snprintf(s->code, sizeof s->code, "%s", test_code(&s->rq));
        db_rollback(&s->rq);
    }
    return NULL;
}

/* Both right alone; the second starts while the first is open. */
static const char *
second_is_told(struct test_database own, const char *one, const char *other)
{
    static char code[64];
    struct side first, second;

    side_open(&first, own, one);
    side_open(&second, own, other);
    db_exec(&first.rq, one, NONE);
    CU_ASSERT_TRUE(db_flush(&first.rq));
    CU_ASSERT_EQUAL(pthread_create(&second.thread, NULL, side_run, &second), 0);
    usleep(200000); /* long enough for the second to stand at the lock */
    CU_ASSERT_TRUE(db_commit(&first.rq));
    pthread_join(second.thread, NULL);
    snprintf(code, sizeof code, "%s", second.code);
    db_close(first.db);
    db_close(second.db);
    arena_free(first.mem);
    arena_free(second.mem);
    return code;
}

static void
two_connections_do_not_refund_more_together(void)
{
    struct test_database own = test_database();
    struct side before;
    struct rq *rq = &before.rq;
    const char *party, *receipt, *note[2], *post[4];
    static const char move[] = "SELECT workflow_move('payment', '{%s}', '%s')";

    side_open(&before, own, "");
    party = a_party(rq, "Buyer");
    note[0] = ten(rq, party);
    receipt = pay(rq, party, "100");
    note[1] = credit(rq, note[0], "4");
    note[0] = credit(rq, note[0], "6");
    for (int i = 0; i < 4; i++) /* each note twice: the drafts do not see each other's note */
        post[i] =
            arena_printf(before.mem, move,
                         test_create(rq, "payment",
                                     "{\"kind\": \"refund\", \"party_id\": %s, \"amount\": \"40\","
                                     " \"lines\": [{\"invoice_id\": %s, \"amount\": \"40\"}]}",
                                     party, note[i % 2]),
                         "post");
    CU_ASSERT_TRUE(db_commit(rq));
    /* 60 are open of the first note: two refunds of 40 are too many */
    CHECK_TEXT(second_is_told(own, post[0], post[2]), "invalid");
    CHECK_TEXT(second_is_told(own, post[1], arena_printf(before.mem, move, receipt, "cancel")),
               "refund_over_paid");
    checks_hold(own.admin);
    db_close(before.db);
    arena_free(before.mem);
}

const struct test refund_tests[] = {
    { "what is open of a credit note is paid back", what_is_open_of_a_credit_note_is_paid_back },
    { "a note of a part-paid invoice refunds that part",
      a_note_of_a_part_paid_invoice_refunds_that_part },
    { "a refund typed by hand pays the open notes", a_refund_typed_by_hand_pays_the_open_notes },
    { "a cancelled refund opens the note again", a_cancelled_refund_opens_the_note_again },
    { "no statement refunds more than was paid", no_statement_refunds_more_than_was_paid },
    { "the rates of both days meet in the books", the_rates_of_both_days_meet_in_the_books },
    { "two connections do not refund more together", two_connections_do_not_refund_more_together },
    { 0 },
};
