/*
 * Reports: a header that says what goes in and what comes out, and one query. Values stay
 * text from the request to PostgreSQL and back.
 */
#include "reports/report.h"
#include "core/base/str.h"
#include "core/db/migrate.h"

#include <string.h>

enum { MOST_FIELDS = 32 };

/* A parameter or a column. */
struct field {
    const char *name, *type, *label;
    bool required;
};

struct report {
    const char *name, *title, *sql;
    struct field parameters[MOST_FIELDS], columns[MOST_FIELDS];
    int nparameters, ncolumns;
};

/* "from date required "From"": the words of one header line. */
static struct field
field_read(struct rq *rq, const char *line)
{
    const char *quote = strchr(line, '"'), *end = quote ? strchr(quote + 1, '"') : NULL;
    const char *words = end ? arena_strndup(rq->mem, line, (size_t)(quote - line)) : line;
    struct field f = { .type = "text" };
    const char *word;

    f.name = str_word(rq->mem, &words);
    while ((word = str_word(rq->mem, &words))) {
        if (!strcmp(word, "required"))
            f.required = true;
        else
            f.type = word;
    }
    f.label = end ? arena_strndup(rq->mem, quote + 1, (size_t)(end - quote - 1)) : f.name;
    return f;
}

static void
line_read(struct rq *rq, struct report *r, const char *line)
{
    if (str_starts(line, "-- title: "))
        r->title = line + strlen("-- title: ");
    else if (str_starts(line, "-- parameter: ") && r->nparameters < MOST_FIELDS)
        r->parameters[r->nparameters++] = field_read(rq, line + strlen("-- parameter: "));
    else if (str_starts(line, "-- column: ") && r->ncolumns < MOST_FIELDS)
        r->columns[r->ncolumns++] = field_read(rq, line + strlen("-- column: "));
}

/* The report in one file of the program. */
static struct report *
report_read(struct rq *rq, const struct asset *file, const char *name)
{
    struct report *r = arena_alloc(rq->mem, sizeof *r);

    r->name = name;
    r->title = name;
    r->sql = file->text;
    for (const char *p = file->text, *end; str_starts(p, "-- "); p = end + 1) {
        end = strchr(p, '\n');
        if (!end)
            break;
        line_read(rq, r, arena_strndup(rq->mem, p, (size_t)(end - p)));
    }
    return r;
}

/* The report's name when the file is one: modules/x/reports/<name>.sql. */
static const char *
report_name(struct rq *rq, const char *path)
{
    const char *base = strrchr(path, '/');

    if (!str_starts(path, "modules/") || !strstr(path, "/reports/") || !str_ends(path, ".sql"))
        return NULL;
    return arena_strndup(rq->mem, base + 1, strlen(base + 1) - strlen(".sql"));
}

static struct report *
report_find(struct rq *rq, const char *wanted)
{
    for (const struct asset *a = assets; a->path; a++) {
        const char *name = report_name(rq, a->path);

        if (name && !strcmp(name, wanted))
            return report_read(rq, a, name);
    }
    return NULL;
}

/* ------------------------------------------------------------------ parameters */

static bool
is_parameter(const struct report *r, const char *name)
{
    for (int i = 0; i < r->nparameters; i++)
        if (!strcmp(r->parameters[i].name, name) && strcmp(name, "language"))
            return true;
    return false;
}

static const char *
value_of(const struct parameter *query, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (!strcmp(query[i].name, name) && *query[i].value)
            return query[i].value;
    return NULL;
}

/* A day as YYYY-MM-DD; whether February has it, PostgreSQL says. */
static bool
is_date(const char *s)
{
    return strlen(s) == 10 && strspn(s, "0123456789") == 4 && s[4] == '-' &&
           strspn(s + 5, "0123456789") == 2 && s[7] == '-' && strspn(s + 8, "0123456789") == 2;
}

/* values[i] for parameter i; NULL where none is given. All that is wrong is added. */
static bool
values_read(struct rq *rq, const struct report *r, const struct parameter *query, int n,
            const char **values)
{
    for (int i = 0; i < n; i++)
        if (strcmp(query[i].name, "format") && !is_parameter(r, query[i].name))
            fail(rq, "malformed", query[i].name, "This report has no parameter %s", query[i].name);
    for (int i = 0; i < r->nparameters; i++) {
        const struct field *f = &r->parameters[i];

        values[i] = value_of(query, n, f->name);
        if (!strcmp(f->name, "language"))
            values[i] = rq->language;
        else if (f->required && !values[i])
            fail(rq, "required", f->name, "This must be given");
        else if (values[i] && !strcmp(f->type, "date") && !is_date(values[i]))
            fail(rq, "invalid", f->name, "This is not a date or time");
    }
    return !rq->errors;
}

/* ------------------------------------------------------------------ answers */

static void
fields_json(struct rq *rq, struct str *s, const struct field *fields, int n)
{
    const char *comma = "";

    str_char(s, '[');
    for (int i = 0; i < n; i++) {
        if (!strcmp(fields[i].name, "language"))
            continue;
        str_printf(s, "%s{\"name\": ", comma);
        str_json(s, fields[i].name);
        str_add(s, ", \"type\": ");
        str_json(s, fields[i].type);
        str_add(s, ", \"label\": ");
        str_json(s, tr(rq, fields[i].label));
        str_printf(s, ", \"required\": %s}", fields[i].required ? "true" : "false");
        comma = ", ";
    }
    str_char(s, ']');
}

