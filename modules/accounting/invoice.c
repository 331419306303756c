/*
 * The life of an invoice, bill, credit or debit note: posted, cancelled while a draft,
 * credited, and set against others.
 *
 * The entry, the number and what is open come from the triggers that see the state move
 * (sql/functions.sql); what stands here prepares the draft for it.
 */
#include "modules/accounting/accounting.h"
#include "core/workflow/workflow.h"
#include "modules/accounting/settle.h"

static const char post_date[] =
    "UPDATE invoice SET invoice_date = ($2::json ->> 'date')::date WHERE id = ANY ($1::bigint[])";

/* Drafts made at the same time saw less credited: their last cents are computed again. */
static const char credit_again[] =
    "UPDATE invoice_line SET quantity = quantity"
    " WHERE invoice_id = ANY ($1::bigint[]) AND credits_line_id IS NOT NULL";

/*
 * Post: dated today, on the invoice's own date, or on the one that the body names.
 *
 * Errors: nothing_to_post (lines), negative_total (lines), period_closed (date),
 * no_exchange_rate (exchange_rate), over_credited (lines)
 */
static bool
invoice_post(struct rq *rq)
{
    if (cJSON_HasObjectItem(rq->body, "date") && !db_exec(rq, post_date, P(rq->ids, rq->body_text)))
        return false;
    return db_exec(rq, credit_again, P(rq->ids));
}

static const char credit_check[] =
    "SELECT (SELECT min(l.id) FROM json_to_recordset($2::json -> 'lines') AS l (id bigint)"
    "         WHERE NOT EXISTS (SELECT FROM invoice_line n"
    "                            WHERE n.id = l.id AND n.invoice_id = ANY ($1::bigint[]))),"
    "       (SELECT min(n.id) FROM json_to_recordset($2::json -> 'lines') AS l (id bigint, quantity numeric)"
    "          JOIN invoice_line n ON n.id = l.id"
    "         WHERE abs(l.quantity) > abs(n.quantity - n.credited_quantity)"
    "            OR sign(l.quantity) <> sign(n.quantity)),"
    "       (SELECT min(number) FROM invoice"
    "         WHERE id = ANY ($1::bigint[]) AND kind NOT IN ('customer_invoice', 'supplier_bill'))";

/* A draft for each invoice, at its prices, tax and rate, of what was not credited before. */
static const char credit_drafts[] =
    "SELECT json_agg(json_build_object("
    "           'kind', CASE i.kind WHEN 'customer_invoice' THEN 'credit_note' ELSE 'debit_note' END,"
    "           'party_id', i.party_id, 'credits_id', i.id, 'reference', i.number, 'flow_id', i.flow_id,"
    "           'invoice_date', greatest(coalesce(($2::json ->> 'date')::date, app_today()), i.invoice_date),"
    "           'currency_code', i.currency_code, 'exchange_rate', i.exchange_rate::text,"
    "           'prices_include_tax', i.prices_include_tax, 'tax_rounding', i.tax_rounding,"
    "           'note', $2::json ->> 'note', 'lines', n.lines) ORDER BY i.id)"
    "  FROM invoice i, LATERAL ("
    "           SELECT json_agg(json_build_object('credits_line_id', l.id, 'position', l.position,"
    "                      'quantity', coalesce(w.quantity, l.quantity - l.credited_quantity)::text)"
    "                      ORDER BY l.position, l.id) AS lines"
    "             FROM invoice_line l"
    "             LEFT JOIN json_to_recordset($2::json -> 'lines') AS w (id bigint, quantity numeric)"
    "                    ON w.id = l.id"
    "            WHERE l.invoice_id = i.id AND l.quantity <> l.credited_quantity"
    "              AND (w.id IS NOT NULL OR $2::json -> 'lines' IS NULL)) n"
    " WHERE i.id = ANY ($1::bigint[]) AND n.lines IS NOT NULL";

static const char credit_flow[] =
    "SELECT flow_join('invoice', 'invoice', (SELECT jsonb_agg(jsonb_build_object('from', credits_id, 'to', id))"
    "                                          FROM invoice WHERE id = ANY ($1::bigint[])))";

/*
 * Draft the credit note of a posted invoice (a debit note for a bill): of all that was not
 * credited before, or of the body's lines.
 *
 * Errors: not_found (lines), over_credited (lines), nothing_to_credit (lines)
 */
static bool
invoice_credit(struct rq *rq)
{
    const char *unknown, *over, *credit, *drafts, *made;

    db_ask(rq, credit_check, P(rq->ids, rq->body_text), OUT(&unknown, &over, &credit));
    drafts = db_text(rq, credit_drafts, P(rq->ids, rq->body_text));
    if (rq->errors)
        return false;
    if (credit)
        return fail(rq, "not_creditable", NULL, "%s is itself a credit", credit);
    if (unknown)
        return fail(rq, "not_found", "lines", "Line %s is not one of this invoice", unknown);
    if (over)
        return fail(rq, "over_credited", "lines", "More would be credited than line %s holds",
                    over);
    if (!drafts)
        return fail(rq, "nothing_to_credit", "lines", "All of it is credited already");
    made = entity_insert(rq, "invoice", drafts);
    return made && db_exec(rq, credit_flow, P(made));
}

/* Set a posted credit or debit note against the party's open invoices. */
static bool
invoice_allocate(struct rq *rq)
{
    return settle_now(rq, "credit_id");
}

/*
 * Write the next reminder of overdue invoices: what it says, the level and the hold come from
 * the triggers of dunning_letter.
 *
 * Errors: not_overdue, reminded, not_due (invoice_id)
 */
static bool
invoice_remind(struct rq *rq)
{
    return db_exec(rq,
                   "INSERT INTO dunning_letter (invoice_id)"
                   " SELECT id FROM unnest($1::bigint[]) AS id ORDER BY id",
                   P(rq->ids));
}

const struct operation invoice_operations[] = {
    { .name = "post",
      .label = "Post",
      .from = "draft",
      .to = "posted",
      .run = invoice_post,
      .args = "date:date",
      .help = "Number it and enter it in the books" },
    { .name = "cancel",
      .label = "Cancel",
      .from = "draft",
      .to = "cancelled",
      .help = "Drop a draft; what is posted is credited instead" },
    { .name = "credit",
      .label = "Make credit note",
      .from = "posted",
      .run = invoice_credit,
      .args = "lines:set date:date note:text",
      .help = "Draft a credit note of all lines, or of those that are named" },
    { .name = "allocate",
      .label = "Allocate",
      .from = "posted",
      .run = invoice_allocate,
      .args = "allocations:set date:date",
      .help = "Set a credit against open invoices, the oldest due first" },
    { .name = "remind",
      .label = "Send reminder",
      .from = "posted",
      .run = invoice_remind,
      .help = "Write the next reminder of an overdue invoice" },
    { .name = "refund",
      .label = "Refund",
      .from = "posted",
      .run = invoice_refund,
      .args = "amount:amount date:date",
      .help = "Draft the payment that gives back what is open of a credit note" },
    { 0 },
};
