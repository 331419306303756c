/*
 * Stock counts: a sheet is filled with what the books know of, quantities are entered, and the
 * differences are booked against losses and finds. The books' balance is noted per line when
 * its quantity is entered, so goods may move while the count goes on.
 */
#include "modules/stock/stock.h"

static const char fill_sheet[] =
    "WITH RECURSIVE place AS ("
    "    SELECT c.id AS count_id, c.location_id FROM stock_count c WHERE c.id = ANY ($1::bigint[])"
    "    UNION ALL"
    "    SELECT p.count_id, l.id FROM place p JOIN location l ON l.parent_id = p.location_id"
    ") INSERT INTO stock_count_line (count_id, position, location_id, item_id, lot_id)"
    "  SELECT p.count_id, coalesce(n.last, 0)"
    "             + row_number() OVER (PARTITION BY p.count_id ORDER BY b.location_id, i.code, b.lot_id),"
    "         b.location_id, b.item_id, b.lot_id"
    "    FROM place p JOIN stock_balance b ON b.location_id = p.location_id AND b.on_hand <> 0"
    "    JOIN item i ON i.id = b.item_id"
    "   CROSS JOIN LATERAL (SELECT max(position) AS last FROM stock_count_line"
    "                        WHERE count_id = p.count_id) n"
    "      ON CONFLICT ON CONSTRAINT stock_count_line_once DO NOTHING";

/* Put every item with stock at this location, and what is part of it, on the sheet. */
static bool
count_fill(struct rq *rq)
{
    return db_exec(rq, fill_sheet, P(rq->ids));
}

static const char lock_counted[] =
    "SELECT stock_lock(ARRAY(SELECT item_id FROM stock_count_line"
    "                         WHERE count_id = ANY ($1::bigint[]) AND difference <> 0))";
static const char find_uncounted[] =
    "SELECT min(c.number) FROM stock_count c"
    " WHERE c.id = ANY ($1::bigint[])"
    "   AND NOT EXISTS (SELECT FROM stock_count_line l WHERE l.count_id = c.id AND l.counted IS NOT NULL)";

/* What is not there cannot stay set aside: the latest reservations give way. */
static const char release_missing[] =
    "WITH missing AS ("
    "    SELECT b.item_id, b.location_id, b.lot_id, b.reserved - b.on_hand - sum(l.difference) AS excess"
    "      FROM stock_count_line l"
    "      JOIN stock_balance b ON b.company_id = l.company_id AND b.item_id = l.item_id"
    "       AND b.location_id = l.location_id AND b.lot_id IS NOT DISTINCT FROM l.lot_id"
    "     WHERE l.count_id = ANY ($1::bigint[]) AND l.difference < 0"
    "     GROUP BY b.id HAVING b.reserved > b.on_hand + sum(l.difference)"
    "), cut AS ("
    "    SELECT r.id, r.quantity, m.excess + r.quantity - sum(r.quantity) OVER ("
    "               PARTITION BY m.item_id, m.location_id, m.lot_id ORDER BY r.id DESC) AS part"
    "      FROM missing m"
    "      JOIN reservation r ON r.company_id = app_company() AND r.item_id = m.item_id"
    "       AND r.location_id = m.location_id AND r.lot_id IS NOT DISTINCT FROM m.lot_id"
    "), gone AS ("
    "    DELETE FROM reservation r USING cut WHERE r.id = cut.id AND cut.part >= cut.quantity"
    ") UPDATE reservation r SET quantity = r.quantity - cut.part"
    "    FROM cut WHERE r.id = cut.id AND cut.part > 0 AND cut.part < cut.quantity";

static const char move_difference[] =
    "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, lot_id, moved_on,"
    "                        unit_cost, stock_count_line_id)"
    "SELECT l.item_id, abs(l.difference),"
    "       CASE WHEN l.difference > 0 THEN stock_side(c.company_id, 'loss') ELSE l.location_id END,"
    "       CASE WHEN l.difference > 0 THEN l.location_id ELSE stock_side(c.company_id, 'loss') END,"
    "       l.lot_id, c.counted_on, l.unit_cost, l.id"
    "  FROM stock_count c JOIN stock_count_line l ON l.count_id = c.id"
    " WHERE c.id = ANY ($1::bigint[]) AND l.difference <> 0"
    " ORDER BY l.item_id, l.id";

/*
 * Book the differences. Lines that were not counted are left alone.
 *
 * Errors: nothing_counted (lines)
 */
static bool
count_apply(struct rq *rq)
{
    const char *uncounted;

    db_exec(rq, lock_counted, P(rq->ids));
    if (!db_one(rq, find_uncounted, P(rq->ids), OUT(&uncounted)))
        return false;
    if (uncounted)
        return fail(rq, "nothing_counted", "lines", "Nothing is counted on %s yet", uncounted);
    return db_exec(rq, release_missing, P(rq->ids)) && db_exec(rq, move_difference, P(rq->ids));
}

const struct operation stock_count_operations[] = {
    { "fill", "Fill the sheet", .from = "draft", .run = count_fill,
      .help = "Put all items with stock at this location on the sheet" },
    { "apply", "Apply", .from = "draft", .to = "done", .run = count_apply,
      .help = "Book the differences as losses and finds" },
    { "cancel", "Cancel", .from = "draft", .to = "cancelled", .help = "Drop the count" },
    { 0 },
};
