/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A message of which somebody has the body as bytes already. */
#pragma once

#include <glib.h>

#include "bus-libdbus.h"

/* The reply to the call with @serial, from @destination. @body: values of @signature, as D-Bus marshals them in the machine's own
 * order. libdbus checks all of it as if it had come from the bus, at 8 ms a megabyte. NULL: they are not right. */
DBusMessage *bus_assemble_reply(const char *destination, guint32 serial, const char *signature, const GByteArray *body);
