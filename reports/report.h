/*
 * report.h - a report is one file, modules/<module>/reports/<name>.sql, with a header:
 *
 *     -- title: Trial balance
 *     -- parameter: from date "From"              $1, $2 ... in this order
 *     -- parameter: account text required "Account"
 *     -- parameter: language                      filled in by the runner: en or zh
 *     -- column: code text "Account"              one for each column of the query
 *     -- column: debit amount "Debit"
 *
 * Types: text, date, amount, quantity, percent (strings in JSON), id, integer, boolean.
 * Titles and labels are translated like every label. The query runs under the server's role,
 * so a report shows the user's company and nothing else.
 */
#ifndef TENON_REPORT_H
#define TENON_REPORT_H

#include "core/entity/entity.h"

/*
 * GET /api/report/<name>?...&format=json|csv: sets rq->reply (and reply_type, file_name for a
 * file). Needs the permission "report.<name>". JSON: {name, title, parameters, columns: [{name,
 * type, label}], rows: [{...}]}.
 * Errors: forbidden, not_found, malformed (an unknown parameter or format), required, invalid.
 */
bool api_report(struct rq *rq, const char *name, const struct parameter *query, int n);

/* The reports that the user may run, as a JSON array of {name, title, parameters, columns}. */
bool api_reports(struct rq *rq);

#endif
