-- Arithmetic of working time. Moments are timestamptz; a calendar without a zone works in the
-- company's. Run again at every upgrade.

-- The calendar that the company works by.
CREATE OR REPLACE FUNCTION app_calendar() RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT c.calendar_id FROM company c WHERE c.id = app_company()),
                    (SELECT c.id FROM calendar c WHERE c.code = 'OFFICE'));
END $$;

CREATE OR REPLACE FUNCTION calendar_zone(calendar bigint) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT c.time_zone FROM calendar c WHERE c.id = calendar_zone.calendar),
                    nullif(current_setting('tenon.time_zone', true), ''), 'UTC');
END $$;

-- The stretches of work on a day, in order; none on a holiday.
CREATE OR REPLACE FUNCTION calendar_day(calendar bigint, on_day date)
    RETURNS TABLE (starts timestamptz, ends timestamptz)
    LANGUAGE plpgsql STABLE ROWS 2 SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    like_day integer := extract(isodow FROM on_day);
    zone    text := calendar_zone(calendar);
    special calendar_exception;
BEGIN
    SELECT * INTO special FROM calendar_exception e WHERE e.calendar_id = calendar AND e.day = on_day;
    IF FOUND THEN
        like_day := special.like_weekday;
    END IF;
    RETURN QUERY
    SELECT (on_day + h.starts) AT TIME ZONE zone, (on_day + h.ends) AT TIME ZONE zone
      FROM calendar_hours h WHERE h.calendar_id = calendar AND h.weekday = like_day ORDER BY h.starts;
EXCEPTION WHEN invalid_parameter_value THEN
    PERFORM fail('invalid', 'time_zone', 'There is no time zone %s', zone);
END $$;

-- The moment at which this much working time has passed since another one; a negative amount
-- looks back. Null when the calendar has no such time within ten years.
CREATE OR REPLACE FUNCTION calendar_add(calendar bigint, since timestamptz, amount interval) RETURNS timestamptz
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    back    boolean := amount < interval '0';
    rest    interval := CASE WHEN amount < interval '0' THEN -amount ELSE amount END;
    day     date := (since AT TIME ZONE calendar_zone(calendar))::date;
    stretch record;
    part    interval;
BEGIN
    FOR n IN 0 .. 3660 LOOP
        FOR stretch IN SELECT * FROM calendar_day(calendar, day + CASE WHEN back THEN -n ELSE n END) s
                        ORDER BY CASE WHEN back THEN s.ends END DESC, s.starts
        LOOP
            part := CASE WHEN back THEN least(stretch.ends, since) - stretch.starts
                         ELSE stretch.ends - greatest(stretch.starts, since) END;
            CONTINUE WHEN part <= interval '0';
            IF part >= rest THEN
                RETURN CASE WHEN back THEN least(stretch.ends, since) - rest ELSE greatest(stretch.starts, since) + rest END;
            END IF;
            rest := rest - part;
        END LOOP;
    END LOOP;
    RETURN NULL;
END $$;

-- Working time between two moments; none when they are in the wrong order.
CREATE OR REPLACE FUNCTION calendar_between(calendar bigint, since timestamptz, until timestamptz) RETURNS interval
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    zone text := calendar_zone(calendar);
BEGIN
    RETURN (SELECT coalesce(sum(greatest(least(s.ends, until) - greatest(s.starts, since), interval '0')), interval '0')
              FROM generate_series((since AT TIME ZONE zone)::date, (until AT TIME ZONE zone)::date, interval '1 day') d,
                   calendar_day(calendar, d::date) s);
END $$;

-- The n-th working day after a day, or before it (n < 0); 0: the day itself, or the next
-- one that is worked. Null when there is none within ten years.
CREATE OR REPLACE FUNCTION calendar_day_add(calendar bigint, on_day date, n integer) RETURNS date
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    step integer := CASE WHEN n < 0 THEN -1 ELSE 1 END;
    rest integer := abs(n);
    day  date := on_day;
BEGIN
    FOR k IN 0 .. 3660 LOOP
        IF (k > 0 OR n = 0) AND EXISTS (SELECT FROM calendar_day(calendar, day)) THEN
            rest := rest - 1;
            IF rest <= 0 THEN
                RETURN day;
            END IF;
        END IF;
        day := day + step;
    END LOOP;
    RETURN NULL;
END $$;
GRANT EXECUTE ON FUNCTION app_calendar, calendar_day, calendar_add, calendar_between, calendar_day_add TO tenon_app;
