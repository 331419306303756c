/*
 * Lots: those that arrive with a receipt, and those that are held. What a hold means for stock,
 * promises and shipping is in sql/lot.sql; here is what a clerk does and is told.
 */
#include "modules/stock/stock.h"

#include <string.h>

/* Each lot in the body that cannot be: what is wrong, where, two words for the sentence. */
static const char find_problems[] =
    "WITH given AS MATERIALIZED ("
    "    SELECT g.*, i.code AS item, i.tracking, o.id, o.made_on AS was_made, o.expires_on AS was_expiry,"
    "           format('lines[%s].lots[%s].', g.line, g.number) AS at,"
    "           row_number() OVER (PARTITION BY g.item_id, g.code ORDER BY g.line, g.number) AS nth"
    "      FROM lots_named($1::bigint[], $2::json) g JOIN item i ON i.id = g.item_id"
    "      LEFT JOIN lot o ON o.company_id = app_company() AND o.item_id = g.item_id AND o.code = g.code"
    ") SELECT DISTINCT 'not_tracked', format('lines[%s].lots', line), item, NULL FROM given WHERE tracking = 'none'"
    "  UNION ALL SELECT 'lot_missing', at || 'code', item, NULL FROM given WHERE code IS NULL"
    "  UNION ALL SELECT 'lot_twice', at || 'code', code, NULL FROM given WHERE nth > 1 AND code IS NOT NULL"
    "  UNION ALL SELECT 'one_serial', at || 'quantity', item, NULL FROM given"
    "             WHERE tracking = 'serial' AND quantity <> 1"
    "  UNION ALL SELECT 'lot_quantity', at || 'quantity', NULL, NULL FROM given"
    "             WHERE tracking = 'lot' AND quantity <= 0"
    "  UNION ALL SELECT 'lot_dates', at || 'expires_on', code, NULL FROM given"
    "             WHERE expires_on <> was_expiry OR made_on <> was_made"
    "  UNION ALL SELECT 'serial_in_stock', at || 'code', code, item FROM given"
    "             WHERE tracking = 'serial' AND EXISTS ("
    "                   SELECT FROM stock_balance b JOIN location l ON l.id = b.location_id"
    "                    WHERE b.company_id = app_company() AND b.item_id = given.item_id"
    "                      AND b.lot_id = given.id AND b.on_hand > 0 AND l.kind IN ('internal', 'transit'))"
    "  UNION ALL SELECT 'lot_not_delivered', at || 'code', code, item"
    "              FROM given JOIN shipment_line l ON l.id = given.line_id AND l.returns_line_id IS NOT NULL"
    "             WHERE given.code IS NOT NULL AND NOT EXISTS ("
    "                   SELECT FROM stock_move m WHERE m.shipment_line_id = l.returns_line_id AND m.lot_id = given.id)"
    "  UNION ALL SELECT 'lots_sum', format('lines[%s].lots', w.number), trim_scale(g.sum)::text,"
    "                   trim_scale(w.wanted)::text"
    "              FROM shipment_wanted($1::bigint[], $2::json) w"
    "              JOIN (SELECT line_id, sum(quantity) FROM given GROUP BY 1) g USING (line_id)"
    "             WHERE g.sum <> w.wanted";

static void
problem_report(struct rq *rq, const char *code, const char *field, const char *a, const char *b)
{
    if (!strcmp(code, "not_tracked"))
        fail(rq, code, field, "%s is not kept by lot", a);
    else if (!strcmp(code, "lot_missing"))
        fail(rq, code, field, "Enter the lot or serial number of %s", a);
    else if (!strcmp(code, "lot_twice"))
        fail(rq, code, field, "Lot %s stands here twice", a);
    else if (!strcmp(code, "one_serial"))
        fail(rq, code, field, "A serial number is one unit of %s", a);
    else if (!strcmp(code, "lot_quantity"))
        fail(rq, code, field, "Enter a quantity greater than zero");
    else if (!strcmp(code, "lot_dates"))
        fail(rq, code, field, "Lot %s is known with another date: change it there", a);
    else if (!strcmp(code, "serial_in_stock"))
        fail(rq, code, field, "Serial number %s of %s is in stock already", a, b);
    else if (!strcmp(code, "lot_not_delivered"))
        fail(rq, code, field, "Lot %s of %s was not delivered on the line that comes back", a, b);
    else
        fail(rq, code, field, "The lots add up to %s, the line to %s", a, b);
}

