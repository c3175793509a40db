/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The interfaces that D-Bus itself defines for objects. Only dbus/ includes this. */
#pragma once

#include "bus-tree.h"

/* Makes one of each. */
void bus_standard_new(BusInterface *ret_interfaces[BUS_N_STANDARD]);
