/*
 * conn.h - inside the HTTP layer: what conn.c (one connection) and http.c (all of them) share.
 */
#ifndef TENON_CONN_H
#define TENON_CONN_H

#include "server/http.h"
#include "server/limit.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/in.h>

enum state { HEAD, BODY, BUSY, WRITE, STREAM, LINGER };

struct conn {
    struct conn *next, **link; /* all connections */
    struct http *http;
    struct bufferevent *bev;
    struct event *timer;
    enum state state;
    struct call *call;
    size_t scanned;       /* bytes of the head that head_scan() has seen */
    bool begun;           /* the first byte of a head is here */
    bool last;            /* close after the answer */
    unsigned long stream; /* its number, or 0 */
    char address[INET6_ADDRSTRLEN];
};

struct http {
    struct event_base *base;
    struct http_events events;
    struct tls *tls;
    struct evconnlistener *listener;
    struct conn *conns;
    struct limit *per_address;
    struct http_counts counts;
    void (*drained)(void);
    struct head_limits head;
    size_t max_head, max_stream;
    int max_connections;
    int handshake, idle, request, write; /* seconds */
    unsigned long streams;               /* numbers given */
    int socket;
};

/* Takes the socket; address is what connections are counted by. */
void conn_new(struct http *h, int fd, const char *address);
void conn_free(struct conn *c);

/* Status line and headers of an answer, without the empty line. */
void conn_headers(struct evbuffer *out, const struct call *c);

#endif
