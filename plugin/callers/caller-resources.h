/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The descriptors, fdsets, secrets and other objects of each caller in one QEMU, which QEMU itself keeps for all monitors
 * alike. They are noted from the callers' commands. When a caller leaves, the fdsets are removed; objects stay, and from then on
 * nobody reads the secrets. */
#pragma once

#include "command-filter.h"
#include "fd-names.h"
#include "fdsets.h"
#include "vm.h"

typedef struct CallerResources CallerResources;

/* Borrows @vm, which is up and must outlive it. Removes what an agent that was killed has left of its callers'. */
CallerResources *caller_resources_new(Vm *vm);
void caller_resources_free(CallerResources *resources);

/* Borrowed. */
Fdsets *caller_resources_get_fdsets(CallerResources *resources);
CommandFilter *caller_resources_get_filter(CallerResources *resources);

/* The first caller is about to send something: QEMU is asked which fdsets are there without callers. */
void caller_resources_begin(CallerResources *resources);

typedef enum CallerEffectKind {
    CALLER_EFFECT_NONE,
    CALLER_EFFECT_NAMES_FD,
    CALLER_EFFECT_CLOSES_FD,
    CALLER_EFFECT_ADDS_FD,
    CALLER_EFFECT_REMOVES_FD,
    CALLER_EFFECT_ADDS_OBJECT,
    CALLER_EFFECT_ADDS_CHARDEV,
} CallerEffectKind;

/* The change that a caller's command makes to the caller's resources; kept until QEMU has replied. */
typedef struct CallerEffect {
    CallerEffectKind kind;
    JsonNode *arguments; /* ref; NULL: the command has none, or has no effect */
    GPtrArray
        *used_names; /* owned, of strings: the names of descriptors that QEMU forgets if it succeeds; NULL: none */
} CallerEffect;

/* Whether @caller may have one descriptor more, where @command adds one. Fails with QMP_ERROR_LIMIT. */
gboolean caller_resources_check_room(CallerResources *resources, const char *caller, FdNames *names,
                                     const char *command, GError **error);

/* The text of @arguments (an object; NULL: none) as QEMU gets them: with the caller's @names as they are in QEMU, and the
 * agent's tag on fdsets; owned; NULL: there are none. @ret_effect: for caller_effect_clear(). */
char *caller_resources_prepare(CallerResources *resources, FdNames *names, const char *command, JsonNode *arguments,
                               CallerEffect *ret_effect);
gboolean caller_effect_is_none(const CallerEffect *effect);
void caller_effect_clear(CallerEffect *effect);

/* @caller's command has succeeded with @value, or failed (NULL). */
void caller_resources_note_reply(CallerResources *resources, const char *caller, FdNames *names,
                                 const CallerEffect *effect, const QmpText *value);

/* @caller has left: the caller's fdsets are removed, as soon as QEMU does that, and the caller's secrets are nobody's. */
void caller_resources_leave(CallerResources *resources, const char *caller);

/* The VM's run state has changed. */
void caller_resources_status_changed(CallerResources *resources);
