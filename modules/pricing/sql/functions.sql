-- Functions and triggers of pricing. Run again at every upgrade.

CREATE OR REPLACE TRIGGER tree_guard_insert AFTER INSERT ON price_list
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tree_guard('parent_id');
CREATE OR REPLACE TRIGGER tree_guard_update AFTER UPDATE ON price_list
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION tree_guard('parent_id');

-- A new company starts with one list without rules: items cost their list price.
CREATE OR REPLACE FUNCTION pricing_company_setup(company bigint, chart text) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = tenon, pg_temp AS $$
    INSERT INTO price_list (company_id, code, name, name_zh, currency_code, is_default)
    SELECT c.id, 'STANDARD', 'Standard prices', '标准价格', c.currency_code, true
      FROM company c WHERE c.id = $1
        AND NOT EXISTS (SELECT FROM price_list p WHERE p.company_id = c.id
                           AND (p.code = 'STANDARD' OR p.is_default AND p.currency_code = c.currency_code)) $$;

-- A price in the steps of a list: 12.34 to steps of 1 moved by -0.01 is 11.99.
CREATE OR REPLACE FUNCTION price_round(price numeric, step numeric, shift numeric, currency text) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN step IS NULL THEN round(price, currency_scale(currency))
                ELSE greatest(round(price / step) * step + shift, 0) END $$;

/*
 * The list for a customer on a day in a currency: the one asked for, else the customer's own,
 * else the currency's default; with the lists that it falls back on, nearest first. Lists
 * that are inactive, out of date or in another currency do not count.
 */
CREATE OR REPLACE FUNCTION price_lists_for(company bigint, customer bigint, on_date date, currency text, list bigint)
    RETURNS TABLE (list_id bigint, depth integer) LANGUAGE sql STABLE PARALLEL SAFE AS $$
    WITH RECURSIVE usable AS (
        SELECT l.id, l.parent_id, l.is_default FROM price_list l
         WHERE l.company_id = $1 AND l.currency_code = $4 AND l.active
           AND coalesce($3 >= l.valid_from, true) AND coalesce($3 <= l.valid_to, true)
    ), chain AS (
        (SELECT u.id, u.parent_id, 0 AS depth FROM usable u
           LEFT JOIN customer_company c ON c.company_id = $1 AND c.party_id = $2
          WHERE u.id = $5 OR u.id = c.price_list_id OR u.is_default
          ORDER BY (u.id = $5) IS TRUE DESC, (u.id = c.price_list_id) IS TRUE DESC LIMIT 1)
        UNION ALL
        SELECT u.id, u.parent_id, chain.depth + 1 FROM chain JOIN usable u ON u.id = chain.parent_id
    ) SELECT id, depth FROM chain $$;

-- Who and what a rule is for, in the user's language.
CREATE OR REPLACE FUNCTION price_rule_text(r price_rule, chinese boolean) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT concat_ws(CASE WHEN chinese THEN '，' ELSE ', ' END,
        (SELECT CASE WHEN chinese THEN '客户 ' || coalesce(p.name_zh, p.name) ELSE 'customer ' || p.name END
           FROM party p WHERE p.id = r.customer_id),
        CASE WHEN chinese THEN '客户群 ' ELSE 'segment ' END || r.segment,
        (SELECT CASE WHEN chinese THEN '物料 ' ELSE 'item ' END || i.code FROM item i WHERE i.id = r.item_id),
        (SELECT CASE WHEN chinese THEN '类别 ' || coalesce(c.name_zh, c.name) ELSE 'category ' || c.name END
           FROM item_category c WHERE c.id = r.category_id),
        CASE WHEN r.min_quantity > 0 THEN CASE WHEN chinese THEN plain_text(r.min_quantity) || ' 起'
                                               ELSE 'from ' || plain_text(r.min_quantity) END END,
        CASE WHEN chinese THEN '自 ' ELSE 'since ' END || r.valid_from,
        CASE WHEN chinese THEN '至 ' ELSE 'until ' END || r.valid_to,
        CASE r.method
        WHEN 'cost_plus' THEN CASE WHEN chinese THEN '标准成本加 ' ELSE 'standard cost plus ' END || plain_text(r.percent) || ' %'
        WHEN 'discount' THEN CASE WHEN chinese THEN '目录价折扣 ' ELSE 'list price less ' END || plain_text(r.percent) || ' %'
        END) $$;

