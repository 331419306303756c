/*
 * The life of an order: sent to the supplier, received, billed, closed. What follows from each
 * step for supply, receipts and the books is in the database (sql/functions.sql, sql/match.sql).
 */
#include "core/workflow/workflow.h"
#include "modules/purchase/purchase.h"

/* $2 is the body; without lines all that is on no receipt yet. One receipt per day. */
static const char to_expect[] =
    "WITH line AS ("
    "    SELECT l.order_id, l.id, l.item_id, l.position, l.description,"
    "           coalesce(($2::json ->> 'planned_date')::date, l.expected_date, app_today()) AS day,"
    "           coalesce(w.quantity, f.quantity_to_receive) AS quantity,"
    "           w.quantity > f.quantity_to_receive AS too_much"
    "      FROM purchase_order_line l JOIN purchase_order_line_fact f ON f.id = l.id"
    "      LEFT JOIN json_to_recordset($2::json -> 'lines') AS w (id bigint, quantity numeric)"
    "        ON w.id = l.id"
    "     WHERE l.order_id = ANY ($1::bigint[]) AND (w.id IS NOT NULL OR $2::json -> 'lines' IS NULL)"
    "), head AS ("
    "    SELECT o.id, l.day, json_build_object('kind', 'receipt', 'flow_id', o.flow_id,"
    "               'party_id', o.supplier_id, 'warehouse_id', o.warehouse_id, 'planned_date', l.day,"
    "               'lines', json_agg(json_build_object('position', l.position, 'item_id', l.item_id,"
    "                   'description', l.description, 'quantity', l.quantity::text,"
    "                   'purchase_order_line_id', l.id) ORDER BY l.position, l.id)) AS document"
    "      FROM line l JOIN purchase_order o ON o.id = l.order_id"
    "     WHERE l.quantity > 0 GROUP BY o.id, l.day"
    ") SELECT json_agg(document ORDER BY id, day), array_agg(id ORDER BY id, day),"
    "         (SELECT min(position) FROM line WHERE too_much)"
    "    FROM head";

/*
 * Prepare the receipts of what is not on one yet. On behalf of a rule an order with nothing to
 * receive is left alone.
 *
 * Errors: nothing_to_receive (lines), too_much (lines)
 */
static bool
order_expect(struct rq *rq)
{
    const char *json, *orders, *too_much;

    if (!db_one(rq, to_expect, P(rq->ids, rq->body_text), OUT(&json, &orders, &too_much)))
        return false;
    if (too_much)
        return fail(rq, "too_much", "lines", "Line %s: this is more than is left to receive",
                    too_much);
    if (!json)
        return rq->rule || fail(rq, "nothing_to_receive", "lines", "There is nothing to receive");
    return flow_insert(rq, "purchase_order", orders, "shipment", json) != NULL;
}

static const char to_bill[] =
    "WITH line AS ("
    "    SELECT l.order_id, l.id, l.item_id, l.position, l.description, l.unit_price, l.discount,"
    "           l.tax_id, coalesce(w.quantity, f.quantity_to_bill) AS quantity,"
    "           w.quantity > f.quantity_to_bill AS too_much"
    "      FROM purchase_order_line l JOIN purchase_order_line_fact f ON f.id = l.id"
    "      LEFT JOIN json_to_recordset($2::json -> 'lines') AS w (id bigint, quantity numeric)"
    "        ON w.id = l.id"
    "     WHERE l.order_id = ANY ($1::bigint[]) AND (w.id IS NOT NULL OR $2::json -> 'lines' IS NULL)"
    "), head AS ("
    "    SELECT o.id, json_build_object('kind', 'supplier_bill', 'flow_id', o.flow_id,"
    "               'party_id', o.supplier_id, 'currency_code', o.currency_code,"
    "               'payment_term_id', o.payment_term_id, 'reference', $2::json ->> 'reference',"
    "               'invoice_date', coalesce($2::json ->> 'date', app_today()::text),"
    "               'due_date', $2::json ->> 'due_date',"
    "               'lines', json_agg(json_build_object('position', l.position, 'item_id', l.item_id,"
    "                   'description', l.description, 'quantity', l.quantity::text,"
    "                   'unit_price', l.unit_price::text, 'discount', l.discount::text,"
    "                   'tax_id', l.tax_id, 'purchase_order_line_id', l.id)"
    "                   ORDER BY l.position, l.id)) AS document"
    "      FROM line l JOIN purchase_order o ON o.id = l.order_id"
    "     WHERE l.quantity > 0 GROUP BY o.id"
    ") SELECT json_agg(document ORDER BY id), array_agg(id ORDER BY id),"
    "         (SELECT min(position) FROM line WHERE too_much)"
    "    FROM head";

