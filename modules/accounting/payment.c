/*
 * The life of a payment: posted with what it settles, allocated later, cancelled.
 *
 * Money that finds no invoice stays open: a prepayment, on the credit side of the party's
 * account. Entries, allocations and exchange differences come from the triggers.
 */
#include "core/workflow/workflow.h"
#include "modules/accounting/accounting.h"
#include "modules/accounting/settle.h"

static const char post_date[] =
    "UPDATE payment SET payment_date = ($2::json ->> 'date')::date WHERE id = ANY ($1::bigint[])";

static const char post_flow[] =
    "SELECT flow_join('invoice', 'payment', s.pairs)"
    "  FROM (SELECT jsonb_agg(jsonb_build_object('from', invoice_id, 'to', payment_id)) AS pairs"
    "          FROM payment_line WHERE payment_id = ANY ($1::bigint[])) s WHERE s.pairs IS NOT NULL";

/*
 * Post with the body's allocations, the draft's lines, or against the oldest due invoices.
 *
 * Errors: period_closed (date), no_exchange_rate (exchange_rate), no_account (journal_id), and
 * of an allocation: not_posted, other_party, other_currency (invoice_id)
 */
static bool
payment_post(struct rq *rq)
{
    if (cJSON_HasObjectItem(rq->body, "date") && !db_exec(rq, post_date, P(rq->ids, rq->body_text)))
        return false;
    return settle_plan(rq) && db_exec(rq, post_flow, P(rq->ids));
}

static bool
payment_allocate(struct rq *rq)
{
    return settle_now(rq, "payment_id");
}

static const char cancel_date[] =
    "UPDATE payment SET cancelled_on = ($2::json ->> 'date')::date"
    " WHERE id = ANY ($1::bigint[]) AND journal_entry_id IS NOT NULL";

/*
 * Cancel: a draft is dropped; of a posted one the entry is reversed and the invoices are
 * open again, today or on the body's date.
 *
 * Errors: period_closed (date)
 */
static bool
payment_cancel(struct rq *rq)
{
    return !cJSON_HasObjectItem(rq->body, "date") ||
           db_exec(rq, cancel_date, P(rq->ids, rq->body_text));
}

const struct operation payment_operations[] = {
    { .name = "post",
      .label = "Post",
      .from = "draft",
      .to = "posted",
      .run = payment_post,
      .args = "date:date allocations:set",
      .help = "Enter it in the books and settle invoices, the oldest due first unless named" },
    { .name = "allocate",
      .label = "Allocate",
      .from = "posted",
      .run = payment_allocate,
      .args = "allocations:set date:date",
      .help = "Settle more invoices with what is still open" },
    { .name = "cancel",
      .label = "Cancel",
      .from = "draft posted",
      .to = "cancelled",
      .run = payment_cancel,
      .args = "date:date",
      .help = "Reverse it: what it settled is open again" },
    { 0 },
};
