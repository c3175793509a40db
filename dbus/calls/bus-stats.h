/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The numbers that dbus-daemon tells of a connection: GetConnectionStats of its interface Debug.Stats. Only dbus/
 * includes this. */
#pragma once

#include "bus.h"

/* @name: a unique name. The query is as any other; its answer counts everything that was sent before the question,
 * because the bus handles messages of one sender in their order. */
BusQuery *bus_stats_query(Bus *bus, const char *name, BusQueryFunc func, gpointer user_data);

/* One of the numbers of its @reply. FALSE: it does not say. */
gboolean bus_stats_read(DBusMessage *reply, const char *key, gsize *ret_number);
