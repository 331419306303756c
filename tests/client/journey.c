/*
 * journey.c - the calls of one sale.
 */
#include "tests/client/journey.h"
#include "core/base/arena.h"
#include "core/base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *const journey_names[JOURNEY_STEPS] = {
    "lead", "qualify", "convert", "quotation", "send", "confirm",
    "ship", "invoice", "post",    "payment",   "pay",
};

static void
keep(char *to, size_t size, const char *text)
{
    snprintf(to, size, "%s", text ? text : "");
}

/* Time of a step is added up over its calls. */
static bool
done(struct journey *j, enum journey_step step, const struct answer *a)
{
    j->ms[step] += a->ms;
    if (a->syncs > j->syncs[step])
        j->syncs[step] = a->syncs;
    if (a->status / 100 == 2)
        return true;
    snprintf(j->problem, sizeof j->problem, "%s: %ld %s", journey_names[step], a->status,
             *answer_problem(a) ? answer_problem(a) : a->text);
    return false;
}

static bool
missing(struct journey *j, enum journey_step step, const char *entity)
{
    snprintf(j->problem, sizeof j->problem, "%s: no %s was made", journey_names[step], entity);
    return false;
}

bool
answer_created(const struct answer *a, const char *entity, char id[24])
{
    const cJSON *one;

    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(a->json, "created"))
    {
        const cJSON *made = cJSON_GetObjectItemCaseSensitive(one, "id");
        const char *what = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(one, "entity"));

        if (made && what && !strcmp(what, entity)) {
            snprintf(id, 24, "%.0f", made->valuedouble);
            return true;
        }
    }
    return false;
}

static bool
is_document(const cJSON *end, const char *entity, const char *id)
{
    const cJSON *key = cJSON_GetObjectItemCaseSensitive(end, "id");
    const char *is = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(end, "entity"));
    char text[24];

    snprintf(text, sizeof text, "%.0f", key ? key->valuedouble : -1);
    return is && !strcmp(is, entity) && !strcmp(text, id);
}

bool
answer_linked(const struct answer *flow, const char *from, const char *from_id, const char *to,
              const char *to_id)
{
    const cJSON *link;

    cJSON_ArrayForEach(link, cJSON_GetObjectItemCaseSensitive(flow->json, "links"))
    {
        if (is_document(cJSON_GetObjectItem(link, "from"), from, from_id) &&
            is_document(cJSON_GetObjectItem(link, "to"), to, to_id))
            return true;
    }
    return false;
}

bool
journey_find(struct journey *j, const char *of, const char *id, const char *entity,
             const char *state, char found[24])
{
    const struct answer *a = client_get(j->client, "/api/%s/%s/flow", of, id);
    const cJSON *one;

    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(a->json, "documents"))
    {
        const char *is = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(one, "entity"));
        const char *in = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(one, "state"));
        const cJSON *key = cJSON_GetObjectItemCaseSensitive(one, "id");

        if (is && in && key && !strcmp(is, entity) && (!state || !strcmp(in, state))) {
            snprintf(found, 24, "%.0f", key->valuedouble);
            return true;
        }
    }
    return false;
}

static const struct answer *
take(struct journey *j, const char *entity, const char *id, const char *action, const char *body)
{
    return client_post(j->client, body ? body : "{}", "/api/%s/%s/%s", entity, id, action);
}

bool
journey_lead(struct journey *j, const char *body)
{
    const struct answer *a = client_post(j->client, body, "/api/lead");

    if (!done(j, STEP_LEAD, a))
        return false;
    keep(j->lead, sizeof j->lead, answer_get(a, "id"));
    return true;
}

bool
journey_convert(struct journey *j, const char *body)
{
    const struct answer *a = take(j, "lead", j->lead, "qualify", NULL);

    if (!done(j, STEP_QUALIFY, a))
        return false;
    a = take(j, "lead", j->lead, "convert", body);
    if (!done(j, STEP_CONVERT, a))
        return false;
    return answer_created(a, "opportunity", j->opportunity) ||
           missing(j, STEP_CONVERT, "opportunity");
}