/*
 * The price of an item for a customer. Always one row; unit_price is null when there is no
 * price in this currency. The order of rules is fixed:
 *
 *   1. the list (price_lists_for); what it has no rule for, the list that it falls back on
 *   2. policy best: the lowest price after discount
 *   3. a rule for the customer before one for his segment before one for everybody
 *   4. a rule for the item before one for its category (the nearest first) before one for all
 *   5. the highest quantity break; then the latest first day; then the lowest id
 *
 * No rule: the item's list price, when it is in this currency. Days are counted inclusively.
 * Lists with a rounding step give the price after discount, rounded, and no discount.
 */
CREATE OR REPLACE FUNCTION price_for(company bigint, item bigint, customer bigint, quantity numeric, on_date date,
                                     currency text, list bigint DEFAULT NULL)
    RETURNS TABLE (unit_price numeric, discount numeric, rule_id bigint, explanation text)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 AS $$
    WITH asked AS (
        SELECT i AS item, c.segment, o.currency_code AS base,
               coalesce((SELECT u.language = 'zh' FROM app_user u WHERE u.id = app_user_id()), false) AS chinese
          FROM item i JOIN company o ON o.id = $1
          LEFT JOIN customer_company c ON c.company_id = $1 AND c.party_id = $3
         WHERE i.id = $2
    ), fits AS (
        SELECT r, l, f.depth, a.chinese, path.distance,
               CASE r.method WHEN 'price' THEN r.unit_price
                             WHEN 'discount' THEN (a.item).list_price
                             ELSE price_round((a.item).standard_cost * (1 + r.percent / 100), NULL, 0, $6) END AS gross,
               CASE r.method WHEN 'cost_plus' THEN 0 ELSE r.percent END AS off
          FROM asked a
         CROSS JOIN price_lists_for($1, $3, $5, $6, $7) f
          JOIN price_list l ON l.id = f.list_id
          JOIN price_rule r ON r.company_id = $1 AND r.price_list_id = l.id
          LEFT JOIN item_category_path((a.item).category_id) path ON path.category_id = r.category_id
         WHERE (r.item_id IS NULL OR r.item_id = $2) AND (r.category_id IS NULL OR path.category_id IS NOT NULL)
           AND (r.customer_id IS NULL OR r.customer_id = $3) AND (r.segment IS NULL OR r.segment = a.segment)
           AND r.min_quantity <= abs($4)
           AND coalesce($5 >= r.valid_from, true) AND coalesce($5 <= r.valid_to, true)
           AND CASE r.method WHEN 'price' THEN true WHEN 'discount' THEN (a.item).list_currency_code = $6
                             ELSE a.base = $6 END
    ), found AS (
        SELECT f.*, f.gross * (1 - f.off / 100) AS net FROM fits f
         ORDER BY depth, CASE WHEN (l).policy = 'best' THEN gross * (1 - off / 100) END,
                  (r).customer_id IS NULL, (r).segment IS NULL, (r).item_id IS NULL, distance NULLS LAST,
                  (r).min_quantity DESC, (r).valid_from DESC NULLS LAST, (r).id
         LIMIT 1
    )
    SELECT CASE WHEN (f.l).rounding_step IS NULL THEN f.gross
                ELSE price_round(f.net, (f.l).rounding_step, (f.l).rounding_shift, $6) END,
           CASE WHEN (f.l).rounding_step IS NULL THEN f.off ELSE 0 END, (f.r).id,
           CASE WHEN f.chinese THEN '价目表 ' || coalesce((f.l).name_zh, (f.l).name) || '：'
                ELSE 'Price list ' || (f.l).name || ': ' END || price_rule_text(f.r, f.chinese)
      FROM found f
    UNION ALL
    SELECT CASE WHEN (a.item).list_currency_code = $6 THEN (a.item).list_price::numeric END, 0, NULL,
           CASE WHEN (a.item).list_currency_code = $6
                THEN CASE WHEN a.chinese THEN '物料的目录价' ELSE 'List price of the item' END
                WHEN a.chinese THEN '没有 ' || $6 || ' 价格' ELSE 'No price in ' || $6 END
      FROM asked a WHERE NOT EXISTS (SELECT FROM found) $$;
GRANT EXECUTE ON FUNCTION price_round, price_lists_for, price_rule_text, price_for TO tenon_app;
