-- What stock is worth: the walks that value moves in their order, whatever the order in which
-- they are booked, and their postings. Run again at every upgrade.

-- ------------------------------------------------------------------ shares and costs
-- total * part / whole, rounded half away from zero to scale digits; exact, whatever the
-- number of digits (a quotient of numerics is cut off somewhere).
CREATE OR REPLACE FUNCTION stock_share(total numeric, part numeric, whole numeric, scale integer)
    RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT round(sign(total) * div(2 * abs(total) * part * (10::numeric ^ scale) + whole, 2 * whole)
                 / (10::numeric ^ scale), scale) $$;
GRANT EXECUTE ON FUNCTION stock_share TO tenon_app;     -- for the checks

-- What a unit cost when it last arrived before a point of the order of valuation: for issues
-- from nothing. What came back does not count: it has no cost of its own.
CREATE OR REPLACE FUNCTION stock_last_cost(company bigint, item bigint, before_on date, before_id bigint)
    RETURNS numeric LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN coalesce(
        (SELECT m.unit_cost FROM stock_move_live m
          WHERE m.company_id = company AND m.item_id = item AND m.direction = 1 AND m.follows_line_id IS NULL
            AND (m.moved_on, m.id) < (before_on, before_id)
          ORDER BY m.moved_on DESC, m.id DESC LIMIT 1),
        (SELECT i.standard_cost FROM item i WHERE i.id = item));
END $$;

-- The cost of goods that arrive without one, as it is when they do: what they cost when they left
-- (line), else the present average, else the last cost. Null when nothing is known.
CREATE OR REPLACE FUNCTION stock_default_cost(company bigint, item bigint, line bigint) RETURNS numeric
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN round(coalesce(
        (SELECT sum((SELECT -sum(v.amount) FROM stock_value v WHERE v.move_id = m.id)) / sum(m.quantity)
           FROM stock_move_live m WHERE m.shipment_line_id = line AND m.direction = -1),
        (SELECT value / quantity FROM stock_valuation
          WHERE company_id = company AND item_id = item AND quantity > 0),
        (SELECT m.unit_cost FROM stock_move_live m
          WHERE m.company_id = company AND m.item_id = item AND m.direction = 1 AND m.unit_cost IS NOT NULL
          ORDER BY m.moved_on DESC, m.id DESC LIMIT 1),
        (SELECT nullif(i.standard_cost, 0) FROM item i WHERE i.id = item)), 6);
END $$;

-- What comes back costs the same share of what has left: of all returns of a delivery together
-- exactly what it cost, however they are split.
CREATE OR REPLACE FUNCTION stock_return_cost(worth numeric, gone numeric, back numeric, quantity numeric, scale integer)
    RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT stock_share(worth, back + quantity, gone, scale) - stock_share(worth, back, gone, scale) $$;

/*
 * The delivery lines of an item that something from a point of the order on comes back from, and
 * how they stand at that point: how much has left by them, what it was worth, how much of it
 * came back. Null when nothing follows, which is nearly always so.
 */
CREATE OR REPLACE FUNCTION stock_followed(company bigint, item bigint, from_on date, from_id bigint,
                                          OUT lines bigint[], OUT gone numeric[], OUT worth numeric[], OUT back numeric[])
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    SELECT array_agg(f.line), array_agg(coalesce(o.gone, 0)), array_agg(coalesce(o.worth, 0)), array_agg(coalesce(r.back, 0))
      INTO lines, gone, worth, back
      FROM (SELECT DISTINCT p.follows_line_id AS line FROM stock_move_live p
             WHERE p.company_id = company AND p.item_id = item AND p.follows_line_id IS NOT NULL
               AND (p.moved_on, p.id) >= (from_on, from_id)) f
     CROSS JOIN LATERAL (
           SELECT sum(d.quantity) AS gone, sum((SELECT -sum(v.amount) FROM stock_value v WHERE v.move_id = d.id)) AS worth
             FROM stock_move_live d
            WHERE d.shipment_line_id = f.line AND d.direction = -1 AND (d.moved_on, d.id) < (from_on, from_id)) o
     CROSS JOIN LATERAL (
           SELECT sum(b.quantity) AS back FROM stock_move_live b
            WHERE b.follows_line_id = f.line AND (b.moved_on, b.id) < (from_on, from_id)) r;
