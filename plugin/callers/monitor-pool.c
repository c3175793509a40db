/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Each monitor of the pool but one is for one caller. The last is common to all callers that find no other, unless the VM is
 * never to be shared; in mode `shared` the common one is the control monitor.
 *
 * The life of a pooled monitor: monitor_pool_find() makes it, or takes the place of the one that was not used for the
 * longest time; on_monitor_ended(), where QEMU takes no monitor, or the monitor ends; on_idle_time(), when nobody has used
 * it for a while. */
#include "monitor-pool.h"

#include "timer.h"

typedef enum Mode {
    MODE_HOTPLUG = QMP_MONITOR_OBJECT,
    MODE_MONITOR_ADD = QMP_MONITOR_ADD,
    MODE_SPARE = QMP_MONITOR_SPARE,
    MODE_SHARED,
} Mode;

static const char *const names[] = {
    [MODE_HOTPLUG] = "hotplug",
    [MODE_MONITOR_ADD] = "monitor-add",
    [MODE_SPARE] = "spare",
    [MODE_SHARED] = "shared",
};

struct MonitorPool {
    GMainContext *context; /* ref */
    Vm *vm; /* weak */
    MonitorPoolLimits limits;
    MonitorPoolModeFunc func;
    gpointer user_data;
    Mode mode;
    gboolean can_hotplug; /* as far as is known */
    gboolean is_sure; /* QEMU's schema says that it can */
    GPtrArray *all; /* owned, of PooledMonitor */
    PooledMonitor *common; /* weak; one of them */
    CallerMonitor *urgent; /* owned; a share in the control monitor */
    GSource *idle_timer; /* owned */
    gboolean is_leaving;
};

struct PooledMonitor {
    MonitorPool *pool; /* weak */
    CallerMonitor *caller_monitor; /* owned */
    Mode mode; /* the pool that the lease was made in */
    const QmpAddress *spare; /* weak; the VM's */
    GQueue leases; /* of MonitorLease, by their links */
    gint64 used; /* monotonic us */
    gboolean is_common;
};

static gboolean
offers_mode(MonitorPool *pool, Mode mode)
{
    QemuConnection *qemu = vm_get_qemu(pool->vm);

    switch (mode) {
    case MODE_HOTPLUG:
        return pool->can_hotplug;
    case MODE_MONITOR_ADD:
        return qemu_connection_has_monitor_add(qemu);
    case MODE_SPARE:
        return vm_get_spec(pool->vm)->spares->len > 0;
    case MODE_SHARED:
        return TRUE;
    }
    g_return_val_if_reached(FALSE);
}

/* The best that it offers, from @from on. */
static void
set_mode(MonitorPool *pool, Mode from)
{
    Mode before = pool->mode;

    pool->mode = from;
    while (!offers_mode(pool, pool->mode))
        pool->mode++;
    if (pool->mode != before && pool->func)
        pool->func(pool->user_data);
}

static gboolean
is_idle(PooledMonitor *pooled)
{
    for (GList *i = pooled->leases.head; i; i = i->next) {
        MonitorLease *lease = i->data;
        if (lease->pending > 0 || lease->has_names || lease->is_holding)
            return FALSE;
    }
    return TRUE;
}

static void
leave_pooled(MonitorLease *lease)
{
    g_queue_unlink(&lease->pooled->leases, &lease->link);
    lease->pooled = NULL;
    lease->has_names = FALSE;
}

/* Its commands must have been answered. */
static void
free_pooled(PooledMonitor *pooled)
{
    MonitorPool *pool = pooled->pool;

    while (pooled->leases.head)
        leave_pooled(pooled->leases.head->data);
    if (pool->common == pooled)
        pool->common = NULL;
    g_ptr_array_remove_fast(pool->all, pooled);
    caller_monitor_free(pooled->caller_monitor);
    g_free(pooled);
}

/* QEMU lets the agent plug none of this kind: nobody need try again. */
static gboolean
is_refusal(Mode mode, const GError *error)
{
    return (mode == MODE_HOTPLUG || mode == MODE_MONITOR_ADD) && error->code == QMP_ERROR_PROTOCOL;
}

