/*
 * filter.c - `state=in.(draft,open)&or=(total.gte.100,customer.name.ilike.*acme*)` as SQL.
 *
 * A value is checked here for the form of its column's type, so that a wrong one is named by
 * its parameter; PostgreSQL names none. It still goes to SQL as a typed parameter only.
 */
#include "core/entity/filter.h"

#include <ctype.h>
#include <string.h>

enum { FILTER_DEPTH = 8, IN_MAX = 1000 };

struct filter {
    struct query *q;
    struct str *s;
    const char *parameter;
    int depth;
};

/* ------------------------------------------------------------------ values */

/* Does the value look like the pattern? 9 stands for a digit, all else for itself. */
static bool
looks_like(const char *value, const char *pattern)
{
    for (; *pattern; pattern++, value++)
        if (*pattern == '9' ? !isdigit((unsigned char)*value) : *value != *pattern)
            return false;
    return true;
}

static int
digits(const char *s, int n)
{
    int value = 0;

    while (n--)
        value = value * 10 + (*s++ - '0');
    return value;
}

static bool
is_date(const char *v)
{
    static const int days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

    if (!looks_like(v, "9999-99-99"))
        return false;
    int year = digits(v, 4), month = digits(v + 5, 2), day = digits(v + 8, 2);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] &&
           (month != 2 || day < 29 || leap);
}

/* RFC 3339, seconds and offset optional. */
static bool
is_time(const char *v)
{
    if (!is_date(v))
        return false;
    v += 10;
    if (!*v)
        return true;
    if ((*v != 'T' && *v != ' ') || !looks_like(v + 1, "99:99") || digits(v + 1, 2) > 23 ||
        digits(v + 4, 2) > 59)
        return false;
    v += 6;
    if (*v == ':') {
        if (!looks_like(v, ":99") || digits(v + 1, 2) > 59)
            return false;
        v += 3;
        if (*v == '.')
            v += 1 + strspn(v + 1, "0123456789");
    }
    if (!*v || !strcmp(v, "Z"))
        return true;
    if ((*v != '+' && *v != '-') || !looks_like(v + 1, "99") || digits(v + 1, 2) > 14)
        return false;
    return !v[3] || (looks_like(v + 3, ":99") && !v[6]);
}

static bool
is_number(const char *v)
{
    v += *v == '-';
    size_t whole = strspn(v, "0123456789");

    v += whole;
    if (*v == '.') {
        size_t part = strspn(v + 1, "0123456789");

        if (!part)
            return false;
        v += part + 1;
    }
    return whole > 0 && whole < 30 && !*v;
}

static bool
is_integer(const char *v, const char *type)
{
    v += *v == '-';
    size_t most = !strcmp(type, "bigint") ? 18 : !strcmp(type, "integer") ? 9 : 4;
    size_t n = strspn(v, "0123456789");

    return n >= 1 && n <= most && !v[n];
}

bool
value_fits(const char *value, const char *type)
{
    switch (type_kind(type)) {
    case KIND_NUMBER:
        return is_number(value);
    case KIND_INTEGER:
        return is_integer(value, type);
    case KIND_BOOLEAN:
        return !strcmp(value, "true") || !strcmp(value, "false");
    case KIND_DATE:
        return is_date(value) && !value[10];
    case KIND_TIME:
        return is_time(value);
    case KIND_ARRAY:
    case KIND_JSON:
        return false;
    case KIND_TEXT:
        break;
    }
    return true;
}

static const char *
value_param(struct filter *f, const struct place *p, const char *value)
{
    if (!value_fits(value, p->column->type)) {
        fail(f->q->rq, "malformed", f->parameter, "%s is not a value for %s", value,
             p->column->name);
        return NULL;
    }
    return query_param(f->q, value, p->column->type);
}

/* A pattern: * stands for anything, all else for itself. */
static const char *
like_pattern(struct rq *rq, const char *value)
{
    struct str s = str_new(rq->mem);

    for (; *value; value++) {
        if (strchr("%_\\", *value))
            str_char(&s, '\\');
        str_char(&s, *value == '*' ? '%' : *value);
    }
    return s.text;
}

/* ------------------------------------------------------------------ operators */

static bool
compare(struct filter *f, const struct place *p, const char *operator, const char * value)
{
    const char *param = value_param(f, p, value);

    if (param)
        str_printf(f->s, "%s %s %s", p->sql, operator, param);
    return param != NULL;
}

