/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* org.freedesktop.DBus.ObjectManager: its method, and its signals. Only dbus/ includes this. */
#pragma once

#include "bus-signals.h"
#include "bus-tree.h"

/* @node: a BusNode. Consumes @call. */
void bus_managed_get(BusCall *call, gpointer node);

/* Every manager above @object, which is published, tells it by a signal. @only: NULL for all its interfaces. */
void bus_managed_added(BusSignals *signals, BusObject *object, BusInterface *only);
void bus_managed_removed(BusSignals *signals, BusObject *object, BusInterface *only);
