/*
 * What the customer gets for what has come back: a credit note with his money, a replacement, or
 * the same goods repaired. All of it for what has arrived and no more (the database counts).
 */
#include "core/workflow/workflow.h"
#include "modules/accounting/accounting.h"
#include "modules/service/resolution.h"
#include "modules/stock/stock.h"

/* --------------------------------------------------------------------------------- credit */

/* $1: returns. What is credited, as lines of the credit; which invoices; what lacks one. */
static const char credit_plan[] =
    "WITH plan AS (SELECT * FROM return_credits($1::bigint[]))"
    "SELECT (SELECT json_build_object('lines', json_agg(json_build_object('id', invoice_line_id,"
    "           'quantity', quantity::text, 'line', line_id) ORDER BY line_id, invoice_line_id),"
    "           'date', $2::json ->> 'date') FROM plan),"
    "       (SELECT array_agg(DISTINCT invoice_id) FROM plan),"
    "       (SELECT min(r.number) FROM return_order r JOIN return_order_line n ON n.return_id = r.id"
    "          JOIN return_order_line_fact f ON f.id = n.id"
    "         WHERE r.id = ANY ($1::bigint[]) AND f.quantity_received - f.quantity_resolved"
    "               > (SELECT coalesce(sum(p.quantity), 0) FROM plan p WHERE p.line_id = n.id))";

/* The credit made a line for each of the plan's; equal ones are as good as each other. */
static const char link_credits[] =
    "WITH note AS ("
    "    SELECT max(id) AS id FROM invoice WHERE credits_id = ANY ($1::bigint[]) AND state = 'draft'"
    "     GROUP BY credits_id"
    "), made AS ("
    "    SELECT n.id, n.credits_line_id, n.quantity, row_number() OVER ("
    "               PARTITION BY n.credits_line_id, n.quantity ORDER BY n.id) AS same"
    "      FROM invoice_line n WHERE n.invoice_id IN (SELECT id FROM note)"
    "), plan AS ("
    "    SELECT p.*, row_number() OVER (PARTITION BY p.id, p.quantity ORDER BY p.line) AS same"
    "      FROM json_to_recordset($2::json -> 'lines') AS p (id bigint, quantity numeric, line bigint)"
    "), linked AS ("
    "    UPDATE invoice_line n SET return_order_line_id = p.line FROM made m"
    "      JOIN plan p ON p.id = m.credits_line_id AND p.quantity = m.quantity AND p.same = m.same"
    "     WHERE n.id = m.id RETURNING n.invoice_id"
    ") SELECT array_agg(DISTINCT invoice_id) FROM linked";

static const char join_credits[] =
    "SELECT flow_join('return_order', 'invoice', s.pairs)"
    "  FROM (SELECT jsonb_agg(DISTINCT jsonb_build_object('from', n.return_id, 'to', c.invoice_id)) AS pairs"
    "          FROM invoice_line c JOIN return_order_line n ON n.id = c.return_order_line_id"
    "         WHERE c.invoice_id = ANY ($1::bigint[])) s";

/* What is still owed on the credited invoice is settled first. */
static const char settle_own[] =
    "SELECT json_agg(json_build_object('invoice_id', i.id, 'credit_id', n.id, 'currency_code', n.currency_code,"
    "           'amount', least(n.open_amount, i.open_amount)::text) ORDER BY i.id, n.id)"
    "  FROM invoice n JOIN invoice i ON i.id = n.credits_id"
    " WHERE n.id = ANY ($1::bigint[]) AND least(n.open_amount, i.open_amount) > 0";

/* The rest was paid, and goes back. */
static const char to_refund[] =
    "SELECT array_agg(n.id ORDER BY n.id) FROM invoice n"
    " WHERE n.id = ANY ($1::bigint[])"
    "   AND least(n.open_amount, invoice_refund_left(n.company_id, n.credits_id)) > 0";

/* Post the notes, settle with them what the customer still owes, draft the refund of the rest. */
static bool
credits_finish(struct rq *rq, const char *notes)
{
    const char *own, *refund;

    if (!workflow_take(rq, "invoice", notes, "post", NULL))
        return false;
    own = db_text(rq, settle_own, P(notes));
    if (rq->errors || (own && !entity_insert(rq, "allocation", own)))
        return false;
    refund = db_text(rq, to_refund, P(notes));
    if (rq->errors)
        return false;
    return !refund || workflow_take(rq, "invoice", refund, "refund", NULL);
}

