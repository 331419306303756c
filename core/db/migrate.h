/*
 * migrate.h - from an empty or older database to this program's schema, all or nothing.
 *
 * The SQL is inside the program (assets.h): sql/ first, then each module in the order of its
 * needs. Per folder: numbered files once (a changed checksum of an applied file is refused),
 * then functions.sql, then views.sql, which are run again when anything changed. Grants and
 * triggers of all tables follow (tables_setup). One transaction, one advisory lock.
 */
#ifndef TENON_MIGRATE_H
#define TENON_MIGRATE_H

#include "core/db/db.h"

/* A file built into the program. */
struct asset {
    const char *path;       /* "modules/sales/sql/001_order.sql" */
    const char *text, *end; /* end points to the NUL that ends the text */
};
extern const struct asset assets[]; /* generated, sorted by path; ends with { 0 } */

const struct asset *asset_find(const char *path);

/*
 * admin: conninfo of a role that may create roles and the schema (the embedded cluster's
 * superuser, or what `--database` names). Creates tenon_owner and tenon_app, sets the
 * latter's password (NULL: none, for peer or trust). order: the modules' names in the order
 * of their needs, NULL-terminated. *applied: files run, 0 when all was there already.
 * Returns false with a sentence in *error that names file and line.
 */
bool migrate(struct arena *mem, const char *admin, const char *app_password,
             const char *const *order, int *applied, const char **error);

/* The same with other files than the program's own, sorted by path (tests). */
bool migrate_files(struct arena *mem, const char *admin, const char *app_password,
                   const char *const *order, const struct asset *files, int *applied,
                   const char **error);

#endif
