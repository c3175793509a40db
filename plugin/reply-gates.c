/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reply-gates.h"

struct ReplyGates {
    GPtrArray *gates; /* owned, of ReplyGate, weak; NULL: removed during a walk */
    guint walks; /* under way, during which no gate changes its place */
    gboolean holding;
    gboolean freed;
};

ReplyGates *
reply_gates_new(void)
{
    ReplyGates *gates = g_rc_box_new0(ReplyGates);

    gates->gates = g_ptr_array_new();
    return gates;
}

static void
clear(gpointer data)
{
    g_ptr_array_unref(((ReplyGates *)data)->gates);
}

void
reply_gates_free(ReplyGates *gates)
{
    gates->freed = TRUE;
    g_rc_box_release_full(gates, clear);
}

void
reply_gates_add(ReplyGates *gates, ReplyGate *gate)
{
    g_ptr_array_add(gates->gates, gate);
    if (gates->holding)
        reply_gate_hold(gate);
}

void
reply_gates_remove(ReplyGates *gates, ReplyGate *gate)
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
reply_gates_shut(ReplyGates *gates, guint64 question)
{
    for (guint i = 0; i < gates->gates->len; i++)
        if (g_ptr_array_index(gates->gates, i))
            reply_gate_shut(g_ptr_array_index(gates->gates, i), question);
}

void
reply_gates_delay(ReplyGates *gates, guint64 question)
{
    for (guint i = 0; i < gates->gates->len; i++)
        if (g_ptr_array_index(gates->gates, i))
            reply_gate_delay(g_ptr_array_index(gates->gates, i), question);
}

static void
sweep(ReplyGates *gates)
{
    for (guint i = gates->gates->len; i-- > 0;)
        if (!g_ptr_array_index(gates->gates, i))
            g_ptr_array_remove_index_fast(gates->gates, i);
}

/* Replies that are told may bring about that gates come and go, and that another walk begins. Gates that come are not
 * walked to. */
static void
walk(ReplyGates *gates, void (*func)(ReplyGate *gate, guint64 question), guint64 question)
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
reply_gates_open(ReplyGates *gates, guint64 question)
{
    walk(gates, reply_gate_open, question);
}

void
reply_gates_hold(ReplyGates *gates)
{
    gates->holding = TRUE;
    for (guint i = 0; i < gates->gates->len; i++)
        if (g_ptr_array_index(gates->gates, i))
            reply_gate_hold(g_ptr_array_index(gates->gates, i));
}

static void
release(ReplyGate *gate, guint64 unused)
{
    reply_gate_release(gate);
}

void
reply_gates_release(ReplyGates *gates)
{
    gates->holding = FALSE;
    walk(gates, release, 0);
}
