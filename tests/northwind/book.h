/*
 * book.h - an order book as CSV files: what is to be sold, and what must come out of it.
 *
 * The totals are computed here with integers, apart from the server, so that a wrong rounding
 * or a lost line there shows.
 */
#ifndef TENON_NORTHWIND_BOOK_H
#define TENON_NORTHWIND_BOOK_H

#include "core/entity/sheet.h"

struct book_order {
    int row;          /* in orders */
    int first, count; /* its lines, in the order lines sorted by order */
};

/* Hundredths of the currency, and counts. */
struct totals {
    long long lines_net, freight, invoiced_net, invoiced_freight, cost_of_sales, stock_value;
    int orders, orders_open, invoices;
};

struct book {
    struct rq rq; /* only its arena and its errors are used */
    struct sheet customers, suppliers, categories, products, orders, lines;
    struct book_order *list; /* of orders.nrows */
    int *line_rows;          /* rows of lines, grouped by order */
    const char *opening;     /* CSV: product_id,quantity,unit_cost,opened_on */
    struct totals expected;
};

/* Read the folder; ends the program with a sentence when something is missing. */
void book_read(struct book *b, const char *folder);

/* The bytes of a file, NUL-terminated. */
char *book_file(struct arena *mem, const char *folder, const char *name, size_t *size);

/* A cell by the name of its column; "" when empty. */
const char *book_cell(const struct sheet *s, int row, const char *column);

/* "0.1500" as a percentage: "15.00". */
const char *book_percent(struct arena *mem, const char *fraction);

_Noreturn void book_die(const char *what, const char *why);

#endif
