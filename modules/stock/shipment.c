/*
 * The life of a shipment: goods are set aside, move, or the plan is dropped. What moves takes
 * its reservations with it (the trigger on stock_move); what does not stays behind on a
 * backorder, which inherits the lines with all their links and is reserved again.
 */
#include "core/base/str.h"
#include "modules/stock/stock.h"

#include <string.h>

/* Each line that cannot move as wanted: what is wrong, where, how much is possible, of what.
 * $3: do the goods leave stock? */
static const char find_problems[] =
    "WITH wanted AS ("
    "    SELECT w.*, w.open + l.over_tolerance AS most, i.code, s.number AS shipment, s.warehouse_id,"
    "           p.allow_negative"
    "      FROM shipment_wanted($1::bigint[], $2::json) w"
    "      JOIN shipment_line l ON l.id = w.line_id"
    "      JOIN shipment s ON s.id = w.shipment_id JOIN item i ON i.id = w.item_id"
    "      JOIN location p ON p.id = stock_root(s.warehouse_id)"
    ") SELECT 'nothing_to_ship', 'lines', s.number, NULL, NULL"
    "    FROM shipment s"
    "   WHERE s.id = ANY ($1::bigint[])"
    "     AND NOT EXISTS (SELECT FROM wanted w WHERE w.shipment_id = s.id AND w.wanted <> 0)"
    "  UNION ALL"
    "  SELECT 'unknown_line', 'lines', coalesce(b.id::text, '?'), NULL, NULL"
    "    FROM json_to_recordset($2::json -> 'lines') AS b (id bigint)"
    "   WHERE NOT EXISTS (SELECT FROM wanted w WHERE w.line_id = b.id)"
    "  UNION ALL"
    "  SELECT CASE WHEN w.wanted NOT BETWEEN 0 AND w.most THEN 'too_much' ELSE 'short_stock' END,"
    "         format('lines[%s].quantity', w.number),"
    "         trim_scale(CASE WHEN w.wanted NOT BETWEEN 0 AND w.most THEN w.most"
    "                         ELSE w.reserved END)::text, w.code,"
    "         CASE WHEN w.wanted BETWEEN 0 AND w.most THEN (SELECT array_to_json(stock_blocked("
    "             w.item_id, w.warehouse_id, l.location_id, l.lot_id))::text FROM shipment_line l WHERE l.id = w.line_id) END"
    "    FROM wanted w"
    "   WHERE w.wanted NOT BETWEEN 0 AND w.most"
    "      OR ($3::boolean AND w.wanted > w.reserved AND NOT w.allow_negative)";

/* What stays behind: shipments and, per shipment, the document that takes it over. */
static const char find_rest[] =
    "WITH rest AS ("
    "    SELECT w.shipment_id, json_agg(jsonb_strip_nulls(to_jsonb(l) - '{id,company_id,shipment_id,"
    "               quantity,quantity_done,quantity_reserved,over_tolerance}'::text[])"
    "               || jsonb_build_object('quantity', (w.open - w.wanted)::text)"
    "               ORDER BY l.position, l.id) AS lines"
    "      FROM shipment_wanted($1::bigint[], $2::json) w JOIN shipment_line l ON l.id = w.line_id"
    "     WHERE w.wanted < w.open GROUP BY w.shipment_id"
    ") SELECT array_agg(s.id ORDER BY s.id),"
    "         json_agg(jsonb_strip_nulls(to_jsonb(s) - '{id,company_id,number,done_date,flow_id,"
    "             workflow_id,state,created_at,created_by,updated_at,updated_by,version,"
    "             search_terms,tracking_number}'::text[])"
    "             || jsonb_build_object('backorder_of_id', s.id, 'lines', r.lines) ORDER BY s.id)"
    "    FROM rest r JOIN shipment s ON s.id = r.shipment_id";

