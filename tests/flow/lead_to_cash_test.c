/*
 * lead_to_cash_test.c - what a company lives through, over real HTTPS: sold, delivered in
 * parts, paid in parts, blocked and released, changed by its administrator.
 */
#include "core/base/arena.h"
#include "core/base/str.h"
#include "tests/client/journey.h"
#include "tests/http_server.h"
#include "tests/test.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* A server with a customer, an item in stock and freight; and who works there. */
static struct shop {
    struct arena *mem;
    const struct http_server *server;
    struct client *admin;
    const char *item, *freight;
    int customers;
} at;

static const char *
record(const char *entity, const char *body)
{
    const struct answer *a = client_post(at.admin, body, "/api/%s", entity);

    if (a->status != 201)
        printf("\n    %s %s: %s", entity, body, a->text);
    CU_ASSERT_EQUAL(a->status, 201);
    return arena_strdup(at.mem, answer_get(a, "id") ? answer_get(a, "id") : "0");
}

static void
open_shop(const struct http_server *server)
{
    at.mem = arena_new();
    at.server = server;
    at.admin = http_client(server, "admin");
    const char *unit = arena_strdup(
        at.mem, answer_get(client_get(at.admin, "/api/uom?code=eq.EA&select=id"), "rows.0.id"));

    at.item = record("item", arena_printf(at.mem,
                                          "{\"code\": \"BOARD\", \"name\": \"Board\","
                                          " \"uom_id\": %s, \"list_price\": \"10\"}",
                                          unit));
    at.freight = record("item", arena_printf(at.mem,
                                             "{\"code\": \"FREIGHT\", \"name\": \"Freight\","
                                             " \"kind\": \"service\", \"uom_id\": %s,"
                                             " \"list_price\": \"5\"}",
                                             unit));
    record("stock_opening", arena_printf(at.mem,
                                         "{\"item_id\": %s, \"quantity\": \"1000\","
                                         " \"unit_cost\": \"6\"}",
                                         at.item));
}

static void
shop(void)
{
    if (!at.server)
        open_shop(http_server_start(NULL));
}

static const char *
customer(const char *terms)
{
    const char *party = record("party", arena_printf(at.mem,
                                                     "{\"name\": \"Customer %d\","
                                                     " \"is_customer\": true}",
                                                     ++at.customers));

    if (terms)
        record("customer_company", arena_printf(at.mem, "{\"party_id\": %s, %s}", party, terms));
    return party;
}

/* An order of so many boards and freight. */
static void
order(struct journey *j, const char *party, const char *quantity)
{
    *j = (struct journey){ .client = at.admin };
    snprintf(j->order, sizeof j->order, "%s",
             record("sales_order", arena_printf(at.mem,
                                                "{\"customer_id\": %s, \"lines\": ["
                                                "{\"item_id\": %s, \"quantity\": \"%s\"},"
                                                "{\"item_id\": %s, \"quantity\": \"1\"}]}",
                                                party, at.item, quantity, at.freight)));
}

static void
good(const struct journey *j, bool done)
{
    if (!done)
        printf("\n    %s", j->problem);
    CU_ASSERT_TRUE(done);
}

static const char *
value(const char *entity, const char *id, const char *field)
{
    const char *text = answer_get(client_get(at.admin, "/api/%s/%s", entity, id), field);

    return text ? arena_strdup(at.mem, text) : NULL;
}

/* Rules run in the background: give them ten seconds to make it so. */
static void
becomes(const char *entity, const char *id, const char *field, const char *should)
{
    struct timespec moment = { 0, 50 * 1000 * 1000 };
    const char *is = NULL;

    for (int i = 0; i < 200; i++) {
        is = value(entity, id, field);
        if (is && !strcmp(is, should))
            break;
        nanosleep(&moment, NULL);
    }
    CHECK_TEXT(is, should);
}

static bool
refused(const struct answer *a, const char *code)
{
    const char *is = answer_get(a, "code");

    if (!is || strcmp(is, code) != 0)
        printf("\n    %ld %s", a->status, a->text);
    return is && !strcmp(is, code);
}

/* ------------------------------------------------------------------------------- the story */

