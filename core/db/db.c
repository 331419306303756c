/*
 * db.c - one connection in pipeline mode: statements queue up until a result is needed.
 *
 * A pipeline ends at its first failing statement: what follows up to the sync is skipped
 * by the server, and the transaction can only be rolled back. So after a failure every
 * call here answers false at once, until db_rollback or db_rollback_to.
 */
#include "core/db/db.h"
#include "core/db/sqlstate.h"
#include "core/db/statement.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

/* A statement that was sent; its result is read at the next round trip. */
struct pending {
    struct pending *next;
    struct statement *prepares; /* set on the Parse that goes before a first use */
    struct rows *rows;          /* where to put the rows, or NULL */
    int ncols;
    const char ***cols; /* where to put the columns of the first row */
    bool *found;        /* whether there was one */
};

struct db {
    PGconn *conn;
    struct statements *statements;
    struct pending *first, **last;
    int syncs;
    bool in_transaction;
    bool failed; /* the transaction can only be rolled back */
    bool retry;  /* and what failed may succeed when run again */
};

static void
clear_result(void *res)
{
    PQclear(res);
}

struct db *
db_open(struct arena *mem, const char *conninfo, const char **error)
{
    PGconn *conn = PQconnectdb(conninfo);

    if (PQstatus(conn) != CONNECTION_OK || !PQenterPipelineMode(conn)) {
        *error = arena_strdup(mem, PQerrorMessage(conn));
        PQfinish(conn);
        return NULL;
    }
    struct db *db = calloc(1, sizeof *db);

    if (!db)
        abort();
    PQsetNoticeProcessor(conn, sqlstate_notice, NULL);
    db->conn = conn;
    db->statements = statements_new();
    db->last = &db->first;
    return db;
}

void
db_close(struct db *db)
{
    if (!db)
        return;
    PQfinish(db->conn);
    statements_free(db->statements);
    free(db);
}

bool
db_alive(const struct db *db)
{
    return PQstatus(db->conn) == CONNECTION_OK;
}

bool
db_reset(struct db *db)
{
    statements_clear(db->statements);
    db->first = NULL;
    db->last = &db->first;
    db->in_transaction = db->failed = db->retry = false;
    PQreset(db->conn);
    return db_alive(db) && PQenterPipelineMode(db->conn);
}

int
db_syncs(const struct db *db)
{
    return db->syncs;
}

bool
db_again(struct rq *rq)
{
    rq->db->failed = rq->db->retry = true;
    return fail(rq, "retry", NULL, "Somebody else changed this at the same moment: try again");
}

bool
db_should_retry(const struct rq *rq)
{
    return rq->db->retry;
}

/* ------------------------------------------------------------------------- the queue */

static struct pending *
enqueue(struct rq *rq)
{
    struct pending *p = arena_alloc(rq->mem, sizeof *p);

    *rq->db->last = p;
    rq->db->last = &p->next;
    return p;
}

/* The connection broke while sending: nothing more will come. */
static bool
lost(struct rq *rq)
{
    rq->db->failed = rq->db->retry = true;
    rq->db->first = NULL;
    rq->db->last = &rq->db->first;
    return sqlstate_lost(rq, PQerrorMessage(rq->db->conn));
}

/* Send a statement, with its Parse when the connection does not have it yet. */
static struct pending *
queue(struct rq *rq, const char *sql, int n, const char *const *params)
{
    struct db *db = rq->db;

    if (db->failed)
        return NULL;
    struct statement *s = statement_of(db->statements, sql);

    if (!s->prepared) {
        if (!PQsendPrepare(db->conn, s->name, sql, 0, NULL)) {
            lost(rq);
            return NULL;
        }
        enqueue(rq)->prepares = s;
        s->prepared = true;
    }
    if (!PQsendQueryPrepared(db->conn, s->name, n, params, NULL, NULL, 0)) {
        lost(rq);
        return NULL;
    }
    return enqueue(rq);
}

static void
deliver(struct rq *rq, struct pending *p, PGresult *res)
{
    bool row = PQntuples(res) > 0;

    if (p->rows)
        *p->rows = (struct rows){ PQntuples(res), PQnfields(res), res };
    if (p->found)
        *p->found = row;
    for (int i = 0; i < p->ncols; i++)
        *p->cols[i] =
            row && i < PQnfields(res) && !PQgetisnull(res, 0, i) ? PQgetvalue(res, 0, i) : NULL;
    if (p->rows || p->ncols)
        arena_defer(rq->mem, clear_result, res);
    else
        PQclear(res);
}

/* One statement's result; after a failure the rest of the pipeline was skipped. */
static void
settle(struct rq *rq, struct pending *p, PGresult *res)
{
    ExecStatusType status = PQresultStatus(res);
    struct db *db = rq->db;

    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
        deliver(rq, p, res);
        return;
    }
    if (p->prepares)
        p->prepares->prepared = false;
    if (status != PGRES_PIPELINE_ABORTED && !db->failed) {
        db->failed = true;
        db->retry = sqlstate_fail(rq, res);
    }
    PQclear(res);
}

/* Read one statement's result, and the NULL that ends it. */
static PGresult *
read_result(struct db *db)
{
    PGresult *res = PQgetResult(db->conn);

    if (res && PQresultStatus(res) != PGRES_PIPELINE_SYNC) {
        for (PGresult *more; (more = PQgetResult(db->conn));)
            PQclear(more);
    }
    return res;
}

