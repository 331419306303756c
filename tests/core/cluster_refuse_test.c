/*
 * cluster_refuse_test.c - where the embedded PostgreSQL cannot start, one sentence says what is
 * wrong and what to do, and nothing of anybody else's is touched.
 */
#include "tests/cluster.h"
#include "tests/test.h"

#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static void
somebody_elses_folder_in_the_place_of_the_socket_is_refused(void)
{
    const char *folder = cluster_long();
    struct cluster c = cluster_started(folder);

    cluster_stopped(folder);
    CU_ASSERT_TRUE_FATAL(RUN("rm", "-rf", c.socket));
    CU_ASSERT_EQUAL_FATAL(symlink("/tmp", c.socket), 0);
    CU_ASSERT_FALSE(cluster_try(folder, &c));
    CU_ASSERT_TRUE(cluster_says("is not a folder of this user"));
    unlink(c.socket);
}

static void
data_of_another_version_is_named_and_left_alone(void)
{
    const char *folder = cluster_copied(),
               *version = arena_printf(cluster_mem(), "%s/pg/PG_VERSION", folder);
    struct cluster c;

    file_put(version, "14\n");
    CU_ASSERT_FALSE(cluster_try(folder, &c));
    CU_ASSERT_TRUE(cluster_says("was made by PostgreSQL 14"));
    file_put(version, "29\n");
    CU_ASSERT_FALSE(cluster_try(folder, &c));
    CU_ASSERT_TRUE(cluster_says("PostgreSQL 29 is not installed: apt install postgresql-29"));
}

static void
without_the_programs_of_postgresql_it_says_what_to_install(void)
{
    const char *folder = cluster_fresh();
    struct cluster c;

    setenv("TENON_PG_BIN", "/nowhere", 1);
    CU_ASSERT_FALSE(cluster_try(folder, &c));
    unsetenv("TENON_PG_BIN");
    CU_ASSERT_TRUE(cluster_says("PostgreSQL 15 is not installed: apt install postgresql-15"));
}

static void
a_disk_that_fills_up_is_named_and_nothing_half_made_stays(void)
{
    const char *folder = cluster_fresh(), *bin = arena_printf(cluster_mem(), "%s-bin", folder);
    const char *script = arena_printf(cluster_mem(), "%s/initdb", bin);
    struct cluster c;

    mkdir(bin, 0755);
    file_put(script,
             "#!/bin/sh\nmkdir \"$2\" && echo 15 > \"$2/PG_VERSION\"\n"
             "echo 'could not write to file: No space left on device' >&2\nexit 1\n");
    file_put(arena_printf(cluster_mem(), "%s/postgres", bin), "");
    chmod(script, 0755);
    chmod(arena_printf(cluster_mem(), "%s/postgres", bin), 0755);
    setenv("TENON_PG_BIN", bin, 1);
    CU_ASSERT_FALSE(cluster_try(folder, &c));
    unsetenv("TENON_PG_BIN");
    CU_ASSERT_TRUE(cluster_says("The disk that holds"));
    CU_ASSERT_TRUE(cluster_says("is full"));
    CU_ASSERT_NOT_EQUAL(access(arena_printf(cluster_mem(), "%s/pg", folder), F_OK), 0);
    CU_ASSERT_NOT_EQUAL(access(arena_printf(cluster_mem(), "%s/pg.new", folder), F_OK), 0);
}

/* A real small disk needs root. */
static void
a_disk_with_too_little_room_is_refused_before_anything_is_made(void)
{
    const char *folder = cluster_fresh();
    struct cluster c;

    mkdir(folder, 0755);
    if (mount("tmpfs", folder, "tmpfs", 0, "size=20m"))
        return;
    CU_ASSERT_FALSE(cluster_try(arena_printf(cluster_mem(), "%s/data", folder), &c));
    umount(folder);
    CU_ASSERT_TRUE(cluster_says("is full: a new database needs 200 MB"));
}

static void
the_reason_for_a_failed_start_is_what_postgresql_said(void)
{
    const char *folder = cluster_copied();
    struct cluster c;

    file_put(arena_printf(cluster_mem(), "%s/postgresql.conf", folder), "work_mem = nonsense\n");
    chmod(arena_printf(cluster_mem(), "%s/postgresql.conf", folder), 0644);
    CU_ASSERT_FALSE(cluster_try(folder, &c));
    CU_ASSERT_TRUE(cluster_says("The database does not start: "));
    CU_ASSERT_TRUE(cluster_says("contains errors"));
    file_put(arena_printf(cluster_mem(), "%s/postgresql.conf", folder), "work_mem = 12MB\n");
    c = cluster_started(folder);
    CHECK_TEXT(cluster_ask(&c, "SHOW work_mem"), "12MB");
    cluster_stopped(folder);
}

static void
root_never_takes_over_a_folder_of_other_things_nor_one_that_its_user_cannot_enter(void)
{
    const char *folder = cluster_fresh(), *closed = cluster_fresh();
    struct cluster c;

    if (geteuid() != 0)
        return; /* only root can take over */
    mkdir(folder, 0755);
    file_put(arena_printf(cluster_mem(), "%s/precious", folder), "x");
    CU_ASSERT_FALSE(cluster_try(folder, &c));
    CU_ASSERT_TRUE(cluster_says("holds other files"));
    CU_ASSERT_EQUAL(file_owner(folder), 0);
    CU_ASSERT_EQUAL(file_mode(folder), 0755);
    mkdir(closed, 0700); /* like /root */
    CU_ASSERT_FALSE(cluster_try(arena_printf(cluster_mem(), "%s/data", closed), &c));
    CU_ASSERT_TRUE(cluster_says("cannot enter and write"));
}

const struct test cluster_refuse_tests[] = {
    { "somebody else's folder in the place of the socket is refused",
      somebody_elses_folder_in_the_place_of_the_socket_is_refused },
    { "data of another version is named and left alone",
      data_of_another_version_is_named_and_left_alone },
    { "without the programs of PostgreSQL it says what to install",
      without_the_programs_of_postgresql_it_says_what_to_install },
    { "a disk that fills up is named, and nothing half made stays",
      a_disk_that_fills_up_is_named_and_nothing_half_made_stays },
    { "a disk with too little room is refused before anything is made",
      a_disk_with_too_little_room_is_refused_before_anything_is_made },
    { "the reason for a failed start is what PostgreSQL said",
      the_reason_for_a_failed_start_is_what_postgresql_said },
    { "root never takes over a folder of other things, nor one that its user cannot enter",
      root_never_takes_over_a_folder_of_other_things_nor_one_that_its_user_cannot_enter },
    { 0 },
};