/* Numbers that JSON can hold exactly go bare; all else is a string. */
static void
cell_json(struct str *s, const char *type, const char *text)
{
    if (text && (!strcmp(type, "id") || !strcmp(type, "integer")))
        str_add(s, text);
    else if (text && !strcmp(type, "boolean"))
        str_add(s, *text == 't' ? "true" : "false");
    else
        str_json(s, text);
}

static void
head_json(struct rq *rq, struct str *s, const struct report *r)
{
    str_add(s, "{\"name\": ");
    str_json(s, r->name);
    str_add(s, ", \"title\": ");
    str_json(s, tr(rq, r->title));
    str_add(s, ", \"parameters\": ");
    fields_json(rq, s, r->parameters, r->nparameters);
    str_add(s, ", \"columns\": ");
    fields_json(rq, s, r->columns, r->ncolumns);
}

static bool
answer_json(struct rq *rq, const struct report *r, const struct rows *rows)
{
    struct str s = str_new(rq->mem);

    head_json(rq, &s, r);
    str_add(&s, ", \"rows\": [");
    for (int row = 0; row < rows->count; row++) {
        str_add(&s, row ? ",\n{" : "\n{");
        for (int i = 0; i < r->ncolumns; i++) {
            str_add(&s, i ? ", " : "");
            str_json(&s, r->columns[i].name);
            str_add(&s, ": ");
            cell_json(&s, r->columns[i].type, cell(rows, row, i));
        }
        str_char(&s, '}');
    }
    str_add(&s, "]}");
    rq->reply = s.text;
    return true;
}

/* Would a spreadsheet run it? Numbers may begin with a minus. */
static bool
is_formula(const struct field *column, const char *text)
{
    return !strcmp(column->type, "text") && *text && strchr("=+-@\t\r", *text);
}

static void
cell_csv(struct str *s, const struct field *column, const char *text)
{
    text = text ? text : "";
    if (!strpbrk(text, "\",\r\n") && !is_formula(column, text)) {
        str_add(s, text);
        return;
    }
    str_add(s, is_formula(column, text) ? "\"'" : "\"");
    for (; *text; text++) {
        if (*text == '"')
            str_char(s, '"');
        str_char(s, *text);
    }
    str_char(s, '"');
}

/* RFC 4180, in UTF-8 with a mark for spreadsheets. */
static bool
answer_csv(struct rq *rq, const struct report *r, const struct rows *rows)
{
    static const struct field heading = { .type = "text" };
    struct str s = str_new(rq->mem);

    str_add(&s, "\xef\xbb\xbf");
    for (int row = -1; row < rows->count; row++) {
        for (int i = 0; i < r->ncolumns; i++) {
            str_add(&s, i ? "," : "");
            if (row < 0)
                cell_csv(&s, &heading, tr(rq, r->columns[i].label));
            else
                cell_csv(&s, &r->columns[i], cell(rows, row, i));
        }
        str_add(&s, "\r\n");
    }
    rq->reply = s.text;
    rq->reply_size = s.len;
    rq->reply_type = "text/csv; charset=utf-8";
    rq->file_name = arena_printf(rq->mem, "%s.csv", r->name);
    return true;
}

static const char permitted[] = "SELECT require_permission('report.' || $1)";

bool
api_report(struct rq *rq, const char *name, const struct parameter *query, int n)
{
    const struct report *r = report_find(rq, name);
    const char *format = value_of(query, n, "format");
    const char *values[MOST_FIELDS];
    struct rows rows;

    if (!r)
        return fail(rq, "not_found", NULL, "There is no such report");
    if (format && strcmp(format, "json") && strcmp(format, "csv"))
        return fail(rq, "malformed", "format", "A report can be had as json or csv");
    if (!values_read(rq, r, query, n, values))
        return false;
    db_exec(rq, permitted, P(name));
    db_plan_by_values(rq);
    if (!db_rows(rq, r->sql, r->nparameters, values, &rows))
        return false;
    if (rows.columns != r->ncolumns)
        return fail(rq, "internal", NULL, "Report %s does not name its columns", name);
    return format && !strcmp(format, "csv") ? answer_csv(rq, r, &rows) : answer_json(rq, r, &rows);
}

bool
api_reports(struct rq *rq)
{
    struct str s = str_new(rq->mem);
    const char *comma = "";

    str_char(&s, '[');
    for (const struct asset *a = assets; a->path; a++) {
        const char *name = report_name(rq, a->path), *allowed;

        if (!name)
            continue;
        if (!db_one(rq, "SELECT has_permission(app_user_id(), 'report', $1)", P(name),
                    OUT(&allowed)))
            return false;
        if (*allowed != 't')
            continue;
        str_add(&s, comma);
        head_json(rq, &s, report_read(rq, a, name));
        str_char(&s, '}');
        comma = ",\n";
    }
    str_char(&s, ']');
    rq->reply = s.text;
    return true;
}
