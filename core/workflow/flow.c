/*
 * flow.c - the thread of documents: which ones belong to one customer journey.
 */
#include "core/workflow/workflow.h"

bool
flow_start(struct rq *rq, const char *entity, const char *ids, const char *kind)
{
    return db_exec(rq, "SELECT flow_start($1, $2, $3)", P(entity, ids, kind));
}

bool
flow_join(struct rq *rq, const char *from_entity, const char *from_ids, const char *to_entity,
          const char *to_ids)
{
    return db_exec(
        rq,
        "SELECT flow_join($1, $2, (SELECT jsonb_agg(jsonb_build_object('from', f, 'to', t))"
        "                            FROM unnest($3::bigint[], $4::bigint[]) p (f, t)))",
        P(from_entity, to_entity, from_ids, to_ids));
}

const char *
flow_insert(struct rq *rq, const char *from_entity, const char *from_ids, const char *entity,
            const char *json)
{
    const char *made = entity_insert(rq, entity, json);

    return made && flow_join(rq, from_entity, from_ids, entity, made) ? made : NULL;
}
