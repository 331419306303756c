/*
 * conn.c - one state machine per connection:
 *
 *     HEAD -> BODY -> BUSY -> WRITE -> HEAD ... -> LINGER -> gone
 *                       \--> STREAM
 *
 * A timer bounds each state but BUSY (the database's own timeouts bound that): it starts
 * with the first byte and does not restart with later ones, so that a client that sends a
 * byte now and then is gone in time. In BUSY nothing is read. LINGER reads what the client
 * still sends for a moment: closing at once would reset the connection under the answer.
 *
 * Why not evhttp: what it hides (folded lines, two lengths, blanks before a colon) has to be
 * seen before it parses, and libevent 2.1's bufferevent_filter in front of it neither
 * flushes on enable nor waits for the wire before a close. head.c reads heads strictly.
 */
#include "server/conn.h"
#include "core/base/tr.h"

#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

static void conn_read(struct conn *c);

/* ------------------------------------------------------------------ life of a connection */

static void
arm(struct conn *c, long long seconds)
{
    evtimer_add(c->timer, &(struct timeval){ .tv_sec = seconds });
}

void
conn_free(struct conn *c)
{
    struct http *h = c->http;

    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    if (c->call)
        c->call->conn = NULL;
    if (c->call && (c->state == HEAD || c->state == BODY))
        call_free(c->call);
    if (c->stream) {
        h->counts.streams--;
        h->events.stream_gone(c->stream);
    }
    limit_give(h->per_address, c->address);
    h->counts.connections--;
    event_free(c->timer);
    bufferevent_free(c->bev);
    free(c);
    if (!h->conns && h->drained)
        h->drained();
}

/* The answer is out: say goodbye, and wait a moment for the client to do so. */
static void
conn_linger(struct conn *c)
{
    SSL *ssl = bufferevent_openssl_get_ssl(c->bev);

    c->state = LINGER;
    SSL_shutdown(ssl);
    shutdown(bufferevent_getfd(c->bev), SHUT_WR);
    bufferevent_enable(c->bev, EV_READ);
    arm(c, 1);
}

static void
conn_next(struct conn *c)
{
    c->state = HEAD;
    c->scanned = 0;
    c->begun = false;
    bufferevent_setwatermark(c->bev, EV_READ, 0, c->http->max_head);
    arm(c, c->http->idle);
    bufferevent_enable(c->bev, EV_READ);
    conn_read(c);
}

/* --------------------------------------------------------------------------- answering */

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    { 200, "OK" },           { 201, "Created" },       { 204, "No Content" },
    { 304, "Not Modified" }, { 400, "Bad Request" },   { 401, "Unauthorized" },
    { 403, "Forbidden" },    { 404, "Not Found" },     { 405, "Method Not Allowed" },
    { 408, "Timeout" },      { 409, "Conflict" },      { 411, "Length Required" },
    { 412, "Precondition" }, { 413, "Too Large" },     { 414, "URI Too Long" },
    { 415, "Media Type" },   { 417, "Expectation" },   { 422, "Unprocessable" },
    { 429, "Too Many" },     { 431, "Header Fields" }, { 500, "Internal Error" },
    { 501, "Not Known" },    { 503, "Unavailable" },
};

static const char *
phrase_of(int status)
{
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "Status";
}

/* Values made by us; what came from the database is checked for line ends. */
static void
add_header(struct evbuffer *out, const char *name, const char *value)
{
    if (value && !strpbrk(value, "\r\n"))
        evbuffer_add_printf(out, "%s: %s\r\n", name, value);
}

