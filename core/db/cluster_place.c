/*
 * cluster_place.c - where an embedded cluster lives, who owns it, and how it is set up.
 *
 * As root we work for the owner of an existing cluster, else for the system user tenon,
 * else postgres. Root only makes the folder and hands it over; all else is done as that
 * user, so what he may not enter shows at once and nothing in it belongs to root.
 */
#include "core/db/cluster_parts.h"
#include "core/base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/un.h>
#include <unistd.h>

enum { OLDEST_MAJOR = 15, NEWEST_MAJOR = 30, ROOM_MB = 200 };

char *
file_text(struct arena *mem, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct str s = str_new(mem);
    char buf[4096];
    ssize_t n;

    if (fd < 0)
        return NULL;
    while ((n = read(fd, buf, sizeof buf)) > 0)
        str_add_n(&s, buf, (size_t)n);
    close(fd);
    return n < 0 ? NULL : s.text;
}

static bool
says(struct arena *mem, const char **error, const char *what, const char *path)
{
    *error = arena_printf(mem, what, path, strerror(errno));
    return false;
}

/* mkdir -p; only the last one is private. */
static bool
folder_make(struct arena *mem, const char *path, bool *made)
{
    char *part = arena_strdup(mem, path);

    for (char *slash = part + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        if (mkdir(part, 0755) && errno != EEXIST)
            return false;
    }
    *made = !mkdir(path, 0700);
    return *made || errno == EEXIST;
}

static bool
folder_is_empty(const char *path)
{
    DIR *dir = opendir(path);
    int entries = 0;

    while (dir && readdir(dir))
        entries++;
    if (dir)
        closedir(dir);
    return entries <= 2;
}

/* The user of an existing cluster; else ourselves; for root the system user. */
static bool
find_user(struct arena *mem, struct place *p, const char **error)
{
    struct stat st;
    uid_t me = geteuid();
    struct passwd *who;

    p->exists = !stat(arena_printf(mem, "%s/PG_VERSION", p->pg), &st);
    if (p->exists && st.st_uid != 0)
        who = getpwuid(st.st_uid);
    else if (me == 0)
        who = getpwnam(getpwnam("tenon") ? "tenon" : "postgres");
    else
        who = getpwuid(me);
    if (!who) {
        *error = me == 0 ? "There is no system user tenon or postgres to run the database as: "
                           "run packaging/install-packages.sh, or: apt install postgresql-15"
                         : "This user has no entry in /etc/passwd, which PostgreSQL needs";
        return false;
    }
    p->user = arena_strdup(mem, who->pw_name);
    p->uid = who->pw_uid;
    p->gid = who->pw_gid;
    p->from_root = me == 0 && p->uid != 0;
    if (me == 0 || me == p->uid)
        return true;
    *error = arena_printf(mem, "The data in %s belongs to the user %s: work as %s or as root",
                          p->folder, p->user, p->user);
    return false;
}

/* Root made or found the folder: hand it to the user, but never somebody else's things. */
static bool
hand_over(struct arena *mem, const struct place *p, bool made, const char **error)
{
    struct stat st;

    if (stat(p->folder, &st))
        return says(mem, error, "Cannot read the folder %s: %s", p->folder);
    if (st.st_uid == p->uid)
        return true;
    if (!made && !p->exists && !folder_is_empty(p->folder)) {
        *error = arena_printf(mem, "The folder %s holds other files: name an empty or a new folder",
                              p->folder);
        return false;
    }
    if (p->exists && !stat(p->pg, &st) && st.st_uid == 0) { /* a backup that root unpacked */
        char *output, *argv[] = { "/bin/chown", "-R", arena_printf(mem, "%s:", p->user),
                                  arena_strdup(mem, p->pg), NULL };

        proc_run(mem, argv, &output);
    }
    if (chown(p->folder, p->uid, p->gid) || chmod(p->folder, 0700))
        return says(mem, error, "Cannot give the folder %s to the database's user: %s", p->folder);
    return true;
}

