-- Working time: which hours of which days count, for lead times, capacity and service levels.
-- A calendar belongs to the group; each company names the one that it works by.

CREATE TABLE calendar (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code       text NOT NULL CONSTRAINT calendar_code_unique UNIQUE
               CONSTRAINT calendar_code_form CHECK (code ~ '^[^[:space:]]+$'),
    name       text NOT NULL CONSTRAINT calendar_name CHECK (name <> ''),
    name_zh    text,
    time_zone  text,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint,
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1
);
COMMENT ON TABLE calendar IS 'Calendar: the working hours that lead times, capacity and service levels count in';
COMMENT ON COLUMN calendar.code IS 'Code';
COMMENT ON COLUMN calendar.name IS 'Name';
COMMENT ON COLUMN calendar.name_zh IS 'Chinese name';
COMMENT ON COLUMN calendar.time_zone IS 'Time zone: empty: that of the company';
COMMENT ON CONSTRAINT calendar_code_unique ON calendar IS 'Another calendar has this code already';
COMMENT ON CONSTRAINT calendar_code_form ON calendar IS 'A code is one word without spaces';
COMMENT ON CONSTRAINT calendar_name ON calendar IS 'Give the calendar a name';
CALL table_register('calendar', 'table');

CREATE TABLE calendar_hours (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    calendar_id bigint NOT NULL REFERENCES calendar ON DELETE CASCADE,
    weekday     integer NOT NULL CONSTRAINT calendar_hours_weekday CHECK (weekday BETWEEN 1 AND 7),
    starts      time NOT NULL,
    ends        time NOT NULL,
    CONSTRAINT calendar_hours_in_order CHECK (starts < ends),
    CONSTRAINT calendar_hours_alone EXCLUDE USING gist (
        int8range(calendar_id, calendar_id, '[]') WITH &&, int4range(weekday, weekday, '[]') WITH &&,
        tsrange(date '2000-01-01' + starts, date '2000-01-01' + ends) WITH &&)
);
COMMENT ON TABLE calendar_hours IS 'Working hours: of a weekday';
COMMENT ON COLUMN calendar_hours.weekday IS 'Weekday: 1 is Monday, 7 is Sunday';
COMMENT ON COLUMN calendar_hours.starts IS 'From';
COMMENT ON COLUMN calendar_hours.ends IS 'To: 24:00 for the end of the day';
COMMENT ON CONSTRAINT calendar_hours_weekday ON calendar_hours IS 'A weekday is a number from 1 (Monday) to 7 (Sunday)';
COMMENT ON CONSTRAINT calendar_hours_in_order ON calendar_hours IS 'Working hours begin before they end';
COMMENT ON CONSTRAINT calendar_hours_alone ON calendar_hours IS 'These hours overlap others of the same day';
CALL table_register('calendar_hours', 'table');

-- A day that is not like its weekday: a holiday, or a day worked instead, with the hours of
-- another weekday.
CREATE TABLE calendar_exception (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    calendar_id bigint NOT NULL REFERENCES calendar ON DELETE CASCADE,
    day         date NOT NULL,
    like_weekday integer CONSTRAINT calendar_exception_weekday CHECK (like_weekday BETWEEN 1 AND 7),
    name        text,
    CONSTRAINT calendar_exception_once UNIQUE (calendar_id, day)
);
COMMENT ON TABLE calendar_exception IS 'Exception: a holiday, or a day that is worked like another one';
COMMENT ON COLUMN calendar_exception.day IS 'Day';
COMMENT ON COLUMN calendar_exception.like_weekday IS 'Worked like: the weekday whose hours count; empty: a holiday';
COMMENT ON COLUMN calendar_exception.name IS 'Name';
COMMENT ON CONSTRAINT calendar_exception_weekday ON calendar_exception IS 'A weekday is a number from 1 (Monday) to 7 (Sunday)';
COMMENT ON CONSTRAINT calendar_exception_once ON calendar_exception IS 'This day is in the calendar already';
CALL table_register('calendar_exception', 'table');

INSERT INTO calendar (code, name, name_zh) VALUES ('OFFICE', 'Office hours', '办公时间'), ('ALWAYS', 'Day and night', '全天候');
INSERT INTO calendar_hours (calendar_id, weekday, starts, ends)
SELECT c.id, d, time '09:00', time '17:00' FROM calendar c, generate_series(1, 5) d WHERE c.code = 'OFFICE'
UNION ALL
SELECT c.id, d, time '00:00', time '24:00' FROM calendar c, generate_series(1, 7) d WHERE c.code = 'ALWAYS';

ALTER TABLE company ADD COLUMN calendar_id bigint REFERENCES calendar;
COMMENT ON COLUMN company.calendar_id IS 'Calendar: empty: office hours';

INSERT INTO role (code, name) VALUES
    ('purchasing', 'Purchasing'), ('production', 'Production'), ('quality', 'Quality'), ('service', 'Service');
