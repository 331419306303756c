/*
 * conf.c - reads settings from the places that conf.h lists and checks each against its kind
 * when it is set, so that a typing error stops the start and not the first use.
 */
#include "core/base/conf.h"
#include "core/base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct value {
    const char *text;
    long long number;
};

struct conf {
    struct arena *mem;
    const struct conf_setting *table;
    struct value *values; /* parallel to the table */
};

static const char *const kinds[] = { "text", "number", "seconds", "bytes", "yes or no" };

/* Digits and at most one unit letter. */
static bool
read_number(const char *text, const char *units, const long long *factors, long long *out)
{
    char *end;

    if (!isdigit((unsigned char)*text))
        return false;
    errno = 0;
    long long n = strtoll(text, &end, 10), factor = 1;

    if (*end && units) {
        const char *unit = strchr(units, *end);

        if (!unit)
            return false;
        factor = factors[unit - units];
        end++;
    }
    if (*end || errno || n > 1000000000000LL / factor)
        return false;
    *out = n * factor;
    return true;
}

static bool
fits(enum conf_kind kind, const char *text, long long *number)
{
    static const long long times[] = { 1, 60, 3600, 86400 };
    static const long long sizes[] = { 1LL << 10, 1LL << 20, 1LL << 30 };

    switch (kind) {
    case CONF_TEXT:
        return true;
    case CONF_NUMBER:
        return read_number(text, NULL, NULL, number);
    case CONF_SECONDS:
        return read_number(text, "smhd", times, number);
    case CONF_BYTES:
        return read_number(text, "KMG", sizes, number);
    case CONF_SWITCH:
        *number = !strcmp(text, "yes") || !strcmp(text, "on") || !strcmp(text, "1");
        return *number || !strcmp(text, "no") || !strcmp(text, "off") || !strcmp(text, "0");
    }
    return false;
}

struct conf *
conf_new(struct arena *mem, const struct conf_setting *table)
{
    struct conf *c = arena_alloc(mem, sizeof *c);
    size_t n = 0;

    while (table[n].name)
        n++;
    c->mem = mem;
    c->table = table;
    c->values = arena_alloc(mem, (n + 1) * sizeof *c->values);
    for (size_t i = 0; i < n; i++) {
        c->values[i].text = table[i].fallback;
        if (table[i].fallback && !fits(table[i].kind, table[i].fallback, &c->values[i].number))
            abort();
    }
    return c;
}

static struct value *
find(const struct conf *c, const char *name)
{
    for (size_t i = 0; c->table[i].name; i++)
        if (!strcmp(c->table[i].name, name))
            return &c->values[i];
    return NULL;
}

bool
conf_set(struct conf *c, const char *name, const char *value, const char **error)
{
    struct value *v = find(c, name);

    if (!v) {
        *error = arena_printf(c->mem, "There is no setting named %s", name);
        return false;
    }
    enum conf_kind kind = c->table[v - c->values].kind;

    if (!fits(kind, value, &v->number)) {
        *error = arena_printf(c->mem, "The setting %s cannot be \"%s\": it is %s", name, value,
                              kinds[kind]);
        return false;
    }
    v->text = arena_strdup(c->mem, value);
    return true;
}

/* The text between the blanks at both ends; changes its argument. */
static char *
trimmed(char *s)
{
    s += strspn(s, " \t");
    size_t n = strlen(s);

    while (n && isspace((unsigned char)s[n - 1]))
        s[--n] = '\0';
    return s;
}

static bool
file_line(struct conf *c, char *line, const char *path, int number, const char **error)
{
    char *name = trimmed(line), *equals = strchr(name, '=');

    if (!*name || *name == '#')
        return true;
    if (!equals) {
        *error = arena_printf(c->mem, "%s, line %d: expected \"name = value\"", path, number);
        return false;
    }
    *equals = '\0';
    if (conf_set(c, trimmed(name), trimmed(equals + 1), error))
        return true;
    *error = arena_printf(c->mem, "%s, line %d: %s", path, number, *error);
    return false;
}

bool
conf_file(struct conf *c, const char *path, const char **error)
{
    FILE *f = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    bool ok = true;

    if (!f) {
        *error = arena_printf(c->mem, "%s cannot be read: %s", path, strerror(errno));
        return false;
    }
    for (int n = 1; ok && getline(&line, &size, f) >= 0; n++)
        ok = file_line(c, line, path, n, error);
    free(line);
    fclose(f);
    return ok;
}

bool
conf_environment(struct conf *c, const char **error)
{
    for (size_t i = 0; c->table[i].name; i++) {
        char *key = arena_printf(c->mem, "TENON_%s", c->table[i].name);

        for (char *p = key; *p; p++)
            *p = (char)toupper((unsigned char)*p);
        const char *value = getenv(key);

        if (value && !conf_set(c, c->table[i].name, value, error)) {
            *error = arena_printf(c->mem, "%s: %s", key, *error);
            return false;
        }
    }
    return true;
}

/* --max-body 1M, --max-body=1M; a switch may stand alone. *used: words taken after argv[i]. */
static bool
option(struct conf *c, char *word, char *next, int *used, const char **error)
{
    char *name = arena_strdup(c->mem, word + 2), *equals = strchr(name, '=');

    *used = 0;
    if (equals)
        *equals++ = '\0';
    for (char *p = name; *p; p++)
        if (*p == '-')
            *p = '_';
    const struct value *v = find(c, name);

    if (!equals && v && c->table[v - c->values].kind == CONF_SWITCH) {
        equals = "yes";
    } else if (!equals && v && next) {
        equals = next;
        *used = 1;
    } else if (!equals && v) {
        *error = arena_printf(c->mem, "%s needs a value", word);
        return false;
    }
    return conf_set(c, name, equals ? equals : "", error);
}

bool
conf_arguments(struct conf *c, int argc, char **argv, int *nwords, const char **error)
{
    *nwords = 0;
    for (int i = 0; i < argc; i++) {
        int used = 0;

        if (strncmp(argv[i], "--", 2))
            argv[(*nwords)++] = argv[i];
        else if (!option(c, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used, error))
            return false;
        i += used;
    }
    return true;
}

static const struct value *
must_find(const struct conf *c, const char *name)
{
    const struct value *v = find(c, name);

    if (!v) {
        fprintf(stderr, "no setting named %s\n", name);
        abort();
    }
    return v;
}

const char *
conf_text(const struct conf *c, const char *name)
{
    return must_find(c, name)->text;
}

long long
conf_number(const struct conf *c, const char *name)
{
    return must_find(c, name)->number;
}

bool
conf_on(const struct conf *c, const char *name)
{
    return must_find(c, name)->number != 0;
}

void
conf_help(const struct conf *c, FILE *to)
{
    for (size_t i = 0; c->table[i].name; i++) {
        char *name = arena_strdup(c->mem, c->table[i].name);

        for (char *p = name; *p; p++)
            if (*p == '_')
                *p = '-';
        fprintf(to, "  --%-28s %s", name, c->table[i].help);
        if (c->table[i].fallback)
            fprintf(to, " [%s]", c->table[i].fallback);
        fputc('\n', to);
    }
}
