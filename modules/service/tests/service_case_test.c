/*
 * service_case_test.c - a case from the first message to its end: linked by itself, given to
 * somebody, answered, reopened, merged.
 */
#include "tests/test.h"

/* A customer who got serial SN-1 by an order that is invoiced, and a second customer. */
struct sold {
    const char *customer, *other, *item, *order, *shipment, *invoice;
};

static const char *
customer_new(struct rq *rq, const char *name, const char *email)
{
    return test_create(rq, "party",
                       "{\"name\": \"%s\", \"is_customer\": true, \"contact_points\":"
                       " [{\"kind\": \"email\", \"value\": \"%s\"}]}",
                       name, email);
}

static const char *
order_new(struct rq *rq, const char *customer, const char *item)
{
    const char *order =
        test_create(rq, "sales_order",
                    "{\"customer_id\": %s, \"lines\": [{\"item_id\": %s, \"quantity\": \"1\"}]}",
                    customer, item);

    CU_ASSERT_TRUE(test_take(rq, "sales_order", order, "confirm", NULL));
    return order;
}

/* Ship what the order waits for; the shipment. */
static const char *
deliver(struct rq *rq, const char *order)
{
    const char *shipment =
        test_sql(rq,
                 "SELECT max(l.shipment_id) FROM shipment_line l JOIN sales_order_line o"
                 " ON o.id = l.sales_order_line_id WHERE o.order_id = %s",
                 order);

    CU_ASSERT_TRUE(test_take(rq, "shipment", shipment, "ship", NULL));
    return shipment;
}

static void
serial_in_stock(struct rq *rq, const char *item, const char *code)
{
    const char *lot = test_create(rq, "lot", "{\"item_id\": %s, \"code\": \"%s\"}", item, code);

    test_create(rq, "stock_opening",
                "{\"item_id\": %s, \"lot_id\": %s, \"quantity\": \"1\", \"unit_cost\": \"6\"}",
                item, lot);
}

static struct sold
sold(struct rq *rq)
{
    struct sold s = { 0 };

    s.customer = customer_new(rq, "Fable Test Furniture", "Anna@Fable-Test.example");
    s.other = customer_new(rq, "Musterholz Test", "otto@muster-test.example");
    s.item = test_sql(rq,
                      "INSERT INTO item (code, name, uom_id, list_price, tracking)"
                      " SELECT 'T-LATHE', 'Lathe', id, 100, 'serial' FROM uom WHERE code = 'EA'"
                      " RETURNING id");
    serial_in_stock(rq, s.item, "SN-1");
    s.order = order_new(rq, s.customer, s.item);
    s.shipment = deliver(rq, s.order);
    CU_ASSERT_TRUE(test_take(rq, "sales_order", s.order, "invoice", NULL));
    s.invoice = test_sql(rq, "SELECT max(id) FROM invoice WHERE party_id = %s", s.customer);
    CU_ASSERT_TRUE(test_take(rq, "invoice", s.invoice, "post", NULL));
    return s;
}

/* "customer order shipment invoice serial" of a case, "-" for what it lacks. */
static const char *
links(struct rq *rq, const char *id)
{
    return test_sql(
        rq,
        "SELECT concat_ws(' ', coalesce(left(p.name, 5), '-'), coalesce(c.sales_order_id::text, '-'),"
        " coalesce(c.shipment_id::text, '-'), coalesce(c.invoice_id::text, '-'), coalesce(t.code, '-'))"
        " FROM service_case c LEFT JOIN party p ON p.id = c.party_id"
        " LEFT JOIN lot t ON t.id = c.lot_id WHERE c.id = %s",
        id);
}

static const char *
all_of(struct rq *rq, const struct sold *s)
{
    return arena_printf(rq->mem, "Fable %s %s %s SN-1", s->order, s->shipment, s->invoice);
}

