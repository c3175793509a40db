/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-steps.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Calls of one caller in one order. */
#define MAX_CALLS 4

/* us; longer than idle-timeout. */
#define IDLE_TIME ((gint64)11 * G_TIME_SPAN_SECOND)

/* us; after so long without a word QEMU counts as stuck. */
#define SILENT_TIME ((gint64)70 * G_TIME_SPAN_SECOND)

static gboolean
is_there(OrderWorld *world, OrderCaller *caller)
{
    return caller->connection && caller->calls->len < MAX_CALLS && world->host.instance;
}

static gboolean
is_a_there(OrderWorld *world)
{
    return is_there(world, world->a);
}

static gboolean
is_b_there(OrderWorld *world)
{
    return world->host.instance && (!world->b || is_there(world, world->b));
}

static void
append_empty(DBusMessage *message, gboolean has_job)
{
    const char *names[] = { "job-id", "options" }, *values[] = { "j0", "none" };
    DBusMessageIter iter, dict, entry, value;

    dbus_message_iter_init_append(message, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_ARRAY, "{sv}", &dict);
    for (guint i = 0; has_job && i < G_N_ELEMENTS(names); i++) {
        dbus_message_iter_open_container(&dict, DBUS_TYPE_DICT_ENTRY, NULL, &entry);
        dbus_message_iter_append_basic(&entry, DBUS_TYPE_STRING, &names[i]);
        dbus_message_iter_open_container(&entry, DBUS_TYPE_VARIANT, "s", &value);
        dbus_message_iter_append_basic(&value, DBUS_TYPE_STRING, &values[i]);
        dbus_message_iter_close_container(&entry, &value);
        dbus_message_iter_close_container(&dict, &entry);
    }
    dbus_message_iter_close_container(&iter, &dict);
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
    order_caller_send(caller, member,
                      order_world_new_call(world, ORDER_VM_PATH, ORDER_NAME ".QMP", member, DBUS_TYPE_INVALID));
}

static void
take_method(OrderWorld *world)
{
    send_method(world, world->a, "Stop");
}

static void
take_b_method(OrderWorld *world)
{
    if (!world->b)
        world->b = order_caller_new("b", test_daemon_get_address(world->daemon));
    send_method(world, world->b, "Cont");
}

static void
take_execute(OrderWorld *world)
{
    DBusMessage *message = new_vm_call(world, "Execute", "cont");

    append_empty(message, /* has_job= */ FALSE);
    order_caller_send(world->a, "Execute", message);
}

static void
take_json(OrderWorld *world)
{
    const char *command = "query-status", *arguments = "{}";

    order_caller_send(world->a, "ExecuteJSON",
                      order_world_new_call(world, ORDER_VM_PATH, ORDER_NAME ".VM", "ExecuteJSON", DBUS_TYPE_STRING,
                                           &command, DBUS_TYPE_STRING, &arguments, DBUS_TYPE_INVALID));
}

static void
take_wait(OrderWorld *world)
{
    DBusMessage *message = new_vm_call(world, "ExecuteAndWait", "blockdev-create");

    append_empty(message, /* has_job= */ TRUE);
    append_empty(message, /* has_job= */ FALSE);
    order_caller_send(world->a, "ExecuteAndWait", message);
}

static void
take_wait_stop(OrderWorld *world)
{
    DBusMessage *message = new_vm_call(world, "ExecuteAndWait", "stop");

    append_empty(message, /* has_job= */ FALSE);
    append_empty(message, /* has_job= */ FALSE);
    order_caller_send(world->a, "ExecuteAndWait of stop", message);
}

static void
take_open(OrderWorld *world)
{
    DBusMessage *message = new_vm_call(world, "OpenMonitor", /* command= */ NULL);

    append_empty(message, /* has_job= */ FALSE);
    order_caller_send(world->a, "OpenMonitor", message);
}

static void
take_fdset(OrderWorld *world)
{
    int ends[2];

    g_assert_no_errno(pipe(ends));
    order_caller_send(world->a, "AddFd",
                      order_world_new_call(world, ORDER_VM_PATH, ORDER_NAME ".QMP", "AddFd", DBUS_TYPE_UNIX_FD,
                                           &ends[0], DBUS_TYPE_INVALID));
    close(ends[0]);
    close(ends[1]);
}

static void
take_property(OrderWorld *world)
{
    const char *interface = ORDER_NAME ".VM";

    order_caller_send(world->a, "GetAll",
                      order_world_new_call(world, ORDER_VM_PATH, DBUS_INTERFACE_PROPERTIES, "GetAll",
                                           DBUS_TYPE_STRING, &interface, DBUS_TYPE_INVALID));
}

static void
take_introspect(OrderWorld *world)
{
    order_caller_send(world->a, "Introspect",
                      order_world_new_call(world, ORDER_VM_PATH, DBUS_INTERFACE_INTROSPECTABLE, "Introspect",
                                           DBUS_TYPE_INVALID));
}

static gboolean
has_client(OrderWorld *world)
{
    return order_world_get_client(world) != NULL;
}

