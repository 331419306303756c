/*
 * http.c - all connections: the listener, the limits on their number, streams, the end.
 */
#include "core/base/log.h"
#include "server/conn.h"

#include <event2/listener.h>
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* IPv6 clients own a /64: that is what is counted. */
static void
address_text(const struct sockaddr *sa, char *to, size_t size)
{
    const struct sockaddr_in6 *six = (const void *)sa;
    const struct sockaddr_in *four = (const void *)sa;
    struct in6_addr net = { 0 };

    if (sa->sa_family == AF_INET) {
        inet_ntop(AF_INET, &four->sin_addr, to, (socklen_t)size);
    } else if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
        inet_ntop(AF_INET, six->sin6_addr.s6_addr + 12, to, (socklen_t)size);
    } else {
        memcpy(&net, &six->sin6_addr, IN6_IS_ADDR_LOOPBACK(&six->sin6_addr) ? 16 : 8);
        inet_ntop(AF_INET6, &net, to, (socklen_t)size);
    }
}

static void
on_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
    struct http *h = arg;
    char address[INET6_ADDRSTRLEN] = "";

    (void)l;
    (void)len;
    address_text(sa, address, sizeof address);
    if (h->counts.connections >= h->max_connections || !limit_take(h->per_address, address)) {
        h->counts.refused_connections++;
        close(fd);
        return;
    }
    conn_new(h, fd, address);
}

static void
on_accept_error(struct evconnlistener *l, void *arg)
{
    (void)l;
    (void)arg;
    log_error("accept", "error", evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
}

struct http *
http_new(struct event_base *base, const struct conf *conf, const struct http_events *events)
{
    struct http *h = calloc(1, sizeof *h);

    if (!h)
        abort();
    h->base = base;
    h->events = *events;
    h->max_head = (size_t)conf_number(conf, "max_head");
    h->max_stream = (size_t)conf_number(conf, "max_stream_buffer");
    h->max_connections = (int)conf_number(conf, "max_connections");
    h->head.headers = (int)conf_number(conf, "max_headers");
    h->head.parameters = (int)conf_number(conf, "max_parameters");
    h->head.target = (size_t)conf_number(conf, "max_target");
    h->handshake = (int)conf_number(conf, "handshake_timeout");
    h->idle = (int)conf_number(conf, "idle_timeout");
    h->request = (int)conf_number(conf, "request_timeout");
    h->write = (int)conf_number(conf, "write_timeout");
    h->per_address = limit_new((int)conf_number(conf, "max_connections_per_address"), 0);
    h->socket = -1;
    return h;
}

/* ---------------------------------------------------------------------------- listening */

/* "127.0.0.1:8443", "[::1]:0", "localhost:8443", ":8443" for every address. */
static struct addrinfo *
resolve(struct arena *mem, const char *where, const char **error)
{
    char *host = arena_strdup(mem, where), *port = strrchr(host, ':');
    struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM }, *found = NULL;

    if (!port) {
        *error = arena_printf(mem, "Listen where? \"%s\" is not HOST:PORT", where);
        return NULL;
    }
    *port++ = '\0';
    if (*host == '[' && host[strlen(host) - 1] == ']') {
        host[strlen(host) - 1] = '\0';
        host++;
    }
    int rc = getaddrinfo(*host ? host : NULL, port, &hints, &found);

    if (rc)
        *error = arena_printf(mem, "Cannot listen on %s: %s", where, gai_strerror(rc));
    return found;
}

static int
bound_port(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } sa = { .v6 = { 0 } };
    socklen_t len = sizeof sa;

    if (getsockname(fd, &sa.any, &len))
        return 0;
    return ntohs(sa.any.sa_family == AF_INET6 ? sa.v6.sin6_port : sa.v4.sin_port);
}

/* Accepted sockets inherit TCP_NODELAY: without it small answers wait 40 ms for an ACK. */
static int
open_socket(const struct addrinfo *a)
{
    static const int on = 1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (!bind(fd, a->ai_addr, a->ai_addrlen) && !listen(fd, 1024))
        return fd;
    close(fd);
    return -1;
}

int
http_bind(struct http *h, struct arena *mem, const char *where, const char **error)
{
    struct addrinfo *found = resolve(mem, where, error);

    if (!found)
        return 0;
    h->socket = open_socket(found);
    if (h->socket < 0)
        *error = arena_printf(mem, "Cannot listen on %s: %s", where, strerror(errno));
    freeaddrinfo(found);
    return h->socket < 0 ? 0 : bound_port(h->socket);
}

void
http_start(struct http *h, struct tls *tls)
{
    h->tls = tls;
    h->listener = evconnlistener_new(h->base, on_accept, h,
                                     LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, h->socket);
    if (!h->listener)
        abort();
    evconnlistener_set_error_cb(h->listener, on_accept_error);
}

/* ------------------------------------------------------------------------------ streams */

static struct conn *
conn_of(struct http *h, unsigned long stream)
{
    for (struct conn *c = h->conns; c; c = c->next)
        if (c->stream == stream)
            return c;
    return NULL;
}

unsigned long
http_stream(struct http *h, struct call *call)
{
    struct conn *c = call->conn;
    struct evbuffer *out;
    unsigned long stream = 0;

    if (c) {
        out = bufferevent_get_output(c->bev);
        call->status = 200;
        call->media_type = "text/event-stream";
        conn_headers(out, call);
        evbuffer_add_printf(out, "Connection: close\r\n\r\n");
        c->call = NULL;
        c->state = STREAM;
        c->last = true;
        stream = c->stream = ++h->streams;
        h->counts.streams++;
        bufferevent_enable(c->bev, EV_READ);
    }
    call_free(call);
    return stream;
}

void
http_stream_send(struct http *h, unsigned long stream, const char *text, size_t n)
{
    struct conn *c = conn_of(h, stream);
    struct evbuffer *out = c ? bufferevent_get_output(c->bev) : NULL;

    if (!c)
        return;
    if (evbuffer_get_length(out) + n > h->max_stream)
        conn_free(c); /* it reads too slowly: it will come back with Last-Event-ID */
    else
        evbuffer_add(out, text, n);
}

void
http_stream_close(struct http *h, unsigned long stream)
{
    struct conn *c = conn_of(h, stream);

    if (c)
        conn_free(c);
}

/* -------------------------------------------------------------------------------- the end */

void
http_drain(struct http *h, void (*done)(void))
{
    h->drained = done;
    if (h->listener)
        evconnlistener_free(h->listener); /* closes: newcomers go to another server at once */
    h->listener = NULL;
    h->socket = -1;
    for (struct conn *c = h->conns, *next; c; c = next) {
        next = c->next;
        if (c->state == STREAM || (c->state == HEAD && !c->begun))
            conn_free(c);
    }
    if (!h->conns)
        done();
}

void
http_free(struct http *h)
{
    h->drained = NULL;
    while (h->conns)
        conn_free(h->conns);
    if (h->listener)
        evconnlistener_free(h->listener);
    else if (h->socket >= 0)
        close(h->socket);
    limit_free(h->per_address);
    free(h);
}

struct http_counts
http_counts(const struct http *h)
{
    return h->counts;
}
