/*
 * Which price a customer gets, and why: the fixed order of rules, its boundaries, its rounding.
 */
#include "tests/test.h"

/* Items A (list 10, cost 6.333333) in Sub below Top and B (list 20); customers ACME and SHOP
 * (segment retail); rules on the company's standard list. */
static struct rq *
prices_begin(void)
{
    struct rq *rq = test_begin();

    test_sql(rq,
             "INSERT INTO party (code, name, is_customer) VALUES ('ACME', 'Acme', true),"
             " ('SHOP', 'Shop', true) RETURNING id");
    test_sql(rq,
             "INSERT INTO customer_company (party_id, segment)"
             " SELECT id, 'retail' FROM party WHERE code = 'SHOP' RETURNING id");
    test_sql(rq, "INSERT INTO item_category (name) VALUES ('Top') RETURNING id");
    test_sql(rq,
             "INSERT INTO item_category (name, parent_id)"
             " SELECT 'Sub', id FROM item_category WHERE name = 'Top' RETURNING id");
    test_sql(rq,
             "INSERT INTO item (code, name, uom_id, list_price, standard_cost, category_id)"
             " SELECT i.code, i.code, u.id, i.price, 6.333333, c.id"
             "   FROM (VALUES ('A', 10), ('B', 20)) i (code, price)"
             "   JOIN uom u ON u.code = 'C62'"
             "   LEFT JOIN item_category c ON c.name = 'Sub' AND i.code = 'A' RETURNING id");
    return rq;
}

static void
rule(struct rq *rq, const char *columns, const char *values)
{
    test_sql(rq,
             "INSERT INTO price_rule (price_list_id, %s) SELECT p.id, %s FROM price_list p"
             "  LEFT JOIN item a ON a.code = 'A' LEFT JOIN item b ON b.code = 'B'"
             "  LEFT JOIN item_category top ON top.name = 'Top'"
             "  LEFT JOIN item_category sub ON sub.name = 'Sub'"
             "  LEFT JOIN party acme ON acme.code = 'ACME'"
             " WHERE p.company_id = app_company() AND p.code = 'STANDARD' RETURNING id",
             columns, values);
}

/* "price discount" for an item, a customer, a quantity and a day. */
static const char *
price(struct rq *rq, const char *item, const char *customer, const char *quantity, const char *day)
{
    return test_sql(
        rq,
        "SELECT plain_text(f.unit_price) || ' ' || plain_text(f.discount)"
        "  FROM item i, party c, price_for(app_company(), i.id, c.id, %s, '%s', 'USD', NULL) f"
        " WHERE i.code = '%s' AND c.code = '%s'",
        quantity, day, item, customer);
}

static void
without_a_rule_an_item_costs_its_list_price(void)
{
    struct rq *rq = prices_begin();

    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-05-01"), "10 0");
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT f.unit_price IS NULL AND f.explanation = 'No price in EUR'"
            "  FROM item i, price_for(app_company(), i.id, NULL, 1, '2026-05-01', 'EUR', NULL) f"
            " WHERE i.code = 'A'"),
        "t");
    test_end(rq);
}

static void
the_most_specific_rule_wins(void)
{
    struct rq *rq = prices_begin();

    rule(rq, "method, percent", "'discount', 1");
    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-05-01"), "10 1");
    rule(rq, "category_id, method, percent", "top.id, 'discount', 2");
    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-05-01"), "10 2");
    rule(rq, "category_id, method, percent", "sub.id, 'discount', 3");
    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-05-01"), "10 3");
    CHECK_TEXT(price(rq, "B", "ACME", "1", "2026-05-01"), "20 1");
    rule(rq, "item_id, unit_price", "a.id, 9.5");
    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-05-01"), "9.5 0");
    rule(rq, "segment, method, percent", "'retail', 'discount', 4");
    CHECK_TEXT(price(rq, "A", "SHOP", "1", "2026-05-01"), "10 4");
    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-05-01"), "9.5 0");
    rule(rq, "customer_id, item_id, unit_price, percent", "acme.id, a.id, 9, 5");
    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-05-01"), "9 5");
    test_end(rq);
}

static void
quantity_breaks_and_days_count_inclusively(void)
{
    struct rq *rq = prices_begin();

    rule(rq, "item_id, unit_price", "a.id, 9");
    rule(rq, "item_id, min_quantity, unit_price", "a.id, 10, 8");
    CHECK_TEXT(price(rq, "A", "ACME", "9.999999", "2026-05-01"), "9 0");
    CHECK_TEXT(price(rq, "A", "ACME", "10", "2026-05-01"), "8 0");
    rule(rq, "item_id, customer_id, unit_price, valid_from, valid_to",
         "a.id, acme.id, 7, '2026-06-01', '2026-06-30'");
    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-05-31"), "9 0");
    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-06-01"), "7 0");
    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-06-30"), "7 0");
    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-07-01"), "9 0");
    test_end(rq);
}

static void
rules_of_the_same_reach_never_overlap(void)
{
    struct rq *rq = prices_begin();
    const struct error *e;
    static const char again[] =
        "INSERT INTO price_rule (price_list_id, item_id, min_quantity, unit_price, valid_from)"
        " SELECT r.price_list_id, r.item_id, r.min_quantity, 5, '%s' FROM price_rule r";

    rule(rq, "item_id, min_quantity, unit_price, valid_to", "a.id, 10, 8, '2026-06-30'");
    e = test_refused(rq, again, "2026-06-30");
    CHECK_TEXT(
        e ? e->message : NULL,
        "Another rule for the same goods, customer and quantity holds on some of these days");
    CU_ASSERT_PTR_NULL(test_refused(rq, again, "2026-07-01"));
    test_end(rq);
}

