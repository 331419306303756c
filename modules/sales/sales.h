/*
 * sales.h - quotations and orders: one row from the first price to the last payment.
 *
 * The operations of a sales order. Other modules (crm) make quotations with
 * entity_insert(rq, "sales_order", ...) and drive them with workflow_take(); what a quotation
 * does not say (currency, prices, taxes, addresses, terms) the triggers of sql/functions.sql
 * fill in from its customer, items and price lists.
 */
#ifndef TENON_SALES_H
#define TENON_SALES_H

#include "core/entity/module.h"

extern const struct operation sales_order_operations[];

/* order_fulfil.c: what a confirmed order asks of the warehouse and of finance. */
bool order_deliver(struct rq *rq);
bool order_invoice(struct rq *rq);

#endif