static bool
compare_like(struct filter *f, const struct place *p, const char *operator, const char * value)
{
    if (type_kind(p->column->type) != KIND_TEXT)
        return fail(f->q->rq, "malformed", f->parameter, "%s is not a text", p->column->name);
    str_printf(f->s, "%s %s %s", p->sql, operator,
               query_param(f->q, like_pattern(f->q->rq, value), "text"));
    return true;
}

static bool
compare_is(struct filter *f, const struct place *p, const char *operator, const char * value)
{
    static const char *const words[][2] = { { "null", "IS NULL" },
                                            { "not_null", "IS NOT NULL" },
                                            { "true", "IS TRUE" },
                                            { "false", "IS FALSE" } };

    (void)operator;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(value, words[i][0]) != 0)
            continue;
        if (i > 1 && type_kind(p->column->type) != KIND_BOOLEAN)
            break;
        str_printf(f->s, "%s %s", p->sql, words[i][1]);
        return true;
    }
    return fail(f->q->rq, "malformed", f->parameter, "%s is not a value for %s", value,
                p->column->name);
}

/*
 * The next element of a list inside parentheses, up to a comma or the closing one on this
 * level; quotes taken off when they surround it. The list must not be at its end.
 */
static const char *
element(struct rq *rq, const char **text, bool unquote)
{
    struct str s = str_new(rq->mem);
    bool quoted = false;
    int depth = 0;

    for (; **text; ++*text) {
        char c = **text;

        if (c == '"' && unquote) {
            quoted = !quoted;
            continue;
        }
        if (c == '"')
            quoted = !quoted;
        if (c == '\\' && (*text)[1]) {
            if (!unquote)
                str_char(&s, c);
            str_char(&s, *++*text);
            continue;
        }
        if (!quoted && c == ',' && !depth)
            break;
        depth += quoted ? 0 : (c == '(') - (c == ')');
        str_char(&s, c);
    }
    if (**text == ',')
        ++*text;
    return s.text;
}

/* The text between a pair of parentheses around the whole value; NULL when there is none. */
static const char *
inside(struct rq *rq, const char *value)
{
    size_t n = strlen(value);

    if (n < 3 || value[0] != '(' || value[n - 1] != ')')
        return NULL;
    return arena_strndup(rq->mem, value + 1, n - 2);
}

/* One array parameter, whatever the number of values: one statement to prepare. */
static bool
compare_in(struct filter *f, const struct place *p, const char *operator, const char * value)
{
    struct rq *rq = f->q->rq;
    const char *list = inside(rq, value), *one;
    struct str array = str_new(rq->mem);
    int n = 0;

    (void)operator;
    if (!list)
        return fail(rq, "malformed", f->parameter, "A list of values stands in parentheses");
    str_char(&array, '{');
    while (*list) {
        one = element(rq, &list, true);
        if (++n > IN_MAX)
            return fail(rq, "malformed", f->parameter, "There are too many values");
        if (!value_fits(one, p->column->type))
            return fail(rq, "malformed", f->parameter, "%s is not a value for %s", one,
                        p->column->name);
        str_add(&array, n > 1 ? ",\"" : "\"");
        for (; *one; one++) {
            if (*one == '"' || *one == '\\')
                str_char(&array, '\\');
            str_char(&array, *one);
        }
        str_char(&array, '"');
    }
    str_char(&array, '}');
    str_printf(
        f->s, "%s = ANY (%s)", p->sql,
        query_param(f->q, array.text, arena_printf(rq->mem, "%s[]", type_base(p->column->type))));
    return true;
}

static const struct {
    const char *name, *sql;
    bool (*compare)(struct filter *f, const struct place *p, const char *operator,
                    const char * value);
} operators[] = {
    { "eq", "=", compare },           { "neq", "IS DISTINCT FROM", compare },
    { "gt", ">", compare },           { "gte", ">=", compare },
    { "lt", "<", compare },           { "lte", "<=", compare },
    { "like", "LIKE", compare_like }, { "ilike", "ILIKE", compare_like },
    { "in", NULL, compare_in },       { "is", NULL, compare_is },
};

