/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Properties that have changed and are still to be told. Only dbus/ includes this. */
#pragma once

#include "bus-signals.h"
#include "bus-tree.h"

/* One a Bus; bus-open.c has it flushed before whatever is sent. */
typedef struct BusChanges BusChanges;
BusChanges *bus_changes_new(Bus *bus, BusSignals *signals);
void bus_changes_free(BusChanges *changes); /* forgets what is still to be told */

/* The property at @index of the slot's interface has a new value. */
void bus_changes_note(BusChanges *changes, BusObject *object, BusSlot *slot, guint index);
void bus_changes_forget(BusChanges *changes, BusObject *object);
void bus_changes_flush(BusChanges *changes);
