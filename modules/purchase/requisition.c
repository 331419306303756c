/*
 * Requisitions: made by hand or of planned supply, approved, and turned into draft orders, one
 * per supplier, currency and warehouse.
 */
#include "core/workflow/workflow.h"
#include "modules/purchase/purchase.h"

static const char planned_lines[] =
    "WITH plan AS ("
    "    SELECT s.warehouse_id, w.flow_id, json_agg(json_build_object('item_id', s.item_id,"
    "               'quantity', s.quantity::text, 'needed_on', s.day, 'warehouse_id', s.warehouse_id,"
    "               'supply_id', s.id) ORDER BY s.day, s.id) AS lines"
    "      FROM unnest($1::bigint[], $2::bigint[]) AS w (id, flow_id) JOIN supply s ON s.id = w.id"
    "     WHERE s.method = 'buy' AND NOT s.firm AND s.quantity > 0"
    "       AND NOT EXISTS (SELECT FROM purchase_requisition_line l WHERE l.supply_id = s.id)"
    "       AND NOT EXISTS (SELECT FROM purchase_order_line l WHERE l.supply_id = s.id)"
    "     GROUP BY s.warehouse_id, w.flow_id"
    ") SELECT json_agg(json_build_object('warehouse_id', warehouse_id, 'flow_id', flow_id,"
    "                                    'lines', lines) ORDER BY flow_id, warehouse_id)"
    "    FROM plan";

const char *
requisitions_make_for(struct rq *rq, const char *supply_ids, const char *flow_ids)
{
    const char *json = db_text(rq, planned_lines, P(supply_ids, flow_ids));

    if (rq->errors)
        return NULL;
    return json ? entity_insert(rq, "purchase_requisition", json) : "{}";
}

const char *
requisitions_make(struct rq *rq, const char *supply_ids)
{
    return requisitions_make_for(rq, supply_ids, NULL);
}

/* What of each requisition is on no order yet; whom it is bought from, what he sells. */
static const char to_order[] =
    "WITH line AS ("
    "    SELECT r.flow_id, l.requisition_id, l.id, l.position, l.item_id, l.description, l.warehouse_id,"
    "           coalesce(l.supplier_id, o.supplier_id) AS supplier_id, o.currency_code,"
    "           coalesce(o.quantity, l.quantity) AS quantity,"
    "           greatest(l.needed_on, calendar_day_add(app_calendar(), app_today(),"
    "                                                  coalesce(o.lead_days, i.lead_days))) AS day"
    "      FROM purchase_requisition r JOIN purchase_requisition_line l ON l.requisition_id = r.id"
    "      JOIN item i ON i.id = l.item_id"
    "      LEFT JOIN LATERAL (SELECT * FROM purchase_offers(l.company_id, l.item_id, l.quantity,"
    "                                                       app_today(), l.supplier_id) LIMIT 1) o ON true"
    "     WHERE r.id = ANY ($1::bigint[])"
    "       AND NOT EXISTS (SELECT FROM purchase_order_line p JOIN purchase_order h ON h.id = p.order_id"
    "                        WHERE p.requisition_line_id = l.id AND h.state <> 'cancelled')"
    "), head AS ("
    "    SELECT l.supplier_id, l.warehouse_id, l.currency_code, json_build_object("
    "               'supplier_id', l.supplier_id, 'warehouse_id', l.warehouse_id,"
    "               'currency_code', l.currency_code, 'flow_id', min(l.flow_id),"
    "               'lines', json_agg(json_build_object('position', l.n, 'item_id', l.item_id,"
    "                   'description', l.description, 'quantity', l.quantity::text,"
    "                   'expected_date', l.day, 'requisition_line_id', l.id) ORDER BY l.n)) AS document"
    "      FROM (SELECT line.*, row_number() OVER (PARTITION BY supplier_id, warehouse_id, currency_code"
    "                ORDER BY requisition_id, position, id) AS n FROM line) l"
    "     WHERE l.supplier_id IS NOT NULL GROUP BY 1, 2, 3"
    ") SELECT json_agg(document ORDER BY supplier_id, warehouse_id, currency_code),"
    "         (SELECT min(position) FROM line WHERE supplier_id IS NULL)"
    "    FROM head";

static const char join_orders[] =
    "SELECT flow_join('purchase_requisition', 'purchase_order', (SELECT jsonb_agg(DISTINCT"
    "           jsonb_build_object('from', r.requisition_id, 'to', l.order_id))"
    "    FROM purchase_order_line l JOIN purchase_requisition_line r ON r.id = l.requisition_line_id"
    "   WHERE l.order_id = ANY ($1::bigint[])))";

/*
 * Draft the orders of what was approved: one per supplier, currency and warehouse, at the
 * suppliers' prices, in quantities that they sell.
 *
 * Errors: no_supplier (lines), nothing_to_order (lines)
 */
static bool
requisition_order(struct rq *rq)
{
    const char *json, *unsourced, *made;

    if (!db_one(rq, to_order, P(rq->ids), OUT(&json, &unsourced)))
        return false;
    if (unsourced)
        return fail(rq, "no_supplier", "lines", "Line %s: choose a supplier", unsourced);
    if (!json)
        return fail(rq, "nothing_to_order", "lines", "There is nothing to order");
    made = entity_insert(rq, "purchase_order", json);
    return made && db_exec(rq, join_orders, P(made));
}

const struct operation purchase_requisition_operations[] = {
    { "approve", "Approve", .from = "draft", .to = "approved",
      .help = "What is asked for may be bought" },
    { "order", "Order", .from = "approved", .to = "ordered", .run = requisition_order,
      .help = "Draft an order for each supplier" },
    { "cancel", "Cancel", .from = "draft approved", .to = "cancelled",
      .help = "None of it is bought" },
    { 0 },
};