bool
place_find(struct arena *mem, const char *folder, bool create, struct place *p, const char **error)
{
    bool made = false;
    char *absolute;

    *p = (struct place){ 0 };
    if (create && !folder_make(mem, folder, &made))
        return says(mem, error, "Cannot make the folder %s: %s", folder);
    absolute = realpath(folder, NULL);
    if (!absolute && !create && errno == ENOENT) {
        p->folder = p->pg = folder;
        return true;
    }
    if (!absolute)
        return says(mem, error, "Cannot enter the folder %s: %s", folder);
    p->folder = arena_strdup(mem, absolute);
    free(absolute);
    p->pg = arena_printf(mem, "%s/pg", p->folder);
    p->log = arena_printf(mem, "%s/log/postgresql.log", p->folder);
    if (!find_user(mem, p, error))
        return false;
    return !create || !p->from_root || hand_over(mem, p, made, error);
}

/* A folder of ours with nobody else in it; a link or a stranger's folder is refused. */
static bool
private_folder(struct arena *mem, const char *path, const char **error)
{
    struct stat st;

    if (mkdir(path, 0700) && errno != EEXIST)
        return says(mem, error, "Cannot make the folder %s: %s", path);
    if (lstat(path, &st))
        return says(mem, error, "Cannot read the folder %s: %s", path);
    if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid()) {
        *error = arena_printf(mem, "%s is not a folder of this user: remove it", path);
        return false;
    }
    if ((st.st_mode & 07777) != 0700 && chmod(path, 0700))
        return says(mem, error, "Cannot make the folder %s private: %s", path);
    return true;
}

/* Short enough for a socket's address (107 bytes): inside the folder, else a name made of
 * its hash under /run/user or /tmp. */
