/*
 * totals.c - what is in the books at the end, read from the tables themselves, beside what
 * must be there.
 */
#include "core/base/str.h"
#include "core/db/db.h"
#include "tests/northwind/northwind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

/* Figures of the company, in the order of their names in the result. */
static const char figures[] =
    "SELECT (SELECT sum(l.net) FROM sales_order_line l JOIN item i ON i.id = l.item_id WHERE i.kind <> 'service'),"
    " (SELECT sum(l.net) FROM sales_order_line l JOIN item i ON i.id = l.item_id WHERE i.kind = 'service'),"
    " (SELECT sum(l.net) FROM invoice_line l JOIN item i ON i.id = l.item_id JOIN invoice v ON v.id = l.invoice_id"
    "   WHERE i.kind <> 'service' AND v.state = 'posted'),"
    " (SELECT sum(l.net) FROM invoice_line l JOIN item i ON i.id = l.item_id JOIN invoice v ON v.id = l.invoice_id"
    "   WHERE i.kind = 'service' AND v.state = 'posted'),"
    " (SELECT sum(l.debit - l.credit) FROM journal_line l JOIN account a ON a.id = l.account_id"
    "   WHERE a.role = 'cost_of_sales' AND l.posted_on IS NOT NULL),"
    " (SELECT sum(l.debit - l.credit) FROM journal_line l JOIN account a ON a.id = l.account_id"
    "   WHERE a.role = 'inventory' AND l.posted_on IS NOT NULL),"
    " (SELECT count(*) FROM sales_order),"
    " (SELECT count(*) FROM sales_order WHERE state = 'confirmed' AND delivered = 'none' AND invoiced = 'none'),"
    " (SELECT count(*) FROM invoice WHERE kind = 'customer_invoice' AND state = 'posted')";

static const char books[] =
    "SELECT (SELECT coalesce(sum(debit - credit), 0) FROM journal_line WHERE posted_on IS NOT NULL),"
    " (SELECT coalesce(sum(l.debit - l.credit), 0) FROM journal_line l JOIN account a ON a.id = l.account_id"
    "   WHERE a.role = 'receivable' AND l.posted_on IS NOT NULL),"
    " (SELECT count(*) FROM sales_order WHERE state NOT IN ('confirmed', 'closed')),"
    " (SELECT count(*) FROM job WHERE state IN ('waiting', 'running')),"
    " (SELECT count(*) FROM job WHERE state = 'dead'),"
    " (SELECT coalesce(sum(m.quantity), 0) FROM stock_move m JOIN location t ON t.id = m.to_location_id"
    "   WHERE t.kind = 'customer')";

enum { FIGURES = 9, BOOKS = 6 };
static const char *const names[FIGURES] = { "lines_net",        "freight",       "invoiced_net",
                                            "invoiced_freight", "cost_of_sales", "stock_value",
                                            "orders",           "orders_open",   "invoices" };

struct found {
    const char *figure[FIGURES], *book[BOOKS];
};

static void
read_books(const struct book *b, const char *data, struct found *f)
{
    const char *error = NULL;
    struct rq rq = { .mem = b->rq.mem, .language = "en", .body_text = "{}" };

    if (!strchr(data, '='))
        data = arena_printf(rq.mem, "host='%s/run' port=5432 user=postgres dbname=tenon", data);
    rq.db = db_open(rq.mem, data, &error);
    if (!rq.db)
        book_die("database", error);
    db_begin(&rq, true);
    db_exec(&rq, "SET LOCAL search_path = tenon", NONE);
    if (!db_one(&rq, figures, NONE,
                OUT(&f->figure[0], &f->figure[1], &f->figure[2], &f->figure[3], &f->figure[4],
                    &f->figure[5], &f->figure[6], &f->figure[7], &f->figure[8])) ||
        !db_one(&rq, books, NONE,
                OUT(&f->book[0], &f->book[1], &f->book[2], &f->book[3], &f->book[4], &f->book[5])))
        book_die("database", rq.errors->message);
    db_rollback(&rq);
    db_close(rq.db);
}

/* The rules that close paid orders run in the background: wait until nothing waits. */
static void
wait_for_jobs(const struct book *b, const char *data, struct found *f)
{
    struct timespec moment = { 0, 200 * 1000 * 1000 };

    for (int i = 0; i < 600; i++) {
        read_books(b, data, f);
        if (!strcmp(f->book[3], "0"))
            return;
        nanosleep(&moment, NULL);
    }
}

