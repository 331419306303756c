/*
 * Products: items in two languages, units that convert exactly, categories, barcodes and tax
 * categories. The rules are in sql/.
 */
#include "modules/product/product.h"

static const struct entity entities[] = {
    { .name = "item",
      .list = "code name name_zh kind category.name uom.code list_price list_currency_code active",
      .title = "name",
      .order = "name.asc,id.asc" },
    { .name = "item_category",
      .list = "code name name_zh parent.name",
      .title = "name",
      .order = "name.asc,id.asc" },
    { .name = "uom",
      .list = "code name name_zh symbol dimension active",
      .title = "name",
      .order = "code.asc" },
    { .name = "tax_category", .list = "code name name_zh", .title = "name", .order = "code.asc" },
    { 0 },
};

const struct module product_module = {
    .name = "product",
    .label = "Products",
    .needs = "party",
    .entities = entities,
};
