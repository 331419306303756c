/*
 * The life of a production order: released when its materials are there, started, reported on,
 * finished, closed. Goods move by shipments that name the order; progress and costs follow in
 * the database (sql/order.sql, sql/cost.sql).
 */
#include "modules/production/production.h"
#include "modules/stock/stock.h"

/* ------------------------------------------------------------------------------- release */

/* The issue of each order that has components. */
static const char to_issue[] =
    "SELECT json_agg(d.document ORDER BY d.id), array_agg(d.id ORDER BY d.id)"
    "  FROM (SELECT o.id, json_build_object('kind', 'transfer', 'flow_id', o.flow_id,"
    "                   'warehouse_id', o.warehouse_id, 'planned_date', o.planned_start,"
    "                   'other_location_id', production_side(o.company_id), 'production_order_id', o.id,"
    "                   'lines', json_agg(json_build_object('position', c.position, 'item_id', c.item_id,"
    "                       'quantity', c.quantity::text, 'production_component_id', c.id,"
    "                       'promise_id', c.promise_id)"
    "                       ORDER BY c.position, c.id)) AS document"
    "          FROM production_order o JOIN production_component c ON c.order_id = o.id"
    "         WHERE o.id = ANY ($1::bigint[]) GROUP BY o.id) d";

/* Components that could not be set aside in full. A component's number is its place in the
 * order, from 0. */
static const char find_short[] =
    "SELECT format('components[%s].quantity', r.number - 1), i.code,"
    "       trim_scale(r.required - r.issued)::text, trim_scale(r.reserved)::text"
    "  FROM (SELECT n.*, row_number() OVER (PARTITION BY n.production_order_id"
    "                                       ORDER BY n.position, n.id) AS number"
    "          FROM production_readiness n WHERE n.production_order_id = ANY ($1::bigint[])) r"
    "  JOIN item i ON i.id = r.item_id"
    " WHERE r.reserved < r.required - r.issued"
    " ORDER BY r.production_order_id, r.number";

/*
 * Release: the issue is prepared and its goods are set aside, all of them or none.
 *
 * Errors: materials_short (components[n].quantity)
 */
static bool
order_release(struct rq *rq)
{
    const char *json, *orders, *made;
    struct rows lacking;

    if (!db_one(rq, to_issue, P(rq->ids), OUT(&json, &orders)))
        return false;
    if (!json)
        return true;
    made = flow_insert(rq, "production_order", orders, "shipment", json);
    if (!made || !stock_reserve(rq, made) || !db_rows(rq, find_short, P(rq->ids), &lacking))
        return false;
    for (int i = 0; i < lacking.count; i++)
        fail(rq, "materials_short", cell(&lacking, i, 0), "%s: %s are needed, %s are available",
             cell(&lacking, i, 1), cell(&lacking, i, 2), cell(&lacking, i, 3));
    return !lacking.count;
}

static const char ready_orders[] =
    "SELECT array_agg(o.id ORDER BY o.planned_start, o.id) FROM production_order o"
    "  JOIN production_order_fact f USING (id)"
    " WHERE o.id = ANY ($1::bigint[]) AND o.state = 'planned' AND f.ready";
static const char first_of[] = "SELECT ($1::bigint[])[1:1], nullif(($1::bigint[])[2:], '{}')";

/* Release those of the orders whose materials are all there; leave the others alone. Each for
 * itself, the earliest first: it may take what the next one needs, which then waits. */
static bool
order_release_ready(struct rq *rq)
{
    const char *ready = db_text(rq, ready_orders, P(rq->ids)), *first;

    while (ready) {
        if (!db_one(rq, first_of, P(ready), OUT(&first, &ready)) || !db_savepoint(rq))
            return false;
        if (workflow_take(rq, "production_order", first, "release", NULL) && db_flush(rq))
            db_release(rq);
        else if (!db_rollback_to(rq))
            return false;
    }
    return !rq->errors;
}

/* --------------------------------------------------------------------------------- issue */

/* The open issues and, where the body names components, what of them is to move. $2 is the
 * body: {"date", "partial", "lines": [{"id": component, "quantity"}]}. */
static const char find_issues[] =
    "SELECT array_agg(DISTINCT s.id),"
    "       json_strip_nulls(json_build_object('date', $2::json ->> 'date', 'partial', $2::json -> 'partial',"
    "           'lines', CASE WHEN $2::json -> 'lines' IS NOT NULL THEN"
    "               json_agg(json_build_object('id', l.id, 'quantity', w.quantity::text)) END))"
    "  FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id"
    "  LEFT JOIN json_to_recordset($2::json -> 'lines') AS w (id bigint, quantity numeric)"
    "    ON w.id = l.production_component_id"
    " WHERE s.production_order_id = ANY ($1::bigint[]) AND s.state = 'draft'"
    "   AND l.production_component_id IS NOT NULL"
    "   AND (w.id IS NOT NULL OR $2::json -> 'lines' IS NULL)";

