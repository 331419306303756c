/*
 * Production: bills of materials, routings, work centres and production orders. Read production.h
 * first; the rules are in sql/functions.sql.
 */
#include "modules/production/production.h"

static const struct entity entities[] = {
    { .name = "production_order",
      .list = "number item.code item.name quantity planned_start planned_finish materials"
              " quantity_finished state",
      .title = "number",
      .search = "item_id",
      .order = "planned_start.desc,id.desc",
      .operations = production_order_operations },
    { .name = "production_work",
      .list = "work_center.name planned_start production_order.number item.name position name"
              " quantity good scrap planned_minutes labour_minutes progress state",
      .title = "name",
      .search = "item_id",
      .order = "planned_start.asc,id.asc" },
    { .name = "production_readiness",
      .list =
          "production_order.number item.code item.name required issued reserved available short",
      .title = "item_id",
      .search = "item_id",
      .order = "production_order_id.asc,id.asc" },
    { .name = "time_entry",
      .list = "reported_on order.number operation.name worker.name labour_minutes machine_minutes"
              " good scrap",
      .title = "id",
      .order = "reported_on.desc,id.desc" },
    { .name = "production_cost", .list = "posting_date order.number kind amount", .title = "id" },
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
