/*
 * Production: bills of materials, routings and work centres. Read production.h first; the
 * rules are in sql/functions.sql.
 */
#include "modules/production/production.h"

static const struct entity entities[] = {
    { .name = "bom",
      .list = "item.code item.name revision kind quantity valid_from valid_to is_default active",
      .title = "revision",
      .search = "item_id",
      .order = "item_id.asc,id.asc" },
    { .name = "routing",
      .list = "code name name_zh active",
      .title = "name",
      .order = "code.asc,id.asc" },
    { .name = "work_center",
      .list = "code name name_zh calendar.name capacity labour_rate machine_rate active",
      .title = "name",
      .order = "code.asc,id.asc" },
    { 0 },
};

const struct module production_module = {
    .name = "production",
    .label = "Production",
    .needs = "party product accounting stock",
    .entities = entities,
};
