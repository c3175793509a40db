/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The place that an error names, which a caller looks for in what they sent. */
#include "json-value-path.h"

static void
test_text(void)
{
    JsonValuePath outermost = { .member = "return" }, element = { .up = &outermost, .element = 3 };
    JsonValuePath inner = { .up = &element, .element = 0 }, member = { .up = &inner, .member = "name" };
    g_autofree char *text = json_value_path_to_text(&member), *all = json_value_path_to_text(NULL);

    g_assert_cmpstr(text, ==, "return[3][0].name");
    g_assert_cmpstr(all, ==, "arguments");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/json-value-path/text", test_text);
    return g_test_run();
}
