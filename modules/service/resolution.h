/*
 * resolution.h - how a case is resolved: returns, repairs, warranties, surveys.
 *
 * A return order announces what comes back of which delivery; its return shipment brings it in at
 * the cost at which it left. What has come back is resolved: credited at the prices and taxes
 * of its invoice, replaced by an order without a price, or repaired and delivered back. Each of
 * these documents names the return line (link columns return_order_line_id), and the database lets
 * no more of them be than has arrived. Nothing of it is counted twice: how far a return is stands
 * in the views return_order_fact and return_order_line_fact, for a case in service_case_fact.
 */
#ifndef TENON_RESOLUTION_H
#define TENON_RESOLUTION_H

#include "core/entity/module.h"

extern const struct operation return_order_operations[];
extern const struct operation repair_order_operations[];
extern const struct operation survey_operations[];

/* Verbs that the resolution adds to a case and to a shipment. */
extern const struct operation resolution_case_operations[];
extern const struct operation resolution_shipment_operations[];

/* Take goods of a case back, in one step (return.c). */
bool case_return_goods(struct rq *rq);

/* Resolve what has come back: credit notes with refunds, replacement orders, repair orders.
 * Body: date. Errors: nothing_to_resolve, not_invoiced. */
bool return_resolve(struct rq *rq);

/* Move to the losses what has come back and shall be scrapped. */
bool return_scrap(struct rq *rq);

/* A note on the cases of these returns: the message, with the return's number and the value of a
 * column of return_order_fact (a literal) in it. Queued. */
bool return_note(struct rq *rq, const char *returns, const char *message, const char *column);

#endif