static void
a_serial_and_a_sender_lead_to_delivery_order_and_invoice(void)
{
    struct rq *rq = test_begin();
    struct sold s = sold(rq);

    CHECK_TEXT(
        links(rq, test_create(rq, "service_case",
                              "{\"subject\": \"My lathe SN-1 rattles\", \"channel\": \"email\","
                              " \"sender_email\": \"anna@fable-test.example\"}")),
        all_of(rq, &s));
    CHECK_TEXT(links(rq, test_create(rq, "service_case",
                                     "{\"subject\": \"It rattles\", \"serial\": \"sn-1\","
                                     " \"party_id\": %s}",
                                     s.customer)),
               all_of(rq, &s));
    test_end(rq);
}

static void
any_number_that_the_customer_names_leads_to_the_rest(void)
{
    struct rq *rq = test_begin();
    struct sold s = sold(rq);
    static const char *const numbers[] = { "sales_order", "shipment", "invoice" };
    const char *ids[] = { s.order, s.shipment, s.invoice };

    for (int i = 0; i < 3; i++) {
        const char *number =
            test_sql(rq, "SELECT number FROM %s WHERE id = %s", numbers[i], ids[i]);

        CHECK_TEXT(links(rq, test_create(rq, "service_case",
                                         "{\"subject\": \"About %s, please\", \"party_id\": %s}",
                                         number, s.customer)),
                   all_of(rq, &s));
        CHECK_TEXT(links(rq, test_create(rq, "service_case",
                                         "{\"subject\": \"Called\", \"channel\": \"phone\","
                                         " \"document_number\": \"%s\"}",
                                         number)),
                   all_of(rq, &s));
    }
    test_end(rq);
}

static void
nothing_of_another_customer_is_linked_or_may_be(void)
{
    struct rq *rq = test_begin();
    struct sold s = sold(rq);
    const char *number = test_sql(rq, "SELECT number FROM invoice WHERE id = %s", s.invoice);
    const char *id =
        test_create(rq, "service_case",
                    "{\"subject\": \"SN-1 and %s\", \"serial\": \"SN-1\","
                    " \"channel\": \"email\", \"sender_email\": \"OTTO@muster-test.example\"}",
                    number);

    CHECK_TEXT(links(rq, id), "Muste - - - -");
    CHECK_TEXT(links(rq, test_create(rq, "service_case",
                                     "{\"subject\": \"SN-1 and %s\", \"channel\": \"email\","
                                     " \"sender_email\": \"nobody@nowhere.example\"}",
                                     number)),
               "- - - - -");
    const struct error *e =
        test_refused(rq, "UPDATE service_case SET invoice_id = %s WHERE id = %s", s.invoice, id);
    CHECK_TEXT(e ? e->message : NULL, "This is no invoice to this customer");
    e = test_refused(rq, "UPDATE service_case SET sales_order_id = %s WHERE id = %s", s.order, id);
    CHECK_TEXT(e ? e->message : NULL, "This order is of another customer");
    e = test_refused(rq, "UPDATE service_case SET shipment_id = %s WHERE id = %s", s.shipment, id);
    CHECK_TEXT(e ? e->message : NULL, "This is no delivery to this customer");
    CU_ASSERT_TRUE(entity_update(rq, "service_case", id, NULL,
                                 arena_printf(rq->mem, "{\"party_id\": %s}", s.customer)));
    CHECK_TEXT(links(rq, id), all_of(rq, &s));
    test_end(rq);
}

static void
another_customer_for_a_case_takes_the_links_away(void)
{
    struct rq *rq = test_begin();
    struct sold s = sold(rq);
    const char *id =
        test_create(rq, "service_case", "{\"subject\": \"SN-1\", \"party_id\": %s}", s.customer);

    CHECK_TEXT(links(rq, id), all_of(rq, &s));
    CU_ASSERT_TRUE(entity_update(rq, "service_case", id, NULL,
                                 arena_printf(rq->mem, "{\"party_id\": %s}", s.other)));
    CHECK_TEXT(links(rq, id), "Muste - - - -");
    test_end(rq);
}

