/*
 * Leads: received once, given out in turn, converted without typing anything twice.
 */
#include "core/workflow/rule.h"
#include "tests/test.h"

static const char *
sentence(struct rq *rq)
{
    return rq->errors ? rq->errors->message : NULL;
}

static const char big_lead[] =
    "{\"organisation\": \"Nordwind Handels GmbH\", \"person\": \"Maria Anders\","
    " \"job_title\": \"Buyer\", \"email\": \"maria@nordwind.example\", \"phone\": \"030-0074321\","
    " \"street\": \"Obere Str. 57\", \"city\": \"Berlin\", \"postal_code\": \"12209\","
    " \"country_code\": \"DE\", \"tax_id\": \"DE123456789\", \"subject\": \"200 chairs\","
    " \"message\": \"By May please\", \"campaign\": \"spring\", \"medium\": \"search\","
    " \"expected_amount\": \"5000\", \"external_reference\": \"web-17\"}";

static void
a_lead_is_received_once(void)
{
    struct rq *rq = test_begin();

    test_create(rq, "lead", "%s", big_lead);
    CHECK_TEXT(entity_insert(rq, "lead", arena_printf(rq->mem, "[%s]", big_lead)), NULL);
    CHECK_TEXT(sentence(rq), "A lead with this external reference was received already");
    rq->errors = NULL;
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM lead WHERE external_reference = 'web-17'"), "1");
    test_end(rq);
}

static void
a_lead_says_who_it_is(void)
{
    struct rq *rq = test_begin();
    const struct error *e = test_refused(rq, "INSERT INTO lead (subject) VALUES ('Hello')");

    CHECK_TEXT(e ? e->message : NULL,
               "Say who it is: a person, an organisation, an e-mail or a phone number");
    test_end(rq);
}

static void
new_leads_go_to_the_salespeople_in_turn(void)
{
    struct rq *rq = test_begin();

    test_sql(rq,
             "INSERT INTO app_user (login, name, default_company_id)"
             " VALUES ('second', 'Second', app_company()) RETURNING id");
    test_sql(rq,
             "SELECT user_companies_set(array_agg(id), NULL) FROM app_user"
             " WHERE login = 'second'");
    test_sql(rq,
             "INSERT INTO user_role (user_id, role_id) SELECT u.id, r.id FROM app_user u, role r"
             " WHERE u.login = 'second' AND r.code = 'sales' RETURNING id");
    for (int i = 0; i < 4; i++)
        test_create(rq, "lead", "{\"person\": \"Number %d\"}", i);
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(format('%%s %%s', login, n), ', ' ORDER BY login) FROM ("
                        " SELECT u.login, count(*) AS n FROM lead l"
                        "   JOIN app_user u ON u.id = l.salesperson_id"
                        "  WHERE l.person LIKE 'Number %%' GROUP BY 1) x"),
               "sales 2, second 2");
    CHECK_TEXT(test_sql(rq,
                        "SELECT count(*) FROM (SELECT salesperson_id,"
                        " lag(salesperson_id) OVER (ORDER BY id) AS before FROM lead"
                        " WHERE person LIKE 'Number %%') x WHERE salesperson_id = before"),
               "0");
    test_end(rq);
}

static void
without_salespeople_a_lead_waits_in_the_pool(void)
{
    struct rq *rq = test_begin();

    test_sql(rq, "UPDATE app_user SET active = false WHERE login = 'sales' RETURNING id");
    const char *lead = test_create(rq, "lead", "{\"person\": \"Somebody\"}");

    CHECK_TEXT(test_sql(rq, "SELECT salesperson_id FROM lead WHERE id = %s", lead), NULL);
    test_end(rq);
}

