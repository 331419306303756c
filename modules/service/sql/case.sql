-- Cases: what nobody types is found, what belongs to another customer is refused. Run again at
-- every upgrade.

-- A new company: numbers, one queue, what cases are about, and how fast they are answered.
-- Resolved within two working days is the aim of the normal ones.
CREATE OR REPLACE FUNCTION service_company_setup(in_company bigint, chart text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    INSERT INTO number_series (company_id, code, pattern) VALUES (in_company, 'service_case', 'C{YYYY}-{00000}')
    ON CONFLICT (company_id, code) DO NOTHING;
    INSERT INTO service_queue (company_id, code, name, name_zh, role_id, is_default)
    SELECT in_company, 'SERVICE', 'Service', '售后服务', r.id, true FROM role r
     WHERE r.code = 'service' AND NOT EXISTS (SELECT FROM service_queue q WHERE q.company_id = in_company);
    INSERT INTO service_category (company_id, code, name, name_zh, priority)
    SELECT in_company, c.* FROM (VALUES
        ('COMPLAINT', 'Complaint', '投诉', 'high'), ('QUESTION', 'Question', '咨询', 'normal'),
        ('DELIVERY', 'Delivery', '交付', 'normal'), ('INVOICE', 'Invoice', '发票', 'low')) c
     WHERE NOT EXISTS (SELECT FROM service_category x WHERE x.company_id = in_company);
    WITH made AS (
        INSERT INTO sla_policy (company_id, name, name_zh, is_default)
        SELECT in_company, 'Standard', '标准', true
         WHERE NOT EXISTS (SELECT FROM sla_policy p WHERE p.company_id = in_company)
        RETURNING id
    )
    INSERT INTO sla_target (company_id, policy_id, priority, first_response, resolution)
    SELECT in_company, made.id, t.* FROM made, (VALUES
        ('low', 480, 1920), ('normal', 240, 960), ('high', 120, 480), ('urgent', 60, 240)) t $$;

CREATE OR REPLACE TRIGGER tree_guard_insert AFTER INSERT ON service_category
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tree_guard('parent_id');
CREATE OR REPLACE TRIGGER tree_guard_update AFTER UPDATE ON service_category
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tree_guard('parent_id');

-- ------------------------------------------------------------------ queue and priority
-- From the category, or the nearest one above it that says something; else the default queue.
-- Another category brings its queue along, unless one is named in the same breath.
CREATE OR REPLACE FUNCTION service_case_fill() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    said record;
BEGIN
    WITH RECURSIVE up AS (
        SELECT 1 AS step, c.* FROM service_category c WHERE c.company_id = NEW.company_id AND c.id = NEW.category_id
        UNION ALL
        SELECT up.step + 1, c.* FROM up JOIN service_category c ON c.id = up.parent_id WHERE up.step < 100
    )
    SELECT (SELECT queue_id FROM up WHERE queue_id IS NOT NULL ORDER BY step LIMIT 1) AS queue_id,
           (SELECT priority FROM up WHERE priority IS NOT NULL ORDER BY step LIMIT 1) AS priority INTO said;
    IF TG_OP = 'UPDATE' AND NEW.category_id IS DISTINCT FROM OLD.category_id AND NEW.queue_id = OLD.queue_id THEN
        NEW.queue_id := coalesce(said.queue_id, NEW.queue_id);
    END IF;
    NEW.priority := coalesce(NEW.priority, said.priority, 'normal');
    IF NEW.queue_id IS NULL THEN
        NEW.queue_id := coalesce(said.queue_id, (SELECT q.id FROM service_queue q
                                                  WHERE q.company_id = NEW.company_id AND q.is_default));
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER b_fill_insert BEFORE INSERT ON service_case
    FOR EACH ROW EXECUTE FUNCTION service_case_fill();
CREATE OR REPLACE TRIGGER b_fill_update BEFORE UPDATE ON service_case FOR EACH ROW
    WHEN (NEW.priority IS NULL OR NEW.queue_id IS NULL OR NEW.category_id IS DISTINCT FROM OLD.category_id)
    EXECUTE FUNCTION service_case_fill();

-- ------------------------------------------------------------------ whose case it is
-- Who writes from this address or calls from this number: the customer and, when it is one of
-- his people, the contact. Nobody when that could be several customers.
CREATE OR REPLACE FUNCTION service_sender(with_email text, with_phone text, OUT party_id bigint, OUT contact_id bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    phone text := contact_normalize('phone', with_phone,
                      (SELECT c.country_code FROM company c WHERE c.id = app_company()));
BEGIN
    WITH known AS (
        SELECT p.id, coalesce(CASE WHEN p.kind = 'person' THEN p.parent_id END, p.id) AS head, c.kind = 'email' AS by_email
          FROM contact_point c JOIN party p ON p.id = c.party_id
         WHERE p.active AND (c.kind = 'email' AND c.normalized = lower(btrim(with_email))
                             OR c.kind IN ('phone', 'mobile') AND c.normalized = phone)
    ), best AS (
        SELECT k.*, h.is_customer FROM known k JOIN party h ON h.id = k.head
         WHERE k.by_email OR NOT EXISTS (SELECT FROM known WHERE by_email)
    ), chosen AS (
        SELECT * FROM best WHERE is_customer OR NOT EXISTS (SELECT FROM best WHERE is_customer)
    )
    SELECT min(c.head), min(c.id) FILTER (WHERE c.id <> c.head) INTO service_sender.party_id, service_sender.contact_id
      FROM chosen c HAVING count(DISTINCT c.head) = 1;
END $$;

-- The words that may be numbers or serials, as they stand and in capitals.
CREATE OR REPLACE FUNCTION service_words(VARIADIC said text[]) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT x), '{}')
      FROM unnest(said) t, regexp_split_to_table(left(t, 20000), '[^[:alnum:]/._#+-]+') w,
           unnest(ARRAY[btrim(w, '._#+-/'), upper(btrim(w, '._#+-/'))]) x
     WHERE length(x) BETWEEN 3 AND 60 AND x ~ '[0-9]' $$;

