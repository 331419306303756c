/*
 * sheet_xlsx.c - the first worksheet of a workbook (ECMA-376), by libzip and libxml2.
 *
 * The file is hostile until proved otherwise: every part has a limit of bytes and of
 * compression ratio, the XML reader may neither reach the network nor expand entities.
 * Dates are numbers of days; cells whose style has a date format become YYYY-MM-DD.
 */
#include "core/entity/sheet.h"
#include "core/base/str.h"

#include <libxml/xmlreader.h>
#include <zip.h>
#include <string.h>

struct workbook {
    struct rq *rq;
    zip_t *zip;
    size_t unpacked;
    const char **strings; /* the shared strings */
    int nstrings, strings_size;
    bool date_style[4096]; /* by index of cellXfs */
};

static void
discard(void *zip)
{
    zip_discard(zip);
}

/* One part of the package, unpacked; NULL when absent (no error) or too large (error). */
static const char *
part(struct workbook *w, const char *name, size_t *size)
{
    zip_stat_t stat;
    zip_file_t *file;

    if (zip_stat(w->zip, name, 0, &stat) || !(stat.valid & ZIP_STAT_SIZE))
        return NULL;
    if (stat.size > SHEET_MOST_BYTES - w->unpacked ||
        (stat.size > 1024 * 1024 && stat.comp_size * SHEET_MOST_RATIO < stat.size)) {
        fail(w->rq, "too_large", NULL, "The workbook is too large when unpacked");
        return NULL;
    }
    w->unpacked += stat.size;
    char *text = arena_alloc(w->rq->mem, stat.size + 1);

    if (!(file = zip_fopen(w->zip, name, 0)))
        return NULL;
    zip_int64_t got = zip_fread(file, text, stat.size);

    zip_fclose(file);
    if (got < 0 || (zip_uint64_t)got != stat.size) {
        fail(w->rq, "malformed", NULL, "The workbook is damaged");
        return NULL;
    }
    *size = stat.size;
    return text;
}

static xmlTextReaderPtr
reader_of(struct workbook *w, const char *name)
{
    size_t size = 0;
    const char *text = part(w, name, &size);

    return text && size < INT32_MAX
               ? xmlReaderForMemory(text, (int)size, NULL, NULL,
                                    XML_PARSE_NONET | XML_PARSE_NOWARNING | XML_PARSE_NOERROR)
               : NULL;
}

static bool
at(xmlTextReaderPtr r, int type, const char *name)
{
    return xmlTextReaderNodeType(r) == type &&
           !strcmp((const char *)xmlTextReaderConstLocalName(r), name);
}

/* A copy on the arena, since libxml2's own ends with the node. */
static const char *
attribute(struct workbook *w, xmlTextReaderPtr r, const char *name)
{
    xmlChar *value = xmlTextReaderGetAttribute(r, (const xmlChar *)name);
    const char *copy = arena_strdup(w->rq->mem, (const char *)value);

    xmlFree(value);
    return copy;
}

static void
add_text(struct str *s, xmlTextReaderPtr r)
{
    int type = xmlTextReaderNodeType(r);

    if (type == XML_READER_TYPE_TEXT || type == XML_READER_TYPE_SIGNIFICANT_WHITESPACE ||
        type == XML_READER_TYPE_CDATA)
        str_add(s, (const char *)xmlTextReaderConstValue(r));
}

static void
strings_add(struct workbook *w, const char *text)
{
    if (w->nstrings == w->strings_size) {
        int size = w->strings_size ? w->strings_size * 2 : 256;
        const char **more = arena_alloc(w->rq->mem, (size_t)size * sizeof *more);

        if (w->nstrings)
            memcpy(more, w->strings, (size_t)w->nstrings * sizeof *more);
        w->strings = more;
        w->strings_size = size;
    }
    w->strings[w->nstrings++] = text;
}

