/*
 * export.c - pages of a list into CSV or XLSX. A page at a time in memory as JSON; the file
 * itself is kept whole, since its size has a limit.
 */
#include "core/entity/export.h"
#include "core/base/str.h"

#include <string.h>
#include <unistd.h>
#include <xlsxwriter.h>

/* A file being written: CSV text, or a workbook in a temporary file. */
struct sink {
    struct rq *rq;
    struct str csv;
    lxw_workbook *book;
    lxw_worksheet *sheet;
    int rows;
};

/* A decimal number that a binary double holds without a change of its digits. */
static bool
is_number(const char *text)
{
    const char *p = text + (*text == '-');
    size_t whole = strspn(p, "0123456789"), decimals = 0;

    if (p[whole] == '.')
        decimals = strspn(p + whole + 1, "0123456789");
    size_t length = whole + (decimals ? decimals + 1 : 0);

    return whole && !p[length] && whole + decimals <= 15 && (whole == 1 || *p != '0');
}

/* Would a spreadsheet run it? (OWASP, CSV injection.) */
static bool
is_formula(const char *text)
{
    return *text && strchr("=+-@\t\r", *text) && !is_number(text);
}

static void
csv_cell(struct str *s, const char *text)
{
    if (!strpbrk(text, "\",\n\r") && !is_formula(text)) {
        str_add(s, text);
        return;
    }
    str_add(s, is_formula(text) ? "\"'" : "\"");
    for (; *text; text++) {
        if (*text == '"')
            str_char(s, '"');
        str_char(s, *text);
    }
    str_char(s, '"');
}

/* Worksheets keep numbers as binary doubles, whoever writes them: 15 digits survive. */
static void
xlsx_cell(struct sink *to, int column, const char *text)
{
    lxw_row_t row = (lxw_row_t)to->rows;
    double number;

    if (is_number(text) && sscanf(text, "%lf", &number) == 1)
        worksheet_write_number(to->sheet, row, (lxw_col_t)column, number, NULL);
    else
        worksheet_write_string(to->sheet, row, (lxw_col_t)column, text, NULL);
}

static void
put(struct sink *to, int column, const char *text)
{
    if (to->book) {
        xlsx_cell(to, column, text);
        return;
    }
    if (column)
        str_char(&to->csv, ',');
    csv_cell(&to->csv, text);
}

static void
end_row(struct sink *to)
{
    if (!to->book)
        str_add(&to->csv, "\r\n");
    to->rows++;
}

/* References come twice, as customer_id and customer: {id, name}; the name is for people. */
static bool
is_shown(const cJSON *row, const cJSON *value)
{
    size_t n = strlen(value->string);
    char name[128];

    if (n <= 3 || n - 3 >= sizeof name || strcmp(value->string + n - 3, "_id"))
        return true;
    memcpy(name, value->string, n - 3);
    name[n - 3] = '\0';
    return !cJSON_HasObjectItem(row, name);
}

static const char *
text_of(struct rq *rq, const cJSON *value)
{
    if (!value || cJSON_IsNull(value))
        return "";
    if (cJSON_IsObject(value))
        return text_of(rq, value->child ? value->child->next : NULL);
    if (cJSON_IsString(value))
        return value->valuestring;
    if (cJSON_IsBool(value))
        return cJSON_IsTrue(value) ? "true" : "false";
    char *text = cJSON_PrintUnformatted(value);
    const char *copy = arena_strdup(rq->mem, text);

    cJSON_free(text);
    return copy;
}

static const char *
heading_of(struct rq *rq, const struct table *t, const char *name)
{
    const struct column *c = table_column(t, name);

    if (!c)
        c = table_column(t, arena_printf(rq->mem, "%s_id", name));
    return c ? tr(rq, c->label) : name;
}

static void
put_row(struct sink *to, const struct table *t, const cJSON *row, bool heading)
{
    const cJSON *value;
    int column = 0;

    cJSON_ArrayForEach(value, row)
    {
        if (is_shown(row, value))
            put(to, column++,
                heading ? heading_of(to->rq, t, value->string) : text_of(to->rq, value));
    }
    end_row(to);
}

