/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What commands change in QEMU that is a caller's own: their names for descriptors, their fdsets, and what they add. */
#pragma once

#include "fd-names.h"
#include "fdsets.h"
#include "started-monitors.h"

typedef enum CommandEffectKind {
    COMMAND_EFFECT_NONE,
    COMMAND_EFFECT_NAMES_FD,
    COMMAND_EFFECT_CLOSES_FD,
    COMMAND_EFFECT_ADDS_FD,
    COMMAND_EFFECT_REMOVES_FD,
    COMMAND_EFFECT_ADDS_OBJECT,
    COMMAND_EFFECT_ADDS_CHARDEV,
} CommandEffectKind;

typedef struct CommandEffect {
    CommandEffectKind kind;
    JsonNode *arguments; /* owned; NULL: none, or of no use */
    GPtrArray *used; /* owned, of strings; names of descriptors that it takes; NULL: none */
} CommandEffect;

/* Takes @used. */
void command_effect_init(CommandEffect *effect, const char *command, JsonNode *arguments, GPtrArray *used);
void command_effect_clear(CommandEffect *effect);

/* The command has succeeded, with @value; or failed, with NULL. */
void command_effect_note(const CommandEffect *effect, const QmpText *value, const char *caller, FdNames *names,
                         Fdsets *fdsets, StartedMonitors *monitors);

/* Whether there is room for what @command adds. Fails with QMP_ERROR_LIMIT. */
gboolean command_effect_check_room(const char *command, const char *caller, FdNames *names, Fdsets *fdsets,
                                   GError **error);
