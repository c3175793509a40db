/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps callers from what QEMU keeps for all monitors alike and is not theirs: the agent's own objects, which can be
 * neither named nor seen; the monitors that QEMU was started with, which cannot be ended; and other callers' fdsets. */
#pragma once

#include <json-glib/json-glib.h>

#include "fdsets.h"
#include "qmp-message.h"
#include "started-monitors.h"

typedef struct CommandFilter CommandFilter;

/* Borrows both. */
CommandFilter *command_filter_new(Fdsets *fdsets, StartedMonitors *monitors);
void command_filter_free(CommandFilter *filter);

/* Whether @caller may send @command so. @arguments: NULL: none. Fails with QMP_ERROR_NOT_AUTHORIZED. */
gboolean command_filter_check(CommandFilter *filter, const char *caller, const char *command, JsonNode *arguments,
                              GError **error);

/* Removes from the reply to @command whatever @caller may not see. @ret_text: owned; NULL: the caller may see all of
 * it. Fails with QMP_ERROR_PROTOCOL where the reply is too long to be read through meanwhile. */
gboolean command_filter_clean(CommandFilter *filter, const char *caller, const char *command, const QmpText *value,
                              char **ret_text, GError **error);
