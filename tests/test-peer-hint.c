/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Somebody who has given the address of something else than QMP: without these words they look for the mistake in QEMU. */
#include "peer-hint.h"

#include <glib.h>
#include <string.h>

/* What is mistaken for QMP most often is called by its name. */
static void
test_known(void)
{
    static const char *const cases[][2] = {
        { "QEMU 11.1.0 monitor - type 'help' for more information\r\n(qemu) ", "human monitor" },
        { "(qemu) ", "human monitor" },
        { "SSH-2.0-OpenSSH_9.2p1\r\n", "SSH server" },
        { "HTTP/1.1 400 Bad Request\r\n", "web server" },
        { "RFB 003.008\n", "VNC server" },
        { "\xff\xfb\x01\xff\xfb\x03", "telnet" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *hint = peer_hint_describe(cases[i][0]);
        g_assert_nonnull(strstr(hint, cases[i][1]));
    }
}

/* All else is shown, so that it can be recognized; as text that D-Bus and a terminal take. */
static void
test_unknown(void)
{
    static const char *const said[] = { "", "220 mail ready\r\n", "\xff\xfe\x80", "\x1b[2J\"quoted\"", "é" };

    for (guint i = 0; i < G_N_ELEMENTS(said); i++) {
        g_autofree char *hint = peer_hint_describe(said[i]);
        g_assert_true(g_str_has_prefix(hint, "something else than QMP answers there; it says \""));
        for (const char *at = hint; *at; at++)
            g_assert_true(g_ascii_isprint(*at));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/peer-hint/known", test_known);
    g_test_add_func("/peer-hint/unknown", test_unknown);
    return g_test_run();
}
