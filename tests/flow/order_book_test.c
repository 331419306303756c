/*
 * order_book_test.c - a small order book goes through the same program as the big one: imported,
 * taken from lead to cash by two clients, and its books compared with the files.
 */
#include "core/base/arena.h"
#include "tests/http_server.h"
#include "tests/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void
quiet_child(const struct http_server *s, const char *folder, const char *result)
{
    struct arena *mem = arena_new();
    const char *program = arena_printf(mem, "%s/tenon-northwind", test_programs());
    const char *tenonctl = arena_printf(mem, "%s/tenonctl", test_programs());

    if (freopen(arena_printf(mem, "%s.log", result), "w", stdout))
        dup2(STDOUT_FILENO, STDERR_FILENO);
    execl(program, program, s->url, "admin", HTTP_PASSWORD, folder, result, tenonctl, s->admin, "2",
          arena_printf(mem, "%s/certificate.pem", s->folder), (char *)NULL);
    _exit(127);
}

static void
print_file(const char *path)
{
    FILE *f = fopen(path, "r");
    char line[500];

    while (f && fgets(line, sizeof line, f))
        printf("\n    %.*s", (int)strcspn(line, "\n"), line);
    if (f)
        fclose(f);
}

static cJSON *
read_json(const char *path)
{
    FILE *f = fopen(path, "r");
    char text[8192] = "";
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;

    if (f)
        fclose(f);
    return n ? cJSON_Parse(text) : NULL;
}

static double
number(const cJSON *json, const char *name)
{
    const cJSON *value = cJSON_GetObjectItem(json, name);

    return cJSON_IsNumber(value) ? value->valuedouble : -1;
}

static void
a_small_order_book_comes_out_to_the_cent(void)
{
    struct http_server *s = http_server_start(NULL);
    struct arena *mem = arena_new();
    const char *result = arena_printf(mem, "%s/order-book.json", test_folder());
    pid_t child = fork();
    int status = -1;

    if (child == 0)
        quiet_child(s, TENON_SOURCE "/tests/northwind/small", result);
    waitpid(child, &status, 0);
    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (status)
        print_file(arena_printf(mem, "%s.log", result));

    cJSON *json = read_json(result);

    CU_ASSERT_EQUAL(number(json, "orders"), 12);
    CU_ASSERT_EQUAL(number(json, "orders_open"), 2);
    CU_ASSERT_EQUAL(number(json, "invoices"), 10);
    CU_ASSERT_EQUAL(number(json, "trial_balance"), 0);
    CU_ASSERT_EQUAL(number(json, "checks_failed"), 0);
    CU_ASSERT_DOUBLE_EQUAL(number(json, "lines_net"), 889.87, 0.001); /* by hand, two halves up */
    CU_ASSERT_DOUBLE_EQUAL(number(json, "freight"), 96.73, 0.001);
    CU_ASSERT_DOUBLE_EQUAL(number(json, "invoiced_net"), 736.18, 0.001);
    cJSON_Delete(json);
    arena_free(mem);
    http_server_stop(s);
}

const struct test order_book_tests[] = {
    { "a small order book comes out to the cent", a_small_order_book_comes_out_to_the_cent },
    { 0 },
};
