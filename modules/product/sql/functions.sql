-- Functions and triggers of products. Run again at every upgrade.

CREATE OR REPLACE TRIGGER tree_guard_insert AFTER INSERT ON item_category
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tree_guard('parent_id');
CREATE OR REPLACE TRIGGER tree_guard_update AFTER UPDATE ON item_category
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tree_guard('parent_id');

-- A category and those above it, nearest first (distance 0 is itself).
CREATE OR REPLACE FUNCTION item_category_path(category bigint)
    RETURNS TABLE (category_id bigint, distance integer) LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH RECURSIVE up AS (
        SELECT id, parent_id, 0 AS distance FROM item_category WHERE id = category
        UNION ALL
        SELECT c.id, c.parent_id, up.distance + 1 FROM up JOIN item_category c ON c.id = up.parent_id
    ) SELECT id, distance FROM up $$;
GRANT EXECUTE ON FUNCTION item_category_path TO tenon_app;

-- ------------------------------------------------------------------ units
/*
 * One of this unit, in the item's own unit, as an exact fraction: the item's own conversion,
 * else the ratio within the dimension, else both (a gram of what has a conversion for the
 * kilogram). No row: they do not convert.
 */
CREATE OR REPLACE FUNCTION uom_ratio(item bigint, uom bigint, OUT numerator numeric, OUT denominator numeric)
    RETURNS SETOF record LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT n, d FROM (
        SELECT 1 AS rank, 1::numeric AS n, 1::numeric AS d FROM item i WHERE i.id = $1 AND i.uom_id = $2
        UNION ALL
        SELECT 2, c.numerator, c.denominator FROM uom_conversion c WHERE c.item_id = $1 AND c.uom_id = $2
        UNION ALL
        SELECT 3, u.numerator::numeric * o.denominator, u.denominator::numeric * o.numerator
          FROM item i JOIN uom o ON o.id = i.uom_id
          JOIN uom u ON u.id = $2 AND u.dimension = o.dimension
         WHERE i.id = $1 AND u.numerator IS NOT NULL AND o.numerator IS NOT NULL
        UNION ALL
        SELECT 4, u.numerator::numeric * o.denominator * c.numerator, u.denominator::numeric * o.numerator * c.denominator
          FROM uom_conversion c JOIN uom o ON o.id = c.uom_id
          JOIN uom u ON u.id = $2 AND u.dimension = o.dimension
         WHERE c.item_id = $1 AND u.numerator IS NOT NULL AND o.numerator IS NOT NULL) r
     ORDER BY rank LIMIT 1 $$;

-- A quantity of an item in another unit: exact where six digits hold it, else rounded half
-- away from zero. Fails when the units do not convert.
CREATE OR REPLACE FUNCTION uom_convert(item bigint, quantity numeric, from_uom bigint, to_uom bigint)
    RETURNS numeric LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    f record;
    t record;
BEGIN
    SELECT * INTO f FROM uom_ratio(item, from_uom);
    SELECT * INTO t FROM uom_ratio(item, to_uom);
    IF f.numerator IS NULL OR t.numerator IS NULL THEN
        PERFORM fail('no_conversion', 'uom_id', 'There is no conversion between these units for this item');
    END IF;
    RETURN round(quantity * f.numerator * t.denominator / (f.denominator * t.numerator), 6);
END $$;
GRANT EXECUTE ON FUNCTION uom_ratio, uom_convert TO tenon_app;

