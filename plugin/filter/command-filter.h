/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps callers from what QEMU keeps for all monitors alike and is not theirs: the agent's own objects, which can be
 * neither named nor seen; the monitors that QEMU was started with, which cannot be ended; and other callers' fdsets and
 * secrets. */
#pragma once

#include <json-glib/json-glib.h>

#include "fdsets.h"
#include "qmp-message.h"
#include "secrets.h"
#include "started-monitors.h"

typedef struct CommandFilter CommandFilter;

/* Borrows them. */
CommandFilter *command_filter_new(Fdsets *fdsets, Secrets *secrets, StartedMonitors *monitors);
void command_filter_free(CommandFilter *filter);

/* Whether @caller may send @command so. @arguments: NULL: none. Fails with QMP_ERROR_NOT_AUTHORIZED. */
gboolean command_filter_check(CommandFilter *filter, const char *caller, const char *command, JsonNode *arguments,
                              GError **error);

/* The arguments of @command (an object; NULL: none) where the reply cannot be judged without them: a reference; NULL: it can. */
JsonNode *command_filter_keep_arguments(const char *command, JsonNode *arguments);

/* The value that QEMU has returned to a caller's command. */
typedef struct CommandFilterReply {
    const char *caller, *command;
    JsonNode *arguments; /* from command_filter_keep_arguments(); may be NULL */
    const QmpText *value;
} CommandFilterReply;

/* Removes from @reply whatever its caller may not see. @ret_text: owned; NULL: the caller may see all of it. Fails with
 * QMP_ERROR_NOT_AUTHORIZED where nothing else is in it, and with QMP_ERROR_PROTOCOL where it is too long to be read through
 * meanwhile. */
gboolean command_filter_clean(CommandFilter *filter, const CommandFilterReply *reply, char **ret_text, GError **error);
