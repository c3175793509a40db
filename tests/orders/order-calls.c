/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-calls.h"

#include <unistd.h>

static void
append_strings(DBusMessage *message, guint n, const char *const *names, const char *const *values)
{
    DBusMessageIter iter, dict, entry, value;

    dbus_message_iter_init_append(message, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dict);
    for (guint i = 0; i < n; i++) {
        dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &names[i]);
        dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "s", &value);
        dbus_message_iter_append_basic(&value, DBUS_TYPE_STRING, &values[i]);
        dbus_message_iter_close_container(&entry, &value);
        dbus_message_iter_close_container(&dict, &entry);
    }
    dbus_message_iter_close_container(&iter, &dict);
}

static void
append_empty(DBusMessage *message, gboolean has_job)
{
    const char *const names[] = { "job-id", "options" }, *const values[] = { "j0", "none" };

    append_strings(message, has_job ? G_N_ELEMENTS(names) : 0, names, values);
}

static DBusMessage *
new_vm_call(OrderWorld *world, const char *member, const char *command)
{
    if (!command)
        return order_world_new_call(world, ORDER_VM_PATH, ORDER_NAME ".VM", member, DBUS_TYPE_INVALID);
    return order_world_new_call(world, ORDER_VM_PATH, ORDER_NAME ".VM", member, DBUS_TYPE_STRING, &command,
                                DBUS_TYPE_INVALID);
}

static void
send_method(OrderWorld *world, OrderCaller *caller, const char *member)
{
    order_world_send(world, caller, member,
                     order_world_new_call(world, ORDER_VM_PATH, ORDER_NAME ".QMP", member, DBUS_TYPE_INVALID));
}

void
order_calls_method(OrderWorld *world)
{
    send_method(world, world->a, "Stop");
}

void
order_calls_b_method(OrderWorld *world)
{
    if (!world->b)
        world->b = order_world_add_caller(world, "b");
    send_method(world, world->b, "Cont");
}

void
order_calls_execute(OrderWorld *world)
{
    DBusMessage *message = new_vm_call(world, "Execute", "cont");

    append_empty(message, /* has_job= */ FALSE);
    order_world_send(world, world->a, "Execute", message);
}

void
order_calls_json(OrderWorld *world)
{
    const char *command = "query-status", *arguments = "{}";

    order_world_send(world, world->a, "ExecuteJSON",
                     order_world_new_call(world, ORDER_VM_PATH, ORDER_NAME ".VM", "ExecuteJSON", DBUS_TYPE_STRING,
                                          &command, DBUS_TYPE_STRING, &arguments, DBUS_TYPE_INVALID));
}

void
order_calls_wait(OrderWorld *world)
{
    DBusMessage *message = new_vm_call(world, "ExecuteAndWait", "blockdev-create");

    append_empty(message, /* has_job= */ TRUE);
    append_empty(message, /* has_job= */ FALSE);
    order_world_send(world, world->a, "ExecuteAndWait", message);
}

/* With a timeout that is over before anybody is idle. */
void
order_calls_wait_in_time(OrderWorld *world)
{
    DBusMessage *message = new_vm_call(world, "ExecuteAndWait", "blockdev-create");
    const char *name = "timeout";
    guint64 timeout = 5 * G_TIME_SPAN_SECOND;
    DBusMessageIter iter, dict, entry, value;

    append_empty(message, /* has_job= */ TRUE);
    dbus_message_iter_init_append(message, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dict);
    dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
    dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &name);
    dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "t", &value);
    dbus_message_iter_append_basic(&value, DBUS_TYPE_UINT64, &timeout);
    dbus_message_iter_close_container(&entry, &value);
    dbus_message_iter_close_container(&dict, &entry);
    dbus_message_iter_close_container(&iter, &dict);
    order_world_send(world, world->a, "ExecuteAndWait for 5 s", message);
}

void
order_calls_wait_stop(OrderWorld *world)
{
    DBusMessage *message = new_vm_call(world, "ExecuteAndWait", "stop");

    append_empty(message, /* has_job= */ FALSE);
    append_empty(message, /* has_job= */ FALSE);
    order_world_send(world, world->a, "ExecuteAndWait of stop", message);
}

