/*
 * What is made for a customer is told on his order line, in the transaction of each step.
 */
#include "modules/production/production.h"
#include "modules/sales/sales.h"
#include "tests/test.h"

/* A product of two parts, of which there is stock, ordered in a quantity of ten that nothing
 * covers yet. The order's line; the product in *product. */
static const char *
line_ordered(struct rq *rq, const char **product)
{
    const char *part = test_sql(rq,
                                "INSERT INTO item (code, name, uom_id) SELECT 'PART', 'Part',"
                                " id FROM uom WHERE code = 'C62' RETURNING id");
    const char *order;

    *product = test_sql(rq,
                        "INSERT INTO item (code, name, uom_id, procurement, list_price)"
                        " SELECT 'GOODS', 'Goods', id, 'make', 10 FROM uom WHERE code = 'C62'"
                        " RETURNING id");
    test_create(rq, "bom", "{\"item_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"2\"}]}",
                *product, part);
    test_create(rq, "stock_opening",
                "{\"item_id\": %s, \"quantity\": \"100\", \"unit_cost\": \"1\"}", part);
    order = test_create(
        rq, "sales_order",
        "{\"customer_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"10\"}]}",
        test_create(rq, "party", "{\"name\": \"Buyer\", \"is_customer\": true}"), *product);
    CU_ASSERT_TRUE_FATAL(test_take(rq, "sales_order", order, "confirm", NULL));
    return test_sql(rq, "SELECT id FROM sales_order_line WHERE order_id = %s", order);
}

/* A production order of this quantity, made for the line. */
static const char *
made_for(struct rq *rq, const char *line, const char *product, const char *quantity)
{
    return test_create(rq, "production_order",
                       "{\"item_id\": %s, \"quantity\": \"%s\", \"promise_id\": %s}", product,
                       quantity,
                       test_sql(rq, "SELECT id FROM promise WHERE sales_order_line_id = %s", line));
}

static const char *
milestone(struct rq *rq, const char *line)
{
    return test_sql(rq, "SELECT milestone FROM sales_order_line WHERE id = %s", line);
}

/* Take these steps, one after the other. */
static void
steps(struct rq *rq, const char *order, const char *list)
{
    for (char *at = arena_strdup(rq->mem, list), *next; at; at = next) {
        next = strchr(at, ' ');
        if (next)
            *next++ = 0;
        CU_ASSERT_TRUE(test_take(rq, "production_order", order, at, NULL));
    }
}

static void
each_step_of_production_is_told_on_the_order_line(void)
{
    struct rq *rq = test_begin();
    const char *product, *line = line_ordered(rq, &product), *order, *delivery;

    CU_ASSERT_PTR_NULL(milestone(rq, line));
    order = made_for(rq, line, product, "10");
    CHECK_TEXT(milestone(rq, line), "planned");
    steps(rq, order, "release");
    CHECK_TEXT(milestone(rq, line), "released");
    steps(rq, order, "start");
    CHECK_TEXT(milestone(rq, line), "started");
    steps(rq, order, "issue finish");
    CHECK_TEXT(milestone(rq, line), "stocked");
    steps(rq, order, "close");
    CHECK_TEXT(milestone(rq, line), "stocked");
    delivery =
        test_sql(rq, "SELECT shipment_id FROM shipment_line WHERE sales_order_line_id = %s", line);
    CU_ASSERT_TRUE(test_take(rq, "shipment", delivery, "ship", NULL));
    CHECK_TEXT(milestone(rq, line), "shipped");
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(milestone, ' ' ORDER BY sales_milestone_rank(milestone))"
                        "  FROM sales_order_milestone WHERE sales_order_line_id = %s",
                        line),
               "planned released started finished stocked shipped");
    test_end(rq);
}

static void
of_a_split_order_the_least_advanced_part_counts(void)
{
    struct rq *rq = test_begin();
    const char *product, *line = line_ordered(rq, &product);
    const char *first = made_for(rq, line, product, "6"),
               *second = made_for(rq, line, product, "4");

    steps(rq, first, "release issue finish");
    CHECK_TEXT(milestone(rq, line), "planned");
    steps(rq, second, "release");
    CHECK_TEXT(milestone(rq, line), "released");
    /* What is cancelled is no part of it any more. */
    steps(rq, second, "cancel");
    CHECK_TEXT(milestone(rq, line), "stocked");
    CU_ASSERT_PTR_NOT_NULL(
        test_refused(rq, "UPDATE sales_order_line SET milestone = 'shipped' WHERE id = %s", line));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "DELETE FROM sales_order_milestone"));
    test_end(rq);
}

const struct test milestone_tests[] = {
    { "each step of production is told on the order line",
      each_step_of_production_is_told_on_the_order_line },
    { "of a split order the least advanced part counts",
      of_a_split_order_the_least_advanced_part_counts },
    { 0 },
};