-- ------------------------------------------------------------------ links
-- The deliveries of a customer in which a lot left; the latest first.
CREATE OR REPLACE FUNCTION service_lot_deliveries(in_company bigint, party bigint, codes text[], lot bigint, item bigint)
    RETURNS TABLE (code text, lot_id bigint, item_id bigint, shipment_id bigint, line_id bigint, order_line_id bigint)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    SELECT t.code, t.id, t.item_id, s.id, l.id, l.sales_order_line_id
      FROM lot t
      JOIN stock_move m ON m.company_id = t.company_id AND m.item_id = t.item_id AND m.lot_id = t.id
      JOIN shipment_line l ON l.id = m.shipment_line_id
      JOIN shipment s ON s.id = l.shipment_id AND s.kind = 'delivery' AND s.state = 'done'
     WHERE t.company_id = in_company AND upper(t.code) = ANY (codes) AND s.party_id = party
       AND (lot IS NULL OR t.id = lot) AND (item IS NULL OR t.item_id = item)
     ORDER BY m.moved_on DESC, m.id DESC $$;

/*
 * Fill the links that nobody named, from what is known: the customer by the sender or by a
 * document that was named, then his latest delivery of the serial, his delivery, order and invoice
 * by their numbers; what one link says about the others follows. Nothing of another customer
 * is ever found, and what is named of another one is refused.
 *
 * A number in the text of a message says nothing about who wrote it: only numbers that somebody
 * entered as such, where no sender is known, lead to a customer.
 */
CREATE OR REPLACE FUNCTION service_case_link() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    c     service_case := NEW;
    words text[];
    hit   record;
