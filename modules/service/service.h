/*
 * service.h - after the sale: cases from the first message to the confirmed solution.
 *
 * case.c holds the steps of a case, message.c what is said about it. Its clocks follow in the
 * database (sql/sla.sql), its links to order, delivery, invoice and lot too (sql/case.sql).
 */
#ifndef TENON_SERVICE_H
#define TENON_SERVICE_H

#include "core/entity/module.h"

extern const struct operation service_case_operations[];

/* Those of these cases that are in one of the states: "{1,2}", NULL after an error. */
const char *cases_in(struct rq *rq, const char *ids, const char *states);

/* Operations that say something about a case (message.c). */
bool case_reply(struct rq *rq);
bool case_note(struct rq *rq);
bool case_receive(struct rq *rq);

/* Write a message of this kind ("reply", "note") about each of rq->ids. */
bool case_say(struct rq *rq, const char *kind, const char *body);

#endif
