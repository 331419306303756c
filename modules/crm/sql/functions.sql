-- Functions and triggers of customer relations. Run again at every upgrade.

-- A new company: numbers, and one pipeline with its stages.
CREATE OR REPLACE FUNCTION crm_company_setup(company bigint, chart text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    INSERT INTO number_series (company_id, code, pattern)
    VALUES ($1, 'lead', 'L{YYYY}-{00000}'), ($1, 'opportunity', 'O{YYYY}-{00000}') ON CONFLICT DO NOTHING;
    WITH made AS (
        INSERT INTO pipeline (company_id, code, name, name_zh, is_default)
        SELECT $1, 'sales', 'Sales', '销售', true
         WHERE NOT EXISTS (SELECT FROM pipeline p WHERE p.company_id = $1)
        RETURNING id
    )
    INSERT INTO pipeline_stage (company_id, pipeline_id, position, name, name_zh, probability, target_days)
    SELECT $1, made.id, s.* FROM made,
           (VALUES (1, 'Qualification', '资格确认', 10, 7), (2, 'Needs analysis', '需求分析', 25, 14),
                   (3, 'Proposal', '方案报价', 50, 14), (4, 'Negotiation', '商务谈判', 75, 14),
                   (5, 'Commitment', '口头承诺', 90, 7)) s (position, name, name_zh, probability, target_days) $$;

-- ------------------------------------------------------------------ stages
-- No stage named: the pipeline's first. Another stage brings its probability, unless one is typed.
CREATE OR REPLACE FUNCTION opportunity_stage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.state IN ('won', 'lost')
       AND (NEW.pipeline_id, NEW.stage_id) IS DISTINCT FROM (OLD.pipeline_id, OLD.stage_id) THEN
        PERFORM fail('wrong_state', 'stage_id', 'The opportunity is closed: reopen it first');
    END IF;
    IF NEW.stage_id IS NULL OR TG_OP = 'UPDATE' AND NEW.pipeline_id <> OLD.pipeline_id
                               AND NEW.stage_id = OLD.stage_id THEN
        SELECT id INTO NEW.stage_id FROM pipeline_stage
         WHERE company_id = NEW.company_id AND pipeline_id = NEW.pipeline_id ORDER BY position LIMIT 1;
    END IF;
    IF NEW.probability IS NULL OR TG_OP = 'UPDATE' AND NEW.stage_id <> OLD.stage_id
                                  AND NEW.probability = OLD.probability THEN
        SELECT probability INTO NEW.probability FROM pipeline_stage WHERE id = NEW.stage_id;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER opportunity_stage_insert BEFORE INSERT ON opportunity
    FOR EACH ROW EXECUTE FUNCTION opportunity_stage();
CREATE OR REPLACE TRIGGER opportunity_stage_update BEFORE UPDATE ON opportunity FOR EACH ROW
    WHEN (OLD.stage_id IS DISTINCT FROM NEW.stage_id OR OLD.pipeline_id <> NEW.pipeline_id OR NEW.probability IS NULL)
    EXECUTE FUNCTION opportunity_stage();

CREATE OR REPLACE FUNCTION opportunity_stage_log() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO opportunity_stage_history (company_id, opportunity_id, pipeline_id, stage_id, actor_id)
        SELECT company_id, id, pipeline_id, stage_id, app_user_id() FROM new_rows;
    ELSE
        INSERT INTO opportunity_stage_history (company_id, opportunity_id, pipeline_id, from_stage_id, stage_id, actor_id)
        SELECT n.company_id, n.id, n.pipeline_id, o.stage_id, n.stage_id, app_user_id()
          FROM new_rows n JOIN old_rows o USING (id) WHERE n.stage_id <> o.stage_id;
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER opportunity_stage_log_insert AFTER INSERT ON opportunity
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION opportunity_stage_log();
CREATE OR REPLACE TRIGGER opportunity_stage_log_update AFTER UPDATE ON opportunity
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION opportunity_stage_log();

-- ------------------------------------------------------------------ what is closed stays
-- The links of a lead to what it became are made once. A lead that is lost no more has no reason.
CREATE OR REPLACE FUNCTION lead_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'converted' THEN
        PERFORM fail('wrong_state', 'state', 'This lead was converted already');
    END IF;
    NEW.lost_reason_id := NULL;
    NEW.lost_note := NULL;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER lead_keep BEFORE UPDATE ON lead FOR EACH ROW
    WHEN (OLD.state = 'converted' AND (OLD.party_id, OLD.contact_id, OLD.opportunity_id)
          IS DISTINCT FROM (NEW.party_id, NEW.contact_id, NEW.opportunity_id)
          OR OLD.state = 'lost' AND NEW.state <> 'lost')
    EXECUTE FUNCTION lead_keep();

-- An opportunity that is closed no more has no reason, and its stage's probability again.
CREATE OR REPLACE FUNCTION opportunity_reopened() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.reason_id := NULL;
    NEW.reason_note := NULL;
    NEW.closed_at := NULL;
    SELECT probability INTO NEW.probability FROM pipeline_stage WHERE id = NEW.stage_id;
    RETURN NEW;
END $$;
-- One that is closed: how sure it is, and when that was known.
CREATE OR REPLACE FUNCTION opportunity_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.probability := CASE NEW.state WHEN 'won' THEN 100 ELSE 0 END;
    NEW.closed_at := now();
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER opportunity_closed BEFORE UPDATE ON opportunity FOR EACH ROW
    WHEN (NEW.state IN ('won', 'lost') AND OLD.state <> NEW.state)
    EXECUTE FUNCTION opportunity_closed();
CREATE OR REPLACE TRIGGER opportunity_reopened BEFORE UPDATE ON opportunity FOR EACH ROW
    WHEN (OLD.state IN ('won', 'lost') AND NEW.state NOT IN ('won', 'lost'))
    EXECUTE FUNCTION opportunity_reopened();

-- ------------------------------------------------------------------ lines
-- A line has the currency of its opportunity, and what nobody typed from item and price list.
CREATE OR REPLACE FUNCTION opportunity_line_fill() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    o record;
    p record;
BEGIN
    SELECT h.currency_code, h.party_id, (SELECT c.language FROM party c WHERE c.id = h.party_id) AS language INTO o
      FROM opportunity h WHERE h.company_id = NEW.company_id AND h.id = NEW.opportunity_id;
    NEW.currency_code := coalesce(o.currency_code, NEW.currency_code);
    IF NEW.unit_price IS NULL THEN
        SELECT * INTO p FROM price_for(NEW.company_id, NEW.item_id, o.party_id, NEW.quantity, app_today(),
                                       NEW.currency_code, NULL);
        NEW.unit_price := coalesce(p.unit_price, 0);
        IF NEW.discount = 0 THEN
            NEW.discount := coalesce(p.discount, 0);
        END IF;
    END IF;
    IF NEW.description IS NULL THEN
        SELECT CASE o.language WHEN 'zh' THEN coalesce(i.name_zh, i.name) ELSE i.name END
          INTO NEW.description FROM item i WHERE i.id = NEW.item_id;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER fill BEFORE INSERT OR UPDATE ON opportunity_line
    FOR EACH ROW EXECUTE FUNCTION opportunity_line_fill();

-- Lines of a closed opportunity stay; those of an open one are what it is expected to bring.
CREATE OR REPLACE FUNCTION opportunity_line_sum() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
DECLARE
    heads bigint[] := ARRAY(SELECT DISTINCT opportunity_id FROM changed_rows);
BEGIN
    PERFORM FROM opportunity WHERE id = ANY (heads) ORDER BY id FOR NO KEY UPDATE;
    IF EXISTS (SELECT FROM opportunity WHERE id = ANY (heads) AND state IN ('won', 'lost')) THEN
        PERFORM fail('wrong_state', 'state', 'The opportunity is closed: reopen it first');
    END IF;
    UPDATE opportunity o SET expected_amount = d.net
      FROM (SELECT h AS id, (SELECT coalesce(sum(l.net), 0) FROM opportunity_line l WHERE l.opportunity_id = h) AS net
              FROM unnest(heads) h) d
     WHERE o.id = d.id AND o.expected_amount <> d.net;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER opportunity_line_sum_insert AFTER INSERT ON opportunity_line
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION opportunity_line_sum();
CREATE OR REPLACE TRIGGER opportunity_line_sum_update AFTER UPDATE ON opportunity_line
    REFERENCING NEW TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION opportunity_line_sum();
CREATE OR REPLACE TRIGGER opportunity_line_sum_delete AFTER DELETE ON opportunity_line
    REFERENCING OLD TABLE AS changed_rows FOR EACH STATEMENT EXECUTE FUNCTION opportunity_line_sum();

-- With lines, the expected amount is their sum and the currency theirs.
CREATE OR REPLACE FUNCTION opportunity_amount() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    IF NEW.currency_code <> OLD.currency_code THEN
        IF EXISTS (SELECT FROM opportunity_line WHERE opportunity_id = NEW.id) THEN
            PERFORM fail('in_use', 'currency_code', 'Remove the lines before you change the currency');
        END IF;
    ELSE
        SELECT coalesce(sum(net), NEW.expected_amount) INTO NEW.expected_amount
          FROM opportunity_line WHERE opportunity_id = NEW.id;
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER opportunity_amount BEFORE UPDATE ON opportunity FOR EACH ROW
    WHEN ((OLD.expected_amount, OLD.currency_code) IS DISTINCT FROM (NEW.expected_amount, NEW.currency_code))
    EXECUTE FUNCTION opportunity_amount();

-- ------------------------------------------------------------------ what a customer owes
-- The balance of a party's receivables at the end of a day, from the ledger, in company currency.
CREATE OR REPLACE FUNCTION party_receivable(party bigint, on_date date) RETURNS numeric
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT coalesce(sum(l.debit - l.credit), 0)
      FROM journal_line l JOIN account a ON a.id = l.account_id AND a.role = 'receivable'
     WHERE l.company_id = app_company() AND l.party_id = $1 AND l.posted_on <= $2 $$;

-- The same over a party and all that belongs to it.
CREATE OR REPLACE FUNCTION party_tree_receivable(root bigint, on_date date) RETURNS numeric
    LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT sum(party_receivable(d, $2)) FROM party_tree($1) d $$;
GRANT EXECUTE ON FUNCTION party_receivable, party_tree_receivable TO tenon_app;