BEGIN
    IF TG_OP = 'UPDATE' AND c.party_id IS DISTINCT FROM OLD.party_id THEN
        c := service_case_unlink(c, OLD);
    END IF;
    c := service_case_customer(c);
    IF c.party_id IS NOT NULL THEN
        PERFORM service_case_check(c);        -- what was named, before anything follows from it
        words := service_words(c.serial, c.document_number, c.subject, c.description) || upper(btrim(c.serial));
        IF c.shipment_line_id IS NULL THEN
            SELECT d.* INTO hit
              FROM service_lot_deliveries(c.company_id, c.party_id,
                       CASE WHEN c.lot_id IS NULL THEN words
                            ELSE ARRAY(SELECT upper(t.code) FROM lot t WHERE t.id = c.lot_id) END, c.lot_id, c.item_id) d
             WHERE (c.shipment_id IS NULL OR d.shipment_id = c.shipment_id)
               AND (c.sales_order_line_id IS NULL OR d.order_line_id = c.sales_order_line_id)
             ORDER BY (upper(d.code) = upper(btrim(c.serial))) DESC NULLS LAST LIMIT 1;
            IF FOUND THEN
                c.item_id := hit.item_id;
                c.lot_id := hit.lot_id;
                c.shipment_id := hit.shipment_id;
                c.shipment_line_id := hit.line_id;
                c.sales_order_line_id := coalesce(c.sales_order_line_id, hit.order_line_id);
            END IF;
        END IF;
        c := service_case_numbers(c, words);
        c := service_case_follow(c);
        PERFORM service_case_check(c);
    END IF;
    NEW.party_id := c.party_id;
    NEW.contact_id := c.contact_id;
    NEW.item_id := c.item_id;
    NEW.lot_id := c.lot_id;
    NEW.sales_order_id := c.sales_order_id;
    NEW.sales_order_line_id := c.sales_order_line_id;
    NEW.shipment_id := c.shipment_id;
    NEW.shipment_line_id := c.shipment_line_id;
    NEW.invoice_id := c.invoice_id;
    RETURN NEW;
END $$;

-- The customer was changed: what was linked for the former one goes, unless it is named anew.
CREATE OR REPLACE FUNCTION service_case_unlink(c service_case, before service_case) RETURNS service_case
    LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF c.contact_id = before.contact_id THEN c.contact_id := NULL; END IF;
    IF c.sales_order_line_id = before.sales_order_line_id THEN c.sales_order_line_id := NULL; END IF;
    IF c.sales_order_id = before.sales_order_id THEN c.sales_order_id := NULL; END IF;
    IF c.shipment_line_id = before.shipment_line_id THEN c.shipment_line_id := NULL; END IF;
    IF c.shipment_id = before.shipment_id THEN c.shipment_id := NULL; END IF;
    IF c.invoice_id = before.invoice_id THEN c.invoice_id := NULL; END IF;
    IF c.lot_id = before.lot_id THEN c.lot_id := NULL; END IF;
    RETURN c;
END $$;

CREATE OR REPLACE FUNCTION service_case_customer(c service_case) RETURNS service_case
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    sender record;
    named  text[] := service_words(c.document_number) || c.document_number;
BEGIN
    IF c.party_id IS NULL AND c.contact_id IS NOT NULL THEN
        SELECT coalesce(CASE WHEN p.kind = 'person' THEN p.parent_id END, p.id) INTO c.party_id
          FROM party p WHERE p.id = c.contact_id;
    END IF;
    c.party_id := coalesce(c.party_id,
        (SELECT o.customer_id FROM sales_order o WHERE o.company_id = c.company_id AND o.id = coalesce(c.sales_order_id,
            (SELECT l.order_id FROM sales_order_line l WHERE l.company_id = c.company_id AND l.id = c.sales_order_line_id))),
        (SELECT s.party_id FROM shipment s WHERE s.company_id = c.company_id AND s.id = coalesce(c.shipment_id,
            (SELECT l.shipment_id FROM shipment_line l WHERE l.company_id = c.company_id AND l.id = c.shipment_line_id))),
        (SELECT i.party_id FROM invoice i WHERE i.company_id = c.company_id AND i.id = c.invoice_id));
    SELECT * INTO sender FROM service_sender(c.sender_email, c.sender_phone);
    c.party_id := coalesce(c.party_id, sender.party_id);
    IF c.contact_id IS NULL AND sender.party_id = c.party_id THEN
        c.contact_id := sender.contact_id;
    END IF;
    IF c.party_id IS NULL AND c.channel NOT IN ('email', 'portal') THEN
        c.party_id := coalesce(
            (SELECT o.customer_id FROM sales_order o WHERE o.company_id = c.company_id AND o.number = ANY (named)),
            (SELECT s.party_id FROM shipment s WHERE s.company_id = c.company_id AND s.kind = 'delivery' AND s.number = ANY (named)),
            (SELECT i.party_id FROM invoice i WHERE i.company_id = c.company_id AND i.kind = 'customer_invoice'
                AND i.number = ANY (named)),
            (SELECT s.party_id FROM lot t JOIN stock_move m ON m.company_id = t.company_id AND m.item_id = t.item_id AND m.lot_id = t.id
               JOIN shipment_line l ON l.id = m.shipment_line_id
               JOIN shipment s ON s.id = l.shipment_id AND s.kind = 'delivery' AND s.state = 'done'
              WHERE t.company_id = c.company_id AND upper(t.code) = upper(btrim(c.serial))
                AND (c.item_id IS NULL OR t.item_id = c.item_id)
             ORDER BY m.moved_on DESC, m.id DESC LIMIT 1));
    END IF;
    RETURN c;
