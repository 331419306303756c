/*
 * repair_test.c - repairs at the expense of the warranty and of the customer: what they cost, what
 * is invoiced, and that what is under repair goes nowhere.
 */
#include "modules/service/tests/resolution_fixture.h"

struct repair {
    struct sold s;
    const char *part, *order;
};

/* A kettle of serial number SN-1 under repair: 2 of a part that costs 1.50 and is sold at 4.00. */
static struct repair
a_repair(struct rq *rq, const char *coverage)
{
    struct repair r = { 0 };

    an_item(rq, &r.s, "serial");
    a_serial(rq, &r.s, "SN-1");
    sell(rq, &r.s, "1", true, true);
    r.part = test_sql(rq,
                      "INSERT INTO item (code, name, uom_id, list_price, costing)"
                      " SELECT 'R-SEAL', 'Seal', id, 4, 'average' FROM uom WHERE code = 'EA'"
                      " RETURNING id");
    a_stock(rq, r.part, "10", "1.5");
    r.order = test_create(rq, "repair_order",
                          "{\"case_id\": %s, \"coverage\": \"%s\", \"problem\": \"It leaks\","
                          " \"labour_cost\": \"30\", \"labour_price\": \"60\","
                          " \"parts\": [{\"item_id\": %s, \"quantity\": \"2\"}]}",
                          r.s.sale_case, coverage, r.part);
    return r;
}

/* The open transfer of its parts. */
static const char *
parts(struct rq *rq, const struct repair *r)
{
    return test_sql(rq,
                    "SELECT max(s.id) FROM shipment s JOIN shipment_line l ON l.shipment_id = s.id"
                    "  JOIN repair_part p ON p.id = l.repair_part_id"
                    " WHERE p.repair_id = %s AND s.state = 'draft'",
                    r->order);
}

static const char *
invoice(struct rq *rq, const struct repair *r)
{
    return test_sql(rq, "SELECT id FROM invoice WHERE repair_order_id = %s", r->order);
}

static void
a_warranty_repair_costs_parts_and_time_and_bills_nothing(void)
{
    struct rq *rq = test_begin();
    struct repair r = a_repair(rq, "warranty");

    take(rq, "repair_order", r.order, "start", NULL);
    CHECK_TEXT(refused(rq, "repair_order", r.order, "finish", NULL), "parts_open");
    take(rq, "shipment", parts(rq, &r), "ship", NULL);
    CHECK_TEXT(balance_of(rq, "warranty_cost"), "3.00"); /* 2 at 1.50 */
    take(rq, "repair_order", r.order, "add_time", "{\"minutes\": 50}");
    CHECK_TEXT(balance_of(rq, "warranty_cost"), "28.00"); /* and 50 minutes at 30.00: 25.00 */
    CHECK_TEXT(balance_of(rq, "labour_applied"), "-25.00");
    take(rq, "repair_order", r.order, "finish", "{\"work_done\": \"New seal\"}");
    CU_ASSERT_PTR_NULL(invoice(rq, &r));
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT concat_ws(' ', state, finished_on = app_today(), work_done, minutes,"
                 "                 labour_value, parts_value)"
                 "  FROM repair_order JOIN repair_order_fact f USING (id) WHERE id = %s",
                 r.order),
        "finished t New seal 50 25.00 3.00");
    service_checks(rq);
    test_end(rq);
}

static void
a_billable_repair_invoices_issued_parts_and_time(void)
{
    struct rq *rq = test_begin();
    struct repair r = a_repair(rq, "billable");

    take(rq, "repair_order", r.order, "start", NULL);
    take(rq, "shipment", parts(rq, &r), "ship", NULL);
    take(rq, "repair_order", r.order, "add_time", "{\"minutes\": 50}");
    take(rq, "repair_order", r.order, "finish", NULL);
    /* 2 at 4.00 and 50 minutes at 60.00 an hour: 8.00 + 50.00. */
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', state, kind, net, party_id = %s) FROM invoice"
                        " WHERE id = %s",
                        r.s.customer, invoice(rq, &r)),
               "draft customer_invoice 58.00 t");
    take(rq, "invoice", invoice(rq, &r), "post", NULL);
    CHECK_TEXT(refusal(test_refused(rq,
                                    "INSERT INTO invoice (party_id, repair_order_id)"
                                    " VALUES (%s, %s)",
                                    r.s.customer, r.order)),
               "duplicate");
    test_end(rq);
}

static void
parts_at_another_price_and_parts_added_later_are_billed(void)
{
    struct rq *rq = test_begin();
    struct repair r = a_repair(rq, "billable");

    take(rq, "repair_order", r.order, "start", NULL);
    take(rq, "shipment", parts(rq, &r), "ship", NULL);
    CHECK_TEXT(refused(rq, "repair_order", r.order, "issue", NULL), "nothing_to_issue");
    test_sql(rq,
             "INSERT INTO repair_part (repair_id, item_id, quantity, unit_price)"
             " VALUES (%s, %s, 1, 2.50)",
             r.order, r.part);
    take(rq, "repair_order", r.order, "issue", NULL);
    take(rq, "shipment", parts(rq, &r), "ship", NULL);
    take(rq, "repair_order", r.order, "finish", NULL);
    CHECK_TEXT(test_sql(rq, "SELECT net FROM invoice WHERE id = %s", invoice(rq, &r)), "10.50");
    test_end(rq);
}

