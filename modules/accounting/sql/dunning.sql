-- Reminders: what a letter says, and when a hold begins and ends.

-- A higher level comes later. One at a time per company: two of them are compared.
CREATE OR REPLACE FUNCTION dunning_level_order() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM pg_advisory_xact_lock('dunning_level'::regclass::oid::integer, NEW.company_id::integer);
    IF EXISTS (SELECT FROM dunning_level l WHERE l.company_id = NEW.company_id AND l.id <> NEW.id
                  AND sign(l.level - NEW.level) <> sign(l.days_overdue - NEW.days_overdue)) THEN
        PERFORM fail('invalid', 'days_overdue', 'A higher level comes more days later than a lower one');
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER dunning_level_order AFTER INSERT OR UPDATE OF level, days_overdue ON dunning_level
    FOR EACH ROW EXECUTE FUNCTION dunning_level_order();

-- A letter is about an invoice that is overdue and whose next level has come; all that it says
-- is taken from there, under the invoice's lock.
CREATE OR REPLACE FUNCTION dunning_letter_write() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    i invoice;
    d record;
    l dunning_level;
    p party;
BEGIN
    SELECT * INTO i FROM invoice WHERE company_id = NEW.company_id AND id = NEW.invoice_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NEW;                           -- the foreign key says it better
    END IF;
    SELECT * INTO d FROM dunning_due WHERE id = i.id;
    IF NOT FOUND THEN
        PERFORM fail('not_overdue', 'invoice_id', 'Nothing of %s is overdue', coalesce(i.number, '#' || i.id));
    ELSIF d.next_level IS NULL THEN
        PERFORM fail('reminded', 'invoice_id', '%s has had its last reminder', i.number);
    ELSIF d.remind_on > app_today() THEN
        PERFORM fail('not_due', 'invoice_id', 'The next reminder of %s is due on %s', i.number, d.remind_on::text);
    END IF;
    SELECT * INTO l FROM dunning_level WHERE company_id = NEW.company_id AND level = d.next_level;
    SELECT * INTO p FROM party WHERE id = i.party_id;
    NEW.party_id := i.party_id;
    NEW.level := l.level;
    NEW.sent_on := app_today();
    NEW.due_date := d.due_date;
    NEW.days_overdue := d.days_overdue;
    NEW.open_amount := d.open_amount;
    NEW.currency_code := i.currency_code;
    NEW.hold := l.hold;
    SELECT string_agg(coalesce(v.value, w.parts[2]), '' ORDER BY w.n) INTO NEW.text
      FROM regexp_matches(CASE p.language WHEN 'zh' THEN coalesce(l.text_zh, l.text) ELSE l.text END,
                          '\{([a-z_]+)\}|([^{]+)', 'g') WITH ORDINALITY AS w (parts, n)
      LEFT JOIN (VALUES ('customer', CASE p.language WHEN 'zh' THEN coalesce(p.name_zh, p.name) ELSE p.name END),
                        ('company', (SELECT CASE p.language WHEN 'zh' THEN coalesce(c.name_zh, c.name) ELSE c.name END
                                       FROM company c WHERE c.id = NEW.company_id)),
                        ('number', i.number), ('invoice_date', i.invoice_date::text), ('due_date', d.due_date::text),
                        ('days', d.days_overdue::text), ('total', i.currency_code || ' ' || money_text(i.total, i.currency_code)),
                        ('open_amount', i.currency_code || ' ' || money_text(d.open_amount, i.currency_code))) AS v (place, value)
        ON v.place = w.parts[1];
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER dunning_letter_write BEFORE INSERT ON dunning_letter
    FOR EACH ROW EXECUTE FUNCTION dunning_letter_write();

/*
 * Set or end the hold of a customer, by what is overdue of the invoices whose reminder holds.
 * A hold that somebody set by hand is not touched; a new one begins only when `begin` says that
 * there is a reason for it just now. Two payments that settle the last two invoices at the same
 * time wait for each other at the customer's row.
 */
CREATE OR REPLACE FUNCTION dunning_hold(company bigint, customer bigint, begin boolean) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    terms customer_company;
    held  boolean;
BEGIN
    SELECT * INTO terms FROM customer_company c WHERE c.company_id = company AND c.party_id = customer FOR UPDATE;
    IF NOT (terms.held_by_dunning OR begin AND NOT terms.credit_hold) THEN
        RETURN;
    END IF;
    held := EXISTS (SELECT FROM dunning_letter l JOIN invoice_due d ON d.invoice_id = l.invoice_id
                     WHERE l.company_id = company AND l.party_id = customer AND l.hold
                       AND d.open_amount > 0 AND d.due_date < app_today());
    IF held <> terms.credit_hold THEN
        UPDATE customer_company c SET credit_hold = held, held_by_dunning = held WHERE c.id = terms.id;
    END IF;
END $$;

CREATE OR REPLACE FUNCTION dunning_letter_sent() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    UPDATE invoice i SET dunning_level = n.level, last_reminded_on = n.sent_on FROM new_rows n WHERE i.id = n.invoice_id;
    PERFORM dunning_hold(s.company_id, s.party_id, true)
       FROM (SELECT DISTINCT company_id, party_id FROM new_rows WHERE hold ORDER BY party_id) s;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER dunning_letter_sent AFTER INSERT ON dunning_letter
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION dunning_letter_sent();

-- What settles an invoice that was reminded of may end the hold; taking it back begins it again.
CREATE OR REPLACE FUNCTION dunning_settled() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    PERFORM dunning_hold(s.company_id, s.party_id, s.again)
       FROM (SELECT i.company_id, i.party_id, bool_or(n.amount < 0) AS again
               FROM new_rows n JOIN invoice i ON i.id = n.invoice_id AND i.dunning_level > 0
              GROUP BY i.company_id, i.party_id ORDER BY i.party_id) s;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER dunning_settled AFTER INSERT ON allocation
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION dunning_settled();

-- Whoever releases a customer by hand has decided: the reminder does not hold him any more.
CREATE OR REPLACE FUNCTION dunning_released() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.held_by_dunning := false;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER dunning_released BEFORE UPDATE OF credit_hold ON customer_company
    FOR EACH ROW WHEN (OLD.held_by_dunning AND NOT NEW.credit_hold) EXECUTE FUNCTION dunning_released();
