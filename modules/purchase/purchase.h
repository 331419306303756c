/*
 * purchase.h - suppliers and their prices, requisitions, orders, and the bills that match them.
 *
 * For SQL of other modules: purchase_lead(company, item, warehouse, quantity, from_day) says when,
 * how much, from whom and at which price can be bought; purchase_offers() all that suppliers
 * offer. Receipts carry shipment_line.purchase_order_line_id, bills the same on invoice_line; what
 * was received and is not billed is cleared when a bill is posted (sql/match.sql).
 */
#ifndef TENON_PURCHASE_H
#define TENON_PURCHASE_H

#include "core/entity/module.h"

extern const struct module purchase_module;

extern const struct operation purchase_order_operations[];
extern const struct operation purchase_requisition_operations[];
extern const struct operation purchase_invoice_operations[]; /* that it adds to an invoice */

/*
 * Requisitions of planned supply ("{7,9}"): one per warehouse, a line for each plan to buy that
 * no document carries out yet. Their ids, "{}" when there is nothing to do, NULL after an error.
 * What is pegged to promises and has suppliers is approved and ordered at once by a rule.
 */
const char *requisitions_make(struct rq *rq, const char *supply_ids);

/*
 * The same in the flows of what they are for: flow_ids names one for each supply, in the same
 * order ("{3,NULL}"); one requisition per warehouse and flow. The orders that rules make of them
 * at once join that flow, which a flow_join afterwards would be too late for.
 */
const char *requisitions_make_for(struct rq *rq, const char *supply_ids, const char *flow_ids);

#endif
