/*
 * calendar_test.c - working time: what a lead time and a service level count in.
 */
#include "tests/test.h"

/*
 * A workshop: Monday to Friday 8-12 and 13-17, eight hours a day, in Shanghai (UTC+8, no summer
 * time). Thursday 2026-10-01 to Wednesday 2026-10-07 are holidays; Saturday 2026-10-10 is
 * worked like a Wednesday.
 */
static const char *
workshop(struct rq *rq)
{
    const char *id = test_create(rq, "calendar",
                                 "{\"code\": \"WS\", \"name\": \"Workshop\","
                                 " \"time_zone\": \"Asia/Shanghai\"}");

    test_sql(rq,
             "INSERT INTO calendar_hours (calendar_id, weekday, starts, ends)"
             " SELECT %s, d, h.s, h.e FROM generate_series(1, 5) d,"
             " (VALUES (time '08:00', time '12:00'), (time '13:00', time '17:00')) h (s, e)",
             id);
    test_sql(rq,
             "INSERT INTO calendar_exception (calendar_id, day, name)"
             " SELECT %s, d::date, 'National Day' FROM generate_series(date '2026-10-01',"
             " date '2026-10-07', interval '1 day') d",
             id);
    test_sql(rq,
             "INSERT INTO calendar_exception (calendar_id, day, like_weekday, name)"
             " VALUES (%s, '2026-10-10', 3, 'Worked instead')",
             id);
    return id;
}

static const char *
later(struct rq *rq, const char *calendar, const char *since, const char *amount)
{
    return test_sql(rq,
                    "SELECT to_char(calendar_add(%s, timestamptz '%s+08', interval '%s')"
                    " AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM-DD HH24:MI')",
                    calendar, since, amount);
}

static const char *
worked(struct rq *rq, const char *calendar, const char *since, const char *until)
{
    return test_sql(rq, "SELECT calendar_between(%s, timestamptz '%s+08', timestamptz '%s+08')",
                    calendar, since, until);
}

static void
working_time_passes_in_working_hours_only(void)
{
    struct rq *rq = test_begin();
    const char *c = workshop(rq);

    /* Friday 16:00 + 3 h: one on Friday, Saturday and Sunday nothing, two on Monday. */
    CHECK_TEXT(later(rq, c, "2026-09-18 16:00", "3 hours"), "2026-09-21 10:00");
    /* Over noon: 11:30 + 1 h is half an hour before and half an hour after the break. */
    CHECK_TEXT(later(rq, c, "2026-09-21 11:30", "1 hour"), "2026-09-21 13:30");
    /* What begins at night begins in the morning; nothing at all takes until then. */
    CHECK_TEXT(later(rq, c, "2026-09-21 22:00", "30 minutes"), "2026-09-22 08:30");
    CHECK_TEXT(later(rq, c, "2026-09-26 12:00", "0"), "2026-09-28 08:00");
    /* A full day ends where the day ends, not where the next one begins. */
    CHECK_TEXT(later(rq, c, "2026-09-21 08:00", "8 hours"), "2026-09-21 17:00");
    test_end(rq);
}

static void
holidays_do_not_count_and_a_worked_saturday_does(void)
{
    struct rq *rq = test_begin();
    const char *c = workshop(rq);

    /* Wednesday 30 Sep 15:00 + 4 h: two until 17:00, a week of holidays, two on Thursday 8 Oct. */
    CHECK_TEXT(later(rq, c, "2026-09-30 15:00", "4 hours"), "2026-10-08 10:00");
    /* Friday 9 Oct 16:00 + 2 h: one on Friday, one on the worked Saturday. */
    CHECK_TEXT(later(rq, c, "2026-10-09 16:00", "2 hours"), "2026-10-10 09:00");
    /* From 30 Sep 08:00 to 12 Oct 08:00: Wed 8, Thu 8, Fri 8, Sat 8 hours. */
    CHECK_TEXT(worked(rq, c, "2026-09-30 08:00", "2026-10-12 08:00"), "32:00:00");
    CHECK_TEXT(worked(rq, c, "2026-10-02 00:00", "2026-10-06 23:59"), "00:00:00");
    CHECK_TEXT(worked(rq, c, "2026-09-22 00:00", "2026-09-21 00:00"), "00:00:00");
    test_end(rq);
}

