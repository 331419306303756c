/*
 * Parties: persons and organisations, their addresses and contact points, what each company
 * grants them, and who may be whom. The rules are in sql/functions.sql.
 */
#include "modules/party/party.h"

static const struct entity entities[] = {
    { .name = "party",
      .list =
          "code name name_zh kind is_customer is_supplier country_code credit_rating exposure active",
      .title = "name",
      .order = "name.asc,id.asc" },
    { .name = "customer_company",
      .list =
          "party_id segment grade credit_rating credit_limit exposure credit_hold salesperson_id",
      .title = "party_id",
      .search = "party_id" },
    { .name = "party_duplicate",
      .list = "party_id duplicate_id reason score",
      .title = "reason",
      .list_by = "party_id" },
    { .name = "party_credit_tree",
      .list = "party_id parties customers exposure credit_limit on_hold",
      .title = "party_id" },
    { 0 },
};

const struct module party_module = {
    .name = "party",
    .label = "Parties",
    .entities = entities,
};
