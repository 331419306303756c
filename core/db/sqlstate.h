/*
 * sqlstate.h - from PostgreSQL's errors to a code, a field and a sentence (core/db only).
 */
#ifndef TENON_SQLSTATE_H
#define TENON_SQLSTATE_H

#include "core/db/rq.h"

#include <libpq-fe.h>

/* Add the error that a failed result carries. True when running the request again may help. */
bool sqlstate_fail(struct rq *rq, const PGresult *res);

/* The connection is gone. Adds "database_away"; always false. */
bool sqlstate_lost(struct rq *rq, const char *said);

/* Notices and warnings go to the log (a PQnoticeProcessor). */
void sqlstate_notice(void *unused, const char *message);

#endif