/* One page through the list; the cursor of the next, or NULL. */
static bool
put_page(struct sink *to, const struct entity *e, const struct parameter *query, int n,
         const char **next)
{
    struct rq *rq = to->rq;
    const struct table *t = catalog_table(catalog_get(rq, NULL), e->name);
    void *opened = rq->opened;

    rq->opened = NULL; /* the answer of this list is wanted now, not at the end */
    bool listed = api_list(rq, e, query, n);

    rq->opened = opened;
    if (!listed)
        return false;
    cJSON *page = cJSON_Parse(rq->reply);
    const cJSON *row;

    *next = arena_strdup(rq->mem, cJSON_GetStringValue(cJSON_GetObjectItem(page, "next")));
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(page, "rows"))
    {
        if (!to->rows)
            put_row(to, t, row, true);
        put_row(to, t, row, false);
    }
    cJSON_Delete(page);
    return to->rows <= EXPORT_MOST_ROWS ||
           fail(rq, "too_large", NULL, "An export has at most %d rows: filter the list",
                EXPORT_MOST_ROWS);
}

static bool
put_pages(struct sink *to, const struct entity *e, const struct parameter *query, int n)
{
    struct parameter *page = arena_alloc(to->rq->mem, (size_t)(n + 2) * sizeof *page);
    const char *next = NULL;
    int k = 0;

    for (int i = 0; i < n; i++)
        if (!str_word_in("format limit after at count", query[i].name))
            page[k++] = query[i];
    page[k++] = (struct parameter){ "limit", "1000" };
    do {
        page[k] = (struct parameter){ "after", next };
        if (!put_page(to, e, page, next ? k + 1 : k, &next))
            return false;
    } while (next);
    return true;
}

static bool
read_back(struct rq *rq, const char *path)
{
    FILE *f = fopen(path, "rb");
    long size = f && !fseek(f, 0, SEEK_END) ? ftell(f) : -1;
    char *data = arena_alloc(rq->mem, size > 0 ? (size_t)size + 1 : 1);

    if (f)
        rewind(f);
    if (size > 0 && fread(data, 1, (size_t)size, f) == (size_t)size) {
        rq->reply = data;
        rq->reply_size = (size_t)size;
    }
    if (f)
        fclose(f);
    return rq->reply_size > 0;
}

static bool
export_xlsx(struct rq *rq, const struct entity *e, const struct parameter *query, int n)
{
    char path[] = "/tmp/tenon-export-XXXXXX";
    int fd = mkstemp(path);
    lxw_workbook_options options = { .constant_memory = LXW_TRUE };
    struct sink to = { .rq = rq };

    if (fd < 0)
        return fail(rq, "disk_full", NULL, "There is no room for a temporary file");
    close(fd);
    to.book = workbook_new_opt(path, &options);
    to.sheet = to.book ? workbook_add_worksheet(to.book, NULL) : NULL;
    bool good = to.sheet && put_pages(&to, e, query, n);

    rq->reply = NULL;
    good = to.book && workbook_close(to.book) == LXW_NO_ERROR && good && read_back(rq, path);
    unlink(path);
    rq->reply_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    return good || rq->errors ? good : fail(rq, "internal", NULL, "The workbook cannot be written");
}

static bool
export_csv(struct rq *rq, const struct entity *e, const struct parameter *query, int n)
{
    struct sink to = { .rq = rq, .csv = str_new(rq->mem) };

    str_add(&to.csv, "\xef\xbb\xbf");
    if (!put_pages(&to, e, query, n))
        return false;
    rq->reply = to.csv.text;
    rq->reply_size = to.csv.len;
    rq->reply_type = "text/csv; charset=utf-8";
    return true;
}

bool
api_export(struct rq *rq, const struct entity *e, const struct parameter *query, int n,
           const char *format)
{
    rq->file_name = arena_printf(rq->mem, "%s.%s", e->name, format);
    if (!strcmp(format, "csv"))
        return export_csv(rq, e, query, n);
    if (!strcmp(format, "xlsx"))
        return export_xlsx(rq, e, query, n);
    return fail(rq, "malformed", "format", "A list can be had as json, csv or xlsx");
}
