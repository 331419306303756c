/*
 * pricing.h - price lists. Other modules ask for a price in SQL: price_for() in
 * sql/functions.sql says which rule gives it, and why.
 */
#ifndef TENON_PRICING_H
#define TENON_PRICING_H

#include "core/entity/module.h"

extern const struct module pricing_module;

#endif
