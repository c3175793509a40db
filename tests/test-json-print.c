/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* JSON text: QEMU must read the value that a caller gave, and a client find the letters that QEMU would have written. */
#include <string.h>

#include "json-print.h"
#include "json-tree.h"

static void
assert_printed(const char *text, const char *compact, const char *as_qemu)
{
    g_autoptr(JsonNode) node = json_tree_parse(text, strlen(text), NULL);
    g_autoptr(GString) printed = g_string_new(NULL), again = g_string_new(NULL), written = g_string_new(NULL);

    g_assert_nonnull(node);
    json_print_node(printed, node, JSON_PRINT_COMPACT);
    g_assert_cmpstr(printed->str, ==, compact);
    json_print_node(again, node, JSON_PRINT_QEMU);
    g_assert_cmpstr(again->str, ==, as_qemu);
    json_print_text(written, text, JSON_PRINT_QEMU);
    g_assert_cmpstr(written->str, ==, as_qemu);
}

static void
test_styles(void)
{
    assert_printed("{\"a\":[1,-2,true,null],\"b\":{}}", "{\"a\":[1,-2,true,null],\"b\":{}}",
                   "{\"a\": [1, -2, true, null], \"b\": {}}");
    assert_printed("[]", "[]", "[]");
    assert_printed("[0.1,1e20,18446744073709551615]", "[0.1,1e20,18446744073709551615]",
                   "[0.10000000000000001, 1e+20, 18446744073709551615]");
    assert_printed("[\"\xc3\xa9\x7f\"]", "[\"\xc3\xa9\x7f\"]", "[\"\\u00E9\\u007F\"]");
    assert_printed("[\"\xf0\x9f\x98\x80\"]", "[\"\xf0\x9f\x98\x80\"]", "[\"\\uD83D\\uDE00\"]");
    assert_printed("[\"\\u0000\\n\\\"\\\\\"]", "[\"\\u0000\\n\\\"\\\\\"]", "[\"\\u0000\\n\\\"\\\\\"]");
}

/* An escape that somebody wrote stays one. */
static void
test_escapes_stay(void)
{
    g_autoptr(GString) printed = g_string_new(NULL);

    json_print_text(printed, "[ \"\\u00e9\\/\" ]", JSON_PRINT_QEMU);
    g_assert_cmpstr(printed->str, ==, "[\"\\u00E9\\/\"]");
}

static void
test_lines(void)
{
    g_autoptr(GString) printed = g_string_new(NULL);

    json_print_text(printed, "{\"a\":[1,{}],\"b\":[]}", JSON_PRINT_QEMU_PRETTY);
    g_assert_cmpstr(printed->str, ==,
                    "{\r\n    \"a\": [\r\n        1,\r\n        {\r\n        }\r\n    ],\r\n    \"b\": [\r\n    ]\r\n}");
}

static void
test_strings(void)
{
    g_autoptr(GString) printed = g_string_new(NULL);

    json_print_string(printed, "a\0b\xc0\x80\xff", 6, JSON_PRINT_QEMU);
    g_assert_cmpstr(printed->str, ==, "\"a\\u0000b\\u0000\\uFFFD\"");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-print/styles", test_styles);
    g_test_add_func("/json-print/escapes-stay", test_escapes_stay);
    g_test_add_func("/json-print/lines", test_lines);
    g_test_add_func("/json-print/strings", test_strings);
    return g_test_run();
}
