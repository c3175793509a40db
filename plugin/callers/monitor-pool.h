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

/* No user comes any more, and nobody is told of the mode: what those who are there give back goes for good. */
void monitor_pool_leave(MonitorPool *pool);

/* The VM is going: all commands must have been cancelled. */
void monitor_pool_free(MonitorPool *pool);

/* How callers get at QEMU: "hotplug", "monitor-add", "spare" or "shared". */
const char *monitor_pool_get_mode(MonitorPool *pool);

/* Whether QEMU says that it knows monitors as objects. Before it is known, its version stands for it. */
void monitor_pool_set_can_hotplug(MonitorPool *pool, gboolean can_hotplug);

/* Somebody who has a place, or not. Its memory is theirs, zero at first. */
typedef struct MonitorLease {
    PooledMonitor *place; /* weak; NULL: none, or none any more */
    GList link; /* in the place's users */
    gint64 since; /* us since the epoch */
    guint pending; /* kept by the user: commands under way; with any, the place stays theirs */
    gboolean has_names; /* kept by the user: has named descriptors in it; likewise */
    gboolean is_holding; /* kept by the user: wants it for as long as they are there; likewise */
} MonitorLease;

/* Sees to it that @user has a place. Fails with QMP_ERROR_LIMIT or _PROTOCOL where there is none for somebody who must have
 * one of their own. */
gboolean monitor_pool_find(MonitorPool *pool, MonitorLease *user, GError **error);

/* @user has nothing under way in it any more, for the time being. */
void monitor_lease_note_idle(MonitorLease *user);

/* @user has no use for it any more, and nothing under way. */
void monitor_lease_give_back(MonitorLease *user);

/* Where a command goes. */
CallerMonitor *pooled_monitor_get_monitor(PooledMonitor *place, QmpExecuteFlags flags);

const char *pooled_monitor_get_id(PooledMonitor *place); /* of the monitor */
const char *pooled_monitor_get_mode(PooledMonitor *place);
