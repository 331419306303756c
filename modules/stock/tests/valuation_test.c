/*
 * What stock is worth: random histories of receipts, issues and transfers, booked in any order,
 * against a replay in exact integers that shares no code with the database. Quantities are in
 * thousandths, unit costs in millionths, amounts in cents.
 */
#include "modules/stock/tests/stock_fixture.h"

enum { MOVES = 90, DAYS = 30 };

struct move {
    int day, sign; /* 0: a transfer */
    long long quantity, cost;
    long long amount; /* by the replay */
};

static unsigned long long seed;

static long long
random_below(long long n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (long long)((seed >> 33) % (unsigned long long)n);
}

/* The moves in the order of valuation: by day, then as booked. */
static void
order_of(const struct move *moves, int n, int *order)
{
    int at = 0;

    for (int day = 0; day < DAYS; day++)
        for (int i = 0; i < n; i++)
            if (moves[i].day == day)
                order[at++] = i;
}

/* Is there something of everything at the end of each day, if this is the history? */
static bool
never_short(const struct move *moves, int n)
{
    long long on_hand = 0;
    int order[MOVES];

    order_of(moves, n, order);
    for (int i = 0; i < n; i++) {
        on_hand += moves[order[i]].sign * moves[order[i]].quantity;
        if (on_hand < 0)
            return false;
    }
    return true;
}

static long long
arrival_value(const struct move *m)
{
    return (m->quantity * m->cost + 5000000) / 10000000;
}

__extension__ typedef __int128 wide;

/* total * part / whole, rounded half up: all are positive. */
static long long
share(long long total, long long part, long long whole)
{
    return (long long)((2 * (wide)total * part + whole) / (2 * (wide)whole));
}

static void
history_make(struct move *moves)
{
    for (int n = 0; n < MOVES;) {
        struct move *m = &moves[n];

        *m = (struct move){ .day = random_below(2) ? n * DAYS / MOVES : (int)random_below(DAYS),
                            .sign = (int)random_below(5) - 2,
                            .quantity = 1 + random_below(20000),
                            .cost = random_below(9000000) };
        m->sign = m->sign > 0 ? 1 : m->sign < 0 ? -1 : 0;
        if (random_below(2))
            m->quantity = 1000 * (1 + m->quantity / 1000);
        if (m->sign < 0 && random_below(4) == 0) { /* sell out */
            m->quantity = 0;
            for (int i = 0; i < n; i++)
                m->quantity += moves[i].sign * moves[i].quantity;
        }
        if (m->quantity > 0 && never_short(moves, n + 1))
            n++;
    }
}

static void
replay_average(struct move *moves)
{
    int order[MOVES];
    long long quantity = 0, value = 0;

    order_of(moves, MOVES, order);
    for (int i = 0; i < MOVES; i++) {
        struct move *m = &moves[order[i]];

        m->amount = m->sign > 0   ? arrival_value(m)
                    : m->sign < 0 ? -share(value, m->quantity, quantity)
                                  : 0;
        quantity += m->sign * m->quantity;
        value += m->amount;
    }
}

/* Takes from the layers one by one; each layer is worth its amount until it is used up. */
static void
replay_fifo(struct move *moves)
{
    int order[MOVES], layers[MOVES], n = 0, first = 0;
    long long used = 0, paid = 0; /* of the first layer: quantity and value */

    order_of(moves, MOVES, order);
    for (int i = 0; i < MOVES; i++) {
        struct move *m = &moves[order[i]];
        long long left = m->quantity;

        m->amount = 0;
        if (m->sign > 0) {
            layers[n++] = order[i];
            m->amount = arrival_value(m);
        }
        while (m->sign < 0 && left > 0) {
            const struct move *layer = &moves[layers[first]];
            long long part = left < layer->quantity - used ? left : layer->quantity - used;
            long long worth = share(arrival_value(layer), used + part, layer->quantity);

            m->amount -= worth - paid;
            left -= part;
            used += part;
            paid = worth;
            if (used == layer->quantity) {
                first++;
                used = paid = 0;
            }
        }
    }
}

/* The same moves for an item of each costing, a few rows per statement. */
static void
history_book(struct rq *rq, const struct move *moves, const char *item)
{
    struct str s = str_new(rq->mem);

    for (int i = 0; i < MOVES; i++) {
        const struct move *m = &moves[i];

        if (!s.len)
            str_add(&s,
                    "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id,"
                    " moved_on, unit_cost) VALUES ");
        str_printf(&s, "%s(%s, %lld.%03lld, %s, %s, date '2026-01-01' + %d, ",
                   s.text[s.len - 1] == ')' ? "," : "", item, m->quantity / 1000,
                   m->quantity % 1000,
                   m->sign > 0 ? "stock_side(app_company(), 'supplier')" : MAIN_ROOT,
                   m->sign > 0   ? MAIN_ROOT
                   : m->sign < 0 ? "stock_side(app_company(), 'customer')"
                                 : "stock_side(app_company(), 'transit')",
                   m->day);
        str_printf(&s, m->sign > 0 ? "%lld.%06lld)" : "NULL)", m->cost / 1000000,
                   m->cost % 1000000);
        if (random_below(3) == 0 || i == MOVES - 1) {
            db_exec(rq, s.text, NONE);
            s = str_new(rq->mem);
        }
    }
}

/* Goods in transit may be sold from there: the property is about values, not places. */
static void
places_loosen(struct rq *rq)
{
    test_sql(rq,
             "UPDATE location SET allow_negative = true WHERE kind IN ('internal', 'transit')"
             " AND company_id = app_company() RETURNING id");
}

