/*
 * Setting stock aside. Demand and supply are two lists of ranges of units; a line gets the
 * units where its range and a balance's overlap, so one statement serves any number of lines
 * and no unit is given twice.
 */
#include "modules/stock/stock.h"

static const char lock_items[] =
    "SELECT stock_lock(ARRAY(SELECT item_id FROM shipment_line WHERE shipment_id = ANY ($1::bigint[])))";

/* $2 says which lines: 3 those that name a location and a lot, 2 a location, 1 a lot, 0 neither. */
static const char reserve_pass[] =
    "WITH demand AS ("
    "    SELECT l.id, l.item_id, s.warehouse_id, l.location_id, l.lot_id,"
    "           sum(l.quantity - l.quantity_done - l.quantity_reserved) OVER before"
    "               - (l.quantity - l.quantity_done - l.quantity_reserved) AS starts,"
    "           sum(l.quantity - l.quantity_done - l.quantity_reserved) OVER before AS ends"
    "      FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id"
    "     WHERE l.shipment_id = ANY ($1::bigint[]) AND s.kind IN ('delivery', 'transfer')"
    "       AND l.quantity > l.quantity_done + l.quantity_reserved"
    "       AND (l.location_id IS NOT NULL)::integer * 2 + (l.lot_id IS NOT NULL)::integer = $2::integer"
    "    WINDOW before AS (PARTITION BY l.item_id, s.warehouse_id, l.location_id, l.lot_id"
    "                      ORDER BY s.planned_date, s.id, l.position, l.id)"
    "), supply AS ("
    "    SELECT d.item_id, d.warehouse_id, d.location_id, d.lot_id, b.location_id AS at, b.lot_id AS lot,"
    "           sum(b.on_hand - b.reserved) OVER before - (b.on_hand - b.reserved) AS starts,"
    "           sum(b.on_hand - b.reserved) OVER before AS ends"
    "      FROM (SELECT DISTINCT item_id, warehouse_id, location_id, lot_id FROM demand) d"
    "      JOIN stock_balance b ON b.company_id = app_company() AND b.item_id = d.item_id"
    "       AND b.on_hand > b.reserved"
    "      JOIN location p ON p.id = b.location_id AND p.warehouse_id = d.warehouse_id"
    "       AND p.kind = 'internal' AND p.active"
    "      LEFT JOIN lot o ON o.id = b.lot_id"
    "     WHERE (d.location_id IS NULL OR d.location_id = b.location_id)"
    "       AND (d.lot_id IS NULL OR d.lot_id = b.lot_id)"
    "    WINDOW before AS (PARTITION BY d.item_id, d.warehouse_id, d.location_id, d.lot_id"
    "                      ORDER BY o.expires_on, p.parent_id NULLS FIRST, b.location_id, b.lot_id)"
    ") INSERT INTO reservation AS r (shipment_line_id, item_id, location_id, lot_id, quantity)"
    "  SELECT d.id, d.item_id, s.at, s.lot, least(d.ends, s.ends) - greatest(d.starts, s.starts)"
    "    FROM demand d JOIN supply s ON s.item_id = d.item_id AND s.warehouse_id = d.warehouse_id"
    "     AND s.location_id IS NOT DISTINCT FROM d.location_id"
    "     AND s.lot_id IS NOT DISTINCT FROM d.lot_id"
    "     AND s.starts < d.ends AND d.starts < s.ends"
    "   ORDER BY d.item_id, d.id, s.at, s.lot"
    "      ON CONFLICT ON CONSTRAINT reservation_once"
    "      DO UPDATE SET quantity = r.quantity + excluded.quantity";

bool
stock_reserve(struct rq *rq, const char *shipment_ids)
{
    return db_exec(rq, lock_items, P(shipment_ids)) &&
           db_exec(rq, reserve_pass, P(shipment_ids, "3")) &&
           db_exec(rq, reserve_pass, P(shipment_ids, "2")) &&
           db_exec(rq, reserve_pass, P(shipment_ids, "1")) &&
           db_exec(rq, reserve_pass, P(shipment_ids, "0"));
}

static const char release_all[] =
    "DELETE FROM reservation r USING shipment_line l"
    " WHERE l.shipment_id = ANY ($1::bigint[]) AND r.shipment_line_id = l.id";

bool
stock_release(struct rq *rq, const char *shipment_ids)
{
    return db_exec(rq, lock_items, P(shipment_ids)) && db_exec(rq, release_all, P(shipment_ids));
}