/* op.value of one field. */
static bool
condition(struct filter *f, const char *path, const char *value)
{
    struct place place;
    bool negated = str_starts(value, "not.");

    if (negated)
        value += 4;
    size_t n = strcspn(value, ".");

    for (size_t i = 0; value[n] && i < sizeof operators / sizeof *operators; i++) {
        if (strlen(operators[i].name) != n || strncmp(operators[i].name, value, n) != 0)
            continue;
        if (!query_path(f->q, path, f->parameter, &place))
            return false;
        str_add(f->s, negated ? "((" : "(");
        if (!operators[i].compare(f, &place, operators[i].sql, value + n + 1))
            return false;
        str_add(f->s, negated ? ") IS NOT TRUE)" : ")");
        return true;
    }
    return fail(f->q->rq, "malformed", f->parameter, "There is no operator %.*s", (int)n, value);
}

/* ------------------------------------------------------------------ or, and */

bool
filter_is_operator(const char *word, size_t n)
{
    if (n == 3 && !strncmp(word, "not", n))
        return true;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (strlen(operators[i].name) == n && !strncmp(operators[i].name, word, n))
            return true;
    return false;
}

static bool group(struct filter *f, const char *list, const char *joint);

/* "customer.name.ilike.*a*": the path ends before the first word that is an operator. */
static bool
member(struct filter *f, const char *text)
{
    struct rq *rq = f->q->rq;

    if (str_starts(text, "or("))
        return group(f, text + 2, " OR ");
    if (str_starts(text, "and("))
        return group(f, text + 3, " AND ");
    for (const char *dot = strchr(text, '.'); dot; dot = strchr(dot + 1, '.')) {
        size_t n = strcspn(dot + 1, ".");

        if (!filter_is_operator(dot + 1, n))
            continue;
        const char *path = arena_strndup(rq->mem, text, (size_t)(dot - text));
        const char *value = dot + 1;

        /* quotes around the value protect commas; those of in.(...) are its own */
        if (!str_starts(value, "in.(") && !str_starts(value, "not.in.("))
            value = element(rq, &value, true);
        return condition(f, path, value);
    }
    return fail(rq, "malformed", f->parameter, "%s is not a condition", text);
}

static bool
group(struct filter *f, const char *list, const char *joint)
{
    struct rq *rq = f->q->rq;
    const char *text = inside(rq, list), *one;
    bool first = true;

    if (!text || ++f->depth > FILTER_DEPTH)
        return fail(rq, "malformed", f->parameter, "Conditions stand in parentheses");
    str_char(f->s, '(');
    while (*text) {
        one = element(rq, &text, false);
        str_add(f->s, first ? "" : joint);
        first = false;
        if (!member(f, one))
            return false;
    }
    str_char(f->s, ')');
    f->depth--;
    return true;
}

bool
filter_add(struct query *q, struct str *where, const char *name, const char *value)
{
    struct filter f = { .q = q, .s = where, .parameter = name };

    str_add(where, " AND ");
    if (!strcmp(name, "or"))
        return group(&f, value, " OR ");
    if (!strcmp(name, "and"))
        return group(&f, value, " AND ");
    return condition(&f, name, value);
}

/* ------------------------------------------------------------------ search */

/*
 * Ids from the record's own terms and from those of the references that the entity names.
 * Each branch goes through its own index, which an OR would not; search_ids() is needed for
 * row-level security's sake (sql/functions.sql).
 */
bool
filter_search(struct query *q, struct str *where, const char *words)
{
    struct rq *rq = q->rq;
    const char *list = q->entity->search, *reference;
    const char *grams =
        arena_printf(rq->mem, "search_grams(%s, true)", query_param(q, words, "text"));
    bool any = q->table->has_search;

    str_add(where, " AND t.id IN (");
    if (any) {
        str_add(where, "SELECT search_ids(");
        str_literal(where, q->table->name);
        str_printf(where, ", %s)", grams);
    }
    while ((reference = str_word(rq->mem, &list))) {
        const struct column *c = table_column(q->table, reference);

        if (!c || !c->refers_to)
            continue;
        str_add(where, any ? " UNION ALL SELECT o.id FROM " : "SELECT o.id FROM ");
        any = true;
        str_ident(where, q->table->name);
        str_add(where,
                q->table->has_company
                    ? " o WHERE o.company_id = current_setting('tenon.company')::bigint AND o."
                    : " o WHERE o.");
        str_ident(where, c->name);
        str_add(where, " IN (SELECT search_ids(");
        str_literal(where, c->refers_to);
        str_printf(where, ", %s))", grams);
    }
    str_char(where, ')');
    return any || fail(rq, "malformed", "q", "These records cannot be searched by words");
}
