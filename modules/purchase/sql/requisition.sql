-- The triggers of requisitions. Run again at every upgrade.

CREATE OR REPLACE FUNCTION purchase_requisition_fill() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF NEW.warehouse_id IS NULL THEN
        SELECT min(id) INTO NEW.warehouse_id FROM warehouse WHERE company_id = NEW.company_id AND active;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER fill BEFORE INSERT ON purchase_requisition
    FOR EACH ROW EXECUTE FUNCTION purchase_requisition_fill();

-- A line takes the best supplier where nobody names one. It carries out a plan that is one:
-- bought, not firm, for its warehouse, and carried out by no order yet.
CREATE OR REPLACE FUNCTION purchase_requisition_line_fill() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    r purchase_requisition;
BEGIN
    SELECT * INTO r FROM purchase_requisition WHERE id = NEW.requisition_id;
    IF TG_OP = 'INSERT' THEN
        NEW.position     := coalesce(NEW.position, (SELECT coalesce(max(l.position), 0) + 1 FROM purchase_requisition_line l
                                                     WHERE l.requisition_id = NEW.requisition_id));
        NEW.description  := coalesce(NEW.description, (SELECT i.name FROM item i WHERE i.id = NEW.item_id));
        NEW.warehouse_id := coalesce(NEW.warehouse_id, r.warehouse_id);
        NEW.needed_on    := coalesce(NEW.needed_on, app_today());
        NEW.supplier_id  := coalesce(NEW.supplier_id, (SELECT o.supplier_id FROM purchase_offers(
                                NEW.company_id, NEW.item_id, NEW.quantity, app_today()) o LIMIT 1));
    ELSIF NEW.requisition_id <> OLD.requisition_id OR NEW.supply_id IS DISTINCT FROM OLD.supply_id THEN
        PERFORM fail('read_only', 'lines', 'A line stays in its requisition');
    END IF;
    IF NEW.supply_id IS NOT NULL AND NOT EXISTS (
           SELECT FROM supply s WHERE s.id = NEW.supply_id AND s.company_id = NEW.company_id AND s.method = 'buy' AND NOT s.firm
              AND s.warehouse_id = NEW.warehouse_id
              AND NOT EXISTS (SELECT FROM purchase_order_line l WHERE l.supply_id = s.id)) THEN
        PERFORM fail('not_planned', 'lines', 'This is no plan that a requisition can carry out');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER fill BEFORE INSERT OR UPDATE ON purchase_requisition_line
    FOR EACH ROW EXECUTE FUNCTION purchase_requisition_line_fill();

CREATE OR REPLACE FUNCTION purchase_requisition_changeable(requisitions bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT number, state FROM purchase_requisition WHERE id = ANY (requisitions) ORDER BY id FOR NO KEY UPDATE LOOP
        IF r.state IN ('ordered', 'cancelled') THEN
            PERFORM fail('requisition_over', 'lines', 'Requisition %s is ordered or cancelled and cannot be changed', r.number);
        END IF;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION purchase_requisition_line_saved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM purchase_requisition_changeable(ARRAY(SELECT DISTINCT requisition_id FROM new_rows));
    PERFORM supply_set(n.supply_id, n.needed_on, n.quantity, false) FROM new_rows n
      WHERE n.supply_id IS NOT NULL ORDER BY n.item_id, n.supply_id;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER follow_insert AFTER INSERT ON purchase_requisition_line REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION purchase_requisition_line_saved();
CREATE OR REPLACE TRIGGER follow_update AFTER UPDATE ON purchase_requisition_line REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION purchase_requisition_line_saved();

CREATE OR REPLACE FUNCTION purchase_requisition_line_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM purchase_requisition_changeable(ARRAY(SELECT DISTINCT requisition_id FROM old_rows));
    PERFORM supply_set(s.id, s.day, 0, false) FROM old_rows o JOIN supply s ON s.id = o.supply_id ORDER BY s.item_id, s.id;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER follow_delete AFTER DELETE ON purchase_requisition_line REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION purchase_requisition_line_deleted();

-- What is cancelled is not bought: nothing comes of its plans.
CREATE OR REPLACE FUNCTION purchase_requisition_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM supply_set(s.id, s.day, 0, false)
       FROM old_rows o JOIN new_rows n USING (id) JOIN purchase_requisition_line l ON l.requisition_id = n.id
       JOIN supply s ON s.id = l.supply_id
      WHERE o.state <> n.state AND n.state = 'cancelled'
        AND NOT EXISTS (SELECT FROM purchase_order_line x WHERE x.supply_id = s.id)
      ORDER BY s.item_id, s.id;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER follow_update AFTER UPDATE ON purchase_requisition
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION purchase_requisition_updated();

CREATE OR REPLACE FUNCTION purchase_requisition_kept() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF OLD.state <> 'draft' THEN
        PERFORM fail('not_draft', NULL, 'Requisition %s is no draft any more: cancel it instead', OLD.number);
    END IF;
    RETURN OLD;
END $$;
CREATE OR REPLACE TRIGGER keep BEFORE DELETE ON purchase_requisition
    FOR EACH ROW EXECUTE FUNCTION purchase_requisition_kept();
