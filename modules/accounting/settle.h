/*
 * settle.h - what settles what: named pairs from the request, or the oldest due first.
 */
#ifndef TENON_SETTLE_H
#define TENON_SETTLE_H

#include "core/db/db.h"

/* Note on the draft payments rq->ids what they are meant for (payment_line): the body's
 * "allocations" [{"invoice_id", "amount"}], else, where nothing was noted before, the
 * party's open invoices, the oldest due first. Queued: no round trip but for a refusal. */
bool settle_plan(struct rq *rq);

/* Allocate at once from what is open of rq->ids: posted payments ("payment_id") or credit
 * and debit notes ("credit_id"). */
bool settle_now(struct rq *rq, const char *source);

/* invoice.refund: draft payments that give back what is open of the credit notes rq->ids
 * (refund.c). */
bool invoice_refund(struct rq *rq);

#endif
