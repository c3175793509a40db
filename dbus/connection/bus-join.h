/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A Bus without objects: joined, and closed again. bus-open.h is for everybody else. */
#pragma once

#include "bus.h"

/* As bus_open(), for bus-open.c, which attaches peers and objects. */
Bus *bus_connect(GMainContext *context, const char *address, BusStateFunc func, gpointer user_data, GError **error);

/* As bus_close(); peers and objects have been detached. */
void bus_disconnect(Bus *bus);