static const char *
socket_folder(struct arena *mem, const char *folder)
{
    const char *inside = arena_printf(mem, "%s/run", folder);
    const char *run = arena_printf(mem, "/run/user/%lu", (unsigned long)geteuid());
    uint64_t hash = 14695981039346656037u; /* FNV-1a */

    if (strlen(inside) + strlen("/.s.PGSQL.5432") < sizeof((struct sockaddr_un *)0)->sun_path)
        return inside;
    for (const char *c = folder; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    return arena_printf(mem, "%s/tenon-%016llx", access(run, W_OK) ? "/tmp" : run,
                        (unsigned long long)hash);
}

bool
place_prepare(struct arena *mem, struct place *p, const char **error)
{
    struct stat st;

    if (access(p->folder, R_OK | W_OK | X_OK)) {
        *error = arena_printf(mem,
                              "The user %s, who runs the database, cannot enter and write %s: "
                              "name another data folder, such as /var/lib/tenon",
                              p->user, p->folder);
        return false;
    }
    p->socket = socket_folder(mem, p->folder);
    if (!private_folder(mem, p->socket, error) ||
        !private_folder(mem, arena_printf(mem, "%s/log", p->folder), error))
        return false;
    /* A checkout or a loose umask opens the data to others: PostgreSQL would refuse it. */
    if (p->exists && !stat(p->pg, &st) && (st.st_mode & 0777) != 0700 && chmod(p->pg, 0700))
        return says(mem, error, "Cannot make the folder %s private: %s", p->pg);
    return true;
}

static const char *
programs_of(struct arena *mem, int major)
{
    const char *bin = arena_printf(mem, "/usr/lib/postgresql/%d/bin", major);

    return access(arena_printf(mem, "%s/postgres", bin), X_OK) ? NULL : bin;
}

const char *
place_programs(struct arena *mem, const struct place *p, const char **error)
{
    const char *named = getenv("TENON_PG_BIN"), *bin = NULL;
    char *version = file_text(mem, arena_printf(mem, "%s/PG_VERSION", p->pg));
    long major = version ? strtol(version, NULL, 10) : 0;

    if (version && major < OLDEST_MAJOR) {
        *error = arena_printf(mem,
                              "The data in %s was made by PostgreSQL %ld; this program needs "
                              "%d or newer: move it with pg_upgrade or a dump",
                              p->folder, major, OLDEST_MAJOR);
        return NULL;
    }
    if (named && *named)
        bin = access(arena_printf(mem, "%s/postgres", named), X_OK) ? NULL : named;
    else if (version)
        bin = programs_of(mem, (int)major);
    else
        for (int m = NEWEST_MAJOR; m >= OLDEST_MAJOR && !bin; m--)
            bin = programs_of(mem, m);
    if (!bin)
        *error = arena_printf(mem, "PostgreSQL %ld is not installed: apt install postgresql-%ld",
                              major ? major : OLDEST_MAJOR, major ? major : OLDEST_MAJOR);
    return bin;
}

bool
place_has_room(struct arena *mem, const struct place *p, const char **error)
{
    struct statvfs fs;
    unsigned long long mb;

    if (statvfs(p->folder, &fs))
        return says(mem, error, "Cannot read the folder %s: %s", p->folder);
    mb = (unsigned long long)fs.f_bavail * fs.f_frsize >> 20;
    if (mb >= ROOM_MB)
        return true;
    *error = arena_printf(mem,
                          "The disk that holds %s is full: a new database needs %d MB and "
                          "there are %llu",
                          p->folder, ROOM_MB, mb);
    return false;
}

/* Of the machine, or of the control group that confines us. */
static unsigned long long
memory_mb(struct arena *mem)
{
    struct sysinfo info;
    unsigned long long mb = 1024;
    char *limit = file_text(mem, "/sys/fs/cgroup/memory.max");

    if (!sysinfo(&info))
        mb = (unsigned long long)info.totalram * info.mem_unit >> 20;
    if (limit && *limit >= '0' && *limit <= '9') {
        unsigned long long most = strtoull(limit, NULL, 10) >> 20;

        mb = most && most < mb ? most : mb;
    }
    return mb;
}

static unsigned long long
between(unsigned long long least, unsigned long long x, unsigned long long most)
{
    return x < least ? least : x > most ? most : x;
}

static const char *
settings_text(struct arena *mem)
{
    unsigned long long mb = memory_mb(mem);

    return arena_printf(
        mem,
        "# Written by tenond at each start, sized by this machine's memory (%llu MB).\n"
        "# Your own settings belong into postgresql.conf of the data folder: they win.\n"
        "shared_buffers = %lluMB\n"
        "effective_cache_size = %lluMB\n"
        "maintenance_work_mem = %lluMB\n"
        "work_mem = %lluMB\n"
        "max_connections = 100\n"
        "wal_buffers = 16MB\n"
        "min_wal_size = 256MB\n"
        "max_wal_size = 2GB\n"
        "checkpoint_timeout = 15min\n"
        "random_page_cost = 1.1\n"
        "autovacuum = on\n"
        "autovacuum_naptime = 15s\n" /* young tables grow fast: plans want their size soon */
        "jit = off\n"
        "timezone = 'UTC'\n"
        "log_timezone = 'UTC'\n"
        "log_min_messages = log\n" /* refused statements are tenond's to report */
        "log_checkpoints = off\n"
        "log_line_prefix = '%%m [%%p] '\n"
        "include_if_exists = '../postgresql.conf'\n",
        mb, between(32, mb / 5, 4096), between(64, mb / 2, 1u << 20), between(32, mb / 32, 512),
        between(4, mb / 512, 32));
}

bool
place_settings(struct arena *mem, const struct place *p, const char **error)
{
    const char *path = arena_printf(mem, "%s/tenon.conf", p->pg);
    const char *fresh = arena_printf(mem, "%s.new", path), *text = settings_text(mem);
    FILE *f = fopen(fresh, "we");

    if (!f)
        return says(mem, error, "Cannot write %s: %s", fresh);
    bool good = fputs(text, f) >= 0;

    if (fclose(f) || !good || rename(fresh, path))
        return says(mem, error, "Cannot write %s: %s", path);
    return true;
}
