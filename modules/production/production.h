/*
 * production.h - what is made, of what, where and how long it takes.
 *
 * A bill of materials (bom) says what an item is made of, a routing how. In SQL, for whoever
 * plans (sql/functions.sql): bom_of(company, item, day), bom_explode(company, bom, quantity),
 * production_finish(company, item, bom, quantity, start) and production_start(..., finish).
 */
#ifndef TENON_PRODUCTION_H
#define TENON_PRODUCTION_H

#include "core/workflow/workflow.h"

extern const struct module production_module;

#endif
