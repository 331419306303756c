-- The triggers of purchasing: defaults, what may still be changed when, and what follows for
-- orders from their lines and receipts. Bills are in match.sql. Run again at every upgrade.
--
-- Whoever derives columns of an order locks its row first, in a statement of its own.

-- ------------------------------------------------------------------ a company's own
CREATE OR REPLACE FUNCTION purchase_company_setup(in_company bigint, chart text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    INSERT INTO number_series (company_id, code, pattern)
    VALUES (in_company, 'purchase_requisition', 'PR-{YYYY}-{00000}'), (in_company, 'purchase_order', 'PO-{YYYY}-{00000}')
    ON CONFLICT (company_id, code) DO NOTHING $$;

-- ------------------------------------------------------------------ defaults
CREATE OR REPLACE FUNCTION purchase_order_fill() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    c supplier_company;
BEGIN
    SELECT * INTO c FROM supplier_company WHERE company_id = NEW.company_id AND party_id = NEW.supplier_id;
    NEW.currency_code   := coalesce(NEW.currency_code, c.currency_code, current_setting('tenon.currency'));
    NEW.exchange_rate   := coalesce(NEW.exchange_rate, exchange_rate_must(NEW.company_id, NEW.currency_code, NEW.order_date));
    NEW.payment_term_id := coalesce(NEW.payment_term_id, c.payment_term_id);
    NEW.buyer_id        := coalesce(NEW.buyer_id, c.buyer_id);
    IF NEW.warehouse_id IS NULL THEN
        SELECT min(id) INTO NEW.warehouse_id FROM warehouse WHERE company_id = NEW.company_id AND active;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER fill BEFORE INSERT ON purchase_order
    FOR EACH ROW EXECUTE FUNCTION purchase_order_fill();

-- A line takes from item, supplier prices and tax rules what nobody typed. An emptied price is
-- looked up again. Its supply is that of the requisition line that it orders.
CREATE OR REPLACE FUNCTION purchase_order_line_fill() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    o purchase_order;
    i item;
    p record;
BEGIN
    SELECT * INTO o FROM purchase_order WHERE id = NEW.order_id;
    SELECT * INTO i FROM item WHERE id = NEW.item_id;
    NEW.currency_code := coalesce(o.currency_code, NEW.currency_code);
    SELECT * INTO p FROM purchase_offers(NEW.company_id, NEW.item_id, NEW.quantity, o.order_date, o.supplier_id,
                                         NEW.currency_code) LIMIT 1;
    IF NEW.unit_price IS NULL THEN
        NEW.unit_price        := p.unit_price;
        NEW.price_explanation := p.explanation;
    END IF;
    IF TG_OP = 'INSERT' THEN
        NEW.position    := coalesce(NEW.position, (SELECT coalesce(max(l.position), 0) + 1
                                                     FROM purchase_order_line l WHERE l.order_id = NEW.order_id));
        NEW.description := coalesce(NEW.description, i.name);
        NEW.supplier_item_code := coalesce(NEW.supplier_item_code, p.supplier_item_code);
        NEW.expected_date := coalesce(NEW.expected_date, o.expected_date,
            calendar_day_add(app_calendar(), o.order_date, coalesce(p.lead_days, i.lead_days)));
        IF NEW.tax_id IS NULL AND EXISTS (SELECT FROM tax_rule WHERE company_id = NEW.company_id AND use = 'purchase') THEN
            NEW.tax_id := tax_for(NEW.company_id, 'purchase', NEW.item_id, o.supplier_id);
        END IF;
        IF o.ordered_at IS NOT NULL THEN       -- added to an order that the supplier has
            NEW.expected_date  := coalesce(NEW.expected_date, app_today());
            NEW.over_tolerance := purchase_tolerance(NEW.company_id, NEW.item_id, o.supplier_id, NEW.quantity, o.order_date);
        END IF;
        SELECT l.supply_id INTO NEW.supply_id FROM purchase_requisition_line l
          JOIN supply s ON s.id = l.supply_id AND s.warehouse_id = o.warehouse_id
         WHERE l.id = NEW.requisition_line_id AND l.item_id = NEW.item_id
           AND NOT EXISTS (SELECT FROM purchase_order_line x WHERE x.supply_id = l.supply_id);
    ELSIF o.ordered_at IS NOT NULL AND NEW.quantity <> OLD.quantity THEN
        NEW.over_tolerance := purchase_tolerance(NEW.company_id, NEW.item_id, o.supplier_id, NEW.quantity, o.order_date);
    END IF;
    NEW.tax_rate := CASE WHEN NEW.tax_id IS NULL THEN 0 ELSE coalesce(tax_percent_on(NEW.tax_id, o.order_date), 0) END;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER fill BEFORE INSERT OR UPDATE OF item_id, quantity, unit_price, discount, tax_id, currency_code, order_id
    ON purchase_order_line FOR EACH ROW EXECUTE FUNCTION purchase_order_line_fill();

-- ------------------------------------------------------------------ what follows from the lines
-- Keep the derived columns of orders: a no-op for those that are right already. The view
-- purchase_order_derived says the same, and a check compares.
CREATE OR REPLACE FUNCTION purchase_order_refresh(orders bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM FROM purchase_order WHERE id = ANY (orders) ORDER BY id FOR NO KEY UPDATE;
    UPDATE purchase_order o SET net = d.net, tax = d.tax, received = d.received, billed = d.billed
      FROM purchase_order_derived d
     WHERE o.id = ANY (orders) AND d.id = o.id
       AND (o.net, o.tax, o.received, o.billed) IS DISTINCT FROM (d.net, d.tax, d.received, d.billed);
END $$;

/*
 * What is expected of these lines: a binding order makes its supply firm, or makes one; drafts
 * carry a plan along; what is closed or cancelled brings nothing more.
 */
CREATE OR REPLACE FUNCTION purchase_supply_follow(lines bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    l record;
BEGIN
    FOR l IN
        SELECT n.id, n.company_id, n.item_id, n.supply_id, o.warehouse_id, o.state,
               coalesce(n.expected_date, o.expected_date, o.order_date) AS day,
               CASE WHEN o.state IN ('closed', 'cancelled') THEN 0
                    ELSE greatest(n.quantity - n.quantity_received, 0) END AS open
          FROM purchase_order_line n JOIN purchase_order o ON o.id = n.order_id JOIN item i ON i.id = n.item_id
         WHERE n.id = ANY (lines) AND i.kind = 'stocked' ORDER BY n.item_id, n.id
    LOOP
        IF l.supply_id IS NOT NULL THEN
            PERFORM supply_set(l.supply_id, l.day, l.open, l.state <> 'draft');
        ELSIF l.state NOT IN ('draft', 'cancelled', 'closed') AND l.open > 0 THEN
            UPDATE purchase_order_line
               SET supply_id = supply_add(l.company_id, l.item_id, l.warehouse_id, 'buy', l.day, l.open, true, NULL)
             WHERE id = l.id;
        END IF;
    END LOOP;
END $$;

-- A closed or cancelled order changes no more.
CREATE OR REPLACE FUNCTION purchase_order_changeable(orders bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    o record;
BEGIN
    FOR o IN SELECT number, state FROM purchase_order WHERE id = ANY (orders) ORDER BY id FOR NO KEY UPDATE LOOP
        IF o.state IN ('closed', 'cancelled') THEN
            PERFORM fail('order_closed', 'lines', 'Order %s is closed and cannot be changed', o.number);
        END IF;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION purchase_order_line_inserted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    orders bigint[] := ARRAY(SELECT DISTINCT order_id FROM new_rows);
BEGIN
    PERFORM purchase_order_changeable(orders);
    IF EXISTS (SELECT FROM new_rows n JOIN item i ON i.id = n.item_id AND i.kind = 'kit') THEN
        PERFORM fail('kit', 'lines', 'A kit is not bought: order its parts');
    END IF;
    PERFORM purchase_order_refresh(orders);
    PERFORM purchase_supply_follow(ARRAY(SELECT id FROM new_rows));
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER derive_insert AFTER INSERT ON purchase_order_line REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION purchase_order_line_inserted();

-- What of a line was typed anew, and may it: no less than was received or is on its way in a
-- receipt, no other price once it is billed. Open receipts follow the price.
CREATE OR REPLACE FUNCTION purchase_order_line_typed(was purchase_order_line, now_is purchase_order_line) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    planned numeric;
BEGIN
    IF was.order_id <> now_is.order_id THEN
        PERFORM fail('read_only', 'lines', 'A line stays in its order');
    END IF;
    IF (was.unit_price, was.discount) IS DISTINCT FROM (now_is.unit_price, now_is.discount) AND now_is.quantity_billed > 0 THEN
        PERFORM fail('already_billed', 'lines', 'This line is billed: its price cannot change any more');
    END IF;
    IF now_is.quantity < was.quantity THEN
        SELECT coalesce(sum(l.quantity), 0) INTO planned FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id
         WHERE l.purchase_order_line_id = now_is.id AND s.kind = 'receipt' AND s.state NOT IN ('done', 'cancelled');
        IF now_is.quantity < now_is.quantity_received - now_is.quantity_returned + planned AND planned > 0 THEN
            PERFORM fail('in_receipt', 'lines', 'A receipt of %s is expected for this line: cancel it first',
                         trim_scale(planned)::text);
        END IF;
    END IF;
    UPDATE shipment_line l SET unit_cost = l.unit_cost
      FROM shipment s WHERE s.id = l.shipment_id AND s.kind = 'receipt' AND s.state NOT IN ('done', 'cancelled')
       AND l.purchase_order_line_id = now_is.id;
END $$;

CREATE OR REPLACE FUNCTION purchase_order_line_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    typed bigint[];
    moved bigint[];
BEGIN
    SELECT array_agg(DISTINCT n.order_id) FILTER (WHERE t.typed),
           array_agg(n.id) FILTER (WHERE t.typed OR (o.quantity_received, o.quantity_returned) <> (n.quantity_received, n.quantity_returned))
      INTO typed, moved
      FROM old_rows o JOIN new_rows n USING (id)
     CROSS JOIN LATERAL (SELECT (o.order_id, o.item_id, o.description, o.quantity, o.unit_price, o.discount, o.tax_id,
                                 o.currency_code, o.expected_date) IS DISTINCT FROM
                                (n.order_id, n.item_id, n.description, n.quantity, n.unit_price, n.discount, n.tax_id,
                                 n.currency_code, n.expected_date) AS typed) t;
    IF typed IS NOT NULL THEN
        PERFORM purchase_order_changeable(typed);
        PERFORM purchase_order_line_typed(o, n) FROM old_rows o JOIN new_rows n USING (id)
          WHERE (o.order_id, o.quantity, o.unit_price, o.discount) IS DISTINCT FROM (n.order_id, n.quantity, n.unit_price, n.discount);
    END IF;
    PERFORM purchase_order_refresh(ARRAY(SELECT DISTINCT order_id FROM new_rows));
    IF moved IS NOT NULL THEN
        PERFORM purchase_supply_follow(moved);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER derive_update AFTER UPDATE ON purchase_order_line
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION purchase_order_line_updated();

CREATE OR REPLACE FUNCTION purchase_order_line_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    orders bigint[] := ARRAY(SELECT DISTINCT order_id FROM old_rows);
BEGIN
    PERFORM purchase_order_changeable(orders);
    PERFORM purchase_order_refresh(orders);
    PERFORM supply_set(s.id, s.day, 0, s.firm) FROM old_rows o JOIN supply s ON s.id = o.supply_id ORDER BY s.item_id, s.id;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER derive_delete AFTER DELETE ON purchase_order_line REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION purchase_order_line_deleted();

-- ------------------------------------------------------------------ the order's own steps
-- Nothing is ordered without a price, whatever the workflow says. Supplier, currency, rate and
-- place of what the supplier has stay.
CREATE OR REPLACE FUNCTION purchase_order_step() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    NEW.currency_code := coalesce(NEW.currency_code, OLD.currency_code);
    IF NEW.exchange_rate IS NULL OR (NEW.currency_code, NEW.order_date) <> (OLD.currency_code, OLD.order_date)
       AND NEW.exchange_rate = OLD.exchange_rate THEN
        NEW.exchange_rate := exchange_rate_must(NEW.company_id, NEW.currency_code, NEW.order_date);
    END IF;
    IF OLD.ordered_at IS NOT NULL AND
       (NEW.supplier_id, NEW.currency_code, NEW.exchange_rate, NEW.order_date, NEW.warehouse_id) IS DISTINCT FROM
       (OLD.supplier_id, OLD.currency_code, OLD.exchange_rate, OLD.order_date, OLD.warehouse_id) THEN
        PERFORM fail('already_ordered', NULL, 'Order %s is with the supplier: supplier, currency, date and warehouse stay', OLD.number);
    END IF;
    IF NEW.warehouse_id IS DISTINCT FROM OLD.warehouse_id AND
       EXISTS (SELECT FROM purchase_order_line l WHERE l.order_id = NEW.id AND l.supply_id IS NOT NULL) THEN
        PERFORM fail('planned', 'warehouse_id', 'The goods of %s are planned for this warehouse', OLD.number);
    END IF;
    IF NEW.state = 'ordered' AND OLD.state <> 'ordered' AND NEW.ordered_at IS NULL THEN
        IF NEW.warehouse_id IS NULL THEN
            PERFORM fail('required', 'warehouse_id', 'Say where the goods are received');
        END IF;
        IF EXISTS (SELECT FROM purchase_order_line l WHERE l.order_id = NEW.id AND l.unit_price IS NULL) THEN
            PERFORM fail('no_price', 'lines', 'A line has no price: enter one');
        END IF;
        NEW.ordered_at := now();
    END IF;
    IF NEW.state = 'cancelled' AND OLD.state <> 'cancelled' AND
       EXISTS (SELECT FROM purchase_order_line l WHERE l.order_id = NEW.id AND (l.quantity_received > 0 OR l.quantity_billed > 0)) THEN
        PERFORM fail('already_received', NULL, 'Order %s was received or billed in part: close it instead', NEW.number);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER step BEFORE UPDATE ON purchase_order
    FOR EACH ROW EXECUTE FUNCTION purchase_order_step();

CREATE OR REPLACE FUNCTION purchase_order_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    moved bigint[];
    ordered bigint[];
BEGIN
    SELECT array_agg(n.id), array_agg(n.id) FILTER (WHERE o.ordered_at IS NULL AND n.ordered_at IS NOT NULL) INTO moved, ordered
      FROM old_rows o JOIN new_rows n USING (id)
     WHERE o.state <> n.state OR o.currency_code <> n.currency_code;
    IF moved IS NULL THEN
        RETURN NULL;
    END IF;
    UPDATE purchase_order_line l SET currency_code = n.currency_code
      FROM new_rows n WHERE l.order_id = n.id AND l.currency_code <> n.currency_code;
    IF ordered IS NOT NULL THEN
        UPDATE purchase_order_line l
           SET over_tolerance = purchase_tolerance(l.company_id, l.item_id, o.supplier_id, l.quantity, o.order_date),
               expected_date = coalesce(l.expected_date, o.expected_date, app_today())
          FROM purchase_order o WHERE o.id = l.order_id AND o.id = ANY (ordered);
    END IF;
    PERFORM purchase_order_refresh(moved);
    PERFORM purchase_supply_follow(ARRAY(SELECT l.id FROM purchase_order_line l WHERE l.order_id = ANY (moved)));
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER derive_update AFTER UPDATE ON purchase_order
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION purchase_order_updated();

CREATE OR REPLACE FUNCTION purchase_order_kept() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF OLD.ordered_at IS NOT NULL OR OLD.state <> 'draft' THEN
        PERFORM fail('not_draft', NULL, 'Order %s has left the house: cancel it instead', OLD.number);
    END IF;
    RETURN OLD;
END $$;
CREATE OR REPLACE TRIGGER keep BEFORE DELETE ON purchase_order
    FOR EACH ROW EXECUTE FUNCTION purchase_order_kept();

-- ------------------------------------------------------------------ from stock
-- What a receipt of an order costs and how much more is accepted follows from the order; what
-- goes back was received for an order line.
CREATE OR REPLACE FUNCTION purchase_receipt_fill() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' AND NEW.returns_line_id IS NOT NULL THEN
        SELECT l.purchase_order_line_id INTO NEW.purchase_order_line_id FROM shipment_line l WHERE l.id = NEW.returns_line_id;
        RETURN NEW;
    END IF;
    IF NEW.purchase_order_line_id IS NOT NULL THEN
        SELECT round(l.unit_price * (100 - l.discount) * 0.01 * o.exchange_rate, 6), l.over_tolerance
          INTO NEW.unit_cost, NEW.over_tolerance
          FROM purchase_order_line l JOIN purchase_order o ON o.id = l.order_id
         WHERE l.id = NEW.purchase_order_line_id;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER purchase_fill BEFORE INSERT OR UPDATE OF unit_cost ON shipment_line
    FOR EACH ROW WHEN (NEW.purchase_order_line_id IS NOT NULL OR NEW.returns_line_id IS NOT NULL)
    EXECUTE FUNCTION purchase_receipt_fill();

-- A receipt of an order comes from that order's supplier, and goes back to him.
CREATE OR REPLACE FUNCTION purchase_shipment_linked() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows n JOIN purchase_order_line l ON l.id = n.purchase_order_line_id
                 JOIN purchase_order o ON o.id = l.order_id JOIN shipment s ON s.id = n.shipment_id
                WHERE s.party_id IS DISTINCT FROM o.supplier_id OR o.ordered_at IS NULL OR s.kind NOT IN ('receipt', 'delivery')
                   OR (s.kind = 'receipt' AND (o.state IN ('closed', 'cancelled') OR s.warehouse_id <> o.warehouse_id))
                   OR (s.kind = 'delivery' AND n.returns_line_id IS NULL)) THEN
        PERFORM fail('other_order', 'lines', 'A receipt belongs to an order that its supplier has, at its warehouse');
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER purchase_linked AFTER INSERT ON shipment_line REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION purchase_shipment_linked();

-- A link to an order line is made with its line and stays.
CREATE OR REPLACE FUNCTION purchase_link_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fail('read_only', 'purchase_order_line_id', 'The line of the order stays');
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER purchase_link_stays BEFORE UPDATE OF purchase_order_line_id ON shipment_line FOR EACH ROW
    WHEN (OLD.purchase_order_line_id IS DISTINCT FROM NEW.purchase_order_line_id) EXECUTE FUNCTION purchase_link_stays();
CREATE OR REPLACE TRIGGER purchase_link_stays BEFORE UPDATE OF purchase_order_line_id ON invoice_line FOR EACH ROW
    WHEN (OLD.purchase_order_line_id IS DISTINCT FROM NEW.purchase_order_line_id) EXECUTE FUNCTION purchase_link_stays();

-- What came from a supplier, or went back, counts on its order line.
CREATE OR REPLACE FUNCTION purchase_stock_moved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    orders bigint[];
BEGIN
    SELECT array_agg(DISTINCT o.order_id) INTO orders
      FROM new_rows m JOIN shipment_line s ON s.id = m.shipment_line_id
      JOIN purchase_order_line o ON o.id = s.purchase_order_line_id;
    IF orders IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM FROM purchase_order WHERE id = ANY (orders) ORDER BY id FOR NO KEY UPDATE;
    UPDATE purchase_order_line o
       SET quantity_received = o.quantity_received + m.received, quantity_returned = o.quantity_returned + m.returned
      FROM (SELECT s.purchase_order_line_id AS line,
                   coalesce(sum(m.quantity) FILTER (WHERE f.kind = 'supplier'), 0) AS received,
                   coalesce(sum(m.quantity) FILTER (WHERE t.kind = 'supplier'), 0) AS returned
              FROM new_rows m JOIN shipment_line s ON s.id = m.shipment_line_id
              JOIN location f ON f.id = m.from_location_id
              JOIN location t ON t.id = m.to_location_id
             WHERE s.purchase_order_line_id IS NOT NULL GROUP BY 1) m
     WHERE o.id = m.line AND (m.received, m.returned) <> (0, 0);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER purchase_received AFTER INSERT ON stock_move REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION purchase_stock_moved();
