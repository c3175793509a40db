/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GLib's own checks (`assertion 'x != NULL' failed`) end a fuzz target like its own. */
#include <string.h>

#include "fuzz.h"

/* Of GLib's own making: GKeyFile sets two errors for a value in which two escapes are wrong (2.74). */
static gboolean
is_of_key_file(const GLogField *fields, gsize n_fields)
{
    static const char text[] = "GError set over the top of a previous GError";

    for (gsize i = 0; i < n_fields; i++)
        if (g_str_equal(fields[i].key, "MESSAGE"))
            return strncmp(fields[i].value, text, strlen(text)) == 0;
    return FALSE;
}

static GLogWriterOutput
write_or_abort(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
    if (!(level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING)) ||
        is_of_key_file(fields, n_fields))
        return G_LOG_WRITER_HANDLED;
    g_log_writer_standard_streams(level, fields, n_fields, user_data);
    abort();
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    g_log_set_writer_func(write_or_abort, NULL, NULL);
    return 0;
}
