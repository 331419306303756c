/*
 * Customer relations: leads from their source to their conversion,
 * opportunities in the stages of several pipelines, their forecast and
 * velocity.
 */
#include "modules/crm/crm.h"

static const struct entity entities[] = {
    { .name = "lead",
      .list = "number title subject source.name state salesperson.name "
              "expected_amount "
              "currency_code idle_days created_at",
      .title = "number",
      .operations = lead_operations },
    { .name = "opportunity",
      .list = "number name party.name stage.name probability expected_amount "
              "weighted_amount "
              "currency_code close_date salesperson.name state",
      .title = "name",
      .search = "party_id",
      .operations = opportunity_operations },
    { .name = "pipeline",
      .list = "code name name_zh is_default active",
      .title = "name",
      .order = "code.asc" },
    { .name = "pipeline_stage",
      .list = "pipeline.name position name name_zh probability target_days",
      .title = "name",
      .order = "pipeline_id.asc,position.asc" },
    { .name = "pipeline_forecast",
      .list = "pipeline_id stage_id currency_code opportunities expected_amount "
              "weighted_amount weighted_base",
      .title = "stage_id",
      .order = "position.asc,id.asc" },
    { .name = "opportunity_stage_time",
      .list = "opportunity_id stage_id entered_at left_at days",
      .title = "id" },
    { .name = "opportunity_stage_history",
      .list = "opportunity_id from_stage_id stage_id at actor_id",
      .title = "id" },
    { .name = "lead_duplicate",
      .list = "lead_id party_id other_lead_id reason score",
      .title = "reason" },
    { .name = "customer_rollup",
      .list = "party_id parties orders_open receivable overdue exposure credit_limit opportunities",
      .title = "party_id" },
    { .name = "lead_source",
      .list = "code name name_zh active",
      .title = "name",
      .order = "code.asc" },
    { .name = "lost_reason",
      .list = "code name name_zh won active",
      .title = "name",
      .order = "code.asc" },
    { .name = "sales_team",
      .list = "name name_zh leader.name active",
      .title = "name",
      .order = "name.asc,id.asc" },
    { 0 },
};

const struct module crm_module = {
    .name = "crm",
    .label = "Customer relations",
    .needs = "party product sales",
    .entities = entities,
};