static void
conversion_types_nothing_twice(void)
{
    struct rq *rq = test_begin();
    const char *lead = test_create(rq, "lead", "%s", big_lead);

    CU_ASSERT_TRUE(test_take(rq, "lead", lead, "qualify", NULL));
    CU_ASSERT_TRUE(test_take(rq, "lead", lead, "convert", "{\"close_date\": \"2026-12-31\"}"));
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT concat_ws('|', l.state, p.name, p.kind, p.is_customer, p.tax_id,"
                 " a.street, a.city, a.postal_code, a.country_code, c.name, c.job_title,"
                 " c.parent_id = p.id, e.value, t.normalized)"
                 "  FROM lead l JOIN party p ON p.id = l.party_id"
                 "  JOIN party c ON c.id = l.contact_id"
                 "  JOIN party_address a ON a.party_id = p.id"
                 "  JOIN contact_point e ON e.party_id = c.id AND e.kind = 'email'"
                 "  JOIN contact_point t ON t.party_id = c.id AND t.kind = 'phone'"
                 " WHERE l.id = %s",
                 lead),
        "converted|Nordwind Handels GmbH|organisation|t|DE123456789|Obere Str. 57|Berlin|12209"
        "|DE|Maria Anders|Buyer|t|maria@nordwind.example|+49300074321");
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws('|', o.name, o.state, o.expected_amount, o.campaign,"
                        " o.medium, o.description, o.close_date, o.party_id = l.party_id,"
                        " o.contact_id = l.contact_id, o.lead_id = l.id,"
                        " o.salesperson_id = l.salesperson_id, o.flow_id = l.flow_id)"
                        "  FROM lead l JOIN opportunity o ON o.id = l.opportunity_id"
                        " WHERE l.id = %s",
                        lead),
               "200 chairs|open|5000|spring|search|By May please|2026-12-31|t|t|t|t|t");
    test_end(rq);
}

/* Lock and read, decide, insert; and twice the epoch of the workflows, which a request of the
 * server knows from its gate. */
enum { OWN_SYNCS = 3 + 2 };

static void
an_operation_makes_few_round_trips(void)
{
    struct rq *rq = test_begin();
    const char *warm = test_create(rq, "lead", "{\"person\": \"Warm Up\"}");
    const char *lead = test_create(rq, "lead", "%s", big_lead), *ids;
    int before;

    CU_ASSERT_TRUE(test_take(rq, "lead", warm, "convert", "{}"));
    before = db_syncs(rq->db);
    CU_ASSERT_TRUE(workflow_take(rq, "lead", arena_printf(rq->mem, "{%s}", lead), "convert", "{}"));
    CU_ASSERT_TRUE(db_syncs(rq->db) - before <= OWN_SYNCS);
    ids = test_sql(rq, "SELECT array_agg(id) FROM opportunity WHERE lead_id = %s", lead);
    before = db_syncs(rq->db);
    CU_ASSERT_TRUE(workflow_take(rq, "opportunity", ids, "quote", "{}"));
    CU_ASSERT_TRUE(db_syncs(rq->db) - before <= OWN_SYNCS);
    test_end(rq);
}

static void
a_second_conversion_is_refused(void)
{
    struct rq *rq = test_begin();
    const char *lead = test_create(rq, "lead", "%s", big_lead);

    CU_ASSERT_TRUE(test_take(rq, "lead", lead, "convert", "{}"));
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "lead", lead, "convert", "{}"));
    CHECK_TEXT(test_code(rq), "wrong_state");
    test_recover(rq);
    /* Neither by plain SQL: the opportunity of a lead is one. */
    const struct error *e = test_refused(rq,
                                         "INSERT INTO opportunity (name, party_id, lead_id)"
                                         " SELECT 'again', party_id, id FROM lead WHERE id = %s",
                                         lead);

    CHECK_TEXT(e ? e->message : NULL, "This lead became an opportunity already");
    e = test_refused(rq, "UPDATE lead SET opportunity_id = NULL WHERE id = %s", lead);
    CHECK_TEXT(e ? e->code : NULL, "wrong_state");
    CHECK_TEXT(test_sql(rq, "SELECT count(*) FROM opportunity WHERE lead_id = %s", lead), "1");
    test_end(rq);
}

