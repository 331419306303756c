/*
 * main.c - tenonctl: finds the command, reads its options, runs it.
 */
#include "server/ctl/ctl.h"
#include "core/base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command *const commands[] = {
    &init_command,   &migrate_command,  &check_command,  &user_command, &import_command,
    &export_command, &workflow_command, &status_command, &stop_command, NULL,
};

int
ctl_fail(const char *message, ...)
{
    va_list ap;

    fputs("tenonctl: ", stderr);
    va_start(ap, message);
    vfprintf(stderr, message, ap);
    va_end(ap);
    fputc('\n', stderr);
    return 1;
}

static void
help_options(const struct ctl_option *options)
{
    for (const struct ctl_option *o = options; o && o->name; o++) {
        int width = printf("  --%s %s", o->name, o->argument ? o->argument : "");

        printf("%*s%s\n", width < 24 ? 24 - width : 1, "", o->help);
    }
}

static void
help_command(const struct command *c, const struct ctl_option *common)
{
    printf("usage: tenonctl %s%s%s [options]\n\n%s.\n", c->name, *c->words ? " " : "", c->words,
           c->summary);
    if (c->help)
        printf("%s\n", c->help);
    puts("\nOptions:");
    help_options(c->options);
    help_options(common);
}

static void
help_all(const struct ctl_option *common)
{
    puts("usage: tenonctl COMMAND [options]\n\nAdministration of Tenon. Commands:");
    for (size_t i = 0; commands[i]; i++)
        printf("  %-22s%s\n", commands[i]->name, commands[i]->summary);
    puts("\nOptions of all commands:");
    help_options(common);
    puts("\n`tenonctl COMMAND --help` says more.");
}

static const struct ctl_option *
option_find(const struct ctl_option *options, const char *name, size_t n)
{
    for (const struct ctl_option *o = options; o && o->name; o++)
        if (strlen(o->name) == n && !strncmp(o->name, name, n))
            return o;
    return NULL;
}

/* Takes --name value, --name=value or --switch at argv[*i]. */
static bool
option_take(const struct ctl_option *own, const struct ctl_option *common, char **argv, int *i)
{
    const char *name = argv[*i] + 2;
    size_t n = strcspn(name, "=");
    const struct ctl_option *o = option_find(own, name, n);

    if (!o && !(o = option_find(common, name, n)))
        return ctl_fail("There is no option %s", argv[*i]), false;
    if (o->flag && !name[n]) {
        *o->flag = true;
        return true;
    }
    if (o->flag || (!name[n] && !argv[*i + 1]))
        return ctl_fail("--%s takes %s", o->name, o->flag ? "no value" : "a value"), false;
    *o->value = name[n] ? name + n + 1 : argv[++*i];
    return true;
}

static const struct command *
command_find(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (!strcmp(commands[i]->name, name))
            return commands[i];
    return NULL;
}

static const char *
default_data(void)
{
    const char *named = getenv("TENON_DATA");

    return named && *named ? named : geteuid() == 0 ? "/var/lib/tenon" : ".tenon";
}

static int
run_command(struct ctl *ctl, const struct command *c, const char **words, int n, bool help,
            const struct ctl_option *common)
{
    if (help) {
        help_command(c, common);
        return 0;
    }
    if (n < c->least || n > c->most) {
        ctl_fail("usage: tenonctl %s %s", c->name, c->words);
        return 2;
    }
    int status = c->run(ctl, words, n);

    ctl_close(ctl);
    return status;
}

int
main(int argc, char **argv)
{
    struct ctl ctl = { .mem = arena_new(),
                       .data = default_data(),
                       .database = getenv("TENON_DATABASE") };
    bool help = false, version = false;
    const struct ctl_option common[] = {
        { "data", "FOLDER", &ctl.data, NULL,
          "the data folder; $TENON_DATA, /var/lib/tenon or .tenon" },
        { "database", "CONNINFO", &ctl.database, NULL, "an external PostgreSQL; $TENON_DATABASE" },
        { "help", NULL, NULL, &help, "say this" },
        { "version", NULL, NULL, &version, "print the version" },
        { 0 },
    };
    const struct command *c = argc > 1 ? command_find(argv[1]) : NULL;
    const char *words[WORDS_MOST] = { 0 };
    int n = 0, status = 0;

    for (int i = c ? 2 : 1; i < argc && !status; i++) {
        if (str_starts(argv[i], "--") && argv[i][2])
            status = option_take(c ? c->options : NULL, common, argv, &i) ? 0 : 2;
        else if (!c || n == WORDS_MOST)
            status = ctl_fail("There is no command %s: see tenonctl --help", argv[i]) + 1;
        else
            words[n++] = argv[i];
    }
    if (!status && version)
        puts("tenonctl " TENON_VERSION);
    else if (!status && !c)
        help_all(common);
    else if (!status)
        status = run_command(&ctl, c, words, n, help, common);
    arena_free(ctl.mem);
    return status;
}
