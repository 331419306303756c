-- The demo company's things: a fictional joinery that sells timber, tools and hardware, in
-- English and Chinese. Run once, as its administrator, with the context of the company; every
-- name, address and number is invented.

-- ------------------------------------------------------------------ people: one for each role
-- They sign in with the administrator's password.
SELECT password_set(user_create(u.login, u.name, u.language, ARRAY[c.code], ARRAY[u.role]),
                    (SELECT s.password FROM user_secret s WHERE s.user_id = app_user_id()))
  FROM company c,
       (VALUES ('manager', 'Marta Example', 'en', 'manager'), ('sales', 'Sam Sample', 'en', 'sales'),
               ('lin', '林示例', 'zh', 'sales'), ('finance', 'Fiona Fictional', 'en', 'finance'),
               ('warehouse', '王样本', 'zh', 'warehouse'), ('viewer', 'Victor Viewer', 'en', 'viewer'))
       AS u (login, name, language, role)
 WHERE c.id = app_company();

-- ------------------------------------------------------------------ goods
INSERT INTO item_category (code, name, name_zh) VALUES
    ('TIMBER', 'Timber', '木材'), ('TOOLS', 'Tools', '工具'), ('HARDWARE', 'Hardware', '五金'),
    ('FINISH', 'Finishes', '涂料'), ('SERVICE', 'Services', '服务');

INSERT INTO item (code, name, name_zh, description, description_zh, kind, uom_id, category_id, tax_category_id,
                  list_price, list_currency_code, costing)
SELECT v.code, v.name, v.name_zh, v.name, v.name_zh, v.kind, u.id, c.id, t.id, v.price, 'USD',
       CASE v.category WHEN 'TIMBER' THEN 'fifo' ELSE 'average' END
  FROM (VALUES
    ('OAK-25', 'Oak board 25 mm', '橡木板 25毫米', 'stocked', 'MTR', 'TIMBER', 18.50),
    ('OAK-40', 'Oak board 40 mm', '橡木板 40毫米', 'stocked', 'MTR', 'TIMBER', 29.90),
    ('ASH-25', 'Ash board 25 mm', '白蜡木板 25毫米', 'stocked', 'MTR', 'TIMBER', 14.20),
    ('WALNUT-25', 'Walnut board 25 mm', '胡桃木板 25毫米', 'stocked', 'MTR', 'TIMBER', 41.00),
    ('PINE-40', 'Pine beam 40 x 60 mm', '松木方 40x60毫米', 'stocked', 'MTR', 'TIMBER', 4.75),
    ('PLY-18', 'Birch plywood 18 mm', '桦木胶合板 18毫米', 'stocked', 'XST', 'TIMBER', 62.00),
    ('CHISEL-12', 'Bench chisel 12 mm', '木工凿 12毫米', 'stocked', 'EA', 'TOOLS', 27.50),
    ('CHISEL-SET', 'Bench chisels, set of six', '木工凿六件套', 'stocked', 'SET', 'TOOLS', 139.00),
    ('SAW-TENON', 'Tenon saw 300 mm', '夹背榫锯 300毫米', 'stocked', 'EA', 'TOOLS', 58.00),
    ('SAW-DOVE', 'Dovetail saw 200 mm', '燕尾锯 200毫米', 'stocked', 'EA', 'TOOLS', 64.00),
    ('PLANE-4', 'Smoothing plane no. 4', '4号细刨', 'stocked', 'EA', 'TOOLS', 149.00),
    ('MALLET', 'Beech mallet', '榉木槌', 'stocked', 'EA', 'TOOLS', 32.00),
    ('GAUGE', 'Mortise gauge', '榫眼划线规', 'stocked', 'EA', 'TOOLS', 38.40),
    ('CLAMP-600', 'Bar clamp 600 mm', 'F形夹 600毫米', 'stocked', 'EA', 'TOOLS', 21.90),
    ('SCREW-50', 'Wood screws 5 x 50 mm', '木螺钉 5x50毫米', 'stocked', 'XBX', 'HARDWARE', 9.80),
    ('HINGE-76', 'Brass hinge 76 mm', '黄铜合页 76毫米', 'stocked', 'PR', 'HARDWARE', 12.60),
    ('DOWEL-10', 'Beech dowels 10 mm', '榉木圆棒榫 10毫米', 'stocked', 'XBG', 'HARDWARE', 6.40),
    ('OIL-1L', 'Hard wax oil 1 l', '硬质木蜡油 1升', 'stocked', 'XCA', 'FINISH', 34.00),
    ('CUTTING', 'Cutting to size', '定尺裁切', 'service', 'HUR', 'SERVICE', 48.00),
    ('FREIGHT', 'Freight', '运费', 'service', 'EA', 'SERVICE', 35.00))
       AS v (code, name, name_zh, kind, uom, category, price)
  JOIN uom u ON u.code = v.uom
  JOIN item_category c ON c.code = v.category
  JOIN tax_category t ON t.code = CASE v.kind WHEN 'service' THEN 'service' ELSE 'standard' END
 ORDER BY c.id, v.code;

