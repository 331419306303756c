/*
 * return_flow_test.c - the shipped rules carry a return from the case to the refund by themselves:
 * people only move the goods and post the money.
 */
#include "core/workflow/outbox.h"
#include "modules/service/tests/resolution_fixture.h"
#include "tests/own_database.h"

struct shop {
    struct arena *mem;
    struct db *db;
};

/* Everything that waits to be done: events published, jobs run, until nothing is left. */
static void
rules_run(struct shop *shop)
{
    int published = 1, ran_any = 1;

    for (int round = 0; round < 40 && (published || ran_any); round++) {
        struct rq rq = {
            .mem = shop->mem, .db = shop->db, .language = "en", .id = "rules", .body_text = "{}"
        };
        bool ran = true;

        CU_ASSERT_TRUE(outbox_publish(&rq, &published));
        for (ran_any = 0; ran && ran_any < 200; ran_any += ran) {
            struct rq job = {
                .mem = shop->mem, .db = shop->db, .language = "en", .id = "rules", .body_text = "{}"
            };

            CU_ASSERT_TRUE(jobs_run_one(&job, &ran));
        }
    }
}

static void
done(struct shop *shop, struct rq *rq)
{
    if (!db_commit(rq)) {
        printf("\n    %s", rq->errors ? rq->errors->message : "no commit");
        CU_FAIL("not committed");
        db_rollback(rq);
    }
    rules_run(shop);
}

/* One step of one person, committed; then the rules have their turn. */
static void
person_takes(struct shop *shop, const char *entity, const char *id, const char *action,
             const char *body)
{
    struct rq rq = open_request(shop->mem, shop->db);

    take(&rq, entity, id, action, body);
    done(shop, &rq);
}

static const char *
ask(struct shop *shop, const char *sql, const char *id)
{
    struct rq rq = open_request(shop->mem, shop->db);
    const char *value = db_text(&rq, sql, P(id));

    if (rq.errors)
        printf("\n    %s", rq.errors->message);
    db_rollback(&rq);
    return value;
}

static void
the_rules_carry_a_return_from_the_case_to_the_refund(void)
{
    struct test_database database = test_database();
    struct shop shop = { .mem = arena_new() };
    const char *error = NULL;

    shop.db = db_open(shop.mem, database.app, &error);
    CU_ASSERT_PTR_NOT_NULL_FATAL(shop.db);
    struct rq rq = open_request(shop.mem, shop.db);
    struct sold s = { 0 };

    an_item(&rq, &s, "serial");
    test_create(&rq, "warranty_policy", "{\"name\": \"K\", \"item_id\": %s, \"months\": 12}",
                s.item);
    a_serial(&rq, &s, "SN-1");
    sell(&rq, &s, "1", true, true);
    done(&shop, &rq);
    /* The delivery opened the warranty and asked the customer. */
    CHECK_TEXT(ask(&shop, "SELECT in_warranty FROM service_case_fact WHERE id = $1", s.sale_case),
               "t");
    CHECK_TEXT(ask(&shop, "SELECT count(*) FROM survey WHERE shipment_id = $1 AND state = 'sent'",
                   s.delivery),
               "1");

    person_takes(&shop, "service_case", s.sale_case, "return_goods", "{\"reason\": \"It leaks\"}");
    const char *id = ask(&shop, "SELECT max(id) FROM return_order WHERE case_id = $1", s.sale_case);

    person_takes(&shop, "shipment",
                 ask(&shop,
                     "SELECT max(l.shipment_id) FROM shipment_line l JOIN return_order_line n"
                     " ON n.id = l.return_order_line_id WHERE n.return_id = $1",
                     id),
                 "receive", NULL);
    CHECK_TEXT(ask(&shop,
                   "SELECT concat_ws(' ', r.state, f.received, f.resolved, f.refund)"
                   "  FROM return_order r JOIN return_order_fact f USING (id) WHERE id = $1",
                   id),
               "received full full draft");
    person_takes(&shop, "payment",
                 ask(&shop, "SELECT max(id) FROM payment WHERE kind = 'refund' AND party_id = $1",
                     s.customer),
                 "post", NULL);
    CHECK_TEXT(ask(&shop,
                   "SELECT concat_ws(' ', return_state, refund) FROM service_case_fact"
                   " WHERE id = $1",
                   s.sale_case),
               "closed posted");
    person_takes(&shop, "service_case", s.sale_case, "resolve",
                 "{\"resolution_kind\": \"return\", \"resolution\": \"Your money is on its way\"}");
    person_takes(&shop, "service_case", s.sale_case, "confirm", NULL);
    CHECK_TEXT(
        ask(&shop, "SELECT kind FROM survey WHERE case_id = $1 AND state = 'sent'", s.sale_case),
        "csat");
    CHECK_TEXT(ask(&shop,
                   "SELECT json_array_length(job_list('waiting', NULL) -> 'items')"
                   "     + json_array_length(job_list($1, NULL) -> 'items')",
                   "dead"),
               "0");
    db_close(shop.db);
    checks_hold(database.admin);
    arena_free(shop.mem);
}

const struct test return_flow_tests[] = {
    { "the rules carry a return from the case to the refund",
      the_rules_carry_a_return_from_the_case_to_the_refund },
    { 0 },
};
