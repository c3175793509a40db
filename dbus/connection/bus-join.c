/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connection's life: joining the bus, owning a name, taking in what arrives, closing. bus-open.c makes one for the
 * host; the Bus owns the queries and drains of this folder. Objects and peers are detached before it closes.
 *
 * Joining: Hello and the match rule for leaving peers are sent together before anything else, so that the bus has the
 * rule before it sees any question about a caller. Whoever calls us and leaves is then reported in that order. */
#include "bus-join.h"

#include "bus-connection.h"
#include "bus-drain.h"
#include "bus-hook.h"
#include "bus-query.h"
#include "bus-source.h"
#include "bus-state.h"

/* arg2 is the new owner: only names that lose theirs. A watch per caller would miss those that have already left. */
#define MATCH_LEAVING                                                                                                 \
    "type='signal',sender='" DBUS_SERVICE_DBUS "',path='" DBUS_PATH_DBUS "',interface='" DBUS_INTERFACE_DBUS          \
    "',member='NameOwnerChanged',arg2=''"

/* The most descriptors that the kernel passes at once. dbus-daemon lets 16 through as libdbus does, but not every bus
 * is that strict, and a message with more than libdbus expects ends the connection. */
#define MAX_FDS_A_MESSAGE 253

/* The last flush is over after so many writes of 2 KiB, however fast the bus reads. */
#define MAX_FINAL_WRITES 4096

static void
fail_bus(Bus *bus, const GError *error)
{
    if (bus->failed)
        return;
    bus->failed = TRUE;
    bus->on_state(bus, error, bus->state_data);
}

static void
on_hello(DBusMessage *reply, const GError *error, gpointer user_data)
{
    Bus *bus = user_data;
    g_autoptr(GError) invalid = NULL;
    const char *name = NULL;

    if (!error && !dbus_message_get_args(reply, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID)) {
        g_set_error_literal(&invalid, BUS_ERROR, BUS_ERROR_FAILED, "The bus does not tell our unique name");
        error = invalid;
    }
    if (error) {
        fail_bus(bus, error);
        return;
    }
    dbus_bus_set_unique_name(bus->connection, name);
    bus->unique_name = g_strdup(name);
}

static void
on_departures_rule_added(DBusMessage *reply, const GError *error, gpointer user_data)
{
    Bus *bus = user_data;

    if (error)
        fail_bus(bus, error);
    else if (!bus->failed)
        bus->on_state(bus, NULL, bus->state_data);
}

static DBusMessage *
new_request(const char *method)
{
    return dbus_message_new_method_call(DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, method);
}

static void
join_bus(Bus *bus)
{
    DBusMessage *hello = new_request("Hello");
    DBusMessage *match = new_request("AddMatch");
    const char *rule = MATCH_LEAVING;

    dbus_message_append_args(match, DBUS_TYPE_STRING, &rule, DBUS_TYPE_INVALID);
    bus_query(bus, hello, DBUS_TIMEOUT_USE_DEFAULT, on_hello, bus);
    bus_query(bus, match, DBUS_TIMEOUT_USE_DEFAULT, on_departures_rule_added, bus);
    dbus_message_unref(match);
    dbus_message_unref(hello);
}

static void
name_lost(Bus *bus, const char *name)
{
    g_autoptr(GError) error = NULL;

    if (g_strcmp0(name, bus->own_name) != 0)
        return;
    g_clear_pointer(&bus->own_name, g_free);
    g_set_error(&error, BUS_ERROR, BUS_ERROR_FAILED, "The name %s was taken away", name);
    bus->on_name(bus, error, bus->name_data);
}

static void
tell_receiver(Bus *bus, const char *name, gboolean has_left)
{
    if (!bus->receiver)
        return;
    if (has_left)
        bus->receiver->name_left(bus->receiver_data, name);
    else
        bus->receiver->name_joined(bus->receiver_data, name);
}

/* From the bus driver, whose name nobody else can send under. */
static void
take_bus_signal(Bus *bus, DBusMessage *message)
{
    const char *name, *old, *new;

    if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameOwnerChanged")) {
        if (dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_STRING, &old, DBUS_TYPE_STRING,
                                  &new, DBUS_TYPE_INVALID) &&
            name[0] == ':' && (new[0] == '\0' || old[0] == '\0'))
            tell_receiver(bus, name, /* has_left= */ new[0] == '\0');
    } else if (dbus_message_is_signal(message, DBUS_INTERFACE_DBUS, "NameLost")) {
        if (dbus_message_get_args(message, NULL, DBUS_TYPE_STRING, &name, DBUS_TYPE_INVALID))
            name_lost(bus, name);
    }
}

/* The questions fail first, then the state is told, if nobody closed the Bus at that. */
static void
take_disconnected(Bus *bus)
{
    g_autoptr(GError) error = NULL;

    bus_queries_disconnected(bus);
    if (!bus->connection)
        return;
    g_set_error_literal(&error, BUS_ERROR, BUS_ERROR_DISCONNECTED, "The message bus went away");
    fail_bus(bus, error);
}

static void
take_signal(Bus *bus, DBusMessage *message)
{
    const char *sender = dbus_message_get_sender(message);

    if (g_strcmp0(sender, DBUS_SERVICE_DBUS) == 0)
        take_bus_signal(bus, message);
    else if (!sender && dbus_message_is_signal(message, DBUS_INTERFACE_LOCAL, "Disconnected"))
        take_disconnected(bus);
}

