/*
 * Sales: quotations and orders. How an order moves stands in workflow/sales_order.json; what
 * it sets off in the warehouse and in finance in workflow/rules.json.
 */
#include "modules/sales/sales.h"

static const struct entity entities[] = {
    { .name = "sales_order",
      .list = "number customer.name order_date required_date total currency_code state delivered"
              " invoiced paid salesperson.name",
      .title = "number",
      .search = "customer_id",
      .order = "order_date.desc,id.desc",
      .operations = sales_order_operations },
    { .name = "sales_order_revision",
      .list = "order.number revision quoted_at valid_until total currency_code",
      .title = "revision",
      .order = "order_id.desc,revision.desc" },
    { .name = "sales_order_milestone",
      .list = "reached_at order.number sales_order_line_id milestone production_order.number",
      .title = "milestone",
      .order = "reached_at.desc,id.desc" },
    { 0 },
};

const struct module sales_module = {
    .name = "sales",
    .label = "Sales",
    .needs = "party product pricing stock accounting production",
    .entities = entities,
};
