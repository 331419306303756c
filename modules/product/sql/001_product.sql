-- Products: what is bought, made, kept and sold; the units that it is counted in and how they
-- convert, exactly; its categories, barcodes and tax category.

-- GS1: from the right, digits count 1 and 3 in turn, the check digit making their sum a ten.
CREATE FUNCTION gtin_valid(code text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT code ~ '^([0-9]{8}|[0-9]{12,14})$'
       AND (SELECT sum(d::integer * CASE n % 2 WHEN 1 THEN 1 ELSE 3 END)
              FROM unnest(string_to_array(reverse(code), NULL)) WITH ORDINALITY u (d, n)) % 10 = 0 $$;
GRANT EXECUTE ON FUNCTION gtin_valid TO tenon_app;

-- ------------------------------------------------------------------ units
-- One of a unit is numerator/denominator of its dimension's reference: a star, so that no two
-- conversions can contradict each other. Units without a ratio (a box) convert by item only.
CREATE TABLE uom (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code        text NOT NULL CONSTRAINT uom_code_unique UNIQUE
                CONSTRAINT uom_code_form CHECK (code ~ '^[A-Z0-9]{2,3}$'),
    name        text NOT NULL,
    name_zh     text,
    symbol      text,
    dimension   text NOT NULL CHECK (dimension IN
                ('count', 'mass', 'length', 'area', 'volume', 'time', 'calendar', 'energy', 'package')),
    numerator   bigint CHECK (numerator > 0),
    denominator bigint CHECK (denominator > 0),
    active      boolean NOT NULL DEFAULT true,
    CONSTRAINT uom_ratio CHECK ((numerator IS NULL) = (denominator IS NULL)
                                AND (dimension <> 'package' OR numerator IS NULL))
);
COMMENT ON TABLE uom IS 'Unit of measure: UN/ECE Recommendation 20';
COMMENT ON COLUMN uom.code IS 'Code: of UN/ECE Recommendation 20';
COMMENT ON COLUMN uom.name IS 'Name';
COMMENT ON COLUMN uom.name_zh IS 'Chinese name';
COMMENT ON COLUMN uom.symbol IS 'Symbol: on documents';
COMMENT ON COLUMN uom.dimension IS 'Dimension: units of one dimension convert into each other';
COMMENT ON COLUMN uom.numerator IS 'Numerator: one of this unit is numerator / denominator of the dimension''s reference';
COMMENT ON COLUMN uom.denominator IS 'Denominator';
COMMENT ON COLUMN uom.active IS 'Active';
COMMENT ON CONSTRAINT uom_code_unique ON uom IS 'Another unit has this code already';
COMMENT ON CONSTRAINT uom_code_form ON uom IS 'The code of a unit is two or three capital letters and digits';
COMMENT ON CONSTRAINT uom_ratio ON uom IS 'Give numerator and denominator, or neither; packages have none';
CALL table_register('uom', 'table');

INSERT INTO uom (code, symbol, dimension, numerator, denominator, name, name_zh) VALUES
    ('C62', 'pcs', 'count', 1, 1, 'Piece', '件'),
    ('EA', 'ea', 'count', 1, 1, 'Each', '个'),
    ('PR', 'pr', 'count', 2, 1, 'Pair', '双'),
    ('DZN', 'dz', 'count', 12, 1, 'Dozen', '打'),
    ('GRO', 'gr', 'count', 144, 1, 'Gross', '罗'),
    ('CEN', '100', 'count', 100, 1, 'Hundred', '百个'),
    ('MIL', '1000', 'count', 1000, 1, 'Thousand', '千个'),
    ('SET', 'set', 'package', NULL, NULL, 'Set', '套'),
    ('XBX', 'box', 'package', NULL, NULL, 'Box', '盒'),
    ('XCT', 'ctn', 'package', NULL, NULL, 'Carton', '箱'),
    ('XBG', 'bag', 'package', NULL, NULL, 'Bag', '袋'),
    ('XBO', 'btl', 'package', NULL, NULL, 'Bottle', '瓶'),
    ('XCA', 'can', 'package', NULL, NULL, 'Can', '罐'),
    ('XCS', 'case', 'package', NULL, NULL, 'Case', '箱子'),
    ('XPK', 'pack', 'package', NULL, NULL, 'Package', '包'),
    ('XPX', 'plt', 'package', NULL, NULL, 'Pallet', '托盘'),
    ('XRO', 'roll', 'package', NULL, NULL, 'Roll', '卷'),
    ('XST', 'sheet', 'package', NULL, NULL, 'Sheet', '张'),
    ('KGM', 'kg', 'mass', 1, 1, 'Kilogram', '千克'),
    ('GRM', 'g', 'mass', 1, 1000, 'Gram', '克'),
    ('MGM', 'mg', 'mass', 1, 1000000, 'Milligram', '毫克'),
    ('TNE', 't', 'mass', 1000, 1, 'Tonne', '吨'),
    ('LBR', 'lb', 'mass', 45359237, 100000000, 'Pound', '磅'),
    ('ONZ', 'oz', 'mass', 45359237, 1600000000, 'Ounce', '盎司'),
    ('MTR', 'm', 'length', 1, 1, 'Metre', '米'),
    ('MMT', 'mm', 'length', 1, 1000, 'Millimetre', '毫米'),
    ('CMT', 'cm', 'length', 1, 100, 'Centimetre', '厘米'),
    ('KMT', 'km', 'length', 1000, 1, 'Kilometre', '千米'),
    ('INH', 'in', 'length', 127, 5000, 'Inch', '英寸'),
    ('FOT', 'ft', 'length', 381, 1250, 'Foot', '英尺'),
    ('YRD', 'yd', 'length', 1143, 1250, 'Yard', '码'),
    ('SMI', 'mi', 'length', 201168, 125, 'Mile', '英里'),
    ('MTK', 'm²', 'area', 1, 1, 'Square metre', '平方米'),
    ('CMK', 'cm²', 'area', 1, 10000, 'Square centimetre', '平方厘米'),
    ('HAR', 'ha', 'area', 10000, 1, 'Hectare', '公顷'),
    ('FTK', 'ft²', 'area', 145161, 1562500, 'Square foot', '平方英尺'),
    ('MTQ', 'm³', 'volume', 1, 1, 'Cubic metre', '立方米'),
    ('LTR', 'l', 'volume', 1, 1000, 'Litre', '升'),
    ('MLT', 'ml', 'volume', 1, 1000000, 'Millilitre', '毫升'),
    ('GLL', 'gal', 'volume', 473176473, 125000000000, 'US gallon', '美制加仑'),
    ('GLI', 'gal (UK)', 'volume', 454609, 100000000, 'Imperial gallon', '英制加仑'),
    ('HUR', 'h', 'time', 1, 1, 'Hour', '小时'),
    ('MIN', 'min', 'time', 1, 60, 'Minute', '分钟'),
    ('SEC', 's', 'time', 1, 3600, 'Second', '秒'),
    ('DAY', 'd', 'time', 24, 1, 'Day', '天'),
    ('WEE', 'wk', 'time', 168, 1, 'Week', '周'),
    ('MON', 'mo', 'calendar', 1, 1, 'Month', '月'),
    ('ANN', 'yr', 'calendar', 12, 1, 'Year', '年'),
    ('KWH', 'kWh', 'energy', 1, 1, 'Kilowatt hour', '千瓦时'),
    ('MWH', 'MWh', 'energy', 1000, 1, 'Megawatt hour', '兆瓦时');

-- ------------------------------------------------------------------ categories
CREATE TABLE item_category (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code       text CONSTRAINT item_category_code_unique UNIQUE,
    name       text NOT NULL CONSTRAINT item_category_name_given CHECK (btrim(name) <> ''),
    name_zh    text,
    description text,
    parent_id  bigint REFERENCES item_category,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint DEFAULT app_user_id(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    updated_by bigint,
    version    integer NOT NULL DEFAULT 1,
    search_terms text[] GENERATED ALWAYS AS (search_grams(
        coalesce(code, '') || ' ' || name || ' ' || coalesce(name_zh, ''))) STORED,
    CONSTRAINT item_category_name_once UNIQUE NULLS NOT DISTINCT (parent_id, name)
);
CREATE INDEX ON item_category USING gin (search_terms);
COMMENT ON TABLE item_category IS 'Item category: a tree';
COMMENT ON COLUMN item_category.code IS 'Code';
COMMENT ON COLUMN item_category.name IS 'Name';
COMMENT ON COLUMN item_category.name_zh IS 'Chinese name';
COMMENT ON COLUMN item_category.description IS 'Description';
COMMENT ON COLUMN item_category.parent_id IS 'Part of: the category above';
COMMENT ON CONSTRAINT item_category_code_unique ON item_category IS 'Another category has this code already';
COMMENT ON CONSTRAINT item_category_name_given ON item_category IS 'Give the category a name';
COMMENT ON CONSTRAINT item_category_name_once ON item_category IS 'There is a category of this name here already';
COMMENT ON CONSTRAINT item_category_parent_id_fkey ON item_category IS 'There is no such category';
CALL table_register('item_category', 'table');

CREATE TABLE tax_category (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code    text NOT NULL CONSTRAINT tax_category_code_unique UNIQUE,
    name    text NOT NULL,
    name_zh text
);
COMMENT ON TABLE tax_category IS 'Tax category: what kind of goods the tax rules see in an item';
COMMENT ON COLUMN tax_category.code IS 'Code';
COMMENT ON COLUMN tax_category.name IS 'Name';
COMMENT ON COLUMN tax_category.name_zh IS 'Chinese name';
COMMENT ON CONSTRAINT tax_category_code_unique ON tax_category IS 'Another tax category has this code already';
CALL table_register('tax_category', 'table');

INSERT INTO tax_category (code, name, name_zh) VALUES
    ('standard', 'Standard', '标准税率'), ('reduced', 'Reduced', '低税率'), ('service', 'Services', '服务'),
    ('zero', 'Zero-rated', '零税率'), ('exempt', 'Exempt', '免税');

-- ------------------------------------------------------------------ items
CREATE TABLE item (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code          text NOT NULL CONSTRAINT item_code_unique UNIQUE
                  CONSTRAINT item_code_form CHECK (code ~ '^[^[:space:]]+( [^[:space:]]+)*$' AND length(code) <= 40),
    name          text NOT NULL CONSTRAINT item_name_given CHECK (btrim(name) <> ''),
    name_zh       text,
    description    text,
    description_zh text,
    kind          text NOT NULL DEFAULT 'stocked' CHECK (kind IN ('stocked', 'service', 'kit')),
    uom_id        bigint NOT NULL REFERENCES uom,
    category_id   bigint REFERENCES item_category,
    tax_category_id bigint REFERENCES tax_category,
    list_price    unit_price NOT NULL DEFAULT 0 CONSTRAINT item_list_price CHECK (list_price >= 0),
    list_currency_code currency_code NOT NULL DEFAULT current_setting('tenon.currency') REFERENCES currency (code),
    costing       text NOT NULL DEFAULT 'average' CHECK (costing IN ('fifo', 'average', 'standard')),
    standard_cost unit_price NOT NULL DEFAULT 0 CONSTRAINT item_standard_cost CHECK (standard_cost >= 0),
    tracking      text NOT NULL DEFAULT 'none' CHECK (tracking IN ('none', 'lot', 'serial')),
    shelf_life_days integer CONSTRAINT item_shelf_life CHECK (shelf_life_days > 0),
    net_weight    quantity CONSTRAINT item_net_weight CHECK (net_weight >= 0),
    hs_code       text CONSTRAINT item_hs_code CHECK (hs_code ~ '^[0-9]{6,12}$'),
    origin_country_code country_code REFERENCES country (code),
    package_text  text,
    active        boolean NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL DEFAULT now(),
    created_by    bigint DEFAULT app_user_id(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    updated_by    bigint,
    version       integer NOT NULL DEFAULT 1,
    search_terms  text[] GENERATED ALWAYS AS (search_grams(code || ' ' || name || ' ' || coalesce(name_zh, ''))) STORED,
    CONSTRAINT item_service_untracked CHECK (kind = 'stocked' OR tracking = 'none'),
    CONSTRAINT item_shelf_life_tracked CHECK (shelf_life_days IS NULL OR tracking <> 'none')
);
CREATE INDEX ON item USING gin (search_terms);
CREATE INDEX ON item (category_id);
CREATE INDEX ON item (name, id);
COMMENT ON TABLE item IS 'Item: a product or a service';
COMMENT ON COLUMN item.code IS 'Code: the stock keeping unit';
COMMENT ON COLUMN item.name IS 'Name';
COMMENT ON COLUMN item.name_zh IS 'Chinese name';
COMMENT ON COLUMN item.description IS 'Description';
COMMENT ON COLUMN item.description_zh IS 'Chinese description';
COMMENT ON COLUMN item.kind IS 'Kind: stocked goods, a service, or a kit of other items';
COMMENT ON COLUMN item.uom_id IS 'Unit: stock and cost are kept in it';
COMMENT ON COLUMN item.category_id IS 'Category';
COMMENT ON COLUMN item.tax_category_id IS 'Tax category';
COMMENT ON COLUMN item.list_price IS 'List price: of one unit, without tax';
COMMENT ON COLUMN item.list_currency_code IS 'List currency: of the list price';
COMMENT ON COLUMN item.costing IS 'Costing: how issues are valued';
COMMENT ON COLUMN item.standard_cost IS 'Standard cost: of one unit, in the company''s currency';
COMMENT ON COLUMN item.tracking IS 'Tracking: by lot or serial number';
COMMENT ON COLUMN item.shelf_life_days IS 'Shelf life: in days from production';
COMMENT ON COLUMN item.net_weight IS 'Net weight: of one unit, in kilograms';
COMMENT ON COLUMN item.hs_code IS 'Customs code: of the Harmonized System';
COMMENT ON COLUMN item.origin_country_code IS 'Country of origin';
COMMENT ON COLUMN item.package_text IS 'Packing: as it is described to customers';
COMMENT ON COLUMN item.active IS 'Active: offered when an item is chosen';
COMMENT ON CONSTRAINT item_code_unique ON item IS 'Another item has this code already';
COMMENT ON CONSTRAINT item_code_form ON item IS 'A code has at most 40 characters and no blanks around it';
COMMENT ON CONSTRAINT item_name_given ON item IS 'Give the item a name';
COMMENT ON CONSTRAINT item_list_price ON item IS 'A price is not negative';
COMMENT ON CONSTRAINT item_standard_cost ON item IS 'A cost is not negative';
COMMENT ON CONSTRAINT item_shelf_life ON item IS 'The shelf life is at least one day';
COMMENT ON CONSTRAINT item_net_weight ON item IS 'A weight is not negative';
COMMENT ON CONSTRAINT item_hs_code ON item IS 'A customs code has 6 to 12 digits';
COMMENT ON CONSTRAINT item_service_untracked ON item IS 'Only stocked items are tracked by lot or serial number';
COMMENT ON CONSTRAINT item_shelf_life_tracked ON item IS 'A shelf life needs tracking by lot or serial number';
COMMENT ON CONSTRAINT item_uom_id_fkey ON item IS 'There is no such unit';
COMMENT ON CONSTRAINT item_category_id_fkey ON item IS 'There is no such category';
COMMENT ON CONSTRAINT item_tax_category_id_fkey ON item IS 'There is no such tax category';
COMMENT ON CONSTRAINT item_list_currency_code_fkey ON item IS 'There is no such currency';
COMMENT ON CONSTRAINT item_origin_country_code_fkey ON item IS 'There is no such country';
CALL table_register('item', 'table');

-- What one of another unit is, for this item: 1 box = 12 / 1 pieces.
CREATE TABLE uom_conversion (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id     bigint NOT NULL REFERENCES item ON DELETE CASCADE,
    uom_id      bigint NOT NULL REFERENCES uom,
    numerator   bigint NOT NULL CONSTRAINT uom_conversion_numerator CHECK (numerator > 0),
    denominator bigint NOT NULL DEFAULT 1 CONSTRAINT uom_conversion_denominator CHECK (denominator > 0),
    CONSTRAINT uom_conversion_once UNIQUE (item_id, uom_id)
);
COMMENT ON TABLE uom_conversion IS 'Unit conversion: what one of another unit is, for this item';
COMMENT ON COLUMN uom_conversion.uom_id IS 'Unit: such as a box';
COMMENT ON COLUMN uom_conversion.numerator IS 'Holds: this many of the item''s own unit, divided by the denominator';
COMMENT ON COLUMN uom_conversion.denominator IS 'Divided by';
COMMENT ON CONSTRAINT uom_conversion_once ON uom_conversion IS 'This unit is converted already';
COMMENT ON CONSTRAINT uom_conversion_numerator ON uom_conversion IS 'A unit holds more than nothing';
COMMENT ON CONSTRAINT uom_conversion_denominator ON uom_conversion IS 'The divisor is greater than zero';
COMMENT ON CONSTRAINT uom_conversion_uom_id_fkey ON uom_conversion IS 'There is no such unit';
CALL table_register('uom_conversion', 'table');

CREATE TABLE barcode (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id bigint NOT NULL REFERENCES item ON DELETE CASCADE,
    code    text NOT NULL,
    kind    text NOT NULL DEFAULT 'gtin' CHECK (kind IN ('gtin', 'internal')),
    uom_id  bigint REFERENCES uom,
    gtin    text GENERATED ALWAYS AS (CASE WHEN kind = 'gtin' THEN lpad(code, 14, '0') END) STORED
            CONSTRAINT barcode_gtin_unique UNIQUE,
    CONSTRAINT barcode_code_unique UNIQUE (code),
    CONSTRAINT barcode_check_digit CHECK (gtin_valid(code) OR kind <> 'gtin')
);
CREATE INDEX ON barcode (item_id);
COMMENT ON TABLE barcode IS 'Barcode: GTIN or a code of our own';
COMMENT ON COLUMN barcode.kind IS 'Kind: GTIN, or internal for our own codes';
COMMENT ON COLUMN barcode.code IS 'Code: 8, 12, 13 or 14 digits for a GTIN';
COMMENT ON COLUMN barcode.uom_id IS 'Unit: what it stands on, such as a box; empty for the item''s own';
COMMENT ON COLUMN barcode.gtin IS 'GTIN-14: with leading zeros';
COMMENT ON CONSTRAINT barcode_gtin_unique ON barcode IS 'Another item has this barcode already';
COMMENT ON CONSTRAINT barcode_code_unique ON barcode IS 'Another item has this barcode already';
COMMENT ON CONSTRAINT barcode_check_digit ON barcode IS 'A GTIN has 8, 12, 13 or 14 digits, and the last one checks the others; this one does not';
CALL table_register('barcode', 'table');

INSERT INTO permission (role_id, entity, action)
SELECT r.id, e.entity, a.action
  FROM (VALUES ('manager', 'item', 'create change delete'), ('manager', 'item_category', 'create change delete'),
               ('manager', 'uom', 'create change'), ('manager', 'tax_category', 'create change'),
               ('sales', 'item', 'read'), ('sales', 'item_category', 'read'), ('sales', 'uom', 'read'),
               ('sales', 'tax_category', 'read'),
               ('finance', 'item', 'read change'), ('finance', 'item_category', 'read'), ('finance', 'uom', 'read'),
               ('finance', 'tax_category', 'read create change'),
               ('warehouse', 'item', 'read create change'), ('warehouse', 'item_category', 'read'),
               ('warehouse', 'uom', 'read')) e (role, entity, actions)
  JOIN role r ON r.code = e.role, unnest(string_to_array(e.actions, ' ')) a (action);
