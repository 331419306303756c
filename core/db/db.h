/*
 * db.h - SQL for one request, on one connection, inside one transaction.
 *
 * Values go in as text and come out as text: PostgreSQL alone parses numbers and dates.
 *
 * Round trips. Statements are queued (libpq pipeline mode) until somebody needs a result:
 *
 *     db_exec  queues a statement whose rows do not matter     no round trip
 *     db_ask   queues a read; its columns are there after the next round trip
 *     db_one   reads one row                                   one round trip, with all
 *     db_rows  reads rows                                      that was queued before
 *     db_flush nothing but the round trip
 *
 * So an operation reads what it must decide on in one go (db_ask..., db_one), decides, and
 * queues its writes: the engine's COMMIT takes them along. The first statement that fails
 * ends the pipeline; its error is reported at the next round trip, with the field and the
 * sentence of the constraint that stopped it. Every statement is prepared on first use.
 */
#ifndef TENON_DB_H
#define TENON_DB_H

#include "core/db/rq.h"

#include <stddef.h>

/* Parameters ($1...) as text, NULL for SQL NULL; and where to put the columns (NULL for
 * SQL NULL, valid until the request ends). */
#define P(...)                                                                                     \
    (int)(sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *)), (const char *const[])         \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define OUT(...)                                                                                   \
    (int)(sizeof((const char **[]){ __VA_ARGS__ }) / sizeof(char **)), (const char **const[])      \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define NONE 0, NULL

/* Queue a statement whose rows do not matter. Always true (so that it chains with &&). */
bool db_exec(struct rq *rq, const char *sql, int n, const char *const *params);

/* Queue a read of at most one row; the columns are filled at the next round trip (NULL
 * when no row came). Always true. */
bool db_ask(struct rq *rq, const char *sql, int n, const char *const *params, int ncols,
            const char **const *cols);

/* Read one row now. No row: the columns become NULL and the call still succeeds; use
 * db_must when a missing row is an error. */
bool db_one(struct rq *rq, const char *sql, int n, const char *const *params, int ncols,
            const char **const *cols);

/* Read one row now; fails with "not_found" when there is none. */
bool db_must(struct rq *rq, const char *sql, int n, const char *const *params, int ncols,
             const char **const *cols);

/* The first column of the first row, for queries that answer with one JSON text; NULL
 * after an error or when no row came. */
const char *db_text(struct rq *rq, const char *sql, int n, const char *const *params);

/* Rows, read whole. cell() gives NULL for SQL NULL. */
struct rows {
    int count, columns;
    void *result;
};
bool db_rows(struct rq *rq, const char *sql, int n, const char *const *params, struct rows *rows);
const char *cell(const struct rows *rows, int row, int column);

/* Statements of this transaction are planned for their very values from here on. The server's
 * role plans each statement once, whatever its values (plan_cache_mode), since planning an
 * operation's statements costs more than running them; a list's filters are worth a plan. */
void db_plan_by_values(struct rq *rq);

/* Send what is queued and read all results. */
bool db_flush(struct rq *rq);

/* Run statements of a script one after the other, outside the pipeline (migrations). */
bool db_script(struct rq *rq, const char *sql);

/* Undo a part without ending the transaction. They nest: every db_savepoint is ended by one
 * db_release (keep) or one db_rollback_to (undo, and forget rq->errors). */
bool db_savepoint(struct rq *rq);
bool db_rollback_to(struct rq *rq);
bool db_release(struct rq *rq);

/* ---------------------------------------------------------------- for core and server */

/* A connection. NULL and a sentence in *error (static or on mem) when it cannot be had. */
struct db *db_open(struct arena *mem, const char *conninfo, const char **error);
void db_close(struct db *db);

/* Queue BEGIN; run COMMIT with all that is queued; ROLLBACK. db_commit returns false with
 * rq->errors set when anything failed, COMMIT itself included; then db_rollback. */
bool db_begin(struct rq *rq, bool read_only);
bool db_commit(struct rq *rq);
void db_rollback(struct rq *rq);

/* Is the connection usable? After "database_away" db_reset tries to connect again. */
bool db_alive(const struct db *db);
bool db_reset(struct db *db);

/* Round trips since db_begin. */
int db_syncs(const struct db *db);

/* What this request assumed is not so any more: give up, and ask for it to be run again. */
bool db_again(struct rq *rq);

/* May the whole request be run again (40001, 40P01, a stale plan, a read-only standby)? */
bool db_should_retry(const struct rq *rq);

#endif
