/*
 * main.c - tenond: the command line, and the order of the start.
 *
 *     bind -> database up -> migrate -> ship workflows -> give up root -> certificate -> serve
 *
 * The port is bound first: it may need root, and a port in use should not cost a migration.
 */
#include "core/base/instance.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/base/tr.h"
#include "core/db/cluster.h"
#include "core/db/external.h"
#include "core/db/migrate.h"
#include "core/workflow/upgrade.h"
#include "core/workflow/workflow.h"
#include "server/route.h"
#include "server/server.h"
#include "server/settings.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct http_events server_events;

static _Noreturn void
die(const char *error)
{
    fprintf(stderr, "tenond: %s\n", error ? error : "failed");
    exit(1);
}

static void
progress(const char *what)
{
    fprintf(stderr, "tenond: %s\n", what);
}

static void
usage(const struct conf *conf)
{
    printf(
        "Usage: tenond serve [--data DIR] [--listen HOST:PORT] [--database CONNINFO] "
        "[--config FILE] [--SETTING VALUE]...\n"
        "The application server: starts its own PostgreSQL under DIR unless --database names "
        "one,\nbrings its schema up to date, and serves HTTPS. Port 0 is any free one.\n\n"
        "Settings, from the weakest: the default in brackets, the file (name = value), the\n"
        "environment (TENON_<NAME>), the command line. SIGHUP reads the certificate again,\n"
        "SIGTERM ends after what runs is answered.\n\n");
    conf_help(conf, stdout);
}

/* The file named on the command line or in the environment, then those two again over it. */
static struct conf *
settings_read(struct arena *mem, int argc, char **argv, int *words)
{
    struct conf *conf = conf_new(mem, settings);
    const char *error = NULL;
    char **again = arena_alloc(mem, (size_t)(argc + 1) * sizeof *again);
    int unused;

    memcpy(again, argv, (size_t)argc * sizeof *again);
    if (!conf_environment(conf, &error) || !conf_arguments(conf, argc, argv, words, &error))
        die(error);
    if (conf_text(conf, "config") &&
        (!conf_file(conf, conf_text(conf, "config"), &error) || !conf_environment(conf, &error) ||
         !conf_arguments(conf, argc, again, &unused, &error)))
        die(error);
    return conf;
}

static void
languages_load(void)
{
    for (const struct asset *a = assets; a->path; a++)
        if (str_ends(a->path, "/zh_CN.po"))
            tr_load("zh", a->text);
}

/* --------------------------------------------------------------------------- the database */

/* Start or find the database, bring its schema up to date; the server's conninfo. */
static const char *
database_open(struct arena *mem, const struct conf *conf, const char *data)
{
    const char *admin = conf_text(conf, "database"), *password = NULL, *app, *error = NULL;
    struct cluster cluster;
    int applied = 0;

    if (admin) {
        app = external_app_conninfo(mem, data, admin, &password, &error);
    } else {
        if (!cluster_start(mem, data, &cluster, progress, &error))
            die(error);
        admin = cluster.conninfo;
        app = cluster.app_conninfo;
    }
    if (!app || !upgrade(mem, admin, password, &applied, &error))
        die(error);
    if (applied)
        fprintf(stderr, "tenond: the schema is up to date (%d files run)\n", applied);
    return app;
}

/* With a database of somebody else's there is no cluster whose user we could become. */
static void
become_user(struct arena *mem, const char *data)
{
    static const char *const names[] = { "tenon", "postgres", "nobody" };
    const char *const files[] = { data, arena_printf(mem, "%s/tenon_app.password", data) };
    const struct passwd *who = NULL;

    for (size_t i = 0; i < 3 && !who; i++)
        who = getpwnam(names[i]);
    if (!who)
        die("There is no user to work as: make one named tenon");
    for (size_t i = 0; i < 2; i++)
        if (chown(files[i], who->pw_uid, who->pw_gid))
            die(arena_printf(mem, "%s: %s", files[i], strerror(errno)));
    if (initgroups(who->pw_name, who->pw_gid) || setgid(who->pw_gid) || setuid(who->pw_uid))
        die("Cannot give up the rights of root");
}

static void
drop_root(struct arena *mem, const struct conf *conf, const char *data)
{
    const char *error = NULL;

    if (geteuid() != 0)
        return;
    if (conf_text(conf, "database"))
        become_user(mem, data);
    else if (!cluster_drop_root(mem, data, &error))
        die(error);
    if (setuid(0) == 0)
        die("Root could be had again");
}

/* ------------------------------------------------------------------------------- serving */

/* "127.0.0.1:0" with the port that it became; every address is reached as localhost. */
static const char *
url_of(struct arena *mem, const char *where, int port)
{
    size_t n = (size_t)(strrchr(where, ':') - where);
    const char *host = arena_strndup(mem, where, n);

    if (!*host || !strcmp(host, "0.0.0.0") || !strcmp(host, "[::]"))
        host = "localhost";
    return arena_printf(mem, "https://%s:%d", host, port);
}

/* What is told once the server listens: to the terminal, and to tools that look for it. */
static struct {
    struct arena *mem;
    const char *data, *url;
} told;

static void
tell(void)
{
    const char *print = tls_fingerprint(server.tls);
    int rc = instance_write(told.mem, told.data, told.url, print);

    if (rc)
        die(arena_printf(told.mem, "%s/server.json: %s", told.data, strerror(rc)));
    printf("listening on %s\ncertificate SHA-256 %s\n", told.url, print);
    fflush(stdout);
}

static void
serve(struct arena *mem, const struct conf *conf)
{
    const char *where = conf_text(conf, "listen"), *data = conf_text(conf, "data"), *error = NULL;

    signal(SIGPIPE, SIG_IGN);
    umask(027);
    evthread_use_pthreads();
    languages_load();
    route_conf = server.conf = conf;
    server.base = event_base_new();
    server.http = http_new(server.base, conf, &server_events);
    int port = http_bind(server.http, mem, where, &error);

    if (!port)
        die(error);
    server.conninfo = database_open(mem, conf, data);
    drop_root(mem, conf, data);
    server.tls = tls_open(mem, data, &error);
    if (!server.tls)
        die(error);
    int rc = log_open(conf_text(conf, "log"), LOG_INFO);

    if (rc)
        die(arena_printf(mem, "%s: %s", conf_text(conf, "log"), strerror(rc)));
    told.mem = mem;
    told.data = data;
    told.url = url_of(mem, where, port);
    bool ended = server_run(tell);

    instance_remove(mem, data);
    if (!conf_text(conf, "database") && !cluster_stop(mem, data, &error))
        fprintf(stderr, "tenond: %s\n", error);
    if (!ended)
        _exit(0); /* the database undoes what was not committed */
    tls_close(server.tls);
    event_base_free(server.base);
}

int
main(int argc, char **argv)
{
    struct arena *mem = arena_new();
    const char *asked = argc > 1 ? argv[1] : "--help";
    int words = 0;

    if (!strcmp(asked, "--version")) {
        puts("tenond " TENON_VERSION);
        return 0;
    }
    if (!strcmp(asked, "--help") || !strcmp(asked, "help") ||
        str_word_in("--help", argv[argc - 1])) {
        usage(conf_new(mem, settings));
        return 0;
    }
    const struct conf *conf = settings_read(mem, argc - 1, argv + 1, &words);

    if (words != 1 || strcmp(argv[1], "serve"))
        die("Say what to do: tenond serve (tenond --help explains)");
    serve(mem, conf);
    arena_free(mem);
    return 0;
}
