/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connection with all that stands on it. The host opens one. */
#pragma once

#include "bus-signals.h"

/* Opens a connection to the bus at @address (D-Bus spec, "Server Addresses"; any DBUS_*_BUS_ADDRESS value). The
 * process does not exit when the bus goes. Fails at once with BUS_ERROR_DISCONNECTED where the address is bad or
 * refuses. */
Bus *bus_open(GMainContext *context, const char *address, BusStateFunc func, gpointer user_data, GError **error);

/* Drops the names, unpublishes what is left, forgets pending queries without calling back, and closes the connection.
 * Messages that were sent before are flushed as far as the socket takes it without blocking. Queries and drains are
 * gone with it; objects, watches and calls are not: they do nothing any more, and are freed or answered as ever. */
void bus_close(Bus *bus);

/* Signals to everybody are withheld while the bus keeps too much of them for those who listen and do not read: where users
 * share a bus, one of them could otherwise take the service away from all. Changes of properties come later; other signals
 * are lost. @func is told, not from inside. For a Bus that has joined. */
void bus_limit_signals(Bus *bus, BusWithheldFunc func, gpointer user_data);
