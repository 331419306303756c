/*
 * The life of a repair: started, its parts issued, time worked on it, finished or cancelled.
 *
 * Parts leave stock on a transfer to the location SERVICE, whose account is that of warranty and
 * repairs; time posts its cost when it is entered. What the customer pays is an invoice of its own.
 */
#include "core/workflow/workflow.h"
#include "modules/accounting/accounting.h"
#include "modules/service/resolution.h"
#include "modules/stock/stock.h"

static const char part_transfers[] =
    "SELECT json_agg(json_build_object('kind', 'transfer', 'party_id', r.party_id, 'flow_id', r.flow_id,"
    "           'warehouse_id', r.warehouse_id, 'other_location_id', ("
    "               SELECT p.id FROM location p WHERE p.company_id = r.company_id AND p.code = 'SERVICE'),"
    "           'note', r.number, 'lines', n.lines) ORDER BY r.id), array_agg(r.id ORDER BY r.id)"
    "  FROM repair_order r, LATERAL ("
    "       SELECT json_agg(json_strip_nulls(json_build_object('position', p.position, 'item_id', p.item_id,"
    "                  'lot_id', p.lot_id, 'quantity', (p.quantity - s.planned)::text,"
    "                  'repair_part_id', p.id)) ORDER BY p.position, p.id) AS lines"
    "         FROM repair_part p, LATERAL ("
    "              SELECT coalesce(sum(l.quantity), 0) AS planned"
    "                FROM shipment_line l JOIN shipment h ON h.id = l.shipment_id"
    "               WHERE l.repair_part_id = p.id AND h.state <> 'cancelled') s"
    "        WHERE p.repair_id = r.id AND p.quantity > s.planned) n"
    " WHERE r.id = ANY ($1::bigint[]) AND n.lines IS NOT NULL";

/* Ask the warehouse for the parts that are on no transfer yet, and set them aside. */
static bool
parts_request(struct rq *rq, bool needed)
{
    const char *json, *repairs, *made;

    if (!db_one(rq, part_transfers, P(rq->ids), OUT(&json, &repairs)))
        return false;
    if (!json)
        return !needed || fail(rq, "nothing_to_issue", "lines", "There is no part left to issue");
    made = entity_insert(rq, "shipment", json);
    return made && flow_join(rq, "repair_order", repairs, "shipment", made) &&
           stock_reserve(rq, made);
}

static bool
repair_start(struct rq *rq)
{
    return parts_request(rq, false);
}

/* Errors: nothing_to_issue (lines) */
static bool
repair_issue(struct rq *rq)
{
    return parts_request(rq, true);
}

static const char enter_time[] =
    "INSERT INTO repair_time (repair_id, minutes, worked_on, note)"
    " SELECT r.id, ($2::json ->> 'minutes')::integer,"
    "        coalesce(($2::json ->> 'date')::date, app_today()), $2::json ->> 'note'"
    "   FROM repair_order r WHERE r.id = ANY ($1::bigint[]) ORDER BY r.id";

/* Errors: minutes_missing (minutes) */
static bool
repair_add_time(struct rq *rq)
{
    if (!cJSON_HasObjectItem(rq->body, "minutes"))
        return fail(rq, "minutes_missing", "minutes", "Say how many minutes were worked");
    return db_exec(rq, enter_time, P(rq->ids, rq->body_text));
}

/* Open shipments of parts, open ways back, and what was issued or worked already. */
static const char open_work[] =
    "SELECT min(h.number), array_agg(DISTINCT h.id) FILTER (WHERE h.id IS NOT NULL),"
    "       (SELECT array_agg(DISTINCT s.id) FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id"
    "         WHERE l.repair_order_id = ANY ($1::bigint[]) AND s.state NOT IN ('done', 'cancelled')),"
    "       (SELECT min(w.number) FROM repair_order w WHERE w.id = ANY ($1::bigint[])"
    "           AND (EXISTS (SELECT FROM repair_time t WHERE t.repair_id = w.id"
    "                         GROUP BY t.repair_id HAVING sum(t.minutes) <> 0)"
    "                OR EXISTS (SELECT FROM repair_part q JOIN shipment_line l ON l.repair_part_id = q.id"
    "                            WHERE q.repair_id = w.id AND l.quantity_done > 0)))"
    "  FROM repair_part p JOIN shipment_line l ON l.repair_part_id = p.id"
    "  JOIN shipment h ON h.id = l.shipment_id AND h.state NOT IN ('done', 'cancelled')"
    " WHERE p.repair_id = ANY ($1::bigint[])";

