/*
 * Items, their units and barcodes: exact conversion, and what stays once it was used.
 */
#include "tests/test.h"

static const char *
refusal(struct rq *rq, const char *sql)
{
    const struct error *e = test_refused(rq, "%s", sql);

    return e ? e->code : NULL;
}

static const char *
sentence(struct rq *rq, const char *sql)
{
    const struct error *e = test_refused(rq, "%s", sql);

    return e ? e->message : NULL;
}

/* An item counted in pieces, packed in boxes of twelve; a cheese by weight in loaves of 7/3 kg. */
static struct rq *
items_begin(void)
{
    struct rq *rq = test_begin();

    test_sql(rq,
             "INSERT INTO item (code, name, name_zh, uom_id, list_price)"
             " SELECT 'BOLT', 'Bolt', '螺栓', id, 1.25 FROM uom WHERE code = 'C62' RETURNING id");
    test_sql(rq,
             "INSERT INTO item (code, name, uom_id)"
             " SELECT 'CHEESE', 'Cheese', id FROM uom WHERE code = 'KGM' RETURNING id");
    test_sql(rq,
             "INSERT INTO uom_conversion (item_id, uom_id, numerator, denominator)"
             " SELECT i.id, u.id, n, d FROM (VALUES ('BOLT', 'XBX', 12, 1), ('BOLT', 'KGM', 40, 1),"
             " ('CHEESE', 'C62', 7, 3)) c (i, u, n, d)"
             "  JOIN item i ON i.code = c.i JOIN uom u ON u.code = c.u RETURNING id");
    return rq;
}

static const char *
converted(struct rq *rq, const char *item, const char *quantity, const char *from, const char *to)
{
    return test_sql(rq,
                    "SELECT plain_text(uom_convert(i.id, %s, f.id, t.id))"
                    "  FROM item i, uom f, uom t"
                    " WHERE i.code = '%s' AND f.code = '%s' AND t.code = '%s'",
                    quantity, item, from, to);
}

static void
units_convert_exactly(void)
{
    struct rq *rq = items_begin();

    CHECK_TEXT(converted(rq, "BOLT", "5", "XBX", "C62"), "60");
    CHECK_TEXT(converted(rq, "BOLT", "7", "DZN", "XBX"), "7");
    CHECK_TEXT(converted(rq, "BOLT", "1", "GRO", "XBX"), "12");
    CHECK_TEXT(converted(rq, "BOLT", "500", "GRM", "C62"), "20");
    CHECK_TEXT(converted(rq, "CHEESE", "3", "C62", "KGM"), "7");
    CHECK_TEXT(converted(rq, "CHEESE", "7", "KGM", "C62"), "3");
    CHECK_TEXT(converted(rq, "CHEESE", "1000000", "LBR", "KGM"), "453592.37");
    CHECK_TEXT(converted(rq, "CHEESE", "453592.37", "KGM", "LBR"), "1000000");
    CHECK_TEXT(converted(rq, "CHEESE", "1", "C62", "KGM"), "2.333333"); /* seven thirds */
    test_end(rq);
}

static void
there_and_back_is_where_one_was(void)
{
    struct rq *rq = test_begin();

    /* An item for each unit; as fractions, a into b and b into a make one, without rounding. */
    test_sql(rq,
             "INSERT INTO item (code, name, uom_id) SELECT 'IN ' || code, code, id FROM uom"
             " RETURNING id");
    CHECK_TEXT(test_sql(rq,
                        "SELECT count(*) FILTER (WHERE t.numerator * b.numerator"
                        "                            = t.denominator * b.denominator)"
                        "       || ' of ' || count(*)"
                        "  FROM item i JOIN uom o ON o.id = i.uom_id"
                        "  JOIN uom u ON u.dimension = o.dimension AND u.id <> o.id"
                        "            AND u.numerator IS NOT NULL"
                        "  JOIN item j ON j.uom_id = u.id, uom_ratio(i.id, u.id) t,"
                        "       uom_ratio(j.id, o.id) b"
                        " WHERE i.code LIKE 'IN %%' AND j.code LIKE 'IN %%'"),
               "184 of 184");
    test_end(rq);
}

static void
units_without_a_conversion_are_refused(void)
{
    struct rq *rq = items_begin();

    CHECK_TEXT(refusal(rq,
                       "SELECT uom_convert(i.id, 1, f.id, t.id) FROM item i, uom f, uom t"
                       " WHERE i.code = 'BOLT' AND f.code = 'MTR' AND t.code = 'C62'"),
               "no_conversion");
    CHECK_TEXT(refusal(rq,
                       "INSERT INTO uom_conversion (item_id, uom_id, numerator)"
                       " SELECT i.id, u.id, 11 FROM item i, uom u"
                       "  WHERE i.code = 'BOLT' AND u.code = 'DZN'"),
               "converts_already");
    CHECK_TEXT(refusal(rq,
                       "INSERT INTO uom_conversion (item_id, uom_id, numerator)"
                       " SELECT i.id, u.id, 2 FROM item i, uom u"
                       "  WHERE i.code = 'BOLT' AND u.code = 'GRM'"),
               "converts_already");
    CHECK_TEXT(sentence(rq, "UPDATE uom_conversion SET numerator = 0"),
               "A unit holds more than nothing");
    test_end(rq);
}

