/*
 * sqlstate.c - what the database says, in the words of a clerk.
 *
 * A constraint's comment is its sentence. Triggers raise TN001 through the SQL function
 * fail(): message with %s, arguments as JSON in the detail, code in the hint. What is left
 * is a table from SQLSTATE (PostgreSQL 15, appendix A) to a code and a sentence; what is not
 * in it is a bug of ours and goes to the log in full.
 */
#include "core/db/sqlstate.h"
#include "core/base/log.h"
#include "core/base/str.h"
#include "core/db/catalog.h"

#include <string.h>

static const struct {
    const char *state; /* or the two characters of its class */
    const char *code;
    const char *message;
    bool retry;
} table[] = {
    { "23505", "duplicate", "Another record has the same value already", false },
    { "23503", "unknown_reference", "There is no such record to refer to", false },
    { "23502", "required", "This must be filled in", false },
    { "23514", "invalid", "This value is not allowed", false },
    { "23P01", "overlap", "This overlaps with another record", false },
    { "22P02", "invalid", "This value does not have the right form", false },
    { "22P05", "invalid", "This text has a character that cannot be stored", false },
    { "22021", "invalid", "This text has a character that cannot be stored", false },
    { "22003", "invalid", "This number is too large", false },
    { "22007", "invalid", "This is not a date or time", false },
    { "22008", "invalid", "This date or time does not exist", false },
    { "22001", "invalid", "This text is too long", false },
    { "40001", "retry", "Somebody else changed this at the same moment: try again", true },
    { "40P01", "retry", "Somebody else changed this at the same moment: try again", true },
    { "0A000", "retry", "The database was changed at this moment: try again", true },
    { "26000", "retry", "The database was changed at this moment: try again", true },
    { "25006", "database_away", "The database is changing over to another machine", true },
    { "55P03", "busy", "Somebody else is working on this record: try again", true },
    { "57014", "timeout", "This took too long and was stopped", false },
    { "53100", "disk_full", "The disk of the database is full", false },
    { "53", "busy", "The database is overloaded: try again soon", false },
    { "57P", "database_away", "The database is not available", true },
    { "08", "database_away", "The database is not available", true },
    { "54", "invalid", "This is too large or too deep", false },
    { "22", "invalid", "This value is not allowed", false },
};

/* Add an error whose message is final: nothing in it is a format. */
static bool
say(struct rq *rq, const char *code, const char *field, const char *message)
{
    return fail(rq, code, field && *field ? field : NULL, "%s", message);
}

static const char *
text_or_nothing(const cJSON *value)
{
    return cJSON_IsString(value) ? value->valuestring : "";
}

/* The translated sentence with each %s, or %2$s, replaced by that element of a JSON array. */
static const char *
filled(struct rq *rq, const char *message, const char *arguments)
{
    struct str s = str_new(rq->mem);
    cJSON *args = arguments ? cJSON_Parse(arguments) : NULL;
    int next = 0;

    for (const char *p = tr(rq, message); *p; p++) {
        char *after;
        long n = *p == '%' ? strtol(p + 1, &after, 10) : 0;

        if (n > 0 && after[0] == '$' && after[1] == 's') {
            str_add(&s, text_or_nothing(cJSON_GetArrayItem(args, (int)n - 1)));
            p = after + 1;
        } else if (p[0] == '%' && p[1] == 's') {
            str_add(&s, text_or_nothing(cJSON_GetArrayItem(args, next++)));
            p++;
        } else {
            p += p[0] == '%' && p[1] == '%';
            str_char(&s, *p);
        }
    }
    cJSON_Delete(args);
    return s.text;
}

/* The constraint that was violated: its sentence and the first column it is about. */
static const struct constraint *
violated(struct rq *rq, const PGresult *res)
{
    const char *name = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME);
    const char *where = PQresultErrorField(res, PG_DIAG_TABLE_NAME);
    const struct catalog *catalog = name ? catalog_get(rq, NULL) : NULL;

    if (!where)
        where = PQresultErrorField(res, PG_DIAG_DATATYPE_NAME);
    return catalog && where ? catalog_constraint(catalog, where, name) : NULL;
}

static bool
by_table(struct rq *rq, const PGresult *res, size_t row)
{
    const struct constraint *c = violated(rq, res);
    const char *field = PQresultErrorField(res, PG_DIAG_COLUMN_NAME);
    const char *said = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *code = table[row].code, *message = table[row].message;

    if (!strcmp(code, "unknown_reference") && said && strstr(said, "update or delete on table")) {
        code = "in_use";
        message = "Other records still refer to this one";
    } else if (c && c->message) {
        message = c->message;
    }
    if (!field && c && c->columns) {
        const char *list = c->columns;

        field = str_word(rq->mem, &list);
    }
    say(rq, code, field, tr(rq, message));
    return table[row].retry;
}

bool
sqlstate_fail(struct rq *rq, const PGresult *res)
{
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *said = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *code = PQresultErrorField(res, PG_DIAG_MESSAGE_HINT);

    if (!state) {
        sqlstate_lost(rq, PQresultErrorMessage(res));
        return true;
    }
    if (!strcmp(state, "TN001")) {
        say(rq, arena_strdup(rq->mem, code ? code : "invalid"),
            arena_strdup(rq->mem, PQresultErrorField(res, PG_DIAG_COLUMN_NAME)),
            filled(rq, said, PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL)));
        return failed_with(rq, "retry");
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (str_starts(state, table[i].state) &&
            (strcmp(state, "0A000") || strstr(said, "cached plan")))
            return by_table(rq, res, i);
    if (!strcmp(state, "42501") && said && str_starts(said, "permission denied")) {
        log_warn("sql", "state", state, "message", said, "request", rq->id);
        say(rq, "forbidden", NULL, tr(rq, "Records of this kind cannot be changed this way"));
        return false;
    }
    log_error("sql", "state", state, "message", said ? said : "", "where",
              PQresultErrorField(res, PG_DIAG_CONTEXT), "request", rq->id);
    say(rq, "internal", NULL, tr(rq, "Something went wrong inside the server; it was logged"));
    return false;
}

bool
sqlstate_lost(struct rq *rq, const char *said)
{
    log_error("database connection lost", "message", said, "request", rq->id);
    return say(rq, "database_away", NULL, tr(rq, "The database is not available"));
}

void
sqlstate_notice(void *unused, const char *message)
{
    (void)unused;
    if (strncmp(message, "NOTICE", 6))
        log_warn("database notice", "message", message);
}
