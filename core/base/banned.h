/*
 * banned.h - functions that overflow, truncate in silence or keep hidden state.
 * Included into every file by the compiler's -include, so none can be used by habit.
 */
#ifndef TENON_BANNED_H
#define TENON_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if __has_include(<luaconf.h>)
#include <luaconf.h> /* a macro of Lua's names strtod: it must be defined before the ban */
#endif

#pragma GCC poison strcpy strcat strncat sprintf vsprintf gets strtok atoi atol atoll atof strtod  \
    strtof gmtime localtime ctime asctime tmpnam mktemp system

/* OpenSSL's headers name a parameter "rand": a warning, as it cannot be poisoned. */
extern int rand(void) __attribute__((deprecated("use getrandom()")));

#endif