static void
read_strings(struct workbook *w)
{
    xmlTextReaderPtr r = reader_of(w, "xl/sharedStrings.xml");
    struct str s = str_new(w->rq->mem);
    bool phonetic = false;

    while (r && xmlTextReaderRead(r) == 1) {
        if (at(r, XML_READER_TYPE_ELEMENT, "rPh"))
            phonetic = true;
        else if (at(r, XML_READER_TYPE_END_ELEMENT, "rPh"))
            phonetic = false;
        else if (!phonetic)
            add_text(&s, r);
        if (at(r, XML_READER_TYPE_END_ELEMENT, "si") ||
            (at(r, XML_READER_TYPE_ELEMENT, "si") && xmlTextReaderIsEmptyElement(r))) {
            strings_add(w, s.text);
            s = str_new(w->rq->mem);
        }
    }
    xmlFreeTextReader(r);
}

/* Built-in formats 14-17 and 22 are dates (ECMA-376 part 1, 18.8.30); of the custom ones those
 * with a year or day in them. */
static void
read_styles(struct workbook *w)
{
    xmlTextReaderPtr r = reader_of(w, "xl/styles.xml");
    bool custom[1024] = { false }, in_cells = false;
    size_t n = 0;

    while (r && xmlTextReaderRead(r) == 1) {
        if (at(r, XML_READER_TYPE_ELEMENT, "numFmt")) {
            const char *id = attribute(w, r, "numFmtId"), *code = attribute(w, r, "formatCode");
            long k = id ? strtol(id, NULL, 10) : -1;

            if (k >= 0 && k < 1024 && code)
                custom[k] = strpbrk(code, "yYdD") && !strchr(code, '#');
        }
        if (at(r, XML_READER_TYPE_ELEMENT, "cellXfs") ||
            at(r, XML_READER_TYPE_END_ELEMENT, "cellXfs"))
            in_cells = xmlTextReaderNodeType(r) == XML_READER_TYPE_ELEMENT;
        if (in_cells && at(r, XML_READER_TYPE_ELEMENT, "xf") && n < 4096) {
            const char *id = attribute(w, r, "numFmtId");
            long k = id ? strtol(id, NULL, 10) : 0;

            w->date_style[n++] =
                (k >= 14 && k <= 17) || k == 22 || (k >= 0 && k < 1024 && custom[k]);
        }
    }
    xmlFreeTextReader(r);
}