END $$;

-- ------------------------------------------------------------------ walks
-- They had other parameters once: no overloads stay behind.
DROP FUNCTION IF EXISTS stock_walk_average(stock_valuation, date, bigint, integer);
DROP FUNCTION IF EXISTS stock_walk_fifo(stock_valuation, date, bigint, integer);

/*
 * Both walks begin at a point of the order of valuation and return the moves whose value is
 * new or has changed. on_hand and worth are what the item has today, without moves that are not
 * valued yet. Moves that were reversed, and their reversals, are not seen: their values add up to
 * nothing and stay. What comes back (follows_line_id) costs what its delivery does, which the
 * same walk may just have found.
 *
 * Moving average, and standard cost. The state at the point is today's, less what came after
 * it; so an item's latest move costs no walk at all.
 *
 * An issue takes its share of quantity and value, the last one all that is left, so that no
 * stock is worth nothing to the digit. Below zero an issue goes at the last cost, and the
 * arrival that covers it posts the difference as a variance.
 */
CREATE OR REPLACE FUNCTION stock_walk_average(head stock_valuation, on_hand numeric, worth numeric, from_on date,
                                              from_id bigint, scale integer)
    RETURNS TABLE (move_id bigint, amount numeric, variance numeric, was numeric, was_variance numeric)
    LANGUAGE plpgsql STABLE ROWS 1 AS $$
DECLARE
    q    numeric := on_hand;
    v    numeric := worth;
    f    record;                         -- deliveries that something comes back from
    gone numeric[];
    gone_for numeric[];
    back numeric[];
    m    record;
    cost numeric;                        -- of an arrival
    left_over numeric;
    past record;
BEGIN
    IF (head.last_on, head.last_id) > (from_on, from_id) THEN
        SELECT coalesce(sum(p.direction * p.quantity), 0) AS quantity, coalesce(sum(w.amount), 0) AS value INTO past
          FROM stock_move_live p
         CROSS JOIN LATERAL (SELECT sum(o.amount) AS amount FROM stock_value o WHERE o.move_id = p.id) w
         WHERE p.company_id = head.company_id AND p.item_id = head.item_id AND p.direction <> 0
           AND (p.moved_on, p.id) >= (from_on, from_id) AND w.amount IS NOT NULL;
        q := q - past.quantity;
        v := v - past.value;
    END IF;
    f := stock_followed(head.company_id, head.item_id, from_on, from_id);
    gone := f.gone;
    gone_for := f.worth;
    back := f.back;
    FOR m IN
        SELECT p.id, p.moved_on, p.direction, p.quantity, p.unit_cost, p.standard_cost, w.amount, w.variance,
               x.slot::integer AS slot
          FROM stock_move_live p
         CROSS JOIN LATERAL (
               SELECT sum(o.amount) AS amount, sum(o.variance) AS variance FROM stock_value o WHERE o.move_id = p.id) w
          LEFT JOIN unnest(f.lines) WITH ORDINALITY x (line, slot)
            ON x.line = CASE p.direction WHEN 1 THEN p.follows_line_id ELSE p.shipment_line_id END
         WHERE p.company_id = head.company_id AND p.item_id = head.item_id AND p.direction <> 0
           AND (p.moved_on, p.id) >= (from_on, from_id)
         ORDER BY p.moved_on, p.id
    LOOP
        left_over := q + m.direction * m.quantity;
        cost := NULL;
        IF m.direction = 1 THEN
            IF m.slot IS NOT NULL AND gone[m.slot] > 0 THEN
                cost := stock_return_cost(gone_for[m.slot], gone[m.slot], back[m.slot], m.quantity, scale);
                back[m.slot] := back[m.slot] + m.quantity;
            ELSE
                cost := round(m.quantity * m.unit_cost, scale);
            END IF;
        END IF;
        IF left_over = 0 THEN
            amount := -v;
        ELSIF head.costing = 'standard' THEN
            amount := m.direction * round(m.quantity * m.standard_cost, scale);
        ELSIF m.direction = 1 THEN
            amount := CASE WHEN q >= 0 THEN cost
                           WHEN left_over > 0 THEN stock_share(cost, left_over, m.quantity, scale) - v
                           ELSE -stock_share(v, m.quantity, -q, scale) END;
        ELSE
            amount := CASE WHEN q > 0 AND left_over > 0 THEN -stock_share(v, m.quantity, q, scale)
                           WHEN q > 0 THEN -v - stock_share(v, -left_over, q, scale)
                           WHEN q < 0 THEN stock_share(v, m.quantity, -q, scale)
                           ELSE -round(m.quantity * stock_last_cost(head.company_id, head.item_id, m.moved_on, m.id), scale) END;
        END IF;
        IF m.slot IS NOT NULL AND m.direction = -1 THEN
            gone[m.slot] := gone[m.slot] + m.quantity;
            gone_for[m.slot] := gone_for[m.slot] - amount;
        END IF;
        variance := coalesce(cost - amount, 0);
        q := left_over;
        v := v + amount;
        IF m.amount IS NULL OR m.amount <> amount OR m.variance <> variance THEN
            move_id := m.id;
            was := m.amount;
            was_variance := m.variance;
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;

