-- Three-way match and clearing: a bill is posted when it says what was ordered and received, and
-- takes from the account of goods received and not billed exactly what their receipts gave it.
-- Run again at every upgrade.

-- ------------------------------------------------------------------ bill lines
-- The account that receipts from suppliers are posted against.
CREATE OR REPLACE FUNCTION purchase_clearing_account(company bigint) RETURNS bigint
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT l.account_id FROM location l WHERE l.id = stock_side(company, 'supplier')),
                    account_of(company, 'received_not_billed'));
END $$;

-- A credit line corrects the order line of the bill line that it credits.
CREATE OR REPLACE FUNCTION purchase_credit_linked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT l.purchase_order_line_id INTO NEW.purchase_order_line_id FROM invoice_line l WHERE l.id = NEW.credits_line_id;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER purchase_credit BEFORE INSERT ON invoice_line
    FOR EACH ROW WHEN (NEW.credits_line_id IS NOT NULL) EXECUTE FUNCTION purchase_credit_linked();

-- Goods that were received are billed against what their receipt was posted to. After
-- invoice_line_compute, by name.
CREATE OR REPLACE FUNCTION purchase_bill_account() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM item i WHERE i.id = NEW.item_id AND i.kind = 'stocked') THEN
        NEW.account_id := purchase_clearing_account(NEW.company_id);
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER purchase_bill_account BEFORE INSERT OR UPDATE ON invoice_line
    FOR EACH ROW WHEN (NEW.purchase_order_line_id IS NOT NULL) EXECUTE FUNCTION purchase_bill_account();

-- A bill takes the terms of its supplier.
CREATE OR REPLACE FUNCTION purchase_bill_terms() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    SELECT c.payment_term_id INTO NEW.payment_term_id FROM supplier_company c
     WHERE c.company_id = NEW.company_id AND c.party_id = NEW.party_id;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER purchase_terms BEFORE INSERT ON invoice
    FOR EACH ROW WHEN (NEW.kind = 'supplier_bill' AND NEW.payment_term_id IS NULL) EXECUTE FUNCTION purchase_bill_terms();

-- Stop unless these bills belong to orders that their suppliers have, in the orders' currencies.
CREATE OR REPLACE FUNCTION purchase_bills_belong(bills bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM invoice_line n JOIN purchase_order_line l ON l.id = n.purchase_order_line_id
                 JOIN purchase_order o ON o.id = l.order_id JOIN invoice i ON i.id = n.invoice_id
                WHERE n.invoice_id = ANY (bills)
                  AND (n.item_id IS NULL OR i.party_id <> o.supplier_id OR i.currency_code <> o.currency_code
                       OR i.kind NOT IN ('supplier_bill', 'debit_note') OR o.ordered_at IS NULL OR o.state = 'cancelled'
                       OR n.quantity < 0)) THEN
        PERFORM fail('other_order', 'lines', 'A bill belongs to an order of the same supplier and currency');
    END IF;
END $$;

CREATE OR REPLACE FUNCTION purchase_bill_linked() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows WHERE purchase_order_line_id IS NOT NULL) THEN
        PERFORM purchase_bills_belong(ARRAY(SELECT DISTINCT invoice_id FROM new_rows WHERE purchase_order_line_id IS NOT NULL));
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER purchase_linked AFTER INSERT ON invoice_line REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION purchase_bill_linked();

