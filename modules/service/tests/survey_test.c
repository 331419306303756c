/*
 * survey_test.c - one invitation, one answer: also when two arrive at once; and a low score is
 * followed up.
 */
#include "modules/service/tests/resolution_fixture.h"
#include "tests/own_database.h"

#include <pthread.h>

static const char *
survey_of(struct rq *rq, const struct sold *s)
{
    return test_sql(rq, "SELECT max(id) FROM survey WHERE party_id = %s", s->customer);
}

static void
the_customer_is_asked_once_about_a_delivery_and_once_about_a_case(void)
{
    struct rq *rq = test_begin();
    struct sold s = five_kettles(rq, false, false);

    for (int i = 0; i < 2; i++) {
        take(rq, "shipment", s.delivery, "survey", NULL);
        take(rq, "service_case", s.sale_case, "survey", NULL);
    }
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT string_agg(kind || ' ' || (due_on - app_today()), ', ' ORDER BY kind)"
                 "  FROM survey WHERE party_id = %s",
                 s.customer),
        "csat 14, nps 14");
    CHECK_TEXT(refusal(test_refused(rq,
                                    "INSERT INTO survey (kind, party_id, shipment_id)"
                                    " VALUES ('nps', %s, %s)",
                                    s.customer, s.delivery)),
               "duplicate");
    test_end(rq);
}

static void
a_low_score_becomes_a_task_and_a_high_one_does_not(void)
{
    struct rq *rq = test_begin();
    struct sold s = five_kettles(rq, false, false);
    const char *tasks = "SELECT count(*) FROM activity WHERE entity = 'survey'";

    take(rq, "service_case", s.sale_case, "survey", NULL);
    take(rq, "survey", survey_of(rq, &s), "answer", "{\"score\": 7}");
    CHECK_TEXT(test_sql(rq, "%s", tasks), "0");
    take(rq, "shipment", s.delivery, "survey", NULL);
    take(rq, "survey", survey_of(rq, &s), "answer", "{\"score\": 6, \"comment\": \"Late\"}");
    CHECK_TEXT(test_sql(rq, "%s", tasks), "1");
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', state, score, comment) FROM survey WHERE id = %s",
                        survey_of(rq, &s)),
               "answered 6 Late");
    test_end(rq);
}

static void
an_answer_needs_its_token_and_a_score_and_stays(void)
{
    struct rq *rq = test_begin();
    struct sold s = five_kettles(rq, false, false);

    take(rq, "shipment", s.delivery, "survey", NULL);
    const char *id = survey_of(rq, &s);
    const char *token = test_sql(rq, "SELECT token FROM survey WHERE id = %s", id);

    CHECK_TEXT(refused(rq, "survey", id, "answer", "{}"), "score_missing");
    CHECK_TEXT(refused(rq, "survey", id, "answer", "{\"score\": 11}"), "invalid");
    CHECK_TEXT(refused(rq, "survey", id, "answer", "{\"score\": 9, \"token\": \"guessed\"}"),
               "wrong_token");
    take(rq, "survey", id, "answer",
         arena_printf(rq->mem, "{\"score\": 9, \"token\": \"%s\"}", token));
    CHECK_TEXT(refused(rq, "survey", id, "answer", "{\"score\": 0}"), "wrong_state");
    CHECK_TEXT(refusal(test_refused(rq, "UPDATE survey SET score = 0 WHERE id = %s", id)),
               "answered");
    CHECK_TEXT(refusal(test_refused(rq, "DELETE FROM survey WHERE id = %s", id)), "answered");
    test_end(rq);
}

/* ----------------------------------------------------------------------------------- a race */

enum { ANSWERS = 8 };

struct answer {
    pthread_t thread;
    const char *conninfo, *survey;
    bool kept, refused;
};

static void *
answer_now(void *data)
{
    struct answer *a = data;
    const char *error = NULL;
    struct arena *lasting = arena_new(), *mem = arena_new();
    struct db *db = db_open(lasting, a->conninfo, &error);

    if (db) {
        struct rq rq = open_request(mem, db);

        a->kept = test_take(&rq, "survey", a->survey, "answer", "{\"score\": 3}") && db_commit(&rq);
        a->refused = !a->kept && (failed_with(&rq, "wrong_state") || failed_with(&rq, "answered"));
        if (!a->kept)
            db_rollback(&rq);
        db_close(db);
    }
    arena_free(mem);
    arena_free(lasting);
    return NULL;
}

/* A survey of a case, committed. */
static const char *
committed_survey(struct arena *mem, struct db *db)
{
    struct rq rq = open_request(mem, db);
    const char *party = test_create(&rq, "party", "{\"name\": \"Asked\", \"is_customer\": true}");
    const char *about =
        test_create(&rq, "service_case", "{\"subject\": \"x\", \"party_id\": %s}", party);

    CU_ASSERT_TRUE(test_take(&rq, "service_case", about, "survey", NULL));
    const char *id = test_sql(&rq, "SELECT max(id) FROM survey");

    CU_ASSERT_TRUE(db_commit(&rq));
    return id;
}

static void
of_many_answers_at_once_one_counts(void)
{
    struct test_database database = test_database();
    struct arena *mem = arena_new();
    const char *error = NULL;
    struct db *db = db_open(mem, database.app, &error);
    struct answer answers[ANSWERS] = { 0 };
    int kept = 0, refused = 0;

    if (!db) {
        CU_FAIL("no connection");
        return;
    }
    const char *id = committed_survey(mem, db);

    for (int i = 0; i < ANSWERS; i++) {
        answers[i].conninfo = database.app;
        answers[i].survey = id;
        pthread_create(&answers[i].thread, NULL, answer_now, &answers[i]);
    }
    for (int i = 0; i < ANSWERS; i++) {
        pthread_join(answers[i].thread, NULL);
        kept += answers[i].kept;
        refused += answers[i].refused;
    }
    CU_ASSERT_EQUAL(kept, 1);
    CU_ASSERT_EQUAL(refused, ANSWERS - 1);
    db_close(db);
    checks_hold(database.admin);
    arena_free(mem);
}

const struct test survey_tests[] = {
    { "the customer is asked once about a delivery and once about a case",
      the_customer_is_asked_once_about_a_delivery_and_once_about_a_case },
    { "a low score becomes a task and a high one does not",
      a_low_score_becomes_a_task_and_a_high_one_does_not },
    { "an answer needs its token and a score, and stays",
      an_answer_needs_its_token_and_a_score_and_stays },
    { "of many answers at once one counts", of_many_answers_at_once_one_counts },
    { 0 },
};
