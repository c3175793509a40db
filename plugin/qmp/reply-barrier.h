/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Callers' replies wait until the effect of their commands shows in the VM's properties and signals: a caller who has stopped a
 * VM reads `paused` right after. QEMU sends the event before the reply, but the run state has to be asked for; replies that
 * come meanwhile are held, in their order. A VM has one barrier for the queues of all its monitors, since the answer to the
 * question counts for the replies of all.
 *
 * The questions are numbered, from 1. */
#pragma once

#include "qmp-message.h"

typedef struct ReplyBarrier ReplyBarrier;

ReplyBarrier *reply_barrier_new(void);
ReplyBarrier *reply_barrier_ref(ReplyBarrier *barrier);
void reply_barrier_unref(ReplyBarrier *barrier);

/* Replies that come from now on wait for the answer to @question … */
void reply_barrier_shut(ReplyBarrier *barrier, guint64 question);

/* … and the replies that are held already as well … */
void reply_barrier_delay(ReplyBarrier *barrier, guint64 question);

/* … which has come now: replies that waited for this question, or for an earlier one, are given. Their functions may free
 * anything. */
void reply_barrier_open(ReplyBarrier *barrier, guint64 question);

/* Replies that come from now on wait until reply_barrier_release(), for something else than a question. Calls of it
 * count. */
void reply_barrier_hold(ReplyBarrier *barrier);
void reply_barrier_release(ReplyBarrier *barrier);

/* For QmpQueue: whether a reply that comes now has to wait. @question: that its monitor waits for apart from the others; 0: none. */
gboolean reply_barrier_is_shut(ReplyBarrier *barrier, guint64 question);

/* A reply that is held, in memory of its command's. */
typedef struct HeldReply {
    ReplyBarrier *barrier; /* weak; NULL: not held */
    QmpReply reply; /* owned */
    guint64 question; /* the reply waits for the answer to it */
    QmpReplyFunc func;
    gpointer user_data;
    GList link; /* in the barrier's list */
} HeldReply;

/* Copies @reply, for @func, which is called once with it; from inside, where there is no room. Where too much is held the oldest
 * replies are given, whatever they wait for, and their functions may free anything. @question: as above. */
void reply_barrier_keep(ReplyBarrier *barrier, HeldReply *held, const QmpReply *reply, guint64 question,
                        QmpReplyFunc func, gpointer user_data);

/* Calls the function now, whatever the reply waits for. FALSE: nothing is held. */
gboolean held_reply_give(HeldReply *held);

/* The function does not come. Also where nothing is held. */
void held_reply_clear(HeldReply *held);
