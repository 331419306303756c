-- What an order promises. A quotation tells a date and keeps nothing; a confirmed order takes
-- its promise in the statement that confirms it, and each change of its lines is promised anew
-- in the statement that changes them: nobody can go round it. Run again at every upgrade.

-- What covers so much of an item on a day: [{"from": "stock", "quantity"}, {"from": "buy", "day",
-- "quantity", "supply"}, ..., {"from": "none", "quantity"}]. Stock first; then the supply that
-- arrives last before the day, since the day would be an earlier one without it.
CREATE OR REPLACE FUNCTION sales_promise_source(company bigint, item bigint, warehouse bigint, wanted numeric,
                                                on_day date, uncovered numeric) RETURNS jsonb
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    parts jsonb := '[]';
    rest  numeric := wanted;
    take  numeric := least(wanted, greatest(promise_free(company, item, warehouse, app_today()), 0));
    s     record;
BEGIN
    IF take > 0 THEN
        parts := parts || jsonb_build_object('from', 'stock', 'quantity', plain_text(take));
        rest := rest - take;
    END IF;
    FOR s IN SELECT u.id, u.method, greatest(u.day, app_today() + 1) AS day, u.quantity FROM supply u
              WHERE u.company_id = company AND u.item_id = item AND u.warehouse_id = warehouse AND u.quantity > 0
                AND greatest(u.day, app_today() + 1) <= on_day
              ORDER BY u.day DESC, u.id DESC LOOP
        EXIT WHEN rest <= 0;
        parts := parts || jsonb_build_object('from', s.method, 'day', s.day, 'supply', s.id,
                                             'quantity', plain_text(least(rest, s.quantity)));
        rest := rest - least(rest, s.quantity);
    END LOOP;
    IF uncovered > 0 THEN
        parts := parts || jsonb_build_object('from', 'none', 'quantity', plain_text(uncovered));
    END IF;
    RETURN parts;
END $$;

-- The date of a line that reserves nothing yet: what would be promised now.
CREATE OR REPLACE FUNCTION sales_line_estimate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    o record;
    wanted date;
BEGIN
    SELECT s.warehouse_id, s.required_date, s.confirmed_at, i.kind INTO o
      FROM sales_order s, item i WHERE s.id = NEW.order_id AND i.id = NEW.item_id;
    IF o.kind IS DISTINCT FROM 'stocked' OR o.warehouse_id IS NULL OR o.confirmed_at IS NOT NULL THEN
        RETURN NEW;
    END IF;
    wanted := greatest(o.required_date, app_today());
    NEW.promised_date := promise_ready(NEW.company_id, NEW.item_id, o.warehouse_id, NEW.quantity, wanted);
    NEW.promise_source := sales_promise_source(NEW.company_id, NEW.item_id, o.warehouse_id, NEW.quantity,
        coalesce(NEW.promised_date, 'infinity'),
        CASE WHEN NEW.promised_date IS NULL THEN NEW.quantity - least(NEW.quantity, greatest(
            promise_free(NEW.company_id, NEW.item_id, o.warehouse_id, 'infinity'), 0)) END);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER promise_estimate BEFORE INSERT OR UPDATE OF item_id, quantity ON sales_order_line
    FOR EACH ROW EXECUTE FUNCTION sales_line_estimate();

-- One line's promise as it should be: what is still to be delivered, on the first day on which
-- all of it can be; where that is never, as much as ever can be, and no date. What the line then
-- says is the answer; changed is false where the promise could stay.
DROP FUNCTION IF EXISTS sales_line_promise(sales_order_line, bigint, date, boolean);
CREATE OR REPLACE FUNCTION sales_line_promise(l sales_order_line, warehouse bigint, wanted date, anew boolean,
                                              OUT changed boolean, OUT ready date, OUT source jsonb)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    p    promise;
    open numeric := greatest(l.quantity - l.quantity_delivered, 0);
    held numeric;                             -- set aside already
    part numeric;
