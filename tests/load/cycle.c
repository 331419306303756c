/*
 * cycle.c - lead to cash, over and over: what one server does on this machine.
 *
 * A cycle is eight steps of one sale with five lines, each step its own HTTPS request (paying
 * takes two) and its own durable commit, audit and authentication on:
 *
 *     opportunity -> quotation -> send -> confirm -> ship -> invoice -> post -> pay
 *
 * Clients are threads with one kept-alive connection each; client i sells to customers of its
 * own, items are shared by all. Printed per number of clients: cycles per second over the whole
 * run, and for each step the median and the 99th percentile in milliseconds, as the client
 * sees it. Errors are counted and shown; a cycle with an error is not counted.
 *
 *     tenon-load URL LOGIN PASSWORD [SECONDS [CLIENTS...]]
 */
#include "tests/client/client.h"
#include "core/base/arena.h"
#include "core/base/str.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEPS = 8, ITEMS = 200, CUSTOMERS = 64, LINES = 5, CLIENTS_MOST = 64, SAMPLES = 1 << 17 };

static const char *const step_names[STEPS] = { "opportunity", "quotation", "send", "confirm",
                                               "ship",        "invoice",   "post", "pay" };

static const char *url, *login, *password;
static char customers[CUSTOMERS][24], items[ITEMS][24];

/* One client of one run. */
struct worker {
    pthread_t thread;
    int number;
    double end; /* seconds of the monotonic clock */
    struct client *client;
    long cycles, errors, syncs[STEPS];
    char problem[256]; /* the first one */
    float *ms[STEPS];
    unsigned random;
};

static double
seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "tenon-load: %s: %s\n", what, why);
    exit(1);
}

/* ------------------------------------------------------------------------------- set-up */

static void
must(const struct answer *a, const char *what, char id[24])
{
    const char *made = answer_get(a, "id");

    if (!made)
        made = answer_get(a, "record.id");
    if (a->status / 100 != 2 || (id && !made))
        die(what, *answer_problem(a) ? answer_problem(a) : a->text);
    if (id)
        snprintf(id, 24, "%s", made);
}

static const char *
id_path(const char *path, const char *id)
{
    static char text[64];

    snprintf(text, sizeof text, "%s%s", path, id);
    return text;
}

/* The steps are taken by hand: the rules that invoice what was shipped would race with them. */
static void
stop_invoicing_rules(struct client *c)
{
    const struct answer *a = client_get(c, "/api/workflow_rule");
    const cJSON *rules = cJSON_IsArray(a->json) ? a->json : cJSON_GetObjectItem(a->json, "items"),
                *rule;
    char ids[16][24];
    int n = 0;

    cJSON_ArrayForEach(rule, rules)
    {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(rule, "name"));

        if (n < 16 && name && str_starts(name, "sales.invoice_"))
            snprintf(ids[n++], 24, "%.0f", cJSON_GetObjectItem(rule, "id")->valuedouble);
    }
    while (n--)
        must(client_call(c, "PATCH", id_path("/api/workflow_rule/", ids[n]), "{\"active\": false}"),
             "rule", NULL);
}

static void
set_up(struct client *c)
{
    struct arena *mem = arena_new();
    long run = (long)time(NULL);
    char piece[24];

    stop_invoicing_rules(c);
    const struct answer *found = client_get(c, "/api/uom?code=eq.C62&limit=1");

    snprintf(piece, sizeof piece, "%s", answer_get(found, "rows.0.id"));
    for (int i = 0; i < CUSTOMERS; i++)
        must(client_post(c,
                         arena_printf(mem,
                                      "{\"code\": \"B%ld-%d\", \"name\": \"Bench customer %d\","
                                      " \"is_customer\": true}",
                                      run, i, i),
                         "/api/party"),
             "customer", customers[i]);
    for (int i = 0; i < ITEMS; i++) {
        must(
            client_post(c,
                        arena_printf(mem,
                                     "{\"code\": \"B%ld-%d\", \"name\": \"Bench item %d\","
                                     " \"kind\": \"stocked\", \"uom_id\": %s,"
                                     " \"list_price\": \"%d.50\", \"list_currency_code\": \"USD\"}",
                                     run, i, i, piece, 10 + i),
                        "/api/item"),
            "item", items[i]);
        must(client_post(c,
                         arena_printf(mem,
                                      "{\"item_id\": %s, \"quantity\": \"10000000\","
                                      " \"unit_cost\": \"%d.25\"}",
                                      items[i], 5 + i),
                         "/api/stock_opening"),
             "opening stock", NULL);
    }
    arena_free(mem);
}

/* -------------------------------------------------------------------------------- steps */

static unsigned
next_random(struct worker *w)
{
    w->random = w->random * 1664525u + 1013904223u;
    return w->random >> 8;
}

