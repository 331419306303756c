/*
 * http_server.c - processes of tenond for tests, and sockets that say what no client would.
 */
#include "tests/http_server.h"
#include "core/base/password.h"
#include "core/base/str.h"
#include "tests/test.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static struct arena *mem; /* as long as the program */
static struct http_server *shared, *running;

static _Noreturn void
die(const char *what, const char *why)
{
    fprintf(stderr, "http_server: %s: %s\n", what, why);
    exit(1);
}

/* ---------------------------------------------------------------------------- processes */

static PGconn *
connect_admin(const struct http_server *s)
{
    PGconn *conn = PQconnectdb(s->admin);

    if (PQstatus(conn) != CONNECTION_OK)
        die("connect", PQerrorMessage(conn));
    PQclear(PQexec(conn, "SET search_path = tenon"));
    return conn;
}

const char *
http_sql(const struct http_server *s, const char *sql, ...)
{
    PGconn *conn = connect_admin(s);
    const char *text = NULL;
    va_list ap;

    va_start(ap, sql);
    sql = arena_vprintf(mem, sql, ap);
    va_end(ap);
    PGresult *res = PQexec(conn, sql);

    if (PQresultStatus(res) == PGRES_FATAL_ERROR) {
        printf("\n    %s\n    %s", sql, PQerrorMessage(conn));
        CU_FAIL("the statement fails");
    } else if (PQntuples(res) && !PQgetisnull(res, 0, 0)) {
        text = arena_strdup(mem, PQgetvalue(res, 0, 0));
    }
    PQclear(res);
    PQfinish(conn);
    return text;
}

void *
http_hold(const struct http_server *s, const char *sql)
{
    PGconn *conn = connect_admin(s);

    PQclear(PQexec(conn, "BEGIN"));
    PGresult *res = PQexec(conn, sql);

    if (PQresultStatus(res) == PGRES_FATAL_ERROR)
        die(sql, PQerrorMessage(conn));
    PQclear(res);
    return conn;
}

void
http_release(void *held)
{
    PQfinish(held);
}

/* Read lines until the server tells its address. */
static void
wait_until_ready(struct http_server *s, int fd)
{
    FILE *out = fdopen(fd, "r");
    char line[512];

    while (out && fgets(line, sizeof line, out)) {
        if (strncmp(line, "listening on ", 13))
            continue;
        line[strcspn(line, "\n")] = '\0';
        s->url = arena_strdup(mem, line + 13);
        s->port = (int)strtol(strrchr(line, ':') + 1, NULL, 10);
        return; /* the pipe stays open: nothing more is written to it */
    }
    die("tenond", "does not start (see server.log)");
}

static void
child(const struct http_server *s, const char *const *options, int out)
{
    const char *argv[32] = { "tenond",   "serve",       "--data",     s->folder,
                             "--listen", "127.0.0.1:0", "--database", s->admin };
    int n = 8,
        log = open(arena_printf(mem, "%s.log", s->folder), O_WRONLY | O_CREAT | O_APPEND, 0644);

    for (; options && *options && n < 31; options++)
        argv[n++] = *options;
    dup2(out, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execv(arena_printf(mem, "%s/tenond", test_programs()), (char *const *)(void *)argv);
    _exit(127);
}

static void
set_passwords(const struct http_server *s)
{
    static const char *hash;

    if (!hash)
        hash = password_hash(mem, HTTP_PASSWORD);
    http_sql(s, "SELECT password_set(id, '%s') FROM app_user", hash);
}

int
http_server_stop(struct http_server *s)
{
    struct http_server **p = &running;
    int status = -1;

    while (*p != s)
        p = &(*p)->next;
    *p = s->next;
    kill(s->pid, SIGTERM);
    waitpid(s->pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
stop_all(void)
{
    while (running)
        http_server_stop(running);
}

struct http_server *
http_server_start(const char *const *options)
{
    static int number;
    int out[2];

    if (!mem) {
        mem = arena_new();
        signal(SIGPIPE, SIG_IGN); /* servers close connections: that is what is tested */
        atexit(stop_all);
    }
    struct http_server *s = arena_alloc(mem, sizeof *s);

    s->admin = test_database().admin;
    s->folder = arena_printf(mem, "%s/server%d", test_folder(), ++number);
    set_passwords(s);
    if (pipe2(out, O_CLOEXEC))
        die("pipe", "fails");
    s->pid = fork();
    if (s->pid == 0)
        child(s, options, out[1]);
    close(out[1]);
    s->next = running;
    running = s;
    wait_until_ready(s, out[0]);
    return s;
}

const struct http_server *
http_server(void)
{
    if (!shared)
        shared = http_server_start(NULL);
    return shared;
}

struct client *
http_client(const struct http_server *s, const char *login)
{
    struct client *c = client_new(s->url);

    if (login && !client_sign_in(c, login, HTTP_PASSWORD))
        CU_FAIL("sign-in fails");
    return c;
}

/* ------------------------------------------------------------------------------ raw TLS */

struct raw {
    struct arena *mem;
    SSL_CTX *ctx;
    SSL *ssl;
    int fd;
    struct str in;
    bool closed;
};

struct raw *
raw_open(const struct http_server *s)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)s->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct arena *own = arena_new();
    struct raw *r = arena_alloc(own, sizeof *r);

    r->mem = own;
    r->in = str_new(own);
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    r->ctx = SSL_CTX_new(TLS_client_method());
    r->ssl = SSL_new(r->ctx);
    SSL_set_fd(r->ssl, r->fd);
    setsockopt(r->fd, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){ .tv_sec = 5 },
               sizeof(struct timeval));
    if (connect(r->fd, (struct sockaddr *)&to, sizeof to) || SSL_connect(r->ssl) != 1)
        r->closed = true;
    fcntl(r->fd, F_SETFL, O_NONBLOCK);
    return r;
}

