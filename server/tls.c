/*
 * tls.c - OpenSSL 3: a certificate of our own at first start, TLS 1.2 or better, reload.
 *
 * P-256 because signing with RSA-2048 costs ten times as much in each handshake. Tickets and
 * renegotiation are off: a session that can be resumed for ever outlives its key.
 */
#include "server/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAYS = 3650 };

struct tls {
    SSL_CTX *context;
    const char *certificate, *key; /* paths */
    char fingerprint[EVP_MAX_MD_SIZE * 3];
};

/* Why OpenSSL refused, on the arena. */
static const char *
reason(struct arena *mem, const char *what)
{
    char text[256] = "";
    unsigned long code = ERR_get_error();

    ERR_clear_error();
    ERR_error_string_n(code, text, sizeof text);
    return arena_printf(mem, "%s: %s", what, code ? text : strerror(errno));
}

/* ------------------------------------------------------------------ a certificate of our own */

static bool
add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX ctx;

    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool ok = e && X509_add_ext(cert, e, -1);

    X509_EXTENSION_free(e);
    return ok;
}

static bool
set_serial(X509 *cert)
{
    BIGNUM *n = BN_new();
    bool ok = n && BN_rand(n, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
              BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));

    BN_free(n);
    return ok;
}

static bool
describe(struct arena *mem, X509 *cert, EVP_PKEY *key)
{
    char host[256] = "localhost";

    gethostname(host, sizeof host - 1);
    X509_NAME *name = X509_get_subject_name(cert);
    const char *names = arena_printf(mem, "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:%s", host);

    return X509_set_version(cert, X509_VERSION_3) && set_serial(cert) &&
           X509_gmtime_adj(X509_getm_notBefore(cert), -86400) &&
           X509_time_adj_ex(X509_getm_notAfter(cert), DAYS, 0, NULL) &&
           X509_set_pubkey(cert, key) &&
           X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"Tenon", -1,
                                      -1, 0) &&
           X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                      (const unsigned char *)"Tenon server", -1, -1, 0) &&
           X509_set_issuer_name(cert, name) &&
           add_extension(cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(cert, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
           add_extension(cert, NID_ext_key_usage, "serverAuth") &&
           add_extension(cert, NID_subject_alt_name, names) && X509_sign(cert, key, EVP_sha256());
}

/* A file that is never readable by others, not even for a moment, and never half written. */
static FILE *
create_private(struct arena *mem, const char *path)
{
    int fd =
        open(arena_printf(mem, "%s.new", path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    return fd < 0 ? NULL : fdopen(fd, "w");
}

static bool
publish(struct arena *mem, FILE *f, const char *path)
{
    bool ok = !fflush(f) && !fsync(fileno(f));

    return !fclose(f) && ok && !rename(arena_printf(mem, "%s.new", path), path);
}

static bool
write_pair(struct arena *mem, const struct tls *t, X509 *cert, EVP_PKEY *key)
{
    FILE *f = create_private(mem, t->key);

    if (!f || !PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) || !publish(mem, f, t->key))
        return false;
    f = create_private(mem, t->certificate);
    return f && PEM_write_X509(f, cert) && publish(mem, f, t->certificate);
}

static bool
make_pair(struct arena *mem, const struct tls *t, const char **error)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    bool ok = key && cert && describe(mem, cert, key) && write_pair(mem, t, cert, key);

    if (!ok)
        *error = reason(mem, "The certificate cannot be made");
    X509_free(cert);
    EVP_PKEY_free(key);
    return ok;
}

/* ------------------------------------------------------------------------------ contexts */

/* HTTP/1.1 and nothing else, for clients that ask (RFC 7301). */
static int
choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *len, const unsigned char *in,
                unsigned n, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *picked = NULL;

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&picked, len, ours, sizeof ours - 1, in, n) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = picked;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *
context_make(struct arena *mem, const struct tls *t, const char **error)
{
    SSL_CTX *c = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(c, choose_protocol, NULL);
    if (SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) &&
        SSL_CTX_set_cipher_list(c, "ECDHE+AESGCM:ECDHE+CHACHA20") &&
        SSL_CTX_use_certificate_chain_file(c, t->certificate) == 1 &&
        SSL_CTX_use_PrivateKey_file(c, t->key, SSL_FILETYPE_PEM) == 1 &&
        SSL_CTX_check_private_key(c) == 1)
        return c;
    *error = reason(mem, "The certificate or its key cannot be used");
    SSL_CTX_free(c);
    return NULL;
}

static void
fingerprint_set(struct tls *t)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned n = 0;

    X509_digest(SSL_CTX_get0_certificate(t->context), EVP_sha256(), hash, &n);
    for (unsigned i = 0; i < n; i++)
        snprintf(t->fingerprint + i * 3, 4, "%02X%s", hash[i], i + 1 < n ? ":" : "");
}

bool
tls_reload(struct tls *t, struct arena *mem, const char **error)
{
    SSL_CTX *fresh = context_make(mem, t, error);

    if (!fresh)
        return false;
    SSL_CTX_free(t->context); /* open connections hold references of their own */
    t->context = fresh;
    fingerprint_set(t);
    return true;
}

struct tls *
tls_open(struct arena *mem, const char *folder, const char **error)
{
    struct tls *t = arena_alloc(mem, sizeof *t);

    t->certificate = arena_printf(mem, "%s/certificate.pem", folder);
    t->key = arena_printf(mem, "%s/key.pem", folder);
    if (access(t->key, F_OK) && access(t->certificate, F_OK) && !make_pair(mem, t, error))
        return NULL;
    if (chmod(t->key, 0600)) {
        *error = arena_printf(mem, "%s: %s", t->key, strerror(errno));
        return NULL;
    }
    return tls_reload(t, mem, error) ? t : NULL;
}

void
tls_close(struct tls *t)
{
    if (t)
        SSL_CTX_free(t->context);
}

const char *
tls_fingerprint(const struct tls *t)
{
    return t->fingerprint;
}

void *
tls_context(const struct tls *t)
{
    return t->context;
}
