/*
 * What a confirmed order asks of others: a delivery from the warehouse, an invoice from
 * finance. Both are made for a set of orders by one statement, with the order line in each
 * line; from there on the database keeps the order's quantities.
 */
#include "core/base/str.h"
#include "core/workflow/workflow.h"
#include "modules/sales/sales.h"
#include "modules/stock/stock.h"

#include <string.h>

/* $2 is the body; without lines all that is not on a delivery yet. */
static const char to_deliver[] =
    "WITH line AS ("
    "    SELECT l.order_id, l.id, l.item_id, l.position, l.description, l.promised_date,"
    "           coalesce(w.quantity, f.quantity_to_deliver) AS quantity,"
    "           w.quantity > f.quantity_to_deliver + l.quantity_returned AS too_much"
    "      FROM sales_order_line l"
    "      JOIN sales_order_line_fact f ON f.id = l.id"
    "      LEFT JOIN json_to_recordset($2::json -> 'lines') AS w (id bigint, quantity numeric)"
    "        ON w.id = l.id"
    "     WHERE l.order_id = ANY ($1::bigint[]) AND (w.id IS NOT NULL OR $2::json -> 'lines' IS NULL)"
    "), head AS ("
    "    SELECT o.id, json_build_object('kind', 'delivery', 'flow_id', o.flow_id, 'party_id', o.customer_id,"
    "               'warehouse_id', coalesce($2::json ->> 'warehouse_id', o.warehouse_id::text),"
    "               'planned_date', coalesce($2::json ->> 'planned_date',"
    "                                        greatest(o.required_date, max(l.promised_date), app_today())::text),"
    "               'address_name', o.shipping_name, 'street', o.shipping_street,"
    "               'city', o.shipping_city, 'region', o.shipping_region,"
    "               'postal_code', o.shipping_postal_code, 'country_code', o.shipping_country_code,"
    "               'lines', json_agg(json_build_object('position', l.position,"
    "                   'item_id', l.item_id, 'description', l.description, 'quantity', l.quantity::text,"
    "                   'sales_order_line_id', l.id) ORDER BY l.position, l.id)) AS document"
    "      FROM line l JOIN sales_order o ON o.id = l.order_id"
    "     WHERE l.quantity > 0 GROUP BY o.id"
    ") SELECT json_agg(document ORDER BY id), array_agg(id ORDER BY id),"
    "         (SELECT min(position) FROM line WHERE too_much)"
    "    FROM head";

/*
 * Prepare the delivery of each order, planned for the day that was promised, and set the goods of
 * those due today aside: what is short stays on it unreserved. On behalf of a rule an order with
 * nothing to deliver is left alone.
 *
 * Errors: nothing_to_deliver (lines), too_much (lines)
 */
bool
order_deliver(struct rq *rq)
{
    const char *json, *orders, *too_much, *made;

    if (!db_one(rq, to_deliver, P(rq->ids, rq->body_text), OUT(&json, &orders, &too_much)))
        return false;
    if (too_much)
        return fail(rq, "too_much", "lines", "Line %s: this is more than is left to deliver",
                    too_much);
    if (!json)
        return rq->rule || fail(rq, "nothing_to_deliver", "lines", "There is nothing to deliver");
    made = flow_insert(rq, "sales_order", orders, "shipment", json);
    return made && stock_reserve_due(rq, made);
}

static const char to_invoice[] =
    "WITH line AS ("
    "    SELECT l.order_id, l.id, l.item_id, l.position, l.description, l.unit_price, l.discount,"
    "           l.tax_id, l.currency_code, coalesce(w.quantity, f.quantity_to_invoice) AS quantity,"
    "           w.quantity > f.quantity_to_invoice AS too_much"
    "      FROM sales_order_line l"
    "      JOIN sales_order_line_fact f ON f.id = l.id"
    "      LEFT JOIN json_to_recordset($2::json -> 'lines') AS w (id bigint, quantity numeric)"
    "        ON w.id = l.id"
    "     WHERE l.order_id = ANY ($1::bigint[]) AND (w.id IS NOT NULL OR $2::json -> 'lines' IS NULL)"
    "), head AS ("
    "    SELECT o.id, json_build_object('kind', 'customer_invoice', 'flow_id', o.flow_id, 'party_id', o.customer_id,"
    "               'invoice_date', coalesce($2::json ->> 'date', app_today()::text),"
    "               'due_date', $2::json ->> 'due_date', 'payment_term_id', o.payment_term_id,"
    "               'currency_code', o.currency_code, 'reference', o.customer_reference,"
    "               'lines', json_agg(json_build_object('position', l.position,"
    "                   'item_id', l.item_id, 'description', l.description, 'quantity', l.quantity::text,"
    "                   'unit_price', l.unit_price::text, 'discount', l.discount::text, 'tax_id', l.tax_id,"
    "                   'currency_code', l.currency_code, 'sales_order_line_id', l.id)"
    "                   ORDER BY l.position, l.id)) AS document"
    "      FROM line l JOIN sales_order o ON o.id = l.order_id"
    "     WHERE l.quantity > 0 GROUP BY o.id"
    ") SELECT json_agg(document ORDER BY id), array_agg(id ORDER BY id),"
    "         (SELECT min(position) FROM line WHERE too_much)"
    "    FROM head";

/*
 * Draft an invoice for each order of what was delivered, or ordered where the line says so,
 * and is on no invoice yet. On behalf of a rule an order with nothing to invoice is left alone.
 *
 * Errors: nothing_to_invoice (lines), too_much (lines)
 */
bool
order_invoice(struct rq *rq)
{
    const char *json, *orders, *too_much;

    if (!db_one(rq, to_invoice, P(rq->ids, rq->body_text), OUT(&json, &orders, &too_much)))
        return false;
    if (too_much)
        return fail(rq, "too_much", "lines", "Line %s: this is more than may be invoiced now",
                    too_much);
    if (!json)
        return rq->rule || fail(rq, "nothing_to_invoice", "lines", "There is nothing to invoice");
    return flow_insert(rq, "sales_order", orders, "invoice", json) != NULL;
}
