/*
 * cluster.c - one cluster is made; tests work on copies of it.
 */
#include "tests/cluster.h"
#include "tests/test.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena *mem;
const char *cluster_error;
static int folders;

const char *
cluster_fresh(void)
{
    return arena_printf(cluster_mem(), "%s/cluster-%d", test_folder(), ++folders);
}

struct arena *
cluster_mem(void)
{
    if (!mem)
        mem = arena_new();
    return mem;
}

bool
cluster_program(const char *const *argv)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

bool
cluster_try(const char *folder, struct cluster *c)
{
    cluster_error = NULL;
    if (cluster_start(cluster_mem(), folder, c, NULL, &cluster_error))
        return true;
    if (!cluster_error)
        cluster_error = "no sentence";
    return false;
}

struct cluster
cluster_started(const char *folder)
{
    struct cluster c = { 0 };

    if (!cluster_try(folder, &c)) {
        printf("\n    %s", cluster_error);
        CU_FAIL_FATAL("the cluster does not start");
    }
    return c;
}

void
cluster_stopped(const char *folder)
{
    if (!cluster_stop(cluster_mem(), folder, &cluster_error))
        printf("\n    %s", cluster_error);
    CU_ASSERT_EQUAL(cluster_running(cluster_mem(), folder), 0);
}

const char *
cluster_copied(void)
{
    static const char *pristine;
    const char *folder = cluster_fresh();

    if (!pristine) {
        pristine = cluster_fresh();
        cluster_started(pristine);
        cluster_stopped(pristine);
    }
    CU_ASSERT_TRUE_FATAL(RUN("cp", "-a", pristine, folder));
    return folder;
}

const char *
cluster_ask(const struct cluster *c, const char *sql)
{
    PGconn *conn = PQconnectdb(c->conninfo);
    PGresult *res = PQexec(conn, sql);
    const char *text = PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res)
                           ? arena_strdup(cluster_mem(), PQgetvalue(res, 0, 0))
                           : NULL;

    PQclear(res);
    PQfinish(conn);
    return text;
}

void
file_put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

bool
cluster_says(const char *words)
{
    bool found = cluster_error && strstr(cluster_error, words);

    if (!found)
        printf("\n    says: %s", cluster_error ? cluster_error : "(nothing)");
    return found;
}

unsigned
file_mode(const char *path)
{
    struct stat st;

    return lstat(path, &st) ? 0 : st.st_mode & 07777;
}

uid_t
file_owner(const char *path)
{
    struct stat st;

    return stat(path, &st) ? 0 : st.st_uid;
}

const char *
cluster_long(void)
{
    const char *folder = cluster_fresh();

    for (int i = 0; i < 4; i++)
        folder = arena_printf(cluster_mem(), "%s/a-folder-with-a-rather-long-name", folder);
    return folder;
}
