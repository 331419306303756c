/*
 * Plans become production orders.
 */
#include "modules/production/production.h"

/* The days and the components of an order follow in the database. */
static const char to_make[] =
    "SELECT json_agg(json_build_object('item_id', s.item_id, 'quantity', s.quantity::text,"
    "           'planned_finish', greatest(s.day, app_today()), 'supply_id', s.id) ORDER BY s.id)"
    "  FROM supply s"
    " WHERE s.id = ANY ($1::bigint[]) AND s.method = 'make' AND NOT s.firm AND s.quantity > 0";

const char *
production_orders_make(struct rq *rq, const char *supply_ids)
{
    const char *json = db_text(rq, to_make, P(supply_ids));

    if (rq->errors)
        return NULL;
    return json ? entity_insert(rq, "production_order", json) : "{}";
}
