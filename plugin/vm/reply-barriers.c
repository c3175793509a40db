/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reply-barriers.h"

struct ReplyBarriers {
    GPtrArray *barriers; /* owned, of ReplyGate, weak; NULL: removed during a walk */
    guint walks; /* under way, during which no barrier changes its place */
    gboolean holding;
    gboolean freed;
};

ReplyBarriers *
reply_barriers_new(void)
{
    ReplyBarriers *barriers = g_rc_box_new0(ReplyBarriers);

    barriers->barriers = g_ptr_array_new();
    return barriers;
}

static void
clear(gpointer data)
{
    g_ptr_array_unref(((ReplyBarriers *)data)->barriers);
}

void
reply_barriers_free(ReplyBarriers *barriers)
{
    barriers->freed = TRUE;
    g_rc_box_release_full(barriers, clear);
}

void
reply_barriers_add(ReplyBarriers *barriers, ReplyBarrier *barrier)
{
    g_ptr_array_add(barriers->barriers, barrier);
    if (barriers->holding)
        reply_barrier_hold(barrier);
}

void
reply_barriers_remove(ReplyBarriers *barriers, ReplyBarrier *barrier)
{
    guint i;

    if (!g_ptr_array_find(barriers->barriers, barrier, &i))
        return;
    if (barriers->walks > 0)
        g_ptr_array_index(barriers->barriers, i) = NULL;
    else
        g_ptr_array_remove_index_fast(barriers->barriers, i);
}

void
reply_barriers_shut(ReplyBarriers *barriers, guint64 question)
{
    for (guint i = 0; i < barriers->barriers->len; i++)
        if (g_ptr_array_index(barriers->barriers, i))
            reply_barrier_shut(g_ptr_array_index(barriers->barriers, i), question);
}

void
reply_barriers_delay(ReplyBarriers *barriers, guint64 question)
{
    for (guint i = 0; i < barriers->barriers->len; i++)
        if (g_ptr_array_index(barriers->barriers, i))
            reply_barrier_delay(g_ptr_array_index(barriers->barriers, i), question);
}

static void
sweep(ReplyBarriers *barriers)
{
    for (guint i = barriers->barriers->len; i-- > 0;)
        if (!g_ptr_array_index(barriers->barriers, i))
            g_ptr_array_remove_index_fast(barriers->barriers, i);
}

/* Replies that are told may bring about that barriers come and go, and that another walk begins. Gates that come are not
 * walked to. */
static void
walk(ReplyBarriers *barriers, void (*func)(ReplyBarrier *barrier, guint64 question), guint64 question)
{
    guint n = barriers->barriers->len;

    g_rc_box_acquire(barriers);
    barriers->walks++;
    for (guint i = 0; i < n && !barriers->freed; i++)
        if (g_ptr_array_index(barriers->barriers, i))
            func(g_ptr_array_index(barriers->barriers, i), question);
    if (--barriers->walks == 0)
        sweep(barriers);
    g_rc_box_release_full(barriers, clear);
}

void
reply_barriers_open(ReplyBarriers *barriers, guint64 question)
{
    walk(barriers, reply_barrier_open, question);
}

void
reply_barriers_hold(ReplyBarriers *barriers)
{
    barriers->holding = TRUE;
    for (guint i = 0; i < barriers->barriers->len; i++)
        if (g_ptr_array_index(barriers->barriers, i))
            reply_barrier_hold(g_ptr_array_index(barriers->barriers, i));
}

static void
release(ReplyBarrier *barrier, guint64 unused)
{
    reply_barrier_release(barrier);
}

void
reply_barriers_release(ReplyBarriers *barriers)
{
    barriers->holding = FALSE;
    walk(barriers, release, 0);
}
