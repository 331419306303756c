/*
 * Reminders: level by level, and the hold of a customer that begins and ends with them.
 */
#include "core/workflow/rule.h"
#include "modules/accounting/tests/books.h"
#include "tests/own_database.h"

#include <pthread.h>
#include <unistd.h>

static const char *
field(struct rq *rq, const char *id, const char *column)
{
    return test_sql(rq, "SELECT (%s)::text FROM invoice WHERE id = %s", column, id);
}

/* A posted invoice that was due so many days ago. */
static const char *
overdue(struct rq *rq, const char *party, int days, const char *amount)
{
    return an_invoice(rq, party, test_sql(rq, "SELECT app_today() - %d", days), amount);
}

static void
pay(struct rq *rq, const char *party, const char *amount)
{
    take(rq, "payment", a_payment(rq, party, test_sql(rq, "SELECT app_today()"), amount), "post",
         NULL);
}

/* "hold, held by a reminder" of a customer. */
static const char *
hold(struct rq *rq, const char *party)
{
    return test_sql(rq,
                    "SELECT concat_ws(' ', credit_hold, held_by_dunning) FROM customer_company"
                    " WHERE party_id = %s",
                    party);
}

/* "next level, days until it" of an overdue invoice. */
static const char *
next(struct rq *rq, const char *invoice)
{
    return test_sql(rq,
                    "SELECT concat_ws(' ', next_level, remind_on - app_today())"
                    "  FROM dunning_due WHERE id = %s",
                    invoice);
}

static void
a_reminder_is_sent_in_its_time_and_once(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *fresh, *late;

    fresh = overdue(rq, party, 6, "10");
    CHECK_TEXT(next(rq, fresh), "1 1");
    CHECK_TEXT(refused_step(rq, "invoice", fresh, "remind", NULL), "not_due");
    CHECK_TEXT(
        refused_step(rq, "invoice", an_invoice(rq, party, "2099-01-01", "10"), "remind", NULL),
        "not_overdue");
    late = overdue(rq, party, 30, "50");
    CHECK_TEXT(test_sql(rq, "SELECT id FROM invoice_fact WHERE reminder_due"), late);
    take(rq, "invoice", late, "remind", NULL);
    CHECK_TEXT(field(rq, late, "dunning_level || ' ' || app_today() - last_reminded_on"), "1 0");
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', level, days_overdue, plain_text(open_amount), hold,"
                        " app_today() - sent_on, app_today() - due_date)"
                        " FROM dunning_letter WHERE invoice_id = %s",
                        late),
               "1 30 50 f 0 30");
    CHECK_TEXT(hold(rq, party), "f f");
    /* 30 days are more than the 21 of the second level; but it follows the first after 14 */
    CHECK_TEXT(next(rq, late), "2 14");
    CHECK_TEXT(refused_step(rq, "invoice", late, "remind", NULL), "not_due");
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM invoice_fact WHERE reminder_due"), "0");
    test_end(rq);
}

/* As if the last reminder had gone out so many days earlier: only the owner can do that. */
static void
days_pass(struct test_database own, int days)
{
    char sql[160];
    PGconn *conn = PQconnectdb(own.admin);

    snprintf(sql, sizeof sql,
             "SET search_path = tenon; UPDATE invoice SET last_reminded_on ="
             " last_reminded_on - %d",
             days);
    PGresult *res = PQexec(conn, sql);

    CU_ASSERT_EQUAL(PQresultStatus(res), PGRES_COMMAND_OK);
    PQclear(res);
    PQfinish(conn);
}

static void
level_follows_level_and_the_second_holds(void)
{
    struct test_database own = test_database();
    struct arena *mem = arena_new();
    const char *why = NULL, *party, *late;
    struct db *db = db_open(mem, own.app, &why);
    struct rq rq = open_request(mem, db);

    party = a_party(&rq, "Buyer");
    late = overdue(&rq, party, 60, "50");
    take(&rq, "invoice", late, "remind", NULL);
    CHECK_TEXT(hold(&rq, party), "f f");
    CU_ASSERT_TRUE(db_commit(&rq));
    days_pass(own, 14);
    rq = open_request(mem, db);
    CHECK_TEXT(next(&rq, late), "2 0");
    take(&rq, "invoice", late, "remind", NULL);
    CHECK_TEXT(hold(&rq, party), "t t");
    CHECK_TEXT(next(&rq, late), "3 21");
    CU_ASSERT_TRUE(db_commit(&rq));
    days_pass(own, 21);
    rq = open_request(mem, db);
    take(&rq, "invoice", late, "remind", NULL);
    CHECK_TEXT(field(&rq, late, "dunning_level"), "3");
    CHECK_TEXT(next(&rq, late), "");
    CHECK_TEXT(refused_step(&rq, "invoice", late, "remind", NULL), "reminded");
    CHECK_TEXT(test_sql(&rq,
                        "SELECT string_agg(level || ' ' || hold, ', ' ORDER BY level)"
                        "  FROM dunning_letter"),
               "1 false, 2 true, 3 true");
    db_rollback(&rq);
    db_close(db);
    arena_free(mem);
}

