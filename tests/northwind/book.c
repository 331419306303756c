/*
 * book.c - reads the files, groups the lines, computes what must come out.
 */
#include "tests/northwind/book.h"
#include "core/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef __int128 wide;

enum { DIGITS = 4 };
static const long long one = 10000; /* 10 to the DIGITS */

void
book_die(const char *what, const char *why)
{
    fprintf(stderr, "tenon-northwind: %s: %s\n", what, why);
    exit(1);
}

char *
book_file(struct arena *mem, const char *folder, const char *name, size_t *size)
{
    const char *path = arena_printf(mem, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    char *text;
    long n;

    if (!f || fseek(f, 0, SEEK_END) || (n = ftell(f)) < 0 || fseek(f, 0, SEEK_SET))
        book_die(path, "cannot be read");
    text = arena_alloc(mem, (size_t)n + 1);
    if (fread(text, 1, (size_t)n, f) != (size_t)n)
        book_die(path, "cannot be read");
    fclose(f);
    *size = (size_t)n;
    return text;
}

static void
sheet_read(struct book *b, const char *folder, const char *name, struct sheet *to)
{
    size_t size;
    char *text = book_file(b->rq.mem, folder, name, &size);

    if (!sheet_from_csv(&b->rq, text, size, to))
        book_die(name, b->rq.errors ? b->rq.errors->message : "is not CSV");
}

static int
column_of(const struct sheet *s, const char *name)
{
    for (int i = 0; i < s->ncolumns; i++)
        if (!strcmp(s->names[i], name))
            return i;
    book_die(name, "there is no such column");
}

const char *
book_cell(const struct sheet *s, int row, const char *column)
{
    return sheet_cell(s, row, column_of(s, column));
}

/* A decimal as an integer of 1/10000; more digits end the program. */
static long long
decimal(const char *text)
{
    long long value = 0;
    int after = -1;

    for (const char *c = text; *c; c++) {
        if (*c == '.' && after < 0)
            after = 0;
        else if (*c >= '0' && *c <= '9' && after < DIGITS) {
            value = value * 10 + (*c - '0');
            after += after >= 0;
        } else {
            book_die(text, "is not a number with at most four digits after the point");
        }
    }
    for (int i = after < 0 ? 0 : after; i < DIGITS; i++)
        value *= 10;
    return value;
}

static long long
cell_decimal(const struct sheet *s, int row, const char *column)
{
    const char *text = book_cell(s, row, column);

    return decimal(*text ? text : "0");
}

/* Half away from zero; what is rounded here is never negative. */
static long long
rounded(wide value, wide unit)
{
    return (long long)((value + unit / 2) / unit);
}

const char *
book_percent(struct arena *mem, const char *fraction)
{
    long long value = decimal(*fraction ? fraction : "0");

    return arena_printf(mem, "%lld.%02lld", value / 100, value % 100);
}

/* Cents of a line: price and quantity have four digits, so has the discount. */
static long long
line_net(const struct sheet *lines, int row)
{
    wide value = (wide)cell_decimal(lines, row, "unit_price") *
                 cell_decimal(lines, row, "quantity") *
                 (one - cell_decimal(lines, row, "discount"));

    return rounded(value, (wide)one * one * one / 100);
}

/* Cost per piece in cents: 60 % of the list price. */
static long long
unit_cost(const struct book *b, int product)
{
    return rounded((wide)cell_decimal(&b->products, product, "unit_price") * 60, one);
}

static int
row_of(const struct sheet *s, const char *column, const char *value)
{
    int c = column_of(s, column);

    for (int i = 0; i < s->nrows; i++)
        if (!strcmp(sheet_cell(s, i, c), value))
            return i;
    book_die(value, "is named, but not there");
}

/* Lines grouped by order: by counting, in the order of both files. */
static void
group_lines(struct book *b)
{
    int key = column_of(&b->lines, "order_id"), next = 0;
    int *of = arena_alloc(b->rq.mem, (size_t)(b->lines.nrows + 1) * sizeof *of);
    int *at = arena_alloc(b->rq.mem, (size_t)(b->orders.nrows + 1) * sizeof *at);

    b->list = arena_alloc(b->rq.mem, (size_t)(b->orders.nrows + 1) * sizeof *b->list);
    b->line_rows = arena_alloc(b->rq.mem, (size_t)(b->lines.nrows + 1) * sizeof *b->line_rows);
    for (int i = 0; i < b->lines.nrows; i++) {
        of[i] = row_of(&b->orders, "order_id", sheet_cell(&b->lines, i, key));
        b->list[of[i]].count++;
    }
    for (int i = 0; i < b->orders.nrows; i++) {
        b->list[i].row = i;
        b->list[i].first = at[i] = next;
        next += b->list[i].count;
    }
    for (int i = 0; i < b->lines.nrows; i++)
        b->line_rows[at[of[i]]++] = i;
}

static void
expect_order(struct book *b, const struct book_order *o, long long *ordered)
{
    struct totals *t = &b->expected;
    bool shipped = *book_cell(&b->orders, o->row, "shipped_date");
    long long net = 0, freight = rounded(cell_decimal(&b->orders, o->row, "freight"), one / 100);

    for (int i = o->first; i < o->first + o->count; i++) {
        int row = b->line_rows[i];
        int product = row_of(&b->products, "product_id", book_cell(&b->lines, row, "product_id"));
        long long quantity = cell_decimal(&b->lines, row, "quantity");

        net += line_net(&b->lines, row);
        ordered[product] += quantity;
        if (shipped)
            t->cost_of_sales += rounded((wide)quantity * unit_cost(b, product), one);
        else
            t->stock_value += rounded((wide)quantity * unit_cost(b, product), one);
    }
    t->lines_net += net;
    t->freight += freight;
    t->orders++;
    t->orders_open += !shipped;
    t->invoices += shipped;
    t->invoiced_net += shipped ? net : 0;
    t->invoiced_freight += shipped ? freight : 0;
}

/* Opening stock is enough for the whole history: what is there today and all that was ordered. */
static void
open_stock(struct book *b, const long long *ordered)
{
    struct str s = str_new(b->rq.mem);
    const char *first = "9999";
    int day = column_of(&b->orders, "order_date");

    for (int i = 0; i < b->orders.nrows; i++)
        if (strcmp(sheet_cell(&b->orders, i, day), first) < 0)
            first = sheet_cell(&b->orders, i, day);
    str_add(&s, "product_id,quantity,unit_cost,opened_on\n");
    for (int i = 0; i < b->products.nrows; i++) {
        long long today = cell_decimal(&b->products, i, "units_in_stock");
        long long cost = unit_cost(b, i), quantity = today + ordered[i];

        b->expected.stock_value += rounded((wide)today * cost, one);
        if (quantity)
            str_printf(&s, "%s,%lld.%04lld,%lld.%02lld,%s\n",
                       book_cell(&b->products, i, "product_id"), quantity / one, quantity % one,
                       cost / 100, cost % 100, first);
    }
    b->opening = s.text;
}

void
book_read(struct book *b, const char *folder)
{
    sheet_read(b, folder, "customers.csv", &b->customers);
    sheet_read(b, folder, "suppliers.csv", &b->suppliers);
    sheet_read(b, folder, "categories.csv", &b->categories);
    sheet_read(b, folder, "products.csv", &b->products);
    sheet_read(b, folder, "orders.csv", &b->orders);
    sheet_read(b, folder, "order_lines.csv", &b->lines);
    group_lines(b);
    long long *ordered = arena_alloc(b->rq.mem, (size_t)(b->products.nrows + 1) * sizeof *ordered);

    for (int i = 0; i < b->orders.nrows; i++)
        expect_order(b, &b->list[i], ordered);
    open_stock(b, ordered);
}