-- ------------------------------------------------------------------ the match
-- Stop at the first line of these bills that says more than was received (services: ordered), or
-- another price than was ordered, beyond what the company tolerates; but for released ones.
CREATE OR REPLACE FUNCTION purchase_match(bills bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    b record;
BEGIN
    SELECT n.position, t.code, i.currency_code, l.quantity_billed AS billed, m.most, n.net, m.should,
           l.quantity_billed > m.most AS too_much INTO b
      FROM invoice i JOIN invoice_line n ON n.company_id = i.company_id AND n.invoice_id = i.id
      JOIN purchase_order_line l ON l.id = n.purchase_order_line_id JOIN item t ON t.id = l.item_id
     CROSS JOIN LATERAL (
           SELECT CASE WHEN t.kind = 'stocked' THEN l.quantity_received - l.quantity_returned ELSE l.quantity END AS most,
                  round(n.quantity * l.unit_price * (100 - l.discount) * 0.01, currency_scale(i.currency_code)) AS should) m
     WHERE i.id = ANY (bills) AND i.kind = 'supplier_bill' AND i.match_released_total IS DISTINCT FROM i.total
       AND (l.quantity_billed > m.most
            OR abs(n.net - m.should) > round(m.should * purchase_setting(i.company_id, 'purchase.price_tolerance_percent', 2) / 100,
                                             currency_scale(i.currency_code)))
     ORDER BY i.id, n.position, n.id LIMIT 1;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    IF b.too_much THEN
        PERFORM fail('not_matched', 'lines', 'Line %s, %s: %s are billed, but only %s were received or ordered',
                     b.position::text, b.code, trim_scale(b.billed)::text, trim_scale(b.most)::text);
    END IF;
    PERFORM fail('not_matched', 'lines', 'Line %s, %s: %s are billed, but by the order it is %s', b.position::text, b.code,
                 money_text(b.net, b.currency_code), money_text(b.should, b.currency_code));
END $$;

-- Bills and their credits are posted: before anything else (by its name) their orders are locked
-- and count what is billed, and the bills must match.
CREATE OR REPLACE FUNCTION purchase_bill_posting() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    bills  bigint[];
    lines  bigint[];
BEGIN
    SELECT array_agg(DISTINCT n.id), array_agg(DISTINCT x.purchase_order_line_id) INTO bills, lines
      FROM old_rows o JOIN new_rows n USING (id)
      JOIN invoice_line x ON x.company_id = n.company_id AND x.invoice_id = n.id AND x.purchase_order_line_id IS NOT NULL
     WHERE n.state = 'posted' AND o.state <> 'posted' AND n.number IS NULL;
    IF bills IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM FROM purchase_order WHERE id IN (SELECT order_id FROM purchase_order_line WHERE id = ANY (lines))
      ORDER BY id FOR NO KEY UPDATE;
    PERFORM purchase_bills_belong(bills);
    UPDATE purchase_order_line l SET quantity_billed = q.quantity
      FROM (SELECT n.purchase_order_line_id AS id,
                   sum(CASE i.kind WHEN 'supplier_bill' THEN n.quantity ELSE -n.quantity END) AS quantity
              FROM invoice_line n JOIN invoice i ON i.id = n.invoice_id AND i.state = 'posted'
             WHERE n.purchase_order_line_id = ANY (lines) GROUP BY 1) q
     WHERE l.id = q.id AND l.quantity_billed <> q.quantity;
    PERFORM purchase_match(bills);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER a_purchase_posting AFTER UPDATE ON invoice
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION purchase_bill_posting();

-- Let bills pass that do not match, by name; the permission is checked here, since the server may
-- write none of these columns.
CREATE OR REPLACE FUNCTION purchase_release_match(bills bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM require_permission('invoice.release_match');
    UPDATE invoice SET match_released_by = app_user_id(), match_released_at = now(), match_released_total = total
     WHERE id = ANY (bills) AND company_id = app_company() AND number IS NULL;
END $$;
GRANT EXECUTE ON FUNCTION purchase_release_match TO tenon_app;

-- ------------------------------------------------------------------ clearing
-- What receipts of an order line, less returns, gave to the account: from the values of their
-- moves, corrections included.
CREATE OR REPLACE FUNCTION purchase_received_value(line bigint) RETURNS numeric
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    RETURN (SELECT coalesce(sum(v.amount + v.variance), 0)
              FROM shipment_line s JOIN stock_move m ON m.shipment_line_id = s.id JOIN stock_value v ON v.move_id = m.id
              JOIN location far ON far.id = CASE m.direction WHEN 1 THEN m.from_location_id ELSE m.to_location_id END
             WHERE s.purchase_order_line_id = line AND far.kind = 'supplier');
END $$;

/*
 * What is cleared when the billed quantity of a line goes from one to another: its share of the
 * received value that is not cleared yet, the last one all that is left. What is billed above
 * what was received is cleared at the order's price until the goods come; what is credited
 * gives back its share of what was cleared.
 */
CREATE OR REPLACE FUNCTION purchase_clearing_value(line purchase_order_line, was numeric, now_is numeric, cleared numeric)
    RETURNS numeric LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    there numeric := line.quantity_received - line.quantity_returned;
    value numeric := purchase_received_value(line.id);
    scale integer := currency_scale((SELECT c.currency_code FROM company c WHERE c.id = line.company_id));
BEGIN
    IF now_is >= there THEN
        RETURN value - cleared + round((now_is - there) * line.unit_price * (100 - line.discount) * 0.01
                                       * (SELECT o.exchange_rate FROM purchase_order o WHERE o.id = line.order_id), scale);
    ELSIF now_is >= was THEN
        RETURN stock_share(value - cleared, now_is - was, there - was, scale);
    ELSIF was <= there THEN
        RETURN -stock_share(cleared, was - now_is, was, scale);
    END IF;
    RETURN stock_share(value, now_is, there, scale) - cleared;
END $$;

-- Posted bills: what each clears, and what its entry holds of that. The entry was rounded per
-- account: what that left over goes to the bill's first line.
CREATE OR REPLACE FUNCTION purchase_bill_cleared() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    n record;
BEGIN
    FOR n IN
        WITH part AS (
            SELECT i.id AS invoice_id, i.company_id, i.invoice_date, l.id AS line_id, i.journal_entry_id,
                   CASE i.kind WHEN 'supplier_bill' THEN 1 ELSE -1 END AS sign,
                   sum(x.quantity) AS quantity, base_round(i.company_id, sum(x.net) * i.exchange_rate) AS base,
                   row_number() OVER (PARTITION BY i.id ORDER BY abs(sum(x.net)) DESC, l.id) AS rank
              FROM old_rows o JOIN new_rows w USING (id) JOIN invoice i ON i.id = w.id
              JOIN invoice_line x ON x.company_id = i.company_id AND x.invoice_id = i.id
              JOIN purchase_order_line l ON l.id = x.purchase_order_line_id
              JOIN item t ON t.id = l.item_id AND t.kind = 'stocked'
             WHERE w.state = 'posted' AND o.state <> 'posted' AND w.number IS NULL
             GROUP BY i.id, l.id
        )
        SELECT p.*, p.sign * p.base + CASE p.rank WHEN 1 THEN purchase_billed_base(p.invoice_id)
                    - sum(p.sign * p.base) OVER (PARTITION BY p.invoice_id) ELSE 0 END AS billed
          FROM part p ORDER BY p.invoice_id, p.line_id
    LOOP
        PERFORM purchase_clear(n.line_id, n.invoice_id, n.invoice_date, n.sign * n.quantity, n.billed);
    END LOOP;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER purchase_cleared AFTER UPDATE ON invoice
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION purchase_bill_cleared();

-- What a posted bill's entry holds on the clearing account for lines with an order: all of it,
-- less what lines without one have there.
CREATE OR REPLACE FUNCTION purchase_billed_base(bill bigint) RETURNS numeric
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    i invoice;
    account bigint;
BEGIN
    SELECT * INTO i FROM invoice WHERE id = bill;
    account := purchase_clearing_account(i.company_id);
    RETURN (SELECT coalesce(sum(l.debit - l.credit), 0) FROM journal_line l
             WHERE l.company_id = i.company_id AND l.entry_id = i.journal_entry_id AND l.account_id = account)
         - (SELECT CASE i.kind WHEN 'supplier_bill' THEN 1 ELSE -1 END * base_round(i.company_id, coalesce(sum(n.net), 0) * i.exchange_rate)
              FROM invoice_line n WHERE n.company_id = i.company_id AND n.invoice_id = i.id
               AND n.account_id = account AND n.purchase_order_line_id IS NULL);
END $$;

CREATE OR REPLACE FUNCTION purchase_clear(line bigint, bill bigint, on_date date, more numeric, billed numeric) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    l     purchase_order_line;
    past  record;
    value numeric;
BEGIN
    SELECT * INTO l FROM purchase_order_line WHERE id = line;
    SELECT coalesce(sum(c.quantity), 0) AS quantity, coalesce(sum(c.value), 0) AS value INTO past
      FROM purchase_clearing c WHERE c.order_line_id = line;
    value := purchase_clearing_value(l, past.quantity, past.quantity + more, past.value);
    IF more <> 0 OR value <> 0 THEN
        INSERT INTO purchase_clearing (company_id, order_line_id, invoice_id, posting_date, quantity, value, billed)
        VALUES (l.company_id, line, bill, on_date, more, value, billed);
    END IF;
END $$;

-- Goods came or went after all that was there had been billed: what their values differ by is
-- cleared at once, since no bill will.
CREATE OR REPLACE FUNCTION purchase_stock_valued() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    n record;
BEGIN
    FOR n IN
        SELECT l.id, max(v.posting_date) AS posting_date
          FROM new_rows v JOIN stock_move m ON m.id = v.move_id JOIN shipment_line s ON s.id = m.shipment_line_id
          JOIN purchase_order_line l ON l.id = s.purchase_order_line_id
         WHERE l.quantity_billed >= l.quantity_received - l.quantity_returned
         GROUP BY l.id ORDER BY l.id
    LOOP
        PERFORM purchase_clear(n.id, NULL, n.posting_date, 0, 0);
    END LOOP;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER purchase_valued AFTER INSERT ON stock_value REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION purchase_stock_valued();

-- At COMMIT the difference goes to the account of price differences.
CREATE OR REPLACE FUNCTION purchase_clearing_post() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    o record;
BEGIN
    SELECT h.id, h.number, l.position INTO o FROM purchase_order_line l JOIN purchase_order h ON h.id = l.order_id
     WHERE l.id = NEW.order_line_id;
    UPDATE purchase_clearing SET journal_entry_id = journal_post(NEW.company_id, 'GEN', NEW.posting_date,
               format('%s / %s', o.number, o.position), 'purchase_order', o.id, jsonb_build_array(
                   jsonb_build_object('role', 'price_difference', 'debit', NEW.difference, 'credit', 0),
                   jsonb_build_object('account_id', purchase_clearing_account(NEW.company_id), 'debit', 0, 'credit', NEW.difference)))
     WHERE id = NEW.id;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS purchase_clearing_post ON purchase_clearing;
CREATE CONSTRAINT TRIGGER purchase_clearing_post AFTER INSERT ON purchase_clearing
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.billed <> NEW.value) EXECUTE FUNCTION purchase_clearing_post();