/* What is set aside goes first; places that may be negative give the rest. */
static const char move_out[] =
    "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, lot_id, moved_on,"
    "                        shipment_line_id)"
    "SELECT p.item_id, p.quantity, p.location_id,"
    "       coalesce(s.other_location_id, stock_side(s.company_id, 'customer')), p.lot_id,"
    "       coalesce(($2::json ->> 'date')::date, app_today()), p.line_id"
    "  FROM (SELECT w.shipment_id, w.line_id, w.item_id, r.location_id, r.lot_id,"
    "               least(r.quantity, w.wanted + r.quantity"
    "                     - sum(r.quantity) OVER (PARTITION BY w.line_id ORDER BY r.id)) AS quantity"
    "          FROM shipment_wanted($1::bigint[], $2::json) w"
    "          JOIN reservation r ON r.shipment_line_id = w.line_id"
    "        UNION ALL"
    "        SELECT w.shipment_id, w.line_id, w.item_id, coalesce(l.location_id, stock_root(s.warehouse_id)),"
    "               l.lot_id, w.wanted - w.reserved"
    "          FROM shipment_wanted($1::bigint[], $2::json) w"
    "          JOIN shipment_line l ON l.id = w.line_id JOIN shipment s ON s.id = w.shipment_id) p"
    "  JOIN shipment s ON s.id = p.shipment_id"
    " WHERE p.quantity > 0"
    " ORDER BY p.item_id, p.line_id, p.location_id, p.lot_id";

/* By lot, where the body or the line that comes back names some. */
static const char move_in[] =
    "INSERT INTO stock_move (item_id, quantity, from_location_id, to_location_id, lot_id, moved_on,"
    "                        unit_cost, shipment_line_id)"
    "SELECT w.item_id, coalesce(g.quantity, w.wanted), coalesce(s.other_location_id, stock_side(s.company_id,"
    "           CASE s.kind WHEN 'return' THEN 'customer' ELSE 'supplier' END)),"
    "       coalesce(l.location_id, stock_root(s.warehouse_id)), coalesce(g.lot_id, l.lot_id),"
    "       coalesce(($2::json ->> 'date')::date, app_today()), l.unit_cost, l.id"
    "  FROM shipment_wanted($1::bigint[], $2::json) w"
    "  JOIN shipment_line l ON l.id = w.line_id JOIN shipment s ON s.id = w.shipment_id"
    "  LEFT JOIN lots_arriving($1::bigint[], $2::json) g ON g.line_id = w.line_id"
    " WHERE w.wanted > 0"
    " ORDER BY w.item_id, w.line_id, g.lot_id";

static const char drop_untouched[] =
    "DELETE FROM shipment_line WHERE shipment_id = ANY ($1::bigint[]) AND quantity_done = 0";
static const char release_part[] =
    "DELETE FROM reservation r USING shipment_line l"
    " WHERE l.shipment_id = ANY ($1::bigint[]) AND r.shipment_line_id = l.id";
static const char shorten_part[] =
    "UPDATE shipment_line SET quantity = quantity_done"
    " WHERE shipment_id = ANY ($1::bigint[]) AND quantity_done < quantity";

/* Less of the item than wanted: how much there is, and why what lies there cannot be taken
 * (blocked: a code and a lot, or NULL). */
static void
short_report(struct rq *rq, const char *field, const char *there, const char *item,
             const char *blocked)
{
    cJSON *json = blocked ? cJSON_Parse(blocked) : NULL;
    const char *code = cJSON_GetStringValue(cJSON_GetArrayItem(json, 0));
    const char *lot = cJSON_GetStringValue(cJSON_GetArrayItem(json, 1));

    if (json)
        arena_defer(rq->mem, (void (*)(void *))cJSON_Delete, json);
    if (!code)
        fail(rq, "short_stock", field, "Only %s of %s are available", there, item);
    else if (!strcmp(code, "lot_held"))
        fail(rq, code, field, "Only %s of %s are available: lot %s is held", there, item, lot);
    else if (!strcmp(code, "lot_expired"))
        fail(rq, code, field, "Only %s of %s are available: lot %s has expired", there, item, lot);
    else
        fail(rq, code, field, "Only %s of %s are available: the rest waits for its inspection",
             there, item);
}

/* Add an error for each problem; true when there is none. */
static bool
problems_report(struct rq *rq, const struct rows *found)
{
    for (int i = 0; i < found->count; i++) {
        const char *code = cell(found, i, 0), *field = cell(found, i, 1);
        const char *what = cell(found, i, 2), *item = cell(found, i, 3);

        if (strcmp(code, "nothing_to_ship") == 0)
            fail(rq, code, field, "There is nothing to move on %s", what);
        else if (strcmp(code, "unknown_line") == 0)
            fail(rq, code, field, "There is no line %s on this shipment", what);
        else if (strcmp(code, "too_much") == 0)
            fail(rq, code, field, "Only %s of %s are open on this line", what, item);
        else
            short_report(rq, field, what, item, cell(found, i, 4));
    }
    return found->count == 0;
}

