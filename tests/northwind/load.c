/*
 * load.c - customers, suppliers, categories, products and opening stock, by tenonctl import;
 * which column goes where stands in maps/.
 */
#include "core/base/str.h"
#include "tests/northwind/northwind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Run `tenonctl import ENTITY FILE --map MAP` as the user of this run. */
static void
import(const struct server *s, struct arena *mem, const char *entity, const char *map,
       const char *file)
{
    const char *argv[] = {
        s->tenonctl, "import",        entity,
        file,        "--map",         arena_printf(mem, "%s/%s", NORTHWIND_MAPS, map),
        "--url",     s->url,          "--login",
        s->login,    "--certificate", s->certificate,
        NULL
    };
    int status = -1;

    printf("  %-18s ", entity);
    fflush(stdout);
    pid_t child = fork();

    if (child == 0) {
        setenv("TENON_PASSWORD", s->password, 1);
        execv(s->tenonctl, (char *const *)(void *)argv);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        book_die(file, "was not imported");
}

/* Freight is a service that is sold like any other item. */
static void
freight_item(const struct server *s, struct arena *mem)
{
    struct client *c = client_new(s->url);

    if (!client_sign_in(c, s->login, s->password))
        book_die(s->url, "the sign-in is refused");
    const char *unit = answer_get(client_get(c, "/api/uom?code=eq.EA&select=id"), "rows.0.id");
    const struct answer *a =
        client_post(c,
                    arena_printf(mem,
                                 "{\"code\": \"FREIGHT\", \"name\": \"Freight\","
                                 " \"kind\": \"service\", \"uom_id\": %s, \"list_price\": \"0\"}",
                                 unit ? unit : "0"),
                    "/api/item");

    if (a->status != 201)
        book_die("freight", a->error ? a->error : a->text);
    client_free(c);
}

/* What is computed goes through a file, as everything else does. */
static const char *
opening_file(const struct book *b, struct arena *mem, const char *result)
{
    const char *path = arena_printf(mem, "%s.opening.csv", result);
    FILE *f = fopen(path, "w");

    if (!f || fputs(b->opening, f) < 0 || fclose(f))
        book_die(path, "cannot be written");
    return path;
}

void
load_master_data(const struct book *b, const struct server *s, const char *folder,
                 const char *result)
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

    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        import(s, mem, files[i].entity, files[i].map,
               arena_printf(mem, "%s/%s", folder, files[i].file));
    const char *opening = opening_file(b, mem, result);

    import(s, mem, "stock_opening", "opening_stock.json", opening);
    unlink(opening);
    freight_item(s, mem);
    arena_free(mem);
}
