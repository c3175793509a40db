/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "reply-gates.h"

struct ReplyGates {
    GPtrArray *gates; /* owned, of ReplyGate, weak */
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
    g_ptr_array_remove(gates->gates, gate);
}

void
reply_gates_shut(ReplyGates *gates, guint64 question)
{
    for (guint i = 0; i < gates->gates->len; i++)
        reply_gate_shut(g_ptr_array_index(gates->gates, i), question);
}

/* Replies that are told may bring about that gates come and go. */
void
reply_gates_open(ReplyGates *gates, guint64 question)
{
    g_rc_box_acquire(gates);
    for (guint i = gates->gates->len; i-- > 0 && !gates->freed;)
        if (i < gates->gates->len)
            reply_gate_open(g_ptr_array_index(gates->gates, i), question);
    g_rc_box_release_full(gates, clear);
}

void
reply_gates_hold(ReplyGates *gates)
{
    gates->holding = TRUE;
    for (guint i = 0; i < gates->gates->len; i++)
        reply_gate_hold(g_ptr_array_index(gates->gates, i));
}

void
reply_gates_release(ReplyGates *gates)
{
    gates->holding = FALSE;
    g_rc_box_acquire(gates);
    for (guint i = gates->gates->len; i-- > 0 && !gates->freed;)
        if (i < gates->gates->len)
            reply_gate_release(g_ptr_array_index(gates->gates, i));
    g_rc_box_release_full(gates, clear);
}