static void
the_letter_says_what_was_due_in_the_customers_language(void)
{
    struct rq *rq = test_begin();
    const char *party, *invoice;

    test_sql(rq,
             "UPDATE dunning_level SET text = '{customer}, {number}: {days} days, {open_amount} of"
             " {total}; {company}', text_zh = '{customer}：{open_amount}' WHERE level = 1"
             " RETURNING 1");
    party = test_create(rq, "party", "{\"name\": \"Buyer {number}\", \"is_customer\": true}");
    invoice = overdue(rq, party, 8, "50");
    pay(rq, party, "20");
    take(rq, "invoice", invoice, "remind", NULL);
    CHECK_TEXT(test_sql(rq,
                        "SELECT replace(l.text, i.number, 'NUMBER') FROM dunning_letter l"
                        "  JOIN invoice i ON i.id = l.invoice_id WHERE i.id = %s",
                        invoice),
               arena_printf(rq->mem, "Buyer {number}, NUMBER: 8 days, USD 30.00 of USD 50.00; %s",
                            test_sql(rq, "SELECT name FROM company WHERE id = app_company()")));
    party = test_create(rq, "party",
                        "{\"name\": \"Buyer\", \"name_zh\": \"买家\", \"language\": \"zh\","
                        " \"is_customer\": true}");
    invoice = overdue(rq, party, 8, "50");
    take(rq, "invoice", invoice, "remind", NULL);
    CHECK_TEXT(test_sql(rq, "SELECT text FROM dunning_letter WHERE invoice_id = %s", invoice),
               "买家：USD 50.00");
    CHECK_TEXT(REFUSED(rq, "UPDATE dunning_level SET text = 'Dear {name}' WHERE level = 1"),
               "invalid");
    CHECK_TEXT(REFUSED(rq, "UPDATE dunning_level SET days_overdue = 21 WHERE level = 1"),
               "invalid");
    CHECK_TEXT(REFUSED(rq, "UPDATE dunning_level SET days_overdue = 43 WHERE level = 2"),
               "invalid");
    test_end(rq);
}

/* An invoice that was reminded of, at a level that holds its customer. */
static const char *
held(struct rq *rq, const char *party, const char *amount)
{
    const char *id = overdue(rq, party, 30, amount);

    test_sql(rq, "UPDATE dunning_level SET hold = true WHERE level = 1 RETURNING 1");
    take(rq, "invoice", id, "remind", NULL);
    return id;
}

static void
a_hold_ends_with_the_last_payment_and_not_before(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *one, *two, *payment;

    one = held(rq, party, "50");
    CHECK_TEXT(hold(rq, party), "t t");
    two = held(rq, party, "70");
    overdue(rq, party, 3, "5"); /* not reminded of: it holds nobody */
    pay(rq, party, "50");
    CHECK_TEXT(field(rq, one, "paid"), "full");
    CHECK_TEXT(hold(rq, party), "t t");
    pay(rq, party, "69.99");
    CHECK_TEXT(hold(rq, party), "t t");
    payment = a_payment(rq, party, test_sql(rq, "SELECT app_today()"), "0.01");
    take(rq, "payment", payment, "post", NULL);
    CHECK_TEXT(field(rq, two, "paid"), "full");
    CHECK_TEXT(hold(rq, party), "f f");
    /* the cheque bounces */
    take(rq, "payment", payment, "cancel", NULL);
    CHECK_TEXT(hold(rq, party), "t t");
    /* and what is left is credited */
    take(rq, "invoice", two, "credit", NULL);
    take(rq, "invoice", test_sql(rq, "SELECT id FROM invoice WHERE credits_id = %s", two), "post",
         NULL);
    CHECK_TEXT(hold(rq, party), "f f");
    test_end(rq);
}

