/*
 * cluster_test.c - the embedded PostgreSQL starts from whatever a crash, a copy, a checkout or
 * a strange machine has left, or says in one sentence what is wrong.
 *
 * One cluster is made; each test works on a copy of it in a folder of its own.
 */
#include "core/db/cluster.h"
#include "tests/test.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct arena *mem;
static const char *error;
static int folders;

static const char *
fresh_folder(void)
{
    if (!mem)
        mem = arena_new();
    return arena_printf(mem, "%s/cluster-%d", test_folder(), ++folders);
}

/* Run a program; true when it ends well. */
static bool
program(const char *const *argv)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && !WEXITSTATUS(status);
}

#define RUN(...) program((const char *const[]){ __VA_ARGS__, NULL })

static bool
start(const char *folder, struct cluster *c)
{
    error = NULL;
    if (cluster_start(mem, folder, c, NULL, &error))
        return true;
    if (!error)
        error = "no sentence";
    return false;
}

/* Must start; why not is printed. */
static struct cluster
started(const char *folder)
{
    struct cluster c = { 0 };

    if (!start(folder, &c)) {
        printf("\n    %s", error);
        CU_FAIL_FATAL("the cluster does not start");
    }
    return c;
}

static void
stop(const char *folder)
{
    if (!cluster_stop(mem, folder, &error))
        printf("\n    %s", error);
    CU_ASSERT_EQUAL(cluster_running(mem, folder), 0);
}

/* A copy of a stopped cluster. */
static const char *
copied(void)
{
    static const char *pristine;
    const char *folder = fresh_folder();

    if (!pristine) {
        pristine = fresh_folder();
        started(pristine);
        stop(pristine);
    }
    CU_ASSERT_TRUE_FATAL(RUN("cp", "-a", pristine, folder));
    return folder;
}

/* First column of the first row; NULL when it fails. */
static const char *
ask(const struct cluster *c, const char *sql)
{
    PGconn *conn = PQconnectdb(c->conninfo);
    PGresult *res = PQexec(conn, sql);
    const char *text = PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res)
                           ? arena_strdup(mem, PQgetvalue(res, 0, 0))
                           : NULL;

    PQclear(res);
    PQfinish(conn);
    return text;
}

static void
write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fputs(text, f);
    fclose(f);
}

static bool
says(const char *words)
{
    bool found = error && strstr(error, words);

    if (!found)
        printf("\n    says: %s", error ? error : "(nothing)");
    return found;
}

static unsigned
mode_of(const char *path)
{
    struct stat st;

    return lstat(path, &st) ? 0 : st.st_mode & 07777;
}

static uid_t
owner_of(const char *path)
{
    struct stat st;

    return stat(path, &st) ? 0 : st.st_uid;
}

/* A process of the cluster's user that has nothing to do with it. */
static pid_t
stranger(const char *folder)
{
    uid_t uid = owner_of(arena_printf(mem, "%s/pg", folder));
    pid_t pid = fork();

    if (pid == 0) {
        if (chdir("/") || (geteuid() == 0 && setuid(uid)))
            _exit(1);
        execlp("sleep", "sleep", "60", (char *)NULL);
        _exit(1);
    }
    usleep(50000);
    return pid;
}

static bool
ended(pid_t pid)
{
    return waitpid(pid, NULL, WNOHANG) != 0;
}

