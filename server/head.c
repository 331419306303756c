/*
 * head.c - see head.h. Two passes: head_scan() looks at each byte once, as it arrives, and
 * finds the end; head_read() takes the complete text apart.
 */
#include "server/head.h"
#include "core/base/str.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool
refuse(struct refusal *why, int status, const char *code, const char *message)
{
    *why = (struct refusal){ status, code, message };
    return false;
}

static bool
malformed(struct refusal *why, const char *message)
{
    return refuse(why, 400, "malformed", message);
}

/* It can never become a head. */
static long
never(struct refusal *why, const char *message)
{
    malformed(why, message);
    return -1;
}

long
head_scan(const char *bytes, size_t n, size_t *from, struct refusal *why)
{
    for (size_t i = *from; i < n; i++) {
        unsigned char c = (unsigned char)bytes[i];
        unsigned char before = i ? (unsigned char)bytes[i - 1] : 0;

        if (c == '\n' && before != '\r')
            return never(why, "A line of the head ends without a carriage return");
        if (before == '\r' && c != '\n')
            return never(why, "A carriage return stands inside a line of the head");
        if ((c < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == 0x7f)
            return never(why, "The head holds a control character");
        if (before == '\n' && (c == ' ' || c == '\t'))
            return never(why, "A line of the head is folded");
        if (c == '\n' && i >= 3 && !memcmp(bytes + i - 3, "\r\n\r\n", 4))
            return (long)i + 1;
        *from = i + 1;
    }
    return 0;
}

/* ------------------------------------------------------------------ words of the grammar */

/* RFC 9110, section 5.6.2: token. */
static bool
is_token(const char *s)
{
    static const char letters[] =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return *s && !s[strspn(s, letters)];
}

static int
hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decoded in place. False for half an escape, a control character or bad UTF-8. */
static bool
decode(char *s, bool plus)
{
    char *to = s;

    for (const char *p = s; *p; p++) {
        char c = *p;

        if (c == '%') {
            int high = hex(p[1]), low = high < 0 ? -1 : hex(p[2]);

            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            p += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        if ((unsigned char)c < 0x20 || c == 0x7f)
            return false;
        *to++ = c;
    }
    *to = '\0';
    return str_is_utf8(s, (size_t)(to - s));
}

/* -------------------------------------------------------------------------- the target */

static bool
read_path(char *path, struct head *out, struct refusal *why)
{
    if (*path != '/')
        return malformed(why, "The target of the request is not a path");
    for (char *next = path; next;) {
        char *segment = next + 1;

        next = strchr(segment, '/');
        if (next)
            *next = '\0';
        if (!*segment && out->nsegments == 0 && !next)
            return true; /* "/" alone */
        if (out->nsegments == HEAD_SEGMENTS)
            return refuse(why, 404, "not_found", "There is nothing at this address");
        if (!decode(segment, false))
            return malformed(why, "The path is not well encoded");
        if (!*segment || !strcmp(segment, ".") || !strcmp(segment, "..") || strpbrk(segment, "/\\"))
            return malformed(why, "The path has an empty, dotted or slashed part");
        out->segment[out->nsegments++] = segment;
    }
    return true;
}

static bool
read_query(struct arena *mem, char *query, int limit, struct head *out, struct refusal *why)
{
    out->query = arena_alloc(mem, (size_t)limit * sizeof *out->query);
    for (char *next = query; next && *next;) {
        char *name = next, *value;

        next = strchr(name, '&');
        if (next)
            *next++ = '\0';
        if (!*name)
            continue;
        if (out->nquery == limit)
            return malformed(why, "The query has too many parameters");
        value = strchr(name, '=');
        if (value)
            *value++ = '\0';
        else
            value = name + strlen(name);
        if (!decode(name, true) || !decode(value, true))
            return malformed(why, "The query is not well encoded");
        out->query[out->nquery++] = (struct parameter){ name, value };
    }
    return true;
}

static bool
read_target(struct arena *mem, const char *target, const struct head_limits *limits,
            struct head *out, struct refusal *why)
{
    char *path = arena_strdup(mem, target), *query = strchr(path, '?');

    if (strlen(target) > limits->target)
        return refuse(why, 414, "malformed", "The address of the request is too long");
    if (strchr(target, '#') || strspn(target, " ") || !str_is_utf8(target, strlen(target)))
        return malformed(why, "The target of the request is not a path");
    out->target = target;
    if (query)
        *query++ = '\0';
    return read_path(path, out, why) && read_query(mem, query, limits->parameters, out, why);
}

/* --------------------------------------------------------------------- lines of the head */

/* Cut the first line off; NULL after the last one. */
static char *
take_line(char **text)
{
    char *line = *text, *end = strstr(line, "\r\n");

    if (!end || end == line)
        return NULL;
    *end = '\0';
    *text = end + 2;
    return line;
}

static bool
read_first_line(struct arena *mem, char *line, const struct head_limits *limits, struct head *out,
                struct refusal *why)
{
    char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL;

    if (!version || strchr(version + 1, ' '))
        return malformed(why, "The first line is not an HTTP request");
    *target++ = '\0';
    *version++ = '\0';
    out->method = line;
    if (!is_token(line))
        return malformed(why, "The first line is not an HTTP request");
    if (strcmp(version, "HTTP/1.1") && strcmp(version, "HTTP/1.0"))
        return refuse(why, strncmp(version, "HTTP/", 5) ? 400 : 505, "malformed",
                      "This version of HTTP is not spoken here");
    out->keep_alive = !strcmp(version, "HTTP/1.1");
    return read_target(mem, target, limits, out, why);
}

static bool
read_header(char *line, int limit, struct head *out, struct refusal *why)
{
    char *value = strchr(line, ':');

    if (!value)
        return malformed(why, "A header has no colon");
    *value++ = '\0';
    if (!is_token(line))
        return malformed(why, "The name of a header is not a word");
    if (out->nheaders == limit)
        return refuse(why, 431, "too_large", "There are too many headers");
    value += strspn(value, " \t");
    for (size_t n = strlen(value); n && strchr(" \t", value[n - 1]);)
        value[--n] = '\0';
    out->headers[out->nheaders++] = (struct header){ line, value };
    return true;
}

const char *
head_find(const struct head *h, const char *name)
{
    for (int i = 0; i < h->nheaders; i++)
        if (!strcasecmp(h->headers[i].name, name))
            return h->headers[i].value;
    return NULL;
}

const char *
head_parameter(const struct head *h, const char *name)
{
    for (int i = 0; i < h->nquery; i++)
        if (!strcmp(h->query[i].name, name))
            return h->query[i].value;
    return NULL;
}

static int
count(const struct head *h, const char *name)
{
    int n = 0;

    for (int i = 0; i < h->nheaders; i++)
        n += !strcasecmp(h->headers[i].name, name);
    return n;
}

/* How long the body is, in the one way that every server reads alike. */
static bool
read_length(struct head *h, struct refusal *why)
{
    const char *length = head_find(h, "Content-Length");

    if (head_find(h, "Transfer-Encoding"))
        return length ? malformed(why, "The length of the body is told in two ways")
                      : refuse(why, 411, "malformed", "Send the body with a Content-Length");
    if (count(h, "Content-Length") > 1)
        return malformed(why, "The length of the body is told twice");
    if (!length)
        return true;
    if (!*length || length[strspn(length, "0123456789")])
        return malformed(why, "The length of the body is not a number");
    if (strlen(length) > 15)
        return refuse(why, 413, "too_large", "The body is too large");
    h->length = strtoll(length, NULL, 10);
    return true;
}

/* Headers that may be sent once, and what follows from some. */
static bool
check_headers(struct head *h, struct refusal *why)
{
    static const char *const single[] = { "Host",     "Authorization", "Idempotency-Key",
                                          "If-Match", "Content-Type",  "X-Tenon-Company",
                                          "Expect" };
    const char *connection = head_find(h, "Connection"), *expect = head_find(h, "Expect");

    for (size_t i = 0; i < sizeof single / sizeof *single; i++)
        if (count(h, single[i]) > 1)
            return malformed(why, "A header that may stand once was sent twice");
    if (h->keep_alive && !head_find(h, "Host"))
        return malformed(why, "The Host header is missing");
    if (connection && strcasestr(connection, "close"))
        h->keep_alive = false;
    if (expect && strcasecmp(expect, "100-continue"))
        return refuse(why, 417, "malformed", "This expectation cannot be met");
    h->expects_continue = expect != NULL;
    return read_length(h, why);
}

bool
head_read(struct arena *mem, char *text, const struct head_limits *limits, struct head *out,
          struct refusal *why)
{
    char *line = take_line(&text);

    *out = (struct head){ .method = "", .target = "" };
    out->headers = arena_alloc(mem, (size_t)limits->headers * sizeof *out->headers);
    if (!line)
        return malformed(why, "The first line is not an HTTP request");
    if (!read_first_line(mem, line, limits, out, why))
        return false;
    while ((line = take_line(&text)))
        if (!read_header(line, limits->headers, out, why))
            return false;
    return check_headers(out, why);
}
