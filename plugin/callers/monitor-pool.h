/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ways to QEMU that a VM has for its callers: a monitor for each as long as there is room, and one for the others. */
#pragma once

#include "caller-monitor.h"
#include "vm.h"

typedef struct MonitorPool MonitorPool;
typedef struct PooledMonitor PooledMonitor;

typedef struct MonitorPoolLimits {
    guint64 idle_timeout; /* us without a command after which a monitor is given back */
    guint max_monitors; /* in one QEMU: each slows down every command of the VM by 20 us */
    gsize max_reply; /* bytes */
} MonitorPoolLimits;

/* The mode has become another: QEMU takes no monitor, or does after all. */
typedef void (*MonitorPoolModeFunc)(gpointer user_data);

/* Borrows @vm, which is up and must outlive it. */
MonitorPool *monitor_pool_new(GMainContext *context, Vm *vm, const MonitorPoolLimits *limits, MonitorPoolModeFunc func,
                              gpointer user_data);

/* The limits hold from now on, and what has been idle for too long by them goes. The cap on a reply is that of monitors that are
 * made from now on. */
void monitor_pool_set_limits(MonitorPool *pool, const MonitorPoolLimits *limits);

/* No lease comes any more, and nobody is told of the mode: a monitor that is given back goes for good. */
void monitor_pool_leave(MonitorPool *pool);

/* The VM is going: all commands must have been cancelled. */
void monitor_pool_free(MonitorPool *pool);

/* How many monitors there may be at a time. */
guint monitor_pool_get_max(MonitorPool *pool);

/* How callers get at QEMU: "hotplug", "monitor-add", "spare" or "shared". */
const char *monitor_pool_get_mode(MonitorPool *pool);

/* Whether QEMU says that it knows monitors as objects. Before it is known, its version stands for it. */
void monitor_pool_set_can_hotplug(MonitorPool *pool, gboolean can_hotplug);

/* A caller's share in the pool, zero at first, in memory of the caller's. The last three are kept by the caller: with any of
 * them set, the monitor stays theirs. */
typedef struct MonitorLease {
    PooledMonitor *pooled; /* weak; NULL: no monitor, or none any more */
    GList link; /* in the monitor's leases */
    gint64 since; /* us since the epoch */
    guint pending; /* commands under way */
    gboolean has_names; /* the caller has named descriptors in the monitor */
    gboolean is_holding; /* the caller wants the monitor until monitor_lease_give_back() */
} MonitorLease;

/* Sees to it that @lease has a monitor. Fails with QMP_ERROR_LIMIT or _PROTOCOL where none is left for a caller that must have
 * one of their own. */
gboolean monitor_pool_find(MonitorPool *pool, MonitorLease *lease, GError **error);

/* @lease has nothing under way any more, for the time being. */
void monitor_lease_note_idle(MonitorLease *lease);

/* @lease has nothing under way, and no use for its monitor any more. */
void monitor_lease_give_back(MonitorLease *lease);

/* Where a command goes. */
CallerMonitor *pooled_monitor_get_monitor(PooledMonitor *pooled, QmpExecuteFlags flags);

const char *pooled_monitor_get_id(PooledMonitor *pooled); /* of the monitor */
const char *pooled_monitor_get_mode(PooledMonitor *pooled);
