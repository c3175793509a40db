/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The handler of org.freedesktop.DBus.Introspectable. Only dbus/ includes this. */
#pragma once

#include "bus-tree.h"

/* @node: a BusNode. Consumes @call. */
void bus_introspect(BusCall *call, gpointer node);

/* Answers with what the node's interfaces say now; consumes @call. */
void bus_introspect_answer(BusCall *call, const BusNode *node);