bool
db_flush(struct rq *rq)
{
    struct db *db = rq->db;

    if (db->failed && !db->first)
        return false;
    if (!db->first)
        return true;
    if (!PQpipelineSync(db->conn))
        return lost(rq);
    db->syncs++;
    struct pending *p = db->first;

    db->first = NULL;
    db->last = &db->first;
    for (; p; p = p->next) {
        PGresult *res = read_result(db);

        if (!res)
            return lost(rq);
        settle(rq, p, res);
    }
    PGresult *sync = PQgetResult(db->conn);
    bool synced = PQresultStatus(sync) == PGRES_PIPELINE_SYNC;

    PQclear(sync);
    if (!synced)
        return lost(rq);
    bool (*arrived)(struct rq *) = db->failed ? NULL : rq->arrived;

    if (arrived)
        rq->arrived = NULL;
    return arrived ? arrived(rq) : !db->failed;
}

/* ------------------------------------------------------------------------ statements */

bool
db_exec(struct rq *rq, const char *sql, int n, const char *const *params)
{
    queue(rq, sql, n, params);
    return true;
}

/* Queue a read of one row. */
static struct pending *
ask(struct rq *rq, const char *sql, int n, const char *const *params, int ncols,
    const char **const *cols)
{
    for (int i = 0; i < ncols; i++)
        *cols[i] = NULL;
    struct pending *p = queue(rq, sql, n, params);

    if (p) {
        p->ncols = ncols;
        p->cols = arena_alloc(rq->mem, (size_t)ncols * sizeof *p->cols + 1);
        if (ncols)
            memcpy(p->cols, cols, (size_t)ncols * sizeof *p->cols);
    }
    return p;
}

bool
db_ask(struct rq *rq, const char *sql, int n, const char *const *params, int ncols,
       const char **const *cols)
{
    ask(rq, sql, n, params, ncols, cols);
    return true;
}

bool
db_one(struct rq *rq, const char *sql, int n, const char *const *params, int ncols,
       const char **const *cols)
{
    ask(rq, sql, n, params, ncols, cols);
    return db_flush(rq);
}

bool
db_must(struct rq *rq, const char *sql, int n, const char *const *params, int ncols,
        const char **const *cols)
{
    bool found = false;
    struct pending *p = ask(rq, sql, n, params, ncols, cols);

    if (p)
        p->found = &found;
    if (!db_flush(rq))
        return false;
    return found || fail(rq, "not_found", NULL, "There is no such record");
}

const char *
db_text(struct rq *rq, const char *sql, int n, const char *const *params)
{
    const char *text;

    return db_one(rq, sql, n, params, OUT(&text)) ? text : NULL;
}

bool
db_rows(struct rq *rq, const char *sql, int n, const char *const *params, struct rows *rows)
{
    *rows = (struct rows){ 0 };
    struct pending *p = queue(rq, sql, n, params);

    if (p)
        p->rows = rows;
    return db_flush(rq);
}

const char *
cell(const struct rows *rows, int row, int column)
{
    const PGresult *res = rows->result;

    return PQgetisnull(res, row, column) ? NULL : PQgetvalue(res, row, column);
}

void
db_plan_by_values(struct rq *rq)
{
    db_exec(rq,
            "SELECT set_config('plan_cache_mode', 'force_custom_plan', true),"
            "       set_config('random_page_cost', '1.1', true)",
            NONE);
}

/* Scripts need the simple protocol, which pipeline mode does not allow. */
bool
db_script(struct rq *rq, const char *sql)
{
    struct db *db = rq->db;

    if (!db_flush(rq) || !PQexitPipelineMode(db->conn))
        return db->failed ? false : lost(rq);
    PGresult *res = PQexec(db->conn, sql);
    ExecStatusType status = PQresultStatus(res);
    bool ok =
        status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;

    if (!ok) {
        db->failed = true;
        db->retry = sqlstate_fail(rq, res);
    }
    PQclear(res);
    return PQenterPipelineMode(db->conn) && ok;
}

/* ---------------------------------------------------------------------- transactions */

bool
db_begin(struct rq *rq, bool read_only)
{
    struct db *db = rq->db;

    db->syncs = 0;
    db->failed = db->retry = false;
    if (statements_full(db->statements)) {
        if (!db_script(rq, "DEALLOCATE ALL"))
            return false;
        statements_clear(db->statements);
    }
    db->in_transaction = true;
    return db_exec(rq, read_only ? "BEGIN READ ONLY" : "BEGIN", NONE);
}

bool
db_commit(struct rq *rq)
{
    if (rq->errors)
        return false;
    db_exec(rq, "COMMIT", NONE);
    if (!db_flush(rq))
        return false;
    rq->db->in_transaction = false;
    return true;
}

void
db_rollback(struct rq *rq)
{
    struct db *db = rq->db;
    bool retry = db->retry;

    rq->arrived = NULL; /* a gate that was refused has nothing more to say */
    if (!db_alive(db)) {
        db->in_transaction = false;
        return;
    }
    db_flush(rq);
    db->failed = false;
    if (db->in_transaction) {
        db_exec(rq, "ROLLBACK", NONE);
        db_flush(rq);
    }
    db->in_transaction = false;
    db->failed = false;
    db->retry = retry;
}

bool
db_savepoint(struct rq *rq)
{
    db_exec(rq, "SAVEPOINT here", NONE);
    return db_flush(rq);
}

bool
db_rollback_to(struct rq *rq)
{
    struct db *db = rq->db;

    if (!db_alive(db))
        return false;
    db_flush(rq);
    db->failed = db->retry = false;
    rq->errors = NULL;
    db_exec(rq, "ROLLBACK TO SAVEPOINT here", NONE);
    db_exec(rq, "RELEASE SAVEPOINT here", NONE);
    return db_flush(rq);
}

bool
db_release(struct rq *rq)
{
    return db_exec(rq, "RELEASE SAVEPOINT here", NONE);
}
