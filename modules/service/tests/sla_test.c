/*
 * sla_test.c - service clocks: working time by hand, pauses, reopening, priorities, and
 * warnings that come once.
 */
#include "tests/core/job_fixture.h"

/* Office hours are Monday to Friday 9 to 17 UTC; 2026-03-02 is a Monday. */
static const char *
moment(struct rq *rq, const char *ran, int minutes)
{
    return test_sql(
        rq,
        "SELECT to_char(sla_moment((SELECT id FROM calendar WHERE code = 'OFFICE'), '%s',"
        " %d * interval '1 minute') AT TIME ZONE 'UTC', 'Dy DD HH24:MI')",
        ran, minutes);
}

static void
deadlines_skip_nights_weekends_and_holidays_and_count_a_worked_saturday(void)
{
    struct rq *rq = test_begin();

    /* Friday 16:00, 240 minutes: one hour on Friday, three on Monday */
    CHECK_TEXT(moment(rq, "{[\"2026-03-06 16:00+00\",)}", 240), "Mon 09 12:00");
    /* 960 minutes are two days: Friday 16-17 (60), Monday (480), Tuesday 420 = 16:00 */
    CHECK_TEXT(moment(rq, "{[\"2026-03-06 16:00+00\",)}", 960), "Tue 10 16:00");
    test_sql(rq,
             "INSERT INTO calendar_exception (calendar_id, day, like_weekday)"
             " SELECT id, '2026-03-09', NULL FROM calendar WHERE code = 'OFFICE' RETURNING id");
    CHECK_TEXT(moment(rq, "{[\"2026-03-06 16:00+00\",)}", 240), "Tue 10 12:00");
    test_sql(rq,
             "INSERT INTO calendar_exception (calendar_id, day, like_weekday)"
             " SELECT id, '2026-03-07', 1 FROM calendar WHERE code = 'OFFICE' RETURNING id");
    CHECK_TEXT(moment(rq, "{[\"2026-03-06 16:00+00\",)}", 240), "Sat 07 12:00");
    /* what comes in on Sunday begins on Tuesday, since Monday is a holiday */
    CHECK_TEXT(moment(rq, "{[\"2026-03-08 11:00+00\",)}", 30), "Tue 10 09:30");
    test_end(rq);
}

static void
a_pause_moves_the_deadline_by_the_working_time_paused(void)
{
    struct rq *rq = test_begin();

    /* Monday 9 to 11 are 120 minutes; paused until Tuesday 10:00; the other 120 end at 12:00 */
    CHECK_TEXT(
        moment(rq, "{[\"2026-03-02 09:00+00\",\"2026-03-02 11:00+00\"),[\"2026-03-03 10:00+00\",)}",
               240),
        "Tue 03 12:00");
    /* paused overnight only: nothing is lost, Monday 9 to 17 and on from Tuesday 9 */
    CHECK_TEXT(
        moment(rq, "{[\"2026-03-02 09:00+00\",\"2026-03-02 17:00+00\"),[\"2026-03-03 08:00+00\",)}",
               540),
        "Tue 03 10:00");
    /* used up before the pause: it was due then, whatever came later */
    CHECK_TEXT(
        moment(rq, "{[\"2026-03-02 09:00+00\",\"2026-03-02 11:00+00\"),[\"2026-03-03 10:00+00\",)}",
               90),
        "Mon 02 10:30");
    /* standing still and not used up: not due */
    CHECK_TEXT(moment(rq, "{[\"2026-03-02 09:00+00\",\"2026-03-02 11:00+00\")}", 240), NULL);
    test_end(rq);
}

static const char *
clock_of(struct rq *rq, const char *id, const char *kind)
{
    return test_sql(rq,
                    "SELECT concat_ws(' ', minutes, CASE WHEN stopped_at IS NOT NULL THEN 'stopped'"
                    " WHEN paused_at IS NOT NULL THEN 'paused' ELSE 'runs' END)"
                    " FROM sla_clock WHERE case_id = %s AND kind = '%s'",
                    id, kind);
}

static void
clocks_follow_the_steps_of_their_case(void)
{
    struct rq *rq = test_begin();
    const char *id = test_create(rq, "service_case", "{\"subject\": \"x\"}");

    CHECK_TEXT(clock_of(rq, id, "response"), "240 runs");
    CHECK_TEXT(clock_of(rq, id, "resolution"), "960 runs");
    CU_ASSERT_TRUE(test_take(rq, "service_case", id, "wait", NULL));
    CHECK_TEXT(clock_of(rq, id, "response"), "240 paused");
    CHECK_TEXT(clock_of(rq, id, "resolution"), "960 paused");
    CU_ASSERT_TRUE(test_take(rq, "service_case", id, "resume", NULL));
    CHECK_TEXT(clock_of(rq, id, "response"), "240 runs");
    CU_ASSERT_TRUE(test_take(rq, "service_case", id, "reply", "{\"body\": \"Hello\"}"));
    CHECK_TEXT(clock_of(rq, id, "response"), "240 stopped");
    CHECK_TEXT(clock_of(rq, id, "resolution"), "960 runs");
    CU_ASSERT_TRUE(
        test_take(rq, "service_case", id, "resolve", "{\"resolution_kind\": \"answer\"}"));
    CHECK_TEXT(clock_of(rq, id, "resolution"), "960 stopped");
    CU_ASSERT_TRUE(test_take(rq, "service_case", id, "reopen", NULL));
    CHECK_TEXT(clock_of(rq, id, "resolution"), "960 runs");
    CHECK_TEXT(clock_of(rq, id, "response"), "240 stopped");
    CU_ASSERT_TRUE(entity_update(rq, "service_case", id, NULL, "{\"priority\": \"urgent\"}"));
    CHECK_TEXT(clock_of(rq, id, "resolution"), "240 runs");
    CHECK_TEXT(clock_of(rq, id, "response"), "240 stopped"); /* an answer that was given stays so */
    test_end(rq);
}

