/*
 * status.c - tenonctl status and stop: the server that runs on a data folder.
 */
#include "server/ctl/ctl.h"
#include "core/base/instance.h"
#include "core/base/str.h"
#include "core/db/cluster.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { STOP_S = 60, NOT_RUNNING = 3 };

static bool as_json;

static const struct ctl_option status_options[] = {
    { "json", NULL, NULL, &as_json, "as JSON, for programs" },
    { 0 },
};

static void
status_json(struct ctl *ctl, const struct instance *server, int cluster)
{
    struct str s = str_new(ctl->mem);

    str_add(&s, "{\"data\": ");
    str_json(&s, ctl->data);
    str_add(&s, ", \"url\": ");
    str_json(&s, server->url);
    str_add(&s, ", \"fingerprint\": ");
    str_json(&s, server->fingerprint);
    str_printf(&s, ", \"pid\": %d, \"database_pid\": %d}", (int)server->pid, cluster);
    puts(s.text);
}

static int
status_run(struct ctl *ctl, const char **words, int n)
{
    struct instance server = { 0 };
    bool runs = instance_read(ctl->mem, ctl->data, &server);
    int cluster = (int)cluster_running(ctl->mem, ctl->data);

    (void)words;
    (void)n;
    if (!runs)
        server = (struct instance){ 0 };
    if (as_json) {
        status_json(ctl, &server, cluster);
        return runs ? 0 : NOT_RUNNING;
    }
    printf("data folder   %s\n", ctl->data);
    if (runs)
        printf("server        process %d, %s\ncertificate   SHA-256 %s\n", (int)server.pid,
               server.url, server.fingerprint);
    else
        puts("server        does not run");
    if (cluster)
        printf("database      process %d\n", cluster);
    else if (!ctl->database)
        puts("database      does not run");
    return runs ? 0 : NOT_RUNNING;
}

static bool
wait_gone(struct ctl *ctl, const struct instance *server)
{
    struct instance now;

    for (int i = 0; i < STOP_S * 20; i++) {
        if (kill(server->pid, 0) && errno == ESRCH)
            return true;
        if (!instance_read(ctl->mem, ctl->data, &now) || now.pid != server->pid)
            return true;
        nanosleep(&(struct timespec){ 0, 50000000 }, NULL);
    }
    return false;
}

static int
stop_run(struct ctl *ctl, const char **words, int n)
{
    struct instance server;
    const char *error = NULL;
    bool ran = instance_read(ctl->mem, ctl->data, &server);

    (void)words;
    (void)n;
    if (ran && kill(server.pid, SIGTERM))
        return ctl_fail("Cannot stop the server (process %d): %s", (int)server.pid,
                        strerror(errno));
    if (ran && !wait_gone(ctl, &server))
        return ctl_fail("The server (process %d) does not stop", (int)server.pid);
    ran |= cluster_running(ctl->mem, ctl->data) != 0;
    if (!cluster_stop(ctl->mem, ctl->data, &error))
        return ctl_fail("%s", error);
    puts(ran ? "Stopped" : "Nothing was running");
    return 0;
}

const struct command status_command = {
    "status",
    "",
    "say what runs on the data folder, and where",
    "Exit status 0 when the server runs, 3 when it does not.",
    status_options,
    0,
    0,
    status_run,
};

const struct command stop_command = {
    "stop",
    "",
    "stop the server and its embedded database",
    "What the server has begun it ends first; the data stays.",
    NULL,
    0,
    0,
    stop_run,
};
