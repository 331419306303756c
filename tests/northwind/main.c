/*
 * main.c - a whole order book from lead to cash through the HTTPS interface: master data by
 * import, then every order by several clients at once, then the books are compared with what
 * the files say must be in them.
 *
 *     tenon-northwind URL LOGIN PASSWORD FOLDER RESULT.json TENONCTL DATA [CLIENTS [CERTIFICATE]]
 *
 * DATA is the server's data folder, or the conninfo of its database. Exit status 0 when every
 * figure is as expected.
 */
#include "tests/northwind/northwind.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>

int
main(int argc, char **argv)
{
    struct book book = { .rq = { .mem = arena_new(), .language = "en" } };
    struct run run = { 0 };

    if (argc < 8)
        book_die("usage",
                 "tenon-northwind URL LOGIN PASSWORD FOLDER RESULT.json TENONCTL DATA"
                 " [CLIENTS [CERTIFICATE]]");
    struct server server = { argv[1], argv[2], argv[3], argv[6],
                             argc > 9 ? argv[9]
                                      : arena_printf(book.rq.mem, "%s/certificate.pem", argv[7]) };
    int clients = argc > 8 ? (int)strtol(argv[8], NULL, 10) : 8;

    curl_global_init(CURL_GLOBAL_ALL);
    book_read(&book, argv[4]);
    printf("\n%d orders with %d lines, %d clients at once\n\n", book.orders.nrows, book.lines.nrows,
           clients);
    load_master_data(&book, &server, argv[4], argv[5]);
    run_orders(&book, &server, clients > 0 ? clients : 1, &run);
    int wrong = report_totals(&book, &run, argv[7], argv[6], argv[5]);

    if (wrong)
        printf("\n  NOT as expected: %d\n", wrong);
    arena_free(book.rq.mem);
    return wrong > 0;
}
