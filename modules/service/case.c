/*
 * The steps of a case: taken, waiting, resolved, closed, and open again when that was too early.
 */
#include "core/base/str.h"
#include "core/workflow/workflow.h"
#include "modules/service/service.h"

static const char in_states[] =
    "SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM service_case"
    " WHERE id = ANY ($1::bigint[]) AND state = ANY (string_to_array($2, ' '))";

const char *
cases_in(struct rq *rq, const char *ids, const char *states)
{
    return db_text(rq, in_states, P(ids, states));
}

/* ---------------------------------------------------------------------------- who does it */

static const char give[] = "UPDATE service_case SET assignee_id = $2 WHERE id = ANY ($1::bigint[])";

static bool
case_take(struct rq *rq)
{
    return db_exec(rq, give, P(rq->ids, rq->user_id));
}

static const char works_here[] =
    "SELECT u.id FROM app_user u JOIN user_company c ON c.user_id = u.id"
    " WHERE u.id = $1 AND u.active AND c.company_id = app_company()";

/* By the role of each queue to whom has the least open. */
static const char give_by_load[] =
    "SELECT workflow_assign('service.' || q.code, 'service_case', 'assignee_id',"
    "                       array_agg(c.id ORDER BY c.id), 'least_loaded', r.code, NULL)"
    "  FROM service_case c JOIN service_queue q ON q.id = c.queue_id JOIN role r ON r.id = q.role_id"
    " WHERE c.id = ANY ($1::bigint[]) GROUP BY q.code, r.code";

/*
 * Give cases to a person; without one, to whom of the queue's people has the least to do.
 *
 * Errors: invalid (assignee_id)
 */
static bool
case_assign(struct rq *rq)
{
    const char *user, *known;

    if (!rq_reference(rq, "assignee_id", &user))
        return false;
    if (!user)
        return db_exec(rq, give_by_load, P(rq->ids));
    if (!db_one(rq, works_here, P(user), OUT(&known)))
        return false;
    if (!known)
        return fail(rq, "invalid", "assignee_id", "This user does not work here");
    return db_exec(rq, give, P(rq->ids, user));
}

static const char raise_priority[] =
    "UPDATE service_case SET priority = CASE priority WHEN 'low' THEN 'normal' WHEN 'normal' THEN"
    " 'high' ELSE 'urgent' END WHERE id = ANY ($1::bigint[]) AND priority <> 'urgent'";

static bool
case_escalate(struct rq *rq)
{
    return db_exec(rq, raise_priority, P(rq->ids));
}

/* ------------------------------------------------------------------------------- the ends */

static const char note_resolution[] =
    "UPDATE service_case SET resolution_kind = $2, resolution = coalesce($3, resolution)"
    " WHERE id = ANY ($1::bigint[])";

/*
 * Say how cases were resolved; the text is what the customer is told.
 *
 * Errors: kind_missing (resolution_kind)
 */
static bool
case_resolve(struct rq *rq)
{
    const char *kind = rq_sent(rq, "resolution_kind");
    const char *text = rq_sent(rq, "resolution");

    if (!kind)
        return fail(rq, "kind_missing", "resolution_kind", "Say how the case was resolved");
    return db_exec(rq, note_resolution, P(rq->ids, kind, text)) &&
           (!text || case_say(rq, "reply", text));
}

static const char note_unresolved[] =
    "UPDATE service_case SET resolution_kind = coalesce(resolution_kind, 'none')"
    " WHERE id = ANY ($1::bigint[])";

static bool
case_close(struct rq *rq)
{
    return db_exec(rq, note_unresolved, P(rq->ids));
}

static bool
case_reopen(struct rq *rq)
{
    const char *why = rq_sent(rq, "body");

    return !why || case_say(rq, "note", why);
}

/*
 * One case goes into another: what was said is read there, and this one is closed.
 *
 * Errors: invalid, wrong_state, other_customer (into_id)
 */
static bool
case_merge(struct rq *rq)
{
    const char *into;

    if (!rq_reference(rq, "into_id", &into))
        return false;
    if (!into)
        return fail(rq, "invalid", "into_id", "Name another case to merge it into");
    return db_exec(rq, "SELECT service_case_merge($1, $2)", P(rq->ids, into)) &&
           db_exec(rq, note_unresolved, P(rq->ids));
}

const struct operation service_case_operations[] = {
    { .name = "take",
      .label = "Take",
      .from = "new open",
      .to = "open",
      .run = case_take,
      .help = "Look after the case yourself" },
    { .name = "assign",
      .label = "Assign",
      .from = "new open waiting",
      .run = case_assign,
      .args = "assignee_id:bigint",
      .help = "Give it to a person; without one, to whom of the queue has the least to do" },
    { .name = "reply",
      .label = "Reply",
      .from = "new open waiting resolved",
      .run = case_reply,
      .args = "body:text wait:boolean",
      .help = "Write to the customer, and wait for the answer when you ask for one" },
    { .name = "note",
      .label = "Note",
      .run = case_note,
      .args = "body:text",
      .help = "Write something that stays inside" },
    { .name = "receive",
      .label = "Enter message",
      .run = case_receive,
      .args = "body:text sender:text message_id:text in_reply_to:text",
      .help = "Enter what the customer said: a case that waits or is resolved is open again" },
    { .name = "wait", .label = "Wait for customer", .from = "new open", .to = "waiting" },
    { .name = "resume", .label = "Resume", .from = "waiting", .to = "open" },
    { .name = "resolve",
      .label = "Resolve",
      .from = "new open waiting",
      .to = "resolved",
      .run = case_resolve,
      .args = "resolution_kind:text resolution:text",
      .help = "Say how it was solved, and tell the customer" },
    { .name = "reopen",
      .label = "Reopen",
      .from = "resolved closed",
      .to = "open",
      .run = case_reopen,
      .args = "body:text" },
    { .name = "confirm",
      .label = "Confirm",
      .from = "resolved",
      .to = "closed",
      .help = "The customer agrees with the solution" },
    { .name = "close",
      .label = "Close",
      .from = "new open waiting resolved",
      .to = "closed",
      .run = case_close },
    { .name = "merge",
      .label = "Merge",
      .from = "new open waiting resolved",
      .to = "closed",
      .run = case_merge,
      .args = "into_id:bigint",
      .help = "Close it as part of another case of the same customer" },
    { .name = "escalate",
      .label = "Escalate",
      .from = "new open waiting",
      .run = case_escalate,
      .help = "Raise the priority" },
    { 0 },
};