BEGIN
    SELECT * INTO p FROM promise WHERE sales_order_line_id = l.id;
    changed := p.id IS NULL AND open > 0 OR p.id IS NOT NULL AND (anew OR p.quantity <> open OR p.warehouse_id <> warehouse);
    IF NOT changed THEN
        RETURN;
    END IF;
    UPDATE promise SET quantity = reserved WHERE id = p.id AND quantity <> reserved;
    held := coalesce(p.reserved, 0);
    part := open - held;
    IF part <= 0 THEN                         -- all of it is set aside: it can leave at once
        ready := CASE WHEN open > 0 THEN wanted ELSE l.promised_date END;
        source := CASE WHEN open > 0 THEN jsonb_build_array(jsonb_build_object('from', 'stock', 'quantity', plain_text(open))) END;
        RETURN;
    END IF;
    ready := promise_ready(l.company_id, l.item_id, warehouse, part, wanted);
    IF ready IS NULL THEN
        part := least(part, greatest(promise_free(l.company_id, l.item_id, warehouse, 'infinity'), 0));
    END IF;
    source := sales_promise_source(l.company_id, l.item_id, warehouse, part, coalesce(ready, 'infinity'), open - held - part);
    IF held > 0 THEN
        source := jsonb_build_array(jsonb_build_object('from', 'stock', 'quantity', plain_text(held))) || source;
    END IF;
    p.day := coalesce(ready, CASE WHEN part > 0 THEN promise_ready(l.company_id, l.item_id, warehouse, part, wanted) END, wanted);
    IF p.id IS NULL THEN
        INSERT INTO promise (company_id, item_id, warehouse_id, day, quantity, sales_order_line_id)
        VALUES (l.company_id, l.item_id, warehouse, p.day, part, l.id);
    ELSIF part > 0 THEN
        UPDATE promise SET quantity = reserved + part, day = p.day WHERE id = p.id;
    END IF;
END $$;

-- The promises of these orders as they should be; anew: also those that could stay. The lines
-- are told at the end, all in one statement.
CREATE OR REPLACE FUNCTION sales_promise(orders bigint[], anew boolean DEFAULT false) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    c       record;
    made    record;
    lines   bigint[] := '{}';
    days    date[] := '{}';
    sources jsonb[] := '{}';
BEGIN
    PERFORM stock_lock(array_agg(DISTINCT l.item_id), l.company_id)
       FROM sales_order_line l WHERE l.order_id = ANY (orders) GROUP BY l.company_id;
    UPDATE promise p SET quantity = p.reserved
      FROM sales_order_line l JOIN sales_order o ON o.id = l.order_id
     WHERE p.sales_order_line_id = l.id AND l.order_id = ANY (orders) AND p.quantity <> p.reserved
       AND (o.confirmed_at IS NULL OR o.state IN ('closed', 'cancelled') OR l.optional);
    FOR c IN
        SELECT l AS line, o.warehouse_id, greatest(o.required_date, app_today()) AS wanted
          FROM sales_order o JOIN sales_order_line l ON l.order_id = o.id AND NOT l.optional
          JOIN item i ON i.id = l.item_id AND i.kind = 'stocked'
         WHERE o.id = ANY (orders) AND o.confirmed_at IS NOT NULL AND o.state NOT IN ('closed', 'cancelled')
         ORDER BY l.item_id, o.confirmed_at, l.id
    LOOP
        made := sales_line_promise(c.line, c.warehouse_id, c.wanted, anew);
        IF made.changed THEN
            lines := lines || (c.line).id;
            days := days || made.ready;
            sources := sources || made.source;
        END IF;
    END LOOP;
    IF lines <> '{}' THEN
        UPDATE sales_order_line l SET promised_date = m.ready, promise_source = m.source,
               first_promised_date = coalesce(l.first_promised_date, m.ready)
          FROM unnest(lines, days, sources) m (id, ready, source)
         WHERE l.id = m.id AND (l.promised_date, l.promise_source, l.first_promised_date)
               IS DISTINCT FROM (m.ready, m.source, coalesce(l.first_promised_date, m.ready));
    END IF;
END $$;

CREATE OR REPLACE FUNCTION sales_order_promised() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    stepped bigint[];
    moved   bigint[];
