/*
 * The life of an order: quoted, revised, accepted, confirmed, closed or cancelled.
 *
 * Most of it is in the database: the triggers stamp each step, keep the revisions, refuse an
 * expired quotation and move the customer's exposure. What stands here decides or drives
 * other documents.
 */
#include "core/workflow/workflow.h"
#include "modules/sales/sales.h"

/* The text of a field of the request's body, NULL when it was not sent. */
static const char *
sent(const struct rq *rq, const char *field)
{
    const cJSON *value = cJSON_GetObjectItem(rq->body, field);

    if (cJSON_IsNumber(value))
        return arena_printf(rq->mem, "%d", value->valueint);
    return cJSON_GetStringValue(value);
}

static const char quote_validity[] =
    "UPDATE sales_order SET valid_until = $2::date WHERE id = ANY ($1::bigint[])";

/* Send the quotation: from here on it changes by a new revision only. */
static bool
order_quote(struct rq *rq)
{
    const char *until = sent(rq, "valid_until");

    return !until || db_exec(rq, quote_validity, P(rq->ids, until));
}

static const char other_revision[] =
    "SELECT number, revision FROM sales_order"
    " WHERE id = ANY ($1::bigint[]) AND revision <> $2::integer ORDER BY id LIMIT 1";

/* Whoever names the revision that he accepts must name the last one. */
static bool
revision_is_last(struct rq *rq)
{
    const char *named = sent(rq, "revision"), *number, *last;

    if (!named)
        return true;
    if (!db_one(rq, other_revision, P(rq->ids, named), OUT(&number, &last)))
        return false;
    return !number ||
           fail(rq, "superseded", "revision",
                "Revision %s of quotation %s was replaced by revision %s", named, number, last);
}

static const char accept_stamp[] =
    "UPDATE sales_order SET accepted_by = coalesce($2, accepted_by, 'unnamed'), accepted_at = now()"
    " WHERE id = ANY ($1::bigint[])";

/*
 * The customer accepts the quotation. That the order is then confirmed is a rule.
 *
 * Errors: superseded (revision)
 */
static bool
order_accept(struct rq *rq)
{
    return revision_is_last(rq) && db_exec(rq, accept_stamp, P(rq->ids, sent(rq, "name")));
}

/*
 * Confirm the order. Credit is checked by the database at COMMIT; goods are set aside by the
 * rule that delivers.
 *
 * Errors: superseded (revision), expired (valid_until), credit_limit_exceeded (customer_id)
 */
static bool
order_confirm(struct rq *rq)
{
    return revision_is_last(rq);
}

/* Promise what is open anew: supply may have come, been lost or moved since. */
static bool
order_promise(struct rq *rq)
{
    return db_exec(rq, "SELECT sales_promise_again($1::bigint[])", P(rq->ids));
}

/* Take the order over the customer's credit limit; the order keeps the name. */
static bool
order_release_credit(struct rq *rq)
{
    return db_exec(rq, "SELECT sales_order_release($1::bigint[])", P(rq->ids));
}

static const char open_documents[] =
    "SELECT (SELECT array_agg(DISTINCT h.id) FROM sales_order_line l"
    "          JOIN shipment_line s ON s.sales_order_line_id = l.id"
    "          JOIN shipment h ON h.id = s.shipment_id"
    "         WHERE l.order_id = ANY ($1::bigint[]) AND h.state NOT IN ('done', 'cancelled')),"
    "       (SELECT array_agg(DISTINCT i.id) FROM sales_order_line l"
    "          JOIN invoice_line n ON n.sales_order_line_id = l.id"
    "          JOIN invoice i ON i.id = n.invoice_id"
    "         WHERE l.order_id = ANY ($1::bigint[]) AND i.state NOT IN ('posted', 'cancelled')),"
    "       (SELECT min(number) FROM sales_order"
    "         WHERE id = ANY ($1::bigint[]) AND (delivered = 'part' OR invoiced <> 'none'"
    "               OR EXISTS (SELECT FROM sales_order_line l"
    "                           WHERE l.order_id = sales_order.id AND l.quantity_delivered > 0))),"
    "       (SELECT min(o.number) FROM sales_order o JOIN sales_order_line l ON l.order_id = o.id"
    "         WHERE o.id = ANY ($1::bigint[])"
    "           AND l.quantity_delivered - l.quantity_returned > l.quantity_invoiced)";

