/*
 * external.h - a PostgreSQL that somebody else runs (tenond --database CONNINFO). Migrations
 * sign in as the conninfo says; the server then signs in as tenon_app, with a password that
 * is made once and kept in the data folder (mode 0600).
 */
#ifndef TENON_EXTERNAL_H
#define TENON_EXTERNAL_H

#include "core/base/arena.h"

/*
 * The conninfo of the server's role on the database that `admin` names, and its password for
 * migrate(). The password is read from <folder>/tenon_app.password, or made. NULL with a
 * sentence in *error.
 */
const char *external_app_conninfo(struct arena *mem, const char *folder, const char *admin,
                                  const char **password, const char **error);

#endif
