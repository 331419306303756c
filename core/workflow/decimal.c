/*
 * decimal.c - integers with a scale. Every step checks for overflow; a value is kept
 * without zeros at its end, so that 1.50 * 2.00 needs no more digits than 1.5 * 2.
 */
#include "core/workflow/decimal.h"

#include <stdio.h>
#include <string.h>

__extension__ typedef unsigned __int128 magnitude;

static struct decimal
trimmed(decimal_mantissa mantissa, int scale)
{
    while (scale > 0 && mantissa % 10 == 0) {
        mantissa /= 10;
        scale--;
    }
    return (struct decimal){ mantissa, scale };
}

static bool
times_ten(decimal_mantissa *m, int times)
{
    while (times-- > 0)
        if (__builtin_mul_overflow(*m, 10, m))
            return false;
    return true;
}

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The digits of a number and its point; returns how many bytes they take. */
static size_t
parse_digits(const char *s, size_t n, decimal_mantissa *m, int *scale, bool *fits)
{
    size_t i = 0, digits = 0;
    bool point = false;

    for (; i < n && (is_digit(s[i]) || (s[i] == '.' && !point)); i++) {
        if (s[i] == '.') {
            point = true;
            continue;
        }
        digits++;
        *scale += point;
        *fits = *fits && *scale <= DECIMAL_MAX_SCALE && times_ten(m, 1) &&
                !__builtin_add_overflow(*m, s[i] - '0', m);
    }
    return digits ? i : 0;
}

/* "e3", "E-2": the rest of a number. */
static bool
parse_exponent(const char *s, size_t n, int *exponent)
{
    size_t i = 1;
    bool minus = n > 1 && s[1] == '-';

    if (n && s[0] != 'e' && s[0] != 'E')
        return false;
    if (n > 1 && (s[1] == '-' || s[1] == '+'))
        i++;
    if (n && (i >= n || n - i > 2))
        return false;
    for (; i < n; i++) {
        if (!is_digit(s[i]))
            return false;
        *exponent = *exponent * 10 + (s[i] - '0');
    }
    if (minus)
        *exponent = -*exponent;
    return true;
}

bool
decimal_parse(const char *text, size_t n, struct decimal *out)
{
    decimal_mantissa m = 0;
    int scale = 0, exponent = 0;
    bool minus = n && text[0] == '-', fits = true;
    size_t start = minus || (n && text[0] == '+');
    size_t used = parse_digits(text + start, n - start, &m, &scale, &fits);

    if (!used || !fits || !parse_exponent(text + start + used, n - start - used, &exponent))
        return false;
    scale -= exponent;
    if (scale < 0) {
        if (!times_ten(&m, -scale))
            return false;
        scale = 0;
    }
    *out = trimmed(minus ? -m : m, scale);
    return out->scale <= DECIMAL_MAX_SCALE;
}

void
decimal_text(struct decimal d, char out[DECIMAL_TEXT])
{
    char digits[DECIMAL_TEXT];
    int n = 0, at = 0;

    d = trimmed(d.mantissa, d.scale);
    magnitude m = d.mantissa < 0 ? -(magnitude)d.mantissa : (magnitude)d.mantissa;

    do
        digits[n++] = (char)('0' + (int)(m % 10));
    while ((m /= 10) || n <= d.scale);
    if (d.mantissa < 0)
        out[at++] = '-';
    while (n > 0) {
        out[at++] = digits[--n];
        if (n == d.scale && n > 0)
            out[at++] = '.';
    }
    out[at] = '\0';
}

/* Bring both to the larger scale. */
static bool
aligned(struct decimal *a, struct decimal *b)
{
    struct decimal *shorter = a->scale < b->scale ? a : b;
    int scale = a->scale < b->scale ? b->scale : a->scale;

    if (!times_ten(&shorter->mantissa, scale - shorter->scale))
        return false;
    shorter->scale = scale;
    return true;
}

bool
decimal_add(struct decimal a, struct decimal b, struct decimal *out)
{
    decimal_mantissa sum;

    if (!aligned(&a, &b) || __builtin_add_overflow(a.mantissa, b.mantissa, &sum))
        return false;
    *out = trimmed(sum, a.scale);
    return true;
}

bool
decimal_negate(struct decimal a, struct decimal *out)
{
    out->scale = a.scale;
    return !__builtin_sub_overflow((decimal_mantissa)0, a.mantissa, &out->mantissa);
}

bool
decimal_sub(struct decimal a, struct decimal b, struct decimal *out)
{
    decimal_mantissa difference;

    if (!aligned(&a, &b) || __builtin_sub_overflow(a.mantissa, b.mantissa, &difference))
        return false;
    *out = trimmed(difference, a.scale);
    return true;
}

bool
decimal_mul(struct decimal a, struct decimal b, struct decimal *out)
{
    decimal_mantissa product;

    a = trimmed(a.mantissa, a.scale);
    b = trimmed(b.mantissa, b.scale);
    if (__builtin_mul_overflow(a.mantissa, b.mantissa, &product))
        return false;
    *out = trimmed(product, a.scale + b.scale);
    return out->scale <= DECIMAL_MAX_SCALE;
}

/* n / d as an integer, half away from zero. The remainder is compared without doubling it. */
static bool
divided(decimal_mantissa n, decimal_mantissa d, decimal_mantissa *out)
{
    if (d == -1)
        return !__builtin_sub_overflow((decimal_mantissa)0, n, out);
    decimal_mantissa quotient = n / d, rest = n % d;
    magnitude r = rest < 0 ? -(magnitude)rest : (magnitude)rest;
    magnitude whole = d < 0 ? -(magnitude)d : (magnitude)d;

    if (r && r >= whole - r)
        return !__builtin_add_overflow(quotient, (n < 0) == (d < 0) ? 1 : -1, out);
    *out = quotient;
    return true;
}

bool
decimal_div(struct decimal a, struct decimal b, int digits, struct decimal *out)
{
    decimal_mantissa quotient;

    a = trimmed(a.mantissa, a.scale);
    b = trimmed(b.mantissa, b.scale);
    int shift = digits + b.scale - a.scale; /* a * 10^shift / b is the result's mantissa */

    if (b.mantissa == 0 || digits < 0 || digits > 18)
        return false;
    if (!times_ten(shift > 0 ? &a.mantissa : &b.mantissa, shift > 0 ? shift : -shift))
        return false;
    if (!divided(a.mantissa, b.mantissa, &quotient))
        return false;
    *out = trimmed(quotient, digits);
    return true;
}

bool
decimal_round(struct decimal a, int digits, struct decimal *out)
{
    if (digits >= a.scale) {
        *out = a;
        return true;
    }
    return decimal_div(a, (struct decimal){ 1, 0 }, digits, out);
}

int
decimal_compare(struct decimal a, struct decimal b)
{
    int sign_a = (a.mantissa > 0) - (a.mantissa < 0), sign_b = (b.mantissa > 0) - (b.mantissa < 0);
    bool a_shorter = a.scale < b.scale;

    if (sign_a != sign_b)
        return sign_a - sign_b;
    if (!aligned(&a, &b)) /* the one that does not fit is the larger in size */
        return a_shorter ? sign_a : -sign_a;
    return (a.mantissa > b.mantissa) - (a.mantissa < b.mantissa);
}