static void
of_two_deliveries_of_a_serial_the_latest_counts(void)
{
    struct rq *rq = test_begin();
    struct sold s = sold(rq);
    const char *back = test_create(
        rq, "shipment",
        "{\"kind\": \"return\", \"party_id\": %s, \"warehouse_id\": %s, \"lines\": [{\"item_id\": %s,"
        " \"quantity\": \"1\", \"lot_id\": %s}]}",
        s.customer, test_sql(rq, "SELECT id FROM warehouse WHERE code = 'MAIN'"), s.item,
        test_sql(rq, "SELECT id FROM lot WHERE code = 'SN-1'"));

    CU_ASSERT_TRUE(test_take(rq, "shipment", back, "receive", NULL));
    const char *order = order_new(rq, s.customer, s.item), *again = deliver(rq, order);

    CHECK_TEXT(links(rq, test_create(rq, "service_case",
                                     "{\"subject\": \"SN-1\", \"party_id\": %s}", s.customer)),
               arena_printf(rq->mem, "Fable %s %s - SN-1", order, again));
    test_end(rq);
}

/* ------------------------------------------------------------------------ who does it */

static void
a_category_brings_queue_and_priority_from_above(void)
{
    struct rq *rq = test_begin();
    const char *queue = test_create(rq, "service_queue",
                                    "{\"code\": \"REPAIR\", \"name\": \"Repair\", \"role_id\": %s}",
                                    test_sql(rq, "SELECT id FROM role WHERE code = 'production'"));
    const char *top = test_create(rq, "service_category",
                                  "{\"code\": \"T-TOP\", \"name\": \"Machines\", \"queue_id\": %s,"
                                  " \"priority\": \"urgent\"}",
                                  queue);
    const char *below = test_create(
        rq, "service_category",
        "{\"code\": \"T-LOW\", \"name\": \"Lathes\", \"parent_id\": %s, \"priority\": \"low\"}",
        top);
    const char *id =
        test_create(rq, "service_case", "{\"subject\": \"x\", \"category_id\": %s}", below);

    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT concat_ws(' ', q.code, c.priority, u.login) FROM service_case c"
            " JOIN service_queue q ON q.id = c.queue_id JOIN app_user u ON u.id = c.assignee_id"
            " WHERE c.id = %s",
            id),
        "REPAIR low production");
    id = test_create(rq, "service_case", "{\"subject\": \"x\"}");
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT concat_ws(' ', q.code, c.priority, u.login) FROM service_case c"
            " JOIN service_queue q ON q.id = c.queue_id JOIN app_user u ON u.id = c.assignee_id"
            " WHERE c.id = %s",
            id),
        "SERVICE normal service");
    test_end(rq);
}

static void
new_cases_go_to_whom_has_the_least_to_do(void)
{
    struct rq *rq = test_begin();

    test_sql(rq,
             "INSERT INTO app_user (login, name, default_company_id)"
             " VALUES ('second', 'Second', app_company()) RETURNING id");
    test_sql(rq,
             "SELECT user_companies_set(array_agg(id), NULL) FROM app_user WHERE login = 'second'");
    test_sql(rq,
             "INSERT INTO user_role (user_id, role_id) SELECT u.id, r.id FROM app_user u, role r"
             " WHERE u.login = 'second' AND r.code = 'service' RETURNING id");
    const char *one = test_create(rq, "service_case", "{\"subject\": \"1\"}");

    test_create(rq, "service_case", "{\"subject\": \"2\"}");
    CU_ASSERT_TRUE(test_take(rq, "service_case", one, "close", NULL));
    test_create(rq, "service_case", "{\"subject\": \"3\"}");
    /* the first has none open after the close, the second one: the third case goes to the first */
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(u.login, ' ' ORDER BY c.id) FROM service_case c"
                        " JOIN app_user u ON u.id = c.assignee_id"),
               "service second service");
    test_end(rq);
}

static void
a_normal_case_of_the_best_customers_is_raised(void)
{
    struct rq *rq = test_begin();
    const char *party = customer_new(rq, "Best", "best@best.example");

    test_create(rq, "customer_company", "{\"party_id\": %s, \"grade\": \"A\"}", party);
    const char *id =
        test_create(rq, "service_case", "{\"subject\": \"x\", \"party_id\": %s}", party);

    CHECK_TEXT(test_sql(rq, "SELECT priority FROM service_case WHERE id = %s", id), "high");
    test_end(rq);
}

