/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A DBusConnection on a GMainContext, as one GSource. */
#pragma once

#include <glib.h>

#include "bus-libdbus.h"

/* Puts the connection's watches and dispatching on @context (NULL: the default one), at default priority.
 * The source holds a reference to the connection. The caller owns the source and ends it with bus_source_detach(). */
GSource *bus_source_attach(DBusConnection *connection, GMainContext *context);

/* Takes the connection off the context, and drops the source. Allowed from within a dispatch. */
void bus_source_detach(GSource *source);
