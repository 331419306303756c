/*
 * What people have to do and to know: activities are done, notifications read, imports taken back;
 * and companies are set up once they exist.
 */
#include "core/entity/import.h"
#include "modules/admin/admin.h"

static const char stamp_done[] =
    "UPDATE activity SET done_at = now() WHERE id = ANY ($1::bigint[]) AND done_at IS NULL";

static bool
activity_done(struct rq *rq)
{
    return db_exec(rq, stamp_done, P(rq->ids));
}

static const char stamp_undone[] =
    "UPDATE activity SET done_at = NULL WHERE id = ANY ($1::bigint[])";

static bool
activity_reopen(struct rq *rq)
{
    return db_exec(rq, stamp_undone, P(rq->ids));
}

const struct operation activity_operations[] = {
    { .name = "done", .label = "Done", .run = activity_done, .help = "It has been done" },
    { .name = "reopen",
      .label = "Reopen",
      .run = activity_reopen,
      .help = "It has yet to be done" },
    { 0 },
};

static const char stamp_read[] =
    "UPDATE notification SET read_at = now() WHERE id = ANY ($1::bigint[]) AND read_at IS NULL";

static bool
notification_mark_read(struct rq *rq)
{
    return db_exec(rq, stamp_read, P(rq->ids));
}

const struct operation notification_operations[] = {
    { .name = "mark_read", .label = "Mark as read", .run = notification_mark_read },
    { 0 },
};

const struct operation import_operations[] = {
    { .name = "undo",
      .label = "Undo",
      .run = import_undo,
      .help = "Take the import back while nobody has touched its records" },
    { 0 },
};

bool
company_saved(struct rq *rq)
{
    return db_exec(rq, "SELECT company_set_up($1)", P(rq->ids));
}