/* A lot that is new begins with its dates; what production makes is made that day. */
static const char make_lots[] =
    "INSERT INTO lot (item_id, code, made_on, expires_on)"
    "SELECT DISTINCT ON (g.item_id, g.code) g.item_id, g.code, d.made_on,"
    "       coalesce(g.expires_on, coalesce(d.made_on, d.day) + i.shelf_life_days)"
    "  FROM lots_named($1::bigint[], $2::json) g"
    "  JOIN item i ON i.id = g.item_id"
    "  JOIN shipment_line l ON l.id = g.line_id JOIN shipment s ON s.id = l.shipment_id"
    "  LEFT JOIN location far ON far.id = s.other_location_id"
    " CROSS JOIN LATERAL (SELECT t.day, coalesce(g.made_on, CASE WHEN far.kind = 'production' THEN t.day END) AS made_on"
    "                       FROM (SELECT coalesce(($2::json ->> 'date')::date, app_today()) AS day) t) d"
    " WHERE NOT EXISTS (SELECT FROM lot o WHERE o.company_id = app_company() AND o.item_id = g.item_id"
    "                      AND o.code = g.code)"
    " ORDER BY g.item_id, g.code, g.line, g.number"
    "    ON CONFLICT ON CONSTRAINT lot_code_unique DO NOTHING";

static bool
lots_sent(const cJSON *body)
{
    const cJSON *line, *lines = cJSON_GetObjectItemCaseSensitive(body, "lines");

    cJSON_ArrayForEach(line, lines) if (cJSON_GetObjectItemCaseSensitive(line, "lots")) return true;
    return false;
}

bool
lots_receive(struct rq *rq)
{
    struct rows found;

    if (!lots_sent(rq->body))
        return true;
    if (!db_rows(rq, find_problems, P(rq->ids, rq->body_text), &found))
        return false;
    for (int i = 0; i < found.count; i++)
        problem_report(rq, cell(&found, i, 0), cell(&found, i, 1), cell(&found, i, 2),
                       cell(&found, i, 3));
    return !found.count && db_exec(rq, make_lots, P(rq->ids, rq->body_text));
}

static const char find_reserved[] =
    "SELECT array_agg(DISTINCT l.shipment_id)"
    "  FROM reservation r JOIN shipment_line l ON l.id = r.shipment_line_id"
    " WHERE r.lot_id = ANY ($1::bigint[])";
static const char hold_lots[] =
    "UPDATE lot SET held = true, held_reason = $2 WHERE id = ANY ($1::bigint[])";

/*
 * Hold lots: nothing of them is promised or shipped until they are released. What was set aside
 * of them is given back by the trigger, and set aside of other lots as far as there are any.
 *
 * Errors: reason_missing (reason)
 */
static bool
lot_hold(struct rq *rq)
{
    const char *reason = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(rq->body, "reason"));
    const char *shipments;

    if (!reason || !*reason)
        return fail(rq, "reason_missing", "reason", "Say why the lot is held");
    if (!db_one(rq, find_reserved, P(rq->ids), OUT(&shipments)))
        return false;
    return db_exec(rq, hold_lots, P(rq->ids, reason)) &&
           (!shipments || stock_reserve(rq, shipments));
}

static const char release_lots[] =
    "UPDATE lot SET held = false, held_reason = NULL WHERE id = ANY ($1::bigint[]) AND held";
static const char items_of_lots[] =
    "SELECT stock_reserve_waiting(ARRAY(SELECT DISTINCT item_id FROM lot WHERE id = ANY ($1::bigint[])))";

/* Use them again; who waits for the item gets of it. */
static bool
lot_release(struct rq *rq)
{
    return db_exec(rq, release_lots, P(rq->ids)) && db_exec(rq, items_of_lots, P(rq->ids));
}

const struct operation lot_operations[] = {
    { "hold", "Hold", .run = lot_hold, .args = "reason:text",
      .help = "Neither promise nor ship anything of this lot" },
    { "release_hold", "Release the hold", .run = lot_release,
      .help = "The lot may be promised and shipped again" },
    { 0 },
};
