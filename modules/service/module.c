/*
 * Service: cases with their messages, links and clocks; the service levels that customers
 * have bought.
 */
#include "modules/service/resolution.h"
#include "modules/service/service.h"

static const struct entity entities[] = {
    { .name = "service_case",
      .list = "number subject party.name priority state queue.name assignee.name response_due_at "
              "resolution_due_at channel created_at",
      .title = "number",
      .search = "party_id",
      .operations = service_case_operations },
    { .name = "case_message",
      .list = "case_id kind sender body at",
      .title = "message_id",
      .order = "id.asc" },
    { .name = "service_queue",
      .list = "code name name_zh role.name is_default active",
      .title = "name",
      .order = "code.asc" },
    { .name = "service_category",
      .list = "code name name_zh parent.name queue.name priority active",
      .title = "name",
      .order = "code.asc" },
    { .name = "sla_policy",
      .list = "name name_zh segment calendar.name warn_percent is_default active",
      .title = "name",
      .order = "name.asc,id.asc" },
    { .name = "sla_target",
      .list = "policy.name priority first_response resolution",
      .title = "priority" },
    { .name = "service_contract",
      .list = "party.name policy.name reference valid_from valid_to",
      .title = "reference",
      .search = "party_id" },
    { .name = "sla_clock",
      .list = "case.number kind minutes started_at warn_at due_at paused_at stopped_at "
              "used_minutes breached",
      .title = "kind" },
    { .name = "service_case_document",
      .list = "case_id entity number document_date state delivered paid linked",
      .title = "number",
      .order = "document_date.desc,id.desc",
      .list_by = "case_id" },
    { .name = "return_order",
      .list =
          "number case.number party.name reason resolution received resolved credit_note refund "
          "replacement state",
      .title = "number",
      .search = "party_id",
      .operations = return_order_operations },
    { .name = "repair_order",
      .list = "number case.number party.name item.name lot.code coverage minutes parts_value state",
      .title = "number",
      .search = "party_id",
      .operations = repair_order_operations },
    { .name = "repair_time",
      .list = "repair.number worked_on worker.name minutes cost note",
      .title = "id" },
    { .name = "warranty",
      .list = "party.name item.name lot.code quantity starts_on ends_on in_force",
      .title = "id",
      .search = "party_id" },
    { .name = "warranty_policy",
      .list = "name name_zh item.name category.name months active",
      .title = "name",
      .order = "name.asc,id.asc" },
    { .name = "survey",
      .list = "kind party.name shipment.number case.number sent_at due_on score comment state",
      .title = "id",
      .search = "party_id",
      .operations = survey_operations },
    { 0 },
};

static const struct addition additions[] = {
    { "service_case", resolution_case_operations },
    { "shipment", resolution_shipment_operations },
    { 0 },
};

const struct module service_module = {
    .name = "service",
    .label = "Service",
    .needs = "party product accounting stock sales",
    .entities = entities,
    .additions = additions,
};
