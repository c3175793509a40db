/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Callers: who they are, and that they left. A peer is a unique bus name. It is known from its first call (which waits
 * until the bus has told its credentials) until NameOwnerChanged says that it left the bus. */
#pragma once

#include "bus.h"

#define BUS_PEER_NO_ID G_MAXUINT32

typedef struct BusPeer {
    char *name; /* owned; the unique name, ":1.42" */
    guint32 uid; /* as the bus vouches for it; BUS_PEER_NO_ID where it cannot */
    guint32 pid; /* likewise */
    guint64 start_time; /* of that process, as it was when the bus told of it; 0: not known */
} BusPeer;

/* When a process started, in the kernel's ticks; FALSE: there is none, or it cannot be told. */
gboolean bus_peer_read_start_time(guint32 pid, guint64 *ret_time);

/* The peer, or NULL when it has not called yet or has left. Borrowed; valid until the main context runs again. */
const BusPeer *bus_get_peer(Bus *bus, const char *unique_name);

/* Sends a signal to one peer alone. FALSE: not sent, since the peer has gone or leaves too much unread. Borrows @signal, which
 * gets the peer as its destination. */
gboolean bus_peer_send(Bus *bus, const char *unique_name, DBusMessage *signal);

/* Called once for every peer that had called and has now left the bus. */
typedef void (*BusPeerGoneFunc)(Bus *bus, const char *unique_name, gpointer user_data);

typedef struct BusPeerWatch BusPeerWatch;
BusPeerWatch *bus_watch_peers(Bus *bus, BusPeerGoneFunc func, gpointer user_data);
void bus_peer_watch_free(BusPeerWatch *watch);
