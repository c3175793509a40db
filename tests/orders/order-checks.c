/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-checks.h"

#include <string.h>
#include <unistd.h>

/* us; more than any timer of the module. */
#define LONG_TIME ((gint64)10 * 60 * G_TIME_SPAN_SECOND)

/* us; the host's patience with an instance that prepares its stop. */
#define STOP_TIME ((gint64)2 * G_TIME_SPAN_SECOND)

/* us; a caller's monitor is removed, and its fdsets. */
#define IDLE_TIME ((gint64)15 * G_TIME_SPAN_SECOND)

const char *const order_ends[] = { "removed", "gone", "left", "stopped", "quit", NULL };

/* The contract's errors. */
static const char *const own_errors[] = { "GenericError",
                                          "CommandNotFound",
                                          "DeviceNotFound",
                                          "DeviceNotActive",
                                          "KVMMissingCap",
                                          "Disconnected",
                                          "TimedOut",
                                          "Unrepresentable",
                                          "NotSupported",
                                          "NotAuthorized",
                                          NULL };
static const char *const dbus_errors[] = { "InvalidArgs",    "UnknownMethod",
                                           "UnknownObject",  "InteractiveAuthorizationRequired",
                                           "LimitsExceeded", NULL };
/* The bus's own, for a module that has left. */
static const char *const bus_errors[] = { "ServiceUnknown", "NoReply", "NameHasNoOwner", NULL };

#define OWN_PREFIX ORDER_NAME ".Error."
#define DBUS_PREFIX "org.freedesktop.DBus.Error."

static gboolean
is_error_known(OrderWorld *world, const char *error)
{
    const char *name = strrchr(error, '.') + 1;

    if (g_str_has_prefix(error, OWN_PREFIX))
        return g_strv_contains(own_errors, name);
    return g_str_has_prefix(error, DBUS_PREFIX) &&
           (g_strv_contains(dbus_errors, name) ||
            (g_strv_contains(bus_errors, name) && (!world->host.instance || world->host.is_stopping)));
}

static void
check_calls(OrderWorld *world, OrderCaller *caller)
{
    for (guint i = 0; i < caller->calls->len; i++) {
        OrderCall *call = g_ptr_array_index(caller->calls, i);
        const char *error = order_call_get_error(call);
        if (call->n_answers > 1)
            order_world_fail(world, "%s's %s has been answered %u times", caller->name, call->what, call->n_answers);
        if (error && !is_error_known(world, error))
            order_world_fail(world, "%s's %s has failed by %s", caller->name, call->what, error);
        if (call->is_late && call->answer && g_strcmp0(error, DBUS_PREFIX "UnknownObject") != 0)
            order_world_fail(world, "%s's %s has been answered by %s, and the VM had gone", caller->name, call->what,
                             error ? error : "a value");
        if (caller->connection && call->n_answers == 0 && !order_world_has_vm(world))
            order_world_fail(world, "%s's %s is not answered, and the VM has gone", caller->name, call->what);
    }
}

void
order_checks_after_step(OrderWorld *world)
{
    check_calls(world, world->keeper);
    check_calls(world, world->a);
    if (world->b)
        check_calls(world, world->b);
    if (!order_world_has_vm(world) && g_hash_table_size(world->published) > 0)
        order_world_fail(world, "the VM has gone, and an object of it is there");
    if (!order_world_has_vm(world) && order_world_get_client(world))
        order_world_fail(world, "the VM has gone, and a native session goes on");
}

static gboolean
has_unanswered(OrderCaller *caller)
{
    for (guint i = 0; caller && i < caller->calls->len; i++)
        if (((OrderCall *)g_ptr_array_index(caller->calls, i))->n_answers == 0)
            return TRUE;
    return FALSE;
}

void
order_checks_after_idle(OrderWorld *world)
{
    guint n = order_qemu_count_plugged(world->qemu);

    if (!order_world_has_vm(world) || order_qemu_count_held(world->qemu) > 0 || has_unanswered(world->a) ||
        has_unanswered(world->b) || order_world_get_client(world))
        return;
    if (n > 0)
        order_world_fail(world, "%u monitors that nobody uses are plugged still", n);
}

static const char *
get_first_path(DBusMessage *signal)
{
    const char *path = NULL;

    dbus_message_get_args(signal, NULL, DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID);
    return path;
}

static gboolean
is_of_module(OrderWorld *world, const char *path)
{
    return g_str_equal(path, ORDER_ROOT) || g_hash_table_contains(world->published, path);
}

void
order_checks_take_signal(OrderWorld *world, DBusMessage *signal)
{
    const char *member = dbus_message_get_member(signal), *path = dbus_message_get_path(signal);

    if (!g_str_has_prefix(path, ORDER_ROOT))
        return; /* the bus's own */
    if (!is_of_module(world, path))
        order_world_fail(world, "%s of %s, which is not there", member, path);
    if (g_str_equal(member, "InterfacesAdded") &&
        !g_hash_table_add(world->published, g_strdup(get_first_path(signal))))
        order_world_fail(world, "%s is added twice", get_first_path(signal));
    if (g_str_equal(member, "InterfacesRemoved") && !g_hash_table_remove(world->published, get_first_path(signal)))
        order_world_fail(world, "%s is removed twice", get_first_path(signal));
}