void
conn_headers(struct evbuffer *out, const struct call *c)
{
    evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\n", c->status, phrase_of(c->status));
    add_header(out, "Server", "Tenon");
    add_header(out, "X-Request-Id", c->id);
    add_header(out, "X-Content-Type-Options", "nosniff");
    add_header(out, "X-Frame-Options", "DENY");
    add_header(out, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
    add_header(out, "Referrer-Policy", "no-referrer");
    add_header(out, "Strict-Transport-Security", "max-age=31536000");
    add_header(out, "Cache-Control", c->etag ? "private, no-cache" : "no-store");
    add_header(out, "Location", c->location);
    add_header(out, "ETag", c->etag);
    add_header(out, "Allow", c->allow);
    if (c->file_name)
        evbuffer_add_printf(out, "Content-Disposition: attachment; filename=\"%s\"\r\n",
                            c->file_name);
    if (c->status == 401)
        add_header(out, "WWW-Authenticate", "Bearer realm=\"tenon\"");
    if (c->retry_after)
        evbuffer_add_printf(out, "Retry-After: %d\r\n", c->retry_after);
    evbuffer_add_printf(out, "X-Tenon-Syncs: %d\r\n", c->syncs);
    if (c->status != 204 && c->status != 304)
        add_header(out, "Content-Type", c->media_type);
}

static void
free_call(const void *data, size_t n, void *call)
{
    (void)data;
    (void)n;
    call_free(call);
}

/* Head and body at once, so that small ones are one TLS record; a large body's memory is the
 * call's, which is freed when it is out. */
static void
send_answer(struct conn *c, struct call *call)
{
    struct evbuffer *out = evbuffer_new();
    bool bodiless = call->status == 204 || call->status == 304;
    size_t length = bodiless ? 0 : call->reply_length;

    conn_headers(out, call);
    if (!bodiless)
        evbuffer_add_printf(out, "Content-Length: %zu\r\n", length);
    add_header(out, "Connection", c->last ? "close" : "keep-alive");
    evbuffer_add(out, "\r\n", 2);
    if (!strcmp(call->head.method, "HEAD"))
        length = 0;
    if (length <= 4096) {
        evbuffer_add(out, call->reply, length);
        call_free(call);
    } else {
        evbuffer_add_reference(out, call->reply, length, free_call, call);
    }
    bufferevent_write_buffer(c->bev, out);
    evbuffer_free(out);
}

void
http_answer(struct http *h, struct call *call)
{
    struct conn *c = call->conn;

    if (!c) {
        call_free(call);
        return;
    }
    call->conn = NULL;
    c->call = NULL;
    c->state = WRITE;
    c->last = c->last || !call->head.keep_alive || h->drained;
    bufferevent_disable(c->bev, EV_READ);
    arm(c, h->write + (long long)(call->reply_length / 16384));
    send_answer(c, call);
}

/* The head cannot be read, so neither can what follows it: answer and close. */
static void
refuse(struct conn *c, const struct refusal *why)
{
    struct call *call = c->call ? c->call : call_new();

    c->http->counts.refused_heads++;
    call->conn = c;
    c->last = true;
    call_refuse(call, why);
    http_answer(c->http, call);
}

/* ---------------------------------------------------------------------------- reading */

/* "zh-CN,zh;q=0.9,en;q=0.8": the first language that we speak. */
static const char *
language_of(const struct head *h)
{
    const char *wanted = head_find(h, "Accept-Language");

    for (const char *p = wanted; p && *p; p = strchr(p, ',')) {
        p += strspn(p, ", ");
        if (!strncasecmp(p, "zh", 2))
            return "zh";
        if (!strncasecmp(p, "en", 2))
            return "en";
    }
    return "en";
}

static void
body_complete(struct conn *c)
{
    struct call *call = c->call;
    struct evbuffer *in = bufferevent_get_input(c->bev);

    if (call->length) {
        char *body = arena_alloc(call->mem, call->length + 1);

        evbuffer_remove(in, body, call->length);
        call->body = body;
    }
    c->state = BUSY;
    evtimer_del(c->timer);
    bufferevent_disable(c->bev, EV_READ);
    c->http->events.called(call);
}

/* A complete head is here: what does it announce? */
static bool
head_complete(struct conn *c, size_t n)
{
    static const struct refusal too_large = { 413, "too_large", TR_LATER("The body is too large") };
    struct http *h = c->http;
    struct evbuffer *in = bufferevent_get_input(c->bev);
    struct call *call = call_new();
    char *text = arena_alloc(call->mem, n + 1);
    struct refusal why;

    evbuffer_remove(in, text, n);
    c->call = call;
    call->conn = c;
    call->address = arena_strdup(call->mem, c->address);
    bool ok = head_read(call->mem, text, &h->head, &call->head, &why);

    call->language = language_of(&call->head);
    if (ok && call->head.length > (long long)h->events.body_limit(&call->head)) {
        ok = false;
        why = too_large;
    }
    if (!ok) {
        refuse(c, &why);
        return false;
    }
    call->length = (size_t)call->head.length;
    c->state = BODY;
    if (call->length > h->max_head)
        bufferevent_setwatermark(c->bev, EV_READ, 0, call->length);
    if (call->length)
        arm(c, h->request + (long long)(call->length / 16384));
    if (call->head.expects_continue && call->length && !evbuffer_get_length(in))
        evbuffer_add_printf(bufferevent_get_output(c->bev), "HTTP/1.1 100 Continue\r\n\r\n");
    return true;
}

/* Look for the end of the head in what is here. */
static bool
read_head(struct conn *c)
{
    static const struct refusal too_large = { 431, "too_large", TR_LATER("The head is too large") };
    struct evbuffer *in = bufferevent_get_input(c->bev);
    size_t n = evbuffer_get_length(in);
    struct refusal why;

    if (!n)
        return false;
    if (!c->begun)
        arm(c, c->http->request);
    c->begun = true;
    if (n > c->http->max_head)
        n = c->http->max_head;
    long end = head_scan((const char *)evbuffer_pullup(in, (ev_ssize_t)n), n, &c->scanned, &why);

    if (end > 0)
        return head_complete(c, (size_t)end);
    if (end < 0)
        refuse(c, &why);
    else if (n == c->http->max_head)
        refuse(c, &too_large);
    return false;
}

static void
conn_read(struct conn *c)
{
    struct evbuffer *in = bufferevent_get_input(c->bev);

    if (c->state == HEAD && !read_head(c))
        return;
    if (c->state == BODY && evbuffer_get_length(in) >= c->call->length)
        body_complete(c);
    else if (c->state == STREAM || c->state == LINGER)
        evbuffer_drain(in, evbuffer_get_length(in));
}

static void
on_read(struct bufferevent *bev, void *arg)
{
    (void)bev;
    conn_read(arg);
}

/* All that was queued is on the wire. */
static void
on_written(struct bufferevent *bev, void *arg)
{
    struct conn *c = arg;

    if (c->state != WRITE || evbuffer_get_length(bufferevent_get_output(bev)))
        return;
    if (c->last || c->http->drained)
        conn_linger(c);
    else
        conn_next(c);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))
        conn_free(arg);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
    static const struct refusal slow = { 408, "timeout",
                                         TR_LATER("The request did not arrive in time") };
    struct conn *c = arg;

    (void)fd;
    (void)what;
    c->http->counts.deadlines++;
    if ((c->state == HEAD && c->begun) || c->state == BODY)
        refuse(c, &slow);
    else
        conn_free(c);
}

void
conn_new(struct http *h, int fd, const char *address)
{
    struct conn *c = calloc(1, sizeof *c);

    if (!c)
        abort();
    c->http = h;
    memcpy(c->address, address, sizeof c->address);
    c->bev = bufferevent_openssl_socket_new(h->base, fd, SSL_new(tls_context(h->tls)),
                                            BUFFEREVENT_SSL_ACCEPTING,
                                            BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    c->timer = evtimer_new(h->base, on_deadline, c);
    bufferevent_openssl_set_allow_dirty_shutdown(c->bev, 1);
    bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
    bufferevent_setwatermark(c->bev, EV_READ, 0, h->max_head);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    arm(c, h->handshake);
    c->next = h->conns;
    c->link = &h->conns;
    if (c->next)
        c->next->link = &c->next;
    h->conns = c;
    h->counts.connections++;
}
