/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The scanner's numbers. Called by json-scan.c, which holds the state. The range is told from the first digits and the
 * position of the decimal point, so that a number of any length needs no memory and no conversion. */
#include "json-scan-number.h"

#include <string.h>

/* The smallest number that rounds to infinity begins 1.797693134862315807937…e308. */
#define DOUBLE_MAX_EXPONENT 308
#define DOUBLE_LIMIT_DIGITS G_GUINT64_CONSTANT(1797693134862315807)

enum {
    BEGIN,
    MINUS,
    ZERO,
    INTEGER,
    POINT,
    FRACTION,
    EXPONENT,
    EXPONENT_SIGN,
    EXPONENT_DIGITS,
};

static int
next_state(guint8 state, char c)
{
    gboolean digit = g_ascii_isdigit(c), exponent = c == 'e' || c == 'E';
    switch (state) {
    case BEGIN:
    case MINUS:
        return c == '0' ? ZERO : digit ? INTEGER : state == BEGIN && c == '-' ? MINUS : -1;
    case ZERO:
        return c == '.' ? POINT : exponent ? EXPONENT : -1;
    case INTEGER:
        return digit ? INTEGER : c == '.' ? POINT : exponent ? EXPONENT : -1;
    case POINT:
        return digit ? FRACTION : -1;
    case FRACTION:
        return digit ? FRACTION : exponent ? EXPONENT : -1;
    case EXPONENT:
        return digit ? EXPONENT_DIGITS : c == '-' || c == '+' ? EXPONENT_SIGN : -1;
    default:
        return digit ? EXPONENT_DIGITS : -1;
    }
}

static void
add_digit(JsonScanNumber *number, char c)
{
    guint digit = (guint)(c - '0');
    gboolean fraction = number->state == FRACTION;
    if (number->digits == 0 && digit == 0) {
        number->point -= fraction ? 1 : 0;
        return;
    }
    if (number->digits < 19)
        number->magnitude = number->magnitude * 10 + digit;
    else if (number->digits == 19)
        number->digit_20 = (guint8)digit;
    number->digits++;
    number->point += fraction ? 0 : 1;
}

static gboolean
integer_fits(const JsonScanNumber *number)
{
    guint64 value = number->magnitude;
    if (number->digits > 20)
        return FALSE;
    if (number->digits == 20 &&
        (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, number->digit_20, &value)))
        return FALSE;
    return !number->negative || value <= (guint64)1 << 63;
}

/* Numbers that begin with the same 19 digits as the limit are refused as well: all of them are above DBL_MAX. */
static gboolean
real_fits(const JsonScanNumber *number)
{
    gint64 exponent = number->point - 1 + (number->exponent_negative ? -number->exponent : number->exponent);
    if (number->digits == 0 || exponent < DOUBLE_MAX_EXPONENT)
        return TRUE;
    guint64 magnitude = number->magnitude;
    for (guint64 n = number->digits; n < 19; n++)
        magnitude *= 10;
    return exponent == DOUBLE_MAX_EXPONENT && magnitude < DOUBLE_LIMIT_DIGITS;
}

void
json_scan_number_begin(JsonScanNumber *number)
{
    memset(number, 0, sizeof(*number));
}

gsize
json_scan_number_feed(JsonScanNumber *number, const char *text, gsize length)
{
    gsize at = 0;
    for (; at < length; at++) {
        int next = next_state(number->state, text[at]);
        if (next < 0)
            break;
        number->state = (guint8)next;
        if (next == INTEGER || next == FRACTION)
            add_digit(number, text[at]);
        else if (next == MINUS)
            number->negative = TRUE;
        else if (next == EXPONENT_SIGN)
            number->exponent_negative = text[at] == '-';
        else if (next == EXPONENT_DIGITS && number->exponent < 100000000)
            number->exponent = number->exponent * 10 + (text[at] - '0');
    }
    return at;
}

gboolean
json_scan_number_is_complete(const JsonScanNumber *number)
{
    return number->state == ZERO || number->state == INTEGER || number->state == FRACTION ||
           number->state == EXPONENT_DIGITS;
}

const char *
json_scan_number_check(const JsonScanNumber *number, JsonDialect dialect)
{
    if (number->state == ZERO || number->state == INTEGER) {
        if (integer_fits(number))
            return NULL;
        if (dialect == JSON_DIALECT_RFC8259)
            return "an integer outside -2^63 to 2^64-1";
    }
    return real_fits(number) ? NULL : "a number too large for a double";
}
