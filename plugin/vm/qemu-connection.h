/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One connected QEMU: the session on it, the turns that callers take on that session, and the facts of the VM that are
 * known without asking. Exists from a connected socket to the end of the connection. Knows no D-Bus. */
#pragma once

#include "qmp-queue.h"
#include "started-monitors.h"

typedef struct QemuConnection QemuConnection;

typedef struct QemuConnectionFuncs {
    /* Once: the facts are known, and commands are taken. */
    void (*on_up)(QemuConnection *qemu, gpointer user_data);
    /* Status and/or Running have new values. Only after on_up. */
    void (*on_changed)(QemuConnection *qemu, gpointer user_data);
    /* An event; the events that came before on_up follow that at once. */
    void (*on_event)(QemuConnection *qemu, const QmpEvent *event, gpointer user_data);
    /* QEMU answers nothing, and may be stopped: callers that wait should wait no longer. Any number of times, after on_up.
     * @error: NULL: QEMU answers again. */
    void (*on_stuck)(QemuConnection *qemu, const GError *error, gpointer user_data);
    /* Once, before on_down, if it was up: the connection has ended, and the commands under way are about to be failed. The
     * QemuConnection must not be freed from inside. */
    void (*on_ending)(QemuConnection *qemu, gpointer user_data);
    /* Once, as the last call: the connection ended, or never came to be a QMP session, and every command under way has been
     * failed; or the monitor does not answer any more, though QEMU is there (QMP_ERROR_TIMED_OUT, without on_ending). */
    void (*on_down)(QemuConnection *qemu, const GError *error, gpointer user_data);
} QemuConnectionFuncs;

typedef struct QemuConnectionLimits {
    gsize max_reply; /* bytes */
    guint64 timeout; /* us until on_up; G_MAXUINT64: none */
    const char *session; /* borrowed by qemu_connection_new(); as QmpClientLimits.session */
} QemuConnectionLimits;

/* Takes the connected socket @fd. No callback comes from inside; the QemuConnection may be freed from inside any of them. */
QemuConnection *qemu_connection_new(GMainContext *context, int fd, const QemuConnectionLimits *limits,
                                    const QemuConnectionFuncs *funcs, gpointer user_data);

/* Closes the connection. Commands under way are failed; none of the callbacks above comes. */
void qemu_connection_free(QemuConnection *qemu);

/* After on_up. All borrowed; a fact that QEMU did not tell is empty. */
const char *qemu_connection_get_name(QemuConnection *qemu); /* `-name` */
const char *qemu_connection_get_uuid(QemuConnection *qemu);
const char *qemu_connection_get_target(QemuConnection *qemu);
const QmpGreeting *qemu_connection_get_greeting(QemuConnection *qemu);
const char *qemu_connection_get_version(QemuConnection *qemu); /* "11.1.3" */
const char *qemu_connection_get_package(QemuConnection *qemu);
guint32 qemu_connection_get_pid(QemuConnection *qemu); /* 0 where the kernel does not know it */
guint64 qemu_connection_get_since(QemuConnection *qemu); /* when it went up, us since the epoch */
const char *qemu_connection_get_status(QemuConnection *qemu); /* QMP's run state */
gboolean qemu_connection_is_running(QemuConnection *qemu);

/* After on_up: the control monitor, for its session and its socket. */
QmpClient *qemu_connection_get_client(QemuConnection *qemu);

/* After on_up: the commands that QEMU has. */
gboolean qemu_connection_is_at_least(QemuConnection *qemu, guint major, guint minor);
gboolean qemu_connection_has_monitor_add(QemuConnection *qemu);
gboolean
qemu_connection_is_storage_daemon(QemuConnection *qemu); /* a storage daemon has no guest, and so no run state */

/* After on_up. Borrowed. */
StartedMonitors *qemu_connection_get_started_monitors(QemuConnection *qemu);

/* After on_up: asks QEMU something for the agent itself. As qmp_queue_submit(). */
QmpTicket *qemu_connection_ask(QemuConnection *qemu, const QmpCommand *command, QmpReplyFunc func, gpointer user_data);

/* The answer to a query-status that qemu_connection_ask() has sent is the run state too, and may be newer than the last event:
 * the last step of a migration has none. Calls on_changed, which may end the connection. */
void qemu_connection_note_status(QemuConnection *qemu, const QmpReply *reply);

/* A caller's command was sent, by whatever monitor: it is looked whether the control monitor is still there. */
void qemu_connection_look(QemuConnection *qemu);

/* Another monitor of this QEMU, for as long as it is ready: see control-watch.h. */
void qemu_connection_add_witness(QemuConnection *qemu, QmpClient *client);
void qemu_connection_remove_witness(QemuConnection *qemu, QmpClient *client);

/* After on_up: the control monitor's queue. */
QmpQueue *qemu_connection_get_control(QemuConnection *qemu);

/* Whether QEMU ends, for the queues of all its monitors. */
QmpEnding *qemu_connection_get_ending(QemuConnection *qemu);

/* The replies behind this barrier wait for the run state whenever that may have changed. */
ReplyBarrier *qemu_connection_get_barrier(QemuConnection *qemu);

/* Another monitor than the control monitor has told of an event: the replies that follow the event in @queue wait until the
 * control monitor has told of it too, and the run state is known. */
void qemu_connection_catch_up(QemuConnection *qemu, QmpQueue *queue);

/* Replies to callers, also the ones that have come already, wait until the agent's questions so far are answered. */
void qemu_connection_settle(QemuConnection *qemu);

/* Back-pressure: no more events until qemu_connection_resume(). Replies wait too. */
void qemu_connection_pause(QemuConnection *qemu);
void qemu_connection_resume(QemuConnection *qemu);
