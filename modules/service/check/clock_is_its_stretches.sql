-- title: A service clock is due when its stretches and its calendar say, and has used what they add up to
SELECT k.company_id, k.id, k.due_at, k.used_minutes
  FROM sla_clock k
 WHERE k.paused_at IS NULL AND k.stopped_at IS NULL
       AND k.due_at IS DISTINCT FROM sla_moment(k.calendar_id, k.ran, k.minutes * interval '1 minute')
    OR (k.paused_at IS NOT NULL OR k.stopped_at IS NOT NULL) AND k.used_minutes
       <> round(extract(epoch FROM sla_used(k.calendar_id, k.ran, 'infinity')) / 60, 2)