END $$;

-- His documents of which the numbers were said; of several the latest.
CREATE OR REPLACE FUNCTION service_case_numbers(c service_case, words text[]) RETURNS service_case
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF c.shipment_id IS NULL AND c.shipment_line_id IS NULL THEN
        SELECT s.id INTO c.shipment_id FROM shipment s
         WHERE s.company_id = c.company_id AND s.party_id = c.party_id AND s.kind = 'delivery' AND s.number = ANY (words)
         ORDER BY s.id DESC LIMIT 1;
    END IF;
    IF c.sales_order_id IS NULL AND c.sales_order_line_id IS NULL THEN
        SELECT o.id INTO c.sales_order_id FROM sales_order o
         WHERE o.company_id = c.company_id AND o.customer_id = c.party_id AND o.number = ANY (words)
         ORDER BY o.id DESC LIMIT 1;
    END IF;
    IF c.invoice_id IS NULL THEN
        SELECT i.id INTO c.invoice_id FROM invoice i
         WHERE i.company_id = c.company_id AND i.party_id = c.party_id AND i.kind = 'customer_invoice' AND i.number = ANY (words)
         ORDER BY i.id DESC LIMIT 1;
    END IF;
    RETURN c;
END $$;

-- What a link says about the others. A line is taken where it is the only one of the item, or
-- of the document.
CREATE OR REPLACE FUNCTION service_case_follow(c service_case) RETURNS service_case
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF c.shipment_line_id IS NULL AND c.shipment_id IS NOT NULL THEN
        SELECT min(l.id) INTO c.shipment_line_id FROM shipment_line l
         WHERE l.shipment_id = c.shipment_id AND (c.item_id IS NULL OR l.item_id = c.item_id)
           AND (c.sales_order_line_id IS NULL OR l.sales_order_line_id = c.sales_order_line_id)
        HAVING count(*) = 1;
    END IF;
    IF c.sales_order_line_id IS NULL AND c.shipment_line_id IS NOT NULL THEN
        SELECT l.sales_order_line_id INTO c.sales_order_line_id FROM shipment_line l WHERE l.id = c.shipment_line_id;
    END IF;
    IF c.sales_order_line_id IS NULL AND c.invoice_id IS NOT NULL AND c.sales_order_id IS NULL THEN
        SELECT min(l.sales_order_line_id) INTO c.sales_order_line_id FROM invoice_line l
         WHERE l.invoice_id = c.invoice_id AND (c.item_id IS NULL OR l.item_id = c.item_id)
        HAVING count(DISTINCT l.sales_order_line_id) = 1;
        SELECT min(o.order_id) INTO c.sales_order_id
          FROM invoice_line l JOIN sales_order_line o ON o.id = l.sales_order_line_id
         WHERE l.invoice_id = c.invoice_id HAVING count(DISTINCT o.order_id) = 1;
    END IF;
    IF c.sales_order_line_id IS NULL AND c.sales_order_id IS NOT NULL THEN
        SELECT min(l.id) INTO c.sales_order_line_id FROM sales_order_line l
         WHERE l.order_id = c.sales_order_id AND NOT l.optional AND (c.item_id IS NULL OR l.item_id = c.item_id)
        HAVING count(*) = 1;
    END IF;
    IF c.shipment_id IS NULL AND c.sales_order_line_id IS NOT NULL THEN
        SELECT l.id INTO c.shipment_line_id FROM shipment_line l JOIN shipment s ON s.id = l.shipment_id
         WHERE l.sales_order_line_id = c.sales_order_line_id AND s.kind = 'delivery' AND s.state = 'done'
           AND s.party_id = c.party_id AND l.quantity_done > 0
         ORDER BY s.done_date DESC, l.id DESC LIMIT 1;
    END IF;
    c.item_id := coalesce(c.item_id,
        (SELECT l.item_id FROM shipment_line l WHERE l.company_id = c.company_id AND l.id = c.shipment_line_id),
        (SELECT l.item_id FROM sales_order_line l WHERE l.company_id = c.company_id AND l.id = c.sales_order_line_id),
        (SELECT t.item_id FROM lot t WHERE t.company_id = c.company_id AND t.id = c.lot_id));
    c.shipment_id := coalesce((SELECT l.shipment_id FROM shipment_line l
                                WHERE l.company_id = c.company_id AND l.id = c.shipment_line_id), c.shipment_id);
    c.sales_order_id := coalesce((SELECT l.order_id FROM sales_order_line l
                                   WHERE l.company_id = c.company_id AND l.id = c.sales_order_line_id), c.sales_order_id);
    IF c.invoice_id IS NULL AND c.sales_order_id IS NOT NULL THEN
        SELECT i.id INTO c.invoice_id
          FROM sales_order_line o JOIN invoice_line l ON l.sales_order_line_id = o.id JOIN invoice i ON i.id = l.invoice_id
         WHERE o.order_id = c.sales_order_id AND (c.sales_order_line_id IS NULL OR o.id = c.sales_order_line_id)
           AND i.kind = 'customer_invoice' AND i.state = 'posted' AND i.party_id = c.party_id
         ORDER BY i.id DESC LIMIT 1;
    END IF;
    IF c.lot_id IS NULL AND c.shipment_line_id IS NOT NULL THEN
        SELECT min(m.lot_id) INTO c.lot_id FROM stock_move m WHERE m.shipment_line_id = c.shipment_line_id
        HAVING count(DISTINCT m.lot_id) = 1;
    END IF;
    RETURN c;