static void
history_compare(struct rq *rq, const struct move *moves, const char *item)
{
    struct rows rows;
    int wrong = 0;

    if (!db_rows(
            rq,
            "SELECT coalesce((SELECT sum(v.amount * 100)::bigint FROM stock_value v WHERE v.move_id = m.id), 0)"
            "  FROM stock_move m WHERE m.item_id = $1 ORDER BY m.id",
            P(item), &rows)) {
        printf("\n    %s", rq->errors->message);
        CU_FAIL("the history cannot be booked");
        return;
    }
    CU_ASSERT_EQUAL_FATAL(rows.count, MOVES);
    for (int i = 0; i < MOVES; i++)
        wrong += strtoll(cell(&rows, i, 0), NULL, 10) != moves[i].amount;
    CU_ASSERT_EQUAL(wrong, 0);
}

static void
any_history_in_any_order_is_worth_what_a_replay_says(void)
{
    struct move moves[MOVES];

    for (unsigned long long run = 1; run <= 4; run++) {
        struct rq *rq = test_begin();
        const char *average = item_new(rq, "AVG", "average"), *fifo = item_new(rq, "FIFO", "fifo");

        seed = run;
        places_loosen(rq);
        history_make(moves);
        history_book(rq, moves, average);
        history_book(rq, moves, fifo);
        replay_average(moves);
        history_compare(rq, moves, average);
        replay_fifo(moves);
        history_compare(rq, moves, fifo);
        stock_checks(rq);
        test_end(rq);
    }
}

static void
below_zero_the_books_still_agree(void)
{
    struct rq *rq = test_begin();
    const char *costings[] = { "average", "fifo", "standard" };

    places_loosen(rq);
    seed = 7;
    for (int c = 0; c < 3; c++) {
        const char *item = item_new(rq, costings[c], costings[c]);
        struct str s = str_new(rq->mem);

        for (int i = 0; i < 60; i++) {
            bool arrives = random_below(2);

            s.len = 0;
            str_printf(
                &s,
                "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, moved_on, unit_cost)"
                " VALUES (%s, %lld, %s, %s, date '2026-01-01' + %lld, %lld)",
                item, 1 + random_below(20),
                arrives ? "stock_side(app_company(), 'supplier')" : MAIN_ROOT,
                arrives ? MAIN_ROOT : "stock_side(app_company(), 'customer')", random_below(30),
                random_below(9));
            db_exec(rq, arena_strdup(rq->mem, s.text), NONE);
        }
        test_sql(
            rq,
            "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, unit_cost)"
            " SELECT item_id, abs(quantity), CASE WHEN quantity > 0 THEN " MAIN_ROOT
            " ELSE stock_side(app_company(), 'supplier') END, CASE WHEN quantity > 0"
            " THEN stock_side(app_company(), 'customer') ELSE " MAIN_ROOT
            " END, 3"
            " FROM stock_valuation WHERE item_id = %s AND quantity <> 0 RETURNING id",
            item);
        CHECK_TEXT(
            test_sql(
                rq,
                "SELECT trim_scale(quantity) || ' ' || trim_scale(value) FROM stock_valuation WHERE item_id = %s",
                item),
            "0 0");
    }
    stock_checks(rq);
    test_end(rq);
}

static void
an_arrival_at_standard_cost_posts_its_variance(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "STD", "standard"); /* at 2.5 */

    stock_open(rq, item, "10", "3");
    CHECK_TEXT(ledger_of(rq, "inventory"), "25.00");
    CHECK_TEXT(ledger_of(rq, "stock_adjustment"), "5.00");
    CHECK_TEXT(ledger_of(rq, "opening_balance"), "-30.00");
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq, "UPDATE item SET standard_cost = 3 WHERE id = %s", item));
    stock_checks(rq);
    test_end(rq);
}

static void
a_late_receipt_corrects_the_cost_of_what_was_sold(void)
{
    struct rq *rq = test_begin();
    const char *item = item_new(rq, "LATE", "average"), *receipt, *delivery;

    stock_open(rq, item, "10", "2");
    delivery = shipment_new(rq, "delivery", item, "10");
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship", "{\"date\": \"2026-03-01\"}"));
    CHECK_TEXT(ledger_of(rq, "cost_of_sales"), "20.00");
    receipt = shipment_new(rq, "receipt", item, "10");
    test_sql(rq, "UPDATE shipment_line SET unit_cost = 4 WHERE shipment_id = %s RETURNING id",
             receipt);
    CU_ASSERT_TRUE(test_take(rq, "shipment", receipt, "receive", "{\"date\": \"2026-02-01\"}"));
    CHECK_TEXT(ledger_of(rq, "cost_of_sales"), "30.00");
    CHECK_TEXT(ledger_of(rq, "inventory"), "30.00");
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT e.entry_date FROM stock_posting p JOIN journal_entry e ON e.id = p.journal_entry_id"
            " WHERE p.reason = 'revaluation'"),
        "2026-03-01");
    stock_checks(rq);
    test_end(rq);
}

const struct test valuation_tests[] = {
    { "any history, in any order, is worth what a replay says",
      any_history_in_any_order_is_worth_what_a_replay_says },
    { "below zero the books still agree", below_zero_the_books_still_agree },
    { "an arrival at standard cost posts its variance",
      an_arrival_at_standard_cost_posts_its_variance },
    { "a late receipt corrects the cost of what was sold",
      a_late_receipt_corrects_the_cost_of_what_was_sold },
    { 0 },
};
