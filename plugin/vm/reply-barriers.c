/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reply-barriers.h"

struct ReplyBarriers {
    GPtrArray *gates; /* owned, of ReplyGate, weak; NULL: removed during a walk */
    guint walks; /* under way, during which no gate changes its place */
    gboolean holding;
    gboolean freed;
};

ReplyBarriers *
reply_barriers_new(void)
{
    ReplyBarriers *gates = g_rc_box_new0(ReplyBarriers);

    gates->gates = g_ptr_array_new();
    return gates;
}

static void
clear(gpointer data)
{
    g_ptr_array_unref(((ReplyBarriers *)data)->gates);
}

void
reply_barriers_free(ReplyBarriers *gates)
{
    gates->freed = TRUE;
    g_rc_box_release_full(gates, clear);
}

void
reply_barriers_add(ReplyBarriers *gates, ReplyBarrier *gate)
{
    g_ptr_array_add(gates->gates, gate);
    if (gates->holding)
        reply_barrier_hold(gate);
}

void
reply_barriers_remove(ReplyBarriers *gates, ReplyBarrier *gate)
{
    guint i;

    if (!g_ptr_array_find(gates->gates, gate, &i))
        return;
    if (gates->walks > 0)
        g_ptr_array_index(gates->gates, i) = NULL;
    else
        g_ptr_array_remove_index_fast(gates->gates, i);
}

void
reply_barriers_shut(ReplyBarriers *gates, guint64 question)
{
    for (guint i = 0; i < gates->gates->len; i++)
        if (g_ptr_array_index(gates->gates, i))
            reply_barrier_shut(g_ptr_array_index(gates->gates, i), question);
}

void
reply_barriers_delay(ReplyBarriers *gates, guint64 question)
{
    for (guint i = 0; i < gates->gates->len; i++)
        if (g_ptr_array_index(gates->gates, i))
            reply_barrier_delay(g_ptr_array_index(gates->gates, i), question);
}

static void
sweep(ReplyBarriers *gates)
{
    for (guint i = gates->gates->len; i-- > 0;)
        if (!g_ptr_array_index(gates->gates, i))
            g_ptr_array_remove_index_fast(gates->gates, i);
}

/* Replies that are told may bring about that gates come and go, and that another walk begins. Gates that come are not
 * walked to. */
static void
walk(ReplyBarriers *gates, void (*func)(ReplyBarrier *gate, guint64 question), guint64 question)
{
    guint n = gates->gates->len;

    g_rc_box_acquire(gates);
    gates->walks++;
    for (guint i = 0; i < n && !gates->freed; i++)
        if (g_ptr_array_index(gates->gates, i))
            func(g_ptr_array_index(gates->gates, i), question);
    if (--gates->walks == 0)
        sweep(gates);
    g_rc_box_release_full(gates, clear);
}

void
reply_barriers_open(ReplyBarriers *gates, guint64 question)
{
    walk(gates, reply_barrier_open, question);
}

void
reply_barriers_hold(ReplyBarriers *gates)
{
    gates->holding = TRUE;
    for (guint i = 0; i < gates->gates->len; i++)
        if (g_ptr_array_index(gates->gates, i))
            reply_barrier_hold(g_ptr_array_index(gates->gates, i));
}

static void
release(ReplyBarrier *gate, guint64 unused)
{
    reply_barrier_release(gate);
}

void
reply_barriers_release(ReplyBarriers *gates)
{
    gates->holding = FALSE;
    walk(gates, release, 0);
}
