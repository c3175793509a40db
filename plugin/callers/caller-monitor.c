/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caller-monitor.h"

struct CallerMonitor {
    QemuConnection *qemu; /* weak */
    CallerMonitorFuncs funcs;
    gpointer user_data;
    char *id; /* owned */
    QmpMonitor *monitor; /* owned; NULL: on the control monitor, or ended */
    QmpQueue *own_queue; /* owned; NULL: on the control monitor */
    ReplyBarrier *gate; /* owned */
    QmpClient *witness; /* weak; the monitor's, while it is ready */
    gboolean was_ready;
};

static void
remove_witness(CallerMonitor *slot)
{
    if (slot->witness)
        qemu_connection_remove_witness(slot->qemu, g_steal_pointer(&slot->witness));
}

static void
on_ready(QmpMonitor *monitor, gpointer user_data)
{
    CallerMonitor *slot = user_data;

    slot->was_ready = TRUE;
    slot->witness = qmp_monitor_get_client(monitor);
    qemu_connection_add_witness(slot->qemu, slot->witness);
    qmp_queue_set_client(slot->own_queue, slot->witness);
}

/* Every monitor hears every event; here it only tells that the replies after it must wait. */
static void
on_event(QmpMonitor *monitor, const QmpEvent *event, gpointer user_data)
{
    CallerMonitor *slot = user_data;

    if (qmp_queue_is_busy(slot->own_queue))
        qemu_connection_catch_up(slot->qemu, slot->gate);
}

static void
on_ended(QmpMonitor *monitor, const GError *error, gpointer user_data)
{
    CallerMonitor *slot = user_data;

    remove_witness(slot);
    if (slot->was_ready)
        qmp_queue_fail_waiting(slot->own_queue, error);
    slot->funcs.on_ended(slot, slot->was_ready, error, slot->user_data);
}

static CallerMonitor *
new_slot(QemuConnection *qemu, const char *id, QmpQueue *queue)
{
    CallerMonitor *slot = g_new0(CallerMonitor, 1);

    slot->qemu = qemu;
    slot->id = g_strdup(id);
    slot->gate = reply_barrier_new(queue);
    reply_barriers_add(qemu_connection_get_gates(qemu), slot->gate);
    return slot;
}

CallerMonitor *
caller_monitor_new_on_control(QemuConnection *qemu)
{
    return new_slot(qemu, "control", qemu_connection_get_control(qemu));
}

CallerMonitor *
caller_monitor_new(QemuConnection *qemu, const QmpMonitorPlan *plan, const CallerMonitorFuncs *funcs,
                   gpointer user_data, GError **error)
{
    static const QmpMonitorFuncs monitor_funcs = { on_ready, on_event, on_ended };
    QmpQueue *queue = qmp_queue_new(/* client= */ NULL, &(QmpQueueLimits){ 0 });
    CallerMonitor *slot = new_slot(qemu, plan->address ? plan->address->text : plan->id, queue);

    slot->own_queue = queue;
    slot->funcs = *funcs;
    slot->user_data = user_data;
    slot->monitor = qmp_monitor_new(plan, &monitor_funcs, slot, error);
    if (!slot->monitor)
        g_clear_pointer(&slot, caller_monitor_free);
    return slot;
}

void
caller_monitor_use_control(CallerMonitor *slot)
{
    QmpQueue *control = qemu_connection_get_control(slot->qemu);

    reply_barrier_set_queue(slot->gate, control);
    qmp_queue_hand_over(slot->own_queue, control);
    g_clear_pointer(&slot->own_queue, qmp_queue_free);
    g_clear_pointer(&slot->monitor, qmp_monitor_free);
    g_free(slot->id);
    slot->id = g_strdup("control");
}

static void
free_rest(CallerMonitor *slot)
{
    g_clear_pointer(&slot->own_queue, qmp_queue_free);
    reply_barriers_remove(qemu_connection_get_gates(slot->qemu), slot->gate);
    reply_barrier_free(slot->gate);
    g_free(slot->id);
    g_free(slot);
}

void
caller_monitor_free(CallerMonitor *slot)
{
    remove_witness(slot);
    g_clear_pointer(&slot->monitor, qmp_monitor_free);
    free_rest(slot);
}

void
caller_monitor_fail_waiting(CallerMonitor *slot, const GError *error)
{
    if (slot->own_queue)
        qmp_queue_fail_waiting(slot->own_queue, error);
}

void
caller_monitor_free_at_once(CallerMonitor *slot)
{
    remove_witness(slot);
    g_clear_pointer(&slot->monitor, qmp_monitor_free_at_once);
    free_rest(slot);
}

ReplyTicket *
caller_monitor_submit(CallerMonitor *slot, const char *caller, const QmpCommand *command, QmpReplyFunc func,
                      gpointer user_data, GError **error)
{
    ReplyTicket *ticket = reply_barrier_submit(slot->gate, caller, command, func, user_data, error);

    qemu_connection_look(slot->qemu);
    return ticket;
}

gboolean
caller_monitor_is_on_control(CallerMonitor *slot)
{
    return !slot->own_queue;
}

gboolean
caller_monitor_is_ready(CallerMonitor *slot)
{
    return slot->was_ready || caller_monitor_is_on_control(slot);
}

const char *
caller_monitor_get_id(CallerMonitor *slot)
{
    return slot->id;
}