void
order_calls_open(OrderWorld *world)
{
    DBusMessage *message = new_vm_call(world, "OpenMonitor", /* command= */ NULL);

    append_empty(message, /* has_job= */ FALSE);
    order_world_send(world, world->a, "OpenMonitor", message);
}

/* A client connects by a path, and the caller gets a descriptor that ends with the session. */
void
order_calls_open_path(OrderWorld *world)
{
    DBusMessage *message = new_vm_call(world, "OpenMonitor", /* command= */ NULL);
    g_autofree char *value = g_strdup_printf("n%u", ++world->n_names);
    const char *name = "path";

    append_strings(message, /* n= */ 1, &name, (const char *const[]){ value });
    g_free(world->path);
    world->path = g_build_filename(world->directory, ORDER_NATIVE, value, NULL);
    order_world_send(world, world->a, "OpenMonitor", message);
}

void
order_calls_fdset(OrderWorld *world)
{
    int ends[2];

    g_assert_no_errno(pipe(ends));
    order_world_send(world, world->a, "AddFd",
                     order_world_new_call(world, ORDER_VM_PATH, ORDER_NAME ".QMP", "AddFd", DBUS_TYPE_UNIX_FD,
                                          &ends[0], DBUS_TYPE_INVALID));
    close(ends[0]);
    close(ends[1]);
}

static void
send_get_all(OrderWorld *world, const char *path, const char *interface)
{
    order_world_send(world, world->a, "GetAll",
                     order_world_new_call(world, path, DBUS_INTERFACE_PROPERTIES, "GetAll", DBUS_TYPE_STRING,
                                          &interface, DBUS_TYPE_INVALID));
}

void
order_calls_property(OrderWorld *world)
{
    send_get_all(world, ORDER_VM_PATH, ORDER_NAME ".VM");
}

void
order_calls_job_property(OrderWorld *world)
{
    send_get_all(world, ORDER_JOB_PATH, ORDER_NAME ".Job");
}

void
order_calls_quiet(OrderWorld *world)
{
    DBusMessage *message = new_vm_call(world, "Execute", "stop");

    append_empty(message, /* has_job= */ FALSE);
    dbus_message_set_allow_interactive_authorization(message, FALSE);
    order_world_send(world, world->a, "Execute without a dialog", message);
}

void
order_calls_introspect(OrderWorld *world)
{
    order_world_send(
        world, world->a, "Introspect",
        order_world_new_call(world, ORDER_VM_PATH, DBUS_INTERFACE_INTROSPECTABLE, "Introspect", DBUS_TYPE_INVALID));
}

void
order_calls_screenshot(OrderWorld *world)
{
    DBusMessage *message = new_vm_call(world, "Screenshot", /* command= */ NULL);

    append_empty(message, /* has_job= */ FALSE);
    order_world_send(world, world->a, "Screenshot", message);
    world->has_picture = TRUE;
}

void
order_calls_display(OrderWorld *world)
{
    DBusMessage *message = new_vm_call(world, "OpenDisplay", "vnc");

    append_empty(message, /* has_job= */ FALSE);
    order_world_send(world, world->a, "OpenDisplay", message);
}

void
order_calls_list(OrderWorld *world)
{
    order_world_send(world, world->a, "ListMonitors", new_vm_call(world, "ListMonitors", /* command= */ NULL));
}

void
order_calls_objects(OrderWorld *world)
{
    order_world_send(world, world->a, "GetManagedObjects",
                     order_world_new_call(world, ORDER_ROOT, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                                          DBUS_TYPE_INVALID));
}

void
order_calls_subscribe(OrderWorld *world)
{
    const char **none = NULL;

    order_world_send(world, world->a, "Subscribe",
                     order_world_new_call(world, ORDER_VM_PATH, ORDER_NAME ".VM", "Subscribe", DBUS_TYPE_ARRAY,
                                          DBUS_TYPE_STRING, &none, 0, DBUS_TYPE_INVALID));
}

void
order_calls_cancel(OrderWorld *world)
{
    order_world_send(world, world->a, "Cancel",
                     order_world_new_call(world, ORDER_JOB_PATH, ORDER_NAME ".Job", "Cancel", DBUS_TYPE_INVALID));
}
