/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A way to QEMU: a monitor of its own (plugged in, or a spare), or a share in the control monitor; and the queue of
 * commands before it, which is there before the monitor is. Knows no callers. */
#pragma once

#include "qemu-connection.h"
#include "qmp-monitor.h"

typedef struct CallerMonitor CallerMonitor;

typedef struct CallerMonitorFuncs {
    /* Once, before or after it was ready: there is no monitor any more. Commands under way and commands that waited
     * have been failed, unless @was_ready is FALSE: then commands still wait, for caller_monitor_use_control() or
     * caller_monitor_free(). */
    void (*on_ended)(CallerMonitor *caller_monitor, gboolean was_ready, const GError *error, gpointer user_data);
} CallerMonitorFuncs;

/* A share in the control monitor of @qemu, which must outlive all its users. */
CallerMonitor *caller_monitor_new_on_control(QemuConnection *qemu);

/* With a monitor of its own, as @plan says. NULL where not even a beginning can be made. */
CallerMonitor *caller_monitor_new(QemuConnection *qemu, const QmpMonitorPlan *plan, const CallerMonitorFuncs *funcs,
                                  gpointer user_data, GError **error);

/* From now on it is a share in the control monitor. Only inside on_ended with !was_ready. */
void caller_monitor_use_control(CallerMonitor *caller_monitor);

/* Fails the commands that wait. */
void caller_monitor_fail_waiting(CallerMonitor *caller_monitor, const GError *error);

/* All its commands must have been answered or cancelled. The monitor is unplugged. */
void caller_monitor_free(CallerMonitor *caller_monitor);

/* The same where the VM is going, and its control monitor with it. */
void caller_monitor_free_at_once(CallerMonitor *caller_monitor);

/* Where commands go: the monitor's own queue, or the control monitor's. */
QmpQueue *caller_monitor_get_queue(CallerMonitor *caller_monitor);

/* The monitor's id in QEMU, or the spare's address; "control" for the control monitor. */
const char *caller_monitor_get_id(CallerMonitor *caller_monitor);
gboolean caller_monitor_is_on_control(CallerMonitor *caller_monitor);

/* Whether commands go to QEMU, or wait for the monitor. */
gboolean caller_monitor_is_ready(CallerMonitor *caller_monitor);

/* Whether some text of a command has not gone out yet, as QEMU does not read. */
gboolean caller_monitor_is_behind(CallerMonitor *caller_monitor);
