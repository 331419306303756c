/*
 * Money back to a customer: the refund of what is open of a credit note.
 *
 * A refund is a payment like others, drafted here and posted by finance. How much may go back
 * is a matter of the database (sql/refund.sql): never more than the customer has paid.
 */
#include "core/workflow/workflow.h"
#include "modules/accounting/accounting.h"
#include "modules/accounting/settle.h"

/* Open notes with what may still be refunded: what is open, less the drafts that pay it back,
 * and of a credited invoice no more than was paid on it. */
#define NOTES                                                                                      \
    "WITH note AS ("                                                                               \
    "    SELECT i.id, i.number, i.kind, i.party_id, i.currency_code, i.flow_id, i.invoice_date,"   \
    "           least(i.open_amount - d.amount,"                                                   \
    "                 CASE WHEN i.credits_id IS NOT NULL"                                          \
    "                      THEN invoice_refund_left(i.company_id, i.credits_id) - d.amount END)"   \
    "               AS rest"                                                                       \
    "      FROM invoice i, LATERAL ("                                                              \
    "           SELECT coalesce(sum(l.amount), 0) AS amount"                                       \
    "             FROM payment_line l JOIN payment p ON p.id = l.payment_id AND p.state = 'draft'" \
    "            WHERE l.company_id = i.company_id AND l.invoice_id = i.id) d"                     \
    "     WHERE i.id = ANY ($1::bigint[]))"

static const char notes_lock[] =
    "SELECT FROM invoice WHERE id IN (SELECT unnest(ARRAY[i.credits_id, i.id]) FROM invoice i"
    "                                  WHERE i.id = ANY ($1::bigint[])) ORDER BY id FOR UPDATE";

static const char notes_check[] = NOTES
    "SELECT min(number) FILTER (WHERE kind <> 'credit_note'), min(number) FILTER (WHERE rest <= 0),"
    "       min(number) FILTER (WHERE rest < ($2::json ->> 'amount')::numeric),"
    "       min(money_text(rest, currency_code)), count(*) > 1"
    "  FROM note";

static const char refund_drafts[] = NOTES
    "SELECT json_agg(json_build_object('kind', 'refund', 'party_id', party_id,"
    "           'payment_date', greatest(coalesce(($2::json ->> 'date')::date, app_today()), invoice_date),"
    "           'currency_code', currency_code, 'amount', amount::text, 'reference', number,"
    "           'flow_id', flow_id,"
    "           'lines', json_build_array(json_build_object('invoice_id', id, 'amount', amount::text)))"
    "           ORDER BY id)"
    "  FROM (SELECT *, coalesce(($2::json ->> 'amount')::numeric, rest) AS amount FROM note) n";

static const char refund_flow[] =
    "SELECT flow_join('invoice', 'payment', s.pairs)"
    "  FROM (SELECT jsonb_agg(jsonb_build_object('from', invoice_id, 'to', payment_id)) AS pairs"
    "          FROM payment_line WHERE payment_id = ANY ($1::bigint[])) s";

/*
 * Draft the payment that gives back what is open of a posted credit note, or the body's amount.
 *
 * Errors: not_refundable, nothing_to_refund (amount), refund_over_paid (amount)
 */
bool
invoice_refund(struct rq *rq)
{
    const char *other, *empty, *over, *rest, *many, *drafts, *made;

    db_exec(rq, notes_lock, P(rq->ids));
    db_ask(rq, notes_check, P(rq->ids, rq->body_text), OUT(&other, &empty, &over, &rest, &many));
    drafts = db_text(rq, refund_drafts, P(rq->ids, rq->body_text));
    if (rq->errors)
        return false;
    if (other)
        return fail(rq, "not_refundable", NULL, "%s is no credit note: only these are refunded",
                    other);
    if (empty)
        return fail(rq, "nothing_to_refund", "amount",
                    "Nothing is left to refund of %s: it is settled, or its invoice was not paid",
                    empty);
    if (over)
        return fail(rq, "refund_over_paid", "amount", "No more than %s can be refunded", rest);
    if (*many == 't' && cJSON_HasObjectItem(rq->body, "amount"))
        return fail(rq, "invalid", "amount", "An amount can be named for one document at a time");
    made = entity_insert(rq, "payment", drafts);
    return made && db_exec(rq, refund_flow, P(made));
}