static void
end_stranger(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

/* ------------------------------------------------------------------------------------ tests */

static void
it_runs_as_an_unprivileged_user_and_nobody_else_gets_in(void)
{
    const char *folder = fresh_folder();
    struct cluster c = started(folder);
    uid_t uid = owner_of(arena_printf(mem, "/proc/%d", (int)cluster_running(mem, folder)));

    CU_ASSERT_NOT_EQUAL(uid, 0);
    CU_ASSERT_EQUAL(owner_of(folder), uid);
    CU_ASSERT_EQUAL(mode_of(folder), 0700);
    CU_ASSERT_EQUAL(mode_of(c.data), 0700);
    CU_ASSERT_EQUAL(mode_of(c.socket), 0700);
    CHECK_TEXT(ask(&c, "SHOW listen_addresses"), "");
    CHECK_TEXT(ask(&c, "SHOW timezone"), "UTC");
    CHECK_TEXT(ask(&c, "SHOW jit"), "off");
    CHECK_TEXT(ask(&c, "SHOW data_checksums"), "on");
    stop(folder);
}

static void
without_the_switch_for_tests_every_commit_is_flushed(void)
{
    const char *folder = copied();

    unsetenv("TENON_TEST_FAST");
    struct cluster c = started(folder);

    setenv("TENON_TEST_FAST", "1", 1);
    CHECK_TEXT(ask(&c, "SHOW fsync"), "on");
    CHECK_TEXT(ask(&c, "SHOW full_page_writes"), "on");
    CHECK_TEXT(ask(&c, "SHOW synchronous_commit"), "on");
    CHECK_TEXT(ask(&c, "SHOW autovacuum"), "on");
    stop(folder);
}

static void
a_bad_or_missing_locale_does_not_matter(void)
{
    const char *const bad[] = { "xx_YY.no-such", "C", NULL };
    const char *was = getenv("LC_ALL") ? arena_strdup(mem, getenv("LC_ALL")) : NULL;

    for (int i = 0; i < 2; i++) {
        const char *folder = fresh_folder();

        setenv("LC_ALL", bad[i], 1);
        setenv("LANG", bad[i], 1);
        struct cluster c = started(folder);

        CHECK_TEXT(ask(&c, "SHOW server_encoding"), "UTF8");
        CHECK_TEXT(ask(&c, "SELECT length('木材')::text"), "2");
        stop(folder);
    }
    unsetenv("LANG");
    if (was)
        setenv("LC_ALL", was, 1);
    else
        unsetenv("LC_ALL");
}

static void
settings_of_psql_in_the_environment_do_not_matter(void)
{
    const char *folder = copied();

    setenv("PGDATA", "/nowhere", 1);
    setenv("PGPORT", "1", 1);
    setenv("PGHOST", "192.0.2.1", 1);
    struct cluster c = started(folder);

    unsetenv("PGDATA");
    unsetenv("PGPORT");
    unsetenv("PGHOST");
    CHECK_TEXT(ask(&c, "SELECT current_database()"), "tenon");
    stop(folder);
}

static const char *
long_folder(void)
{
    const char *folder = fresh_folder();

    for (int i = 0; i < 4; i++)
        folder = arena_printf(mem, "%s/a-folder-with-a-rather-long-name", folder);
    return folder;
}

static void
a_long_path_gets_its_socket_in_a_short_private_folder(void)
{
    const char *folder = long_folder();
    struct cluster c = started(folder);

    CU_ASSERT_TRUE(strlen(c.socket) + strlen("/.s.PGSQL.5432") <= 107);
    CU_ASSERT_EQUAL(mode_of(c.socket), 0700);
    CHECK_TEXT(ask(&c, "SELECT 1"), "1");
    stop(folder);
    rmdir(c.socket);
}

static void
somebody_elses_folder_in_the_place_of_the_socket_is_refused(void)
{
    const char *folder = long_folder();
    struct cluster c = started(folder);

    stop(folder);
    CU_ASSERT_TRUE_FATAL(RUN("rm", "-rf", c.socket));
    CU_ASSERT_EQUAL_FATAL(symlink("/tmp", c.socket), 0);
    CU_ASSERT_FALSE(start(folder, &c));
    CU_ASSERT_TRUE(says("is not a folder of this user"));
    unlink(c.socket);
}

static void
a_folder_that_was_opened_to_others_is_closed_again(void)
{
    const char *folder = copied(), *pg = arena_printf(mem, "%s/pg", folder);

    CU_ASSERT_EQUAL(chmod(pg, 0755), 0);
    started(folder);
    CU_ASSERT_EQUAL(mode_of(pg), 0700);
    stop(folder);
}

static void
a_second_start_uses_the_server_that_runs(void)
{
    const char *folder = copied();
    struct cluster one = started(folder);
    pid_t pid = cluster_running(mem, folder);
    struct cluster two = started(folder);

    CU_ASSERT_EQUAL(cluster_running(mem, folder), pid);
    CHECK_TEXT(one.conninfo, two.conninfo);
    stop(folder);
}

static void
two_that_start_at_once_share_one_server(void)
{
    const char *folder = fresh_folder();
    pid_t children[2];
    int status[2] = { -1, -1 };

    for (int i = 0; i < 2; i++)
        if ((children[i] = fork()) == 0) {
            struct cluster c;

            _exit(!start(folder, &c));
        }
    for (int i = 0; i < 2; i++)
        waitpid(children[i], &status[i], 0);
    CU_ASSERT_EQUAL(status[0], 0);
    CU_ASSERT_EQUAL(status[1], 0);
    CU_ASSERT_NOT_EQUAL(cluster_running(mem, folder), 0);
    stop(folder);
}

static void
a_killed_server_starts_again_and_has_lost_nothing(void)
{
    const char *folder = copied();
    struct cluster c = started(folder);

    ask(&c, "CREATE TABLE kept AS SELECT 7 AS n");
    PGconn *busy = PQconnectdb(c.conninfo); /* a backend that notices the end of its server late */

    CU_ASSERT_EQUAL(PQsendQuery(busy, "SELECT count(*) FROM generate_series(1, 20000000)"), 1);
    usleep(100000);
    CU_ASSERT_EQUAL(kill(cluster_running(mem, folder), SIGKILL), 0);
    c = started(folder);
    PQfinish(busy);
    CHECK_TEXT(ask(&c, "SELECT n FROM kept"), "7");
    stop(folder);
}

static void
a_lock_file_of_a_dead_process_does_not_matter(void)
{
    const char *folder = copied();

    write_file(arena_printf(mem, "%s/pg/postmaster.pid", folder), "999999999\n/x\n1\n5432\n");
    started(folder);
    stop(folder);
}

static void
a_lock_file_with_the_number_of_another_process_neither_stops_us_nor_harms_it(void)
{
    const char *folder = copied();
    struct cluster c = started(folder); /* for the socket's lock file */

    stop(folder);
    pid_t other = stranger(folder);
    const char *lock = arena_printf(mem, "%d\n%s\n1\n5432\n%s\n", (int)other, c.data, c.socket);

    write_file(arena_printf(mem, "%s/postmaster.pid", c.data), lock);
    write_file(arena_printf(mem, "%s/.s.PGSQL.5432.lock", c.socket), lock);
    CU_ASSERT_EQUAL(cluster_running(mem, folder), 0);
    stop(folder);
    CU_ASSERT_FALSE(ended(other));
    started(folder);
    CU_ASSERT_FALSE(ended(other));
    stop(folder);
    CU_ASSERT_FALSE(ended(other));
    end_stranger(other);
}

static void
data_of_another_version_is_named_and_left_alone(void)
{
    const char *folder = copied(), *version = arena_printf(mem, "%s/pg/PG_VERSION", folder);
    struct cluster c;

    write_file(version, "14\n");
    CU_ASSERT_FALSE(start(folder, &c));
    CU_ASSERT_TRUE(says("was made by PostgreSQL 14"));
    write_file(version, "29\n");
    CU_ASSERT_FALSE(start(folder, &c));
    CU_ASSERT_TRUE(says("PostgreSQL 29 is not installed: apt install postgresql-29"));
}

static void
without_the_programs_of_postgresql_it_says_what_to_install(void)
{
    const char *folder = fresh_folder();
    struct cluster c;

    setenv("TENON_PG_BIN", "/nowhere", 1);
    CU_ASSERT_FALSE(start(folder, &c));
    unsetenv("TENON_PG_BIN");
    CU_ASSERT_TRUE(says("PostgreSQL 15 is not installed: apt install postgresql-15"));
}

static void
a_disk_that_fills_up_is_named_and_nothing_half_made_stays(void)
{
    const char *folder = fresh_folder(), *bin = arena_printf(mem, "%s-bin", folder);
    const char *script = arena_printf(mem, "%s/initdb", bin);
    struct cluster c;

    mkdir(bin, 0755);
    write_file(script,
               "#!/bin/sh\nmkdir \"$2\" && echo 15 > \"$2/PG_VERSION\"\n"
               "echo 'could not write to file: No space left on device' >&2\nexit 1\n");
    write_file(arena_printf(mem, "%s/postgres", bin), "");
    chmod(script, 0755);
    chmod(arena_printf(mem, "%s/postgres", bin), 0755);
    setenv("TENON_PG_BIN", bin, 1);
    CU_ASSERT_FALSE(start(folder, &c));
    unsetenv("TENON_PG_BIN");
    CU_ASSERT_TRUE(says("The disk that holds"));
    CU_ASSERT_TRUE(says("is full"));
    CU_ASSERT_NOT_EQUAL(access(arena_printf(mem, "%s/pg", folder), F_OK), 0);
    CU_ASSERT_NOT_EQUAL(access(arena_printf(mem, "%s/pg.new", folder), F_OK), 0);
}

/* A real small disk needs root. */
static void
a_disk_with_too_little_room_is_refused_before_anything_is_made(void)
{
    const char *folder = fresh_folder();
    struct cluster c;

    mkdir(folder, 0755);
    if (mount("tmpfs", folder, "tmpfs", 0, "size=20m"))
        return;
    CU_ASSERT_FALSE(start(arena_printf(mem, "%s/data", folder), &c));
    umount(folder);
    CU_ASSERT_TRUE(says("is full: a new database needs 200 MB"));
}

static void
what_an_interrupted_first_start_left_is_no_cluster(void)
{
    const char *folder = copied();

    CU_ASSERT_EQUAL(
        rename(arena_printf(mem, "%s/pg", folder), arena_printf(mem, "%s/pg.new", folder)), 0);
    started(folder);
    CU_ASSERT_NOT_EQUAL(access(arena_printf(mem, "%s/pg.new", folder), F_OK), 0);
    stop(folder);
}

static void
the_reason_for_a_failed_start_is_what_postgresql_said(void)
{
    const char *folder = copied();
    struct cluster c;

    write_file(arena_printf(mem, "%s/postgresql.conf", folder), "work_mem = nonsense\n");
    chmod(arena_printf(mem, "%s/postgresql.conf", folder), 0644);
    CU_ASSERT_FALSE(start(folder, &c));
    CU_ASSERT_TRUE(says("The database does not start: "));
    CU_ASSERT_TRUE(says("contains errors"));
    write_file(arena_printf(mem, "%s/postgresql.conf", folder), "work_mem = 12MB\n");
    c = started(folder);
    CHECK_TEXT(ask(&c, "SHOW work_mem"), "12MB");
    stop(folder);
}

static void
root_never_takes_over_a_folder_of_other_things_nor_one_that_its_user_cannot_enter(void)
{
    const char *folder = fresh_folder(), *closed = fresh_folder();
    struct cluster c;

    if (geteuid() != 0)
        return; /* only root can take over */
    mkdir(folder, 0755);
    write_file(arena_printf(mem, "%s/precious", folder), "x");
    CU_ASSERT_FALSE(start(folder, &c));
    CU_ASSERT_TRUE(says("holds other files"));
    CU_ASSERT_EQUAL(owner_of(folder), 0);
    CU_ASSERT_EQUAL(mode_of(folder), 0755);
    mkdir(closed, 0700); /* like /root */
    CU_ASSERT_FALSE(start(arena_printf(mem, "%s/data", closed), &c));
    CU_ASSERT_TRUE(says("cannot enter and write"));
}

static void
who_has_given_up_root_cannot_have_it_back(void)
{
    const char *folder = copied();
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        bool given = cluster_drop_root(mem, folder, &error);

        _exit(!(given && geteuid() != 0 && getegid() != 0 && setuid(0) != 0));
    }
    waitpid(pid, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
}

static void
stopping_where_nothing_is_succeeds(void)
{
    const char *folder = fresh_folder();

    CU_ASSERT_TRUE(cluster_stop(mem, folder, &error));
    CU_ASSERT_EQUAL(cluster_running(mem, folder), 0);
    CU_ASSERT_NOT_EQUAL(access(folder, F_OK), 0);
}

const struct test cluster_tests[] = {
    { "the cluster runs as an unprivileged user, and nobody else gets in",
      it_runs_as_an_unprivileged_user_and_nobody_else_gets_in },
    { "without the switch for tests every commit is flushed",
      without_the_switch_for_tests_every_commit_is_flushed },
    { "a bad or missing locale does not matter", a_bad_or_missing_locale_does_not_matter },
    { "settings of psql in the environment do not matter",
      settings_of_psql_in_the_environment_do_not_matter },
    { "a long path gets its socket in a short private folder",
      a_long_path_gets_its_socket_in_a_short_private_folder },
    { "somebody else's folder in the place of the socket is refused",
      somebody_elses_folder_in_the_place_of_the_socket_is_refused },
    { "a folder that was opened to others is closed again",
      a_folder_that_was_opened_to_others_is_closed_again },
    { "a second start uses the server that runs", a_second_start_uses_the_server_that_runs },
    { "two that start at once share one server", two_that_start_at_once_share_one_server },
    { "a killed server starts again and has lost nothing",
      a_killed_server_starts_again_and_has_lost_nothing },
    { "a lock file of a dead process does not matter",
      a_lock_file_of_a_dead_process_does_not_matter },
    { "a lock file with the number of another process neither stops us nor harms it",
      a_lock_file_with_the_number_of_another_process_neither_stops_us_nor_harms_it },
    { "data of another version is named and left alone",
      data_of_another_version_is_named_and_left_alone },
    { "without the programs of PostgreSQL it says what to install",
      without_the_programs_of_postgresql_it_says_what_to_install },
    { "a disk that fills up is named, and nothing half made stays",
      a_disk_that_fills_up_is_named_and_nothing_half_made_stays },
    { "a disk with too little room is refused before anything is made",
      a_disk_with_too_little_room_is_refused_before_anything_is_made },
    { "what an interrupted first start left is no cluster",
      what_an_interrupted_first_start_left_is_no_cluster },
    { "the reason for a failed start is what PostgreSQL said",
      the_reason_for_a_failed_start_is_what_postgresql_said },
    { "root never takes over a folder of other things, nor one that its user cannot enter",
      root_never_takes_over_a_folder_of_other_things_nor_one_that_its_user_cannot_enter },
    { "who has given up root cannot have it back", who_has_given_up_root_cannot_have_it_back },
    { "stopping where nothing is succeeds", stopping_where_nothing_is_succeeds },
    { 0 },
};
