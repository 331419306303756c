-- The triggers of purchasing: defaults, what may still be changed when, and what follows for
-- orders from their lines, receipts and bills. Run again at every upgrade.

-- ------------------------------------------------------------------ a company's own
CREATE OR REPLACE FUNCTION purchase_company_setup(in_company bigint, chart text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    INSERT INTO number_series (company_id, code, pattern)
    VALUES (in_company, 'purchase_requisition', 'PR-{YYYY}-{00000}'), (in_company, 'purchase_order', 'PO-{YYYY}-{00000}')
    ON CONFLICT (company_id, code) DO NOTHING $$;