static void
a_lead_becomes_cash(void)
{
    struct journey j;

    shop();
    j = (struct journey){ .client = at.admin };
    good(&j, journey_lead(&j,
                          "{\"subject\": \"Boards\", \"organisation\": \"Story Works\","
                          " \"person\": \"N. Nobody\", \"email\": \"n@story.example\"}") &&
                 journey_convert(&j, "{\"new_party\": true}") &&
                 journey_quotation(&j, arena_printf(at.mem,
                                                    "{\"lines\": [{\"item_id\": %s,"
                                                    " \"quantity\": \"3\"}]}",
                                                    at.item)) &&
                 journey_send(&j, NULL) && journey_confirm(&j, NULL) && journey_ship(&j, NULL) &&
                 journey_invoice(&j, NULL) && journey_post(&j, NULL) &&
                 journey_pay(&j, NULL, NULL));
    CHECK_TEXT(j.total, "30.00");
    becomes("sales_order", j.order, "state", "closed");
    becomes("opportunity", j.opportunity, "state", "won");
    CHECK_TEXT(value("lead", j.lead, "state"), "converted");
    CHECK_TEXT(value("invoice", j.invoice, "open_amount"), "0.00");

    const struct answer *a = client_get(at.admin, "/api/payment/%s/flow", j.payment);

    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(a->json, "documents")), 6);
    CU_ASSERT_TRUE(answer_linked(a, "lead", j.lead, "opportunity", j.opportunity));
    CU_ASSERT_TRUE(answer_linked(a, "opportunity", j.opportunity, "sales_order", j.order));
    CU_ASSERT_TRUE(answer_linked(a, "sales_order", j.order, "shipment", j.shipment));
    CU_ASSERT_TRUE(answer_linked(a, "sales_order", j.order, "invoice", j.invoice));
    CU_ASSERT_TRUE(answer_linked(a, "invoice", j.invoice, "payment", j.payment));
    CU_ASSERT_EQUAL(cJSON_GetArraySize(cJSON_GetObjectItem(a->json, "links")), 5);
}

static void
a_partial_delivery_leaves_a_backorder_that_is_billed_later(void)
{
    struct journey j;
    char line[24], first[24], rest[24];

    shop();
    order(&j, customer(NULL), "10");
    good(&j, journey_confirm(&j, NULL));
    snprintf(first, sizeof first, "%s", j.shipment);
    snprintf(line, sizeof line, "%s", value("shipment", first, "lines.0.id"));
    good(&j,
         journey_ship(
             &j, arena_printf(at.mem, "{\"lines\": [{\"id\": %s, \"quantity\": \"4\"}]}", line)));
    CHECK_TEXT(value("sales_order", j.order, "delivered"), "part");
    good(&j, journey_invoice(&j, NULL) && journey_post(&j, NULL));
    CHECK_TEXT(j.total, "45.00"); /* 4 boards, and freight once */
    CHECK_TEXT(value("sales_order", j.order, "invoiced"), "part");

    CU_ASSERT_TRUE(journey_find(&j, "sales_order", j.order, "shipment", "draft", rest));
    CHECK_TEXT(value("shipment", rest, "backorder_of_id"), first);
    CHECK_TEXT(value("shipment", rest, "lines.0.quantity"), "6");
    snprintf(j.shipment, sizeof j.shipment, "%s", rest);
    good(&j, journey_ship(&j, NULL) && journey_invoice(&j, NULL) && journey_post(&j, NULL));
    CHECK_TEXT(j.total, "60.00");
    CHECK_TEXT(value("sales_order", j.order, "delivered"), "full");
    CHECK_TEXT(value("sales_order", j.order, "invoiced"), "full");
    CHECK_TEXT(value("sales_order", j.order, "lines.0.quantity_delivered"), "10");
    CHECK_TEXT(value("sales_order", j.order, "lines.0.quantity_invoiced"), "10");
}

static void
money_comes_in_parts_and_too_much(void)
{
    struct journey j;

    shop();
    order(&j, customer(NULL), "10");
    good(&j, journey_confirm(&j, NULL) && journey_ship(&j, NULL) && journey_invoice(&j, NULL) &&
                 journey_post(&j, NULL) && journey_pay(&j, "40.00", NULL));
    CHECK_TEXT(value("invoice", j.invoice, "paid"), "part");
    CHECK_TEXT(value("invoice", j.invoice, "open_amount"), "65.00");
    CHECK_TEXT(value("sales_order", j.order, "paid"), "part");
    good(&j, journey_pay(&j, "100.00", NULL));
    CHECK_TEXT(value("invoice", j.invoice, "paid"), "full");
    CHECK_TEXT(value("payment", j.payment, "open_amount"), "35.00");
    CHECK_TEXT(value("party", j.party, "exposure"), "-35.00"); /* a prepayment */
    becomes("sales_order", j.order, "state", "closed");
}