/*
 * First in, first out: arrivals and issues lie on one line of units, counted back from today so
 * that what was ever issued ends at 0 and what is on hand lies above it. An issue is worth
 * F(end) - F(start), F being the rounded value of all units below a point; so issues add up
 * to arrivals to the digit, and nothing about consumption is stored. Two sorted lists, read
 * once: a merge, never a join.
 *
 * What comes back is a layer whose value is known once its delivery's is: it is worked out when
 * the merge first needs it. Where stock was negative and the delivery itself is covered by what
 * came back, it keeps the cost at which it was booked: the one would follow the other.
 */
CREATE OR REPLACE FUNCTION stock_walk_fifo(head stock_valuation, on_hand numeric, from_on date, from_id bigint,
                                           scale integer)
    RETURNS TABLE (move_id bigint, amount numeric, variance numeric, was numeric, was_variance numeric)
    LANGUAGE plpgsql STABLE ROWS 1 AS $$
DECLARE
    total    numeric;                    -- with the new moves: where arrivals end
    arrive_at numeric;                   -- where the arrivals before the point end
    issue_at numeric;                    -- where the issues before the point end
    low      numeric;                    -- nothing below it changes
    ends     numeric;
    layers   numeric[] := '{}';          -- starts, quantities and amounts of arrivals, last first
    sizes    numeric[] := '{}';
    amounts  numeric[] := '{}';          -- null: comes back, not worked out yet
    booked   numeric[] := '{}';
    slots    integer[] := '{}';
    needs    numeric[] := '{}';          -- how much must have left before what comes back is known
    f        record;                     -- deliveries that something comes back from
    gone     numeric[];
    gone_for numeric[];
    back     numeric[];
    layer    integer;
    known    integer;                    -- the layer to be worked out
    below    numeric := 0;               -- F at the start of the layer
    value    numeric;
    last_value numeric;
    reach    numeric;
    upto     numeric;
    last_cost numeric;
    m        record;
