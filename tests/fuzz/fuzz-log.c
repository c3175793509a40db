/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* GLib's own checks (`assertion 'x != NULL' failed`) end a fuzz target like its own. */
#include "fuzz.h"

static GLogWriterOutput
write_or_abort(GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
    if (!(level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING)))
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
