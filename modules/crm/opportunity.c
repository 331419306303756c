/*
 * The life of an opportunity: moved from stage to stage, quoted, won or lost.
 *
 * Stages and their probabilities are data; the triggers of sql/functions.sql keep the history of
 * stages and the sum of the lines. The quotation is a sales order of the same flow.
 */
#include "core/workflow/workflow.h"
#include "modules/crm/crm.h"

static const char move[] =
    "UPDATE opportunity o"
    "   SET pipeline_id = s.pipeline_id, stage_id = s.id,"
    "       probability = coalesce($3, s.probability)"
    "  FROM pipeline_stage s"
    " WHERE o.id = ANY ($1::bigint[]) AND s.company_id = o.company_id AND s.id = $2";

/*
 * Move to a stage, of another pipeline too.
 *
 * Errors: not_found (stage_id)
 */
static bool
opportunity_move(struct rq *rq)
{
    const char *stage, *known = NULL;

    if (!rq_reference(rq, "stage_id", &stage))
        return false;
    if (!stage)
        return fail(rq, "stage_missing", "stage_id", "Name the stage to move to");
    if (!db_one(rq, "SELECT id FROM pipeline_stage WHERE company_id = app_company() AND id = $1",
                P(stage), OUT(&known)))
        return false;
    if (!known)
        return fail(rq, "stage_missing", "stage_id", "There is no such stage");
    return db_exec(rq, move, P(rq->ids, stage, rq_sent(rq, "probability")));
}

static const char close_with[] =
    "UPDATE opportunity SET reason_id = coalesce($2, reason_id),"
    "                       reason_note = coalesce($3, reason_note)"
    " WHERE id = ANY ($1::bigint[])";

static bool
opportunity_win(struct rq *rq)
{
    const char *reason, *note = rq_sent(rq, "reason_note");

    return rq_reference(rq, "reason_id", &reason) &&
           ((!reason && !note) || db_exec(rq, close_with, P(rq->ids, reason, note)));
}

/* Errors: reason_missing (reason_id) */
static bool
opportunity_lose(struct rq *rq)
{
    const char *reason;

    if (!rq_reference(rq, "reason_id", &reason))
        return false;
    if (!reason)
        return fail(rq, "reason_missing", "reason_id", "Say why the opportunity was lost");
    return db_exec(rq, close_with, P(rq->ids, reason, rq_sent(rq, "reason_note")));
}

static const char quotations[] =
    "SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object("
    "           'customer_id', o.party_id, 'currency_code', o.currency_code, 'flow_id', o.flow_id,"
    "           'opportunity_id', o.id, 'salesperson_id', o.salesperson_id, 'lines', l.lines)) || $2::jsonb"
    "           ORDER BY array_position($1::bigint[], o.id))"
    "  FROM opportunity o"
    "  LEFT JOIN LATERAL ("
    "       SELECT jsonb_agg(jsonb_build_object('position', n.position, 'item_id', n.item_id,"
    "                  'description', n.description, 'quantity', n.quantity::text,"
    "                  'unit_price', n.unit_price::text, 'discount', n.discount::text)"
    "                  ORDER BY n.position, n.id) AS lines"
    "         FROM opportunity_line n WHERE n.opportunity_id = o.id) l ON true"
    " WHERE o.id = ANY ($1::bigint[])";

/*
 * Make a quotation of the lines, in the same flow. The body may hold any field of a sales order
 * (order_date, required_date, lines, ...), which then counts.
 */
static bool
opportunity_quote(struct rq *rq)
{
    const char *json;

    return db_one(rq, quotations, P(rq->ids, rq->body_text), OUT(&json)) &&
           flow_insert(rq, "opportunity", rq->ids, "sales_order", json);
}

const struct operation opportunity_operations[] = {
    { .name = "move",
      .label = "Move",
      .from = "open",
      .run = opportunity_move,
      .args = "stage_id:bigint probability:percent",
      .help = "Move to another stage" },
    { .name = "quote",
      .label = "Quote",
      .from = "open",
      .run = opportunity_quote,
      .args = "order_date:date required_date:date valid_until:date lines:set",
      .help = "Make a quotation of the lines" },
    { .name = "win",
      .label = "Win",
      .from = "open",
      .to = "won",
      .run = opportunity_win,
      .args = "reason_id:bigint reason_note:text" },
    { .name = "lose",
      .label = "Lose",
      .from = "open",
      .to = "lost",
      .run = opportunity_lose,
      .args = "reason_id:bigint reason_note:text" },
    { .name = "reopen", .label = "Reopen", .from = "won lost", .to = "open" },
    { 0 },
};
