/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One private connection to a message bus: joining it, owning a name, asking others, sending. Everything that the
 * other files of this folder do hangs on a Bus. Nothing here blocks: no synchronous call, not even Hello. */
#pragma once

#include <dbus/dbus.h>
#include <glib.h>

#include "bus-error.h"

typedef struct Bus Bus;

/* Tells how the connection stands. @error is NULL once, when the bus has greeted us and every caller is being
 * watched: from then on objects can be called by unique name and bus_own_name() can be asked for. @error is set at
 * most once, as the last thing: the bus cannot be joined, or it went away. Never called from inside bus_open().
 * Closing the Bus from inside is allowed. */
typedef void (*BusStateFunc)(Bus *bus, const GError *error, gpointer user_data);

/* Tells, once, whether the name is ours (@error NULL) or why not. Also called with an error when it is lost later. */
typedef void (*BusNameFunc)(Bus *bus, const GError *error, gpointer user_data);

/* Opens a connection to the bus at @address (D-Bus spec, "Server Addresses"; any DBUS_*_BUS_ADDRESS value). The
 * process does not exit when the bus goes. Fails at once with BUS_ERROR_DISCONNECTED where the address is bad or
 * refuses. */
Bus *bus_open(GMainContext *context, const char *address, BusStateFunc func, gpointer user_data, GError **error);

/* From here on callers are found out when they join the bus instead of when they first call: which process that is can be
 * known too late. To be called once, before anybody can know of us. */
void bus_find_out_early(Bus *bus);

/* Drops the names, unpublishes what is left, forgets pending queries without calling back, and closes the connection.
 * What was sent before is flushed as far as the socket takes it without blocking. Queries and drains are gone with it;
 * objects, watches and calls are not: they do nothing any more, and are freed or answered as ever. */
void bus_close(Bus *bus);

/* Asks for a well-known name (DBUS_NAME_FLAG_DO_NOT_QUEUE). One name a Bus. */
void bus_own_name(Bus *bus, const char *name, BusNameFunc func, gpointer user_data);

/* Our unique name; NULL before the bus has greeted us. */
const char *bus_get_unique_name(Bus *bus);

/* Sends a message, after the property changes that are queued. Borrows @message. */
void bus_send(Bus *bus, DBusMessage *message);

/* Bytes that the bus has not taken yet. */
gsize bus_get_outgoing_size(Bus *bus);

/* Calls @func once, from the main context, when no more than @size bytes wait to be taken by the bus (at once, but
 * never from inside, when that is so already). For those who must stop producing while the bus is slow.
 * bus_drain_cancel() forgets it. */
typedef struct BusDrain BusDrain;
typedef void (*BusDrainFunc)(gpointer user_data);
BusDrain *bus_when_drained(Bus *bus, gsize size, BusDrainFunc func, gpointer user_data);
void bus_drain_cancel(BusDrain *drain);

/* A method call of ours that awaits its reply. */
typedef struct BusQuery BusQuery;

/* @reply is borrowed, a method return; or NULL with @error in the domain BUS_ERROR, whose message is the peer's.
 * Called exactly once unless cancelled, never from inside bus_query(); the BusQuery is gone when this returns. */
typedef void (*BusQueryFunc)(DBusMessage *reply, const GError *error, gpointer user_data);

/* @timeout_ms: DBUS_TIMEOUT_USE_DEFAULT (25 s), DBUS_TIMEOUT_INFINITE or milliseconds. Borrows @message. */
BusQuery *bus_query(Bus *bus, DBusMessage *message, int timeout_ms, BusQueryFunc func, gpointer user_data);
void bus_query_cancel(BusQuery *query);