END $$;

CREATE OR REPLACE FUNCTION service_case_check(c service_case) RETURNS void
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM sales_order o WHERE o.id = c.sales_order_id AND o.customer_id <> c.party_id) THEN
        PERFORM fail('other_customer', 'sales_order_id', 'This order is of another customer');
    ELSIF EXISTS (SELECT FROM shipment s WHERE s.id = c.shipment_id
                     AND (s.party_id IS DISTINCT FROM c.party_id OR s.kind <> 'delivery')) THEN
        PERFORM fail('other_customer', 'shipment_id', 'This is no delivery to this customer');
    ELSIF EXISTS (SELECT FROM invoice i WHERE i.id = c.invoice_id
                     AND (i.party_id <> c.party_id OR i.kind <> 'customer_invoice')) THEN
        PERFORM fail('other_customer', 'invoice_id', 'This is no invoice to this customer');
    END IF;
END $$;

CREATE OR REPLACE TRIGGER c_link_insert BEFORE INSERT ON service_case
    FOR EACH ROW EXECUTE FUNCTION service_case_link();
CREATE OR REPLACE TRIGGER c_link_update BEFORE UPDATE ON service_case FOR EACH ROW
    WHEN ((OLD.party_id, OLD.contact_id, OLD.sender_email, OLD.sender_phone, OLD.serial, OLD.document_number, OLD.item_id,
           OLD.lot_id, OLD.sales_order_id, OLD.sales_order_line_id, OLD.shipment_id, OLD.shipment_line_id, OLD.invoice_id)
          IS DISTINCT FROM
          (NEW.party_id, NEW.contact_id, NEW.sender_email, NEW.sender_phone, NEW.serial, NEW.document_number, NEW.item_id,
           NEW.lot_id, NEW.sales_order_id, NEW.sales_order_line_id, NEW.shipment_id, NEW.shipment_line_id, NEW.invoice_id))
    EXECUTE FUNCTION service_case_link();