static void
a_contract_goes_before_the_segment_and_that_before_the_default(void)
{
    struct rq *rq = test_begin();
    const char *party = test_create(rq, "party", "{\"name\": \"Gold\", \"is_customer\": true}");
    const char *gold =
        test_create(rq, "sla_policy",
                    "{\"name\": \"Gold\", \"segment\": \"gold\", \"targets\": [{\"priority\":"
                    " \"normal\", \"first_response\": 30, \"resolution\": 60}]}");
    const char *bought =
        test_create(rq, "sla_policy",
                    "{\"name\": \"Bought\", \"targets\": [{\"priority\": \"normal\","
                    " \"first_response\": 10, \"resolution\": 20}]}");
    const char *one =
        test_create(rq, "service_case", "{\"subject\": \"x\", \"party_id\": %s}", party);

    CHECK_TEXT(clock_of(rq, one, "response"), "240 runs");
    test_create(rq, "customer_company", "{\"party_id\": %s, \"segment\": \"gold\"}", party);
    one = test_create(rq, "service_case", "{\"subject\": \"x\", \"party_id\": %s}", party);
    CHECK_TEXT(clock_of(rq, one, "response"), "30 runs");
    CU_ASSERT_TRUE(gold != NULL);
    test_create(rq, "service_contract", "{\"party_id\": %s, \"policy_id\": %s}", party, bought);
    one = test_create(rq, "service_case", "{\"subject\": \"x\", \"party_id\": %s}", party);
    CHECK_TEXT(clock_of(rq, one, "resolution"), "20 runs");
    test_end(rq);
}

/* ------------------------------------------------------------------ rules, with time moved */

static void
scan(void)
{
    sql("UPDATE workflow_clock SET at = now() - interval '10 seconds'");
    publish();
    sql("UPDATE workflow_clock SET at = 'infinity'");
    run_all(app);
}

/* A case whose clocks run day and night, so that the test may be at any hour. */
static const char *
case_new(void)
{
    sql("UPDATE sla_policy SET calendar_id = (SELECT id FROM calendar WHERE code = 'ALWAYS')");
    struct rq *rq = begin_on(app);
    const char *id = test_create(rq, "service_case", "{\"subject\": \"Late?\"}");

    commit(rq);
    return id;
}

static void
move(const char *id, int minutes)
{
    sql("UPDATE sla_clock SET started_at = started_at - %d * interval '1 minute', ran ="
        " tstzmultirange(tstzrange(lower(ran) - %d * interval '1 minute', NULL)) WHERE case_id = %s",
        minutes, minutes, id);
}

static void
rules_begin(void)
{
    here = test_database();
    mem = arena_new();
    app = connect_to(here.app);
    owner = connect_to(here.admin);
    sql("DELETE FROM workflow_rule WHERE name NOT LIKE 'service.%%'");
    sql("UPDATE workflow_clock SET at = 'infinity'");
}

static const char told[] =
    "SELECT string_agg(u.login || ': ' || n.message, ', ' ORDER BY n.id)"
    " FROM notification n JOIN app_user u ON u.id = n.user_id";

static void
a_warning_and_an_escalation_come_once(void)
{
    rules_begin();
    const char *id = case_new();
    const char *number = sql("SELECT number FROM service_case WHERE id = %s", id);

    scan();
    CHECK_TEXT(sql("%s", told), NULL);
    move(id, 200); /* of 240: 80 percent are 192 */
    scan();
    scan();
    CHECK_TEXT(sql("%s", told), arena_printf(mem, "service: %s will soon be late: Late?", number));
    sql("DELETE FROM notification");
    move(id, 45); /* 245: late by five minutes */
    for (int i = 0; i < 3; i++)
        scan();
    CHECK_TEXT(sql("%s", told),
               arena_printf(mem, "service: %s is late: Late?, manager: %s is late: Late?", number,
                            number));
    /* raised once; the response that is late keeps the deadline that it missed */
    CHECK_TEXT(
        sql("SELECT c.priority || ' ' || string_agg(k.minutes::text, ' ' ORDER BY k.kind DESC)"
            " FROM service_case c JOIN sla_clock k ON k.case_id = c.id WHERE c.id = %s GROUP BY c.priority",
            id),
        "high 240 480");
    teardown();
}

