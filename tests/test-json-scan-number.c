/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers: one that has no room must be refused, not wrapped or cut, however it is written. */
#include <string.h>

#include "json-scan-number.h"

static const char *
check(const char *text, gsize piece, JsonDialect dialect)
{
    JsonScanNumber number;
    gsize length = strlen(text);

    json_scan_number_begin(&number);
    for (gsize at = 0; at < length; at += piece)
        if (json_scan_number_feed(&number, text + at, MIN(piece, length - at)) < MIN(piece, length - at))
            return "no number";
    return json_scan_number_is_complete(&number) ? json_scan_number_check(&number, dialect) : "incomplete";
}

static void
assert_right(const char *text, JsonDialect dialect, gboolean is_right)
{
    g_assert_cmpint(check(text, 1, dialect) == NULL, ==, is_right);
    g_assert_cmpint(check(text, 1000, dialect) == NULL, ==, is_right);
}

static void
test_grammar(void)
{
    static const char *const right[] = { "0", "-0", "10", "1.5", "-1.5e3", "1E+3", "1e-3", "0e0", "0.0" };
    static const char *const wrong[] = { "", "-", "01", "1.", "1.e3", ".5", "1e", "1e+", "+1", "0x1", "1f" };

    for (guint i = 0; i < G_N_ELEMENTS(right); i++)
        assert_right(right[i], JSON_DIALECT_RFC8259, TRUE);
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
        assert_right(wrong[i], JSON_DIALECT_QEMU, FALSE);
}

static void
test_range(void)
{
    assert_right("18446744073709551615", JSON_DIALECT_RFC8259, TRUE);
    assert_right("18446744073709551616", JSON_DIALECT_RFC8259, FALSE);
    assert_right("18446744073709551616", JSON_DIALECT_QEMU, TRUE);
    assert_right("-9223372036854775808", JSON_DIALECT_RFC8259, TRUE);
    assert_right("-9223372036854775809", JSON_DIALECT_RFC8259, FALSE);
    assert_right("1.7976931348623157e308", JSON_DIALECT_RFC8259, TRUE);
    assert_right("1.8e308", JSON_DIALECT_RFC8259, FALSE);
    assert_right("1e400", JSON_DIALECT_QEMU, FALSE);
    assert_right("1e-400", JSON_DIALECT_RFC8259, TRUE);
    assert_right("0.0000000000000000000000001e330", JSON_DIALECT_RFC8259, TRUE);
    assert_right("1e99999999999999999999", JSON_DIALECT_RFC8259, FALSE);
    assert_right("0e99999999999999999999", JSON_DIALECT_RFC8259, TRUE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-scan-number/grammar", test_grammar);
    g_test_add_func("/json-scan-number/range", test_range);
    return g_test_run();
}
