/*
 * The life of an inspection: made of what arrived in quarantine, its results recorded, then
 * decided. The decision moves the goods at once; what passed is set aside for those who wait.
 */
#include "modules/quality/quality.h"
#include "modules/stock/stock.h"

#include <string.h>

/* What lies in quarantine by these shipments and has no inspection yet, by line and lot. */
static const char find_arrived[] =
    "SELECT json_agg(json_build_object('shipment_line_id', a.line_id, 'lot_id', a.lot_id,"
    "           'flow_id', a.flow_id) ORDER BY a.line_id, a.lot_id)"
    "  FROM (SELECT l.id AS line_id, m.lot_id, s.flow_id"
    "          FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id"
    "          JOIN stock_move m ON m.shipment_line_id = l.id"
    "          JOIN location q ON q.id = m.to_location_id AND q.quarantine"
    "         WHERE s.id = ANY ($1::bigint[]) AND s.kind IN ('receipt', 'return')"
    "           AND NOT EXISTS (SELECT FROM quality_inspection i WHERE i.shipment_line_id = l.id"
    "                              AND i.lot_id IS NOT DISTINCT FROM m.lot_id)"
    "         GROUP BY 1, 2, 3) a";

/*
 * Make the inspections of what these shipments brought into quarantine. On behalf of a rule a
 * shipment without any is left alone.
 *
 * Errors: nothing_to_inspect (lines)
 */
static bool
shipment_inspect(struct rq *rq)
{
    const char *json;

    if (!db_one(rq, find_arrived, P(rq->ids), OUT(&json)))
        return false;
    if (!json)
        return rq->rule || fail(rq, "nothing_to_inspect", "lines", "There is nothing to inspect");
    return entity_insert(rq, "quality_inspection", json) != NULL;
}

static const char find_unknown[] =
    "SELECT min(coalesce(b.id::text, '?'))"
    "  FROM json_to_recordset($2::json -> 'results') AS b (id bigint)"
    " WHERE NOT EXISTS (SELECT FROM quality_inspection_result r"
    "                    WHERE r.id = b.id AND r.inspection_id = ANY ($1::bigint[]))";
static const char write_results[] =
    "UPDATE quality_inspection_result r"
    "   SET value = coalesce(b.value, r.value), passed = coalesce(b.passed, r.passed),"
    "       note = coalesce(b.note, r.note)"
    "  FROM json_to_recordset($2::json -> 'results') AS b (id bigint, value numeric, passed boolean, note text)"
    " WHERE r.id = b.id AND r.inspection_id = ANY ($1::bigint[])";

/*
 * Write down what was found. Body: results [{id, value, passed, note}]; a measure is judged by
 * its limits.
 *
 * Errors: results_missing, unknown_line (results)
 */
static bool
inspection_record(struct rq *rq)
{
    const char *unknown;

    if (!cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(rq->body, "results")))
        return fail(rq, "results_missing", "results", "Say what was found");
    if (!db_one(rq, find_unknown, P(rq->ids, rq->body_text), OUT(&unknown)))
        return false;
    if (unknown)
        return fail(rq, "unknown_line", "results", "There is no result %s on this inspection",
                    unknown);
    return db_exec(rq, write_results, P(rq->ids, rq->body_text));
}

/* The goods' ways out of quarantine, as documents: into stock what passes ($2: all of it, else
 * what has not failed), to losses what is scrapped, to the supplier what goes back. */
static const char find_moves[] =
    "WITH part AS ("
    "    SELECT i.*, l.warehouse_id, n.shipment_id, v.way, v.part,"
    "           CASE v.way WHEN 'pass' THEN stock_root(l.warehouse_id)"
    "                      WHEN 'scrap' THEN stock_side(i.company_id, 'loss')"
    "                      ELSE coalesce(s.other_location_id, stock_side(i.company_id, 'supplier')) END AS to_id"
    "      FROM quality_inspection i JOIN location l ON l.id = i.location_id"
    "      JOIN shipment_line n ON n.id = i.shipment_line_id JOIN shipment s ON s.id = n.shipment_id"
    "     CROSS JOIN LATERAL (VALUES"
    "           ('pass', CASE WHEN $2::boolean THEN i.quantity ELSE i.quantity - i.quantity_failed END),"
    "           (i.disposition, CASE WHEN $2::boolean THEN 0 ELSE i.quantity_failed END)) v (way, part)"
    "     WHERE i.id = ANY ($1::bigint[]) AND v.part > 0 AND v.way <> 'keep'"
    "), document AS ("
    "    SELECT p.way, p.id, json_build_object("
    "               'kind', CASE p.way WHEN 'return_to_supplier' THEN 'delivery' ELSE 'transfer' END,"
    "               'party_id', CASE p.way WHEN 'return_to_supplier' THEN p.party_id END,"
    "               'warehouse_id', p.warehouse_id, 'other_location_id', p.to_id, 'flow_id', p.flow_id,"
    "               'note', p.number, 'lines', json_build_array(json_build_object("
    "                   'item_id', p.item_id, 'quantity', p.part::text, 'location_id', p.location_id,"
    "                   'lot_id', p.lot_id, 'quality_inspection_id', p.id,"
    "                   'returns_line_id', CASE p.way WHEN 'return_to_supplier' THEN p.shipment_line_id END))) AS json"
    "      FROM part p"
    ") SELECT json_agg(json ORDER BY id, way) FILTER (WHERE way <> 'return_to_supplier'),"
    "         json_agg(json ORDER BY id) FILTER (WHERE way = 'return_to_supplier')"
    "    FROM document";
