/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of HMP are cut as QEMU cuts them. test-hmp.py shows that it does. */
#include "hmp-line.h"

#include <string.h>

static void
test_commands(void)
{
    static const struct {
        const char *line, *command, *rest;
    } rows[] = {
        { "", NULL, "" },
        { " \t\n\v\f\r", NULL, "" },
        { "stop", "stop", "" },
        { "\vobject_del\vfoo", "object_del", "\vfoo" },
        { "x/16xb 0", "x", "/16xb 0" },
        { "/x", "", "/x" },
        { "stop;cont", "stop;cont", "" },
        { "object_del\xc2\xa0""foo", "object_del\xc2\xa0""foo", "" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *rest;
        g_autofree char *command = hmp_line_dup_command(rows[i].line, &rest);
        g_assert_cmpstr(command, ==, rows[i].command);
        g_assert_cmpstr(rest, ==, rows[i].rest);
    }
}

static void
test_words(void)
{
    static const struct {
        const char *rest, *word, *after;
        gboolean is_bad;
    } rows[] = {
        { "", NULL, "", FALSE },
        { " \v", NULL, " \v", FALSE },
        { "\ffoo bar", "foo", " bar", FALSE },
        { "fo\"o", "fo\"o", "", FALSE },
        { "\"f o\"o", "f o", "o", FALSE },
        { "\"a\\\"b\\\\c\\'d\"", "a\"b\\c'd", "", FALSE },
        { "\"a\\n\\r\"", "a\n\r", "", FALSE },
        { "\"\"", "", "", FALSE },
        { "f\\oo", "f\\oo", "", FALSE },
        { "\"foo", NULL, "\"foo", TRUE },
        { "\"f\\oo\"", NULL, "\"f\\oo\"", TRUE },
        { "\"foo\\", NULL, "\"foo\\", TRUE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *rest = rows[i].rest;
        gboolean is_bad;
        g_autofree char *word = hmp_line_dup_word(&rest, &is_bad);
        g_assert_cmpstr(word, ==, rows[i].word);
        g_assert_cmpstr(rest, ==, rows[i].after);
        g_assert_cmpint(is_bad, ==, rows[i].is_bad);
    }
}

static void
test_options(void)
{
    static const char *const rows[][2] = {
        { " -j /objects/a", "/objects/a" }, { "-j/objects/a", "/objects/a" }, { "-a -b x", "x" },
        { "/objects/a -j", "/objects/a -j" }, { "-", "-" }, { "", "" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        const char *rest = rows[i][0];
        hmp_line_skip_options(&rest);
        g_assert_cmpstr(rest, ==, rows[i][1]);
    }
}

static void
test_what_is_too_long(void)
{
    g_autofree char *letters = g_strnfill(3000, 'x');
    const char *rest = letters;
    g_autofree char *command = hmp_line_dup_command(letters, &rest);
    g_autofree char *word = NULL;
    gboolean is_bad;

    g_assert_cmpuint(strlen(command), ==, 255);
    g_assert_cmpstr(rest, ==, "");
    rest = letters;
    word = hmp_line_dup_word(&rest, &is_bad);
    g_assert_cmpuint(strlen(word), ==, 1023);
    g_assert_cmpstr(rest, ==, "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/hmp-line/commands", test_commands);
    g_test_add_func("/hmp-line/words", test_words);
    g_test_add_func("/hmp-line/options", test_options);
    g_test_add_func("/hmp-line/what-is-too-long", test_what_is_too_long);
    return g_test_run();
}
