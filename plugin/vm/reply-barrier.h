/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Callers' commands on one monitor, whose replies wait until what they brought about shows in the VM's properties and
 * signals: who has stopped a VM reads `paused` right after. QEMU sends the event before the reply, but what the run
 * state is now has to be asked for; replies that come meanwhile are held, in their order.
 *
 * The questions are numbered, from 1. */
#pragma once

#include "qmp-queue.h"

typedef struct ReplyBarrier ReplyBarrier;
typedef struct ReplyTicket ReplyTicket; /* a command whose reply has not been told */

/* Borrows @queue, which must outlive the barrier, or be replaced before. */
ReplyBarrier *reply_barrier_new(QmpQueue *queue);
void reply_barrier_set_queue(ReplyBarrier *barrier, QmpQueue *queue);

/* Every command must have been answered: free the client and the queue's commands first. Held replies are told. */
void reply_barrier_free(ReplyBarrier *barrier);

/* As qmp_queue_submit(). */
ReplyTicket *reply_barrier_submit(ReplyBarrier *barrier, const char *caller, const QmpCommand *command,
                                  QmpReplyFunc func, gpointer user_data, GError **error);

/* The callback does not come any more; a command that still waited for its turn is not sent. */
void reply_ticket_cancel(ReplyTicket *ticket);

/* Whether it still waits for its turn, so that cancelling it undoes it. */
gboolean reply_ticket_is_waiting(ReplyTicket *ticket);

/* Replies that come from now on wait until reply_barrier_release(), for something else than a question. Calls of it
 * count. The barrier may be freed from inside reply_barrier_release(). */
void reply_barrier_hold(ReplyBarrier *barrier);
void reply_barrier_release(ReplyBarrier *barrier);

/* Replies that come from now on wait for the answer to @question … */
void reply_barrier_shut(ReplyBarrier *barrier, guint64 question);

/* … and those that are held already as well … */
void reply_barrier_delay(ReplyBarrier *barrier, guint64 question);

/* … which has come now: those that waited for it, or for an earlier one, are told. The barrier may be freed from
 * inside. */
void reply_barrier_open(ReplyBarrier *barrier, guint64 question);
