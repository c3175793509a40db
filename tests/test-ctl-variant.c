/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers and null between the bus and qemu-monitorctl: what breaks here prints, or sends, another number than was meant. */
#include "ctl-variant.h"

#include <string.h>

static void
check_json(const char *variant, const char *json)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) value = g_variant_parse(NULL, variant, NULL, NULL, &error);
    g_autofree char *text = NULL;

    g_assert_no_error(error);
    text = ctl_variant_to_json(value);
    g_assert_cmpstr(text, ==, json);
}

static void
test_to_json(void)
{
    check_json("uint64 18446744073709551615", "18446744073709551615");
    check_json("int64 -9223372036854775808", "-9223372036854775808");
    check_json("[<byte 65>, <int16 -1>, <uint32 4294967295>, <true>, <handle 3>]", "[65,-1,4294967295,true,3]");
    check_json("[0.1, 1.0, 1e300, 100.0, 0.30000000000000004, inf]",
               "[0.1,1.0,1e+300,100.0,0.30000000000000004,null]");
    check_json("{'a': <signature ''>, 'b': <signature 'as'>, 'c': <objectpath '/a'>}", "{\"a\":null,\"b\":\"as\",\"c\":\"/a\"}");
    check_json("@a{sv} {}", "{}");
    check_json("(@av [], {1: 'x'}, 'q\"\\\\\\u0007\\u00e9')", "[[],{\"1\":\"x\"},\"q\\\"\\\\\\u0007é\"]");
}

static void
test_from_json(void)
{
    static const char *const bad[] = { "{\"a\": 9223372036854775808}", "{\"a\": [1, {\"b\": 18446744073709551615}]}",
                                       "{\"a\": 18446744073709551616}", "{\"a\": -9223372036854775809}",
                                       "{\"a\": 1e400}", "[]", "1" };
    g_autoptr(GVariant) good = g_variant_ref_sink(ctl_variant_from_json(
        "{\"a\":9223372036854775807,\"b\":-9223372036854775808,\"c\":\"18446744073709551615\\\" 1e400\",\"d\":0.5}", NULL));
    gint64 number;
    double real;

    g_assert_true(g_variant_lookup(good, "a", "x", &number));
    g_assert_cmpint(number, ==, G_MAXINT64);
    g_assert_true(g_variant_lookup(good, "b", "x", &number));
    g_assert_cmpint(number, ==, G_MININT64);
    g_assert_true(g_variant_lookup(good, "d", "d", &real));
    g_assert_cmpfloat(real, ==, 0.5);
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(ctl_variant_from_json(bad[i], &error));
        g_assert_nonnull(error);
        /* What another verb takes is told, and nothing that none does. */
        g_assert_cmpint(strstr(error->message, "`call`") != NULL, ==, i < 2);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/ctl-variant/to-json", test_to_json);
    g_test_add_func("/ctl-variant/from-json", test_from_json);
    return g_test_run();
}
