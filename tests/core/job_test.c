/*
 * job_test.c - what happens after the commit: events in order, jobs exactly once in effect
 * whatever is killed, dead letters, timers. Each test has a database of its own.
 */
#include "tests/core/job_fixture.h"
#include "core/base/str.h"
#include "core/workflow/admin.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* -------------------------------------------------------------------------------- events */

static void
events_get_dense_positions_in_the_order_of_commits(void)
{
    setup();
    lead("First"); /* makes the sequence of numbers, which is locked until the commit */
    publish();
    const char *start = sql("SELECT position FROM event_cursor");
    struct db *slow = connect_to(here.app);
    struct rq *open = begin_on(slow);

    test_create(open, "lead", "{\"person\": \"Slow\"}");
    lead("Fast");
    publish();
    /* The slow one has the smaller transaction: nothing may be given out before it ends. */
    CHECK_TEXT(sql("SELECT count(*) FROM event WHERE position > %s AND entity = 'lead'", start),
               "0");
    commit(open);
    CU_ASSERT_TRUE(publish() >= 2);
    CU_ASSERT_EQUAL(publish(), 0);
    CHECK_TEXT(sql("SELECT string_agg(action, ' ' ORDER BY e.position) FROM event e"
                   " WHERE position > %s AND entity = 'lead'",
                   start),
               "created created");
    CHECK_TEXT(sql("SELECT bool_and(position = n) FROM (SELECT position,"
                   " row_number() OVER (ORDER BY position) AS n FROM event) x"),
               "t");
    CHECK_TEXT(
        sql("SELECT count(*) FROM audit_log a JOIN table_kind k ON k.name = a.entity"
            " WHERE NOT k.is_part AND NOT EXISTS (SELECT FROM event e WHERE e.audit_id = a.id)"),
        "0");
    db_close(slow);
    teardown();
}

/* ---------------------------------------------------------------------------- exactly once */

static void
an_after_rule_runs_once_for_its_event(void)
{
    setup();
    rule("t.note",
         "{\"when\": {\"transition\": \"qualify\"}, \"timing\": \"after\", \"then\": [" NOTE "]}");
    const char *id = lead("Lin");

    CU_ASSERT_TRUE(take(id, "qualify"));
    CHECK_TEXT(sql("SELECT count(*) FROM notification"), "0");
    publish();
    publish();
    CU_ASSERT_EQUAL(run_all(app), 1);
    CU_ASSERT_EQUAL(run_all(app), 0);
    CHECK_TEXT(sql("SELECT string_agg(message || record_id, ' ') FROM notification"),
               arena_printf(mem, "Lin%s", id));
    CHECK_TEXT(
        sql("SELECT string_agg(state || ' ' || attempts || ' ' || (key LIKE 'rule:t.note:%%'), ' ') FROM job"),
        "done 1 true");
    CHECK_TEXT(sql("SELECT string_agg(rule || ' ' || outcome, ' ') FROM workflow_rule_run"),
               "t.note fired");
    teardown();
}

