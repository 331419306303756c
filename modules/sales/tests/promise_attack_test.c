/*
 * promise_attack_test.c - round the promise: links, reservations and deletions by plain SQL under
 * the server's role; and its arithmetic against a plain search over random shops.
 */
#include "modules/sales/tests/promise_fixture.h"

/* A delivery of ten that no order asked for; `more`: further fields of its line. */
static const char *
by_hand(struct rq *rq, const char *more)
{
    return entity_insert(
        rq, "shipment",
        arena_printf(at.mem,
                     "[{\"kind\": \"delivery\", \"party_id\": %s, \"warehouse_id\": %s,"
                     " \"lines\": [{\"item_id\": %s, \"quantity\": \"10\"%s}]}]",
                     at.customer, test_sql(rq, "SELECT min(id) FROM warehouse"), at.item, more));
}

/* "open/reserved" of all promises. */
static const char *
all_promises(void)
{
    return owner(
        "SELECT string_agg(trim_scale(quantity) || '/' || trim_scale(reserved), ' '"
        " ORDER BY id) FROM promise");
}

/* Eight of ten are promised for a day to come. Whoever sets aside more than two is refused when
 * he commits, though he goes round the function that shares out. */
static void
a_reservation_by_hand_takes_nothing_that_was_promised(void)
{
    static const char reserve[] =
        "INSERT INTO reservation (shipment_line_id, item_id, location_id, quantity)"
        " SELECT l.id, l.item_id, b.location_id, %s FROM shipment_line l, stock_balance b"
        "  WHERE l.shipment_id = ANY ('%s') AND b.item_id = l.item_id AND b.on_hand = 10";

    open_shop("10");
    orders("8", "3");

    struct rq rq = open_request(at.mem, at.db);
    const char *made = by_hand(&rq, "");
    const struct error *e = test_refused(&rq, reserve, "3", made);

    CHECK_TEXT(e ? e->code : "accepted", "promised");
    e = test_refused(&rq, reserve, "2", made);
    CHECK_TEXT(e ? e->code : "accepted", "accepted");
    db_rollback(&rq);
    close_shop();
}

static void
no_line_but_the_orders_own_fulfils_its_promise(void)
{
    open_shop("10");
    orders("8", "3");

    struct rq rq = open_request(at.mem, at.db);
    const char *promise = test_sql(&rq, "SELECT max(id) FROM promise");

    CU_ASSERT_PTR_NULL(by_hand(&rq, arena_printf(at.mem, ", \"promise_id\": %s", promise)));
    CHECK_TEXT(test_code(&rq), "other_order");
    db_rollback(&rq);
    rq = open_request(at.mem, at.db);

    const char *made = by_hand(&rq, "");
    const struct error *e =
        test_refused(&rq, "UPDATE shipment_line SET promise_id = %s WHERE shipment_id = ANY ('%s')",
                     promise, made);

    CHECK_TEXT(e ? e->code : "accepted", "read_only");
    db_rollback(&rq);
    close_shop();
}

/* Eight are promised for today and set aside. The delivery is deleted: they are promised still,
 * and no longer set aside; so others get the two that are left. */
static void
a_deleted_delivery_leaves_its_promise_open(void)
{
    const char *promise;

    open_shop("10");
    orders("8", "0");
    CHECK_TEXT(all_promises(), "8/8");

    struct rq rq = open_request(at.mem, at.db);

    promise = test_sql(&rq, "SELECT max(id) FROM promise");
    test_sql(&rq,
             "DELETE FROM shipment WHERE id IN (SELECT shipment_id FROM shipment_line"
             " WHERE promise_id = %s) RETURNING id",
             promise);
    commit(&rq);
    CHECK_TEXT(all_promises(), "8/0");
    CHECK_TEXT(promised(orders("3", "0")), "none: 2 stock 1 none");
    close_shop();
}

static void
another_company_is_told_nothing(void)
{
    static const char *const questions[] = { "promise_free(%s, %s, %s, app_today())",
                                             "promise_ready(%s, %s, %s, 1, app_today())",
                                             "promise_available(%s, %s, %s)" };

    open_shop("10");

    struct rq rq = open_request(at.mem, at.db);
    const char *company = rq.company_id;
    const char *warehouse = test_sql(&rq, "SELECT min(id) FROM warehouse");

    test_sql(&rq,
             "SELECT context_set(app_user_id(), id, 'test') FROM company"
             " WHERE code = 'OTHER'");
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
        const char *sql = arena_printf(at.mem, "SELECT %s", questions[i]);
        const struct error *e =
            test_refused(&rq, "%s", arena_printf(at.mem, sql, company, at.item, warehouse));

        CHECK_TEXT(e ? e->code : "accepted", "forbidden");
    }
    db_rollback(&rq);
    close_shop();
}

/*
 * Can all demands be met? Day by day, each from what is here and expires first: with units that
 * can serve an interval of days that is the best there is. stock: quantity and last day of each
 * lot; comes: quantity and first day.
 */
