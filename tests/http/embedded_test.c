/*
 * embedded_test.c - a server with its own database, which is killed: what was acknowledged is
 * there again, and nobody had to do anything.
 */
#include "tests/client/client.h"
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
    struct arena *mem;
    const char *folder;
    pid_t server;
} here;

/* What a command of ours printed; its words are split by the shell. */
static const char *
said(const char *command)
{
    char *text = arena_alloc(here.mem, 4096);
    FILE *f = popen(arena_printf(here.mem, "%s/%s 2>&1", test_programs(), command), "r");
    size_t n = f ? fread(text, 1, 4095, f) : 0;

    if (f)
        pclose(f);
    text[n] = '\0';
    return text;
}

/* One value of `tenonctl status --json`, "" when it is not there. */
static const char *
status_of(const char *name)
{
    const char *json =
        said(arena_printf(here.mem, "tenonctl status --data %s --json", here.folder));
    cJSON *status = cJSON_Parse(json);
    const cJSON *value = cJSON_GetObjectItem(status, name);
    const char *text = cJSON_IsNumber(value) ? arena_printf(here.mem, "%.0f", value->valuedouble)
                                             : cJSON_GetStringValue(value);

    text = arena_strdup(here.mem, text ? text : "");
    cJSON_Delete(status);
    return text;
}

static void
start(void)
{
    here.mem = arena_new();
    here.folder = arena_printf(here.mem, "%s/embedded", test_folder());
    setenv("TENON_PASSWORD", "correct horse", 1);
    said(arena_printf(here.mem, "tenonctl init --data %s --code OWN --name Own --currency USD",
                      here.folder));
    here.server = fork();
    if (here.server == 0) {
        if (!freopen(arena_printf(here.mem, "%s/embedded.log", test_folder()), "a", stderr) ||
            !freopen("/dev/null", "w", stdout))
            _exit(1);
        execl(arena_printf(here.mem, "%s/tenond", test_programs()), "tenond", "serve", "--data",
              here.folder, "--listen", "127.0.0.1:0", (char *)NULL);
        _exit(1);
    }
    for (int i = 0; i < 300 && !*status_of("url"); i++)
        usleep(100000);
}

static void
stop(void)
{
    kill(here.server, SIGTERM);
    waitpid(here.server, NULL, 0);
    arena_free(here.mem);
}

/* Does the server say so within a minute? */
static bool
ready(struct client *c, long status)
{
    for (int i = 0; i < 600; i++) {
        if (client_get(c, "/ready")->status == status)
            return true;
        usleep(100000);
    }
    return false;
}

static void
a_killed_database_comes_back_with_all_that_was_acknowledged(void)
{
    start();
    struct client *c = client_new(status_of("url"));

    CU_ASSERT_TRUE_FATAL(ready(c, 200));
    CU_ASSERT_TRUE_FATAL(client_sign_in(c, "admin", "correct horse"));
    client_next_key(c, "before-the-kill");
    CU_ASSERT_EQUAL(
        client_post(c, "{\"code\": \"KEPT\", \"name\": \"Kept\"}", "/api/party")->status, 201);
    const char *first = arena_strdup(here.mem, status_of("database_pid"));

    CU_ASSERT_EQUAL_FATAL(kill((pid_t)strtol(first, NULL, 10), SIGKILL), 0);
    CU_ASSERT_TRUE(ready(c, 503));
    CU_ASSERT_TRUE(ready(c, 200));
    CU_ASSERT_TRUE(strcmp(first, status_of("database_pid")));
    CHECK_TEXT(answer_get(client_get(c, "/api/party?code=eq.KEPT"), "rows.0.name"), "Kept");
    client_next_key(c, "before-the-kill"); /* the client did not hear the answer: once more */
    CU_ASSERT_EQUAL(
        client_post(c, "{\"code\": \"KEPT\", \"name\": \"Kept\"}", "/api/party")->status, 201);
    CHECK_TEXT(answer_get(client_get(c, "/api/party?code=eq.KEPT&count=exact"), "count"), "1");
    client_free(c);
    stop();
}

const struct test embedded_tests[] = {
    { "a killed database comes back with all that was acknowledged",
      a_killed_database_comes_back_with_all_that_was_acknowledged },
    { 0 },
};
