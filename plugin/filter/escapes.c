/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Called by command-filter.c; owns nothing beyond a call.
 *
 * A `\u0066` may be spelt in escapes itself: as `\u005cu0066`, or with digits of its own that are `\u0036`. So escapes
 * that have begun are kept on a stack, and are read as soon as their four digits stand there, wherever these came from.
 * Each reading puts one character for five. */
#include "escapes.h"

#include <string.h>

#define DIGITS 4u

typedef struct Strip {
    GString *plain; /* owned by the caller */
    GArray *begun; /* of gsize: where in @plain an escaped `u` stands that only digits follow */
    gboolean is_escaped; /* a backslash is before what comes next */
} Strip;

static void
put_plain(Strip *strip, char c)
{
    if (!g_ascii_isxdigit(c))
        g_array_set_size(strip->begun, 0);
    g_string_append_c(strip->plain, c);
}

static void
put_escaped(Strip *strip, char c)
{
    strip->is_escaped = FALSE;
    if (c == 'u')
        g_array_append_val(strip->begun, strip->plain->len);
    if (c == 'u')
        g_string_append_c(strip->plain, c);
    else
        put_plain(strip, strchr("bfnrt", c) ? ' ' : c);
}

/* How much of @plain is before the escape that has all its digits. */
static gboolean
is_complete(Strip *strip, gsize *ret_before)
{
    if (strip->begun->len == 0)
        return FALSE;
    *ret_before = g_array_index(strip->begun, gsize, strip->begun->len - 1);
    return strip->plain->len - *ret_before == 1 + DIGITS;
}

/* The character of one escape may be a part of another escape. */
static void
read_complete(Strip *strip)
{
    gsize before;

    while (is_complete(strip, &before)) {
        guint code = 0;
        for (gsize i = before + 1; i < strip->plain->len; i++)
            code = code << 4 | (guint)g_ascii_xdigit_value(strip->plain->str[i]);
        g_string_truncate(strip->plain, before);
        g_array_set_size(strip->begun, strip->begun->len - 1);
        if (code == '\\')
            strip->is_escaped = TRUE;
        else if (code == 'u')
            put_escaped(strip, 'u');
        else
            put_plain(strip, code > 0 && code < 0x80 ? (char)code : '?');
    }
}

char *
escapes_strip(const char *text)
{
    g_autoptr(GArray) begun = g_array_new(FALSE, FALSE, sizeof(gsize));
    Strip strip = { .plain = g_string_sized_new(strlen(text)), .begun = begun };

    for (const char *at = text; *at; at++) {
        if (*at == '\\') {
            strip.is_escaped = TRUE;
            continue;
        }
        if (strip.is_escaped)
            put_escaped(&strip, *at);
        else
            put_plain(&strip, *at);
        read_complete(&strip);
    }
    return g_string_free(strip.plain, FALSE);
}
