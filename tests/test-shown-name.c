/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A name that looks like another lets the wrong thing be allowed by the person who reads it. */
#include "shown-name.h"

static void
test_plain(void)
{
    static const char *const plain[] = { "web", "Büro 2", "unix:/run/vm/web.qmp", "disk0", "ディスク", "a\"b" };
    static const char *const others[] = {
        "",
        "web\n",
        "a\tb",
        "\x7f",
        "\xff",
        "a\xc2\x85" "b", /* next line */
        "a\xe2\x80\xa8" "b", /* line separator */
        "a\xe2\x80\xae" "b", /* right to left from here on */
        "a\xe2\x81\xa6" "b", /* isolate */
        "a\xe2\x80\x8b" "b", /* no width */
        "\xef\xbb\xbf" "web",
    };
    g_autofree char *longest = g_strnfill(1024, 'x'), *longer = g_strnfill(1025, 'x');

    for (guint i = 0; i < G_N_ELEMENTS(plain); i++)
        g_assert_true(shown_name_is_plain(plain[i]));
    for (guint i = 0; i < G_N_ELEMENTS(others); i++) {
        g_test_message("%u", i);
        g_assert_false(shown_name_is_plain(others[i]));
    }
    g_assert_true(shown_name_is_plain(longest));
    g_assert_false(shown_name_is_plain(longer));
}

static void
test_user(void)
{
    g_autofree char *root = shown_name_dup_user(0);

    g_assert_cmpstr(root, ==, "root");
    g_assert_null(shown_name_dup_user(4000000000u));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/shown-name/plain", test_plain);
    g_test_add_func("/shown-name/user", test_user);
    return g_test_run();
}
