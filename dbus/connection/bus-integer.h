/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Integers of whatever D-Bus type: callers' languages choose it (dbus-python takes `i`, GLib what it is told). */
#pragma once

#include <glib.h>

#include "bus-libdbus.h"

/* Exact for all of them. */
typedef struct BusInteger {
    gboolean is_negative;
    guint64 value; /* where it is negative: as gint64 */
} BusInteger;

/* Whether @type, of a basic value, is one of the seven. */
gboolean bus_integer_is(int type);

/* Reads the integer that @iter stands at. */
BusInteger bus_integer_read(DBusMessageIter *iter);
