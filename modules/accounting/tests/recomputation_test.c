/*
 * The books as a whole: random documents against an independent recomputation in whole cents.
 */
#include "modules/accounting/tests/books.h"
#include "tests/own_database.h"

/* ------------------------------------------------------------------ the model, in cents */

enum { PARTIES = 3, STEPS = 160, MOST = 400 };

struct item { /* an invoice, a credit note or a payment of the model */
    int party, day, due;
    long id, total, open;
    bool credit, payment, cancelled;
    int cancelled_day;
    long line, line_quantity, line_net, line_tax, credited, credited_net, credited_tax;
};

struct settled {
    int target, source, day;
    long amount;
};

static struct {
    struct rq rq;
    struct arena *mem;
    unsigned long seed;
    const char *party[PARTIES], *tax[3];
    struct item items[MOST];
    struct settled settled[MOST * 4];
    int nitems, nsettled;
} m;

static const int tax_percent[] = { 0, 7, 13 };

static long
random_below(long n)
{
    m.seed = m.seed * 6364136223846793005UL + 1442695040888963407UL;
    return (long)((m.seed >> 33) % (unsigned long)n);
}

static long
divide_half_up(long a, long b) /* both positive */
{
    return (2 * a + b) / (2 * b);
}

static const char *
on_day(int day)
{
    return test_sql(&m.rq, "SELECT date '1996-01-01' + %d", day);
}

static const char *
money(long cents)
{
    return arena_printf(m.mem, "%ld.%02ld", cents / 100, cents % 100);
}

static void
settle(int target, int source, long amount, int day)
{
    m.settled[m.nsettled++] = (struct settled){ target, source, day, amount };
    m.items[target].open -= amount;
    m.items[source].open -= amount;
}

static int
later(int a, int b)
{
    return a > b ? a : b;
}

/* An invoice of one line whose parts may be credited, and two more. */
static void
step_invoice(void)
{
    struct item *i = &m.items[m.nitems++];
    long net[3], tax[3];
    struct rq *rq = &m.rq;
    const char *lines = "";

    *i = (struct item){ .party = (int)random_below(PARTIES), .day = (int)random_below(700) };
    i->due = i->day + 30;
    for (int n = 0; n < 3; n++) {
        long quantity = 1 + random_below(9), price = 1 + random_below(90000),
             rate = random_below(3);
        long discount = random_below(4) ? 0 : random_below(50);

        /* price in hundredths of a cent */
        net[n] = divide_half_up(quantity * price * (100 - discount), 10000);
        tax[n] = divide_half_up(net[n] * tax_percent[rate], 100);
        i->total += net[n] + tax[n];
        if (!n) {
            i->line_quantity = quantity;
            i->line_net = net[n];
            i->line_tax = tax[n];
        }
        lines = arena_printf(
            m.mem,
            "%s%s{\"position\": %d, \"quantity\": \"%ld\", \"unit_price\": \"%ld.%04ld\","
            " \"discount\": \"%ld\", \"tax_id\": %s}",
            lines, n ? "," : "", n, quantity, price / 10000, price % 10000, discount, m.tax[rate]);
    }
    const char *id = test_create(
        rq, "invoice",
        "{\"party_id\": %s, \"invoice_date\": \"%s\", \"payment_term_id\": %s, \"lines\": [%s]}",
        m.party[i->party], on_day(i->day),
        test_sql(rq, "SELECT id FROM payment_term WHERE code = 'NET30'"), lines);

    take(rq, "invoice", id, "post", NULL);
    CHECK_TEXT(test_sql(rq, "SELECT total FROM invoice WHERE id = %s", id), money(i->total));
    i->id = strtol(id, NULL, 10);
    i->open = i->total;
    i->line = strtol(
        test_sql(rq, "SELECT id FROM invoice_line WHERE invoice_id = %s AND position = 0", id),
        NULL, 10);
}

/* The open invoice of the party that is due first. */
static int
oldest(int party)
{
    int found = -1;

    for (int i = 0; i < m.nitems; i++) {
        const struct item *x = &m.items[i];

        if (x->party != party || x->credit || x->payment || x->open <= 0)
            continue;
        if (found < 0 || x->due < m.items[found].due ||
            (x->due == m.items[found].due && x->id < m.items[found].id))
            found = i;
    }
    return found;
}

