/*
 * events.c - what the workflow does after the generic verbs of core/entity (entity.h).
 */
#include "core/workflow/workflow.h"

const struct entity_events entity_events = {
    .created = workflow_created,
    .changed = workflow_changed,
    .why = workflow_why,
};
