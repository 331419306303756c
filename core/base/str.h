/*
 * str.h - text that grows, on an arena. Always NUL-terminated; never freed by hand.
 *
 *     struct str s = str_new(rq->mem);
 *     str_add(&s, "SELECT ");
 *     str_printf(&s, "%d", n);
 *     use(s.text);
 */
#ifndef TENON_STR_H
#define TENON_STR_H

#include "core/base/arena.h"

#include <stdbool.h>

struct str {
    struct arena *mem;
    char *text; /* never NULL */
    size_t len, size;
};

struct str str_new(struct arena *mem);
void str_add(struct str *s, const char *text);
void str_add_n(struct str *s, const char *text, size_t n);
void str_char(struct str *s, char c);
void str_printf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A JSON string with its quotes; `null` for NULL. */
void str_json(struct str *s, const char *text);

/* An SQL identifier or literal, quoted. Only for generated SQL text; values are parameters. */
void str_ident(struct str *s, const char *name);
void str_literal(struct str *s, const char *text);

/* Is the word one of a space-separated list? NULL lists hold nothing. */
bool str_word_in(const char *list, const char *word);

/* Each word of a space-separated list: while ((w = str_word(mem, &list))) ... */
const char *str_word(struct arena *mem, const char **list);

bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* Is it well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, no NUL)? */
bool str_is_utf8(const char *s, size_t n);

/* Only digits, 1 to 18 of them: safe as a bigint key. */
bool str_is_id(const char *s);

#endif