/* Every method call is ours: left unhandled, libdbus would answer it, and one that "needs memory" comes again. All else that is
 * no signal is a reply. */
static DBusHandlerResult
on_message(DBusConnection *connection, DBusMessage *message, void *user_data)
{
    g_autoptr(Bus) bus = bus_ref(user_data);

    if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_METHOD_CALL) {
        if (bus->receiver)
            bus->receiver->take_call(bus->receiver_data, message);
        return DBUS_HANDLER_RESULT_HANDLED;
    }
    if (dbus_message_get_type(message) == DBUS_MESSAGE_TYPE_SIGNAL)
        take_signal(bus, message);
    else
        bus_queries_take_reply(bus, message);
    return DBUS_HANDLER_RESULT_NOT_YET_HANDLED;
}

static DBusConnection *
open_connection(const char *address, GError **error)
{
    DBusError refused = DBUS_ERROR_INIT;
    DBusConnection *connection = dbus_connection_open_private(address, &refused);

    if (!connection) {
        g_set_error(error, BUS_ERROR, BUS_ERROR_DISCONNECTED, "Cannot connect to the message bus at %s: %s", address,
                    refused.message);
        dbus_error_free(&refused);
        return NULL;
    }
    dbus_connection_set_exit_on_disconnect(connection, FALSE);
    /* libdbus would answer Ping by itself, and nobody would count it. */
    dbus_connection_set_route_peer_messages(connection, TRUE);
    dbus_connection_set_max_message_unix_fds(connection, MAX_FDS_A_MESSAGE);
    return connection;
}

Bus *
bus_connect(GMainContext *context, const char *address, BusStateFunc func, gpointer user_data, GError **error)
{
    DBusConnection *connection = open_connection(address, error);
    Bus *bus;

    if (!connection)
        return NULL;
    bus = g_new0(Bus, 1);
    bus->refs = 1;
    bus->context = g_main_context_ref(context ? context : g_main_context_default());
    bus->connection = connection;
    bus->source = bus_source_attach(connection, bus->context);
    bus->on_state = func;
    bus->state_data = user_data;
    bus_hooks_open(bus);
    bus_queries_open(bus);
    dbus_connection_add_filter(connection, on_message, bus, NULL);
    join_bus(bus);
    return bus;
}

/* dbus_connection_flush() would wait for a bus that does not read. */
static void
flush_without_waiting(DBusConnection *connection)
{
    GPollFD fd = { .events = G_IO_OUT };

    if (!dbus_connection_get_is_authenticated(connection) || !dbus_connection_get_unix_fd(connection, &fd.fd))
        return;
    for (guint i = 0; i < MAX_FINAL_WRITES && dbus_connection_has_messages_to_send(connection); i++) {
        if (!dbus_connection_get_is_connected(connection) || g_poll(&fd, 1, 0) <= 0 || !(fd.revents & G_IO_OUT))
            return;
        dbus_connection_read_write(connection, 0);
    }
}

void
bus_disconnect(Bus *bus)
{
    DBusConnection *connection = g_steal_pointer(&bus->connection);

    g_return_if_fail(connection);
    bus_queries_close(bus);
    bus_drains_close(bus);
    bus_hooks_close(bus);
    flush_without_waiting(connection);
    dbus_connection_remove_filter(connection, on_message, bus);
    bus_source_detach(g_steal_pointer(&bus->source));
    dbus_connection_close(connection);
    dbus_connection_unref(connection);
    bus_unref(bus);
}

static void
on_name_requested(DBusMessage *reply, const GError *error, gpointer user_data)
{
    Bus *bus = user_data;
    g_autoptr(GError) taken = NULL;
    dbus_uint32_t result = 0;

    if (!error) {
        dbus_message_get_args(reply, NULL, DBUS_TYPE_UINT32, &result, DBUS_TYPE_INVALID);
        if (result != DBUS_REQUEST_NAME_REPLY_PRIMARY_OWNER && result != DBUS_REQUEST_NAME_REPLY_ALREADY_OWNER)
            g_set_error(&taken, BUS_ERROR, BUS_ERROR_FAILED, "The name %s is owned by somebody else", bus->own_name);
        error = taken;
    }
    if (error)
        g_clear_pointer(&bus->own_name, g_free);
    bus->on_name(bus, error, bus->name_data);
}

void
bus_own_name(Bus *bus, const char *name, BusNameFunc func, gpointer user_data)
{
    dbus_uint32_t flags = DBUS_NAME_FLAG_DO_NOT_QUEUE;
    DBusMessage *request;

    g_return_if_fail(bus->connection && !bus->own_name);
    g_return_if_fail(dbus_validate_bus_name(name, NULL));
    bus->own_name = g_strdup(name);
    bus->on_name = func;
    bus->name_data = user_data;
    request = new_request("RequestName");
    dbus_message_append_args(request, DBUS_TYPE_STRING, &name, DBUS_TYPE_UINT32, &flags, DBUS_TYPE_INVALID);
    bus_query(bus, request, DBUS_TIMEOUT_USE_DEFAULT, on_name_requested, bus);
    dbus_message_unref(request);
}
