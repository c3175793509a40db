/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A Bus as the other files share it: its memory, what hangs in it, and the one way out. bus-join.c makes it. */
#include "bus-connection.h"

#include "bus-state.h"

Bus *
bus_ref(Bus *bus)
{
    bus->refs++;
    return bus;
}

void
bus_unref(Bus *bus)
{
    if (--bus->refs > 0)
        return;
    g_main_context_unref(bus->context);
    g_free(bus->unique_name);
    g_free(bus->own_name);
    g_free(bus);
}

GMainContext *
bus_get_context(Bus *bus)
{
    return bus->context;
}

const char *
bus_get_unique_name(Bus *bus)
{
    return bus->unique_name;
}

void
bus_set_receiver(Bus *bus, const BusReceiver *receiver, gpointer user_data)
{
    bus->receiver = receiver;
    bus->receiver_data = user_data;
}

gpointer
bus_get_receiver(Bus *bus)
{
    return bus->receiver_data;
}

void
bus_set_before_send(Bus *bus, BusBeforeSendFunc func, gpointer user_data)
{
    bus->before_send = func;
    bus->before_send_data = user_data;
}

gpointer
bus_get_before_send(Bus *bus)
{
    return bus->before_send_data;
}

void
bus_before_send(Bus *bus)
{
    if (bus->before_send)
        bus->before_send(bus->before_send_data);
}

void
bus_send_now(Bus *bus, DBusMessage *message)
{
    if (bus->connection)
        dbus_connection_send(bus->connection, message, NULL);
}

void
bus_send(Bus *bus, DBusMessage *message)
{
    bus_before_send(bus);
    bus_send_now(bus, message);
}
