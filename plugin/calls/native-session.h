/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A client that speaks QMP itself: each of its commands passes the gate in the name of who opened the session, and goes by a
 * session of its own (caller_sessions_open()). */
#pragma once

#include "qmp-message.h"
#include "vm-context.h"

typedef struct NativeSession NativeSession;

/* Once, as the last call: the client has gone, or was cut off. The session may be freed from inside. */
typedef void (*NativeSessionFunc)(const GError *error, gpointer user_data);

typedef struct NativeOpener {
    const BusPeer *peer; /* must outlive the session; they may have left the bus */
    gboolean is_interactive; /* they may be asked for a password */
    gboolean has_left; /* the bus, before the client came */
    const char *key; /* of the session; must outlive it */
} NativeOpener;

/* Takes the connected socket @fd. Borrows @vm_context, which must outlive it. */
NativeSession *native_session_new(VmContext *vm_context, int fd, const NativeOpener *opener, gboolean is_pretty,
                                  NativeSessionFunc func, gpointer user_data);

/* The client is disconnected, and what it waits for cancelled. */
void native_session_free(NativeSession *session);

/* The session is kept, and its opener has left the bus: polkit does not know them any more. */
void native_session_opener_left(NativeSession *session);

/* The VM is going: no command is begun any more, those that QEMU has are still answered. */
void native_session_stop(NativeSession *session);

void native_session_event(NativeSession *session, const QmpEvent *event);