static void
a_moment_that_comes_between_two_looks_is_seen_at_the_next_one(void)
{
    rules_begin();
    const char *id = case_new();

    scan();
    /* no event tells of it: the moment itself has come since the last look */
    sql("UPDATE event_cursor SET audit_id = audit_id");
    sql("ALTER TABLE sla_clock DISABLE TRIGGER audit_update");
    sql("UPDATE sla_clock SET ran = tstzmultirange(tstzrange(now() - interval '240 minutes', NULL))"
        " WHERE kind = 'response' AND case_id = %s",
        id);
    sql("DELETE FROM job");
    sql("UPDATE workflow_rule SET updated_at = now() - interval '1 day'");
    sql("UPDATE workflow_clock SET position = (SELECT position FROM event_cursor)");
    scan();
    CHECK_TEXT(sql("SELECT count(*) FROM notification WHERE message LIKE '%%is late%%'"), "2");
    teardown();
}

static void
a_resolved_case_is_closed_after_three_days(void)
{
    rules_begin();
    const char *id = case_new();
    struct rq *rq = begin_on(app);

    CU_ASSERT_TRUE(
        test_take(rq, "service_case", id, "resolve", "{\"resolution_kind\": \"answer\"}"));
    commit(rq);
    sql("UPDATE service_case SET resolved_at = now() - interval '71 hours' WHERE id = %s", id);
    scan();
    CHECK_TEXT(sql("SELECT state FROM service_case WHERE id = %s", id), "resolved");
    sql("UPDATE service_case SET resolved_at = now() - interval '73 hours' WHERE id = %s", id);
    scan();
    CHECK_TEXT(sql("SELECT state FROM service_case WHERE id = %s", id), "closed");
    rq = begin_on(app); /* soon after: open again; long after: another case */
    CU_ASSERT_TRUE(test_take(rq, "service_case", id, "receive", "{\"body\": \"No\"}"));
    CU_ASSERT_TRUE(test_take(rq, "service_case", id, "close", NULL));
    commit(rq);
    CHECK_TEXT(sql("SELECT concat_ws(' ', state, reopened) FROM service_case WHERE id = %s", id),
               "closed 1");
    sql("UPDATE service_case SET closed_at = now() - interval '15 days' WHERE id = %s", id);
    rq = begin_on(app);
    CU_ASSERT_TRUE(test_take(rq, "service_case", id, "receive", "{\"body\": \"Again\"}"));
    commit(rq);
    CHECK_TEXT(
        sql("SELECT concat_ws(' ', o.state, c.state, c.subject, m.body) FROM service_case c"
            " JOIN service_case o ON o.id = c.follows_id JOIN case_message m ON m.case_id = c.id"
            " WHERE o.id = %s",
            id),
        "closed new Late? Again");
    teardown();
}

static void
what_is_left_after_reopening_is_what_was_not_used(void)
{
    rules_begin();
    const char *id = case_new();
    struct rq *rq;

    /* ran for 100 minutes three hours ago, stopped since: 860 of 960 are left from now */
    rq = begin_on(app);
    CU_ASSERT_TRUE(
        test_take(rq, "service_case", id, "resolve", "{\"resolution_kind\": \"answer\"}"));
    commit(rq);
    sql("UPDATE sla_clock SET stopped_at = now() - interval '80 minutes', ran ="
        " tstzmultirange(tstzrange(now() - interval '180 minutes', now() - interval '80 minutes'))"
        " WHERE case_id = %s",
        id);
    CHECK_TEXT(
        sql("SELECT trim_scale(used_minutes)::text FROM sla_clock WHERE kind = 'resolution'"),
        "100");
    rq = begin_on(app);
    CU_ASSERT_TRUE(test_take(rq, "service_case", id, "reopen", NULL));
    commit(rq);
    CHECK_TEXT(
        sql("SELECT round(extract(epoch FROM due_at - upper(tstzrange(lower(ran), (SELECT updated_at"
            " FROM service_case WHERE id = %s)))) / 60) FROM sla_clock WHERE kind = 'resolution'",
            id),
        "860");
    teardown();
}

const struct test sla_tests[] = {
    { "deadlines skip nights, weekends and holidays and count a worked Saturday",
      deadlines_skip_nights_weekends_and_holidays_and_count_a_worked_saturday },
    { "a pause moves the deadline by the working time paused",
      a_pause_moves_the_deadline_by_the_working_time_paused },
    { "clocks follow the steps of their case", clocks_follow_the_steps_of_their_case },
    { "a contract goes before the segment, and that before the default",
      a_contract_goes_before_the_segment_and_that_before_the_default },
    { "a warning and an escalation come once", a_warning_and_an_escalation_come_once },
    { "a moment that comes between two looks is seen at the next one",
      a_moment_that_comes_between_two_looks_is_seen_at_the_next_one },
    { "a resolved case is closed after three days", a_resolved_case_is_closed_after_three_days },
    { "what is left after reopening is what was not used",
      what_is_left_after_reopening_is_what_was_not_used },
    { 0 },
};
