-- How cases are resolved: what keeps warranties, returns, repairs and surveys true, whoever
-- writes them. Run again at every upgrade.
--
-- Locks: a return line is locked before what serves it is counted (movements, credits,
-- replacements, repairs), and the delivery line before what comes back of it.

-- ------------------------------------------------------------------ a new company
-- Parts of repairs go to the location SERVICE, whose account is that of warranty and repairs.
CREATE OR REPLACE FUNCTION resolution_company_setup(company bigint, chart text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    INSERT INTO number_series (company_id, code, pattern) VALUES
        (company, 'return_order', 'RMA{YYYY}-{00000}'), (company, 'repair_order', 'REP{YYYY}-{00000}')
        ON CONFLICT (company_id, code) DO NOTHING;
    INSERT INTO location (company_id, kind, code, name, name_zh, account_id)
    SELECT company, 'loss', 'SERVICE', 'Repairs', '维修领用',
           (SELECT a.id FROM account a WHERE a.company_id = company AND a.role = 'warranty_cost')
        ON CONFLICT (company_id, code) DO NOTHING;
    INSERT INTO setting (company_id, name, value) VALUES
        (company, 'service.labour_cost', '0'), (company, 'service.labour_price', '0'),
        (company, 'service.complaints_per_lot', '3')
        ON CONFLICT (company_id, name) DO NOTHING;
END $$;

-- A number among the settings; what is no number counts as the default.
CREATE OR REPLACE FUNCTION service_setting(company bigint, named text, otherwise numeric) RETURNS numeric
    LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT s.value::numeric FROM setting s
                      WHERE s.company_id = company AND s.name = named AND s.value ~ '^[0-9]{1,9}([.][0-9]{1,6})?$'), otherwise) $$;
GRANT EXECUTE ON FUNCTION service_setting TO tenon_app;

-- ------------------------------------------------------------------ warranty
-- The policy of an item: its own, or that of the nearest category above it.
CREATE OR REPLACE FUNCTION warranty_policy_of(company bigint, item bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    chosen bigint;
    at     bigint;
BEGIN
    SELECT p.id INTO chosen FROM warranty_policy p
     WHERE p.company_id = company AND p.item_id = item AND p.active;
    SELECT i.category_id INTO at FROM item i WHERE i.id = item;
    WHILE chosen IS NULL AND at IS NOT NULL LOOP
        SELECT p.id INTO chosen FROM warranty_policy p
         WHERE p.company_id = company AND p.category_id = at AND p.active;
        SELECT c.parent_id INTO at FROM item_category c WHERE c.id = at;
    END LOOP;
    RETURN chosen;
END $$;

-- What left for the customer on a delivery line, per lot.
CREATE OR REPLACE FUNCTION delivered_lots(line bigint) RETURNS TABLE (lot_id bigint, quantity numeric)
    LANGUAGE sql STABLE ROWS 2 AS $$
    SELECT m.lot_id, sum(CASE WHEN t.kind = 'customer' THEN m.quantity ELSE -m.quantity END)
      FROM stock_move m JOIN location f ON f.id = m.from_location_id JOIN location t ON t.id = m.to_location_id
     WHERE m.shipment_line_id = line AND 'customer' IN (f.kind, t.kind)
     GROUP BY m.lot_id $$;

-- The warranty that holds for a customer's lot, or for a delivery line of an item without
-- lots, on a day: the one that ends last.
CREATE OR REPLACE FUNCTION warranty_of(party bigint, lot bigint, line bigint, on_date date) RETURNS bigint
    LANGUAGE sql STABLE AS $$
    SELECT w.id FROM warranty w
     WHERE w.company_id = app_company() AND w.party_id = party
       AND (w.lot_id = lot OR (lot IS NULL OR w.lot_id IS NULL) AND w.shipment_line_id = line)
       AND on_date >= w.starts_on
     ORDER BY w.ends_on DESC, w.id DESC LIMIT 1 $$;
GRANT EXECUTE ON FUNCTION warranty_policy_of, delivered_lots, warranty_of TO tenon_app;

-- A warranty is for what was delivered to that customer.
CREATE OR REPLACE FUNCTION warranty_check() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id,
                          LATERAL delivered_lots(l.id) d
                    WHERE l.id = NEW.shipment_line_id AND s.kind = 'delivery' AND s.party_id = NEW.party_id
                      AND d.lot_id IS NOT DISTINCT FROM NEW.lot_id AND d.quantity >= NEW.quantity) THEN
        PERFORM fail('not_delivered', 'shipment_line_id', 'This was not delivered to the customer');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER warranty_check
    BEFORE INSERT OR UPDATE OF party_id, item_id, lot_id, quantity, shipment_line_id ON warranty
    FOR EACH ROW EXECUTE FUNCTION warranty_check();

