/*
 * http.h - connections: bytes in, calls out; answers in, bytes out. One loop thread, which
 * never waits for anything but sockets.
 *
 * HTTP/1.1 straight on libevent's TLS bufferevents, one call at a time per connection: while
 * it runs, nothing more is read, so that a client that pipelines costs no memory. What a
 * hostile client may try is met here and in head.c; tests/http/guards_test.c tries it.
 */
#ifndef TENON_HTTP_H
#define TENON_HTTP_H

#include "core/base/conf.h"
#include "server/call.h"
#include "server/tls.h"

struct event_base;
struct http;

struct http_events {
    /* A complete call: answer now with http_answer(), or later from the loop. */
    void (*called)(struct call *c);
    /* The largest body that this call may bring, before any of it is read. */
    size_t (*body_limit)(const struct head *head);
    /* A stream's client has left. */
    void (*stream_gone)(unsigned long stream);
};

struct http *http_new(struct event_base *base, const struct conf *conf,
                      const struct http_events *events);

/* Bind "host:port" (port 0: any free one). Returns the port, 0 with a sentence in *error. */
int http_bind(struct http *h, struct arena *mem, const char *where, const char **error);

/* Begin to accept. */
void http_start(struct http *h, struct tls *tls);

/* All these on the loop's thread. http_answer frees the call. */
void http_answer(struct http *h, struct call *c);
unsigned long http_stream(struct http *h, struct call *c); /* 0: the client has left */
void http_stream_send(struct http *h, unsigned long stream, const char *text, size_t n);
void http_stream_close(struct http *h, unsigned long stream);

/* No new connections; those without a call are closed; *done is called when none is left. */
void http_drain(struct http *h, void (*done)(void));
void http_free(struct http *h);

struct http_counts {
    int connections, streams;
    unsigned long refused_connections, refused_heads, deadlines;
};
struct http_counts http_counts(const struct http *h);

#endif
