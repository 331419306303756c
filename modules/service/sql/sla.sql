-- Service clocks: exact in working time, through pauses and reopening. They follow the case in
-- the same transaction. Run again at every upgrade.

-- When so much working time was used up in the stretches in which a clock ran; null: not yet,
-- and it does not run.
CREATE OR REPLACE FUNCTION sla_moment(calendar bigint, ran tstzmultirange, amount interval) RETURNS timestamptz
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    rest    interval := amount;
    part    interval;
    stretch tstzrange;
BEGIN
    FOR stretch IN SELECT s FROM unnest(ran) s ORDER BY lower(s) LOOP
        IF NOT upper_inf(stretch) THEN
            part := calendar_between(calendar, lower(stretch), upper(stretch));
            IF part < rest THEN
                rest := rest - part;
                CONTINUE;
            END IF;
        END IF;
        RETURN calendar_add(calendar, lower(stretch), rest);
    END LOOP;
    RETURN NULL;
END $$;

-- Working time in those stretches until a moment.
CREATE OR REPLACE FUNCTION sla_used(calendar bigint, ran tstzmultirange, until timestamptz) RETURNS interval
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(sum(calendar_between(calendar, lower(s), upper(s))), interval '0')
              FROM unnest(ran * tstzmultirange(tstzrange(NULL, until))) s);
END $$;
GRANT EXECUTE ON FUNCTION sla_moment, sla_used TO tenon_app;

-- What follows from the stretches: when it is due, when to warn, what was used. A stopped clock
-- shows when it would have been due. A warning that was given stays where it was, so that it
-- is given once.
CREATE OR REPLACE FUNCTION sla_clock_work() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    goes_on tstzmultirange := NEW.ran + CASE WHEN NEW.stopped_at IS NULL THEN '{}'
                                        ELSE tstzmultirange(tstzrange(NEW.stopped_at, NULL)) END;
    target  interval := NEW.minutes * interval '1 minute';
BEGIN
    NEW.due_at := sla_moment(NEW.calendar_id, goes_on, target);
    NEW.warn_at := sla_moment(NEW.calendar_id, goes_on, target * NEW.warn_percent / 100);
    IF TG_OP = 'UPDATE' AND OLD.warn_at <= now() AND NEW.warn_at <= now() THEN
        NEW.warn_at := OLD.warn_at;
    END IF;
    NEW.used_minutes := round(extract(epoch FROM sla_used(NEW.calendar_id, NEW.ran, least(now(),
                                  coalesce(NEW.stopped_at, NEW.paused_at, now())))) / 60, 2);
    NEW.breached := coalesce(NEW.due_at < coalesce(NEW.stopped_at, NEW.paused_at, now()), false);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER work BEFORE INSERT OR UPDATE ON sla_clock FOR EACH ROW EXECUTE FUNCTION sla_clock_work();

CREATE OR REPLACE FUNCTION sla_clock_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fail('in_use', NULL, 'A clock stays with its case');
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER stays BEFORE DELETE ON sla_clock
    FOR EACH ROW WHEN (current_user <> 'tenon_owner') EXECUTE FUNCTION sla_clock_stays();

-- ------------------------------------------------------------------ which service level
-- What the customer has bought; else what holds for his segment; else the default.
CREATE OR REPLACE FUNCTION sla_policy_for(in_company bigint, party bigint, on_day date) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    SELECT coalesce(
        (SELECT s.policy_id FROM service_contract s JOIN sla_policy p ON p.id = s.policy_id AND p.active
          WHERE s.company_id = in_company AND s.party_id = party
            AND s.valid_from <= on_day AND coalesce(s.valid_to, 'infinity') >= on_day),
        (SELECT p.id FROM customer_company c JOIN sla_policy p ON p.company_id = c.company_id AND p.segment = c.segment AND p.active
          WHERE c.company_id = in_company AND c.party_id = party),
        (SELECT p.id FROM sla_policy p WHERE p.company_id = in_company AND p.is_default AND p.active)) $$;
GRANT EXECUTE ON FUNCTION sla_policy_for TO tenon_app;

/*
 * The clocks of a case as its customer, queue and priority want them: started with the case, the
 * target of today's priority counts from that start. A clock that is overdue, or stopped for
 * good, stays as it is: that was a fact.
 */
