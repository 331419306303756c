/*
 * The life of a return: asked for by a case in one step, approved, received, closed or cancelled.
 * What the customer gets for it stands in return_resolve.c.
 *
 * The goods come in on the return shipment, like all goods; what arrived is read from there.
 * `progress` carries a return on as far as it goes; rules run it whenever something of its flow
 * has happened.
 */
#include "core/base/str.h"
#include "core/workflow/workflow.h"
#include "modules/service/resolution.h"
#include "modules/stock/stock.h"

#include <string.h>

bool
return_note(struct rq *rq, const char *returns, const char *message, const char *column)
{
    return db_exec(rq,
                   arena_printf(rq->mem,
                                "INSERT INTO case_message (case_id, kind, body)"
                                " SELECT r.case_id, 'note', format($2, r.number, f.%s)"
                                "   FROM return_order r JOIN return_order_fact f USING (id)"
                                "  WHERE r.id = ANY ($1::bigint[]) AND r.case_id IS NOT NULL"
                                "    AND f.%s IS NOT NULL ORDER BY r.id",
                                column, column),
                   P(returns, tr(rq, message)));
}

/* ------------------------------------------------------------------------- from the case */

static const char find_problem[] =
    "SELECT problem, coalesce(detail, '')"
    "  FROM return_wanted($1::bigint[], $2::json) WHERE problem IS NOT NULL"
    " ORDER BY case_id, n LIMIT 1";

static const char return_documents[] =
    "SELECT json_agg(json_strip_nulls(json_build_object('case_id', c.id, 'party_id', c.party_id,"
    "           'flow_id', c.flow_id, 'reason', $2::json ->> 'reason',"
    "           'resolution', coalesce($2::json ->> 'resolution', 'credit'), 'note', $2::json ->> 'note',"
    "           'warehouse_id', w.warehouse_id, 'lines', w.lines)) ORDER BY c.id),"
    "       array_agg(c.id ORDER BY c.id)"
    "  FROM service_case c, LATERAL ("
    "       SELECT min(l.warehouse_id) AS warehouse_id,"
    "              json_agg(json_build_object('position', l.position, 'shipment_line_id', l.shipment_line_id,"
    "                  'item_id', l.item_id, 'lot_id', l.lot_id, 'quantity', l.quantity::text,"
    "                  'disposition', l.disposition) ORDER BY l.position) AS lines"
    "         FROM (SELECT t.*, row_number() OVER (ORDER BY t.n, t.lot_id) AS position"
    "                 FROM return_wanted(ARRAY[c.id], $2::json) t) l) w"
    " WHERE c.id = ANY ($1::bigint[])";

static const char join_sale[] =
    "SELECT flow_join('shipment', 'return_order', s.pairs)"
    "  FROM (SELECT jsonb_agg(DISTINCT jsonb_build_object('from', l.shipment_id, 'to', n.return_id)) AS pairs"
    "          FROM return_order_line n JOIN shipment_line l ON l.id = n.shipment_line_id"
    "         WHERE n.return_id = ANY ($1::bigint[])"
    "           AND EXISTS (SELECT FROM flow_document d"
    "                        WHERE d.entity = 'shipment' AND d.document_id = l.shipment_id)) s"
    " WHERE s.pairs IS NOT NULL";

static bool
problem_report(struct rq *rq, const char *problem, const char *detail)
{
    if (!strcmp(problem, "not_delivered"))
        return fail(rq, problem, "lines", "Name the line of a delivery to this customer");
    if (!strcmp(problem, "nothing_to_return"))
        return fail(rq, problem, "lines", "Nothing of %s is left to return", detail);
    if (!strcmp(problem, "lot_missing"))
        return fail(rq, problem, "lines", "Say which lot or serial number of %s comes back",
                    detail);
    return fail(rq, problem, "lines", "Only %s can come back", detail);
}

/*
 * Take goods back: the return, approved, and its return shipment. Body: reason, resolution,
 * note, lines [{shipment_line_id, lot_id, quantity, disposition}]; without lines what is left of
 * the case's delivery line.
 *
 * Errors: reason_missing (reason), and of the lines: not_delivered, nothing_to_return, too_much,
 * lot_missing
 */
