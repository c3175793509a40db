/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One caller in one VM: the way of their commands to QEMU and back, their names for descriptors, and the lease of their monitor.
 * CallerSessions makes a session with a caller's first command, and ends it when they have left. */
#pragma once

#include "authz-objects.h"
#include "caller-resources.h"
#include "monitor-pool.h"

typedef struct CallerSession CallerSession;
typedef struct CallerSessionTicket CallerSessionTicket; /* a command whose reply has not been told */

/* @func is told of every command of a caller that has succeeded, before the caller is. */
typedef void (*CallerSessionsDoneFunc)(const char *command, gpointer user_data);

/* The part of CallerSessions that each of its sessions uses. */
typedef struct CallerSessionShare {
    Vm *vm; /* weak */
    MonitorPool *pool; /* owned */
    CallerResources *resources; /* owned */
    AuthzObjects *authz_objects; /* owned */
    GQueue
        tickets; /* of CallerSessionTicket, owned, by their links: of all sessions, in the order of their commands */
    CallerSessionsDoneFunc on_done; /* may be NULL */
    gpointer done_data;
    void (*on_idle)(gpointer user_data); /* a caller has left, and nothing of theirs is under way */
    gpointer user_data;
} CallerSessionShare;

CallerSession *caller_session_new(CallerSessionShare *share, const char *caller, guint32 uid);
void caller_session_free(CallerSession *session);

/* A native session of @opener's: it has a monitor from now on until it ends. Fails as monitor_pool_find(). */
gboolean caller_session_open(CallerSession *session, const char *opener, GError **error);

/* A command of a caller. Nothing is kept but the descriptor, which is taken, also where this fails. */
typedef struct CallerSessionCommand {
    const char *name;
    JsonNode *arguments; /* an object; NULL: none */
    QmpExecuteFlags flags;
    int fd; /* with QMP_EXECUTE_FD */
    const char *fdset_owner; /* the owner of the fdset that it makes or names, no unique name; NULL: the caller */
    gboolean (*may_still)(gpointer user_data); /* in the run state of now; NULL: in any */
} CallerSessionCommand;

/* Sends the command when its turn has come, and when the caller's monitor is there. The reply shows nothing that is not the
 * caller's to see; where that is all of it, @func gets QMP_ERROR_NOT_AUTHORIZED. @func as for qmp_client_execute(), never from
 * inside. Fails with QMP_ERROR_NOT_AUTHORIZED where the command names a thing of the agent's or of another caller's, and as
 * monitor_pool_find() and qmp_queue_submit(). Both errors of that code say only why. A command that may not any more when the run
 * state changes before it is sent fails with it, too. */
CallerSessionTicket *caller_session_submit(CallerSession *session, const CallerSessionCommand *command,
                                           QmpReplyFunc func, gpointer user_data, GError **error);

/* The callback does not come any more; a command that still waited is not sent. A descriptor that the command has added to an
 * fdset with an owner of its own is removed: nobody knows of it. */
void caller_session_ticket_cancel(CallerSessionTicket *ticket);

/* Whether the command still waits for its turn, so that cancelling it undoes it. */
gboolean caller_session_ticket_is_waiting(CallerSessionTicket *ticket);

/* Fails the commands of all sessions that wait or are under way. @error: QEMU is stuck, and replies that are held are given;
 * NULL: the VM has gone. @is_for_good: QEMU answers nothing any more. */
void caller_session_fail_all(CallerSessionShare *share, gboolean is_for_good, const GError *error);

/* The VM's run state has changed: a command that waits for its turn may not do any more what it may have done before. */
void caller_session_check_waiting(CallerSessionShare *share);

/* The caller has left: share->on_idle is called when nothing of theirs is under way. */
void caller_session_leave(CallerSession *session);

/* The caller has left. TRUE: nothing of theirs is in QEMU any more. FALSE: commands for that are under way. Not from inside a
 * reply: a monitor may go. */
gboolean caller_session_end(CallerSession *session);

const char *caller_session_get_caller(CallerSession *session);

/* Calls @func, if the caller has a way to QEMU now. */
typedef struct CallerSessionInfo {
    const char *id; /* of their monitor */
    const char *caller;
    guint32 uid;
    const char *mode;
    guint pending; /* commands */
    gint64 since; /* us since the epoch; when they got it */
    gboolean is_native; /* from caller_session_open() */
} CallerSessionInfo;
typedef void (*CallerSessionsFunc)(const CallerSessionInfo *info, gpointer user_data);
void caller_session_show(CallerSession *session, CallerSessionsFunc func, gpointer user_data);
