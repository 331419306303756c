/*
 * database.c - the database under tenonctl: the embedded cluster, started for as long as the
 * command needs it, or an external PostgreSQL.
 */
#include "server/ctl/ctl.h"
#include "core/base/password.h"
#include "core/base/str.h"
#include "core/db/cluster.h"
#include "core/db/external.h"
#include "core/workflow/upgrade.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static void
progress(const char *what)
{
    fprintf(stderr, "%s ...\n", what);
}

static bool
bring_up_to_date(struct ctl *ctl, const char *admin, const char *app_password)
{
    const char *error = NULL;
    int applied;

    if (!upgrade(ctl->mem, admin, app_password, &applied, &error))
        return ctl_fail("%s", error), false;
    if (applied)
        printf("The database is up to date (%d files)\n", applied);
    return true;
}

/* The conninfo of an administrator; NULL after a message. */
static const char *
find_database(struct ctl *ctl, const char **app_password)
{
    const char *error = NULL;
    struct cluster cluster;

    if (ctl->database && *ctl->database) {
        if (external_app_conninfo(ctl->mem, ctl->data, ctl->database, app_password, &error))
            return ctl->database;
        return ctl_fail("%s", error), NULL;
    }
    ctl->started = !cluster_running(ctl->mem, ctl->data);
    if (cluster_start(ctl->mem, ctl->data, &cluster, progress, &error) &&
        cluster_drop_root(ctl->mem, ctl->data, &error))
        return cluster.conninfo;
    ctl->started = false;
    return ctl_fail("%s", error), NULL;
}

bool
ctl_open(struct ctl *ctl, bool migrate_too)
{
    const char *app_password = NULL;
    const char *admin = find_database(ctl, &app_password);

    if (!admin || (migrate_too && !bring_up_to_date(ctl, admin, app_password)))
        return false;
    ctl->conn = PQconnectdb(admin);
    if (PQstatus(ctl->conn) != CONNECTION_OK)
        return ctl_fail("Cannot connect to the database: %s", PQerrorMessage(ctl->conn)), false;
    if (!ctl_sql(ctl, "SET client_min_messages = error", 0, NULL))
        return false;
    PGresult *found =
        ctl_sql(ctl, "SELECT FROM pg_class WHERE oid = to_regclass('tenon.company')", 0, NULL);

    if (found && !PQntuples(found))
        return ctl_fail("The database is empty: run tenonctl init first"), false;
    return found && ctl_sql(ctl, "SET ROLE tenon_owner", 0, NULL) &&
           ctl_sql(ctl, "SET search_path = tenon", 0, NULL);
}

/* Nobody else uses the cluster that we have started: leave it as it was found. */
static bool
alone(struct ctl *ctl)
{
    PGresult *res = PQexec(ctl->conn,
                           "SELECT FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                           " AND backend_type = 'client backend'");
    bool nobody = PQresultStatus(res) == PGRES_TUPLES_OK && !PQntuples(res);

    PQclear(res);
    return nobody;
}

void
ctl_close(struct ctl *ctl)
{
    const char *error = NULL;
    bool stop = ctl->started && (!ctl->conn || alone(ctl));

    PQfinish(ctl->conn);
    ctl->conn = NULL;
    if (stop && !cluster_stop(ctl->mem, ctl->data, &error))
        ctl_fail("%s", error);
}

/* COMMENT ON CONSTRAINT is the sentence for people; NULL when there is none, or when it cannot
 * be read any more because a transaction has failed. */
static const char *
constraint_comment(struct ctl *ctl, const char *name)
{
    PGresult *res = PQexecParams(ctl->conn,
                                 "SELECT obj_description(oid, 'pg_constraint') FROM pg_constraint"
                                 " WHERE conname = $1",
                                 1, NULL, &name, NULL, NULL, 0);
    bool found =
        PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) && !PQgetisnull(res, 0, 0);
    const char *comment = found ? arena_strdup(ctl->mem, PQgetvalue(res, 0, 0)) : NULL;

    PQclear(res);
    return comment;
}

