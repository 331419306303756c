/*
 * settings.c - the one table of settings; --help prints it. Each limit has a test that goes
 * past it in tests/http/.
 */
#include "server/settings.h"

#include <stddef.h>

const struct conf_setting settings[] = {
    { "data", CONF_TEXT, "/var/lib/tenon", "folder of the data: cluster, certificate, keys" },
    { "listen", CONF_TEXT, "127.0.0.1:8443", "HOST:PORT; empty HOST: every address" },
    { "database", CONF_TEXT, NULL, "conninfo of a PostgreSQL that runs elsewhere" },
    { "config", CONF_TEXT, NULL, "file with settings" },
    { "log", CONF_TEXT, NULL, "file to log to instead of standard error" },

    { "workers", CONF_NUMBER, "6", "threads for what people wait for" },
    { "slow_workers", CONF_NUMBER, "2", "threads for sign-in, reports and imports" },
    { "job_workers", CONF_NUMBER, "1", "threads for what runs behind the scenes" },
    { "queue", CONF_NUMBER, "256", "calls that may wait for a worker" },
    { "slow_queue", CONF_NUMBER, "64", "calls that may wait for a slow worker" },
    { "query_timeout", CONF_SECONDS, "30", "for one statement of a fast call" },
    { "slow_query_timeout", CONF_SECONDS, "10m", "for one statement of a slow call" },
    { "lock_timeout", CONF_SECONDS, "10", "for a record that somebody else is changing" },
    { "stop_timeout", CONF_SECONDS, "20", "to answer what runs when the server ends" },

    { "max_connections", CONF_NUMBER, "4096", "open connections" },
    { "max_connections_per_address", CONF_NUMBER, "256", "open connections of one address" },
    { "handshake_timeout", CONF_SECONDS, "10", "until a new connection has sent a request" },
    { "idle_timeout", CONF_SECONDS, "75", "between two requests" },
    { "request_timeout", CONF_SECONDS, "20", "from the first byte to the end of head or body" },
    { "write_timeout", CONF_SECONDS, "30", "until an answer is taken" },
    { "max_head", CONF_BYTES, "64K", "first line and headers of a request" },
    { "max_headers", CONF_NUMBER, "100", "headers of a request" },
    { "max_target", CONF_NUMBER, "8192", "bytes of path and query" },
    { "max_parameters", CONF_NUMBER, "200", "parameters of a query" },
    { "max_body", CONF_BYTES, "2M", "body of a request" },
    { "max_import", CONF_BYTES, "64M", "file of an import" },
    { "max_json_depth", CONF_NUMBER, "32", "objects and arrays inside each other" },
    { "max_stream_buffer", CONF_BYTES, "1M", "events that a slow reader may leave waiting" },

    { "session_lifetime", CONF_SECONDS, "12h", "until a user signs in again" },
    { "sign_in_window", CONF_SECONDS, "15m", "in which failed sign-ins are counted" },
    { "sign_in_per_login", CONF_NUMBER, "10", "failed sign-ins of one login" },
    { "sign_in_per_address", CONF_NUMBER, "100", "failed sign-ins from one address" },
    { "metrics_from", CONF_TEXT, "local", "who may read /metrics: local or all" },
    { 0 },
};
