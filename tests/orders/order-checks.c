/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-checks.h"

#include <string.h>

#include "order-add.h"

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
           (g_strv_contains(dbus_errors, name) || (g_strv_contains(bus_errors, name) && world->has_stopped));
}

/* The list of objects is what signals have told. */
static void
check_objects(OrderWorld *world, OrderCall *call)
{
    DBusMessageIter iter, objects, entry;
    guint n = 0;

    if (!dbus_message_has_signature(call->answer, "a{oa{sa{sv}}}"))
        return;
    dbus_message_iter_init(call->answer, &iter);
    dbus_message_iter_recurse(&iter, &objects);
    for (; dbus_message_iter_get_arg_type(&objects) != DBUS_TYPE_INVALID; dbus_message_iter_next(&objects), n++) {
        const char *path;
        dbus_message_iter_recurse(&objects, &entry);
        dbus_message_iter_get_basic(&entry, &path);
        if (!g_hash_table_contains(world->published, path))
            order_world_fail(world, "%s is listed, and is not there", path);
    }
    if (n < g_hash_table_size(world->published))
        order_world_fail(world, "of %u objects %u are listed", g_hash_table_size(world->published), n);
}

/* An answer has come. */
static void
look_at_answer(OrderWorld *world, OrderCaller *caller, OrderCall *call)
{
    if (g_str_equal(call->what, "GetManagedObjects"))
        check_objects(world, call);
    if (g_str_equal(call->what, "Subscribe") && !order_call_get_error(call) && !caller->is_subscribed) {
        caller->is_subscribed = TRUE;
        caller->n_told = order_qemu_count_events(world->qemu);
    }
    order_add_take_answer(world, caller, call);
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
        if (call->answer && !call->is_seen)
            look_at_answer(world, caller, call);
        call->is_seen = call->answer != NULL;
        if (call->is_late && call->answer && g_strcmp0(error, DBUS_PREFIX "UnknownObject") != 0)
            order_world_fail(world, "%s's %s has been answered by %s, and the object was not there", caller->name,
                             call->what, error ? error : "a value");
        if (caller->connection && call->n_answers == 0 && !order_world_has_vm(world) && !order_add_is_call(call))
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
    if (order_qemu_get_asked(world->qemu))
        order_world_fail(world, "QEMU is sent %s, and has told that it ends", order_qemu_get_asked(world->qemu));
    if (!order_world_has_vm(world) && g_hash_table_size(world->published) > 0)
        order_world_fail(world, "the VM has gone, and an object of it is there");
    if (!order_world_has_vm(world) && order_world_get_client(world))
        order_world_fail(world, "the VM has gone, and a native session goes on");
    if (world->kind->way == ORDER_WAY_ADDRESS)
        order_add_check(world);
}

/* The call that waits; NULL: none does. */
static OrderCall *
find_unanswered(OrderCaller *caller)
{
    for (guint i = 0; caller && i < caller->calls->len; i++)
        if (((OrderCall *)g_ptr_array_index(caller->calls, i))->n_answers == 0)
            return g_ptr_array_index(caller->calls, i);
    return NULL;
}

static void
check_answered(OrderWorld *world, OrderCaller *caller)
{
    OrderCall *call = caller && caller->connection ? find_unanswered(caller) : NULL;

    if (call)
        order_world_fail(world, "%s's %s is not answered, and nobody is waited for", caller->name, call->what);
}

/* Each event is a signal once, also one that came while the VM was being added: to everybody, or on the system bus to those alone who
 * have subscribed. An agent before has heard some that the next one does not. */
static void
check_events(OrderWorld *world)
{
    guint n_told = order_qemu_count_events(world->qemu);
    gboolean is_system = world->kind->config.is_system;

    if (!order_world_has_vm(world) || !g_hash_table_contains(world->published, ORDER_VM_PATH) || world->has_stopped)
        return;
    if (world->n_heard != (is_system ? 0 : n_told))
        order_world_fail(world, "of %u events %u were heard", n_told, world->n_heard);
    if (is_system && world->a->connection && world->a->is_subscribed &&
        (world->a->n_events < n_told - world->a->n_told || world->a->n_events > n_told))
        order_world_fail(world, "of %u events, %u of them since Subscribe(), %u were sent", n_told,
                         n_told - world->a->n_told, world->a->n_events);
}

/* Nobody gets what they have not subscribed to. */
static void
check_signals(OrderWorld *world, OrderCaller *caller)
{
    if (caller && caller->n_events > 0 && !caller->is_subscribed)
        order_world_fail(world, "%s gets events, and has not subscribed", caller->name);
}

void
order_checks_after_service(OrderWorld *world)
{
    check_answered(world, world->keeper);
    check_answered(world, world->a);
    check_answered(world, world->b);
    check_events(world);
    check_signals(world, world->a);
    check_signals(world, world->b);
}

void
order_checks_after_idle(OrderWorld *world)
{
    guint n = order_qemu_count_plugged(world->qemu);

    if (!order_world_has_vm(world) || order_qemu_is_stopped(world->qemu) || order_qemu_count_held(world->qemu) > 0 || find_unanswered(world->a) ||
        find_unanswered(world->b) || order_world_get_client(world))
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

/* Who had subscribed to a VM of that name before has not to this one. */
static void
note_vm_added(OrderWorld *world)
{
    OrderCaller *callers[] = { world->a, world->b };

    world->n_heard = 0;
    for (guint i = 0; i < G_N_ELEMENTS(callers); i++)
        if (callers[i]) {
            callers[i]->is_subscribed = FALSE;
            callers[i]->n_events = 0;
        }
}

static void
note_added(OrderWorld *world, const char *path)
{
    if (!g_hash_table_add(world->published, g_strdup(path)))
        order_world_fail(world, "%s is added twice", path);
    if (g_str_equal(path, ORDER_VM_PATH)) {
        note_vm_added(world);
        order_add_note_vm(world, TRUE);
    }
}

static void
note_removed(OrderWorld *world, const char *path)
{
    if (!g_hash_table_remove(world->published, path))
        order_world_fail(world, "%s is removed twice", path);
    if (g_str_equal(path, ORDER_VM_PATH))
        order_add_note_vm(world, FALSE);
}

void
order_checks_take_signal(OrderWorld *world, DBusMessage *signal)
{
    const char *member = dbus_message_get_member(signal), *path = dbus_message_get_path(signal);

    if (!g_str_has_prefix(path, ORDER_ROOT))
        return; /* the bus's own */
    if (!is_of_module(world, path))
        order_world_fail(world, "%s of %s, which is not there", member, path);
    /* The schema knows the event, or does not. */
    if (g_str_equal(dbus_message_get_interface(signal), ORDER_NAME ".Events") || g_str_equal(member, "Event"))
        world->n_heard++;
    if (g_str_equal(member, "InterfacesAdded"))
        note_added(world, get_first_path(signal));
    if (g_str_equal(member, "InterfacesRemoved"))
        note_removed(world, get_first_path(signal));
}
