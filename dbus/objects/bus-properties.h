/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handlers of org.freedesktop.DBus.Properties. Only dbus/ includes this. */
#pragma once

#include "bus-call.h"

/* @node: a BusNode. Consume @call. */
void bus_properties_get(BusCall *call, gpointer node);
void bus_properties_get_all(BusCall *call, gpointer node);
void bus_properties_set(BusCall *call, gpointer node);
