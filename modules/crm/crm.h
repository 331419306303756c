/*
 * crm.h - leads and opportunities: from the first sign of interest to the quotation.
 *
 * lead.c and opportunity.c hold the operations; what moves documents of other modules upwards
 * (an order that is confirmed wins its opportunity) is in workflow/rules.json.
 */
#ifndef TENON_CRM_H
#define TENON_CRM_H

#include "core/entity/module.h"

extern const struct operation lead_operations[];
extern const struct operation opportunity_operations[];

/* What the body holds under this name, as text; NULL when it is not sent or null. */
const char *crm_sent(const struct rq *rq, const char *name);

/* The same for the number of a record; false when it is sent and is none. */
bool crm_reference(struct rq *rq, const char *name, const char **id);

#endif
