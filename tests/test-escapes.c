/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A word that callers must not use is found below escapes of any depth, in one pass over the text. */
#include "escapes.h"

#include <string.h>

static void
test_depths(void)
{
    static const struct {
        const char *text, *plain;
    } rows[] = {
        { "", "" },
        { "as it is", "as it is" },
        { "\\/dev\\/fdset", "/dev/fdset" },
        { "\\\\/dev", "/dev" },
        { "a\\\\\\\\\\\\\\\\\\\\b", "a " }, /* an escape in some reading of it */
        { "\\u0066dset", "fdset" },
        { "\\\\u0066dset", "fdset" },
        { "\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\u0066dset", "fdset" },
        { "\\u005cu0066dset", "fdset" }, /* the backslash itself is spelt */
        { "\\u005c\\u0075\\u0030066dset", "fdset" },
        { "\\\\u00\\u0036\\u0036dset", "fdset" }, /* and the digits */
        { "\\\\u\\u0030\\u0030\\u0036\\u0036dset", "fdset" },
        { "\\u\\u\\u0066", "uuf" },
        { "\\u00zz", "u00zz" },
        { "\\u12", "u12" },
        { "\\u00e9\\u0000", "??" },
        { "\\t\\n\\r\\b\\f.", "     ." },
        { "u0066", "u0066" },
        { "\\", "" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *plain = escapes_strip(rows[i].text);
        g_assert_cmpstr(plain, ==, rows[i].plain);
    }
}

/* Each reading of an escape makes the text shorter, so that no text is read more than a few times. */
static void
test_length(void)
{
    static const char *const pieces[] = { "\\", "\\u", "\\u005c", "\\u0075", "\\u00\\u0033", "\\u0030" };

    for (guint i = 0; i < G_N_ELEMENTS(pieces); i++) {
        g_autoptr(GString) text = g_string_new(NULL);
        g_autofree char *plain = NULL;
        gint64 began = g_get_monotonic_time();
        while (text->len < 256u * 1024)
            g_string_append(text, pieces[i]);
        plain = escapes_strip(text->str);
        g_assert_cmpuint(strlen(plain), <=, text->len);
        g_test_message("%s: %" G_GINT64_FORMAT " us", pieces[i], g_get_monotonic_time() - began);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/escapes/depths", test_depths);
    g_test_add_func("/escapes/length", test_length);
    return g_test_run();
}
