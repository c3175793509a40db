/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-caller.h"

static void
order_call_free(gpointer data)
{
    OrderCall *call = data;

    g_clear_pointer(&call->answer, dbus_message_unref);
    g_free(call->what);
    g_free(call->path);
    g_free(call);
}

OrderCaller *
order_caller_new(const char *name, const char *bus_address)
{
    OrderCaller *caller = g_new0(OrderCaller, 1);
    DBusError error = DBUS_ERROR_INIT;

    caller->name = name;
    caller->calls = g_ptr_array_new_with_free_func(order_call_free);
    caller->connection = dbus_connection_open_private(bus_address, &error);
    if (!caller->connection || !dbus_bus_register(caller->connection, &error))
        g_error("no connection to the bus: %s", error.message);
    dbus_connection_set_exit_on_disconnect(caller->connection, FALSE);
    return caller;
}

void
order_caller_leave(OrderCaller *caller)
{
    if (!caller->connection)
        return;
    dbus_connection_close(caller->connection);
    g_clear_pointer(&caller->connection, dbus_connection_unref);
}

void
order_caller_free(OrderCaller *caller)
{
    order_caller_leave(caller);
    g_ptr_array_unref(caller->calls);
    g_free(caller);
}

void
order_caller_add_match(OrderCaller *caller, const char *rule)
{
    DBusError error = DBUS_ERROR_INIT;

    dbus_bus_add_match(caller->connection, rule, &error);
    if (dbus_error_is_set(&error))
        g_error("%s: %s", rule, error.message);
}

OrderCall *
order_caller_send(OrderCaller *caller, const char *what, DBusMessage *message)
{
    OrderCall *call = g_new0(OrderCall, 1);

    dbus_connection_send(caller->connection, message, &call->serial);
    call->sent_at = g_get_monotonic_time();
    call->what = g_strdup(what);
    call->path = g_strdup(dbus_message_get_path(message));
    g_ptr_array_add(caller->calls, call);
    dbus_message_unref(message);
    return call;
}

static void
take_answer(OrderCaller *caller, DBusMessage *message)
{
    for (guint i = 0; i < caller->calls->len; i++) {
        OrderCall *call = g_ptr_array_index(caller->calls, i);
        if (call->serial != dbus_message_get_reply_serial(message))
            continue;
        if (call->n_answers++ == 0)
            call->answer = dbus_message_ref(message);
        return;
    }
    g_error("an answer to caller %s, who has not asked", caller->name);
}

/* One that the schema knows, or any other. */
static gboolean
is_event(DBusMessage *signal)
{
    return g_str_has_suffix(dbus_message_get_interface(signal), ".Events") ||
           g_str_equal(dbus_message_get_member(signal), "Event");
}

static void
take_message(OrderCaller *caller, DBusMessage *message)
{
    int type = dbus_message_get_type(message);

    if (type == DBUS_MESSAGE_TYPE_METHOD_RETURN || type == DBUS_MESSAGE_TYPE_ERROR)
        take_answer(caller, message);
    else if (dbus_message_get_destination(message) && is_event(message))
        caller->n_events++;
    else if (caller->on_signal)
        caller->on_signal(message, caller->user_data);
}

void
order_caller_run(OrderCaller *caller)
{
    DBusMessage *message;

    dbus_connection_read_write(caller->connection, 0);
    while ((message = dbus_connection_pop_message(caller->connection))) {
        take_message(caller, message);
        dbus_message_unref(message);
    }
}

void
order_caller_sync(OrderCaller *caller)
{
    DBusMessage *question =
        dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "GetId");
    DBusError error = DBUS_ERROR_INIT;
    DBusMessage *answer =
        dbus_connection_send_with_reply_and_block(caller->connection, question, DBUS_TIMEOUT_INFINITE, &error);

    if (!answer)
        g_error("the bus does not answer: %s", error.message);
    dbus_message_unref(answer);
    dbus_message_unref(question);
}

const char *
order_call_get_error(OrderCall *call)
{
    return call->answer ? dbus_message_get_error_name(call->answer) : NULL;
}
