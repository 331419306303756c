/*
 * str.c - growing text, quoting, word lists, UTF-8.
 */
#include "core/base/str.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct str
str_new(struct arena *mem)
{
    return (struct str){ .mem = mem, .text = arena_alloc(mem, 64), .size = 64 };
}

void
str_add_n(struct str *s, const char *text, size_t n)
{
    if (s->size - s->len <= n) {
        size_t size = (s->len + n + 1) * 2;
        char *bigger = arena_alloc(s->mem, size);

        memcpy(bigger, s->text, s->len);
        s->text = bigger;
        s->size = size;
    }
    memcpy(s->text + s->len, text, n);
    s->len += n;
    s->text[s->len] = '\0';
}

void
str_add(struct str *s, const char *text)
{
    str_add_n(s, text, strlen(text));
}

void
str_char(struct str *s, char c)
{
    str_add_n(s, &c, 1);
}

void
str_printf(struct str *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    str_add(s, arena_vprintf(s->mem, fmt, ap));
    va_end(ap);
}

void
str_json(struct str *s, const char *text)
{
    if (!text) {
        str_add(s, "null");
        return;
    }
    str_char(s, '"');
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        if (*p == '"' || *p == '\\')
            str_printf(s, "\\%c", *p);
        else if (*p < 0x20)
            str_printf(s, "\\u%04x", *p);
        else
            str_char(s, (char)*p);
    }
    str_char(s, '"');
}

/* Between two quotes, each quote inside doubled. */
static void
quoted(struct str *s, const char *text, char quote)
{
    str_char(s, quote);
    for (; *text; text++) {
        if (*text == quote)
            str_char(s, quote);
        str_char(s, *text);
    }
    str_char(s, quote);
}

void
str_ident(struct str *s, const char *name)
{
    quoted(s, name, '"');
}

void
str_literal(struct str *s, const char *text)
{
    quoted(s, text, '\'');
}

const char *
str_word(struct arena *mem, const char **list)
{
    if (!*list)
        return NULL;
    *list += strspn(*list, " ");
    size_t n = strcspn(*list, " ");

    if (!n)
        return NULL;
    const char *word = arena_strndup(mem, *list, n);

    *list += n;
    return word;
}

bool
str_word_in(const char *list, const char *word)
{
    size_t len = strlen(word);

    while (list && *list) {
        list += strspn(list, " ");
        size_t n = strcspn(list, " ");

        if (n && n == len && !memcmp(list, word, n))
            return true;
        list += n;
    }
    return false;
}

bool
str_starts(const char *s, const char *prefix)
{
    return !strncmp(s, prefix, strlen(prefix));
}

bool
str_ends(const char *s, const char *suffix)
{
    size_t a = strlen(s), b = strlen(suffix);

    return a >= b && !memcmp(s + a - b, suffix, b);
}

/* Bytes of the well-formed sequence at p, 0 when there is none (RFC 3629, section 4). */
static size_t
utf8_sequence(const unsigned char *p, size_t left)
{
    static const struct {
        unsigned char first, last, second_first, second_last, more;
    } forms[] = {
        { 0x01, 0x7f, 0, 0, 0 },       { 0xc2, 0xdf, 0x80, 0xbf, 1 }, { 0xe0, 0xe0, 0xa0, 0xbf, 2 },
        { 0xe1, 0xec, 0x80, 0xbf, 2 }, { 0xed, 0xed, 0x80, 0x9f, 2 }, { 0xee, 0xef, 0x80, 0xbf, 2 },
        { 0xf0, 0xf0, 0x90, 0xbf, 3 }, { 0xf1, 0xf3, 0x80, 0xbf, 3 }, { 0xf4, 0xf4, 0x80, 0x8f, 3 },
    };

    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        if (*p < forms[f].first || *p > forms[f].last)
            continue;
        if (left <= forms[f].more)
            return 0;
        if (forms[f].more && (p[1] < forms[f].second_first || p[1] > forms[f].second_last))
            return 0;
        for (size_t i = 2; i <= forms[f].more; i++)
            if ((p[i] & 0xc0) != 0x80)
                return 0;
        return (size_t)forms[f].more + 1;
    }
    return 0;
}

bool
str_is_utf8(const char *s, size_t n)
{
    const unsigned char *p = (const unsigned char *)s;

    for (size_t i = 0, step; i < n; i += step) {
        step = utf8_sequence(p + i, n - i);
        if (!step)
            return false;
    }
    return true;
}

bool
str_is_id(const char *s)
{
    size_t n = strspn(s, "0123456789");

    return n >= 1 && n <= 18 && !s[n];
}