/* The id of what a step created, by its entity. */
static bool
created(const struct answer *a, const char *entity, char id[24])
{
    const cJSON *one;

    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(a->json, "created"))
    {
        const cJSON *made = cJSON_GetObjectItemCaseSensitive(one, "id");
        const char *what = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(one, "entity"));

        if (what && !strcmp(what, entity)) {
            snprintf(id, 24, "%.0f", made->valuedouble);
            return true;
        }
    }
    return false;
}

static bool
fine(struct worker *w, int step, const struct answer *a, float *ms)
{
    *ms += (float)a->ms;
    if (a->syncs > w->syncs[step])
        w->syncs[step] = a->syncs;
    if (a->status / 100 == 2)
        return true;
    if (!w->errors++)
        snprintf(w->problem, sizeof w->problem, "%s: %ld %s", step_names[step], a->status,
                 answer_problem(a));
    return false;
}

static const char *
opportunity_body(struct worker *w, struct arena *mem)
{
    struct str s = str_new(mem);
    unsigned customer = ((unsigned)w->number + CLIENTS_MOST * (unsigned)w->cycles) % CUSTOMERS;

    str_printf(&s, "{\"name\": \"Sale %ld\", \"party_id\": %s, \"lines\": [", w->cycles,
               customers[customer]);
    for (int i = 0; i < LINES; i++)
        str_printf(&s, "%s{\"item_id\": %s, \"quantity\": \"%u\"}", i ? "," : "",
                   items[(next_random(w) % (ITEMS / LINES)) * LINES + (unsigned)i],
                   1 + next_random(w) % 9);
    str_add(&s, "]}");
    return s.text;
}

static bool
post(struct worker *w, int step, float *ms, const char *path, const char *id, const char *verb,
     const char *body)
{
    return fine(w, step,
                client_post(w->client, body, "/api/%s%s%s%s%s", path, id ? "/" : "", id ? id : "",
                            verb ? "/" : "", verb ? verb : ""),
                ms);
}

/* One cycle; false at the first error. */
static bool
cycle(struct worker *w, struct arena *mem, float ms[STEPS])
{
    struct client *c = w->client;
    const struct answer *a = NULL;
    char opportunity[24], order[24], shipment[24], invoice[24], payment[24], total[32];

    if (!fine(w, 0, a = client_post(c, opportunity_body(w, mem), "/api/opportunity"), &ms[0]))
        return false;
    must(a, "opportunity", opportunity);
    if (!fine(w, 1, a = client_post(c, "{}", "/api/opportunity/%s/quote", opportunity), &ms[1]) ||
        !created(a, "sales_order", order))
        return false;
    if (!post(w, 2, &ms[2], "sales_order", order, "quote", "{}"))
        return false;
    if (!fine(w, 3, a = client_post(c, "{}", "/api/sales_order/%s/confirm", order), &ms[3]) ||
        !created(a, "shipment", shipment))
        return false;
    if (!fine(w, 4, a = client_post(c, "{}", "/api/shipment/%s/ship", shipment), &ms[4]))
        return false;
    if (!created(a, "invoice", invoice) &&
        (!fine(w, 5, a = client_post(c, "{}", "/api/sales_order/%s/invoice", order), &ms[5]) ||
         !created(a, "invoice", invoice)))
        return false;
    if (!fine(w, 6, a = client_post(c, "{}", "/api/invoice/%s/post", invoice), &ms[6]))
        return false;
    snprintf(total, sizeof total, "%s", answer_get(a, "record.total"));
    const char *body = arena_printf(mem,
                                    "{\"kind\": \"receipt\", \"party_id\": %s, \"amount\": \"%s\","
                                    " \"currency_code\": \"%s\"}",
                                    answer_get(a, "record.party_id"), total,
                                    answer_get(a, "record.currency_code"));

    if (!fine(w, 7, a = client_post(c, body, "/api/payment"), &ms[7]))
        return false;
    must(a, "payment", payment);
    body = arena_printf(mem, "{\"allocations\": [{\"invoice_id\": %s, \"amount\": \"%s\"}]}",
                        invoice, total);
    return post(w, 7, &ms[7], "payment", payment, "post", body);
}

static void *
work(void *arg)
{
    struct worker *w = arg;
    struct arena *mem = arena_new();

    while (seconds() < w->end && w->cycles < SAMPLES && w->errors < 20) {
        float ms[STEPS] = { 0 };

        if (cycle(w, mem, ms)) {
            for (int s = 0; s < STEPS; s++)
                w->ms[s][w->cycles] = ms[s];
            w->cycles++;
        }
        arena_reset(mem);
    }
    arena_free(mem);
    return NULL;
}

/* --------------------------------------------------------------------------- what is said */

static int
by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

struct figures {
    int clients;
    double cycles_per_s;
    long errors, syncs[STEPS];
    double p50[STEPS], p99[STEPS];
};

