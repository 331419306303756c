-- What keeps goods in quarantine until somebody has decided about them. Run again at every upgrade.

CREATE OR REPLACE FUNCTION quality_company_setup(company bigint, chart text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    INSERT INTO number_series (company_id, code, pattern)
    VALUES ($1, 'quality_inspection', 'QI{YYYY}-{00000}'), ($1, 'quality_alert', 'QA{YYYY}-{0000}')
    ON CONFLICT (company_id, code) DO NOTHING $$;

-- ------------------------------------------------------------------ which plan
-- On what occasion goods arrive: by the kind of the shipment and its other side. Null: none.
CREATE OR REPLACE FUNCTION quality_occasion(shipment_kind text, other_location bigint) RETURNS text
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF shipment_kind = 'return' THEN
        RETURN 'return';
    ELSIF shipment_kind <> 'receipt' THEN
        RETURN NULL;
    ELSIF other_location IS NULL THEN
        RETURN 'receipt';
    END IF;
    RETURN (SELECT CASE l.kind WHEN 'supplier' THEN 'receipt' WHEN 'production' THEN 'production' WHEN 'customer' THEN 'return' END
              FROM location l WHERE l.id = other_location);
END $$;

-- The plan of an item: its own, else that of its category, else of the one above it.
CREATE OR REPLACE FUNCTION quality_plan_for(company bigint, item bigint, on_occasion text) RETURNS bigint
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN coalesce(
        (SELECT p.id FROM quality_plan p
          WHERE p.company_id = company AND p.item_id = item AND p.occasion = on_occasion AND p.active),
        (WITH RECURSIVE above AS (
             SELECT c.id, c.parent_id, 1 AS far FROM item i JOIN item_category c ON c.id = i.category_id WHERE i.id = item
             UNION ALL SELECT c.id, c.parent_id, a.far + 1 FROM above a JOIN item_category c ON c.id = a.parent_id
         ) SELECT p.id FROM above a JOIN quality_plan p ON p.category_id = a.id
          WHERE p.company_id = company AND p.occasion = on_occasion AND p.active ORDER BY a.far LIMIT 1));
END $$;
GRANT EXECUTE ON FUNCTION quality_occasion, quality_plan_for TO tenon_app;

-- Goods with a plan arrive in quarantine, whatever place their line names.
CREATE OR REPLACE FUNCTION quality_route() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    s record;
BEGIN
    SELECT h.kind, h.warehouse_id, quality_occasion(h.kind, h.other_location_id) AS occasion INTO s
      FROM shipment h WHERE h.id = NEW.shipment_id AND h.kind IN ('receipt', 'return');
    IF s.occasion IS NULL OR quality_plan_for(NEW.company_id, NEW.item_id, s.occasion) IS NULL
       OR EXISTS (SELECT FROM location l WHERE l.id = NEW.location_id AND l.quarantine) THEN
        RETURN NEW;
    END IF;
    NEW.location_id := stock_quarantine(s.warehouse_id);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER quality_route BEFORE INSERT OR UPDATE OF location_id, item_id ON shipment_line
    FOR EACH ROW EXECUTE FUNCTION quality_route();

-- ------------------------------------------------------------------ an inspection
-- It is of what a line brought into quarantine: where it lies, from whom, by which plan and how
-- much of it is looked at follow from that.
CREATE OR REPLACE FUNCTION quality_inspection_made() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    l record;
    p quality_plan;
    size numeric;
BEGIN
    SELECT n.item_id, s.number, s.party_id, s.flow_id, quality_occasion(s.kind, s.other_location_id) AS occasion,
           m.quantity, m.location_id, u.dimension IN ('count', 'package') AS counted
      INTO l
      FROM shipment_line n JOIN shipment s ON s.id = n.shipment_id
      JOIN item i ON i.id = n.item_id JOIN uom u ON u.id = i.uom_id
     CROSS JOIN LATERAL (
           SELECT sum(o.quantity) AS quantity, min(o.to_location_id) AS location_id
             FROM stock_move o JOIN location q ON q.id = o.to_location_id AND q.quarantine
            WHERE o.shipment_line_id = n.id AND o.lot_id IS NOT DISTINCT FROM NEW.lot_id) m
     WHERE n.company_id = NEW.company_id AND n.id = NEW.shipment_line_id AND s.kind IN ('receipt', 'return');
    IF l.quantity IS NULL THEN
        PERFORM fail('not_received', 'shipment_line_id', 'Nothing of this arrived in quarantine: there is nothing to inspect');
    END IF;
    NEW.item_id := l.item_id;
    NEW.location_id := l.location_id;
    NEW.quantity := l.quantity;
    NEW.kind := coalesce(l.occasion, 'receipt');
    NEW.party_id := l.party_id;
    NEW.plan_id := quality_plan_for(NEW.company_id, l.item_id, NEW.kind);
    SELECT * INTO p FROM quality_plan WHERE id = NEW.plan_id;
    size := CASE p.sampling WHEN 'percent' THEN l.quantity * p.sample / 100 WHEN 'number' THEN p.sample ELSE l.quantity END;
    NEW.sample_size := least(CASE WHEN l.counted THEN ceil(size) ELSE ceil(size * 1000000) / 1000000 END, l.quantity);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER quality_inspection_made BEFORE INSERT ON quality_inspection
    FOR EACH ROW EXECUTE FUNCTION quality_inspection_made();

CREATE OR REPLACE FUNCTION quality_inspection_results() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    INSERT INTO quality_inspection_result (company_id, inspection_id, position, name, name_zh, kind, minimum, maximum, unit)
    SELECT n.company_id, n.id, c.position, c.name, c.name_zh, c.kind, c.minimum, c.maximum, c.unit
      FROM new_rows n JOIN quality_plan_characteristic c ON c.plan_id = n.plan_id
     ORDER BY n.id, c.position, c.id;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER quality_inspection_results AFTER INSERT ON quality_inspection
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quality_inspection_results();

-- What it is of stays; the decision is dated and signed, and stays too.
CREATE OR REPLACE FUNCTION quality_inspection_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF OLD.state <> 'open' OR (NEW.item_id, NEW.lot_id, NEW.shipment_line_id, NEW.location_id, NEW.quantity, NEW.plan_id, NEW.kind)
          IS DISTINCT FROM (OLD.item_id, OLD.lot_id, OLD.shipment_line_id, OLD.location_id, OLD.quantity, OLD.plan_id, OLD.kind) THEN
        PERFORM fail('read_only', 'state', '%s stays as it is: what it is about, and what was decided', OLD.number);
    END IF;
    IF NEW.state = 'passed' THEN
        NEW.quantity_failed := 0;
        NEW.disposition := NULL;
    ELSIF NEW.state = 'failed' THEN
        NEW.quantity_failed := coalesce(nullif(NEW.quantity_failed, 0), NEW.quantity);
        NEW.disposition := coalesce(NEW.disposition, 'keep');
    END IF;
    IF NEW.state <> 'open' THEN
        NEW.quantity_passed := NEW.quantity - NEW.quantity_failed;
        NEW.decided_by := app_user_id();
        NEW.decided_at := now();
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER quality_inspection_keep BEFORE UPDATE ON quality_inspection FOR EACH ROW
    WHEN ((NEW.state, NEW.item_id, NEW.lot_id, NEW.shipment_line_id, NEW.location_id, NEW.quantity, NEW.plan_id, NEW.kind,
           NEW.sample_size, NEW.quantity_passed, NEW.quantity_failed, NEW.disposition, NEW.concession)
          IS DISTINCT FROM (OLD.state, OLD.item_id, OLD.lot_id, OLD.shipment_line_id, OLD.location_id, OLD.quantity, OLD.plan_id,
           OLD.kind, OLD.sample_size, OLD.quantity_passed, OLD.quantity_failed, OLD.disposition, OLD.concession))
    EXECUTE FUNCTION quality_inspection_keep();

-- A measure is judged by its limits, whatever is typed.
CREATE OR REPLACE FUNCTION quality_result_judged() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    of_inspection quality_inspection;
BEGIN
    SELECT * INTO of_inspection FROM quality_inspection
     WHERE id = CASE TG_OP WHEN 'DELETE' THEN OLD.inspection_id ELSE NEW.inspection_id END;
    IF of_inspection.state <> 'open' THEN
        PERFORM fail('read_only', 'results', '%s is decided: its results stay', of_inspection.number);
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    IF NEW.kind = 'measure' THEN
        NEW.passed := NEW.value >= coalesce(NEW.minimum, NEW.value) AND NEW.value <= coalesce(NEW.maximum, NEW.value);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER quality_result_judged BEFORE INSERT OR UPDATE OR DELETE ON quality_inspection_result
    FOR EACH ROW EXECUTE FUNCTION quality_result_judged();

-- ------------------------------------------------------------------ out of quarantine
-- What waits for its inspection, and what failed and is kept, leaves for own stock only with its
-- inspection. (After stock_moved, which has the heads locked.)
CREATE OR REPLACE FUNCTION quality_moved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    bad record;
BEGIN
    SELECT i.code AS item, w.number INTO bad
      FROM (SELECT DISTINCT n.company_id, n.item_id, n.lot_id, n.from_location_id
              FROM new_rows n
              JOIN location f ON f.id = n.from_location_id AND f.quarantine
              JOIN location t ON t.id = n.to_location_id AND t.kind IN ('internal', 'transit') AND NOT t.quarantine
              LEFT JOIN shipment_line l ON l.id = n.shipment_line_id
             WHERE l.quality_inspection_id IS NULL) m
      JOIN item i ON i.id = m.item_id
     CROSS JOIN LATERAL (
           SELECT sum(q.quantity - (SELECT coalesce(sum(l.quantity_done), 0) FROM shipment_line l
                                     WHERE l.quality_inspection_id = q.id)) AS quantity, max(q.number) AS number
             FROM quality_inspection q
            WHERE q.company_id = m.company_id AND q.item_id = m.item_id AND q.lot_id IS NOT DISTINCT FROM m.lot_id
              AND q.location_id = m.from_location_id) w
     WHERE w.quantity > coalesce((SELECT b.on_hand FROM stock_balance b
                                   WHERE b.company_id = m.company_id AND b.item_id = m.item_id
                                     AND b.location_id = m.from_location_id AND b.lot_id IS NOT DISTINCT FROM m.lot_id), 0)
     LIMIT 1;
    IF FOUND THEN
        PERFORM fail('in_quarantine', 'lines', '%s leaves quarantine by its inspection %s', bad.item, bad.number);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER stock_moved_quality AFTER INSERT ON stock_move
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION quality_moved();

-- And with it no more than passed (into stock) or failed (elsewhere). At COMMIT: the goods move
-- within the step that decides.
CREATE OR REPLACE FUNCTION quality_line_moved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    q    quality_inspection;
    gone record;
BEGIN
    SELECT * INTO q FROM quality_inspection WHERE id = NEW.quality_inspection_id;
    SELECT coalesce(sum(m.quantity) FILTER (WHERE t.kind IN ('internal', 'transit') AND NOT t.quarantine), 0) AS passed,
           coalesce(sum(m.quantity) FILTER (WHERE t.kind NOT IN ('internal', 'transit')), 0) AS failed
      INTO gone
      FROM shipment_line l JOIN stock_move m ON m.shipment_line_id = l.id JOIN location t ON t.id = m.to_location_id
     WHERE l.quality_inspection_id = q.id;
    IF gone.passed > q.quantity_passed OR gone.failed > q.quantity_failed
       OR EXISTS (SELECT FROM shipment_line l JOIN stock_move m ON m.shipment_line_id = l.id
                   WHERE l.quality_inspection_id = q.id
                     AND (m.from_location_id, m.lot_id) IS DISTINCT FROM (q.location_id, q.lot_id)) THEN
        PERFORM fail('not_passed', 'lines', 'More would leave quarantine than %s has decided', q.number);
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS quality_line_moved ON shipment_line;
CREATE CONSTRAINT TRIGGER quality_line_moved AFTER UPDATE ON shipment_line
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    WHEN (NEW.quality_inspection_id IS NOT NULL AND NEW.quantity_done <> OLD.quantity_done)
    EXECUTE FUNCTION quality_line_moved();

-- The link is made with the line.
CREATE OR REPLACE FUNCTION quality_link_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fail('read_only', 'quality_inspection_id', 'The inspection of a line stays');
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER quality_link_stays BEFORE UPDATE OF quality_inspection_id ON shipment_line FOR EACH ROW
    WHEN (OLD.quality_inspection_id IS DISTINCT FROM NEW.quality_inspection_id) EXECUTE FUNCTION quality_link_stays();

-- ------------------------------------------------------------------ alerts
CREATE OR REPLACE FUNCTION quality_alert_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.item_id, NEW.lot_id) IS DISTINCT FROM (OLD.item_id, OLD.lot_id) THEN
            PERFORM fail('read_only', 'lot_id', 'What %s is about stays: open another alert', OLD.number);
        END IF;
        RETURN NEW;
    END IF;
    NEW.item_id := coalesce(NEW.item_id, (SELECT o.item_id FROM lot o WHERE o.company_id = NEW.company_id AND o.id = NEW.lot_id));
    UPDATE lot o SET held = true, held_reason = NEW.number || ': ' || NEW.title
     WHERE o.company_id = NEW.company_id AND o.id = NEW.lot_id AND NOT o.held;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER quality_alert_keep BEFORE INSERT OR UPDATE OF item_id, lot_id ON quality_alert
    FOR EACH ROW EXECUTE FUNCTION quality_alert_keep();

-- A lot is not released while an alert is open. At COMMIT: closing one releases within its step.
CREATE OR REPLACE FUNCTION quality_lot_released() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    alert text;
BEGIN
    SELECT a.number INTO alert FROM quality_alert a JOIN lot o ON o.id = a.lot_id
     WHERE a.lot_id = NEW.id AND a.state = 'open' AND NOT o.held LIMIT 1;
    IF FOUND THEN
        PERFORM fail('alert_open', 'held', 'Lot %s is held by the alert %s: close it first', NEW.code, alert);
    END IF;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS quality_lot_released ON lot;
CREATE CONSTRAINT TRIGGER quality_lot_released AFTER UPDATE ON lot
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (OLD.held AND NOT NEW.held) EXECUTE FUNCTION quality_lot_released();
