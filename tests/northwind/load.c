/*
 * load.c - customers, suppliers, categories, products and opening stock through the import of
 * the interface; which column goes where stands in maps/.
 */
#include "core/base/str.h"
#include "tests/northwind/northwind.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

static struct client *
signed_in(const struct server *s)
{
    struct client *c = client_new(s->url);

    if (!client_sign_in(c, s->login, s->password))
        book_die(s->url, "the sign-in is refused");
    return c;
}

static void
import(struct client *c, struct arena *mem, const char *entity, const char *map, const char *name,
       const char *csv)
{
    size_t size;
    cJSON *json = cJSON_Parse(book_file(mem, NORTHWIND_MAPS, map, &size));
    char *text = cJSON_PrintUnformatted(json);
    char *escaped = text ? curl_easy_escape(NULL, text, 0) : NULL;

    if (!escaped)
        book_die(map, "is not JSON");
    client_set_header(c, "Content-Type: text/csv");
    const struct answer *a = client_call(
        c, "POST", arena_printf(mem, "/api/import/%s?file=%s&map=%s", entity, name, escaped), csv);

    curl_free(escaped);
    cJSON_free(text);
    cJSON_Delete(json);
    if (a->status / 100 != 2)
        book_die(name, a->error ? a->error : a->text);
    printf("  %-20s %6s records in %7.1f ms\n", entity, answer_get(a, "created"), a->ms);
    fflush(stdout);
}

/* Freight is a service that is sold like any other item. */
static void
freight_item(const struct server *s, struct arena *mem)
{
    struct client *c = signed_in(s);
    const char *unit = answer_get(client_get(c, "/api/uom?code=eq.EA&select=id"), "rows.0.id");
    const struct answer *a = client_post(
        c,
        arena_printf(mem,
                     "{\"code\": \"FREIGHT\", \"name\": \"Freight\", \"kind\": \"service\","
                     " \"uom_id\": %s, \"list_price\": \"0\"}",
                     unit ? unit : "0"),
        "/api/item");

    if (a->status != 201)
        book_die("freight", a->error ? a->error : a->text);
    client_free(c);
}

void
load_master_data(const struct book *b, const struct server *s, const char *folder)
{
    static const struct {
        const char *entity, *map, *file;
    } files[] = {
        { "party", "customers.json", "customers.csv" },
        { "customer_company", "terms.json", "customers.csv" },
        { "party", "suppliers.json", "suppliers.csv" },
        { "item_category", "categories.json", "categories.csv" },
        { "item", "products.json", "products.csv" },
    };
    struct arena *mem = arena_new();
    struct client *c = signed_in(s);
    size_t size;

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        import(c, mem, files[i].entity, files[i].map, files[i].file,
               book_file(mem, folder, files[i].file, &size));
    import(c, mem, "stock_opening", "opening_stock.json", "opening_stock.csv", b->opening);
    freight_item(s, mem);
    client_free(c);
    arena_free(mem);
}