-- ------------------------------------------------------------------ what has become of a return line
-- What has come back; what of it was scrapped; what of it the customer has got something for.
-- Drafts count: they are promised already.
CREATE OR REPLACE FUNCTION return_line_received(line bigint) RETURNS numeric
    LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(CASE WHEN f.kind = 'customer' THEN m.quantity ELSE -m.quantity END), 0)
      FROM shipment_line l JOIN stock_move m ON m.shipment_line_id = l.id
      JOIN location f ON f.id = m.from_location_id JOIN location t ON t.id = m.to_location_id
     WHERE l.return_order_line_id = line AND 'customer' IN (f.kind, t.kind) $$;

CREATE OR REPLACE FUNCTION return_line_scrapped(line bigint) RETURNS numeric
    LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(CASE WHEN s.state = 'done' THEN l.quantity_done ELSE l.quantity END), 0)
      FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id
      JOIN location t ON t.id = s.other_location_id AND t.kind = 'loss'
     WHERE l.return_order_line_id = line AND s.kind = 'transfer' AND s.state <> 'cancelled' $$;

CREATE OR REPLACE FUNCTION return_line_resolved(line bigint) RETURNS numeric
    LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT sum(n.quantity) FROM invoice_line n JOIN invoice i ON i.id = n.invoice_id
                      WHERE n.return_order_line_id = line AND i.state <> 'cancelled'), 0)
         + coalesce((SELECT sum(n.quantity) FROM sales_order_line n JOIN sales_order o ON o.id = n.order_id
                      WHERE n.return_order_line_id = line AND o.state <> 'cancelled'), 0)
         + coalesce((SELECT sum(r.quantity) FROM repair_order r
                      WHERE r.return_order_line_id = line AND r.state <> 'cancelled'), 0) $$;
GRANT EXECUTE ON FUNCTION return_line_received, return_line_scrapped, return_line_resolved TO tenon_app;

-- What of a delivery line may still come back, per lot: delivered, less what is on returns
-- (of a closed one, what arrived) and what came back without one.
CREATE OR REPLACE FUNCTION return_left(line bigint) RETURNS TABLE (lot_id bigint, quantity numeric)
    LANGUAGE sql STABLE ROWS 2 AS $$
    SELECT d.lot_id, d.quantity
         - coalesce((SELECT sum(CASE r.state WHEN 'closed' THEN return_line_received(n.id) ELSE n.quantity END)
                       FROM return_order_line n JOIN return_order r ON r.id = n.return_id
                      WHERE n.shipment_line_id = line AND n.lot_id IS NOT DISTINCT FROM d.lot_id AND r.state <> 'cancelled'), 0)
         - coalesce((SELECT sum(CASE WHEN f.kind = 'customer' THEN m.quantity ELSE -m.quantity END)
                       FROM shipment_line l JOIN stock_move m ON m.shipment_line_id = l.id AND m.lot_id IS NOT DISTINCT FROM d.lot_id
                       JOIN location f ON f.id = m.from_location_id JOIN location t ON t.id = m.to_location_id
                      WHERE l.returns_line_id = line AND l.return_order_line_id IS NULL
                        AND 'customer' IN (f.kind, t.kind)), 0)
      FROM delivered_lots(line) d $$;