static void
on_monitor_ended(CallerMonitor *caller_monitor, gboolean was_ready, const GError *error, gpointer user_data)
{
    PooledMonitor *pooled = user_data;
    MonitorPool *pool = pooled->pool;

    if (!was_ready && pooled->mode == pool->mode && is_refusal(pooled->mode, error))
        set_mode(pool, pool->mode + 1);
    if (!was_ready && !vm_requires_isolation(pool->vm)) {
        caller_monitor_use_control(caller_monitor);
        pooled->spare = NULL;
        return;
    }
    caller_monitor_fail_waiting(caller_monitor, error);
    free_pooled(pooled);
}

static const QmpAddress *
find_spare(MonitorPool *pool)
{
    GPtrArray *spares = vm_get_spec(pool->vm)->spares;

    for (guint i = 0; i < spares->len; i++) {
        const QmpAddress *spare = g_ptr_array_index(spares, i);
        gboolean is_taken = FALSE;
        for (guint j = 0; j < pool->all->len; j++)
            is_taken |= ((PooledMonitor *)g_ptr_array_index(pool->all, j))->spare == spare;
        if (!is_taken)
            return spare;
    }
    return NULL;
}

/* -1: QEMU may refuse a step. Before its machine is there (`preconfig`) it refuses most commands. */
static int
get_guarded_fd(MonitorPool *pool, Mode mode)
{
    QemuConnection *qemu = vm_get_qemu(pool->vm);
    gboolean is_certain = mode == MODE_HOTPLUG && pool->is_sure &&
                          !g_str_equal(qemu_connection_get_status(qemu), "preconfig");

    return is_certain ? qmp_client_get_fd(qemu_connection_get_client(qemu)) : -1;
}

/* The id is random: a name that is taken would have QEMU refuse the plug half way. It is short: QEMU reads it three times, at 2.5 us
 * a byte. */
static CallerMonitor *
new_pooled_caller_monitor(PooledMonitor *pooled, GError **error)
{
    static const CallerMonitorFuncs funcs = { on_monitor_ended };
    MonitorPool *pool = pooled->pool;
    QemuConnection *qemu = vm_get_qemu(pool->vm);
    g_autofree char *id = g_strdup_printf(QMP_MONITOR_PREFIX "%x", g_random_int());
    QmpMonitorPlan plan = {
        .kind = (QmpMonitorKind)pooled->mode,
        .context = pool->context,
        .control = qemu_connection_get_control(qemu),
        .ending = qemu_connection_get_ending(qemu),
        .guarded_fd = get_guarded_fd(pool, pooled->mode),
        .id = id,
        .address = pooled->spare,
        .limits = { .max_reply = pool->limits.max_reply },
    };

    return caller_monitor_new(qemu, &plan, &funcs, pooled, error);
}

/* @mode: MODE_SHARED: a share in the control monitor. */
static PooledMonitor *
new_pooled(MonitorPool *pool, Mode mode, gboolean is_common, GError **error)
{
    const QmpAddress *spare = mode == MODE_SPARE ? find_spare(pool) : NULL;
    PooledMonitor *pooled;

    if (mode == MODE_SPARE && !spare) {
        g_set_error_literal(error, QMP_ERROR, QMP_ERROR_LIMIT, "All spare monitors are in use");
        return NULL;
    }
    pooled = g_new0(PooledMonitor, 1);
    pooled->pool = pool;
    pooled->mode = mode;
    pooled->is_common = is_common;
    pooled->spare = spare;
    pooled->caller_monitor = mode == MODE_SHARED ? caller_monitor_new_on_control(vm_get_qemu(pool->vm))
                                                 : new_pooled_caller_monitor(pooled, error);
    if (!pooled->caller_monitor) {
        g_free(pooled);
        return NULL;
    }
    g_ptr_array_add(pool->all, pooled);
    return pooled;
}