/* How many of the shipped checks find something; -1 when they cannot be run. */
static int
failed_checks(const struct book *b, const char *tenonctl, const char *data)
{
    const char *where = strchr(data, '=') ? "database" : "data";
    FILE *f =
        popen(arena_printf(b->rq.mem, "'%s' check --%s \"%s\" 2>&1", tenonctl, where, data), "r");
    char line[512];
    int failed = 0, run = 0;

    if (!f)
        return -1;
    while (fgets(line, sizeof line, f)) {
        run += str_starts(line, "ok ") || str_starts(line, "FAILS");
        failed += str_starts(line, "FAILS");
        if (!str_starts(line, "ok "))
            printf("  %s", line);
    }
    int status = pclose(f);

    return run && WIFEXITED(status) && WEXITSTATUS(status) <= 1 ? failed : -1;
}

static const char *
cents(struct arena *mem, long long value)
{
    return arena_printf(mem, "%lld.%02lld", value / 100, value % 100);
}

/* As the database prints it: counts without digits. */
static const char *
expected(const struct book *b, int i)
{
    const struct totals *t = &b->expected;
    const long long amounts[] = { t->lines_net,        t->freight,       t->invoiced_net,
                                  t->invoiced_freight, t->cost_of_sales, t->stock_value };
    const int counts[] = { t->orders, t->orders_open, t->invoices };

    return i < 6 ? cents(b->rq.mem, amounts[i]) : arena_printf(b->rq.mem, "%d", counts[i - 6]);
}

static bool
same(const char *is, const char *should)
{
    return is ? !strcmp(is, should) : !strcmp(should, "0.00");
}

static int
print_figures(const struct book *b, const struct found *f, int checks)
{
    int wrong = 0;

    printf("\n  %-18s %16s %16s\n", "", "in the books", "expected");
    for (int i = 0; i < FIGURES; i++) {
        bool good = same(f->figure[i], expected(b, i));

        wrong += !good;
        printf("  %-18s %16s %16s%s\n", names[i], f->figure[i] ? f->figure[i] : "0.00",
               expected(b, i), good ? "" : "  <- differs");
    }
    const char *const zero[] = { f->book[0], f->book[1], f->book[2], f->book[4],
                                 arena_printf(b->rq.mem, "%d", checks) };
    static const char *const what[] = { "trial_balance", "receivables", "orders_lost", "jobs_dead",
                                        "checks_failed" };

    for (int i = 0; i < 5; i++) {
        bool good = !strcmp(zero[i], "0") || !strcmp(zero[i], "0.00");

        wrong += !good;
        printf("  %-18s %16s %16s%s\n", what[i], zero[i], "0", good ? "" : "  <- differs");
    }
    return wrong;
}

static void
print_steps(const struct run *r)
{
    printf("\n  %-10s %7s %9s %9s  %s\n", "step", "calls", "mean ms", "worst ms", "of order");
    for (int i = 0; i < JOURNEY_STEPS; i++)
        printf("  %-10s %7d %9.1f %9.1f  %s\n", journey_names[i], r->calls[i],
               r->calls[i] ? r->ms[i] / r->calls[i] : 0, r->slowest_ms[i], r->slowest_order[i]);
}

static void
write_json(const struct found *f, const struct run *r, int checks, const char *path)
{
    FILE *out = fopen(path, "w");

    if (!out) {
        book_die(path, "cannot be written");
        return;
    }
    fputs("{\n", out);
    for (int i = 0; i < FIGURES; i++)
        fprintf(out, "  \"%s\": %s,\n", names[i], f->figure[i] ? f->figure[i] : "0.00");
    fprintf(out, "  \"trial_balance\": %s,\n  \"receivables\": %s,\n  \"units_shipped\": %s,\n",
            f->book[0], f->book[1], f->book[5]);
    fprintf(out, "  \"checks_failed\": %d,\n  \"orders_failed\": %d,\n  \"orders_per_s\": %.1f,\n",
            checks, r->failed, r->orders / r->seconds);
    fputs("  \"steps\": {\n", out);
    for (int i = 0; i < JOURNEY_STEPS; i++)
        fprintf(out, "    \"%s\": { \"calls\": %d, \"mean_ms\": %.1f, \"worst_ms\": %.1f }%s\n",
                journey_names[i], r->calls[i], r->calls[i] ? r->ms[i] / r->calls[i] : 0,
                r->slowest_ms[i], i + 1 < JOURNEY_STEPS ? "," : "");
    fputs("  }\n}\n", out);
    fclose(out);
}

int
report_totals(const struct book *b, const struct run *run, const char *data, const char *tenonctl,
              const char *result)
{
    struct found f;
    int checks, wrong;

    wait_for_jobs(b, data, &f);
    checks = failed_checks(b, tenonctl, data);
    wrong = print_figures(b, &f, checks);
    print_steps(run);
    printf("\n  %d orders in %.1f s: %.1f orders per second\n", run->orders, run->seconds,
           run->orders / run->seconds);
    if (run->failed)
        printf("  %d orders failed, the first: %s\n", run->failed, run->problem);
    write_json(&f, run, checks, result);
    return wrong + run->failed;
}
