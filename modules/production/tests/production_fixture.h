/*
 * production_fixture.h - what the tests of production begin with: items, bills, routings.
 */
#ifndef TENON_PRODUCTION_FIXTURE_H
#define TENON_PRODUCTION_FIXTURE_H

#include "core/base/str.h"
#include "core/db/migrate.h"
#include "modules/production/production.h"
#include "tests/test.h"

/* An item in pieces ("C62") or kilograms ("KGM"). */
static inline const char *
part_new(struct rq *rq, const char *code, const char *uom)
{
    return test_sql(rq,
                    "INSERT INTO item (code, name, uom_id, procurement)"
                    " SELECT '%s', 'Item %s', id, 'buy' FROM uom WHERE code = '%s' RETURNING id",
                    code, code, uom);
}

/* A work centre on the office calendar (9 to 17 on weekdays). */
static inline const char *
work_center_new(struct rq *rq, const char *code, const char *labour, const char *machine)
{
    return test_create(rq, "work_center",
                       "{\"code\": \"%s\", \"name\": \"Centre %s\", \"labour_rate\": \"%s\","
                       " \"machine_rate\": \"%s\"}",
                       code, code, labour, machine);
}

/* Every check of this module and of stock is empty. */
static inline void
production_checks(struct rq *rq)
{
    struct rows rows;

    db_exec(rq, "SET CONSTRAINTS ALL IMMEDIATE", NONE);
    db_exec(rq, "SET CONSTRAINTS ALL DEFERRED", NONE);
    for (const struct asset *a = assets; a->path; a++) {
        if (!str_starts(a->path, "modules/production/check/") &&
            !str_starts(a->path, "modules/stock/check/"))
            continue;
        if (!db_rows(rq, a->text, NONE, &rows)) {
            printf("\n    %s: %s", a->path, rq->errors->message);
            CU_FAIL("a check does not run");
        } else if (rows.count > 0) {
            printf("\n    %s finds %s %s", a->path, cell(&rows, 0, 0), cell(&rows, 0, 1));
            CU_FAIL("a check finds something");
        }
    }
}

#endif
