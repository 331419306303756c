/*
 * What a delivery opens: the warranty of what was delivered, and the question how it was.
 * Both are verbs on the shipment, run by rules; running them again changes nothing.
 */
#include "core/workflow/workflow.h"
#include "modules/service/resolution.h"

/* What goes back to the customer after a repair keeps the warranty that it has. */
static const char open_warranties[] =
    "INSERT INTO warranty (party_id, item_id, lot_id, quantity, shipment_line_id, policy_id, starts_on, ends_on)"
    "SELECT s.party_id, l.item_id, d.lot_id, d.quantity, l.id, p.id, s.done_date,"
    "       (s.done_date + p.months * interval '1 month')::date - 1"
    "  FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id AND l.repair_order_id IS NULL"
    "  JOIN warranty_policy p ON p.id = warranty_policy_of(s.company_id, l.item_id)"
    " CROSS JOIN LATERAL delivered_lots(l.id) d"
    " WHERE s.id = ANY ($1::bigint[]) AND s.kind = 'delivery' AND s.state = 'done'"
    "   AND s.party_id IS NOT NULL AND d.quantity > 0"
    " ORDER BY l.id, d.lot_id"
    "    ON CONFLICT ON CONSTRAINT warranty_once DO NOTHING";

static bool
shipment_open_warranty(struct rq *rq)
{
    return db_exec(rq, open_warranties, P(rq->ids));
}

static const char ask_customers[] =
    "SELECT json_agg(json_build_object('kind', coalesce($2::json ->> 'kind', 'nps'), 'party_id', s.party_id,"
    "           'shipment_id', s.id, 'flow_id', s.flow_id) ORDER BY s.id)"
    "  FROM shipment s"
    " WHERE s.id = ANY ($1::bigint[]) AND s.kind = 'delivery' AND s.state = 'done' AND s.party_id IS NOT NULL"
    "   AND NOT EXISTS (SELECT FROM survey v WHERE v.company_id = s.company_id AND v.shipment_id = s.id"
    "                      AND v.kind = coalesce($2::json ->> 'kind', 'nps'))";

static bool
surveys_make(struct rq *rq, const char *find)
{
    const char *json = db_text(rq, find, P(rq->ids, rq->body_text));

    return !rq->errors && (!json || entity_insert(rq, "survey", json));
}

static bool
shipment_survey(struct rq *rq)
{
    return surveys_make(rq, ask_customers);
}

static const char ask_about_cases[] =
    "SELECT json_agg(json_build_object('kind', coalesce($2::json ->> 'kind', 'csat'), 'party_id', c.party_id,"
    "           'case_id', c.id, 'flow_id', c.flow_id) ORDER BY c.id)"
    "  FROM service_case c"
    " WHERE c.id = ANY ($1::bigint[]) AND c.party_id IS NOT NULL"
    "   AND NOT EXISTS (SELECT FROM survey v WHERE v.company_id = c.company_id AND v.case_id = c.id"
    "                      AND v.kind = coalesce($2::json ->> 'kind', 'csat'))";

static bool
case_survey(struct rq *rq)
{
    return surveys_make(rq, ask_about_cases);
}

const struct operation resolution_case_operations[] = {
    { "return_goods", "Take goods back", .from = "new open waiting", .run = case_return_goods,
      .args =
          "reason:text resolution:text note:text lot_id:bigint quantity:quantity disposition:text "
          "lines:set",
      .help = "Announce a return and its shipment, to be replaced, credited or repaired" },
    { "survey", "Ask the customer", .run = case_survey, .args = "kind:text",
      .help = "Send the survey about this case, once" },
    { 0 },
};

const struct operation resolution_shipment_operations[] = {
    { "open_warranty", "Open warranty", .from = "done", .run = shipment_open_warranty,
      .help = "Enter the warranty of what was delivered, by the policies" },
    { "survey", "Ask the customer", .from = "done", .run = shipment_survey, .args = "kind:text",
      .help = "Send the survey about this delivery, once" },
    { 0 },
};