/* The sentence of a constraint, or of fail(): its arguments are in the detail, as JSON. */
static const char *
sentence(struct ctl *ctl, const PGresult *res)
{
    const char *message = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
    const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);
    const char *constraint = PQresultErrorField(res, PG_DIAG_CONSTRAINT_NAME);
    const char *comment = constraint ? constraint_comment(ctl, constraint) : NULL;
    struct str s = str_new(ctl->mem);
    cJSON *args;
    int n = 0;

    if (!message || comment)
        return comment ? comment : PQerrorMessage(ctl->conn);
    if (!state || strcmp(state, "TN001"))
        return detail ? arena_printf(ctl->mem, "%s (%s)", message, detail) : message;
    args = detail ? cJSON_Parse(detail) : NULL;
    for (const char *at; (at = strstr(message, "%s")); message = at + 2) {
        const char *arg = cJSON_GetStringValue(cJSON_GetArrayItem(args, n++));

        str_add_n(&s, message, (size_t)(at - message));
        str_add(&s, arg ? arg : "");
    }
    str_add(&s, message);
    cJSON_Delete(args);
    return s.text;
}

static void
forget_result(void *result)
{
    PQclear(result);
}

PGresult *
ctl_sql(struct ctl *ctl, const char *sql, int n, const char *const *params)
{
    PGresult *res =
        n ? PQexecParams(ctl->conn, sql, n, NULL, params, NULL, NULL, 0) : PQexec(ctl->conn, sql);
    ExecStatusType status = PQresultStatus(res);

    arena_defer(ctl->mem, forget_result, res);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY)
        return res;
    ctl_fail("%s", sentence(ctl, res));
    return NULL;
}

const char *
ctl_array(struct ctl *ctl, const char *commas)
{
    struct str s = str_new(ctl->mem);

    str_char(&s, '{');
    for (const char *c = commas; *c; c++) {
        if (c == commas || c[-1] == ',')
            str_char(&s, '"');
        if (*c == '"' || *c == '\\')
            str_char(&s, '\\');
        if (*c == ',')
            str_char(&s, '"');
        str_char(&s, *c);
    }
    str_add(&s, *commas ? "\"}" : "}");
    return s.text;
}

/* A line of standard input without its end; what is typed at a terminal is not shown. */
static const char *
read_line(struct ctl *ctl, const char *prompt)
{
    char *line = arena_alloc(ctl->mem, PASSWORD_MAX + 2);
    struct termios shown, hidden;
    bool terminal = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &shown);

    if (terminal) {
        hidden = shown;
        hidden.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
        fputs(prompt, stderr);
    }
    char *got = fgets(line, PASSWORD_MAX + 2, stdin);

    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
        fputc('\n', stderr);
    }
    line[strcspn(line, "\r\n")] = '\0';
    return got ? line : NULL;
}

const char *
ctl_password_typed(struct ctl *ctl, const char *whose)
{
    const char *password = getenv("TENON_PASSWORD");

    if (!password || !*password)
        password = read_line(ctl, arena_printf(ctl->mem, "Password of %s: ", whose));
    if (!password)
        ctl_fail("No password was given");
    return password;
}

const char *
ctl_password(struct ctl *ctl, const char *whose)
{
    const char *password = ctl_password_typed(ctl, whose), *hash;
    bool typed = !getenv("TENON_PASSWORD") && isatty(STDIN_FILENO);
    const char *again = password && typed ? read_line(ctl, "The same again: ") : password;

    if (!password || !again || strcmp(password, again)) {
        if (password)
            ctl_fail("These are two different passwords");
        return NULL;
    }
    hash = password_hash(ctl->mem, password);
    if (!hash)
        ctl_fail("A password has %d to %d characters", PASSWORD_MIN, PASSWORD_MAX);
    return hash;
}
