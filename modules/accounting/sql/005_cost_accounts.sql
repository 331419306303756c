-- Accounts of production and service: what labour and machines give to work in progress, what
-- production orders cost more or less than planned, what warranty and repairs cost.
INSERT INTO chart_account (chart, code, parent, type, role, name, name_zh, postable) VALUES
('ifrs', '5040', '5000', 'expense', 'production_variance', 'Production variances', '生产差异', true),
('ifrs', '5050', '5000', 'expense', 'labour_applied', 'Production labour applied', '已分配生产人工', true),
('ifrs', '5060', '5000', 'expense', 'machine_applied', 'Machine time applied', '已分配机器费用', true),
('ifrs', '5070', '5000', 'expense', 'warranty_cost', 'Warranty and repairs', '保修与维修费用', true),
('cn_small', '410101', '4101', 'asset', 'labour_applied', 'Production labour applied', '已分配生产人工', true),
('cn_small', '410102', '4101', 'asset', 'machine_applied', 'Machine time applied', '已分配机器费用', true),
('cn_small', '540101', '5401', 'expense', 'production_variance', 'Production variances', '生产差异', true),
('cn_small', '560101', '5601', 'expense', 'warranty_cost', 'Warranty and repairs', '保修与维修费用', true);

-- Companies that have one of these charts already get them too.
INSERT INTO account (company_id, code, name, name_zh, type, role, postable, parent_id)
SELECT p.company_id, c.code, c.name, c.name_zh, c.type, c.role, c.postable, p.id
  FROM chart_account c JOIN account p ON p.code = c.parent
 WHERE c.role IN ('production_variance', 'labour_applied', 'machine_applied', 'warranty_cost')
   AND CASE c.chart WHEN 'ifrs' THEN p.code = '5000' ELSE p.code <> '5000' END
ON CONFLICT DO NOTHING;
