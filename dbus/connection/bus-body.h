/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How long a message is, found out without a copy of it. */
#pragma once

#include <glib.h>

#include "bus-libdbus.h"

/* A length, or what a number takes with its padding. */
#define BUS_BODY_WORD 8

/* Bytes that the arguments of @message take on the wire, without most of their padding; not counted much further than
 * @max. Descriptors are none. */
gsize bus_body_measure(DBusMessage *message, gsize max);
