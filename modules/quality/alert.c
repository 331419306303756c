/*
 * Alerts: opening one holds its lot (a trigger), closing it may release the lot.
 */
#include "modules/quality/quality.h"

static const char note_cause[] =
    "UPDATE quality_alert SET cause = coalesce($2, cause), action = coalesce($3, action)"
    " WHERE id = ANY ($1::bigint[])";

/* Released unless another alert is open for it. */
static const char release_lots[] =
    "UPDATE lot o SET held = false, held_reason = NULL"
    " WHERE o.held AND o.id IN (SELECT lot_id FROM quality_alert WHERE id = ANY ($1::bigint[]))"
    "   AND NOT EXISTS (SELECT FROM quality_alert a WHERE a.lot_id = o.id AND a.state = 'open'"
    "                      AND a.id <> ALL ($1::bigint[]))";
static const char serve_waiting[] =
    "SELECT stock_reserve_waiting(ARRAY(SELECT DISTINCT item_id FROM quality_alert"
    "                                    WHERE id = ANY ($1::bigint[])))";

/*
 * The matter is settled. Body: cause, action; "release": true, and the lot may be used again,
 * where no other alert holds it.
 *
 * Errors: cause_missing (cause)
 */
static bool
alert_close(struct rq *rq)
{
    const char *missing;

    db_exec(rq, note_cause, P(rq->ids, quality_text(rq, "cause"), quality_text(rq, "action")));
    if (!db_one(rq,
                "SELECT min(number) FROM quality_alert"
                " WHERE id = ANY ($1::bigint[]) AND coalesce(cause, '') = ''",
                P(rq->ids), OUT(&missing)))
        return false;
    if (missing)
        return fail(rq, "cause_missing", "cause", "Say what the cause of %s was", missing);
    if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(rq->body, "release")))
        return true;
    return db_exec(rq, release_lots, P(rq->ids)) && db_exec(rq, serve_waiting, P(rq->ids));
}

const struct operation quality_alert_operations[] = {
    { "close", "Close", .from = "open", .to = "closed", .run = alert_close,
      .args = "cause:text action:text release:boolean",
      .help = "The matter is settled; the lot may be used again, if so said" },
    { 0 },
};
