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

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets strtok atoi atol atoll atof \
    strtod strtof gmtime localtime ctime asctime rand tmpnam mktemp system

#endif