static const char can_serve[] =
    "CREATE FUNCTION can_serve(sizes int[], first int[], last int[], needs int[], days int[])"
    " RETURNS boolean LANGUAGE plpgsql AS $$ DECLARE need int; take int; i int; j int; BEGIN"
    " FOR j IN SELECT o FROM unnest(days) WITH ORDINALITY u (d, o) ORDER BY d, o LOOP"
    "   need := needs[j];"
    "   FOR i IN SELECT o FROM unnest(last) WITH ORDINALITY u (d, o) ORDER BY d, o LOOP"
    "     CONTINUE WHEN first[i] > days[j] OR last[i] < days[j];"
    "     take := least(need, sizes[i]); sizes[i] := sizes[i] - take; need := need - take;"
    "   END LOOP;"
    "   IF need > 0 THEN RETURN false; END IF;"
    " END LOOP; RETURN true; END $$";

/* A random shop under the name that is the argument: 1 to 4 lots, some of which expire, 1 to 3
 * supplies, 1 to 5 promises. Number of the answers that differ from the search; null when its
 * promises cannot be kept. */
static const char random_shop[] =
    "CREATE FUNCTION random_shop(n int) RETURNS int LANGUAGE plpgsql AS $$"
    " DECLARE c bigint := app_company(); t date := app_today(); it bigint; lo bigint;"
    "  wh bigint := (SELECT min(id) FROM warehouse WHERE company_id = c);"
    "  lots int; sizes int[]; first int[]; last int[]; needs int[]; days int[];"
    "  most int; soon int; wrong int := 0;"
    " BEGIN"
    "  lots := 1 + (random() * 3)::int;"
    "  SELECT array_agg((random() * 5)::int + (i > lots)::int),"
    "         array_agg(CASE WHEN i <= lots THEN 0 ELSE (1 + random() * 10)::int END),"
    "         array_agg(CASE WHEN i > lots OR random() < 0.35 THEN 999 ELSE (random() * 9)::int END)"
    "    INTO sizes, first, last FROM generate_series(1, lots + 1 + (random() * 2)::int) i;"
    "  SELECT array_agg((1 + random() * 3)::int), array_agg((random() * 11)::int)"
    "    INTO needs, days FROM generate_series(1, 1 + (random() * 4)::int);"
    "  IF NOT can_serve(sizes, first, last, needs, days) THEN RETURN NULL; END IF;"
    "  INSERT INTO item (code, name, uom_id, tracking) SELECT 'P' || n, 'P', min(id), 'lot'"
    "    FROM uom RETURNING id INTO it;"
    "  FOR i IN 1 .. lots LOOP CONTINUE WHEN sizes[i] = 0;"
    "   INSERT INTO lot (company_id, item_id, code, expires_on)"
    "   VALUES (c, it, i::text, CASE WHEN last[i] < 999 THEN t + last[i] END) RETURNING id INTO lo;"
    "   INSERT INTO stock_opening (item_id, lot_id, quantity, unit_cost) VALUES (it, lo, sizes[i], 1);"
    "  END LOOP;"
    "  PERFORM supply_add(c, it, wh, 'buy', t + first[i], sizes[i], true, NULL)"
    "     FROM generate_series(lots + 1, cardinality(sizes)) i;"
    "  PERFORM promise_put(c, it, wh, t + d, q, NULL) FROM unnest(needs, days) u (q, d);"
    "  FOR day IN 0 .. 12 LOOP"
    "   SELECT count(*) INTO most FROM generate_series(1, 40) q"
    "    WHERE can_serve(sizes, first, last, needs || q, days || day);"
    "   wrong := wrong + (promise_free(c, it, wh, t + day) <> most)::int;"
    "   SELECT min(d) INTO soon FROM generate_series(day, 40) d"
    "    WHERE can_serve(sizes, first, last, needs || 3, days || d);"
    "   wrong := wrong + (promise_ready(c, it, wh, 3, t + day) IS DISTINCT FROM t + soon)::int;"
    "  END LOOP;"
    "  RETURN wrong; END $$";

/* What may be promised is exactly what a search finds; and what was promised so passes COMMIT. */
static void
the_sums_say_what_a_search_over_all_units_finds(void)
{
    const char *shops;

    open_shop(NULL);
    owner(can_serve);
    owner(random_shop);
    shops = owner(
        "SELECT (count(w) > 40) || ' ' || sum(w) FROM (SELECT setseed(0.42)) s,"
        " LATERAL (SELECT random_shop(n) AS w FROM generate_series(1, 120) n OFFSET 0) x");
    CHECK_TEXT(shops, "true 0");
    close_shop();
}

const struct test promise_attack_tests[] = {
    { "a reservation by hand takes nothing that was promised",
      a_reservation_by_hand_takes_nothing_that_was_promised },
    { "no line but the order's own fulfils its promise",
      no_line_but_the_orders_own_fulfils_its_promise },
    { "a deleted delivery leaves its promise open", a_deleted_delivery_leaves_its_promise_open },
    { "another company is told nothing", another_company_is_told_nothing },
    { "the sums say what a search over all units finds",
      the_sums_say_what_a_search_over_all_units_finds },
    { 0 },
};
