/*
 * cluster.c - start and stop the embedded PostgreSQL, whatever state a crash, a copy or an
 * upgrade has left it in. As root the whole work is done in a child that has become the
 * cluster's user (proc_as_user), so both ways are one.
 */
#include "core/db/cluster.h"
#include "core/db/cluster_parts.h"
#include "core/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    RETRY_S = 30,     /* for processes of a crashed server to end */
    ORPHAN_MS = 3000, /* before those are told to */
    START_S = 600,    /* a long recovery after a crash */
    STOP_S = 60,      /* fast shutdown */
    STEP_MS = 50,
    LOG_MB = 10, /* the log of the cluster starts anew past this */
};

struct job {
    struct arena *mem;
    struct place *place;
    void (*progress)(const char *what);
};

static void
tell(const struct job *job, const char *what)
{
    if (job->progress)
        job->progress(what);
}

/* ------------------------------------------------------------------------ what went wrong */

/* PostgreSQL's own words after FATAL or PANIC, or the last line when there is none. */
static const char *
cause_in(struct arena *mem, const char *log)
{
    static const char *const marks[] = { "PANIC:  ", "FATAL:  ", "initdb: error: ", "postgres: " };

    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const char *at = strstr(log, marks[i]);

        if (at) {
            at += strlen(marks[i]);
            return arena_strndup(mem, at, strcspn(at, "\n"));
        }
    }
    return arena_strndup(mem, log, strcspn(log, "\n"));
}

static bool
explain(struct job *job, const char *log, const char **error)
{
    struct arena *mem = job->mem;
    const struct place *p = job->place;

    if (strstr(log, "No space left on device"))
        *error = arena_printf(mem, "The disk that holds %s is full", p->folder);
    else if (strstr(log, "incompatible with server"))
        *error = arena_printf(mem, "The data in %s was made by another version of PostgreSQL: %s",
                              p->folder, cause_in(mem, log));
    else if (strstr(log, "Cannot allocate memory"))
        *error = "There is too little free memory to start the database";
    else
        *error = arena_printf(mem, "The database does not start: %s (more in %s)",
                              cause_in(mem, log), p->log);
    return false;
}

/* --------------------------------------------------------------------------- a new cluster */

/* In a folder of its own that gets its name when all is on disk: an interrupted initdb
 * leaves nothing that looks like a cluster. */
static bool
cluster_make(struct job *job, const char *bin, const char **error)
{
    struct arena *mem = job->mem;
    const struct place *p = job->place;
    const char *fresh = arena_printf(mem, "%s.new", p->pg);
    char *output, *clear[] = { "/bin/rm", "-rf", "--", arena_strdup(mem, fresh), NULL };
    char *argv[] = { arena_printf(mem, "%s/initdb", bin),
                     "-D",
                     arena_strdup(mem, fresh),
                     "-U",
                     "postgres",
                     "-E",
                     "UTF8",
                     "--locale=C.UTF-8",
                     "--auth=trust",
                     "--data-checksums",
                     NULL };

    tell(job, "Making a new database");
    if (!place_has_room(mem, p, error))
        return false;
    proc_run(mem, clear, &output);
    if (proc_run(mem, argv, &output) != 0) {
        explain(job, output, error);
        proc_run(mem, clear, &output);
        return false;
    }
    FILE *conf = fopen(arena_printf(mem, "%s/postgresql.conf", fresh), "ae");
    bool good = conf && fputs("\ninclude_if_exists = 'tenon.conf'\n", conf) >= 0;

    if (conf && fclose(conf))
        good = false;
    if (good && !rename(fresh, p->pg))
        return true;
    *error = arena_printf(mem, "Cannot make %s: %s", p->pg, strerror(errno));
    return false;
}

/* ----------------------------------------------------------------------------------- start */

static void
launch(struct job *job, const char *bin, pid_t *pid)
{
    struct arena *mem = job->mem;
    const struct place *p = job->place;
    const char *fast = getenv("TENON_TEST_FAST"); /* throw-away clusters of tests only */
    bool throw_away = fast && !strcmp(fast, "1");
    char *argv[] = { arena_printf(mem, "%s/postgres", bin), "-D", arena_strdup(mem, p->pg), "-c",
                     "listen_addresses=", "-c", "unix_socket_permissions=0700", "-c",
                     arena_printf(mem, "unix_socket_directories=%s", p->socket), "-c",
                     arena_printf(mem, "port=%d", CLUSTER_PORT),
                     /* the last word; without these it is what the settings say */
                     throw_away ? "-c" : NULL, "fsync=off", "-c", "shared_buffers=128MB", NULL };

    *pid = proc_launch(argv, p->log);
}