static void
cost_plus_is_rounded_to_the_currency(void)
{
    struct rq *rq = prices_begin();

    rule(rq, "item_id, method, percent", "a.id, 'cost_plus', 50"); /* 9.4999995 */
    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-05-01"), "9.5 0");
    test_end(rq);
}

static void
prices_are_rounded_to_steps(void)
{
    struct rq *rq = prices_begin();

    rule(rq, "method, percent", "'discount', 12.5"); /* A 8.75, B 17.5 */
    test_sql(rq,
             "UPDATE price_list SET rounding_step = 1, rounding_shift = -0.01"
             " WHERE code = 'STANDARD' AND company_id = app_company() RETURNING id");
    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-05-01"), "8.99 0");
    CHECK_TEXT(price(rq, "B", "ACME", "1", "2026-05-01"), "17.99 0"); /* half away from zero */
    test_end(rq);
}

static void
the_best_policy_takes_the_lowest_price(void)
{
    struct rq *rq = prices_begin();

    rule(rq, "item_id, unit_price", "a.id, 9");
    rule(rq, "method, percent", "'discount', 20");
    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-05-01"), "9 0");
    test_sql(rq,
             "UPDATE price_list SET policy = 'best'"
             " WHERE code = 'STANDARD' AND company_id = app_company() RETURNING id");
    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-05-01"), "10 20");
    test_end(rq);
}

static void
a_customer_s_list_comes_first_and_falls_back(void)
{
    struct rq *rq = prices_begin();

    rule(rq, "item_id, unit_price", "b.id, 18");
    test_create(rq, "price_list",
                "{\"code\": \"ACME\", \"name\": \"Acme prices\", \"parent_id\": %s,"
                " \"rules\": [{\"item_id\": %s, \"unit_price\": \"7.77\"}]}",
                test_sql(rq,
                         "SELECT id FROM price_list WHERE code = 'STANDARD'"
                         " AND company_id = app_company()"),
                test_sql(rq, "SELECT id FROM item WHERE code = 'A'"));
    test_sql(rq,
             "INSERT INTO customer_company (party_id, price_list_id)"
             " SELECT c.id, p.id FROM party c, price_list p"
             "  WHERE c.code = 'ACME' AND p.code = 'ACME' RETURNING id");
    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-05-01"), "7.77 0");
    CHECK_TEXT(price(rq, "A", "SHOP", "1", "2026-05-01"), "10 0");
    CHECK_TEXT(price(rq, "B", "ACME", "1", "2026-05-01"), "18 0");
    test_sql(rq, "UPDATE price_list SET active = false WHERE code = 'ACME' RETURNING id");
    CHECK_TEXT(price(rq, "A", "ACME", "1", "2026-05-01"), "10 0");
    test_end(rq);
}

static void
the_price_says_where_it_comes_from(void)
{
    struct rq *rq = prices_begin();
    static const char asked[] =
        "SELECT f.explanation FROM item i, party c,"
        "       price_for(app_company(), i.id, c.id, 10, '2026-06-01', 'USD', NULL) f"
        " WHERE i.code = 'A' AND c.code = 'ACME'";

    rule(rq, "item_id, customer_id, min_quantity, unit_price, valid_to",
         "a.id, acme.id, 10, 7, '2026-06-30'");
    CHECK_TEXT(test_sql(rq, asked),
               "Price list Standard prices: customer Acme, item A, from 10, until 2026-06-30");
    test_sql(rq, "UPDATE app_user SET language = 'zh' WHERE id = app_user_id() RETURNING id");
    CHECK_TEXT(test_sql(rq, asked), "价目表 标准价格：客户 Acme，物料 A，10 起，至 2026-06-30");
    test_end(rq);
}

static void
another_company_s_list_is_not_a_customer_s(void)
{
    struct rq *rq = prices_begin();
    const char *other;

    test_end(rq);
    rq = test_begin_as("admin", "OTHER");
    other = test_sql(rq, "SELECT id FROM price_list WHERE company_id = app_company()");
    other = arena_strdup(rq->mem, other);
    CU_ASSERT_PTR_NOT_NULL(other);
    test_sql(
        rq, "SELECT context_set(app_user_id(), (SELECT id FROM company WHERE code = 'TEST'), 'x')");
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM price_list WHERE id = %s", other), "0");
    test_sql(rq, "INSERT INTO party (code, name) VALUES ('ACME', 'Acme') RETURNING id");
    const struct error *e = test_refused(rq,
                                         "INSERT INTO customer_company (party_id, price_list_id)"
                                         " SELECT id, %s FROM party WHERE code = 'ACME'",
                                         other);

    CU_ASSERT_PTR_NOT_NULL(e);
    test_end(rq);
}

const struct test price_tests[] = {
    { "without a rule an item costs its list price", without_a_rule_an_item_costs_its_list_price },
    { "the most specific rule wins", the_most_specific_rule_wins },
    { "quantity breaks and days count inclusively", quantity_breaks_and_days_count_inclusively },
    { "rules of the same reach never overlap", rules_of_the_same_reach_never_overlap },
    { "cost plus is rounded to the currency", cost_plus_is_rounded_to_the_currency },
    { "prices are rounded to steps", prices_are_rounded_to_steps },
    { "the best policy takes the lowest price", the_best_policy_takes_the_lowest_price },
    { "a customer's list comes first and falls back",
      a_customer_s_list_comes_first_and_falls_back },
    { "the price says where it comes from", the_price_says_where_it_comes_from },
    { "another company's list is not a customer's", another_company_s_list_is_not_a_customer_s },
    { 0 },
};
