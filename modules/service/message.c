/*
 * What is said about a case: replies to the customer, notes that stay inside, and what the
 * customer writes or says himself.
 */
#include "core/workflow/fact.h"
#include "core/workflow/workflow.h"
#include "modules/service/service.h"

static const char say[] =
    "INSERT INTO case_message (case_id, kind, body, sender)"
    " SELECT i, $2, $3, (SELECT name FROM app_user WHERE id = app_user_id())"
    "   FROM unnest($1::bigint[]) i ORDER BY i";

bool
case_say(struct rq *rq, const char *kind, const char *body)
{
    if (!body || !*body)
        return fail(rq, "nothing_written", "body", "Write something first");
    return db_exec(rq, say, P(rq->ids, kind, body));
}

/* Take a step with those of the cases that are in such a state; none: nothing to do. */
static bool
step(struct rq *rq, const char *ids, const char *states, const char *action)
{
    const char *there = cases_in(rq, ids, states);

    return there && (!ids_count(there) || workflow_take(rq, "service_case", there, action, NULL));
}

/*
 * Write to the customer. Who answers a new case takes it; with "wait" its clocks stand still
 * until he answers.
 *
 * Errors: nothing_written (body)
 */
bool
case_reply(struct rq *rq)
{
    bool wait = cJSON_IsTrue(cJSON_GetObjectItem(rq->body, "wait"));

    return case_say(rq, "reply", rq_sent(rq, "body")) && step(rq, rq->ids, "new", "take") &&
           (!wait || step(rq, rq->ids, "open", "wait"));
}

bool
case_note(struct rq *rq)
{
    return case_say(rq, "note", rq_sent(rq, "body"));
}

/* ------------------------------------------------------------------- what the customer says */

/* A merged case is heard in the one that it went into; one that is closed for too long begins
 * another, which refers to it. */
static const char who_hears[] =
    "SELECT coalesce(array_agg(DISTINCT h.id) FILTER (WHERE NOT late), '{}'),"
    "       coalesce(array_agg(DISTINCT h.id) FILTER (WHERE late), '{}')"
    "  FROM service_case c JOIN service_case h ON h.id = coalesce(c.merged_into_id, c.id)"
    "  JOIN service_queue q ON q.id = h.queue_id,"
    "       LATERAL (SELECT h.state = 'closed'"
    "           AND h.closed_at < now() - q.reopen_days * interval '1 day' AS late) l"
    " WHERE c.id = ANY ($1::bigint[])";

static const char hear[] =
    "INSERT INTO case_message (case_id, kind, body, sender, message_id, in_reply_to)"
    " SELECT i, 'customer', $2, $3, $4, $5 FROM unnest($1::bigint[]) i ORDER BY i";

static const char another_case[] =
    "SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('subject', c.subject, 'description', $2::text,"
    "           'channel', c.channel, 'party_id', c.party_id, 'contact_id', c.contact_id,"
    "           'sender_name', c.sender_name, 'sender_email', c.sender_email,"
    "           'sender_phone', c.sender_phone, 'category_id', c.category_id, 'queue_id', c.queue_id,"
    "           'item_id', c.item_id, 'lot_id', c.lot_id, 'sales_order_id', c.sales_order_id,"
    "           'sales_order_line_id', c.sales_order_line_id, 'shipment_id', c.shipment_id,"
    "           'shipment_line_id', c.shipment_line_id, 'invoice_id', c.invoice_id,"
    "           'follows_id', c.id, 'flow_id', c.flow_id)) ORDER BY c.id)"
    "  FROM service_case c WHERE c.id = ANY ($1::bigint[])";

static bool
begin_another(struct rq *rq, const char *ids, const char *body, const char **made)
{
    const char *json = db_text(rq, another_case, P(ids, body));

    return json && (*made = entity_insert(rq, "service_case", json));
}

/*
 * Enter what the customer said. What waits for him or is resolved is open again; what was
 * closed too long ago stays closed, and a new case refers to it.
 *
 * Errors: nothing_written (body)
 */
bool
case_receive(struct rq *rq)
{
    const char *body = rq_sent(rq, "body"), *ids, *late;

    if (!body || !*body)
        return fail(rq, "nothing_written", "body", "Write something first");
    if (!db_one(rq, who_hears, P(rq->ids), OUT(&ids, &late)))
        return false;
    if (ids_count(ids) &&
        !(step(rq, ids, "waiting", "resume") && step(rq, ids, "resolved closed", "reopen")))
        return false;
    if (ids_count(late) && !begin_another(rq, late, body, &late))
        return false;
    for (int i = 0; i < 2; i++)
        db_exec(rq, hear,
                P(i ? late : ids, body, rq_sent(rq, "sender"), rq_sent(rq, "message_id"),
                  rq_sent(rq, "in_reply_to")));
    return true;
}
