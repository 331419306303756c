/*
 * password.h - passwords at rest: Argon2id, 19 MiB, 2 passes, 1 lane (OWASP's first choice),
 * in the encoded form that names its own parameters: "$argon2id$v=19$m=19456,t=2,p=1$...".
 *
 * Both calls take about 40 ms of CPU and 19 MiB: on the server they belong to the slow lane.
 */
#ifndef TENON_PASSWORD_H
#define TENON_PASSWORD_H

#include "core/base/arena.h"

#include <stdbool.h>

enum { PASSWORD_MIN = 8, PASSWORD_MAX = 1024 }; /* bytes */

/* The encoded hash with a fresh salt; NULL when the password is outside the limits above. */
const char *password_hash(struct arena *mem, const char *password);

/* Is it the password? Compares in constant time. encoded NULL (nobody has this login) takes
 * as long as a wrong password and answers false, so that logins cannot be guessed by time. */
bool password_matches(const char *encoded, const char *password);

#endif
