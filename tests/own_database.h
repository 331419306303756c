/*
 * own_database.h - for tests that commit: requests on a database of their own, and the checks
 * that must hold afterwards.
 */
#ifndef TENON_TEST_OWN_DATABASE_H
#define TENON_TEST_OWN_DATABASE_H

#include "core/db/migrate.h"
#include "tests/test.h"

#include <libpq-fe.h>

/* A request of its own connection and transaction. */
static inline struct rq
open_request(struct arena *mem, struct db *db)
{
    struct rq rq = { .mem = mem, .db = db, .language = "en", .id = "test", .body_text = "{}" };

    db_begin(&rq, false);
    db_must(
        &rq,
        "SELECT u.id, c.id FROM app_user u, company c WHERE u.login = 'admin' AND c.code = 'TEST'",
        NONE, OUT(&rq.user_id, &rq.company_id));
    db_exec(&rq, "SELECT context_set($1, $2, 'test')", P(rq.user_id, rq.company_id));
    db_flush(&rq);
    return rq;
}

/* Run all checks of this folder and of the parties' exposure: each row is a failure. */
static inline void
checks_hold(const char *admin)
{
    PGconn *conn = PQconnectdb(admin);
    int run = 0;

    PQclear(PQexec(conn, "SET search_path = tenon"));
    for (const struct asset *a = assets; a->path; a++) {
        if (!strstr(a->path, "/check/"))
            continue;
        PGresult *res = PQexec(conn, a->text);

        run++;
        if (PQresultStatus(res) != PGRES_TUPLES_OK || PQntuples(res))
            printf("\n    %s: %s %s", a->path, PQresultErrorMessage(res),
                   PQntuples(res) ? PQgetvalue(res, 0, 1) : "");
        CU_ASSERT_EQUAL(PQresultStatus(res), PGRES_TUPLES_OK);
        CU_ASSERT_EQUAL(PQntuples(res), 0);
        PQclear(res);
    }
    CU_ASSERT_TRUE(run >= 10);
    PQfinish(conn);
}

#endif