static void
somebody_known_must_be_chosen_or_denied(void)
{
    struct rq *rq = test_begin();
    const char *known = test_create(rq, "party",
                                    "{\"name\": \"Nordwind\", \"contact_points\": [{\"kind\":"
                                    " \"email\", \"value\": \"Maria@Nordwind.example\"}]}");
    const char *lead = test_create(rq, "lead", "%s", big_lead);

    CHECK_TEXT(test_sql(rq, "SELECT possible_duplicates FROM lead_fact WHERE id = %s", lead), "1");
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "lead", lead, "convert", "{}"));
    CHECK_TEXT(test_code(rq), "possible_duplicate");
    test_recover(rq);
    test_mark(rq);
    CU_ASSERT_TRUE(test_take(rq, "lead", lead, "convert", "{\"new_party\": true}"));
    CHECK_TEXT(test_sql(rq, "SELECT party_id <> %s FROM lead WHERE id = %s", known, lead), "t");
    test_recover(rq);
    CU_ASSERT_TRUE(
        test_take(rq, "lead", lead, "convert", arena_printf(rq->mem, "{\"party_id\": %s}", known)));
    CHECK_TEXT(test_sql(rq, "SELECT party_id FROM lead WHERE id = %s", lead), known);
    CHECK_TEXT(test_sql(rq, "SELECT is_customer FROM party WHERE id = %s", known), "t");
    CHECK_TEXT(test_sql(rq,
                        "SELECT count(*) FROM contact_point"
                        " WHERE normalized = 'maria@nordwind.example'"),
               "1");
    test_end(rq);
}

static void
a_person_alone_becomes_the_customer(void)
{
    struct rq *rq = test_begin();
    const char *lead = test_create(rq, "lead",
                                   "{\"person\": \"Liu Yang\", \"mobile\":"
                                   " \"138 0013 8000\", \"country_code\": \"CN\"}");

    CU_ASSERT_TRUE(test_take(rq, "lead", lead, "convert", "{}"));
    CHECK_TEXT(test_sql(rq,
                        "SELECT concat_ws('|', p.kind, p.id = l.contact_id, c.normalized)"
                        "  FROM lead l JOIN party p ON p.id = l.party_id"
                        "  JOIN contact_point c ON c.party_id = p.id WHERE l.id = %s",
                        lead),
               "person|t|+8613800138000");
    test_end(rq);
}

static void
several_leads_convert_together(void)
{
    struct rq *rq = test_begin();
    const char *a = test_create(rq, "lead", "{\"organisation\": \"Quartz Ltd\"}");
    const char *b = test_create(rq, "lead", "{\"organisation\": \"Zebra Ltd\"}");

    CU_ASSERT_TRUE(
        workflow_take(rq, "lead", arena_printf(rq->mem, "{%s,%s}", a, b), "convert", "{}"));
    CHECK_TEXT(
        test_sql(rq,
                 "SELECT string_agg(format('%%s %%s %%s', p.name, o.name, o.flow_id = l.flow_id),"
                 " ', ' ORDER BY l.id)"
                 "  FROM lead l JOIN opportunity o ON o.lead_id = l.id"
                 "  JOIN party p ON p.id = o.party_id WHERE l.id IN (%s, %s)",
                 a, b),
        "Quartz Ltd Quartz Ltd t, Zebra Ltd Zebra Ltd t");
    test_end(rq);
}

static void
a_lead_is_lost_for_a_reason(void)
{
    struct rq *rq = test_begin();
    const char *lead = test_create(rq, "lead", "{\"person\": \"Nobody\"}");

    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "lead", lead, "lose", "{}"));
    CHECK_TEXT(test_code(rq), "reason_missing");
    test_recover(rq);
    test_mark(rq);
    CU_ASSERT_FALSE(test_take(rq, "lead", lead, "lose", "{\"lost_reason_id\": \"dear\"}"));
    CHECK_TEXT(rq->errors ? rq->errors->field : NULL, "lost_reason_id");
    test_recover(rq);
    CU_ASSERT_TRUE(test_take(rq, "lead", lead, "lose",
                             arena_printf(rq->mem, "{\"lost_reason_id\": %s}",
                                          test_sql(rq,
                                                   "SELECT id FROM lost_reason"
                                                   " WHERE code = 'price'"))));
    CHECK_TEXT(test_sql(rq, "SELECT state FROM lead WHERE id = %s", lead), "lost");
    CU_ASSERT_TRUE(test_take(rq, "lead", lead, "reopen", NULL));
    CHECK_TEXT(
        test_sql(rq, "SELECT state FROM lead WHERE id = %s AND lost_reason_id IS NULL", lead),
        "new");
    test_end(rq);
}