static void
a_hold_that_somebody_set_by_hand_stays(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer");
    static const char set[] =
        "UPDATE customer_company SET credit_hold = %s WHERE party_id = %s RETURNING 1";

    overdue(rq, party, 1, "1");
    pay(rq, party, "1");
    test_sql(rq, set, "true", party);
    held(rq, party, "50");
    CHECK_TEXT(hold(rq, party), "t f");
    pay(rq, party, "50");
    CHECK_TEXT(hold(rq, party), "t f");
    /* a reminder's hold that somebody releases does not come back with the next payment */
    test_sql(rq, set, "false", party);
    held(rq, party, "50");
    CHECK_TEXT(hold(rq, party), "t t");
    test_sql(rq, set, "false", party);
    CHECK_TEXT(hold(rq, party), "f f");
    pay(rq, party, "10");
    CHECK_TEXT(hold(rq, party), "f f");
    CHECK_TEXT(REFUSED(rq, "UPDATE customer_company SET held_by_dunning = true"), "forbidden");
    test_end(rq);
}

static void
only_the_instalments_that_are_due_are_reminded_of(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *invoice;

    /* 90 in three parts of 30, due 10 days ago, in 20 and in 50 days */
    test_sql(
        rq,
        "INSERT INTO payment_term_line (term_id, position, percent, days)"
        " SELECT id, n, CASE n WHEN 3 THEN 33.3334 ELSE 33.3333 END, 30 * n FROM payment_term, generate_series(1, 3) n"
        "  WHERE code = 'NOW' RETURNING 1");
    invoice = test_create(rq, "invoice",
                          "{\"party_id\": %s, \"invoice_date\": \"%s\", \"payment_term_id\": %s,"
                          " \"lines\": [{\"unit_price\": \"90\"}]}",
                          party, test_sql(rq, "SELECT app_today() - 40"),
                          test_sql(rq, "SELECT id FROM payment_term WHERE code = 'NOW'"));
    take(rq, "invoice", invoice, "post", NULL);
    take(rq, "invoice", invoice, "remind", NULL);
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', days_overdue, plain_text(open_amount))"
                        " FROM dunning_letter WHERE invoice_id = %s",
                        invoice),
               "10 30");
    pay(rq, party, "30");
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM dunning_due WHERE id = %s", invoice), "0");
    test_end(rq);
}

static void
reminders_can_be_paused(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *invoice = overdue(rq, party, 8, "50");

    CU_ASSERT_PTR_NOT_NULL(
        entity_update(rq, "invoice", invoice, NULL,
                      arena_printf(rq->mem, "{\"reminders_paused_until\": \"%s\"}",
                                   test_sql(rq, "SELECT app_today() + 5"))));
    CHECK_TEXT(refused_step(rq, "invoice", invoice, "remind", NULL), "not_due");
    CHECK_TEXT(test_sql(rq, "SELECT remind_on - app_today() FROM dunning_due"), "5");
    test_end(rq);
}

static void
nobody_writes_a_letter_of_his_own(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *invoice = overdue(rq, party, 8, "50");

    CHECK_TEXT(
        REFUSED(rq, "INSERT INTO dunning_letter (invoice_id, level) VALUES (%s, 3)", invoice),
        "forbidden");
    CHECK_TEXT(
        REFUSED(rq, "INSERT INTO dunning_letter (invoice_id) VALUES (%s), (%s)", invoice, invoice),
        "duplicate");
    take(rq, "invoice", invoice, "remind", NULL);
    CHECK_TEXT(REFUSED(rq, "INSERT INTO dunning_letter (invoice_id) VALUES (%s)", invoice),
               "not_due");
    CHECK_TEXT(REFUSED(rq, "DELETE FROM dunning_letter"), "forbidden");
    CHECK_TEXT(REFUSED(rq, "UPDATE invoice SET dunning_level = 0 WHERE id = %s", invoice),
               "forbidden");
    test_end(rq);
}

static void
the_shipped_rule_reminds_and_tells_the_salesperson(void)
{
    struct rq *rq = test_begin();
    const char *party = a_party(rq, "Buyer"), *late, *ids;
    const struct definitions *d = definitions_get(rq);

    late = overdue(rq, party, 8, "50");
    ids = arena_printf(rq->mem, "{%s,%s}", late, overdue(rq, party, 6, "50"));
    test_sql(rq,
             "UPDATE customer_company SET salesperson_id = (SELECT id FROM app_user WHERE login ="
             " 'admin') WHERE party_id = %s RETURNING 1",
             party);
    CU_ASSERT_TRUE(rule_run(rq, definitions_rule(d, "accounting.remind_overdue"),
                            entity_find("invoice"), ids));
    CHECK_TEXT(test_sql(rq, "SELECT string_agg(invoice_id::text, ' ') FROM dunning_letter"), late);
    CHECK_TEXT(test_sql(rq,
                        "SELECT replace(message, number, 'NUMBER') FROM notification n"
                        "  JOIN invoice i ON i.id = n.record_id WHERE n.entity = 'invoice'"),
               "Buyer was reminded of invoice NUMBER");
    test_end(rq);
}

