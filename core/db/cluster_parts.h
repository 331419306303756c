/*
 * cluster_parts.h - between the files of the embedded cluster only; others use cluster.h.
 *
 * cluster.c       start, stop, and the order in which traps are looked for
 * cluster_place.c where a cluster lives, who owns it, which programs serve it, its settings
 * cluster_proc.c  processes: what runs, is it ours, run a program, give up root
 */
#ifndef TENON_CLUSTER_PARTS_H
#define TENON_CLUSTER_PARTS_H

#include "core/base/arena.h"

#include <stdbool.h>
#include <sys/types.h>

enum { CLUSTER_PORT = 5432 }; /* only names the socket: nothing listens on TCP */

struct place {
    const char *folder; /* absolute, no links */
    const char *pg;     /* folder/pg */
    const char *log;    /* folder/log/postgresql.log */
    const char *socket; /* a folder of mode 0700 */
    const char *user;   /* who runs it */
    uid_t uid;
    gid_t gid;
    bool exists;    /* there is a cluster in it */
    bool from_root; /* we are root, and uid is not */
};

/* ------------------------------------------------------------------ cluster_place.c */

/* Where, and as whom. create: make the folder when it is missing and give it to the user;
 * else a missing folder is a place where nothing exists. false with *error set. */
bool place_find(struct arena *mem, const char *folder, bool create, struct place *out,
                const char **error);

/* The folders inside, and the socket's. Runs as the cluster's user. */
bool place_prepare(struct arena *mem, struct place *p, const char **error);

/* The folder of initdb and postgres of the version that the data needs; NULL with *error. */
const char *place_programs(struct arena *mem, const struct place *p, const char **error);

/* Is there room for a new cluster? */
bool place_has_room(struct arena *mem, const struct place *p, const char **error);

/* Write pg/tenon.conf: the settings sized by this machine's memory. */
bool place_settings(struct arena *mem, const struct place *p, const char **error);

/* A whole small file; NULL when it cannot be read. */
char *file_text(struct arena *mem, const char *path);

/* ------------------------------------------------------------------- cluster_proc.c */

/* The postmaster of this data folder that runs now, or 0: the PID in postmaster.pid counts
 * only when that process is postgres and works in this folder. */
pid_t proc_postmaster(struct arena *mem, const char *pg);

/* Is there such a process, and not as a zombie? And is it a postgres of this folder? */
bool proc_alive(struct arena *mem, pid_t pid);
bool proc_works_in(struct arena *mem, pid_t pid, const char *pg);

/* Processes of postgres that work in this folder, the postmaster included. */
int proc_count(struct arena *mem, const char *pg);

/* Signal them all, each checked just before. */
void proc_signal_all(struct arena *mem, const char *pg, int signal);

/* Run a program with a clean environment, its output in *output; the exit code, or -1. */
int proc_run(struct arena *mem, char *const argv[], char **output);

/* Start a program that outlives us, its output appended to a file; its PID, or -1. */
pid_t proc_launch(char *const argv[], const char *log);

/* Do work(arg) in a child that has given up root for p's user; false with *error. Without
 * root, or when we are that user already, do it here. */
bool proc_as_user(struct arena *mem, const struct place *p,
                  bool (*work)(void *arg, const char **error), void *arg, const char **error);

/* Become the user for good. */
bool proc_become(const struct place *p);

void proc_sleep_ms(long ms);

#endif
