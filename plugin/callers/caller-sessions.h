/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The callers of one VM, kept apart: from their first command on each has a session, and with it a monitor of their own in the
 * VM's QEMU. Of the things that QEMU keeps for all alike, each sees only their own. */
#pragma once

#include "caller-session.h"

typedef struct CallerSessions CallerSessions;

/* Borrows @vm, which is up and must outlive it. As monitor_pool_new(). */
CallerSessions *caller_sessions_new(GMainContext *context, Vm *vm, const MonitorPoolLimits *limits,
                                    MonitorPoolModeFunc func, gpointer user_data);

/* The VM is going: commands that wait or are under way are failed with QMP_ERROR_DISCONNECTED. */
void caller_sessions_free(CallerSessions *sessions);

/* The VM is going, and its QEMU is there: commands fail as with caller_sessions_free(), and the callers' things in QEMU go.
 * @func: once, from the main context, as the last thing that is called of it: the last caller has left, and all that is to be
 * done for them has been asked of the control monitor. Not if QEMU does not answer. */
typedef void (*CallerSessionsLeftFunc)(gpointer user_data);
void caller_sessions_leave(CallerSessions *sessions, CallerSessionsLeftFunc func, gpointer user_data);

/* Fails the commands that wait or are under way with @error. QEMU may carry out yet the ones that it has. */
void caller_sessions_fail(CallerSessions *sessions, const GError *error);

/* The callers' ways to QEMU. */
MonitorPool *caller_sessions_get_pool(CallerSessions *sessions);

/* The session of @caller (a unique name, or a key given to caller_sessions_open()), which begins where there is none.
 * @ret_is_new: it has begun now; may be NULL. */
CallerSession *caller_sessions_get(CallerSessions *sessions, const char *caller, guint32 uid, gboolean *ret_is_new);

/* A native session, which its caller opens apart from their calls: with a monitor of its own, which it keeps until
 * caller_sessions_drop_caller(@key), and listed as theirs. @key: stands for the caller in all of this; no unique name. Fails
 * as monitor_pool_find(). */
gboolean caller_sessions_open(CallerSessions *sessions, const char *key, const char *caller, guint32 uid,
                              GError **error);

/* The caller has left, and their commands have been cancelled. */
void caller_sessions_drop_caller(CallerSessions *sessions, const char *caller);

/* The descriptors in the fdsets of @owner (CallerSessionCommand) are removed, as soon as QEMU does that. */
void caller_sessions_drop_fdsets(CallerSessions *sessions, const char *owner);

void caller_sessions_set_done(CallerSessions *sessions, CallerSessionsDoneFunc func, gpointer user_data);

/* Whether object-del with @arguments may remove an object that says who may connect. */
gboolean caller_sessions_may_remove_authz(CallerSessions *sessions, JsonNode *arguments);

/* The VM's run state has changed. */
void caller_sessions_status_changed(CallerSessions *sessions);

/* Calls @func for each caller that has a way to QEMU now. */
void caller_sessions_foreach(CallerSessions *sessions, CallerSessionsFunc func, gpointer user_data);
