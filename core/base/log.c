/*
 * log.c - structured lines. A line is built in memory and written with one write(2),
 * so that lines of several threads never mix.
 */
#include "core/base/log.h"
#include "core/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static atomic_int log_fd = STDERR_FILENO;
static atomic_int least = LOG_INFO;
static const char *const level_names[] = { "debug", "info", "warn", "error" };

int
log_open(const char *path, enum log_level level)
{
    least = (int)level;
    if (!path)
        return 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

    if (fd < 0)
        return errno;
    log_fd = fd;
    return 0;
}

static void
add_time(struct str *s)
{
    struct timespec now;
    struct tm utc;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    str_printf(s, "{\"at\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\"", utc.tm_year + 1900,
               utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
               now.tv_nsec / 1000000);
}

void
log_write(enum log_level level, const char *event, ...)
{
    va_list ap;

    if ((int)level < least)
        return;
    struct arena *mem = arena_new();
    struct str s = str_new(mem);

    add_time(&s);
    str_printf(&s, ",\"level\":\"%s\",\"event\":", level_names[level]);
    str_json(&s, event);
    va_start(ap, event);
    for (const char *key; (key = va_arg(ap, const char *));) {
        str_char(&s, ',');
        str_json(&s, key);
        str_char(&s, ':');
        str_json(&s, va_arg(ap, const char *));
    }
    va_end(ap);
    str_add(&s, "}\n");
    if (write(log_fd, s.text, s.len) < 0) {
        /* Nowhere is left to report a log that cannot be written. */
    }
    arena_free(mem);
}