/* Cancel the deliveries and draft invoices that are still open. */
static bool
open_documents_cancel(struct rq *rq, const char *shipments, const char *invoices)
{
    return (!shipments || workflow_take(rq, "shipment", shipments, "cancel", NULL)) &&
           (!invoices || workflow_take(rq, "invoice", invoices, "cancel", NULL));
}

/*
 * Cancel the order with its open deliveries and draft invoices.
 *
 * Errors: already_delivered
 */
static bool
order_cancel(struct rq *rq)
{
    const char *shipments, *invoices, *begun, *unbilled;

    if (!db_one(rq, open_documents, P(rq->ids), OUT(&shipments, &invoices, &begun, &unbilled)))
        return false;
    if (begun)
        return fail(rq, "already_delivered", NULL,
                    "Order %s was delivered or invoiced in part: close it instead", begun);
    return open_documents_cancel(rq, shipments, invoices);
}

/*
 * Close the order: what is not delivered by now never will be.
 *
 * Errors: not_invoiced
 */
static bool
order_close(struct rq *rq)
{
    const char *shipments, *invoices, *begun, *unbilled;

    if (!db_one(rq, open_documents, P(rq->ids), OUT(&shipments, &invoices, &begun, &unbilled)))
        return false;
    if (unbilled)
        return fail(rq, "not_invoiced", NULL,
                    "Order %s has deliveries that are not invoiced yet: invoice them first",
                    unbilled);
    return open_documents_cancel(rq, shipments, invoices);
}

static const char settled_orders[] =
    "SELECT array_agg(id) FROM sales_order"
    " WHERE id = ANY ($1::bigint[]) AND confirmed_at IS NOT NULL"
    "   AND state NOT IN ('closed', 'cancelled')"
    "   AND delivered = 'full' AND invoiced = 'full' AND paid = 'full'";

/* Close those of the orders that are delivered, invoiced and paid; leave the others alone. */
static bool
order_settle(struct rq *rq)
{
    const char *done = db_text(rq, settled_orders, P(rq->ids));

    if (rq->errors || !done)
        return !rq->errors;
    return workflow_take(rq, "sales_order", done, "close", NULL);
}

const struct operation sales_order_operations[] = {
    { "quote", "Send quotation", .from = "draft", .to = "quoted", .run = order_quote,
      .args = "valid_until:date", .help = "Send the quotation to the customer" },
    { "revise", "Revise", .from = "quoted", .to = "draft",
      .help = "Begin a new revision; the one that was sent can no longer be accepted" },
    { "accept", "Accept", .from = "quoted", .run = order_accept,
      .args = "revision:integer name:text",
      .help = "Note that the customer accepted the quotation, and who did" },
    { "confirm", "Confirm", .from = "draft quoted", .to = "confirmed", .run = order_confirm,
      .args = "revision:integer",
      .help = "Make it an order: credit is checked, goods are set aside" },
    { "promise", "Promise anew", .from = "confirmed", .run = order_promise,
      .help = "Promise what is open anew, from the stock and supply that there are now" },
    { "deliver", "Deliver", .from = "confirmed", .run = order_deliver,
      .args = "warehouse_id:integer planned_date:date lines:set",
      .help = "Prepare the delivery of what is not on a delivery yet" },
    { "invoice", "Invoice", .from = "confirmed", .run = order_invoice,
      .args = "date:date due_date:date lines:set",
      .help = "Draft the invoice of what may be invoiced" },
    { "release_credit", "Release credit", .from = "draft quoted confirmed",
      .run = order_release_credit,
      .help = "Let this order pass the credit limit and overdue invoices, under your name" },
    { "close", "Close", .from = "confirmed", .to = "closed", .run = order_close,
      .help = "Nothing more will be delivered" },
    { "settle", "Close when settled", .run = order_settle,
      .help = "Close the order when it is delivered, invoiced and paid" },
    { "cancel", "Cancel", .from = "draft quoted confirmed", .to = "cancelled", .run = order_cancel,
      .help = "Cancel the order with its open deliveries" },
    { 0 },
};