static const char *
conninfo(struct arena *mem, const char *socket, const char *user, const char *database)
{
    struct str quoted = str_new(mem);

    for (const char *c = socket; *c; c++) {
        if (*c == '\'' || *c == '\\')
            str_char(&quoted, '\\');
        str_char(&quoted, *c);
    }
    return arena_printf(mem, "host='%s' port=%d user=%s dbname=%s", quoted.text, CLUSTER_PORT, user,
                        database);
}

/* The folder of the socket of the server that runs: line 5 of its lock file. */
static const char *
running_socket(struct arena *mem, const struct place *p)
{
    const char *text = file_text(mem, arena_printf(mem, "%s/postmaster.pid", p->pg));

    for (int line = 1; text && line < 5; line++) {
        text = strchr(text, '\n');
        text = text ? text + 1 : NULL;
    }
    return text && *text == '/' ? arena_strndup(mem, text, strcspn(text, "\n")) : NULL;
}

enum answer { READY, GONE, LATE };

/* Until the server takes connections, or its process is no more. */
static enum answer
wait_ready(struct job *job, pid_t pid)
{
    for (int waited = 0; waited < START_S * 1000; waited += STEP_MS) {
        struct arena *mem = arena_new();
        const char *socket = running_socket(mem, job->place);
        bool ready = socket && PQping(conninfo(mem, socket, "postgres", "postgres")) == PQPING_OK;
        bool ours = ready && proc_postmaster(mem, job->place->pg) == pid;
        bool alive = proc_alive(mem, pid);

        arena_free(mem);
        if (ours)
            return READY;
        if (!alive)
            return GONE;
        proc_sleep_ms(STEP_MS);
        if (waited == 5000)
            tell(job, "Waiting for the database to recover");
    }
    return LATE;
}

/* A lock file whose PID now belongs to another program: PostgreSQL would refuse for ever. */
static void
clear_stale_lock(struct job *job, const char *path)
{
    const char *text = file_text(job->mem, path);
    long pid = text ? strtol(text, NULL, 10) : 0;

    if (pid > 0 && proc_alive(job->mem, (pid_t)pid) &&
        !proc_works_in(job->mem, (pid_t)pid, job->place->pg))
        unlink(path);
}

/* Only when nothing of ours works in the folder any more. */
static void
clear_stale_locks(struct job *job)
{
    const struct place *p = job->place;

    if (proc_count(job->mem, p->pg))
        return;
    clear_stale_lock(job, arena_printf(job->mem, "%s/postmaster.pid", p->pg));
    clear_stale_lock(job, arena_printf(job->mem, "%s/.s.PGSQL.%d.lock", p->socket, CLUSTER_PORT));
}

static void
start_log_anew(struct job *job)
{
    struct stat st;

    if (!stat(job->place->log, &st) && st.st_size > (off_t)LOG_MB << 20)
        rename(job->place->log, arena_printf(job->mem, "%s.1", job->place->log));
}

/* What the log has gained since. */
static const char *
log_since(struct job *job, size_t before)
{
    const char *text = file_text(job->mem, job->place->log);

    return text && strlen(text) >= before ? text + before : "";
}

/*
 * Launch until it runs. Processes of a server that was killed may take a while to notice:
 * as long as they hold the shared memory PostgreSQL refuses to start; after 3 s those that
 * still work in our folder are told to quit.
 */
static bool
run_server(struct job *job, const char *bin, const char **error)
{
    tell(job, "Starting the database");
    start_log_anew(job);
    for (int waited = 0;; waited += 250) {
        const char *before = file_text(job->mem, job->place->log), *log;
        pid_t pid;

        clear_stale_locks(job);
        launch(job, bin, &pid);
        if (pid < 0) {
            *error = arena_printf(job->mem, "Cannot start %s/postgres", bin);
            return false;
        }
        enum answer answer = wait_ready(job, pid);

        if (answer == READY)
            return true;
        log = log_since(job, before ? strlen(before) : 0);
        bool others = strstr(log, "still in use") || strstr(log, "already exists");

        if (answer == LATE || !others || waited >= RETRY_S * 1000)
            return explain(job, log, error);
        if (waited == ORPHAN_MS)
            proc_signal_all(job->mem, job->place->pg, SIGQUIT);
        proc_sleep_ms(250);
    }
}

