/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fields of a Bus, which the files of this folder share. Above them, only tests that look for leftovers include this. */
#pragma once

#include "bus-receiver.h"
#include "bus.h"

typedef struct BusHooks BusHooks;

struct Bus {
    guint refs; /* bus_connect()'s; one for each object, call and watch; one while a message is dispatched */
    GMainContext *context; /* ref */
    DBusConnection *connection; /* owned, private; NULL once closed */
    GSource *source; /* owned */
    BusHooks *hooks; /* owned; NULL once closed */
    char *unique_name; /* owned; NULL before Hello is answered */
    BusStateFunc on_state;
    gpointer state_data;
    gboolean failed; /* on_state has been told the last thing */
    char *own_name; /* owned; the name asked for */
    BusNameFunc on_name;
    gpointer name_data;
    GQueue queries; /* of BusQuery, owned: sent, not answered; by their deadlines */
    GHashTable *queries_by_serial; /* owned: serial → BusQuery, weak; NULL once closed */
    GSource *query_timer; /* owned; NULL once closed */
    GQueue unsent; /* of BusQuery, owned: could not be sent, still to be told */
    struct BusHook *unsent_hook; /* owned */
    GQueue drains; /* of BusDrain, owned */
    const BusReceiver *receiver; /* ref; NULL: none, and once closed */
    gpointer receiver_data; /* weak */
    BusBeforeSendFunc before_send; /* NULL: none, and once closed */
    gpointer before_send_data; /* weak */
};
