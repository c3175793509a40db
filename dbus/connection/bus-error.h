/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The errors that D-Bus itself defines, as a GError domain. */
#pragma once

#include <glib.h>

typedef enum BusErrorCode {
    BUS_ERROR_FAILED,
    BUS_ERROR_DISCONNECTED,
    BUS_ERROR_TIMED_OUT,
    BUS_ERROR_INVALID_ARGS,
    BUS_ERROR_UNKNOWN_OBJECT,
    BUS_ERROR_UNKNOWN_INTERFACE,
    BUS_ERROR_UNKNOWN_METHOD,
    BUS_ERROR_UNKNOWN_PROPERTY,
    BUS_ERROR_PROPERTY_READ_ONLY,
    BUS_ERROR_ACCESS_DENIED,
    BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED,
    BUS_ERROR_LIMITS_EXCEEDED,
    BUS_ERROR_NAME_HAS_NO_OWNER,
} BusErrorCode;

#define BUS_ERROR (bus_error_quark())

/* A quark made of a copied string: the module that holds this code can be unloaded, GLib's table of quarks stays. */
GQuark bus_error_quark(void);

/* The D-Bus name of a code, "org.freedesktop.DBus.Error.InvalidArgs" for example. */
const char *bus_error_get_name(BusErrorCode code);

/* The code of a D-Bus error name that a peer sent; BUS_ERROR_FAILED for a name not listed above. */
BusErrorCode bus_error_from_name(const char *name);