/* Errors: not_invoiced */
static bool
returns_credit(struct rq *rq, const char *returns)
{
    const char *plan, *invoices, *uncovered, *notes;

    if (!db_one(rq, credit_plan, P(returns, rq->body_text), OUT(&plan, &invoices, &uncovered)))
        return false;
    if (uncovered)
        return fail(rq, "not_invoiced", NULL,
                    "The goods of return %s are not invoiced: post their invoice first", uncovered);
    if (!workflow_take(rq, "invoice", invoices, "credit", plan))
        return false;
    notes = db_text(rq, link_credits, P(invoices, plan));
    return notes && db_exec(rq, join_credits, P(notes)) && credits_finish(rq, notes) &&
           return_note(rq, returns, "Return %s: credit note %s is posted", "credit_note");
}

/* -------------------------------------------------------------------------------- replace */

static const char replacement_orders[] =
    "SELECT json_agg(json_strip_nulls(json_build_object('customer_id', r.party_id, 'flow_id', r.flow_id,"
    "           'warehouse_id', r.warehouse_id, 'currency_code', n.currency_code,"
    "           'customer_reference', r.number, 'lines', n.lines)) ORDER BY r.id),"
    "       array_agg(r.id ORDER BY r.id)"
    "  FROM return_order r, LATERAL ("
    "       SELECT min(o.currency_code) AS currency_code,"
    "              json_agg(json_strip_nulls(json_build_object('position', l.position, 'item_id', l.item_id,"
    "                  'quantity', (f.quantity_received - f.quantity_resolved)::text,"
    "                  'unit_price', coalesce(o.unit_price, i.list_price)::text, 'discount', '100',"
    "                  'return_order_line_id', l.id)) ORDER BY l.position, l.id) AS lines"
    "         FROM return_order_line l JOIN return_order_line_fact f USING (id)"
    "         JOIN item i ON i.id = l.item_id JOIN shipment_line s ON s.id = l.shipment_line_id"
    "         LEFT JOIN sales_order_line o ON o.id = s.sales_order_line_id"
    "        WHERE l.return_id = r.id AND f.quantity_received > f.quantity_resolved) n"
    " WHERE r.id = ANY ($1::bigint[]) AND n.lines IS NOT NULL";

/* The same goods again, for nothing: an order like others, confirmed. */
static bool
returns_replace(struct rq *rq, const char *returns)
{
    const char *json, *from, *made;

    if (!db_one(rq, replacement_orders, P(returns), OUT(&json, &from)))
        return false;
    made = entity_insert(rq, "sales_order", json);
    return made && flow_join(rq, "return_order", from, "sales_order", made) &&
           workflow_take(rq, "sales_order", made, "confirm", NULL) &&
           return_note(rq, from, "Return %s: order %s replaces the goods", "replacement");
}

/* --------------------------------------------------------------------------------- repair */

static const char repair_documents[] =
    "SELECT json_agg(json_strip_nulls(json_build_object('case_id', r.case_id, 'party_id', r.party_id,"
    "           'flow_id', r.flow_id, 'return_order_line_id', n.id, 'item_id', n.item_id, 'lot_id', n.lot_id,"
    "           'quantity', (f.quantity_received - f.quantity_resolved)::text,"
    "           'warehouse_id', r.warehouse_id, 'problem', r.reason)) ORDER BY n.id),"
    "       array_agg(r.id ORDER BY n.id)"
    "  FROM return_order r JOIN return_order_line n ON n.return_id = r.id"
    "  JOIN return_order_line_fact f ON f.id = n.id"
    " WHERE r.id = ANY ($1::bigint[]) AND f.quantity_received > f.quantity_resolved";