static void
an_order_over_the_credit_limit_waits_for_a_release_by_name(void)
{
    struct client *sales, *finance;
    struct journey j;

    shop();
    sales = http_client(at.server, "sales");
    finance = http_client(at.server, "finance");
    order(&j, customer("\"credit_limit\": \"50\""), "10");
    CU_ASSERT_TRUE(refused(client_post(sales, "{}", "/api/sales_order/%s/confirm", j.order),
                           "credit_limit_exceeded"));
    CHECK_TEXT(value("sales_order", j.order, "state"), "draft");
    CU_ASSERT_TRUE(refused(client_post(sales, "{}", "/api/sales_order/%s/release_credit", j.order),
                           "forbidden"));
    CU_ASSERT_EQUAL(
        client_post(finance, "{}", "/api/sales_order/%s/release_credit", j.order)->status, 200);
    CU_ASSERT_EQUAL(client_post(sales, "{}", "/api/sales_order/%s/confirm", j.order)->status, 200);
    CHECK_TEXT(value("sales_order", j.order, "state"), "confirmed");
    CHECK_TEXT(value("sales_order", j.order, "credit_released_by"),
               http_sql(at.server, "SELECT id FROM app_user WHERE login = 'finance'"));
    client_free(sales);
    client_free(finance);
}

static void
a_rule_makes_of_the_credit_limit_a_warning(void)
{
    struct journey j;
    const char *made;

    shop();
    order(&j, customer("\"credit_limit\": \"50\""), "10");
    CU_ASSERT_TRUE(refused(client_post(at.admin, "{}", "/api/sales_order/%s/confirm", j.order),
                           "credit_limit_exceeded"));
    const struct answer *rule = client_post(
        at.admin,
        "{\"name\": \"test.warn\", \"entity\": \"sales_order\", \"label\": \"Warn\","
        " \"label_zh\": \"警告\", \"when\": {\"before\": \"confirm\"}, \"timing\": \"immediate\","
        " \"if\": \"order.customer.code ~= 'NONE'\","
        " \"then\": [{\"run\": \"release_credit\"}]}",
        "/api/workflow_rule");

    CU_ASSERT_EQUAL(rule->status, 201);
    made = arena_strdup(at.mem, answer_get(rule, "id") ? answer_get(rule, "id") : "0");
    CU_ASSERT_EQUAL(client_post(at.admin, "{}", "/api/sales_order/%s/confirm", j.order)->status,
                    200);
    CHECK_TEXT(value("sales_order", j.order, "credit_released_by"),
               http_sql(at.server, "SELECT id FROM app_user WHERE login = 'admin'"));
    http_sql(at.server, "DELETE FROM workflow_rule WHERE id = %s", made);
}

static void
an_overdue_customer_orders_again_when_he_has_paid(void)
{
    struct journey late, next;
    const char *party;

    shop();
    party = customer(NULL);
    order(&late, party, "1");
    good(&late, journey_confirm(&late, NULL) && journey_ship(&late, NULL) &&
                    journey_invoice(&late, NULL) &&
                    journey_post(&late, "{\"date\": \"2026-02-01\"}"));
    order(&next, party, "1");
    CU_ASSERT_FALSE(journey_confirm(&next, NULL));
    CU_ASSERT_PTR_NOT_NULL(strstr(next.problem, "This customer has overdue invoices"));
    good(&late, journey_pay(&late, NULL, NULL));
    good(&next, journey_confirm(&next, NULL));
}