BEGIN
    SELECT array_agg(n.id ORDER BY n.id) FILTER (WHERE NOT t.moved), array_agg(n.id ORDER BY n.id) FILTER (WHERE t.moved)
      INTO stepped, moved
      FROM old_rows o JOIN new_rows n USING (id)
     CROSS JOIN LATERAL (SELECT (o.warehouse_id, o.required_date) IS DISTINCT FROM (n.warehouse_id, n.required_date) AS moved) t
     WHERE n.confirmed_at IS NOT NULL AND (o.confirmed_at IS NULL OR o.state <> n.state OR t.moved);
    IF stepped IS NOT NULL THEN
        PERFORM sales_promise(stepped);
    END IF;
    IF moved IS NOT NULL THEN
        PERFORM sales_promise(moved, true);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER promise_order AFTER UPDATE ON sales_order
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION sales_order_promised();

CREATE OR REPLACE FUNCTION sales_order_line_promised() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    orders bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT n.order_id) INTO orders
          FROM new_rows n JOIN sales_order o ON o.id = n.order_id AND o.confirmed_at IS NOT NULL;
    ELSE
        SELECT array_agg(DISTINCT n.order_id) INTO orders
          FROM old_rows p JOIN new_rows n USING (id) JOIN sales_order o ON o.id = n.order_id AND o.confirmed_at IS NOT NULL
         WHERE (p.item_id, p.quantity, p.optional) IS DISTINCT FROM (n.item_id, n.quantity, n.optional);
    END IF;
    IF orders IS NOT NULL THEN
        PERFORM sales_promise(orders);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER promise_insert AFTER INSERT ON sales_order_line
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sales_order_line_promised();
CREATE OR REPLACE TRIGGER promise_update AFTER UPDATE ON sales_order_line
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sales_order_line_promised();

-- A line that goes, or becomes another item's, gives back what it was promised.
CREATE OR REPLACE FUNCTION sales_line_gives_back() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    UPDATE promise SET quantity = reserved, sales_order_line_id = NULL WHERE sales_order_line_id = OLD.id;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE OR REPLACE TRIGGER promise_gives_back BEFORE DELETE ON sales_order_line
    FOR EACH ROW EXECUTE FUNCTION sales_line_gives_back();
CREATE OR REPLACE TRIGGER promise_other_item BEFORE UPDATE OF item_id ON sales_order_line
    FOR EACH ROW WHEN (OLD.item_id <> NEW.item_id) EXECUTE FUNCTION sales_line_gives_back();

-- The delivery of an order line fulfils that line's promise, and no other line can.
CREATE OR REPLACE FUNCTION sales_line_fulfils() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF NEW.sales_order_line_id IS NULL OR NEW.returns_line_id IS NOT NULL THEN
        IF EXISTS (SELECT FROM promise p WHERE p.id = NEW.promise_id AND p.sales_order_line_id IS NOT NULL) THEN
            PERFORM fail('other_order', 'promise_id', 'This was promised to an order: only a delivery of that order can take it');
        END IF;
        RETURN NEW;
    END IF;
    SELECT p.id INTO NEW.promise_id FROM promise p JOIN shipment s ON s.id = NEW.shipment_id AND s.kind = 'delivery'
     WHERE p.sales_order_line_id = NEW.sales_order_line_id AND p.item_id = NEW.item_id;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER sales_fulfils BEFORE INSERT ON shipment_line
    FOR EACH ROW WHEN (NEW.sales_order_line_id IS NOT NULL OR NEW.promise_id IS NOT NULL)
    EXECUTE FUNCTION sales_line_fulfils();

-- Promise what is open anew: after supply came, was lost or moved. Gate of the operation.
CREATE OR REPLACE FUNCTION sales_promise_again(orders bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM require_permission('sales_order.promise');
    PERFORM sales_promise(ARRAY(SELECT o.id FROM sales_order o WHERE o.id = ANY (orders) AND o.company_id = app_company()), true);
END $$;
GRANT EXECUTE ON FUNCTION sales_promise_again TO tenon_app;