bool
case_return_goods(struct rq *rq)
{
    const char *problem, *detail, *json, *cases, *made;
    const char *reason = cJSON_GetStringValue(cJSON_GetObjectItem(rq->body, "reason"));

    if (!reason || !*reason)
        return fail(rq, "reason_missing", "reason", "Say why the goods come back");
    db_ask(rq, find_problem, P(rq->ids, rq->body_text), OUT(&problem, &detail));
    if (!db_one(rq, return_documents, P(rq->ids, rq->body_text), OUT(&json, &cases)))
        return false;
    if (problem)
        return problem_report(rq, problem, detail);
    made = entity_insert(rq, "return_order", json);
    return made && flow_join(rq, "service_case", cases, "return_order", made) &&
           db_exec(rq, join_sale, P(made)) &&
           workflow_take(rq, "return_order", made, "approve", NULL);
}

/* ------------------------------------------------------------------------------ the steps */

static const char return_shipments[] =
    "SELECT json_agg(json_build_object('kind', 'return', 'party_id', r.party_id, 'flow_id', r.flow_id,"
    "           'warehouse_id', r.warehouse_id, 'planned_date', coalesce($2::json ->> 'date', app_today()::text),"
    "           'lines', n.lines) ORDER BY r.id), array_agg(r.id ORDER BY r.id)"
    "  FROM return_order r, LATERAL ("
    "       SELECT json_agg(json_strip_nulls(json_build_object('position', l.position, 'item_id', l.item_id,"
    "                  'quantity', l.quantity::text, 'lot_id', l.lot_id, 'returns_line_id', l.shipment_line_id,"
    "                  'return_order_line_id', l.id)) ORDER BY l.position, l.id) AS lines"
    "         FROM return_order_line l WHERE l.return_id = r.id) n"
    " WHERE r.id = ANY ($1::bigint[])";

/* Approve: the warehouse gets the shipment on which the goods will arrive. Body: date. */
static bool
return_approve(struct rq *rq)
{
    const char *json, *returns, *made;

    if (!db_one(rq, return_shipments, P(rq->ids, rq->body_text), OUT(&json, &returns)))
        return false;
    made = entity_insert(rq, "shipment", json);
    return made && flow_join(rq, "return_order", returns, "shipment", made) &&
           return_note(rq, returns, "Return %s: the goods are expected on %s", "return_shipment");
}

/* Of returns: one that has no goods yet, one with goods, the open shipments, and one of each. */
static const char arrival[] =
    "SELECT min(r.number) FILTER (WHERE f.received = 'none'),"
    "       min(r.number) FILTER (WHERE f.received <> 'none'), min(s.number), min(s.of), array_agg(s.id)"
    "           FILTER (WHERE s.id IS NOT NULL)"
    "  FROM return_order r JOIN return_order_fact f USING (id)"
    "  LEFT JOIN LATERAL (SELECT DISTINCT h.id, h.number, r.number AS of FROM return_order_line n"
    "               JOIN shipment_line l ON l.return_order_line_id = n.id"
    "               JOIN shipment h ON h.id = l.shipment_id AND h.kind = 'return'"
    "                AND h.state NOT IN ('done', 'cancelled')"
    "              WHERE n.return_id = r.id) s ON true"
    " WHERE r.id = ANY ($1::bigint[])";

/*
 * All that will come back has: no return shipment is open any more.
 *
 * Errors: not_received, open_shipment
 */
static bool
return_receive(struct rq *rq)
{
    const char *none, *some, *shipment, *of, *open;

    if (!db_one(rq, arrival, P(rq->ids), OUT(&none, &some, &shipment, &of, &open)))
        return false;
    if (none)
        return fail(rq, "not_received", NULL, "Nothing has come back with return %s yet", none);
    if (shipment)
        return fail(rq, "open_shipment", NULL,
                    "Shipment %s of return %s is open: receive or cancel it first", shipment, of);
    return return_note(rq, rq->ids, "Return %s: the goods have arrived on %s", "return_shipment");
}

/*
 * Cancel, as long as nothing has arrived.
 *
 * Errors: already_received
 */
static bool
return_cancel(struct rq *rq)
{
    const char *none, *some, *shipment, *of, *open;

    if (!db_one(rq, arrival, P(rq->ids), OUT(&none, &some, &shipment, &of, &open)))
        return false;
    if (some)
        return fail(rq, "already_received", NULL,
                    "Goods have come back with return %s: it cannot be cancelled any more", some);
    return !open || workflow_take(rq, "shipment", open, "cancel", NULL);
}