BEGIN
    -- Moves from the point on, valued or not. Unvalued ones are not in the head yet.
    SELECT on_hand + coalesce(sum(p.direction * p.quantity) FILTER (WHERE NOT k.known), 0),
           coalesce(sum(p.quantity) FILTER (WHERE p.direction = 1), 0),
           -coalesce(sum(p.quantity) FILTER (WHERE p.direction = -1), 0)
      INTO total, arrive_at, issue_at
      FROM stock_move_live p CROSS JOIN LATERAL (
           SELECT EXISTS (SELECT FROM stock_value o WHERE o.move_id = p.id) AS known) k
     WHERE p.company_id = head.company_id AND p.item_id = head.item_id AND p.direction <> 0
       AND (p.moved_on, p.id) >= (from_on, from_id);
    arrive_at := total - arrive_at;
    low := least(arrive_at, issue_at);
    -- Issues, back to the first that ends above it; more than those from the point on only
    -- where stock was negative. reach is where the first one starts.
    reach := issue_at;
    IF low < issue_at THEN
        FOR m IN SELECT p.id, p.moved_on, p.quantity FROM stock_move_live p
                  WHERE p.company_id = head.company_id AND p.item_id = head.item_id AND p.direction = -1
                    AND (p.moved_on, p.id) < (from_on, from_id)
                  ORDER BY p.moved_on DESC, p.id DESC
        LOOP
            EXIT WHEN reach <= low;
            reach := reach - m.quantity;
            from_on := m.moved_on;
            from_id := m.id;
        END LOOP;
    END IF;
    f := stock_followed(head.company_id, head.item_id, from_on, from_id);
    gone := f.gone;
    gone_for := f.worth;
    back := f.back;
    -- Arrivals, back to the point and to the one that holds the lowest unit.
    low := least(low, reach);
    ends := total;
    FOR m IN SELECT p.id, p.quantity, p.follows_line_id, x.slot::integer AS slot, p.shipment_line_id,
                    round(p.quantity * p.unit_cost, scale) AS amount, p.moved_on,
                    (p.moved_on, p.id) >= (from_on, from_id) AS ahead
               FROM stock_move_live p
               LEFT JOIN unnest(f.lines) WITH ORDINALITY x (line, slot) ON x.line = p.follows_line_id
              WHERE p.company_id = head.company_id AND p.item_id = head.item_id AND p.direction = 1
              ORDER BY p.moved_on DESC, p.id DESC
    LOOP
        EXIT WHEN ends <= low AND NOT m.ahead;
        ends := ends - m.quantity;
        layers := layers || ends;
        sizes := sizes || m.quantity;
        booked := booked || m.amount;
        IF m.follows_line_id IS NULL THEN
            amounts := amounts || m.amount;
            slots := slots || NULL::integer;
            needs := needs || NULL::numeric;
        ELSIF m.ahead THEN
            amounts := amounts || NULL::numeric;
            slots := slots || m.slot;
            needs := needs || (SELECT sum(d.quantity) FROM stock_move_live d
                                WHERE d.shipment_line_id = m.follows_line_id AND d.direction = -1
                                  AND (d.moved_on, d.id) < (m.moved_on, m.id));
        ELSE
            amounts := amounts || (SELECT sum(o.amount) FROM stock_value o WHERE o.move_id = m.id);
            slots := slots || NULL::integer;
            needs := needs || NULL::numeric;
        END IF;
    END LOOP;
    last_cost := stock_last_cost(head.company_id, head.item_id, 'infinity', 0);
    layer := cardinality(layers);
    last_value := NULL;
    FOR m IN
        SELECT p.id, p.direction, p.quantity, w.amount, w.variance, x.slot::integer AS slot,
               row_number() OVER (PARTITION BY p.direction ORDER BY p.moved_on DESC, p.id DESC)::integer AS nth
          FROM stock_move_live p
         CROSS JOIN LATERAL (
               SELECT sum(o.amount) AS amount, sum(o.variance) AS variance FROM stock_value o WHERE o.move_id = p.id) w
          LEFT JOIN unnest(f.lines) WITH ORDINALITY x (line, slot) ON p.direction = -1 AND x.line = p.shipment_line_id
         WHERE p.company_id = head.company_id AND p.item_id = head.item_id AND p.direction <> 0
           AND (p.moved_on, p.id) >= (from_on, from_id)
         ORDER BY p.moved_on, p.id
    LOOP
        IF m.direction = 1 THEN
            known := m.nth;
            IF amounts[known] IS NULL THEN
                amounts[known] := CASE WHEN gone[slots[known]] > 0 AND gone[slots[known]] >= needs[known]
                    THEN stock_return_cost(gone_for[slots[known]], gone[slots[known]], back[slots[known]], sizes[known], scale)
                    ELSE booked[known] END;
                back[slots[known]] := back[slots[known]] + sizes[known];
            END IF;
            amount := amounts[known];
        ELSE
            LOOP                         -- F at the start of the first issue, then at the end of each
                upto := reach + CASE WHEN last_value IS NULL THEN 0 ELSE m.quantity END;
                WHILE layer > 0 AND layers[layer] < upto LOOP
                    IF amounts[layer] IS NULL THEN
                        amounts[layer] := CASE WHEN gone[slots[layer]] > 0 AND gone[slots[layer]] >= needs[layer]
                            THEN stock_return_cost(gone_for[slots[layer]], gone[slots[layer]], back[slots[layer]],
                                                   sizes[layer], scale)
                            ELSE booked[layer] END;
                        back[slots[layer]] := back[slots[layer]] + sizes[layer];
                    END IF;
                    EXIT WHEN layers[layer] + sizes[layer] > upto;
                    below := below + amounts[layer];
                    layer := layer - 1;
                END LOOP;
                value := below + CASE
                    WHEN layer = 0 THEN round(greatest(upto - total, 0) * last_cost, scale)
                    WHEN layers[layer] < upto THEN stock_share(amounts[layer], upto - layers[layer], sizes[layer], scale)
                    ELSE 0 END;
                EXIT WHEN last_value IS NOT NULL;
                last_value := value;
            END LOOP;
            reach := upto;
            amount := last_value - value;
            last_value := value;
            IF m.slot IS NOT NULL THEN
                gone[m.slot] := gone[m.slot] + m.quantity;
                gone_for[m.slot] := gone_for[m.slot] - amount;
            END IF;
        END IF;
        variance := 0;
        IF m.amount IS NULL OR m.amount <> amount THEN
            move_id := m.id;
            was := m.amount;
            was_variance := m.variance;
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;

