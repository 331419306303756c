/*
 * export.h - a list as a file: the same filters, order and columns, all pages of it.
 */
#ifndef TENON_EXPORT_H
#define TENON_EXPORT_H

#include "core/entity/entity.h"

enum { EXPORT_MOST_ROWS = 200000 };

/*
 * GET /api/<entity>?...&format=csv|xlsx: sets rq->reply, reply_type, reply_size, file_name.
 * CSV is RFC 4180 in UTF-8 with a mark, for spreadsheets. A text that a spreadsheet would take
 * for a formula begins with an apostrophe, which import takes off again.
 * Errors: malformed (an unknown format, the list's own), too_large.
 */
bool api_export(struct rq *rq, const struct entity *e, const struct parameter *query, int n,
                const char *format);

#endif
