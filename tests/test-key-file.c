/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where something stands in a key file: what breaks here sends an administrator to the wrong line. */
#include "key-file.h"

#include <glib/gstdio.h>
#include <unistd.h>

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
    g_autoptr(KeyFileLines) lines = key_file_lines_new_from_text(text), none = key_file_lines_new_from_text("");

    g_assert_cmpuint(key_file_lines_find(lines, "a", NULL), ==, 10);
    g_assert_cmpuint(key_file_lines_find(lines, "a", "key"), ==, 11);
    g_assert_cmpuint(key_file_lines_find(lines, "a", "key2"), ==, 4);
    g_assert_cmpuint(key_file_lines_find(lines, "b", NULL), ==, 5);
    g_assert_cmpuint(key_file_lines_find(lines, "b", "key"), ==, 6);
    g_assert_cmpuint(key_file_lines_find(lines, "b", "keys"), ==, 8);
    g_assert_cmpuint(key_file_lines_find(lines, "b", "key2"), ==, 0);
    g_assert_cmpuint(key_file_lines_find(lines, "c", NULL), ==, 0);
    g_assert_cmpuint(key_file_lines_find(none, "a", NULL), ==, 0);
}

/* A mistake in each of 3,000 groups does not read the file 3,000 times. */
static void
test_file_is_read_once(void)
{
    g_autofree char *file = g_build_filename(g_get_tmp_dir(), "test-key-file-XXXXXX", NULL);
    g_autoptr(KeyFileLines) lines = NULL;
    g_autoptr(GError) error = g_error_new_literal(G_KEY_FILE_ERROR, G_KEY_FILE_ERROR_PARSE, "what");
    g_autofree char *expected = NULL;
    int fd = g_mkstemp(file);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    lines = key_file_lines_new(file);
    g_assert_true(g_file_set_contents(file, "[a]\nkey=1\n", -1, NULL));
    g_assert_cmpuint(key_file_lines_find(lines, "a", NULL), ==, 1);
    g_assert_cmpint(unlink(file), ==, 0);
    key_file_lines_prefix_error(lines, &error, "a", "key");
    expected = g_strconcat(file, ":2: what", NULL);
    g_assert_cmpstr(error->message, ==, expected);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/key-file/lines", test_lines);
    g_test_add_func("/key-file/file-is-read-once", test_file_is_read_once);
    return g_test_run();
}
