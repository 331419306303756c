/*
 * quality.h - what is inspected before it may be used, and what a lot has to do with whom.
 *
 * A plan says what of an item (or of the items of a category) is looked at, on which occasion:
 * receipt from a supplier, receipt from production, return from a customer. Such goods arrive in
 * the quarantine of their warehouse (a trigger on shipment_line), where nobody is promised
 * anything of them. The operation "inspect" on the shipment, run by a rule when it is received,
 * makes one inspection per line and lot. "pass" moves the goods into stock by a transfer; "fail"
 * scraps them, sends them back or keeps them, all or a part. Nothing else takes them out: see
 * sql/functions.sql.
 *
 * An alert holds its lot (stock) until it is closed. lot_trace_up(lot) and lot_trace_down(lot)
 * (sql/trace.sql) say in one query where a lot came from, and who has what was made of it.
 */
#ifndef TENON_QUALITY_H
#define TENON_QUALITY_H

#include "core/workflow/workflow.h"

extern const struct module quality_module;

extern const struct operation quality_inspection_operations[];
extern const struct operation quality_alert_operations[];
extern const struct operation quality_shipment_operations[];

/* A text in the request's body; NULL when there is none. */
static inline const char *
quality_text(const struct rq *rq, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(rq->body, name));
}

#endif