GRANT EXECUTE ON FUNCTION return_left TO tenon_app;

-- ------------------------------------------------------------------ returns
CREATE OR REPLACE FUNCTION return_order_fill() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    about service_case;
BEGIN
    IF NEW.case_id IS NOT NULL THEN
        SELECT * INTO about FROM service_case WHERE company_id = NEW.company_id AND id = NEW.case_id;
        NEW.party_id := coalesce(NEW.party_id, about.party_id);
        IF NEW.party_id <> about.party_id THEN
            PERFORM fail('other_party', 'case_id', 'This case is of another customer');
        END IF;
    END IF;
    NEW.warehouse_id := coalesce(NEW.warehouse_id,
        (SELECT s.warehouse_id FROM shipment s WHERE s.company_id = NEW.company_id AND s.id = about.shipment_id),
        (SELECT min(w.id) FROM warehouse w WHERE w.company_id = NEW.company_id AND w.active));
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER fill BEFORE INSERT ON return_order
    FOR EACH ROW EXECUTE FUNCTION return_order_fill();

-- Once it is approved, whose goods come back where stays; a draft alone is deleted.
CREATE OR REPLACE FUNCTION return_order_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF OLD.state <> 'draft' THEN
        PERFORM fail('read_only', NULL, 'Return %s is approved: cancel it instead', OLD.number);
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE OR REPLACE TRIGGER keep BEFORE DELETE ON return_order
    FOR EACH ROW EXECUTE FUNCTION return_order_keep();
CREATE OR REPLACE TRIGGER keep_terms BEFORE UPDATE ON return_order
    FOR EACH ROW WHEN ((OLD.party_id, OLD.case_id, OLD.warehouse_id)
                       IS DISTINCT FROM (NEW.party_id, NEW.case_id, NEW.warehouse_id))
    EXECUTE FUNCTION return_order_keep();

-- What comes back was delivered to this customer, and no more of it than is left.
CREATE OR REPLACE FUNCTION return_order_line_check() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    r      return_order;
    d      record;
    left_over numeric;
BEGIN
    SELECT * INTO r FROM return_order WHERE id = CASE TG_OP WHEN 'DELETE' THEN OLD.return_id ELSE NEW.return_id END;
    IF r.id IS NULL THEN                       -- its return is being deleted
        RETURN NULL;
    ELSIF r.state <> 'draft' THEN
        PERFORM fail('read_only', 'lines', 'Return %s is approved: its lines stay', r.number);
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN NULL;
    END IF;
    SELECT l.id, s.party_id, s.kind, i.code INTO d
      FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id JOIN item i ON i.id = l.item_id
     WHERE l.id = NEW.shipment_line_id FOR UPDATE OF l;
    IF d.kind <> 'delivery' OR d.party_id IS DISTINCT FROM r.party_id THEN
        PERFORM fail('not_delivered', 'lines', 'This was not delivered to the customer');
    END IF;
    SELECT f.quantity INTO left_over FROM return_left(NEW.shipment_line_id) f WHERE f.lot_id IS NOT DISTINCT FROM NEW.lot_id;
    IF NOT FOUND THEN
        PERFORM fail('not_delivered', 'lines', 'This lot or serial number of %s was not delivered there', d.code);
    ELSIF left_over < 0 THEN
        PERFORM fail('too_much', 'lines', 'More of %s would come back than was delivered', d.code);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER return_order_line_check
    AFTER INSERT OR DELETE OR UPDATE OF return_id, shipment_line_id, item_id, lot_id, quantity ON return_order_line
    FOR EACH ROW EXECUTE FUNCTION return_order_line_check();

