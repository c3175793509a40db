/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A QMP monitor for one user, beside the control monitor that all of this goes by: plugged into QEMU and unplugged
 * again, or one that QEMU was started with. */
#pragma once

#include "qmp-address.h"
#include "qmp-queue.h"

/* The ways to a monitor of one's own, best first. */
typedef enum QmpMonitorKind {
    QMP_MONITOR_OBJECT, /* `object-add` of a `monitor-qmp` (QEMU 11.1): QEMU removes it when our end is closed */
    QMP_MONITOR_ADD, /* `monitor-add` and `monitor-remove` (the series of 2026 that they were proposed in) */
    QMP_MONITOR_SPARE, /* an address that QEMU listens at */
} QmpMonitorKind;

/* The names of our objects in QEMU begin so. No caller may name them. */
#define QMP_MONITOR_PREFIX "org.qemu.Monitor1-"

/* The name of QEMU's end of a monitor in QEMU until the character device has it: no caller's begins so (filter/fd-names.c), and it is short,
 * as QEMU takes 2.5 us for each byte of it. One name serves all: QEMU closes the descriptor that had the name before (7.2 to
 * 11.1), so that an agent that is killed leaves one at most. */
#define QMP_MONITOR_FD "+"

typedef struct QmpMonitor QmpMonitor;

typedef struct QmpMonitorFuncs {
    /* Once: its client takes commands. */
    void (*on_ready)(QmpMonitor *monitor, gpointer user_data);
    /* As QmpClientFuncs.on_event: every monitor hears all events. */
    void (*on_event)(QmpMonitor *monitor, const QmpEvent *event, gpointer user_data);
    /* Once, as the last call: it could not be had, or its connection has ended. Commands under way have been failed. */
    void (*on_ended)(QmpMonitor *monitor, const GError *error, gpointer user_data);
} QmpMonitorFuncs;

typedef struct QmpMonitorPlan {
    QmpMonitorKind kind;
    GMainContext *context;
    QmpQueue *control; /* weak: may go before the monitor does; not for a spare */
    QmpEnding *ending; /* a monitor is negotiated on, and a spare connected to, once QEMU does not end; NULL: not known */
    int guarded_fd; /* weak; the control monitor's socket, where QEMU is sure to take the monitor, or else nobody would ever
                     * get at the control monitor again after the death of the agent; -1: the plug is not guarded */
    const char *id; /* of the monitor and its character device: QMP_MONITOR_PREFIX and something unique */
    const QmpAddress *address; /* of a spare */
    QmpClientLimits limits;
} QmpMonitorPlan;

/* Nothing of @plan is kept but the context, the control queue and the ending. No callback comes from inside. Fails with
 * QMP_ERROR_LIMIT for want of descriptors, with QMP_ERROR_DISCONNECTED where the control monitor has ended. */
QmpMonitor *qmp_monitor_new(const QmpMonitorPlan *plan, const QmpMonitorFuncs *funcs, gpointer user_data,
                            GError **error);

/* No callback comes any more; commands under way must have been cancelled. A sequence that was sent is
 * brought to its end and undone, by the control monitor, and QEMU's output is read meanwhile. A spare is closed: QEMU
 * listens again. */
void qmp_monitor_free(QmpMonitor *monitor);

/* The same where the control monitor is about to go: commands under way are failed, and the connection is closed at once,
 * which is all that QMP_MONITOR_OBJECT needs once it is plugged. A monitor that is only half plugged, and of
 * QMP_MONITOR_ADD the commands that do not go out any more, stay for started_monitors_remove_left_over(). */
void qmp_monitor_free_at_once(QmpMonitor *monitor);

/* Borrowed; NULL before on_ready. */
QmpClient *qmp_monitor_get_client(QmpMonitor *monitor);