/* --------------------------------------------------------------------------- its life */

static const char *
state(struct rq *rq, const char *id)
{
    return test_sql(rq, "SELECT state FROM service_case WHERE id = %s", id);
}

static void
a_case_is_answered_waits_is_resolved_and_confirmed(void)
{
    struct rq *rq = test_begin();
    const char *id = test_create(rq, "service_case", "{\"subject\": \"How?\"}");

    CU_ASSERT_TRUE(
        test_take(rq, "service_case", id, "reply", "{\"body\": \"Which one?\", \"wait\": true}"));
    CHECK_TEXT(state(rq, id), "waiting");
    CU_ASSERT_TRUE(test_take(rq, "service_case", id, "receive", "{\"body\": \"The red one\"}"));
    CHECK_TEXT(state(rq, id), "open");
    CU_ASSERT_TRUE(test_take(rq, "service_case", id, "resolve",
                             "{\"resolution_kind\": \"answer\", \"resolution\": \"Turn it\"}"));
    CU_ASSERT_TRUE(test_take(rq, "service_case", id, "receive", "{\"body\": \"Does not help\"}"));
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', state, reopened, resolved_at, resolution_kind)"
                        " FROM service_case WHERE id = %s",
                        id),
               "open 1 answer");
    CU_ASSERT_TRUE(
        test_take(rq, "service_case", id, "resolve", "{\"resolution_kind\": \"repair\"}"));
    CU_ASSERT_TRUE(test_take(rq, "service_case", id, "confirm", NULL));
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(kind || ' ' || body, ', ' ORDER BY id) FROM case_message"
                        " WHERE case_id = %s",
                        id),
               "reply Which one?, customer The red one, reply Turn it, customer Does not help");
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws(' ', c.state, u.login, c.first_responded_at IS NOT NULL,"
                        " c.closed_at IS NOT NULL) FROM service_case c"
                        " JOIN app_user u ON u.id = c.assignee_id WHERE c.id = %s",
                        id),
               "closed admin t t");
    test_end(rq);
}

static void
what_is_empty_or_in_the_wrong_state_is_refused(void)
{
    struct rq *rq = test_begin();
    const char *id = test_create(rq, "service_case", "{\"subject\": \"x\"}");
    static const struct {
        const char *action, *body, *code;
    } wrong[] = {
        { "reply", "{\"body\": \"\"}", "nothing_written" },
        { "receive", "{}", "nothing_written" },
        { "resolve", "{\"resolution\": \"Done\"}", "kind_missing" },
        { "resolve", "{\"resolution_kind\": \"magic\"}", "invalid" },
        { "confirm", NULL, "wrong_state" },
        { "assign", "{\"assignee_id\": 999999}", "invalid" },
        { "merge", "{}", "invalid" },
    };

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        test_mark(rq);
        CU_ASSERT_FALSE(test_take(rq, "service_case", id, wrong[i].action, wrong[i].body));
        CHECK_TEXT(test_code(rq), wrong[i].code);
        test_recover(rq);
    }
    test_end(rq);
}

static void
a_merged_case_is_heard_in_the_other_one(void)
{
    struct rq *rq = test_begin();
    struct sold s = sold(rq);
    const char *one =
        test_create(rq, "service_case", "{\"subject\": \"x\", \"party_id\": %s}", s.customer);
    const char *two =
        test_create(rq, "service_case", "{\"subject\": \"y\", \"party_id\": %s}", s.customer);
    const char *else_ =
        test_create(rq, "service_case", "{\"subject\": \"z\", \"party_id\": %s}", s.other);

    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "service_case", one, "merge",
                              arena_printf(rq->mem, "{\"into_id\": %s}", else_)));
    CHECK_TEXT(test_code(rq), "other_customer");
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "service_case", one, "merge",
                             arena_printf(rq->mem, "{\"into_id\": %s}", two)));
    CHECK_TEXT(state(rq, one), "closed");
    CU_ASSERT_TRUE(test_take(rq, "service_case", one, "receive", "{\"body\": \"More\"}"));
    CHECK_TEXT(test_sql(rq, "SELECT case_id FROM case_message WHERE body = 'More'"), two);
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "service_case", one, "reopen", NULL));
    CHECK_TEXT(test_code(rq), "merged");
    test_recover(rq);
    test_end(rq);
}