static void
a_cancelled_order_gives_its_goods_back(void)
{
    struct journey j;
    const char *before;

    shop();
    order(&j, customer(NULL), "7");
    before = http_sql(at.server, "SELECT sum(available) FROM stock_available WHERE item_id = %s",
                      at.item);
    good(&j, journey_confirm(&j, NULL));
    CU_ASSERT_EQUAL(client_post(at.admin, "{}", "/api/sales_order/%s/cancel", j.order)->status,
                    200);
    CHECK_TEXT(value("shipment", j.shipment, "state"), "cancelled");
    CHECK_TEXT(http_sql(at.server, "SELECT sum(available) FROM stock_available WHERE item_id = %s",
                        at.item),
               before);
}

/* ------------------------------------------------------------------------ the administrator */

/* Definition of the orders' workflow with a state of this name before confirmation. */
static const char *
with_state(const char *name, int limit)
{
    cJSON *w = cJSON_Parse(client_get(at.admin, "/api/workflow/sales_order/1")->text), *t, *from;
    cJSON *state = cJSON_Parse(arena_printf(at.mem,
                                            "{\"name\": \"%s\", \"label\": \"%s\","
                                            " \"label_zh\": \"%s\", \"like\": \"draft\"}",
                                            name, name, name));
    cJSON *step = cJSON_Parse(arena_printf(
        at.mem,
        "{\"action\": \"to_%s\", \"from\": [\"draft\"], \"to\": \"%s\", \"label\": \"To %s\","
        " \"label_zh\": \"%s\", \"roles\": [], \"guards\": [{\"require\": \"order.total <= %d\","
        " \"code\": \"too_big\", \"field\": \"total\", \"message\": \"Too big\", \"message_zh\": \"太大\"}],"
        " \"approvals\": []}",
        name, name, name, name, limit));

    cJSON_AddItemToArray(cJSON_GetObjectItem(w, "states"), state);
    cJSON_ArrayForEach(t, cJSON_GetObjectItem(w, "transitions"))
    {
        if (strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(t, "action")), "confirm") != 0)
            continue;
        from = cJSON_CreateArray();
        cJSON_AddItemToArray(from, cJSON_CreateString(name));
        cJSON_ReplaceItemInObject(t, "from", from);
    }
    cJSON_AddItemToArray(cJSON_GetObjectItem(w, "transitions"), step);
    char *text = cJSON_PrintUnformatted(w);
    const char *kept = arena_strdup(at.mem, text);

    cJSON_free(text);
    cJSON_Delete(w);
    return kept;
}

static void
a_state_with_a_random_name_is_obeyed_by_the_next_order(void)
{
    struct journey old, small, big;
    char name[24];
    int limit = 20 + (int)(getpid() % 50);
    const struct answer *a;

    shop();
    snprintf(name, sizeof name, "s%ld", (long)(time(NULL) % 100000));
    order(&old, customer(NULL), "1");
    a = client_call(at.admin, "PUT", "/api/workflow/sales_order", with_state(name, limit));
    if (a->status / 100 != 2)
        printf("\n    %s", a->text);
    CU_ASSERT_EQUAL(a->status / 100, 2);
    a = client_post(at.admin, "{}", "/api/workflow/sales_order/publish");
    if (a->status / 100 != 2)
        printf("\n    %s", a->text);
    CU_ASSERT_EQUAL(a->status / 100, 2);

    order(&small, customer(NULL), "1");
    CU_ASSERT_TRUE(refused(client_post(at.admin, "{}", "/api/sales_order/%s/confirm", small.order),
                           "wrong_state"));
    CU_ASSERT_EQUAL(
        client_post(at.admin, "{}", "/api/sales_order/%s/to_%s", small.order, name)->status, 200);
    CHECK_TEXT(value("sales_order", small.order, "state"), name);
    good(&small, journey_confirm(&small, NULL));
    order(&big, customer(NULL), "50");
    CU_ASSERT_TRUE(refused(
        client_post(at.admin, "{}", "/api/sales_order/%s/to_%s", big.order, name), "too_big"));
    good(&old, journey_confirm(&old, NULL)); /* it began under the old version */
    a = client_post(at.admin, "{}", "/api/workflow/sales_order/rollback");
    CU_ASSERT_EQUAL(a->status / 100, 2);
}

