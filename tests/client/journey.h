/*
 * journey.h - one sale through the interface, from the lead to the payment: the demo story,
 * the order book and the scenario tests all travel it.
 *
 * Each step is one call (an invoice may need two); its time is kept. A step that fails leaves
 * a sentence in problem and returns false.
 */
#ifndef TENON_TEST_JOURNEY_H
#define TENON_TEST_JOURNEY_H

#include "tests/client/client.h"

enum journey_step {
    STEP_LEAD,
    STEP_QUALIFY,
    STEP_CONVERT,
    STEP_QUOTATION,
    STEP_SEND,
    STEP_CONFIRM,
    STEP_SHIP,
    STEP_INVOICE,
    STEP_POST,
    STEP_PAYMENT,
    STEP_PAY,
    JOURNEY_STEPS
};
extern const char *const journey_names[JOURNEY_STEPS];

struct journey {
    struct client *client;
    char lead[24], opportunity[24], order[24], shipment[24], invoice[24], payment[24];
    char party[24], currency[8], total[32], due_date[16]; /* of the posted invoice */
    double ms[JOURNEY_STEPS];
    long syncs[JOURNEY_STEPS];
    char problem[400];
};

/* The id of what a call created, by its entity. */
bool answer_created(const struct answer *a, const char *entity, char id[24]);

/* Does the answer of a flow say that one document came from the other? */
bool answer_linked(const struct answer *flow, const char *from, const char *from_id, const char *to,
                   const char *to_id);

/* The first document of this kind in the flow of a record, in this state (NULL: any). */
bool journey_find(struct journey *j, const char *of, const char *id, const char *entity,
                  const char *state, char found[24]);

/* body NULL: "{}". */
bool journey_lead(struct journey *j, const char *body);
bool journey_convert(struct journey *j, const char *body); /* qualify, then convert */
bool journey_quotation(struct journey *j, const char *body);
bool journey_send(struct journey *j, const char *body);
bool journey_confirm(struct journey *j, const char *body);
bool journey_ship(struct journey *j, const char *body);

/* The draft invoice of what was shipped: made by the shipped rule, or by us when we are first. */
bool journey_invoice(struct journey *j, const char *body);
bool journey_post(struct journey *j, const char *body);

/* A receipt on this day (NULL: today): of the invoice's total and for it (amount NULL), or of
 * another amount, for what is due first. */
bool journey_pay(struct journey *j, const char *amount, const char *date);

#endif
