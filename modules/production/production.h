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

/*
 * Production orders for planned supplies ("{7,9}"): their components are what was promised to
 * these supplies. Those that have an order already are left out. The ids of the orders in the
 * order of the supplies, "{}" when there is none to be made; NULL after an error.
 */
const char *production_orders_make(struct rq *rq, const char *supply_ids);

extern const struct operation production_order_operations[];

#endif