void
raw_close(struct raw *r)
{
    SSL_free(r->ssl);
    SSL_CTX_free(r->ctx);
    close(r->fd);
    arena_free(r->mem);
}

int
raw_socket(const struct raw *r)
{
    return r->fd;
}

static long
now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool
raw_send(struct raw *r, const char *bytes, size_t n)
{
    long until = now_ms() + 1000;

    while (n && !r->closed) {
        int sent = SSL_write(r->ssl, bytes, n > 16384 ? 16384 : (int)n);

        if (sent > 0) {
            bytes += sent;
            n -= (size_t)sent;
            continue;
        }
        if (SSL_get_error(r->ssl, sent) != SSL_ERROR_WANT_WRITE || now_ms() > until)
            return false;
        poll(&(struct pollfd){ r->fd, POLLOUT, 0 }, 1, 50);
    }
    return !n;
}

bool
raw_say(struct raw *r, const char *text)
{
    return raw_send(r, text, strlen(text));
}

/* Take what is there; false when nothing came in the time left. */
static bool
receive(struct raw *r, long until)
{
    char buf[16384];

    for (;;) {
        int n = SSL_read(r->ssl, buf, sizeof buf);

        if (n > 0) {
            str_add_n(&r->in, buf, (size_t)n);
            return true;
        }
        if (SSL_get_error(r->ssl, n) != SSL_ERROR_WANT_READ) {
            r->closed = true;
            return false;
        }
        long left = until - now_ms();

        if (left <= 0 || poll(&(struct pollfd){ r->fd, POLLIN, 0 }, 1, (int)left) <= 0)
            return false;
    }
}

/* Bytes of the first answer in the buffer; 0: not all here yet. */
static size_t
answer_length(const struct raw *r)
{
    const char *end = strstr(r->in.text, "\r\n\r\n");
    const char *length = strcasestr(r->in.text, "Content-Length:");
    size_t n = end ? (size_t)(end - r->in.text) + 4 : 0;

    if (!end)
        return 0;
    if (length && length < end)
        n += (size_t)strtoul(length + 15, NULL, 10);
    return r->in.len >= n ? n : 0;
}

const char *
raw_answer(struct raw *r, int ms)
{
    long until = now_ms() + ms;
    size_t n;

    while (!(n = answer_length(r)) && !r->closed)
        if (!receive(r, until) && !r->closed)
            return NULL;
    if (!n)
        return "";
    const char *text = arena_strndup(r->mem, r->in.text, n);
    struct str rest = str_new(r->mem);

    str_add_n(&rest, r->in.text + n, r->in.len - n);
    r->in = rest;
    return text;
}

bool
raw_closed(struct raw *r, int ms)
{
    long until = now_ms() + ms;

    while (!r->closed && receive(r, until))
        ;
    return r->closed;
}

const char *
raw_text(struct raw *r, int ms)
{
    long until = now_ms() + ms;

    while (!r->closed && receive(r, until))
        ;
    return r->in.text;
}

void
raw_pause(int ms)
{
    nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000L }, NULL);
}

int
raw_status(const char *answer)
{
    return answer && str_starts(answer, "HTTP/1.1 ") ? (int)strtol(answer + 9, NULL, 10) : 0;
}

void
raw_check(int line, const char *what, const char *answer, int should)
{
    if (raw_status(answer) != should)
        printf("\n    line %d, %.70s: %.100s", line, what, answer ? answer : "(nothing)");
    CU_ASSERT_EQUAL(raw_status(answer), should);
}
