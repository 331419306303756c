/*
 * admin.h - the platform's own tables as entities: companies, users, roles and permissions,
 * numbers, settings, reference data, activities, notifications, imports.
 */
#ifndef TENON_ADMIN_H
#define TENON_ADMIN_H

#include "core/entity/module.h"

extern const struct operation user_operations[];
extern const struct operation activity_operations[];
extern const struct operation notification_operations[];
extern const struct operation import_operations[];

/* Saved hooks: a new company is set up, a user may work for his default company. */
bool company_saved(struct rq *rq);
bool user_saved(struct rq *rq);

#endif
