/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where something stands in a key file: what breaks here sends an administrator to the wrong line. */
#include "key-file.h"

static void
test_lines(void)
{
    static const char text[] = "[a]\n"
                               "key=1\n"
                               "# [b]\n"
                               "key2 = 1\n"
                               "  [b] \n"
                               "\tkey\t=2\n"
                               "#key=3\r\n"
                               "keys=4\n"
                               "value=key=5\n"
                               "[a]\r\n"
                               "key=6";

    g_assert_cmpuint(key_file_find_line(text, "a", NULL), ==, 10);
    g_assert_cmpuint(key_file_find_line(text, "a", "key"), ==, 11);
    g_assert_cmpuint(key_file_find_line(text, "a", "key2"), ==, 4);
    g_assert_cmpuint(key_file_find_line(text, "b", NULL), ==, 5);
    g_assert_cmpuint(key_file_find_line(text, "b", "key"), ==, 6);
    g_assert_cmpuint(key_file_find_line(text, "b", "keys"), ==, 8);
    g_assert_cmpuint(key_file_find_line(text, "b", "key2"), ==, 0);
    g_assert_cmpuint(key_file_find_line(text, "c", NULL), ==, 0);
    g_assert_cmpuint(key_file_find_line("", "a", NULL), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/key-file/lines", test_lines);
    return g_test_run();
}
