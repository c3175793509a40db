/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The callers of a Bus: who is there, and that they left. */
#pragma once

#include "bus-call.h"

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

/* The table of them; the rest is for dbus/ alone. One a Bus, made by bus-open.c. */
typedef struct BusPeers BusPeers;

/* Called for every call whose caller is known; consumes @call. May close the Bus. */
typedef void (*BusDeliverFunc)(BusCall *call, gpointer user_data);
BusPeers *bus_peers_new(Bus *bus, BusDeliverFunc func, gpointer user_data);
void bus_peers_free(BusPeers *peers);
BusPeers *bus_get_peers(Bus *bus); /* NULL once closed */

void bus_peers_take_call(BusPeers *peers, DBusMessage *message);
void bus_peers_expect(BusPeers *peers, const char *unique_name); /* has joined the bus, and may call */
void bus_peers_forget(BusPeers *peers, const char *unique_name); /* has left */
struct BusBudget *bus_peers_get_budget(BusPeers *peers);
guint bus_peers_count(BusPeers *peers); /* entries in the table, complete or not */
