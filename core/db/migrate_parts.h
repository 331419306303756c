/*
 * migrate_parts.h - between migrate.c and migrate_role.c only; others use migrate.h.
 */
#ifndef TENON_MIGRATE_PARTS_H
#define TENON_MIGRATE_PARTS_H

#include "core/db/migrate.h"

#include <libpq-fe.h>

struct migration {
    struct arena *mem;
    PGconn *conn;
    const struct asset *files;
    const char *const *order; /* folders: NULL is sql/, then the modules */
    PGresult *recorded;       /* path, checksum */
    int applied;
    const char *error;
};

/* Note the sentence; always false. */
bool migrate_stop(struct migration *m, const char *error);

/* One statement; its result, which lives as long as the arena, in *out (may be NULL). */
bool migrate_ask(struct migration *m, PGresult **out, const char *sql, int n,
                 const char *const *params);
bool migrate_run(struct migration *m, const char *sql);

/* ------------------------------------------------------------------- migrate_role.c */

/* tenon_owner and tenon_app, when they are missing. */
bool migrate_roles(struct migration *m);

/* The schema, its extension and the table of what was applied. */
bool migrate_schema(struct migration *m);

/* The server's role signs in with this password from now on. Outside the migration's
 * transaction it would not be seen: called after COMMIT. */
bool migrate_password(struct migration *m, const char *password);

#endif