-- Opening stock at 60 % of the list price; little walnut, so that an order can fall short.
INSERT INTO stock_opening (item_id, quantity, unit_cost)
SELECT id, CASE code WHEN 'WALNUT-25' THEN 40 WHEN 'PLY-18' THEN 120 ELSE 600 END, round(list_price * 0.6, 2)
  FROM item WHERE kind = 'stocked' ORDER BY id;

-- ------------------------------------------------------------------ prices
INSERT INTO price_list (code, name, name_zh, currency_code) VALUES ('TRADE', 'Trade customers', '贸易客户价', 'USD');
INSERT INTO price_rule (price_list_id, category_id, min_quantity, method, percent, note)
SELECT p.id, c.id, r.quantity, 'discount', r.percent, r.note
  FROM price_list p, item_category c,
       (VALUES ('TIMBER', 0, 5, 'Timber for the trade'), ('TIMBER', 100, 12, 'Timber from 100'),
               ('TOOLS', 0, 8, 'Tools for the trade')) AS r (category, quantity, percent, note)
 WHERE p.code = 'TRADE' AND p.company_id = app_company() AND c.code = r.category;

-- ------------------------------------------------------------------ customers and suppliers
CREATE TEMPORARY TABLE demo_party (
    code text, name text, name_zh text, country text, street text, city text, postal text, segment text,
    credit numeric, list text, term text, email text) ON COMMIT DROP;
