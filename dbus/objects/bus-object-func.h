/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Functions by which the maker of an object hears of its callers. */
#pragma once

#include "bus-call.h"

/* Consumes every call of Introspect on an object that has to find out first what it can do, at once or later, and gets
 * it answered by bus_object_introspect(). */
typedef void (*BusIntrospectFunc)(BusCall *call, gpointer object_data);

/* Told of every caller who reads properties of the object, by Get, GetAll or GetManagedObjects; must not change the
 * object. */
typedef void (*BusReadFunc)(gpointer object_data);

/* Told of every caller of GetManagedObjects, who may only listen from then on. */
typedef void (*BusListedFunc)(const BusPeer *peer, gpointer object_data);
