/*
 * user.c - tenonctl user: who may sign in, also when nobody can any more.
 */
#include "server/ctl/ctl.h"

#include <stdio.h>
#include <string.h>

static const char *name, *roles = "viewer", *companies, *language = "en";

static const struct ctl_option options[] = {
    { "name", "NAME", &name, NULL, "full name; the login" },
    { "roles", "A,B", &roles, NULL, "admin manager sales finance warehouse viewer; viewer" },
    { "companies", "A,B", &companies, NULL, "codes; the first is where the user starts; all" },
    { "language", "en|zh", &language, NULL, "en" },
    { 0 },
};

/* Stops the command on a misspelt role or company, which user_create would ignore. */
static bool
all_exist(struct ctl *ctl, const char *table, const char *codes)
{
    const char *sql = arena_printf(ctl->mem,
                                   "SELECT c FROM unnest($1::text[]) c"
                                   " WHERE NOT EXISTS (SELECT FROM %s t WHERE t.code = c)",
                                   table);
    PGresult *res = ctl_sql(ctl, sql, 1, &codes);

    if (res && PQntuples(res))
        ctl_fail("There is no %s %s", table, PQgetvalue(res, 0, 0));
    return res && !PQntuples(res);
}

static const char *
all_companies(struct ctl *ctl)
{
    PGresult *res = ctl_sql(ctl, "SELECT array_agg(code ORDER BY id) FROM company", 0, NULL);

    if (!res || PQgetisnull(res, 0, 0))
        return ctl_fail("There is no company yet: run tenonctl init first"), NULL;
    return PQgetvalue(res, 0, 0);
}

static int
user_add(struct ctl *ctl, const char *login)
{
    const char *in = companies ? ctl_array(ctl, companies) : all_companies(ctl);
    const char *as = ctl_array(ctl, roles), *hash;

    if (!in || !all_exist(ctl, "company", in) || !all_exist(ctl, "role", as) ||
        !(hash = ctl_password(ctl, login)) ||
        !ctl_sql(ctl, "SELECT password_set(user_create($1, $2, $3, $4::text[], $5::text[]), $6)", 6,
                 (const char *[]){ login, name ? name : login, language, in, as, hash }))
        return 1;
    printf("%s may sign in\n", login);
    return 0;
}

static int
user_passwd(struct ctl *ctl, const char *login)
{
    const char *hash = ctl_password(ctl, login);
    PGresult *res;

    if (!hash || !(res = ctl_sql(ctl, "SELECT password_set(id, $2) FROM app_user WHERE login = $1",
                                 2, (const char *[]){ login, hash })))
        return 1;
    if (!PQntuples(res))
        return ctl_fail("There is no user %s", login);
    printf("%s has a new password; his sessions have ended\n", login);
    return 0;
}

/* Signing in is refused at once; open sessions are refused at their next request. */
static int
user_switch(struct ctl *ctl, const char *login, const char *active)
{
    PGresult *res = ctl_sql(ctl, "UPDATE app_user SET active = $2 WHERE login = $1 RETURNING id", 2,
                            (const char *[]){ login, active });

    if (!res)
        return 1;
    if (!PQntuples(res))
        return ctl_fail("There is no user %s", login);
    printf("%s may %ssign in\n", login, *active == 't' ? "" : "no longer ");
    return 0;
}

static int
user_list(struct ctl *ctl)
{
    static const char sql[] =
        "SELECT u.login, u.name, CASE WHEN u.active THEN '' ELSE 'disabled' END,"
        "       coalesce((SELECT string_agg(r.code, ',' ORDER BY r.code) FROM user_role ur"
        "                   JOIN role r ON r.id = ur.role_id WHERE ur.user_id = u.id), ''),"
        "       coalesce((SELECT string_agg(c.code, ',' ORDER BY c.code) FROM user_company uc"
        "                   JOIN company c ON c.id = uc.company_id WHERE uc.user_id = u.id), '')"
        "  FROM app_user u ORDER BY u.login";
    PGresult *res = ctl_sql(ctl, sql, 0, NULL);

    if (!res)
        return 1;
    printf("%-16s %-24s %-20s %-16s %s\n", "login", "name", "roles", "companies", "");
    for (int i = 0; i < PQntuples(res); i++)
        printf("%-16s %-24s %-20s %-16s %s\n", PQgetvalue(res, i, 0), PQgetvalue(res, i, 1),
               PQgetvalue(res, i, 3), PQgetvalue(res, i, 4), PQgetvalue(res, i, 2));
    return 0;
}

static int
user_run(struct ctl *ctl, const char **words, int n)
{
    const char *verb = words[0], *login = words[1];

    if (!strcmp(verb, "list") ? n != 1 : n != 2)
        return ctl_fail("usage: tenonctl user %s", user_command.words), 2;
    if (!ctl_open(ctl, false))
        return 1;
    if (!strcmp(verb, "list"))
        return user_list(ctl);
    if (!strcmp(verb, "add"))
        return user_add(ctl, login);
    if (!strcmp(verb, "passwd"))
        return user_passwd(ctl, login);
    if (!strcmp(verb, "disable") || !strcmp(verb, "enable"))
        return user_switch(ctl, login, *verb == 'e' ? "true" : "false");
    return ctl_fail("usage: tenonctl user %s", user_command.words), 2;
}

const struct command user_command = {
    "user",
    "list | add LOGIN | passwd LOGIN | disable LOGIN | enable LOGIN",
    "list, add and change those who sign in",
    "The password comes from $TENON_PASSWORD, the terminal or a line of standard input.",
    options,
    1,
    2,
    user_run,
};
