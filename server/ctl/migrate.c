/*
 * migrate.c - tenonctl migrate: what tenond does at each start, without starting it.
 */
#include "server/ctl/ctl.h"

#include <stdio.h>

static int
migrate_run(struct ctl *ctl, const char **words, int n)
{
    (void)words;
    (void)n;
    if (!ctl_open(ctl, true))
        return 1;
    puts("The database fits this program");
    return 0;
}

const struct command migrate_command = {
    "migrate",
    "",
    "bring the database up to date with this program",
    "All or nothing, in one transaction; tenond does the same when it starts.",
    NULL,
    0,
    0,
    migrate_run,
};
