/*
 * decimal_test.c - exact decimals of conditions, against PostgreSQL's numeric.
 */
#include "tests/test.h"
#include "core/workflow/decimal.h"

static struct decimal
number(const char *text)
{
    struct decimal d = { 0, 0 };

    CU_ASSERT_TRUE(decimal_parse(text, strlen(text), &d));
    return d;
}

static void
check_text(bool fits, struct decimal d, const char *should)
{
    char text[DECIMAL_TEXT] = "";

    CU_ASSERT_TRUE(fits);
    decimal_text(d, text);
    CHECK_TEXT(text, should);
}

/* Random numbers of all sizes with the answers of numeric; div rounds half away from zero. */
static const char pairs[] =
    "SELECT a, b, trim_scale(a + b), trim_scale(a - b), trim_scale(a * b),"
    "       CASE WHEN b <> 0 THEN trim_scale(round(a::numeric(70, 40) / b, 4)) END, sign(a - b), trim_scale(round(a, 2))"
    "  FROM (SELECT round(((random() - 0.5) * 10 ^ (random() * 12)::int)::numeric, (random() * 6)::int) AS a,"
    "               CASE WHEN n % 10 = 0 THEN 0 ELSE round(((random() - 0.5) * 10 ^ (random() * 9)::int)::numeric,"
    "                    (random() * 6)::int) END AS b"
    "          FROM generate_series(1, 3000) n"
    "        UNION ALL SELECT x, y FROM (VALUES (0.5, 1), (-0.5, 1), (2.5, 5), (-2.5, -5), (1, 3), (2, -3),"
    "             (0.00005, 1), (-0.00005, 1), (99999999999999.9999, 999999999999.999999), (0, 7),"
    "             (1.005, 1), (-1.005, 1), (1e14, 1e-6)) v (x, y)) numbers";

static void
sums_products_and_quotients_are_those_of_numeric(void)
{
    struct rq *rq = test_begin();
    struct rows rows;

    CU_ASSERT_TRUE(db_rows(rq, pairs, NONE, &rows));
    CU_ASSERT_TRUE(rows.count > 3000);
    for (int i = 0; i < rows.count; i++) {
        struct decimal a = number(cell(&rows, i, 0)), b = number(cell(&rows, i, 1)), d;

        check_text(decimal_add(a, b, &d), d, cell(&rows, i, 2));
        check_text(decimal_sub(a, b, &d), d, cell(&rows, i, 3));
        check_text(decimal_mul(a, b, &d), d, cell(&rows, i, 4));
        if (cell(&rows, i, 5))
            check_text(decimal_div(a, b, 4, &d), d, cell(&rows, i, 5));
        else
            CU_ASSERT_FALSE(decimal_div(a, b, 4, &d));
        int sign = decimal_compare(a, b);

        CHECK_TEXT(sign < 0 ? "-1" : sign ? "1" : "0", cell(&rows, i, 6));
        check_text(decimal_round(a, 2, &d), d, cell(&rows, i, 7));
    }
    test_end(rq);
}

static void
what_does_not_fit_is_refused_and_never_wrong(void)
{
    struct decimal big = number("99999999999999999999999999999999999999"), one = number("1"), d;

    CU_ASSERT_FALSE(decimal_mul(big, big, &d));
    CU_ASSERT_FALSE(decimal_add(big, number("0.01"), &d));
    CU_ASSERT_FALSE(decimal_parse("999999999999999999999999999999999999999", 39, &d) &&
                    decimal_mul(d, number("10"), &d));
    CU_ASSERT_FALSE(decimal_div(big, number("0.000001"), 18, &d));
    CU_ASSERT_TRUE(decimal_compare(big, number("0.01")) > 0);
    CU_ASSERT_TRUE(
        decimal_compare(number("-99999999999999999999999999999999999999"), number("0.01")) < 0);
    CU_ASSERT_TRUE(decimal_compare(one, number("1.000")) == 0);
}

static void
only_numbers_are_read(void)
{
    static const char *const bad[] = { "",     ".",     "-",   "1.2.3", "1e",  "e5",
                                       "0x10", "1e999", "NaN", "1 ",    "--1", "1,000" };
    struct decimal d;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CU_ASSERT_FALSE(decimal_parse(bad[i], strlen(bad[i]), &d));
    check_text(true, number("1e3"), "1000");
    check_text(true, number("-12.500"), "-12.5");
    check_text(true, number(".05"), "0.05");
    check_text(true, number("25e-1"), "2.5");
    check_text(true, number("-0.00"), "0");
}

const struct test decimal_tests[] = {
    { "sums, products and quotients are those of numeric",
      sums_products_and_quotients_are_those_of_numeric },
    { "what does not fit is refused and never wrong",
      what_does_not_fit_is_refused_and_never_wrong },
    { "only numbers are read", only_numbers_are_read },
    { 0 },
};
