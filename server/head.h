/*
 * head.h - the head of one HTTP/1.1 request, read strictly (RFC 9112, RFC 3986).
 *
 * What two servers in a row could read differently is refused, not interpreted: folded
 * lines, bare line feeds, NUL and other control characters, blanks before a colon, two
 * Content-Length or an odd one, Transfer-Encoding, absolute targets, encoded slashes.
 * Pure: no sockets, so that it can be tested and fuzzed alone.
 */
#ifndef TENON_HEAD_H
#define TENON_HEAD_H

#include "core/entity/entity.h"

struct header {
    const char *name, *value; /* the name as it was sent, the value without blanks around */
};

struct head_limits {
    int headers, parameters;
    size_t target;
};

enum { HEAD_SEGMENTS = 8 };

struct head {
    const char *method;
    const char *target;                 /* as it was sent: path and query */
    const char *segment[HEAD_SEGMENTS]; /* of the path, decoded; NULL beyond the last */
    int nsegments;
    struct parameter *query; /* decoded, in order */
    int nquery;
    struct header *headers;
    int nheaders;
    long long length; /* of the body */
    bool keep_alive, expects_continue;
};

/* A refusal: HTTP status, code of error.h, and an untranslated sentence. */
struct refusal {
    int status;
    const char *code, *message;
};

/* How far the bytes are a head: its length when it is complete (up to and with the empty
 * line), 0 when more must come, -1 with *why when it can never become one. *from is where
 * to go on next time: pass 0 first. */
long head_scan(const char *bytes, size_t n, size_t *from, struct refusal *why);

/* text: a complete head, changed in place. */
bool head_read(struct arena *mem, char *text, const struct head_limits *limits, struct head *out,
               struct refusal *why);

/* The value of a header, names without regard to case; NULL when it was not sent. */
const char *head_find(const struct head *h, const char *name);
const char *head_parameter(const struct head *h, const char *name);

#endif
