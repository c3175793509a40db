/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "slot.h"

struct Slot {
    Qemu *qemu; /* weak */
    SlotFuncs funcs;
    gpointer user_data;
    char *id; /* owned */
    QmpMonitor *monitor; /* owned; NULL: on the control monitor, or ended */
    QmpQueue *own_queue; /* owned; NULL: on the control monitor */
    ReplyGate *gate; /* owned */
    QmpClient *witness; /* weak; the monitor's, while it is ready */
    gboolean was_ready;
};

static void
remove_witness(Slot *slot)
{
    if (slot->witness)
        qemu_remove_witness(slot->qemu, g_steal_pointer(&slot->witness));
}

static void
on_ready(QmpMonitor *monitor, gpointer user_data)
{
    Slot *slot = user_data;

    slot->was_ready = TRUE;
    slot->witness = qmp_monitor_get_client(monitor);
    qemu_add_witness(slot->qemu, slot->witness);
    qmp_queue_set_client(slot->own_queue, slot->witness);
}

/* Every monitor hears every event; here it only tells that the replies after it must wait. */
static void
on_event(QmpMonitor *monitor, const QmpEvent *event, gpointer user_data)
{
    Slot *slot = user_data;

    if (qmp_queue_is_busy(slot->own_queue))
        qemu_catch_up(slot->qemu, slot->gate);
}

static void
on_ended(QmpMonitor *monitor, const GError *error, gpointer user_data)
{
    Slot *slot = user_data;

    remove_witness(slot);
    if (slot->was_ready)
        qmp_queue_fail_waiting(slot->own_queue, error);
    slot->funcs.on_ended(slot, slot->was_ready, error, slot->user_data);
}

static Slot *
new_slot(Qemu *qemu, const char *id, QmpQueue *queue)
{
    Slot *slot = g_new0(Slot, 1);

    slot->qemu = qemu;
    slot->id = g_strdup(id);
    slot->gate = reply_gate_new(queue);
    reply_gates_add(qemu_get_gates(qemu), slot->gate);
    return slot;
}

Slot *
slot_new_on_control(Qemu *qemu)
{
    return new_slot(qemu, "control", qemu_get_control(qemu));
}

Slot *
slot_new(Qemu *qemu, const QmpMonitorPlan *plan, const SlotFuncs *funcs, gpointer user_data, GError **error)
{
    static const QmpMonitorFuncs monitor_funcs = { on_ready, on_event, on_ended };
    QmpQueue *queue = qmp_queue_new(/* client= */ NULL, &(QmpQueueLimits){ 0 });
    Slot *slot = new_slot(qemu, plan->address ? plan->address->text : plan->id, queue);

    slot->own_queue = queue;
    slot->funcs = *funcs;
    slot->user_data = user_data;
    slot->monitor = qmp_monitor_new(plan, &monitor_funcs, slot, error);
    if (!slot->monitor)
        g_clear_pointer(&slot, slot_free);
    return slot;
}

void
slot_use_control(Slot *slot)
{
    QmpQueue *control = qemu_get_control(slot->qemu);

    reply_gate_set_queue(slot->gate, control);
    qmp_queue_hand_over(slot->own_queue, control);
    g_clear_pointer(&slot->own_queue, qmp_queue_free);
    g_clear_pointer(&slot->monitor, qmp_monitor_free);
    g_free(slot->id);
    slot->id = g_strdup("control");
}

static void
free_rest(Slot *slot)
{
    g_clear_pointer(&slot->own_queue, qmp_queue_free);
    reply_gates_remove(qemu_get_gates(slot->qemu), slot->gate);
    reply_gate_free(slot->gate);
    g_free(slot->id);
    g_free(slot);
}

void
slot_free(Slot *slot)
{
    remove_witness(slot);
    g_clear_pointer(&slot->monitor, qmp_monitor_free);
    free_rest(slot);
}

void
slot_fail_waiting(Slot *slot, const GError *error)
{
    if (slot->own_queue)
        qmp_queue_fail_waiting(slot->own_queue, error);
}

void
slot_free_at_once(Slot *slot)
{
    remove_witness(slot);
    g_clear_pointer(&slot->monitor, qmp_monitor_free_at_once);
    free_rest(slot);
}

ReplyTicket *
slot_submit(Slot *slot, const char *caller, const QmpCommand *command, QmpReplyFunc func, gpointer user_data,
            GError **error)
{
    ReplyTicket *ticket = reply_gate_submit(slot->gate, caller, command, func, user_data, error);

    qemu_look(slot->qemu);
    return ticket;
}

gboolean
slot_is_on_control(Slot *slot)
{
    return !slot->own_queue;
}

gboolean
slot_is_ready(Slot *slot)
{
    return slot->was_ready || slot_is_on_control(slot);
}

const char *
slot_get_id(Slot *slot)
{
    return slot->id;
}