static void
who_pays_follows_from_the_warranty(void)
{
    struct rq *rq = test_begin();
    struct sold s = { 0 };

    an_item(rq, &s, "serial");
    test_create(rq, "warranty_policy", "{\"name\": \"K\", \"item_id\": %s, \"months\": 12}",
                s.item);
    a_serial(rq, &s, "SN-1");
    sell(rq, &s, "1", false, false);
    const char *before = test_create(rq, "repair_order", "{\"case_id\": %s}", s.sale_case);

    take(rq, "shipment", s.delivery, "open_warranty", NULL);
    const char *after = test_create(rq, "repair_order", "{\"case_id\": %s}", s.sale_case);

    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(coverage, ' ' ORDER BY id) FROM repair_order"
                        " WHERE id IN (%s, %s)",
                        before, after),
               "billable warranty");
    test_end(rq);
}

static void
a_returned_kettle_is_repaired_and_goes_back_when_it_is_finished(void)
{
    struct rq *rq = test_begin();
    struct sold s = { 0 };

    an_item(rq, &s, "serial");
    a_serial(rq, &s, "SN-1");
    sell(rq, &s, "1", true, true);
    CHECK_TEXT(balance_of(rq, "inventory"), "0.00");
    const char *back = a_return(rq, &s, "\"resolution\": \"repair\"");

    take(rq, "shipment", coming_back(rq, back), "receive", NULL);
    take(rq, "return_order", back, "progress", NULL);
    CHECK_TEXT(balance_of(rq, "inventory"), "6.00");
    const char *order = test_sql(rq,
                                 "SELECT r.id FROM repair_order r JOIN return_order_line n"
                                 " ON n.id = r.return_order_line_id WHERE n.return_id = %s",
                                 back);
    const char *way = test_sql(rq,
                               "SELECT shipment_id FROM shipment_line WHERE repair_order_id = %s"
                               " AND quantity_reserved = 1",
                               order);

    CHECK_TEXT(refused(rq, "shipment", way, "ship", NULL), "repair_open");
    take(rq, "repair_order", order, "start", NULL);
    take(rq, "repair_order", order, "finish", NULL);
    take(rq, "shipment", way, "ship", NULL);
    CHECK_TEXT(balance_of(rq, "inventory"), "0.00");
    take(rq, "return_order", back, "progress", NULL);
    CHECK_TEXT(test_sql(rq, "SELECT state FROM return_order WHERE id = %s", back), "closed");
    /* It is the customer's once more: it may come back again, and is credited with its sale. */
    const char *line = test_sql(rq, "SELECT id FROM shipment_line WHERE shipment_id = %s", way);
    const char *again =
        a_return(rq, &s, arena_printf(rq->mem, "\"lines\": [{\"shipment_line_id\": %s}]", line));

    take(rq, "shipment", coming_back(rq, again), "receive", NULL);
    take(rq, "return_order", again, "resolve", NULL);
    CHECK_TEXT(test_sql(rq, "SELECT total FROM invoice WHERE credits_id = %s", s.invoice), "11.30");
    service_checks(rq);
    test_end(rq);
}

static void
time_is_posted_once_and_corrected_by_less(void)
{
    struct rq *rq = test_begin();
    struct repair r = a_repair(rq, "warranty");

    CHECK_TEXT(refused(rq, "repair_order", r.order, "add_time", "{\"minutes\": 50}"),
               "wrong_state");
    take(rq, "repair_order", r.order, "start", NULL);
    CHECK_TEXT(refused(rq, "repair_order", r.order, "add_time", "{}"), "minutes_missing");
    take(rq, "repair_order", r.order, "add_time", "{\"minutes\": 50}");
    CHECK_TEXT(refusal(test_refused(
                   rq, "INSERT INTO repair_time (repair_id, minutes) VALUES (%s, -51)", r.order)),
               "too_much");
    CHECK_TEXT(refusal(test_refused(rq,
                                    "INSERT INTO repair_time (repair_id, minutes, cost)"
                                    " VALUES (%s, 5, 0)",
                                    r.order)),
               "forbidden");
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "UPDATE repair_time SET minutes = 1"));
    take(rq, "repair_order", r.order, "add_time", "{\"minutes\": -50}");
    CHECK_TEXT(balance_of(rq, "labour_applied"), "0.00");
    service_checks(rq);
    test_end(rq);
}

static void
a_repair_is_cancelled_only_while_nothing_went_into_it(void)
{
    struct rq *rq = test_begin();
    struct repair r = a_repair(rq, "warranty");

    take(rq, "repair_order", r.order, "start", NULL);
    const char *transfer = parts(rq, &r);

    test_mark(rq);
    take(rq, "repair_order", r.order, "cancel", NULL);
    CHECK_TEXT(test_sql(rq, "SELECT state FROM shipment WHERE id = %s", transfer), "cancelled");
    test_recover(rq);
    take(rq, "shipment", transfer, "ship", NULL);
    CHECK_TEXT(refused(rq, "repair_order", r.order, "cancel", NULL), "already_begun");
    CHECK_TEXT(refusal(test_refused(rq, "UPDATE repair_part SET quantity = 1 WHERE repair_id = %s",
                                    r.order)),
               "issued");
    test_end(rq);
}

const struct test repair_tests[] = {
    { "a warranty repair costs parts and time and bills nothing",
      a_warranty_repair_costs_parts_and_time_and_bills_nothing },
    { "a billable repair invoices issued parts and time",
      a_billable_repair_invoices_issued_parts_and_time },
    { "parts at another price and parts added later are billed",
      parts_at_another_price_and_parts_added_later_are_billed },
    { "who pays follows from the warranty", who_pays_follows_from_the_warranty },
    { "a returned kettle is repaired and goes back when it is finished",
      a_returned_kettle_is_repaired_and_goes_back_when_it_is_finished },
    { "time is posted once and corrected by less", time_is_posted_once_and_corrected_by_less },
    { "a repair is cancelled only while nothing went into it",
      a_repair_is_cancelled_only_while_nothing_went_into_it },
    { 0 },
};
