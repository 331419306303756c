-- Whom to buy from, at which price, in which quantity and how fast. Run again at every upgrade.

-- q, or the next quantity that a supplier sells: not below his minimum, in his multiples.
CREATE OR REPLACE FUNCTION purchase_round(q numeric, minimum numeric, multiple numeric) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN multiple IS NULL THEN greatest(q, minimum) ELSE ceil(greatest(q, minimum) / multiple) * multiple END $$;

/*
 * What suppliers offer for a quantity on a day: one row per supplier, the best first (priority,
 * then lead time, then price in company currency). Of a supplier's quantity breaks the one counts
 * that makes the order smallest, and of those the highest. Under the rights of the caller.
 */
CREATE OR REPLACE FUNCTION purchase_offers(company bigint, item bigint, wanted numeric, on_day date,
                                           from_supplier bigint DEFAULT NULL, in_currency text DEFAULT NULL)
    RETURNS TABLE (item_supplier_id bigint, supplier_id bigint, quantity numeric, unit_price numeric, currency_code text,
                   lead_days integer, supplier_item_code text, explanation text)
    LANGUAGE plpgsql STABLE ROWS 3 AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT o.id, o.supplier_id, o.quantity, o.unit_price::numeric, o.currency_code::text, o.lead_days, o.supplier_item_code,
           format('Supplier price of %s: from %s', o.name, trim_scale(o.min_quantity)::text)
      FROM (SELECT DISTINCT ON (s.supplier_id)
                   s.id, s.supplier_id, r.quantity, s.unit_price, s.currency_code, s.priority, s.min_quantity,
                   s.supplier_item_code, coalesce(s.lead_days, i.lead_days) AS lead_days, p.name
              FROM item_supplier s JOIN item i ON i.id = s.item_id JOIN party p ON p.id = s.supplier_id AND p.active
             CROSS JOIN LATERAL (SELECT purchase_round(wanted, s.min_quantity, s.multiple) AS quantity) r
             WHERE s.company_id = company AND s.item_id = item
               AND on_day BETWEEN coalesce(s.valid_from, '-infinity') AND coalesce(s.valid_to, 'infinity')
               AND (from_supplier IS NULL OR s.supplier_id = from_supplier)
               AND (in_currency IS NULL OR s.currency_code = in_currency)
             ORDER BY s.supplier_id, r.quantity, s.min_quantity DESC, s.priority, s.id) o
     ORDER BY o.priority, o.lead_days NULLS LAST,
              o.unit_price * exchange_rate_on(company, o.currency_code, on_day) NULLS LAST, o.id;
END $$;

/*
 * When, how much, from whom and at which price a quantity can be bought that is ordered on a
 * day. Without a supplier price the lead time of the item alone; no row when that is unknown
 * too. A supplier whose lead time nobody knows promises nothing.
 */
CREATE OR REPLACE FUNCTION purchase_lead(company bigint, item bigint, warehouse bigint, wanted numeric, from_day date)
    RETURNS TABLE (day date, quantity numeric, party_id bigint, unit_price numeric, currency_code text)
    LANGUAGE plpgsql STABLE ROWS 1 AS $$
#variable_conflict use_column
DECLARE
    own_days integer;
BEGIN
    RETURN QUERY
    SELECT calendar_day_add(app_calendar(), from_day, o.lead_days), o.quantity, o.supplier_id, o.unit_price, o.currency_code
      FROM purchase_offers(company, item, wanted, from_day) o
     WHERE o.lead_days IS NOT NULL LIMIT 1;
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT i.lead_days INTO own_days FROM item i WHERE i.id = purchase_lead.item;
    IF own_days IS NOT NULL THEN
        RETURN QUERY SELECT calendar_day_add(app_calendar(), from_day, own_days), wanted, NULL::bigint,
                            NULL::numeric, NULL::text;
    END IF;
END $$;
GRANT EXECUTE ON FUNCTION purchase_round, purchase_offers, purchase_lead TO tenon_app;

-- A percentage that the company sets, as text in `setting`.
CREATE OR REPLACE FUNCTION purchase_setting(company bigint, named text, otherwise numeric) RETURNS numeric
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    RETURN coalesce((SELECT s.value::numeric FROM setting s WHERE s.company_id = company AND s.name = named
                        AND s.value ~ '^[0-9]+(\.[0-9]+)?$'), otherwise);
END $$;

-- How much more than a quantity is accepted of a supplier's delivery.
CREATE OR REPLACE FUNCTION purchase_tolerance(company bigint, item bigint, supplier bigint, quantity numeric, on_day date)
    RETURNS numeric LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
BEGIN
    RETURN round(quantity * coalesce(
        (SELECT s.over_receipt_percent FROM item_supplier s JOIN purchase_offers(company, item, quantity, on_day, supplier) o
             ON o.item_supplier_id = s.id LIMIT 1),
        purchase_setting(company, 'purchase.over_receipt_percent', 5)) / 100, 6);
END $$;