/* A child runs the job and is killed in its middle: it waits for a row that we hold. */
static void
a_job_whose_process_is_killed_in_its_middle_takes_effect_once(void)
{
    setup();
    rule("t.note",
         "{\"when\": {\"transition\": \"convert\"}, \"timing\": \"after\", \"then\": [" NOTE
         ","
         " {\"run\": \"win\", \"on\": \"flow.opportunity\", \"state\": \"open\"}]}");
    const char *id = lead("Lin");
    struct db *holder = connect_to(here.app);
    struct rq *hold = begin_on(holder);
    bool waits = false;

    CU_ASSERT_TRUE(take(id, "convert"));
    publish();
    db_exec(hold, "SELECT FROM opportunity FOR UPDATE", NONE);
    CU_ASSERT_TRUE(db_flush(hold));
    pid_t child = fork();

    if (child == 0) {
        bool ran;

        jobs_run_one(request(connect_to(here.app)), &ran);
        _exit(0);
    }
    for (int i = 0; i < 200 && !waits; i++) {
        usleep(20000);
        waits =
            !strcmp(sql("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                        " AND wait_event_type = 'Lock'"),
                    "1");
    }
    CU_ASSERT_TRUE(waits);
    CU_ASSERT_EQUAL(run_all(app), 0); /* nobody else takes the job meanwhile */
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    db_rollback(hold);
    for (int i = 0; i < 200 && run_all(app) == 0; i++)
        usleep(20000);
    CHECK_TEXT(sql("SELECT string_agg(message, ' ') FROM notification"), "Lin");
    CHECK_TEXT(sql("SELECT string_agg(state, ' ') FROM opportunity"), "won");
    CHECK_TEXT(sql("SELECT string_agg(state, ' ') FROM job"), "done");
    db_close(holder);
    teardown();
}

static void
two_threads_share_the_jobs_and_keep_the_order_of_a_record(void)
{
    setup();
    rule("t.note",
         "{\"when\": {\"changed\": [\"city\"]}, \"timing\": \"after\", \"then\": ["
         "{\"update\": {\"message\": \"{message}.\"}}]}");
    const char *id[2] = { lead("A"), lead("B") };
    struct db *other = connect_to(here.app);
    int ran = 0;

    for (int i = 0; i < 10; i++)
        for (int k = 0; k < 2; k++) {
            struct rq *rq = begin_on(app);

            entity_update(rq, "lead", id[k], NULL, arena_printf(mem, "{\"city\": \"%d\"}", i));
            commit(rq);
        }
    publish();
    CHECK_TEXT(sql("SELECT count(*) FROM job WHERE state = 'waiting'"), "20");
    /* One job is taken and not finished: the next of the same record must wait. */
    struct rq *open = begin_on(other);
    const char *taken = db_text(open, "SELECT payload ->> 'record' FROM job_take()", NONE);

    CU_ASSERT_PTR_NOT_NULL_FATAL(taken);
    CU_ASSERT_EQUAL(run_all(app), 10);
    CHECK_TEXT(sql("SELECT count(*) FROM job WHERE state = 'waiting' AND lane = 'lead:%s'", taken),
               "10");
    db_rollback(open);
    for (bool more = true; more;) {
        bool one, two;

        CU_ASSERT_TRUE(jobs_run_one(request(app), &one) && jobs_run_one(request(other), &two));
        ran += one + two;
        more = one || two;
    }
    CU_ASSERT_EQUAL(ran, 10);
    CHECK_TEXT(sql("SELECT string_agg(length(message)::text, ' ') FROM lead"), "10 10");
    db_close(other);
    teardown();
}

static void
a_rule_deleted_meanwhile_does_nothing_and_says_so(void)
{
    setup();
    rule("t.note",
         "{\"when\": {\"transition\": \"qualify\"}, \"timing\": \"after\", \"then\": [" NOTE "]}");
    const char *id = lead("Lin");

    CU_ASSERT_TRUE(take(id, "qualify"));
    publish();
    sql("DELETE FROM workflow_rule");
    CU_ASSERT_EQUAL(run_all(app), 1);
    CHECK_TEXT(sql("SELECT count(*) FROM notification"), "0");
    CHECK_TEXT(sql("SELECT string_agg(outcome || ': ' || detail, ' ') FROM workflow_rule_run"),
               "skipped: the rule is gone or not active");
    teardown();
}

static void
a_step_that_moves_no_state_wakes_after_rules_too(void)
{
    setup();
    rule("t.note",
         "{\"when\": {\"transition\": \"claim\"}, \"timing\": \"after\", \"then\": [" NOTE "]}");
    const char *id = lead("Lin");

    CU_ASSERT_TRUE(take(id, "claim"));
    publish();
    CU_ASSERT_EQUAL(run_all(app), 1);
    CHECK_TEXT(sql("SELECT string_agg(message, ' ') FROM notification"), "Lin");
    teardown();
}

/* ---------------------------------------------------------------------------- dead letters */

static bool
job_call(bool (*call)(struct rq *rq, const char *id), const char *id)
{
    struct rq *rq = begin_on(app);
    bool ok = call(rq, id) && db_commit(rq);

    if (!ok)
        db_rollback(rq);
    return ok;
}

static void
what_fails_eight_times_is_a_dead_letter_that_can_be_mended_and_run_again(void)
{
    setup();
    rule("t.lose",
         "{\"when\": {\"transition\": \"qualify\"}, \"timing\": \"after\", \"then\": [" NOTE
         ","
         " {\"run\": \"lose\"}]}");
    const char *id = lead("Lin"), *job;

    CU_ASSERT_TRUE(take(id, "qualify"));
    publish();
    CU_ASSERT_EQUAL(run_all(app), 1);
    CHECK_TEXT(
        sql("SELECT state || ' ' || attempts || ' ' || (run_at > now() + interval '2 seconds') FROM job"),
        "waiting 1 true");
    for (int i = 0; i < 9; i++) {
        sql("UPDATE job SET run_at = now() WHERE state = 'waiting'");
        run_all(app);
    }
    job = sql(
        "SELECT id FROM job WHERE state = 'dead' AND attempts = 8 AND error LIKE 'reason_missing: %%'");
    CU_ASSERT_PTR_NOT_NULL_FATAL(job);
    CHECK_TEXT(sql("SELECT count(*) FROM notification"), "0");
    CHECK_TEXT(sql("SELECT count(*) FROM workflow_rule_run WHERE outcome = 'failed'"), "8");

    struct rq *rq = begin_on(app);

    CU_ASSERT_TRUE(api_job_list(rq, "dead", NULL) && request_answer(rq));
    CU_ASSERT_PTR_NOT_NULL(strstr(rq->reply, "reason_missing"));
    db_rollback(rq);
    sql("UPDATE workflow_rule SET definition = jsonb_set(definition, '{then,1,with}',"
        " jsonb_build_object('lost_reason_id', (SELECT id FROM lost_reason WHERE code = 'price')))");
    CU_ASSERT_TRUE(job_call(api_job_retry, job));
    CU_ASSERT_EQUAL(run_all(app), 1);
    CHECK_TEXT(sql("SELECT state FROM lead WHERE id = %s", id), "lost");
    CHECK_TEXT(sql("SELECT count(*) FROM notification"), "1");
    CU_ASSERT_FALSE(job_call(api_job_retry, job)); /* it is done */
    teardown();
}

static void
a_dead_letter_holds_up_its_record_until_it_is_dropped(void)
{
    setup();
    rule(
        "t.lose",
        "{\"when\": {\"transition\": \"qualify\"}, \"timing\": \"after\", \"then\": [{\"run\": \"lose\"}]}");
    rule("t.note",
         "{\"when\": {\"transition\": \"qualify\"}, \"timing\": \"after\", \"then\": [" NOTE "]}");
    const char *id = lead("Lin");

    CU_ASSERT_TRUE(take(id, "qualify"));
    publish();
    sql("UPDATE job SET attempts = 7");
    CU_ASSERT_EQUAL(run_all(app), 1);
    CHECK_TEXT(sql("SELECT string_agg(state, ' ' ORDER BY id) FROM job"), "dead waiting");
    CU_ASSERT_TRUE(job_call(api_job_drop, sql("SELECT id FROM job WHERE state = 'dead'")));
    CU_ASSERT_EQUAL(run_all(app), 1);
    CHECK_TEXT(sql("SELECT string_agg(message, ' ') FROM notification"), "Lin");
    publish();
    CU_ASSERT_EQUAL(run_all(app), 0);
    teardown();
}

static void
a_chain_of_after_rules_without_end_dies_with_its_names(void)
{
    setup();
    rule(
        "t.more",
        "{\"when\": {\"changed\": [\"message\"]}, \"timing\": \"after\", \"if\": \"lead.person ~= nil\","
        " \"then\": [{\"update\": {\"message\": \"{message}+\"}}]}");
    const char *id = lead("Lin");
    struct rq *rq = begin_on(app);
    int rounds = 0;

    entity_update(rq, "lead", id, NULL, "{\"message\": \"x\"}");
    commit(rq);
    while (publish() && run_all(app) && rounds < 50)
        rounds++;
    CU_ASSERT_EQUAL(rounds, 16);
    CHECK_TEXT(sql("SELECT substr(error, 1, 59) FROM job WHERE state = 'dead'"),
               "Rules call each other without end: t.more > t.more > t.more");
    teardown();
}

static void
a_webhook_that_nobody_answers_is_tried_again(void)
{
    setup();
    rule(
        "t.hook",
        "{\"when\": {\"transition\": \"qualify\"}, \"then\": [{\"webhook\": \"http://127.0.0.1:1/\","
        " \"body\": {\"who\": \"{person}\"}}]}");
    const char *id = lead("Lin");

    CU_ASSERT_TRUE(take(id, "qualify"));
    CU_ASSERT_EQUAL(run_all(app), 1);
    CHECK_TEXT(
        sql("SELECT concat_ws(' ', kind, state, attempts, payload ->> 'body', split_part(error, ':', 1)) FROM job"),
        "webhook waiting 1 {\"who\": \"Lin\"} webhook_failed");
    teardown();
}

const struct test job_tests[] = {
    { "events get dense positions in the order of commits",
      events_get_dense_positions_in_the_order_of_commits },
    { "an after rule runs once for its event", an_after_rule_runs_once_for_its_event },
    { "a job whose process is killed in its middle takes effect once",
      a_job_whose_process_is_killed_in_its_middle_takes_effect_once },
    { "two threads share the jobs and keep the order of a record",
      two_threads_share_the_jobs_and_keep_the_order_of_a_record },
    { "a rule deleted meanwhile does nothing and says so",
      a_rule_deleted_meanwhile_does_nothing_and_says_so },
    { "a step that moves no state wakes after rules too",
      a_step_that_moves_no_state_wakes_after_rules_too },
    { "what fails eight times is a dead letter that can be mended and run again",
      what_fails_eight_times_is_a_dead_letter_that_can_be_mended_and_run_again },
    { "a dead letter holds up its record until it is dropped",
      a_dead_letter_holds_up_its_record_until_it_is_dropped },
    { "a chain of after rules without end dies with its names",
      a_chain_of_after_rules_without_end_dies_with_its_names },
    { "a webhook that nobody answers is tried again",
      a_webhook_that_nobody_answers_is_tried_again },
    { 0 },
};