static const char serve_waiting[] =
    "SELECT stock_reserve_waiting(ARRAY(SELECT DISTINCT item_id FROM quality_inspection"
    "                                    WHERE id = ANY ($1::bigint[])))";

/* Move the goods as decided. What goes back to the supplier leaves when the warehouse ships it. */
static bool
goods_move(struct rq *rq, bool all_pass)
{
    const char *now, *later, *made;

    if (!db_one(rq, find_moves, P(rq->ids, all_pass ? "true" : "false"), OUT(&now, &later)))
        return false;
    if (now && (!(made = entity_insert(rq, "shipment", now)) ||
                !workflow_take(rq, "shipment", made, "ship", NULL)))
        return false;
    if (later && (!(made = entity_insert(rq, "shipment", later)) || !stock_reserve(rq, made)))
        return false;
    return db_exec(rq, serve_waiting, P(rq->ids));
}

static const char find_results[] =
    "SELECT min(q.number) FILTER (WHERE f.missing > 0), min(q.number) FILTER (WHERE f.failed > 0)"
    "  FROM quality_inspection q JOIN quality_inspection_fact f USING (id)"
    " WHERE q.id = ANY ($1::bigint[])";
static const char note_concession[] =
    "UPDATE quality_inspection SET concession = $2 WHERE id = ANY ($1::bigint[])";

/*
 * All of it is good: into stock. With a bad result it takes a concession, the reason why the
 * goods are accepted all the same.
 *
 * Errors: results_missing, result_failed (results)
 */
static bool
inspection_pass(struct rq *rq)
{
    const char *missing, *failed, *concession = quality_text(rq, "concession");

    if (!db_one(rq, find_results, P(rq->ids), OUT(&missing, &failed)))
        return false;
    if (missing)
        return fail(rq, "results_missing", "results", "Record the results of %s first", missing);
    if (failed && (!concession || !*concession))
        return fail(rq, "result_failed", "results",
                    "A result of %s is bad: fail it, or say by which concession it is accepted",
                    failed);
    return (!failed || db_exec(rq, note_concession, P(rq->ids, concession))) &&
           goods_move(rq, true);
}

static const char find_failing[] =
    "SELECT min(trim_scale(q.quantity)) FILTER (WHERE ($2::json ->> 'quantity')::numeric <= 0"
    "                                 OR ($2::json ->> 'quantity')::numeric > q.quantity)::text,"
    "       min(q.number) FILTER (WHERE q.kind <> 'receipt')"
    "  FROM quality_inspection q WHERE q.id = ANY ($1::bigint[])";
static const char note_failed[] =
    "UPDATE quality_inspection"
    "   SET quantity_failed = coalesce(($2::json ->> 'quantity')::numeric, quantity),"
    "       disposition = $2::json ->> 'disposition', note = coalesce($2::json ->> 'note', note)"
    " WHERE id = ANY ($1::bigint[])";

/* A lot that failed as a whole and is kept is held, wherever else there is some of it. */
static const char hold_failed[] =
    "UPDATE lot o SET held = true, held_reason = q.number || coalesce(': ' || q.note, '')"
    "  FROM quality_inspection q"
    " WHERE q.id = ANY ($1::bigint[]) AND q.disposition = 'keep' AND q.quantity_failed = q.quantity"
    "   AND o.id = q.lot_id AND NOT o.held";

/*
 * It is bad, or a part of it: body disposition (scrap, return_to_supplier, keep), quantity of
 * what failed (else all), note. The rest passes.
 *
 * Errors: disposition_missing, no_supplier (disposition), too_much (quantity)
 */
static bool
inspection_fail(struct rq *rq)
{
    const char *disposition = quality_text(rq, "disposition"), *too_much, *not_bought;

    if (!disposition || (strcmp(disposition, "scrap") != 0 && strcmp(disposition, "keep") != 0 &&
                         strcmp(disposition, "return_to_supplier") != 0))
        return fail(rq, "disposition_missing", "disposition",
                    "Say what becomes of it: scrap, return_to_supplier or keep");
    if (!db_one(rq, find_failing, P(rq->ids, rq->body_text), OUT(&too_much, &not_bought)))
        return false;
    if (too_much)
        return fail(rq, "too_much", "quantity", "More than nothing and at most %s can fail",
                    too_much);
    if (not_bought && !strcmp(disposition, "return_to_supplier"))
        return fail(rq, "no_supplier", "disposition", "%s did not come from a supplier",
                    not_bought);
    return db_exec(rq, note_failed, P(rq->ids, rq->body_text)) &&
           db_exec(rq, hold_failed, P(rq->ids)) && goods_move(rq, false);
}

const struct operation quality_shipment_operations[] = {
    { "inspect", "Inspect", .from = "done", .run = shipment_inspect,
      .help = "Make the inspections of what arrived in quarantine" },
    { 0 },
};

const struct operation quality_inspection_operations[] = {
    { "record", "Record", .from = "open", .run = inspection_record, .args = "results:set",
      .help = "Write down what was found" },
    { "pass", "Pass", .from = "open", .to = "passed", .run = inspection_pass,
      .args = "concession:text", .help = "The goods are good: they go into stock" },
    { "fail", "Fail", .from = "open", .to = "failed", .run = inspection_fail,
      .args = "disposition:text quantity:quantity note:text",
      .help = "The goods, or a part of them, are bad; the rest goes into stock" },
    { 0 },
};
