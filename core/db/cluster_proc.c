/*
 * cluster_proc.c - processes of the embedded cluster.
 *
 * A PID in a file proves nothing: after a crash another program may have it. So a process
 * counts as ours only when /proc says that it is postgres and works in our data folder,
 * and that is read again just before each signal.
 */
#include "core/db/cluster_parts.h"
#include "core/base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* PostgreSQL and initdb see nothing of our caller's locale, PGDATA, PGOPTIONS and so on. */
static char *const clean_environment[] = { "PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8",
                                           "TZ=UTC", NULL };

void
proc_sleep_ms(long ms)
{
    nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static const char *
proc_link(struct arena *mem, pid_t pid, const char *name)
{
    char *target = arena_alloc(mem, PATH_MAX);
    ssize_t n = readlink(arena_printf(mem, "/proc/%d/%s", (int)pid, name), target, PATH_MAX - 1);

    return n > 0 ? target : NULL;
}

/* After an upgrade of the package the kernel says "/usr/.../postgres (deleted)". */
bool
proc_works_in(struct arena *mem, pid_t pid, const char *pg)
{
    const char *cwd = proc_link(mem, pid, "cwd"), *exe;

    if (!cwd || strcmp(cwd, pg))
        return false;
    exe = proc_link(mem, pid, "exe");
    return exe && (str_ends(exe, "/postgres") || str_ends(exe, "/postgres (deleted)"));
}

bool
proc_alive(struct arena *mem, pid_t pid)
{
    return proc_link(mem, pid, "exe") || errno == EACCES;
}

pid_t
proc_postmaster(struct arena *mem, const char *pg)
{
    const char *text = file_text(mem, arena_printf(mem, "%s/postmaster.pid", pg));
    long pid = text ? strtol(text, NULL, 10) : 0;

    return pid > 0 && pid < INT_MAX && proc_works_in(mem, (pid_t)pid, pg) ? (pid_t)pid : 0;
}

/* Calls do_it for each of ours, and counts them. */
static int
each_of_ours(struct arena *mem, const char *pg, int signal)
{
    DIR *dir = opendir("/proc");
    int count = 0;

    if (!dir)
        return 0;
    for (struct dirent *e; (e = readdir(dir));) {
        if (!str_is_id(e->d_name))
            continue;
        pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

        if (!proc_works_in(mem, pid, pg))
            continue;
        count++;
        if (signal)
            kill(pid, signal);
    }
    closedir(dir);
    return count;
}

int
proc_count(struct arena *mem, const char *pg)
{
    return each_of_ours(mem, pg, 0);
}

void
proc_signal_all(struct arena *mem, const char *pg, int signal)
{
    each_of_ours(mem, pg, signal);
}

/* Everything but 0, 1, 2: a server that outlives us must not hold our sockets and pipes. */
static void
close_inherited(void)
{
    long most = sysconf(_SC_OPEN_MAX);

    for (int fd = 3; fd < (most > 0 && most < 4096 ? most : 4096); fd++)
        close(fd);
}

static void
become_program(char *const argv[], int output)
{
    int null = open("/dev/null", O_RDWR);

    if (dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
        _exit(126);
    close_inherited();
    /* Our own working folder may be closed to this user (/root). */
    if (chdir("/"))
        _exit(126);
    execve(argv[0], argv, clean_environment);
    _exit(127);
}

static char *
read_all(struct arena *mem, int fd)
{
    struct str s = str_new(mem);
    char buf[4096];

    for (ssize_t n; (n = read(fd, buf, sizeof buf)) != 0;) {
        if (n < 0 && errno != EINTR)
            break;
        if (n > 0)
            str_add_n(&s, buf, (size_t)n);
    }
    return s.text;
}

static int
wait_for(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int
proc_run(struct arena *mem, char *const argv[], char **output)
{
    int ends[2];

    if (pipe(ends))
        return -1;
    pid_t pid = fork();

    if (pid == 0)
        become_program(argv, ends[1]);
    close(ends[1]);
    *output = read_all(mem, ends[0]);
    close(ends[0]);
    return pid < 0 ? -1 : wait_for(pid);
}

/* Runs in the first child: the grandchild is init's, so it never becomes our zombie, which
 * PostgreSQL would take for a living owner of its lock file. */
static void
launch_and_leave(char *const argv[], const char *log, int tell)
{
    int out = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    pid_t pid = setsid() < 0 || out < 0 ? -1 : fork();

    if (pid == 0)
        become_program(argv, out);
    if (write(tell, &pid, sizeof pid) != sizeof pid)
        _exit(1);
    _exit(0);
}

pid_t
proc_launch(char *const argv[], const char *log)
{
    int ends[2];
    pid_t pid = -1;

    if (pipe(ends))
        return -1;
    pid_t child = fork();

    if (child == 0)
        launch_and_leave(argv, log, ends[1]);
    close(ends[1]);
    if (child > 0 && read(ends[0], &pid, sizeof pid) != sizeof pid)
        pid = -1;
    close(ends[0]);
    if (child > 0)
        wait_for(child);
    return pid;
}

bool
proc_become(const struct place *p)
{
    if (geteuid() != 0 || p->uid == 0)
        return geteuid() == p->uid;
    if (initgroups(p->user, p->gid) || setgid(p->gid) || setuid(p->uid))
        return false;
    return setuid(0) != 0; /* root must be gone for good */
}

bool
proc_as_user(struct arena *mem, const struct place *p, bool (*work)(void *arg, const char **error),
             void *arg, const char **error)
{
    int ends[2];
    const char *said = NULL;

    if (!p->from_root)
        return work(arg, error);
    fflush(NULL);
    if (pipe(ends)) {
        *error = "Too many files are open";
        return false;
    }
    pid_t pid = fork();

    if (pid == 0) {
        close(ends[0]);
        if (!proc_become(p))
            said = arena_printf(mem, "Cannot work as the user %s", p->user);
        bool good = !said && work(arg, &said);

        fflush(NULL);
        if (!good && write(ends[1], said, strlen(said)) < 0)
            _exit(2);
        _exit(good ? 0 : 1);
    }
    close(ends[1]);
    said = read_all(mem, ends[0]);
    close(ends[0]);
    if (pid > 0 && wait_for(pid) == 0)
        return true;
    *error = *said ? said : "The database could not be started";
    return false;
}