static void
a_unit_stays_once_its_item_was_used(void)
{
    struct rq *rq = items_begin();
    const char *to_pairs =
        "UPDATE item SET uom_id = (SELECT id FROM uom WHERE code = 'PR')"
        " WHERE code = 'PLAIN'";

    test_sql(rq,
             "INSERT INTO item (code, name, uom_id)"
             " SELECT 'PLAIN', 'Plain', id FROM uom WHERE code = 'C62' RETURNING id");
    CHECK_TEXT(refusal(rq, to_pairs), NULL);
    test_sql(rq, "INSERT INTO party (code, name) VALUES ('ACME', 'Acme') RETURNING id");
    test_sql(rq,
             "INSERT INTO price_rule (price_list_id, item_id, unit_price)"
             " SELECT p.id, i.id, 9 FROM price_list p, item i"
             "  WHERE p.company_id = app_company() AND i.code = 'PLAIN' RETURNING id");
    CHECK_TEXT(sentence(rq, to_pairs), "The unit stays: this item was used already");
    CHECK_TEXT(refusal(rq, "UPDATE uom SET numerator = 13 WHERE code = 'C62'"), "in_use");
    CHECK_TEXT(refusal(rq, "UPDATE uom SET dimension = 'mass' WHERE code = 'C62'"), "in_use");
    CHECK_TEXT(refusal(rq, "DELETE FROM item WHERE code = 'PLAIN'"), "in_use");
    test_end(rq);
}

static void
categories_make_no_circle(void)
{
    struct rq *rq = test_begin();

    test_sql(rq, "INSERT INTO item_category (name) VALUES ('Top') RETURNING id");
    test_sql(rq,
             "INSERT INTO item_category (name, parent_id)"
             " SELECT 'Sub', id FROM item_category WHERE name = 'Top' RETURNING id");
    CHECK_TEXT(refusal(rq,
                       "UPDATE item_category SET parent_id ="
                       " (SELECT id FROM item_category WHERE name = 'Sub') WHERE name = 'Top'"),
               "circle");
    CHECK_TEXT(sentence(rq, "INSERT INTO item_category (name) VALUES ('Top')"),
               "There is a category of this name here already");
    test_end(rq);
}

static void
a_gtin_has_the_right_check_digit(void)
{
    static const char *const good[] = { "4006381333931", "96385074", "036000291452",
                                        "00012345600012" };
    static const char *const bad[] = { "4006381333932", "96385075", "036000291453", "12345",
                                       "400638133393X" };
    struct rq *rq = items_begin();

    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK_TEXT(test_sql(rq, "SELECT gtin_valid('%s')", good[i]), "t");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct error *e = test_refused(rq,
                                             "INSERT INTO barcode (item_id, code)"
                                             " SELECT id, '%s' FROM item WHERE code = 'BOLT'",
                                             bad[i]);

        CHECK_TEXT(e ? e->field : NULL, "code");
    }
    test_sql(rq,
             "INSERT INTO barcode (item_id, code)"
             " SELECT id, '036000291452' FROM item WHERE code = 'BOLT' RETURNING id");
    CHECK_TEXT(sentence(rq,
                        "INSERT INTO barcode (item_id, code)" /* the same with a leading zero */
                        " SELECT id, '0036000291452' FROM item WHERE code = 'CHEESE'"),
               "Another item has this barcode already");
    CHECK_TEXT(refusal(rq,
                       "INSERT INTO barcode (item_id, kind, code)"
                       " SELECT id, 'internal', 'SHELF-7' FROM item WHERE code = 'CHEESE'"),
               NULL);
    test_end(rq);
}

static void
an_item_is_created_with_its_parts(void)
{
    struct rq *rq = test_begin();
    const char *id = test_create(rq, "item",
                                 "{\"code\": \"TEA\", \"name\": \"Tea\", \"name_zh\": \"茶\","
                                 " \"uom_id\": %s, \"list_price\": \"18.5\","
                                 " \"barcodes\": [{\"code\": \"4006381333931\"}],"
                                 " \"uom_conversions\": [{\"uom_id\": %s, \"numerator\": 10}]}",
                                 test_sql(rq, "SELECT id FROM uom WHERE code = 'XBX'"),
                                 test_sql(rq, "SELECT id FROM uom WHERE code = 'XCT'"));

    CHECK_TEXT(test_sql(rq,
                        "SELECT format('%%s %%s %%s', list_currency_code, costing, (SELECT gtin"
                        " FROM barcode WHERE item_id = i.id)) FROM item i WHERE id = %s",
                        id),
               "USD average 04006381333931");
    test_end(rq);
}

const struct test item_tests[] = {
    { "units convert exactly", units_convert_exactly },
    { "there and back is where one was", there_and_back_is_where_one_was },
    { "units without a conversion are refused", units_without_a_conversion_are_refused },
    { "a unit stays once its item was used", a_unit_stays_once_its_item_was_used },
    { "categories make no circle", categories_make_no_circle },
    { "a GTIN has the right check digit", a_gtin_has_the_right_check_digit },
    { "an item is created with its parts", an_item_is_created_with_its_parts },
    { 0 },
};
