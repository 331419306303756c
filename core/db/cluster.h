/*
 * cluster.h - the embedded PostgreSQL: a private cluster under the data folder, on a unix
 * socket in a folder of mode 0700, run as an unprivileged user even when root starts us.
 */
#ifndef TENON_CLUSTER_H
#define TENON_CLUSTER_H

#include "core/base/arena.h"

#include <stdbool.h>
#include <sys/types.h>

struct cluster {
    const char *data;         /* <data folder>/pg */
    const char *socket;       /* folder of the socket; short enough for sun_path */
    const char *user;         /* the system user that owns it */
    const char *conninfo;     /* for migrations: superuser */
    const char *app_conninfo; /* for the server: role tenon_app */
};

/* initdb when empty, start when stopped, reuse when ours is already running. false with a
 * plain sentence in *error. progress (may be NULL) is called before each long step. */
bool cluster_start(struct arena *mem, const char *folder, struct cluster *out,
                   void (*progress)(const char *what), const char **error);

/* The process of the embedded server on this folder, 0 when none runs. */
pid_t cluster_running(struct arena *mem, const char *folder);

/* Fast shutdown; true when nothing of ours runs afterwards. */
bool cluster_stop(struct arena *mem, const char *folder, const char **error);

/* Give up root for good: setgroups, setgid, setuid to the cluster's user (no-op otherwise). */
bool cluster_drop_root(struct arena *mem, const char *folder, const char **error);

#endif