-- An item's conversion is for what the dimensions do not say, once for each dimension.
CREATE OR REPLACE FUNCTION uom_conversion_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM item i JOIN uom o ON o.id = i.uom_id JOIN uom u ON u.id = NEW.uom_id
                WHERE i.id = NEW.item_id AND (u.id = o.id OR u.dimension = o.dimension
                  AND u.numerator IS NOT NULL AND o.numerator IS NOT NULL)) THEN
        PERFORM fail('converts_already', 'uom_id', 'This unit converts into the unit of the item by itself');
    ELSIF EXISTS (SELECT FROM uom_conversion c JOIN uom o ON o.id = c.uom_id JOIN uom u ON u.id = NEW.uom_id
                   WHERE c.item_id = NEW.item_id AND c.id <> NEW.id AND u.dimension = o.dimension
                     AND u.numerator IS NOT NULL AND o.numerator IS NOT NULL) THEN
        PERFORM fail('converts_already', 'uom_id', 'A unit of the same dimension is converted already');
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER uom_conversion_guard AFTER INSERT OR UPDATE ON uom_conversion
    FOR EACH ROW EXECUTE FUNCTION uom_conversion_guard();

-- ------------------------------------------------------------------ what is used stays
-- Does a row of any other table refer to this record? Parts of it and the tables of
-- `aside` do not count.
CREATE OR REPLACE FUNCTION record_used(named text, record bigint, aside text[] DEFAULT '{}') RETURNS boolean
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    k    record;
    used boolean;
BEGIN
    FOR k IN SELECT r.relname AS tab, a.attname AS col
               FROM pg_constraint c
               JOIN pg_class r ON r.oid = c.conrelid
               JOIN LATERAL unnest(c.conkey, c.confkey) u (here, there) ON true
               JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = u.here
               JOIN pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = u.there AND f.attname = 'id'
              WHERE c.contype = 'f' AND c.confrelid = ('tenon.' || quote_ident(named))::regclass
                AND c.confdeltype <> 'c' AND r.relname <> ALL (aside)
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I = $1)', k.tab, k.col) INTO used USING record;
        IF used THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END $$;

-- Quantities, stock and cost were counted under these.
CREATE OR REPLACE FUNCTION item_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF OLD.uom_id <> NEW.uom_id AND record_used('item', OLD.id) THEN
        PERFORM fail('in_use', 'uom_id', 'The unit stays: this item was used already');
    ELSIF OLD.kind <> NEW.kind AND record_used('item', OLD.id, '{price_rule}') THEN
        PERFORM fail('in_use', 'kind', 'The kind stays: this item was used already');
    ELSIF OLD.tracking <> NEW.tracking AND record_used('item', OLD.id, '{price_rule}') THEN
        PERFORM fail('in_use', 'tracking', 'The tracking stays: this item was used already');
    ELSIF OLD.uom_id <> NEW.uom_id AND EXISTS (SELECT FROM uom_conversion WHERE item_id = OLD.id) THEN
        PERFORM fail('in_use', 'uom_id', 'Remove the conversions into the old unit first');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER item_keep BEFORE UPDATE ON item FOR EACH ROW
    WHEN (OLD.uom_id <> NEW.uom_id OR OLD.kind <> NEW.kind OR OLD.tracking <> NEW.tracking)
    EXECUTE FUNCTION item_keep();

CREATE OR REPLACE FUNCTION uom_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF record_used('uom', OLD.id) THEN
        PERFORM fail('in_use', 'numerator', 'The ratio stays: this unit was used already');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER uom_keep BEFORE UPDATE ON uom FOR EACH ROW
    WHEN ((OLD.dimension, OLD.numerator, OLD.denominator) IS DISTINCT FROM (NEW.dimension, NEW.numerator, NEW.denominator))
    EXECUTE FUNCTION uom_keep();

-- A conversion that quantities went through stays as it was.
CREATE OR REPLACE FUNCTION uom_conversion_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM item WHERE id = OLD.item_id) AND record_used('item', OLD.item_id, '{price_rule}') THEN
        PERFORM fail('in_use', 'numerator', 'The conversion stays: this item was used already');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER uom_conversion_keep BEFORE UPDATE ON uom_conversion FOR EACH ROW
    WHEN ((OLD.item_id, OLD.uom_id, OLD.numerator, OLD.denominator)
          IS DISTINCT FROM (NEW.item_id, NEW.uom_id, NEW.numerator, NEW.denominator))
    EXECUTE FUNCTION uom_conversion_keep();
