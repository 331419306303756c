/*
 * http.h - commands that ask the running server, over HTTPS, with a user's rights.
 *
 * The server is the one on the data folder, or --url. Its certificate must be the one in the
 * data folder; for any other server one that this machine trusts, or the one in --certificate.
 * Who: $TENON_TOKEN (an API key), else --login with a password as for tenonctl user.
 */
#ifndef TENON_CTL_HTTP_H
#define TENON_CTL_HTTP_H

#include "server/ctl/ctl.h"

#include <cjson/cJSON.h>
#include <stddef.h>

struct http_options {
    const char *url, *certificate, *login, *company;
};
extern struct http_options http_options;

/* For the table of a command's options. */
#define HTTP_OPTIONS                                                                               \
    { "url", "URL", &http_options.url, NULL, "another server than that of the data folder" },      \
        { "certificate", "FILE", &http_options.certificate, NULL, "the only one to trust (PEM)" }, \
        { "login", "LOGIN", &http_options.login, NULL, "who asks; admin ($TENON_TOKEN: nobody)" }, \
    {                                                                                              \
        "company", "ID", &http_options.company, NULL, "of several, the one to work in"             \
    }

struct http_reply {
    long status;
    const char *text;
    size_t size;
    cJSON *json; /* NULL when it is none; freed with the arena */
};

/*
 * One call, signing in before the first. data may be NULL; type is its Content-Type, NULL for
 * JSON. false after a message when no answer came; a refusal is an answer.
 */
bool http_call(struct ctl *ctl, const char *method, const char *path, const char *type,
               const char *data, size_t size, struct http_reply *reply);

/* The same, where anything but 2xx fails the command: prints what the server says. */
bool http_must(struct ctl *ctl, const char *method, const char *path, const char *data,
               struct http_reply *reply);

/* Print the sentences of a refusal; always 1. */
int http_refused(struct ctl *ctl, const struct http_reply *reply);

/* Percent-encoded, for a path or a query. */
const char *http_encode(struct ctl *ctl, const char *text);

/* A whole file, "-" for standard input; NULL after a message. */
char *file_read(struct ctl *ctl, const char *path, size_t *size);

/* Into a file, or to standard output for NULL and "-"; false after a message. */
bool file_write(const char *path, const char *data, size_t size);

#endif
