/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All barriers of one VM: a question about the run state is a question for the replies of every monitor. */
#pragma once

#include "reply-barrier.h"

typedef struct ReplyBarriers ReplyBarriers;

ReplyBarriers *reply_barriers_new(void);
void reply_barriers_free(ReplyBarriers *barriers);

/* Borrowed. */
void reply_barriers_add(ReplyBarriers *barriers, ReplyBarrier *barrier);
void reply_barriers_remove(ReplyBarriers *barriers, ReplyBarrier *barrier);

/* As reply_barrier_shut() and _open(), for each of them. The barriers may be freed from inside reply_barriers_open(). */
void reply_barriers_shut(ReplyBarriers *barriers, guint64 question);
void reply_barriers_open(ReplyBarriers *barriers, guint64 question);

/* As reply_barrier_delay(), likewise. */
void reply_barriers_delay(ReplyBarriers *barriers, guint64 question);

/* As reply_barrier_hold() and _release(), for each of them, those that are added meanwhile included. Not nested. */
void reply_barriers_hold(ReplyBarriers *barriers);
void reply_barriers_release(ReplyBarriers *barriers);