static guint
count_fds(void)
{
    g_autoptr(GDir) fds = g_dir_open("/proc/self/fd", 0, NULL);
    guint n = 0;

    while (g_dir_read_name(fds))
        n++;
    return n;
}

static void
remove_vm(OrderWorld *world)
{
    const char *path = ORDER_VM_PATH;

    if (!order_world_has_vm(world))
        return;
    world->is_removed = TRUE;
    order_caller_send(world->keeper, "RemoveVM",
                      order_world_new_call(world, ORDER_ROOT, ORDER_NAME ".Manager", "RemoveVM", DBUS_TYPE_OBJECT_PATH,
                                           &path, DBUS_TYPE_INVALID));
    order_world_settle(world);
}

static void
check_left_over(OrderWorld *world, OrderQemu *qemu, gboolean counts_fdsets)
{
    g_autofree char *left_over = order_qemu_dup_left_over(qemu, counts_fdsets);

    if (left_over)
        order_world_fail(world, "left in QEMU:%s", left_over);
}

/* Of an agent that ends without any preparation fdsets stay, and so they do in a QEMU whose guest stands when the VM goes. */
static void
check_all_left_over(OrderWorld *world)
{
    OrderQemu *qemus[] = { world->qemu, world->former };

    for (guint i = 0; i < G_N_ELEMENTS(qemus); i++)
        if (qemus[i] && !(world->has_quit && order_qemu_was_left(qemus[i])))
            check_left_over(world, qemus[i], !world->has_quit && !order_qemu_was_paused(qemus[i]));
}

/* The VM stays, and nobody uses it. A screenshot's fdset is kept for the next one. */
static void
check_unused_vm(OrderWorld *world)
{
    if (!order_world_has_vm(world))
        return;
    order_qemu_continue(world->qemu);
    order_world_pass_time(world, IDLE_TIME);
    check_left_over(world, world->qemu, !world->has_picture);
}

static void
leave_callers(OrderWorld *world)
{
    order_caller_leave(world->a);
    if (world->b)
        order_caller_leave(world->b);
    g_ptr_array_set_size(world->clients, 0);
    order_world_settle(world);
}

static void
begin_end(OrderWorld *world, const char *how)
{
    if (g_str_equal(how, "removed"))
        remove_vm(world);
    else if (g_str_equal(how, "gone"))
        order_qemu_go(world->qemu);
    else if (g_str_equal(how, "left"))
        leave_callers(world);
    else if (g_str_equal(how, "stopped") && world->host.instance && !world->host.is_stopping)
        order_host_prepare_stop(&world->host);
    else if (g_str_equal(how, "quit") && world->host.instance)
        order_world_quit(world);
    order_world_settle(world);
    order_checks_after_step(world);
}

/* Monitors that are objects go with their connection, whatever becomes of the agent; those of monitor-add do not. */
static gboolean
may_leave_something(OrderWorld *world)
{
    return world->has_quit && world->kind->qemu == ORDER_QEMU_MONITOR_ADD;
}

static void
check_rest(OrderWorld *world)
{
    guint n_polled, n_fds = count_fds();
    gint64 next = order_world_get_next(&n_polled);

    if (next >= 0)
        order_world_fail(world, "something waits for its time, with nothing to do");
    if (world->n_fds == 0 && world->host.instance) {
        world->n_fds = n_fds;
        world->n_polled = n_polled;
    }
    if (world->n_fds > 0 && n_fds > world->n_fds)
        order_world_fail(world, "%u descriptors are left", n_fds - world->n_fds);
    if (world->n_polled > 0 && n_polled > world->n_polled)
        order_world_fail(world, "%u descriptors are polled still", n_polled - world->n_polled);
    if (!world->host.instance && n_polled > 1)
        order_world_fail(world, "%u descriptors are polled, and the module has stopped", n_polled - 1);
    if (order_polkit_count_questions(world->polkit) > 0)
        order_world_fail(world, "polkit has a question that nobody waits for");
    if (g_hash_table_size(world->published) > 0)
        order_world_fail(world, "an object is left on the bus");
}

void
order_checks_end(OrderWorld *world, const char *how)
{
    begin_end(world, how);
    order_qemu_set_holding(world->qemu, FALSE);
    if (world->former)
        order_qemu_set_holding(world->former, FALSE);
    order_world_settle(world);
    order_world_pass_time(world, world->host.is_stopping ? STOP_TIME : IDLE_TIME);
    if (world->host.is_stopping)
        order_host_stop(&world->host);
    order_world_settle(world);
    order_checks_after_step(world);
    if (g_str_equal(how, "left"))
        check_unused_vm(world);
    leave_callers(world);
    remove_vm(world);
    order_world_pass_time(world, LONG_TIME);
    if (!may_leave_something(world))
        check_all_left_over(world);
    order_checks_after_step(world);
    g_clear_pointer(&world->a, order_caller_free);
    g_clear_pointer(&world->b, order_caller_free);
    g_clear_pointer(&world->qemu, order_qemu_free);
    g_clear_pointer(&world->former, order_qemu_free);
    g_ptr_array_set_size(world->keeper->calls, 0);
    order_polkit_set_obliging(world->polkit, TRUE);
    order_world_pass_time(world, LONG_TIME);
    check_rest(world);
}
