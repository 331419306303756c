/*
 * The answer to a survey: one per invitation. The database keeps the first one; what follows
 * from a low score is a rule.
 */
#include "core/workflow/workflow.h"
#include "modules/service/resolution.h"

static const char wrong_token[] =
    "SELECT min(id) FROM survey WHERE id = ANY ($1::bigint[]) AND token <> $2::json ->> 'token'";

static const char take_answer[] =
    "UPDATE survey SET score = ($2::json ->> 'score')::integer, comment = $2::json ->> 'comment',"
    "       answered_at = now() WHERE id = ANY ($1::bigint[])";

/*
 * Body: score from 0 to 10, comment, and the token when the customer himself answers.
 *
 * Errors: score_missing (score), wrong_token (token), answered (score)
 */
static bool
survey_answer(struct rq *rq)
{
    const char *wrong;

    if (!cJSON_HasObjectItem(rq->body, "score"))
        return fail(rq, "score_missing", "score", "Give a score between 0 and 10");
    if (!db_one(rq, wrong_token, P(rq->ids, rq->body_text), OUT(&wrong)))
        return false;
    if (wrong)
        return fail(rq, "wrong_token", "token", "This token is of another survey");
    return db_exec(rq, take_answer, P(rq->ids, rq->body_text));
}

const struct operation survey_operations[] = {
    { "answer", "Answer", .from = "sent", .to = "answered", .run = survey_answer,
      .args = "score:integer comment:text token:text",
      .help = "Enter what the customer says, once" },
    { 0 },
};