-- The first day on which a difference of that day may be posted: itself, or the day after the
-- closed periods that follow it.
CREATE OR REPLACE FUNCTION stock_open_day(company bigint, day date) RETURNS date
    LANGUAGE plpgsql STABLE AS $$
DECLARE
    closed date;
BEGIN
    LOOP
        SELECT p.ends_on INTO closed FROM period p
         WHERE p.company_id = company AND day BETWEEN p.starts_on AND p.ends_on AND p.state <> 'open';
        IF NOT FOUND THEN
            RETURN day;
        END IF;
        day := closed + 1;
    END LOOP;
END $$;

/*
 * Value new moves, whatever their place in the order of valuation, and correct those after
 * them. Their heads are locked. A reversal takes out what the movement was worth, and the walk
 * begins where that one stood. One posting per day and document. What corrects the past (a
 * re-valuation, a reversal, a count made true again) is posted on the day of the move that it
 * corrects, or the first open one; a re-valuation names the move that caused it.
 */
CREATE OR REPLACE FUNCTION stock_value_moves(moves bigint[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF cardinality(moves) = 0 THEN
        RETURN;
    END IF;
    WITH fresh AS MATERIALIZED (
        SELECT m.company_id, m.item_id, m.moved_on, m.id, coalesce(m.reverses_move_id, m.id) AS place, m.reverses_move_id,
               CASE WHEN m.reverses_move_id IS NOT NULL THEN m.direction * m.quantity END AS quantity,
               (SELECT -sum(v.amount) FROM stock_value v WHERE v.move_id = m.reverses_move_id) AS amount,
               (SELECT -sum(v.variance) FROM stock_value v WHERE v.move_id = m.reverses_move_id) AS variance
          FROM stock_move m
         WHERE m.id = ANY (moves) AND NOT EXISTS (SELECT FROM stock_value v WHERE v.move_id = m.id)
    ), start AS MATERIALIZED (
        SELECT DISTINCT ON (m.company_id, m.item_id) m.moved_on, m.id, m.place, h AS head,
               h.quantity + coalesce(sum(m.quantity) OVER item, 0) AS on_hand,
               h.value + coalesce(sum(m.amount) OVER item, 0) AS worth, currency_scale(c.currency_code) AS scale
          FROM fresh m
          JOIN stock_valuation h ON h.company_id = m.company_id AND h.item_id = m.item_id
          JOIN company c ON c.id = m.company_id
        WINDOW item AS (PARTITION BY m.company_id, m.item_id)
         ORDER BY m.company_id, m.item_id, m.moved_on, m.place
    ), walk AS (
        SELECT s.id AS cause, w.* FROM start s
         CROSS JOIN LATERAL stock_walk_fifo(s.head, s.on_hand, s.moved_on, s.place, s.scale) w
         WHERE (s.head).costing = 'fifo'
        UNION ALL
        SELECT s.id, w.* FROM start s
         CROSS JOIN LATERAL stock_walk_average(s.head, s.on_hand, s.worth, s.moved_on, s.place, s.scale) w
         WHERE (s.head).costing <> 'fifo'
        UNION ALL
        SELECT f.id, f.id, coalesce(f.amount, 0), coalesce(f.variance, 0), NULL, NULL FROM fresh f
         WHERE f.reverses_move_id IS NOT NULL
    ), change AS MATERIALIZED (
        SELECT m.company_id, m.item_id, m.moved_on, m.direction * m.quantity AS quantity, w.move_id, w.was IS NULL AS new,
               w.amount - coalesce(w.was, 0) AS amount, w.variance - coalesce(w.was_variance, 0) AS variance,
               CASE WHEN w.was IS NULL AND m.reverses_move_id IS NULL AND k.state IS DISTINCT FROM 'done' THEN m.moved_on
                    ELSE stock_open_day(m.company_id, m.moved_on) END AS posting_date,
               CASE WHEN w.was IS NOT NULL THEN 'revaluation' WHEN m.reverses_move_id IS NOT NULL THEN 'reversal'
                    ELSE 'move' END AS reason,
               CASE WHEN w.was IS NOT NULL THEN 'stock_move' WHEN l.id IS NOT NULL THEN 'shipment'
                    WHEN n.id IS NOT NULL THEN 'stock_count' WHEN m.stock_opening_id IS NOT NULL THEN 'stock_opening'
                    ELSE 'stock_move' END AS source_entity,
               CASE WHEN w.was IS NOT NULL THEN w.cause
                    ELSE coalesce(l.shipment_id, n.count_id, min(coalesce(m.stock_opening_id, m.id))
                         FILTER (WHERE w.was IS NULL) OVER (PARTITION BY m.company_id, m.moved_on, l.shipment_id, n.count_id,
                                                            m.stock_opening_id IS NULL)) END AS source_id
          FROM walk w JOIN stock_move m ON m.id = w.move_id
          LEFT JOIN shipment_line l ON l.id = m.shipment_line_id
          LEFT JOIN stock_count_line n ON n.id = m.stock_count_line_id
          LEFT JOIN stock_count k ON k.id = n.count_id
    ), posting AS (
        INSERT INTO stock_posting (company_id, posting_date, source_entity, source_id, reason)
        SELECT DISTINCT company_id, posting_date, source_entity, source_id, reason FROM change
         ORDER BY company_id, posting_date, source_entity, source_id
        RETURNING *
    ), valued AS (
        INSERT INTO stock_value (company_id, item_id, move_id, posting_date, amount, variance, reason, posting_id)
        SELECT c.company_id, c.item_id, c.move_id, c.posting_date, c.amount, c.variance, c.reason, p.id
          FROM change c JOIN posting p USING (company_id, posting_date, source_entity, source_id, reason)
         ORDER BY c.moved_on, c.move_id
    )
    UPDATE stock_valuation h
       SET quantity = h.quantity + d.quantity, value = h.value + d.amount, last_on = d.last_on, last_id = d.last_id
      FROM (SELECT c.company_id, c.item_id, sum(c.amount) AS amount,
                   coalesce(sum(c.quantity) FILTER (WHERE c.new), 0) AS quantity, last.last_on, last.last_id
              FROM change c CROSS JOIN LATERAL (
                   SELECT m.moved_on AS last_on, m.id AS last_id FROM stock_move m
                    WHERE m.company_id = c.company_id AND m.item_id = c.item_id
                    ORDER BY m.moved_on DESC, m.id DESC LIMIT 1) last
             GROUP BY c.company_id, c.item_id, last.last_on, last.last_id) d
     WHERE h.company_id = d.company_id AND h.item_id = d.item_id;
END $$;

-- At COMMIT each posting becomes a journal entry: what own stock gained, against where it came
-- from or went to.
CREATE OR REPLACE FUNCTION stock_posting_post() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    lines jsonb;
    named text;
BEGIN
    WITH value AS (
        SELECT far.account_id, far.kind, sum(v.amount) AS amount, sum(v.variance) AS variance
          FROM stock_value v JOIN stock_move m ON m.id = v.move_id
          JOIN location far ON far.id = CASE m.direction WHEN 1 THEN m.from_location_id ELSE m.to_location_id END
         WHERE v.posting_id = NEW.id GROUP BY far.account_id, far.kind
    ), part AS (
        SELECT 1 AS position, account_of(NEW.company_id, 'inventory') AS account_id, sum(amount) AS amount FROM value
        UNION ALL
        SELECT 2, coalesce(account_id, account_of(NEW.company_id,
                  CASE kind WHEN 'supplier' THEN 'received_not_billed' WHEN 'customer' THEN 'cost_of_sales'
                            WHEN 'opening' THEN 'opening_balance' WHEN 'production' THEN 'work_in_progress'
                            ELSE 'stock_adjustment' END)),
               -amount - variance FROM value
        UNION ALL
        SELECT 3, account_of(NEW.company_id, 'stock_adjustment'), variance FROM value WHERE variance <> 0
    ), line AS (
        SELECT min(position) AS position, account_id, sum(amount) AS amount
          FROM part GROUP BY position = 1, account_id HAVING sum(amount) <> 0
    )
    SELECT jsonb_agg(jsonb_build_object('account_id', account_id, 'debit', greatest(amount, 0),
                                        'credit', greatest(-amount, 0)) ORDER BY position, account_id)
      INTO lines FROM line;
    IF lines IS NULL THEN
        RETURN NULL;
    END IF;
    named := CASE NEW.source_entity
        WHEN 'shipment' THEN (SELECT number FROM shipment WHERE id = NEW.source_id)
        WHEN 'stock_count' THEN (SELECT number FROM stock_count WHERE id = NEW.source_id) END;
    named := CASE NEW.reason WHEN 'revaluation' THEN 'Re-valuation'
                             WHEN 'reversal' THEN concat_ws(' ', 'Reversal', named) ELSE named END;
    UPDATE stock_posting SET journal_entry_id =
           journal_post(NEW.company_id, 'STK', NEW.posting_date, named, NEW.source_entity, NEW.source_id, lines)
     WHERE id = NEW.id;
    RETURN NULL;
END $$;
DROP TRIGGER IF EXISTS stock_posting_post ON stock_posting;
CREATE CONSTRAINT TRIGGER stock_posting_post AFTER INSERT ON stock_posting
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION stock_posting_post();

CREATE OR REPLACE TRIGGER ledger_guard BEFORE UPDATE OR DELETE OR TRUNCATE ON stock_value
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_guard();
