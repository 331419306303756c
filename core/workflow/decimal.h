/*
 * decimal.h - exact decimal numbers for conditions: amounts are compared to the cent.
 *
 * A number is an integer mantissa and the count of digits behind the point: 12.50 is
 * 1250 and 2. Nothing is ever rounded but by decimal_div, and a result that does not fit
 * into 38 digits is refused instead of being wrong. Functions return false then.
 */
#ifndef TENON_DECIMAL_H
#define TENON_DECIMAL_H

#include <stdbool.h>
#include <stddef.h>

__extension__ typedef __int128 decimal_mantissa;

enum { DECIMAL_MAX_SCALE = 30, DECIMAL_TEXT = 64 };

struct decimal {
    decimal_mantissa mantissa;
    int scale; /* digits behind the point, 0 to DECIMAL_MAX_SCALE */
};

/* "-12.50", "1e3", ".5": exactly n bytes. false: not a number, or too long. */
bool decimal_parse(const char *text, size_t n, struct decimal *out);

/* As PostgreSQL prints it, without zeros at the end of the fraction. */
void decimal_text(struct decimal d, char out[DECIMAL_TEXT]);

bool decimal_add(struct decimal a, struct decimal b, struct decimal *out);
bool decimal_sub(struct decimal a, struct decimal b, struct decimal *out);
bool decimal_mul(struct decimal a, struct decimal b, struct decimal *out);
bool decimal_negate(struct decimal a, struct decimal *out);

/* a / b to this many digits (0 to 18) behind the point, half away from zero; b is not 0. */
bool decimal_div(struct decimal a, struct decimal b, int digits, struct decimal *out);

/* a to this many digits, half away from zero. */
bool decimal_round(struct decimal a, int digits, struct decimal *out);

/* < 0, 0, > 0, for all numbers. */
int decimal_compare(struct decimal a, struct decimal b);

#endif