/* The one whose caller has been idle for the longest time. */
static PooledMonitor *
find_idle(MonitorPool *pool)
{
    PooledMonitor *found = NULL;

    for (guint i = 0; i < pool->all->len; i++) {
        PooledMonitor *pooled = g_ptr_array_index(pool->all, i);
        if (!pooled->is_common && !caller_monitor_is_on_control(pooled->caller_monitor) && is_idle(pooled) &&
            (!found || pooled->used < found->used))
            found = pooled;
    }
    return found;
}

static guint
count_own(MonitorPool *pool)
{
    guint n = 0;

    for (guint i = 0; i < pool->all->len; i++) {
        PooledMonitor *pooled = g_ptr_array_index(pool->all, i);
        n += !pooled->is_common && !caller_monitor_is_on_control(pooled->caller_monitor);
    }
    return n;
}

static PooledMonitor *
get_common(MonitorPool *pool, GError **error)
{
    if (!pool->common)
        pool->common = new_pooled(pool, pool->mode, /* is_common= */ TRUE, error);
    return pool->common;
}

guint
monitor_pool_get_max(MonitorPool *pool)
{
    return pool->mode == MODE_SPARE ? vm_get_spec(pool->vm)->spares->len : pool->limits.max_monitors;
}

static PooledMonitor *
find_pooled(MonitorPool *pool, GError **error)
{
    gboolean is_required = vm_requires_isolation(pool->vm);
    guint n = monitor_pool_get_max(pool);
    PooledMonitor *idle;

    if (pool->mode == MODE_SHARED && is_required) {
        g_set_error(error, QMP_ERROR, QMP_ERROR_PROTOCOL,
                    "Each caller must have a monitor of their own, and this QEMU has none to give");
        return NULL;
    }
    if (pool->mode == MODE_SHARED)
        return get_common(pool, error);
    if (count_own(pool) >= n - !is_required && (idle = find_idle(pool)))
        free_pooled(idle);
    if (count_own(pool) < n - !is_required)
        return new_pooled(pool, pool->mode, /* is_common= */ FALSE, error);
    if (!is_required)
        return get_common(pool, error);
    g_set_error(error, QMP_ERROR, QMP_ERROR_LIMIT, "All %u monitors of the VM are in use, and none may be shared", n);
    return NULL;
}

static void arm_idle_timer(MonitorPool *pool, guint64 delay);

static gboolean
on_idle_time(gpointer user_data)
{
    MonitorPool *pool = user_data;
    gint64 now = g_get_monotonic_time();
    guint64 timeout = pool->limits.idle_timeout, next = G_MAXUINT64;

    timer_stop(&pool->idle_timer);
    for (guint i = pool->all->len; i-- > 0;) {
        PooledMonitor *pooled = g_ptr_array_index(pool->all, i);
        guint64 idle_for = (guint64)(now - pooled->used);
        if (!is_idle(pooled))
            continue;
        if (idle_for >= timeout)
            free_pooled(pooled);
        else
            next = MIN(next, timeout - idle_for);
    }
    if (next < G_MAXUINT64)
        arm_idle_timer(pool, next);
    return G_SOURCE_REMOVE;
}

static void
arm_idle_timer(MonitorPool *pool, guint64 delay)
{
    if (!pool->idle_timer && pool->all->len > 0)
        pool->idle_timer = timer_start(pool->context, delay, on_idle_time, pool);
}

static void
join_pooled(PooledMonitor *pooled, MonitorLease *lease)
{
    lease->pooled = pooled;
    lease->since = g_get_real_time();
    lease->has_names = FALSE;
    lease->link.data = lease;
    g_queue_push_tail_link(&pooled->leases, &lease->link);
}

gboolean
monitor_pool_find(MonitorPool *pool, MonitorLease *lease, GError **error)
{
    PooledMonitor *pooled = lease->pooled ? lease->pooled : find_pooled(pool, error);

    if (!pooled)
        return FALSE;
    if (!lease->pooled)
        join_pooled(pooled, lease);
    pooled->used = g_get_monotonic_time();
    return TRUE;
}

