/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What QEMU keeps for all monitors alike and a caller must not touch: the agent's own objects, which can be neither named
 * nor seen; the monitors that the agent is given, which cannot be removed; and other callers' fdsets. */
#pragma once

#include <json-glib/json-glib.h>

#include "fdsets.h"
#include "qmp-message.h"

typedef struct CommandFilter CommandFilter;

/* Borrows @fdsets. */
CommandFilter *command_filter_new(Fdsets *fdsets);
void command_filter_free(CommandFilter *guard);

/* The reply to query-chardev: which of the character devices listen at one of @paths (of strings), the agent's, must not be
 * removed. Those that QEMU has named itself (compat_monitor0 …) never may. */
void command_filter_note_chardevs(CommandFilter *guard, const QmpText *reply, GPtrArray *paths);

/* Whether @caller may send @command so. @arguments: NULL: none. Fails with BUS_ERROR_ACCESS_DENIED. */
gboolean command_filter_check(CommandFilter *guard, const char *caller, const char *command, JsonNode *arguments,
                              GError **error);

/* What @caller may see of the reply to @command, in @ret_text (owned); NULL: all of it. Fails with QMP_ERROR_PROTOCOL
 * where that cannot be told: there is more than can be read through meanwhile. */
gboolean command_filter_clean(CommandFilter *guard, const char *caller, const char *command, const QmpText *value,
                              char **ret_text, GError **error);
