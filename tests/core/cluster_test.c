/*
 * cluster_test.c - the embedded PostgreSQL starts from whatever a crash, a copy, a checkout or
 * a strange machine has left.
 */
#include "tests/cluster.h"
#include "tests/test.h"

#include <libpq-fe.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A process of the cluster's user that has nothing to do with it. */
static pid_t
stranger(const char *folder)
{
    uid_t uid = file_owner(arena_printf(cluster_mem(), "%s/pg", folder));
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

static void
it_runs_as_an_unprivileged_user_and_nobody_else_gets_in(void)
{
    const char *folder = cluster_fresh();
    struct cluster c = cluster_started(folder);
    uid_t uid = file_owner(
        arena_printf(cluster_mem(), "/proc/%d", (int)cluster_running(cluster_mem(), folder)));

    CU_ASSERT_NOT_EQUAL(uid, 0);
    CU_ASSERT_EQUAL(file_owner(folder), uid);
    CU_ASSERT_EQUAL(file_mode(folder), 0700);
    CU_ASSERT_EQUAL(file_mode(c.data), 0700);
    CU_ASSERT_EQUAL(file_mode(c.socket), 0700);
    CHECK_TEXT(cluster_ask(&c, "SHOW listen_addresses"), "");
    CHECK_TEXT(cluster_ask(&c, "SHOW timezone"), "UTC");
    CHECK_TEXT(cluster_ask(&c, "SHOW jit"), "off");
    CHECK_TEXT(cluster_ask(&c, "SHOW data_checksums"), "on");
    cluster_stopped(folder);
}

static void
without_the_switch_for_tests_every_commit_is_flushed(void)
{
    const char *folder = cluster_copied();

    unsetenv("TENON_TEST_FAST");
    struct cluster c = cluster_started(folder);

    setenv("TENON_TEST_FAST", "1", 1);
    CHECK_TEXT(cluster_ask(&c, "SHOW fsync"), "on");
    CHECK_TEXT(cluster_ask(&c, "SHOW full_page_writes"), "on");
    CHECK_TEXT(cluster_ask(&c, "SHOW synchronous_commit"), "on");
    CHECK_TEXT(cluster_ask(&c, "SHOW autovacuum"), "on");
    cluster_stopped(folder);
}

static void
a_bad_or_missing_locale_does_not_matter(void)
{
    const char *const bad[] = { "xx_YY.no-such", "C", NULL };
    const char *was = getenv("LC_ALL") ? arena_strdup(cluster_mem(), getenv("LC_ALL")) : NULL;

    for (int i = 0; i < 2; i++) {
        const char *folder = cluster_fresh();

        setenv("LC_ALL", bad[i], 1);
        setenv("LANG", bad[i], 1);
        struct cluster c = cluster_started(folder);

        CHECK_TEXT(cluster_ask(&c, "SHOW server_encoding"), "UTF8");
        CHECK_TEXT(cluster_ask(&c, "SELECT length('木材')::text"), "2");
        cluster_stopped(folder);
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
    const char *folder = cluster_copied();

    setenv("PGDATA", "/nowhere", 1);
    setenv("PGPORT", "1", 1);
    setenv("PGHOST", "192.0.2.1", 1);
    struct cluster c = cluster_started(folder);

    unsetenv("PGDATA");
    unsetenv("PGPORT");
    unsetenv("PGHOST");
    CHECK_TEXT(cluster_ask(&c, "SELECT current_database()"), "tenon");
    cluster_stopped(folder);
}

static void
a_long_path_gets_its_socket_in_a_short_private_folder(void)
{
    const char *folder = cluster_long();
    struct cluster c = cluster_started(folder);

    CU_ASSERT_TRUE(strlen(c.socket) + strlen("/.s.PGSQL.5432") <= 107);
    CU_ASSERT_EQUAL(file_mode(c.socket), 0700);
    CHECK_TEXT(cluster_ask(&c, "SELECT 1"), "1");
    cluster_stopped(folder);
    rmdir(c.socket);
}

static void
a_folder_that_was_opened_to_others_is_closed_again(void)
{
    const char *folder = cluster_copied(), *pg = arena_printf(cluster_mem(), "%s/pg", folder);

    CU_ASSERT_EQUAL(chmod(pg, 0755), 0);
    cluster_started(folder);
    CU_ASSERT_EQUAL(file_mode(pg), 0700);
    cluster_stopped(folder);
}

static void
a_second_start_uses_the_server_that_runs(void)
{
    const char *folder = cluster_copied();
    struct cluster one = cluster_started(folder);
    pid_t pid = cluster_running(cluster_mem(), folder);
    struct cluster two = cluster_started(folder);

    CU_ASSERT_EQUAL(cluster_running(cluster_mem(), folder), pid);
    CHECK_TEXT(one.conninfo, two.conninfo);
    cluster_stopped(folder);
}

static void
two_that_start_at_once_share_one_server(void)
{
    const char *folder = cluster_fresh();
    pid_t children[2];
    int status[2] = { -1, -1 };

    for (int i = 0; i < 2; i++)
        if ((children[i] = fork()) == 0) {
            struct cluster c;

            _exit(!cluster_try(folder, &c));
        }
    for (int i = 0; i < 2; i++)
        waitpid(children[i], &status[i], 0);
    CU_ASSERT_EQUAL(status[0], 0);
    CU_ASSERT_EQUAL(status[1], 0);
    CU_ASSERT_NOT_EQUAL(cluster_running(cluster_mem(), folder), 0);
    cluster_stopped(folder);
}

static void
a_killed_server_starts_again_and_has_lost_nothing(void)
{
    const char *folder = cluster_copied();
    struct cluster c = cluster_started(folder);

    cluster_ask(&c, "CREATE TABLE kept AS SELECT 7 AS n");
    PGconn *busy = PQconnectdb(c.conninfo); /* a backend that notices the end of its server late */

    CU_ASSERT_EQUAL(PQsendQuery(busy, "SELECT count(*) FROM generate_series(1, 20000000)"), 1);
    usleep(100000);
    CU_ASSERT_EQUAL(kill(cluster_running(cluster_mem(), folder), SIGKILL), 0);
    c = cluster_started(folder);
    PQfinish(busy);
    CHECK_TEXT(cluster_ask(&c, "SELECT n FROM kept"), "7");
    cluster_stopped(folder);
}

static void
a_lock_file_of_a_dead_process_does_not_matter(void)
{
    const char *folder = cluster_copied();

    file_put(arena_printf(cluster_mem(), "%s/pg/postmaster.pid", folder),
             "999999999\n/x\n1\n5432\n");
    cluster_started(folder);
    cluster_stopped(folder);
}

static void
a_lock_file_with_the_number_of_another_process_neither_stops_us_nor_harms_it(void)
{
    const char *folder = cluster_copied();
    struct cluster c = cluster_started(folder); /* for the socket's lock file */

    cluster_stopped(folder);
    pid_t other = stranger(folder);
    const char *lock =
        arena_printf(cluster_mem(), "%d\n%s\n1\n5432\n%s\n", (int)other, c.data, c.socket);

    file_put(arena_printf(cluster_mem(), "%s/postmaster.pid", c.data), lock);
    file_put(arena_printf(cluster_mem(), "%s/.s.PGSQL.5432.lock", c.socket), lock);
    CU_ASSERT_EQUAL(cluster_running(cluster_mem(), folder), 0);
    cluster_stopped(folder);
    CU_ASSERT_FALSE(ended(other));
    cluster_started(folder);
    CU_ASSERT_FALSE(ended(other));
    cluster_stopped(folder);
    CU_ASSERT_FALSE(ended(other));
    end_stranger(other);
}

static void
what_an_interrupted_first_start_left_is_no_cluster(void)
{
    const char *folder = cluster_copied();

    CU_ASSERT_EQUAL(rename(arena_printf(cluster_mem(), "%s/pg", folder),
                           arena_printf(cluster_mem(), "%s/pg.new", folder)),
                    0);
    cluster_started(folder);
    CU_ASSERT_NOT_EQUAL(access(arena_printf(cluster_mem(), "%s/pg.new", folder), F_OK), 0);
    cluster_stopped(folder);
}

static void
who_has_given_up_root_cannot_have_it_back(void)
{
    const char *folder = cluster_copied();
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        bool given = cluster_drop_root(cluster_mem(), folder, &cluster_error);

        _exit(!(given && geteuid() != 0 && getegid() != 0 && setuid(0) != 0));
    }
    waitpid(pid, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
}

static void
stopping_where_nothing_is_succeeds(void)
{
    const char *folder = cluster_fresh();

    CU_ASSERT_TRUE(cluster_stop(cluster_mem(), folder, &cluster_error));
    CU_ASSERT_EQUAL(cluster_running(cluster_mem(), folder), 0);
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
    { "what an interrupted first start left is no cluster",
      what_an_interrupted_first_start_left_is_no_cluster },
    { "who has given up root cannot have it back", who_has_given_up_root_cannot_have_it_back },
    { "stopping where nothing is succeeds", stopping_where_nothing_is_succeeds },
    { 0 },
};