/*
 * The components go into production: all that is open, or what the body names.
 *
 * Errors: nothing_to_issue (lines), and those of shipment.ship
 */
static bool
order_issue(struct rq *rq)
{
    const char *issues, *body;

    if (!db_one(rq, find_issues, P(rq->ids, rq->body_text), OUT(&issues, &body)))
        return false;
    if (!issues)
        return rq->rule || fail(rq, "nothing_to_issue", "lines", "There is nothing to issue");
    return workflow_take(rq, "shipment", issues, "ship", body);
}

/* -------------------------------------------------------------------------------- report */

/* The operations that the body means: by id, by position, or the only one there is. */
static const char find_operation[] =
    "SELECT array_agg(p.id), bool_or(o.state = 'released') FROM production_operation p"
    "  JOIN production_order o ON o.id = p.order_id"
    " WHERE o.id = ANY ($1::bigint[])"
    "   AND CASE WHEN $2::json ->> 'operation_id' IS NOT NULL"
    "            THEN p.id = ($2::json ->> 'operation_id')::bigint"
    "            WHEN $2::json ->> 'operation' IS NOT NULL"
    "            THEN p.position = ($2::json ->> 'operation')::integer"
    "            ELSE NOT EXISTS (SELECT FROM production_operation b"
    "                              WHERE b.order_id = o.id AND b.id <> p.id) END";

static const char enter_time[] =
    "INSERT INTO time_entry (order_id, operation_id, labour_minutes, machine_minutes, good, scrap,"
    "                        reported_on, note)"
    "SELECT p.order_id, p.id, coalesce(($2::json ->> 'labour_minutes')::numeric, 0),"
    "       coalesce(($2::json ->> 'machine_minutes')::numeric, 0),"
    "       coalesce(($2::json ->> 'good')::numeric, 0), coalesce(($2::json ->> 'scrap')::numeric, 0),"
    "       coalesce(($2::json ->> 'date')::date, app_today()), $2::json ->> 'note'"
    "  FROM production_operation p WHERE p.id = ANY ($1::bigint[]) ORDER BY p.id";

static const char released_orders[] =
    "SELECT array_agg(id) FROM production_order WHERE id = ANY ($1::bigint[]) AND state = 'released'";

/* Whoever reports or finishes on an order that is only released starts it. */
static bool
released_start(struct rq *rq)
{
    const char *released;

    if (!db_one(rq, released_orders, P(rq->ids), OUT(&released)))
        return false;
    return !released || workflow_take(rq, "production_order", released, "start", NULL);
}

/*
 * Note what was done on an operation. The first report starts the order. A correction is
 * reported with a minus.
 *
 * Errors: operation_missing (operation), too_much (good)
 */
static bool
order_report(struct rq *rq)
{
    const char *operations, *to_start;

    if (!db_one(rq, find_operation, P(rq->ids, rq->body_text), OUT(&operations, &to_start)))
        return false;
    if (!operations)
        return fail(rq, "operation_missing", "operation", "Say which operation was worked on");
    return (*to_start != 't' || released_start(rq)) &&
           db_exec(rq, enter_time, P(operations, rq->body_text));
}

/* -------------------------------------------------------------------------------- finish */

static const char enter_scrap[] =
    "INSERT INTO time_entry (order_id, scrap, reported_on)"
    "SELECT o.id, ($2::json ->> 'scrapped')::numeric, coalesce(($2::json ->> 'date')::date, app_today())"
    "  FROM production_order o"
    " WHERE o.id = ANY ($1::bigint[]) AND ($2::json ->> 'scrapped')::numeric > 0 ORDER BY o.id";

/* What is wrong with what the body wants to finish. */
static const char find_unfinishable[] =
    "SELECT (SELECT min(o.number) FROM production_order o"
    "         WHERE o.id = ANY ($1::bigint[]) AND o.materials = 'none'"
    "           AND EXISTS (SELECT FROM production_component c WHERE c.order_id = o.id)),"
    "       (SELECT min(trim_scale(o.quantity - o.quantity_finished - o.quantity_scrapped))::text"
    "          FROM production_order o"
    "         WHERE o.id = ANY ($1::bigint[]) AND coalesce(($2::json ->> 'quantity')::numeric, 0)"
    "               + coalesce(($2::json ->> 'scrapped')::numeric, 0)"
    "               > o.quantity - o.quantity_finished - o.quantity_scrapped),"
    "       coalesce(($2::json ->> 'quantity')::numeric, 1) <= 0"
    "       AND coalesce(($2::json ->> 'scrapped')::numeric, 0) <= 0";

