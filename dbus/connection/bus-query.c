/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Method calls of ours that await a reply: bus-join.c, bus-peers.c, bus-budget.c and the policy make them. The Bus
 * owns them until they are answered or cancelled. */
#include "bus-query.h"

#include "bus-connection.h"
#include "bus-hook.h"
#include "bus-state.h"

struct BusQuery {
    Bus *bus; /* weak: bus_disconnect() frees its queries */
    GList link; /* in the bus's queries, or in its unsent where there is no pending call */
    DBusPendingCall *pending; /* owned */
    gboolean is_of_bus; /* the bus itself is asked */
    BusQueryFunc func;
    gpointer user_data;
};

static void
query_free(BusQuery *query)
{
    g_queue_unlink(query->pending ? &query->bus->queries : &query->bus->unsent, &query->link);
    if (query->pending)
        dbus_pending_call_unref(query->pending);
    g_free(query);
}

/* libdbus calls it NoReply when the time is over. */
static BusErrorCode
get_reply_code(const char *name)
{
    gboolean late = g_strcmp0(name, DBUS_ERROR_NO_REPLY) == 0 || g_strcmp0(name, DBUS_ERROR_TIMEOUT) == 0;

    return late ? BUS_ERROR_TIMED_OUT : bus_error_from_name(name);
}

static GError *
get_reply_error(DBusMessage *reply)
{
    DBusError refused = DBUS_ERROR_INIT;
    GError *error = NULL;

    if (dbus_set_error_from_message(&refused, reply))
        error = g_error_new_literal(BUS_ERROR, get_reply_code(refused.name), refused.message);
    else if (dbus_message_get_type(reply) != DBUS_MESSAGE_TYPE_METHOD_RETURN)
        error = g_error_new_literal(BUS_ERROR, BUS_ERROR_FAILED, "The reply is neither a return nor an error");
    dbus_error_free(&refused);
    return error;
}

/* dbus-daemon's session.conf lets replies pass that nobody has asked for, and libdbus takes any that has the serial. */
static gboolean
is_forged(BusQuery *query, DBusMessage *reply)
{
    const char *sender = dbus_message_get_sender(reply);

    return query->is_of_bus && sender && g_strcmp0(sender, DBUS_SERVICE_DBUS) != 0;
}

/* Freed first: the function may close the Bus, and with it every query that is left. */
static void
on_query_reply(DBusPendingCall *pending, void *user_data)
{
    BusQuery *query = user_data;
    BusQueryFunc func = query->func;
    gpointer func_data = query->user_data;
    DBusMessage *reply = dbus_pending_call_steal_reply(pending);
    g_autoptr(GError) error =
        is_forged(query, reply)
            ? g_error_new_literal(BUS_ERROR, BUS_ERROR_FAILED, "Somebody else has answered what the bus was asked")
            : get_reply_error(reply);

    query_free(query);
    func(error ? NULL : reply, error, func_data);
    dbus_message_unref(reply);
}

static gboolean
has_unsent(gpointer user_data)
{
    return ((Bus *)user_data)->unsent.length > 0;
}

static void
tell_disconnected(BusQuery *query)
{
    BusQueryFunc func = query->func;
    gpointer func_data = query->user_data;
    g_autoptr(GError) error = g_error_new_literal(BUS_ERROR, BUS_ERROR_DISCONNECTED, "The message bus went away");

    query_free(query);
    func(NULL, error, func_data);
}

static void
tell_unsent(gpointer user_data)
{
    tell_disconnected(g_queue_peek_head(&((Bus *)user_data)->unsent));
}

/* libdbus takes the replies of a lost connection for timed out, and then tells nobody. A query that is asked from here
 * on joins the unsent ones, so that the loop ends. Any of the callbacks may close the Bus, which empties the queue. */
void
bus_queries_disconnected(Bus *bus)
{
    while (bus->queries.length > 0) {
        BusQuery *query = g_queue_peek_head(&bus->queries);

        dbus_pending_call_cancel(query->pending);
        tell_disconnected(query);
    }
}

void
bus_queries_open(Bus *bus)
{
    bus->unsent_hook = bus_hook_attach(bus, has_unsent, tell_unsent, bus);
}

void
bus_queries_close(Bus *bus)
{
    while (bus->queries.length > 0)
        bus_query_cancel(g_queue_peek_head(&bus->queries));
    while (bus->unsent.length > 0)
        bus_query_cancel(g_queue_peek_head(&bus->unsent));
    bus_hook_detach(g_steal_pointer(&bus->unsent_hook));
}

BusQuery *
bus_query(Bus *bus, DBusMessage *message, int timeout_ms, BusQueryFunc func, gpointer user_data)
{
    BusQuery *query;

    g_return_val_if_fail(bus->connection, NULL);
    bus_before_send(bus);
    query = g_new0(BusQuery, 1);
    query->bus = bus;
    query->link.data = query;
    query->is_of_bus = g_strcmp0(dbus_message_get_destination(message), DBUS_SERVICE_DBUS) == 0;
    query->func = func;
    query->user_data = user_data;
    dbus_connection_send_with_reply(bus->connection, message, &query->pending, timeout_ms);
    if (query->pending)
        dbus_pending_call_set_notify(query->pending, on_query_reply, query, NULL);
    g_queue_push_tail_link(query->pending ? &bus->queries : &bus->unsent, &query->link);
    return query;
}

void
bus_query_cancel(BusQuery *query)
{
    if (query->pending)
        dbus_pending_call_cancel(query->pending);
    query_free(query);
}
