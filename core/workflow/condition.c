/*
 * condition.c - reads a condition word by word and writes the Lua that runs.
 */
#include "core/workflow/condition.h"

#include "core/base/str.h"

#include <string.h>

enum { MAX_SLOTS = 64, MAX_TEXT = 4000, MAX_DEPTH = 50 };

enum token { START, NUMBER, TEXT, VALUE, FUNCTION, OPERATOR, COMMA, OPEN, CLOSE };

struct reader {
    struct arena *mem;
    const char *text, *at, *word; /* the whole, where we are, where the present word began */
    const char *alias;            /* "order" */
    struct str lua;
    const char *paths[MAX_SLOTS];
    struct decimal numbers[MAX_SLOTS];
    int npaths, nnumbers, depth;
    enum token last;
    struct condition_error *error;
};

static bool
refuse(struct reader *r, const char *message)
{
    int at = 1;

    for (const char *p = r->text; p < r->word; p++)
        at += ((unsigned char)*p & 0xc0) != 0x80;
    size_t n = (size_t)(r->at - r->word);

    r->error->at = at;
    r->error->message = message;
    r->error->near = arena_strndup(r->mem, r->word, n ? n : 12);
    return false;
}

static bool
is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Does a value, a number or a text end here, so that no other may follow? */
static bool
value_ended(const struct reader *r)
{
    return r->last == NUMBER || r->last == TEXT || r->last == VALUE || r->last == CLOSE;
}

static bool
emit(struct reader *r, enum token kind)
{
    str_char(&r->lua, ' ');
    str_add_n(&r->lua, r->word, (size_t)(r->at - r->word));
    r->last = kind;
    return true;
}

static bool
read_number(struct reader *r)
{
    struct decimal d;

    while (is_name_char(*r->at) || *r->at == '.' ||
           ((*r->at == '-' || *r->at == '+') && (r->at[-1] == 'e' || r->at[-1] == 'E')))
        r->at++;
    if (value_ended(r))
        return refuse(r, "An operator is missing here");
    if (!decimal_parse(r->word, (size_t)(r->at - r->word), &d))
        return refuse(r, "This is not a number");
    if (r->nnumbers == MAX_SLOTS)
        return refuse(r, "The condition has too many numbers");
    r->numbers[r->nnumbers++] = d;
    str_printf(&r->lua, " n[%d]", r->nnumbers);
    r->last = NUMBER;
    return true;
}

static bool
read_text(struct reader *r)
{
    char quote = *r->at++;

    while (*r->at && *r->at != quote && *r->at != '\n') {
        if (*r->at == '\\' && r->at[1])
            r->at++;
        r->at++;
    }
    if (*r->at++ != quote) {
        r->at--;
        return refuse(r, "This text has no end");
    }
    if (value_ended(r) || r->last == FUNCTION)
        return refuse(r, "An operator is missing here");
    return emit(r, TEXT);
}

/* The slot of a path, from 1; 0 when there is no room. */
static int
slot(struct reader *r, const char *path)
{
    for (int i = 0; i < r->npaths; i++)
        if (!strcmp(r->paths[i], path))
            return i + 1;
    if (r->npaths == MAX_SLOTS)
        return 0;
    r->paths[r->npaths++] = path;
    return r->npaths;
}

static bool
emit_slot(struct reader *r, const char *path)
{
    int i = slot(r, path);

    if (value_ended(r))
        return refuse(r, "An operator is missing here");
    if (!i)
        return refuse(r, "The condition has too many fields");
    str_printf(&r->lua, " v[%d]", i);
    r->last = VALUE;
    return true;
}

/* ".customer.grade" after the record's name. */
static bool
read_path(struct reader *r, const char *prefix)
{
    const char *start = r->at + 1;

    while (*r->at == '.' && r->at[1] != '.') {
        const char *part = ++r->at;

        while (is_name_char(*r->at))
            r->at++;
        if (r->at == part)
            return refuse(r, "The name of a field is missing after the point");
    }
    if (r->at < start)
        return refuse(r, "Name a field of the record, such as order.total");
    return emit_slot(r, arena_printf(r->mem, "%s%.*s", prefix, (int)(r->at - start), start));
}

