/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "peer-hint.h"

#include <glib.h>
#include <string.h>

char *
peer_hint_describe(const char *said)
{
    static const struct {
        const char *sign;
        const char *what;
    } peers[] = {
        { "monitor - type 'help'", "a human monitor answers there, not QMP (QEMU's option -qmp makes a QMP monitor)" },
        { "(qemu)", "a human monitor answers there, not QMP (QEMU's option -qmp makes a QMP monitor)" },
        { "SSH-", "an SSH server answers there, not QMP" },
        { "HTTP/", "a web server answers there, not QMP" },
        { "RFB ", "a VNC server answers there, not QMP" },
        { "\xff\xfb", "a telnet server answers there, not QMP (its first bytes negotiate telnet options)" },
    };
    for (guint i = 0; i < G_N_ELEMENTS(peers); i++)
        if (strstr(said, peers[i].sign))
            return g_strdup(peers[i].what);
    g_autofree char *valid = g_utf8_make_valid(said, -1);
    g_autofree char *escaped = g_strescape(valid, NULL);
    return g_strdup_printf("something else than QMP answers there; it says \"%s\"", escaped);
}
