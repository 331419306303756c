/*
 * tr.c - po files read into one hash per language. Untranslated entries fall back to
 * the message itself. A translation whose conversions differ from the message's is not
 * taken: a po file must not be able to crash printf.
 */
#include "core/base/tr.h"
#include "core/base/log.h"
#include "core/base/str.h"

#include <string.h>

enum { BUCKETS = 4096, LANGUAGES = 4 };

struct entry {
    struct entry *next;
    const char *message, *translation;
};

static struct language {
    const char *name;
    struct arena *mem;
    struct entry *buckets[BUCKETS];
} languages[LANGUAGES];

static unsigned
hash(const char *s)
{
    unsigned h = 2166136261u;

    while (*s)
        h = (h ^ (unsigned char)*s++) * 16777619u;
    return h % BUCKETS;
}

enum { CONVERSIONS = 16 };

/* One conversion, "ld" of "%-5ld", as a number that is not 0: its letter and the size of its
 * argument. */
static unsigned
kind_of(const char **at)
{
    unsigned kind = 0;

    *at += strspn(*at, "-+ #0123456789.");
    for (; **at && strchr("lhzjt", **at); ++*at)
        kind = kind * 31 + (unsigned char)**at;
    return **at ? kind * 31 + (unsigned char)*(*at)++ : 1;
}

/* The kinds of a format's conversions by their number: "%2$s of %1$d" has d, s. False when
 * there are too many of them, one is two things, or only some are numbered. */
static bool
conversions(const char *format, unsigned kinds[CONVERSIONS])
{
    int next = 0;
    bool any_numbered = false;

    memset(kinds, 0, CONVERSIONS * sizeof *kinds);
    while ((format = strchr(format, '%'))) {
        char *after;
        long n = strtol(++format, &after, 10);

        if (*format == '%') {
            format++;
            continue;
        }
        bool numbered = after > format && *after == '$';
        int at = !numbered ? next++ : n >= 1 && n <= CONVERSIONS ? (int)n - 1 : -1;

        any_numbered |= numbered;
        format = numbered ? after + 1 : format;
        unsigned kind = kind_of(&format);

        if (at < 0 || at >= CONVERSIONS || (kinds[at] && kinds[at] != kind) ||
            (any_numbered && next))
            return false;
        kinds[at] = kind;
    }
    return true;
}

static bool
same_conversions(const char *a, const char *b)
{
    unsigned of_a[CONVERSIONS], of_b[CONVERSIONS];

    return conversions(a, of_a) && conversions(b, of_b) && !memcmp(of_a, of_b, sizeof of_a);
}

static void
add(struct language *l, const char *message, const char *translation)
{
    if (!*message || !*translation)
        return;
    if (!same_conversions(message, translation)) {
        log_warn("translation does not fit", "message", message);
        return;
    }
    struct entry *e = arena_alloc(l->mem, sizeof *e);
    struct entry **bucket = &l->buckets[hash(message)];

    *e =
        (struct entry){ *bucket, arena_strdup(l->mem, message), arena_strdup(l->mem, translation) };
    *bucket = e;
}

/* Append the quoted text of a line, with its escapes taken back. */
static void
add_quoted(struct str *s, const char *line, size_t n)
{
    const char *p = memchr(line, '"', n), *end = line + n;

    for (p = p ? p + 1 : end; p < end && *p != '"'; p++) {
        if (*p != '\\' || p + 1 == end) {
            str_char(s, *p);
            continue;
        }
        p++;
        str_char(s, *p == 'n' ? '\n' : *p == 't' ? '\t' : *p);
    }
}

static struct language *
language_of(const char *name)
{
    for (int i = 0; i < LANGUAGES; i++) {
        if (!languages[i].name)
            languages[i] = (struct language){ .name = name, .mem = arena_new() };
        if (!strcmp(languages[i].name, name))
            return &languages[i];
    }
    return NULL;
}

void
tr_load(const char *name, const char *po)
{
    struct language *l = language_of(name);
    struct arena *mem = arena_new();
    struct str message = str_new(mem), translation = str_new(mem), *into = NULL;

    for (const char *line = po; l && line && *line;) {
        size_t n = strcspn(line, "\n");

        if (str_starts(line, "msgid ")) {
            add(l, message.text, translation.text);
            message = str_new(mem);
            translation = str_new(mem);
            into = &message;
        } else if (str_starts(line, "msgstr ")) {
            into = &translation;
        }
        if (into && (*line == '"' || *line == 'm'))
            add_quoted(into, line, n);
        line += n + (line[n] == '\n');
    }
    if (l)
        add(l, message.text, translation.text);
    arena_free(mem);
}

const char *
tr_find(const char *name, const char *message)
{
    for (int i = 0; name && message && i < LANGUAGES && languages[i].name; i++) {
        if (strcmp(languages[i].name, name))
            continue;
        for (const struct entry *e = languages[i].buckets[hash(message)]; e; e = e->next)
            if (!strcmp(e->message, message))
                return e->translation;
    }
    return message;
}