/* ------------------------------------------------------------------------------- carry on */

static const char arrived_returns[] =
    "SELECT array_agg(r.id) FROM return_order r JOIN return_order_fact f USING (id)"
    " WHERE r.id = ANY ($1::bigint[]) AND r.state = 'approved' AND f.received <> 'none'"
    "   AND NOT EXISTS (SELECT FROM return_order_line n"
    "                     JOIN shipment_line l ON l.return_order_line_id = n.id"
    "                     JOIN shipment h ON h.id = l.shipment_id AND h.kind = 'return'"
    "                      AND h.state NOT IN ('done', 'cancelled')"
    "                    WHERE n.return_id = r.id)";

static const char scrap_returns[] =
    "SELECT array_agg(DISTINCT n.return_id) FROM return_order_line n"
    "  JOIN return_order_line_fact f USING (id) JOIN return_order r ON r.id = n.return_id"
    " WHERE n.return_id = ANY ($1::bigint[]) AND n.disposition = 'scrap'"
    "   AND r.state IN ('approved', 'received')"
    "   AND f.quantity_received > f.quantity_scrapped"
    "   AND f.quantity_received - f.quantity_scrapped <= ("
    "       SELECT sum(u.free) FROM stock_usable u"
    "        WHERE u.company_id = n.company_id AND u.item_id = n.item_id"
    "          AND u.warehouse_id = r.warehouse_id AND u.lot_id IS NOT DISTINCT FROM n.lot_id)";

/* A credit waits for its invoice to be posted. */
static const char ripe_returns[] =
    "SELECT array_agg(r.id) FROM return_order r"
    " WHERE r.id = ANY ($1::bigint[]) AND r.state IN ('approved', 'received')"
    "   AND EXISTS (SELECT FROM return_order_line n JOIN return_order_line_fact f USING (id)"
    "                WHERE n.return_id = r.id AND f.quantity_received > f.quantity_resolved)"
    "   AND (r.resolution <> 'credit' OR"
    "        (SELECT sum(f.quantity_received - f.quantity_resolved)"
    "           FROM return_order_line n JOIN return_order_line_fact f USING (id)"
    "          WHERE n.return_id = r.id)"
    "        = (SELECT sum(c.quantity) FROM return_credits(ARRAY[r.id]) c))";

static const char settled_returns[] =
    "SELECT array_agg(r.id) FROM return_order r JOIN return_order_fact f USING (id)"
    " WHERE r.id = ANY ($1::bigint[]) AND r.state = 'received' AND f.resolved = 'full' AND f.settled";

/* Take an action on those of the returns that a query finds. */
static bool
carry_on(struct rq *rq, const char *find, const char *action)
{
    const char *ready = db_text(rq, find, P(rq->ids));

    if (rq->errors || !ready)
        return !rq->errors;
    return workflow_take(rq, "return_order", ready, action, NULL);
}

/* Do what can be done by now: note the arrival, scrap, resolve, close; leave the rest alone. */
static bool
return_progress(struct rq *rq)
{
    return carry_on(rq, arrived_returns, "receive") && carry_on(rq, scrap_returns, "scrap") &&
           carry_on(rq, ripe_returns, "resolve") && carry_on(rq, settled_returns, "close");
}

const struct operation return_order_operations[] = {
    { "approve", "Approve", .from = "draft", .to = "approved", .run = return_approve,
      .args = "date:date",
      .help = "Let the goods come back: the warehouse gets a return shipment" },
    { "receive", "Received", .from = "approved", .to = "received", .run = return_receive,
      .help = "All that will come back has arrived" },
    { "scrap", "Scrap", .from = "approved received", .run = return_scrap,
      .help = "Move what has come back and shall be scrapped to the losses" },
    { "resolve", "Resolve", .from = "approved received", .run = return_resolve, .args = "date:date",
      .help = "Credit, replace or repair what has come back" },
    { "progress", "Carry on", .run = return_progress,
      .help = "Do what can be done by now, and leave the rest alone" },
    { "close", "Close", .from = "received", .to = "closed",
      .help = "Nothing more is done about it" },
    { "cancel", "Cancel", .from = "draft approved", .to = "cancelled", .run = return_cancel,
      .help = "The goods do not come back" },
    { 0 },
};
