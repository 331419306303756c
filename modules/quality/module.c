/*
 * Quality: plans, inspections, alerts, and the trace of a lot. Read quality.h first.
 */
#include "modules/quality/quality.h"

static const struct entity entities[] = {
    { .name = "quality_inspection",
      .list = "number kind item.code item.name lot.code party.name quantity quantity_passed "
              "quantity_failed missing state created_at",
      .title = "number",
      .search = "item_id",
      .operations = quality_inspection_operations },
    { .name = "quality_plan",
      .list = "name name_zh item.code category.name occasion sampling sample active",
      .title = "name",
      .search = "item_id",
      .order = "name.asc,id.asc" },
    { .name = "quality_alert",
      .list = "number title item.code lot.code state created_at",
      .title = "number",
      .search = "item_id",
      .operations = quality_alert_operations },
    { .name = "lot_trace",
      .list = "direction depth event item.code item.name lot.code quantity day party.name "
              "shipment.number location.name",
      .title = "event",
      .order = "id.asc",
      .list_by = "of_lot_id" },
    { 0 },
};

static const struct addition additions[] = {
    { "shipment", quality_shipment_operations },
    { 0 },
};

const struct module quality_module = {
    .name = "quality",
    .label = "Quality",
    .needs = "party product stock",
    .entities = entities,
    .additions = additions,
};