static void
of_two_who_claim_one_wins(void)
{
    struct rq *rq = test_begin();
    const char *lead = test_create(rq, "lead", "{\"person\": \"Somebody\"}");

    CU_ASSERT_TRUE(test_take(rq, "lead", lead, "release", NULL));
    test_sql(rq,
             "SELECT set_config('tenon.user', id::text, true) FROM app_user WHERE login = 'sales'");
    rq->user_id = test_sql(rq, "SELECT app_user_id()");
    CU_ASSERT_TRUE(test_take(rq, "lead", lead, "claim", NULL));
    rq->user_id = test_sql(rq, "SELECT id FROM app_user WHERE login = 'admin'");
    CU_ASSERT_FALSE(test_take(rq, "lead", lead, "claim", NULL));
    CHECK_TEXT(test_code(rq), "claimed");
    test_end(rq);
}

static void
leads_that_nobody_touches_go_back_to_the_pool(void)
{
    struct rq *rq = test_begin();
    const char *idle = test_create(rq, "lead", "{\"person\": \"Idle\"}");
    const char *called = test_create(rq, "lead", "{\"person\": \"Called\"}");
    const char *fresh = test_create(rq, "lead", "{\"person\": \"Fresh\"}");
    const struct definitions *d = definitions_get(rq);

    test_sql(rq,
             "UPDATE lead SET updated_at = now() - interval '31 days' WHERE id <> %s RETURNING id",
             fresh);
    test_create(rq, "activity", "{\"entity\": \"lead\", \"record_id\": %s, \"subject\": \"Call\"}",
                called);
    CU_ASSERT_TRUE(rule_run(rq, definitions_rule(d, "crm.recycle_idle_leads"), entity_find("lead"),
                            arena_printf(rq->mem, "{%s,%s,%s}", idle, called, fresh)));
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(person, ' ') FROM lead WHERE salesperson_id IS NULL"
                        " AND id IN (%s, %s, %s)",
                        idle, called, fresh),
               "Idle");
    test_end(rq);
}

static void
a_lead_without_a_way_to_reach_it_is_not_qualified(void)
{
    struct rq *rq = test_begin();
    const char *lead = test_create(rq, "lead", "{\"person\": \"Nobody\"}");

    CU_ASSERT_FALSE(test_take(rq, "lead", lead, "qualify", NULL));
    CHECK_TEXT(test_code(rq), "no_contact");
    test_end(rq);
}

static void
only_sales_and_managers_convert_leads(void)
{
    struct rq *rq = test_begin();

    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(login, ' ' ORDER BY login) FROM app_user"
                        " WHERE has_permission(id, 'lead', 'convert')"),
               "admin manager sales");
    CHECK_TEXT(test_sql(rq,
                        "SELECT string_agg(login, ' ' ORDER BY login) FROM app_user"
                        " WHERE has_permission(id, 'customer_company', 'change')"),
               "admin finance manager");
    test_end(rq);
}

const struct test lead_tests[] = {
    { "a lead is received once", a_lead_is_received_once },
    { "a lead says who it is", a_lead_says_who_it_is },
    { "new leads go to the salespeople in turn", new_leads_go_to_the_salespeople_in_turn },
    { "without salespeople a lead waits in the pool",
      without_salespeople_a_lead_waits_in_the_pool },
    { "conversion types nothing twice", conversion_types_nothing_twice },
    { "an operation makes few round trips", an_operation_makes_few_round_trips },
    { "a second conversion is refused", a_second_conversion_is_refused },
    { "somebody known must be chosen or denied", somebody_known_must_be_chosen_or_denied },
    { "a person alone becomes the customer", a_person_alone_becomes_the_customer },
    { "several leads convert together", several_leads_convert_together },
    { "a lead is lost for a reason", a_lead_is_lost_for_a_reason },
    { "only sales and managers convert leads", only_sales_and_managers_convert_leads },
    { "of two who claim one wins", of_two_who_claim_one_wins },
    { "leads that nobody touches go back to the pool",
      leads_that_nobody_touches_go_back_to_the_pool },
    { "a lead without a way to reach it is not qualified",
      a_lead_without_a_way_to_reach_it_is_not_qualified },
    { 0 },
};
