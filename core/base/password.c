/*
 * password.c - libargon2 with this project's parameters.
 */
#include "core/base/password.h"

#include <argon2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { PASSES = 2, MEMORY_KIB = 19 * 1024, LANES = 1, SALT = 16, HASH = 32 };

/* Somebody's hash that no password has: what an unknown login is checked against. */
static const char nobody[] =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA"
    "$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

static void
random_fill(unsigned char *to, size_t n)
{
    /* Up to 256 bytes come whole once the kernel's generator is up. */
    if (getrandom(to, n, 0) != (ssize_t)n) {
        fputs("no random numbers from the kernel\n", stderr);
        abort();
    }
}

const char *
password_hash(struct arena *mem, const char *password)
{
    unsigned char salt[SALT];
    size_t len = strlen(password);
    size_t size = argon2_encodedlen(PASSES, MEMORY_KIB, LANES, SALT, HASH, Argon2_id);
    char *encoded = arena_alloc(mem, size);

    if (len < PASSWORD_MIN || len > PASSWORD_MAX)
        return NULL;
    random_fill(salt, sizeof salt);
    int rc = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password, len, salt, sizeof salt,
                                   HASH, encoded, size);

    if (rc != ARGON2_OK) { /* only out of memory can stop it: as everywhere, that is the end */
        fprintf(stderr, "argon2: %s\n", argon2_error_message(rc));
        abort();
    }
    return encoded;
}

bool
password_matches(const char *encoded, const char *password)
{
    size_t len = strlen(password);

    if (len > PASSWORD_MAX)
        return false;
    return argon2id_verify(encoded ? encoded : nobody, password, len) == ARGON2_OK && encoded;
}
