/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One private connection to a message bus: owning a name, asking others, sending. bus-open.h opens and closes one. Nothing
 * here blocks: no synchronous call, not even Hello. */
#pragma once

#include <glib.h>

#include "bus-error.h"
#include "bus-libdbus.h"

typedef struct Bus Bus;

/* Tells how the connection stands. @error is NULL once, when the bus has greeted us and every caller is being
 * watched: from then on objects can be called by unique name and bus_own_name() can be asked for. @error is set at
 * most once, as the last thing: the bus cannot be joined, or it went away. Never called from inside bus_open().
 * Closing the Bus from inside is allowed. */
typedef void (*BusStateFunc)(Bus *bus, const GError *error, gpointer user_data);

/* Tells, once, whether the name is ours (@error NULL) or why not. Also called with an error when it is lost later. */
typedef void (*BusNameFunc)(Bus *bus, const GError *error, gpointer user_data);

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