bool
journey_quotation(struct journey *j, const char *body)
{
    const struct answer *a = take(j, "opportunity", j->opportunity, "quote", body);

    if (!done(j, STEP_QUOTATION, a))
        return false;
    return answer_created(a, "sales_order", j->order) || missing(j, STEP_QUOTATION, "quotation");
}

bool
journey_send(struct journey *j, const char *body)
{
    return done(j, STEP_SEND, take(j, "sales_order", j->order, "quote", body));
}

bool
journey_confirm(struct journey *j, const char *body)
{
    const struct answer *a = take(j, "sales_order", j->order, "confirm", body);

    *j->shipment = '\0';
    if (!done(j, STEP_CONFIRM, a))
        return false;
    answer_created(a, "shipment", j->shipment);
    return true;
}

bool
journey_ship(struct journey *j, const char *body)
{
    const struct answer *a;

    if (!*j->shipment)
        return missing(j, STEP_SHIP, "delivery");
    a = take(j, "shipment", j->shipment, "ship", body);
    *j->invoice = '\0';
    if (!done(j, STEP_SHIP, a))
        return false;
    answer_created(a, "invoice", j->invoice);
    return true;
}

bool
journey_invoice(struct journey *j, const char *body)
{
    const struct answer *a;

    if (*j->invoice)
        return true;
    a = take(j, "sales_order", j->order, "invoice", body);
    if (a->status == 422 &&
        !strcmp(answer_get(a, "code") ? answer_get(a, "code") : "", "nothing_to_invoice")) {
        j->ms[STEP_INVOICE] += a->ms; /* the rule was faster */
        return journey_find(j, "sales_order", j->order, "invoice", "draft", j->invoice) ||
               missing(j, STEP_INVOICE, "invoice");
    }
    if (!done(j, STEP_INVOICE, a))
        return false;
    return answer_created(a, "invoice", j->invoice) || missing(j, STEP_INVOICE, "invoice");
}

bool
journey_post(struct journey *j, const char *body)
{
    const struct answer *a = take(j, "invoice", j->invoice, "post", body);

    if (!done(j, STEP_POST, a))
        return false;
    keep(j->party, sizeof j->party, answer_get(a, "record.party_id"));
    keep(j->currency, sizeof j->currency, answer_get(a, "record.currency_code"));
    keep(j->total, sizeof j->total, answer_get(a, "record.total"));
    keep(j->due_date, sizeof j->due_date, answer_get(a, "record.due_date"));
    return true;
}

/* Settle the invoice with its total, or what is due first with another amount. */
static const char *
settling(struct journey *j, struct arena *mem, const char *amount, const char *date)
{
    struct str s = str_new(mem);

    if (!amount)
        str_printf(&s, "\"allocations\": [{\"invoice_id\": %s, \"amount\": \"%s\"}]", j->invoice,
                   j->total);
    if (date)
        str_printf(&s, "%s\"date\": \"%s\"", s.len ? ", " : "", date);
    return arena_printf(mem, "{%s}", s.text);
}

bool
journey_pay(struct journey *j, const char *amount, const char *date)
{
    struct arena *mem = arena_new();
    struct str body = str_new(mem);
    const struct answer *a;
    bool paid = false;

    str_printf(&body,
               "{\"kind\": \"receipt\", \"party_id\": %s, \"amount\": \"%s\","
               " \"currency_code\": \"%s\"",
               j->party, amount ? amount : j->total, j->currency);
    if (date)
        str_printf(&body, ", \"payment_date\": \"%s\"", date);
    str_char(&body, '}');
    a = client_post(j->client, body.text, "/api/payment");
    if (done(j, STEP_PAYMENT, a)) {
        keep(j->payment, sizeof j->payment, answer_get(a, "id"));
        paid = done(j, STEP_PAY,
                    take(j, "payment", j->payment, "post", settling(j, mem, amount, date)));
    }
    arena_free(mem);
    return paid;
}