-- What arrives for a return line is what was announced; what is scrapped or resolved has
-- arrived. Looked at under the lock of the line.
CREATE OR REPLACE FUNCTION return_line_within(line bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    n        record;
    received numeric;
BEGIN
    SELECT l.*, r.number, i.code INTO n
      FROM return_order_line l JOIN return_order r ON r.id = l.return_id JOIN item i ON i.id = l.item_id
     WHERE l.id = line FOR NO KEY UPDATE OF l;
    IF n.quantity < (SELECT coalesce(sum(l.quantity), 0) FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id
                      WHERE l.return_order_line_id = line AND s.kind = 'return' AND s.state <> 'cancelled') THEN
        PERFORM fail('too_much', 'lines', 'More of %s would arrive than return %s announces', n.code, n.number);
    END IF;
    received := return_line_received(line);
    IF return_line_scrapped(line) > received OR return_line_resolved(line) > received THEN
        PERFORM fail('not_received', 'lines', 'Only %s of %s have come back with return %s',
                     trim_scale(received)::text, n.code, n.number);
    END IF;
END $$;

CREATE OR REPLACE FUNCTION return_line_served() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM return_line_within(NEW.return_order_line_id);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER return_line_served AFTER INSERT OR UPDATE OF quantity, return_order_line_id ON shipment_line
    FOR EACH ROW WHEN (NEW.return_order_line_id IS NOT NULL) EXECUTE FUNCTION return_line_served();
CREATE OR REPLACE TRIGGER return_line_served AFTER INSERT OR UPDATE OF quantity, return_order_line_id ON sales_order_line
    FOR EACH ROW WHEN (NEW.return_order_line_id IS NOT NULL) EXECUTE FUNCTION return_line_served();
CREATE OR REPLACE TRIGGER return_line_served AFTER INSERT OR UPDATE OF quantity, return_order_line_id ON invoice_line
    FOR EACH ROW WHEN (NEW.return_order_line_id IS NOT NULL) EXECUTE FUNCTION return_line_served();
CREATE OR REPLACE TRIGGER return_line_served AFTER INSERT OR UPDATE OF quantity, return_order_line_id ON repair_order
    FOR EACH ROW WHEN (NEW.return_order_line_id IS NOT NULL) EXECUTE FUNCTION return_line_served();

-- The order line with which the goods of a delivery line were sold: goods that went back to
-- the customer from a repair, with their first sale.
CREATE OR REPLACE FUNCTION return_sale(line bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    sale bigint;
    before bigint;
BEGIN
    LOOP
        SELECT l.sales_order_line_id, b.shipment_line_id INTO sale, before
          FROM shipment_line l
          LEFT JOIN repair_order p ON p.id = l.repair_order_id
          LEFT JOIN return_order_line b ON b.id = p.return_order_line_id
         WHERE l.id = line;
        IF sale IS NOT NULL OR before IS NULL THEN
            RETURN sale;
        END IF;
        line := before;
    END LOOP;
END $$;
GRANT EXECUTE ON FUNCTION return_sale TO tenon_app;

-- The links of a return: the same delivery line and lot; a credit of an invoice of that sale.
CREATE OR REPLACE FUNCTION return_shipment_linked() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM shipment s, return_order_line n JOIN return_order r ON r.id = n.return_id
                WHERE s.id = NEW.shipment_id AND n.id = NEW.return_order_line_id
                  AND (s.kind NOT IN ('return', 'transfer') OR NEW.lot_id IS DISTINCT FROM n.lot_id
                       OR s.kind = 'return' AND (NEW.returns_line_id IS DISTINCT FROM n.shipment_line_id
                                                 OR s.party_id IS DISTINCT FROM r.party_id))) THEN
        PERFORM fail('other_return', 'lines', 'What arrives is not what the return announces');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER return_shipment_linked
    BEFORE INSERT OR UPDATE OF return_order_line_id, lot_id, returns_line_id ON shipment_line
    FOR EACH ROW WHEN (NEW.return_order_line_id IS NOT NULL) EXECUTE FUNCTION return_shipment_linked();

CREATE OR REPLACE FUNCTION return_credit_linked() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM return_order_line n JOIN shipment_line l ON l.id = n.shipment_line_id
                     JOIN invoice i ON i.id = NEW.invoice_id
                    WHERE n.id = NEW.return_order_line_id AND i.kind = 'credit_note'
                      AND NEW.item_id = n.item_id AND NEW.sales_order_line_id = return_sale(l.id)) THEN
        PERFORM fail('other_return', 'lines', 'A return is credited with the invoice of the goods that came back');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER return_credit_linked BEFORE INSERT OR UPDATE OF return_order_line_id ON invoice_line
    FOR EACH ROW WHEN (NEW.return_order_line_id IS NOT NULL) EXECUTE FUNCTION return_credit_linked();

