/*
 * Setting stock aside, and giving it back. How stock is shared out stands in
 * sql/functions.sql: what is free may be read only after the items are locked.
 */
#include "modules/stock/stock.h"

static const char reserve_lines[] = "SELECT stock_reserve($1::bigint[])";

bool
stock_reserve(struct rq *rq, const char *shipment_ids)
{
    return db_exec(rq, reserve_lines, P(shipment_ids));
}

/* A promise for a later day is safe without holding its goods until then. */
static const char reserve_due_lines[] =
    "SELECT stock_reserve(ARRAY(SELECT id FROM shipment"
    "                            WHERE id = ANY ($1::bigint[]) AND planned_date <= app_today()))";

bool
stock_reserve_due(struct rq *rq, const char *shipment_ids)
{
    return db_exec(rq, reserve_due_lines, P(shipment_ids));
}

static const char lock_items[] =
    "SELECT stock_lock(ARRAY(SELECT item_id FROM shipment_line"
    "                         WHERE shipment_id = ANY ($1::bigint[])))";
static const char release_all[] =
    "DELETE FROM reservation r USING shipment_line l"
    " WHERE l.shipment_id = ANY ($1::bigint[]) AND r.shipment_line_id = l.id";

bool
stock_items_lock(struct rq *rq, const char *shipment_ids)
{
    return db_exec(rq, lock_items, P(shipment_ids));
}

bool
stock_release(struct rq *rq, const char *shipment_ids)
{
    return stock_items_lock(rq, shipment_ids) && db_exec(rq, release_all, P(shipment_ids));
}
