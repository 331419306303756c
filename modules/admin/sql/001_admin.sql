-- Administration: who may do what with the platform's own tables. Labels of those tables that
-- their definitions leave out.

INSERT INTO permission (role_id, entity, action)
SELECT r.id, e.entity, a.action
  FROM (VALUES ('company', 'read'), ('app_user', 'read change_password'), ('currency', 'read'), ('country', 'read'),
               ('activity', 'read create change delete done'), ('notification', 'read mark_read'),
               ('import_batch', 'read')) e (entity, actions)
 CROSS JOIN role r CROSS JOIN unnest(string_to_array(e.actions, ' ')) a (action)
 WHERE r.code IN ('manager', 'sales', 'finance', 'warehouse')
    OR r.code = 'viewer' AND (e.entity, a.action) IN (('app_user', 'change_password'), ('notification', 'mark_read'))
ON CONFLICT DO NOTHING;
INSERT INTO permission (role_id, entity, action)
SELECT r.id, e.entity, a.action
  FROM (VALUES ('manager', 'setting', 'create change'), ('manager', 'number_series', 'change'),
               ('finance', 'number_series', 'read change'), ('finance', 'currency', 'change')) e (role, entity, actions)
  JOIN role r ON r.code = e.role, unnest(string_to_array(e.actions, ' ')) a (action)
ON CONFLICT DO NOTHING;

COMMENT ON CONSTRAINT company_code_key ON company IS 'Another company has this code already';
COMMENT ON CONSTRAINT role_code_key ON role IS 'Another role has this code already';
COMMENT ON CONSTRAINT currency_code_key ON currency IS 'Another currency has this code already';
COMMENT ON CONSTRAINT country_code_key ON country IS 'Another country has this code already';
COMMENT ON CONSTRAINT user_role_user_id_role_id_key ON user_role IS 'The user has this role already';
COMMENT ON CONSTRAINT permission_role_id_entity_action_key ON permission IS 'The role has this permission already';
COMMENT ON CONSTRAINT setting_company_id_name_key ON setting IS 'There is a setting of this name already';
COMMENT ON CONSTRAINT number_series_company_id_code_key ON number_series IS 'There is a number series of this code already';
COMMENT ON CONSTRAINT app_user_language_check ON app_user IS 'The language is en or zh';
COMMENT ON CONSTRAINT app_user_default_company_id_fkey ON app_user IS 'There is no such company';
