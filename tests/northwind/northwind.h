/*
 * northwind.h - the parts of the run: master data in, orders through, totals out.
 */
#ifndef TENON_NORTHWIND_H
#define TENON_NORTHWIND_H

#include "tests/client/journey.h"
#include "tests/northwind/book.h"

struct server {
    const char *url, *login, *password;
    const char *tenonctl, *certificate; /* the program, and whom it shall trust */
};

/* Import what the orders need. Ends the program when something is refused. result: where it may
 * write beside. */
void load_master_data(const struct book *b, const struct server *s, const char *folder,
                      const char *result);

/* What the clients saw. */
struct run {
    double seconds;
    int orders, failed;
    const char *problem; /* the first one, with its order */
    int calls[JOURNEY_STEPS];
    double ms[JOURNEY_STEPS], slowest_ms[JOURNEY_STEPS];
    char slowest_order[JOURNEY_STEPS][24];
};

/* Take every order from lead to cash by so many clients at once. */
void run_orders(const struct book *b, const struct server *s, int clients, struct run *run);

/* Read the database, print, write the JSON file; how many figures are not as expected. */
int report_totals(const struct book *b, const struct run *run, const char *data,
                  const char *tenonctl, const char *result);

#endif
