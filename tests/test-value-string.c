/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Strings on their way to the bus: whole, however long, and nothing of one in the next. */
#include "value-string.h"

#include <string.h>

static void
assert_string(ValueString *string, const char *json, const char *plain, gboolean has_nul)
{
    gboolean found_nul;
    gsize length;
    const char *text = value_string_unescape(string, (JsonCursorText){ json, strlen(json) }, &length, &found_nul);

    g_assert_cmpstr(text, ==, plain);
    g_assert_cmpuint(length, ==, strlen(plain));
    g_assert_cmpint(found_nul, ==, has_nul);
}

static void
test_strings(void)
{
    g_autofree char *long_one = g_strnfill(5000, 'x');
    ValueString string;

    value_string_init(&string);
    assert_string(&string, "", "", FALSE);
    assert_string(&string, "plain", "plain", FALSE);
    assert_string(&string, "a\\u0062\\n", "ab\n", FALSE);
    assert_string(&string, "a\\u0000b", "a", TRUE);
    assert_string(&string, long_one, long_one, FALSE);
    assert_string(&string, "short", "short", FALSE);
    for (gsize length = 254; length < 258; length++) {
        g_autofree char *text = g_strnfill(length, 'y');
        assert_string(&string, text, text, FALSE);
    }
    value_string_clear(&string);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/value-string/strings", test_strings);
    return g_test_run();
}
