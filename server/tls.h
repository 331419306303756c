/*
 * tls.h - the server's certificate: made at the first start, kept in the data folder.
 */
#ifndef TENON_TLS_H
#define TENON_TLS_H

#include "core/base/arena.h"

#include <stdbool.h>

struct tls;

/*
 * Read <folder>/certificate.pem and key.pem (mode 0600), or make them: ECDSA P-256, signed by
 * itself, for localhost, 127.0.0.1, ::1 and this machine's name. An administrator may replace
 * both. NULL with a sentence in *error.
 */
struct tls *tls_open(struct arena *mem, const char *folder, const char **error);
void tls_close(struct tls *t);

/* Read the files again; what was read before stays in use when they are not usable. */
bool tls_reload(struct tls *t, struct arena *mem, const char **error);

/* SHA-256 of the certificate, "AB:CD:...": what a client pins. */
const char *tls_fingerprint(const struct tls *t);

/* The SSL_CTX for new connections. */
void *tls_context(const struct tls *t);

#endif
