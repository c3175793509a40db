/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The sentence that tells a caller what they may not do: the same whoever has refused it, and by whichever way it
 * came. */
#pragma once

#include <glib.h>

/* The uid where the bus does not vouch for one. */
#define REFUSAL_NO_UID G_MAXUINT32

typedef struct Refusal {
    guint32 uid; /* the caller's, as the bus vouches for it; REFUSAL_NO_UID: they are known by @caller alone */
    const char *caller; /* their unique name */
    const char *command; /* a QMP command, or a method's name */
    const char *vm; /* NULL: none */
    const char *why;
} Refusal;

/* `User 1001 may not call quit on the VM "web": not authorized`. Owned. */
char *refusal_dup_text(const Refusal *refusal);
