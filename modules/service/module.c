/*
 * Service: cases with their messages, links and clocks; the service levels that customers
 * have bought.
 */
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
    { 0 },
};

const struct module service_module = {
    .name = "service",
    .label = "Service",
    .needs = "party product accounting stock sales",
    .entities = entities,
};
