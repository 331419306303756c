/*
 * Purchasing: who sells what, what is to be bought, what is ordered. How a requisition and an
 * order move stands in workflow/; what they set off in workflow/rules.json.
 */
#include "modules/purchase/purchase.h"

static const struct entity entities[] = {
    { .name = "purchase_order",
      .list = "number supplier.name order_date expected_date total currency_code state received"
              " billed buyer.name",
      .title = "number",
      .search = "supplier_id",
      .order = "order_date.desc,id.desc",
      .operations = purchase_order_operations },
    { .name = "purchase_requisition",
      .list = "number requested_on warehouse.name note state",
      .title = "number",
      .operations = purchase_requisition_operations },
    { .name = "item_supplier",
      .list = "item.code item.name supplier.name unit_price currency_code min_quantity multiple"
              " lead_days priority valid_from valid_to",
      .title = "id",
      .search = "item_id supplier_id" },
    { .name = "supplier_company",
      .list = "party.code party.name payment_term.name currency_code buyer.name",
      .title = "party_id",
      .search = "party_id" },
    { .name = "purchase_clearing",
      .list = "posting_date order_line_id invoice.number quantity value billed difference",
      .title = "id" },
    { 0 },
};

static const struct addition additions[] = {
    { "invoice", purchase_invoice_operations },
    { 0 },
};

const struct module purchase_module = {
    .name = "purchase",
    .label = "Purchasing",
    .needs = "party product accounting stock",
    .entities = entities,
    .additions = additions,
};
