/*
 * server.h - the running server: the loop and what hangs on it.
 */
#ifndef TENON_SERVER_H
#define TENON_SERVER_H

#include "server/http.h"
#include "server/worker.h"

struct server {
    const struct conf *conf;
    struct event_base *base;
    struct http *http;
    struct tls *tls;
    struct workers *workers;
    const char *conninfo; /* of the server's role */
};
extern struct server server;

/* Serve until SIGTERM or SIGINT; http is bound. ready is called when connections and signals
 * are taken. True when all was answered and closed; false when something still ran after
 * stop_timeout: then nothing may be freed, and the process must end. */
bool server_run(void (*ready)(void));

/* From any thread: run fn(arg) on the loop's thread, soon. */
void server_later(void (*fn)(void *arg), void *arg);

#endif