static void
step_payment(void)
{
    int at = m.nitems++, target;
    struct item *p = &m.items[at];
    const char *id;

    *p = (struct item){ .party = (int)random_below(PARTIES),
                        .day = (int)random_below(1000),
                        .payment = true,
                        .total = 1 + random_below(30000) };
    p->open = p->total;
    id = a_payment(&m.rq, m.party[p->party], on_day(p->day), money(p->total));
    take(&m.rq, "payment", id, "post", NULL);
    p->id = strtol(id, NULL, 10);
    while (p->open > 0 && (target = oldest(p->party)) >= 0) {
        long open = m.items[target].open;

        settle(target, at, open < p->open ? open : p->open, later(p->day, m.items[target].day));
    }
}

/* Take back some of an invoice's first line; the note settles the invoice first. */
static void
step_credit(void)
{
    int of = (int)random_below(m.nitems ? m.nitems : 1), at = m.nitems;
    struct item *i = &m.items[of], *c = &m.items[at];
    long rest = i->line_quantity - i->credited, quantity, net, tax;
    struct rq *rq = &m.rq;

    if (!m.nitems || i->payment || i->credit || rest <= 0)
        return;
    quantity = 1 + random_below(rest);
    net =
        divide_half_up(i->line_net * (i->credited + quantity), i->line_quantity) - i->credited_net;
    tax =
        divide_half_up(i->line_tax * (i->credited + quantity), i->line_quantity) - i->credited_tax;
    m.nitems++;
    *c = (struct item){ .party = i->party,
                        .day = later(i->day, (int)random_below(900)),
                        .credit = true,
                        .total = net + tax,
                        .open = net + tax };
    take(rq, "invoice", arena_printf(m.mem, "%ld", i->id), "credit",
         arena_printf(m.mem,
                      "{\"date\": \"%s\", \"lines\": [{\"id\": %ld, \"quantity\": \"%ld\"}]}",
                      on_day(c->day), i->line, quantity));
    const char *id = test_sql(rq, "SELECT max(id) FROM invoice WHERE credits_id = %ld", i->id);

    take(rq, "invoice", id, "post", NULL);
    CHECK_TEXT(test_sql(rq, "SELECT total FROM invoice WHERE id = %s", id), money(c->total));
    c->id = strtol(id, NULL, 10);
    i->credited += quantity;
    i->credited_net += net;
    i->credited_tax += tax;
    if (i->open > 0 && c->open > 0)
        settle(of, at, i->open < c->open ? i->open : c->open, c->day);
}

static void
step_cancel(void)
{
    int at = (int)random_below(m.nitems ? m.nitems : 1), known = m.nsettled;
    struct item *p = &m.items[at];

    if (!m.nitems || !p->payment || p->cancelled)
        return;
    p->cancelled_day = 1000 + (int)random_below(100);
    take(&m.rq, "payment", arena_printf(m.mem, "%ld", p->id), "cancel",
         arena_printf(m.mem, "{\"date\": \"%s\"}", on_day(p->cancelled_day)));
    for (int s = 0; s < known; s++)
        if (m.settled[s].source == at)
            settle(m.settled[s].target, at, -m.settled[s].amount,
                   later(p->cancelled_day, m.settled[s].day));
    p->cancelled = true;
    p->open = 0;
}

/* What a party owed at the end of a day, from the model's own log. */
static long
owed_on(int party, int day)
{
    long sum = 0;

    for (int i = 0; i < m.nitems; i++) {
        const struct item *x = &m.items[i];
        bool there = x->day <= day && !(x->cancelled && x->cancelled_day <= day);

        if (x->party == party && there)
            sum += x->credit || x->payment ? -x->total : x->total;
    }
    return sum;
}

static void
compare_party(int party)
{
    struct rq *rq = &m.rq;
    const char *id = m.party[party];
    long open = 0;

    for (int i = 0; i < m.nitems; i++) {
        const struct item *x = &m.items[i];

        if (x->party != party)
            continue;
        open += x->credit || x->payment ? -x->open : x->open;
        CHECK_TEXT(test_sql(rq, "SELECT round(open_amount * 100) FROM %s WHERE id = %ld",
                            x->payment ? "payment" : "invoice", x->id),
                   arena_printf(m.mem, "%ld", x->open));
    }
    CHECK_TEXT(
        test_sql(rq, "SELECT round(exposure * 100) FROM customer_company WHERE party_id = %s", id),
        arena_printf(m.mem, "%ld", open));
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT round(sum(debit - credit) * 100) FROM journal_line WHERE party_id = %s"
                 " AND account_id = account_of(app_company(), 'receivable')",
                 id),
        arena_printf(m.mem, "%ld", open));
    for (int day = 50; day < 1100; day += 150)
        CHECK_TEXT(test_sql(rq,
                            "SELECT round(coalesce(sum(open_base), 0) * 100)"
                            "  FROM open_items('receivable', '%s') WHERE party_id = %s",
                            on_day(day), id),
                   arena_printf(m.mem, "%ld", owed_on(party, day)));
}

