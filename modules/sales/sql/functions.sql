-- The triggers of sales: defaults of a new order and its lines, what may still be changed
-- when, and the columns that follow from lines, deliveries and invoices.
--
-- Whoever derives columns of an order locks its row first, in a statement of its own: two
-- deliveries of one order at the same time then see each other's lines.

-- ------------------------------------------------------------------ a company's own
CREATE OR REPLACE FUNCTION sales_company_setup(in_company bigint, chart text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    INSERT INTO number_series (company_id, code, pattern) VALUES (in_company, 'sales_order', 'SO-{YYYY}-{00000}')
    ON CONFLICT (company_id, code) DO NOTHING $$;

-- ------------------------------------------------------------------ defaults
-- A new order takes from its customer what nobody typed.
CREATE OR REPLACE FUNCTION sales_order_fill() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    c customer_company;
    a party_address;
BEGIN
    SELECT * INTO c FROM customer_company WHERE company_id = NEW.company_id AND party_id = NEW.customer_id;
    NEW.exchange_rate   := coalesce(NEW.exchange_rate,
                                    exchange_rate_must(NEW.company_id, NEW.currency_code, NEW.order_date));
    NEW.price_list_id   := coalesce(NEW.price_list_id, c.price_list_id);
    NEW.payment_term_id := coalesce(NEW.payment_term_id, c.payment_term_id);
    NEW.salesperson_id  := coalesce(NEW.salesperson_id, c.salesperson_id);
    IF NEW.warehouse_id IS NULL THEN
        SELECT min(id) INTO NEW.warehouse_id FROM warehouse WHERE company_id = NEW.company_id;
    END IF;
    IF NEW.shipping_street IS NULL AND NEW.shipping_city IS NULL THEN
        SELECT * INTO a FROM party_address WHERE party_id = NEW.customer_id
         ORDER BY purpose = 'shipping' DESC, is_default DESC, id LIMIT 1;
        NEW.shipping_name         := coalesce(NEW.shipping_name, a.name,
                                              (SELECT p.name FROM party p WHERE p.id = NEW.customer_id));
        NEW.shipping_street       := a.street;
        NEW.shipping_city         := a.city;
        NEW.shipping_region       := a.region;
        NEW.shipping_postal_code  := a.postal_code;
        NEW.shipping_country_code := coalesce(NEW.shipping_country_code, a.country_code);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER fill BEFORE INSERT ON sales_order
    FOR EACH ROW EXECUTE FUNCTION sales_order_fill();

-- A line takes its currency from the order, and from item, price list and tax rules what
-- nobody typed. An emptied price is looked up again.
CREATE OR REPLACE FUNCTION sales_order_line_fill() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    o sales_order;
    i item;
    p record;
BEGIN
    SELECT * INTO o FROM sales_order WHERE id = NEW.order_id;
    NEW.currency_code := coalesce(o.currency_code, NEW.currency_code);
    SELECT * INTO i FROM item WHERE id = NEW.item_id;
    IF TG_OP = 'INSERT' THEN
        NEW.position       := coalesce(NEW.position, (SELECT coalesce(max(l.position), 0) + 1
                                                        FROM sales_order_line l WHERE l.order_id = NEW.order_id));
        NEW.description    := coalesce(NEW.description, i.name);
        NEW.invoice_policy := coalesce(NEW.invoice_policy,
                                       CASE WHEN i.kind = 'service' THEN 'ordered' ELSE o.invoice_policy END);
        IF NEW.tax_id IS NULL AND EXISTS (SELECT FROM tax_rule WHERE company_id = NEW.company_id AND use = 'sale') THEN
            NEW.tax_id := tax_for(NEW.company_id, 'sale', NEW.item_id, o.customer_id);
        END IF;
    END IF;
    NEW.tax_rate := CASE WHEN NEW.tax_id IS NULL THEN 0 ELSE coalesce(tax_percent_on(NEW.tax_id, o.order_date), 0) END;
    IF NEW.unit_price IS NULL THEN
        SELECT * INTO p FROM price_for(NEW.company_id, NEW.item_id, o.customer_id, NEW.quantity,
                                       o.order_date, NEW.currency_code, o.price_list_id);
        NEW.unit_price        := p.unit_price;
        NEW.price_explanation := p.explanation;
        IF NEW.discount = 0 THEN
            NEW.discount := coalesce(p.discount, 0);
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER fill BEFORE INSERT OR UPDATE OF item_id, quantity, unit_price, discount, tax_id, currency_code, order_id
    ON sales_order_line FOR EACH ROW EXECUTE FUNCTION sales_order_line_fill();

-- ------------------------------------------------------------------ what follows from the lines
-- Net and tax of a part of a line: as an invoice line of that quantity has them. One
-- expression without a FROM, so that it is inlined.
CREATE OR REPLACE FUNCTION sales_line_value(quantity numeric, price numeric, discount numeric, tax_rate numeric,
                                            currency text) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT round(quantity * price * (100 - discount) * 0.01, currency_scale(currency))
         + round(round(quantity * price * (100 - discount) * 0.01, currency_scale(currency)) * tax_rate * 0.01,
                 currency_scale(currency)) $$;
GRANT EXECUTE ON FUNCTION sales_line_value TO tenon_app;

-- Keep the derived columns of orders: a no-op for those that are right already. Order by order
-- and in small statements: nearly always it is one. The view sales_order_derived says the same
-- of all orders, and a check compares.
CREATE OR REPLACE FUNCTION sales_order_refresh(orders bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    o record;
    l record;
    is_paid text;
BEGIN
    FOR o IN SELECT id, company_id, confirmed_at, state, exchange_rate, net, tax, delivered, invoiced, paid, open_value
               FROM sales_order WHERE id = ANY (orders) ORDER BY id FOR NO KEY UPDATE
    LOOP
        SELECT coalesce(sum(n.net), 0) AS net, coalesce(sum(n.tax), 0) AS tax,
               coalesce(sum(n.net + n.tax - sales_line_value(n.quantity_invoiced, n.unit_price, n.discount, n.tax_rate,
                                                             n.currency_code)), 0) AS open_value,
               CASE WHEN coalesce(bool_and(i.kind = 'service'), true)
                         THEN CASE WHEN o.confirmed_at IS NOT NULL THEN 'full' ELSE 'none' END
                    WHEN bool_and(n.quantity_delivered >= n.quantity) FILTER (WHERE i.kind <> 'service') THEN 'full'
                    WHEN bool_or(n.quantity_delivered > 0) THEN 'part' ELSE 'none' END AS delivered,
               CASE WHEN bool_and(n.quantity_invoiced >= n.quantity - n.quantity_returned) THEN 'full'
                    WHEN bool_or(n.quantity_invoiced > 0) THEN 'part' ELSE 'none' END AS invoiced
          INTO l FROM sales_order_line n JOIN item i ON i.id = n.item_id
         WHERE n.order_id = o.id AND NOT n.optional;
        is_paid := 'none';
        IF o.confirmed_at IS NOT NULL THEN       -- nothing is invoiced before
            SELECT CASE WHEN l.invoiced = 'full' AND bool_and(i.paid = 'full') THEN 'full'
                        WHEN bool_or(i.paid <> 'none') THEN 'part' ELSE 'none' END INTO is_paid
              FROM invoice i
             WHERE i.kind = 'customer_invoice' AND i.state = 'posted'
               AND i.id IN (SELECT n.invoice_id FROM invoice_line n
                             JOIN sales_order_line s ON s.id = n.sales_order_line_id WHERE s.order_id = o.id);
        END IF;
        IF o.confirmed_at IS NULL OR o.state IN ('closed', 'cancelled') THEN
            l.open_value := 0;
        ELSIF l.open_value <> 0 THEN
            l.open_value := base_round(o.company_id, l.open_value * o.exchange_rate);
        END IF;
        IF (o.net, o.tax, o.delivered, o.invoiced, o.paid, o.open_value)
           IS DISTINCT FROM (l.net, l.tax, l.delivered, l.invoiced, is_paid, l.open_value) THEN
            UPDATE sales_order SET net = l.net, tax = l.tax, delivered = l.delivered, invoiced = l.invoiced,
                                   paid = is_paid, open_value = l.open_value
             WHERE id = o.id;
        END IF;
    END LOOP;
END $$;

-- ------------------------------------------------------------------ guards of lines
-- A sent quotation changes by a new revision only; a closed or cancelled order not at all.
CREATE OR REPLACE FUNCTION sales_order_line_changeable(orders bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    o record;
BEGIN
    FOR o IN SELECT number, state, quoted_at, confirmed_at
               FROM sales_order WHERE id = ANY (orders) ORDER BY id FOR NO KEY UPDATE
    LOOP
        IF o.state IN ('closed', 'cancelled') THEN
            PERFORM fail('order_closed', 'lines', 'Order %s is closed and cannot be changed', o.number);
        ELSIF o.quoted_at IS NOT NULL AND o.confirmed_at IS NULL THEN
            PERFORM fail('quotation_sent', 'lines', 'Quotation %s was sent: revise it before you change it', o.number);
        END IF;
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION sales_order_line_inserted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    orders bigint[] := ARRAY(SELECT DISTINCT order_id FROM new_rows);
BEGIN
    PERFORM sales_order_line_changeable(orders);
    PERFORM sales_order_refresh(orders);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER derive_insert AFTER INSERT ON sales_order_line REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION sales_order_line_inserted();

CREATE OR REPLACE FUNCTION sales_order_line_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    typed   bigint[];
    derived bigint[];
    planned record;
BEGIN
    SELECT array_agg(DISTINCT n.order_id) FILTER (WHERE t.changed), array_agg(DISTINCT n.order_id) FILTER (
               WHERE t.changed OR (o.quantity_delivered, o.quantity_returned, o.quantity_invoiced)
                     IS DISTINCT FROM (n.quantity_delivered, n.quantity_returned, n.quantity_invoiced))
      INTO typed, derived
      FROM old_rows o JOIN new_rows n USING (id)
     CROSS JOIN LATERAL (SELECT
        (o.order_id, o.item_id, o.description, o.quantity, o.optional, o.unit_price, o.discount, o.currency_code,
         o.tax_id, o.tax_rate, o.invoice_policy)
        IS DISTINCT FROM
        (n.order_id, n.item_id, n.description, n.quantity, n.optional, n.unit_price, n.discount, n.currency_code,
         n.tax_id, n.tax_rate, n.invoice_policy) AS changed) t;
    IF typed IS NOT NULL THEN
        PERFORM sales_order_line_changeable(typed);
        IF EXISTS (SELECT FROM old_rows o JOIN new_rows n USING (id) WHERE o.order_id <> n.order_id) THEN
            PERFORM fail('read_only', 'lines', 'A line stays in its order');
        END IF;
        SELECT n.id, q.quantity INTO planned
          FROM old_rows o JOIN new_rows n USING (id)
         CROSS JOIN LATERAL (SELECT sum(l.quantity) AS quantity
                               FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id
                              WHERE l.sales_order_line_id = n.id AND s.kind = 'delivery'
                                AND s.state NOT IN ('done', 'cancelled')) q
         WHERE n.quantity < o.quantity AND n.quantity < n.quantity_delivered - n.quantity_returned + q.quantity
         LIMIT 1;
        IF FOUND THEN
            PERFORM fail('in_delivery', 'lines', 'A delivery of %s is prepared for this line: cancel it first',
                         trim_scale(planned.quantity)::text);
        END IF;
        IF EXISTS (SELECT FROM old_rows o JOIN new_rows n USING (id)
                    WHERE n.quantity_invoiced > 0
                      AND (o.unit_price, o.discount, o.tax_id) IS DISTINCT FROM (n.unit_price, n.discount, n.tax_id)) THEN
            PERFORM fail('already_invoiced', 'lines', 'This line is invoiced: its price cannot change any more');
        END IF;
    END IF;
    IF derived IS NOT NULL THEN
        PERFORM sales_order_refresh(derived);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER derive_update AFTER UPDATE ON sales_order_line
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION sales_order_line_updated();

CREATE OR REPLACE FUNCTION sales_order_line_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    orders bigint[] := ARRAY(SELECT DISTINCT order_id FROM old_rows);
BEGIN
    PERFORM sales_order_line_changeable(orders);
    PERFORM sales_order_refresh(orders);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER derive_delete AFTER DELETE ON sales_order_line REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION sales_order_line_deleted();

-- ------------------------------------------------------------------ the order's own steps
-- What a step leaves on the order: quotations get a validity and a revision, confirmed orders
-- a time. An expired quotation cannot be confirmed, whatever the workflow says.
CREATE OR REPLACE FUNCTION sales_order_step() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    committed boolean;
BEGIN
    IF (NEW.currency_code, NEW.order_date) <> (OLD.currency_code, OLD.order_date)
       AND NEW.exchange_rate = OLD.exchange_rate THEN
        NEW.exchange_rate := exchange_rate_must(NEW.company_id, NEW.currency_code, NEW.order_date);
    END IF;
    IF NEW.state = 'quoted' AND OLD.state <> 'quoted' AND NEW.quoted_at IS NULL THEN
        NEW.quoted_at   := now();
        NEW.valid_until := coalesce(NEW.valid_until, greatest(NEW.order_date, app_today()) + 30);
    ELSIF NEW.state = 'draft' AND OLD.state <> 'draft' AND NEW.quoted_at IS NOT NULL THEN
        NEW.revision    := NEW.revision + 1;
        NEW.quoted_at   := NULL;
        NEW.valid_until := NULL;
        NEW.accepted_by := NULL;
        NEW.accepted_at := NULL;
    ELSIF NEW.state = 'confirmed' AND OLD.state <> 'confirmed' AND NEW.confirmed_at IS NULL THEN
        IF NEW.quoted_at IS NOT NULL AND NEW.valid_until < app_today() THEN
            PERFORM fail('expired', 'valid_until', 'This quotation was valid until %s: revise it', NEW.valid_until::text);
        END IF;
        NEW.confirmed_at := now();
        IF NOT EXISTS (SELECT FROM sales_order_line l JOIN item i ON i.id = l.item_id
                        WHERE l.order_id = NEW.id AND NOT l.optional AND i.kind <> 'service') THEN
            NEW.delivered := 'full';           -- nothing of it is delivered
        END IF;
    END IF;
    IF NEW.net + NEW.tax > NEW.credit_released_total THEN   -- more than was released
        NEW.credit_released_by    := NULL;
        NEW.credit_released_at    := NULL;
        NEW.credit_released_total := NULL;
    END IF;
    committed := NEW.confirmed_at IS NOT NULL AND NEW.state NOT IN ('closed', 'cancelled');
    IF NEW.state <> OLD.state OR NEW.exchange_rate <> OLD.exchange_rate THEN
        NEW.open_value := 0;
        IF committed THEN
            SELECT coalesce(round(sum(l.net + l.tax - sales_line_value(l.quantity_invoiced, l.unit_price, l.discount,
                                                                       l.tax_rate, l.currency_code))
                                  * NEW.exchange_rate, currency_scale(c.currency_code)), 0)
              INTO NEW.open_value
              FROM sales_order_line l, company c
             WHERE l.order_id = NEW.id AND c.id = NEW.company_id GROUP BY c.currency_code;
            NEW.open_value := coalesce(NEW.open_value, 0);
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER step BEFORE UPDATE ON sales_order
    FOR EACH ROW EXECUTE FUNCTION sales_order_step();

-- Customer, currency, date and terms of what was sent or confirmed stay.
CREATE OR REPLACE FUNCTION sales_order_terms_stay(o sales_order) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF o.confirmed_at IS NOT NULL THEN
        PERFORM fail('order_confirmed', NULL, 'Order %s is confirmed: customer, currency, date and terms stay', o.number);
    ELSIF o.quoted_at IS NOT NULL THEN
        PERFORM fail('quotation_sent', NULL, 'Quotation %s was sent: revise it before you change it', o.number);
    END IF;
END $$;

-- After orders moved: what may not be changed any more, the revision as it was sent, the
-- customer's exposure. Customers in the order of their ids, so that two orders cannot wait
-- for each other.
CREATE OR REPLACE FUNCTION sales_order_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    c record;                                  -- what happened at all: most updates do one thing
    m record;
BEGIN
    SELECT bool_or((o.customer_id, o.currency_code, o.exchange_rate, o.order_date, o.price_list_id, o.payment_term_id)
                   IS DISTINCT FROM
                   (n.customer_id, n.currency_code, n.exchange_rate, n.order_date, n.price_list_id, n.payment_term_id)) AS terms,
           bool_or(o.quoted_at IS NULL AND n.quoted_at IS NOT NULL) AS quoted,
           bool_or((o.open_value, o.customer_id) IS DISTINCT FROM (n.open_value, n.customer_id)) AS exposed
      INTO c FROM old_rows o JOIN new_rows n USING (id);
    IF c.terms THEN
        PERFORM sales_order_terms_stay(n) FROM old_rows o JOIN new_rows n USING (id)
          WHERE (o.customer_id, o.currency_code, o.exchange_rate, o.order_date, o.price_list_id, o.payment_term_id)
                IS DISTINCT FROM
                (n.customer_id, n.currency_code, n.exchange_rate, n.order_date, n.price_list_id, n.payment_term_id);
        UPDATE sales_order_line l SET currency_code = n.currency_code
          FROM old_rows o JOIN new_rows n USING (id)
         WHERE o.currency_code <> n.currency_code AND l.order_id = n.id;
    END IF;
    IF c.quoted THEN
        INSERT INTO sales_order_revision (company_id, order_id, revision, quoted_at, valid_until, currency_code,
                                          net, tax, total, content)
        SELECT n.company_id, n.id, n.revision, n.quoted_at, n.valid_until, n.currency_code, n.net, n.tax, n.net + n.tax,
               to_jsonb(n) - 'search_terms' || jsonb_build_object('lines',
                   (SELECT jsonb_agg(to_jsonb(l) ORDER BY l.position, l.id) FROM sales_order_line l WHERE l.order_id = n.id))
          FROM old_rows o JOIN new_rows n USING (id)
         WHERE o.quoted_at IS NULL AND n.quoted_at IS NOT NULL;
    END IF;
    IF NOT c.exposed THEN
        RETURN NULL;
    END IF;
    FOR m IN SELECT company_id, customer_id, sum(delta) AS delta, max(released_by) AS released_by
               FROM (SELECT company_id, customer_id, -open_value AS delta, NULL AS released_by FROM old_rows
                      UNION ALL
                     SELECT company_id, customer_id, open_value, credit_released_by FROM new_rows) v
              GROUP BY company_id, customer_id HAVING sum(delta) <> 0 ORDER BY company_id, customer_id
    LOOP
        PERFORM exposure_add(m.company_id, m.customer_id, m.delta, m.released_by);
    END LOOP;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER derive_update AFTER UPDATE ON sales_order
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION sales_order_updated();

CREATE OR REPLACE FUNCTION sales_order_deleted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF OLD.quoted_at IS NOT NULL OR OLD.revision > 1 OR OLD.confirmed_at IS NOT NULL OR OLD.state = 'cancelled' THEN
        PERFORM fail('not_draft', NULL, 'Order %s has left the house: cancel it instead', OLD.number);
    END IF;
    RETURN OLD;
END $$;
CREATE OR REPLACE TRIGGER keep BEFORE DELETE ON sales_order
    FOR EACH ROW EXECUTE FUNCTION sales_order_deleted();

-- Take an order over the credit limit, by name; the permission is checked here, since the
-- server may write none of these columns.
CREATE OR REPLACE FUNCTION sales_order_release(orders bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM require_permission('sales_order.release_credit');
    UPDATE sales_order SET credit_released_by = app_user_id(), credit_released_at = now(),
                           credit_released_total = net + tax
     WHERE id = ANY (orders) AND company_id = app_company();
END $$;
GRANT EXECUTE ON FUNCTION sales_order_release TO tenon_app;

-- ------------------------------------------------------------------ from stock
-- What is invoiced as delivered stays delivered: its credit note comes first.
CREATE OR REPLACE FUNCTION sales_reversal_check(moves bigint[]) RETURNS void
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    b record;
BEGIN
    SELECT i.code, o.quantity_invoiced INTO b
      FROM (SELECT s.sales_order_line_id AS line, sum(m.quantity) AS quantity
              FROM stock_move m JOIN shipment_line s ON s.id = m.shipment_line_id
              JOIN location t ON t.id = m.to_location_id AND t.kind = 'customer'
             WHERE m.id = ANY (moves) AND s.sales_order_line_id IS NOT NULL GROUP BY 1) r
      JOIN sales_order_line o ON o.id = r.line JOIN item i ON i.id = o.item_id
     WHERE o.invoice_policy <> 'ordered' AND o.quantity_invoiced > o.quantity_delivered - r.quantity LIMIT 1;
    IF FOUND THEN
        PERFORM fail('invoiced', 'lines', 'Of %s, %s are invoiced: credit the invoice first', b.code,
                     trim_scale(b.quantity_invoiced)::text);
    END IF;
END $$;

-- What has left for a customer, or come back, counts on its order line.
CREATE OR REPLACE FUNCTION sales_stock_moved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    orders bigint[];
BEGIN
    SELECT array_agg(DISTINCT o.order_id) INTO orders
      FROM new_rows m JOIN shipment_line s ON s.id = m.shipment_line_id
      JOIN sales_order_line o ON o.id = s.sales_order_line_id;
    IF orders IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM FROM sales_order WHERE id = ANY (orders) ORDER BY id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM new_rows WHERE reverses_move_id IS NOT NULL) THEN
        PERFORM sales_reversal_check(ARRAY(SELECT reverses_move_id FROM new_rows WHERE reverses_move_id IS NOT NULL));
    END IF;
    UPDATE sales_order_line o
       SET quantity_delivered = o.quantity_delivered + m.delivered, quantity_returned = o.quantity_returned + m.returned
      FROM (SELECT s.sales_order_line_id AS line,
                   coalesce(sum(x.quantity) FILTER (WHERE t.kind = 'customer'), 0) AS delivered,
                   coalesce(sum(x.quantity) FILTER (WHERE f.kind = 'customer'), 0) AS returned
              FROM new_rows m JOIN shipment_line s ON s.id = m.shipment_line_id
             CROSS JOIN LATERAL (SELECT   -- a reversal takes off what it reverses
                   CASE WHEN m.reverses_move_id IS NULL THEN m.from_location_id ELSE m.to_location_id END AS from_id,
                   CASE WHEN m.reverses_move_id IS NULL THEN m.to_location_id ELSE m.from_location_id END AS to_id,
                   CASE WHEN m.reverses_move_id IS NULL THEN m.quantity ELSE -m.quantity END AS quantity) x
              JOIN location f ON f.id = x.from_id
              JOIN location t ON t.id = x.to_id
             WHERE s.sales_order_line_id IS NOT NULL GROUP BY 1) m
     WHERE o.id = m.line;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER sales_delivered AFTER INSERT ON stock_move REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION sales_stock_moved();

-- A delivery of an order goes to that order's customer.
CREATE OR REPLACE FUNCTION sales_shipment_linked() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows n JOIN sales_order_line l ON l.id = n.sales_order_line_id
                 JOIN sales_order o ON o.id = l.order_id JOIN shipment s ON s.id = n.shipment_id
                WHERE s.party_id IS DISTINCT FROM o.customer_id OR o.confirmed_at IS NULL
                   OR (s.kind = 'delivery' AND o.state IN ('closed', 'cancelled'))) THEN
        PERFORM fail('other_order', 'lines', 'A delivery belongs to a confirmed order of the same customer');
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER sales_linked AFTER INSERT ON shipment_line REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION sales_shipment_linked();

-- What comes back was delivered for an order line.
CREATE OR REPLACE FUNCTION sales_return_linked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT l.sales_order_line_id INTO NEW.sales_order_line_id FROM shipment_line l WHERE l.id = NEW.returns_line_id;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER sales_return BEFORE INSERT ON shipment_line
    FOR EACH ROW WHEN (NEW.returns_line_id IS NOT NULL) EXECUTE FUNCTION sales_return_linked();

-- A link to an order line is made with its line and stays.
CREATE OR REPLACE FUNCTION sales_link_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fail('read_only', 'sales_order_line_id', 'The line of the order stays');
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER sales_link_stays BEFORE UPDATE OF sales_order_line_id ON shipment_line FOR EACH ROW
    WHEN (OLD.sales_order_line_id IS DISTINCT FROM NEW.sales_order_line_id) EXECUTE FUNCTION sales_link_stays();
CREATE OR REPLACE TRIGGER sales_link_stays BEFORE UPDATE OF sales_order_line_id ON invoice_line FOR EACH ROW
    WHEN (OLD.sales_order_line_id IS DISTINCT FROM NEW.sales_order_line_id) EXECUTE FUNCTION sales_link_stays();

-- ------------------------------------------------------------------ from accounting
-- A credit line corrects the order line of the invoice line that it credits.
CREATE OR REPLACE FUNCTION sales_credit_linked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT l.sales_order_line_id INTO NEW.sales_order_line_id FROM invoice_line l WHERE l.id = NEW.credits_line_id;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER sales_credit BEFORE INSERT ON invoice_line
    FOR EACH ROW WHEN (NEW.credits_line_id IS NOT NULL) EXECUTE FUNCTION sales_credit_linked();

-- An invoice of an order goes to that order's customer, in its currency.
CREATE OR REPLACE FUNCTION sales_invoice_linked() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows n JOIN sales_order_line l ON l.id = n.sales_order_line_id
                 JOIN sales_order o ON o.id = l.order_id JOIN invoice i ON i.id = n.invoice_id
                WHERE n.item_id IS NULL OR i.party_id <> o.customer_id OR i.currency_code <> o.currency_code
                   OR i.kind NOT IN ('customer_invoice', 'credit_note') OR o.confirmed_at IS NULL) THEN
        PERFORM fail('other_order', 'lines', 'An invoice belongs to a confirmed order of the same customer and currency');
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER sales_linked AFTER INSERT ON invoice_line REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION sales_invoice_linked();

-- Invoices were posted, cancelled or paid: their orders follow.
CREATE OR REPLACE FUNCTION sales_invoice_updated() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    changed bigint[];
    stepped bigint[];
    orders  bigint[];
    moved   bigint[];
BEGIN
    SELECT array_agg(n.id), array_agg(n.id) FILTER (WHERE o.state <> n.state) INTO changed, stepped
      FROM old_rows o JOIN new_rows n USING (id)
     WHERE o.state <> n.state OR o.paid <> n.paid;
    IF changed IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT array_agg(DISTINCT l.order_id), array_agg(DISTINCT l.order_id) FILTER (WHERE i.invoice_id = ANY (stepped))
      INTO orders, moved
      FROM invoice v JOIN invoice_line i ON i.company_id = v.company_id AND i.invoice_id = v.id
      JOIN sales_order_line l ON l.id = i.sales_order_line_id
     WHERE v.id = ANY (changed);
    IF orders IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM FROM sales_order WHERE id = ANY (orders) ORDER BY id FOR NO KEY UPDATE;
    IF moved IS NOT NULL THEN
        UPDATE sales_order_line l SET quantity_invoiced = q.quantity
          FROM (SELECT s.id, coalesce(sum(CASE i.kind WHEN 'customer_invoice' THEN n.quantity
                                                      WHEN 'credit_note' THEN -n.quantity END), 0) AS quantity
                  FROM sales_order_line s
                  LEFT JOIN invoice_line n ON n.sales_order_line_id = s.id
                  LEFT JOIN invoice i ON i.id = n.invoice_id AND i.state = 'posted'
                 WHERE s.order_id = ANY (moved) GROUP BY s.id) q
         WHERE l.id = q.id AND l.quantity_invoiced <> q.quantity;
        IF FOUND AND orders = moved THEN      -- the lines' trigger has done the rest
            RETURN NULL;
        END IF;
    END IF;
    PERFORM sales_order_refresh(orders);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER sales_invoiced AFTER UPDATE ON invoice
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION sales_invoice_updated();