void
monitor_lease_note_idle(MonitorLease *lease)
{
    if (lease->pending == 0 && !lease->has_names && !lease->is_holding)
        arm_idle_timer(lease->pooled->pool, lease->pooled->pool->limits.idle_timeout);
}

void
monitor_lease_give_back(MonitorLease *lease)
{
    PooledMonitor *pooled = lease->pooled;

    leave_pooled(lease);
    if (!pooled->is_common || (pooled->pool->is_leaving && !pooled->leases.head))
        free_pooled(pooled);
    else if (is_idle(pooled))
        arm_idle_timer(pooled->pool, pooled->pool->limits.idle_timeout);
}

/* While there is no monitor yet an out-of-band command goes by the control monitor: it is for a QEMU that does not get as
 * far as plugging one. */
CallerMonitor *
pooled_monitor_get_monitor(PooledMonitor *pooled, QmpExecuteFlags flags)
{
    MonitorPool *pool = pooled->pool;

    if (!(flags & QMP_EXECUTE_OOB) || caller_monitor_is_ready(pooled->caller_monitor))
        return pooled->caller_monitor;
    if (!pool->urgent)
        pool->urgent = caller_monitor_new_on_control(vm_get_qemu(pool->vm));
    return pool->urgent;
}

const char *
pooled_monitor_get_id(PooledMonitor *pooled)
{
    return caller_monitor_get_id(pooled->caller_monitor);
}

const char *
pooled_monitor_get_mode(PooledMonitor *pooled)
{
    return names[caller_monitor_is_on_control(pooled->caller_monitor) ? MODE_SHARED : pooled->mode];
}

const char *
monitor_pool_get_mode(MonitorPool *pool)
{
    return names[pool->mode];
}

void
monitor_pool_set_can_hotplug(MonitorPool *pool, gboolean can_hotplug)
{
    pool->is_sure = can_hotplug;
    if (pool->can_hotplug == can_hotplug)
        return;
    pool->can_hotplug = can_hotplug;
    set_mode(pool, MODE_HOTPLUG);
}

MonitorPool *
monitor_pool_new(GMainContext *context, Vm *vm, const MonitorPoolLimits *limits, MonitorPoolModeFunc func,
                 gpointer user_data)
{
    MonitorPool *pool = g_new0(MonitorPool, 1);
    QemuConnection *qemu = vm_get_qemu(vm);

    pool->context = g_main_context_ref(context);
    pool->vm = vm;
    pool->limits = *limits;
    pool->all = g_ptr_array_new();
    pool->can_hotplug = qemu_connection_is_at_least(qemu, 11, 1);
    set_mode(pool, MODE_HOTPLUG);
    if (pool->mode == MODE_HOTPLUG || pool->mode == MODE_MONITOR_ADD)
        started_monitors_remove_left_over(qemu_connection_get_started_monitors(qemu), (QmpMonitorKind)pool->mode);
    pool->func = func;
    pool->user_data = user_data;
    return pool;
}

void
monitor_pool_set_limits(MonitorPool *pool, const MonitorPoolLimits *limits)
{
    pool->limits = *limits;
    if (pool->idle_timer)
        on_idle_time(pool);
}

void
monitor_pool_leave(MonitorPool *pool)
{
    pool->func = NULL;
    pool->is_leaving = TRUE;
    if (pool->common && !pool->common->leases.head)
        free_pooled(pool->common);
}

void
monitor_pool_free(MonitorPool *pool)
{
    timer_stop(&pool->idle_timer);
    for (guint i = 0; i < pool->all->len; i++) {
        PooledMonitor *pooled = g_ptr_array_index(pool->all, i);
        while (pooled->leases.head)
            leave_pooled(pooled->leases.head->data);
        caller_monitor_free_at_once(pooled->caller_monitor);
        g_free(pooled);
    }
    g_clear_pointer(&pool->urgent, caller_monitor_free_at_once);
    g_ptr_array_unref(pool->all);
    g_main_context_unref(pool->context);
    g_free(pool);
}