/*
 * What these cases ask to take back: the body's lines [{"shipment_line_id", "lot_id", "quantity",
 * "disposition"}], or all that is left of the case's own delivery line (of its lot, where it
 * names one). A line without a lot means all lots of it that are left. problem: why not.
 */
CREATE OR REPLACE FUNCTION return_wanted(cases bigint[], body json)
    RETURNS TABLE (case_id bigint, n bigint, shipment_id bigint, warehouse_id bigint, shipment_line_id bigint,
                   item_id bigint, lot_id bigint, quantity numeric, disposition text, problem text, detail text)
    LANGUAGE sql STABLE ROWS 5 AS $$
    WITH asked AS (
        SELECT c.id AS case_id, c.party_id, b.n, (b.o ->> 'shipment_line_id')::bigint AS line,
               (b.o ->> 'lot_id')::bigint AS lot, (b.o ->> 'quantity')::numeric AS quantity, b.o ->> 'disposition' AS disposition
          FROM service_case c,
               json_array_elements(CASE json_typeof(body -> 'lines') WHEN 'array' THEN body -> 'lines' ELSE '[]' END)
                   WITH ORDINALITY b (o, n)
         WHERE c.id = ANY (cases)
        UNION ALL
        SELECT c.id, c.party_id, 1, c.shipment_line_id, c.lot_id, (body ->> 'quantity')::numeric, body ->> 'disposition'
          FROM service_case c WHERE c.id = ANY (cases) AND body -> 'lines' IS NULL
    ), found AS (
        SELECT a.*, l.shipment_id, s.warehouse_id, l.item_id, i.code, f.lot_id, f.quantity AS left_over,
               sum(f.quantity) OVER lots AS left_all, count(*) OVER lots AS lots
          FROM asked a
          LEFT JOIN (shipment_line l JOIN shipment s ON s.id = l.shipment_id AND s.kind = 'delivery'
                     JOIN item i ON i.id = l.item_id)
                 ON l.id = a.line AND s.party_id = a.party_id
          LEFT JOIN LATERAL return_left(l.id) f
                 ON f.quantity > 0 AND (a.lot IS NULL OR f.lot_id IS NOT DISTINCT FROM a.lot)
        WINDOW lots AS (PARTITION BY a.case_id, a.n)
    )
    SELECT case_id, n, shipment_id, warehouse_id, line, item_id, lot_id,
           CASE WHEN quantity IS NULL OR lots > 1 THEN left_over ELSE quantity END,
           coalesce(disposition, 'restock'),
           CASE WHEN item_id IS NULL THEN 'not_delivered' WHEN left_over IS NULL THEN 'nothing_to_return'
                WHEN quantity > left_all THEN 'too_much'
                WHEN quantity < left_all AND lots > 1 THEN 'lot_missing' END,
           CASE WHEN quantity > left_all THEN trim_scale(left_all)::text || ' ' || code ELSE code END
      FROM found $$;
GRANT EXECUTE ON FUNCTION return_wanted TO tenon_app;

-- ------------------------------------------------------------------ repairs
-- What nobody typed: customer and item of the case, warehouse, who pays, rates.
CREATE OR REPLACE FUNCTION repair_order_fill() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    about service_case;
    back  return_order_line;
    held  warranty;
