/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of D-Bus's own error names (D-Bus spec, "org.freedesktop.DBus.Error"; dbus-protocol.h). */
#include "bus-error.h"

#include <dbus/dbus.h>

#define INTERACTIVE_AUTHORIZATION_REQUIRED "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"

static const char *const names[] = {
    [BUS_ERROR_FAILED] = DBUS_ERROR_FAILED,
    [BUS_ERROR_DISCONNECTED] = DBUS_ERROR_DISCONNECTED,
    [BUS_ERROR_TIMED_OUT] = DBUS_ERROR_TIMED_OUT,
    [BUS_ERROR_INVALID_ARGS] = DBUS_ERROR_INVALID_ARGS,
    [BUS_ERROR_UNKNOWN_OBJECT] = DBUS_ERROR_UNKNOWN_OBJECT,
    [BUS_ERROR_UNKNOWN_INTERFACE] = DBUS_ERROR_UNKNOWN_INTERFACE,
    [BUS_ERROR_UNKNOWN_METHOD] = DBUS_ERROR_UNKNOWN_METHOD,
    [BUS_ERROR_UNKNOWN_PROPERTY] = DBUS_ERROR_UNKNOWN_PROPERTY,
    [BUS_ERROR_PROPERTY_READ_ONLY] = DBUS_ERROR_PROPERTY_READ_ONLY,
    [BUS_ERROR_ACCESS_DENIED] = DBUS_ERROR_ACCESS_DENIED,
    [BUS_ERROR_INTERACTIVE_AUTHORIZATION_REQUIRED] = INTERACTIVE_AUTHORIZATION_REQUIRED,
    [BUS_ERROR_LIMITS_EXCEEDED] = DBUS_ERROR_LIMITS_EXCEEDED,
    [BUS_ERROR_NAME_HAS_NO_OWNER] = DBUS_ERROR_NAME_HAS_NO_OWNER,
};

GQuark
bus_error_quark(void)
{
    return g_quark_from_string("org-qemu-monitor1-bus-error");
}

const char *
bus_error_get_name(BusErrorCode code)
{
    return names[code];
}

BusErrorCode
bus_error_from_name(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_strcmp0(names[i], name) == 0)
            return (BusErrorCode)i;
    return BUS_ERROR_FAILED;
}
