/*
 * ctl.h - tenonctl: one command per file, each a record that says all about it and a short
 * function. The help texts are made from the records.
 *
 *     static const char *login;
 *     static const struct ctl_option options[] = {
 *         { "login", "NAME", .value = &login, .help = "the administrator's login; admin" }, { 0 }
 * }; const struct command init_command = { "init", "", "make a data folder", ..., options, run };
 *
 * A new command: its file here, its name in the table of main.c and in the man page.
 */
#ifndef TENON_CTL_H
#define TENON_CTL_H

#include "core/base/arena.h"

#include <libpq-fe.h>
#include <stdbool.h>

struct ctl {
    struct arena *mem;
    const char *data;     /* the data folder */
    const char *database; /* an external PostgreSQL, or NULL: the embedded one */
    PGconn *conn;         /* after ctl_open */
    bool started;         /* ctl_open has started the cluster: ctl_close stops it */
};

struct ctl_option {
    const char *name;     /* "login" is --login */
    const char *argument; /* what to call its value in the help; NULL for a switch */
    const char **value;   /* where the value goes */
    bool *flag;           /* or what the switch sets */
    const char *help;
};

enum { WORDS_MOST = 8 };

struct command {
    const char *name;
    const char *words;   /* of its usage: "add|passwd|list [LOGIN]" */
    const char *summary; /* one line */
    const char *help;    /* more, or NULL */
    const struct ctl_option *options;
    int least, most;                                        /* how many words it takes */
    int (*run)(struct ctl *ctl, const char **words, int n); /* the exit status */
};

extern const struct command init_command, migrate_command, check_command, user_command,
    import_command, export_command, workflow_command, status_command, stop_command;

/* Print "tenonctl: ..." to standard error; always 1. */
int ctl_fail(const char *message, ...) __attribute__((format(printf, 1, 2)));

/*
 * The database, as tenon_owner with search_path tenon: starts the embedded cluster when it
 * does not run and gives up root. migrate_too: bring the schema up to date first. false after
 * a message.
 */
bool ctl_open(struct ctl *ctl, bool migrate_too);
void ctl_close(struct ctl *ctl);

/* One statement with text parameters; NULL after a message. Freed with the arena. */
PGresult *ctl_sql(struct ctl *ctl, const char *sql, int n, const char *const *params);

/* A PostgreSQL array of text from "a,b,c". */
const char *ctl_array(struct ctl *ctl, const char *commas);

/* A password: $TENON_PASSWORD, else asked for on the terminal, else the first line of standard
 * input. NULL after a message. */
const char *ctl_password_typed(struct ctl *ctl, const char *whose);

/* The hash of a new one, for which a terminal asks twice. NULL after a message. */
const char *ctl_password(struct ctl *ctl, const char *whose);

#endif