/* ------------------------------------------------------------------ two at once */

struct payer {
    struct arena *mem;
    struct rq rq;
    const char *receipt;
    pthread_t thread;
    bool done;
};

static void *
payer_run(void *data)
{
    struct payer *p = data;

    p->done = workflow_take(&p->rq, "payment", arena_printf(p->mem, "{%s}", p->receipt), "allocate",
                            NULL) &&
              db_commit(&p->rq);
    return NULL;
}

static struct payer
payer_open(struct test_database own, const char *receipt)
{
    const char *why = NULL;
    struct payer p = { .mem = arena_new(), .receipt = receipt };

    p.rq = open_request(p.mem, db_open(p.mem, own.app, &why));
    return p;
}

/* Each of two payments of a customer settles one of the two invoices that hold him. */
static void
two_last_payments_end_the_hold_together(void)
{
    struct test_database own = test_database();
    struct payer before = payer_open(own, NULL), first, second;
    struct rq *rq = &before.rq;
    const char *party = a_party(rq, "Buyer"), *receipt[2];
    static const char allocate[] =
        "INSERT INTO allocation (invoice_id, payment_id, amount)"
        " SELECT i.id, p.id, 50 FROM invoice i, payment p WHERE i.id = $1 AND p.id = $2";
    const char *one = overdue(rq, party, 30, "50"), *two = overdue(rq, party, 30, "50");

    for (int i = 0; i < 2; i++) {
        receipt[i] = a_payment(rq, party, test_sql(rq, "SELECT app_today()"), "50");
        take(rq, "payment", receipt[i], "post", "{\"allocations\": []}");
    }
    test_sql(rq, "UPDATE dunning_level SET hold = true WHERE level = 1 RETURNING 1");
    take(rq, "invoice", one, "remind", NULL);
    take(rq, "invoice", two, "remind", NULL);
    CHECK_TEXT(hold(rq, party), "t t");
    CU_ASSERT_TRUE(db_commit(rq));
    first = payer_open(own, receipt[0]);
    second = payer_open(own, receipt[1]);
    db_exec(&first.rq, allocate, P(one, receipt[0]));
    CU_ASSERT_TRUE(db_flush(&first.rq));
    CU_ASSERT_EQUAL(pthread_create(&second.thread, NULL, payer_run, &second), 0);
    usleep(200000); /* long enough for the second to stand at the lock */
    CU_ASSERT_TRUE(db_commit(&first.rq));
    pthread_join(second.thread, NULL);
    CU_ASSERT_TRUE(second.done);
    before.rq = open_request(before.mem, before.rq.db);
    CHECK_TEXT(hold(rq, party), "f f");
    db_rollback(rq);
    checks_hold(own.admin);
    db_close(first.rq.db);
    db_close(second.rq.db);
    db_close(before.rq.db);
    arena_free(first.mem);
    arena_free(second.mem);
    arena_free(before.mem);
}

const struct test dunning_tests[] = {
    { "a reminder is sent in its time, and once", a_reminder_is_sent_in_its_time_and_once },
    { "level follows level, and the second holds", level_follows_level_and_the_second_holds },
    { "the letter says what was due, in the customer's language",
      the_letter_says_what_was_due_in_the_customers_language },
    { "a hold ends with the last payment and not before",
      a_hold_ends_with_the_last_payment_and_not_before },
    { "a hold that somebody set by hand stays", a_hold_that_somebody_set_by_hand_stays },
    { "only the instalments that are due are reminded of",
      only_the_instalments_that_are_due_are_reminded_of },
    { "reminders can be paused", reminders_can_be_paused },
    { "nobody writes a letter of his own", nobody_writes_a_letter_of_his_own },
    { "the shipped rule reminds and tells the salesperson",
      the_shipped_rule_reminds_and_tells_the_salesperson },
    { "two last payments end the hold together", two_last_payments_end_the_hold_together },
    { 0 },
};