static void
random_documents_agree_with_a_recomputation_in_cents(void)
{
    struct test_database own = test_database();
    const char *error = NULL;

    memset(&m, 0, sizeof m);
    m.seed = 20261122;
    m.mem = arena_new();
    struct db *db = db_open(m.mem, own.app, &error);

    CU_ASSERT_PTR_NOT_NULL_FATAL(db);
    m.rq = open_request(m.mem, db);
    for (int i = 0; i < PARTIES; i++)
        m.party[i] = a_party(&m.rq, arena_printf(m.mem, "Party %d", i));
    for (int i = 0; i < 3; i++)
        m.tax[i] = test_create(
            &m.rq, "tax",
            "{\"code\": \"T%d\", \"name\": \"T%d\", \"rates\": [{\"percent\": \"%d\"}]}", i, i,
            tax_percent[i]);
    for (int step = 0; step < STEPS && !m.rq.errors; step++) {
        long dice = random_below(10);

        if (dice < 4)
            step_invoice();
        else if (dice < 7)
            step_payment();
        else if (dice < 9)
            step_credit();
        else
            step_cancel();
    }
    for (int i = 0; i < PARTIES && !m.rq.errors; i++)
        compare_party(i);
    CU_ASSERT_TRUE(m.nsettled > 50);
    CU_ASSERT_TRUE(db_commit(&m.rq));
    db_close(db);
    checks_hold(own.admin);
    arena_free(m.mem);
}

/* ------------------------------------------------------------------ foreign currency */

static void
random_rates_leave_no_cent_between_the_books(void)
{
    struct test_database own = test_database();
    const char *error = NULL;
    struct arena *mem = arena_new();
    struct db *db = db_open(mem, own.app, &error);
    struct rq rq = open_request(mem, db);
    const char *party = a_party(&rq, "Buyer");

    memset(&m, 0, sizeof m);
    m.seed = 7;
    for (int i = 0; i < 12; i++)
        test_create(
            &rq, "exchange_rate",
            "{\"currency_code\": \"EUR\", \"valid_from\": \"2026-%02d-01\", \"rate\": \"0.%ld\"}",
            i + 1, 700000001 + random_below(200000000));
    for (int i = 0; i < 40; i++) {
        const char *id = test_create(
            &rq, "invoice",
            "{\"party_id\": %s, \"invoice_date\": \"2026-%02ld-%02ld\", \"currency_code\": \"EUR\","
            " \"lines\": [{\"unit_price\": \"%ld.%02ld\"}, {\"unit_price\": \"0.%02ld\"}]}",
            party, 1 + random_below(6), 1 + random_below(28), random_below(50), random_below(100),
            1 + random_below(99));

        take(&rq, "invoice", id, "post", NULL);
        id = test_create(&rq, "payment",
                         "{\"party_id\": %s, \"payment_date\": \"2026-%02ld-%02ld\","
                         " \"currency_code\": \"EUR\", \"amount\": \"%ld.%02ld\"}",
                         party, 3 + random_below(9), 1 + random_below(28), random_below(30),
                         1 + random_below(99));
        take(&rq, "payment", id, "post", NULL);
        if (!random_below(5))
            take(&rq, "payment", id, "cancel", "{\"date\": \"2026-12-24\"}");
    }
    /* pay all that is left: not a cent stays on the account */
    const char *rest = test_sql(&rq, "SELECT sum(open_amount) FROM invoice");

    take(&rq, "payment",
         test_create(
             &rq, "payment",
             "{\"party_id\": %s, \"payment_date\": \"2026-12-30\", \"currency_code\": \"EUR\","
             " \"amount\": \"%s\"}",
             party, rest),
         "post", NULL);
    CHECK_TEXT(balance_of(&rq, "receivable"),
               test_sql(&rq, "SELECT base_text(-sum(open_base)) FROM payment"));
    CHECK_TEXT(test_sql(&rq, "SELECT count(*) FROM invoice WHERE open_base <> 0"), "0");
    CU_ASSERT_TRUE(db_commit(&rq));
    db_close(db);
    checks_hold(own.admin);
    arena_free(mem);
}

const struct test recomputation_tests[] = {
    { "random documents agree with a recomputation in cents",
      random_documents_agree_with_a_recomputation_in_cents },
    { "random rates leave no cent between the books",
      random_rates_leave_no_cent_between_the_books },
    { 0 },
};
