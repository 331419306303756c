/*
 * purchase.h - suppliers and their prices, requisitions, orders, and the bills that match them.
 *
 * For SQL of other modules: purchase_lead(company, item, warehouse, quantity, from_day) says when,
 * how much, from whom and at which price can be bought; purchase_offers() all that suppliers offer.
 */
#ifndef TENON_PURCHASE_H
#define TENON_PURCHASE_H

#include "core/entity/module.h"

extern const struct module purchase_module;

#endif
