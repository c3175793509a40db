/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The callers of one VM, kept apart: from their first command on each has a place of their own in its QEMU, and what QEMU
 * keeps for all alike they see of only what is theirs. */
#pragma once

#include <json-glib/json-glib.h>

#include "monitor-pool.h"

typedef struct CallerSessions CallerSessions;
typedef struct CallerSessionTicket CallerSessionTicket; /* a command whose reply has not been told */

/* Borrows @vm, which is up and must outlive it. As monitor_pool_new(). */
CallerSessions *caller_sessions_new(GMainContext *context, Vm *vm, const MonitorPoolLimits *limits,
                                    MonitorPoolModeFunc func, gpointer user_data);

/* The VM is going: commands that wait or are under way are failed with QMP_ERROR_DISCONNECTED. */
void caller_sessions_free(CallerSessions *sessions);

/* The VM is going, and its QEMU is there: commands fail as with caller_sessions_free(), and what is the callers' in QEMU goes.
 * @func: once, from the main context, as the last thing that is called of it: the last caller has left, and all that is to be
 * done for them has been asked of the control monitor. Not if QEMU does not answer. */
typedef void (*CallerSessionsLeftFunc)(gpointer user_data);
void caller_sessions_leave(CallerSessions *sessions, CallerSessionsLeftFunc func, gpointer user_data);

/* Fails the commands that wait or are under way with @error. Those that QEMU has it may carry out yet. */
void caller_sessions_fail(CallerSessions *sessions, const GError *error);

/* Where they get at QEMU. */
MonitorPool *caller_sessions_get_pool(CallerSessions *sessions);

/* A session that its caller opens apart from their calls: with a place of its own, which it keeps until
 * caller_sessions_drop_caller(@key), and listed as theirs. @key: what stands for the caller in all of this; no unique name. Fails
 * as monitor_pool_find(). */
gboolean caller_sessions_open(CallerSessions *sessions, const char *key, const char *caller, guint32 uid,
                              GError **error);
/* @func is told of every command of a caller that has succeeded, before the caller is. */
typedef void (*CallerSessionsDoneFunc)(const char *command, gpointer user_data);
void caller_sessions_set_done(CallerSessions *sessions, CallerSessionsDoneFunc func, gpointer user_data);

/* A command of a caller. Nothing is kept but the descriptor, which is taken, also where this fails. */
typedef struct CallerSessionsRequest {
    const char *caller; /* unique name, or the key of a session that is open */
    guint32 uid;
    const char *command;
    JsonNode *arguments; /* an object; NULL: none */
    QmpExecuteFlags flags;
    int fd; /* with QMP_EXECUTE_FD */
} CallerSessionsRequest;

/* Sends the command when its turn has come, and when the caller's monitor is there. The reply shows nothing that is not
 * the caller's to see. @func as for qmp_client_execute(), never from inside. Fails with BUS_ERROR_ACCESS_DENIED where it
 * names what is the agent's or another caller's, and as monitor_pool_find() and qmp_queue_submit(). */
CallerSessionTicket *caller_sessions_submit(CallerSessions *sessions, const CallerSessionsRequest *request,
                                            QmpReplyFunc func, gpointer user_data, GError **error);

/* Whether object-del with @arguments may remove an object that says who may connect. */
gboolean caller_sessions_may_remove_authz(CallerSessions *sessions, JsonNode *arguments);

/* The callback does not come any more; a command that still waited is not sent. */
void caller_session_ticket_cancel(CallerSessionTicket *ticket);

/* The caller has left, and their commands have been cancelled. */
void caller_sessions_drop_caller(CallerSessions *sessions, const char *caller);

/* The VM's run state has changed. */
void caller_sessions_status_changed(CallerSessions *sessions);

/* Calls @func for each caller that has a way to QEMU now. */
typedef struct CallerSessionInfo {
    const char *id; /* of their monitor */
    const char *caller;
    guint32 uid;
    const char *mode;
    guint pending; /* commands */
    gint64 since; /* us since the epoch; when they got it */
    gboolean is_native; /* from caller_sessions_open() */
} CallerSessionInfo;
typedef void (*CallerSessionsFunc)(const CallerSessionInfo *info, gpointer user_data);
void caller_sessions_foreach(CallerSessions *sessions, CallerSessionsFunc func, gpointer user_data);
