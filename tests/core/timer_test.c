/*
 * timer_test.c - rules of dates and schedules: each fires once.
 */
#include "tests/core/job_fixture.h"

static void
scan(void)
{
    sql("UPDATE workflow_clock SET at = now() - interval '10 seconds'");
    publish();
    sql("UPDATE workflow_clock SET at = 'infinity'");
}

static void
a_date_fires_once_for_each_record_and_date(void)
{
    setup();
    sql("INSERT INTO workflow_rule (name, entity, definition) VALUES ('t.close', 'opportunity',"
        " '{\"when\": {\"date\": \"close_date\", \"days\": 1}, \"if\": \"opportunity.state == ''open''\","
        "   \"then\": [{\"notify\": \"admin\", \"message\": \"{name} {close_date}\"}]}')");
    const char *id = lead("Lin");

    CU_ASSERT_TRUE(take(id, "convert"));
    sql("UPDATE opportunity SET close_date = current_date, name = 'O'");
    scan();
    CU_ASSERT_EQUAL(run_all(app), 0); /* a day later */
    sql("UPDATE opportunity SET close_date = current_date - 1");
    for (int i = 0; i < 3; i++) {
        scan();
        run_all(app);
    }
    sql("UPDATE workflow_clock SET position = 0"); /* as after a restart: look at all again */
    sql("UPDATE workflow_rule SET updated_at = now() + interval '1 hour'");
    scan();
    run_all(app);
    CHECK_TEXT(sql("SELECT count(*) FROM notification"), "1");
    sql("UPDATE opportunity SET close_date = current_date - 2");
    scan();
    CU_ASSERT_EQUAL(run_all(app), 1);
    CHECK_TEXT(sql("SELECT count(*) FROM notification"), "2");
    teardown();
}

static void
a_schedule_runs_once_in_its_time_for_the_records_that_it_names(void)
{
    setup();
    sql("DELETE FROM workflow_rule WHERE definition -> 'when' ? 'schedule'"); /* the shipped ones */
    rule(
        "t.pool",
        "{\"when\": {\"schedule\": \"1 day\", \"state\": [\"new\"]}, \"if\": \"lead.person ~= ''Ada''\","
        " \"then\": [" NOTE "]}");
    lead("Lin");
    lead("Ada");
    CU_ASSERT_TRUE(take(lead("Eve"), "qualify"));
    scan();
    scan();
    CHECK_TEXT(arena_printf(mem, "%d", run_all(app)), sql("SELECT count(*) FROM company"));
    CHECK_TEXT(sql("SELECT string_agg(message, ' ') FROM notification"), "Lin");
    sql("UPDATE job SET key = key || ' yesterday'");
    scan();
    run_all(app);
    CHECK_TEXT(sql("SELECT string_agg(message, ' ') FROM notification"), "Lin Lin");
    teardown();
}

const struct test timer_tests[] = {
    { "a date fires once for each record and date", a_date_fires_once_for_each_record_and_date },
    { "a schedule runs once in its time, for the records that it names",
      a_schedule_runs_once_in_its_time_for_the_records_that_it_names },
    { 0 },
};