-- ------------------------------------------------------------------ the life of a case
CREATE OR REPLACE FUNCTION service_case_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'resolved' THEN
        NEW.resolved_at := now();
        NEW.first_responded_at := coalesce(NEW.first_responded_at, now());
    ELSIF NEW.state = 'closed' THEN
        NEW.closed_at := now();
    ELSIF OLD.state IN ('resolved', 'closed') THEN
        NEW.resolved_at := NULL;
        NEW.closed_at := NULL;
        NEW.reopened := NEW.reopened + 1;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER d_moved BEFORE UPDATE ON service_case FOR EACH ROW
    WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION service_case_moved();

-- A merged case stays closed: what is said about it belongs to the other one.
CREATE OR REPLACE FUNCTION service_case_merged_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM fail('merged', 'state', 'This case was merged into another one');
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER d_merged_stays BEFORE UPDATE ON service_case FOR EACH ROW
    WHEN (NEW.merged_into_id IS NOT NULL AND OLD.state = 'closed' AND NEW.state <> 'closed')
    EXECUTE FUNCTION service_case_merged_stays();

-- Note which case these go into; what went into them goes along. The engine closes them.
CREATE OR REPLACE FUNCTION service_case_merge(ids bigint[], into_case bigint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    head service_case;
BEGIN
    PERFORM require_permission('service_case.merge');
    SELECT * INTO head FROM service_case WHERE company_id = app_company() AND id = into_case FOR NO KEY UPDATE;
    IF NOT FOUND OR into_case = ANY (ids) THEN
        PERFORM fail('invalid', 'into_id', 'Name another case to merge it into');
    ELSIF head.merged_into_id IS NOT NULL OR head.state = 'closed' THEN
        PERFORM fail('wrong_state', 'into_id', 'The case %s is closed', head.number);
    ELSIF EXISTS (SELECT FROM service_case c WHERE c.company_id = app_company() AND c.id = ANY (ids)
                     AND c.party_id <> head.party_id) THEN
        PERFORM fail('other_customer', 'into_id', 'The cases are of different customers');
    END IF;
    UPDATE service_case SET merged_into_id = into_case
     WHERE company_id = app_company() AND (id = ANY (ids) OR merged_into_id = ANY (ids));
END $$;
GRANT EXECUTE ON FUNCTION service_case_merge TO tenon_app;

-- ------------------------------------------------------------------ messages
-- What goes to the customer gets a Message-ID, so that his answer is known as one.
CREATE OR REPLACE FUNCTION case_message_fill() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF NEW.kind = 'reply' AND NEW.message_id IS NULL THEN
        NEW.message_id := format('<%s.%s@%s.tenon.invalid>',
            (SELECT c.number FROM service_case c WHERE c.company_id = NEW.company_id AND c.id = NEW.case_id), NEW.id,
            (SELECT lower(o.code) FROM company o WHERE o.id = NEW.company_id));
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER fill BEFORE INSERT ON case_message FOR EACH ROW EXECUTE FUNCTION case_message_fill();

-- The first reply is the response that was promised. A message touches its case: who watches
-- the case sees it.
CREATE OR REPLACE FUNCTION case_message_told() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    UPDATE service_case c
       SET first_responded_at = CASE WHEN n.replied THEN coalesce(c.first_responded_at, now()) ELSE c.first_responded_at END,
           updated_at = now()
      FROM (SELECT case_id, bool_or(kind = 'reply') AS replied FROM new_rows GROUP BY case_id) n
     WHERE c.id = n.case_id;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER told AFTER INSERT ON case_message
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION case_message_told();
