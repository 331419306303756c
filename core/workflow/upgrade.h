/*
 * upgrade.h - a database brought up to date with this program: its schema (migrate), then the
 * workflows that its modules ship.
 */
#ifndef TENON_UPGRADE_H
#define TENON_UPGRADE_H

#include "core/base/arena.h"

#include <stdbool.h>

/*
 * admin: conninfo of a role that may migrate; app_password: of tenon_app, NULL for none;
 * *applied: files run. false with a sentence in *error.
 */
bool upgrade(struct arena *mem, const char *admin, const char *app_password, int *applied,
             const char **error);

#endif