/* Put what did not move on backorders, and set aside for them what there is. */
static bool
rest_carry_over(struct rq *rq, const char *shipments, const char *documents)
{
    const char *made;

    if (!db_exec(rq, release_part, P(shipments)) || !db_exec(rq, drop_untouched, P(shipments)) ||
        !db_exec(rq, shorten_part, P(shipments)))
        return false;
    made = flow_insert(rq, "shipment", shipments, "shipment", documents);
    return made && stock_reserve(rq, made);
}

/* Check what is wanted, move it with this statement, carry over the rest. */
static bool
shipment_move(struct rq *rq, const char *sql, bool leaves)
{
    const char *shipments, *documents;
    struct rows problems;

    db_ask(rq, find_rest, P(rq->ids, rq->body_text), OUT(&shipments, &documents));
    if (!db_rows(rq, find_problems, P(rq->ids, rq->body_text, leaves ? "true" : "false"),
                 &problems))
        return false;
    return problems_report(rq, &problems) && db_exec(rq, sql, P(rq->ids, rq->body_text)) &&
           (!shipments || rest_carry_over(rq, shipments, documents));
}

/*
 * Goods issue: what is wanted must be set aside or free. Body: date, lines [{id, quantity}];
 * without lines everything, with "partial": true as much as there is.
 *
 * Errors: nothing_to_ship, unknown_line (lines), too_much, short_stock, and where there is some
 * that cannot be taken lot_held, lot_expired, in_quarantine (lines[n].quantity)
 */
static bool
shipment_ship(struct rq *rq)
{
    return stock_reserve(rq, rq->ids) && shipment_move(rq, move_out, true);
}

/*
 * Goods receipt, of a receipt or a return. Body: date, lines [{id, quantity, lots}]; the lots of
 * a line are [{code, quantity, made_on, expires_on}], or {first, count} for serial numbers that
 * count up: one movement for each, and those that are new are made.
 *
 * Errors: nothing_to_ship, unknown_line (lines), too_much (lines[n].quantity), and of lots:
 * not_tracked, lots_sum (lines[n].lots), lot_missing, lot_twice, serial_in_stock,
 * lot_not_delivered (lines[n].lots[m].code), one_serial, lot_quantity, lot_dates
 */
static bool
shipment_receive(struct rq *rq)
{
    return lots_receive(rq) && shipment_move(rq, move_in, false);
}

static bool
shipment_reserve(struct rq *rq)
{
    return stock_reserve(rq, rq->ids);
}

static bool
shipment_release(struct rq *rq)
{
    return stock_release(rq, rq->ids);
}

static const char fill_address[] =
    "UPDATE shipment s"
    "   SET address_name = coalesce(a.name, p.name), street = a.street, city = a.city,"
    "       region = a.region, postal_code = a.postal_code, country_code = a.country_code"
    "  FROM party p LEFT JOIN LATERAL ("
    "       SELECT * FROM party_address o WHERE o.party_id = p.id"
    "        ORDER BY o.purpose = 'shipping' DESC, o.is_default DESC, o.id LIMIT 1) a ON true"
    " WHERE s.id = ANY ($1::bigint[]) AND s.kind = 'delivery' AND p.id = s.party_id"
    "   AND s.address_name IS NULL AND s.street IS NULL";

bool
shipment_saved(struct rq *rq)
{
    return db_exec(rq, fill_address, P(rq->ids));
}

const struct operation shipment_operations[] = {
    { "reserve", "Reserve", .from = "draft", .run = shipment_reserve,
      .help = "Set stock aside, as far as there is any" },
    { "release", "Release", .from = "draft", .run = shipment_release,
      .help = "Give back what is set aside" },
    { "ship", "Ship", .from = "draft", .to = "done", .run = shipment_ship,
      .args = "date:date lines:set partial:boolean",
      .help = "The goods have left; what did not stays on a backorder" },
    { "receive", "Receive", .from = "draft", .to = "done", .run = shipment_receive,
      .args = "date:date lines:set",
      .help = "The goods have arrived; what did not stays on a backorder" },
    { "cancel", "Cancel", .from = "draft", .to = "cancelled", .run = shipment_release,
      .help = "Drop the plan and give back what is set aside" },
    { 0 },
};