/* The way back is prepared at once, so that nobody else is promised what is under repair. */
static const char back_deliveries[] =
    "SELECT json_agg(json_build_object('kind', 'delivery', 'party_id', p.party_id, 'flow_id', p.flow_id,"
    "           'warehouse_id', p.warehouse_id, 'lines', json_build_array(json_strip_nulls(json_build_object("
    "               'item_id', p.item_id, 'lot_id', p.lot_id, 'quantity', p.quantity::text,"
    "               'repair_order_id', p.id)))) ORDER BY p.id), array_agg(p.id ORDER BY p.id)"
    "  FROM repair_order p WHERE p.id = ANY ($1::bigint[])";

static bool
returns_repair(struct rq *rq, const char *returns)
{
    const char *json, *from, *repairs, *deliveries, *made;

    if (!db_one(rq, repair_documents, P(returns), OUT(&json, &from)))
        return false;
    repairs = entity_insert(rq, "repair_order", json);
    if (!repairs || !flow_join(rq, "return_order", from, "repair_order", repairs) ||
        !db_one(rq, back_deliveries, P(repairs), OUT(&deliveries, &from)))
        return false;
    made = entity_insert(rq, "shipment", deliveries);
    return made && flow_join(rq, "repair_order", from, "shipment", made) &&
           stock_reserve(rq, made) && return_note(rq, returns, "Return %s: repair %s", "repair");
}

/* -------------------------------------------------------------------------------- resolve */

static const char resolutions[] =
    "SELECT array_agg(id) FILTER (WHERE resolution = 'credit'),"
    "       array_agg(id) FILTER (WHERE resolution = 'replace'),"
    "       array_agg(id) FILTER (WHERE resolution = 'repair'),"
    "       (SELECT min(r.number) FROM return_order r WHERE r.id = ANY ($1::bigint[]) AND NOT EXISTS ("
    "               SELECT FROM return_order_line n JOIN return_order_line_fact f USING (id)"
    "                WHERE n.return_id = r.id AND f.quantity_received > f.quantity_resolved))"
    "  FROM return_order WHERE id = ANY ($1::bigint[])";

bool
return_resolve(struct rq *rq)
{
    const char *credit, *replace, *repair, *nothing;

    if (!db_one(rq, resolutions, P(rq->ids), OUT(&credit, &replace, &repair, &nothing)))
        return false;
    if (nothing)
        return fail(rq, "nothing_to_resolve", NULL,
                    "Of return %s nothing has come back that is not resolved already", nothing);
    return (!credit || returns_credit(rq, credit)) && (!replace || returns_replace(rq, replace)) &&
           (!repair || returns_repair(rq, repair));
}

/* ---------------------------------------------------------------------------------- scrap */

static const char scrap_transfers[] =
    "SELECT json_agg(json_build_object('kind', 'transfer', 'party_id', r.party_id, 'flow_id', r.flow_id,"
    "           'warehouse_id', r.warehouse_id, 'other_location_id', stock_side(r.company_id, 'loss'),"
    "           'note', r.number, 'lines', n.lines) ORDER BY r.id), array_agg(r.id ORDER BY r.id)"
    "  FROM return_order r, LATERAL ("
    "       SELECT json_agg(json_strip_nulls(json_build_object('position', l.position, 'item_id', l.item_id,"
    "                  'lot_id', l.lot_id, 'quantity', (f.quantity_received - f.quantity_scrapped)::text,"
    "                  'return_order_line_id', l.id)) ORDER BY l.position, l.id) AS lines"
    "         FROM return_order_line l JOIN return_order_line_fact f USING (id)"
    "        WHERE l.return_id = r.id AND l.disposition = 'scrap'"
    "          AND f.quantity_received > f.quantity_scrapped) n"
    " WHERE r.id = ANY ($1::bigint[]) AND n.lines IS NOT NULL";

/* Errors: nothing_to_scrap */
bool
return_scrap(struct rq *rq)
{
    const char *json, *from, *made;

    if (!db_one(rq, scrap_transfers, P(rq->ids), OUT(&json, &from)))
        return false;
    if (!json)
        return fail(rq, "nothing_to_scrap", "lines",
                    "Nothing that has come back is marked to be scrapped");
    made = entity_insert(rq, "shipment", json);
    return made && flow_join(rq, "return_order", from, "shipment", made) &&
           workflow_take(rq, "shipment", made, "ship", NULL);
}