static void
take_native(OrderWorld *world)
{
    static const char text[] = "{\"execute\":\"qmp_capabilities\"}{\"execute\":\"stop\",\"id\":1}";
    OrderClient *client = order_world_get_client(world);

    if (send(client->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        client->has_ended = TRUE;
}

static void
take_close(OrderWorld *world)
{
    g_ptr_array_remove(world->clients, order_world_get_client(world));
}

static gboolean
is_polkit_asked(OrderWorld *world)
{
    return order_polkit_count_questions(world->polkit) > 0;
}

static void
take_yes(OrderWorld *world)
{
    order_polkit_answer(world->polkit, TRUE);
}

static void
take_no(OrderWorld *world)
{
    order_polkit_answer(world->polkit, FALSE);
}

static gboolean
is_qemu_asked(OrderWorld *world)
{
    return order_qemu_count_held(world->qemu) > 0;
}

/* Where it is the same as to answer all, the step is none. */
static gboolean
is_qemu_asked_more(OrderWorld *world)
{
    return order_qemu_count_held(world->qemu) > 1;
}

static void
take_answer(OrderWorld *world)
{
    order_qemu_answer_all(world->qemu);
}

static void
take_answer_one(OrderWorld *world)
{
    order_qemu_answer_one(world->qemu);
}

static void
take_refuse(OrderWorld *world)
{
    order_qemu_refuse_all(world->qemu);
}

static gboolean
has_job(OrderWorld *world)
{
    return order_qemu_is_up(world->qemu) && order_qemu_has_job(world->qemu);
}

static void
take_job_ends(OrderWorld *world)
{
    order_qemu_end_job(world->qemu);
}

static gboolean
is_plugged(OrderWorld *world)
{
    return order_qemu_count_plugged(world->qemu) > 0;
}

static void
take_unplug(OrderWorld *world)
{
    order_qemu_drop_plugged(world->qemu);
}

static gboolean
is_qemu_up(OrderWorld *world)
{
    return order_qemu_is_up(world->qemu);
}

static void
take_go(OrderWorld *world)
{
    order_qemu_go(world->qemu);
}

static void
take_remove(OrderWorld *world)
{
    const char *path = ORDER_VM_PATH;

    order_caller_send(world->keeper, "RemoveVM",
                      order_world_new_call(world, ORDER_ROOT, ORDER_NAME ".Manager", "RemoveVM",
                                           DBUS_TYPE_OBJECT_PATH, &path, DBUS_TYPE_INVALID));
    world->is_removed = TRUE;
}

static gboolean
is_a_on_bus(OrderWorld *world)
{
    return world->a->connection != NULL;
}

static void
take_leave(OrderWorld *world)
{
    order_caller_leave(world->a);
}

static gboolean
is_host_running(OrderWorld *world)
{
    return world->host.instance && !world->host.is_stopping;
}

static void
take_stop(OrderWorld *world)
{
    order_host_prepare_stop(&world->host);
}

static gboolean
is_host_there(OrderWorld *world)
{
    return world->host.instance != NULL;
}

static void
take_quit(OrderWorld *world)
{
    order_host_stop(&world->host);
}

static void
take_idle(OrderWorld *world)
{
    order_world_pass_time(world, IDLE_TIME);
}

static void
take_silence(OrderWorld *world)
{
    order_world_pass_time(world, SILENT_TIME);
}

const OrderStep order_steps[] = {
    /* The caller. */
    { "method", is_a_there, take_method, TRUE },
    { "execute", is_a_there, take_execute, TRUE },
    { "json", is_a_there, take_json, FALSE },
    { "wait", is_a_there, take_wait, TRUE },
    { "wait-stop", is_a_there, take_wait_stop, FALSE },
    { "open", is_a_there, take_open, TRUE },
    { "fdset", is_a_there, take_fdset, TRUE },
    { "property", is_a_there, take_property, FALSE },
    { "introspect", is_a_there, take_introspect, FALSE },
    { "leave", is_a_on_bus, take_leave, TRUE },
    /* Another caller. */
    { "b-method", is_b_there, take_b_method, FALSE },
    /* The client of the native session. */
    { "native", has_client, take_native, TRUE },
    { "close", has_client, take_close, TRUE },
    /* Polkit. */
    { "yes", is_polkit_asked, take_yes, TRUE },
    { "no", is_polkit_asked, take_no, TRUE },
    /* QEMU. */
    { "answer", is_qemu_asked, take_answer, TRUE },
    { "answer-one", is_qemu_asked_more, take_answer_one, TRUE },
    { "refuse", is_qemu_asked, take_refuse, TRUE },
    { "job-ends", has_job, take_job_ends, TRUE },
    { "unplug", is_plugged, take_unplug, TRUE },
    { "go", is_qemu_up, take_go, TRUE },
    /* Somebody who may. */
    { "remove", order_world_has_vm, take_remove, TRUE },
    /* The host. */
    { "stop", is_host_running, take_stop, TRUE },
    { "quit", is_host_there, take_quit, TRUE },
    /* Time. */
    { "idle", is_host_there, take_idle, TRUE },
    { "silence", is_host_there, take_silence, TRUE },
    { 0 },
};

const OrderStep *
order_steps_find(const char *name)
{
    for (const OrderStep *step = order_steps; step->name; step++)
        if (g_str_equal(step->name, name))
            return step;
    return NULL;
}

void
order_step_take(const OrderStep *step, OrderWorld *world)
{
    step->take(world);
    order_world_settle(world);
}
