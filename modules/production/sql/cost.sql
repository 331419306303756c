-- What production costs. Work in progress of an order is what its components cost when they
-- were issued, with every later re-valuation, and the time that was reported, less what was
-- finished. At the close the rest goes to the variance; what changes afterwards follows it. So
-- the account is always the sum of the orders that are not closed. Run again at every upgrade.

CREATE OR REPLACE FUNCTION production_wip(of_order bigint) RETURNS numeric
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT coalesce(sum(v.amount), 0) FROM production_value v WHERE v.order_id = of_order);
END $$;

-- What a unit costs by the plan: components at what they cost now, planned time at the rates of
-- the day on which the order was made.
CREATE OR REPLACE FUNCTION production_planned_cost(of_order bigint) RETURNS numeric
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    RETURN (SELECT round((
               (SELECT coalesce(sum(c.quantity * coalesce(stock_default_cost(c.company_id, c.item_id, NULL), 0)), 0)
                  FROM production_component c WHERE c.order_id = o.id)
             + (SELECT coalesce(sum(p.planned_minutes * (p.labour_rate + p.machine_rate) / 60), 0)
                  FROM production_operation p WHERE p.order_id = o.id)) / o.quantity, 6)
              FROM production_order o WHERE o.id = of_order AND o.company_id = app_company());
END $$;

-- The cost at which a quantity goes into stock: with the last one all that is in work, before
-- it the plan; what is kept at standard cost, at that.
CREATE OR REPLACE FUNCTION production_unit_cost(of_order bigint, quantity numeric, is_last boolean) RETURNS numeric
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    i item;
BEGIN
    SELECT t.* INTO i FROM production_order o JOIN item t ON t.id = o.item_id WHERE o.id = of_order;
    IF i.costing = 'standard' THEN
        RETURN i.standard_cost;
    ELSIF is_last THEN
        RETURN round(greatest(production_wip(of_order), 0) / quantity, 6);
    END IF;
    RETURN production_planned_cost(of_order);
END $$;
GRANT EXECUTE ON FUNCTION production_wip, production_planned_cost, production_unit_cost TO tenon_app;

-- ------------------------------------------------------------------ the end
-- Closed: what is left in work is the variance. The items' heads are locked first, so that no
-- re-valuation of its movements is between. Cancelled: nothing was done for it.
CREATE OR REPLACE FUNCTION production_order_ended() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM stock_lock(ARRAY(SELECT l.item_id FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id
                              WHERE s.production_order_id = NEW.id), NEW.company_id);
    IF NEW.state = 'closed' THEN
        INSERT INTO production_cost (company_id, order_id, kind, posting_date, amount)
        SELECT NEW.company_id, NEW.id, 'variance', app_today(), -w
          FROM production_wip(NEW.id) w WHERE w <> 0;
    ELSIF EXISTS (SELECT FROM production_value v WHERE v.order_id = NEW.id)
        OR EXISTS (SELECT FROM time_entry t WHERE t.order_id = NEW.id)
        OR EXISTS (SELECT FROM production_component c WHERE c.order_id = NEW.id AND c.issued > 0)
        OR NEW.quantity_finished > 0 THEN
        PERFORM fail('in_work', NULL, 'Materials were issued or work was reported for %s: complete it instead', NEW.number);
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER production_order_ended AFTER UPDATE OF state ON production_order FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND NEW.state IN ('closed', 'cancelled')) EXECUTE FUNCTION production_order_ended();

-- A movement of a closed order was valued anew.
CREATE OR REPLACE FUNCTION production_revalued() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    INSERT INTO production_cost (company_id, order_id, kind, posting_date, amount)
    SELECT s.company_id, o.id, 'variance', v.posting_date, sum(v.amount + v.variance)
      FROM new_rows v JOIN stock_move m ON m.id = v.move_id
      JOIN shipment_line l ON l.id = m.shipment_line_id JOIN shipment s ON s.id = l.shipment_id
      JOIN production_order o ON o.id = s.production_order_id AND o.state = 'closed'
      JOIN location p ON p.id = CASE m.direction WHEN 1 THEN m.from_location_id ELSE m.to_location_id END
       AND p.kind = 'production' AND p.account_id IS NULL
     GROUP BY s.company_id, o.id, v.posting_date HAVING sum(v.amount + v.variance) <> 0
     ORDER BY o.id, v.posting_date;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER production_revalued AFTER INSERT ON stock_value
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION production_revalued();

-- ------------------------------------------------------------------ posting, at COMMIT
CREATE OR REPLACE FUNCTION production_cost_post() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    UPDATE production_cost SET journal_entry_id = journal_post(NEW.company_id, 'STK', NEW.posting_date,
        (SELECT o.number FROM production_order o WHERE o.id = NEW.order_id), 'production_order', NEW.order_id,
        jsonb_build_array(
            jsonb_build_object('role', 'work_in_progress', 'debit', greatest(NEW.amount, 0), 'credit', greatest(-NEW.amount, 0)),
            jsonb_build_object('role', CASE NEW.kind WHEN 'labour' THEN 'labour_applied' WHEN 'machine' THEN 'machine_applied'
                                                     ELSE 'production_variance' END,
                               'debit', greatest(-NEW.amount, 0), 'credit', greatest(NEW.amount, 0))))
     WHERE id = NEW.id;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS production_cost_post ON production_cost;
CREATE CONSTRAINT TRIGGER production_cost_post AFTER INSERT ON production_cost
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION production_cost_post();
