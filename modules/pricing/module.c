/*
 * Prices: lists of rules by item or category, customer or segment, quantity and date. The
 * order in which rules win stands at price_for() in sql/functions.sql.
 */
#include "modules/pricing/pricing.h"

static const struct entity entities[] = {
    { .name = "price_list",
      .list = "code name name_zh currency_code policy is_default valid_from valid_to active",
      .title = "name",
      .order = "code.asc" },
    { .name = "price_rule",
      .list =
          "price_list.name item.code category.name customer.name segment min_quantity valid_from "
          "valid_to method unit_price percent",
      .title = "id" },
    { 0 },
};

const struct module pricing_module = {
    .name = "pricing",
    .label = "Prices",
    .needs = "party product",
    .entities = entities,
};