/* The receipts of what is finished; without a quantity, of all that is left. */
static const char to_receive[] =
    "SELECT json_agg(json_build_object('kind', 'receipt', 'flow_id', o.flow_id,"
    "           'warehouse_id', o.warehouse_id, 'other_location_id', production_side(o.company_id),"
    "           'production_order_id', o.id, 'lines', json_build_array(json_build_object("
    "               'position', 1, 'item_id', o.item_id, 'quantity', o.made::text, 'lot_id', o.lot_id,"
    "               'unit_cost', production_unit_cost(o.id, o.made, o.made >= o.open)::text)))"
    "           ORDER BY o.id),"
    "       array_agg(o.id ORDER BY o.id)"
    "  FROM (SELECT p.*, p.quantity - p.quantity_finished - p.quantity_scrapped AS open,"
    "               coalesce(($2::json ->> 'quantity')::numeric,"
    "                        p.quantity - p.quantity_finished - p.quantity_scrapped) AS made"
    "          FROM production_order p WHERE p.id = ANY ($1::bigint[])) o"
    " WHERE o.made > 0";

static const char receive_body[] =
    "SELECT json_strip_nulls(json_build_object('date', $2::json ->> 'date',"
    "           'lines', CASE WHEN $2::json -> 'lots' IS NOT NULL THEN"
    "               json_agg(json_build_object('id', l.id, 'quantity', l.quantity::text,"
    "                                          'lots', $2::json -> 'lots')) END))"
    "  FROM shipment_line l WHERE l.shipment_id = ANY ($1::bigint[])";

/* Put what is finished into stock. */
static bool
finished_receive(struct rq *rq)
{
    const char *json, *orders, *made, *body;

    if (!db_one(rq, to_receive, P(rq->ids, rq->body_text), OUT(&json, &orders)))
        return false;
    if (!json)
        return true;
    made = flow_insert(rq, "production_order", orders, "shipment", json);
    return made && db_one(rq, receive_body, P(made, rq->body_text), OUT(&body)) &&
           workflow_take(rq, "shipment", made, "receive", body);
}

static const char done_orders[] =
    "SELECT array_agg(id) FROM production_order"
    " WHERE id = ANY ($1::bigint[]) AND quantity_finished + quantity_scrapped >= quantity";

/*
 * What is made goes into stock; what was lost is noted. With the last of it the order is
 * complete. Body: quantity (all that is left), scrapped, date, lots [{code, quantity}].
 *
 * Errors: materials_missing (components), too_much, nothing_to_finish (quantity)
 */
static bool
order_finish(struct rq *rq)
{
    const char *unissued, *left, *nothing, *done;

    if (!db_one(rq, find_unfinishable, P(rq->ids, rq->body_text), OUT(&unissued, &left, &nothing)))
        return false;
    if (unissued)
        return fail(rq, "materials_missing", "components", "Issue the components of %s first",
                    unissued);
    if (left)
        return fail(rq, "too_much", "quantity", "Only %s are left to be finished", left);
    if (*nothing == 't')
        return fail(rq, "nothing_to_finish", "quantity", "Enter a quantity greater than zero");
    if (!released_start(rq) || !db_exec(rq, enter_scrap, P(rq->ids, rq->body_text)) ||
        !finished_receive(rq) || !db_one(rq, done_orders, P(rq->ids), OUT(&done)))
        return false;
    return !done || workflow_take(rq, "production_order", done, "complete", NULL);
}

/* ------------------------------------------------------------------------------- the end */

static const char open_shipments[] =
    "SELECT array_agg(id) FROM shipment"
    " WHERE production_order_id = ANY ($1::bigint[]) AND state = 'draft'";

/* What was not issued by now never will be. What is left of the cost goes to the variance, in
 * the database. */
static bool
order_end(struct rq *rq)
{
    const char *open;

    if (!db_one(rq, open_shipments, P(rq->ids), OUT(&open)))
        return false;
    return !open || workflow_take(rq, "shipment", open, "cancel", NULL);
}

const struct operation production_order_operations[] = {
    { "release", "Release", .from = "planned", .to = "released", .run = order_release,
      .help = "Prepare the issue of the components; all of them must be there" },
    { "release_ready", "Release when ready", .run = order_release_ready,
      .help = "Release the order if all its components are there" },
    { "issue", "Issue", .from = "released started finished", .run = order_issue,
      .args = "date:date lines:set partial:boolean", .help = "The components go into production" },
    { "start", "Start", .from = "released", .to = "started", .help = "Work has begun" },
    { "report", "Report", .from = "released started finished", .run = order_report,
      .args = "operation:integer operation_id:integer labour_minutes:quantity"
              " machine_minutes:quantity good:quantity scrap:quantity date:date note:text",
      .help = "Note minutes and quantities of an operation; a correction with a minus" },
    { "finish", "Finish", .from = "released started", .run = order_finish,
      .args = "quantity:quantity scrapped:quantity date:date lots:set",
      .help = "Put what is made into stock; the last of it completes the order" },
    { "complete", "Complete", .from = "released started", .to = "finished",
      .help = "Nothing more will be made" },
    { "close", "Close", .from = "finished", .to = "closed", .run = order_end,
      .help = "Nothing more is issued or reported; what is left of the cost is the variance" },
    { "cancel", "Cancel", .from = "planned released", .to = "cancelled", .run = order_end,
      .help = "Drop the order before anything was issued" },
    { 0 },
};
