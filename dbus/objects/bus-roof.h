/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The objects of a Bus, which stand on its connection. Made by bus-open.c; only dbus/ includes this. */
#pragma once

#include "bus-changes.h"
#include "bus-connection.h"

typedef struct BusRoof {
    BusSignals *signals; /* owned */
    BusTree *tree; /* owned */
    BusChanges *changes; /* owned */
} BusRoof;

/* NULL once the Bus is closed. */
static inline BusRoof *
bus_get_roof(Bus *bus)
{
    return bus_get_before_send(bus);
}
