-- Milestones of order lines: written in the transaction in which production reaches them. A
-- production order is made for a line by its promise. Run again at every upgrade.

CREATE OR REPLACE FUNCTION sales_milestone_rank(milestone text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT array_position('{planned,released,started,finished,inspected,stocked,shipped}'::text[], milestone) $$;
GRANT EXECUTE ON FUNCTION sales_milestone_rank TO tenon_app;

CREATE OR REPLACE FUNCTION sales_milestones_follow(promises bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    lines bigint[] := ARRAY(SELECT p.sales_order_line_id FROM promise p
                             WHERE p.id = ANY (promises) AND p.sales_order_line_id IS NOT NULL);
BEGIN
    IF lines = '{}' THEN
        RETURN;
    END IF;
    PERFORM FROM sales_order_line WHERE id = ANY (lines) ORDER BY id FOR NO KEY UPDATE;
    INSERT INTO sales_order_milestone (company_id, order_id, sales_order_line_id, milestone, production_order_id)
    SELECT l.company_id, l.order_id, l.id, m.milestone, m.production_order_id
      FROM sales_line_production m JOIN sales_order_line l ON l.id = m.sales_order_line_id
     WHERE l.id = ANY (lines)
     UNION ALL                            -- what is finished without an inspection is stocked too
    SELECT l.company_id, l.order_id, l.id, 'finished', m.production_order_id
      FROM sales_line_production m JOIN sales_order_line l ON l.id = m.sales_order_line_id
     WHERE l.id = ANY (lines) AND m.milestone = 'stocked'
    ON CONFLICT ON CONSTRAINT sales_order_milestone_once DO NOTHING;
    UPDATE sales_order_line l SET milestone = d.milestone
      FROM sales_line_milestone d WHERE d.id = l.id AND l.id = ANY (lines) AND l.milestone IS DISTINCT FROM d.milestone;
END $$;

CREATE OR REPLACE FUNCTION sales_production_moved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM sales_milestones_follow(ARRAY[NEW.promise_id]);
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER sales_milestone_new AFTER INSERT ON production_order
    FOR EACH ROW WHEN (NEW.promise_id IS NOT NULL) EXECUTE FUNCTION sales_production_moved();
CREATE OR REPLACE TRIGGER sales_milestone AFTER UPDATE ON production_order FOR EACH ROW
    WHEN (NEW.promise_id IS NOT NULL AND OLD.state <> NEW.state) EXECUTE FUNCTION sales_production_moved();

-- What is made for a customer and lay in quarantine was put into stock.
CREATE OR REPLACE FUNCTION sales_released_moved() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM sales_milestones_follow(array_agg(DISTINCT o.promise_id))
       FROM new_rows m JOIN location f ON f.id = m.from_location_id AND f.quarantine
       JOIN production_order o ON o.company_id = m.company_id AND o.item_id = m.item_id AND o.promise_id IS NOT NULL
      WHERE o.state IN ('started', 'finished', 'closed') HAVING count(*) > 0;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER sales_released_moved AFTER INSERT ON stock_move
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION sales_released_moved();

-- All of a line has left, or no more all of it: for all lines of the statement at once.
CREATE OR REPLACE FUNCTION sales_line_shipped() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    lines bigint[];
BEGIN
    SELECT array_agg(n.id) INTO lines FROM old_rows o JOIN new_rows n USING (id)
     WHERE (n.quantity_delivered >= n.quantity) <> (o.quantity_delivered >= o.quantity);
    IF lines IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO sales_order_milestone (company_id, order_id, sales_order_line_id, milestone)
    SELECT n.company_id, n.order_id, n.id, 'shipped' FROM new_rows n
     WHERE n.id = ANY (lines) AND n.quantity_delivered >= n.quantity ORDER BY n.id
    ON CONFLICT ON CONSTRAINT sales_order_milestone_once DO NOTHING;
    UPDATE sales_order_line l SET milestone = d.milestone
      FROM sales_line_milestone d WHERE d.id = l.id AND l.id = ANY (lines) AND l.milestone IS DISTINCT FROM d.milestone;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER sales_line_shipped AFTER UPDATE ON sales_order_line
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION sales_line_shipped();

CREATE OR REPLACE FUNCTION sales_milestones_gone() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    DELETE FROM sales_order_milestone WHERE sales_order_line_id = OLD.id;
    RETURN OLD;
END $$;
CREATE OR REPLACE TRIGGER milestones_gone BEFORE DELETE ON sales_order_line
    FOR EACH ROW EXECUTE FUNCTION sales_milestones_gone();