static void
messages_are_kept_and_derived_columns_are_out_of_reach(void)
{
    struct rq *rq = test_begin();
    const char *id = test_create(rq, "service_case", "{\"subject\": \"x\"}");

    CU_ASSERT_TRUE(test_take(rq, "service_case", id, "note", "{\"body\": \"Inside\"}"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "UPDATE case_message SET body = 'y'"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "DELETE FROM case_message"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "UPDATE service_case SET state = 'closed'"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "UPDATE service_case SET first_responded_at = NULL"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "UPDATE sla_clock SET due_at = 'infinity'"));
    CU_ASSERT_PTR_NOT_NULL(test_refused(rq, "DELETE FROM sla_clock"));
    test_end(rq);
}

static void
who_looks_after_a_case_sees_delivery_and_payment_without_amounts(void)
{
    struct rq *rq = test_begin();
    struct sold s = sold(rq);
    const char *id =
        test_create(rq, "service_case", "{\"subject\": \"SN-1\", \"party_id\": %s}", s.customer);
    const struct entity *e = entity_find("service_case");

    CHECK_TEXT(
        test_sql(rq,
                 "SELECT concat_ws(' ', order_state, order_delivered, shipped_on = app_today(),"
                 " invoice_paid, lot_code) FROM service_case_fact WHERE id = %s",
                 id),
        "confirmed full t none SN-1");
    CU_ASSERT_TRUE(api_read(rq, e, id));
    CU_ASSERT_PTR_NULL(strstr(rq->reply, "amount"));
    CU_ASSERT_PTR_NULL(strstr(rq->reply, "total"));
    CU_ASSERT_PTR_NULL(strstr(rq->reply, "100.00"));
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT string_agg(concat_ws(' ', entity, state, delivered, paid, linked), ', '"
                 " ORDER BY id %% 4) FROM service_case_document WHERE case_id = %s",
                 id),
        "sales_order confirmed full none t, shipment done full t, invoice posted none t");
    CHECK_TEXT(
        test_sql(
            rq,
            "SELECT string_agg(DISTINCT has_permission(u.id, e, 'read')::text, ' ')"
            " FROM app_user u, unnest('{invoice,payment,journal_entry,customer_rollup}'::text[]) e"
            " WHERE u.login = 'service'"),
        "false");
    test_end(rq);
}

const struct test service_case_tests[] = {
    { "a serial and a sender lead to delivery, order and invoice",
      a_serial_and_a_sender_lead_to_delivery_order_and_invoice },
    { "any number that the customer names leads to the rest",
      any_number_that_the_customer_names_leads_to_the_rest },
    { "nothing of another customer is linked, or may be",
      nothing_of_another_customer_is_linked_or_may_be },
    { "another customer for a case takes the links away",
      another_customer_for_a_case_takes_the_links_away },
    { "of two deliveries of a serial the latest counts",
      of_two_deliveries_of_a_serial_the_latest_counts },
    { "a category brings queue and priority from above",
      a_category_brings_queue_and_priority_from_above },
    { "new cases go to whom has the least to do", new_cases_go_to_whom_has_the_least_to_do },
    { "a normal case of the best customers is raised",
      a_normal_case_of_the_best_customers_is_raised },
    { "a case is answered, waits, is resolved and confirmed",
      a_case_is_answered_waits_is_resolved_and_confirmed },
    { "what is empty or in the wrong state is refused",
      what_is_empty_or_in_the_wrong_state_is_refused },
    { "a merged case is heard in the other one", a_merged_case_is_heard_in_the_other_one },
    { "messages are kept, and derived columns are out of reach",
      messages_are_kept_and_derived_columns_are_out_of_reach },
    { "who looks after a case sees delivery and payment without amounts",
      who_looks_after_a_case_sees_delivery_and_payment_without_amounts },
    { 0 },
};
