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

#endif
