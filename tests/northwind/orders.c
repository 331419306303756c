/*
 * orders.c - every order from lead to cash, by several clients at once. A client takes a
 * customer with all his orders, oldest first: who has not paid gets nothing more on credit, so
 * one customer's orders are one after the other, as they were.
 */
#include "core/base/str.h"
#include "tests/northwind/northwind.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MOST_CLIENTS = 64 };

struct crew {
    const struct book *book;
    const struct server *server;
    struct run *run;
    pthread_mutex_t lock;
    int next;                           /* customer */
    const char **customers, **products; /* ids on the server, by row */
    const char *freight;
    struct arena *mem;
};

static double
seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ------------------------------------------------------------------ what the server calls them */

static const char *
id_by_code(struct client *c, struct arena *mem, const char *entity, const char *code)
{
    const char *id =
        answer_get(client_get(c, "/api/%s?code=eq.%s&select=id", entity, code), "rows.0.id");

    if (!id)
        book_die(code, "is not on the server");
    return arena_strdup(mem, id);
}

static void
find_ids(struct crew *w)
{
    const struct book *b = w->book;
    struct client *c = client_new(w->server->url);

    if (!client_sign_in(c, w->server->login, w->server->password))
        book_die(w->server->url, "the sign-in is refused");
    w->customers = arena_alloc(w->mem, (size_t)(b->customers.nrows + 1) * sizeof(char *));
    w->products = arena_alloc(w->mem, (size_t)(b->products.nrows + 1) * sizeof(char *));
    for (int i = 0; i < b->customers.nrows; i++)
        w->customers[i] =
            id_by_code(c, w->mem, "party", book_cell(&b->customers, i, "customer_id"));
    for (int i = 0; i < b->products.nrows; i++)
        w->products[i] = id_by_code(c, w->mem, "item", book_cell(&b->products, i, "product_id"));
    w->freight = id_by_code(c, w->mem, "item", "FREIGHT");
    client_free(c);
}

static const char *
product_id(const struct crew *w, const char *code)
{
    for (int i = 0; i < w->book->products.nrows; i++)
        if (!strcmp(book_cell(&w->book->products, i, "product_id"), code))
            return w->products[i];
    book_die(code, "is ordered, but no product");
}

/* ------------------------------------------------------------------ one order */

static void
add_field(struct str *s, const char *name, const char *value)
{
    if (!*value)
        return;
    str_printf(s, "%s\"%s\": ", s->text[s->len - 1] == '{' ? "" : ", ", name);
    str_json(s, value);
}

static const char *
quotation_body(const struct crew *w, struct arena *mem, const struct book_order *o)
{
    const struct book *b = w->book;
    const char *freight = book_cell(&b->orders, o->row, "freight");
    struct str s = str_new(mem);

    str_char(&s, '{');
    add_field(&s, "order_date", book_cell(&b->orders, o->row, "order_date"));
    add_field(&s, "required_date", book_cell(&b->orders, o->row, "required_date"));
    add_field(&s, "customer_reference", book_cell(&b->orders, o->row, "order_id"));
    add_field(&s, "shipping_name", book_cell(&b->orders, o->row, "ship_name"));
    add_field(&s, "shipping_street", book_cell(&b->orders, o->row, "ship_address"));
    add_field(&s, "shipping_city", book_cell(&b->orders, o->row, "ship_city"));
    add_field(&s, "shipping_region", book_cell(&b->orders, o->row, "ship_region"));
    add_field(&s, "shipping_postal_code", book_cell(&b->orders, o->row, "ship_postal_code"));
    str_add(&s, ", \"lines\": [");
    for (int i = 0; i < o->count; i++) {
        int row = b->line_rows[o->first + i];

        str_printf(
            &s,
            "%s{\"item_id\": %s, \"quantity\": \"%s\", \"unit_price\": \"%s\", \"discount\": \"%s\"}",
            i ? ", " : "", product_id(w, book_cell(&b->lines, row, "product_id")),
            book_cell(&b->lines, row, "quantity"), book_cell(&b->lines, row, "unit_price"),
            book_percent(mem, book_cell(&b->lines, row, "discount")));
    }
    if (*freight)
        str_printf(&s, "%s{\"item_id\": %s, \"quantity\": \"1\", \"unit_price\": \"%s\"}",
                   o->count ? ", " : "", w->freight, freight);
    str_add(&s, "]}");
    return s.text;
}

