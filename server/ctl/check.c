/*
 * check.c - tenonctl check: the invariants that modules ship, over all companies. Each is a
 * SELECT that must return no row; its first line says what a row would mean.
 */
#include "server/ctl/ctl.h"
#include "core/base/str.h"
#include "core/db/migrate.h"

#include <stdio.h>
#include <string.h>

enum { ROWS_SHOWN = 20 };

static const char *
title_of(struct ctl *ctl, const struct asset *a)
{
    static const char mark[] = "-- title: ";
    const char *title = a->text + strlen(mark);

    return str_starts(a->text, mark) ? arena_strndup(ctl->mem, title, strcspn(title, "\r\n"))
                                     : a->path;
}

static void
print_row(const PGresult *res, int row)
{
    for (int c = 0; c < PQnfields(res); c++)
        printf("%s%s=%s", c ? "  " : "      ", PQfname(res, c), PQgetvalue(res, row, c));
    putchar('\n');
}

/* How many rows it returns; -1 when it cannot run. */
static int
check_one(struct ctl *ctl, const struct asset *a)
{
    PGresult *res = ctl_sql(ctl, a->text, 0, NULL);
    int rows = res ? PQntuples(res) : -1;

    printf("%s %s\n", rows == 0 ? "ok   " : "FAILS", title_of(ctl, a));
    for (int i = 0; i < rows && i < ROWS_SHOWN; i++)
        print_row(res, i);
    if (rows > ROWS_SHOWN)
        printf("      ... %d more\n", rows - ROWS_SHOWN);
    return rows;
}

static int
check_run(struct ctl *ctl, const char **words, int n)
{
    int run = 0, failed = 0;

    if (!ctl_open(ctl, false))
        return 1;
    for (const struct asset *a = assets; a->path; a++) {
        if (!strstr(a->path, "/check/") || (n && !strstr(a->path, words[0])))
            continue;
        run++;
        failed += check_one(ctl, a) != 0;
    }
    printf("%d checks, %d failed\n", run, failed);
    return failed > 0;
}

const struct command check_command = {
    "check",
    "[WORD]",
    "prove that the books agree with themselves",
    "Runs every check of every module, or those whose path holds WORD, and prints the rows that\n"
    "should not be. Exit status 1 when there is one.",
    NULL,
    0,
    1,
    check_run,
};
