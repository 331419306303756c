/*
 * What settles what. Sets on both sides: the open amounts of each party's payments and of its
 * invoices are laid end to end in their order, and where two ranges overlap one settles the
 * other; so one statement serves one payment or a thousand.
 *
 * The invoices are locked first, in a statement of its own: the amounts that the next one
 * reads are then the last ones.
 */
#include "modules/accounting/settle.h"

/* What a payment settles: bills, invoices, or credit notes when it gives money back. */
#define PAYS                                                                                       \
    "CASE p.kind WHEN 'receipt' THEN 'customer_invoice' WHEN 'refund' THEN 'credit_note'"          \
    " ELSE 'supplier_bill' END"

static const char invoices_lock[] =
    "SELECT FROM invoice i"
    " WHERE i.open_amount > 0 AND i.kind <> 'debit_note'"
    "   AND i.party_id IN (SELECT party_id FROM payment"
    "                       WHERE id = ANY ($1::bigint[]) AND $2 = 'payment_id'"
    "                      UNION ALL SELECT party_id FROM invoice"
    "                       WHERE id = ANY ($1::bigint[]) AND $2 = 'credit_id')"
    " ORDER BY i.id FOR UPDATE";

/* Overlaps of money (laid out by date) and dues (by due date), per party and currency. */
#define OLDEST_FIRST                                                                               \
    ", due AS ("                                                                                   \
    "    SELECT i.id, i.kind, i.party_id, i.currency_code, i.open_amount AS part,"                 \
    "           sum(i.open_amount) OVER (PARTITION BY i.kind, i.party_id, i.currency_code"         \
    "                                    ORDER BY i.due_date, i.id) AS upto"                       \
    "      FROM invoice i WHERE i.open_amount > 0"                                                 \
    "       AND i.party_id IN (SELECT party_id FROM money)"                                        \
    "), pair AS ("                                                                                 \
    "    SELECT m.id, m.currency_code, d.id AS invoice_id,"                                        \
    "           least(m.upto, d.upto) - greatest(m.upto - m.part, d.upto - d.part) AS amount"      \
    "      FROM money m JOIN due d USING (kind, party_id, currency_code)"                          \
    "     WHERE m.upto > d.upto - d.part AND d.upto > m.upto - m.part"                             \
    ")"

static const char plan_oldest[] =
    "WITH money AS ("
    "    SELECT p.id, " PAYS
    " AS kind,"
    "           p.party_id, p.currency_code, p.amount AS part,"
    "           sum(p.amount) OVER (PARTITION BY p.kind, p.party_id, p.currency_code"
    "                               ORDER BY p.payment_date, p.id) AS upto"
    "      FROM payment p WHERE p.id = ANY ($1::bigint[])"
    "       AND NOT EXISTS (SELECT FROM payment_line l WHERE l.payment_id = p.id)"
    ")" OLDEST_FIRST
    "INSERT INTO payment_line (payment_id, invoice_id, amount, currency_code)"
    " SELECT id, invoice_id, amount, currency_code FROM pair ORDER BY id, invoice_id";

static const char plan_clear[] = "DELETE FROM payment_line WHERE payment_id = ANY ($1::bigint[])";

static const char plan_named[] =
    "INSERT INTO payment_line (payment_id, invoice_id, amount, currency_code)"
    " SELECT p.id, a.invoice_id, sum(a.amount), p.currency_code"
    "  FROM payment p, json_to_recordset($2::json -> 'allocations') AS a (invoice_id bigint, amount numeric)"
    " WHERE p.id = ANY ($1::bigint[]) GROUP BY p.id, p.currency_code, a.invoice_id";

/* The request's allocations, NULL when it names none. They belong to one document. */
static bool
named_pairs(struct rq *rq, const cJSON **pairs)
{
    *pairs = cJSON_GetObjectItem(rq->body, "allocations");
    if (!*pairs)
        return true;
    if (!cJSON_IsArray(*pairs))
        return fail(rq, "invalid", "allocations", "This must be a list");
    return !strchr(rq->ids, ',') || fail(rq, "invalid", "allocations",
                                         "Allocations can be named for one document at a time");
}

bool
settle_plan(struct rq *rq)
{
    const cJSON *pairs;

    if (!named_pairs(rq, &pairs))
        return false;
    if (pairs)
        return db_exec(rq, plan_clear, P(rq->ids)) &&
               db_exec(rq, plan_named, P(rq->ids, rq->body_text));
    return db_exec(rq, invoices_lock, P(rq->ids, "payment_id")) &&
           db_exec(rq, plan_oldest, P(rq->ids));
}

#define ON_DATE "coalesce(($2::json ->> 'date')::date, app_today())"

static const char now_oldest[] =
    "WITH money AS ("
    "    SELECT p.id, " PAYS
    " AS kind,"
    "           p.party_id, p.currency_code, p.open_amount AS part,"
    "           sum(p.open_amount) OVER (PARTITION BY p.kind, p.party_id, p.currency_code"
    "                                    ORDER BY p.payment_date, p.id) AS upto"
    "      FROM payment p WHERE p.id = ANY ($1::bigint[]) AND $3 = 'payment_id' AND p.open_amount > 0"
    "    UNION ALL"
    "    SELECT i.id, CASE i.kind WHEN 'credit_note' THEN 'customer_invoice' ELSE 'supplier_bill' END,"
    "           i.party_id, i.currency_code, i.open_amount,"
    "           sum(i.open_amount) OVER (PARTITION BY i.kind, i.party_id, i.currency_code"
    "                                    ORDER BY i.invoice_date, i.id)"
    "      FROM invoice i WHERE i.id = ANY ($1::bigint[]) AND $3 = 'credit_id' AND i.open_amount > 0"
    "       AND i.kind IN ('credit_note', 'debit_note')"
    ")" OLDEST_FIRST
    "INSERT INTO allocation (invoice_id, payment_id, credit_id, amount, currency_code, allocated_on)"
    " SELECT invoice_id, CASE $3 WHEN 'payment_id' THEN id END, CASE $3 WHEN 'credit_id' THEN id END,"
    "       amount, currency_code, " ON_DATE " FROM pair ORDER BY invoice_id, id";

static const char now_named[] =
    "INSERT INTO allocation (invoice_id, payment_id, credit_id, amount, currency_code, allocated_on)"
    " SELECT a.invoice_id, CASE $3 WHEN 'payment_id' THEN id END, CASE $3 WHEN 'credit_id' THEN id END,"
    "       sum(a.amount), i.currency_code, " ON_DATE
    "  FROM unnest($1::bigint[]) AS id,"
    "       json_to_recordset($2::json -> 'allocations') AS a (invoice_id bigint, amount numeric)"
    "  JOIN invoice i ON i.id = a.invoice_id"
    " GROUP BY id, a.invoice_id, i.currency_code ORDER BY a.invoice_id";

bool
settle_now(struct rq *rq, const char *source)
{
    const cJSON *pairs;

    return named_pairs(rq, &pairs) && db_exec(rq, invoices_lock, P(rq->ids, source)) &&
           db_exec(rq, pairs ? now_named : now_oldest, P(rq->ids, rq->body_text, source));
}
