/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The functions that the files above a connection attach to it; see bus-connection.h. */
#pragma once

#include <glib.h>

#include "bus-libdbus.h"

/* A receiver gets, until the Bus is disconnected, every method call, and the unique names that join and leave the bus
 * as far as match rules ask for them. Each function may close the Bus. */
typedef struct BusReceiver {
    void (*take_call)(gpointer user_data, DBusMessage *message);
    void (*name_joined)(gpointer user_data, const char *unique_name);
    void (*name_left)(gpointer user_data, const char *unique_name);
} BusReceiver;

/* Called before any message goes out by bus_send() or bus_query(): messages that must come first are
 * sent by bus_send_now(). */
typedef void (*BusBeforeSendFunc)(gpointer user_data);
