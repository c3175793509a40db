/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fair turns on one QMP session: every caller has a line of its own, and the lines are served round robin, a command a
 * turn, with at most 7 under way at once (with 8 queued in QEMU, out-of-band commands wait as well; without oob QEMU
 * takes 1, and the others wait in the socket, where they are read without a round trip between). A caller with a
 * thousand commands waiting costs another no more than its turn. */
#pragma once

#include "qmp-client.h"

typedef struct QmpQueue QmpQueue;
typedef struct QmpTicket QmpTicket; /* a command that waits or is under way */

/* 0: the default. */
typedef struct QmpQueueLimits {
    guint max_commands; /* of one caller, waiting or under way; default 4096 */
    gsize max_bytes; /* of one caller, waiting; default 16 MiB */
} QmpQueueLimits;

/* Borrows @client, which must be ready and must outlive the queue. NULL: there is none yet, all commands wait for
 * it. */
QmpQueue *qmp_queue_new(QmpClient *client, const QmpQueueLimits *limits);

/* The client that commands waited for. */
void qmp_queue_set_client(QmpQueue *queue, QmpClient *client);

/* What waits in @queue waits in @other from now on; what is under way stays. The tickets remain valid. */
void qmp_queue_hand_over(QmpQueue *queue, QmpQueue *other);

/* Commands that still wait are failed with QMP_ERROR_DISCONNECTED; those under way are the client's to fail (free
 * or end the client first, then the queue). */
void qmp_queue_free(QmpQueue *queue);

/* Puts a command into @caller's line (a line appears with its first command and goes with its last). It is copied, and
 * its descriptor is taken, also where this fails. @func as for qmp_client_execute(), never from inside. Fails with
 * QMP_ERROR_LIMIT when the line is full, with QMP_ERROR_DISCONNECTED when the session has ended. Out-of-band
 * commands do not wait in line; one with a descriptor waits until no other such command is under way, and of one caller
 * there may be 16. */
QmpTicket *qmp_queue_submit(QmpQueue *queue, const char *caller, const QmpCommand *command, QmpReplyFunc func,
                            gpointer user_data, GError **error);

/* No callback any more; a command that still waited is not sent. */
void qmp_ticket_cancel(QmpTicket *ticket);

/* Whether it still waits for its turn. */
gboolean qmp_ticket_is_waiting(QmpTicket *ticket);

/* Fails what waits, with @error. */
void qmp_queue_fail_waiting(QmpQueue *queue, const GError *error);

/* Cancels all of a caller's commands. */
void qmp_queue_drop(QmpQueue *queue, const char *caller);

/* Whether any command waits or is under way. */
gboolean qmp_queue_is_busy(QmpQueue *queue);

/* @func is called whenever that has become FALSE, from inside: it may but take note, more may be submitted right after.
 * NULL: no more. */
typedef void (*QmpQueueIdleFunc)(gpointer user_data);
void qmp_queue_set_idle_func(QmpQueue *queue, QmpQueueIdleFunc func, gpointer user_data);

/* Commands of @caller that wait or are under way. */
guint qmp_queue_get_pending(QmpQueue *queue, const char *caller);
