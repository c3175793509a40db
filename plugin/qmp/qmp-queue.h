/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fair turns on one QMP session: every caller has a line of its own, and the lines are served round robin, a command a
 * turn, with at most 7 under way at once (with 8 queued in QEMU, out-of-band commands wait as well; without oob QEMU
 * takes 1, and the others wait in the socket, where they are read without a round trip between). A caller with a
 * thousand commands waiting costs another no more than its turn. Replies to callers are held behind the VM's barrier. */
#pragma once

#include "qmp-client.h"
#include "qmp-ending.h"
#include "reply-barrier.h"

typedef struct QmpQueue QmpQueue;
typedef struct QmpTicket QmpTicket; /* a command whose reply has not been given */

/* Borrows @client, which must be ready and must outlive the queue. NULL: there is none yet, all commands wait for
 * it. @ending: takes a reference. @barrier: the same; NULL: no reply is held. */
QmpQueue *qmp_queue_new(QmpClient *client, QmpEnding *ending, ReplyBarrier *barrier);

/* The client that commands waited for. */
void qmp_queue_set_client(QmpQueue *queue, QmpClient *client);

/* The commands that wait in @queue wait in @other from now on; the ones under way stay. The tickets remain valid. */
void qmp_queue_hand_over(QmpQueue *queue, QmpQueue *other);

/* Held replies are given, and commands that still wait are failed with QMP_ERROR_DISCONNECTED. Commands under way are the
 * client's to fail (free or end the client first, then the queue). */
void qmp_queue_free(QmpQueue *queue);

/* Puts a command into @caller's line (a line appears with its first command and goes with its last). The command is copied,
 * and its descriptor is taken, also where this fails. @func as for qmp_client_execute(), never from inside. Fails with
 * QMP_ERROR_LIMIT when the line is full (4096 commands, waiting or under way; 16 MiB that wait), with QMP_ERROR_DISCONNECTED when the session has ended. Out-of-band
 * commands do not wait in line; the others wait while QEMU is ending. One with a descriptor waits until no other such command is under way, and of one caller there may be 16. With QMP_EXECUTE_BEHIND_BARRIER the reply, not an error, waits while the barrier is shut.
 * A command with followers waits until there is room for all of them, so that all are sent in one turn of the main loop, in which the
 * kernel takes them in one piece or not at all. They must be submitted at once, and all of them are cancelled or none. */
QmpTicket *qmp_queue_submit(QmpQueue *queue, const char *caller, const QmpCommand *command, QmpReplyFunc func,
                            gpointer user_data, GError **error);

/* No callback any more; a command that still waited is not sent. */
void qmp_ticket_cancel(QmpTicket *ticket);

/* A reply that is held is given now. FALSE: none is. */
gboolean qmp_ticket_give_held(QmpTicket *ticket);

/* Whether the command still waits for its turn, so that cancelling it undoes it. */
gboolean qmp_ticket_is_waiting(QmpTicket *ticket);

/* The replies of this monitor, not those of others, wait for the answer to @question of the barrier's, too. */
void qmp_queue_shut(QmpQueue *queue, guint64 question);

/* Fails the commands that wait, with @error. */
void qmp_queue_fail_waiting(QmpQueue *queue, const GError *error);

/* Whether any command waits or is under way. */
gboolean qmp_queue_is_busy(QmpQueue *queue);

/* @func is called whenever that has become FALSE, from inside: it may but take note, more may be submitted right after.
 * NULL: no more. */
typedef void (*QmpQueueIdleFunc)(gpointer user_data);
void qmp_queue_set_idle_func(QmpQueue *queue, QmpQueueIdleFunc func, gpointer user_data);