/* Issued parts at their price, minutes as hours at the labour price; nothing for a warranty. */
static const char repair_invoices[] =
    "WITH line AS ("
    "    SELECT p.repair_id, 1 AS kind, p.position, p.id, p.item_id, i.name AS description,"
    "           sum(l.quantity_done) AS quantity, coalesce(p.unit_price, i.list_price) AS unit_price"
    "      FROM repair_part p JOIN item i ON i.id = p.item_id"
    "      JOIN shipment_line l ON l.repair_part_id = p.id"
    "     WHERE p.repair_id = ANY ($1::bigint[]) GROUP BY p.id, i.id"
    "    UNION ALL"
    "    SELECT t.repair_id, 2, 0, 0, NULL, format($2, sum(t.minutes)),"
    "           round(sum(t.minutes) / 60.0, 6), r.labour_price"
    "      FROM repair_time t JOIN repair_order r ON r.id = t.repair_id"
    "     WHERE t.repair_id = ANY ($1::bigint[]) GROUP BY t.repair_id, r.labour_price"
    ") SELECT json_agg(json_build_object('kind', 'customer_invoice', 'party_id', r.party_id,"
    "             'flow_id', r.flow_id, 'reference', r.number, 'repair_order_id', r.id,"
    "             'lines', n.lines) ORDER BY r.id), array_agg(r.id ORDER BY r.id)"
    "    FROM repair_order r, LATERAL ("
    "         SELECT json_agg(json_strip_nulls(json_build_object('item_id', l.item_id,"
    "                    'position', l.position + l.kind * 1000, 'description', l.description,"
    "                    'quantity', l.quantity::text, 'unit_price', l.unit_price::text))"
    "                    ORDER BY l.kind, l.position, l.id) AS lines"
    "           FROM line l WHERE l.repair_id = r.id AND l.quantity > 0) n"
    "   WHERE r.id = ANY ($1::bigint[]) AND r.coverage = 'billable' AND n.lines IS NOT NULL";

static const char note_work[] =
    "UPDATE repair_order SET work_done = coalesce($2::json ->> 'work_done', work_done)"
    " WHERE id = ANY ($1::bigint[])";

/*
 * The repair is done; a billable one drafts its invoice.
 *
 * Errors: parts_open (lines)
 */
static bool
repair_finish(struct rq *rq)
{
    const char *shipment, *open, *back, *begun, *json, *repairs, *made;

    db_exec(rq, note_work, P(rq->ids, rq->body_text));
    db_ask(rq, open_work, P(rq->ids), OUT(&shipment, &open, &back, &begun));
    if (!db_one(rq, repair_invoices, P(rq->ids, tr(rq, "Labour, %s minutes")),
                OUT(&json, &repairs)))
        return false;
    if (shipment)
        return fail(rq, "parts_open", "lines",
                    "Parts are not issued yet: ship %s or cancel it first", shipment);
    if (!json)
        return true;
    made = entity_insert(rq, "invoice", json);
    return made && flow_join(rq, "repair_order", repairs, "invoice", made);
}

/*
 * Drop the repair with what is prepared for it.
 *
 * Errors: already_begun
 */
static bool
repair_cancel(struct rq *rq)
{
    const char *shipment, *open, *back, *begun;

    if (!db_one(rq, open_work, P(rq->ids), OUT(&shipment, &open, &back, &begun)))
        return false;
    if (begun)
        return fail(rq, "already_begun", NULL,
                    "Parts or time went into repair %s already: finish it instead", begun);
    return (!open || workflow_take(rq, "shipment", open, "cancel", NULL)) &&
           (!back || workflow_take(rq, "shipment", back, "cancel", NULL));
}

const struct operation repair_order_operations[] = {
    { "start", "Start", .from = "draft", .to = "started", .run = repair_start,
      .help = "Begin the repair: the warehouse is asked for its parts" },
    { "issue", "Request parts", .from = "started", .run = repair_issue,
      .help = "Ask the warehouse for parts that were added since" },
    { "add_time", "Enter time", .from = "started", .run = repair_add_time,
      .args = "minutes:integer date:date note:text", .help = "Enter the minutes that were worked" },
    { "finish", "Finish", .from = "started", .to = "finished", .run = repair_finish,
      .args = "work_done:text", .help = "The repair is done; a billable one drafts its invoice" },
    { "cancel", "Cancel", .from = "draft started", .to = "cancelled", .run = repair_cancel,
      .help = "Drop the repair, as long as nothing went into it" },
    { 0 },
};