/* Percentiles of a step over all clients (nearest rank). */
static void
percentiles(struct worker *workers, int n, int step, struct figures *f)
{
    long count = 0, at = 0;

    for (int i = 0; i < n; i++)
        count += workers[i].cycles;
    if (!count)
        return;
    float *all = malloc((size_t)count * sizeof *all);

    if (!all)
        die("memory", "none left");
    for (int i = 0; i < n; i++) {
        memcpy(all + at, workers[i].ms[step], (size_t)workers[i].cycles * sizeof *all);
        at += workers[i].cycles;
    }
    qsort(all, (size_t)count, sizeof *all, by_size);
    f->p50[step] = (double)all[(count - 1) / 2];
    f->p99[step] = (double)all[(count * 99 + 99) / 100 - 1];
    free(all);
}

static struct figures
run(int n, double for_seconds)
{
    static struct worker workers[CLIENTS_MOST];
    struct figures f = { .clients = n };
    long cycles = 0;

    memset(workers, 0, sizeof workers);
    for (int i = 0; i < n; i++) {
        struct worker *w = &workers[i];

        w->number = i;
        w->random = (unsigned)i * 7919u + 1;
        w->client = client_new(url);
        if (!client_sign_in(w->client, login, password))
            die("sign-in", "refused");
        for (int s = 0; s < STEPS; s++)
            if (!(w->ms[s] = malloc(SAMPLES * sizeof(float))))
                die("memory", "none left");
    }
    double start = seconds();

    for (int i = 0; i < n; i++) {
        workers[i].end = start + for_seconds;
        pthread_create(&workers[i].thread, NULL, work, &workers[i]);
    }
    for (int i = 0; i < n; i++) {
        pthread_join(workers[i].thread, NULL);
        cycles += workers[i].cycles;
        f.errors += workers[i].errors;
        if (workers[i].errors)
            printf("    client %d: %ld errors, the first: %s\n", i, workers[i].errors,
                   workers[i].problem);
    }
    f.cycles_per_s = (double)cycles / (seconds() - start);
    for (int s = 0; s < STEPS; s++)
        percentiles(workers, n, s, &f);
    for (int i = 0; i < n; i++) {
        for (int s = 0; s < STEPS; s++) {
            if (workers[i].syncs[s] > f.syncs[s])
                f.syncs[s] = workers[i].syncs[s];
            free(workers[i].ms[s]);
        }
        client_free(workers[i].client);
    }
    return f;
}

static void
print(const struct figures *f)
{
    printf("%7d %9.1f %7ld ", f->clients, f->cycles_per_s, f->errors);
    for (int s = 0; s < STEPS; s++)
        printf("  %5.1f/%5.1f", f->p50[s], f->p99[s]);
    putchar('\n');
    fflush(stdout);
}

static void
write_json(const struct figures *all, int n)
{
    FILE *f = fopen("build/bench.json", "w");

    if (!f)
        return;
    fputs("[\n", f);
    for (int i = 0; i < n; i++) {
        fprintf(
            f,
            "%s  {\"name\": \"lead_to_cash_%d_clients\", \"value\": %.1f, \"unit\": \"cycles/s\","
            " \"target\": 100, \"detail\": {\"errors\": %ld",
            i ? ",\n" : "", all[i].clients, all[i].cycles_per_s, all[i].errors);
        for (int s = 0; s < STEPS; s++)
            fprintf(f, ", \"%s\": {\"p50_ms\": %.2f, \"p99_ms\": %.2f, \"syncs_most\": %ld}",
                    step_names[s], all[i].p50[s], all[i].p99[s], all[i].syncs[s]);
        fputs("}}", f);
    }
    fputs("\n]\n", f);
    fclose(f);
}

int
main(int argc, char **argv)
{
    static const char *const usual[] = { "1", "8", "32" };
    struct figures all[CLIENTS_MOST];
    int n = argc > 5 ? argc - 5 : 3;

    if (argc < 4) {
        fprintf(stderr, "usage: tenon-load URL LOGIN PASSWORD [SECONDS [CLIENTS...]]\n");
        return 2;
    }
    url = argv[1];
    login = argv[2];
    password = argv[3];
    double for_seconds = argc > 4 ? (double)strtol(argv[4], NULL, 10) : 15;
    struct client *c = client_new(url);

    if (!client_sign_in(c, login, password))
        die("sign-in", "refused");
    set_up(c);
    client_free(c);
    printf(
        "lead to cash: 5 lines, 8 steps, 9 requests over HTTPS, durable commits; %.0f s each;"
        " p50/p99 in ms\nclients  cycles/s  errors ",
        for_seconds);
    for (int s = 0; s < STEPS; s++)
        printf("  %11s", step_names[s]);
    putchar('\n');
    for (int i = 0; i < n && i < CLIENTS_MOST; i++) {
        long clients = strtol(argc > 5 ? argv[5 + i] : usual[i], NULL, 10);

        if (clients < 1 || clients > CLIENTS_MOST)
            die("clients", "1 to 64");
        all[i] = run((int)clients, for_seconds);
        print(&all[i]);
    }
    printf("most pipeline syncs of a request: ");
    for (int s = 0; s < STEPS; s++)
        printf("%s %ld%s", step_names[s], all[n - 1].syncs[s], s + 1 < STEPS ? ", " : "\n");
    write_json(all, n);
    return 0;
}
