/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One QMP session from the client's side: greeting, negotiation, commands with ids of our own, replies matched by id,
 * events at any moment (also before the greeting and inside the negotiation). */
#pragma once

#include "qmp-ending.h"
#include "qmp-error.h"

typedef struct QmpClient QmpClient;

typedef struct QmpClientFuncs {
    /* Once: the session is negotiated and takes commands. */
    void (*on_ready)(QmpClient *client, gpointer user_data);
    /* Any number of times, also before on_ready. */
    void (*on_event)(QmpClient *client, const QmpEvent *event, gpointer user_data);
    /* Once, before on_closed and before the first command under way is failed: the session takes no commands any more.
     * The client must not be freed from inside. NULL: nobody asks. */
    void (*on_closing)(QmpClient *client, gpointer user_data);
    /* Once, as the last call. By then the state has changed (qmp_client_is_ready() is FALSE) and every command
     * under way has been failed, in that order. @error names the other protocol where the peer does not speak QMP ("… is a
     * human monitor"). */
    void (*on_closed)(QmpClient *client, const GError *error, gpointer user_data);
} QmpClientFuncs;

/* 0: the default. */
typedef struct QmpClientLimits {
    gsize max_reply; /* bytes of one message from QEMU; default 32 MiB */
    gsize max_event; /* bytes of one event; default 256 KiB: QEMU's are below 10 KiB, and parsing 1 MiB takes 50 ms */
    guint64 timeout; /* us until ready; default 10 s; G_MAXUINT64: none */
    /* Borrowed by qmp_client_new(). NULL: QEMU is about to greet. Otherwise the session is another client's that was stopped at
     * any point, and this is what qmp_client_dup_session() told of it. */
    const char *session;
    /* qmp_client_new() takes a reference: the negotiation waits while QEMU ends. NULL: nobody can know. */
    QmpEnding *ending;
} QmpClientLimits;

/* Takes the connected socket @fd and starts to listen for the greeting. No callback comes from inside. */
QmpClient *qmp_client_new(GMainContext *context, int fd, const QmpClientLimits *limits, const QmpClientFuncs *funcs,
                          gpointer user_data);

/* Closes the connection. Commands under way are failed first (QMP_ERROR_DISCONNECTED), on_closed is not called. */
void qmp_client_free(QmpClient *client);

/* The ready session in words, for a later client that is to go on with it; and its socket, borrowed: -1 once it is closed. */
char *qmp_client_dup_session(QmpClient *client);
int qmp_client_get_fd(QmpClient *client);

/* Before qmp_client_is_ready() too: the greeting may be there already; NULL if not. */
const QmpGreeting *qmp_client_get_greeting(QmpClient *client);
gboolean qmp_client_is_ready(QmpClient *client);

/* Out-of-band execution was offered and has been enabled: 8 commands queue in QEMU instead of 1. */
gboolean qmp_client_has_oob(QmpClient *client);

typedef enum QmpExecuteFlags {
    QMP_EXECUTE_DEFAULT = 0,
    QMP_EXECUTE_OOB = 1 << 0, /* `exec-oob`; in band where oob is not enabled */
    QMP_EXECUTE_FD = 1 << 1, /* @fd goes with it */
    QMP_EXECUTE_BEHIND_BARRIER = 1 << 2, /* QmpQueue holds the reply while the VM's barrier is shut */
} QmpExecuteFlags;

/* A command to be sent. Nothing is kept but the descriptor, which is taken. */
typedef struct QmpCommand {
    const char *name;
    const char *arguments; /* a compact JSON object, or NULL */
    QmpExecuteFlags flags;
    int fd; /* with QMP_EXECUTE_FD */
    guint n_followers; /* QmpQueue sends so many commands, which the caller submits right behind, together with this one */
} QmpCommand;

/* Sends a command. Only when ready. At most 7 in-band commands should be under way (with 8, out-of-band ones wait as
 * well), and one with a descriptor (with more, QEMU takes one's for the other's): QmpQueue sees to it. Returns the command's id. */
guint qmp_client_execute(QmpClient *client, const QmpCommand *command, QmpReplyFunc func, gpointer user_data);

/* The callback of a command that is under way will not come. The command itself cannot be called back; its id stays taken
 * until QEMU answers. */
void qmp_client_cancel(QmpClient *client, guint id);

/* Commands that QEMU has not answered, cancelled ones included. */
guint qmp_client_get_in_flight(QmpClient *client);

/* Bytes of commands that the socket has not taken yet. 0 once the session has ended. */
gsize qmp_client_get_outgoing_size(QmpClient *client);

/* When anything came of the peer last, in monotonic us: now, as long as the client is paused. How many bytes that were sent the
 * peer has not read. 0 once the session has ended. */
gint64 qmp_client_get_heard_at(QmpClient *client);
gsize qmp_client_get_unread_size(QmpClient *client);

/* Back-pressure: events are taken faster than they can be passed on. */
void qmp_client_pause(QmpClient *client);
void qmp_client_resume(QmpClient *client);
