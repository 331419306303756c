/*
 * import.h - files into records. The dry run is the real run, rolled back.
 *
 * A map says which column goes where:
 *
 *     { "key": "code",                          match existing records by this field
 *       "group": "order_id",                    rows with the same value are one document
 *       "columns": { "customer_id": "code", "city": "addresses.0.city",
 *                    "category": "category.name", "product": "lines.item.code" },
 *       "constants": { "is_customer": true, "addresses.0.purpose": "billing" },
 *       "translate": { "country": { "USA": "US" } } }
 *
 * A target is a field; part.N.field for the Nth row of a part; part.field for one row of the
 * part per line of the file (with group); and a reference followed by a column of what it
 * refers to (category.name): the record is found by that value. Without a map the file's own
 * column names are the targets. Columns that a map does not name are left out.
 */
#ifndef TENON_IMPORT_H
#define TENON_IMPORT_H

#include "core/entity/entity.h"

/*
 * POST /api/import/<entity>. content_type: text/csv, the XLSX type, or application/json (an
 * array of documents). Query: dry_run=true, partial=true (good rows go in although others are
 * refused), map=<JSON>, file=<name>.
 *
 * The reply: {"batch", "created", "changed", "refused", "rows": [{"line", "result":
 * "created|changed|refused", "id", "errors": [{"field", "message"}]}]}. Without partial a
 * refused row refuses the file: 422 with all errors, and nothing is written.
 */
bool api_import(struct rq *rq, const struct entity *e, const char *content_type, const char *data,
                size_t size, const struct parameter *query, int n);

/* Operation import_batch.undo: created records go, changed fields return, all or nothing,
 * while nobody has touched them since. */
bool import_undo(struct rq *rq);

#endif
