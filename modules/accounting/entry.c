/*
 * Entries that somebody types, and the periods that they may be posted to.
 */
#include "core/workflow/workflow.h"
#include "modules/accounting/accounting.h"

static const char post_date[] =
    "UPDATE journal_entry SET entry_date = ($2::json ->> 'date')::date WHERE id = ANY ($1::bigint[])";

/*
 * Post a typed entry; that it balances is checked at COMMIT.
 *
 * Errors: nothing_to_post (lines), control_account (lines), unbalanced (lines),
 * period_closed (date)
 */
static bool
entry_post(struct rq *rq)
{
    return !cJSON_HasObjectItem(rq->body, "date") ||
           db_exec(rq, post_date, P(rq->ids, rq->body_text));
}

static const char reverse[] =
    "SELECT journal_reverse($1::bigint[], ($2::json ->> 'date')::date, $2::json ->> 'reason')";

/* Post the mirror of a typed entry. Errors: not_reversible, period_closed (date) */
static bool
entry_reverse(struct rq *rq)
{
    return db_exec(rq, reverse, P(rq->ids, rq->body_text));
}

const struct operation entry_operations[] = {
    { .name = "post",
      .label = "Post",
      .from = "draft",
      .to = "posted",
      .run = entry_post,
      .args = "date:date",
      .help = "Number it and enter it in the books" },
    { .name = "reverse",
      .label = "Reverse",
      .from = "posted",
      .run = entry_reverse,
      .args = "date:date reason:text",
      .help = "Post its mirror: debit and credit exchanged" },
    { 0 },
};

const struct operation period_operations[] = {
    { .name = "close",
      .label = "Close the books",
      .from = "open",
      .to = "closed",
      .help = "Refuse postings to these days from now on" },
    { .name = "reopen",
      .label = "Reopen the books",
      .from = "closed",
      .to = "open",
      .help = "Allow postings to these days again; the audit log keeps who did it" },
    { 0 },
};