BEGIN
    SELECT * INTO about FROM service_case WHERE company_id = NEW.company_id AND id = NEW.case_id;
    SELECT * INTO back FROM return_order_line WHERE company_id = NEW.company_id AND id = NEW.return_order_line_id;
    NEW.party_id := coalesce(NEW.party_id, about.party_id);
    IF NEW.party_id <> about.party_id THEN
        PERFORM fail('other_party', 'case_id', 'This case is of another customer');
    END IF;
    IF NEW.item_id IS NULL THEN
        NEW.item_id := coalesce(back.item_id, about.item_id);
        NEW.lot_id := coalesce(NEW.lot_id, back.lot_id, about.lot_id);
    END IF;
    NEW.warehouse_id := coalesce(NEW.warehouse_id,
        (SELECT r.warehouse_id FROM return_order r WHERE r.id = back.return_id),
        (SELECT min(w.id) FROM warehouse w WHERE w.company_id = NEW.company_id AND w.active));
    IF NEW.coverage IS NULL THEN
        SELECT * INTO held FROM warranty
         WHERE id = warranty_of(NEW.party_id, NEW.lot_id, coalesce(back.shipment_line_id, about.shipment_line_id), app_today());
        NEW.coverage := CASE WHEN held.ends_on >= app_today() THEN 'warranty' ELSE 'billable' END;
    END IF;
    NEW.labour_cost := coalesce(NEW.labour_cost, service_setting(NEW.company_id, 'service.labour_cost', 0));
    NEW.labour_price := coalesce(NEW.labour_price, service_setting(NEW.company_id, 'service.labour_price', 0));
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER fill BEFORE INSERT ON repair_order
    FOR EACH ROW EXECUTE FUNCTION repair_order_fill();

CREATE OR REPLACE FUNCTION repair_order_step() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF NEW.state = 'finished' AND OLD.state <> 'finished' THEN
        NEW.finished_on := app_today();
    ELSIF OLD.state IN ('finished', 'cancelled')
        AND (NEW.party_id, NEW.item_id, NEW.lot_id, NEW.quantity, NEW.coverage, NEW.labour_cost, NEW.labour_price)
            IS DISTINCT FROM
            (OLD.party_id, OLD.item_id, OLD.lot_id, OLD.quantity, OLD.coverage, OLD.labour_cost, OLD.labour_price) THEN
        PERFORM fail('read_only', 'state', '%s is done: what it says stays', OLD.number);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER step BEFORE UPDATE ON repair_order
    FOR EACH ROW EXECUTE FUNCTION repair_order_step();

CREATE OR REPLACE FUNCTION repair_order_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fail('not_draft', NULL, 'Repair %s is under way: cancel it instead', OLD.number);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER keep BEFORE DELETE ON repair_order
    FOR EACH ROW WHEN (OLD.state <> 'draft') EXECUTE FUNCTION repair_order_keep();

-- Parts change while the repair is under way, but not below what is on a shipment.
CREATE OR REPLACE FUNCTION repair_part_check() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    r       repair_order;
    planned numeric;
BEGIN
    SELECT * INTO r FROM repair_order WHERE id = CASE TG_OP WHEN 'DELETE' THEN OLD.repair_id ELSE NEW.repair_id END FOR SHARE;
    IF r.state IN ('finished', 'cancelled') THEN
        PERFORM fail('read_only', 'lines', '%s is done: its lines stay', r.number);
    END IF;
    IF TG_OP = 'UPDATE' THEN
        SELECT coalesce(sum(l.quantity), 0) INTO planned FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id
         WHERE l.repair_part_id = NEW.id AND s.state <> 'cancelled';
        IF NEW.quantity < planned THEN
            PERFORM fail('issued', 'lines', '%s of this part are issued or on their way already', trim_scale(planned)::text);
        END IF;
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE OR REPLACE TRIGGER repair_part_check BEFORE INSERT OR UPDATE OR DELETE ON repair_part
    FOR EACH ROW EXECUTE FUNCTION repair_part_check();

