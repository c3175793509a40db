/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "caller-monitor.h"

struct CallerMonitor {
    QemuConnection *qemu; /* weak */
    CallerMonitorFuncs funcs;
    gpointer user_data;
    char *id; /* owned */
    QmpMonitor *monitor; /* owned; NULL: on the control monitor, or ended */
    QmpQueue *own_queue; /* owned; NULL: on the control monitor */
    QmpClient *witness; /* weak; the monitor's, while it is ready */
    gboolean was_ready;
};

static void
remove_witness(CallerMonitor *caller_monitor)
{
    if (caller_monitor->witness)
        qemu_connection_remove_witness(caller_monitor->qemu, g_steal_pointer(&caller_monitor->witness));
}

static void
on_monitor_ready(QmpMonitor *monitor, gpointer user_data)
{
    CallerMonitor *caller_monitor = user_data;

    caller_monitor->was_ready = TRUE;
    caller_monitor->witness = qmp_monitor_get_client(monitor);
    qemu_connection_add_witness(caller_monitor->qemu, caller_monitor->witness);
    qmp_queue_set_client(caller_monitor->own_queue, caller_monitor->witness);
}

/* Every monitor hears every event; here an event tells no more than that QEMU ends, or that the replies after it must wait: not those
 * of a QEMU that ends, which is asked nothing. */
static void
on_monitor_event(QmpMonitor *monitor, const QmpEvent *event, gpointer user_data)
{
    CallerMonitor *caller_monitor = user_data;
    QmpEnding *ending = qemu_connection_get_ending(caller_monitor->qemu);

    qmp_ending_note_event(ending, event);
    if (qmp_queue_is_busy(caller_monitor->own_queue) && !qmp_ending_is_under_way(ending))
        qemu_connection_catch_up(caller_monitor->qemu, caller_monitor->own_queue);
}

static void
on_monitor_closed(QmpMonitor *monitor, const GError *error, gpointer user_data)
{
    CallerMonitor *caller_monitor = user_data;

    remove_witness(caller_monitor);
    if (caller_monitor->was_ready)
        qmp_queue_fail_waiting(caller_monitor->own_queue, error);
    caller_monitor->funcs.on_ended(caller_monitor, caller_monitor->was_ready, error, caller_monitor->user_data);
}

static CallerMonitor *
new_caller_monitor(QemuConnection *qemu, const char *id)
{
    CallerMonitor *caller_monitor = g_new0(CallerMonitor, 1);

    caller_monitor->qemu = qemu;
    caller_monitor->id = g_strdup(id);
    return caller_monitor;
}

CallerMonitor *
caller_monitor_new_on_control(QemuConnection *qemu)
{
    return new_caller_monitor(qemu, "control");
}

CallerMonitor *
caller_monitor_new(QemuConnection *qemu, const QmpMonitorPlan *plan, const CallerMonitorFuncs *funcs,
                   gpointer user_data, GError **error)
{
    static const QmpMonitorFuncs monitor_funcs = { on_monitor_ready, on_monitor_event, on_monitor_closed };
    CallerMonitor *caller_monitor = new_caller_monitor(qemu, plan->address ? plan->address->text : plan->id);

    caller_monitor->own_queue =
        qmp_queue_new(/* client= */ NULL, qemu_connection_get_ending(qemu), qemu_connection_get_barrier(qemu));
    caller_monitor->funcs = *funcs;
    caller_monitor->user_data = user_data;
    caller_monitor->monitor = qmp_monitor_new(plan, &monitor_funcs, caller_monitor, error);
    if (!caller_monitor->monitor)
        g_clear_pointer(&caller_monitor, caller_monitor_free);
    return caller_monitor;
}

void
caller_monitor_use_control(CallerMonitor *caller_monitor)
{
    QmpQueue *control = qemu_connection_get_control(caller_monitor->qemu);

    qmp_queue_hand_over(caller_monitor->own_queue, control);
    g_clear_pointer(&caller_monitor->own_queue, qmp_queue_free);
    g_clear_pointer(&caller_monitor->monitor, qmp_monitor_free);
    g_free(caller_monitor->id);
    caller_monitor->id = g_strdup("control");
}

static void
free_caller_monitor(CallerMonitor *caller_monitor)
{
    g_clear_pointer(&caller_monitor->own_queue, qmp_queue_free);
    g_free(caller_monitor->id);
    g_free(caller_monitor);
}

void
caller_monitor_free(CallerMonitor *caller_monitor)
{
    remove_witness(caller_monitor);
    g_clear_pointer(&caller_monitor->monitor, qmp_monitor_free);
    free_caller_monitor(caller_monitor);
}

void
caller_monitor_fail_waiting(CallerMonitor *caller_monitor, const GError *error)
{
    if (caller_monitor->own_queue)
        qmp_queue_fail_waiting(caller_monitor->own_queue, error);
}

void
caller_monitor_free_at_once(CallerMonitor *caller_monitor)
{
    remove_witness(caller_monitor);
    g_clear_pointer(&caller_monitor->monitor, qmp_monitor_free_at_once);
    free_caller_monitor(caller_monitor);
}

QmpQueue *
caller_monitor_get_queue(CallerMonitor *caller_monitor)
{
    return caller_monitor->own_queue ? caller_monitor->own_queue : qemu_connection_get_control(caller_monitor->qemu);
}

gboolean
caller_monitor_is_on_control(CallerMonitor *caller_monitor)
{
    return !caller_monitor->own_queue;
}

gboolean
caller_monitor_is_ready(CallerMonitor *caller_monitor)
{
    return caller_monitor->was_ready || caller_monitor_is_on_control(caller_monitor);
}

gboolean
caller_monitor_is_behind(CallerMonitor *caller_monitor)
{
    QmpClient *client =
        caller_monitor->own_queue ? caller_monitor->witness : qemu_connection_get_client(caller_monitor->qemu);

    return client && qmp_client_get_outgoing_size(client) > 0;
}

const char *
caller_monitor_get_id(CallerMonitor *caller_monitor)
{
    return caller_monitor->id;
}
