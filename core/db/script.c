/*
 * script.c - where a statement ends.
 */
#include "core/db/script.h"

#include <ctype.h>
#include <string.h>

static bool
is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* Each skip_ returns the first place after the thing that begins at p, the end of the text
 * when it never ends. */
static const char *
skip_comment(const char *p)
{
    int depth = 0;

    if (*p == '-')
        return p + strcspn(p, "\n");
    do {
        if (p[0] == '/' && p[1] == '*') {
            depth++;
            p += 2;
        } else if (p[0] == '*' && p[1] == '/') {
            depth--;
            p += 2;
        } else if (*p) {
            p++;
        }
    } while (depth && *p);
    return p;
}

static const char *
skip_quoted(const char *p, bool escapes)
{
    char quote = *p++;

    for (; *p; p++) {
        if (escapes && *p == '\\' && p[1])
            p++;
        else if (*p == quote && p[1] == quote)
            p++;
        else if (*p == quote)
            return p + 1;
    }
    return p;
}

/* $$...$$ or $tag$...$tag$; a lone $ (of $1) is one character. */
static const char *
skip_dollar(const char *p)
{
    size_t tag = 1;

    while (is_name(p[tag]))
        tag++;
    if (p[tag] != '$' || isdigit((unsigned char)p[1]))
        return p + 1;
    tag++;
    for (const char *end = p + tag; (end = strchr(end, '$')); end++)
        if (!strncmp(end, p, tag))
            return end + tag;
    return p + strlen(p);
}

static bool
at_comment(const char *p)
{
    return (p[0] == '-' && p[1] == '-') || (p[0] == '/' && p[1] == '*');
}

static const char *
skip_space(const char *p)
{
    for (;;) {
        p += strspn(p, " \t\r\n");
        if (!at_comment(p))
            return p;
        p = skip_comment(p);
    }
}

/* One lexical step inside a statement. */
static const char *
skip_token(const char *p)
{
    if (at_comment(p))
        return skip_comment(p);
    if ((*p == 'E' || *p == 'e') && p[1] == '\'')
        return skip_quoted(p + 1, true);
    if (*p == '\'' || *p == '"')
        return skip_quoted(p, false);
    if (*p == '$')
        return skip_dollar(p);
    if (is_name(*p)) {
        while (is_name(*p) || *p == '$')
            p++;
        return p;
    }
    return p + 1;
}

bool
script_next(struct script *s, const char **statement, size_t *length)
{
    int parentheses = 0;
    const char *p = s->at;

    do { /* empty statements are none */
        p = skip_space(p);
    } while (*p == ';' && p++);
    *statement = p;
    while (*p && !(*p == ';' && parentheses <= 0)) {
        parentheses += *p == '(' ? 1 : *p == ')' ? -1 : 0;
        p = skip_token(p);
    }
    s->at = *p ? p + 1 : p;
    *length = (size_t)(p - *statement);
    return *length > 0;
}

int
script_line(const struct script *s, const char *place)
{
    int line = 1;

    for (const char *p = s->text; p < place && *p; p++)
        line += *p == '\n';
    return line;
}