-- A part is issued to the repair's own location, and no more of it than the repair says.
CREATE OR REPLACE FUNCTION repair_issue_linked() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    p repair_part;
BEGIN
    SELECT * INTO p FROM repair_part WHERE id = NEW.repair_part_id FOR NO KEY UPDATE;
    IF p.quantity < (SELECT sum(l.quantity) FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id
                      WHERE l.repair_part_id = p.id AND s.kind = 'transfer' AND s.state <> 'cancelled') THEN
        PERFORM fail('too_much', 'lines', 'More of this part would be issued than the repair needs');
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER repair_issue_linked AFTER INSERT OR UPDATE OF quantity, repair_part_id ON shipment_line
    FOR EACH ROW WHEN (NEW.repair_part_id IS NOT NULL) EXECUTE FUNCTION repair_issue_linked();

-- What is under repair does not leave for the customer.
CREATE OR REPLACE FUNCTION repair_not_finished() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    open text;
BEGIN
    SELECT min(r.number) INTO open
      FROM new_rows m JOIN shipment_line l ON l.id = m.shipment_line_id
      JOIN repair_order r ON r.id = l.repair_order_id AND r.state NOT IN ('finished', 'cancelled')
      JOIN location t ON t.id = m.to_location_id AND t.kind = 'customer';
    IF open IS NOT NULL THEN
        PERFORM fail('repair_open', 'lines', 'Repair %s is not finished yet', open);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER repair_not_finished AFTER INSERT ON stock_move REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION repair_not_finished();

-- Time costs what the repair says, and is posted at once.
CREATE OR REPLACE FUNCTION repair_time_cost() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    r repair_order;
BEGIN
    SELECT * INTO r FROM repair_order WHERE company_id = NEW.company_id AND id = NEW.repair_id FOR NO KEY UPDATE;
    IF r.state <> 'started' THEN
        PERFORM fail('wrong_state', 'state', 'Time is entered while repair %s is under way', r.number);
    ELSIF NEW.worked_on > app_today() THEN
        PERFORM fail('in_future', 'worked_on', 'Work was done today or before');
    ELSIF NEW.minutes < 0 AND 0 > NEW.minutes + (SELECT coalesce(sum(t.minutes), 0) FROM repair_time t WHERE t.repair_id = r.id) THEN
        PERFORM fail('too_much', 'minutes', 'So many minutes were not entered for repair %s', r.number);
    END IF;
    NEW.cost := base_round(NEW.company_id, NEW.minutes * r.labour_cost / 60);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER repair_time_cost BEFORE INSERT ON repair_time
    FOR EACH ROW EXECUTE FUNCTION repair_time_cost();

CREATE OR REPLACE FUNCTION repair_time_posted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM journal_post(n.company_id, 'GEN', n.worked_on, concat_ws(' ', r.number, n.note), 'repair_time', n.id,
                jsonb_build_array(jsonb_build_object('role', 'warranty_cost', 'debit', n.cost, 'credit', 0),
                                  jsonb_build_object('role', 'labour_applied', 'debit', 0, 'credit', n.cost)))
       FROM new_rows n JOIN repair_order r ON r.id = n.repair_id WHERE n.cost <> 0;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER repair_time_posted AFTER INSERT ON repair_time REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION repair_time_posted();

-- ------------------------------------------------------------------ surveys
-- An answer stays: the second one, however close, finds the first.
CREATE OR REPLACE FUNCTION survey_keep() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.score IS NOT NULL
       OR (OLD.token, OLD.kind, OLD.party_id, OLD.shipment_id, OLD.case_id, OLD.sent_at)
          IS DISTINCT FROM (NEW.token, NEW.kind, NEW.party_id, NEW.shipment_id, NEW.case_id, NEW.sent_at) THEN
        IF OLD.score IS NOT NULL THEN
            PERFORM fail('answered', 'score', 'This survey was answered already');
        END IF;
        PERFORM fail('read_only', NULL, 'A survey that was sent stays as it is');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER keep_update BEFORE UPDATE ON survey FOR EACH ROW
    WHEN ((OLD.token, OLD.kind, OLD.party_id, OLD.shipment_id, OLD.case_id, OLD.sent_at, OLD.score, OLD.comment, OLD.answered_at)
          IS DISTINCT FROM
          (NEW.token, NEW.kind, NEW.party_id, NEW.shipment_id, NEW.case_id, NEW.sent_at, NEW.score, NEW.comment, NEW.answered_at))
    EXECUTE FUNCTION survey_keep();
