/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "context.h"

#include <unistd.h>

guint32
context_get_uid(void)
{
    return geteuid();
}

const char *
context_get_system_bus_address(void)
{
    const char *address = g_getenv("DBUS_SYSTEM_BUS_ADDRESS");

    return address ? address : "unix:path=/run/dbus/system_bus_socket";
}
