/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A Bus as the files above the connection see it: its memory, its context, and the two places where they attach what they
 * keep for it. Only dbus/ includes this. */
#pragma once

#include "bus-receiver.h"
#include "bus.h"

/* The memory stays while somebody may still ask it whether it is closed. */
Bus *bus_ref(Bus *bus);
void bus_unref(Bus *bus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Bus, bus_unref)

GMainContext *bus_get_context(Bus *bus);

/* One a Bus. @receiver must outlive the Bus; NULL with NULL: none any more. */
void bus_set_receiver(Bus *bus, const BusReceiver *receiver, gpointer user_data);
gpointer bus_get_receiver(Bus *bus); /* its user_data; NULL: there is none */

/* One a Bus; NULL with NULL: none any more. */
void bus_set_before_send(Bus *bus, BusBeforeSendFunc func, gpointer user_data);
gpointer bus_get_before_send(Bus *bus); /* its user_data; NULL: there is none */

/* Sends without calling the BusBeforeSendFunc. */
void bus_send_now(Bus *bus, DBusMessage *message);

/* Calls the BusBeforeSendFunc, for a message that goes out by a function of libdbus. */
void bus_before_send(Bus *bus);
