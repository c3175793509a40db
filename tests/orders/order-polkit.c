/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "order-polkit.h"

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_INTERFACE "org.freedesktop.PolicyKit1.Authority"

struct OrderPolkit {
    char *bus_address; /* owned */
    DBusConnection *connection; /* owned; NULL: polkit has left */
    GQueue questions; /* of DBusMessage, ref */
    guint64 n_asked;
    gboolean is_obliging;
};

void
order_polkit_join(OrderPolkit *polkit)
{
    DBusError error = DBUS_ERROR_INIT;

    polkit->connection = dbus_connection_open_private(polkit->bus_address, &error);
    if (!polkit->connection || !dbus_bus_register(polkit->connection, &error))
        g_error("no connection to the bus: %s", error.message);
    dbus_connection_set_exit_on_disconnect(polkit->connection, FALSE);
    if (dbus_bus_request_name(polkit->connection, POLKIT_NAME, 0, &error) != DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER)
        g_error("no name for polkit");
}

void
order_polkit_leave(OrderPolkit *polkit)
{
    if (!polkit->connection)
        return;
    g_queue_clear_full(&polkit->questions, (GDestroyNotify)dbus_message_unref);
    dbus_connection_close(polkit->connection);
    g_clear_pointer(&polkit->connection, dbus_connection_unref);
}

OrderPolkit *
order_polkit_new(const char *bus_address)
{
    OrderPolkit *polkit = g_new0(OrderPolkit, 1);

    polkit->bus_address = g_strdup(bus_address);
    order_polkit_join(polkit);
    return polkit;
}

void
order_polkit_free(OrderPolkit *polkit)
{
    order_polkit_leave(polkit);
    g_free(polkit->bus_address);
    g_free(polkit);
}

void
order_polkit_answer(OrderPolkit *polkit, OrderPolkitAnswer how)
{
    DBusMessage *question = g_queue_pop_head(&polkit->questions);
    DBusMessage *answer = dbus_message_new_method_return(question);
    dbus_bool_t is_authorized = how == ORDER_POLKIT_YES, is_challenge = how == ORDER_POLKIT_CHALLENGE;
    DBusMessageIter iter, result, details;

    dbus_message_iter_init_append(answer, &iter);
    dbus_message_iter_open_container(&iter, DBUS_TYPE_STRUCT, NULL, &result);
    dbus_message_iter_append_basic(&result, DBUS_TYPE_BOOLEAN, &is_authorized);
    dbus_message_iter_append_basic(&result, DBUS_TYPE_BOOLEAN, &is_challenge);
    dbus_message_iter_open_container(&result, DBUS_TYPE_ARRAY, "{ss}", &details);
    dbus_message_iter_close_container(&result, &details);
    dbus_message_iter_close_container(&iter, &result);
    dbus_connection_send(polkit->connection, answer, NULL);
    dbus_message_unref(answer);
    dbus_message_unref(question);
}

static const char *
get_cancellation(DBusMessage *question)
{
    DBusMessageIter iter;
    const char *id;

    dbus_message_iter_init(question, &iter);
    while (dbus_message_iter_has_next(&iter))
        dbus_message_iter_next(&iter);
    dbus_message_iter_get_basic(&iter, &id);
    return id;
}

static void
cancel_question(OrderPolkit *polkit, DBusMessage *message)
{
    const char *id = get_cancellation(message);

    for (GList *i = polkit->questions.head; i; i = i->next) {
        if (!g_str_equal(get_cancellation(i->data), id))
            continue;
        dbus_message_unref(i->data);
        g_queue_delete_link(&polkit->questions, i);
        return;
    }
}

static void
note_question(OrderPolkit *polkit, DBusMessage *question)
{
    g_queue_push_tail(&polkit->questions, dbus_message_ref(question));
    polkit->n_asked++;
}

static void
take_message(OrderPolkit *polkit, DBusMessage *message)
{
    if (dbus_message_is_method_call(message, POLKIT_INTERFACE, "CancelCheckAuthorization"))
        cancel_question(polkit, message);
    else if (dbus_message_is_method_call(message, POLKIT_INTERFACE, "CheckAuthorization"))
        note_question(polkit, message);
    while (polkit->is_obliging && polkit->questions.head)
        order_polkit_answer(polkit, ORDER_POLKIT_YES);
}

void
order_polkit_run(OrderPolkit *polkit)
{
    DBusMessage *message;

    dbus_connection_read_write(polkit->connection, 0);
    while ((message = dbus_connection_pop_message(polkit->connection))) {
        take_message(polkit, message);
        dbus_message_unref(message);
    }
}

DBusConnection *
order_polkit_get_connection(OrderPolkit *polkit)
{
    return polkit->connection;
}

guint64
order_polkit_count_asked(OrderPolkit *polkit)
{
    return polkit->n_asked;
}

guint
order_polkit_count_questions(OrderPolkit *polkit)
{
    return polkit->questions.length;
}

void
order_polkit_set_obliging(OrderPolkit *polkit, gboolean is_obliging)
{
    polkit->is_obliging = is_obliging;
    if (is_obliging && !polkit->connection)
        order_polkit_join(polkit);
    while (is_obliging && polkit->questions.head)
        order_polkit_answer(polkit, ORDER_POLKIT_YES);
}