CREATE OR REPLACE TRIGGER keep_delete BEFORE DELETE ON survey FOR EACH ROW
    EXECUTE FUNCTION survey_keep();

-- It asks the customer of the delivery, or of the case.
CREATE OR REPLACE FUNCTION survey_check() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF NEW.party_id IS DISTINCT FROM coalesce(
        (SELECT s.party_id FROM shipment s WHERE s.company_id = NEW.company_id AND s.id = NEW.shipment_id AND s.kind = 'delivery'),
        (SELECT c.party_id FROM service_case c WHERE c.company_id = NEW.company_id AND c.id = NEW.case_id)) THEN
        PERFORM fail('other_party', 'party_id', 'The survey asks the customer of the delivery or the case');
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER survey_check BEFORE INSERT ON survey
    FOR EACH ROW EXECUTE FUNCTION survey_check();

-- ------------------------------------------------------------------ what a return is credited with
-- Goods that left again after a return are not received any more: then nothing may rest on them.
CREATE OR REPLACE FUNCTION return_moved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM return_line_within(l.return_order_line_id)
       FROM (SELECT DISTINCT l.return_order_line_id
               FROM new_rows m JOIN shipment_line l ON l.id = m.shipment_line_id AND l.return_order_line_id IS NOT NULL
              ORDER BY 1) l;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER return_moved AFTER INSERT ON stock_move REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION return_moved();

/*
 * Which invoice lines the goods of these returns are credited with: what has arrived and is not
 * resolved yet, laid end to end with what is invoiced of the same order line and not credited,
 * the oldest first. Goods that came back from a repair are credited with their first sale.
 */
CREATE OR REPLACE FUNCTION return_credits(returns bigint[])
    RETURNS TABLE (return_id bigint, line_id bigint, invoice_id bigint, invoice_line_id bigint, quantity numeric)
    LANGUAGE sql STABLE ROWS 5 AS $$
    WITH need AS (
        SELECT n.return_id, n.id, return_sale(n.shipment_line_id) AS sale,
               return_line_received(n.id) - return_line_resolved(n.id) AS quantity
          FROM return_order_line n
         WHERE n.return_id = ANY (returns)
    ), demand AS (
        SELECT n.*, sum(n.quantity) OVER w - n.quantity AS starts, sum(n.quantity) OVER w AS ends
          FROM need n WHERE n.quantity > 0 WINDOW w AS (PARTITION BY n.sale ORDER BY n.id)
    ), billed AS (
        SELECT v.id, v.invoice_id, v.sales_order_line_id AS sale, i.invoice_date,
               v.quantity - v.credited_quantity - coalesce((
                   SELECT sum(c.quantity) FROM invoice_line c JOIN invoice h ON h.id = c.invoice_id AND h.state = 'draft'
                    WHERE c.company_id = v.company_id AND c.credits_line_id = v.id), 0) AS quantity
          FROM invoice_line v JOIN invoice i ON i.id = v.invoice_id AND i.kind = 'customer_invoice' AND i.state = 'posted'
         WHERE v.sales_order_line_id IN (SELECT sale FROM need)
    ), supply AS (
        SELECT b.*, sum(b.quantity) OVER w - b.quantity AS starts, sum(b.quantity) OVER w AS ends
          FROM billed b WHERE b.quantity > 0 WINDOW w AS (PARTITION BY b.sale ORDER BY b.invoice_date, b.id)
    )
    SELECT d.return_id, d.id, s.invoice_id, s.id, least(d.ends, s.ends) - greatest(d.starts, s.starts)
      FROM demand d JOIN supply s ON s.sale = d.sale AND s.starts < d.ends AND d.starts < s.ends $$;
GRANT EXECUTE ON FUNCTION return_credits TO tenon_app;