static void
working_time_is_counted_back_as_well(void)
{
    struct rq *rq = test_begin();
    const char *c = workshop(rq);

    /* Monday 09:00 - 3 h: one on Monday, two on Friday before 17:00. */
    CHECK_TEXT(later(rq, c, "2026-09-21 09:00", "-3 hours"), "2026-09-18 15:00");
    CHECK_TEXT(later(rq, c, "2026-10-08 10:00", "-4 hours"), "2026-09-30 15:00");
    test_end(rq);
}

static void
lead_times_count_working_days(void)
{
    struct rq *rq = test_begin();
    const char *c = workshop(rq);

    CHECK_TEXT(test_sql(rq, "SELECT calendar_day_add(%s, '2026-09-30', 1)", c), "2026-10-08");
    CHECK_TEXT(test_sql(rq, "SELECT calendar_day_add(%s, '2026-10-09', 1)", c), "2026-10-10");
    CHECK_TEXT(test_sql(rq, "SELECT calendar_day_add(%s, '2026-10-12', -1)", c), "2026-10-10");
    CHECK_TEXT(test_sql(rq, "SELECT calendar_day_add(%s, '2026-09-26', 0)", c), "2026-09-28");
    CHECK_TEXT(test_sql(rq, "SELECT calendar_day_add(%s, '2026-09-25', 0)", c), "2026-09-25");
    /* A calendar without hours never comes to an end: no date, and no endless search. */
    CHECK_TEXT(test_sql(rq, "SELECT calendar_day_add(%s, '2026-09-25', 3)",
                        test_create(rq, "calendar", "{\"code\": \"NONE\", \"name\": \"None\"}")),
               NULL);
    test_end(rq);
}

/* Splitting an amount anywhere changes nothing, and counting what passed gives it back. */
static void
what_is_added_is_what_lies_between(void)
{
    struct rq *rq = test_begin();
    const char *c = workshop(rq);

    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT count(*) FROM ("
            " SELECT t, a, b, calendar_add(%s, t, a + b) AS whole,"
            "        calendar_add(%s, calendar_add(%s, t, a), b) AS parts"
            "   FROM (SELECT timestamptz '2026-09-20 00:00+00' + n * interval '197 minutes' AS t,"
            "                (n * 7 %% 400 + 1) * interval '3 minutes' AS a,"
            "                (n * 13 %% 700 + 1) * interval '1 minute' AS b"
            "           FROM generate_series(0, 250) n) s) x"
            " WHERE whole IS DISTINCT FROM parts"
            "    OR calendar_between(%s, t, whole) <> a + b",
            c, c, c, c),
        "0");
    test_end(rq);
}

static void
hours_that_overlap_are_refused(void)
{
    struct rq *rq = test_begin();
    const char *c = workshop(rq);
    const struct error *e =
        test_refused(rq,
                     "INSERT INTO calendar_hours (calendar_id, weekday, starts, ends)"
                     " VALUES (%s, 1, '11:00', '14:00')",
                     c);

    CHECK_TEXT(e ? e->message : NULL, "These hours overlap others of the same day");
    e = test_refused(rq, "UPDATE calendar_hours SET ends = starts WHERE calendar_id = %s", c);
    CHECK_TEXT(e ? e->message : NULL, "Working hours begin before they end");
    test_end(rq);
}

const struct test calendar_tests[] = {
    { "working time passes in working hours only", working_time_passes_in_working_hours_only },
    { "holidays do not count and a worked Saturday does",
      holidays_do_not_count_and_a_worked_saturday_does },
    { "working time is counted back as well", working_time_is_counted_back_as_well },
    { "lead times count working days", lead_times_count_working_days },
    { "what is added is what lies between", what_is_added_is_what_lies_between },
    { "hours that overlap are refused", hours_that_overlap_are_refused },
    { 0 },
};
