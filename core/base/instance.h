/*
 * instance.h - the server that runs on a data folder: <folder>/server.json tells tools its
 * process, address and certificate. A file without a living tenond is as good as none.
 */
#ifndef TENON_INSTANCE_H
#define TENON_INSTANCE_H

#include "core/base/arena.h"

#include <stdbool.h>
#include <sys/types.h>

struct instance {
    pid_t pid;
    const char *url;         /* "https://127.0.0.1:8443" */
    const char *fingerprint; /* SHA-256 of the certificate, "AB:CD:..." */
};

/* tenond, once it listens: as the user that it runs as. 0, or errno. */
int instance_write(struct arena *mem, const char *folder, const char *url, const char *fingerprint);
void instance_remove(struct arena *mem, const char *folder);

/* false when no server runs on this folder. */
bool instance_read(struct arena *mem, const char *folder, struct instance *out);

#endif