static const char *
lead_body(const struct crew *w, struct arena *mem, const struct book_order *o, int customer)
{
    struct str s = str_new(mem);

    str_printf(&s, "{\"subject\": \"Order %s\", \"organisation\": ",
               book_cell(&w->book->orders, o->row, "order_id"));
    str_json(&s, book_cell(&w->book->customers, customer, "company_name"));
    str_add(&s, ", \"person\": ");
    str_json(&s, book_cell(&w->book->customers, customer, "contact_name"));
    str_add(&s, ", \"phone\": ");
    str_json(&s, book_cell(&w->book->customers, customer, "phone"));
    str_char(&s, '}');
    return s.text;
}

/* What has a ship date is delivered, invoiced and paid; the rest stays a confirmed order. */
static bool
travel(const struct crew *w, struct arena *mem, struct journey *j, const struct book_order *o,
       int customer)
{
    const char *shipped = book_cell(&w->book->orders, o->row, "shipped_date");
    const char *date = arena_printf(mem, "{\"date\": \"%s\"}", shipped);

    if (!journey_lead(j, lead_body(w, mem, o, customer)) ||
        !journey_convert(j, arena_printf(mem, "{\"party_id\": %s}", w->customers[customer])) ||
        !journey_quotation(j, quotation_body(w, mem, o)) || !journey_send(j, NULL) ||
        !journey_confirm(j, NULL))
        return false;
    return !*shipped ||
           (journey_ship(j, date) && journey_invoice(j, date) && journey_post(j, date) &&
            journey_pay(j, NULL, arena_strdup(mem, j->due_date)));
}

/* ------------------------------------------------------------------ the clients */

static void
note(struct crew *w, const struct journey *j, const char *order, bool good)
{
    struct run *r = w->run;

    pthread_mutex_lock(&w->lock);
    r->orders++;
    if (!good && !r->failed++)
        r->problem = arena_printf(w->mem, "order %s: %s", order, j->problem);
    for (int i = 0; i < JOURNEY_STEPS; i++) {
        r->calls[i] += j->ms[i] > 0;
        r->ms[i] += j->ms[i];
        if (j->ms[i] > r->slowest_ms[i]) {
            r->slowest_ms[i] = j->ms[i];
            snprintf(r->slowest_order[i], sizeof r->slowest_order[i], "%s", order);
        }
    }
    if (r->orders % 100 == 0)
        printf("  %d orders\n", r->orders), fflush(stdout);
    pthread_mutex_unlock(&w->lock);
}

static int
next_customer(struct crew *w)
{
    pthread_mutex_lock(&w->lock);
    int customer = w->next < w->book->customers.nrows ? w->next++ : -1;

    pthread_mutex_unlock(&w->lock);
    return customer;
}

static void *
work(void *arg)
{
    struct crew *w = arg;
    const struct book *b = w->book;
    struct client *c = client_new(w->server->url);
    struct arena *mem = arena_new();

    if (!client_sign_in(c, w->server->login, w->server->password))
        book_die(w->server->url, "the sign-in is refused");
    for (int customer; (customer = next_customer(w)) >= 0;) {
        const char *code = book_cell(&b->customers, customer, "customer_id");

        for (int i = 0; i < b->orders.nrows; i++) {
            struct journey j = { .client = c };

            if (strcmp(book_cell(&b->orders, i, "customer_id"), code) != 0)
                continue;
            bool good = travel(w, mem, &j, &b->list[i], customer);

            note(w, &j, book_cell(&b->orders, i, "order_id"), good);
            arena_reset(mem);
        }
    }
    arena_free(mem);
    client_free(c);
    return NULL;
}

void
run_orders(const struct book *b, const struct server *s, int clients, struct run *run)
{
    struct crew w = { .book = b, .server = s, .run = run, .mem = b->rq.mem };
    pthread_t threads[MOST_CLIENTS];

    clients = clients > MOST_CLIENTS ? MOST_CLIENTS : clients;
    pthread_mutex_init(&w.lock, NULL);
    find_ids(&w);
    double start = seconds();

    for (int i = 0; i < clients; i++)
        pthread_create(&threads[i], NULL, work, &w);
    for (int i = 0; i < clients; i++)
        pthread_join(threads[i], NULL);
    run->seconds = seconds() - start;
    pthread_mutex_destroy(&w.lock);
}
