/*
 * init.c - tenonctl init: a data folder with a database, a first company and its
 * administrator. Running it again adds only what is missing.
 */
#include "server/ctl/ctl.h"
#include "core/base/str.h"
#include "core/db/migrate.h"

#include <stdio.h>

static const char *code, *name, *name_zh, *currency, *country, *zone = "UTC", *chart = "ifrs",
                                                               *login = "admin", *language = "en";
static bool demo;

static const struct ctl_option options[] = {
    { "code", "CODE", &code, NULL, "short name of the company; MAIN" },
    { "name", "NAME", &name, NULL, "its name; My company" },
    { "name-zh", "NAME", &name_zh, NULL, "its name in Chinese" },
    { "currency", "CODE", &currency, NULL, "in which its books are kept; USD" },
    { "country", "CODE", &country, NULL, "two letters; US" },
    { "time-zone", "ZONE", &zone, NULL, "such as Europe/Berlin; UTC" },
    { "chart", "NAME", &chart, NULL, "of accounts: ifrs or cn_small; ifrs" },
    { "login", "LOGIN", &login, NULL, "of the administrator; admin" },
    { "language", "en|zh", &language, NULL, "of the administrator; en" },
    { "demo", NULL, NULL, &demo, "a fictional company with goods, customers and stock" },
    { 0 },
};

static const char *
either(const char *given, const char *of_demo, const char *otherwise)
{
    return given ? given : demo ? of_demo : otherwise;
}

static PGresult *
make_company(struct ctl *ctl)
{
    return ctl_sql(ctl, "SELECT company_create($1, $2, $3, $4, $5, $6, $7)", 7,
                   (const char *[]){
                       code, either(name, "Sample Joinery Ltd (fictional)", "My company"),
                       either(name_zh, "样本木业有限公司（虚构）", NULL),
                       either(currency, "USD", "USD"), either(country, "US", "US"), zone, chart });
}

static PGresult *
make_user(struct ctl *ctl, const char *hash)
{
    return ctl_sql(ctl, "SELECT password_set(user_create($1, $1, $2, ARRAY[$3], '{admin}'), $4)", 4,
                   (const char *[]){ login, language, code, hash });
}

/* sql/demo: the demo company's things, as its administrator would enter them. */
static bool
fill_demo(struct ctl *ctl)
{
    if (!ctl_sql(ctl,
                 "SELECT context_set(u.id, c.id, 'demo') FROM app_user u, company c"
                 " WHERE u.login = $1 AND c.code = $2",
                 2, (const char *[]){ login, code }))
        return false;
    for (const struct asset *a = assets; a->path; a++)
        if (str_starts(a->path, "sql/demo/") && str_ends(a->path, ".sql") &&
            !ctl_sql(ctl, a->text, 0, NULL))
            return ctl_fail("in %s", a->path), false;
    return true;
}

static int
count_of(struct ctl *ctl, const char *sql, const char *value)
{
    PGresult *res = ctl_sql(ctl, sql, 1, &value);

    return res ? PQntuples(res) : -1;
}

static int
init_run(struct ctl *ctl, const char **words, int n)
{
    const char *hash = NULL;

    (void)words;
    (void)n;
    code = either(code, "DEMO", "MAIN");
    if (!ctl_open(ctl, true))
        return 1;
    int companies = count_of(ctl, "SELECT FROM company WHERE code = $1", code);
    int users = count_of(ctl, "SELECT FROM app_user WHERE login = $1", login);

    if (companies < 0 || users < 0 || (users == 0 && !(hash = ctl_password(ctl, login))))
        return 1;
    if (companies && users) {
        printf("There are already the company %s and the user %s\n", code, login);
        return 0;
    }
    if (!ctl_sql(ctl, "BEGIN", 0, NULL) || (!companies && !make_company(ctl)) ||
        (!users && !make_user(ctl, hash)) || (demo && !companies && !fill_demo(ctl)) ||
        !ctl_sql(ctl, "COMMIT", 0, NULL))
        return 1;
    printf("Made the company %s; %s may sign in\n", code, login);
    return 0;
}

const struct command init_command = {
    "init",
    "",
    "make a data folder with its first company and administrator",
    "The password comes from $TENON_PASSWORD, the terminal or a line of standard input.",
    options,
    0,
    0,
    init_run,
};