/*
 * Draft the supplier's bill of each order: of what was received, or ordered of services, and is
 * on no bill yet.
 *
 * Errors: nothing_to_bill (lines), too_much (lines)
 */
static bool
order_bill(struct rq *rq)
{
    const char *json, *orders, *too_much;

    if (!db_one(rq, to_bill, P(rq->ids, rq->body_text), OUT(&json, &orders, &too_much)))
        return false;
    if (too_much)
        return fail(rq, "too_much", "lines", "Line %s: this is more than may be billed now",
                    too_much);
    if (!json)
        return rq->rule || fail(rq, "nothing_to_bill", "lines", "There is nothing to bill");
    return flow_insert(rq, "purchase_order", orders, "invoice", json) != NULL;
}

static const char open_documents[] =
    "SELECT (SELECT array_agg(DISTINCT h.id) FROM purchase_order_line l"
    "          JOIN shipment_line s ON s.purchase_order_line_id = l.id"
    "          JOIN shipment h ON h.id = s.shipment_id"
    "         WHERE l.order_id = ANY ($1::bigint[]) AND h.kind = 'receipt'"
    "           AND h.state NOT IN ('done', 'cancelled')),"
    "       (SELECT array_agg(DISTINCT i.id) FROM purchase_order_line l"
    "          JOIN invoice_line n ON n.purchase_order_line_id = l.id"
    "          JOIN invoice i ON i.id = n.invoice_id"
    "         WHERE l.order_id = ANY ($1::bigint[]) AND i.state NOT IN ('posted', 'cancelled')),"
    "       (SELECT min(o.number) FROM purchase_order o JOIN purchase_order_line l ON l.order_id = o.id"
    "         WHERE o.id = ANY ($1::bigint[]) AND (l.quantity_received > 0 OR l.quantity_billed > 0))";

/* Nothing more comes: open receipts are dropped. What was received may still be billed. */
static bool
order_close(struct rq *rq)
{
    const char *receipts, *bills, *begun;

    if (!db_one(rq, open_documents, P(rq->ids), OUT(&receipts, &bills, &begun)))
        return false;
    return !receipts || workflow_take(rq, "shipment", receipts, "cancel", NULL);
}

/*
 * Cancel the order with its open receipts and draft bills.
 *
 * Errors: already_received
 */
static bool
order_cancel(struct rq *rq)
{
    const char *receipts, *bills, *begun;

    if (!db_one(rq, open_documents, P(rq->ids), OUT(&receipts, &bills, &begun)))
        return false;
    if (begun)
        return fail(rq, "already_received", NULL,
                    "Order %s was received or billed in part: close it instead", begun);
    return (!receipts || workflow_take(rq, "shipment", receipts, "cancel", NULL)) &&
           (!bills || workflow_take(rq, "invoice", bills, "cancel", NULL));
}

static const char settled_orders[] =
    "SELECT array_agg(id) FROM purchase_order WHERE id = ANY ($1::bigint[]) AND ordered_at IS NOT NULL"
    "   AND state NOT IN ('closed', 'cancelled') AND received = 'full' AND billed = 'full'";

/* Close those of the orders that are received and billed; leave the others alone. */
static bool
order_settle(struct rq *rq)
{
    const char *done = db_text(rq, settled_orders, P(rq->ids));

    if (rq->errors || !done)
        return !rq->errors;
    return workflow_take(rq, "purchase_order", done, "close", NULL);
}

const struct operation purchase_order_operations[] = {
    { "order", "Order", .from = "draft", .to = "ordered",
      .help = "Send it to the supplier: from here on it is binding" },
    { "expect", "Expect goods", .from = "ordered", .run = order_expect,
      .args = "planned_date:date lines:set",
      .help = "Prepare the receipt of what is not on a receipt yet" },
    { "bill", "Bill", .from = "ordered closed", .run = order_bill,
      .args = "date:date due_date:date reference:text lines:set",
      .help = "Draft the supplier's bill of what was received" },
    { "close", "Close", .from = "ordered", .to = "closed", .run = order_close,
      .help = "Nothing more will come" },
    { "settle", "Close when settled", .run = order_settle,
      .help = "Close the order when it is received and billed" },
    { "cancel", "Cancel", .from = "draft ordered", .to = "cancelled", .run = order_cancel,
      .help = "Cancel the order with its open receipts" },
    { 0 },
};

/* Let bills pass that do not match what was ordered and received; they keep the name. */
static bool
bill_release_match(struct rq *rq)
{
    return db_exec(rq, "SELECT purchase_release_match($1::bigint[])", P(rq->ids));
}

const struct operation purchase_invoice_operations[] = {
    { "release_match", "Release match", .from = "draft", .run = bill_release_match,
      .help = "Let this bill pass though it does not match its order, under your name" },
    { 0 },
};