static void
without_the_shipped_rules_nothing_happens_by_itself(void)
{
    struct http_server *bare = http_server_start(NULL);
    struct shop before = at;
    struct journey j;
    char shipment[24];

    open_shop(bare);
    const char *rules = http_sql(bare,
                                 "SELECT string_agg(id::text, ',') FROM workflow_rule"
                                 " WHERE module IN ('sales', 'crm')");

    for (const char *r = rules; r && *r; r += strspn(r, ",")) {
        size_t n = strcspn(r, ",");
        const struct answer *a = client_call(
            at.admin, "DELETE", arena_printf(at.mem, "/api/workflow_rule/%.*s", (int)n, r), NULL);

        CU_ASSERT_EQUAL(a->status / 100, 2);
        r += n;
    }
    order(&j, customer(NULL), "5");
    good(&j, journey_confirm(&j, NULL));
    CHECK_TEXT(j.shipment, "");
    CHECK_TEXT(http_sql(bare, "SELECT count(*) FROM shipment"), "0");
    const struct answer *a = client_post(at.admin, "{}", "/api/sales_order/%s/deliver", j.order);

    CU_ASSERT_TRUE(answer_created(a, "shipment", shipment));
    CU_ASSERT_EQUAL(client_post(at.admin, "{}", "/api/shipment/%s/ship", shipment)->status, 200);
    sleep(1); /* longer than the queue of jobs sleeps */
    CHECK_TEXT(http_sql(bare, "SELECT count(*) FROM invoice"), "0");
    CHECK_TEXT(http_sql(bare, "SELECT count(*) FROM job WHERE payload ? 'record'"), "0");
    good(&j, journey_invoice(&j, NULL) && journey_post(&j, NULL) && journey_pay(&j, NULL, NULL));
    sleep(1);
    CHECK_TEXT(value("sales_order", j.order, "paid"), "full");
    CHECK_TEXT(value("sales_order", j.order, "state"), "confirmed");
    client_free(at.admin);
    arena_free(at.mem);
    at = before;
    http_server_stop(bare);
}

static void
confirming_with_its_rules_takes_few_round_trips(void)
{
    struct journey j;

    shop();
    for (int i = 0; i < 8; i++) { /* each connection knows the definitions and the catalog then */
        order(&j, customer(NULL), "1");
        good(&j, journey_confirm(&j, NULL));
    }
    printf("(%ld) ", j.syncs[STEP_CONFIRM]);
    CU_ASSERT_TRUE(j.syncs[STEP_CONFIRM] > 0 && j.syncs[STEP_CONFIRM] <= 5);
}

static void
the_books_agree_at_the_end(void)
{
    shop();
    for (
        const char *const *sql =
            (const char *const[]){
                "SELECT count(*) FROM sales_order o JOIN sales_order_derived d USING (id)"
                " WHERE (o.net, o.tax, o.delivered, o.invoiced, o.paid, o.open_value)"
                " IS DISTINCT FROM (d.net, d.tax, d.delivered, d.invoiced, d.paid, d.open_value)",
                "SELECT coalesce(sum(debit - credit), 0) FROM journal_line WHERE posted_on IS NOT NULL",
                "SELECT count(*) FROM job WHERE state = 'dead'", NULL };
        *sql; sql++)
        CU_ASSERT_PTR_NOT_NULL(strchr("0", *http_sql(at.server, "%s", *sql)));
}

const struct test lead_to_cash_tests[] = {
    { "a lead becomes cash", a_lead_becomes_cash },
    { "a partial delivery leaves a backorder that is billed later",
      a_partial_delivery_leaves_a_backorder_that_is_billed_later },
    { "money comes in parts, and too much", money_comes_in_parts_and_too_much },
    { "an order over the credit limit waits for a release by name",
      an_order_over_the_credit_limit_waits_for_a_release_by_name },
    { "a rule makes of the credit limit a warning", a_rule_makes_of_the_credit_limit_a_warning },
    { "an overdue customer orders again when he has paid",
      an_overdue_customer_orders_again_when_he_has_paid },
    { "a cancelled order gives its goods back", a_cancelled_order_gives_its_goods_back },
    { "a state with a random name is obeyed by the next order",
      a_state_with_a_random_name_is_obeyed_by_the_next_order },
    { "without the shipped rules nothing happens by itself",
      without_the_shipped_rules_nothing_happens_by_itself },
    { "confirming with its rules takes few round trips",
      confirming_with_its_rules_takes_few_round_trips },
    { "the books agree at the end", the_books_agree_at_the_end },
    { 0 },
};
