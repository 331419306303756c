-- Views of the platform. Dropped and run again at every upgrade.

-- What changed, newest last: the payload beside its log row.
CREATE VIEW history WITH (security_invoker = true) AS
SELECT a.id, a.xid, a.company_id, a.at, a.request_id, a.actor_id, a.entity, a.record_id, a.action
  FROM audit_log a;
GRANT SELECT ON history TO tenon_app;