INSERT INTO demo_party VALUES
    ('C-1001', 'Fable Furniture Ltd (fictional)', '寓言家具有限公司（虚构）', 'GB', '1 Example Lane', 'Sampleton', 'ZZ1 1ZZ', 'trade', 20000, 'TRADE', 'NET30', 'orders@fable.example'),
    ('C-1002', 'Musterholz GmbH (fictional)', '样本木业（虚构）', 'DE', 'Musterweg 2', 'Musterstadt', '00002', 'trade', 30000, 'TRADE', 'NET30', 'einkauf@musterholz.example'),
    ('C-1003', 'Atelier Exemple SARL (fictional)', '示例工作室（虚构）', 'FR', '3 rue de l''Exemple', 'Villefictive', '00003', 'trade', 15000, 'TRADE', 'NET60', 'achats@atelier.example'),
    ('C-1004', 'Jingyan Furniture Co (fictional)', '景研家具有限公司（虚构）', 'CN', '虚构路4号', '样例市', '000004', 'trade', 50000, 'TRADE', 'NET30', 'caigou@jingyan.example'),
    ('C-1005', 'Placeholder Kitchens Inc (fictional)', '占位厨房公司（虚构）', 'US', '5 Placeholder Ave', 'Nowhere Springs', '00005', 'trade', 25000, 'TRADE', 'NET30', 'buy@placeholder.example'),
    ('C-1006', 'Imaginary Boats BV (fictional)', '想象船艇公司（虚构）', 'NL', 'Voorbeeldkade 6', 'Fantasiedam', '0006 ZZ', 'trade', NULL, 'TRADE', 'NET30', 'werf@boats.example'),
    ('C-1007', 'Model Theatre Workshop (fictional)', '模型剧院工坊（虚构）', 'GB', '7 Prop Street', 'Stageham', 'ZZ7 7ZZ', 'retail', 3000, NULL, 'NET30', 'workshop@theatre.example'),
    ('C-1008', 'Nora Nobody', '诺拉·无名', 'US', '8 Anystreet', 'Anytown', '00008', 'retail', 500, NULL, 'NOW', 'nora@nobody.example'),
    ('C-1009', 'Zhang Yangli', '张样例', 'CN', '示范街9号', '样例市', '000009', 'retail', 800, NULL, 'NOW', 'zhang@yangli.example'),
    ('C-1010', 'Specimen Schools Trust (fictional)', '标本学校基金（虚构）', 'GB', '10 Chalk Road', 'Sampleton', 'ZZ1 0ZZ', 'public', 12000, NULL, 'NET60', 'office@specimen.example'),
    ('C-1011', 'Sin Nombre Muebles SA (fictional)', '无名家具（虚构）', 'ES', 'Calle Ejemplo 11', 'Villaficticia', '00011', 'trade', 10000, 'TRADE', 'NET30', 'compras@sinnombre.example'),
    ('C-1012', 'Kari Nordmann Snekkeri (fictional)', '北方木工坊（虚构）', 'NO', 'Eksempelveien 12', 'Eksempelvik', '0012', 'trade', 8000, 'TRADE', 'NET30', 'post@snekkeri.example'),
    ('S-2001', 'Hypothetical Sawmill Ltd (fictional)', '假想锯木厂（虚构）', 'FI', 'Esimerkkitie 1', 'Keksittylä', '00021', NULL, NULL, NULL, NULL, 'sales@sawmill.example'),
    ('S-2002', 'Fictive Tools KG (fictional)', '虚拟工具厂（虚构）', 'DE', 'Beispielallee 22', 'Musterstadt', '00022', NULL, NULL, NULL, NULL, 'verkauf@tools.example');

INSERT INTO party (code, name, name_zh, kind, is_customer, is_supplier, country_code, language)
SELECT code, name, name_zh, CASE WHEN segment = 'retail' AND name !~ 'fictional' THEN 'person' ELSE 'organisation' END,
       code LIKE 'C-%', code LIKE 'S-%', country, CASE country WHEN 'CN' THEN 'zh' ELSE 'en' END
  FROM demo_party ORDER BY code;
INSERT INTO party_address (party_id, purpose, street, city, postal_code, country_code, is_default)
SELECT p.id, a.purpose, d.street, d.city, d.postal, d.country, true
  FROM demo_party d JOIN party p USING (code), (VALUES ('billing'), ('shipping')) AS a (purpose)
 ORDER BY d.code, a.purpose;
INSERT INTO contact_point (party_id, kind, value, is_primary)
SELECT p.id, 'email', d.email, true FROM demo_party d JOIN party p USING (code) ORDER BY d.code;
INSERT INTO customer_company (party_id, segment, credit_limit, payment_term_id, price_list_id, salesperson_id)
SELECT p.id, d.segment, d.credit, t.id, l.id, u.id
  FROM demo_party d
  JOIN party p USING (code)
  JOIN payment_term t ON t.code = d.term AND t.company_id = app_company()
  LEFT JOIN price_list l ON l.code = d.list AND l.company_id = app_company()
  JOIN app_user u ON u.login = CASE d.country WHEN 'CN' THEN 'lin' ELSE 'sales' END
 WHERE d.segment IS NOT NULL ORDER BY d.code;
