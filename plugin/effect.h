/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What commands change in QEMU that is a caller's own: their names for descriptors, and their fdsets. */
#pragma once

#include "fd-names.h"
#include "fdsets.h"

typedef enum EffectKind {
    EFFECT_NONE,
    EFFECT_NAMES_FD,
    EFFECT_CLOSES_FD,
    EFFECT_ADDS_FD,
    EFFECT_REMOVES_FD,
} EffectKind;

typedef struct Effect {
    EffectKind kind;
    JsonNode *arguments; /* owned; NULL: none, or of no use */
    GPtrArray *used; /* owned, of strings; names of descriptors that it takes; NULL: none */
} Effect;

/* Takes @used. */
void effect_init(Effect *effect, const char *command, JsonNode *arguments, GPtrArray *used);
void effect_clear(Effect *effect);

/* The command has succeeded, with @value; or failed, with NULL. */
void effect_note(const Effect *effect, const QmpText *value, const char *caller, FdNames *names, Fdsets *fdsets);

/* Whether there is room for what @command adds. Fails with QMP_ERROR_LIMIT. */
gboolean effect_check_room(const char *command, const char *caller, FdNames *names, Fdsets *fdsets, GError **error);