CREATE OR REPLACE FUNCTION sla_clocks_set(c service_case) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    policy sla_policy;
BEGIN
    SELECT p.* INTO policy FROM sla_policy p
     WHERE p.id = sla_policy_for(c.company_id, c.party_id,
                                 (c.created_at AT TIME ZONE coalesce(nullif(current_setting('tenon.time_zone', true), ''), 'UTC'))::date);
    IF policy.id IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO sla_clock AS k (company_id, case_id, kind, policy_id, calendar_id, minutes, warn_percent, started_at, ran)
    SELECT c.company_id, c.id, d.kind, policy.id,
           coalesce(policy.calendar_id, (SELECT q.calendar_id FROM service_queue q WHERE q.id = c.queue_id), app_calendar()),
           d.minutes, policy.warn_percent, c.created_at, tstzmultirange(tstzrange(c.created_at, NULL))
      FROM sla_target t, LATERAL (VALUES ('response', t.first_response), ('resolution', t.resolution)) d (kind, minutes)
     WHERE t.policy_id = policy.id AND t.priority = c.priority AND d.minutes IS NOT NULL
       AND (d.kind = 'resolution' OR c.first_responded_at IS NULL OR EXISTS (SELECT FROM sla_clock x
             WHERE x.case_id = c.id AND x.kind = 'response'))
    ON CONFLICT (case_id, kind) DO UPDATE
       SET policy_id = excluded.policy_id, calendar_id = excluded.calendar_id, minutes = excluded.minutes,
           warn_percent = excluded.warn_percent
     WHERE (k.due_at IS NULL OR k.due_at > now()) AND (k.stopped_at IS NULL OR k.kind = 'resolution')
       AND (k.policy_id, k.calendar_id, k.minutes, k.warn_percent)
           IS DISTINCT FROM (excluded.policy_id, excluded.calendar_id, excluded.minutes, excluded.warn_percent);
END $$;

CREATE OR REPLACE FUNCTION service_case_start_clocks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM sla_clocks_set(NEW);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER clocks_start AFTER INSERT ON service_case
    FOR EACH ROW EXECUTE FUNCTION service_case_start_clocks();

/*
 * What a step of the case does to its clocks. Waiting for the customer pauses both; the first
 * response stops one, resolution or closing both; a case that is reopened goes on with what was
 * left for its resolution.
 */
CREATE OR REPLACE FUNCTION service_case_follow_clocks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    onwards tstzmultirange := tstzmultirange(tstzrange(now(), NULL));
    ended   boolean := NEW.state IN ('resolved', 'closed');
    waits   boolean := NEW.state = 'waiting';
BEGIN
    UPDATE sla_clock k
       SET ran = k.ran - onwards + CASE WHEN s.stopped OR waits THEN '{}'::tstzmultirange ELSE onwards END,
           stopped_at = CASE WHEN s.stopped THEN coalesce(k.stopped_at, now()) END,
           paused_at = CASE WHEN NOT s.stopped AND waits THEN coalesce(k.paused_at, now()) END
      FROM (SELECT x.id, ended OR x.kind = 'response' AND (NEW.first_responded_at IS NOT NULL OR x.stopped_at IS NOT NULL) AS stopped
              FROM sla_clock x WHERE x.case_id = NEW.id) s
     WHERE k.id = s.id AND ((s.stopped, waits AND NOT s.stopped) IS DISTINCT FROM (k.stopped_at IS NOT NULL, k.paused_at IS NOT NULL));
    PERFORM sla_clocks_set(NEW);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER clocks_follow AFTER UPDATE ON service_case FOR EACH ROW
    WHEN ((OLD.state, OLD.priority, OLD.party_id, OLD.queue_id, OLD.first_responded_at) IS DISTINCT FROM
          (NEW.state, NEW.priority, NEW.party_id, NEW.queue_id, NEW.first_responded_at))
    EXECUTE FUNCTION service_case_follow_clocks();

-- A case that may go takes its clocks along.
CREATE OR REPLACE FUNCTION service_case_drop_clocks() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    DELETE FROM sla_clock WHERE case_id = OLD.id;
    RETURN OLD;
END $$;
CREATE OR REPLACE TRIGGER clocks_drop BEFORE DELETE ON service_case
    FOR EACH ROW EXECUTE FUNCTION service_case_drop_clocks();