static bool
make_database(struct job *job, const char **error)
{
    const char *socket = running_socket(job->mem, job->place);
    PGconn *conn;
    bool good;

    if (!socket) {
        *error = "The database has stopped again";
        return false;
    }
    conn = PQconnectdb(conninfo(job->mem, socket, "postgres", "postgres"));
    PGresult *found = PQexec(conn, "SELECT FROM pg_database WHERE datname = 'tenon'");

    good = PQresultStatus(found) == PGRES_TUPLES_OK;
    if (good && !PQntuples(found)) {
        PGresult *made = PQexec(conn, "CREATE DATABASE tenon");

        good = PQresultStatus(made) == PGRES_COMMAND_OK;
        PQclear(made);
    }
    if (!good)
        *error = arena_printf(job->mem, "Cannot make the database: %s", PQerrorMessage(conn));
    PQclear(found);
    PQfinish(conn);
    return good;
}

/* One starter or stopper at a time; -1 with *error. */
static int
lock_folder(struct job *job, const char **error)
{
    const char *path = arena_printf(job->mem, "%s/cluster.lock", job->place->folder);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0 && !flock(fd, LOCK_EX))
        return fd;
    *error = arena_printf(job->mem, "Cannot lock %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

/* A server that is shutting down answers no more: wait for its end, then start it. */
static bool
is_running(struct job *job)
{
    pid_t pid = proc_postmaster(job->mem, job->place->pg);

    return pid && wait_ready(job, pid) == READY;
}

static bool
start_locked(struct job *job, const char **error)
{
    const char *bin;

    if (job->place->exists && is_running(job))
        return make_database(job, error);
    bin = place_programs(job->mem, job->place, error);
    if (!bin || (!job->place->exists && !cluster_make(job, bin, error)))
        return false;
    return place_settings(job->mem, job->place, error) && run_server(job, bin, error) &&
           make_database(job, error);
}

static bool
start_as_user(void *arg, const char **error)
{
    struct job *job = arg;

    if (!place_prepare(job->mem, job->place, error))
        return false;
    int lock = lock_folder(job, error);

    if (lock < 0)
        return false;
    /* Another starter may have made the cluster while we waited. */
    job->place->exists = !access(arena_printf(job->mem, "%s/PG_VERSION", job->place->pg), F_OK);
    bool good = start_locked(job, error);

    close(lock);
    return good;
}

bool
cluster_start(struct arena *mem, const char *folder, struct cluster *out,
              void (*progress)(const char *what), const char **error)
{
    struct place p;
    struct job job = { mem, &p, progress };

    if (!place_find(mem, folder, true, &p, error) ||
        !proc_as_user(mem, &p, start_as_user, &job, error))
        return false;
    out->data = p.pg;
    out->socket = running_socket(mem, &p);
    out->user = p.user;
    if (!out->socket) {
        *error = "The database has stopped again";
        return false;
    }
    out->conninfo = conninfo(mem, out->socket, "postgres", "tenon");
    out->app_conninfo = conninfo(mem, out->socket, "tenon_app", "tenon");
    return true;
}

/* ------------------------------------------------------------------------------------ stop */

static bool
wait_none(struct job *job, int seconds)
{
    for (int waited = 0; waited < seconds * 1000; waited += STEP_MS) {
        struct arena *mem = arena_new();
        int left = proc_count(mem, job->place->pg);

        arena_free(mem);
        if (!left)
            return true;
        proc_sleep_ms(STEP_MS);
    }
    return false;
}

static bool
stop_as_user(void *arg, const char **error)
{
    struct job *job = arg;
    int lock = lock_folder(job, error);
    pid_t pid;

    if (lock < 0)
        return false;
    pid = proc_postmaster(job->mem, job->place->pg);
    if (pid)
        kill(pid, SIGINT);
    bool gone = wait_none(job, pid ? STOP_S : 1);

    if (!gone) {
        proc_signal_all(job->mem, job->place->pg, SIGQUIT);
        gone = wait_none(job, 10);
    }
    if (!gone)
        *error = arena_printf(job->mem, "The database in %s does not stop", job->place->folder);
    close(lock);
    return gone;
}

pid_t
cluster_running(struct arena *mem, const char *folder)
{
    struct place p;
    const char *error;

    return place_find(mem, folder, false, &p, &error) && p.exists ? proc_postmaster(mem, p.pg) : 0;
}

bool
cluster_stop(struct arena *mem, const char *folder, const char **error)
{
    struct place p;
    struct job job = { mem, &p, NULL };

    if (!place_find(mem, folder, false, &p, error))
        return false;
    return !p.exists || proc_as_user(mem, &p, stop_as_user, &job, error);
}

bool
cluster_drop_root(struct arena *mem, const char *folder, const char **error)
{
    struct place p;

    if (geteuid() != 0)
        return true;
    if (!place_find(mem, folder, false, &p, error))
        return false;
    if (p.exists && p.uid != 0 && proc_become(&p))
        return true;
    *error = arena_printf(mem, "Cannot work as the user that owns %s", folder);
    return false;
}
