/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qmp-command.h"

#include <string.h>

#include "json-print.h"

/* Nearly all have one digit, and printf() takes longer than all else here. */
static void
write_id(GString *text, int id)
{
    g_string_append(text, ",\"id\":");
    if (id < 10)
        g_string_append_c(text, (char)('0' + id));
    else
        g_string_append_printf(text, "%d", id);
}

GString *
qmp_command_write(const char *name, const char *arguments, gboolean is_oob, int id)
{
    gsize length = strlen(name);
    GString *text = g_string_sized_new(64 + length + (arguments ? strlen(arguments) : 0));

    g_string_append(text, is_oob ? "{\"exec-oob\":" : "{\"execute\":");
    json_print_string(text, name, length, JSON_PRINT_COMPACT);
    if (id != QMP_COMMAND_NO_ID)
        write_id(text, id);
    if (arguments) {
        g_string_append(text, ",\"arguments\":");
        g_string_append(text, arguments);
    }
    g_string_append_c(text, '}');
    return text;
}
