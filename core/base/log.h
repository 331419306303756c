/*
 * log.h - one line of JSON per event, to standard error or to the log file.
 *
 *     log_info("listening", "address", "127.0.0.1", "port", port);
 *
 * Keys and values are strings in pairs. Never log a password, a token or a body.
 */
#ifndef TENON_LOG_H
#define TENON_LOG_H

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* Lines below the level are dropped; path NULL writes to standard error. 0, or errno. */
int log_open(const char *path, enum log_level level);

/* event and pairs; the last argument is NULL. Thread-safe: one write(2) per line. */
void log_write(enum log_level level, const char *event, ...) __attribute__((sentinel));

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__, (char *)0)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__, (char *)0)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__, (char *)0)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__, (char *)0)

#endif
