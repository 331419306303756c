/*
 * Administration: companies, users and what they may do, numbers, settings and reference data.
 */
#include "modules/admin/admin.h"

static const struct entity entities[] = {
    { .name = "company",
      .list = "code name name_zh currency_code country_code time_zone",
      .title = "name",
      .order = "code.asc",
      .saved = company_saved },
    { .name = "app_user",
      .list = "login name email language default_company.name active",
      .title = "name",
      .order = "login.asc",
      .operations = user_operations,
      .saved = user_saved },
    { .name = "role", .list = "code name", .title = "name", .order = "code.asc" },
    { .name = "permission", .list = "role.name entity action", .title = "entity" },
    { .name = "user_role", .list = "user.name role.name", .title = "id" },
    { .name = "number_series",
      .list = "code pattern gapless",
      .title = "code",
      .order = "code.asc" },
    { .name = "setting", .list = "name value", .title = "name", .order = "name.asc,id.asc" },
    { .name = "currency",
      .list = "code number name name_zh scale active",
      .title = "code",
      .order = "code.asc" },
    { .name = "country",
      .list = "code code3 number name name_zh",
      .title = "name",
      .order = "code.asc" },
    { .name = "activity",
      .list = "subject kind due_at done_at assignee.name entity record_id",
      .title = "subject",
      .operations = activity_operations },
    { .name = "notification",
      .list = "message at read_at entity record_id",
      .title = "message",
      .operations = notification_operations },
    { .name = "import_batch",
      .list = "entity file_name created_count changed_count created_at undone_at",
      .title = "entity",
      .operations = import_operations },
    { 0 },
};

const struct module admin_module = {
    .name = "admin",
    .label = "Administration",
    .entities = entities,
};