/* Day 60 is the 29th of February 1900 that never was; from 61 on, 1899-12-30 is day 0. */
static const char *
date_text(struct workbook *w, const char *number)
{
    long days = strtol(number, NULL, 10);
    struct tm tm;

    if (days < 61 || days > 2958465)
        return number;
    time_t at_noon = (days - 25569) * 86400L + 43200;

    if (!gmtime_r(&at_noon, &tm))
        return number;
    return arena_printf(w->rq->mem, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

/*
 * Numbers are stored as text of binary doubles: 1299.99 may stand as 1299.9900000000002. What
 * the user typed has at most 15 significant digits (ECMA-376 stores no more precisely), so
 * longer ones are cut to 15, rounding half up on the text.
 */
static const char *
fifteen_digits(struct arena *mem, const char *number)
{
    char *text = arena_printf(mem, "0%s", number); /* room for a carry */
    size_t end = 0, significant = 0, length = strspn(number, "0123456789.");

    if (number[length] || !strchr(number, '.'))
        return number; /* an exponent, a sign, a whole number: as it stands */
    for (size_t i = 1; text[i]; i++) {
        if (text[i] != '.' && (significant || text[i] != '0'))
            significant++;
        if (significant == 15 && !end)
            end = i + 1;
    }
    if (significant <= 15 || text[end - 1] == '.' || !memchr(text, '.', end))
        return number;
    bool up = text[end] >= '5';

    text[end] = '\0';
    for (size_t i = end - 1; up; i--) {
        if (text[i] == '.')
            continue;
        up = text[i] == '9';
        text[i] = (char)(up ? '0' : text[i] + 1);
    }
    while (text[--end] == '0')
        text[end] = '\0';
    return *text == '0' ? text + 1 : text;
}

static const char *
cell_text(struct workbook *w, const char *type, const char *style, const char *value)
{
    if (type && !strcmp(type, "s")) {
        long k = strtol(value, NULL, 10);

        return k >= 0 && k < w->nstrings ? w->strings[k] : "";
    }
    if (type && !strcmp(type, "b"))
        return !strcmp(value, "1") ? "true" : "false";
    long k = style ? strtol(style, NULL, 10) : 0;

    if (!type && k >= 0 && k < 4096 && w->date_style[k] && *value)
        return date_text(w, value);
    return type && strcmp(type, "n") ? value : fifteen_digits(w->rq->mem, value);
}

/* "BC12" -> 54. */
static int
column_of(const char *reference)
{
    int n = 0;

    for (; *reference >= 'A' && *reference <= 'Z' && n < 100000; reference++)
        n = n * 26 + (*reference - 'A' + 1);
    return n - 1;
}

static bool
read_sheet(struct workbook *w, xmlTextReaderPtr r, struct sheet_builder *b)
{
    const char *type = NULL, *style = NULL;
    struct str value = str_new(w->rq->mem);
    int column = 0, next = 0, line = 0;
    bool in_value = false;

    while (xmlTextReaderRead(r) == 1) {
        bool opens = xmlTextReaderNodeType(r) == XML_READER_TYPE_ELEMENT;

        if (at(r, XML_READER_TYPE_ELEMENT, "row")) {
            const char *said = attribute(w, r, "r");

            line = said ? (int)strtol(said, NULL, 10) : line + 1;
            next = 0;
        } else if (at(r, XML_READER_TYPE_ELEMENT, "c")) {
            const char *where = attribute(w, r, "r");

            column = where ? column_of(where) : next;
            next = column + 1;
            type = attribute(w, r, "t");
            style = attribute(w, r, "s");
            value = str_new(w->rq->mem);
        } else if (opens || xmlTextReaderNodeType(r) == XML_READER_TYPE_END_ELEMENT) {
            const char *name = (const char *)xmlTextReaderConstLocalName(r);

            if (!strcmp(name, "v") || !strcmp(name, "t"))
                in_value = opens && !xmlTextReaderIsEmptyElement(r);
        } else if (in_value) {
            add_text(&value, r);
        }
        if (at(r, XML_READER_TYPE_END_ELEMENT, "c") && column >= 0) {
            const char *text = cell_text(w, type, style, value.text);

            sheet_add_cell(b, column, text, strlen(text));
        }
        if (at(r, XML_READER_TYPE_END_ELEMENT, "row") && !sheet_end_row(b, line))
            return false;
    }
    return true;
}

bool
sheet_from_xlsx(struct rq *rq, const char *data, size_t size, struct sheet *out)
{
    zip_source_t *source = zip_source_buffer_create(data, size, 0, NULL);
    struct workbook *w = arena_alloc(rq->mem, sizeof *w);

    w->rq = rq;
    w->zip = source ? zip_open_from_source(source, ZIP_RDONLY, NULL) : NULL;
    if (!w->zip) {
        zip_source_free(source);
        return fail(rq, "malformed", NULL, "The file is not an XLSX workbook");
    }
    arena_defer(rq->mem, discard, w->zip);
    read_strings(w);
    read_styles(w);
    xmlTextReaderPtr r = rq->errors ? NULL : reader_of(w, "xl/worksheets/sheet1.xml");

    if (!r)
        return rq->errors ? false : fail(rq, "malformed", NULL, "The workbook has no worksheet");
    struct sheet_builder *b = sheet_builder_new(rq);
    bool read = read_sheet(w, r, b);

    xmlFreeTextReader(r);
    return read && sheet_build(b, out);
}
