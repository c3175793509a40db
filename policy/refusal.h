/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a caller is told who may not do something: the same sentence whoever has refused it, and by whichever way it came. */
#pragma once

#include "bus-error.h"

typedef struct Refusal {
    guint32 uid; /* the caller's, as the bus vouches for it; BUS_PEER_NO_ID: they are known by @caller alone */
    const char *caller; /* their unique name */
    const char *command; /* a QMP command, or a method's name */
    const char *vm; /* NULL: none */
    const char *why;
} Refusal;

/* Sets @error to `User 1001 may not call quit on the VM "web": not authorized`, of BUS_ERROR and @code. */
void refusal_set_error(const Refusal *refusal, BusErrorCode code, GError **error);
