/*
 * hooks.h - where reports/ is plugged in: set before the threads start; while it is NULL,
 * /api/report answers 404.
 */
#ifndef TENON_HOOKS_H
#define TENON_HOOKS_H

#include "core/entity/entity.h"

/* Answers through rq, inside the request's transaction, after checking the permission to
 * read what it shows. query: the report's parameters, and format=json|csv|xlsx|pdf. */
extern bool (*hook_report)(struct rq *rq, const char *name, const struct parameter *query, int n);

#endif