static bool
read_name(struct reader *r)
{
    while (is_name_char(*r->at))
        r->at++;
    const char *name = arena_strndup(r->mem, r->word, (size_t)(r->at - r->word));

    if (str_word_in("and or", name))
        return value_ended(r) ? emit(r, OPERATOR) : refuse(r, "A value is missing before this");
    if (!strcmp(name, "not"))
        return value_ended(r) ? refuse(r, "An operator is missing here") : emit(r, OPERATOR);
    if (str_word_in("nil true false", name))
        return value_ended(r) ? refuse(r, "An operator is missing here") : emit(r, VALUE);
    if (!strcmp(name, "record") || !strcmp(name, r->alias))
        return read_path(r, "");
    if (!strcmp(name, "user"))
        return read_path(r, "@user.");
    if (!str_word_in(sandbox_functions, name))
        return refuse(r, "Unknown name");
    if (value_ended(r))
        return refuse(r, "An operator is missing here");
    if (!strcmp(name, "today")) {
        if (strncmp(r->at, "()", 2) != 0)
            return refuse(r, "Write today()");
        r->at += 2;
        return emit_slot(r, "@today");
    }
    return *r->at == '(' ? emit(r, FUNCTION)
                         : refuse(r, "A bracket is missing after this function");
}

static bool
read_sign(struct reader *r)
{
    static const char *const two[] = { "==", "~=", "<=", ">=", ".." };

    for (size_t i = 0; i < sizeof two / sizeof *two; i++)
        if (!strncmp(r->at, two[i], 2)) {
            r->at += 2;
            return value_ended(r) ? emit(r, OPERATOR) : refuse(r, "A value is missing before this");
        }
    char c = *r->at++;

    if (c == '(') {
        if (value_ended(r))
            return refuse(r, "An operator is missing here");
        return ++r->depth > MAX_DEPTH ? refuse(r, "Too many brackets") : emit(r, OPEN);
    }
    if (c == ')') {
        bool empty_call = r->last == OPEN; /* len(): the function itself says what it needs */

        if (--r->depth < 0)
            return refuse(r, "This bracket was never opened");
        return value_ended(r) || empty_call ? emit(r, CLOSE)
                                            : refuse(r, "A value is missing before this");
    }
    if (c == '-' && r->last != FUNCTION)
        return r->at[0] == '-' ? refuse(r, "A condition has no comments") : emit(r, OPERATOR);
    if (!strchr("+*/<>,", c))
        return refuse(r, "A condition is one expression; this has no place in it");
    return value_ended(r) ? emit(r, c == ',' ? COMMA : OPERATOR)
                          : refuse(r, "A value is missing before this");
}

static bool
read_word(struct reader *r)
{
    char c = *r->at;

    r->word = r->at;
    if ((c >= '0' && c <= '9') || (c == '.' && r->at[1] >= '0' && r->at[1] <= '9'))
        return read_number(r);
    if (c == '"' || c == '\'')
        return read_text(r);
    return is_name_char(c) ? read_name(r) : read_sign(r);
}

static const char *
skip_space(const char *s)
{
    return s + strspn(s, " \t\r\n");
}

static bool
read_all(struct reader *r)
{
    if (strlen(r->text) > MAX_TEXT)
        return refuse(r, "The condition is too long");
    for (r->at = skip_space(r->at); *r->at; r->at = skip_space(r->at))
        if (!read_word(r))
            return false;
    r->word = r->at;
    if (!value_ended(r))
        return refuse(r, "Something is missing at the end");
    return !r->depth || refuse(r, "A bracket is not closed");
}

bool
condition_parse(struct arena *mem, const char *text, const char *entity, struct condition *out,
                struct condition_error *error)
{
    const char *word = strrchr(entity, '_');
    struct reader *r = arena_alloc(mem, sizeof *r);

    *r = (struct reader){ .mem = mem, .text = text, .at = text, .word = text, .error = error };
    r->alias = word ? word + 1 : entity;
    r->lua = str_new(mem);
    str_add(&r->lua, "local v, n = ...\nreturn");
    if (!read_all(r))
        return false;
    out->text = text;
    out->paths = r->paths;
    out->npaths = r->npaths;
    out->chunk = (struct chunk){ chunk_serial(), r->lua.text, r->numbers, r->nnumbers };
    if (sandbox_check(mem, &out->chunk, &error->message))
        return true;
    error->at = 1;
    error->near = text;
    return false;
}

bool
condition_holds(struct arena *mem, const struct condition *c, const struct value *values,
                bool *holds, const char **error)
{
    return sandbox_holds(mem, &c->chunk, values, c->npaths, holds, error);
}
