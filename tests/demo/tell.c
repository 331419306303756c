/*
 * tell.c - one run from lead to cash, told step by step: what was done, through which call,
 * which document it made, in how many milliseconds. Every run adds a story and changes no
 * other.
 *
 *     tenon-demo URL LOGIN PASSWORD
 */
#include "tests/client/journey.h"
#include "core/base/arena.h"
#include "core/base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct journey story;
static double total_ms;

static _Noreturn void
die(const char *what)
{
    fprintf(stderr, "tenon-demo: %s\n", what);
    exit(1);
}

/* The number of a document, as people call it. */
static const char *
number_of(const char *entity, const char *id, const char *field, char text[64])
{
    const char *value = answer_get(client_get(story.client, "/api/%s/%s", entity, id), field);

    snprintf(text, 64, "%s", value ? value : id);
    return text;
}

static void
say(const char *what, const char *number, double ms)
{
    total_ms += ms;
    printf("  %-44s %-18s %7.1f ms\n", what, number, ms);
    fflush(stdout);
}

/* The id of the record with this code. */
static const char *
id_of(struct arena *mem, const char *entity, const char *code)
{
    const char *id = answer_get(
        client_get(story.client, "/api/%s?code=eq.%s&select=id", entity, code), "rows.0.id");

    if (!id)
        die(arena_printf(mem, "there is no %s %s: is this the demo company?", entity, code));
    return arena_strdup(mem, id);
}

/* Somebody asks for things that the company sells: a different mix in each story. */
static void
prospect(struct arena *mem)
{
    static const char *const subjects[] = { "Workbenches for a new school", "Oak for a staircase",
                                            "Tools for an apprentice shop", "A kitchen in ash" };
    long now = (long)time(NULL);
    char text[64];

    if (!journey_lead(
            &story,
            arena_printf(mem,
                         "{\"subject\": \"%s\", \"organisation\": \"Figment Works %ld\","
                         " \"organisation_zh\": \"虚构工坊 %ld\", \"person\": \"Nia Nonexistent\","
                         " \"email\": \"nia.%ld@figment.example\", \"country_code\": \"GB\","
                         " \"city\": \"Sampleton\", \"street\": \"%ld Example Lane\"}",
                         subjects[now % 4], now, now, now, now % 90 + 1)))
        die(story.problem);
    say("a lead comes in", number_of("lead", story.lead, "number", text), story.ms[STEP_LEAD]);
    if (!journey_convert(&story, "{\"new_party\": true}"))
        die(story.problem);
    say("it is qualified", "", story.ms[STEP_QUALIFY]);
    say("and becomes customer, contact, opportunity",
        number_of("opportunity", story.opportunity, "number", text), story.ms[STEP_CONVERT]);
}

static void
quotation(struct arena *mem)
{
    long now = (long)time(NULL);
    char text[64];

    if (!journey_quotation(&story,
                           arena_printf(mem,
                                        "{\"customer_reference\": \"story %ld\", \"lines\": ["
                                        "{\"item_id\": %s, \"quantity\": \"%ld\"},"
                                        "{\"item_id\": %s, \"quantity\": \"%ld\"},"
                                        "{\"item_id\": %s, \"quantity\": \"1\"}]}",
                                        now, id_of(mem, "item", "OAK-25"), now % 7 + 4,
                                        id_of(mem, "item", "CHISEL-12"), now % 3 + 1,
                                        id_of(mem, "item", "FREIGHT"))))
        die(story.problem);
    say("a quotation with prices and stock", number_of("sales_order", story.order, "number", text),
        story.ms[STEP_QUOTATION]);
    if (!journey_send(&story, NULL))
        die(story.problem);
    say("is sent", number_of("sales_order", story.order, "total", text), story.ms[STEP_SEND]);
}

static void
delivery(void)
{
    char text[64];

    if (!journey_confirm(&story, NULL))
        die(story.problem);
    say("the customer orders: credit, stock, delivery",
        number_of("shipment", story.shipment, "number", text), story.ms[STEP_CONFIRM]);
    if (!journey_ship(&story, NULL))
        die(story.problem);
    say("the goods leave, their cost is posted",
        number_of("shipment", story.shipment, "done_date", text), story.ms[STEP_SHIP]);
}

static void
cash(void)
{
    char text[64];

    if (!journey_invoice(&story, NULL))
        die(story.problem);
    say("what left is invoiced", "draft", story.ms[STEP_INVOICE]);
    if (!journey_post(&story, NULL))
        die(story.problem);
    say("the invoice is posted", number_of("invoice", story.invoice, "number", text),
        story.ms[STEP_POST]);
    if (!journey_pay(&story, NULL, NULL))
        die(story.problem);
    say("the money arrives", number_of("payment", story.payment, "number", text),
        story.ms[STEP_PAYMENT]);
    say("and settles the invoice", number_of("invoice", story.invoice, "paid", text),
        story.ms[STEP_PAY]);
}

/* The rule that closes the order runs in the background: give it a moment. */
static void
outcome(void)
{
    static const char *const columns[] = { "state", "delivered", "invoiced", "paid" };
    struct timespec moment = { 0, 50 * 1000 * 1000 };
    char text[4][64];

    for (int i = 0; i < 60; i++) {
        if (!strcmp(number_of("sales_order", story.order, "state", text[0]), "closed"))
            break;
        nanosleep(&moment, NULL);
    }
    for (int i = 0; i < 4; i++)
        number_of("sales_order", story.order, columns[i], text[i]);
    printf("\n  The order is %s: delivered %s, invoiced %s, paid %s. Eleven steps took %.0f ms.\n",
           text[0], text[1], text[2], text[3], total_ms);
}

int
main(int argc, char **argv)
{
    struct arena *mem = arena_new();

    if (argc != 4)
        die("usage: tenon-demo URL LOGIN PASSWORD");
    story.client = client_new(argv[1]);
    if (!client_sign_in(story.client, argv[2], argv[3]))
        die("cannot sign in");
    printf("\nFrom lead to cash, through %s\n\n", argv[1]);
    prospect(mem);
    quotation(mem);
    delivery();
    cash();
    outcome();
    client_free(story.client);
    arena_free(mem);
    return 0;
}
